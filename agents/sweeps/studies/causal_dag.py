"""Studies in causal DAGs: what a network must be able to tell apart, and what explanations add to each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agents.config import ARCHITECTURES, ArchitectureConfig, TrainingConfig
from agents.sweeps.study import HELD_OUT_RATIO, Column, Study, Variation

_TRIAL, _LINEAR, _EMBEDDED = ARCHITECTURES["trial"], ARCHITECTURES["trial_linear"], ArchitectureConfig(kind="embedded")
_TEN = {"num_variables": 10}


def causal_dag_study(*variations: Variation) -> Study:
    """A study in causal DAGs, with or without cues, on their three splits."""
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


ARCHITECTURES_STUDY = causal_dag_study(
    Variation(name="variable", description="The default agent: a token for each variable and trial."),
    Variation(
        name="equivariant",
        description="A control without names: permuting variables changes nothing.",
        architecture=ARCHITECTURES["equivariant"],
    ),
    Variation(
        name="embedded",
        description="Names of variables are embedded in tokens; attention has no bias that compares them.",
        architecture=_EMBEDDED,
    ),
    Variation(
        name="embedded_one_head",
        description="The same with one attention head.",
        architecture=replace(_EMBEDDED, num_heads=1),
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
)

TRIAL_STUDY = causal_dag_study(
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
    Variation(name="linear_one_head", description="A linear encoder and one attention head.", architecture=replace(_LINEAR, num_heads=1)),
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
)

_EXPLANATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "none": ("No explanations.", {}),
    "properties": ("Predicts what each intervention did: its effects.", {"explanations": "properties"}),
    "reward": ("Predicts whether a choice was optimal, and the optimum.", {"explanations": "reward"}),
    "reasoning": ("Predicts the expert's reasoning alone.", {"explanations": "reasoning"}),
    "all": ("Predicts effects, optima and reasoning.", {"explanations": "all"}),
    "shuffled": ("Predicts all three, of other episodes.", {"explanations": "all", "shuffled_explanations": True}),
}
"""Name -> description, and arguments of the training."""

EXPLAINED_DAG_STUDY = causal_dag_study(
    *(
        Variation(name=f"{network}_{name}", description=description, architecture=architecture, training=training)
        for network, architecture in (
            ("trial", _TRIAL),
            ("trial_linear", _LINEAR),
            ("variable", ARCHITECTURES["variable"]),
            ("embedded", _EMBEDDED),
        )
        for name, (description, training) in _EXPLANATIONS.items()
    ),
    *(
        Variation(
            name=f"trial_{name}_weight_0.1",
            description=f"One token a trial; explanations ({name}) count a tenth as much beside the actions.",
            architecture=_TRIAL,
            training={**_EXPLANATIONS[name][1], "explanation_weight": 0.1},
        )
        for name in ("reasoning", "all", "shuffled")
    ),
)
