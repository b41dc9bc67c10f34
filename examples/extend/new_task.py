"""Register a variant of CausalDAG-v0 with its own explanation: the sign of an experiment's effect on each variable.

    python examples/extend/new_task.py [UPDATES]

Files touched beside this one: none. Code that uses the task must import this module, as it imports ``gym_causal``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import gym_causal
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.core.explanations import ExplanationSpec

ENV_ID = "CausalDAGSigns-v0"
WORDS = ("", "set", "lowered", "unchanged", "raised")  # token id -> word; 0 is padding
SET, UNCHANGED = WORDS.index("set"), WORDS.index("unchanged")


@dataclass(frozen=True, kw_only=True)
class SignsConfig(CausalDAGConfig):
    """Arguments of ``CausalDAGSigns-v0``: those of ``CausalDAG-v0`` and one more.

    Args:
        min_change: > 0; an effect of less than this counts as none.
    """

    explain: str = "properties"
    min_change: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.explain not in ("none", "properties"):
            raise ValueError(f"explain must be none or properties, got {self.explain!r}")
        if self.min_change <= 0:
            raise ValueError(f"min_change must be > 0, got {self.min_change!r}")


class SignsTask(CausalDAGTask):
    """``CausalDAG-v0`` whose explanation of an experiment is one token for each variable."""

    config: SignsConfig

    def __init__(self, config: SignsConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        self.explanations = ExplanationSpec(
            modes={"none": (), "properties": ("properties",)}, vocabulary=WORDS, num_tokens=config.num_variables
        )

    def infos(self, *, text: bool) -> dict[str, Any]:
        """Those of ``CausalDAG-v0``, with another explanation."""
        infos = super().infos(text=text)
        facts = infos["explanation"]
        if self.config.explain == "none":
            return infos
        effects, do_target = facts["effects"], facts["do_target"]  # (B, N) counterfactual, (B,) -1 where nothing was set
        changed = np.abs(effects) >= self.config.min_change
        tokens = (UNCHANGED + np.sign(effects) * changed).astype(np.int16)
        tokens[np.arange(self.num_envs), do_target] = SET
        tokens[do_target < 0] = 0
        infos["explanation"] = {"kind": facts["kind"], "do_target": do_target, "tokens": tokens}
        if text:
            infos["explanation"]["text"] = np.array([self.describe(row) for row in tokens], object)
        return infos

    def explanation_groups(self, tokens: np.ndarray) -> dict[str, tuple[np.ndarray, slice]]:
        """The groups of tokens that ``explanation_accuracy`` scores together: all of them."""
        return {"effects": (tokens.any(axis=1), slice(None))}

    def describe(self, tokens: np.ndarray) -> str:
        """The text of one explanation, (N,) token ids."""
        return ", ".join(f"{name} {WORDS[token]}" for name, token in zip(self.config.names, tokens, strict=True) if token)


gym_causal.register_task(
    gym_causal.TaskSpec(
        env_id=ENV_ID,
        task=SignsTask,
        config=SignsConfig,
        splits=("train", "eval_target", "eval_path"),
        metrics=("normalized_reward", "optimal_action_rate"),
        networks=("variable", "trial"),
    )
)


def main(updates: int) -> None:
    from agents.algorithms.behavioral_cloning import train  # noqa: PLC0415 - the environment itself needs no torch
    from agents.analysis.explanation_accuracy import explanation_accuracy  # noqa: PLC0415
    from agents.config import AgentConfig, TrainingConfig  # noqa: PLC0415

    env = gym.make(ENV_ID, split="eval_target")
    env.reset(seed=0)
    for _ in range(5):
        _, _, _, _, info = env.step(env.unwrapped.expert_action())
        print(info["explanation"]["text"])
    print("expert", gym_causal.evaluate("expert", ENV_ID, split="eval_path", num_episodes=200, seed=0).normalized_reward)

    training = TrainingConfig(num_batches=updates, batch_size=64, explanations="properties", validation_episodes=64, evaluation_episodes=64)
    agent = train(AgentConfig(env_id=ENV_ID, training=training), Path("results/signs_agent"), resume=True)
    print("agent ", gym_causal.evaluate(agent, ENV_ID, split="eval_path", num_episodes=200, seed=0).normalized_reward)
    accuracy = explanation_accuracy(agent.policy, ENV_ID, split="eval_path", explanations="properties", num_episodes=100)
    print("explanations predicted right", accuracy.explained_effects)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
