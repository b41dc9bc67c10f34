"""``python -m gym_causal.leaderboard``: make a submission (run), or check one (check)."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gym_causal.files import write_atomically
from gym_causal.leaderboard import form, protocol
from gym_causal.leaderboard.checking import check
from gym_causal.leaderboard.named_policies import ACCEPTED, named_policy
from gym_causal.leaderboard.submission import Method, env_kwargs, make_submission

PROG = "python -m gym_causal.leaderboard"


def parser() -> argparse.ArgumentParser:
    """The two commands and their options."""
    top = argparse.ArgumentParser(prog=PROG, description="Results that others can check; docs/benchmark.md has the protocol.")
    commands = top.add_subparsers(dest="subcommand", required=True)
    runs = commands.add_parser("run", help="play the protocol's episodes and write a submission", description="Write a submission.")
    runs.add_argument("policies", nargs="+", metavar="POLICY", help=f"one for each training seed: {ACCEPTED}")
    runs.add_argument("--env", required=True, choices=protocol.ENV_IDS, help="id of the environment")
    runs.add_argument("--out", required=True, type=Path, metavar="FILE", help="JSON file of the submission")
    runs.add_argument("--method", help="name of the method; default: that of the first policy")
    runs.add_argument("--track", choices=protocol.TRACKS, default=protocol.UNTRAINED, help="default: %(default)s")
    runs.add_argument("--training-seeds", nargs="+", type=int, metavar="SEED", help="of the policies; default: 0, 1, ...")
    runs.add_argument("--training-episodes", type=int, default=0, metavar="N", help="episodes that one training saw")
    runs.add_argument("--explanations", default="none", metavar="MODE", help="of the explanations that it learned from; default: none")
    runs.add_argument("--observation", help="in rooms: pixels or symbolic; default: the environment's")
    runs.add_argument("--command", metavar="TEXT", help="that trained the method; default: this one")
    checks = commands.add_parser("check", help="check a submission", description="Check a submission; its problems, a line each.")
    checks.add_argument("file", type=Path, metavar="FILE", help="JSON file of the submission")
    checks.add_argument("--replay", nargs="+", metavar="POLICY", help=f"play these again, one for each run: {ACCEPTED}")
    return top


def run(args: argparse.Namespace, command: str) -> None:
    """Play and write a submission."""
    seeds: list[Any] = [None] if args.track == protocol.UNTRAINED else args.training_seeds or list(range(len(args.policies)))
    if len(seeds) != len(args.policies) or len(set(seeds)) < len(seeds):
        raise ValueError(f"policies: there must be one for each of {len(seeds)} training seeds, got {len(args.policies)}")
    method = Method(
        method=args.method or Path(args.policies[0]).name,
        track=args.track,
        env_id=args.env,
        command=args.command or command,
        observation=args.observation,
        training_episodes=args.training_episodes,
        explanations=args.explanations,
    )
    if not args.out.parent.is_dir():
        raise FileNotFoundError(f"out: there is no folder {str(args.out.parent)!r}")
    named = [named_policy(policy, args.env, **env_kwargs(args.observation)) for policy in args.policies]
    document = make_submission(method, dict(zip(seeds, named, strict=True)), _progress)
    write_atomically(args.out, lambda path: path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8"))
    _print_summary(document)
    print(f"Wrote {args.out}")


def check_file(args: argparse.Namespace) -> None:
    """Check a submission and print what is found; SystemExit if there is a problem."""
    document = form.read(args.file)
    problems = form.problems_of(document)
    if not problems:
        arguments = env_kwargs(document["observation"])
        replayed = None if args.replay is None else [named_policy(policy, document["env_id"], **arguments) for policy in args.replay]
        _print_summary(document)
        findings = check(document, replayed, _progress)
        problems = findings.problems
        for note in findings.notes:
            print(f"note: {note}")
    for problem in problems:
        print(f"problem: {problem}")
    if problems:
        raise SystemExit(f"error: {args.file} is not accepted")
    print(f"{args.file} is accepted" + ("" if args.replay is None else ", and its runs were replayed"))


def _print_summary(document: dict[str, Any]) -> None:
    """The mean of each metric over runs, with its interval over training seeds."""
    count = f"{len(document['runs'])} run{'s' if len(document['runs']) > 1 else ''}"
    print(f"{document['method']} in {document['env_id']}, {document['track']}, {count} of {document['episodes']:,} episodes a split")
    for split, metrics in document["summary"].items():
        for metric, value in metrics.items():
            interval = "" if value["low"] is None else f" [{value['low']:.3f}, {value['high']:.3f}]"
            print(f"  {split:12} {metric:24} {'none' if value['mean'] is None else format(value['mean'], '.3f')}{interval}")


def _progress(line: str) -> None:
    print(f"playing: {line}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; what goes wrong ends in one line."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(words)
    try:
        if args.subcommand == "run":
            run(args, f"{PROG} {shlex.join(words)}")
        else:
            check_file(args)
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
