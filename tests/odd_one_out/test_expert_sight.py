"""``expert_sight="view"``: an expert that looks before it knows, and then does what the all-seeing one would do."""

from __future__ import annotations

from collections import deque

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.odd_one_out.features import POSITIONS
from gym_causal.odd_one_out.plans import center_plan
from tests.odd_one_out.reference import MOVES, Room
from tests.odd_one_out.rooms import episode
from tests.odd_one_out.test_room_contract import recorded, same

BASIC, CONFOUNDED, INTERVENTION = "OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0"
CASES = [
    (BASIC, {}),
    (BASIC, {"mistake_rate": 0.5, "feedback_steps": 0}),
    (CONFOUNDED, {}),
    (CONFOUNDED, {"split": "eval", "feedback_steps": 3}),
    (INTERVENTION, {}),
    (INTERVENTION, {"feedback_steps": 0, "split": "eval", "generalization": "hard_dimension"}),
    (INTERVENTION, {"expert": "oracle"}),
]
every_case = pytest.mark.parametrize(("env_id", "kwargs"), CASES)
every_env = pytest.mark.parametrize("env_id", [BASIC, CONFOUNDED, INTERVENTION])
SYMBOLS = {"observation": "symbolic"}
CENTER = {divmod(place, 11) for place in POSITIONS["in the center"]}
PLACES = np.unique([place for places in POSITIONS.values() for place in places])


def make(env_id, num_envs, sight="view", **kwargs):
    return gym_causal.make_vec(env_id, num_envs, expert_sight=sight, **SYMBOLS, **kwargs)


def drawn(env_id, count, seed=0, **kwargs):
    """Episodes' records."""
    return make(env_id, 1, **kwargs).task.draw_block(np.random.default_rng(seed), count)


def in_view(agent, objects):
    """Which of the objects an agent sees, cells as (row, column): those at most five cells away that it does not stand on."""
    return {i for i, place in enumerate(objects) if place != agent and max(abs(place[0] - agent[0]), abs(place[1] - agent[1])) <= 5}


def steps_to_center(agent, objects):
    """The fewest steps to a free cell of the center, cell by cell."""
    steps, queue = {agent: 0}, deque([agent])
    while queue:
        here = queue.popleft()
        if here in CENTER and here not in objects:
            return steps[here]
        for down, right in MOVES:
            there = (here[0] + down, here[1] + right)
            if min(there) >= 1 and max(there) <= 9 and there not in objects and there not in steps:
                steps[there] = steps[here] + 1
                queue.append(there)
    raise AssertionError("no way")


class Trial:
    """One trial of one row, as it was played."""

    def __init__(self, agent, objects):
        self.objects, self.way, self.actions, self.touched, self.reward = objects, [agent], [], None, 0.0

    @property
    def looking(self):
        """How many actions are taken before all objects have been seen."""
        seen = set()
        for step, agent in enumerate(self.way):
            seen |= in_view(agent, self.objects)
            if len(seen) == len(self.objects):
                return step
        return len(self.way)


def played(env_id, records, sight, **kwargs):
    """(episodes, trials) lists of what the expert does in drawn episodes."""
    venv = make(env_id, len(records), sight, **kwargs)
    venv.reset(seed=0, options={"episodes": records})
    rooms = [Room(record, venv.task.config) for record in records]
    episodes = [[Trial(room.agent, room.cells)] for room in rooms]
    active = np.ones(len(records), bool)
    while active.any():
        actions = venv.expert_actions()
        _, rewards, terminated, truncated, _ = venv.step(actions)
        for row in np.flatnonzero(active):
            room, trial = rooms[row], episodes[row][-1]
            number, acting, before = room.trial, room.feedback == 0, room.agent
            room.step(int(actions[row]))
            if acting:
                trial.actions.append(int(actions[row]))
                down, right = MOVES[actions[row]] if actions[row] < 8 else (0, 0)
                place = (before[0] + down, before[1] + right)
                trial.way.append(place if min(place) >= 1 and max(place) <= 9 else before)
                trial.reward += rewards[row]
                if trial.way[-1] in trial.objects:
                    trial.touched = trial.objects.index(trial.way[-1])
            if not room.over and room.trial != number:
                episodes[row].append(Trial(room.agent, room.cells))
        active &= ~(terminated | truncated)
    return episodes


@every_case
def test_it_looks_first_and_takes_no_step_in_vain(env_id, kwargs):
    """Until it has seen all four objects each step brings it nearer to the center; from there on, none is more than needed."""
    records = drawn(env_id, 120, **kwargs)
    looked = 0
    both = (played(env_id, records, sight, **kwargs) for sight in ("view", "room"))
    for mine, others in zip(*both, strict=True):
        assert len(mine) == len(others)
        for trial, other in zip(mine, others, strict=True):
            looking = trial.looking
            assert trial.touched is not None and trial.reward == other.reward
            assert len(trial.actions) > looking  # it touches nothing before
            distances = [steps_to_center(agent, trial.objects) for agent in trial.way[: looking + 1]]
            assert distances == list(range(distances[0], distances[0] - looking - 1, -1))
            assert all(action < 8 for action in trial.actions[:looking])
            # At worst it could walk back what it had walked; never is it faster than one that knew all along.
            assert len(other.actions) <= len(trial.actions) <= len(other.actions) + 2 * looking
            looked += looking > 0
    assert looked > 60


