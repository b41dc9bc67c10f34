"""The network as a stable-baselines3 policy, which imitation trains, and as a policy of gym_causal's one signature, which acts."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor

from agents.config.agent import ROOM_KINDS, AgentConfig, ArchitectureConfig
from agents.data.demonstrations import IGNORE_INDEX, LAST_TRANSFORM, spaces
from agents.networks.explanation_head import ExplanationHead
from agents.networks.kv_cache import KVCache
from agents.networks.registry import network
from gym_causal.core.task import Observations
from gym_causal.odd_one_out.features import NUM_MOVES


class TransformerPolicy(BasePolicy):
    """A policy with a memory: trained on whole episodes, acting one step at a time.

    Args:
        observation_space: of one env.
        action_space: of one env.
        architecture: of the network.
        explains: whether it also predicts explanations.

    Raises:
        ValueError: an architecture for other environments, or one that cannot predict this environment's explanations.
    """

    action_space: gym.spaces.Discrete

    def __init__(
        self,
        observation_space: gym.spaces.Dict,
        action_space: gym.spaces.Discrete,
        architecture: ArchitectureConfig,
        *,
        explains: bool = False,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.network = network(architecture, observation_space, action_space)
        if explains and architecture.kind not in ROOM_KINDS:
            raise ValueError(f"explanations must be none for an agent of kind {architecture.kind!r}: it has no head that predicts them")
        self.explainer = ExplanationHead(architecture.width) if explains else None

    def log_probabilities(self, observations: dict[str, Tensor]) -> Tensor:
        """(B, T, A), of all actions at each step of whole episodes, (B, T, ...)."""
        return torch.log_softmax(self.network(observations), dim=-1)

    def evaluate_actions(self, observations: dict[str, Tensor], actions: Tensor) -> tuple[None, Tensor, None]:
        """What imitation's BC asks: values (there are none), log-probabilities of what was done, entropies (not needed).

        Args:
            observations: (B, T, ...) each, of whole episodes.
            actions: (B, T); IGNORE_INDEX where there is none to learn. The log-probabilities are those of all others, one after the other.
        """
        return None, self.read(observations, actions)[2], None

    def read(self, observations: dict[str, Tensor], targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Summaries of all steps of whole episodes, (B, T, ...), and of the n steps at which there is an action to learn the
        log-probabilities of all actions, (n, A), and of those that were taken, (n,).

        Args:
            observations: (B, T, ...) each.
            targets: (B, T) actions, or (B, T, 1 + L) with explanations beside them; IGNORE_INDEX where there is none to learn.
        """
        hidden_states = self.network.encode(observations)
        actions = (targets if targets.ndim == 2 else targets[..., 0]).long()
        there = actions != IGNORE_INDEX
        log_probabilities = torch.log_softmax(self.network.act(hidden_states)[there], dim=-1)
        return hidden_states, log_probabilities, log_probabilities.gather(-1, actions[there][:, None])[:, 0]

    def step(self, observations: dict[str, Tensor], memory: KVCache | None, episode_starts: np.ndarray | None) -> tuple[Tensor, KVCache]:
        """(B, A) logits of one step of B rows, and the memory, which now holds it too: the given one, changed in place.

        Whoever chooses then notes in ``memory.actions`` what was chosen.

        Args:
            observations: (B, ...) each.
            memory: of the steps before; None: there were none.
            episode_starts: (B,) bool, true for rows whose episode has just begun; None: for none of them.
        """
        count = len(next(iter(observations.values())))
        if memory is None:
            memory, episode_starts = self.network.memory(), np.ones(count, bool)
        elif len(memory.lengths) != count:
            raise ValueError(f"state must be of the same rows as the observations, {count}, got a memory of {len(memory.lengths)}")
        if episode_starts is not None:
            memory.begin(torch.as_tensor(np.atleast_1d(episode_starts), dtype=torch.bool, device=self.device))
        most = self.network.max_steps
        if most is not None and int(memory.lengths.max()) >= most:
            raise ValueError(f"episode_starts must be true where an episode begins: a row has had {most} steps, all there are")
        remembered = {LAST_TRANSFORM: (memory.actions - NUM_MOVES + 1).clamp(min=0)} if "view" in observations else {}
        with torch.no_grad():
            return self.network({key: value[:, None] for key, value in {**observations, **remembered}.items()}, memory)[:, 0], memory

    def predict(
        self,
        observation: np.ndarray | Observations,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """stable-baselines3's way to act, in one env or in a batch: actions and the memory; see :meth:`step`."""
        self.set_training_mode(False)
        tensors, is_batch = self.obs_to_tensor(observation)
        assert isinstance(tensors, dict)
        logits, memory = self.step(tensors, state, episode_start)
        memory.actions = sample_actions(logits, deterministic)
        actions = memory.actions.cpu().numpy()
        return (actions if is_batch else actions[0]), memory

    def _predict(self, observation: Tensor | dict[str, Tensor], deterministic: bool = False) -> Tensor:
        raise NotImplementedError("acting takes a memory: call predict or step")


def build_policy(config: AgentConfig) -> TransformerPolicy:
    """The policy of a configuration, with freshly drawn weights.

    Raises:
        ValueError: its architecture is not for its environment.
    """
    explains = config.training.explanations != "none"
    return TransformerPolicy(*spaces(config.env_id, config.env_kwargs), config.architecture, explains=explains)


class Agent:
    """A trained agent: ``agent(observations, state, episode_starts) -> (actions, state)``, like every policy here.

    Args:
        policy: what was trained.
        deterministic: take the likeliest action; False: draw it.
        seed: of these draws.
        name: in results.
    """

    def __init__(self, policy: TransformerPolicy, *, deterministic: bool = True, seed: int = 0, name: str = "agent") -> None:
        self.policy, self.deterministic, self.name = policy, deterministic, name
        self._rng = torch.Generator().manual_seed(seed)

    def __call__(self, observations: Observations, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        self.policy.set_training_mode(False)
        tensors = {key: torch.as_tensor(value, device=self.policy.device) for key, value in observations.items()}
        logits, memory = self.policy.step(tensors, state, episode_starts)
        actions = sample_actions(logits.cpu(), self.deterministic, self._rng)
        memory.actions = actions.to(self.policy.device)
        return actions.numpy(), memory


def sample_actions(logits: Tensor, deterministic: bool, rng: torch.Generator | None = None) -> Tensor:
    """(B,) the likeliest actions, or drawn ones."""
    if deterministic:
        return logits.argmax(-1)
    return torch.multinomial(torch.softmax(logits, -1), 1, generator=rng)[:, 0]
