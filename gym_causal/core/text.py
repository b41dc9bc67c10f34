"""Tasks that are played in words: what the world writes, what the player may write, and what explanations say.

The text of a game is the plain concatenation of what both write in turn: a prompt, a sentence for the action, its outcome, the next
prompt, and so on. Explanations are no part of an observation; :func:`gym_causal.transcripts.transcript` writes them into a game's text.
"""

from __future__ import annotations

import string
from abc import abstractmethod

import numpy as np
from gymnasium import spaces

from gym_causal.arguments import check_one_of
from gym_causal.core.task import BatchedTask, Infos, Observations, constant

OBSERVATIONS = ("text", "symbolic")
"""What the argument ``observation`` of a text env accepts."""
REASONING_LABEL = "Reasoning: "
"""Begins a line with the reasoning before an action."""
OUTCOME_LABEL = "Outcome explanation: "
"""Begins a line with the explanation of an outcome."""
TEXT = "text"
"""The key of the observation."""
CHARSET = string.ascii_letters + string.digits + string.punctuation + " \n"
"""The characters of observations. (Gymnasium's default has no space.)"""


def check_observation(value: str) -> None:
    """Raise a ValueError unless ``value`` is one of :data:`OBSERVATIONS`."""
    check_one_of("observation", value, OBSERVATIONS)


class TextTask(BatchedTask):
    """A task whose observations are new text only: what the last action led to, and what the player is shown next.

    With ``observation="symbolic"`` they are arrays with the same information instead, for networks and strategies; texts can be asked for
    all the same.

    Attributes:
        sentences: (A,) str; what a player writes for each action, legal or not.
        instructions: a short description of the game, for players that are given one. It is in no observation.
    """

    sentences: tuple[str, ...]
    instructions: str

    def set_observation_space(self, observation: str, symbolic: spaces.Dict, max_length: int) -> None:
        """Observe text or arrays.

        Args:
            observation: one of :data:`OBSERVATIONS`.
            symbolic: the space of the arrays.
            max_length: of an observation in words.
        """
        self.observation_space = symbolic
        if observation == TEXT:
            self.bare_observation = TEXT
            self.observation_space = spaces.Dict({TEXT: spaces.Text(max_length, min_length=0, charset=CHARSET)})

    @abstractmethod
    def symbolic_observations(self) -> Observations:
        """The present observations as arrays, (B, ...) each, fresh."""

    @abstractmethod
    def outcome_texts(self) -> np.ndarray:
        """(B,) object; what the last action led to, as it goes on after the action's sentence; "" when an episode begins."""

    @abstractmethod
    def prompt_texts(self) -> np.ndarray:
        """(B,) object; what the player is shown next; "" once the episode is over."""

    @abstractmethod
    def admissible_actions(self) -> np.ndarray:
        """(B,) object; a tuple of the sentences of the legal actions, in the order of the actions."""

    @abstractmethod
    def reasoning_texts(self) -> np.ndarray:
        """(B,) object; the expert's reasoning before its next action, whatever the argument ``explain`` is; "" if there is none."""

    @abstractmethod
    def outcome_explanations(self) -> np.ndarray:
        """(B,) object; the explanation of the last outcome, whatever the argument ``explain`` is; "" if there is none."""

    def observations(self) -> Observations:
        if self.bare_observation == TEXT:
            return {TEXT: self.outcome_texts() + self.prompt_texts()}
        return self.symbolic_observations()

    def action_sentences(self) -> list[tuple[str, ...]]:
        """B tuples; the sentences of the legal actions, in the order of the actions."""
        return list(self.admissible_actions())

    def text_infos(self) -> Infos:
        """The infos that every text task has."""
        return {"admissible_actions": self.admissible_actions()}


def sentence_table(sentences: tuple[str, ...], masks: np.ndarray) -> np.ndarray:
    """(n,) object; a tuple of the sentences that are legal under each of n ``masks``, (n, A) bool."""
    table = constant(len(masks), "")
    for index, mask in enumerate(masks):
        table[index] = tuple(sentence for sentence, legal in zip(sentences, mask.tolist(), strict=True) if legal)
    return table


def labeled(label: str, explanation: str) -> str:
    """An explanation as a line of its own; nothing if there is none."""
    return f"{label}{explanation}\n" if explanation else ""


def listed(items: list[str], conjunction: str = "and", *, comma: bool = False) -> str:
    """ "a", "a and b", "a, b and c"; with ``comma`` also one before the conjunction, for long items."""
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])}{',' if comma else ''} {conjunction} {items[-1]}"
