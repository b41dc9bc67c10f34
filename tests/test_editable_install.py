"""An editable install works for a script beside the clone, whose folder has the name of the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, **env})
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clone named gym_causal, and a venv in which the clone is installed as the README says."""
    folder = tmp_path_factory.mktemp("beside")
    clone = folder / "gym_causal"
    clone.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for package in ("gym_causal", "baselines", "agents"):
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    install = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps", "--no-compile", "--editable", "./gym_causal")
    run(folder / "venv" / "bin" / "python", *install, cwd=folder, PYTHONPATH="")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="a venv has other paths there")
@pytest.mark.parametrize("package", ["gym_causal", "baselines", "agents"])
def test_a_script_beside_the_clone_imports_the_package(folder, package):
    script = folder / "script.py"
    script.write_text(f"import {package}\nprint({package}.__file__)\n", encoding="utf-8")
    # Gymnasium and NumPy are those of the tests; an entry of PYTHONPATH, whose .pth files are not read, does not bring our package.
    found = run(folder / "venv" / "bin" / "python", script, cwd=folder, PYTHONPATH=sysconfig.get_path("purelib"))
    assert Path(found) == (folder / "gym_causal" / package / "__init__.py").resolve()
