"""The one policy signature, the policies that every task has, and what else is accepted as a policy."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from gym_causal.arguments import checked_actions
from gym_causal.core.task import BatchedTask, Observations

_ACCEPTED = "'expert', 'random', a callable(observations, state, episode_starts), or an object with stable-baselines3's predict"


class Policy(Protocol):
    """Anything that acts: expert, baseline, trained agent. It is imitation's ``PolicyCallable``.

    Called with a batch of observations (B, ...), the state that it returned at the last call (None at first; an agent's memory,
    anything it likes) and ``episode_starts`` (B,) bool, true for rows whose episode has just begun. Returns a pair: (B,) int actions
    and its state.

    A policy with the attribute ``needs_action_masks = True`` is called with the keyword ``action_masks`` too: (B, A) bool, which
    actions are legal.
    """

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]: ...


class Predictor(Protocol):
    """An object with stable-baselines3's ``predict``; sb3-contrib's MaskablePPO has one with a further argument ``action_masks``."""

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[np.ndarray, Any]: ...


class ActionSource(Protocol):
    """Where a privileged policy acts: a task or a vector env."""

    def expert_actions(self) -> np.ndarray: ...

    def action_masks(self) -> np.ndarray: ...


class Bindable(Protocol):
    """A privileged policy that does not know yet where it acts.

    If its ``bind`` has an argument ``first_episode``, it gets the one of :func:`bind`. Otherwise it gets another seed in each part of the
    episodes.
    """

    def bind(self, venv: ActionSource, seed: int) -> Policy:
        """The policy that acts there; see :func:`bind` for the arguments."""
        ...


class ExpertPolicy:
    """The expert of the vector env (or task) that it acts in."""

    def __init__(self, venv: ActionSource) -> None:
        self.venv = venv

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        return self.venv.expert_actions(), state


class RandomPolicy:
    """Uniform over the legal actions of the vector env (or task) that it acts in.

    Args:
        venv: where it acts.
        seed: of its own random numbers.
    """

    def __init__(self, venv: ActionSource, seed: int = 0) -> None:
        self.venv = venv
        self._rng = np.random.default_rng(seed)

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        legal = self.venv.action_masks()
        return np.where(legal, self._rng.random(legal.shape), -1.0).argmax(axis=1), state


def bind(policy: Policy | Predictor | Bindable | str, venv: ActionSource, seed: int, first_episode: int = 0) -> Policy:
    """A policy with the one signature, bound to the place where it acts.

    Args:
        policy: "expert" or "random"; a callable as :class:`Policy`; a :class:`Bindable`; or a :class:`Predictor`, which is called with
            ``deterministic=True``, and with ``action_masks`` if it accepts them.
        venv: where it acts.
        seed: of the random numbers of "random" and of a :class:`Bindable`.
        first_episode: row b of B plays episodes first_episode + b, first_episode + b + B, ...; each part of the episodes that is played
            on its own has random numbers of its own.

    Raises:
        ValueError: an unknown name. (Baselines and agents are not known here: ``baselines.make``, ``agents.load``.)
        TypeError: none of the above.
    """
    if isinstance(policy, str):
        if policy == "expert":
            return ExpertPolicy(venv)
        if policy == "random":
            return RandomPolicy(venv, _seed_of_part(seed, first_episode))
        raise ValueError(f"policy must be {_ACCEPTED}, got {policy!r}; for baselines: baselines.make(name, env_id)")
    if hasattr(policy, "bind"):
        if "first_episode" in _argument_names(policy.bind):
            return policy.bind(venv, seed, first_episode=first_episode)  # type: ignore[call-arg]
        return policy.bind(venv, _seed_of_part(seed, first_episode))
    # Before callables: a stable-baselines3 policy is both, and its __call__ is torch's.
    predict = getattr(policy, "predict", None)
    predict_arguments = _argument_names(predict)
    if {"state", "episode_start", "deterministic"} <= predict_arguments:
        return _Predicting(policy, venv if "action_masks" in predict_arguments else None)
    if not callable(policy):
        raise TypeError(f"policy must be {_ACCEPTED}, got {policy!r}")
    return _Masked(policy, venv) if getattr(policy, "needs_action_masks", False) else policy


def load_policy(reference: str, argument: str = "policy") -> Any:
    """A policy by its name.

    Args:
        reference: "module:name" of a callable as :class:`Policy`, a :class:`Bindable` or a :class:`Predictor`. A class or function without
            arguments is called: what it returns is the policy.
        argument: what the reference was given as, for the message.

    Raises:
        ValueError: there is no such thing.
    """
    module, _, name = reference.partition(":")
    try:
        found = importlib.import_module(module) if module and name else None
    except ImportError as error:
        raise ValueError(f"{argument} must be module:name of a policy, got {reference!r}: {error}") from error
    if found is None or not hasattr(found, name):
        raise ValueError(f"{argument} must be module:name of a policy, got {reference!r}" + (f": {module} has no {name}" if found else ""))
    policy = getattr(found, name)
    return policy() if isinstance(policy, type) or (callable(policy) and _takes_nothing(policy)) else policy


def _takes_nothing(function: Callable[..., Any]) -> bool:
    try:
        return not inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C, without a signature
        return False


def _seed_of_part(seed: int, first_episode: int) -> int:
    """The seed of a policy's random numbers in the part of the episodes that begins with ``first_episode``; in the first, ``seed``."""
    return int(np.random.SeedSequence([seed, first_episode]).generate_state(1)[0]) if first_episode else seed


