"""Draw the pictures of the odd-one-out pages: ``python docs/make_odd_one_out_pictures.py`` (needs the extra ``render``)."""

from pathlib import Path

import gymnasium as gym
import numpy as np
from PIL import Image

import gym_causal  # noqa: F401 - registers the ids
from gym_causal.odd_one_out.features import COLORS, SHAPES, TEXTURES, sprites

IMAGES = Path(__file__).parent / "images"
IMAGES.mkdir(exist_ok=True)
MILLISECONDS, LONGER = 350, 2_200  # a frame; one with something to read


def episode(env_id, seed, **kwargs):
    """Pictures of the expert's episode, one a step, and whether something was explained about a touch."""
    env = gym.make(env_id, render_mode="rgb_array", **kwargs)
    _, info = env.reset(seed=seed)
    pictures, touches, over = [env.render()], [False], False
    while not over:
        touched_before = info["touched_object"] >= 0
        _, _, terminated, truncated, info = env.step(env.unwrapped.expert_action())
        over = terminated or truncated
        if over and touched_before:
            break  # the board stays as it was
        pictures.append(env.render())
        touches.append(info["explanation"]["kind"] == "reward")
    return pictures, touches


def save_animation(name, pictures, touches):
    frames = [Image.fromarray(picture).quantize(64) for picture in pictures]
    frames[0].save(
        IMAGES / name, save_all=True, append_images=frames[1:], loop=0, duration=[LONGER if touch else MILLISECONDS for touch in touches]
    )


def side_by_side(name, pictures):
    height = max(picture.shape[0] for picture in pictures)
    padded = [np.pad(picture, ((0, height - len(picture)), (0, 0), (0, 0)), constant_values=250) for picture in pictures]
    Image.fromarray(np.concatenate(padded, axis=1)).quantize(128).save(IMAGES / name, optimize=True)


# The intervention task, a whole episode.
save_animation("odd_one_out_intervention.gif", *episode("OddOneOutIntervention-v0", seed=5))

# The confounded task, what training and evaluation look like when the expert has chosen; and a mistake.
shown = []
for kwargs in ({"split": "train"}, {"split": "train", "mistake_rate": 1.0}, {"split": "eval"}):
    pictures, touches = episode("OddOneOutConfounded-v0", seed=5, **kwargs)
    shown.append(pictures[touches.index(True)])
side_by_side("odd_one_out_confounded.png", shown)

# The basic task, and what the agent sees of it.
env = gym.make("OddOneOut-v0", render_mode="rgb_array")
observation, _ = env.reset(seed=1)
side_by_side("odd_one_out_view.png", [env.render(), observation["view"].repeat(5, axis=0).repeat(5, axis=1)])

# All shapes and textures, and all colours.
patches = sprites()
cells = np.zeros((len(TEXTURES) + 2, max(len(SHAPES), len(COLORS)), 11, 11, 3), np.uint8)
cells[: len(TEXTURES), : len(SHAPES), 1:-1, 1:-1] = patches[list(COLORS).index("cyan")]
cells[len(TEXTURES) + 1, :, 1:-1, 1:-1] = patches[:, 0, list(SHAPES).index("circle")]
picture = cells.swapaxes(1, 2).reshape(cells.shape[0] * 11, -1, 3)
Image.fromarray(picture.repeat(4, axis=0).repeat(4, axis=1)).quantize(64).save(IMAGES / "odd_one_out_features.png", optimize=True)
