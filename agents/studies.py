"""What is compared with what, as data: named studies, each of a few variations of an agent and of what it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.config import ARCHITECTURES, AgentConfig, ArchitectureConfig, TrainingConfig


@dataclass(frozen=True, kw_only=True)
class Variation:
    """An agent that differs in one respect, or two, from the one it is compared with."""

    name: str
    """In tables and figures; also a folder."""
    description: str
    """One line."""
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    training: dict[str, Any] = field(default_factory=dict)
    """Entries of the :class:`~agents.config.TrainingConfig` that are other ones."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env, in demonstrations and evaluations alike."""
    demonstration_kwargs: dict[str, Any] = field(default_factory=dict)
    """Further ones, of the env of the demonstrations alone."""

    def config(self, env_id: str, seed: int, training: TrainingConfig) -> AgentConfig:
        """All of the agent.

        Args:
            env_id: where it acts.
            seed: of its training.
            training: how all variations are trained, but for what this one changes.
        """
        return AgentConfig(
            env_id=env_id,
            env_kwargs=self.env_kwargs,
            demonstration_kwargs=self.demonstration_kwargs,
            seed=seed,
            architecture=self.architecture,
            training=replace(training, **self.training),
        )


def chosen(study: str, names: Sequence[str] = ()) -> tuple[Variation, ...]:
    """The variations of a study, or those of them that are named.

    Raises:
        ValueError: an unknown study or name.
    """
    if study not in STUDIES:
        raise ValueError(f"study must be one of {', '.join(STUDIES)}, got {study!r}")
    variations = {variation.name: variation for variation in STUDIES[study]}
    if unknown := [name for name in names if name not in variations]:
        raise ValueError(f"variations must be among {', '.join(variations)}, got {', '.join(unknown)}")
    return tuple(variations[name] for name in names or variations)


_TRIAL, _LINEAR = ARCHITECTURES["trial"], ARCHITECTURES["trial_linear"]
_TEN = {"num_variables": 10}

STUDIES: dict[str, tuple[Variation, ...]] = {
    "architectures": (
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
    "trial": (
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
}
"""Study -> its variations; the first is the one that the others are compared with."""
