"""A task of one row as a person plays it: what is shown of it, and what is typed for each action."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gym_causal.causal_dag import keys as causal_dag_keys
from gym_causal.causal_dag.actions import action_value, action_variable
from gym_causal.causal_dag.rendering import render
from gym_causal.causal_dag.snapshot import signed
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.core.task import BatchedTask
from gym_causal.core.text import TextTask
from gym_causal.odd_one_out import keys as room_keys
from gym_causal.odd_one_out.features import NUM_MOVES
from gym_causal.odd_one_out.task import RoomTask

_ROW = np.zeros(1, int)


class Game:
    """Any task: actions are typed as numbers, and shown as the task itself shows them.

    Args:
        task: of one row, seeded.

    Attributes:
        has_picture: whether :meth:`picture` shows it, for a window.
        shows_explanation: whether what is shown includes the explanation of the last step.
    """

    has_picture = False
    shows_explanation = False

    def __init__(self, task: BatchedTask) -> None:
        self.task: Any = task
        self.is_over = False

    def begin(self, episode: int) -> None:
        """Begin an episode of the seed."""
        self.task.begin(_ROW, np.array([episode]))
        self.is_over = False

    def step(self, action: int) -> float:
        """Play an action; returns its reward."""
        rewards, terminated, truncated = self.task.step(np.array([action]))
        self.is_over = bool(terminated[0] | truncated[0])
        return float(rewards[0])

    def explanation(self) -> str:
        """The explanation of the present state; "" if there is none."""
        return str(self.task.infos(text=True).get("explanation", {}).get("text", [""])[0])

    def legal_actions(self) -> list[int]:
        return np.flatnonzero(self.task.action_masks()[0]).tolist()

    def commands(self) -> dict[str, int]:
        """What is typed -> the action, in lower case. No command begins with another one. Illegal actions may be among them."""
        legal = self.legal_actions()
        width = len(str(len(legal)))
        return {f"{number:0{width}d}": action for number, action in enumerate(legal, 1)}

    def name(self, action: int) -> str:
        """What an action does, in words: "set D to +5"."""
        return f"take action {action}"

    def controls(self) -> str:
        """What can be typed now."""
        return "\n".join(f"{typed}  {self.name(action)}" for typed, action in self.commands().items())

    def text(self) -> str:
        """The present state, for a terminal."""
        return str(self.task.render(0, "ansi")).rstrip("\n")

    def picture(self) -> np.ndarray:
        """The present state, (H, W, 3) uint8, for a window."""
        return self.task.render(0, "rgb_array")

    def buttons(self) -> list[list[int]]:
        """Rows of actions that a window has buttons for."""
        return []


class RoomGame(Game):
    """A room with objects: keys move the agent."""

    has_picture = shows_explanation = True

    def commands(self) -> dict[str, int]:
        return room_keys.commands(self.task.config.num_actions)

    def name(self, action: int) -> str:
        return room_keys.ACTION_NAMES[action]

    def controls(self) -> str:
        if not self.task.rooms.acting[0]:
            return "An object was touched: any arrow key goes on."
        moves = "Move: arrow keys, or 7 8 9 / 4 6 / 1 2 3 as they lie on a number pad (9 is northeast). Stepping onto an object touches it."
        changes = [f"{typed}: {self.name(action)}" for typed, action in self.commands().items() if action >= NUM_MOVES]
        return "\n".join([moves, ", ".join(changes)] if changes else [moves])


class CausalDAGGame(Game):
    """A causal DAG: a variable and a sign are typed. The graph is shown once the episode is over."""

    has_picture = shows_explanation = True

    def commands(self) -> dict[str, int]:
        return causal_dag_keys.commands(self.task.config.num_variables)

    def name(self, action: int) -> str:
        config, actions = self.task.config, np.array([action])
        variable = action_variable(actions, config.num_variables)[0]
        value = action_value(actions, config.num_variables, config.intervention_value)[0]
        return f"set {config.names[variable]} to {value:+g}"

    def controls(self) -> str:
        size = f"{self.task.config.intervention_value:g}"
        return f"Type a variable and a sign: a+ sets A to +{size}, a- sets A to -{size}."

    def text(self) -> str:
        return f"{super().text()}\n\n{self._graph()}" if self.is_over else super().text()

    def _graph(self) -> str:
        snapshot = self.task.snapshot(0)
        links = [
            f"{snapshot.names[cause]} -> {snapshot.names[effect]} ({signed(snapshot.weights[cause, effect])})"
            for cause, effect in np.argwhere(snapshot.weights)
        ]
        return f"The graph was: {', '.join(links) or 'no links'}."

    def picture(self) -> np.ndarray:
        snapshot = self.task.snapshot(0)
        hidden = snapshot if self.is_over else dataclasses.replace(snapshot, weights=np.zeros_like(snapshot.weights))
        return render(hidden, "rgb_array")

    def buttons(self) -> list[list[int]]:
        num_variables = self.task.config.num_variables
        return [list(range(num_variables)), list(range(num_variables, 2 * num_variables))]


class TextGame(Game):
    """A game in words: the legal sentences are numbered."""

    task: TextTask

    def begin(self, episode: int) -> None:
        super().begin(episode)
        self._text = self._new_text()

    def step(self, action: int) -> float:
        reward = super().step(action)
        self._text += self.task.sentences[action] + self._new_text()
        return reward

    def _new_text(self) -> str:
        return str(self.task.outcome_texts()[0] + self.task.prompt_texts()[0])

    def name(self, action: int) -> str:
        return self.task.sentences[action]

    def controls(self) -> str:
        return "Type a number:\n" + super().controls()

    def text(self) -> str:
        return self._text.rstrip("\n")


def game_of(task: BatchedTask) -> Game:
    """The game of a task of one row."""
    games = {TextTask: TextGame, RoomTask: RoomGame, CausalDAGTask: CausalDAGGame}  # CausalDAG-v0 in words is both: words come first
    return next((game for kind, game in games.items() if isinstance(task, kind)), Game)(task)
