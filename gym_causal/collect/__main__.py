"""``python -m gym_causal.collect``: record a policy in a file, in parallel processes."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gym_causal import collect
from gym_causal.policies import load_policy

_PREFIX = "--env-kwargs."


def parser() -> argparse.ArgumentParser:
    """All options but those of the env."""
    described = argparse.ArgumentParser(
        prog="python -m gym_causal.collect",
        description="Record a policy in exactly the first episodes of a seed. The file is the same, byte for byte, whatever --workers.",
        epilog="An argument NAME of the env is given as --env-kwargs.NAME VALUE; values are read as JSON where they can be.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = described.add_argument
    add("env", help="id of the environment: one of ours, or any that Gymnasium knows; module:Name-v0 imports the module")
    add("--out", type=Path, required=True, help="file for the episodes (.npz); an older one is replaced")
    add("--policy", default="expert", help="who plays: expert, random, or module:name of a policy")
    add("--split", default="train", help="of the env")
    add("--episodes", type=int, default=1_000, help="how many")
    add("--seed", type=int, default=0, help="of the episodes and of the policy's random numbers")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes that play at the same time")
    return described


def parse(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options of a command line, and the arguments of the env.

    Raises:
        SystemExit: an unknown option, or a value that is missing; argparse says which.
    """
    described = parser()
    args, rest = described.parse_known_args(argv)
    env_kwargs: dict[str, Any] = {}
    while rest:
        option, *rest = rest
        name, has_value, value = option.removeprefix(_PREFIX).partition("=")
        if not option.startswith(_PREFIX):
            described.error(f"unrecognized argument: {option}")
        if not has_value:
            if not rest:
                described.error(f"argument {option}: expected one argument")
            value, *rest = rest
        env_kwargs[name.replace("-", "_")] = _parsed(value)
    return args, env_kwargs


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


class Progress:
    """Prints how many episodes are recorded and how long the others take: on a terminal one line that changes, else a line a minute.

    Args:
        total: how many there will be.
    """

    def __init__(self, total: int) -> None:
        self._total, self._done, self._begun = total, 0, time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._next = self._begun if self._is_terminal else self._begun + 60

    def __call__(self, episodes: int) -> None:
        """That many more are recorded."""
        self._done += episodes
        now = time.monotonic()
        if now < self._next:
            return
        left = (now - self._begun) * (self._total / self._done - 1)
        text = f"{self._done:,} of {self._total:,} episodes, {left:,.0f} s left"
        if self._is_terminal:
            filled = 30 * self._done // self._total
            sys.stderr.write(f"\r[{'#' * filled}{' ' * (30 - filled)}] {text:<60}")
            self._next = now + 0.1
        else:
            sys.stderr.write(f"{text}\n")
            self._next = now + 60
        sys.stderr.flush()

    def close(self) -> None:
        """Begin a new line after the one that changes."""
        if self._is_terminal:
            sys.stderr.write("\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; what goes wrong ends in one line, and leaves no file."""
    args, env_kwargs = parse(argv)
    progress = Progress(args.episodes)
    try:
        if not args.out.parent.is_dir():
            raise ValueError(f"out must be in a folder that exists, got {str(args.out)!r}")
        policy = args.policy if args.policy in ("expert", "random") else load_policy(args.policy)
        options = {"split": args.split, "num_episodes": args.episodes, "seed": args.seed, "workers": args.workers}
        episodes = collect(policy, args.env, **options, progress=progress, **env_kwargs)
        progress.close()
        episodes.save(args.out)
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:  # a missing expert is a RuntimeError
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(f"interrupted: nothing was written to {args.out}") from None
    print(f"Recorded {len(episodes):,} episodes of {len(episodes.actions):,} steps: {args.out}")


if __name__ == "__main__":
    main()
