"""Recorded episodes, wherever they come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gym_causal import Episodes
from gym_causal.extras import needs_extra
from gym_causal.files import reason


def load_recorded(source: str) -> Episodes:
    """Episodes from one of three sources.

    Args:
        source: a file that :meth:`gym_causal.Episodes.save` wrote, a folder of trajectories that imitation's ``serialize.save`` wrote, or
            the id of a local Minari dataset ("causal/expert-v0").

    Raises:
        FileNotFoundError: there is no such file, folder or dataset.
        ValueError: it is damaged, or something else.
        ImportError: what reads it is not installed.
    """
    path = Path(source)
    if path.is_dir():
        return _from_folder(path)
    if path.exists() or path.suffix:
        return Episodes.load(path)
    return _from_minari(source)


def _from_folder(folder: Path) -> Episodes:
    """Trajectories of imitation, in the format of HuggingFace's ``datasets``.

    Their infos are left out: they are jsonpickle, and decoding that may run code of whoever wrote the file.
    """
    if not (folder / "dataset_info.json").is_file():
        raise ValueError(f"demonstrations: {str(folder)!r} is not a folder of imitation's trajectories: it has no dataset_info.json")
    try:
        from imitation.data import serialize  # noqa: PLC0415 - each source needs libraries that the others do without

        from agents.data.trajectories import from_trajectories  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(f"reading a folder of imitation's trajectories needs imitation, datasets and jsonpickle: {error}") from error
    try:
        trajectories = serialize.load_with_rewards(folder)
        return from_trajectories(dataclasses.replace(trajectory, infos=None) for trajectory in trajectories)
    except Exception as error:  # of the libraries that parse it: what they raise for damaged files is documented nowhere
        raise ValueError(f"demonstrations: {str(folder)!r} is not a readable folder of trajectories: {reason(error)}") from error


def _from_minari(dataset_id: str) -> Episodes:
    with needs_extra("reading a Minari dataset", "minari"):
        import minari  # noqa: PLC0415

        from agents.data.minari import from_minari  # noqa: PLC0415
    try:
        dataset = minari.load_dataset(dataset_id)
    except (FileNotFoundError, ValueError) as error:
        raise FileNotFoundError(
            f"demonstrations: {dataset_id!r} is neither a file, a folder nor a local Minari dataset: {error}"
        ) from error
    return from_minari(dataset)
