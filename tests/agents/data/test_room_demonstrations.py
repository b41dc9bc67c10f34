"""Batches of episodes of different lengths, with what is said in them: all steps, each beside what belongs to it, and nothing else."""

from itertools import islice

import numpy as np
import pytest

import gym_causal
from agents.data.collate import IGNORE_INDEX, iterate_batches
from agents.data.demonstrations import (
    FixedDemonstrations,
    StreamedDemonstrations,
    check_learnable,
    collect,
    fingerprint,
)
from agents.data.explanation_controls import ExplanationControl, delay_explanations, shuffle_explanations
from gym_causal.odd_one_out.features import ATTRIBUTES, VALUES
from gym_causal.odd_one_out.frames import OBJECT
from gym_causal.registry import make_task
from tests.agents.small import ROOM_ID, ROOM_KWARGS, collected_rooms
from tests.test_episodes import same_arrays

BATCH_SIZE = 4
PREVIOUS_ACTION = "previous_action"
every_explanation = pytest.mark.parametrize("explain", ["none", "full"])


TASK = make_task(ROOM_ID, **ROOM_KWARGS, observation="symbolic")
NUM_TOKENS, VOCABULARY = TASK.explanations.num_tokens, TASK.explanations.vocabulary
FULL = TASK.explanations
SHUFFLED = ExplanationControl(FULL, shuffled_share=1.0)


def streamed(explain="none", first_batch=0, seed=3, control=None, bucket_size=4, **env_kwargs):
    env_kwargs = {**ROOM_KWARGS, "observation": "symbolic", "explain": explain, **env_kwargs}
    options = {"seed": seed, "first_batch": first_batch, "env_kwargs": env_kwargs, "control": control, "bucket_size": bucket_size}
    return StreamedDemonstrations("expert", ROOM_ID, batch_size=BATCH_SIZE, chunk_size=24, **options)  # six batches per chunk


def fixed(explain="none", first_batch=0, seed=3, num_episodes=26, bucket_size=4):
    episodes = collected_rooms(num_episodes, seed=1, explain=explain)
    return FixedDemonstrations(episodes, TASK, batch_size=BATCH_SIZE, seed=seed, first_batch=first_batch, bucket_size=bucket_size)


def take(batches, count):
    return list(islice(batches, count))


def arrays(batch):
    return {**batch["obs"], "acts": batch["acts"]}


def same(first, second):
    assert len(first) == len(second)
    for mine, others in zip(map(arrays, first), map(arrays, second), strict=True):
        assert mine.keys() == others.keys()
        assert all(mine[key].dtype == others[key].dtype and np.array_equal(mine[key], others[key]) for key in mine)
    return True


def one_by_one(episodes):
    """What a batch of all episodes must be, put together one step after the other."""
    longest = max(episodes.lengths)
    observations = {key: [] for key in (*episodes.observations, PREVIOUS_ACTION)}
    targets = []
    for episode in episodes:
        rows = {key: [] for key in observations}
        target = []
        for step in range(longest):
            last = min(step, int(episode.lengths[0]) - 1)
            for key, value in episode.observations.items():
                rows[key].append(value[last])
            before = min(step, int(episode.lengths[0])) - 1
            rows[PREVIOUS_ACTION].append(1 + episode.actions[min(before, last)] if step else 0)
            over, waits = step > last, episode.observations["touched"][last]
            target.append([IGNORE_INDEX if over or waits else episode.actions[last]])
            if episode.explanations:
                target[-1] += [IGNORE_INDEX] * NUM_TOKENS if over else episode.explanations["tokens"][last].tolist()
        for key, row in rows.items():
            observations[key].append(row)
        targets.append(target)
    return {**{key: np.array(value) for key, value in observations.items()}, "acts": np.array(targets)}


@every_explanation
def test_a_batch_is_padded_episodes(explain):
    episodes = collected_rooms(9, explain=explain)
    assert len(set(episodes.lengths)) > 3 and (episodes.observations["touched"] == 1).sum() > 9
    (batch,) = iterate_batches(episodes, 9, TASK)
    found, expected = arrays(batch), one_by_one(episodes)
    if explain == "none":
        expected["acts"] = expected["acts"][..., 0]
    assert found.keys() == expected.keys() and len(np.unique(expected[PREVIOUS_ACTION])) > 2
    for key, value in expected.items():
        assert found[key].shape == value.shape and np.array_equal(found[key], value), key
    parts = take(iterate_batches(episodes, 4, TASK), 9)
    assert [part["acts"].shape[:2] for part in parts] == [(len(x), max(x)) for x in (episodes.lengths[i : i + 4] for i in (0, 4, 8))]
    assert np.array_equal(parts[1]["acts"], found["acts"][4:8, : max(episodes.lengths[4:8])])


def words(tokens):
    return [VOCABULARY[token] for token in tokens if token]


