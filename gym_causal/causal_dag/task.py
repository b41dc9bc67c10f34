"""The causal DAG task on arrays: exploration trials without a goal, then exploitation trials that pay the goal's outcome."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from gym_causal.causal_dag import explanation_modes, rendering
from gym_causal.causal_dag.actions import action_variable, legal_actions, num_actions
from gym_causal.causal_dag.config import CausalDAGConfig, Phase
from gym_causal.causal_dag.episode_batch import EpisodeBatch, EpisodeNoise
from gym_causal.causal_dag.expert import draw_actions, exploration_actions
from gym_causal.causal_dag.explainer import Explainer
from gym_causal.causal_dag.snapshot import EpisodeSnapshot
from gym_causal.causal_dag.trials import OutcomeTable, TrialResult, begin, play_trial
from gym_causal.core.streams import take_rows
from gym_causal.core.task import BatchedTask, Infos, Observations, constant
from gym_causal.scm import StructuralCausalModels

# Up to this many rows, and this many values an episode, the outcomes of all 2N actions in all trials of a run of episodes are computed at
# once, in a table: NumPy on a few numbers costs as much as on a few thousand.
_TABLE_ROWS = 16
_TABLE_VALUES = 2_000
_TABLE_EPISODES = 64
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
        bound = config.value_bound
        values = spaces.Box(-bound, bound, (num_variables,), np.float32)
        do_value = min(bound, config.intervention_value)
        keys: dict[str, spaces.Space] = {
            "last_initial_values": values,
            "last_intervention": spaces.Box(-do_value, do_value, (num_variables,), np.float32),
            "last_outcome": values,
            "initial_values": values,
            "phase": spaces.Discrete(len(Phase)),
            "goal": spaces.Discrete(num_variables + 1),
            "trial": spaces.Discrete(config.trials + 1),
        }
        if config.cues is not None:
            keys["cue"] = spaces.MultiBinary(num_variables)
        self.observation_space = spaces.Dict(keys)
        self.action_space = spaces.Discrete(num_actions(num_variables))
        self.explanations = explanation_modes.explanation_spec(num_variables, config.explain)
        self._batch: EpisodeBatch | None = None  # holds the episodes being played, at ``_now``
        self._first_episode = -1  # of the prepared episodes; -1: they are no run of the stream
        self._trial = 0
        self._result: TrialResult | None = None  # of the last trial
        self._actions: list[np.ndarray] = []  # one (B,) a trial
        self._explainer = Explainer(config, num_envs)
        table = config.trials * num_actions(num_variables) * num_variables
        self._uses_table = num_envs <= _TABLE_ROWS and table <= _TABLE_VALUES

    # --- episodes --------------------------------------------------------------------------------------------------------

    @property
    def max_episode_steps(self) -> int:
        return self.config.trials

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
        stream = self.stream
        if options:
            noise = self._with_options(stream.take(episodes), options)
            self._prepare(EpisodeBatch(noise, self.config), first_episode=-1)
            first = 0
        else:
            if self._first_episode < 0 or not self._first_episode <= first <= self._first_episode + len(self._prepared) - self.num_envs:
                most = _TABLE_EPISODES if self._uses_table else min(_PREPARED_EPISODES, self.block_size)
                count = self.num_envs * max(1, most // self.num_envs)
                self._prepare(EpisodeBatch(stream.take(np.arange(first, first + count)), self.config), first_episode=first)
            first -= self._first_episode
        now = slice(first, first + self.num_envs)
        if self._uses_table:
            self._batch, self._now, self._table_rows = self._prepared, now, np.arange(now.start, now.stop)
        else:
            self._batch, self._now = self._prepared.take(now), slice(0, self.num_envs)
        self._trial = 0
        self._actions = []
        self._explainer.begin()
        self._clips = self.config.value_limit is not None or "model" in (options or {})
        self._result = self._clipped(begin(self._batch, self._now))

    @property
    def num_prepared(self) -> int:
        """How many episodes are held in memory at once; at least ``num_envs``."""
        return len(self._prepared)

    @property
    def episodes(self) -> EpisodeBatch:
        """The episodes being played, one for each row: their models, goals, noise and optimum. Privileged."""
        return self._playing.take(self._now)

    @property
    def _playing(self) -> EpisodeBatch:
        if self._batch is None:
            raise ResetNeeded("no episode has begun; call reset first")
        return self._batch

    @property
    def _present(self) -> TrialResult:
        if self._result is None:
            raise ResetNeeded("no episode has begun; call reset first")
        return self._result

    def _prepare(self, episodes: EpisodeBatch, first_episode: int) -> None:
        self._prepared, self._first_episode = episodes.prepare(), first_episode
        self.__dict__.pop("_table", None)

    def _with_options(self, noise: EpisodeNoise, options: dict[str, Any]) -> EpisodeNoise:
        unknown = set(options) - {"model", "goal", "cue"}
        if unknown:
            raise ValueError(f"options may hold model, goal and cue, got {sorted(map(str, unknown))}")
        if "cue" in options and self.config.cues is None:
            raise ValueError("options: cue is for CausalDAGCued-v0 only")
        models, goals, relevant = noise.models, noise.goals, noise.relevant
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
        return dataclasses.replace(noise, models=models, goals=goals, relevant=relevant)

    # --- playing ---------------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        return self.config.phase(self._trial)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        episodes = self._playing
        if self._uses_table:
            result = self._table.result(self._table_rows, self._trial, actions)
        else:
            result = play_trial(episodes, self._trial, actions)
        self._result = self._clipped(result)
        self._actions.append(actions.copy())
        self._trial += 1
        self._explainer.record(self._result.observation)
        return self._result.reward, constant(self.num_envs, self._trial == self.config.trials), constant(self.num_envs, False)

    def _clipped(self, result: TrialResult) -> TrialResult:
        """The result with what is observed within its bounds; only a user's model or ``value_limit`` can lead beyond them."""
        if not self._clips:
            return result
        observation = dict(result.observation)
        for key, space in self.observation_space.spaces.items():
            if isinstance(space, spaces.Box):
                observation[key] = np.clip(observation[key], space.low, space.high)
        return result._replace(observation=observation)

    def observations(self) -> Observations:
        return self._present.observation

    def infos(self, *, text: bool) -> Infos:
        explanation = self._explanation()
        if text:
            words = constant(self.num_envs, "")
            for row in range(self.num_envs):
                words[row] = self._explainer.describe(self._trial, explanation, row)
            explanation["text"] = words
        infos: Infos = {"explanation": explanation}
        if self.config.expert_info:
            over = self._trial == self.config.trials
            infos["expert_action"] = constant(self.num_envs, -1) if over else self.expert_actions()
        if self.config.graph_info:
            infos["weights"] = self._playing.models[self._now].weights.astype(np.float32)
        return infos

    def action_masks(self) -> np.ndarray:
        num_variables = self.config.num_variables
        goals = self._playing.goals[self._now]
        if self.phase is Phase.EXPLORATION:
            goals = constant(self.num_envs, num_variables)
        return legal_actions(goals, num_variables)

    def expert_actions(self) -> np.ndarray:
        episodes, noise, config, trial = self._playing, self._playing.noise, self.config, self._trial
        if trial == config.trials:
            raise ValueError("expert_actions: the episode is over; call reset first")
        if self.phase is Phase.EXPLORATION:
            relevant, priority, uniform = (x[self._now] for x in (noise.relevant, noise.priority, noise.decision))
            return exploration_actions(config, relevant, priority, self.tried, trial, uniform[:, trial])
        probabilities = episodes.optimum.action_probabilities(float(config.expert_temperature))
        return draw_actions(probabilities[self._now], noise.decision[self._now, trial])

    @property
    def tried(self) -> np.ndarray:
        """(B, N) bool; the variables set in exploration so far."""
        return self._set_by(self._actions[: self.config.exploration_trials])

    def _set_by(self, actions: list[np.ndarray]) -> np.ndarray:
        """(B, N) bool; the variables that some trials' actions, (B,) each, set."""
        set_by = np.zeros((self.num_envs, self.config.num_variables), bool)
        for action in actions:
            set_by[np.arange(self.num_envs), action_variable(action, self.config.num_variables)] = True
        return set_by

    def _explanation(self) -> dict[str, Any]:
        """The explanation of the present state, without its text."""
        return self._explainer.explain(self._trial, self._present.facts, self._playing, self._now, self.expert_actions)

    @cached_property
    def _names(self) -> list[str]:
        return self.config.names

    @cached_property
    def _table(self) -> OutcomeTable:
        return OutcomeTable(self._prepared)

    # --- evaluation, pictures --------------------------------------------------------------------------------------------

    def is_choice(self) -> np.ndarray:
        """Exploitation trials in which some intervention raises the goal. (In the others all legal actions are equally good.)"""
        return self._is_choice(self._trial)

    def _is_choice(self, trial: int) -> np.ndarray:
        return (self._playing.optimum.best_value[self._now] > 0) & (self.config.phase(trial) is Phase.EXPLOITATION)

    def explanation_groups(self, tokens: np.ndarray) -> dict[str, tuple[np.ndarray, slice]]:
        return explanation_modes.token_groups(tokens, self.config.num_variables, self.config.explain)

    def step_scores(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """See the base class; docs/evaluation.md defines each metric."""
        episodes, trial, actions, row = self._playing, self._trial - 1, self._actions[-1], np.arange(self.num_envs)
        exploring, is_choice = self.config.phase(trial) is Phase.EXPLORATION, self._is_choice(trial)
        relevant, variable = episodes.relevant[self._now], action_variable(actions, self.config.num_variables)
        earlier, hit = self._set_by(self._actions[:-1]), relevant[row, variable]
        optimum = take_rows(episodes.optimum, self._now)
        explored, exploited = np.full(self.num_envs, float(exploring)), np.full(self.num_envs, float(not exploring))
        return {
            "normalized_reward": (exploited * optimum.values[row, actions], exploited * optimum.best_value),
            "match_optimum": (is_choice * optimum.is_optimal[row, actions], is_choice.astype(float)),
            "optimal_action_rate": (exploited * optimum.is_optimal[row, actions], exploited),
            "illegal_action_rate": (exploited * ~optimum.legal[row, actions], exploited),
            # A relevant variable counts the first time it is tried; their number counts once an episode, in the first trial.
            "exploration_coverage": (explored * (hit & ~earlier[row, variable]), explored * relevant.sum(axis=1) * (trial == 0)),
            "exploration_relevance": (explored * hit, explored),
        }

    def render(self, row: int, mode: str) -> Any:
        return rendering.render(self.snapshot(row), mode)

    def snapshot(self, row: int) -> EpisodeSnapshot:
        """What there is to show of the episode in a row; privileged."""
        episode = self.episodes.take(slice(row, row + 1))
        results = [play_trial(episode, trial, actions[row : row + 1]) for trial, actions in enumerate(self._actions)]
        no_trials = np.zeros((0, self.config.num_variables), np.float32)
        return EpisodeSnapshot(
            names=self._names,
            weights=episode.models.weights[0],
            relevant=episode.relevant[0],
            goal=int(episode.goals[0]),
            exploration_trials=self.config.exploration_trials,
            trials=self.config.trials,
            initial_values=episode.initial_values[1 : self._trial + 2, 0],
            interventions=np.concatenate([no_trials, *(result.observation["last_intervention"] for result in results)]),
            outcomes=np.concatenate([no_trials, *(result.observation["last_outcome"] for result in results)]),
            explanation=self._explainer.describe(self._trial, self._explanation(), row),
        )