def _argument_names(function: Any) -> set[str]:
    """The names of a callable's arguments; none if it cannot be called, or was written in C without a signature."""
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


class _Predicting:
    """An object with stable-baselines3's ``predict``, as a policy.

    Args:
        policy: the object. If it has an ``observation_space`` that is no Dict, it gets the array of an env's only observation: what it
            was trained with in an env like CartPole-v1.
        mask_source: whose action masks it is given; None: it is given none.
    """

    def __init__(self, policy: Any, mask_source: ActionSource | None) -> None:
        self._predict, self._mask_source = policy.predict, mask_source
        space = getattr(policy, "observation_space", None)
        self._takes_array = space is not None and not isinstance(space, spaces.Dict)

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        masks = {} if self._mask_source is None else {"action_masks": self._mask_source.action_masks()}
        observation: Any = observations
        if self._takes_array and len(observations) == 1:
            (observation,) = observations.values()
        return self._predict(observation, state=state, episode_start=episode_starts, deterministic=True, **masks)


class _Masked:
    """A policy that is called with action masks."""

    def __init__(self, policy: Callable[..., tuple[np.ndarray, Any]], venv: ActionSource) -> None:
        self._policy, self._venv = policy, venv

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        return self._policy(observations, state, episode_starts, action_masks=self._venv.action_masks())


def checked_result(name: str, result: Any, num_envs: int, num_actions: int) -> tuple[np.ndarray, Any]:
    """What a policy returned: (B,) int actions and its state.

    Raises:
        TypeError: it is no pair.
        ValueError: the actions are no B integers in 0..num_actions - 1.
    """
    if not isinstance(result, tuple) or len(result) != 2:
        got = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
        raise TypeError(f"{name} must return a pair (actions, state), got {got}")
    actions, state = result
    return checked_actions(f"{name}: actions", actions, num_envs, num_actions), state


def uses_action_masks(policy: Policy | Predictor | Bindable | str) -> bool:
    """Whether a policy, as :func:`bind` takes it, is told which actions are legal."""
    if isinstance(policy, str):
        return True
    return bool(getattr(policy, "needs_action_masks", False)) or "action_masks" in _argument_names(getattr(policy, "predict", None))


def has_expert(task: BatchedTask) -> bool:
    """Whether a task has an expert. Begins an episode in every row."""
    rows = np.arange(task.num_envs)
    task.seed(0)
    task.begin(rows, rows)
    try:
        task.expert_actions()
    except NotImplementedError:
        return False
    return True


def name_of(policy: Policy | Predictor | Bindable | str) -> str:
    """What a policy is called in results: its attribute ``name``, else that of its class."""
    return policy if isinstance(policy, str) else getattr(policy, "name", type(policy).__name__)
