"""Which runs of a study are made, and the recipes of all runs that docs/results.md and docs/room_results.md report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agents.config import AgentConfig, Algorithm, Preset, preset
from agents.sweeps.studies import study
from agents.sweeps.studies.rooms import ATTRIBUTES
from agents.sweeps.study import Variation
from gym_causal.arguments import check_integer, check_one_of
from gym_causal.registry import canonical_id

StudyName = Literal[
    "architectures",
    "trial",
    "confounded",
    "demonstrations",
    "feature_set",
    "hard_dimension",
    "explained_dag",
    "imperfect_teachers",
    "imperfect_room_teachers",
    "passive_and_active",
    "active_odd_one_out",
    "active_confounded",
    "active_intervention",
]


@dataclass(frozen=True)
class Recipe:
    """Variations of a study, how they are trained and how they are evaluated. :meth:`check` raises if it cannot be followed."""

    study: StudyName = "architectures"
    """Which one (agents.sweeps.studies)."""
    env: str | None = None
    """Id of the environment, for a study that has several; default: its first."""
    seeds: int = 5
    """Trainings of each variation: seeds 0, 1, ..."""
    first_seed: int = 0
    """The first of these seeds, for a part of the seeds that is trained elsewhere."""
    preset: Literal["quick", "full"] = "quick"
    """How long to train: a few minutes on two CPU cores, or until it no longer helps."""
    batches: int | None = None
    """Updates of the weights; default: as many as the preset says."""
    evaluate_every: int | None = None
    """Updates between evaluations while training; default: as many evaluations as the preset has."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of matrix products in updates (agents.config.TrainingConfig)."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the env for all variations, in demonstrations and evaluations alike."""
    variations: tuple[str, ...] = ()
    """Which of the study's variations; none named: all."""
    episodes: int = 2_000
    """Episodes a split in the final evaluations; every agent plays the same ones."""
    out: Path | None = None
    """Folder for the runs and the results; default: results/ablate/ENV/STUDY."""

    @property
    def env_id(self) -> str:
        """The id of the environment."""
        return self.env or study(self.study).env_ids[0]

    @property
    def folder(self) -> Path:
        """For the runs and the results."""
        return self.out or Path("results/ablate") / canonical_id(self.env_id) / self.study

    def check(self) -> None:
        """Raise a ValueError for an unknown name or a number out of range."""
        for name in ("seeds", "episodes"):
            check_integer(name, getattr(self, name), 1, 10**9)
        check_integer("first_seed", self.first_seed, 0, 10**9)
        check_one_of("env", canonical_id(self.env_id), study(self.study).env_ids)
        if decided := {name for each in study(self.study).select(self.variations) for name in each.env_kwargs} & set(self.env_kwargs):
            raise ValueError(f"env_kwargs must hold no argument that the study's variations decide, got {', '.join(sorted(decided))}")
        for _ in self.configs():
            pass

    def configs(self) -> Iterator[tuple[Variation, AgentConfig]]:
        """Each variation with each seed; seed by seed, so that early results cover all variations."""
        variations = study(self.study).select(self.variations)
        common = {algorithm: self._preset(algorithm) for algorithm in {variation.algorithm for variation in variations}}
        for seed in range(self.first_seed, self.first_seed + self.seeds):
            for variation in variations:
                yield variation, variation.config(self.env_id, seed, common[variation.algorithm])

    def watched(self, variation: Variation, seed: int) -> AgentConfig | None:
        """The training by behavioral cloning that a variation begins with; None if it does not."""
        return variation.config(self.env_id, seed, self._preset("bc")) if variation.watches_first else None

    def _preset(self, algorithm: Algorithm) -> Preset:
        """What all variations share that learn with an algorithm."""
        common = preset(self.env_id, self.preset, algorithm).lasting(self.batches)
        training = dataclasses.replace(common.training, precision=self.precision)
        if self.evaluate_every is not None:
            training = dataclasses.replace(training, evaluate_every=self.evaluate_every)
        return dataclasses.replace(common, training=training, env_kwargs={**common.env_kwargs, **self.env_kwargs})


_RESULTS = Path("results")
_EXPLAINED = ("none", "properties", "reasoning", "all", "shuffled")

