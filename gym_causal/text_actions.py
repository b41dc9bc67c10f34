"""Free text as actions: the rules by which an answer is read, and a wrapper that plays it."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
from gymnasium import spaces

from gym_causal.arguments import check_integer
from gym_causal.core.text import CHARSET, TextTask

INVALID_TEXT = "\nThis is not a possible action.\n"
"""The observation after an answer that is no action."""
_WORD = re.compile(r"[+-]?\w+(?:\.\w+)*")  # "texture", "C", "+2.5"


def parse_action(text: str, sentences: Sequence[str]) -> int | None:
    """Which of some sentences an answer means; None if none, or not exactly one.

    Only words and signed numbers count, other punctuation does not. The rules, in this order:

    1. *Sentences.* The first line that has a whole sentence in it decides, whatever comes before or after, upper or lower case. It must
       have only one of the sentences in it, once or more.
    2. *Short answers.* If no line has one, the first line that is not blank must be the words in which the sentences differ ("B",
       "C texture", "D +5") or all from the first to the last of them ("C into a different texture", "D to +5"). The word before these may
       be there too ("object B", "set D to +5"), and nothing else. Upper and lower case are the same but in names of one letter, which are
       upper case unless they are the only one of these words ("b" is an answer, "a texture" is none).

    Args:
        text: what a player wrote.
        sentences: those of the legal actions.

    Returns:
        An index into ``sentences``.
    """
    by_sentence = [_WORD.findall(sentence) for sentence in sentences]
    lines = [words for line in text.splitlines() if (words := _WORD.findall(line))]
    for line in lines:
        found = [index for index, sentence in enumerate(by_sentence) if _contains(line, sentence)]
        if found:
            return found[0] if len(found) == 1 else None
    # The sentences of one trial are equally long, and differ in the same places.
    same_length = len({len(sentence) for sentence in by_sentence}) == 1
    differing = [place for place, words in enumerate(zip(*by_sentence, strict=False)) if len(set(words)) > 1]
    if not lines or not same_length or not differing:
        return None
    found = [index for index, sentence in enumerate(by_sentence) if _is_short_answer(lines[0], sentence, differing)]
    return found[0] if len(found) == 1 else None


def _contains(line: list[str], sentence: list[str]) -> bool:
    folded, wanted = [word.casefold() for word in line], [word.casefold() for word in sentence]
    return any(folded[start : start + len(wanted)] == wanted for start in range(len(folded) - len(wanted) + 1))


def _is_short_answer(answer: list[str], sentence: list[str], differing: list[int]) -> bool:
    """Whether an answer is a short one that means a sentence, of which the words at ``differing`` tell it from the others."""
    first, last = differing[0], differing[-1]
    short = [[sentence[position] for position in differing], sentence[first : last + 1]]
    before = sentence[first - 1 : first] if first else []
    for form in (*short, *(before + form for form in short)):
        pairs = list(zip(answer, form, strict=False))
        if len(answer) == len(form) and all(given.casefold() == word.casefold() for given, word in pairs):
            names_kept = all(given == word for given, word in pairs if len(word) == 1 and word.isupper())
            return names_kept or len(differing) == 1
    return False


class TextActions(gym.Wrapper, gym.utils.RecordConstructorArgs):
    """A text env whose actions are free text.

    An answer is read by :func:`parse_action` among the sentences of the legal actions. What cannot be read is never turned into a legal
    action: nothing happens in the world then, the observation is :data:`INVALID_TEXT`, the reward 0, and the info that of the state before.
    ``info["invalid_actions"]`` counts such answers in the episode.

    Args:
        env: of a text task, made with ``gymnasium.make``.
        max_invalid: the number of such answers in a row that truncates the episode.
        max_length: of an answer.

    Raises:
        TypeError: ``env`` is no text env.
        ValueError: ``max_invalid`` < 1 or ``max_length`` < 1.
    """

    def __init__(self, env: gym.Env, max_invalid: int = 5, max_length: int = 4_096) -> None:
        gym.utils.RecordConstructorArgs.__init__(self, max_invalid=max_invalid, max_length=max_length)
        gym.Wrapper.__init__(self, env)
        task = getattr(env.unwrapped, "task", None)
        if not isinstance(task, TextTask):
            raise TypeError(f"env must be a text env, got {env}")
        check_integer("max_invalid", max_invalid, 1, 10**9)
        check_integer("max_length", max_length, 1, 10**9)
        self.action_space = spaces.Text(max_length, min_length=0, charset=CHARSET)
        self._task, self._max_invalid = task, max_invalid
        self._num_invalid = self._in_a_row = 0
        self._info: dict[str, Any] = {}
        self._over = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, self._info = self.env.reset(seed=seed, options=options)
        self._num_invalid = self._in_a_row = 0
        self._over = False
        return observation, self._present_info()

    def step(self, action: str) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play an answer.

        Raises:
            ResetNeeded: the episode is over, or was never begun.
            TypeError: the answer is no str.
        """
        if self._over:
            raise gym.error.ResetNeeded("step: the episode is over or was never begun; call reset first")
        if not isinstance(action, str):
            raise TypeError(f"action must be a str, got {action!r}")
        chosen = parse_action(action, self._task.action_sentences()[0])
        if chosen is None:
            self._num_invalid += 1
            self._in_a_row += 1
            self._over = self._in_a_row >= self._max_invalid
            return INVALID_TEXT, 0.0, False, self._over, self._present_info()
        self._in_a_row = 0
        legal = self._task.action_masks()[0].nonzero()[0]
        observation, reward, terminated, truncated, self._info = self.env.step(int(legal[chosen]))
        self._over = terminated or truncated
        return observation, float(reward), terminated, truncated, self._present_info()

    def _present_info(self) -> dict[str, Any]:
        return {**copy.deepcopy(self._info), "invalid_actions": self._num_invalid}
