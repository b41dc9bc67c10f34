"""The studies: what is compared with what, as data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agents.config import ARCHITECTURES, ArchitectureConfig, TrainingConfig
from agents.sweeps.study import FRACTION_OF_EXPERT, HELD_OUT_RATIO, Column, Study, Variation


def _causal_dag(*variations: Variation) -> Study:
    splits = ("train", "eval_target", "eval_path")
    return Study(
        env_ids=("CausalDAG-v0", "CausalDAGCued-v0"),
        splits=splits,
        metric="normalized_reward",
        columns=(
            *(Column(title=split, metric="normalized_reward", split=split) for split in splits),
            Column(title="held-out ratio", metric=HELD_OUT_RATIO, split="train"),
        ),
        variations=variations,
    )


def _confounded(*variations: Variation) -> Study:
    choices = ("color", "texture", "shape", "none")
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


def _generalization(name: str, **quick_env_kwargs: Any) -> Study:
    generalization = {"generalization": name}
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
        quick_env_kwargs=quick_env_kwargs,
        variations=(
            Variation(name="none", description="No explanations.", env_kwargs=generalization),
            *(
                Variation(name=mode, description=f"Predicts {what}.", env_kwargs=generalization, training={"explanations": mode})
                for mode, what in (
                    ("full", "properties of objects nearby and reasons of rewards"),
                    ("properties", "properties only"),
                    ("reward", "reasons of rewards only"),
                    ("outcome", "what a touch implies about the attribute that pays"),
                )
            ),
            Variation(
                name="shuffled",
                description="Predicts explanations of other rooms.",
                env_kwargs=generalization,
                training={"explanations": "full", "shuffled_explanations": True},
            ),
            Variation(
                name="oracle_demonstrations",
                description="No explanations, and an expert that knows which attribute pays.",
                env_kwargs=generalization,
                demonstration_kwargs={"expert": "oracle"},
            ),
        ),
    )


def _explained(attribute: str | None, name: str, description: str, *, expert: dict[str, Any] | None = None, **training: Any) -> Variation:
    """An agent whose explanations name one attribute, or none; possibly trained on another expert."""
    return Variation(
        name=name,
        description=description,
        env_kwargs={"explained_attribute": attribute},
        demonstration_kwargs=expert or {},
        training=training if attribute is None else {"explanations": "full", **training},
    )


_TRIAL, _LINEAR = ARCHITECTURES["trial"], ARCHITECTURES["trial_linear"]
_TEN = {"num_variables": 10}

STUDIES: dict[str, Study] = {
    "architectures": _causal_dag(
        Variation(name="variable", description="The default agent: a token for each variable and trial."),
        Variation(
            name="equivariant",
            description="A control without names: permuting variables changes nothing.",
            architecture=ARCHITECTURES["equivariant"],
        ),
        Variation(
            name="embedded",
            description="Names of variables are embedded in tokens; attention has no bias that compares them.",
            architecture=ArchitectureConfig(kind="embedded"),
        ),
        Variation(
            name="embedded_one_head",
            description="The same with one attention head.",
            architecture=ArchitectureConfig(kind="embedded", num_heads=1),
        ),
        Variation(name="trial", description="One token a trial, encoded by an MLP.", architecture=_TRIAL),
        Variation(name="trial_linear", description="One token a trial, encoded linearly.", architecture=_LINEAR),
        Variation(
            name="unrestricted",
            description="The default agent, trained on demonstrations of the unrestricted split: an upper bound.",
            demonstration_kwargs={"split": "unrestricted"},
        ),
        Variation(
            name="random_exploration",
            description="The default agent, trained on demonstrations that explore at random and then act optimally.",
            demonstration_kwargs={"expert_exploration": "random"},
        ),
        Variation(
            name="no_exploration",
            description="The default agent without exploration trials, in training and evaluation: it sees initial values and "
            "the outcome of its own first choice only. It must fail.",
            env_kwargs={"num_exploration_trials": 0},
        ),
    ),
    "trial": _causal_dag(
        Variation(name="trial", description="One token a trial, encoded by an MLP: the baseline of this study.", architecture=_TRIAL),
        Variation(name="trial_linear", description="A linear encoder.", architecture=_LINEAR),
        Variation(name="one_head", description="One attention head.", architecture=replace(_TRIAL, num_heads=1)),
        Variation(name="label_smoothing", description="Label smoothing of 0.1.", architecture=_TRIAL, training={"label_smoothing": 0.1}),
        Variation(name="dropout", description="Dropout of 0.1.", architecture=replace(_TRIAL, dropout=0.1)),
        Variation(
            name="weight_decay",
            description="Thirty times the weight decay.",
            architecture=_TRIAL,
            training={"weight_decay": 30 * TrainingConfig().weight_decay},
        ),
        Variation(name="four_layers", description="Four layers.", architecture=replace(_TRIAL, num_layers=4)),
        Variation(name="wide", description="Width 96.", architecture=replace(_TRIAL, width=96)),
        Variation(
            name="random_signs",
            description="Demonstrations that explore with interventions of either sign.",
            architecture=_TRIAL,
            demonstration_kwargs={"exploration_sign": "random"},
        ),
        Variation(
            name="linear_one_head", description="A linear encoder and one attention head.", architecture=replace(_LINEAR, num_heads=1)
        ),
        Variation(
            name="names",
            description="A linear encoder with one learned vector per variable, which also scores the actions.",
            architecture=replace(_TRIAL, encoder="names"),
        ),
        Variation(
            name="names_one_head",
            description="The same with one attention head.",
            architecture=replace(_TRIAL, encoder="names", num_heads=1),
        ),
        Variation(
            name="ten_variables",
            description="Ten variables, in training and evaluation: ninety pairs to learn from, one of them held out.",
            architecture=_TRIAL,
            env_kwargs=_TEN,
        ),
        Variation(name="linear_ten_variables", description="A linear encoder and ten variables.", architecture=_LINEAR, env_kwargs=_TEN),
    ),
    "confounded": _confounded(
        _explained(None, "none", "No explanations."),
        *(_explained(attribute, attribute, f"Predicts explanations of {attribute} only.") for attribute in ("color", "texture", "shape")),
        *(
            _explained(
                attribute,
                f"{attribute}_shuffled",
                f"Predicts explanations of {attribute} that belong to other rooms.",
                shuffled_explanations=True,
            )
            for attribute in ("shape", "color")
        ),
        _explained("shape", "shape_properties", "Predicts only the shape of an object nearby.", explanations="properties"),
        _explained("shape", "shape_reward", "Predicts only what a touch showed about the shape.", explanations="reward"),
        _explained("shape", "shape_weight_0.1", "The loss of explanations of shape has a weight of 0.1.", explanation_weight=0.1),
        _explained(None, "mistakes", "No explanations, an expert that errs in a quarter of episodes.", expert={"mistake_rate": 0.25}),
        _explained(
            "shape", "shape_mistakes", "Explanations of shape, an expert that errs in a quarter of episodes.", expert={"mistake_rate": 0.25}
        ),
        _explained(
            "shape", "shape_all_seeing", "Explanations of shape, an expert that sees the whole room.", expert={"expert_sight": "room"}
        ),
    ),
    "demonstrations": _confounded(
        *(
            _explained(attribute, f"{attribute or 'none'}_{count}", f"{what}, {count:,} demonstrations.", num_demonstrations=count)
            for count in (1_000, 4_000, 16_000, 64_000)
            for attribute, what in ((None, "No explanations"), ("shape", "Explanations of shape"))
        )
    ),
    "feature_set": _generalization("feature_set", difficulties=[0]),
    "hard_dimension": _generalization("hard_dimension"),
}
"""All studies, by name."""


def study(name: str) -> Study:
    """A study by name. ValueError for an unknown name."""
    if name not in STUDIES:
        raise ValueError(f"study must be one of {', '.join(STUDIES)}, got {name!r}")
    return STUDIES[name]
