"""The processes that train one agent together, as torchrun starts them: each gets a part of every batch, and their gradients are added.

Gradients are summed here and not by ``torch.nn.parallel.DistributedDataParallel``. That averages over processes, where the loss is a mean
over the steps of the whole batch; and it lays gradients out anew after its first update, so that with three processes or more a resumed
training adds numbers in another order than an uninterrupted one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

_TIMEOUT = timedelta(hours=2)
"""How long processes wait for the first one, which alone evaluates."""


@dataclass(frozen=True)
class Ranks:
    """Which of the processes this one is. Of one process, all methods leave everything as it is."""

    rank: int = 0  # 0 to world_size - 1
    world_size: int = 1

    @classmethod
    def current(cls) -> Ranks:
        """Those of torch's default process group; without one, of this process alone."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def writes(self) -> bool:
        """Whether it is the one process that evaluates and writes files."""
        return self.rank == 0

    def shard(self, batch_size: int) -> slice:
        """Which rows of each batch this process learns from: every ``world_size``-th, since rows may be sorted by length.

        Raises:
            ValueError: a batch cannot be divided equally.
        """
        if batch_size % self.world_size:
            raise ValueError(f"batch_size must be a multiple of the number of processes, {self.world_size}, got {batch_size}")
        return slice(self.rank, None, self.world_size)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes of a tensor that each of them has."""
        if self.world_size == 1:
            return values
        total = values.detach().clone()
        dist.all_reduce(total)
        return total

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over all processes. All are laid out as one array, always in the same order."""
        if self.world_size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        total = self.sum(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, total.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def seed_of_update(self, seed: int, update: int) -> int:
        """For the random numbers of an update, those of dropout: a function of the arguments and the rank."""
        return int(np.random.SeedSequence([seed, update, self.rank]).generate_state(1)[0])

    def check_same_updates(self, updates: int) -> None:
        """Wait for all processes.

        Raises:
            ValueError: they have read checkpoints of different numbers of updates.
        """
        if self.world_size == 1:
            return
        counts = torch.zeros(self.world_size, dtype=torch.int64, device=_device_of_group())
        counts[self.rank] = updates
        found = sorted(set(self.sum(counts).tolist()))
        if len(found) > 1:
            raise ValueError(f"folder: all processes must see the same one, got checkpoints of {' and '.join(map(str, found))} updates")


def _device_of_group() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")


@contextmanager
def process_group(device: str) -> Iterator[str]:
    """While this lasts, torch has the process group that torchrun describes in its environment variables; without these, none.

    Args:
        device: "cpu" (gloo), or "cuda" (NCCL), of which each process on a machine gets one; without torchrun any of torch's names.

    Yields:
        The name of this process's device.

    Raises:
        ValueError: another device under torchrun.
    """
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield device
        return
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu or cuda under torchrun, which gives each process its own, got {device!r}")
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    dist.init_process_group("gloo" if device == "cpu" else "nccl", timeout=_TIMEOUT)
    try:
        yield device
    finally:
        dist.destroy_process_group()
