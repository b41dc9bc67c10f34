"""What a person sees: the trial log, the picture, the window."""

import sys
from dataclasses import replace

import gymnasium as gym
import matplotlib
import numpy as np
import pygame
import pytest

import gym_causal
from gym_causal.causal_dag import layout
from gym_causal.causal_dag.rendering import render
from gym_causal.causal_dag.snapshot import EpisodeSnapshot, signed
from gym_causal.core.window import Window

MODES = ("ansi", "rgb_array", "human")
IDS = ("CausalDAG-v0", "CausalDAGCued-v0")


@pytest.fixture
def chain() -> EpisodeSnapshot:
    """A -> B -> C after two experiments and one of two exploitation trials."""
    weights = np.zeros((3, 3))
    weights[0, 1], weights[1, 2] = 1.5, -0.5
    return EpisodeSnapshot(
        names=["A", "B", "C"],
        weights=weights,
        relevant=np.ones(3, bool),
        goal=2,
        exploration_trials=2,
        trials=4,
        initial_values=np.array([[0.1, -0.004, 2], [0, 0, 0], [12.5, -1, 0.25], [1, 2, 3]]),
        interventions=np.array([[5.0, 0, 0], [0, 0, 5], [0, -5, 0]]),
        outcomes=np.array([[5, 7.5, -0.75], [0.2, 0.3, 5], [0.4, -5, 2.5]]),
        explanation="Optimal: setting B to -5 moves C most, by +2.5, directly.",
    )


def after(snapshot: EpisodeSnapshot, played: int) -> EpisodeSnapshot:
    """The same episode at an earlier time."""
    return replace(
        snapshot,
        initial_values=snapshot.initial_values[: played + 1],
        interventions=snapshot.interventions[:played],
        outcomes=snapshot.outcomes[:played],
        explanation="",
    )


def wide(num_variables: int, played: int) -> EpisodeSnapshot:
    """A fork: A causes all others; every trial sets the next variable."""
    weights = np.zeros((num_variables, num_variables))
    weights[0, 1:] = 1
    return EpisodeSnapshot(
        names=[f"V{k}" for k in range(num_variables)],
        weights=weights,
        relevant=np.ones(num_variables, bool),
        goal=num_variables - 1,
        exploration_trials=num_variables,
        trials=num_variables + 2,
        initial_values=np.zeros((played + 1, num_variables)),
        interventions=5.0 * np.eye(num_variables)[:played],
        outcomes=5.0 * np.eye(num_variables)[:played],
        explanation="Setting V0 to +5 moves " + ", ".join(f"V{k} by +5" for k in range(1, num_variables)) + ".",
    )


# --- the trial log -------------------------------------------------------------------------------------------------------------


def test_log_of_a_hand_made_episode(chain):
    expected = """\
Exploitation, trial 4 of 4: the goal is C

trial                 A      B      C  reward
    1  initial    +0.10  +0.00  +2.00
       do(A=+5)   +5.00  +7.50  -0.75
    2  initial    +0.00  +0.00  +0.00
       do(C=+5)   +0.20  +0.30  +5.00
    3  initial   +12.50  -1.00  +0.25
       do(B=-5)   +0.40  -5.00  +2.50   +2.50
    4  initial    +1.00  +2.00  +3.00

Optimal: setting B to -5 moves C most, by +2.5, directly."""
    assert render(chain, "ansi") == expected


def test_log_before_the_first_trial_keeps_the_goal_back(chain):
    expected = """\
Exploration, trial 1 of 4: no goal yet

trial               A      B      C
    1  initial  +0.10  +0.00  +2.00"""
    assert render(after(chain, 0), "ansi") == expected


def test_log_of_a_finished_episode_sums_the_reward_and_names_a_forbidden_action(chain):
    over = replace(
        chain,
        initial_values=np.vstack([chain.initial_values, np.zeros(3)]),
        interventions=np.vstack([chain.interventions, np.zeros(3)]),
        outcomes=np.vstack([chain.outcomes, [1, 1, -1]]),
    )
    lines = render(over, "ansi").splitlines()
    assert lines[0] == "Over after 4 trials: the goal was C, reward +1.50"
    assert lines[-3] == "       nothing set   +1.00  +1.00  -1.00   -1.00"
    assert not any(line.startswith("    5") for line in lines)


def test_log_names_the_relevant_variables(chain):
    assert render(replace(chain, relevant=np.array([True, False, True])), "ansi").splitlines()[1] == (
        "Relevant: A, C; the other variables are noise."
    )


