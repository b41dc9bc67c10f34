"""``python -m agents.train`` and ``python -m agents.evaluate``, end to end on a tiny agent; and mistakes, which end in one line."""

import json
import shutil
from dataclasses import replace
from importlib.util import find_spec

import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch
import tyro

import agents
import gym_causal
from agents import evaluate, train
from agents.algorithms.learning_curve import HISTORY
from agents.config import AgentConfig, preset
from agents.data.demonstrations import fingerprint
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_checkpoint, load_config, save_checkpoint, save_config
from agents.policies.loading import build_policy
from agents.policies.model_card import COMMAND
from gym_causal.registry import task_spec
from tests.agents.small import ARCHITECTURES as SMALL
from tests.agents.small import ENV_IDS, TRAINING

ROOM = "OddOneOutConfounded-v0"
PICTURES = {"figure.png", "figure.svg", "strategy_match.png"}
TINY_TRAINING = {
    "num-batches": 6,
    "batch-size": 16,
    "learning-rate": 0.01,
    "validation-episodes": 16,
    "evaluate-every": 4,
    "evaluation-episodes": 16,
    "checkpoint-every": 3,
    "chunk-size": 64,
}
TINY = [
    *(word for name, value in TINY_TRAINING.items() for word in (f"--training.{name}", str(value))),
    *("--architecture.width", "16", "--architecture.num-heads", "2", "--architecture.num-layers", "1", "--architecture.name-size", "4"),
]


