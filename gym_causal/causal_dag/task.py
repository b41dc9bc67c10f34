"""The causal DAG task on arrays: exploration trials without a goal, then exploitation trials that pay the goal's outcome."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from gym_causal.causal_dag import explanations, rendering
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.episode_batch import EpisodeBatch, EpisodeNoise
from gym_causal.causal_dag.expert import draw_actions, exploration_actions
from gym_causal.causal_dag.trials import Table, begin, explained, play_trial
from gym_causal.core.streams import take_rows
from gym_causal.core.task import BatchedTask, Infos, Observations, constant
from gym_causal.scm import VALUE_LIMIT, StructuralCausalModels

# Up to this many rows, and this many values an episode, all 2N interventions of all trials of a run of episodes are simulated at once
# and then looked up: NumPy on a few numbers costs as much as on a few thousand.
_LOOKUP_ROWS = 16
_LOOKUP_VALUES = 2_000
_LOOKUP_EPISODES = 64
# Smaller batches are prepared for this many episodes at once, for the same reason.
_PREPARED_EPISODES = 512


class CausalDAGTask(BatchedTask):
    """``CausalDAG-v0`` and ``CausalDAGCued-v0`` for ``num_envs`` rows; see :class:`gym_causal.causal_dag.env.CausalDAGEnv`.

    All episodes have the same length, so all rows begin and end together.
    """

    def __init__(self, config: CausalDAGConfig, num_envs: int) -> None:
        super().__init__(num_envs)
        self.config = config
        num_variables = config.num_variables
        values = spaces.Box(-VALUE_LIMIT, VALUE_LIMIT, (num_variables,), np.float32)
        keys: dict[str, spaces.Space] = {
            "last_initial_values": values,
            "last_intervention": values,
            "last_outcome": values,
            "initial_values": values,
            "phase": spaces.Discrete(len(Phase)),
            "goal": spaces.Discrete(num_variables + 1),
            "trial": spaces.Discrete(config.trials + 1),
        }
        if config.cues is not None:
            keys["cue"] = spaces.MultiBinary(num_variables)
        self.observation_space = spaces.Dict(keys)
        self.action_space = spaces.Discrete(2 * num_variables)
        self._worlds: EpisodeBatch | None = None  # holds the episodes being played, at ``_now``
        self._first_episode = -1  # of the prepared worlds; -1: they are no run of the stream
        # The kind of the explanation by the number of trials played.
        self._kinds = ["none", *(explained(config, trial) for trial in range(config.trials))]
        table = config.trials * 2 * num_variables * num_variables
        self._looks_up = num_envs <= _LOOKUP_ROWS and table <= _LOOKUP_VALUES

    # --- episodes --------------------------------------------------------------------------------------------------------

    @property
    def block_size(self) -> int:
        """About 150,000 initial values a block, 16 to 4,096 episodes; a quarter of that where rejection makes them costly."""
        most = 150_000 // (self.config.trials * self.config.num_variables * (4 if self.config.conditions.held_out else 1))
        return int(2 ** np.clip(np.floor(np.log2(max(most, 1))), 4, 12))

    def draw_block(self, rng: np.random.Generator, count: int) -> EpisodeNoise:
        return EpisodeNoise.draw(rng, count, self.config)

    def seed(self, *args: Any, **kwargs: Any) -> None:
        super().seed(*args, **kwargs)
        self._first_episode = -1

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        """See the base class. ``options`` may hold ``model``, ``goal`` and ``cue``, for this episode only (docs/environments.md)."""
        assert len(rows) == self.num_envs, "all rows have episodes of one length, so they begin together"
        first = int(episodes[0])
        assert self._stream is not None
        if options:
            draws = self._with_options(self._stream.take(episodes), options)
            self._prepare(EpisodeBatch(draws, self.config), first_episode=-1)
            first = 0
        else:
            if self._first_episode < 0 or not self._first_episode <= first <= self._first_episode + len(self._prepared) - self.num_envs:
                most = _LOOKUP_EPISODES if self._looks_up else min(_PREPARED_EPISODES, self.block_size)
                count = self.num_envs * max(1, most // self.num_envs)
                self._prepare(EpisodeBatch(self._stream.take(np.arange(first, first + count)), self.config), first_episode=first)
            first -= self._first_episode
        now = slice(first, first + self.num_envs)
        if self._looks_up:
            self._worlds, self._now, self._places = self._prepared, now, np.arange(now.start, now.stop)
        else:
            self._worlds, self._now = self._prepared.take(now), slice(0, self.num_envs)
        self._trial = 0
        self._actions: list[np.ndarray] = []  # one (B,) a trial
        self._result = begin(self._worlds, self._now)

    def _prepare(self, worlds: EpisodeBatch, first_episode: int) -> None:
        self._prepared, self._first_episode = worlds.prepare(), first_episode
        self.__dict__.pop("_table", None)

    def _with_options(self, draws: EpisodeNoise, options: dict[str, Any]) -> EpisodeNoise:
        unknown = set(options) - {"model", "goal", "cue"}
        if unknown:
            raise ValueError(f"options may hold model, goal and cue, got {sorted(map(str, unknown))}")
        if "cue" in options and self.config.cues is None:
            raise ValueError("options: cue is for CausalDAGCued-v0 only")
        models, goals, relevant = draws.models, draws.goals, draws.relevant
        if "model" in options:
            models = options["model"]
            if not isinstance(models, StructuralCausalModels) or models.num_variables != self.config.num_variables:
                raise ValueError(
                    f"options: model must be StructuralCausalModels with {self.config.num_variables} variables, got {models!r}"
                )
            if len(models) not in (1, self.num_envs):
                raise ValueError(f"options: model must hold 1 or {self.num_envs} models, got {len(models)}")
            models = models[np.zeros(self.num_envs, int)] if len(models) == 1 else models
        if "cue" in options:
            cue = np.asarray(options["cue"])
            if cue.shape not in ((self.config.num_variables,), relevant.shape) or not np.isin(cue, (0, 1)).all():
                raise ValueError(f"options: cue must be 0s and 1s of shape {relevant.shape[1:]} or {relevant.shape}, got shape {cue.shape}")
            relevant = np.broadcast_to(cue.astype(bool), relevant.shape)
        elif "model" in options and self.config.cues is None:
            relevant = np.ones_like(relevant)
        if "goal" in options:
            given = options["goal"]
            given = [given] if isinstance(given, str) or np.ndim(given) == 0 else list(given)
            goals = np.array([self.config.variable("options: goal", goal) for goal in given])
            if len(goals) not in (1, self.num_envs):
                raise ValueError(f"options: goal must be one variable or {self.num_envs}, got {len(goals)}")
            goals = np.broadcast_to(goals, self.num_envs)
        if not relevant[np.arange(self.num_envs), goals].all():
            raise ValueError("options: goal must be one of the relevant variables of cue; give both")
        return dataclasses.replace(draws, models=models, goals=goals, relevant=relevant)

    # --- playing ---------------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        return self.config.phase(self._trial)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert self._worlds is not None
        if self._looks_up:
            self._result = self._table.look_up(self._places, self._trial, actions)
        else:
            self._result = play_trial(self._worlds, self._trial, actions)
        self._actions.append(actions.copy())
        self._trial += 1
        return self._result.reward, constant(self.num_envs, self._trial == self.config.trials), constant(self.num_envs, False)

    def observations(self) -> Observations:
        return self._result.observation

    def infos(self, *, text: bool) -> Infos:
        infos: Infos = {"explanation": self._explanation(text=text)}
        if self.config.expert_info:
            over = self._trial == self.config.trials
            infos["expert_action"] = constant(self.num_envs, -1) if over else self.expert_actions()
        if self.config.graph_info:
            assert self._worlds is not None
            infos["weights"] = self._worlds.models[self._now].weights.astype(np.float32)
        return infos

    def action_masks(self) -> np.ndarray:
        num_variables = self.config.num_variables
        if self.phase is Phase.EXPLORATION:
            return np.ones((self.num_envs, 2 * num_variables), bool)
        return np.tile(np.arange(num_variables), 2) != self._goals[:, None]

    def expert_actions(self) -> np.ndarray:
        assert self._worlds is not None
        draws, config, trial = self._worlds.draws, self.config, self._trial
        if trial == config.trials:
            raise ValueError("expert_actions: the episode is over; call reset first")
        if self.phase is Phase.EXPLORATION:
            relevant, priority, uniform = (x[self._now] for x in (draws.relevant, draws.priority, draws.decision))
            return exploration_actions(config, relevant, priority, self.tried, trial, uniform[:, trial])
        probabilities = self._worlds.optimum.action_probabilities(float(config.expert_temperature))
        return draw_actions(probabilities[self._now], draws.decision[self._now, trial])

    @property
    def tried(self) -> np.ndarray:
        """(B, N) bool; the variables set in exploration so far."""
        return self._set_by(self._actions[: self.config.exploration_trials])

    def _set_by(self, actions: list[np.ndarray]) -> np.ndarray:
        """(B, N) bool; the variables that some trials' actions, (B,) each, set."""
        set_by = np.zeros((self.num_envs, self.config.num_variables), bool)
        for action in actions:
            set_by[np.arange(self.num_envs), action % self.config.num_variables] = True
        return set_by

    @property
    def _goals(self) -> np.ndarray:
        assert self._worlds is not None
        return self._worlds.goals[self._now]

    def _explanation(self, *, text: bool) -> dict[str, Any]:
        """The explanation of the last trial."""
        kind = self._kinds[self._trial]
        explanation: dict[str, Any] = {"kind": constant(self.num_envs, kind)}
        if self.config.explain != "none":
            explanation.update(self._result.facts)
        if text:
            words = constant(self.num_envs, "")
            if kind != "none":
                for row in range(self.num_envs):
                    words[row] = explanations.describe(kind, self._result.facts, row, self._names)
            explanation["text"] = words
        return explanation

    @cached_property
    def _names(self) -> list[str]:
        return self.config.names

    @cached_property
    def _table(self) -> Table:
        return Table(self._prepared)

    # --- evaluation, pictures --------------------------------------------------------------------------------------------

    def is_choice(self) -> np.ndarray:
        """Exploitation trials in which something is at stake: some intervention raises the goal. (Else all are equally good.)"""
        return self._staked(self._trial)

    def _staked(self, trial: int) -> np.ndarray:
        assert self._worlds is not None
        return (self._worlds.optimum.best_value[self._now] > 0) & (self.config.phase(trial) is Phase.EXPLOITATION)

    def step_scores(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """See the base class; docs/evaluation.md defines each metric."""
        assert self._worlds is not None
        worlds, trial, actions, row = self._worlds, self._trial - 1, self._actions[-1], np.arange(self.num_envs)
        exploring, staked = self.config.phase(trial) is Phase.EXPLORATION, self._staked(trial)
        relevant, variable = worlds.relevant[self._now], actions % self.config.num_variables
        earlier, hit = self._set_by(self._actions[:-1]), relevant[row, variable]
        optimum = take_rows(worlds.optimum, self._now)
        explored, exploited = np.full(self.num_envs, float(exploring)), np.full(self.num_envs, float(not exploring))
        return {
            "normalized_reward": (exploited * optimum.values[row, actions], exploited * optimum.best_value),
            "match_optimum": (staked * optimum.is_optimal[row, actions], staked.astype(float)),
            "optimal_action_rate": (exploited * optimum.is_optimal[row, actions], exploited),
            "illegal_action_rate": (exploited * ~optimum.legal[row, actions], exploited),
            # A relevant variable counts the first time it is tried; their number counts once an episode, in the first trial.
            "exploration_coverage": (explored * (hit & ~earlier[row, variable]), explored * relevant.sum(axis=1) * (trial == 0)),
            "exploration_relevance": (explored * hit, explored),
        }

    def render(self, row: int, mode: str) -> Any:
        return rendering.render(self._snapshot(row), mode)

    def _snapshot(self, row: int) -> rendering.Snapshot:
        worlds = self._worlds
        if worlds is None:
            raise ResetNeeded("render: nothing to show yet; call reset first")
        episode = self._now.start + row
        kind = self._kinds[self._trial]
        played = worlds.take(slice(episode, episode + 1))
        results = [play_trial(played, trial, actions[row : row + 1]) for trial, actions in enumerate(self._actions)]
        nothing = np.zeros((0, self.config.num_variables), np.float32)
        return rendering.Snapshot(
            names=self._names,
            weights=played.models.weights[0],
            relevant=worlds.relevant[episode],
            goal=int(worlds.goals[episode]),
            exploration_trials=self.config.exploration_trials,
            trials=self.config.trials,
            initial_values=worlds.initial_values[1 : self._trial + 2, episode],
            interventions=np.concatenate([nothing, *(result.observation["last_intervention"] for result in results)]),
            outcomes=np.concatenate([nothing, *(result.observation["last_outcome"] for result in results)]),
            explanation=explanations.describe(kind, self._result.facts, row, self._names),
        )
