"""EpisodeNoise the pictures of the README and the docs: ``python docs/make_pictures.py`` (needs the extra ``render``)."""

from pathlib import Path

import gymnasium as gym
import numpy as np
from matplotlib.image import imsave

import gym_causal  # noqa: F401 - registers the ids
from gym_causal.causal_dag.picture import Box, blank_canvas, default_style, draw_explanation, draw_graph
from gym_causal.scm import StructuralCausalModels

IMAGES = Path(__file__).parent / "images"
IMAGES.mkdir(exist_ok=True)

# An episode as in eval_target: the goal is E, and D, never a cause of E in training, is the best variable to set. B goes along with
# E, because C moves both, but setting it does nothing: only an experiment tells.
A, B, C, D, E = range(5)
weights = np.zeros((5, 5))
weights[A, D], weights[D, E], weights[C, E], weights[C, B] = 0.6, 1.3, 0.9, 1.6
env = gym.make("CausalDAG-v0", split="eval_target")
env.reset(seed=0, options={"model": StructuralCausalModels.from_weights(weights, noise_scale=0.4), "goal": "E"})
after_setting = {}  # variable -> what there is to show after the experiment on it
for variable in (A, B, C, D, E):  # the expert's experiments, in an order that does not depend on the seed
    env.step(variable)
    after_setting[variable] = env.unwrapped.task.snapshot(0)
env.step(env.unwrapped.expert_action())
exploitation = env.unwrapped.task.snapshot(0)

frames = (
    ("Experiment: set B", "E goes along with B, for C moves both; B is no cause", after_setting[B]),
    ("Experiment: set D", "D moves E: the link that training never shows", after_setting[D]),
    ("Exploit: make E large", f"set D; the reward is what E becomes, {exploitation.rewards[-1]:+.1f}", exploitation),
)
panel, height = 440, 390
with default_style():
    figure, axes = blank_canvas(panel * len(frames), height, dpi=125)
    for k, (title, subtitle, snapshot) in enumerate(frames):
        left = panel * k
        axes.text(left + 20, height - 26, f"{k + 1}  {title}", size=12, weight="bold", color="#222222", va="center")
        axes.text(left + 20, height - 48, subtitle, size=10, color="#707070", va="center")
        positions = draw_graph(axes, snapshot, Box(left + 14, 82, panel - 28, height - 150))
        axes.plot(*positions[[D, E]].T, color="#ffe08a", linewidth=13, solid_capstyle="round", zorder=0)  # the held-out link
        draw_explanation(axes, snapshot.explanation, Box(left + 20, 8, panel - 40, 62))
    for k in range(1, len(frames)):
        axes.plot([panel * k] * 2, [14, height - 14], color="#d0d0d0", linewidth=1)
    figure.savefig(IMAGES / "causal_dag_episode.png")

C, D, E, H, J = cue = (2, 3, 4, 7, 9)  # a held-out set of relevant variables
weights = np.zeros((10, 10))
weights[H, D], weights[H, C], weights[D, E], weights[C, E], weights[C, J] = 1.4, -1.1, 1.2, -0.5, 0.8
env = gym.make("CausalDAGCued-v0", split="eval_path", render_mode="rgb_array")
model = StructuralCausalModels.from_weights(weights, noise_scale=0.4)
env.reset(seed=0, options={"model": model, "goal": "E", "cue": np.isin(np.arange(10), cue)})
for _ in range(6):
    env.step(env.unwrapped.expert_action())
imsave(IMAGES / "causal_dag_cued.png", env.render())
