"""What the networks for causal DAGs depend on, and what they can tell apart."""

import pytest

pytest.importorskip("torch")

import torch

from agents.networks.registry import build_network
from gym_causal.registry import make_task
from tests.agents.small import ARCHITECTURES, every_env, every_kind, logits_of, make_policy, make_policy_for, played


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
        assert (logits[:, now + 1 :] - expected[:, now + 1 :]).abs().amax(dim=(1, 2)).min() > 1e-3  # they depend on it when it comes


@every_env
@every_kind
def test_the_past_changes_later_logits(kind, env_id):
    policy = make_policy(kind, env_id, settled=True)
    (mine, _), (others, _) = played(env_id, seed=1), played(env_id, seed=2)
    forged = {key: torch.cat([others[key][:, :1], mine[key][:, 1:]], dim=1) for key in mine}
    assert (logits_of(policy, forged)[:, -1] - logits_of(policy, mine)[:, -1]).abs().max() > 1e-3


def permuted(observations, order):
    """The same episodes, in which variable i is what ``order[i]`` was."""
    num_variables = len(order)
    new = {
        key: value[..., order] if value.shape[-1:] == (num_variables,) and value.ndim == 3 else value for key, value in observations.items()
    }
    new_index = torch.cat([torch.argsort(order), torch.tensor([num_variables])])  # no goal stays none
    return {**new, "goal": new_index[observations["goal"]]}


@every_env
def test_equivariant_permutes_with_the_variables(env_id):
    policy = make_policy("equivariant", env_id, settled=True)
    observations, _ = played(env_id)
    num_variables = observations["initial_values"].shape[-1]
    order = torch.randperm(num_variables, generator=torch.Generator().manual_seed(3))
    assert (order != torch.arange(num_variables)).any()
    expected = logits_of(policy, observations)[..., torch.cat([order, num_variables + order])]
    assert torch.allclose(logits_of(policy, permuted(observations, order)), expected, atol=1e-5)
    assert expected.std(dim=-1).min() > 1e-3  # else permuting them would prove nothing


@pytest.mark.parametrize("kind", [kind for kind in ARCHITECTURES if kind != "equivariant"])
def test_the_other_networks_do_not(kind):
    policy = make_policy(kind)
    observations, _ = played()
    order = torch.tensor([1, 2, 3, 4, 0])
    expected = logits_of(policy, observations)[..., torch.cat([order, 5 + order])]
    assert (logits_of(policy, permuted(observations, order)) - expected).abs().max() > 1e-3


@pytest.mark.parametrize(("kind", "learns"), [("variable", True), ("trial", True), ("equivariant", False)])
def test_who_can_learn_a_rule_about_one_variable(kind, learns):
    """Always set A: only its embedding tells it from the others."""
    policy = make_policy(kind)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    observations, _ = played(num_episodes=16 * 40)
    for update in range(40):
        batch = {key: value[update * 16 : (update + 1) * 16] for key, value in observations.items()}
        loss = -torch.log_softmax(policy.network(batch), dim=-1)[..., 0].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    observations, _ = played(num_episodes=100, seed=1)
    probability = torch.softmax(logits_of(policy, observations), dim=-1)[..., 0].mean()
    assert (probability > 0.95) if learns else (probability < 0.4)


@pytest.mark.parametrize("kind", [kind for kind in ARCHITECTURES if kind != "generic"])
def test_values_are_seen_in_units_of_the_intervention(kind):
    """At the default value the features are those that agents were always trained on; another value rescales them."""
    observations, _ = played()
    default, explicit, doubled = (
        make_policy_for(ARCHITECTURES[kind], "CausalDAG-v0", env_kwargs, settled=True)
        for env_kwargs in ({}, {"intervention_value": 5.0}, {"intervention_value": 10.0})
    )
    assert torch.equal(logits_of(default, observations), logits_of(explicit, observations))
    features = [policy.network.variable_features(observations) for policy in (default, doubled)]
    linear, others = [0, 1, 2, 7], [3, 4, 5, 6, 8, 9, 10]
    assert torch.allclose(features[0][..., linear], 2 * features[1][..., linear])
    assert torch.equal(features[0][..., others], features[1][..., others])
    assert (logits_of(default, observations) - logits_of(doubled, observations)).abs().max() > 1e-3


@pytest.mark.parametrize("kind", [kind for kind in ARCHITECTURES if kind != "generic"])
def test_another_task_is_refused(kind):
    architecture = ARCHITECTURES[kind]
    message = f"env_id must be that of a causal DAG environment for an agent of kind '{architecture.kind}', got one that observes .*view"
    with pytest.raises(ValueError, match=message):
        build_network(architecture, make_task("OddOneOut-v0", observation="symbolic"))
