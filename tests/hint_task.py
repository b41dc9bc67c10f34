"""The smallest task of one's own: in each of two steps a hint names the action that pays 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from gym_causal import TaskSpec
from gym_causal.core.explanations import ExplanationSpec
from gym_causal.core.task import BatchedTask

STEPS, ACTIONS = 2, 3


@dataclass(frozen=True)
class HintConfig:
    split: str = "train"
    explain: str = "full"
    expert_info: bool = False
    prize: float = 1.0


@dataclass(frozen=True)
class Hints:
    hints: np.ndarray  # (E, STEPS) int


class HintTask(BatchedTask):
    explanations = ExplanationSpec({"none": (), "full": ("hint",)}, ("", "zero", "one", "two"), num_tokens=1, version=3)

    def __init__(self, config: HintConfig, num_envs: int) -> None:
        super().__init__(num_envs)
        self.config = config
        self.observation_space = spaces.Dict({"hint": spaces.Discrete(ACTIONS), "step": spaces.Discrete(STEPS + 1)})
        self.action_space = spaces.Discrete(ACTIONS)
        self.hints = np.zeros((num_envs, STEPS + 1), int)
        self.played = np.zeros(num_envs, int)

    def draw_block(self, rng: np.random.Generator, count: int) -> Hints:
        return Hints(rng.integers(ACTIONS, size=(count, STEPS)))

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        self.hints[rows, :STEPS] = self.stream.take(episodes).hints
        self.played[rows] = 0

    def hint(self) -> np.ndarray:
        return self.hints[np.arange(self.num_envs), self.played]

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rewards = self.config.prize * (actions == self.hint())
        self.played += 1
        return rewards, self.played == STEPS, np.zeros(self.num_envs, bool)

    def observations(self) -> dict[str, np.ndarray]:
        return {"hint": self.hint(), "step": self.played.copy()}

    def infos(self, *, text: bool) -> dict[str, Any]:
        explanation: dict[str, Any] = {"kind": np.full(self.num_envs, "none" if self.config.explain == "none" else "hint")}
        if self.config.explain == "full":
            explanation["tokens"] = (1 + self.hint())[:, None].astype(np.int16)
            if text:
                explanation["text"] = np.array(self.explanations.vocabulary, object)[1 + self.hint()]
        return {"explanation": explanation}

    def expert_actions(self) -> np.ndarray:
        return self.hint()

    def action_masks(self) -> np.ndarray:
        masks = np.ones((self.num_envs, ACTIONS), bool)
        masks[:, 0] = False
        return masks


BY_NAME = TaskSpec(env_id="tests/Hint-v0", task="tests.hint_task:HintTask", config="tests.hint_task:HintConfig")
BY_CLASS = TaskSpec(env_id="tests/HintByClass-v0", task=HintTask, config=HintConfig)
