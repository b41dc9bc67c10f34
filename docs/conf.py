"""Sphinx configuration; `make docs` builds with warnings as errors."""

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
