"""The package as it is installed: what it may import, and what its metadata say."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gym_causal

ROOT = Path(__file__).parents[1]
OURS = {"gym_causal", "baselines", "agents"}
# Lazily imported by rendering alone, which says which extra is missing.
RENDER = {"matplotlib", "pygame", "pygame_ce"}
RENDERING = {"gym_causal/window.py", "gym_causal/causal_dag/rendering.py", "gym_causal/causal_dag/picture.py", "gym_causal/causal_dag/layout.py"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every top-level module that a file imports, and whether it does so when it is itself imported."""
    tree = ast.parse(path.read_text("utf-8"))
    lazy = {id(node) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for node in ast.walk(f)}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [node.module or ""]
        yield from ((name.split(".")[0], id(node) not in lazy) for name in names)


def third_party(path: Path) -> set[str]:
    return {name for name, _ in imports(path)} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", sources("gym_causal"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_only_numpy_and_gymnasium(path):
    allowed = {"gym_causal", "numpy", "gymnasium"}
    if path.relative_to(ROOT).as_posix() in RENDERING:
        allowed |= RENDER
    assert third_party(path) <= allowed


def test_importing_the_core_imports_no_extra():
    """Nothing that gym_causal imports when it is imported leads to a module that needs an extra there and then."""
    reached, queue = set(), ["gym_causal/__init__.py"]
    while queue:
        file = queue.pop()
        if file in reached or not (ROOT / file).exists():
            continue
        reached.add(file)
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gym_causal"):
                base = (node.module or "").replace(".", "/")
                queue += [f"{base}.py", f"{base}/__init__.py", *(f"{base}/{alias.name}.py" for alias in node.names)]
        eager = {name for name, is_eager in imports(ROOT / file) if is_eager}
        assert not eager & RENDER, file
    assert "gym_causal/causal_dag/task.py" not in reached or "gym_causal/batched.py" in reached


@pytest.mark.parametrize("path", sources("baselines"), ids=lambda path: str(path.relative_to(ROOT)))
def test_baselines_never_import_agents(path):
    assert not third_party(path) & {"agents", "torch", "stable_baselines3", "imitation"}


@pytest.mark.parametrize("path", sources("agents"), ids=lambda path: str(path.relative_to(ROOT)))
def test_agents_import_baselines_only_in_their_commands(path):
    if path.name not in {"train.py", "evaluate.py", "ablate.py"}:
        assert "baselines" not in third_party(path)


def test_every_third_party_import_is_declared():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    declared = config["options"]["install_requires"] + "".join(config["options.extras_require"].values())
    distributions = {re.split(r"[\[<>=~! ]", line.strip())[0] for line in declared.splitlines()}
    modules = {name.replace("-", "_") for name in distributions} | {"sklearn"}
    for package in OURS:
        for path in sources(package):
            assert third_party(path) <= modules | OURS, path


def test_version_is_stated_once():
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+|\.dev\d+)?", gym_causal.__version__)
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config["metadata"]["version"] == "attr: gym_causal.__version__"


def test_types_are_announced():
    assert (ROOT / "gym_causal" / "py.typed").exists()


def test_nothing_is_left_to_fill_in():
    """Numbers are measured before a release; this placeholder stands where one is missing."""
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        assert "TODO" not in path.read_text("utf-8"), path.name
