"""Reading a submission that anybody may have written: JSON of bounded size, checked entry by entry before it is used."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from gym_causal.arguments import check_integer, check_number, check_one_of
from gym_causal.leaderboard import protocol
from gym_causal.registry import make_task, task_spec

MAX_BYTES = 1_000_000
_MAX_PROBLEMS, _MAX_LENGTH = 50, 300
_ROUNDING = 1e-9
_HEAD = (
    *("format", "method", "track", "env_id", "command", "observation", "training_episodes", "explanations", "action_masks"),
    *("versions", "episodes", "seed"),
)
_PACKAGES = ("python", "gym_causal", "gymnasium", "numpy")
_ESTIMATE = ("mean", "low", "high")


def read(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is longer than ``MAX_BYTES``, or no JSON, or has an entry twice or a number that no submission needs.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"file must have at most {MAX_BYTES:,} bytes, {str(path)!r} has more")
    try:
        return json.loads(content.decode("utf-8"), parse_int=_integer, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError(f"file must be a JSON document, {str(path)!r} is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"file must be a JSON document, {str(path)!r} is not: {_shortened(str(error))}") from error


def _integer(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError(f"integer of {len(digits)} digits")
    return int(digits)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the entry {name!r} is there twice")
        found[name] = value
    return found


class _Problems:
    """A line for each entry that is wrong."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        self.lines.append(_shortened(line))

    def check(self, check: Callable[..., object], *arguments: Any) -> bool:
        """Whether a check passes; if not, its message is a problem."""
        try:
            check(*arguments)
        except (TypeError, ValueError) as error:
            self.add(str(error))
            return False
        return True

    def entries(self, where: str, value: Any, names: Collection[str]) -> bool:
        """Whether a value is an object with exactly these entries."""
        return self.check(_check_entries, where, value, names)


def head_problems(document: Any, training_seeds: Sequence[Any]) -> list[str]:
    """A line for each thing that is wrong with what a submission says about its method; none: all is well.

    Args:
        document: the entries before "references".
        training_seeds: of its runs.
    """
    problems = _Problems()
    if not problems.entries("submission", document, _HEAD) or not problems.check(
        _check_same, "format", document["format"], protocol.FORMAT
    ):
        return problems.lines
    problems.check(_check_text, "method", document["method"], 100)
    problems.check(_check_text, "command", document["command"], 1_000)
    problems.check(check_integer, "training_episodes", document["training_episodes"], 0, 10**12)
    if not isinstance(document["action_masks"], bool):
        problems.add(f"action_masks must be true or false, got {document['action_masks']!r}")
    problems.check(_check_same, "episodes", document["episodes"], protocol.NUM_EPISODES)
    problems.check(_check_same, "seed", document["seed"], protocol.EPISODES_SEED)
    if problems.entries("versions", document["versions"], _PACKAGES):
        for package, version in document["versions"].items():
            problems.check(_check_text, f"versions.{package}", version, 100)
    # Before it is looked up anywhere: Gymnasium imports a module that an id names.
    if problems.check(check_one_of, "env_id", document["env_id"], protocol.ENV_IDS):
        problems.check(check_one_of, "explanations", document["explanations"], protocol.explanation_modes(document["env_id"]))
        problems.check(_check_observation, document["env_id"], document["observation"])
    if problems.check(check_one_of, "track", document["track"], protocol.TRACKS):
        problems.check(_check_training_seeds, document["track"], training_seeds)
        if (document["training_episodes"] == 0) != (document["track"] == protocol.UNTRAINED):
            problems.add(f"training_episodes must be 0 in the track untrained alone, got {document['training_episodes']!r}")
    return problems.lines


def problems_of(document: Any) -> list[str]:
    """A line for each thing that is wrong with the form of a submission, at most ``_MAX_PROBLEMS``; none: every entry has its type and
    range, and the runs and splits are those of the protocol."""
    problems = _Problems()
    if not problems.entries("submission", document, (*_HEAD, "references", "runs", "summary")):
        return problems.lines
    runs = document["runs"]
    if not isinstance(runs, list) or not 1 <= len(runs) <= len(protocol.TRAINING_SEEDS):
        return [f"runs must be a list of 1 to {len(protocol.TRAINING_SEEDS)} runs"]
    if not all(problems.entries(f"runs[{i}]", run, ("training_seed", "splits")) for i, run in enumerate(runs)):
        return problems.lines
    lines = head_problems({name: document[name] for name in _HEAD}, [run["training_seed"] for run in runs])
    if document["env_id"] in protocol.ENV_IDS:
        env_id = document["env_id"]
        _check_numbers(problems, document, task_spec(env_id).splits, protocol.metrics(env_id))
    lines += problems.lines
    more = [f"and {len(lines) - _MAX_PROBLEMS} more"] if len(lines) > _MAX_PROBLEMS else []
    return lines[:_MAX_PROBLEMS] + more