PUBLISHED: tuple[Recipe, ...] = (
    Recipe(preset="full", seeds=4, episodes=20_000, out=_RESULTS / "full", variations=("variable",)),
    Recipe(preset="full", seeds=1, episodes=20_000, out=_RESULTS / "equivariant", variations=("equivariant",)),
    Recipe(out=_RESULTS / "controls"),
    Recipe(
        study="trial",
        batches=1_500,
        seeds=3,
        out=_RESULTS / "trial",
        variations=("trial", "trial_linear", "one_head", "names", "linear_one_head", "names_one_head"),
    ),
    Recipe(
        study="explained_dag",
        out=_RESULTS / "explained_dag",
        variations=(
            *(f"{network}_{mode}" for network in ("trial", "trial_linear") for mode in _EXPLAINED),
            *(f"trial_{mode}_weight_0.1" for mode in ("reasoning", "all", "shuffled")),
        ),
    ),
    Recipe(
        study="explained_dag",
        out=_RESULTS / "explained_dag_variable",
        variations=("variable_none", "variable_properties", "variable_reasoning", "variable_all"),
    ),
    Recipe(study="imperfect_teachers", seeds=2, out=_RESULTS / "imperfect_teachers"),
    Recipe(env="CausalDAGCued-v0", batches=2_000, seeds=1, out=_RESULTS / "cued", variations=("variable",)),
    Recipe(study="confounded", out=_RESULTS / "confounded", variations=("none", *ATTRIBUTES, "shape_shuffled")),
    Recipe(
        study="confounded",
        seeds=1,
        out=_RESULTS / "confounded_controls",
        variations=(
            *(f"{attribute}_{part}" for part in ("properties", "reward") for attribute in ATTRIBUTES),
            *(f"{attribute}_convolutional" for attribute in ("none", "color", "shape")),
            *(f"{attribute}_mistakes_{rate}" for rate in (0.1, 0.25, 0.5) for attribute in ("none", "color", "shape")),
        ),
    ),
    Recipe(study="confounded", batches=3_600, out=_RESULTS / "confounded_long", variations=("color",)),
    Recipe(
        study="demonstrations",
        seeds=1,
        out=_RESULTS / "demonstrations",
        variations=tuple(f"{attribute}_{count}" for count in (1_000, 4_000, 16_000, 64_000) for attribute in ("none", "shape")),
    ),
    Recipe(
        study="feature_set",
        evaluate_every=900,
        out=_RESULTS / "feature_set",
        variations=("all", "reasoning", "full", "none", "shuffled"),
    ),
    Recipe(
        study="feature_set",
        evaluate_every=900,
        out=_RESULTS / "feature_set_parts",
        variations=("belief", "intention", "target", "late", "late_trial"),
    ),
    Recipe(study="feature_set", evaluate_every=900, out=_RESULTS / "feature_set_kinds", variations=("properties", "reward")),
    Recipe(
        study="feature_set",
        evaluate_every=900,
        env_kwargs={"observation": "pixels"},
        seeds=1,
        out=_RESULTS / "feature_set_pixels",
        variations=("all", "reasoning", "full", "none"),
    ),
    Recipe(study="hard_dimension", seeds=5, out=_RESULTS / "hard_dimension", variations=("all", "reasoning", "none")),
    Recipe(study="confounded", seeds=1, out=_RESULTS / "known_attribute", variations=("known_color", "known_texture", "known_shape")),
    Recipe(
        study="passive_and_active",
        out=_RESULTS / "passive_and_active",
        variations=("bc", "ppo", "bc_then_ppo", "bc_then_ppo_kl_1.0", "ppo_memoryless", "trial_bc", "trial_ppo"),
    ),
    Recipe(
        study="passive_and_active",
        preset="full",
        seeds=1,
        episodes=20_000,
        out=_RESULTS / "passive_and_active_full",
        variations=("ppo", "bc_then_ppo", "bc_then_ppo_kl_1.0"),
    ),
    Recipe(
        study="passive_and_active",
        env="CausalDAGCued-v0",
        seeds=1,
        out=_RESULTS / "passive_and_active_cued",
        variations=("bc", "ppo", "bc_then_ppo"),
    ),
    Recipe(
        study="active_odd_one_out",
        seeds=1,
        out=_RESULTS / "active_odd_one_out",
        variations=(
            "ppo_none",
            "ppo_full",
            "ppo_none_convolutional",
            "ppo_full_convolutional",
            "ppo_full_convolutional_weight_1",
            "bc_none",
            "bc_all",
        ),
    ),
    Recipe(
        study="active_confounded",
        seeds=1,
        out=_RESULTS / "active_confounded",
        variations=("ppo_none", "ppo_color", "ppo_texture", "ppo_shape", "ppo_shape_weight_1", "ppo_shape_shuffled", "bc_shape"),
    ),
    Recipe(
        study="active_intervention",
        seeds=1,
        out=_RESULTS / "active_intervention",
        variations=("ppo_none", "ppo_all", "bc_none", "bc_all"),
    ),
)
"""All runs that docs/results.md and docs/room_results.md report; ``python -m agents.ablate --published`` makes them."""

_PLANNED = _RESULTS / "planned"
_ROOMS: tuple[StudyName, ...] = ("feature_set", "hard_dimension")
_ROOMS_TO_COME: tuple[tuple[StudyName, str], ...] = (
    ("hard_dimension", "symbolic"),
    ("feature_set", "pixels"),
    ("hard_dimension", "pixels"),
)
_CAUSAL_DAGS: tuple[StudyName, ...] = ("explained_dag", "imperfect_teachers")

PLANNED: tuple[Recipe, ...] = (
    *(
        Recipe(
            study=name,
            env_kwargs={"observation": observation},
            out=_PLANNED / f"{name}_{observation}_all",
            variations=("all", "none", "full", "reasoning", "shuffled", "properties", "reward"),
        )
        for name, observation in _ROOMS_TO_COME
    ),
    *(Recipe(study=name, batches=5_400, out=_PLANNED / f"{name}_long", variations=("all",)) for name in _ROOMS),
    Recipe(study="confounded", out=_PLANNED / "confounded_all"),
    Recipe(study="demonstrations", out=_PLANNED / "demonstrations_all"),
    Recipe(env="CausalDAGCued-v0", out=_PLANNED / "architectures_cued"),
    *(
        Recipe(study=name, env=env_id, out=_PLANNED / f"{name}_all{suffix}")
        for name in _CAUSAL_DAGS
        for env_id, suffix in (("CausalDAG-v0", ""), ("CausalDAGCued-v0", "_cued"))
    ),
    Recipe(study="passive_and_active", env="CausalDAGCued-v0", out=_PLANNED / "passive_and_active_cued_all"),
    Recipe(study="active_odd_one_out", out=_PLANNED / "active_odd_one_out_all"),
    Recipe(study="active_confounded", out=_PLANNED / "active_confounded_all"),
    Recipe(study="active_intervention", out=_PLANNED / "active_intervention_all"),
    Recipe(study="imperfect_room_teachers", out=_PLANNED / "imperfect_room_teachers"),
)
"""Runs with five seeds that these pages do not report yet; ``python -m agents.ablate --planned`` makes them."""
