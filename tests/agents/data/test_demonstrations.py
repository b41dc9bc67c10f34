"""Batches of whole episodes: always the same ones for a seed, and none that an evaluation plays."""

from itertools import islice

import numpy as np
import pytest

import gym_causal
from agents.data.collate import iterate_batches
from agents.data.demonstrations import FixedDemonstrations, StreamedDemonstrations, check_learnable, collect, fingerprint
from agents.data.experts import load_expert
from gym_causal.core.streams import SeedDomain
from gym_causal.registry import make_task
from gym_causal.rollouts import seeded_task
from tests.agents.data.hand_made import ragged_episodes

ENV_ID = "CausalDAG-v0"
TASK = make_task(ENV_ID)


def streamed(seed=3, first_batch=0, **env_kwargs):
    options = {"seed": seed, "first_batch": first_batch, "env_kwargs": env_kwargs}
    return StreamedDemonstrations("expert", ENV_ID, batch_size=8, chunk_size=32, **options)  # four batches per chunk


def fixed(num_episodes=20, seed=3, first_batch=0):
    episodes = gym_causal.collect("expert", ENV_ID, num_episodes=num_episodes, seed=1, explain="none")
    return FixedDemonstrations(episodes, TASK, batch_size=8, seed=seed, first_batch=first_batch)


def beginnings(batch):
    """What tells one episode from another: the first initial values."""
    return [tuple(values) for values in batch["obs"]["initial_values"][:, 0].tolist()]


def take(batches, count):
    return list(islice(batches, count))


