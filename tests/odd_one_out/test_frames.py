"""Pixels and symbols show the same room, and pictures are what they say."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import gym_causal
from gym_causal.odd_one_out.features import SHAPES, TEXTURES, sprites
from gym_causal.odd_one_out.frames import AGENT, OBJECT, WALL, cell_pictures, picture_of
from tests.odd_one_out.rooms import EVERY_LOOK, begin, episode, rooms_of, views_of

IDS = ("OddOneOut-v0", "OddOneOutConfounded-v0", "OddOneOutIntervention-v0")


def painted(grid):
    """(99, 99, 3) the frame of a symbolic view, cell by cell."""
    frame = np.zeros((99, 99, 3), np.uint8)
    looks = sprites()
    for row in range(11):
        for column in range(11):
            what, color, texture, shape = grid[row, column].tolist()
            cell = frame[9 * row : 9 * row + 9, 9 * column : 9 * column + 9]
            if what == OBJECT:
                cell[:] = looks[color - 1, texture - 1, shape - 1]
            elif what in (WALL, AGENT):
                cell[:] = 40 if what == WALL else 255
    return frame


@pytest.mark.parametrize("env_id", IDS)
def test_pixels_are_the_symbols_painted(env_id):
    """And everything else is the same in both modes."""
    venvs = [gym_causal.make_vec(env_id, 5, observation=observation) for observation in ("pixels", "symbolic")]
    results = [venv.reset(seed=2) for venv in venvs]
    rng = np.random.default_rng(0)
    for _ in range(50):
        (pixels, infos), (symbols, same_infos) = ((result[0], result[-1]) for result in results)
        assert all(np.array_equal(frame, painted(grid)) for frame, grid in zip(pixels["view"], symbols["view"], strict=True))
        assert all(np.array_equal(pixels[key], symbols[key]) for key in symbols if key != "view")
        assert np.array_equal(infos["explanation"]["tokens"], same_infos["explanation"]["tokens"])
        actions = rng.integers(venvs[0].single_action_space.n, size=5)
        results = [venv.step(actions) for venv in venvs]
        for index in range(1, 4):
            assert np.array_equal(results[0][index], results[1][index])


@pytest.mark.parametrize("seed", range(3))
def test_symbols_say_which_pictures_pixels_are_made_of(seed):
    """Of every object there is; some agents stand on one."""
    rooms = rooms_of(np.random.default_rng(seed).permuted(EVERY_LOOK, axis=1) if seed else EVERY_LOOK, seed)
    symbols, pixels = (views_of(*rooms, observation) for observation in ("symbolic", "pixels"))
    kind, *values = np.moveaxis(symbols.astype(int), -1, 0)
    cells = cell_pictures()[np.where(kind == OBJECT, picture_of(*values), kind)]  # (F, 11, 11, 9, 9, 3)
    assert np.array_equal(cells.swapaxes(2, 3).reshape(pixels.shape), pixels)


def test_all_1254_objects_look_different():
    assert sprites().shape == (19, 6, 11, 9, 9, 3)
    assert len(np.unique(sprites().reshape(19 * 6 * 11, -1), axis=0)) == 1254


@pytest.mark.parametrize(
    ("shape", "drawing"),
    [
        ("triangle", "....#.... ....#.... ...###... ...###... ..#####.. ..#####.. .#######. .#######. #########"),
        ("tee", "######### ######### ######### ...###... ...###... ...###... ...###... ...###... ...###..."),
        ("upside-down U", "######### ######### ######### ###...### ###...### ###...### ###...### ###...### ###...###"),
        ("ex", "##.....## ###...### .###.###. ..#####.. ...###... ..#####.. .###.###. ###...### ##.....##"),
    ],
)
def test_shapes(shape, drawing):
    assert [["#" if pixel else "." for pixel in row] for row in SHAPES[shape]] == [list(row) for row in drawing.split()]


def test_textures_leave_something_of_every_shape():
    for shape in SHAPES.values():
        for texture in TEXTURES.values():
            assert 9 <= (shape & texture).sum() <= 81


def test_view_is_centred_on_the_agent_and_ends_at_the_wall():
    venv = begin("OddOneOutConfounded-v0", episode(agent=(1, 2)))
    view = venv.task.observations()["view"][0, ..., 0]
    assert view[5, 5] == AGENT and view[5, 4] == OBJECT
    assert (view[4, 3:] == WALL).all() and (view[:4] == 0).all() and (view[4:, 3] == WALL).all() and (view[:, :3] == 0).all()


def test_frames_are_not_touched_by_later_steps():
    for observation in ("pixels", "symbolic"):
        venv = gym_causal.make_vec("OddOneOutIntervention-v0", 16, observation=observation)
        rng, kept = np.random.default_rng(0), []
        observations, infos = venv.reset(seed=0)
        for _ in range(60):
            arrays = {**observations, **infos["explanation"], "choice": infos["choice"], "touched_object": infos["touched_object"]}
            kept.append(({key: value for key, value in arrays.items()}, {key: value.copy() for key, value in arrays.items()}))
            observations, *_, infos = venv.step(rng.integers(11, size=16))
        for now, then in kept:
            assert all(np.array_equal(now[key], then[key]) for key in then)


@pytest.mark.parametrize("env_id", IDS)
def test_pictures(env_id):
    env = gym.make(env_id, render_mode="ansi")
    env.reset(seed=0)
    room = env.render()
    assert room.count("@") == 1 and room.splitlines()[0].startswith("# # #") and "trial 1 of" in room
    assert all(f"{number}: a" in room for number in (1, 2, 3, 4))
    pytest.importorskip("PIL")
    env = gym.make(env_id, render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    shape = before.shape
    assert before.dtype == np.uint8 and shape[2] == 3 and min(shape[:2]) > 400
    for _ in range(40):
        _, _, terminated, truncated, _ = env.step(env.unwrapped.expert_action())
        assert env.render().shape == shape
        if terminated or truncated:
            break
    assert not np.array_equal(before, env.render())