@every_case
def test_with_all_in_view_it_is_the_all_seeing_one(env_id, kwargs):
    records = drawn(env_id, 100, seed=1, **kwargs)
    rng = np.random.default_rng(0)
    for record in records:  # from the center the whole room is seen
        for trial, cells in enumerate(record["cells"]):
            record["agent"][trial] = rng.choice(np.setdiff1d(POSITIONS["in the center"], cells))
    both = (played(env_id, records, sight, **kwargs) for sight in ("view", "room"))
    for mine, others in zip(*both, strict=True):
        assert [trial.actions for trial in mine] == [trial.actions for trial in others]
        assert all(trial.looking == 0 for trial in mine)


def another_room(record, rng):
    """The first trial of a record with other objects where none are seen, and something else that pays."""
    record = record.copy()
    agent, cells = divmod(int(record["agent"][0]), 11), record["cells"][0]
    seen = in_view(agent, [divmod(int(place), 11) for place in cells])
    hidden = [place for place in PLACES if not in_view(agent, [divmod(int(place), 11)]) and place != record["agent"][0]]
    for number in set(range(4)) - seen:
        free = np.setdiff1d(hidden, record["cells"][0])
        record["cells"][0, number] = rng.choice(free)
        record["patterns"][0] ^= (rng.integers(2, size=4) << number).astype(np.uint8)
    record["rewarded"] = (record["rewarded"] + 1) % 3
    record["order"], record["mistake"] = rng.permutation(3), rng.integers(-1, 4)
    return record


@every_env
@pytest.mark.parametrize("wandering", [0.0, 0.5])
def test_what_it_has_not_seen_it_does_not_know(env_id, wandering):
    """In two rooms that look alike so far it does the same, also where somebody else took some of the steps."""
    rng = np.random.default_rng(3)
    records = drawn(env_id, 400, seed=2)
    others = np.array([another_room(record, rng) for record in records])
    one, other, all_seeing, all_seeing_other = (make(env_id, 400, sight) for sight in ("view", "view", "room", "room"))
    venvs = list(zip((one, other, all_seeing, all_seeing_other), (records, others, records, others), strict=True))
    views = [venv.reset(seed=0, options={"episodes": rooms})[0]["view"] for venv, rooms in venvs]
    rooms = [Room(record, one.task.config) for record in records]
    seen, alike = np.zeros((4, 400), bool), np.ones(400, bool)
    compared, differing = 0, 0
    for _ in range(10):
        alike &= (views[0] == views[1]).all(axis=(1, 2, 3))
        for row in np.flatnonzero(alike):
            seen[list(in_view(rooms[row].agent, rooms[row].cells)), row] = True
        rows = alike & ~seen.all(axis=0)
        actions = [venv.expert_actions() for venv, _ in venvs]
        assert np.array_equal(actions[0][rows], actions[1][rows])
        compared += rows.sum()
        differing += (actions[2][rows] != actions[3][rows]).sum()
        wander = rng.random(400) < wandering
        moves = np.where(wander, rng.integers(8, size=400), actions[0])
        steps = [venv.step(moves) for venv, _ in venvs]
        views = [observations["view"] for observations, *_ in steps]
        alike &= ~np.any([result[2] | result[3] | (result[0]["trial"] > 0) for result in steps[:2]], axis=0)
        for row in np.flatnonzero(alike):
            rooms[row].step(int(moves[row]))
    assert compared > 300 and differing > 50  # one that knows all would be told apart


@pytest.mark.parametrize(
    ("env_id", "kwargs", "expected", "tolerance"),
    [
        (BASIC, {}, 1.0, 0.0),
        (BASIC, {"mistake_rate": 1.0}, 0.0, 0.0),
        (CONFOUNDED, {}, 1.0, 0.0),
        (CONFOUNDED, {"split": "eval"}, 1.0, 0.0),
        (CONFOUNDED, {"split": "eval", "explained_attribute": None, "feedback_steps": 0}, 1.0, 0.0),
        (INTERVENTION, {}, 12.0, 0.1),
        (INTERVENTION, {"split": "eval", "generalization": "hard_dimension", "feedback_steps": 0}, 12.0, 0.1),
        (INTERVENTION, {"expert": "oracle"}, 13.0, 0.0),
    ],
)
def test_it_earns_what_the_all_seeing_one_earns(env_id, kwargs, expected, tolerance):
    result = gym_causal.evaluate("expert", env_id, num_episodes=1_000, expert_sight="view", **SYMBOLS, **kwargs)
    assert result.reward.mean == pytest.approx(expected, abs=tolerance) and result.timeout_rate.mean == 0


