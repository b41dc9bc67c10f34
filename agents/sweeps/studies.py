"""What is compared with what, as data: named studies, each of a few variations of an agent and of what it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.config import ARCHITECTURES, AgentConfig, ArchitectureConfig, Preset, TrainingConfig


@dataclass(frozen=True, kw_only=True)
class Variation:
    """An agent that differs in one respect, or two, from the one it is compared with."""

    name: str
    """In tables and figures; also a folder."""
    description: str
    """One line."""
    architecture: ArchitectureConfig | None = None
    """None: that of the preset."""
    training: dict[str, Any] = field(default_factory=dict)
    """Entries of the :class:`~agents.config.agent.TrainingConfig` that are other ones."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, in demonstrations and evaluations alike."""
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further ones, of the env of the demonstrations alone."""

    def config(self, env_id: str, seed: int, preset: Preset) -> AgentConfig:
        """All of the agent.

        Args:
            env_id: where it acts.
            seed: of its training.
            preset: what all variations have in common, but for what this one changes.
        """
        return AgentConfig(
            env_id=env_id,
            env_kwargs={**preset.env_kwargs, **self.env_kwargs},
            demonstration_kwargs={**preset.demonstration_kwargs, **self.demonstration_kwargs},
            seed=seed,
            architecture=self.architecture or preset.architecture,
            training=replace(preset.training, **self.training),
        )


@dataclass(frozen=True, kw_only=True)
class Column:
    """Of a study's table."""

    title: str
    metric: str
    split: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """Variations, and what is reported of them."""

    env_ids: tuple[str, ...]
    """Where it can be made; the first unless asked otherwise."""
    splits: tuple[str, ...]
    """Where agents are evaluated."""
    metric: str
    """Which is drawn."""
    columns: tuple[Column, ...]
    """What is printed."""
    quick_env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the env in the quick preset, so that minutes are enough."""
    variations: tuple[Variation, ...]
    """The first is the one that the others are compared with."""

    def chosen(self, names: Sequence[str] = ()) -> tuple[Variation, ...]:
        """The variations, or those of them that are named.

        Raises:
            ValueError: an unknown name.
        """
        variations = {variation.name: variation for variation in self.variations}
        if unknown := [name for name in names if name not in variations]:
            raise ValueError(f"variations must be among {', '.join(variations)}, got {', '.join(unknown)}")
        return tuple(variations[name] for name in names or variations)


def study(name: str) -> Study:
    """A study; ValueError for a name that there is not."""
    if name not in STUDIES:
        raise ValueError(f"study must be one of {', '.join(STUDIES)}, got {name!r}")
    return STUDIES[name]


HELD_OUT_RATIO = "held_out_ratio"
"""Metric: how strongly an agent reacts to evidence on the held-out pair, as a fraction of its reaction to others (agents.analysis.probe)."""
FRACTION_OF_EXPERT = "fraction_of_expert"
"""Metric: an agent's return as a fraction of the expert's in the same episodes."""


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
    where = {"generalization": name}
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
            Variation(name="none", description="No explanations.", env_kwargs=where),
            *(
                Variation(name=kind, description=f"Predicts {what}.", env_kwargs=where, training={"explanations": kind})
                for kind, what in (
                    ("full", "properties of what is near and reasons of rewards"),
                    ("properties", "properties alone"),
                    ("reward", "reasons of rewards alone"),
                    ("outcome", "what a touch lets one infer of the attribute that pays"),
                )
            ),
            Variation(
                name="shuffled",
                description="Predicts explanations that are true of other rooms.",
                env_kwargs=where,
                training={"explanations": "full", "shuffled_explanations": True},
            ),
            Variation(
                name="oracle_demonstrations",
                description="No explanations, and an expert that knows what pays.",
                env_kwargs=where,
                demonstration_kwargs={"expert": "oracle"},
            ),
        ),
    )


def _explained(attribute: str | None, name: str, description: str, *, expert: dict[str, Any] | None = None, **training: Any) -> Variation:
    """An agent whose explanations speak of one attribute, and perhaps another expert."""
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
        Variation(name="equivariant", description="A control that cannot tell variables apart.", architecture=ARCHITECTURES["equivariant"]),
        Variation(
            name="embedded",
            description="Names of variables are embedded in tokens, and nothing compares them.",
            architecture=ArchitectureConfig(kind="embedded"),
        ),
        Variation(
            name="embedded_one_head",
            description="The same with one attention head.",
            architecture=ArchitectureConfig(kind="embedded", num_heads=1),
        ),
        Variation(name="trial", description="One token a trial, encoded by a perceptron.", architecture=_TRIAL),
        Variation(name="trial_linear", description="One token a trial, encoded linearly.", architecture=_LINEAR),
        Variation(
            name="unrestricted",
            description="The default agent, with nothing held out of its demonstrations: an upper bound.",
            demonstration_kwargs={"split": "unrestricted"},
        ),
        Variation(
            name="random_exploration",
            description="The default agent, from demonstrations that explore at random and then act optimally.",
            demonstration_kwargs={"expert_exploration": "random"},
        ),
        Variation(
            name="no_exploration",
            description="The default agent without experiments, in training and evaluation alike: beside initial values it sees only "
            "what its own first choice leads to. It must fail.",
            env_kwargs={"num_exploration_trials": 0},
        ),
    ),
    "trial": _causal_dag(
        Variation(name="trial", description="One token a trial, encoded by a perceptron: what the others change.", architecture=_TRIAL),
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
            description="A linear encoder through names, one vector a variable, by which actions are scored as well.",
            architecture=replace(_TRIAL, encoder="names"),
        ),
        Variation(
            name="names_one_head",
            description="The same with one attention head.",
            architecture=replace(_TRIAL, encoder="names", num_heads=1),
        ),
        Variation(
            name="ten_variables",
            description="Ten variables, in training and evaluation alike: ninety pairs to learn from, one of them held out.",
            architecture=_TRIAL,
            env_kwargs=_TEN,
        ),
        Variation(name="linear_ten_variables", description="A linear encoder and ten variables.", architecture=_LINEAR, env_kwargs=_TEN),
    ),
    "confounded": _confounded(
        _explained(None, "none", "No explanations."),
        *(_explained(attribute, attribute, f"Predicts explanations of {attribute} alone.") for attribute in ("color", "texture", "shape")),
        *(
            _explained(
                attribute,
                f"{attribute}_shuffled",
                f"Predicts explanations of {attribute} that are true of other rooms.",
                shuffled_explanations=True,
            )
            for attribute in ("shape", "color")
        ),
        _explained("shape", "shape_properties", "Predicts only what the shape of an object nearby is.", explanations="properties"),
        _explained("shape", "shape_reward", "Predicts only what a touch showed of the shape.", explanations="reward"),
        _explained("shape", "shape_weight_0.1", "The loss of explanations of shape counts a tenth.", explanation_weight=0.1),
        _explained(None, "mistakes", "No explanations, an expert that errs in a quarter of episodes.", expert={"mistake_rate": 0.25}),
        _explained(
            "shape", "shape_mistakes", "Explanations of shape, an expert that errs in a quarter of episodes.", expert={"mistake_rate": 0.25}
        ),
        _explained(
            "shape", "shape_all_seeing", "Explanations of shape, an expert that knows what is out of view.", expert={"expert_sight": "room"}
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
