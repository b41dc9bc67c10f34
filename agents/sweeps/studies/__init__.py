"""The studies: what is compared with what, as data."""

from __future__ import annotations

from agents.sweeps.studies import active, causal_dag, rooms, teachers
from agents.sweeps.study import Study

STUDIES: dict[str, Study] = {
    "architectures": causal_dag.ARCHITECTURES_STUDY,
    "trial": causal_dag.TRIAL_STUDY,
    "confounded": rooms.CONFOUNDED_STUDY,
    "demonstrations": rooms.DEMONSTRATIONS_STUDY,
    "feature_set": rooms.generalization_study("feature_set"),
    "hard_dimension": rooms.generalization_study("hard_dimension"),
    "explained_dag": causal_dag.EXPLAINED_DAG_STUDY,
    "imperfect_teachers": teachers.IMPERFECT_TEACHERS_STUDY,
    "imperfect_room_teachers": teachers.IMPERFECT_ROOM_TEACHERS_STUDY,
    "passive_and_active": active.PASSIVE_AND_ACTIVE_STUDY,
    "active_odd_one_out": active.ACTIVE_ODD_ONE_OUT_STUDY,
    "active_confounded": active.ACTIVE_CONFOUNDED_STUDY,
    "active_intervention": active.ACTIVE_INTERVENTION_STUDY,
}
"""All studies, by name."""


def study(name: str) -> Study:
    """A study by name. ValueError for an unknown name."""
    if name not in STUDIES:
        raise ValueError(f"study must be one of {', '.join(STUDIES)}, got {name!r}")
    return STUDIES[name]
