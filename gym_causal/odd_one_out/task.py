"""The odd-one-out tasks on arrays: walk, transform, touch; one implementation for the basic, confounded and intervention task."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from gym_causal.core.streams import SeedDomain
from gym_causal.core.task import BatchedTask, Infos, Observations
from gym_causal.odd_one_out import expert, explanations, rendering
from gym_causal.odd_one_out.config import OddOneOutConfoundedConfig, OddOneOutInterventionConfig, RoomConfig
from gym_causal.odd_one_out.features import (
    ATTRIBUTES,
    NEARNESS,
    NEXT_CELL,
    NUM_CELLS,
    NUM_MOVES,
    NUM_OBJECTS,
    NUM_VISIBLE,
    ODD_OBJECT,
    STAY,
    first_adjacent,
    nearest_slot,
)
from gym_causal.odd_one_out.frames import VIEWS, in_sight
from gym_causal.odd_one_out.generators import NUM_ATTRIBUTES, EpisodeStore, draw_episodes, episode_dtype

_OBJECTS = np.arange(NUM_OBJECTS)
_NEXT_CELL = NEXT_CELL.astype(np.intp).ravel()
_NEARNESS = NEARNESS.ravel()
_IN_SIGHT = in_sight().ravel()
_TOUCH = NUM_OBJECTS + 1  # the place of a touch in _explanation_table
_OVER = -1  # the value of _feedback once an episode is over

_CHOICES = np.array(
    ["", *("several" if mask.bit_count() > 1 else ("none", *ATTRIBUTES)[mask.bit_length()] for mask in range(1 << NUM_ATTRIBUTES))]
)
"""In what the touched object is unique, by 0 for "nothing was touched" or else 1 + a bit for each attribute."""


class OddOneOutTask(BatchedTask):
    """``OddOneOut-v0``, ``OddOneOutConfounded-v0`` and ``OddOneOutIntervention-v0`` for ``num_envs`` rows, as the config says.

    Arrays about objects have the batch axis last, so that what is done to four objects is done to long vectors.
    """

    metadata: ClassVar[dict[str, Any]] = {**BatchedTask.metadata, "render_fps": 4}

    def __init__(self, config: RoomConfig, num_envs: int) -> None:
        super().__init__(num_envs)
        self.config = config
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
        self._trial_rewards, self._transforms_of = np.array(config.trial_rewards), np.array(config.transforms)
        self._transforms_exist = any(config.transforms)
        self._store: EpisodeStore | None = None
        self._named, self._row = config.named, np.arange(num_envs)
        mode = config.explain if self._named else "none"
        about_object = explanations.PROPERTY if mode in ("properties", "full") else explanations.NONE
        kinds = {"reward": explanations.REWARD, "full": explanations.REWARD, "outcome": explanations.OUTCOME}
        about_touch = kinds.get(mode, explanations.NONE)
        self._kind_of = np.array([about_object] * NUM_OBJECTS + [explanations.NONE, about_touch])  # by place in _explanation_table

        self._episode = np.zeros(num_envs, int)  # (B,) the number of the episode
        self._draws = np.zeros(num_envs, episode_dtype(config.trials))  # (B,) and all its rooms
        self._trial = np.zeros(num_envs, int)  # (B,); T once the episode is over
        self._steps = np.zeros(num_envs, int)  # (B,) in this trial, feedback aside
        self._feedback = np.zeros(num_envs, int)  # (B,) how many more steps the board stays; _OVER
        # The board of the present trial.
        self._agent = np.zeros(num_envs, np.intp)  # (B,) its cell
        self._cells = np.zeros((NUM_OBJECTS, num_envs), np.intp)
        self._patterns = np.zeros((NUM_ATTRIBUTES, num_envs), np.uint8)
        self._features = np.zeros((NUM_ATTRIBUTES, NUM_OBJECTS, num_envs), np.int8)  # values
        self._looks = self._view.looks(self._features)  # (4, B)
        self._transforms = np.zeros(num_envs, int)  # (B,) how many are left
        self._touched = np.full(num_envs, -1, np.int8)  # (B,) the object, -1 = none yet
        # What the last touch showed; kept while the board stays.
        self._choice = np.zeros(num_envs, np.intp)  # (B,) index into _CHOICES
        # What there is to say, as facts (9, 6, B): next to each of the objects, next to none (always nothing), and about the last touch.
        self._explanation_table = np.full((len(explanations.FIELDS), NUM_OBJECTS + 2, num_envs), -1, np.int8)
        # The expert.
        self._must_look = config.expert_sight == "view"
        self._seen = np.zeros((NUM_OBJECTS, num_envs), bool)  # in this trial; only if the expert must look
        self._possible = np.ones((num_envs, NUM_VISIBLE), bool)  # (B, 3) attributes that may pay, as far as touches have shown
        self._plans: dict[bool, expert.Plan] = {}  # by whether the oracle's; made when asked for
        self._plan_is_old = {oracle: np.ones(num_envs, bool) for oracle in (False, True)}  # (B,) each
        self._reward_so_far = np.zeros(num_envs)  # (B,)
        self._last_reward = np.zeros((num_envs, 1), np.float32)
        # The last step, for its scores.
        self._step_trial = self._trial.copy()
        self._step_rewards = np.zeros(num_envs)
        self._step_touched = self._step_timed_out = np.zeros(num_envs, bool)

    # --- episodes --------------------------------------------------------------------------------------------------------

    @property
    def block_size(self) -> int:
        return 512

    def draw_block(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return draw_episodes(rng, count, self.config)

    def seed(self, seed: int, domain: SeedDomain = SeedDomain.INTERACTION) -> None:
        super().seed(seed, domain)
        assert self._stream is not None
        self._store = EpisodeStore(self._stream, self.block_size)
        self._episode[:] = 0

    def begin(self, rows: np.ndarray, episodes: np.ndarray, options: dict[str, Any] | None = None) -> None:
        """See the base class. ``options`` may hold ``episodes``: records of :func:`~gym_causal.odd_one_out.generators.episode_dtype`."""
        assert self._store is not None
        self._episode[rows] = episodes
        self._draws[rows] = self._store.take(episodes, oldest=int(self._episode.min()))
        if options:
            self._draws[rows] = self._given_episodes(options, len(rows))
        self._possible[rows] = True
        self._trial[rows] = 0
        self._choice[rows] = 0
        self._reward_so_far[rows] = 0
        self._last_reward[rows] = 0
        self._begin_trial(rows)

    def _given_episodes(self, options: dict[str, Any], count: int) -> np.ndarray:
        if set(options) != {"episodes"}:
            raise ValueError(f"options may hold episodes, got {sorted(map(str, options))}")
        given = np.atleast_1d(options["episodes"])
        if given.dtype != self._draws.dtype or given.shape not in ((1,), (count,)):
            accepted = f"1 or {count} records of episode_dtype({self.config.trials})"
            raise ValueError(f"options: episodes must be {accepted}, got {given.dtype} of shape {given.shape}")
        return given

    def _begin_trial(self, rows: np.ndarray) -> None:
        """Put (n,) rows at the start of their trial."""
        trial, draws = self._trial[rows], self._draws[rows]
        row = np.arange(len(rows))
        patterns = draws["patterns"][row, trial]  # (n, 4)
        bits = patterns[:, :, None] >> _OBJECTS.astype(np.uint8) & 1  # (n, attributes, objects)
        values = draws["values"][row, trial]  # (n, attributes, 2)
        features = np.where(bits, values[..., 1:], values[..., :1]).transpose(1, 2, 0)
        self._agent[rows] = draws["agent"][row, trial]
        self._cells[:, rows] = draws["cells"][row, trial].T
        self._patterns[:, rows] = patterns.T
        self._features[:, :, rows] = features
        self._looks[:, rows] = self._view.looks(features)
        self._say_properties(rows, features)
        self._transforms[rows] = self._transforms_of[trial]
        self._touched[rows] = -1
        self._steps[rows] = 0
        self._feedback[rows] = 0
        self._seen[:, rows] = False
        self._look(rows)
        self._forget_plans(rows)

    def _look(self, rows: np.ndarray) -> None:
        """Note what (n,) rows see, and plan anew where that is all there is to see."""
        if self._must_look:
            before = self._seen[:, rows]
            now = before | _IN_SIGHT.take(self._agent[rows] * NUM_CELLS + self._cells[:, rows])
            self._seen[:, rows] = now
            self._forget_plans(rows[now.all(axis=0) & ~before.all(axis=0)])

    # --- playing ---------------------------------------------------------------------------------------------------------

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        acting = self._feedback == 0
        waiting = self._feedback > 0
        self._feedback -= waiting
        finished = waiting & (self._feedback == 0)
        if self.config.feedback_steps == 0:
            self._choice[:] = 0  # it was shown beside the next trial's first observation
        self._step_trial = self._trial.copy()

        moves = np.where(acting, actions, STAY)
        if self._transforms_exist:
            self._transform(np.flatnonzero((moves >= NUM_MOVES) & acting & (self._transforms > 0)), actions)
        self._agent = _NEXT_CELL.take(moves * NUM_CELLS + self._agent)
        self._steps += acting
        self._look(self._row)
        on_object = self._cells == self._agent  # (4, B)
        touched = np.logical_or.reduce(on_object, axis=0) & acting
        timed_out = (self._steps >= self.config.max_trial_steps) & acting & ~touched

        rewards = np.zeros(self.num_envs)
        touching = np.flatnonzero(touched)
        if touching.size:
            self._touch(touching, on_object[:, touching].argmax(axis=0), rewards)
            if self.config.feedback_steps == 0:
                finished |= touched
        self._reward_so_far += rewards
        self._last_reward[:, 0] = rewards
        self._step_rewards, self._step_touched, self._step_timed_out = rewards, touched, timed_out
        return (rewards, *self._finish_trials(np.flatnonzero(finished | timed_out), timed_out))

    def _transform(self, rows: np.ndarray, actions: np.ndarray) -> None:
        """Change the first adjacent object clockwise from north, in rows that ask for it and have a transform left."""
        changed, is_near = first_adjacent(_NEARNESS.take(self._agent[rows] * NUM_CELLS + self._cells[:, rows]))
        rows, changed = rows[is_near], changed[is_near].astype(int)
        if rows.size == 0:
            return
        attribute = actions[rows] - NUM_MOVES
        values = self._draws["values"][rows, self._trial[rows], attribute]  # (n, 2)
        self._patterns[attribute, rows] ^= (1 << changed).astype(np.uint8)
        # Of the two values of the trial, the one that it does not have.
        self._features[attribute, changed, rows] = values.sum(axis=1, dtype=np.int8) - self._features[attribute, changed, rows]
        features = self._features[:, :, rows]
        self._looks[:, rows] = self._view.looks(features)
        self._say_properties(rows, features)
        self._transforms[rows] -= 1
        self._forget_plans(rows)

    def _touch(self, rows: np.ndarray, touched: np.ndarray, rewards: np.ndarray) -> None:
        """Pay for (n,) objects touched in (n,) rows, into ``rewards`` (B,), and keep what that showed."""
        unique = ODD_OBJECT[self._patterns[:, rows]] == touched  # (attributes, n)
        rewarded = self._draws["rewarded"][rows]
        correct = unique[rewarded, np.arange(len(rows))]
        rewards[rows] = correct * self._trial_rewards[self._trial[rows]]
        self._touched[rows] = touched
        self._feedback[rows] = self.config.feedback_steps
        self._choice[rows] = 1 + (1 << np.arange(NUM_ATTRIBUTES)) @ unique
        self._possible[rows] = expert.still_possible(self._possible[rows], unique[:NUM_VISIBLE].T, correct)
        self._explanation_table[:, _TOUCH, rows] = self._explain_touch(rows, touched, unique, correct)

    def _finish_trials(self, rows: np.ndarray, timed_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Go on to the next trial in (n,) rows; returns whether that ended the episode: terminated and truncated, (B,) each."""
        terminated, truncated = np.zeros(self.num_envs, bool), np.zeros(self.num_envs, bool)
        if rows.size == 0:
            return terminated, truncated
        self._trial[rows] += 1
        over = self._trial[rows] == self.config.trials
        ended, going_on = rows[over], rows[~over]
        self._feedback[ended] = _OVER  # the board stays as it is
        self._transforms[ended] = 0
        truncated[ended] = timed_out[ended]
        terminated[ended] = ~timed_out[ended]
        if going_on.size:
            if self.config.feedback_steps:
                self._choice[going_on] = 0
            self._begin_trial(going_on)
        return terminated, truncated

    # --- what is seen and said -------------------------------------------------------------------------------------------

    def observations(self) -> Observations:
        return self._observations(slice(None))

    def observations_of(self, rows: np.ndarray) -> Observations:
        return self._observations(rows)

    def _observations(self, rows: slice | np.ndarray) -> Observations:
        return {
            "view": self._view.draw(self._agent[rows], self._cells[:, rows], self._looks[:, rows]),
            "may_transform": (self._transforms[rows] > 0).astype(np.int64),
            "touched": (self._touched[rows] >= 0).astype(np.int64),
            "trial": self._trial[rows].copy(),
            "last_reward": self._last_reward[rows].copy(),
        }

    def infos(self, *, text: bool) -> Infos:
        """See docs/odd_one_out.md for every key."""
        infos: Infos = {
            "explanation": self._explanation(slice(None), text=text),
            "choice": _CHOICES.take(self._choice),
            "touched_object": self._touched.copy(),
            "rewarded_attribute": self._draws["rewarded"].copy(),
        }
        if self.config.expert_info:
            infos["expert_action"] = np.where(self._feedback == 0, self.expert_actions(), -1)
        return infos

    def action_masks(self) -> np.ndarray:
        masks = np.ones((self.num_envs, self.config.num_actions), bool)
        if self.config.num_actions > NUM_MOVES:
            _, is_near = self._adjacent(slice(None))
            masks[:, NUM_MOVES:] = (is_near & (self._transforms > 0) & (self._feedback == 0))[:, None]
        return masks

    def _adjacent(self, rows: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return first_adjacent(_NEARNESS.take(self._agent[rows] * NUM_CELLS + self._cells[:, rows]))

    # --- explanations ----------------------------------------------------------------------------------------------------

    def _say_properties(self, rows: np.ndarray, features: np.ndarray) -> None:
        """Note what there is to say about the objects of (n,) rows, with ``features`` (4 attributes, 4 objects, n)."""
        if self.config.explain in ("properties", "full"):
            self._explanation_table[:, :NUM_OBJECTS, rows] = explanations.property_facts(features, self._named)

    def _explain_touch(self, rows: np.ndarray, touched: np.ndarray, unique: np.ndarray, correct: np.ndarray) -> np.ndarray:
        """(9, n) facts about touches, arguments as in :mod:`explanations`."""
        config = self.config
        if not self._named or config.explain in ("none", "properties"):
            return explanations.nothing(len(rows))
        if config.explain == "outcome":
            return explanations.outcome_facts(touched, unique, correct, self._named)
        attribute = self._draws["rewarded"][rows].astype(int)
        if isinstance(config, OddOneOutConfoundedConfig):
            attribute[:] = self._named[0]
        elif not config.explains_attribute:
            attribute[~correct] = -1  # would give the answer away; others share all its features
        features = self._features[:, touched, rows]
        return explanations.reward_facts(features, touched, unique, correct, attribute, self._named)

    def _facts(self, rows: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Kinds (n,), indices into ``explanations.KINDS``, and facts (9, n)."""
        nearness = _NEARNESS.take(self._agent[rows] * NUM_CELLS + self._cells[:, rows])
        said = np.where(self._choice[rows] > 0, _TOUCH, nearest_slot(nearness))
        facts = self._explanation_table.reshape(len(explanations.FIELDS), -1).take(said * self.num_envs + self._row[rows], axis=1)
        return self._kind_of.take(said), facts

    def _explanation(self, rows: slice | np.ndarray, *, text: bool) -> dict[str, Any]:
        if self.config.explain == "none":
            count = len(self._choice[rows])
            explanation: dict[str, Any] = {"kind": np.full(count, "none", explanations.KINDS.dtype)}
            if text:
                explanation["text"] = np.full(count, "", object)
            return explanation
        kinds, facts = self._facts(rows)
        explanation = {
            "kind": explanations.KINDS.take(kinds),
            "tokens": explanations.tokens(facts),
            **dict(zip(explanations.FIELDS, facts, strict=True)),
        }
        if text:
            words = np.full(len(kinds), "", object)
            for row in np.flatnonzero(kinds):
                words[row] = explanations.describe(facts[:, row], explains_attribute=self.config.explains_attribute)
            explanation["text"] = words
        return explanation

    # --- the expert ------------------------------------------------------------------------------------------------------

    def expert_actions(self) -> np.ndarray:
        """See the base class. In feedback steps, where actions do nothing, and after the end it is 0."""
        return self._planned_actions(oracle=getattr(self.config, "expert", "inferring") == "oracle")

    def oracle_actions(self) -> np.ndarray:
        """(B,) int; the actions of an expert that is told which attribute pays, and makes no mistakes."""
        return self._planned_actions(oracle=True)

    def _planned_actions(self, *, oracle: bool) -> np.ndarray:
        plans = self._plans.setdefault(oracle, expert.Plan.empty(self.num_envs))
        acting = self._feedback == 0
        old = np.flatnonzero(self._plan_is_old[oracle] & acting)
        if old.size:
            self._write_plans(plans, old, oracle=oracle)
            self._plan_is_old[oracle][old] = False
        return np.where(acting, plans.actions(self._agent), 0)

    def _forget_plans(self, rows: np.ndarray) -> None:
        for is_old in self._plan_is_old.values():
            is_old[rows] = True

    def _write_plans(self, plans: expert.Plan, rows: np.ndarray, *, oracle: bool) -> None:
        if self._must_look:
            has_seen = self._seen[:, rows].all(axis=0)
            looking, rows = rows[~has_seen], rows[has_seen]
            plans.write(looking, expert.look_plan(self._cells[:, looking].T))
        draws = self._draws[rows]
        if not isinstance(self.config, OddOneOutInterventionConfig):
            odd = ODD_OBJECT[self._patterns[draws["rewarded"], rows]]
            mistake = draws["mistake"][np.arange(len(rows)), self._trial[rows]]
            target = odd if oracle else np.where(mistake >= 0, mistake, odd)
            plans.write(rows, expert.touch_plan(self._cells[:, rows].T, target[:, None] == _OBJECTS))
            return
        possible = draws["rewarded"][:, None] == np.arange(NUM_VISIBLE) if oracle else self._possible[rows]
        order = draws["order"].astype(int)
        experiments = self._transforms[rows] > 0
        for chosen in (experiments, ~experiments):
            some = rows[chosen]
            if some.size == 0:
                continue
            cells, patterns = self._cells[:, some].T, self._patterns[:NUM_VISIBLE, some].T
            if chosen is experiments:
                attribute = expert.attribute_to_try(possible[chosen], order[chosen])
                plans.write(some, expert.experiment_plan(cells, patterns[np.arange(len(some)), attribute], attribute))
            else:
                plans.write(some, expert.touch_plan(cells, expert.odd_targets(patterns, possible[chosen], order[chosen])))

    # --- evaluation, pictures --------------------------------------------------------------------------------------------

    def is_choice(self) -> np.ndarray:
        """(B,) bool; steps of the last trial (the test; the only one outside the intervention task) in which actions do something."""
        return (self._feedback == 0) & (self._trial == self.config.trials - 1)

    def step_scores(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """See the base class; docs/odd_one_out.md defines each metric."""
        touched, trial = self._step_touched, np.minimum(self._step_trial, self.config.trials - 1)
        closed = touched | self._step_timed_out
        scores = {
            "normalized_reward": (self._step_rewards, self._trial_rewards[trial] * closed),
            "timeout_rate": (self._step_timed_out, closed),
        }
        if isinstance(self.config, OddOneOutInterventionConfig):
            correct, test = self._step_rewards > 0, trial == self.config.trials - 1
            scores["test_correct_rate"] = (correct & test, closed & test)
            scores["experiment_correct_rate"] = (correct & ~test, closed & ~test)
            # One can learn from a touch if the object is odd in some attribute.
            scores["informative_experiment_rate"] = (touched & ~test & (self._choice > 1), closed & ~test)
        elif isinstance(self.config, OddOneOutConfoundedConfig) and self.config.split == "eval":
            for attribute in range(NUM_VISIBLE):
                scores[f"choice_{ATTRIBUTES[attribute]}"] = (touched & (self._choice == 1 + (1 << attribute)), touched)
            scores["choice_none"] = (touched & (self._choice == 1), touched)
        return {metric: (numerator.astype(float), denominator.astype(float)) for metric, (numerator, denominator) in scores.items()}

    def render(self, row: int, mode: str) -> Any:
        explanation = self._explanation(np.array([row]), text=True)
        snapshot = rendering.Snapshot(
            agent=int(self._agent[row]),
            cells=self._cells[:, row],
            features=self._features[:, :, row],
            touched=int(self._touched[row]),
            trial=int(self._trial[row]),
            trials=self.config.trials,
            may_transform=bool(self._transforms[row]),
            reward=float(self._reward_so_far[row]),
            explanation=str(explanation["text"][0]),
        )
        return rendering.render(snapshot, mode)
