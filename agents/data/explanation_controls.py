"""Controls of what explanations are good for: the same explanations, of other episodes or late."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from gym_causal.core.explanations import ExplanationSpec
from gym_causal.episodes import Episodes


@dataclass(frozen=True)
class ExplanationControl:
    """What is done to the explanations of demonstrations before they are learned from.

    Attributes:
        spec: of the explanations.
        shuffled_share: of the statements, replaced by those of other states; see :func:`shuffle_explanations`.
        delay: steps by which explanations are shown late; see :func:`delay_explanations`.
    """

    spec: ExplanationSpec
    shuffled_share: float = 0.0
    delay: int = 0

    def __call__(self, episodes: Episodes, seed: int) -> Episodes:
        """The same episodes with other explanations."""
        if self.shuffled_share:
            episodes = shuffle_explanations(episodes, self.spec, seed, share=self.shuffled_share)
        return delay_explanations(episodes, self.delay) if self.delay else episodes

    def on_steps(self, tokens: np.ndarray, is_step: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The same for episodes side by side: tokens (B, T, L), of which those count where ``is_step`` (B, T) is true."""
        tokens = tokens.copy()
        if self.shuffled_share:
            tokens[is_step] = _shuffled(tokens[is_step], self.spec, rng, self.shuffled_share)
        if self.delay:
            tokens[:, self.delay :] = tokens[:, : -self.delay]
            tokens[:, : self.delay] = 0
        return tokens


def shuffle_explanations(episodes: Episodes, spec: ExplanationSpec, seed: int, *, share: float = 1.0) -> Episodes:
    """Replace each statement's tokens by those of another state with the same first token, its kind of statement.

    Every statement occurs, as often and in the same steps as before, but it is true of another episode.

    Args:
        episodes: with explanations.
        spec: of these explanations.
        seed: of the permutations.
        share: of the statements that are replaced, uniformly drawn.
    """
    tokens = _shuffled(episodes.explanations["tokens"].copy(), spec, np.random.default_rng([seed, 2]), share)
    return dataclasses.replace(episodes, explanations={**episodes.explanations, "tokens": tokens})


def _shuffled(tokens: np.ndarray, spec: ExplanationSpec, rng: np.random.Generator, share: float) -> np.ndarray:
    """Tokens (S, L) with their statements exchanged, in place."""
    for statement in np.split(tokens, spec.starts[1:], axis=1):  # views
        for first in np.unique(statement[:, 0]):
            states = np.flatnonzero(statement[:, 0] == first)
            if share < 1:
                states = states[rng.random(len(states)) < share]
            statement[states] = statement[rng.permutation(states)]
    return tokens


def delay_explanations(episodes: Episodes, delay: int) -> Episodes:
    """Show each explanation ``delay`` steps later in its episode; the first states have none."""
    tokens = episodes.explanations["tokens"]
    first_state = np.repeat(episodes.starts[:-1] + np.arange(len(episodes)), episodes.lengths + 1)  # (S,) of the state's episode
    source = np.arange(len(tokens)) - delay
    late = np.where((source >= first_state)[:, None], tokens[np.maximum(source, 0)], 0)
    return dataclasses.replace(episodes, explanations={**episodes.explanations, "tokens": late})