def test_what_is_said_is_true_of_what_is_seen():
    """Of the very step that it is beside: the object next to the agent, and what a touch paid."""
    (batch,) = iterate_batches(collected_rooms(40, explain="full"), 40, TASK)
    seen, targets = batch["obs"], batch["acts"]
    near = touches = 0
    for row, step in zip(*np.nonzero(targets[..., 1] > 0), strict=True):
        said = words(targets[row, step, 1:])
        if said[0] == "next to":
            cells = seen["view"][row, step, 4:7, 4:7].reshape(-1, 4)
            looks = [[VALUES[a][value - 1] for a, value in enumerate(cell[1:])] for cell in cells if cell[0] == OBJECT]
            assert said[1:] in looks and not seen["touched"][row, step]
            near += 1
        else:
            assert said[0] == ("correct" if seen["last_reward"][row, step] > 0 else "incorrect") and said[1] in ATTRIBUTES
            assert seen["touched"][row, step] and targets[row, step, 0] == IGNORE_INDEX  # it is learned though there is nothing to do
            touches += 1
    assert near > 100 and touches > 40


def steps_of(batches):
    """Every step that there is to learn from, as bytes: of what is seen, done and said."""
    found = []
    for batch in map(arrays, batches):
        order = sorted(batch)
        there = batch["acts"][..., 1] != IGNORE_INDEX
        found += [b"".join(batch[key][row, step].tobytes() for key in order) for row, step in zip(*np.nonzero(there), strict=True)]
    return sorted(found)


def test_an_epoch_has_every_step_once():
    batches = fixed("full", num_episodes=24)
    episodes = batches.episodes
    found = take(batches, 12)
    (whole,) = iterate_batches(episodes, 24, TASK)
    assert steps_of(found[:6]) == steps_of(found[6:]) == steps_of([whole])
    assert len(steps_of([whole])) == episodes.lengths.sum() == sum((batch["acts"][..., 1] != IGNORE_INDEX).sum() for batch in found[:6])
    assert not np.array_equal(found[0]["acts"], found[6]["acts"])


def test_a_stream_has_every_step_of_its_episodes_once():
    batches = take(streamed("full"), 18)
    for chunk in range(3):
        seed = int(np.random.SeedSequence([3, chunk]).generate_state(1, np.uint64)[0])
        episodes = collected_rooms(24, seed, explain="full")
        assert steps_of(batches[6 * chunk : 6 * chunk + 6]) == steps_of(iterate_batches(episodes, 24, TASK))


@pytest.mark.parametrize("make", [streamed, fixed])
def test_a_batch_s_episodes_are_about_as_long(make):
    """Sorted, 16 at a time; and the batches do not come in the order of their lengths."""

    def lengths(batches):
        return np.array([(batch["acts"][..., 1] != IGNORE_INDEX).sum(1) for batch in batches])

    found = lengths(take(make("full"), 120))
    spread = found.max(1) - found.min(1)
    assert spread.mean() < 0.6 * np.ptp(lengths(take(make("full", bucket_size=1), 120)), axis=1).mean()
    assert 0.35 < (np.diff(found.max(1)) > 0).mean() < 0.65


@pytest.mark.parametrize("first_batch", [1, 5, 6, 7, 13])
@pytest.mark.parametrize("make", [streamed, fixed])
def test_one_can_begin_anywhere_in_rooms(make, first_batch):
    assert same(take(make("full", first_batch=first_batch), 7), take(make("full"), first_batch + 7)[first_batch:])


@pytest.mark.parametrize("make", [streamed, fixed])
def test_a_seed_says_which_batches_of_rooms(make):
    assert same(take(make(), 7), take(make(), 7))
    again = make()
    assert same(take(again, 3), take(again, 3))
    assert not np.array_equal(take(make(), 1)[0]["obs"]["view"], take(make(seed=4), 1)[0]["obs"]["view"])


# --- pixels -----------------------------------------------------------------------------------------------------------------


def test_what_is_kept_of_pixels_are_symbols():
    """A network that reads pixels draws them; see test_room_networks."""
    kwargs = {**ROOM_KWARGS, "observation": "pixels", "explain": "full"}
    kept = collect("expert", ROOM_ID, 26, 1, kwargs)
    assert kept.observations["view"].shape[1:] == (11, 11, 4) and kept.metadata["env_kwargs"]["observation"] == "symbolic"
    assert same(take(streamed("full", observation="pixels"), 8), take(streamed("full"), 8))


# --- the control with explanations of other states --------------------------------------------------------------------------


def test_shuffled_explanations_are_those_of_others():
    episodes = collected_rooms(60, explain="full")
    before = episodes.explanations["tokens"].copy()
    shuffled = shuffle_explanations(episodes, FULL, 4)
    tokens = shuffled.explanations["tokens"]
    assert np.array_equal(episodes.explanations["tokens"], before) and tokens.dtype == before.dtype
    assert np.array_equal(tokens[:, 0], before[:, 0])  # there is something to say where there was before
    for statement in np.unique(before[:, 0]):
        mine, others = tokens[before[:, 0] == statement], before[before[:, 0] == statement]
        assert sorted(map(tuple, mine.tolist())) == sorted(map(tuple, others.tolist()))
        if statement:
            assert (mine != others).any(1).mean() > 0.5
    shuffled.explanations["tokens"] = before
    same_arrays(shuffled, episodes)


