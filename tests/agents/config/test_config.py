"""Configs as data: what files hold, and what differs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import agents.policies
from agents.config import AgentConfig, ArchitectureConfig, TrainingConfig, named_architecture, preset
from gym_causal.registry import registered_ids
from gym_causal.scm import StructuralCausalModels
from tests.agents.small import CONFIG, ROOM_CONFIG

PRETRAINED = Path(agents.policies.__file__).parents[1] / "pretrained_agents"
OLD = {  # the constants of agents of format 1, where their files say nothing
    "architecture": {"look_size": 32, "comparisons": 0, "context": None},
    "training": {
        "muon": "blocks",
        "explanations": "none",
        "explanation_weight": 1.0,
        "shuffled_explanations": False,
        "shuffled_share": 1.0,
        "explanation_delay": 0,
        "precision": "float32",
        "error_rate": 0.0,
        "random_player_share": 0.0,
        "chunk_size": 16_384,
        "bucket_size": 8,
        "muon_learning_rate_ratio": 5.0,
        "muon_momentum": 0.95,
        "adamw_betas": [0.9, 0.98],
    },
}


def sampler(rng, count):
    """Somebody's own causal graphs."""
    raise NotImplementedError


@pytest.mark.parametrize("config", [CONFIG, ROOM_CONFIG, replace(CONFIG, env_kwargs={"num_roots": (1, 4)})])
def test_a_config_comes_back_from_json(config):
    assert AgentConfig.from_json(config.to_json()) == config
    written = AgentConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert written.differences(config) == [] and written.training == config.training


@pytest.mark.parametrize("folder", [path.name for path in sorted(PRETRAINED.iterdir())])
def test_files_of_format_1_have_the_constants_of_their_time(folder):
    document = json.loads((PRETRAINED / folder / "config.json").read_text())
    document.pop("format")
    for part, entries in OLD.items():
        for name in entries:
            document[part].pop(name, None)
    document.pop("expert", None)
    loaded = json.loads(json.dumps(AgentConfig.from_json(document).to_json()))
    assert loaded == {**document, "expert": None, **{part: {**document[part], **entries} for part, entries in OLD.items()}}


def test_models_are_written():
    config = AgentConfig(env_kwargs={"models": sampler})
    assert config.to_json()["env_kwargs"] == {"models": f"{__name__}:sampler"}
    models = StructuralCausalModels.from_weights([[0.0, 1.0], [0.0, 0.0]])
    config = AgentConfig(env_kwargs={"models": models})
    written = json.loads(json.dumps(config.to_json()))["env_kwargs"]["models"]
    assert (StructuralCausalModels.from_dict(written).weights == models.weights).all()
    for unwritable in (lambda rng, count: None, object()):
        with pytest.raises(ValueError, match=r"env_kwargs\['models'\] must be"):
            AgentConfig(env_kwargs={"models": unwritable}).to_json()


def test_env_kwargs_have_no_split():
    with pytest.raises(ValueError, match="env_kwargs must hold no split: an agent is evaluated on several, got 'eval_path'"):
        AgentConfig(env_kwargs={"split": "eval_path"})


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (TrainingConfig, {"num_batches": 0}, "num_batches must be"),
        (TrainingConfig, {"chunk_size": 0}, "chunk_size must be"),
        (TrainingConfig, {"adamw_betas": (0.9,)}, "adamw_betas must be two numbers"),
        (TrainingConfig, {"adamw_betas": (0.9, 1.5)}, "adamw_betas must be a number"),
        (TrainingConfig, {"adamw_betas": (0.9, 1.0)}, "adamw_betas must be a number >= 0 and <= 0.99999"),
        (TrainingConfig, {"adamw_betas": 0.9}, "adamw_betas must be two numbers"),
        (TrainingConfig, {"muon_momentum": 1.0}, "muon_momentum must be a number"),
        (TrainingConfig, {"muon": "none"}, "muon must be one of blocks, all"),
        (TrainingConfig, {"explanation_weight": -1.0}, "explanation_weight must be"),
        (TrainingConfig, {"shuffled_explanations": True}, "shuffled_explanations must be False where explanations are none"),
        (TrainingConfig, {"shuffled_share": 1.1}, "shuffled_share must be a number >= 0 and <= 1, got 1.1"),
        (TrainingConfig, {"explanation_delay": -1}, "explanation_delay must be an int from 0"),
        (TrainingConfig, {"explanation_delay": 3}, "explanation_delay must be 0 where explanations are none, got 3"),
        (TrainingConfig, {"explanations": "full", "shuffled_share": 0.5}, "shuffled_share must be 1 unless shuffled_explanations is True"),
        (TrainingConfig, {"error_rate": -0.1}, "error_rate must be a number >= 0 and <= 1, got -0.1"),
        (TrainingConfig, {"random_player_share": 1.5}, "random_player_share must be a number >= 0 and <= 1, got 1.5"),
        (ArchitectureConfig, {"kind": ""}, "kind must be the name of a network"),
        (ArchitectureConfig, {"context": 0}, "context must be"),
        (ArchitectureConfig, {"width": 10, "num_heads": 4}, "num_heads must divide the width"),
    ],
)
def test_values_out_of_range(config, changes, message):
    with pytest.raises(ValueError, match=message):
        config(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"env_id": 3}, {"env_kwargs": None}, {"demonstration_kwargs": 3}, {"architecture": "variable"}, {"training": None}, {"expert": 3}],
)
def test_values_of_another_type(changes):
    (name,) = changes
    with pytest.raises(TypeError, match=f"{name} must be of type .*, got {changes[name]!r}"):
        AgentConfig(**changes)


def test_long_values_are_shortened_in_messages():
    before, after = (AgentConfig(env_kwargs={"models": {"weights": [slope] * 1_000}}) for slope in (1, 2))
    (message,) = before.differences(after)
    assert message.startswith("env_kwargs.models was {'weights': [1, 1") and len(message) < 300


@pytest.mark.parametrize("env_id", [*registered_ids(), "CartPole-v1", "Acrobot-v1"])
def test_every_env_has_presets(env_id):
    quick, full = preset(env_id, "quick"), preset(env_id, "full")
    assert full.training.num_batches > quick.training.num_batches
    assert quick.lasting(None) == quick and quick.lasting(10).training.num_batches == 10
    with pytest.raises(ValueError, match="preset must be one of quick, full, got 'slow'"):
        preset(env_id, "slow")


def test_architectures_by_name():
    assert named_architecture("trial_linear") == ArchitectureConfig(kind="trial", encoder="linear")
    assert named_architecture("somebody's own") == ArchitectureConfig(kind="somebody's own")


def test_rooms_are_acted_in_for_fewer_steps_than_they_are_evaluated_in():
    """An untrained agent wanders; the evaluation is that of all agents."""
    acts, watches = (preset("OddOneOut-v0", "quick", algorithm) for algorithm in ("ppo", "bc"))
    assert acts.demonstration_kwargs == {"max_trial_steps": 32} and acts.env_kwargs == {"observation": "symbolic"}
    assert watches.demonstration_kwargs == {"expert_sight": "view"} and watches.env_kwargs == {"observation": "pixels"}
    assert acts.architecture == watches.architecture