@pytest.mark.parametrize("num_variables", [5, 10, 100])
def test_log_columns_are_aligned_and_what_is_left_out_is_said(num_variables):
    played = num_variables // 2
    snapshot = wide(num_variables, played)
    head, table, explanation = render(snapshot, "ansi").split("\n\n")
    names, *rows = table.splitlines()
    assert {len(row) for row in rows} == {len(names)}
    assert len(rows) == 2 * min(played, 12) + 1
    assert ("Showing 12 of 100 variables" in head) == ("Showing the last 12 of 50 trials" in head) == (num_variables == 100)
    assert explanation.endswith("[...]") == (num_variables == 100)
    for trial in range(max(0, played - 12), played):  # every variable that was set has its column
        assert f"V{trial}" in names.split()


def test_large_and_tiny_values_stay_short():
    assert [signed(value) for value in (-0.001, 999.4, -1e6, 0.0)] == ["+0.00", "+999.40", "-1e+06", "+0.00"]


# --- the picture ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("num_variables", "shape"), [(5, (480, 800, 3)), (12, (480, 800, 3)), (30, (672, 1120, 3))])
def test_picture_has_one_size_for_a_number_of_variables(num_variables, shape):
    for played in (0, num_variables):
        rgb = render(wide(num_variables, played), "rgb_array")
        assert rgb.shape == shape and rgb.dtype == np.uint8 and rgb.flags.c_contiguous


def test_picture_is_the_same_whatever_the_users_style(chain):
    plain = render(chain, "rgb_array")
    with matplotlib.rc_context({"font.family": "monospace", "path.sketch": (3, 50, 5)}):
        styled = render(chain, "rgb_array")
        assert matplotlib.rcParams["font.family"] == ["monospace"]
    np.testing.assert_array_equal(plain, styled)


def test_picture_changes_with_what_it_shows(chain):
    other = chain.outcomes.copy()
    other[-1, 0] = 4.0
    elsewhere = chain.interventions.copy()
    elsewhere[-1] = [-5, 0, 0]
    changes = {
        "values": {"outcomes": other},
        "intervention": {"interventions": elsewhere},
        "goal": {"goal": 0},
        "graph": {"weights": chain.weights * 1.5},
        "explanation": {"explanation": "Optimal."},
        "relevant": {"weights": np.zeros((3, 3)), "relevant": np.array([True, False, True])},
    }
    before = render(chain, "rgb_array")
    for what, change in changes.items():
        assert (render(replace(chain, **change), "rgb_array") != before).any(), what


def test_picture_keeps_the_goal_back_while_exploring(chain):
    exploring = after(chain, 1)
    np.testing.assert_array_equal(render(exploring, "rgb_array"), render(replace(exploring, goal=0), "rgb_array"))


def test_picture_colours_values_red_above_and_blue_below_zero(chain):
    high = replace(chain, outcomes=np.full((3, 3), 6.0), interventions=np.zeros((3, 3)))
    low = replace(high, outcomes=-high.outcomes)
    red, blue = (render(snapshot, "rgb_array").astype(int).sum(axis=(0, 1))[[0, 2]] for snapshot in (high, low))
    assert red[0] - red[1] > 0 > blue[0] - blue[1]


def test_picture_of_an_episode_with_no_edges_and_extreme_values(chain):
    extreme = replace(chain, weights=np.zeros((3, 3)), outcomes=np.array([[1e6, -1e6, 0]] * 3))
    assert render(extreme, "rgb_array").shape == (480, 800, 3)