def _check_numbers(problems: _Problems, document: dict[str, Any], splits: Sequence[str], metrics: Sequence[str]) -> None:
    """References, runs and summary."""
    references = tuple(protocol.references(document["env_id"]))
    for name, of_split in (("references", references), ("summary", metrics)):
        if problems.entries(name, document[name], splits):
            for split in splits:
                where, entry = f"{name}.{split}", document[name][split]
                if problems.entries(where, entry, of_split):
                    for each in of_split:
                        check = _check_digest if name == "references" else _check_estimate
                        problems.check(check, f"{where}.{each}", entry[each])
    for i, run in enumerate(document["runs"]):
        if not problems.entries(f"runs[{i}].splits", run["splits"], splits):
            continue
        for split, played in run["splits"].items():
            where = f"runs[{i}].splits.{split}"
            if problems.entries(where, played, ("digest", "metrics")):
                problems.check(_check_digest, f"{where}.digest", played["digest"])
                if problems.entries(f"{where}.metrics", played["metrics"], metrics):
                    for metric in metrics:
                        problems.check(_check_measured, f"{where}.metrics.{metric}", played["metrics"][metric], metric)


def _check_entries(where: str, value: Any, names: Collection[str]) -> None:
    if not isinstance(value, dict):
        raise TypeError(f"{where} must be an object with the entries {', '.join(names)}, got {_shortened(repr(value))}")
    if missing := [name for name in names if name not in value]:
        raise ValueError(f"{where} must have the entries {', '.join(names)}; {', '.join(missing)} is missing")
    if unknown := [name for name in value if name not in names]:
        raise ValueError(f"{where} must have no entries but {', '.join(names)}; got {_shortened(repr(unknown[0]))}")


def _check_same(where: str, value: Any, accepted: Any) -> None:
    if type(value) is not type(accepted) or value != accepted:
        raise ValueError(f"{where} must be {accepted!r}, got {value!r}")


def _check_text(where: str, value: Any, most: int) -> None:
    # Only printable: a terminal obeys control characters.
    if not isinstance(value, str) or not 1 <= len(value) <= most or not value.isprintable():
        raise ValueError(f"{where} must be one line of 1 to {most:,} printable characters, got {value!r}")


def _check_digest(where: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError(f"{where} must be a SHA-256 in 64 hexadecimal digits, got {value!r}")


def _check_observation(env_id: str, value: Any) -> None:
    if value is not None:
        make_task(env_id, 1, observation=value)


def _check_training_seeds(track: str, seeds: Sequence[Any]) -> None:
    if track == protocol.UNTRAINED:
        if list(seeds) != [None]:
            raise ValueError(f"training_seed must be null, of a single run, in the track untrained, got {list(seeds)!r}")
        return
    for seed in seeds:
        check_integer("training_seed", seed, protocol.TRAINING_SEEDS[0], protocol.TRAINING_SEEDS[-1])
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"training_seed must be another one in each run, got {list(seeds)!r}")


def _check_estimate(where: str, value: Any) -> None:
    """Three numbers, or null where nothing was measured."""
    _check_entries(where, value, _ESTIMATE)
    for end, number in value.items():
        if number is not None:
            check_number(f"{where}.{end}", number, -math.inf, math.inf)


def _check_measured(where: str, value: Any, metric: str) -> None:
    """An estimate that a metric can have."""
    _check_estimate(where, value)
    if metric in protocol.ALWAYS_MEASURED and None in value.values():
        raise ValueError(f"{where} must be numbers, got {value!r}")
    low, high = protocol.metric_range(metric)
    ends = [value[end] for end in ("low", "mean", "high") if value[end] is not None]
    if ends != sorted(ends):
        raise ValueError(f"{where} must have low <= mean <= high, got {value!r}")
    if ends and not low - _ROUNDING <= ends[0] <= ends[-1] <= high + _ROUNDING:
        raise ValueError(f"{where} must be from {low:g} to {high:g}, got {value!r}")


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}..."
