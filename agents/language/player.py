"""A language model as a policy of text tasks: it writes explanations, and scores or writes the sentences of actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from agents.language.conditions import Condition
from agents.language.games import HEADING
from agents.language.models import GenerationRequest, LanguageModel
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL, TextTask, labeled
from gym_causal.odd_one_out_text.wording import conclusion
from gym_causal.text_actions import parse_action
from gym_causal.transcripts import Game, Turn

Answers = Literal["loglikelihood", "generate"]


@dataclass(frozen=True)
class PlayOptions:
    """How a model plays.

    Attributes:
        answers: "loglikelihood": the admissible sentence with the highest score is played; "generate": the model writes one, which is
            parsed; in place of an invalid answer a random admissible one is played.
        normalize_length: scores are divided by the sentence's length in bytes, as in lm_eval's acc_norm.
        environment_explains: the environment writes the explanations of outcomes (what can be inferred from them); else the model does.
        max_tokens: of a generated line.
        expert_concludes: where the expert knows which dimension is rewarded, its words begin the reasoning, up to the dimension's name, and
            the model goes on. A control: is the conclusion all that the model lacks? Only in ``OddOneOutText-v0``.
    """

    answers: Answers = "loglikelihood"
    normalize_length: bool = False
    environment_explains: bool = False
    max_tokens: int = 200
    expert_concludes: bool = False


@dataclass
class _Row:
    """The game of one row."""

    episode: int
    text: str = HEADING  # all that the model reads after the prompt
    turns: list[Turn] = field(default_factory=list)
    # of the turn in progress
    shown: str = ""
    reasoning: str = ""
    action: str = ""
    invalid: bool = False


class LanguagePlayer:
    """A policy that :func:`gym_causal.evaluate` can play; it adds the metric ``invalid_answer_rate``.

    Args:
        model: that plays.
        prompt: what comes before each game: instructions and example games.
        condition: which explanations it writes.
        options: how it plays.
        num_games: that are played; rows that have no further one are not asked.
        on_game: called with each game that is over and its number.
    """

    def __init__(
        self,
        model: LanguageModel,
        prompt: str,
        condition: Condition,
        options: PlayOptions,
        num_games: int,
        on_game: Callable[[int, Game], None] = lambda *_: None,
    ) -> None:
        self.model, self.prompt, self.condition, self.options = model, prompt, condition, options
        self.num_games, self.on_game = num_games, on_game

    def bind(self, venv: Any, seed: int) -> BoundPlayer:
        """The policy in a text task; ``seed`` is of what is played in place of invalid answers."""
        return BoundPlayer(self, venv, seed)


class BoundPlayer:
    """A :class:`LanguagePlayer` in one task. All its games advance together, so that the model is asked in batches."""

    def __init__(self, player: LanguagePlayer, task: TextTask, seed: int) -> None:
        self._player, self._task = player, task
        self._rng = np.random.default_rng([seed, 3])
        self._rows = [_Row(row - task.num_envs) for row in range(task.num_envs)]

    def __call__(self, observations: Any, state: Any, episode_starts: np.ndarray) -> tuple[np.ndarray, Any]:
        for b, row in enumerate(self._rows):
            if episode_starts[b]:
                self._rows[b] = _Row(row.episode + self._task.num_envs)
        active = [b for b, row in enumerate(self._rows) if row.episode < self._player.num_games]
        self._explain_outcomes([self._rows[b] for b in active if self._rows[b].turns])
        for b, prompt in enumerate(self._task.prompt_texts().tolist()):
            row = self._rows[b]
            row.shown, row.reasoning, row.invalid = prompt, "", False
            row.text += prompt
        if self._player.condition.reasoning:
            by_expert = self._task.reasoning_texts().tolist() if self._player.options.expert_concludes else [""] * len(self._rows)
            beginnings = [conclusion(by_expert[b]) for b in active]
            for b, reasoning in zip(active, self._written([self._rows[b] for b in active], REASONING_LABEL, beginnings), strict=True):
                self._rows[b].reasoning = reasoning
                self._rows[b].text += labeled(REASONING_LABEL, reasoning)
        return self._choose(active), state

    def step_scores(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Ends the turns of the last step; returns what they add to the rate of invalid answers."""
        outcomes, over = self._task.outcome_texts().tolist(), [not prompt for prompt in self._task.prompt_texts()]
        explanations = self._task.outcome_explanations().tolist()
        explains = self._player.condition.outcome and self._player.options.environment_explains
        for b, row in enumerate(self._rows):
            turn = Turn(row.shown, row.reasoning, row.action, outcomes[b], explanations[b] if explains else "")
            row.turns.append(turn)
            row.text += row.action + outcomes[b] + labeled(OUTCOME_LABEL, turn.outcome_explanation)
            if over[b] and row.episode < self._player.num_games:
                self._player.on_game(row.episode, Game(tuple(row.turns)))
        return {"invalid_answer_rate": (np.array([float(row.invalid) for row in self._rows]), np.ones(len(self._rows)))}

    def _explain_outcomes(self, rows: Sequence[_Row]) -> None:
        """Let the model explain the last outcome of each game."""
        if not self._player.condition.outcome or self._player.options.environment_explains:
            return
        for row, explanation in zip(rows, self._written(rows, OUTCOME_LABEL, [""] * len(rows)), strict=True):
            last = row.turns.pop()
            row.turns.append(Turn(last.prompt, last.reasoning, last.action, last.outcome, explanation))
            row.text += labeled(OUTCOME_LABEL, explanation)

    def _written(self, rows: Sequence[_Row], label: str, beginnings: Sequence[str]) -> list[str]:
        """What stands after a label, on one line: the given beginnings, and what the model writes on."""
        # The space after the label is the model's: most tokenizers join it with the word that follows.
        contexts = [self._player.prompt + row.text + (label + start).rstrip() for row, start in zip(rows, beginnings, strict=True)]
        texts = self._player.model.generate_until([self._request(context) for context in contexts]) if rows else []
        return [
            (start + text).strip() if start else text.strip().removeprefix(label.rstrip()).strip()  # chat models repeat the label
            for start, text in zip(beginnings, texts, strict=True)
        ]

    def _request(self, context: str) -> GenerationRequest:
        return GenerationRequest(context, "\n", self._player.options.max_tokens)

    def _choose(self, active: Sequence[int]) -> np.ndarray:
        """(B,) int; the actions, whose sentences become part of the games."""
        legal = [np.flatnonzero(mask) for mask in self._task.action_masks()]
        chosen = np.array([actions[0] for actions in legal])
        choose = self._generated if self._player.options.answers == "generate" else self._likeliest
        sentences = self._task.action_sentences()
        if active:
            for b, place in zip(active, choose(active, [sentences[b] for b in active]), strict=True):
                chosen[b] = legal[b][place]
        for row, action in zip(self._rows, chosen.tolist(), strict=True):
            row.action = self._task.sentences[action]
        return chosen

    def _likeliest(self, active: Sequence[int], sentences: Sequence[Sequence[str]]) -> list[int]:
        contexts = [self._player.prompt + self._rows[b].text for b in active]
        requests = [(context, sentence) for context, choices in zip(contexts, sentences, strict=True) for sentence in choices]
        scores = iter(self._player.model.loglikelihood(requests))
        places = []
        for choices in sentences:
            values = np.array([next(scores) for _ in choices])
            if self._player.options.normalize_length:
                values /= [len(choice.encode()) for choice in choices]
            places.append(int(values.argmax()))
        return places

    def _generated(self, active: Sequence[int], sentences: Sequence[Sequence[str]]) -> list[int]:
        contexts = [self._player.prompt + self._rows[b].text for b in active]
        answers = self._player.model.generate_until([self._request(context) for context in contexts])
        places = []
        for b, answer, choices in zip(active, answers, sentences, strict=True):
            place = parse_action(answer, choices)
            self._rows[b].invalid = place is None
            places.append(int(self._rng.integers(len(choices))) if place is None else place)
        return places
