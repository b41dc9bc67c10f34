"""The odd-one-out tasks: what the three have in common. ``variants.py`` has what differs."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask, Infos, Observations
from gym_causal.odd_one_out import explanations, reasoning, rendering
from gym_causal.odd_one_out.config import RoomConfig
from gym_causal.odd_one_out.episode_store import EpisodeStore
from gym_causal.odd_one_out.expert import Expert
from gym_causal.odd_one_out.explanation_modes import explanation_spec, reasoning_part, statement_kinds
from gym_causal.odd_one_out.explanation_table import TOUCH, ExplanationTable
from gym_causal.odd_one_out.explanation_text import describe_tokens
from gym_causal.odd_one_out.features import ATTRIBUTES, NUM_MOVES, first_adjacent, nearest_slot
from gym_causal.odd_one_out.generators import NUM_ATTRIBUTES
from gym_causal.odd_one_out.plans import Plan, experiment_plan, plans_where, still_possible, touch_plan
from gym_causal.odd_one_out.reasoning import Choice, Intention, Reason
from gym_causal.odd_one_out.rooms import Rooms, Touch
from gym_causal.odd_one_out.views import VIEWS

Scores = dict[str, tuple[np.ndarray, np.ndarray]]  # metric -> (numerator, denominator), (B,) each

# info["choice"] by 1 + odd_attribute_mask: the attribute in which the touched object is odd.
_CHOICES = np.array(
    ["", *("several" if mask.bit_count() > 1 else ("none", *ATTRIBUTES)[mask.bit_length()] for mask in range(1 << NUM_ATTRIBUTES))]
)


class RoomTask(BatchedTask):
    """A room with four objects, in ``num_envs`` rows: the agent walks, transforms objects and touches one.

    A subclass draws the episodes (:meth:`draw_block`), plans for the expert (:meth:`plan`), chooses which attribute a reward explanation is
    about (:meth:`explained_attribute`) and adds metrics (:meth:`variant_scores`).
    """

    metadata: ClassVar[dict[str, Any]] = {**BatchedTask.metadata, "render_fps": 4}
    explanations_name_rewarded_attribute: ClassVar[bool] = False
    """Whether a reward explanation in words also names the rewarded attribute."""
    config: RoomConfig

    def __init__(self, config: RoomConfig, num_envs: int) -> None:
        super().__init__(num_envs)
        self.config = config
        self.explanations = explanation_spec(config.explain)
        self._view = VIEWS[config.observation]()
        self.observation_space = spaces.Dict(
            {
                "view": self._view.space,
                "may_transform": spaces.Discrete(2),
                "touched": spaces.Discrete(2),
                "trial": spaces.Discrete(config.trials + 1),
                # Without it no experiment would tell an agent anything: a policy is called with observations and nothing else.
                "last_reward": spaces.Box(0.0, max(config.trial_rewards), (1,), np.float32),
            }
        )
        self.action_space = spaces.Discrete(config.num_actions)
        self._trial_rewards = np.array(config.trial_rewards)
        self._row = np.arange(num_envs)
        self._store: EpisodeStore | None = None
        self._has_begun = False
        self._episode = np.zeros(num_envs, int)  # (B,) the number of the episode
        self.rooms = Rooms(config, num_envs)
        self._appearance = self._view.appearance(self.rooms.features)  # (4, B)
        self._explanation_table = ExplanationTable(
            config.explain,
            config.named_attributes,
            num_envs,
            names_rewarded_attribute=self.explanations_name_rewarded_attribute,
        )
        self.expert = Expert(self.rooms, self.plan, oracle=config.expert_is_oracle, sight=config.expert_sight)
        self.oracle = Expert(self.rooms, self.plan, oracle=True, sight=config.expert_sight)
        self._has_stale_reasoning = np.ones(num_envs, bool)  # (B,) rows whose reasoning is not written yet
        self._expert_has_followed = np.ones(num_envs, bool)  # (B,) whether it knew the rooms of all touches so far
        self._possible = np.tile(config.candidates, (num_envs, 1))  # (B, 4) attributes that may be rewarded, given the touches so far
        self._was_rewarded = np.zeros(num_envs, bool)  # (B,) whether one of these touches was
        self._reward_so_far = np.zeros(num_envs)  # (B,)
        self._last_reward = np.zeros((num_envs, 1), np.float32)
        # The last step, for its scores.
        self._step_trial = self.rooms.trial.copy()
        self._step_rewards = np.zeros(num_envs)
        self._step_touched = self._step_timed_out = np.zeros(num_envs, bool)

    # --- what a subclass defines -----------------------------------------------------------------------------------------

    @abstractmethod
    def choose(self, rows: np.ndarray, *, oracle: bool) -> Choice:
        """What the expert does in (n,) rows whose four objects are all known; ``oracle``: an expert that knows the rewarded attribute."""

    @abstractmethod
    def explained_attribute(self, touch: Touch) -> np.ndarray:
        """(n,) int; the attribute that reward explanations of n touches are about, -1: all attributes that explanations name."""

    def possible_attributes(self, rows: np.ndarray) -> np.ndarray:
        """(4 attributes, n) bool; those that may be rewarded, given what the expert knows of (n,) rows."""
        return self._possible[rows].T

    def touch_facts(self, touch: Touch) -> np.ndarray:
        """(9, n) int8 facts of the explanations of n touches."""
        named, kind = self.config.named_attributes, self._explanation_table.touch_kind
        if kind == explanations.NONE:
            return explanations.no_facts(len(touch.rows))
        if kind == explanations.OUTCOME:
            return explanations.outcome_facts(touch.objects, touch.unique, touch.correct, named)
        features, attribute = self.rooms.features[:, touch.objects, touch.rows], self.explained_attribute(touch)
        return explanations.reward_facts(features, touch.objects, touch.unique, touch.correct, attribute, named)

    def variant_scores(self) -> Scores:
        """Metrics of this task only; see :meth:`step_scores`."""
        return {}

    # --- episodes --------------------------------------------------------------------------------------------------------

    @property
    def block_size(self) -> int:
        return 512

    @property
    def max_episode_steps(self) -> int:
        return self.config.trials * (self.config.max_trial_steps + self.config.feedback_steps)

    def seed(self, seed: int, domain: SeedDomain = SeedDomain.INTERACTION) -> None:
        super().seed(seed, domain)
        assert self._stream is not None
        self._store = EpisodeStore(self._stream, self.block_size)
        self._episode[:] = 0

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        """See the base class. ``options`` may hold ``episodes``: records of :func:`~gym_causal.odd_one_out.generators.episode_dtype`."""
        if self._store is None:
            raise ResetNeeded("begin: there are no episodes yet; call seed first")
        given = self._given_episodes(options, len(rows)) if options else None
        self._episode[rows] = episodes
        self.rooms.begin_episodes(rows, self._store.take(episodes, oldest=int(self._episode.min())) if given is None else given)
        self._reward_so_far[rows] = 0
        self._last_reward[rows] = 0
        self._possible[rows] = self.config.candidates
        self._was_rewarded[rows] = False
        self._expert_has_followed[rows] = True
        self._begin_trial(rows)
        self._has_begun = True

    def _given_episodes(self, options: dict[str, Any], count: int) -> np.ndarray:
        if set(options) != {"episodes"}:
            raise ValueError(f"options may hold episodes, got {sorted(map(str, options))}")
        given = np.atleast_1d(options["episodes"])
        if given.dtype != self.rooms.draws.dtype or given.shape not in ((1,), (count,)):
            accepted = f"1 or {count} records of episode_dtype({self.config.trials})"
            raise ValueError(f"options: episodes must be {accepted}, got {given.dtype} of shape {given.shape}")
        return given

    def _begin_trial(self, rows: np.ndarray) -> None:
        self._has_stale_reasoning[rows] = True
        self._update_features(rows)
        self.expert.begin_trial(rows)
        self.oracle.begin_trial(rows)

    def _update_features(self, rows: np.ndarray) -> None:
        """The features of objects in (n,) rows have changed."""
        features = self.rooms.features[:, :, rows]
        self._appearance[:, rows] = self._view.appearance(features)
        self._explanation_table.set_properties(rows, features)

    def _learn(self, touch: Touch) -> None:
        """What touches show about the rewarded attribute."""
        rows = touch.rows
        self._possible[rows] = still_possible(self._possible[rows], touch.unique.T, touch.correct)
        self._was_rewarded[rows] |= touch.correct
        self._expert_has_followed[rows] &= self.expert.knows_room(rows)
        self._has_stale_reasoning[rows] = True

    def _reasoning_facts(self, rows: np.ndarray) -> np.ndarray:
        """(10, n) facts of the expert's reasoning in (n,) rows.

        There is none after the end of an episode, nor once someone has touched an object before the expert had seen the whole room: what
        the touch shows then depends on what it has not seen.
        """
        facts = reasoning.no_facts(len(rows))
        given = np.flatnonzero((self.rooms.trial[rows] < self.config.trials) & self._expert_has_followed[rows])
        rows, rooms = rows[given], self.rooms
        belief = reasoning.belief_facts(self.possible_attributes(rows), self.config.considered)
        facts[: len(ATTRIBUTES), given] = belief
        acting, ready = rooms.acting[rows], self.expert.has_seen_enough(rows)
        looking = np.flatnonzero(acting & ~ready)
        facts[reasoning.INTENTION, given[looking]] = Intention.LOOK_AROUND
        knows = self.expert.knows_room(rows[looking])
        facts[reasoning.REASON, given[looking]] = np.where(knows, Reason.OBJECT_CHANGED, Reason.NOT_ALL_SEEN)
        choosing = np.flatnonzero(acting & ready)
        some = rows[choosing]
        facts[reasoning.INTENTION :, given[choosing]] = reasoning.intention_facts(
            self.choose(some, oracle=False),
            belief[:, choosing],
            self._was_rewarded[some],
            rooms.features[:, :, some],
            rooms.patterns[:, some],
        )
        return facts

    def _require_begun(self, caller: str) -> None:
        if not self._has_begun:
            raise ResetNeeded(f"{caller}: no episode has begun; call reset first")

    # --- playing ---------------------------------------------------------------------------------------------------------

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._require_begun("step")
        self._step_trial = self.rooms.trial.copy()
        transformed, touch, finished, timed_out = self.rooms.act(actions)
        if transformed.size:
            self._update_features(transformed)
        self._has_stale_reasoning[transformed] = True
        self._has_stale_reasoning[self.expert.update(transformed)] = True
        self.oracle.update(transformed)
        rewards, touched = np.zeros(self.num_envs), np.zeros(self.num_envs, bool)
        if touch is not None:
            touched[touch.rows] = True
            rewards[touch.rows] = touch.correct * self._trial_rewards[self._step_trial[touch.rows]]
            self._explanation_table.set_touch(touch.rows, self.touch_facts(touch))
            self._learn(touch)
        self._reward_so_far += rewards
        self._last_reward[:, 0] = rewards
        self._step_rewards, self._step_touched, self._step_timed_out = rewards, touched, timed_out
        terminated, truncated = np.zeros(self.num_envs, bool), np.zeros(self.num_envs, bool)
        if finished.any():
            ended, begun = self.rooms.next_trials(np.flatnonzero(finished))
            self._has_stale_reasoning[ended] = True
            truncated[ended] = timed_out[ended]
            terminated[ended] = ~timed_out[ended]
            if begun.size:
                self._begin_trial(begun)
        return rewards, terminated, truncated

    # --- observations, infos ---------------------------------------------------------------------------------------------

    def observations(self) -> Observations:
        return self._observations(slice(None))

    def observations_of(self, rows: np.ndarray) -> Observations:
        return self._observations(rows)

    def _observations(self, rows: slice | np.ndarray) -> Observations:
        self._require_begun("observations")
        rooms = self.rooms
        return {
            "view": self._view.draw(rooms.agent[rows], rooms.cells[:, rows], self._appearance[:, rows]),
            "may_transform": (rooms.transforms[rows] > 0).astype(np.int64),
            "touched": (rooms.touched[rows] >= 0).astype(np.int64),
            "trial": rooms.trial[rows].copy(),
            "last_reward": self._last_reward[rows].copy(),
        }

    def explanation_groups(self, tokens: np.ndarray) -> dict[str, tuple[np.ndarray, slice]]:
        mode = self.config.explain
        groups: dict[str, tuple[np.ndarray, slice]] = {}
        if statement_kinds(mode):
            groups |= explanations.token_groups(tokens[:, : explanations.NUM_TOKENS])
        if reasoning_part(mode) is not None:
            groups |= reasoning.token_groups(tokens, self.explanations.starts[-1])
        return groups

    def describe_tokens(self, tokens: np.ndarray) -> list[str]:
        names = self.explanations_name_rewarded_attribute
        return [describe_tokens(row, self.config.explain, names_rewarded_attribute=names) for row in tokens]

    def has_effect(self, observations: Observations) -> np.ndarray:
        """(...) bool; False in feedback steps, in which actions have no effect."""
        return np.asarray(observations["touched"]) == 0

    def infos(self, *, text: bool) -> Infos:
        """See docs/odd_one_out.md for every key."""
        self._require_begun("infos")
        rooms = self.rooms
        infos: Infos = {
            "explanation": self._explanation(slice(None), text=text),
            "choice": _CHOICES.take(1 + rooms.odd_attribute_mask),
            "touched_object": rooms.touched.copy(),
            "rewarded_attribute": rooms.draws["rewarded"].copy(),
        }
        if self.config.expert_info:
            infos["expert_action"] = np.where(rooms.acting, self.expert_actions(), -1)
        return infos

    def _explanation(self, rows: slice | np.ndarray, *, text: bool) -> dict[str, Any]:
        if self._explanation_table.has_reasoning:
            stale = np.flatnonzero(self._has_stale_reasoning)
            self._explanation_table.set_reasoning(stale, self._reasoning_facts(stale))
            self._has_stale_reasoning[stale] = False
        slots = np.where(self.rooms.odd_attribute_mask[rows] >= 0, TOUCH, nearest_slot(self.rooms.nearness(rows)))
        return self._explanation_table.explanation(self._row[rows], slots, text=text)

    def action_masks(self) -> np.ndarray:
        self._require_begun("action_masks")
        masks = np.ones((self.num_envs, self.config.num_actions), bool)
        if self.config.num_actions > NUM_MOVES:
            _, is_near = first_adjacent(self.rooms.nearness(slice(None)))
            masks[:, NUM_MOVES:] = (is_near & (self.rooms.transforms > 0) & self.rooms.acting)[:, None]
        return masks

    # --- the expert, evaluation, pictures --------------------------------------------------------------------------------

    def plan(self, rows: np.ndarray, *, oracle: bool) -> Plan:
        """Shortest paths to what the expert does in (n,) rows whose four objects are all known."""
        choice, rooms = self.choose(rows, oracle=oracle), self.rooms

        def experiment(chosen: np.ndarray) -> Plan:
            attribute = choice.attribute[chosen]
            return experiment_plan(rooms.cells[:, rows[chosen]].T, rooms.patterns[attribute, rows[chosen]], attribute)

        def touch(chosen: np.ndarray) -> Plan:
            return touch_plan(rooms.cells[:, rows[chosen]].T, choice.targets[chosen])

        return plans_where(choice.transforms, np.arange(len(rows)), experiment, touch)

    def expert_actions(self) -> np.ndarray:
        """See the base class. In feedback steps, where actions have no effect, and after the end it is 0."""
        self._require_begun("expert_actions")
        return self.expert.actions()

    def oracle_actions(self) -> np.ndarray:
        """(B,) int; the actions of an expert that is told which attribute is rewarded, and makes no mistakes."""
        self._require_begun("oracle_actions")
        return self.oracle.actions()

    def is_choice(self) -> np.ndarray:
        """(B,) bool; steps of the last trial (the test; the only one outside the intervention task) in which actions have an effect."""
        self._require_begun("is_choice")
        return self.rooms.acting & self.rooms.in_last_trial

    def step_scores(self) -> Scores:
        """See the base class; docs/odd_one_out.md defines each metric."""
        ended = self._step_touched | self._step_timed_out  # the trial, feedback aside
        trial = np.minimum(self._step_trial, self.config.trials - 1)
        scores = {
            "normalized_reward": (self._step_rewards, self._trial_rewards[trial] * ended),
            "timeout_rate": (self._step_timed_out, ended),
            **self.variant_scores(),
        }
        return {metric: (numerator.astype(float), denominator.astype(float)) for metric, (numerator, denominator) in scores.items()}

    def render(self, row: int, mode: str) -> Any:
        return rendering.render(self.snapshot(row), mode)

    def snapshot(self, row: int) -> rendering.RoomSnapshot:
        """What there is to show of a row; privileged."""
        self._require_begun("render")
        text = str(self._explanation(np.array([row]), text=True)["text"][0])
        caption_lines = 5 if self._explanation_table.has_reasoning else 3
        return rendering.RoomSnapshot.of(self.rooms, row, float(self._reward_so_far[row]), text, caption_lines)
