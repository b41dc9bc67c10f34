"""hypothesis' stateful machines: an environment, a twin, and what must hold after each call."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import gym_causal
from gym_causal.core.task import BatchedTask
from gym_causal.registry import make_task, task_spec
from tests.conftest import same

SEEDS = st.integers(0, 2**63 - 1)
_FINAL = ("final", "_final")


def reward_bounds(task: BatchedTask) -> tuple[float, float]:
    """The least and the most that a step can pay; values of causal DAGs have no bounds."""
    config: Any = task.config  # type: ignore[attr-defined]
    if hasattr(config, "trial_rewards"):
        return 0.0, max(config.trial_rewards)
    if hasattr(config, "test_reward"):
        return 0.0, max(1.0, config.test_reward)
    return -np.inf, np.inf


class Machine(RuleBasedStateMachine):
    """What both kinds of environments have in common. ``counts`` are those of all machines of a class."""

    env_id: ClassVar[str]
    counts: ClassVar[dict[str, int]]
    env: Any
    twin: Any

    def count(self, call: str, number: int = 1) -> None:
        self.counts[call] = self.counts.get(call, 0) + number

    @initialize(data=st.data(), seed=SEEDS)
    def make(self, data: Any, seed: int) -> None:
        spec, task = task_spec(self.env_id), make_task(self.env_id)
        kwargs = {
            "split": data.draw(st.sampled_from(spec.splits), "split"),
            "explain": data.draw(st.sampled_from(tuple(task.explanations.modes)), "explain"),
            "expert_info": data.draw(st.booleans(), "expert_info"),
        }
        self.env, self.twin = self.pair(data, kwargs)
        self.bounds = reward_bounds(task)
        self.check_needs_reset()
        self.layout: Any = None
        self.reset(seed)

    def pair(self, data: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        raise NotImplementedError

    def check_needs_reset(self) -> None:
        raise NotImplementedError

    def check_state(self, observation: Any, infos: dict[str, Any]) -> None:
        """What holds of everything that an environment returns: observations are in their space, infos keep keys, shapes and dtypes."""
        assert observation in self.env.observation_space
        if self.layout is None:
            self.layout = _layout(infos)
        assert _layout(infos) == self.layout
        for value in infos.get("explanation", {}).values():
            assert not isinstance(value, np.ndarray) or value.dtype.kind != "f" or np.isfinite(value).all()

    def both(self, call: Callable[[Any], Any]) -> Any:
        """What a call returns, after comparing it with what it returns of the twin."""
        mine, theirs = call(self.env), call(self.twin)
        assert same(_comparable(mine), _comparable(theirs))
        return mine

    @rule(seed=st.none() | SEEDS)
    def reset(self, seed: int | None) -> None:
        self.count("resets")
        self.check_state(*self.both(lambda env: env.reset(seed=seed)))

    @rule()
    def survive_pickling(self) -> None:
        self.count("pickled")
        self.env = pickle.loads(pickle.dumps(self.env))

    @rule()
    def survive_copying(self) -> None:
        self.count("copied")
        self.env = copy.deepcopy(self.env)


class VectorMachine(Machine):
    """A native vector environment."""

    rows: ClassVar[int]

    def pair(self, data: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        mode = data.draw(st.sampled_from(("same_step", "next_step")), "autoreset_mode")
        compact = task_spec(self.env_id).compact_kwargs if self.rows > 64 or data.draw(st.booleans(), "compact") else {}
        venvs = [gym_causal.make_vec(self.env_id, self.rows, autoreset_mode=mode, **compact, **kwargs) for _ in range(2)]
        return venvs[0], venvs[1]

    def check_needs_reset(self) -> None:
        for call in (lambda: self.env.step(np.zeros(self.rows, int)), self.env.action_masks, self.env.expert_actions):
            with pytest.raises(gym.error.ResetNeeded):
                call()

    @rule(kind=st.sampled_from(("random", "legal", "expert")), count=st.integers(1, 12), seed=SEEDS)
    def step(self, kind: str, count: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            self.count("steps", self.rows)
            actions = rng.integers(self.env.single_action_space.n, size=self.rows)
            if kind == "legal":
                actions = (self.env.action_masks() * rng.random((self.rows, self.env.single_action_space.n))).argmax(axis=1)
            elif kind == "expert":
                actions = self.env.expert_actions()
            observations, rewards, terminated, truncated, infos = self.both(operator.methodcaller("step", actions))
            self.check_state(observations, _current(infos))
            assert rewards.shape == (self.rows,) and np.isfinite(rewards).all()
            assert (rewards >= self.bounds[0]).all() and (rewards <= self.bounds[1]).all()
            assert terminated.dtype == truncated.dtype == bool and not (terminated & truncated).any()

    @rule()
    def ask(self) -> None:
        self.count("asked")
        masks, actions = self.both(lambda venv: venv.action_masks()), self.both(lambda venv: venv.expert_actions())
        assert masks.dtype == bool and masks.shape == (self.rows, self.env.single_action_space.n)
        assert ((actions >= 0) & (actions < masks.shape[1])).all()
        running = ~self.env._over
        assert masks[running].any(axis=1).all() and masks[running, actions[running]].all()

    @rule(row=st.integers(0, 10**9))
    def render(self, row: int) -> None:
        self.count("rendered")
        assert self.env.task.render(row % self.rows, "ansi")

    @rule(action=st.sampled_from([-1, 10**6, 0.5]))
    def refuse(self, action: float) -> None:
        """Bad actions change nothing: the twin is never given them."""
        self.count("refused")
        with pytest.raises(ValueError, match="actions must be"):
            self.env.step(np.full(self.rows, action))


class SingleMachine(Machine):
    """What ``gym.make`` makes, without wrappers."""

    def pair(self, data: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        self.over = False
        modes = [mode for mode in make_task(self.env_id).metadata["render_modes"] if mode != "human"]
        mode = data.draw(st.sampled_from(modes), "render_mode")
        envs = [gym.make(self.env_id, render_mode=mode, **kwargs).unwrapped for _ in range(2)]
        return envs[0], envs[1]

    def check_needs_reset(self) -> None:
        for call in (lambda: self.env.step(0), self.env.action_masks, self.env.expert_action, self.env.render):
            with pytest.raises(gym.error.ResetNeeded):
                call()

    @rule(seed=st.none() | SEEDS)
    def reset(self, seed: int | None) -> None:
        super().reset(seed)
        self.over = False

    @rule(kind=st.sampled_from(("random", "legal", "expert")), count=st.integers(1, 12), seed=SEEDS)
    def step(self, kind: str, count: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            if self.over:
                with pytest.raises(gym.error.ResetNeeded):
                    self.env.step(0)
                return
            self.count("steps")
            action = int(rng.integers(self.env.action_space.n))
            if kind == "legal":
                action = int(rng.choice(np.flatnonzero(self.env.action_masks())))
            elif kind == "expert":
                action = self.env.expert_action()
            observation, reward, terminated, truncated, info = self.both(operator.methodcaller("step", action))
            self.check_state(observation, info)
            assert isinstance(reward, float) and np.isfinite(reward) and self.bounds[0] <= reward <= self.bounds[1]
            assert isinstance(terminated, bool) and isinstance(truncated, bool)
            self.over = terminated or truncated

    @rule()
    def ask(self) -> None:
        if self.over:  # causal DAGs refuse to say what the expert would do
            return
        self.count("asked")
        masks, action = self.both(lambda env: env.action_masks()), self.both(lambda env: env.expert_action())
        assert masks.dtype == bool and masks.shape == (self.env.action_space.n,)
        assert 0 <= action < len(masks) and masks[action]

    @rule()
    def render(self) -> None:
        self.count("rendered")
        picture = self.env.render()
        assert isinstance(picture, str) or (picture.dtype == np.uint8 and picture.ndim == 3)

    @rule(action=st.sampled_from([-1, 10**6, 0.5, None, "A"]))
    def refuse(self, action: Any) -> None:
        """See :meth:`VectorMachine.refuse`."""
        if not self.over:
            self.count("refused")
            with pytest.raises(ValueError, match="action must be"):
                self.env.step(action)


def _current(infos: dict[str, Any]) -> dict[str, Any]:
    """Infos without those of episodes that ended."""
    return {key: value for key, value in infos.items() if not key.startswith(_FINAL)}


def _comparable(result: Any) -> Any:
    """What a call returned, with the batches behind the infos of ended episodes in place of an object for each row."""
    if not isinstance(result, tuple) or not isinstance(result[-1], dict):
        return result
    ended = getattr(result[-1], "ended", None)
    last = {} if ended is None else {"ended": {"observations": ended.observations, "infos": ended.infos}}
    return dict(enumerate((*result[:-1], {**_current(result[-1]), **last})))


def _layout(value: Any) -> Any:
    """Keys, dtypes and shapes, nested; of texts that they are texts."""
    if isinstance(value, dict):
        return {key: _layout(entry) for key, entry in value.items()}
    if isinstance(value, (str, tuple)):
        return type(value).__name__
    array = np.asarray(value)
    return ("U" if array.dtype.kind in "UO" else array.dtype.str), array.shape
