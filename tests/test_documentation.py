"""The Python in the README and the docs runs, and the numbers that they quote are the code's."""

from __future__ import annotations

import configparser
import dataclasses
import doctest
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import gym_causal
from gym_causal.causal_dag import env as causal_dag_env
from gym_causal.causal_dag.config import CausalDAGConfig, CausalDAGCuedConfig
from gym_causal.causal_dag.evidence import Finding
from gym_causal.causal_dag.explanations import no_facts, num_tokens, vocabulary
from gym_causal.causal_dag.reasoning import Reason
from gym_causal.registry import load_target, registered_ids, task_spec
from tests.docs_scripts import load_script

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What a block needs that mentions one of these; what comes after such a block may build on it.
TRAINER = ("torch", "stable_baselines3", "imitation", "safetensors", "tensorboard")
NEEDS = {
    "baselines": ("scipy",),
    "agents.data.trajectories": ("imitation",),
    "agents.data.minari": ("minari", "h5py"),
    "agents.load": ("torch", "safetensors"),
    "agents.algorithms.behavioral_cloning": TRAINER,
    "agents.algorithms.ppo": TRAINER,
    "agents.algorithms.reinforcement_learning": TRAINER,
    "agents.analysis.probe": TRAINER,
}
# Its blocks are the scripts of examples/integrations, which test_examples.py runs and test_other_libraries.py compares.
SCRIPTS_PAGE = ROOT / "docs" / "other_libraries.md"
MAX_LINE = 120
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


