"""The odd-one-out game in words: experiments that change one object in one dimension, then a test in which each object is unique in one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from gym_causal.core.task import Infos, Observations, constant
from gym_causal.core.text import TextTask, sentence_table
from gym_causal.odd_one_out.plans import attribute_to_try, still_possible
from gym_causal.odd_one_out_text import explanations, wording
from gym_causal.odd_one_out_text.actions import decode, encode, phase_masks, sentences
from gym_causal.odd_one_out_text.config import OddOneOutTextConfig
from gym_causal.odd_one_out_text.explainer import Explainer
from gym_causal.odd_one_out_text.explanations import Facts
from gym_causal.odd_one_out_text.generators import TextEpisodes, draw_episodes, unique_in
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS


class _Result(NamedTuple):
    """What n trials led to; without a trial, and after an illegal action, nothing was chosen."""

    was_played: np.ndarray  # (n,) bool; False before the first trial
    legal: np.ndarray  # (n,) bool
    objects: np.ndarray  # (n,) int; the chosen object, anything if none was
    dimensions: np.ndarray  # (n,) int; the transformed dimension, -1 = none
    values: np.ndarray  # (n,) int; the new value in it, -1 = none
    correct: np.ndarray  # (n,) bool; whether it was rewarded
    was_test: np.ndarray  # (n,) bool


class OddOneOutTextTask(TextTask):
    """``OddOneOutText-v0`` for ``num_envs`` rows; see :class:`gym_causal.odd_one_out_text.env.OddOneOutTextEnv`.

    An illegal action transforms and chooses nothing, and uses its trial up, so all episodes have T steps.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"], "render_fps": 2}

    def __init__(self, config: OddOneOutTextConfig, num_envs: int) -> None:
        super().__init__(num_envs)
        self.config = config
        num_objects, num_dimensions, trials = config.num_objects, config.num_dimensions, config.trials
        symbolic = spaces.Dict(
            {
                "objects": spaces.MultiBinary(num_objects * config.num_described * config.num_values),
                "phase": spaces.Discrete(2),
                "trial": spaces.Discrete(trials + 1),
                "last_object": spaces.Discrete(num_objects + 1),
                "last_dimension": spaces.Discrete(num_dimensions + 1),
                "last_value": spaces.Discrete(config.num_values + 1),
                "last_rewarded": spaces.Discrete(2),
            }
        )
        self.set_observation_space(config.observation, symbolic, wording.max_length(config))
        self.action_space = spaces.Discrete(config.num_actions)
        self.explanations = explanations.explanation_spec(config.explain, num_dimensions)
        self.sentences, self.instructions = sentences(config), wording.instructions(config)
        self._masks = phase_masks(config)  # (2, A)
        self._admissible = sentence_table(self.sentences, self._masks)  # (2,)
        self._one_hot = np.concatenate([np.eye(config.num_values, dtype=np.int8), np.zeros((1, config.num_values), np.int8)])  # last: none
        self._explainer = Explainer(config)
        self._row = np.arange(num_envs)
        self._draws = _no_episodes(config, num_envs)
        self._unique = np.zeros((num_envs, num_objects, num_dimensions), bool)  # in which dimensions each object of the test is unique
        self._trial = np.full(num_envs, -1)  # (B,) trials played; -1 before the first episode
        self._actions = np.zeros((num_envs, trials), int)
        self._correct = np.zeros((num_envs, trials), bool)  # whether each trial was rewarded
        self._possible = np.ones((num_envs, num_dimensions), bool)  # dimensions that may be rewarded, given what was shown so far
        # Of the last step, for its scores.
        self._step_trial = self._trial.copy()
        self._step_was_open = self._step_was_informative = np.zeros(num_envs, bool)

    # --- episodes --------------------------------------------------------------------------------------------------------

    def draw_block(self, rng: np.random.Generator, count: int) -> TextEpisodes:
        return draw_episodes(rng, count, self.config)

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        """See the base class; there are no ``options``."""
        if options:
            raise ValueError(f"options must be None or empty, got {sorted(map(str, options))}")
        drawn = self.stream.take(episodes)
        for field in fields(TextEpisodes):
            getattr(self._draws, field.name)[rows] = getattr(drawn, field.name)
        self._unique[rows] = unique_in(drawn.objects[:, -1, :, : self.config.num_dimensions])
        self._trial[rows] = 0
        self._correct[rows] = False
        self._possible[rows] = True
        self._see_test(rows)

    def _see_test(self, rows: np.ndarray) -> None:
        """Where the test trial has come: in the rewarded dimension one of its objects is unique."""
        rows = rows[self._trial[rows] == self.config.num_experiments]
        self._possible[rows] &= self._unique[rows].any(axis=1)

    def _require_begun(self, caller: str) -> None:
        if (self._trial < 0).any():
            raise ResetNeeded(f"{caller}: no episode has begun; call reset first")

    # --- playing ---------------------------------------------------------------------------------------------------------

    @property
    def _is_over(self) -> np.ndarray:
        return self._trial == self.config.trials

    @property
    def _is_test(self) -> np.ndarray:
        """(B,) bool; also once the episode is over."""
        return self._trial >= self.config.num_experiments

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._require_begun("step")
        row, is_test, playing = self._row, self._is_test, ~self._is_over
        trial = np.where(playing, self._trial, self.config.trials - 1)
        choice = decode(self.config, actions, is_test)
        counts, rewarded = choice.legal & playing, self._draws.rewarded
        correct = counts & np.where(is_test, self._unique[row, choice.objects, rewarded], choice.dimensions == rewarded)
        self._actions[row, trial] = np.where(playing, actions, self._actions[row, trial])
        self._correct[row, trial] |= correct
        # Before anything is learned from it: whether there was something left to find out, and whether this could show it.
        self._step_trial = np.where(playing, self._trial, -1)
        self._step_was_open = playing & ~is_test & (self._possible.sum(axis=1) > 1)
        self._step_was_informative = self._step_was_open & counts & self._possible[row, choice.dimensions]
        shown = np.where(
            is_test[:, None], self._unique[row, choice.objects], choice.dimensions[:, None] == np.arange(self._possible.shape[1])
        )
        self._possible = np.where(counts[:, None], still_possible(self._possible, shown, correct), self._possible)
        self._trial += playing
        self._see_test(row)
        return correct * np.where(is_test, float(self.config.test_reward), 1.0), playing & self._is_over, constant(self.num_envs, False)

    def symbolic_observations(self) -> Observations:
        self._require_begun("observations")
        config, last = self.config, self._result(self._trial)
        objects = np.where(self._is_over[:, None, None], -1, self._objects(self._trial))
        return {
            "objects": self._one_hot[objects].reshape(self.num_envs, -1),
            "phase": self._is_test.astype(np.int64),
            "trial": self._trial.astype(np.int64),
            "last_object": np.where(last.legal, last.objects, config.num_objects),
            "last_dimension": np.where(last.dimensions >= 0, last.dimensions, config.num_dimensions),
            "last_value": np.where(last.values >= 0, last.values, config.num_values).astype(np.int64),
            "last_rewarded": last.correct.astype(np.int64),
        }

    def _objects(self, played: np.ndarray) -> np.ndarray:
        """(B, O, D + F) the objects of the trial that comes after (B,) trials; those of the test trial if none does."""
        return self._draws.objects[self._row, np.minimum(played, self.config.num_experiments)]

    def _result(self, played: np.ndarray) -> _Result:
        """What the last of (B,) trials led to."""
        config, trial = self.config, np.maximum(played - 1, 0)
        was_played, was_test = played > 0, trial == config.num_experiments
        choice = decode(config, self._actions[self._row, trial], was_test)
        legal = choice.legal & was_played
        dimensions, values = np.where(legal, choice.dimensions, -1), constant(self.num_envs, -1)
        if config.num_experiments:
            new_values = self._draws.new_values[self._row, np.minimum(trial, config.num_experiments - 1), dimensions]
            values = np.where(dimensions >= 0, new_values, -1)
        return _Result(was_played, legal, choice.objects, dimensions, values, self._correct[self._row, trial] & was_played, was_test)

    # --- words -----------------------------------------------------------------------------------------------------------

    def outcome_texts(self) -> np.ndarray:
        self._require_begun("outcome_texts")
        return self._outcome_texts(self._trial)

    def prompt_texts(self) -> np.ndarray:
        self._require_begun("prompt_texts")
        return self._prompt_texts(self._trial)

    def _outcome_texts(self, played: np.ndarray) -> np.ndarray:
        """(B,) object; what the last of (B,) trials led to."""
        texts = constant(self.num_envs, "")
        words = [DIMENSIONS[name] for name in self.config.words.values]
        columns = zip(*(column.tolist() for column in self._result(played)), strict=True)
        for row, (was_played, legal, chosen, dimension, value, correct, _) in enumerate(columns):
            if was_played:
                new_value = words[dimension][value] if dimension >= 0 else ""
                texts[row] = wording.outcome(chosen, new_value, correct=correct) if legal else wording.NOT_POSSIBLE
        return texts

    def _prompt_texts(self, played: np.ndarray) -> np.ndarray:
        """(B,) object; what is shown after (B,) trials."""
        texts = constant(self.num_envs, "")
        for row, (count, objects) in enumerate(zip(played.tolist(), self._objects(played).tolist(), strict=True)):
            if count < self.config.trials:
                texts[row] = ("\n" if count else "") + wording.prompt(objects, self.config.words)
        return texts

    def admissible_actions(self) -> np.ndarray:
        self._require_begun("admissible_actions")
        return self._admissible[self._is_test.astype(int)]

    def reasoning_texts(self) -> np.ndarray:
        self._require_begun("reasoning_texts")
        return self._explainer.describe_reasoning(self._reasoning_facts(), self._objects(self._trial))

    def outcome_explanations(self) -> np.ndarray:
        self._require_begun("outcome_explanations")
        return self._explainer.describe_outcomes(self._outcome_facts())

    # --- infos -----------------------------------------------------------------------------------------------------------

    def infos(self, *, text: bool) -> Infos:
        """See docs/odd_one_out_text.md for every key."""
        self._require_begun("infos")
        facts = self._outcome_facts, self._reasoning_facts
        explanation = self._explainer.explain(self.num_envs, *facts, lambda: self._objects(self._trial), text=text)
        infos: Infos = {"explanation": explanation, "rewarded_dimension": self._draws.rewarded.copy(), **self.text_infos()}
        if self.config.expert_info:
            infos["expert_action"] = np.where(self._is_over, -1, self.expert_actions())
        return infos

    def _outcome_facts(self) -> Facts:
        last = self._result(self._trial)
        unique = self._unique[self._row, last.objects].argmax(axis=1)  # in the test trial each object is unique in one dimension
        dimensions = np.where(last.was_test, unique, last.dimensions)
        return explanations.outcome_facts(last.legal, last.objects, dimensions, last.correct, last.was_test)

    def _reasoning_facts(self) -> Facts:
        objects, dimensions = self._expert_choice()
        values = self._draws.objects[self._row, -1, :, dimensions]  # (B, O)
        return explanations.reasoning_facts(
            ~self._is_over, self._possible, np.logical_or.reduce(self._correct, axis=1), self._is_test, objects, dimensions, values
        )

    def explanation_groups(self, tokens: np.ndarray) -> dict[str, tuple[np.ndarray, slice]]:
        return explanations.token_groups(tokens, self.config.explain, self.config.num_dimensions)

    def describe_tokens(self, tokens: np.ndarray) -> list[str]:
        return self._explainer.describe_tokens(tokens)

    def action_masks(self) -> np.ndarray:
        self._require_begun("action_masks")
        return self._masks[self._is_test.astype(int)]

    # --- the expert, evaluation, pictures --------------------------------------------------------------------------------

    def expert_actions(self) -> np.ndarray:
        """See the base class. The expert knows neither the rewarded dimension nor ``rewarded_dimensions``; 0 once the episode is over."""
        self._require_begun("expert_actions")
        objects, dimensions = self._expert_choice()
        return np.where(self._is_over, 0, encode(self.config, objects, np.where(self._is_test, -1, dimensions)))

    def _expert_choice(self) -> tuple[np.ndarray, np.ndarray]:
        """(B,) int; the expert's object, and the dimension that it transforms or, in the test trial, goes by."""
        dimensions = attribute_to_try(self._possible, self._draws.order)
        objects = self._unique[self._row, :, dimensions].argmax(axis=1)
        if self.config.num_experiments:
            experiment = self._draws.expert_objects[self._row, np.minimum(self._trial, self.config.num_experiments - 1)]
            objects = np.where(self._is_test, objects, experiment)
        return objects, dimensions

    def is_choice(self) -> np.ndarray:
        """(B,) bool; the test trial."""
        self._require_begun("is_choice")
        return self._trial == self.config.num_experiments

    def step_scores(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """See the base class; docs/odd_one_out_text.md defines each metric."""
        trial, num_experiments = self._step_trial, self.config.num_experiments
        is_test, is_experiment = trial == num_experiments, (trial >= 0) & (trial < num_experiments)
        correct = self._correct[self._row, trial]
        best = is_experiment + is_test * float(self.config.test_reward)
        scores = {
            "normalized_reward": (correct * best, best),
            "test_correct_rate": (correct & is_test, is_test),
            "experiment_correct_rate": (correct & is_experiment, is_experiment),
            "informative_experiment_rate": (self._step_was_informative, self._step_was_open),
        }
        return {metric: (numerator.astype(float), denominator.astype(float)) for metric, (numerator, denominator) in scores.items()}

    def render(self, row: int, mode: str) -> str:
        """``ansi``: the game so far, without explanations."""
        self._require_begun("render")
        text = ""
        for played in range(int(self._trial[row]) + 1):
            after = constant(self.num_envs, played)
            action = self.sentences[self._actions[row, played - 1]] if played else ""
            text += action + self._outcome_texts(after)[row] + self._prompt_texts(after)[row]
        return text


def _no_episodes(config: OddOneOutTextConfig, num_envs: int) -> TextEpisodes:
    """Arrays of the shapes and dtypes of episodes, to be overwritten."""
    one = draw_episodes(np.random.default_rng(0), 1, config)
    return TextEpisodes(**{field.name: np.zeros_like(np.repeat(getattr(one, field.name), num_envs, axis=0)) for field in fields(one)})
