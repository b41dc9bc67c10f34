"""What Gymnasium's vector envs answer about each of their envs, from a batch that has none."""

from __future__ import annotations

from typing import Any

# What rows know by the names of a single env -> the method that answers for all of them.
_ROW_METHODS = {
    "expert_action": "expert_actions",
    "oracle_action": "oracle_actions",
    "action_masks": "action_masks",
    "render": "render",
}


class AnswersForRows:
    """A vector env with the ``call``, ``get_attr`` and ``set_attr`` of :class:`gymnasium.vector.SyncVectorEnv`."""

    num_envs: int

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """What a method or attribute gives in each row: ``expert_action``, ``action_masks``, ``render``; of others, that of all rows.

        Raises:
            AttributeError: there is none of that name.
        """
        if name == "get_wrapper_attr":
            (name,), args = args, ()
        value = getattr(self, _ROW_METHODS.get(name, name))
        value = value(*args, **kwargs) if callable(value) else value
        return tuple(value) if name in _ROW_METHODS else (value,) * self.num_envs

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute in each row; see :meth:`call`."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Not possible.

        Raises:
            AttributeError: always.
        """
        raise AttributeError(f"the rows of a batch have no attributes of their own to set, got {name!r}")
