"""Studies in odd-one-out rooms: what is predicted of explanations, and what agents then do."""

from __future__ import annotations

from typing import Any

from agents.config import ArchitectureConfig
from agents.sweeps.study import FRACTION_OF_EXPERT, Column, Level, Study, Variation

ATTRIBUTES = ("color", "texture", "shape")
"""Which explanations can name in confounded rooms."""
CONVOLUTIONAL = ArchitectureConfig(kind="convolutional", width=64, num_layers=1)
"""A control that knows nothing of objects, as wide and deep as the network of the quick presets with one trial."""
_LATE_BY_A_TRIAL = 12  # steps; most trials of the expert are shorter, so what is shown is about an earlier trial


def odd_one_out_study(*variations: Variation) -> Study:
    """A study in ``OddOneOut-v0``."""
    return Study(
        env_ids=("OddOneOut-v0",),
        splits=("train",),
        metric="normalized_reward",
        columns=(
            Column(title="odd one", metric="normalized_reward", split="train"),
            Column(title="timed out", metric="timeout_rate", split="train"),
        ),
        variations=variations,
    )


def intervention_study(*variations: Variation) -> Study:
    """A study in ``OddOneOutIntervention-v0``."""
    return Study(
        env_ids=("OddOneOutIntervention-v0",),
        splits=("train", "eval"),
        metric=FRACTION_OF_EXPERT,
        columns=tuple(
            Column(title=f"{split}: {title}", metric=metric, split=split)
            for split in ("train", "eval")
            for title, metric in (
                ("of expert's return", FRACTION_OF_EXPERT),
                ("experiments", "experiment_correct_rate"),
                ("test trial", "test_correct_rate"),
            )
        ),
        variations=variations,
    )


def generalization_study(generalization: str) -> Study:
    """Which explanations make an agent learn to experiment, and to use what experiments showed, with one kind of generalization."""
    env_kwargs = {"generalization": generalization}
    predicted = (
        ("properties", "properties only", {"explanations": "properties"}),
        ("reward", "reasons of rewards only", {"explanations": "reward"}),
        ("full", "properties of objects nearby and reasons of rewards", {"explanations": "full"}),
        ("reasoning", "the expert's reasoning only", {"explanations": "reasoning"}),
        ("all", "properties, reasons of rewards and reasoning", {"explanations": "all"}),
        ("shuffled", "all of these, but of other rooms", {"explanations": "all", "shuffled_explanations": True}),
        ("belief", "which attributes the expert believes to be possible", {"explanations": "belief"}),
        ("intention", "what the expert intends", {"explanations": "intention"}),
        ("target", "which object the expert goes for", {"explanations": "target"}),
        ("late", "all of these, one step late", {"explanations": "all", "explanation_delay": 1}),
        ("late_trial", "all of these, about a trial late", {"explanations": "all", "explanation_delay": _LATE_BY_A_TRIAL}),
        ("outcome", "what a touch implies about the attribute that pays", {"explanations": "outcome"}),
        ("full_shuffled", "properties and reasons of rewards of other rooms", {"explanations": "full", "shuffled_explanations": True}),
    )
    return intervention_study(
        Variation(name="none", description="No explanations.", env_kwargs=env_kwargs),
        *(
            Variation(name=name, description=f"Predicts {what}.", env_kwargs=env_kwargs, training=training)
            for name, what, training in predicted
        ),
        Variation(
            name="oracle_demonstrations",
            description="No explanations, and an expert that knows which attribute pays.",
            env_kwargs=env_kwargs,
            demonstration_kwargs={"expert": "oracle"},
        ),
    )


def confounded_study(*variations: Variation) -> Study:
    """A study in ``OddOneOutConfounded-v0``."""
    choices = (*ATTRIBUTES, "none")
    return Study(
        env_ids=("OddOneOutConfounded-v0",),
        splits=("train", "eval"),
        metric="normalized_reward",
        columns=(
            Column(title="train: odd one", metric="normalized_reward", split="train"),
            *(Column(title=f"eval: {choice}", metric=f"choice_{choice}", split="eval") for choice in choices),
        ),
        variations=variations,
    )


def _explained(
    attribute: str | None,
    name: str,
    description: str,
    *,
    architecture: ArchitectureConfig | None = None,
    rewarded: str | None = None,
    expert: dict[str, Any] | None = None,
    levels: tuple[Level, ...] = (),
    **training: Any,
) -> Variation:
    """An agent whose explanations name one attribute, or none; possibly another network, or trained on another expert."""
    return Variation(
        name=name,
        description=description,
        architecture=architecture,
        env_kwargs={"explained_attribute": attribute, **({} if rewarded is None else {"rewarded_attribute": rewarded})},
        demonstration_kwargs=expert or {},
        levels=levels,
        training=training if attribute is None else {"explanations": "full", **training},
    )


def _mistakes(attribute: str | None, rate: float) -> tuple[Level, ...]:
    return (Level(quantity="mistake rate", value=rate, line=attribute or "none"),)


def _what(attribute: str | None) -> str:
    return "No explanations" if attribute is None else f"Explanations of {attribute}"


CONFOUNDED_STUDY = confounded_study(
    _explained(None, "none", "No explanations.", levels=_mistakes(None, 0)),
    *(_explained(each, each, f"Predicts explanations of {each} only.", levels=_mistakes(each, 0)) for each in ATTRIBUTES),
    *(
        _explained(each, f"{each}_all", f"Predicts explanations of {each} and the reasoning of the expert about it.", explanations="all")
        for each in ATTRIBUTES
    ),
    *(
        _explained(each, f"{each}_shuffled", f"Predicts explanations of {each} that belong to other rooms.", shuffled_explanations=True)
        for each in ATTRIBUTES
    ),
    *(
        _explained(each, f"{each}_properties", f"Predicts only the {each} of an object nearby.", explanations="properties")
        for each in ATTRIBUTES
    ),
    *(
        _explained(each, f"{each}_reward", f"Predicts only what a touch showed about the {each}.", explanations="reward")
        for each in ATTRIBUTES
    ),
    _explained("shape", "shape_weight_0.1", "The loss of explanations of shape has a weight of 0.1.", explanation_weight=0.1),
    *(
        _explained(each, f"{each or 'none'}_convolutional", f"{_what(each)}, a convolutional network.", architecture=CONVOLUTIONAL)
        for each in (None, *ATTRIBUTES)
    ),
    *(
        _explained(
            each,
            f"{each or 'none'}_mistakes_{rate}",
            f"{_what(each)}, an expert that errs in {rate:.0%} of episodes.",
            expert={"mistake_rate": rate},
            levels=_mistakes(each, rate),
        )
        for each in (None, "color", "shape")
        for rate in (0.1, 0.25, 0.5)
    ),
    *(
        _explained(
            None,
            f"known_{each}",
            f"No explanations, demonstrations of deconfounded rooms in which {each} is always rewarded: nothing has to be found out.",
            rewarded=each,
            expert={"split": "eval"},
        )
        for each in ATTRIBUTES
    ),
    _explained("shape", "shape_all_seeing", "Explanations of shape, an expert that sees the whole room.", expert={"expert_sight": "room"}),
)

DEMONSTRATIONS_STUDY = confounded_study(
    *(
        _explained(
            each,
            f"{each or 'none'}_{count}",
            f"{_what(each)}, {count:,} demonstrations.",
            levels=(Level(quantity="demonstrations", value=count, line=each or "none"),),
            num_demonstrations=count,
        )
        for count in (1_000, 4_000, 16_000, 64_000)
        for each in (None, *ATTRIBUTES)
    )
)