def test_who_gets_whose_explanation_depends_on_the_seed_alone():
    episodes = collected_rooms(20, explain="full")
    first, again, other = (shuffle_explanations(episodes, FULL, seed).explanations["tokens"] for seed in (4, 4, 5))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_control_sees_and_does_the_same():
    """And it can go on anywhere too."""
    true, shuffled = take(streamed("full"), 8), take(streamed("full", control=SHUFFLED), 8)
    differ = said = 0
    for batch, control in zip(true, shuffled, strict=True):
        mine, others = arrays(batch), arrays(control)
        assert all(np.array_equal(mine[key], others[key]) for key in mine if key != "acts")
        assert np.array_equal(mine["acts"][..., :2], others["acts"][..., :2])
        differ += (mine["acts"] != others["acts"]).any(-1).sum()
        said += (mine["acts"][..., 1] > 0).sum()
    assert 0.5 * said < differ <= said
    assert same(take(streamed("full", control=SHUFFLED, first_batch=5), 3), shuffled[5:])


def test_statements_are_shuffled_each_on_its_own():
    """A property and the reasoning of one state go to different states, each to one that has such a statement."""
    episodes = collected_rooms(40, explain="all")
    spec = make_task(ROOM_ID, **ROOM_KWARGS, observation="symbolic", explain="all").explanations
    before, tokens = episodes.explanations["tokens"], shuffle_explanations(episodes, spec, 0).explanations["tokens"]
    start = spec.starts[1]
    for first in (0, start):
        assert np.array_equal(tokens[:, first], before[:, first])
    pairs = [{(tuple(row[:start]), tuple(row[start:])) for row in rows.tolist()} for rows in (before, tokens)]
    assert len(pairs[1] - pairs[0]) > 0.5 * len(pairs[1])


def test_a_share_of_explanations_is_false():
    episodes = collected_rooms(200, explain="full")
    before, explained = episodes.explanations["tokens"], episodes.explanations["tokens"][:, 0] > 0
    differ = [
        (shuffle_explanations(episodes, FULL, 1, share=share).explanations["tokens"] != before)[explained].any(1).mean()
        for share in (0.0, 0.25, 0.5, 1.0)
    ]
    assert differ[0] == 0
    np.testing.assert_allclose(differ[1:3], differ[3] * np.array([0.25, 0.5]), atol=0.05)


@pytest.mark.parametrize("delay", [1, 3, 1000])
def test_late_explanations_are_those_of_earlier_states_of_the_episode(delay):
    episodes = collected_rooms(12, explain="full")
    before, late = episodes.explanations["tokens"], delay_explanations(episodes, delay).explanations["tokens"]
    state = 0
    for length in episodes.lengths + 1:
        own = np.concatenate([np.zeros((delay, before.shape[1]), before.dtype), before[state : state + length]])[:length]
        assert np.array_equal(late[state : state + length], own)
        state += length


# --- recorded episodes ------------------------------------------------------------------------------------------------------


def check(episodes, explanations="none", observation="symbolic"):
    check_learnable(episodes, ROOM_ID, make_task(ROOM_ID, **ROOM_KWARGS, observation=observation), explanations)


def test_recorded_rooms_are_welcome():
    for explain in ("none", "full", "outcome"):
        check(collected_rooms(8, explain=explain))  # whatever is said in them, one need not learn it
    check(collected_rooms(8, explain="outcome"), "outcome")
    check(collected_rooms(8, observation="pixels", explain="properties"), "properties", "pixels")
    by_default = gym_causal.collect("expert", ROOM_ID, num_episodes=4, **ROOM_KWARGS, observation="symbolic")
    check(by_default, "full")
    by_default.metadata.clear()
    check(by_default, "full")


@pytest.mark.parametrize(("asked", "recorded"), [("full", "none"), ("outcome", "full"), ("full", "reward"), ("reward", "none")])
def test_those_without_the_asked_explanations_are_refused(asked, recorded):
    message = f"demonstrations must have the explanations '{asked}', got episodes that have '{recorded}'"
    with pytest.raises(ValueError, match=message):
        check(collected_rooms(4, explain=recorded), asked)


def test_those_of_another_sight_are_refused():
    with pytest.raises(ValueError, match=r"observations\['view'\] must be of shape \('n', 99, 99, 3\), got \(.*, 11, 11, 4\)"):
        check(collected_rooms(4), observation="pixels")


def test_fingerprints_know_what_is_said():
    """But not what else is recorded of it."""
    true, silent = collected_rooms(6, explain="full"), collected_rooms(6)
    others = shuffle_explanations(true, FULL, 0)
    assert len({fingerprint(episodes) for episodes in (true, silent, others, true[::-1])}) == 4
    before = fingerprint(true)
    true.explanations["kind"] = true.explanations["kind"][::-1]
    assert fingerprint(true) == before