def test_pyplot_is_not_imported_and_the_backend_is_left_alone(chain, monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    backend = dict.__getitem__(matplotlib.rcParams, "backend")  # reading it the usual way would choose one
    render(chain, "rgb_array")
    assert "matplotlib.pyplot" not in sys.modules
    assert dict.__getitem__(matplotlib.rcParams, "backend") is backend


def test_causes_stand_left_of_effects_and_edges_pass_no_variable(chain):
    weights = chain.weights.copy()
    weights[0, 2] = 1.0  # skips a layer: a straight line would go through B
    drawing = layout.layered_layout(weights, np.ones(3, bool))
    for (cause, effect), route in drawing.routes.items():
        assert (np.diff(route[:, 0]) > 0).all()
        np.testing.assert_array_equal(route[[0, -1]], drawing.positions[[cause, effect]])
    assert np.abs(drawing.routes[0, 2][1] - drawing.positions[1]).max() > 0.2


def test_layout_leaves_out_what_it_is_told_to(chain):
    drawing = layout.layered_layout(chain.weights, np.array([True, True, False]))
    assert set(drawing.routes) == {(0, 1)}
    assert np.isnan(drawing.positions[2]).any() and np.isfinite(drawing.positions[:2]).all()


def test_layout_avoids_a_needless_crossing():
    weights = np.zeros((4, 4))
    weights[0, 3] = weights[1, 2] = 1.0  # A -> D, B -> C: drawn in alphabetical order they would cross
    height = layout.layered_layout(weights, np.ones(4, bool)).positions[:, 1]
    assert (height[0] - height[1]) * (height[3] - height[2]) > 0


# --- in the environment --------------------------------------------------------------------------------------------------------


@pytest.fixture
def dummy_screen(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("env_id", IDS)
def test_rendering_changes_no_episode(env_id, mode, dummy_screen):
    short = {"num_exploration_trials": 2, "num_exploitation_trials": 1}
    shown = gym.make(env_id, render_mode=mode, disable_env_checker=True, **short)
    shown.unwrapped.metadata = {**shown.unwrapped.metadata, "render_fps": 1000}
    hidden = gym.make(env_id, disable_env_checker=True, **short)
    shown.reset(seed=4), hidden.reset(seed=4)
    frames = []
    terminated = False
    while not terminated:
        action = hidden.unwrapped.expert_action()
        frames.append(shown.render())
        assert shown.unwrapped.expert_action() == action
        (obs, reward, terminated, _, info), (other_obs, other_reward, _, _, other_info) = shown.step(action), hidden.step(action)
        assert reward == other_reward and info["explanation"]["text"] == other_info["explanation"]["text"]
        for key, value in obs.items():
            np.testing.assert_array_equal(value, other_obs[key])
    frames.append(shown.render())
    if mode == "ansi":
        assert frames[-1].endswith(info["explanation"]["text"])
    if mode == "human":
        assert set(frames) == {None}
    shown.close()


def test_log_shows_what_was_observed():
    env = gym.make("CausalDAG-v0", render_mode="ansi", disable_env_checker=True)
    first, _ = env.reset(seed=1)
    obs, _, _, _, info = env.step(7)
    _, _, header, initial, outcome, coming, _, *explanation = env.render().splitlines()
    assert header.split() == ["trial", "A", "B", "C", "D", "E"]
    assert initial.split() == ["1", "initial", *map(signed, first["initial_values"])]
    assert outcome.split() == ["do(C=-5)", *map(signed, obs["last_outcome"])]
    assert coming.split() == ["2", "initial", *map(signed, obs["initial_values"])]
    assert " ".join(explanation) == info["explanation"]["text"]


def test_each_row_of_a_batch_is_rendered_as_its_own_single_env():
    venv = gym_causal.make_vec("CausalDAG-v0", num_envs=20)
    venv.reset(seed=6)
    single = gym.make("CausalDAG-v0", render_mode="ansi", disable_env_checker=True)
    single.reset(seed=6)
    single.reset()  # row 1 plays episode 1
    actions = [3, 0, 9, 1, 2, 4]
    for action in actions:
        venv.step(np.full(20, action))
        single.step(action)
        assert venv.unwrapped.task.render(1, "ansi") == single.render()


@pytest.mark.parametrize("mode", MODES)
def test_rendering_before_reset_is_a_clear_error(mode):
    with pytest.raises(gym.error.ResetNeeded, match="reset"):
        gym.make("CausalDAG-v0", render_mode=mode, disable_env_checker=True).unwrapped.render()


def test_an_unknown_mode_is_named(chain):
    with pytest.raises(ValueError, match="mode must be 'ansi' or 'rgb_array', got 'svg'"):
        render(chain, "svg")


# --- the extra -----------------------------------------------------------------------------------------------------------------


def test_without_matplotlib_the_log_works_and_the_picture_says_what_to_install(chain, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "gym_causal.causal_dag.picture", raising=False)
    assert render(chain, "ansi")
    with pytest.raises(ImportError, match=r'rendering needs the extra "render": pip install -e "\.\[render\]"'):
        render(chain, "rgb_array")


def test_without_pygame_the_window_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(ImportError, match=r'rendering needs the extra "render": pip install -e "\.\[render\]"'):
        Window("title", fps=30)


def test_window_shows_pictures_and_opens_again_after_close(dummy_screen):
    window = Window("title", fps=1000)
    rgb = np.random.default_rng(0).integers(0, 256, (48, 80, 3), np.uint8)
    for size in (80, 64):  # it follows the picture's size
        window.show(rgb[:, :size])
        assert pygame.display.get_caption()[0] == "title"
        np.testing.assert_array_equal(pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1), rgb[:, :size])
    window.close()
    assert pygame.display.get_surface() is None
    window.close()
    window.show(rgb)
    assert pygame.display.get_surface().get_size() == (80, 48)
    window.close()
