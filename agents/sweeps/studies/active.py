"""Studies of passive and active learners: agents that watch an expert, agents that act, and agents that act after they have watched."""

from __future__ import annotations

from agents.config import ARCHITECTURES
from agents.sweeps.studies.causal_dag import causal_dag_study
from agents.sweeps.study import Variation

PASSIVE_AND_ACTIVE_STUDY = causal_dag_study(
    Variation(name="bc", description="Watches: behavioral cloning of the expert."),
    Variation(name="ppo", description="Acts: learns from reward with PPO.", algorithm="ppo"),
    Variation(name="bc_then_ppo", description="Watches, then acts.", algorithm="ppo", watches_first=True),
    Variation(name="trial_bc", description="Watches, with one token a trial.", architecture=ARCHITECTURES["trial"]),
    Variation(name="trial_ppo", description="Acts, with one token a trial.", architecture=ARCHITECTURES["trial"], algorithm="ppo"),
)
