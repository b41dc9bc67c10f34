"""A person plays the episodes of a seed: keys come in, and what is to be shown comes out. A front end draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gym_causal.core.task import BatchedTask
from gym_causal.play.games import Game, game_of
from gym_causal.play.scores import PLAYER, Scores, reference_scores
from gym_causal.registry import canonical_id, make_task

HINT, NEXT = "?", "enter"
"""The keys that mean the same in every game. Others are parts of commands, see :meth:`~gym_causal.play.games.Game.commands`."""


@dataclass(frozen=True)
class Turn:
    """One action of the player."""

    action: int
    name: str  # what it does, in words
    reward: float
    explanation: str  # of what happened
    hinted: bool  # whether the player had asked for a hint in this state


class Session:
    """The episodes of a seed, as one person plays them.

    Args:
        env_id: a registered id.
        seed: >= 0; the k-th episode is that of the k-th ``reset`` after ``gym.make(...).reset(seed=seed)``.
        env_kwargs: arguments of the env.

    Attributes:
        episode: which one is played, from 0.
        message: what the last key led to.
        transcript: the player's actions in this episode.
        typed: the beginning of a command.

    Raises:
        ValueError: an unknown id, or an argument out of range.
        TypeError: an unknown argument.
    """

    def __init__(self, env_id: str, *, seed: int, **env_kwargs: Any) -> None:
        self.env_id, self.seed, self._env_kwargs = canonical_id(env_id), seed, env_kwargs
        self.game = self._make_game(**env_kwargs)
        # The expert's reasoning, in a second task that plays the same actions: so explanations of what happened do not give it away.
        has_reasoning = "reasoning" in self.game.task.explanations.modes
        self._adviser = self._make_game(**{**env_kwargs, "explain": "reasoning"}) if has_reasoning else None
        self.episode = -1
        self.begin_next()

    def _make_game(self, **env_kwargs: Any) -> Game:
        task: BatchedTask = make_task(self.env_id, 1, **env_kwargs)
        task.seed(self.seed)
        return game_of(task)

    def begin_next(self) -> None:
        """Begin the next episode."""
        self.episode += 1
        self.transcript: list[Turn] = []
        self.typed, self.message, self._hinted = "", "", False
        self._scores: Scores | None = None
        for game in self._games:
            game.begin(self.episode)

    @property
    def _games(self) -> list[Game]:
        return [self.game] if self._adviser is None else [self.game, self._adviser]

    @property
    def is_over(self) -> bool:
        return self.game.is_over

    @property
    def reward(self) -> float:
        """Of this episode so far."""
        return sum(turn.reward for turn in self.transcript)

    @property
    def heading(self) -> str:
        """What is played."""
        arguments = "".join(f", {key} {value}" for key, value in self._env_kwargs.items())
        return f"{self.env_id}{arguments}, seed {self.seed}, episode {self.episode + 1}"

    def controls(self) -> str:
        """Which keys there are now."""
        if self.is_over:
            return "Enter: next episode."
        return f"{self.game.controls()}\n{HINT}: hint, what the expert would do and why."

    # --- input -----------------------------------------------------------------------------------------------------------

    def press(self, key: str) -> bool:
        """Take a key: a character, "up", "down", "left", "right", :data:`HINT` or :data:`NEXT`; what means nothing is left out.

        Returns:
            Whether there is anything new to show.
        """
        if self.is_over:
            if key == NEXT:
                self.begin_next()
            return key == NEXT
        if key == HINT:
            self.message, self.typed, self._hinted = self.hint(), "", True
            return True
        commands, before = self.game.commands(), self.typed
        # What does not go on with a command may begin another one.
        self.typed = next((text for text in (self.typed + key.lower(), key.lower()) if _begins(text, commands)), "")
        if self.typed in commands:
            self.act(commands[self.typed])
            return True
        return self.typed != before

    def act(self, action: int) -> None:
        """Play an action. One that is not legal now is refused and costs nothing."""
        if self.is_over:
            return
        self.typed = ""
        name = self.game.name(action)
        if action not in self.game.legal_actions():
            self.message = f"Not possible now: {name}."
            return
        reward, *_ = [game.step(action) for game in self._games]
        explanation = self.game.explanation()
        self.transcript.append(Turn(action, name, reward, explanation, self._hinted))
        self._hinted = False
        said = [f"You: {name}." + (f" Reward {reward:+.2f}." if reward else "")]
        self.message = "\n".join(said if self.game.shows_explanation or not explanation else [*said, explanation])

    # --- output ----------------------------------------------------------------------------------------------------------

    def hint(self) -> str:
        """The expert's next action, and its reasoning; not once the episode is over."""
        try:
            action = int(self.game.task.expert_actions()[0])
        except NotImplementedError as error:
            return str(error)
        reasoning = "" if self._adviser is None else self._adviser.explanation()
        return f"Expert: {self.game.name(action)}." + (f" Its reasoning: {reasoning}" if reasoning else "")

    def scores(self) -> Scores:
        """The rewards of this episode, once it is over: the player's beside those of others, who play it now. Takes seconds at first.

        Raises:
            ValueError: it is not over.
        """
        if not self.is_over:
            raise ValueError("scores: the episode is not over")
        if self._scores is None:
            others = reference_scores(self.env_id, self.seed, self.episode, **self._env_kwargs)
            hints = sum(turn.hinted for turn in self.transcript)
            asked = f"You asked for {hints} hint{'s' if hints > 1 else ''}."
            notes = (asked, *others.notes) if hints else others.notes
            self._scores = Scores({PLAYER: self.reward, **others.rewards}, notes)
        return self._scores


def _begins(typed: str, commands: dict[str, int]) -> bool:
    return bool(typed) and any(command.startswith(typed) for command in commands)
