"""PPO on whole episodes: stable-baselines3's algorithm for a Transformer that acts with a cache and learns from sequences."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.utils import explained_variance
from stable_baselines3.common.vec_env import VecTransposeImage
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from agents.algorithms.episode_actor import EpisodeActor
from agents.algorithms.episode_buffer import EpisodeRolloutBuffer
from agents.algorithms.episode_sources import has_action_masks, source_of
from agents.algorithms.optimizers import make_optimizer
from agents.algorithms.ppo_loss import PPOLoss
from agents.config import TrainingConfig
from agents.data.explanation_controls import ExplanationControl
from agents.policies.actor_critic import TransformerActorCriticPolicy
from agents.vec_env import BatchedVecEnv
from gym_causal.core.gymnasium_task import GymnasiumTask
from gym_causal.core.task import Observations

_LOGGED = {  # name in stable-baselines3's logs -> field of PPOLossTerms
    "train/entropy_loss": "entropy",
    "train/policy_gradient_loss": "policy_gradient",
    "train/value_loss": "value",
    "train/explanation_loss": "explanation",
    "train/kl_from_reference": "kl",
    "train/approx_kl": "approx_kl",
    "train/clip_fraction": "clip_fraction",
    "train/loss": "total",
}


class EpisodePPO(PPO):
    """Proximal policy optimization (Schulman et al. 2017) of a Transformer, on whole episodes.

    Used as stable-baselines3's ``PPO``: ``EpisodePPO("TransformerPolicy", venv).learn(100_000)``, with its callbacks, logger, ``predict``,
    ``save`` and ``load``. What differs from it:

    * A rollout is one whole episode of each env. Envs whose episode is over wait for the others; an episode of more than ``n_steps`` steps
      is cut. All episodes of a rollout count, so that short ones are not favoured.
    * ``batch_size`` counts episodes, ``num_timesteps`` the steps of the episodes.
    * Illegal actions have probability 0 where envs have a method ``action_masks``. ``predict`` takes ``action_masks`` too, as that of
      sb3-contrib's ``MaskablePPO`` does; without them it may choose an illegal action.
    * Steps whose action can do nothing (``task.has_effect``) carry no policy loss.
    * Explanations of each step can be predicted beside the action.
    * ``agents.vec_env.BatchedVecEnv`` is played without a Python object per env and step. Rollout i then plays episodes i * B to
      (i + 1) * B - 1 of the env's seed, and its random numbers are a function of ``seed`` and i.

    Not supported: actions that are not Discrete, gSDE, ``rollout_buffer_class``, ``policy_kwargs`` of other policies such as ``net_arch``
    and ``optimizer_class``.

    Args:
        policy: "TransformerPolicy", or a subclass of :class:`~agents.policies.actor_critic.TransformerActorCriticPolicy`.
        env: a vector env; or an env or its id, which is played one episode at a time.
        learning_rate: of AdamW; that of Muon is a multiple (:class:`~agents.algorithms.optimizers.MuonAdamW`). Or a schedule.
        n_steps: the most steps of an episode, ``PPOConfig.max_episode_steps``.
        batch_size: episodes in a minibatch.
        n_epochs: ``num_epochs`` of :class:`agents.config.PPOConfig`, which says why these and the next are what they are.
        gamma: see there, like all up to ``kl_coef``.
        gae_lambda: see there.
        clip_range: see there; or a schedule.
        clip_range_vf: see there; or a schedule.
        normalize_advantage: see there.
        normalize_value_loss: see there.
        ent_coef: see there.
        vf_coef: see there.
        kl_coef: see there; if it is not 0, ``reference_policy`` must be given.
        reference_policy: the one that the divergence is measured from; it is not changed, and not saved: give it to ``load`` again.
        max_grad_norm: gradients are clipped to this norm; that of :class:`agents.config.TrainingConfig`.
        target_kl: see :class:`agents.config.PPOConfig`.
        use_action_masks: whether masks are used where envs have them.
        explanation_weight: of the loss of explanations, whose tokens are in the envs' infos; 0: none are predicted.
        explanation_control: what is done to explanations before they are learned from.
        max_iterations: ``learn`` ends once so many rollouts were learned from, even if it has steps left; None: it does not.
        stats_window_size: episodes that logged means are over; as in stable-baselines3, like all that follow.
        tensorboard_log: folder.
        policy_kwargs: "architecture" (:class:`agents.config.ArchitectureConfig`) and "task", the arguments of the policy.
        verbose: 0, 1 or 2.
        seed: of weights, actions, minibatches and envs.
        device: torch's name, or "auto".

    Raises:
        ValueError: actions that are not Discrete, or a network that cannot read the observations.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"TransformerPolicy": TransformerActorCriticPolicy}
    policy: TransformerActorCriticPolicy  # type: ignore[assignment]
    rollout_buffer: EpisodeRolloutBuffer

    def __init__(
        self,
        policy: str | type[TransformerActorCriticPolicy],
        env: GymEnv | str | None,
        learning_rate: float | Schedule = 1e-3,
        n_steps: int = 1_024,
        batch_size: int = 128,
        n_epochs: int = 2,
        gamma: float = 0.99,
        gae_lambda: float = 0.95,
        clip_range: float | Schedule = 0.2,
        clip_range_vf: float | Schedule | None = None,
        normalize_advantage: bool = True,
        normalize_value_loss: bool = True,
        ent_coef: float = 0.01,
        vf_coef: float = 0.5,
        kl_coef: float = 0.0,
        reference_policy: TransformerActorCriticPolicy | None = None,
        max_grad_norm: float = 1.0,
        target_kl: float | None = None,
        use_action_masks: bool = True,
        explanation_weight: float = 0.0,
        explanation_control: ExplanationControl | None = None,
        max_iterations: int | None = None,
        seed: int | None = None,
        **sb3: Any,
    ) -> None:
        self.normalize_value_loss, self.use_action_masks = normalize_value_loss, use_action_masks
        self.kl_coef, self.reference_policy = kl_coef, reference_policy
        self.explanation_weight, self.explanation_control = explanation_weight, explanation_control
        self.max_iterations, self.num_iterations = max_iterations, 0
        # Random numbers of a rollout are a function of this and of its number.
        self.rollout_seed = int(np.random.default_rng().integers(2**32)) if seed is None else seed
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You have specified a mini-batch size")  # as if it counted steps
            super().__init__(
                policy,  # type: ignore[arg-type]
                env,  # type: ignore[arg-type]
                learning_rate=learning_rate,
                n_steps=n_steps,
                batch_size=batch_size,
                n_epochs=n_epochs,
                gamma=gamma,
                gae_lambda=gae_lambda,
                clip_range=clip_range,
                clip_range_vf=clip_range_vf,
                normalize_advantage=normalize_advantage,
                ent_coef=ent_coef,
                vf_coef=vf_coef,
                max_grad_norm=max_grad_norm,
                target_kl=target_kl,
                seed=seed,
                **sb3,
            )

    @staticmethod
    def _wrap_env(env: GymEnv, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        # stable-baselines3 puts the channels of images first; networks here read them as they are.
        wrapped = env if isinstance(env, VecEnv) else PPO._wrap_env(env, verbose, monitor_wrapper)
        return wrapped.venv if wrapped is not env and isinstance(wrapped, VecTransposeImage) else wrapped

    def _setup_model(self) -> None:
        self.rollout_buffer_class = EpisodeRolloutBuffer
        self.policy_kwargs = {"explains": self.explanation_weight > 0, **self.policy_kwargs}
        venv = None if self.env is None else self.env.unwrapped
        # Of Gymnasium's envs only the spaces are known, and they cannot be saved.
        if isinstance(venv, BatchedVecEnv) and not isinstance(venv.venv.task, GymnasiumTask):
            task: Any = venv.venv.task
            self.policy_kwargs.setdefault("task", type(task)(task.config, 1))  # of one row, which a saved model can hold
        super()._setup_model()
        if not hasattr(self.policy, "optimizer"):
            self.policy.optimizer = make_optimizer(self.policy.model, TrainingConfig(learning_rate=float(self.lr_schedule(1))))

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "reference_policy"]

    def _setup_learn(self, *args: Any, **kwargs: Any) -> tuple[int, BaseCallback]:
        if self.kl_coef and self.reference_policy is None:
            raise ValueError(f"reference_policy must be given with a kl_coef that is not 0, got None with {self.kl_coef!r}")
        return super()._setup_learn(*args, **kwargs)

    def _update_learning_rate(self, optimizers: Any) -> None:
        rate = self.lr_schedule(self._current_progress_remaining)
        self.logger.record("train/learning_rate", rate)
        optimizers.set_learning_rate(rate)

    def predict(
        self,
        observation: np.ndarray | Observations,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Act one step; see :meth:`agents.policies.sb3.TransformerPolicy.predict`."""
        return self.policy.predict(observation, state, episode_start, deterministic, action_masks)

    def collect_rollouts(self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int) -> bool:
        """Play one episode in each env; see stable-baselines3 for the arguments and what is returned."""
        assert isinstance(rollout_buffer, EpisodeRolloutBuffer)
        rollout_buffer.reset()
        callback.on_rollout_start()
        self.policy.set_training_mode(False)  # after callbacks, which may do otherwise
        if self.max_iterations is not None and self.num_iterations >= self.max_iterations:
            return False
        explains = self.policy.model.explanation_head is not None
        masked = self.use_action_masks and has_action_masks(env)
        source = source_of(env, action_masks=masked, explanations=explains)
        actor = EpisodeActor(self.policy, env.num_envs, self._generator())
        state, playing = source.begin(self.num_iterations), np.ones(env.num_envs, bool)
        cut: list[tuple[np.ndarray, Observations]] = []  # episodes that ended without a terminal state, and what was observed last
        while playing.any() and rollout_buffer.pos < n_rollout_steps:
            actions, values, log_probs = actor(state, playing)
            transition = source.step(actions)
            rewards, dones, infos = transition.rewards, transition.dones, transition.infos
            rollout_buffer.add(state, actions=actions, rewards=rewards, values=values, log_probs=log_probs, playing=playing)
            self.num_timesteps += int(playing.sum())
            cut.append(transition.cut(playing))
            playing, state = playing & ~dones, transition.state
            callback.update_locals(locals())
            if not callback.on_step():
                return False
        rows = np.flatnonzero(playing)
        cut.append((rows, {key: value[rows] for key, value in state.observations.items()}))
        self._finish(rollout_buffer, cut)
        callback.update_locals(locals())
        callback.on_rollout_end()
        self.num_iterations += 1
        return True

    def _generator(self) -> torch.Generator:
        """Of the actions of this rollout."""
        entropy = np.random.SeedSequence([self.rollout_seed, self.num_iterations])
        return torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))  # torch's seeds are signed

    def _finish(self, buffer: EpisodeRolloutBuffer, cut: list[tuple[np.ndarray, Observations]]) -> None:
        """Close the buffer: what the actions were worth, which had an effect, and which explanations are learned."""
        buffer.close()
        buffer.has_effect = buffer.is_step & self.policy.task.has_effect(buffer.observations)
        if buffer.explanations is not None and self.explanation_control is not None:
            rng = np.random.default_rng([self.rollout_seed, self.num_iterations, 2])
            buffer.control_explanations(self.explanation_control, rng)
        buffer.compute_returns_and_advantage(self._values_after(buffer, cut))
        if self.ep_info_buffer is not None:  # what is logged of episodes: of the last few
            now, shown = time.time() - self.start_time / 1e9, slice(-(self.ep_info_buffer.maxlen or 0), None)
            for total, steps in zip(buffer.rewards.sum(axis=1)[shown], buffer.lengths[shown], strict=True):
                self.ep_info_buffer.append({"r": float(total), "l": int(steps), "t": now})

    def _values_after(self, buffer: EpisodeRolloutBuffer, cut: list[tuple[np.ndarray, Observations]]) -> np.ndarray:
        """(B,) the value of what was observed after each episode's last step; 0 where it terminated."""
        values_after = np.zeros(buffer.n_envs, np.float32)
        cut = [(rows, last) for rows, last in cut if len(rows)]
        if not cut:
            return values_after
        rows = np.concatenate([rows for rows, _ in cut])
        last_observations = {key: np.concatenate([last[key] for _, last in cut]) for key in cut[0][1]}
        for first in range(0, len(rows), self.batch_size):
            part = slice(first, first + self.batch_size)
            observations = buffer.with_last(rows[part], {key: value[part] for key, value in last_observations.items()})
            tensors = {key: torch.as_tensor(value, device=self.device) for key, value in observations.items()}
            with torch.no_grad():
                values = self.policy.values_of(self.policy.model.network.encode(tensors)).cpu().numpy()
            values_after[rows[part]] = np.take_along_axis(values, buffer.lengths[rows[part], None], axis=1)[:, 0]
        return values_after

    def train(self) -> None:
        """Learn from the episodes of the rollout buffer."""
        self.policy.set_training_mode(True)
        if self.reference_policy is not None:
            self.reference_policy.set_training_mode(False)  # without dropout
        optimizer, buffer = self.policy.optimizer, self.rollout_buffer
        self._update_learning_rate(optimizer)
        loss = self._loss()
        rng = np.random.default_rng([self.rollout_seed, self.num_iterations])
        logged: dict[str, list[float]] = defaultdict(list)
        for samples in (samples for _ in range(self.n_epochs) for samples in buffer.get(self.batch_size, rng)):
            terms = loss(self.policy, samples)
            for name, field in _LOGGED.items():
                if (term := getattr(terms, field)) is not None:
                    logged[name].append(float(term.detach()))
            if self.target_kl is not None and float(terms.approx_kl) > 1.5 * self.target_kl:
                break
            optimizer.zero_grad()
            terms.total.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            optimizer.step()
        self._n_updates += self.n_epochs
        for name, values in logged.items():
            self.logger.record(name, float(np.mean(values)))
        self.logger.record(
            "train/explained_variance", float(explained_variance(buffer.values[buffer.is_step], buffer.returns[buffer.is_step]))
        )
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")

    def _loss(self) -> PPOLoss:
        """Of this rollout."""
        progress = self._current_progress_remaining
        returns = self.rollout_buffer.returns[self.rollout_buffer.is_step]
        return PPOLoss(
            clip_range=self.clip_range(progress),  # type: ignore[operator]
            clip_range_vf=None if self.clip_range_vf is None else self.clip_range_vf(progress),  # type: ignore[operator]
            normalize_advantage=self.normalize_advantage,
            ent_coef=self.ent_coef,
            vf_coef=self.vf_coef,
            value_scale=float(returns.var()) + 1e-8 if self.normalize_value_loss else 1.0,
            kl_coef=self.kl_coef,
            reference_policy=self.reference_policy,
            explanation_weight=self.explanation_weight,
        )
