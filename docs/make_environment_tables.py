"""Write what the code says about each environment into the pages, between markers: ``python docs/make_environment_tables.py``.

The pages are read where the repository is hosted as well, where nothing is built: so the result is committed, and a test compares it.
A block begins with ``<!-- begin KIND ID -->``; KIND is "environment" (all of the docstring), "observations" or "arguments".
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import gymnasium as gym

from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.registry import load_target, task_spec

DOCS = Path(__file__).parent
BLOCK = re.compile(r"(<!-- begin (\w+) ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
WIDTH = 116
# The env of each module that the others' docstrings refer to.
FIRST = {"gym_causal.causal_dag.env": "CausalDAG-v0", "gym_causal.odd_one_out.env": "OddOneOut-v0"}


def markdown(text: str) -> str:
    """Text of a docstring in Markdown: roles and literals as code."""
    text = re.sub(r":\w+:`~(?:[\w.]*\.)?(\w+)`|:\w+:`([\w.]+)`", lambda match: f"`{match[1] or match[2]}`", text)
    return text.replace("``", "`")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def sections(env_class: type) -> dict[str, str]:
    """Heading -> text of an env's docstring; what comes before the first heading is under ""."""
    first, *rest = re.split(r"^## ", inspect.getdoc(env_class) or "", flags=re.MULTILINE)
    found = {"": first.strip()}
    for part in rest:
        heading, _, text = part.partition("\n")
        found[heading.strip()] = text.strip()
    return found


def meanings(env_class: type) -> dict[str, tuple[str, str]]:
    """Key -> (space, meaning), from the docstring's table of observations."""
    rows = re.findall(r"^\| `(\w+)` +\| (.*?) *\| (.*?) *\|$", sections(env_class)["Observation Space"], re.MULTILINE)
    return {key: (space, meaning) for key, space, meaning in rows}


def observations(env_id: str) -> str:
    """The entries of an observation, each with its space under the default arguments."""
    env_class = load_target(task_spec(env_id).env)
    known: dict[str, tuple[str, str]] = {}
    for documented in (load_target(task_spec(FIRST[env_class.__module__]).env), env_class):
        known |= meanings(documented)
    rows = [(f"`{key}`", known[key][0], f"`{space}`", known[key][1]) for key, space in gym.make(env_id).observation_space.spaces.items()]
    return table(("Key", "Space", "By default", "Meaning"), rows)


def documented_arguments(owner: type) -> dict[str, str]:
    """Name -> meaning, from the "Args:" of a docstring."""
    body = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", inspect.getdoc(owner) or "", re.MULTILINE | re.DOTALL)
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", body[1] if body else "", re.MULTILINE | re.DOTALL)
    return {name: " ".join(text.split()) for name, text in entries}


def arguments(env_id: str) -> str:
    """The arguments of an env, with their defaults."""
    config = load_target(task_spec(env_id).config)
    known: dict[str, str] = {}
    for owner in reversed(config.__mro__):
        known |= documented_arguments(owner)
    rows = [(f"`{field.name}`", f"`{shown(field.default)}`", markdown(known[field.name])) for field in dataclasses.fields(config)]
    return table(("Argument", "Default", "Meaning"), rows)


def shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value).replace("'", '"')


def adapter_arguments(_: str) -> str:
    """The arguments of the two ways to make an env."""
    known = documented_arguments(TaskVectorEnv)
    parameters = inspect.signature(TaskVectorEnv).parameters
    rows = [(f"`{name}`", f"`{shown(parameters[name].default)}`", markdown(text)) for name, text in known.items() if name != "task"]
    return table(("Argument", "Default", "Meaning"), rows)


def environment(env_id: str) -> str:
    """An env's docstring, with tables of its observations and arguments."""
    parts = []
    for heading, text in sections(load_target(task_spec(env_id).env)).items():
        if heading:
            parts.append(f"### {heading}")
        if heading == "Observation Space":
            text = "\n\n".join([_without_tables(text), observations(env_id)])
        elif heading == "Arguments":
            text = "\n\n".join([arguments(env_id), *re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)])
        parts += [_wrapped(part) for part in re.split(r"\n\n+", text)]
    return "\n\n".join(part for part in parts if part)


def _without_tables(text: str) -> str:
    return re.sub(r"^\|.*\n?", "", text, flags=re.MULTILINE).strip()


def _wrapped(paragraph: str) -> str:
    if paragraph.startswith("```"):
        return paragraph.replace("```python", "```pycon")  # it has prompts
    if paragraph.startswith(("|", "* ")):
        return markdown(paragraph)
    return textwrap.fill(markdown(" ".join(paragraph.split())), WIDTH, break_long_words=False, break_on_hyphens=False)


KINDS = {"environment": environment, "observations": observations, "arguments": arguments, "adapter": adapter_arguments}


def renewed(page: str) -> str:
    """A page with its blocks as the code is now."""
    return BLOCK.sub(lambda match: f"{match[1]}\n{KINDS[match[2]](match[3])}\n\n{match[4]}", page)


if __name__ == "__main__":
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (new := renewed(text)) != text:
            path.write_text(new, encoding="utf-8")
            print(f"renewed {path.name}")
