"""The package as it is installed: what it may import, and what its metadata say."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gym_causal

ROOT = Path(__file__).parents[1]
OURS = {"gym_causal", "baselines", "agents"}
# Lazily imported by rendering alone, which says which extra is missing.
RENDER = {"matplotlib", "PIL", "pygame", "pygame_ce"}
RENDERING = {
    "gym_causal/odd_one_out/rendering.py",
    "gym_causal/core/window.py",
    "gym_causal/causal_dag/rendering.py",
    "gym_causal/causal_dag/picture.py",
    "gym_causal/causal_dag/layout.py",
    "gym_causal/play/window.py",
}
# The command compares its player with the pretrained agent, where there is one.
PLAYS_AGENTS = "gym_causal/play/scores.py"


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def third_party(path: Path) -> set[str]:
    """Every top-level module that a file imports anywhere, the standard library's aside."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add((node.module or "").split(".")[0])
    return found - set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", sources("gym_causal"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_only_numpy_and_gymnasium(path):
    allowed = {"gym_causal", "numpy", "gymnasium"}
    if path.relative_to(ROOT).as_posix() in RENDERING:
        allowed |= RENDER
    if path.relative_to(ROOT).as_posix() == PLAYS_AGENTS:
        allowed.add("agents")
    assert third_party(path) <= allowed


def test_importing_takes_less_than_half_a_second_over_gymnasium():
    code = "import time, gymnasium, sys; start = time.process_time(); import gym_causal; print(time.process_time() - start)"
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout) for _ in range(2)
    ]
    assert min(seconds) < 0.5


def test_playing_imports_no_extra():
    extras = ("matplotlib", "PIL", "pygame", "scipy", "sklearn", "pandas", "rich", "tyro", "torch", "stable_baselines3")
    code = f"""
import sys
import gymnasium, gym_causal
env = gymnasium.make("CausalDAG-v0", render_mode="ansi")
env.reset(seed=0)
env.step(env.unwrapped.expert_action())
env.render()
gym_causal.evaluate("random", "CausalDAGCued-v0", num_episodes=3)
print([name for name in {extras} if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sources("baselines"), ids=lambda path: str(path.relative_to(ROOT)))
def test_baselines_never_import_agents(path):
    assert not third_party(path) & {"agents", "torch", "stable_baselines3", "imitation"}


@pytest.mark.parametrize("path", sources("agents"), ids=lambda path: str(path.relative_to(ROOT)))
def test_agents_import_baselines_only_in_their_commands(path):
    if path.name not in {"train.py", "evaluate.py", "ablate.py", "__main__.py"}:
        assert "baselines" not in third_party(path)


def test_every_third_party_import_is_declared():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    declared = config["options"]["install_requires"] + "".join(config["options.extras_require"].values())
    distributions = {re.split(r"[\[<>=~! ]", line.strip())[0] for line in declared.splitlines()}
    modules = {name.replace("-", "_") for name in distributions} | {"sklearn", "PIL"}
    for package in OURS:
        for path in sources(package):
            assert third_party(path) <= modules | OURS, path


def test_version_is_stated_once():
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+|\.dev\d+)?", gym_causal.__version__)
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config["metadata"]["version"] == "attr: gym_causal._version.__version__"


def test_types_are_announced():
    assert (ROOT / "gym_causal" / "py.typed").exists()


def test_nothing_is_left_to_fill_in():
    """Numbers are measured before a release; this placeholder stands where one is missing."""
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        assert "TODO" not in path.read_text("utf-8"), path.name
