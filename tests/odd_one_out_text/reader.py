"""Reads games as a person would: from their words alone, it infers what may be rewarded, and checks what explanations say.

Written without the task's own inference, so that the two can disagree.
"""

from __future__ import annotations

import re

from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS

_KIND_OF = {word: name for name, words in DIMENSIONS.items() for word in words}
_LISTED = re.compile(r", | and | or ")
_ACTION = re.compile(r"I (?:transform object (\w) into a different (\w+)|choose object (\w))")


class GameReader:
    """What a reader of one game knows.

    Args:
        dimensions: of which one is rewarded.
        value_words: whose words their values are; None: their own.
        num_experiments: before the test.
    """

    def __init__(self, dimensions: tuple[str, ...], value_words: tuple[str, ...] | None, num_experiments: int) -> None:
        self.name_of = dict(zip(value_words or dimensions, dimensions, strict=True))  # of a kind of words
        self.dimensions, self.num_experiments = dimensions, num_experiments
        self.possible, self.paid, self.trial = set(dimensions), False, 0
        self.objects: dict[str, dict[str, str]] = {}  # letter -> dimension -> word

    def dimension_of(self, word: str) -> str:
        """The dimension of which a word is a value."""
        return self.name_of.get(_KIND_OF[word], _KIND_OF[word])

    @property
    def is_test(self) -> bool:
        return self.trial == self.num_experiments

    def state(self, dimension: str) -> str:
        """What is known of a dimension."""
        if dimension not in self.possible:
            return "is ruled out"
        return "was rewarded" if self.paid else "is left"

    def unique(self, letter: str) -> set[str]:
        """The dimensions in which an object is unlike all others."""
        others = [words for other, words in self.objects.items() if other != letter]
        return {name for name in self.dimensions if all(words[name] != self.objects[letter][name] for words in others)}

    def read_prompt(self, prompt: str) -> None:
        lines = re.findall(r"^(\w)\) (.*)$", prompt, re.MULTILINE)
        self.objects = {letter: {self.dimension_of(word): word for word in words.split()} for letter, words in lines}
        if not self.is_test:
            return
        each = {letter: self.unique(letter) for letter in self.objects}
        assert all(len(unique) == 1 for unique in each.values()) and len(set.union(*each.values())) == len(each)
        self.possible &= set.union(*each.values())

    def read_outcome(self, sentence: str, outcome: str) -> str:
        """Learn from the outcome of an action; returns the only explanation of it that is right."""
        target, dimension, chosen = _ACTION.fullmatch(sentence).groups()
        was_test, self.trial = self.is_test, self.trial + 1
        if was_test == (dimension is not None):
            assert outcome == ".\nThat is not possible now.\n"
            return ""
        if dimension:
            new, verdict = re.fullmatch(rf": (\w+)\.\nChoosing object {target} was (rewarded!|not rewarded\.)\n", outcome).groups()
            assert self.dimension_of(new) == dimension and new != self.objects[target][dimension]
            assert all(words[name] == self.objects[target][name] for words in self.objects.values() for name in self.dimensions)
        else:
            (verdict,) = re.fullmatch(rf"\.\nChoosing object {chosen} was (rewarded!|not rewarded\.)\n", outcome).groups()
            (dimension,) = self.unique(chosen)
        if verdict == "rewarded!":
            self.possible &= {dimension}
            self.paid = True
            return f"I was rewarded for unique {dimension} in this game." if was_test else f"The rewarding dimension must be {dimension}."
        self.possible -= {dimension}
        return f"The rewarding dimension must not be {dimension}."

    def check_reasoning(self, text: str) -> str:
        """Check every sentence of the reasoning about the coming trial; returns the dimension that it goes by."""
        sentences = re.findall(r"[^.]+\.", text)
        assert "".join(sentences) == text and sentences.pop(0) == "Let's think step by step."
        going_by = {dimension for sentence in sentences if (dimension := self._check(sentence.strip()))}
        assert len(going_by) == 1 and going_by <= self.possible
        return going_by.pop()

    def _check(self, sentence: str) -> str | None:
        """Raise unless a sentence is true; returns the dimension that it goes by, if it says one."""
        known = len(self.possible) == 1
        if match := re.fullmatch(r"So far, (.*)\.", sentence):
            assert [*_LISTED.split(match[1])] == [f"{name} {self.state(name)}" for name in self.dimensions]
            return None
        if match := re.fullmatch(r"The rewarding dimension (?:must not be (.*), so it )?may be (.*)\.", sentence):
            ruled_out, possible = ({*_LISTED.split(names)} if names else set() for names in match.groups())
            assert possible == self.possible and not known and ruled_out == set(self.dimensions) - self.possible
            return None
        if match := re.fullmatch(r"The rewarding dimension must be (\w+), because changing it was rewarded\.", sentence):
            assert {match[1]} == self.possible and self.paid and not self.is_test
            return None
        if match := re.fullmatch(r"The rewarding dimension must be (\w+), because it must not be (.*)\.", sentence):
            assert {match[1]} == self.possible and {*_LISTED.split(match[2])} == set(self.dimensions) - self.possible and not self.paid
            return None
        if match := re.fullmatch(
            r"I (?:try|go by) (\w+)\.|I use (\w+)( again)?\.|In this game, I am rewarded for unique (\w+)\.", sentence
        ):
            assert known == (match[1] is None) and (match[3] is None or self.paid)
            assert self.is_test or match[4] is None
            return match[1] or match[2] or match[4]
        if match := re.fullmatch(r"In (\w+), (A\) .*), so (\w+) has a unique (\w+)(?:, and (\w+) (.*?)(, so I go for \w)?)?\.", sentence):
            assert self._check(f"{match[2]}.") == match[1] == match[4] == (match[5] or match[1]) and "like A" in match[2]
            unique = [letter for letter in self.objects if match[1] in self.unique(letter)] or ["none"]
            assert unique == [match[3]]
            assert match[6] in (None, "counts", "does not count", self.state(match[1]))
            assert match[7] in (None, f", so I go for {match[3]}")
            return match[1] if match[7] or match[6] == "counts" else None
        if values := re.findall(r"(?:^|, )(\w)\) (\w+)(?: (like|unlike) A)?", sentence):
            (dimension,) = {self.dimension_of(word) for _, word, _ in values}
            assert self.is_test and [pair[:2] for pair in values] == [(letter, words[dimension]) for letter, words in self.objects.items()]
            likeness = [likeness for _, _, likeness in values]
            true = ["like" if words[dimension] == values[0][1] else "unlike" for words in self.objects.values()]
            assert likeness in ([""] * len(values), ["", *true[1:]])
            return dimension
        match = re.fullmatch(r"Object (\w) is the only (\w+) object, because (.*) are (\w+), so (\w) has a unique (\w+)\.", sentence)
        assert match and self.is_test, sentence
        letter, word, others, shared, again, dimension = match.groups()
        assert letter == again and {*_LISTED.split(others)} == set(self.objects) - {letter} and self.objects[letter][dimension] == word
        plural = f"{self.objects[others[0]][dimension]}{'s' if _KIND_OF[word] == 'shape' else ''}"
        assert shared == plural and len({self.objects[other][dimension] for other in _LISTED.split(others)}) == 1
        assert self.unique(letter) == {dimension}
        return dimension