@every_env
def test_left_out_it_is_the_all_seeing_one(env_id):
    assert same(recorded(env_id, 5, 20, **SYMBOLS), recorded(env_id, 5, 20, expert_sight="room", **SYMBOLS))


@every_env
def test_sight_changes_no_room_and_nothing_but_what_the_expert_does(env_id):
    """Whoever acts: the same observations, rewards, ends and explanations."""
    room, view = (make(env_id, 9, sight) for sight in ("room", "view"))
    assert same(room.reset(seed=3), view.reset(seed=3))
    rng, told_apart = np.random.default_rng(0), False
    for _ in range(150):
        told_apart |= not np.array_equal(room.expert_actions(), view.expert_actions())
        actions = np.where(rng.random(9) < 0.5, room.expert_actions(), rng.integers(room.single_action_space.n, size=9))
        one, other = (venv.step(actions) for venv in (room, view))
        assert same(one[:4], other[:4]) and same(room.task.infos(text=True), view.task.infos(text=True))
    assert told_apart


@pytest.mark.parametrize("kwargs", [{}, {"feedback_steps": 0}, {"max_trial_steps": 3}])
@every_env
def test_same_actions_whatever_num_envs(env_id, kwargs):
    """Rows begin their episodes at different times; in three steps it has often not seen everything."""
    one, seven, many = (recorded(env_id, num_envs, 20, expert_sight="view", **SYMBOLS, **kwargs) for num_envs in (1, 7, 16))
    assert same(one, seven)
    assert same(one, many)


@every_env
def test_it_knows_what_was_seen_also_if_it_was_not_asked_then(env_id):
    """Plans are made when asked for: who asks now and then is told the same as who always asks."""
    often, seldom = (make(env_id, 32) for _ in range(2))
    for venv in (often, seldom):
        venv.reset(seed=1)
    rng = np.random.default_rng(0)
    for step in range(120):
        actions = often.expert_actions()
        if step % 5 == 4:
            assert np.array_equal(seldom.expert_actions(), actions)
            assert np.array_equal(seldom.oracle_actions(), often.oracle_actions())
        actions = np.where(rng.random(32) < 0.3, rng.integers(often.single_action_space.n, size=32), actions)
        often.step(actions)
        seldom.step(actions)


def test_it_looks_anew_in_each_trial():
    """In a second trial that is like the first it takes the same steps to the center, though it knows where things were."""
    record = episode(2, agent=(1, 2), rewarded=2, order=(2, 0, 1), shape=1)
    (trials,) = played(INTERVENTION, np.array([record]), "view", num_experiments=1)
    assert trials[0].looking == trials[1].looking > 0
    assert trials[0].actions[: trials[0].looking] == trials[1].actions[: trials[1].looking]


@pytest.mark.parametrize(
    ("agent", "objects", "steps"),
    [
        ((1, 1), [(9, 9), (9, 5), (5, 9), (4, 4)], 4),  # the nearest cell of the center is taken
        ((5, 2), [(4, 4), (5, 4), (6, 4), (9, 9)], 3),
        ((5, 5), [(1, 1), (1, 9), (9, 1), (9, 9)], 0),
        ((4, 1), [(5, 4), (5, 5), (5, 6), (6, 5)], 3),
    ],
)
def test_it_walks_to_the_nearest_free_cell_of_the_center(agent, objects, steps):
    cells = np.array([[row * 11 + column for row, column in objects]])
    plan = center_plan(cells)
    assert plan.steps[agent[0] * 11 + agent[1], 0] == steps == steps_to_center(agent, objects)
    assert not plan.transform_here.any()


@every_env
@pytest.mark.parametrize("sight", ["cellar", "", None, 1])
def test_another_sight_is_refused(env_id, sight):
    with pytest.raises(ValueError, match=f"expert_sight must be one of room, view, review, got {sight!r}"):
        gym.make(env_id, expert_sight=sight)


def test_after_a_transform_it_looks_again_from_the_center():
    """Only then it touches an object, and it earns the same."""
    episodes = played(INTERVENTION, drawn(INTERVENTION, 60), "review")
    detours = 0
    for trial in (trial for trials in episodes for trial in trials):
        transforms = [step for step, action in enumerate(trial.actions) if action >= 8]
        if not transforms:
            continue
        (step,) = transforms
        later = trial.way[step + 1 :]
        centers = [number for number, place in enumerate(later) if place in CENTER]
        assert centers and len(later) - 1 > centers[0]  # it touches an object after it was in the center
        distances = [steps_to_center(agent, trial.objects) for agent in later[: centers[0] + 1]]
        assert distances == list(range(distances[0], -1, -1))
        detours += distances[0] > 0
    assert detours > 50
    expected = gym_causal.evaluate("expert", INTERVENTION, num_episodes=300, expert_sight="view", **SYMBOLS)
    found = gym_causal.evaluate("expert", INTERVENTION, num_episodes=300, expert_sight="review", **SYMBOLS)
    assert found.reward == expected.reward
