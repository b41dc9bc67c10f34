"""Sphinx configuration; `make docs` builds with warnings as errors."""

import importlib
import inspect
import re
from pathlib import Path

import gym_causal

project = "gym_causal"
author = "the gym_causal authors"
project_copyright = f"2026, {author}"
version = release = gym_causal.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"gym_causal {release}"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say types together with shapes
autodoc_inherit_docstrings = False
# Nothing of theirs is needed to read our docstrings.
autodoc_mock_imports = ["imitation", "minari", "safetensors", "stable_baselines3", "torch", "tqdm"]
napoleon_numpy_docstring = False

# The env classes document themselves in Markdown, as Gymnasium's own do; their docstrings become part of a page.
ENVS = ("gym_causal.causal_dag.env:CausalDAGEnv", "gym_causal.causal_dag.env:CausalDAGCuedEnv")


def write_env_pages(folder: Path) -> None:
    """Write every env's docstring as a Markdown file, with its Sphinx roles in Markdown's spelling."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in ENVS:
        module, name = path.split(":")
        text = inspect.getdoc(getattr(importlib.import_module(module), name))
        assert text is not None
        text = re.sub(r":(\w+):`", r"{\1}`", text)
        # One level below the page's own heading, and no page-wide heading for the first line.
        text = re.sub(r"^## ", "### ", text, flags=re.MULTILINE)
        (folder / f"{name}.md").write_text(text + "\n", encoding="utf-8")


write_env_pages(Path(__file__).parent / "_build" / "env")
