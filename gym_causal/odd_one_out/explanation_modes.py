"""What the argument ``explain`` accepts: which explanations each mode gives, and the words and length of their tokens."""

from __future__ import annotations

from gym_causal.core.explanations import ExplanationSpec
from gym_causal.odd_one_out import explanations, reasoning
from gym_causal.odd_one_out.explanations import OUTCOME, PROPERTIES, REWARD
from gym_causal.odd_one_out.reasoning import PARTS, REASONING

MODES: dict[str, tuple[str, ...]] = {
    "none": (),
    "properties": (PROPERTIES,),
    "reward": (REWARD,),
    "outcome": (OUTCOME,),
    "full": (PROPERTIES, REWARD),
    **{part: (part,) for part in PARTS},
    "reasoning": (REASONING,),
    "all": (PROPERTIES, REWARD, REASONING),
}


def statement_kinds(mode: str) -> tuple[str, ...]:
    """The kinds of a mode that are statements about the adjacent object or the last touch."""
    return tuple(kind for kind in MODES[mode] if kind in (PROPERTIES, REWARD, OUTCOME))


def reasoning_part(mode: str) -> str | None:
    """The part of the reasoning that a mode gives: all of it, one of ``PARTS``, or None."""
    return next((kind for kind in MODES[mode] if kind in (REASONING, *PARTS)), None)


def explanation_spec(mode: str) -> ExplanationSpec:
    """The explanations of a mode. Tokens are those of the statement, then those of the reasoning, as far as it has them."""
    reasons = reasoning_part(mode) is not None
    statement_tokens = explanations.NUM_TOKENS if statement_kinds(mode) or not reasons else 0
    return ExplanationSpec(
        modes=MODES,
        vocabulary=explanations.VOCABULARY + reasoning.WORDS * reasons,
        num_tokens=statement_tokens + reasoning.NUM_TOKENS * reasons,
        version=1,
        starts=(0, statement_tokens) if reasons and statement_tokens else (0,),
    )
