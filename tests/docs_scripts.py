"""The scripts in docs, which are in no package, as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[1] / "docs"


def load_script(name: str) -> ModuleType:
    """``docs/NAME.py`` as a module."""
    if str(DOCS) not in sys.path:  # where a script that is run finds its neighbours
        sys.path.append(str(DOCS))
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # a dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


page_tables = load_script("page_tables")
"""The module that scripts write tables with."""
