"""What happens around the updates of a policy's weights, whichever algorithm makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import torch

from agents.algorithms.optimizers import MuonAdamW
from agents.policies.sequence_policy import SequencePolicy


class Callback:
    """Something that is to happen while a policy is trained. Each hook may be overridden."""

    def on_start(self, trainer: Trainer) -> None:
        """Before the first update of this process."""

    def on_update(self, trainer: Trainer) -> None:
        """After each update, which ``trainer.updates`` counts already."""

    def on_end(self, trainer: Trainer) -> None:
        """When training is over or interrupted."""


class Trainer:
    """Counts updates, sets the learning rate of the next one, clips gradients and calls the callbacks in their order.

    An algorithm steps ``optimizer`` and calls :meth:`after_update` each time::

        with trainer:
            for batch in batches:
                ...
                optimizer.step()
                trainer.after_update()

    Args:
        policy: what is trained.
        optimizer: of its parameters.
        schedule: update, counted from 0 -> learning rate.
        callbacks: called one after the other.
        num_updates: of the whole training.
        max_grad_norm: gradients are clipped to this norm before each step of the optimizer; None: the algorithm clips them.
        updates: made before, by an earlier process.
    """

    def __init__(
        self,
        policy: SequencePolicy,
        optimizer: MuonAdamW,
        schedule: Callable[[int], float],
        callbacks: Sequence[Callback],
        *,
        num_updates: int,
        max_grad_norm: float | None,
        updates: int = 0,
    ) -> None:
        self.policy, self.optimizer, self.schedule, self.callbacks = policy, optimizer, schedule, tuple(callbacks)
        self.num_updates, self.max_grad_norm, self.updates = num_updates, max_grad_norm, updates
        if max_grad_norm is not None:
            optimizer.register_step_pre_hook(self._clip)

    @property
    def learning_rate(self) -> float:
        """Of the next update."""
        return self.schedule(self.updates)

    @property
    def is_finished(self) -> bool:
        """Whether all updates are made."""
        return self.updates >= self.num_updates

    def is_due(self, every: int) -> bool:
        """Whether what is done every so many updates, and at the end, is to be done now."""
        return self.updates % every == 0 or self.is_finished

    def after_update(self) -> None:
        """Count an update, and call the callbacks."""
        self.updates += 1
        self.optimizer.set_learning_rate(self.learning_rate)
        for callback in self.callbacks:
            callback.on_update(self)

    def __enter__(self) -> Trainer:
        self.optimizer.set_learning_rate(self.learning_rate)
        self.policy.train()
        for callback in self.callbacks:
            callback.on_start(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for callback in self.callbacks:
            callback.on_end(self)

    def _clip(self, *_: Any) -> None:
        assert self.max_grad_norm is not None
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
