"""The examples run, as a user would run them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
TRAINER = ("torch", "stable_baselines3", "imitation", "safetensors", "tensorboard", "tqdm", "rich")
# The scripts, in the order in which they run, with a small budget, and what they need beyond the core.
SCRIPTS = {
    "make_an_env.py": ([], ()),
    "expert_episode.py": ([], ()),
    "compare_baselines.py": ([], ("scipy", "pandas")),
    "extend/new_strategy.py": (["500"], ("scipy", "pandas")),
    "pretrained_agent.py": ([], ("torch", "safetensors")),
    "thinking_aloud.py": ([], ("torch", "safetensors", "PIL", "tyro")),
    "train_ppo.py": (["--steps", "2048", "--episodes", "50"], TRAINER),
    "train_transformer_ppo.py": (["--steps", "1024", "--episodes", "50", "--envs", "64"], TRAINER),
    "train_agent.py": (["2"], TRAINER),
    "extend/new_task.py": (["2"], TRAINER),
    "extend/new_network.py": (["2"], TRAINER),
    "extend/own_causal_graph.py": (["2"], TRAINER),
    "extend/clone_cartpole.py": (["20"], TRAINER),
    "extend/clone_minigrid.py": (["40"], (*TRAINER, "minigrid")),
    "integrations/flat_causal_dag.py": ([], ()),
    "integrations/ppo_gru.py": ([], ("torch",)),
    "integrations/sb3_ppo.py": ([], ("stable_baselines3",)),
    "integrations/sb3_contrib_recurrent_ppo.py": ([], ("sb3_contrib",)),
    "integrations/sb3_contrib_maskable_ppo.py": ([], ("sb3_contrib",)),
    "integrations/imitation_bc.py": ([], ("imitation",)),
    "integrations/imitation_gail.py": ([], ("imitation",)),
    # The libraries of these have environments of their own: make integrations.
    "integrations/imitation_dagger.py": ([], ("imitation", "datasets", "jsonpickle")),
    "integrations/minari_dataset.py": ([], ("minari", "h5py", "jax")),
    "integrations/torchrl_gru.py": ([], ("torchrl",)),
    "integrations/rllib_lstm.py": ([], ("ray", "tree")),
    "integrations/tianshou_lstm.py": ([], ("tianshou",)),
    "integrations/d3rlpy_decision_transformer.py": ([], ("d3rlpy",)),
}
# One process runs all of them: importing torch takes longer than most. What a script prints comes back, or the error that it ends with.
RUN_SCRIPTS = """
import contextlib, io, json, pathlib, runpy, sys, traceback
output = {}
for path, arguments in json.loads(sys.argv[1]):
    sys.path.insert(0, str(pathlib.Path(path).parent))
    sys.argv = [path, *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            runpy.run_path(path, run_name="__main__")
        except BaseException:
            output[path] = [None, traceback.format_exc()]
        else:
            output[path] = [printed.getvalue(), ""]
print(json.dumps(output))
"""


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command of Python prints."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "OMP_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, env=environment, cwd=cwd)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def missing(name: str) -> str:
    """The first module that a script needs and that is not installed."""
    return next((module for module in SCRIPTS[name][1] if importlib.util.find_spec(module) is None), "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the scripts run, which leave their agents there."""
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def outputs(folder: Path) -> dict[str, tuple[str | None, str]]:
    """What each script prints, and the error that it ends with."""
    scripts = {str(EXAMPLES / name): (name, arguments) for name, (arguments, _) in SCRIPTS.items() if not missing(name)}
    command = [(path, arguments) for path, (_, arguments) in scripts.items()]
    found = json.loads(run("-c", RUN_SCRIPTS, json.dumps(command), cwd=folder).splitlines()[-1])
    return {name: tuple(found[path]) for path, (name, _) in scripts.items()}


@pytest.fixture
def output(request: pytest.FixtureRequest, outputs: dict[str, tuple[str | None, str]]) -> str:
    """What the script prints that a test names."""
    name = request.param
    if module := missing(name):
        pytest.skip(f"{name} needs {module}")
    printed, error = outputs[name]
    assert printed is not None, error
    return printed


def example(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("output", [name], indirect=True)


def mean(line: str) -> float:
    """The number before the interval at the end of a line, "random 0.15 [0.14, 0.17]"."""
    return float(line.partition(" [")[0].rpartition(" ")[2])


def returns(output: str) -> dict[str, float]:
    """First word of a line -> its number."""
    return {line.split()[0]: mean(line) for line in output.splitlines()}


def test_every_example_is_run():
    assert {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")} == set(SCRIPTS)


@example("make_an_env.py")
def test_make_an_env(output):
    assert "return " in output and "(1000, 10)" in output


@example("expert_episode.py")
def test_expert_episode_is_explained(output):
    assert output.count("exploration:") == 5
    assert output.count("Setting ") == 5
    assert output.count("Optimal: ") == 2  # the expert's choices are


@example("compare_baselines.py")
def test_compare_baselines_ranks_them(output):
    rows = [line.split() for line in output.splitlines()]
    assert [row[1] for row in rows] == ["random", "change", "structure", "expert"] * 3
    for k in range(0, len(rows), 4):
        means = [float(row[4]) for row in rows[k : k + 4]]
        assert means == sorted(means) and means[-1] == 1.0


@example("extend/new_strategy.py")
def test_own_strategy_is_compared_with_the_others_and_beats_change(output):
    rewards = returns(output)
    assert list(rewards) == ["random", "value", "change", "total_correlation", "partial_correlation", "mean_change"]
    assert rewards["mean_change"] > rewards["change"] > rewards["random"]


@example("pretrained_agent.py")
def test_pretrained_agent_experiments_and_exploits(output):
    assert output.count("Setting ") == 5
    assert float(output.split("return ")[1]) > 5


@example("thinking_aloud.py")
def test_an_agent_thinks_aloud_in_a_gif(output, folder):
    said = output.splitlines()
    assert {line.split(":")[0] for line in said[:-1]} == {f"trial {number}" for number in (1, 2, 3, 4)}
    assert any("The attribute that pays must be" in line for line in said)
    with pytest.importorskip("PIL.Image").open(folder / "thinking_aloud.gif") as gif:
        assert gif.n_frames > len(said) - 1


@example("train_ppo.py")
def test_sb3_ppo_example_trains_and_says_whether_it_beat_random(output):
    assert "after 2048 steps PPO " in output  # so few steps promise nothing


@example("train_transformer_ppo.py")
def test_transformer_ppo_example_trains_and_says_whether_it_beat_random(output):
    assert [line.split()[0] for line in output.splitlines()[-4:-1]] == ["random", "EpisodePPO", "expert"]
    assert "steps the agent " in output


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sb3_ppo_example_beats_random_within_its_budget(seed):
    pytest.importorskip("stable_baselines3")
    assert "PPO beats random play" in run(str(EXAMPLES / "train_ppo.py"), "--seed", str(seed))


@example("train_agent.py")
def test_an_agent_is_trained(output, folder):
    assert [line.split()[0] for line in output.splitlines()] == ["train", "eval_target", "eval_path"]
    assert (folder / "results" / "example_agent" / "checkpoint.safetensors").exists()


@example("extend/new_task.py")
def test_a_task_of_one_s_own_is_explained_and_learned(output):
    lines = output.splitlines()
    assert sorted(line.split(" set")[0][-1] for line in lines[:5]) == list("ABCDE")  # each variable is set once
    expert, agent, accuracy = (mean(line) for line in lines[5:])
    assert expert == 1.0 > agent
    assert 0 <= accuracy < 1


@example("extend/new_network.py")
def test_a_network_of_one_s_own_is_trained(output, folder):
    assert [line.split()[0] for line in output.splitlines()] == ["train", "eval_target"]
    assert (folder / "results" / "gru_agent" / "checkpoint.safetensors").exists()


@example("extend/own_causal_graph.py")
def test_causal_graphs_of_one_s_own_are_played_and_learned_from(output):
    fixed, sampled, *_ = output.splitlines()
    assert "A by +10" in fixed and "does not move D or E" in fixed
    assert sampled.endswith("[4 4 4 4]")
    assert "agent, sampled models, eval_target" in output


@pytest.mark.parametrize("output", ["extend/clone_cartpole.py", "extend/clone_minigrid.py"], indirect=True)
def test_experts_of_other_envs_are_cloned(output):
    rewards = returns(output)
    assert rewards["expert"] > rewards["agent"] > rewards["random"]


@pytest.mark.parametrize("output", [name for name in SCRIPTS if name.startswith("integrations/")], indirect=True)
def test_scripts_with_other_libraries_run(output):
    assert any(character.isdigit() for line in output.splitlines() for character in line)  # each prints what it reached