def run(out, *options, tiny=TINY):
    train.main([*tiny, "--out", str(out), *map(str, options)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Of the whole command: its folder."""
    out = tmp_path_factory.mktemp("results") / "agent"
    run(out, "--episodes", 12, "--seed", 2)
    return out


def test_training_writes_the_agent_its_curve_and_its_comparison(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {CONFIG, CHECKPOINT, HISTORY, COMMAND, "learning_curve.png", "learning_curve.svg", "evaluation", "tensorboard"}
    architecture = replace(SMALL["variable"], num_layers=1)
    assert load_config(trained) == AgentConfig(seed=2, architecture=architecture, training=replace(TRAINING, num_batches=6))
    assert (trained / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in (trained / "evaluation").iterdir()} == {"results.csv", "results.json", "report.html", *PICTURES}
    results = pd.read_csv(trained / "evaluation" / "results.csv")
    assert {"agent", "expert", "random", "value"} <= set(results["policy"])
    assert set(results["split"]) == set(task_spec("CausalDAG-v0").splits)
    assert (results["episodes"] == 12).all() and (results["seed"] == 0).all()
    mine = results[(results["policy"] == "agent") & (results["metric"] == "normalized_reward")].set_index("split")["mean"]
    again = gym_causal.evaluate(agents.load(trained), "CausalDAG-v0", split="eval_path", num_episodes=12, seed=0)
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


@pytest.mark.parametrize("env_id", [None, "gym_causal:CausalDAG-v0"])
def test_it_is_evaluated_in_the_env_it_knows(env_id, tmp_path):
    config = AgentConfig(env_kwargs={"num_variables": 4}, architecture=SMALL["variable"])
    save_config(tmp_path, config)
    save_checkpoint(tmp_path, Checkpoint(build_policy(config).state_dict(), 1))
    evaluate.main(evaluate.Args(str(tmp_path), env=env_id, episodes=5, splits=("train",), policies=("random",)))
    found = pd.read_csv(tmp_path / "evaluation" / "results.csv").set_index(["policy", "metric"])["mean"]
    again = gym_causal.evaluate("random", "CausalDAG-v0", num_episodes=5, num_variables=4)
    assert found["random", "reward"] == again.reward.mean


def test_a_second_training_must_say_so(trained, capsys):
    options = ("--seed", 2, "--episodes", 0)
    with pytest.raises(SystemExit, match=r"error: folder: .*holds an agent; choose another one, or resume"):
        run(trained, *options)
    run(trained, *options, "--resume")  # it is over: nothing is left but to draw its curve again
    assert "Trained" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"error: .*\(seed was 2 and is 4\)"):
        run(trained, "--seed", 4, "--episodes", 0, "--resume")
    with pytest.raises(SystemExit, match=r"error: .*\(training.adamw_betas was \[0.9, 0.98\] and is \[0.5, 0.9\]\)"):
        run(trained, *options, "--resume", "--training.adamw-betas", 0.5, 0.9)


PPO = ["--algorithm", "ppo", "--batches", "2", "--ppo.num-envs", "16", "--training.evaluation-episodes", "8", *TINY[-8:]]


def test_learning_from_reward_after_watching(trained, tmp_path, capsys):
    """The same command, the same folder; and it starts from the weights of the agent that watched."""
    run(tmp_path, "--episodes", 8, "--init", trained, "--splits", "train", tiny=PPO)
    assert "on 32 episodes" in capsys.readouterr().out
    config = load_config(tmp_path)
    assert (config.ppo.num_envs, config.ppo.gamma, config.training.num_batches) == (16, 1.0, 2) and config.initial_weights
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {CONFIG, CHECKPOINT, HISTORY, COMMAND, "learning_curve.png", "learning_curve.svg", "evaluation", "tensorboard"}
    results = pd.read_csv(tmp_path / "evaluation" / "results.csv")
    assert {"agent", "expert", "random"} <= set(results["policy"])
    run(tmp_path, "--episodes", 0, "--init", trained, "--splits", "train", "--resume", tiny=PPO)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--demonstrations", "x.npz", "--algorithm", "ppo"), "demonstrations must be left out with algorithm ppo"),
        (("--expert", "a:b", "--algorithm", "ppo"), "expert must be None for an agent that learns from reward"),
        (("--training.label-smoothing", 0.1, "--algorithm", "ppo"), "training.label_smoothing must be 0.0"),
        (("--init", "somewhere"), "init must be left out with algorithm bc"),
        (("--ppo.gamma", 0.5), "ppo must be left as it is with algorithm bc"),
        (("--init", "nowhere", "--algorithm", "ppo"), "'nowhere' holds no agent"),
    ],
)
def test_options_of_another_algorithm(options, message, tmp_path):
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        run(tmp_path / "agent", *options, tiny=[])
    assert not (tmp_path / "agent").exists()


def test_training_in_a_room_with_explanations(tmp_path):
    """It learns from what the preset's expert shows, and is compared with that env's own strategies."""
    options = ("--env-kwargs.max-trial-steps", 12, "--env-kwargs.observation", "symbolic", "--architecture.look-size", 8)
    run(tmp_path, "--env", ROOM, "--explanations", "reward", "--batches", 2, "--episodes", 8, *options, tiny=TINY[2:])
    config = load_config(tmp_path)
    assert (config.training.num_batches, config.training.explanations, config.architecture.kind) == (2, "reward", "object")
    assert config.env_kwargs == {"observation": "symbolic", "max_trial_steps": 12}
    assert config.demonstration_kwargs == {"expert_sight": "view"}
    results = pd.read_csv(tmp_path / "evaluation" / "results.csv")
    assert {"agent", "expert", "random"} < set(results["policy"]) and set(results["split"]) == {"train", "eval"}
    losses = pd.read_csv(tmp_path / HISTORY).set_index(["metric", "batch"])["mean"]
    assert (losses["validation_explanation_loss"] > 0).all() and (losses["validation_loss"] > 0).all()
    assert agents.load(tmp_path).policy.explanation_head is not None


def test_explanations_of_causal_dags(tmp_path):
    run(tmp_path, "--explanations", "full", "--batches", 2, "--episodes", 0, tiny=TINY[2:])
    losses = pd.read_csv(tmp_path / HISTORY).set_index(["metric", "batch"])["mean"]
    assert losses["validation_explanation_loss"].gt(0).all()
    assert agents.load(tmp_path).policy.explanation_head is not None


def test_training_on_recorded_episodes(tmp_path):
    gym_causal.collect("expert", ENV_IDS[1], num_episodes=24, seed=1, explain="none").save(tmp_path / "cued.npz")
    options = ("--demonstrations", tmp_path / "cued.npz", "--episodes", 0)
    run(tmp_path / "agent", "--env", ENV_IDS[1], *options)
    config = load_config(tmp_path / "agent")
    assert config.env_id == ENV_IDS[1] and config.demonstrations == fingerprint(gym_causal.Episodes.load(tmp_path / "cued.npz"))
    with pytest.raises(SystemExit, match="error: demonstrations must be of CausalDAG-v0, got episodes of CausalDAGCued-v0"):
        run(tmp_path / "other", *options)
    assert not (tmp_path / "other").exists()


CHAIN = ("--env-kwargs.models", "tests.agents.algorithms.policies:chain", "--env-kwargs.num-variables", 3)


def test_training_on_causal_graphs_of_one_s_own(tmp_path):
    options = ("--splits", "unrestricted", "--demonstration-kwargs.split", "unrestricted", "--episodes", 8)
    run(tmp_path / "agent", *CHAIN, *options)
    assert load_config(tmp_path / "agent").env_kwargs == {"models": "tests.agents.algorithms.policies:chain", "num_variables": 3}
    results = pd.read_csv(tmp_path / "agent" / "evaluation" / "results.csv")
    assert set(results["split"]) == {"unrestricted"} and {"agent", "expert"} <= set(results["policy"])
    with pytest.raises(SystemExit, match="error: split: only 0 of"):
        run(tmp_path / "other", *CHAIN, "--splits", "eval_path", "--demonstration-kwargs.split", "unrestricted")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--env", "CartPoole-v1"), "error: env_id must be one of"),
        (("--env", "CartPole-v1"), "error: expert must be given for CartPole-v1, which has none of its own: module:name"),
        (("--env", "CartPole-v1", "--expert", "nowhere:policy"), "error: expert must be module:name of a policy"),
        (("--env", "CartPole-v1", "--explanations", "full"), "error: explanations must be one of none, got 'full'"),
        (("--env", "OddOneOut-v0", "--architecture", "variable"), "error: .*'variable'"),
        (("--architecture", "object"), "error: .*'object'"),
        (("--architecture", "objcet"), "error: kind must be one of"),
        (("--explanations", "touch"), "error: explanations must be one of none, properties, reward, full, .*, got 'touch'"),
        (("--preset", "slow"), "error: preset must be one of quick, full"),
        (("--device", "abacus"), "error: device must be one that torch finds here"),
        (("--batches", "0"), "error: num_batches must be"),
        (("--seed", "-1"), "error: seed must be"),
        (("--env-kwargs.num-variables", "1"), "error: num_variables must be"),
        (("--env-kwargs.models", "nowhere:models"), "error: .*nowhere"),
        (("--demonstrations", "nowhere.npz"), r"error: .*nowhere.npz"),
        (("--demonstrations", "no/data-v0"), r"error: .*no/data-v0" if find_spec("minari") else r'error: .*pip install -e "\.\[minari\]"'),
    ],
)
def test_mistakes_in_training(options, message, tmp_path):
    with pytest.raises(SystemExit, match=message):
        train.main([*options, "--out", str(tmp_path / "agent"), "--episodes", "0"])
    assert not (tmp_path / "agent").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--training.num-batches", "0"), "num_batches must be"),
        (("--training.lerning-rate", "1"), "Unrecognized options"),
        (("--architecture.num-heads", "5"), "num_heads must divide"),
        (("--env-kwargs.nmu-variables", "4"), "Unrecognized options"),
    ],
)
def test_options_that_are_not_understood(options, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        train.main([*options, "--out", str(tmp_path / "agent")])
    assert stopped.value.code == 2 and message in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "agent").exists()


def test_a_negative_number_of_episodes_is_found_before_training(tmp_path):
    with pytest.raises(SystemExit, match="error: episodes must be an int from 0"):
        run(tmp_path / "agent", "--episodes", -1)
    assert not (tmp_path / "agent").exists()


@pytest.mark.parametrize("damage", ["batch\n1\n", "no table", ""])
def test_a_damaged_learning_curve_of_a_finished_training(damage, trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "agent")
    (folder / "learning_curve.csv").write_text(damage)
    with pytest.raises(SystemExit, match=r"error: .*is not a learning curve"):
        run(folder, "--seed", 2, "--episodes", 0, "--resume")


def test_a_checkpoint_without_its_config_is_not_trained_over(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "agent")
    (folder / "config.json").unlink()
    for options in ([], ["--resume"]):
        with pytest.raises(SystemExit, match=r"error: folder: .* holds a checkpoint.safetensors without a config.json"):
            run(folder, "--seed", 2, "--episodes", 0, *options)
    assert not (folder / "config.json").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "agent"):
        with pytest.raises(SystemExit, match=r"error: .*file"):
            run(out, "--episodes", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"env": "CausalDAGCued-v0"}, "error: env must have the observations and actions that the agent was trained with"),
        ({"env": "OddOneOut-v0"}, "error: env must have the observations and actions"),
        ({"env": "CartPole-v1"}, "error: env must have the observations and actions"),
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
            run(tmp_path, "--episodes", 0)
    run(tmp_path, "--episodes", 0, "--resume")
    assert load_checkpoint(tmp_path).batch == 6


# --- options ----------------------------------------------------------------------------------------------------------------


def test_defaults_are_those_of_the_preset():
    for env_id in (*ENV_IDS, ROOM, "CartPole-v1"):
        for name in ("quick", "full"):
            chosen, config = preset(env_id, name), train.parse(["--env", env_id, "--preset", name]).config()
            assert (config.training, config.architecture) == (chosen.training, chosen.architecture)
            assert (config.env_kwargs, config.demonstration_kwargs) == (chosen.env_kwargs, chosen.demonstration_kwargs)


def test_every_entry_of_the_config_can_be_asked_for():
    options = {
        "--architecture": "trial",
        "--architecture.context": 3,
        "--architecture.dropout": 0.5,
        "--training.learning-rate": 0.5,
        "--training.muon": "all",
        "--training.num-demonstrations": 500,
        "--training.explanation-weight": 3.0,
        "--env-kwargs.num-variables": 4,
        "--demonstration-kwargs.split": "unrestricted",
        "--expert": "some:body",
        "--seed": 7,
    }
    words = [str(word) for option, value in options.items() for word in (option, value)]
    config = train.parse([*words, "--env-kwargs.weight-range", "-1", "1", "--training.adamw-betas", "0.5", "0.6"]).config()
    assert (config.architecture.kind, config.architecture.context, config.architecture.dropout) == ("trial", 3, 0.5)
    assert (config.training.learning_rate, config.training.muon, config.training.num_demonstrations) == (0.5, "all", 500)
    assert (config.training.explanation_weight, config.training.adamw_betas) == (3.0, (0.5, 0.6))
    assert config.env_kwargs["num_variables"] == 4 and list(config.env_kwargs["weight_range"]) == [-1, 1]
    assert config.demonstration_kwargs == {"split": "unrestricted"} and (config.expert, config.seed) == ("some:body", 7)
    assert json.loads(json.dumps(config.to_json())) and AgentConfig.from_json(config.to_json()).differences(config) == []


def test_arguments_of_other_envs_are_pairs():
    config = train.parse(["--env", "CartPole-v1", "--env-kwargs", "sutton_barto_reward", "true", "name", "word"]).config()
    assert config.env_kwargs == {"sutton_barto_reward": True, "name": "word"}


def test_batches_change_the_number_of_evaluations_no_more_than_they_must():
    training = train.parse(["--batches", "100"]).config().training
    assert (training.num_batches, training.evaluate_every) == (100, 25)
    assert train.parse(["--batches", "100", "--training.evaluate-every", "7"]).config().training.evaluate_every == 7


def test_help_shows_the_defaults_of_the_env(capsys):
    for env_id, expected in (("OddOneOutIntervention-v0", "(default: 1800)"), ("CartPole-v1", "(default: generic)")):
        with pytest.raises(SystemExit) as stopped:
            train.main(["--env", env_id, "--help"])
        shown = capsys.readouterr().out
        assert stopped.value.code == 0 and expected in shown
        assert all(option in shown for option in ("--episodes", "--seed", "--out", "--env", "--training.adamw-betas"))


def test_help_of_an_evaluation(capsys):
    with pytest.raises(SystemExit) as stopped:
        tyro.cli(evaluate.Args, args=["--help"])
    shown = capsys.readouterr().out
    assert stopped.value.code == 0 and all(option in shown for option in ("--episodes", "--seed", "--out", "--env"))
