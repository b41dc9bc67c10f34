"""Without an extra, what needs it says how to install it, and everything else works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest

from gym_causal.extras import ExtraNotInstalled, needs_extra

ROOT = Path(__file__).parents[1]
# What the extras bring; a fresh interpreter that finds none of them is what `pip install -e .` gives.
EXTRAS = ["matplotlib", "PIL", "pygame", "moviepy", "scipy", "pandas", "tyro", "rich"]
EXTRAS += ["torch", "stable_baselines3", "imitation", "safetensors", "tqdm", "minari", "sphinx"]
BLOCKED = f"""
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""
RENDER = "import gymnasium, gym_causal; env = gymnasium.make({id!r}, render_mode={mode!r}); env.reset(seed=0); env.render()"
IDS, MODES = ("CausalDAG-v0", "OddOneOut-v0"), ("rgb_array", "human")
STATEMENTS = [
    ("import baselines; baselines.make('change', 'CausalDAG-v0')", "the strategies of CausalDAG-v0", "baselines"),
    ("import baselines; baselines.StrategyPolicy", "baselines.StrategyPolicy", "baselines"),
    ("import agents; agents.load('CausalDAG-v0')", "agents.load", "agents"),
    ("import agents; agents.register_network", "agents.register_network", "agents"),
    ("import agents.vec_env", "agents.vec_env", "agents"),
    ("import agents.data.trajectories", "agents.data.trajectories", "agents"),
    ("import agents.data.minari", "agents.data.minari", "minari"),
    *(
        (f"sys.argv = ['', '--help']; runpy.run_module('{command}', run_name='__main__')", f"python -m {command}", extra)
        for command, extra in (
            ("baselines.compare", "baselines"),
            ("agents.train", "agents"),
            ("agents.evaluate", "agents"),
            ("agents.ablate", "agents"),
        )
    ),
    *(
        (RENDER.format(id=env_id, mode=mode), "rendering", "render")
        for env_id in ("CausalDAG-v0", "OddOneOut-v0")
        for mode in ("rgb_array", "human")
    ),
]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BLOCKED + code], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize(("code", "what", "extra"), STATEMENTS, ids=[f"{what}-{index}" for index, (_, what, _) in enumerate(STATEMENTS)])
def test_what_is_missing_is_named(code, what, extra):
    last = run(code).stderr.strip().splitlines()[-1]
    assert last.startswith(f'gym_causal.extras.ExtraNotInstalled: {what} needs the extra "{extra}": pip install -e ".[{extra}]" (')


def test_importing_and_playing_needs_no_extra():
    code = "import gym_causal, baselines, agents; print(gym_causal.evaluate('expert', 'OddOneOut-v0', num_episodes=5).reward.mean)"
    assert run(code).stdout.strip() == "1.0"


def test_a_player_is_told_what_brings_the_pretrained_agent():
    result = run("from gym_causal.play.scores import reference_scores; print(reference_scores('CausalDAG-v0', 0, 0))")
    *others, note = result.stdout.splitlines()
    assert [line.split(maxsplit=1)[1] for line in others[1:]] == ["expert", "random player"], result.stderr
    assert note.startswith('Without the pretrained agent: the pretrained agent needs the extra "agents": pip install -e ".[agents]" (')


def test_the_error_is_gymnasiums_and_an_import_error():
    for kind in (gym.error.DependencyNotInstalled, ImportError):
        with (
            pytest.raises(kind, match=r'a thing needs the extra "render": pip install -e "\.\[render\]" \(No module'),
            needs_extra("a thing", "render"),
        ):
            import no_such_module_anywhere  # noqa: F401, PLC0415


def test_the_inner_extra_is_named():
    with pytest.raises(ExtraNotInstalled, match="inner"), needs_extra("outer", "agents"), needs_extra("inner", "baselines"):
        raise ModuleNotFoundError(name="scipy")


def test_a_module_of_ours_is_in_no_extra():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'gym_causal\.nothing'"), needs_extra("a thing", "render"):
        import gym_causal.nothing  # noqa: F401, PLC0415


@pytest.mark.parametrize("env_id", ["CausalDAG-v0", "OddOneOut-v0"])
def test_a_video_is_written(env_id, tmp_path):
    for library in ("moviepy", "matplotlib", "PIL"):
        pytest.importorskip(library)
    env = gym.wrappers.RecordVideo(gym.make(env_id, render_mode="rgb_array"), str(tmp_path), episode_trigger=lambda episode: True)
    env.reset(seed=0)
    for _ in range(3):
        env.step(0)
    env.close()
    assert [path.suffix for path in tmp_path.glob("*.mp4")] == [".mp4"]
