"""What a language model is asked to do: which games, which example games in its prompt, and how prompts are selected."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import gym_causal
from agents.language.conditions import FOUR_CONDITIONS, Condition, named_condition
from agents.language.games import description, game_text, join_games, shuffle_explanations, text_task
from agents.language.models import LanguageModel
from agents.language.player import LanguagePlayer, PlayOptions
from gym_causal.arguments import check_integer, check_one_of
from gym_causal.core.streams import SeedDomain
from gym_causal.evaluation import EvaluationResult
from gym_causal.registry import argument_names, load_target, task_spec
from gym_causal.transcripts import Game, play_games

INCLUDED, HELD_OUT = "included", "held_out"
_POOL = 8
"""So many games are played for each that example games are taken from; not all are fit for every condition."""
OnGame = Callable[[str, str, int, Game], None]  # condition, split, number of the game, game


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A model plays under some conditions.

    Attributes:
        env_id: a text task.
        env_kwargs: further arguments of the env.
        conditions: names (:data:`agents.language.conditions.CONDITIONS`).
        held_out: the dimension that is rewarded in no example game and no selection game, but in the games of the split "held_out"; None:
            the last one. Tasks without dimensions have none: they are evaluated on their own splits.
        games: evaluated games of each split.
        shots: example games in a prompt.
        prompts: candidates for the prompt; the best on ``selection_games`` is kept.
        selection_games: games on which candidates are compared.
        seed: of all games. Example, selection and evaluated games are of disjoint seed domains.
        instructions: prompts of all conditions begin with a description of the game.
        options: how the model plays.
    """

    env_id: str
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[str, ...] = FOUR_CONDITIONS
    held_out: str | None = None
    games: int = 100
    shots: int = 4
    prompts: int = 10
    selection_games: int = 20
    seed: int = 0
    instructions: bool = False
    options: PlayOptions = field(default_factory=PlayOptions)

    def check(self) -> None:
        """Raise a ValueError or TypeError for an unknown name or a number out of range, before a model is asked."""
        for name, low in (("games", 1), ("shots", 0), ("prompts", 1), ("selection_games", 1), ("seed", 0)):
            check_integer(name, getattr(self, name), low, 10**6)
        if not self.conditions or len(set(self.conditions)) < len(self.conditions):
            raise ValueError(f"conditions must be one or more different ones, got {self.conditions!r}")
        for kwargs in self.splits.values():
            text_task(self.env_id, **kwargs)
        reasons = all(named_condition(name).reasoning for name in self.conditions)
        if self.options.expert_concludes and not (reasons and HELD_OUT in self.splits):
            raise ValueError(
                f"expert_concludes needs a task with dimensions and conditions with reasoning, got {self.env_id!r} and {self.conditions!r}"
            )
        for name in self.conditions:
            if named_condition(name).without_held_out and HELD_OUT not in self.splits:
                raise ValueError(f"conditions: {name!r} needs a task with a held-out dimension, got {self.env_id!r}")
            try:
                text_task(self.env_id, **{**self.included_kwargs, **named_condition(name).env_kwargs})
            except (TypeError, ValueError) as error:
                raise ValueError(f"conditions: {name!r} is none of {self.env_id}: {error}") from error

    @cached_property
    def splits(self) -> dict[str, dict[str, Any]]:
        """Name -> arguments of the env. Example and selection games are of the first."""
        spec = task_spec(self.env_id)
        if "rewarded_dimensions" not in argument_names(self.env_id):
            if self.held_out is not None:
                raise ValueError(f"held_out must be None for {self.env_id}, which has no dimensions, got {self.held_out!r}")
            return {split: {**self.env_kwargs, "split": split} for split in spec.splits}
        dimensions = load_target(spec.config)(**self.env_kwargs).dimensions
        held_out = dimensions[-1] if self.held_out is None else self.held_out
        check_one_of("held_out", held_out, tuple(dimensions))
        included = self.env_kwargs.get("rewarded_dimensions") or [name for name in dimensions if name != held_out]
        if held_out in included:
            raise ValueError(f"env_kwargs: rewarded_dimensions must not hold the held-out one, got {included!r}")
        return {
            INCLUDED: {**self.env_kwargs, "rewarded_dimensions": tuple(included)},
            HELD_OUT: {**self.env_kwargs, "rewarded_dimensions": (held_out,)},
        }

    @property
    def included_kwargs(self) -> dict[str, Any]:
        """Arguments of the env in example and selection games."""
        return next(iter(self.splits.values()))

    @property
    def selection_metric(self) -> str:
        """The metric by which a prompt is selected."""
        return "test_correct_rate" if HELD_OUT in self.splits else task_spec(self.env_id).metrics[0]

    def num_candidates(self, condition: Condition) -> int:
        """How many different prompts a condition can have."""
        return self.prompts if condition.shots and self.shots else 1

    def example_games(self, condition: Condition) -> list[Game]:
        """Games of the expert that example games are taken from: the same for all conditions, but for the words of explanations."""
        key = tuple(sorted(condition.env_kwargs.items()))
        if key not in self._example_games:
            count, kwargs = _POOL * max(1, self.prompts * self.shots), {**self.included_kwargs, **condition.env_kwargs}
            self._example_games[key] = play_games(self.env_id, num_episodes=count, seed=self.seed, **kwargs)
        return self._example_games[key]

    @cached_property
    def _example_games(self) -> dict[tuple[tuple[str, Any], ...], list[Game]]:
        return {}

    def shot_games(self, condition: Condition) -> list[list[Game]]:
        """The example games of each candidate.

        Raises:
            ValueError: too few games are fit for the condition.
        """
        needed, games = self.num_candidates(condition) * self.shots, self.example_games(condition)
        if not condition.shots or not needed:
            return [[]]
        if condition.without_held_out:
            (held_out,) = self.splits[HELD_OUT]["rewarded_dimensions"]
            games = [game for game in games if not any(held_out in turn.action.split() for turn in game.turns)]
            if len(games) < needed:
                raise ValueError(f"prompts: {needed} games are needed that do not try {held_out}, got {len(games)}")
        chosen = games[:needed]
        if condition.shuffled:
            chosen = shuffle_explanations(chosen, games[needed:])
        return [chosen[start : start + self.shots] for start in range(0, needed, self.shots)]

    def candidate_prompts(self, condition: Condition) -> list[str]:
        """The prompts that are compared."""
        about = description(self.env_id, **self.included_kwargs) if condition.instructions or self.instructions else ""
        return [about + join_games([game_text(game, condition) for game in games]) for games in self.shot_games(condition)]

    def select_prompt(self, condition: Condition, ask: Callable[[str], LanguageModel]) -> SelectedPrompt:
        """The candidate with the highest score in new games of the included dimensions; of several, the first.

        Args:
            condition: of the prompts.
            ask: a prompt -> the model that is asked with it.
        """
        candidates = self.candidate_prompts(condition)
        if len(candidates) == 1:
            return SelectedPrompt(condition.name, candidates[0], 0, ())
        scores = []
        for prompt in candidates:
            player = LanguagePlayer(ask(prompt), prompt, condition, self.options, self.selection_games)
            result = self._evaluated(player, self.included_kwargs, self.selection_games, SeedDomain.PROMPT_SELECTION)
            scores.append(result.metrics[self.selection_metric].mean)
        best = scores.index(max(scores))
        return SelectedPrompt(condition.name, candidates[best], best, tuple(scores))

    def evaluate(self, condition: Condition, prompt: str, ask: Callable[[str], LanguageModel], on_game: OnGame) -> list[EvaluationResult]:
        """The results of a condition on every split.

        Args:
            condition: which explanations are written.
            prompt: the selected one.
            ask: see :meth:`select_prompt`.
            on_game: called with every game that is over.
        """
        results = []
        for split, kwargs in self.splits.items():

            def report(episode: int, game: Game, split: str = split) -> None:
                on_game(condition.name, split, episode, game)

            player = LanguagePlayer(ask(prompt), prompt, condition, self.options, self.games, report)
            result = self._evaluated(player, kwargs, self.games, SeedDomain.EVALUATION)
            results.append(dataclasses.replace(result, split=split, policy=condition.name))
        return results

    def _evaluated(self, player: LanguagePlayer, kwargs: Mapping[str, Any], games: int, domain: SeedDomain) -> EvaluationResult:
        return gym_causal.evaluate(player, self.env_id, num_episodes=games, seed=self.seed, domain=domain, **kwargs)


