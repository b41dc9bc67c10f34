"""What the networks may see, and what they can tell apart: the same for every architecture."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch

from agents.data.demonstrations import spaces
from agents.networks.registry import network
from tests.agents.small import ARCHITECTURES, every_env, every_kind, logits_of, make_policy, played


@every_env
@every_kind
def test_the_future_changes_no_past_logits(kind, env_id):
    policy = make_policy(kind, env_id, settled=True)
    (mine, _), (others, _) = played(env_id, seed=1), played(env_id, seed=2)
    expected = logits_of(policy, mine)
    for now in range(expected.shape[1] - 1):
        mixed = {key: torch.cat([mine[key][:, : now + 1], others[key][:, now + 1 :]], dim=1) for key in mine}
        logits = logits_of(policy, mixed)
        assert torch.allclose(logits[:, : now + 1], expected[:, : now + 1], atol=1e-5)
        assert (logits[:, now + 1 :] - expected[:, now + 1 :]).abs().amax(dim=(1, 2)).min() > 1e-3  # it is seen when it comes


@every_env
@every_kind
def test_the_past_is_remembered(kind, env_id):
    policy = make_policy(kind, env_id, settled=True)
    (mine, _), (others, _) = played(env_id, seed=1), played(env_id, seed=2)
    forged = {key: torch.cat([others[key][:, :1], mine[key][:, 1:]], dim=1) for key in mine}
    assert (logits_of(policy, forged)[:, -1] - logits_of(policy, mine)[:, -1]).abs().max() > 1e-3


def renamed(observations, order):
    """The same episodes, in which variable i is called what ``order[i]`` was."""
    num_variables = len(order)
    new = {
        key: value[..., order] if value.shape[-1:] == (num_variables,) and value.ndim == 3 else value for key, value in observations.items()
    }
    new_name = torch.cat([torch.argsort(order), torch.tensor([num_variables])])  # no goal stays none
    return {**new, "goal": new_name[observations["goal"]]}


@every_env
def test_equivariant_permutes_with_the_variables(env_id):
    policy = make_policy("equivariant", env_id, settled=True)
    observations, _ = played(env_id)
    num_variables = observations["initial_values"].shape[-1]
    order = torch.randperm(num_variables, generator=torch.Generator().manual_seed(3))
    assert (order != torch.arange(num_variables)).any()
    expected = logits_of(policy, observations)[..., torch.cat([order, num_variables + order])]
    assert torch.allclose(logits_of(policy, renamed(observations, order)), expected, atol=1e-5)
    assert expected.std(dim=-1).min() > 1e-3  # which says something only where variables differ


@pytest.mark.parametrize("kind", [kind for kind in ARCHITECTURES if kind != "equivariant"])
def test_the_others_do_not(kind):
    policy = make_policy(kind)
    observations, _ = played()
    order = torch.tensor([1, 2, 3, 4, 0])
    expected = logits_of(policy, observations)[..., torch.cat([order, 5 + order])]
    assert (logits_of(policy, renamed(observations, order)) - expected).abs().max() > 1e-3


@pytest.mark.parametrize(("kind", "learns"), [("variable", True), ("trial", True), ("equivariant", False)])
def test_who_can_learn_a_rule_about_one_variable(kind, learns):
    """Always set A: nothing but its name tells it from the others."""
    policy = make_policy(kind)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    observations, _ = played(num_episodes=16 * 40)
    for update in range(40):
        batch = {key: value[update * 16 : (update + 1) * 16] for key, value in observations.items()}
        loss = -policy.log_probabilities(batch)[..., 0].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    observations, _ = played(num_episodes=100, seed=1)
    with torch.no_grad():
        probability = policy.log_probabilities(observations)[..., 0].exp().mean()
    assert (probability > 0.95) if learns else (probability < 0.4)


def test_other_observations_are_refused():
    room = spaces("OddOneOut-v0", {"observation": "symbolic"})
    with pytest.raises(ValueError, match="env_id must be that of a causal DAG environment"):
        network(ARCHITECTURES["variable"], *room)
