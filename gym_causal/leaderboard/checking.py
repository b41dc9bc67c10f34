"""Checking a submission: its form, whether its numbers are possible, and whether its episodes are the protocol's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gym_causal.evaluation import Estimate
from gym_causal.leaderboard import protocol
from gym_causal.leaderboard.form import problems_of
from gym_causal.leaderboard.playing import play_split, reference_results
from gym_causal.leaderboard.submission import env_kwargs, estimates, summarize
from gym_causal.registry import task_spec

_TOLERANCE = 1e-6
"""Of numbers that are computed again."""
_STANDARD_ERRORS = 5
"""By more than so many of the difference, nobody earns more than the best expert by chance."""


@dataclass
class Findings:
    """What a check found: a line for each.

    Attributes:
        problems: what is wrong; none: the submission is accepted.
        notes: what readers of the numbers should know.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(document: Any, replayed: Sequence[Any] | None = None, on_progress: Callable[[str], object] = lambda line: None) -> Findings:
    """Check a submission. It is never trusted: nothing in it is imported, and no number in it decides how much is computed.

    Args:
        document: of the file (:func:`gym_causal.leaderboard.form.read`).
        replayed: a policy for each run, in their order: each plays again, and must do the same as its run. None: that is not checked.
        on_progress: told what is played next.
    """
    findings = Findings(problems_of(document))
    if findings.problems:
        return findings
    if replayed is not None and len(replayed) != len(document["runs"]):
        findings.problems.append(f"replay: there must be a policy for each of {len(document['runs'])} runs, got {len(replayed)}")
        return findings
    _check_completeness(document, findings)
    _check_summary(document, findings)
    _check_copies(document, findings)
    for split in task_spec(document["env_id"]).splits:
        on_progress(f"reference policies on {split}")
        _check_references(document, split, findings)
    for number, policy in enumerate(replayed or ()):
        for split in task_spec(document["env_id"]).splits:
            on_progress(f"run {number + 1} of {len(document['runs'])} on {split}")
            _check_replay(document, number, policy, split, findings)
    return findings


def _check_completeness(document: dict[str, Any], findings: Findings) -> None:
    seeds, wanted = len(document["runs"]), len(protocol.TRAINING_SEEDS)
    if document["track"] != protocol.UNTRAINED and seeds < wanted:
        findings.notes.append(f"incomplete: {seeds} of {wanted} training seeds")


def _check_summary(document: dict[str, Any], findings: Findings) -> None:
    for split, metrics in summarize(document["runs"]).items():
        for metric, expected in metrics.items():
            reported = document["summary"][split][metric]
            if not _same(reported, expected):
                findings.problems.append(f"summary.{split}.{metric} must be {_shown(expected)} by the runs, got {_shown(reported)}")


def _check_copies(document: dict[str, Any], findings: Findings) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for run in document["runs"]:
        digests = tuple(played["digest"] for played in run["splits"].values())
        if digests in seen:
            findings.problems.append(f"runs of training seeds {seen[digests]} and {run['training_seed']} took the same actions throughout")
        seen.setdefault(digests, run["training_seed"])


def _check_references(document: dict[str, Any], split: str, findings: Findings) -> None:
    """Whether the episodes are the protocol's, and whether the runs earned no more in them than can be earned."""
    results = reference_results(document["env_id"], split)
    for name, (_, digest) in results.items():
        if document["references"][split][name] != digest:
            findings.problems.append(f"references.{split}.{name}: the episodes played are not those that this version of the package plays")
    best = results["expert"][0].reward
    for run in document["runs"]:
        reward = Estimate(**run["splits"][split]["metrics"]["reward"])
        if reward.mean > best.mean + _STANDARD_ERRORS * math.sqrt(2) * _standard_error(best) + _TOLERANCE:
            findings.problems.append(
                f"runs of training seed {run['training_seed']}: reward {reward.mean:.3f} on {split} is more than can be earned; "
                f"an expert that knows everything earns {best.mean:.3f}"
            )


def _check_replay(document: dict[str, Any], number: int, policy: Any, split: str, findings: Findings) -> None:
    played = document["runs"][number]["splits"][split]
    result, digest = play_split(policy, document["env_id"], split, **env_kwargs(document["observation"]))
    where = f"runs[{number}].splits.{split}"
    if digest != played["digest"]:
        reward = f"it earned {result.reward.mean:.6g}, reported is {played['metrics']['reward']['mean']:.6g}"
        findings.problems.append(f"{where}: the policy took other actions when it was played again ({reward})")
        return
    for metric, expected in estimates(result, protocol.metrics(document["env_id"])).items():
        reported = played["metrics"][metric]
        if not _same(reported, expected):
            findings.problems.append(f"{where}.metrics.{metric} must be {_shown(expected)} by the replay, got {_shown(reported)}")


def _standard_error(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / (2 * 1.96)


def _same(reported: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether two estimates agree: mean, low and high."""
    for end, value in expected.items():
        if (value is None) != (reported[end] is None):
            return False
        if value is not None and not math.isclose(reported[end], value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            return False
    return True


def _shown(estimate: dict[str, Any]) -> str:
    mean, low, high = ("none" if estimate[end] is None else f"{estimate[end]:.6g}" for end in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
