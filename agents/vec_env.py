"""The native batched envs as stable-baselines3's ``VecEnv``, for its algorithms and evaluation and for imitation's rollouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gym_causal import make_vec
from gym_causal.core.step_infos import StepInfos
from gym_causal.core.task import Infos, row_of
from gym_causal.core.vector_env import TaskVectorEnv
from gym_causal.extras import needs_extra

with needs_extra("agents.vec_env", "agents"):
    from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvObs, VecEnvStepReturn


class BatchedVecEnv(VecEnv):
    """``BatchedVecEnv("CausalDAG-v0", 64)``: one batch, no subprocess, and no Python object per row and step.

    Row b of B plays episodes b, b + B, b + 2B, ... of the seed given to :meth:`seed`; each ``reset`` without a new seed goes on with
    later ones. A row that is done begins its next episode in the same step; the observation that ended the old one is in
    ``infos[b]["terminal_observation"]``.

    Args:
        venv: an id, or what :func:`gym_causal.make_vec` made of one, with same-step autoreset.
        num_envs: of an id, how many episodes at once.
        infos: also tell each row what ``info`` holds: that of the step's own episode in the ``infos`` of ``step``, that of the
            beginning one in ``reset_infos``. Cutting them into rows costs far more than playing, so they are left out unless asked for.
        arguments: of an id, the arguments of :func:`gym_causal.make_vec`.

    Raises:
        TypeError: a vector env with ``num_envs`` or ``arguments``, which it has already.
        ValueError: it resets in the next step.
    """

    def __init__(self, venv: TaskVectorEnv | str, num_envs: int | None = None, *, infos: bool = False, **arguments: Any) -> None:
        if isinstance(venv, str):
            venv = make_vec(venv, num_envs or 1, **arguments)
        elif arguments or num_envs is not None:
            raise TypeError(f"num_envs and arguments are for an id, got them beside {venv!r}")
        assert not isinstance(venv, str)
        if "next" in str(venv.autoreset_mode).lower():
            raise ValueError(f"venv: autoreset_mode must be same_step, got {venv.autoreset_mode!r}")
        self.venv, self._with_infos = venv, infos
        # What SB3 asks each env for, by the names in a single env.
        self._row_methods: dict[str, Callable[[], np.ndarray]] = {
            "action_masks": venv.action_masks,
            "expert_action": venv.expert_actions,
        }
        super().__init__(venv.num_envs, venv.single_observation_space, venv.single_action_space)
        self._seed: int | None = None
        self._reset_with: dict[str, Any] | None = None
        self._actions: np.ndarray | None = None

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Play the episodes of one seed, the same for all rows, from the next ``reset`` on; None: of a random one."""
        self._seed = int(np.random.default_rng().integers(2**32)) if seed is None else seed
        return [self._seed] * self.num_envs

    def set_options(self, options: list[dict] | dict | None = None) -> None:
        """Options of the next ``reset``, the same for all rows."""
        if isinstance(options, list):
            raise TypeError("options must be one dict for all rows, got a list")
        self._reset_with = options

    def reset(self) -> VecEnvObs:
        observations, infos = self.venv.reset(seed=self._seed, options=self._reset_with or None)
        self._seed = self._reset_with = None  # as in SB3's own, they serve once
        if self._with_infos:
            self.reset_infos = [row_of(infos, row) for row in range(self.num_envs)]
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, terminated, truncated, infos = self.venv.step(self._actions)
        return observations, rewards, terminated | truncated, self.info_rows(terminated, truncated, infos)

    def info_rows(self, terminated: np.ndarray, truncated: np.ndarray, infos: Infos) -> list[dict[str, Any]]:
        """What stable-baselines3 calls infos, a dict for each row, of what the vector env's ``step`` returned."""
        rows: list[dict[str, Any]] = [{"TimeLimit.truncated": cut} for cut in (truncated & ~terminated).tolist()]
        if isinstance(infos, StepInfos):
            for row, observation in zip(infos.ended.rows.tolist(), infos.ended.each_observation(), strict=True):
                rows[row]["terminal_observation"] = observation
        if self._with_infos:
            self._add_infos(rows, infos, terminated | truncated)
        return rows

    def _add_infos(self, rows: list[dict[str, Any]], infos: Infos, done: np.ndarray) -> None:
        final_info = infos.ended.infos if isinstance(infos, StepInfos) else {}
        infos = {key: infos[key] for key in infos if not key.startswith(("final_", "_final_"))}
        for row, ended in enumerate(done.tolist()):
            rows[row].update(row_of(final_info if ended else infos, row))
            if ended:
                self.reset_infos[row] = row_of(infos, row)

    def close(self) -> None:
        self.venv.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        return [self.venv.task.render(row, "rgb_array") for row in range(self.num_envs)]

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        value = self._row_methods[attr_name] if attr_name in self._row_methods else getattr(self.venv, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        raise NotImplementedError(f"the rows of a batch have no attributes of their own to set, got {attr_name}")

    def env_method(self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any) -> list[Any]:
        """``action_masks`` (sb3-contrib asks for it) or ``expert_action`` of each row."""
        if method_name not in self._row_methods:
            raise AttributeError(f"method_name must be one of {', '.join(self._row_methods)}, got {method_name!r}")
        values = self._row_methods[method_name]()
        return [values[row] for row in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]
