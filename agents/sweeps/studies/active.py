"""Studies of passive and active learners: agents that watch an expert, agents that act, and agents that act after they have watched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agents.config import ARCHITECTURES, ArchitectureConfig
from agents.sweeps.studies.causal_dag import causal_dag_study
from agents.sweeps.studies.rooms import ATTRIBUTES, CONVOLUTIONAL, confounded_study, intervention_study, odd_one_out_study
from agents.sweeps.study import Variation

PASSIVE_AND_ACTIVE_STUDY = causal_dag_study(
    Variation(name="bc", description="Watches: behavioral cloning of the expert."),
    Variation(name="ppo", description="Acts: learns from reward with PPO.", algorithm="ppo"),
    Variation(name="bc_then_ppo", description="Watches, then acts.", algorithm="ppo", watches_first=True),
    *(
        Variation(
            name=f"bc_then_ppo_kl_{weight}",
            description=f"Watches, then acts; the KL divergence from the agent that watched has a weight of {weight}.",
            algorithm="ppo",
            ppo={"kl_coef": weight},
            watches_first=True,
        )
        for weight in (0.1, 1.0, 10.0)
    ),
    Variation(
        name="ppo_memoryless",
        description="Acts without memory: it sees the present trial only, and with it the outcome of the last intervention.",
        architecture=replace(ARCHITECTURES["variable"], context=1),
        algorithm="ppo",
    ),
    Variation(name="trial_bc", description="Watches, with one token a trial.", architecture=ARCHITECTURES["trial"]),
    Variation(name="trial_ppo", description="Acts, with one token a trial.", architecture=ARCHITECTURES["trial"], algorithm="ppo"),
)

_SYMBOLS = {"observation": "symbolic"}
_SMALL_CONVOLUTIONAL = replace(CONVOLUTIONAL, width=32)  # one of 64 plays and learns at a quarter of the object network's rate


def _in_rooms(
    name: str,
    description: str,
    *,
    architecture: ArchitectureConfig | None = None,
    env_kwargs: dict[str, Any] | None = None,
    watches: bool = False,
    **training: Any,
) -> Variation:
    """An agent in a room that it observes as symbols; by default it acts and does not watch."""
    return Variation(
        name=name,
        description=description,
        architecture=architecture,
        algorithm="bc" if watches else "ppo",
        env_kwargs={**_SYMBOLS, **(env_kwargs or {})},
        training=training,
    )


def _kinds_of_explanations() -> tuple[Variation, ...]:
    """Agents that act and predict explanations of different kinds; beside them those that watch, and that watch first."""
    kinds = (
        ("properties", "properties only"),
        ("reward", "reasons of rewards only"),
        ("full", "properties of objects nearby and reasons of rewards"),
        ("reasoning", "the reasoning of an expert in its place only"),
        ("all", "properties, reasons of rewards and reasoning"),
    )
    return (
        _in_rooms("ppo_none", "Acts, without explanations."),
        *(_in_rooms(f"ppo_{kind}", f"Acts and predicts {what}.", explanations=kind) for kind, what in kinds),
        _in_rooms("ppo_shuffled", "Acts and predicts all of these, but of other rooms.", explanations="all", shuffled_explanations=True),
        _in_rooms("ppo_none_convolutional", "Acts, without explanations, with a convolutional network.", architecture=_SMALL_CONVOLUTIONAL),
        _in_rooms(
            "ppo_full_convolutional",
            "Acts and predicts properties and reasons of rewards, with a convolutional network.",
            architecture=_SMALL_CONVOLUTIONAL,
            explanations="full",
        ),
        _in_rooms(
            "ppo_full_convolutional_weight_1",
            "The same, and the loss of explanations has a weight of 1.",
            architecture=_SMALL_CONVOLUTIONAL,
            explanations="full",
            explanation_weight=1.0,
        ),
        _in_rooms("bc_none", "Watches, without explanations.", watches=True),
        _in_rooms("bc_all", "Watches and predicts all explanations.", watches=True, explanations="all"),
        replace(_in_rooms("bc_then_ppo", "Watches, then acts; predicts all explanations.", explanations="all"), watches_first=True),
    )


def _attributes_of_explanations() -> tuple[Variation, ...]:
    """Agents that act where several attributes are odd at once, and predict explanations of one of them."""
    return (
        _in_rooms("ppo_none", "Acts, without explanations.", env_kwargs={"explained_attribute": None}),
        *(
            _in_rooms(
                f"ppo_{each}", f"Acts and predicts explanations of {each}.", env_kwargs={"explained_attribute": each}, explanations="full"
            )
            for each in ATTRIBUTES
        ),
        _in_rooms(
            "ppo_shape_weight_1",
            "Acts and predicts explanations of shape; their loss has a weight of 1.",
            env_kwargs={"explained_attribute": "shape"},
            explanations="full",
            explanation_weight=1.0,
        ),
        _in_rooms(
            "ppo_shape_shuffled",
            "Acts and predicts explanations of shape that belong to other rooms.",
            env_kwargs={"explained_attribute": "shape"},
            explanations="full",
            shuffled_explanations=True,
        ),
        *(
            _in_rooms(
                f"bc_{each}",
                f"Watches and predicts explanations of {each}.",
                env_kwargs={"explained_attribute": each},
                watches=True,
                explanations="full",
            )
            for each in ATTRIBUTES
        ),
    )


ACTIVE_ODD_ONE_OUT_STUDY = odd_one_out_study(*_kinds_of_explanations())
ACTIVE_CONFOUNDED_STUDY = confounded_study(*_attributes_of_explanations())
ACTIVE_INTERVENTION_STUDY = intervention_study(*_kinds_of_explanations())