def same(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert (a["acts"] == b["acts"]).all()
        assert all((a["obs"][key] == b["obs"][key]).all() for key in a["obs"])
    return True


@pytest.mark.parametrize("make", [streamed, fixed])
def test_a_seed_says_which_batches(make):
    assert same(take(make(), 9), take(make(), 9))
    again = make()
    assert same(take(again, 3), take(again, 3))  # imitation looks at the first batch and then begins anew
    assert beginnings(take(make(seed=4), 1)[0]) != beginnings(take(make(), 1)[0])


@pytest.mark.parametrize("make", [streamed, fixed])
@pytest.mark.parametrize("first_batch", [1, 3, 4, 5, 8])
def test_one_can_begin_anywhere(make, first_batch):
    assert same(take(make(first_batch=first_batch), 5), take(make(), first_batch + 5)[first_batch:])


def test_batches_are_whole_episodes_of_the_expert():
    (batch,) = take(streamed(), 1)
    assert batch["acts"].shape == (8, 7) and batch["obs"]["initial_values"].shape == (8, 7, 5)
    assert (batch["obs"]["trial"] == np.arange(7)).all()
    variables = np.sort(batch["acts"][:, :5] % 5, axis=1)
    assert (variables == np.arange(5)).all()  # it tries each of them once
    set_then = np.abs(batch["obs"]["last_intervention"][:, 1:6]).argmax(axis=2)
    assert (set_then == batch["acts"][:, :5] % 5).all()  # an action is beside what was seen before it, not after
    previous = batch["obs"]["previous_action"]
    assert previous.dtype == np.int64 and (previous[:, 0] == 0).all() and (previous[:, 1:] == batch["acts"][:, :-1] + 1).all()


def test_fresh_episodes_never_return():
    seen = [episode for batch in take(streamed(), 20) for episode in beginnings(batch)]
    assert len(set(seen)) == 160


def test_an_epoch_is_a_permutation():
    batches = take(fixed(num_episodes=24), 6)
    epochs = [[episode for batch in batches[i : i + 3] for episode in beginnings(batch)] for i in (0, 3)]
    whole = [episode for batch in iterate_batches(fixed(num_episodes=24).episodes, 10, TASK) for episode in beginnings(batch)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(whole) and len(set(whole)) == 24
    assert epochs[0] != epochs[1] != whole


def test_what_fills_no_batch_waits():
    batches = take(fixed(num_episodes=20), 60)
    epochs = [[episode for batch in batches[i : i + 2] for episode in beginnings(batch)] for i in range(0, 60, 2)]
    assert all(len(set(epoch)) == 16 for epoch in epochs)
    assert len({episode for epoch in epochs for episode in epoch}) == 20


@pytest.mark.parametrize("seed", [0, 3])
def test_no_evaluation_plays_a_demonstrated_episode(seed):
    demonstrated = {episode for batch in take(streamed(seed=seed), 40) for episode in beginnings(batch)}
    for domain_seed in (0, 1, seed):
        task = seeded_task(ENV_ID, 1_000, domain_seed, SeedDomain.EVALUATION, split="train", explain="none")
        task.begin(np.arange(task.num_envs), np.arange(task.num_envs))
        assert demonstrated.isdisjoint(tuple(values) for values in task.observations()["initial_values"].tolist())


def test_the_held_out_link_is_never_demonstrated():
    """D is no ancestor of E in any model behind a batch; each is found among the first episodes of the chunk's seed."""
    seed = int(np.random.SeedSequence([3, 0]).generate_state(1, np.uint64)[0])
    seen = [
        episode
        for batch in take(StreamedDemonstrations("expert", ENV_ID, batch_size=256, seed=3, chunk_size=512), 2)
        for episode in beginnings(batch)
    ]
    task = seeded_task(ENV_ID, 512, seed, SeedDomain.COLLECTION, split="train", graph_info=True)
    task.begin(np.arange(512), np.arange(512))
    assert [tuple(x) for x in task.observations()["initial_values"].tolist()] == seen
    reached = task.infos(text=False)["weights"] != 0  # (B, N, N)
    for _ in range(5):
        reached = reached | (reached.astype(int) @ reached.astype(int) > 0)
    assert not reached[:, 3, 4].any()
    assert reached[:, 4, 3].sum() > 50  # the other way round is common


def test_validation_has_episodes_of_its_own():
    """Though the seed is the same."""
    learned, held_out = (collect("expert", ENV_ID, 200, 3, {}, domain=domain) for domain in (SeedDomain.COLLECTION, SeedDomain.VALIDATION))
    first, second = (set(map(tuple, each.observations["initial_values"].tolist())) for each in (learned, held_out))
    assert len(first & second) <= 1  # the zeros of the final observations


def test_env_kwargs_reach_the_env():
    (batch,) = take(streamed(num_variables=3), 1)
    assert batch["obs"]["initial_values"].shape == (8, 5, 3)


def test_too_few_for_a_batch():
    with pytest.raises(ValueError, match="batch_size must be at most the number of episodes, 7, got 8"):
        fixed(num_episodes=7)


# --- recorded episodes that one may not learn from --------------------------------------------------------------------------


def recorded(policy="expert", env_id=ENV_ID, **env_kwargs):
    return gym_causal.collect(policy, env_id, num_episodes=4, seed=0, explain="none", **env_kwargs)


def refused(episodes):
    with pytest.raises(ValueError) as caught:
        check_learnable(episodes, ENV_ID, TASK)
    return str(caught.value)


def test_recorded_episodes_are_welcome():
    check_learnable(recorded(), ENV_ID, TASK)
    check_learnable(recorded("random", env_id="gym_causal:CausalDAG-v0"), ENV_ID, TASK)
    anonymous = recorded()
    anonymous.metadata.clear()
    check_learnable(anonymous, "gym_causal:CausalDAG-v0", TASK)


def test_a_module_in_front_of_an_id_makes_no_difference(hint_id):
    episodes, task = gym_causal.collect("expert", hint_id, num_episodes=2, explain="none"), gym_causal.make_task(hint_id)
    check_learnable(episodes, f"tests.hint_task:{hint_id}", task)
    episodes.metadata["env_id"] = "elsewhere:CartPole-v1"
    with pytest.raises(ValueError, match="demonstrations must be of"):
        check_learnable(episodes, hint_id, task)
    poles = gym_causal.collect("random", "gymnasium.envs.classic_control:CartPole-v1", num_episodes=2)
    check_learnable(poles, "CartPole-v1", gym_causal.make_task("CartPole-v1"))


def take_the_first(observations, state, episode_starts):
    return np.zeros(len(episode_starts), int), state


def makes_a_policy():
    return take_the_first


class Policy:
    def __call__(self, observations, state, episode_starts):
        return take_the_first(observations, state, episode_starts)


@pytest.mark.parametrize("name", ["take_the_first", "makes_a_policy", "Policy"])
def test_an_expert_is_a_policy_or_what_makes_one(name):
    expert = load_expert(f"{__name__}:{name}")
    assert (gym_causal.collect(expert, "CausalDAG-v0", num_episodes=3).actions == 0).all()


def test_others_are_refused():
    assert refused(recorded(env_id="CausalDAGCued-v0")) == "demonstrations must be of CausalDAG-v0, got episodes of CausalDAGCued-v0"
    assert "demonstrations must observe goal, initial_values, last_initial_values" in refused(ragged_episodes())
    assert refused(ragged_episodes()).endswith("phase, trial, got count, view")
    assert refused(recorded()[:0]) == "demonstrations must be whole episodes, got none"
    longer = recorded(num_variables=6)
    longer.observations.update({key: value[:, :5] for key, value in longer.observations.items() if value.ndim == 2})
    assert "observations['goal'] must be ints from 0 to 5, got int64 from" in refused(longer)
    assert "observations['initial_values'] must be of shape ('n', 5), got (28, 4)" in refused(recorded(num_variables=4))
    assert "observations['trial'] must be ints from 0 to 7, got int64 from 0 to 9" in refused(recorded(num_exploration_trials=7))


def test_so_is_what_is_no_number_or_action():
    episodes = recorded()
    episodes.observations["last_outcome"][3, 2] = np.nan
    assert refused(episodes) == "demonstrations: observations['last_outcome'] must be finite"
    for action in (-1, 10):
        episodes = recorded()
        episodes.actions[5] = action
        assert "demonstrations: actions must be ints from 0 to 9, got int64 from" in refused(episodes)
    episodes = recorded()
    del episodes.observations["goal"]
    assert "demonstrations must observe goal, initial_values" in refused(episodes)


def test_tokens_of_another_meaning_are_refused():
    episodes = gym_causal.collect("expert", ENV_ID, num_episodes=4, seed=0)
    check_learnable(episodes, ENV_ID, TASK, "full")
    episodes.metadata["explanation_version"] = 77
    check_learnable(episodes, ENV_ID, TASK)
    with pytest.raises(ValueError, match="demonstrations must have explanations of version 1, got version 77"):
        check_learnable(episodes, ENV_ID, TASK, "full")


def test_fingerprints():
    first, same_again = recorded(), recorded()
    assert fingerprint(first) == fingerprint(same_again) == fingerprint(first[:]) and len(fingerprint(first)) == 64
    same_again.metadata["note"] = "what was learned from does not change with it"
    assert fingerprint(first) == fingerprint(same_again)
    same_again.actions[0] += 1
    assert fingerprint(first) != fingerprint(same_again)
    assert len({fingerprint(first), fingerprint(first[::-1]), fingerprint(first[:3]), fingerprint(recorded("random"))}) == 4
