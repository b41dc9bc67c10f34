"""The constructor arguments of the odd-one-out environments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gym_causal.arguments import check_integer, check_number, check_one_of
from gym_causal.odd_one_out.explanation_modes import MODES, reasoning_part
from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_MOVES, NUM_VISIBLE, Attribute

OBSERVATIONS = ("pixels", "symbolic", "one_hot")
GENERALIZATIONS = ("feature_set", "hard_dimension")
EXPERTS = ("inferring", "oracle")
EXPERT_SIGHTS = ("room", "view", "review")


@dataclass(frozen=True, kw_only=True)
class RoomConfig:
    """The arguments that the three tasks share.

    Args:
        split: see the env's own arguments.
        observation: "pixels": ``view`` is (99, 99, 3) uint8; "symbolic": (11, 11, 4) uint8: kind of cell, colour, texture, shape;
            "one_hot": (11, 11, 39) uint8, a plane of 0s and 1s for each of these symbols.
        max_trial_steps: >= 1; a trial that reaches it without a touch ends without reward. In the last trial that truncates the episode.
        feedback_steps: >= 0; the number of steps after a touch in which actions have no effect and the explanation is shown.
        explain: which explanations ``info`` holds: "none", "properties", "reward", "outcome", "full" (properties and reward), "reasoning",
            a part of it ("belief", "intention", "target"), or "all" (properties, reward and reasoning).
        expert_sight: "room": the expert knows the positions and features of all objects; "view": it first walks to the center, from which
            all objects are visible, until each object has been in its view in this trial; "review": also after each transform it walks
            to the center, before it touches an object.
        expert_info: put the expert's action into ``info["expert_action"]`` (-1 in feedback steps and after the end of the episode).

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
        TypeError: an unknown argument, or a value of the wrong type.
    """

    split: str = "train"
    observation: str = "pixels"
    max_trial_steps: int = 128
    feedback_steps: int = 1
    explain: str = "full"
    expert_sight: str = "room"
    expert_info: bool = False

    splits: ClassVar[tuple[str, ...]] = ("train",)

    def __post_init__(self) -> None:
        check_one_of("split", self.split, self.splits)
        check_one_of("observation", self.observation, OBSERVATIONS)
        check_one_of("explain", self.explain, tuple(MODES))
        check_one_of("expert_sight", self.expert_sight, EXPERT_SIGHTS)
        check_integer("max_trial_steps", self.max_trial_steps, 1, 30_000)
        check_integer("feedback_steps", self.feedback_steps, 0, 100)
        if not isinstance(self.expert_info, bool):
            raise TypeError(f"expert_info must be True or False, got {self.expert_info!r}")

    @property
    def trial_rewards(self) -> tuple[float, ...]:
        """(T,) the reward of the correct object, by trial."""
        return (1.0,)

    @property
    def transforms(self) -> tuple[int, ...]:
        """(T,) the number of transforms allowed, by trial."""
        return (0,) * self.trials

    @property
    def trials(self) -> int:
        """T; trials of an episode."""
        return len(self.trial_rewards)

    @property
    def num_actions(self) -> int:
        return NUM_MOVES + (NUM_VISIBLE if any(self.transforms) else 0)

    @property
    def expert_is_oracle(self) -> bool:
        """Whether the expert knows which attribute is rewarded."""
        return False

    @property
    def named_attributes(self) -> tuple[Attribute, ...]:
        """The attributes whose values explanations name."""
        return (Attribute.COLOR, Attribute.TEXTURE, Attribute.SHAPE)

    @property
    def candidates(self) -> np.ndarray:
        """(4,) bool; the attributes that may be rewarded in some episode."""
        return np.arange(len(ATTRIBUTES)) < NUM_VISIBLE

    @property
    def considered(self) -> np.ndarray:
        """(4,) bool; the attributes that reasoning mentions: of those that may be rewarded the ones that explanations name."""
        return self.candidates & np.isin(np.arange(len(ATTRIBUTES)), self.named_attributes)


@dataclass(frozen=True, kw_only=True)
class OddOneOutConfig(RoomConfig):
    """Arguments of ``OddOneOut-v0``: those of :class:`RoomConfig`, and these.

    Args:
        split: "train", the only one.
        odd_attributes: some of "color", "texture", "shape", "position"; the odd object is odd in one of them, uniformly drawn.
        mistake_rate: in [0, 1]; the probability that the expert touches a wrong object, uniformly drawn.
    """

    odd_attributes: Sequence[str] = ATTRIBUTES
    mistake_rate: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("mistake_rate", self.mistake_rate, 0, 1)
        if isinstance(self.odd_attributes, str) or not self.odd_attributes or len(set(self.odd_attributes)) != len(self.odd_attributes):
            raise ValueError(f"odd_attributes must be one or more different ones of {', '.join(ATTRIBUTES)}, got {self.odd_attributes!r}")
        for attribute in self.odd_attributes:
            check_one_of("odd_attributes", attribute, ATTRIBUTES)

    @property
    def named_attributes(self) -> tuple[Attribute, ...]:
        return tuple(Attribute)

    @property
    def candidates(self) -> np.ndarray:
        return np.isin(ATTRIBUTES, tuple(self.odd_attributes))


@dataclass(frozen=True, kw_only=True)
class OddOneOutConfoundedConfig(RoomConfig):
    """Arguments of ``OddOneOutConfounded-v0``: those of :class:`RoomConfig`, and these.

    Args:
        split: "train": one object is odd in colour, texture and shape at once; "eval": three objects are odd in one attribute each.
        explained_attribute: "color", "texture", "shape": the only one that explanations name; None: there are no explanations.
        rewarded_attribute: "color", "texture", "shape" or "random": which odd object is rewarded in "eval" ("random": drawn each episode).
            None: the explained one, "random" when there is none. It changes neither the layout nor, before the touch, any observation.
        mistake_rate: in [0, 1]; the probability that the expert touches a wrong object, uniformly drawn.
    """

    explained_attribute: str | None = "color"
    rewarded_attribute: str | None = None
    mistake_rate: float = 0.0

    splits: ClassVar[tuple[str, ...]] = ("train", "eval")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("mistake_rate", self.mistake_rate, 0, 1)
        visible: tuple[Any, ...] = ATTRIBUTES[:NUM_VISIBLE]
        if self.explained_attribute is not None:
            check_one_of("explained_attribute", self.explained_attribute, visible)
        if self.rewarded_attribute is not None:
            check_one_of("rewarded_attribute", self.rewarded_attribute, (*visible, "random"))

    @property
    def named_attributes(self) -> tuple[Attribute, ...]:
        return () if self.explained_attribute is None else (Attribute(ATTRIBUTES.index(self.explained_attribute)),)

    @property
    def rewarded(self) -> Attribute | None:
        """The rewarded attribute of the deconfounded evaluation; None: drawn each episode."""
        name = self.rewarded_attribute or self.explained_attribute or "random"
        return None if name == "random" else Attribute(ATTRIBUTES.index(name))


@dataclass(frozen=True, kw_only=True)
class OddOneOutInterventionConfig(RoomConfig):
    """Arguments of ``OddOneOutIntervention-v0``: those of :class:`RoomConfig`, and these.

    Args:
        split: "train" or "eval"; see ``generalization``.
        generalization: "feature_set": "train" never shows a quarter of the combinations of colour, texture and shape, "eval" only those
            (:data:`gym_causal.odd_one_out.features.HELD_OUT_CLASSES`); "hard_dimension": ``held_out_attribute`` is never hard in
            "train" and always in "eval".
        held_out_attribute: "color", "texture" or "shape"; for "hard_dimension" only.
        difficulties: some of 0 (easy), 1, 2, 3: how many attributes are split two and two in an experiment trial, uniformly drawn each
            trial. "hard_dimension" leaves out those that a split makes impossible: 3 in "train", 0 in "eval".
        num_experiments: >= 0; trials with a transform before the test trial.
        test_reward: > 0; the reward of the correct object in the test trial (in an experiment: 1).
        expert: "inferring": knows the room but not the rewarded attribute; "oracle": knows that too.
    """

    generalization: str = "feature_set"
    held_out_attribute: str = "texture"
    difficulties: Sequence[int] = (0, 1, 2, 3)
    num_experiments: int = 3
    test_reward: float = 10.0
    expert: str = "inferring"

    splits: ClassVar[tuple[str, ...]] = ("train", "eval")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_of("generalization", self.generalization, GENERALIZATIONS)
        check_one_of("held_out_attribute", self.held_out_attribute, ATTRIBUTES[:NUM_VISIBLE])
        check_one_of("expert", self.expert, EXPERTS)
        if self.expert_is_oracle and reasoning_part(self.explain) is not None:
            raise ValueError(
                f"explain must be without reasoning for expert='oracle', which knows more than its history, got {self.explain!r}"
            )
        check_integer("num_experiments", self.num_experiments, 0, 100)
        check_number("test_reward", self.test_reward, 0, 1e6, low_included=False)
        if isinstance(self.difficulties, str) or not hasattr(self.difficulties, "__len__"):
            raise TypeError(f"difficulties must be some of 0, 1, 2, 3, got {self.difficulties!r}")
        for difficulty in self.difficulties:
            check_integer("difficulties", difficulty, 0, NUM_VISIBLE)
        if not self.possible_difficulties or len(set(self.difficulties)) != len(self.difficulties):
            excluded = {None: "", 0: " but 0", NUM_VISIBLE: " but 3"}[self._impossible_difficulty]
            raise ValueError(f"difficulties must be some different ones of 0, 1, 2, 3{excluded}, got {self.difficulties!r}")

    @property
    def trial_rewards(self) -> tuple[float, ...]:
        return (1.0,) * self.num_experiments + (float(self.test_reward),)

    @property
    def transforms(self) -> tuple[int, ...]:
        return (1,) * self.num_experiments + (0,)

    @property
    def num_actions(self) -> int:
        return NUM_MOVES + NUM_VISIBLE

    @property
    def expert_is_oracle(self) -> bool:
        return self.expert == "oracle"

    @property
    def held_out_dimension(self) -> Attribute | None:
        """The attribute that is never hard in "train" and always in "eval"; None with "feature_set"."""
        return Attribute(ATTRIBUTES.index(self.held_out_attribute)) if self.generalization == "hard_dimension" else None

    @property
    def possible_difficulties(self) -> tuple[int, ...]:
        return tuple(int(difficulty) for difficulty in self.difficulties if difficulty != self._impossible_difficulty)

    @property
    def _impossible_difficulty(self) -> int | None:
        if self.generalization != "hard_dimension":
            return None
        return NUM_VISIBLE if self.split == "train" else 0
