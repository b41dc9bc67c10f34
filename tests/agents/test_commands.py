"""``python -m agents.train`` and ``python -m agents.evaluate``, end to end on a tiny agent; and mistakes, which end in one line."""

import json
import typing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch
import tyro

import gym_causal
from agents import evaluate, train
from agents.algorithms import behavioral_cloning
from agents.algorithms.learning_curve import HISTORY
from agents.config.agent import ARCHITECTURES, PRESETS, AgentConfig, ArchitectureConfig, Preset
from agents.data import demonstrations
from agents.policies import loading as pretrained
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_config, save_checkpoint, save_config
from agents.policies.sb3 import TransformerPolicy
from baselines.registry import SUITES
from gym_causal.odd_one_out.config import EXPLAIN_MODES
from gym_causal.registry import registered_ids
from tests.agents.small import ARCHITECTURES as SMALL
from tests.agents.small import ENV_IDS, TRAINING

ROOM, SHORT = "OddOneOutConfounded-v0", {"observation": "symbolic", "max_trial_steps": 12}
SMALL_ROOM = ArchitectureConfig(kind="object", width=16, num_layers=1, num_heads=2, look_size=8)
PICTURES = {"figure.png", "figure.svg", "strategy_match.png"}


@pytest.fixture(scope="module", autouse=True)
def small_presets():
    with pytest.MonkeyPatch.context() as patch:
        training = replace(TRAINING, num_batches=6)
        for env_id in ENV_IDS:
            patch.setitem(PRESETS[env_id], "quick", Preset(training=training, architecture=SMALL["variable"]))
        patch.setitem(PRESETS[ROOM], "quick", replace(PRESETS[ROOM]["quick"], training=training, architecture=SMALL_ROOM, env_kwargs=SHORT))
        patch.setitem(ARCHITECTURES, "equivariant", SMALL["equivariant"])
        patch.setattr(demonstrations, "CHUNK", 64)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Of the whole command: its folder."""
    out = tmp_path_factory.mktemp("results") / "agent"
    train.main(train.Args(out=out, episodes=12, seed=2))
    return out


def test_training_writes_the_agent_its_curve_and_its_comparison(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {CONFIG, CHECKPOINT, HISTORY, "learning_curve.png", "learning_curve.svg", "evaluation", "tensorboard"}
    assert load_config(trained) == AgentConfig(seed=2, architecture=SMALL["variable"], training=replace(TRAINING, num_batches=6))
    assert (trained / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in (trained / "evaluation").iterdir()} == {"results.csv", "results.json", *PICTURES}
    results = pd.read_csv(trained / "evaluation" / "results.csv")
    suite = SUITES["CausalDAG-v0"]
    assert set(results["policy"]) == {"agent", "expert", *suite.compared} and set(results["split"]) == set(suite.splits)
    assert (results["episodes"] == 12).all() and (results["seed"] == 0).all()
    mine = results[(results["policy"] == "agent") & (results["metric"] == "normalized_reward")].set_index("split")["mean"]
    again = gym_causal.evaluate(pretrained.load(trained), "CausalDAG-v0", split="eval_path", num_episodes=12, seed=0)
    assert mine["eval_path"] == again.normalized_reward.mean < 1


def test_evaluating_again(trained, tmp_path, capsys):
    out = tmp_path / "evaluation"
    arguments = {"episodes": 10, "seed": 3, "splits": ("eval_target",), "policies": ("random",)}
    evaluate.main(evaluate.Args(str(trained) + "/", out=out, **arguments))
    results = pd.read_csv(out / "results.csv")
    assert set(results["policy"]) == {"agent", "random"} and set(results["split"]) == {"eval_target"} and (results["seed"] == 3).all()
    assert json.loads((out / "results.json").read_text())["arguments"]["splits"] == ["eval_target"]
    assert "agent" in capsys.readouterr().out
    drawn = []
    for _ in range(2):
        evaluate.main(evaluate.Args(str(trained), out=out, sample=True, **arguments))
        drawn.append(pd.read_csv(out / "results.csv"))
    pd.testing.assert_frame_equal(*drawn)  # drawn, but seeded
    assert not drawn[0].equals(results)


@pytest.mark.parametrize("slash", ["", "/"])
def test_where_an_evaluation_goes(trained, slash, monkeypatch, tmp_path):
    """Beside the agent; but never into the package."""
    written = []
    monkeypatch.setattr(evaluate, "show", lambda out, *_, **__: written.append(out))
    evaluate.main(evaluate.Args(str(trained) + slash))
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path)
    monkeypatch.setattr(evaluate, "SHIPPED", tmp_path)
    (tmp_path / "CausalDAG-v0").symlink_to(trained)
    evaluate.main(evaluate.Args("CausalDAG-v0"))
    assert written == [trained / "evaluation", Path("results/evaluate")]


@pytest.mark.parametrize("env_id", [None, "CausalDAG-v0", "gym_causal:CausalDAG-v0"])
def test_it_is_evaluated_in_the_env_it_knows(env_id, tmp_path, monkeypatch):
    config = AgentConfig(env_kwargs={"num_variables": 4}, architecture=SMALL["variable"])
    save_config(tmp_path, config)
    policy = TransformerPolicy(*demonstrations.spaces(config.env_id, config.env_kwargs), config.architecture)
    save_checkpoint(tmp_path, Checkpoint(policy.state_dict(), 1))
    played = []
    monkeypatch.setattr(evaluate, "show", lambda *_, **given: played.append(given["num_variables"]))
    evaluate.main(evaluate.Args(str(tmp_path), env=env_id))
    assert played == [4]


def test_a_second_training_must_say_so(trained, capsys):
    again = train.Args(out=trained, episodes=0, seed=2)
    with pytest.raises(SystemExit, match=r"error: folder: .*holds an agent; sample_actions another one, or resume"):
        train.main(again)
    train.main(replace(again, resume=True))  # it is over: nothing is left but to draw its curve again
    assert "Trained" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"error: .*\(seed was 2 and is 4\)"):
        train.main(replace(again, resume=True, seed=4))


def test_training_in_a_room_with_explanations(tmp_path):
    """It learns from what the preset's expert shows, and is compared with that env's own strategies."""
    train.main(train.Args(env=ROOM, explanations="reward", out=tmp_path, batches=2, episodes=8))
    config = load_config(tmp_path)
    assert config.training == replace(TRAINING, num_batches=2, evaluate_every=1, explanations="reward")
    assert (config.architecture, config.env_kwargs, config.demonstration_kwargs) == (SMALL_ROOM, SHORT, {"expert_sight": "view"})
    results = pd.read_csv(tmp_path / "evaluation" / "results.csv")
    assert set(results["policy"]) == {"agent", "expert", *SUITES[ROOM].compared} and set(results["split"]) == {"train", "eval"}
    losses = pd.read_csv(tmp_path / HISTORY).set_index(["metric", "batch"])["mean"]
    assert (losses["validation_explanation_loss"] > 0).all() and (losses["validation_loss"] > 0).all()
    assert pretrained.load(tmp_path).policy.explainer is not None


def test_the_architecture_can_be_another_than_the_preset_s(tmp_path):
    train.main(train.Args(architecture="equivariant", out=tmp_path, batches=2, episodes=0))
    assert load_config(tmp_path).architecture == SMALL["equivariant"]


def test_training_on_recorded_episodes(tmp_path):
    gym_causal.collect("expert", ENV_IDS[1], num_episodes=24, seed=1, explain="none").save(tmp_path / "cued.npz")
    arguments = train.Args(env=ENV_IDS[1], out=tmp_path / "agent", demonstrations=tmp_path / "cued.npz", batches=3, episodes=0)
    train.main(arguments)
    config = load_config(tmp_path / "agent")
    assert config.env_id == ENV_IDS[1] and config.training.num_batches == 3
    assert config.demonstrations == demonstrations.fingerprint(gym_causal.Episodes.load(tmp_path / "cued.npz"))
    with pytest.raises(SystemExit, match="error: demonstrations must be of CausalDAG-v0, got episodes of CausalDAGCued-v0"):
        train.main(replace(arguments, env=ENV_IDS[0], out=tmp_path / "other"))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"env": "CartPole-v1"}, "error: env_id must be one of"),
        ({"env": "OddOneOut-v0", "architecture": "variable"}, "error: env_id must be that of a causal DAG environment"),
        ({"architecture": "object"}, "error: env_id must be that of an odd-one-out environment"),
        ({"explanations": "full"}, "error: explanations must be none for an agent of kind 'variable'"),
        ({"preset": "slow"}, "error: preset must be one of quick, full"),
        ({"device": "abacus"}, "error: device must be one that torch finds here"),
        ({"batches": 0}, "error: num_batches must be"),
        ({"seed": -1}, "error: seed must be"),
        ({"demonstrations": Path("nowhere.npz")}, r"error: .*nowhere.npz"),
    ],
)
def test_mistakes_in_training(arguments, message, tmp_path):
    with pytest.raises(SystemExit, match=message):
        train.main(train.Args(out=tmp_path / "agent", episodes=0, **arguments))
    assert not (tmp_path / "agent").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "agent"):
        with pytest.raises(SystemExit, match=r"error: .*file"):
            train.main(train.Args(out=out, episodes=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"env": "CausalDAGCued-v0"}, "error: env must have the observations and actions that the agent was trained with"),
        ({"env": "OddOneOut-v0"}, "error: env must have the observations and actions"),
        ({"env": "CartPole-v1"}, "error: env_id must be one of"),
        ({"splits": ("tain",)}, "error: split must be one of"),
        ({"policies": ("luck",)}, "error: name must be one of"),
    ],
)
def test_mistakes_in_evaluation(trained, arguments, message, tmp_path):
    with pytest.raises(SystemExit, match=message):
        evaluate.main(evaluate.Args(str(trained), out=tmp_path / "new", episodes=5, **arguments))
    assert not (tmp_path / "new").exists()


def test_an_agent_that_is_none(tmp_path):
    with pytest.raises(SystemExit, match="error: agent must be a folder or the id of an environment"):
        evaluate.main(evaluate.Args("nobody"))
    with pytest.raises(SystemExit, match=r"error: .*holds no agent"):
        evaluate.main(evaluate.Args(str(tmp_path)))
    (tmp_path / CONFIG).write_text("{")
    with pytest.raises(SystemExit, match=r"error: .*is not the configuration of an agent"):
        evaluate.main(evaluate.Args(str(tmp_path)))


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", interrupted)
        with pytest.raises(SystemExit, match="interrupted: the same command with --resume"):
            train.main(train.Args(out=tmp_path, batches=3, episodes=0))
    train.main(train.Args(out=tmp_path, batches=3, episodes=0, resume=True))
    assert behavioral_cloning.load_checkpoint(tmp_path).batch == 3


def test_every_name_can_be_asked_for():
    bias_keys = typing.get_type_hints(train.Args)
    assert set(typing.get_args(typing.get_args(bias_keys["architecture"])[0])) == set(ARCHITECTURES)
    assert set(typing.get_args(bias_keys["explanations"])) == set(EXPLAIN_MODES)
    assert all(set(presets) == set(typing.get_args(bias_keys["preset"])) for presets in PRESETS.values())
    assert set(PRESETS) == set(registered_ids())


@pytest.mark.parametrize("args", [train.Args, evaluate.Args])
def test_help_answers(args, capsys):
    with pytest.raises(SystemExit) as stopped:
        tyro.cli(args, args=["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--episodes", "--seed", "--out", "--env"))
