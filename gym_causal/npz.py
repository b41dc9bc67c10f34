"""Reading ``.npz`` files of unknown origin: nothing is unpickled, and a file cannot ask for more memory than its own size allows."""

from __future__ import annotations

import math
import os
import zipfile
from typing import IO

import numpy as np

MAX_INFLATION = 400
"""Bytes of arrays that there may be for each byte of a file. Recorded episodes have up to 140 (pictures of rooms), deflate up to 1,032."""
ALWAYS_ALLOWED = 1 << 26
"""Bytes of arrays that any file may have, however small it is."""
_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Name -> array, of all arrays in a file that ``np.savez`` or ``np.savez_compressed`` wrote.

    Before memory is taken for an array, its shape is compared with the size that the archive states, and that with the size of the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has object arrays, two arrays of one name, or more data than ``MAX_INFLATION`` allows.
        Exception: it is damaged; whatever ``zipfile``, ``zlib`` or NumPy raise then.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len({member.filename for member in members}) < len(members):
            raise ValueError("two of its arrays have the same name")
        stated, allowed = sum(member.file_size for member in members), max(ALWAYS_ALLOWED, MAX_INFLATION * os.path.getsize(path))
        if stated > allowed:
            raise ValueError(f"its arrays would take {stated:,} bytes; for a file of this size at most {allowed:,} are read")
        arrays = {}
        for member in members:
            if member.compress_type not in _COMPRESSION:
                raise ValueError(f"{member.filename} is compressed by another method than deflate")
            with archive.open(member) as stream:
                _check_header(stream, member)
            with archive.open(member) as stream:
                arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(stream, allow_pickle=False)
        return arrays


def _check_header(stream: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Raise a ValueError unless an array fills its member of the archive."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"{member.filename} is an array of format {version}")
    shape, _, dtype = _HEADERS[version](stream)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} is an array of Python objects, which are not read")
    if (needed := stream.tell() + math.prod(shape) * dtype.itemsize) != member.file_size:
        raise ValueError(f"{member.filename} has shape {shape} of {dtype}, which takes {needed:,} bytes, not {member.file_size:,}")
