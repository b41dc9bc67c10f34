"""``python -m gym_causal.play``: play an environment by keyboard. Needs no extra in a terminal, and ``render`` in a window."""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Sequence

from gym_causal.registry import registered_ids


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments of a command line.

    Raises:
        SystemExit: an unknown id, or a value that is not accepted.
    """
    parser = argparse.ArgumentParser(
        prog="python -m gym_causal.play",
        description="Play an environment by keyboard. At the end of an episode your reward stands beside that of the expert, of a random "
        "player and of the pretrained agent in the same episode.",
    )
    parser.add_argument("env_id", metavar="ID", help=f"the environment: {', '.join(registered_ids())}")
    parser.add_argument("--split", help="of the environment; default: its own, train")
    parser.add_argument("--seed", type=int, help="of the episodes; default: a random one, which is shown")
    parser.add_argument("--terminal", action="store_true", help="play in the terminal also where a window can be opened")
    args = parser.parse_args(argv)
    if args.seed is not None and args.seed < 0:
        parser.error(f"argument --seed: must be >= 0, got {args.seed}")
    return args


def main(args: argparse.Namespace) -> None:
    """Play."""
    from gym_causal.play import terminal  # noqa: PLC0415 - late, so that --help answers at once
    from gym_causal.play.session import Session  # noqa: PLC0415
    from gym_causal.play.window import NoDisplay, PlayWindow  # noqa: PLC0415

    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    arguments = {} if args.split is None else {"split": args.split}
    try:
        session = Session(args.env_id, seed=seed, **arguments)
    except (ValueError, TypeError) as error:
        raise SystemExit(f"error: {error}") from error
    if not args.terminal:
        try:
            return PlayWindow(session).run()
        except (NoDisplay, ImportError, ValueError) as error:
            print(f"No window: {error}.")
    terminal.run(session)


if __name__ == "__main__":
    main(parse())