@dataclass(frozen=True)
class SelectedPrompt:
    """The outcome of a selection."""

    condition: str
    text: str
    candidate: int
    scores: tuple[float, ...]  # of each candidate; empty if there was only one


@dataclass(frozen=True)
class Effort:
    """How often a model is asked by an experiment."""

    games: int
    answers: int  # choices and explanations


def effort(experiment: Experiment) -> Effort:
    """How many games are played and how many answers that takes."""
    games = answers = 0
    turns = {split: _turns(experiment, kwargs) for split, kwargs in experiment.splits.items()}
    included = next(iter(turns.values()))
    explains = not experiment.options.environment_explains
    for condition in map(named_condition, experiment.conditions):
        candidates = experiment.num_candidates(condition)
        played = [(candidates * experiment.selection_games if candidates > 1 else 0, included)]
        for count, length in [*played, *((experiment.games, length) for length in turns.values())]:
            games += count
            answers += count * (length * (1 + condition.reasoning) + (length - 1) * (condition.outcome and explains))
    return Effort(games, answers)


def _turns(experiment: Experiment, kwargs: Mapping[str, Any]) -> int:
    """Actions of a game; all have equally many in the tasks of this suite."""
    game = play_games(experiment.env_id, seed=experiment.seed, **kwargs)[0]
    return len(game.turns)
