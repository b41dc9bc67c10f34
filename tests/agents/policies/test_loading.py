"""Loading an agent and acting: what it imports, and folders of older versions."""

import dataclasses
import json
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import safetensors.torch
import torch

import agents
from agents.config import AgentConfig, TrainingConfig
from agents.policies.agent import Agent
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_checkpoint, load_config, save_checkpoint
from agents.policies.loading import build_policy, folder_of
from tests.agents.small import ARCHITECTURES, ROOM_ARCHITECTURES, ROOM_ID, ROOM_KWARGS, logits_of, played, played_rooms

ACT = """
import sys
import agents, gym_causal
agent = agents.load("CausalDAG-v0")
gym_causal.evaluate(agent, "CausalDAG-v0", num_episodes=2, seed=0)
print(*(name for name in ("stable_baselines3", "imitation", "tensorboard", "pandas", "matplotlib", "scipy") if name in sys.modules))
"""


def test_loading_and_acting_import_no_training_library():
    result = subprocess.run([sys.executable, "-c", ACT], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_importing_agents_does_not_import_torch():
    script = "import sys, agents; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "False"


FORMAT_1 = (  # the present parts of parameters' names, and those of format 1, longest first
    ("attention.qkv_projection", "attention.queries_keys_values"),
    ("attention.bias_weight", "attention.attraction"),
    ("attention.output_projection", "attention.output"),
    ("mlp_norm", "perceptron_norm"),
    ("feature_mlp", "features"),
    (".mlp.", ".perceptron."),
    ("temporal_transformer", "transformer"),
    ("network.action_head", "network.logits"),
    ("variable_embeddings", "names"),
    ("embedding_projection", "embedding"),
    ("trial_embedding", "trials"),
    ("object_attention", "look"),
    ("readout_attention", "look_again"),
    ("appearance_encoder", "looks"),
    ("comparison_projection", "compare"),
    ("object_encoder", "object"),
    ("agent_encoder", "agent"),
    ("step_encoder", "step"),
    ("network.cnn", "network.view"),
    ("explanation_head.feature_projection", "explainer.hidden"),
    ("explanation_head.token_embedding", "explainer.said"),
    ("explanation_head.position_embedding", "explainer.places"),
    ("explanation_head.token_head", "explainer.logits"),
)
SINCE_FORMAT_1 = {
    "architecture": ("context",),
    "training": ("chunk_size", "bucket_size", "muon_learning_rate_ratio", "muon_momentum", "adamw_betas"),
}
"""Entries of a configuration that format 1 did not have."""


def old_name(name):
    for now, before in FORMAT_1:
        name = name.replace(now, before)
    return name


def save_as_format_1(folder, config, weights):
    """As the first version of the package wrote a folder."""
    document = {"format": "gym_causal agent 1", **config.to_json()}
    document.pop("expert")
    for part, entries in SINCE_FORMAT_1.items():
        for entry in entries:
            document[part].pop(entry)
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(document))
    tensors = {f"weights/{old_name(name)}": value for name, value in weights.items()}
    tensors |= {f"optimizer/{old_name(name)}/exp_avg": value.clone() for name, value in weights.items()}
    (folder / CHECKPOINT).write_bytes(safetensors.torch.save(tensors, {"format": "gym_causal agent 1", "batch": "7"}))


ROOM_KINDS = {**ROOM_ARCHITECTURES, "object with comparisons": dataclasses.replace(ROOM_ARCHITECTURES["object"], comparisons=8)}


@pytest.mark.parametrize("kind", [*(kind for kind in ARCHITECTURES if kind != "generic"), *ROOM_KINDS])
def test_folders_of_format_1(kind, tmp_path):
    """Every network, with and without an explanation head, and the state of the optimizer."""
    if kind in ARCHITECTURES:
        config, observations = AgentConfig(architecture=ARCHITECTURES[kind]), played()[0]
    else:
        training, env_kwargs = TrainingConfig(explanations="full"), {**ROOM_KWARGS, "observation": "symbolic"}
        config = AgentConfig(env_id=ROOM_ID, env_kwargs=env_kwargs, architecture=ROOM_KINDS[kind], training=training)
        observations = played_rooms()[0]
    torch.manual_seed(0)
    policy = build_policy(config).eval()
    save_as_format_1(tmp_path, config, policy.state_dict())
    assert load_config(tmp_path) == config
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.batch == 7
    assert checkpoint.optimizer.keys() == {f"{name}/exp_avg" for name in policy.state_dict()}
    agent = agents.load(tmp_path)
    assert all(torch.equal(agent.policy.state_dict()[name], value) for name, value in policy.state_dict().items())
    assert torch.equal(logits_of(agent.policy, observations), logits_of(policy, observations))


def test_what_is_saved_is_of_format_2(tmp_path):
    save_checkpoint(tmp_path, Checkpoint({"network.names": torch.zeros(2)}, 3))
    assert load_checkpoint(tmp_path).weights.keys() == {"network.names"}  # of a network of one's own: not renamed
    with safetensors.safe_open(tmp_path / CHECKPOINT, framework="pt") as file:
        assert file.metadata()["format"] == "gym_causal agent 2"
    for env_id in ("CausalDAG-v0", "CausalDAGCued-v0"):
        assert json.loads((folder_of(env_id) / CONFIG).read_text())["format"] == "gym_causal agent 2"


def test_an_agent_of_an_env_without_explanations():
    config = AgentConfig(env_id="CartPole-v1", architecture=ARCHITECTURES["generic"], training=TrainingConfig(explanations="full"))
    with pytest.raises(ValueError, match="explanations must be one of none"):
        build_policy(config)
    assert Agent(build_policy(AgentConfig(env_id="CartPole-v1", architecture=ARCHITECTURES["generic"]))).policy.explanation_head is None


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", ROOM_ID])
def test_who_predicts_explanations(env_id):
    kind = ARCHITECTURES["variable"] if env_id == "CausalDAG-v0" else ROOM_ARCHITECTURES["object"]
    for explanations, explains in (("none", False), ("full", True), ("reward", True)):
        config = AgentConfig(env_id=env_id, architecture=kind, training=TrainingConfig(explanations=explanations))
        assert (build_policy(config).explanation_head is not None) == explains


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"agent": 3}, "agent must be a folder or the id of an environment, got 3"),
        ({"agent": "CausalDAG-v0", "seed": "a"}, "seed must be an int"),
    ],
)
def test_arguments_of_another_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        agents.load(**arguments)