FENCED_BLOCK = re.compile(r"^(`{3,}|:{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)
URL = re.compile(r"https?://\S+")


def python_blocks(text: str) -> list[str]:
    return PYTHON_BLOCK.findall(text)


PAGES_OF_PYTHON = [page for page in PAGES if page != SCRIPTS_PAGE and python_blocks(page.read_text("utf-8"))]


@pytest.mark.parametrize("page", PAGES_OF_PYTHON, ids=lambda page: page.name)
def test_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    blocks = python_blocks(page.read_text("utf-8"))
    namespace: dict[str, object] = {"__name__": page.stem}
    for block in blocks:
        for library in (library for module, libraries in NEEDS.items() if module in block for library in libraries):
            pytest.importorskip(library)
        exec(compile(block, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_lines_are_short_outside_tables_and_code(page):
    prose = FENCED_BLOCK.sub(lambda block: "\n" * block.group().count("\n"), page.read_text("utf-8"))
    long = [
        f"{number}: {line}"
        for number, line in enumerate(prose.splitlines(), 1)
        if len(line) > MAX_LINE and not line.lstrip().startswith("|") and not URL.search(line)
    ]
    assert not long, "\n".join(long)


def test_quick_start_lists_every_extra_and_example():
    text = (ROOT / "docs" / "quick_start.md").read_text("utf-8")
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    assert sorted(re.findall(r"^\| `\[([\w-]+)\]`", text, re.MULTILINE)) == sorted(setup["options.extras_require"])
    assert sorted(re.findall(r"^\| `(\w+\.py)`", text, re.MULTILINE)) == sorted(path.name for path in (ROOT / "examples").glob("*.py"))


def test_every_package_is_in_the_table():
    (table,) = re.findall(r"^## Packages\n(.*?)^## ", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    listed = set()
    for package, name, several in re.findall(r"`(gym_causal|baselines|agents)\.(?:(\w+)[\w.]*|{([\w,]+)})`", table):
        listed |= {f"{package}.{each}" for each in (several.split(",") if several else [name])}
    packages = {
        f"{package}.{module.name}"
        for package in ("gym_causal", "baselines", "agents")
        for module in pkgutil.iter_modules([str(ROOT / package)])
        if not module.name.startswith("_")
    }
    assert packages == listed


def test_every_extension_is_on_the_page():
    text = (ROOT / "docs" / "extend.md").read_text("utf-8")
    for path in sorted((ROOT / "examples" / "extend").glob("*.py")):
        assert f"../examples/extend/{path.name}" in text


@pytest.mark.parametrize("env_class", [causal_dag_env.CausalDAGEnv, causal_dag_env.CausalDAGCuedEnv])
def test_docstring_examples_print_what_they_say(env_class):
    examples = doctest.DocTestParser().get_doctest(inspect.getdoc(env_class), {}, env_class.__name__, None, None)
    assert doctest.DocTestRunner().run(examples).failed == 0


def table(page: str, first_heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading, cells without padding and backticks."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.replace(" ", "").startswith(f"|{first_heading}|"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return rows


def test_every_fact_of_an_explanation_is_in_the_table():
    documented = {row[0]: row[1] for row in table("explanations.md", "Field")}
    facts = no_facts(1, 5)
    assert set(documented) == set(facts) | {"kind", "text"}
    for name, value in facts.items():
        assert documented[name].startswith(str(value.dtype)), name
        sentinel = next(row[3] for row in table("explanations.md", "Field") if row[0] == name).split(",")[0]
        assert str(value.ravel()[0].item()).removesuffix(".0") == sentinel, name


def test_every_fact_of_the_reasoning_is_in_the_table():
    documented = {row[0]: row for row in table("explanations.md", "Reasoningfield")}
    venv = gym_causal.make_vec("CausalDAG-v0", 2, explain="target")  # at first nothing is stated
    facts = {name: value for name, value in venv.reset(seed=0)[1]["explanation"].items() if name not in ("kind", "tokens")}
    assert set(documented) == set(facts)
    for name, value in facts.items():
        assert documented[name][1] == f"{value.dtype}{' (N,)' if value.ndim == 2 else ''}", name
        assert str(value.ravel()[0].item()).removesuffix(".0") == documented[name][3], name


def test_the_words_of_the_reasoning_are_in_the_tables():
    findings, reasons = ([row[:2] for row in table("explanations.md", heading)] for heading in ("Finding", "Reason"))
    assert [int(row[0]) for row in findings] == list(Finding) and [int(row[0]) for row in reasons] == list(Reason)
    words = ["reasoning", *(row[1] for row in findings), *(row[1] for row in reasons[1:5])]
    assert words == list(gym_causal.make_task("CausalDAG-v0", 1, explain="all").explanations.vocabulary[len(vocabulary(5)) :])


def test_token_table_is_the_vocabulary():
    text = (ROOT / "docs" / "explanations.md").read_text("utf-8")
    quoted = re.findall(r"`([^`]+)`", text[text.index("| 1 – 11") : text.index("A properties explanation is")])
    assert quoted == vocabulary(5)[1:20]
    assert num_tokens(5) == 3 + 5 * 5


@pytest.mark.parametrize("config_class", [CausalDAGConfig, CausalDAGCuedConfig])
def test_every_argument_has_a_line_of_documentation(config_class):
    documented = inspect.getdoc(config_class)
    own = [name for name in config_class.__annotations__ if name in CausalDAGCuedConfig.__dataclass_fields__]
    inherited = set(CausalDAGConfig.__annotations__) if config_class is not CausalDAGConfig else set()
    for name in set(own) - inherited:
        assert re.search(rf"^ +{name}: ", documented, re.MULTILINE), name


def test_every_metric_is_defined():
    result = gym_causal.evaluate("random", "CausalDAG-v0", num_episodes=5, references={"expert": "expert"})
    defined = {row[0] for row in table("evaluation.md", "Metric")}
    assert {metric.replace("match_expert", "match_<reference>") for metric in result.metrics} == defined


def load_tables():
    return load_script("make_environment_tables")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_tables_are_current(page):
    text = page.read_text("utf-8")
    assert load_tables().renewed(text) == text, "run python docs/make_environment_tables.py"


@pytest.mark.parametrize("env_id", registered_ids())
def test_every_argument_and_observation_is_on_a_page(env_id):
    name = f"{'_'.join(re.findall('[A-Z][a-z]+', env_id)).lower()}.md"
    if env_id.startswith("CausalDAG"):
        name = "odd_one_out_text.md" if env_id.endswith("Text-v0") else "environments.md"
    text = (ROOT / "docs" / name).read_text("utf-8")
    for field in dataclasses.fields(load_target(task_spec(env_id).config)):
        assert re.search(rf"^\| `{field.name}` \| `.+` \| .", text, re.MULTILINE), field.name
    if name == "environments.md" or env_id == "OddOneOut-v0":
        for key, space in gym_causal.make_task(env_id, 1).observation_space.spaces.items():
            assert re.search(rf"^\| `{key}` \| .+ \| `{re.escape(str(space))}` \| .", text, re.MULTILINE), key


# What only Sphinx turns into text: a page that is read where the repository is hosted has none of it.
NEEDS_SPHINX = re.compile(r"\{(include|eval-rst|class|func|meth|mod|attr|data)\}")


@pytest.mark.parametrize("name", ["environments.md", "odd_one_out.md", "odd_one_out_confounded.md", "odd_one_out_intervention.md"])
def test_pages_of_the_envs_are_complete_without_a_build(name):
    assert not NEEDS_SPHINX.search((ROOT / "docs" / name).read_text("utf-8"))


def slug(heading: str) -> str:
    """The anchor that hosts and MyST make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    prose = FENCED_BLOCK.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(\s*([^)\s]+)\s*\)", prose):
        path, _, anchor = target.partition("#")
        if URL.match(target):
            continue
        linked = page.parent / path if path else page
        assert linked.exists() and "_build" not in target, target
        if page.name == "README.md" and linked.suffix == ".md":
            assert not re.search(r"\{(include|eval-rst)\}", linked.read_text("utf-8")), f"{target} answers only after a build"
        if anchor:
            assert anchor in {slug(heading) for heading in re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.MULTILINE)}, target
