"""Steps per second of the causal DAG envs, each beside its peers in the same run.

    python -m benchmarks.throughput [--seconds 2] [--out DIR]

Rates depend on the machine, ratios less so: contestants take turns, several rounds each, and the median round counts. Peers that are
not installed (MiniGrid, causal-playground, matplotlib for the figure) are left out, and the output says so.
"""

from __future__ import annotations

import importlib.util
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import tyro

import gym_causal
from benchmarks.reports import save_report
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.causal_dag.generators import draw_models

ROUNDS = 5
IS_VERSION_1 = int(gym.__version__.split(".")[0]) >= 1  # of gymnasium; 0.29 names things differently, and its checks are slower
Contestant = Callable[[], int]  # plays for a moment and returns how many steps that was


def race(contestants: dict[str, Contestant], seconds: float) -> dict[str, float]:
    """Steps per second of each, the median over rounds in which they take turns."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for play in contestants.values():
        play()  # warm up
    for _ in range(ROUNDS):
        for name, play in contestants.items():
            steps, start = 0, time.process_time()
            while (elapsed := time.process_time() - start) < seconds / ROUNDS:
                steps += play()
            rates[name].append(steps / elapsed)
    return {name: statistics.median(values) for name, values in rates.items()}


def vector_env(venv: Any, steps: int = 28) -> Contestant:
    """Random actions, drawn beforehand; resets are part of stepping."""
    venv.reset(seed=0)
    rng = np.random.default_rng(0)
    actions = rng.integers(venv.single_action_space.n, size=(steps, venv.num_envs))

    def play() -> int:
        for action in actions:
            venv.step(action)
        return actions.size

    return play


def single_env(env: gym.Env, steps: int = 700) -> Contestant:
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(env.action_space.n, size=steps).tolist()  # type: ignore[attr-defined]

    def play() -> int:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return steps

    return play


def bare_sampling(num_envs: int) -> Contestant:
    """Nothing but sampling: initial and outcome values of one batch of models, in node-major arrays with random interventions."""
    rng = np.random.default_rng(0)
    models, _, _ = draw_models(rng, num_envs, CausalDAGConfig())
    num_variables, row = models.num_variables, np.arange(num_envs)
    position = np.argsort(np.argsort(models.ancestors.sum(axis=1), axis=1, kind="stable"), axis=1)  # a topological one
    order = np.argsort(position, axis=1)
    parents = np.take_along_axis(models.parents, order[:, :, None], 1)  # (B, N, P), by position
    flat = np.take_along_axis(position, np.maximum(parents, 0).reshape(num_envs, -1), 1).reshape(parents.shape)
    flat = np.ascontiguousarray((flat * num_envs + row[:, None, None]).transpose(1, 2, 0))  # (N, P, B) into (N, B)
    weights = np.ascontiguousarray(np.take_along_axis(models.parent_weights, order[:, :, None], 1).transpose(1, 2, 0))
    slope = np.where((parents >= 0).any(axis=2), models.negative_slope, 1.0).T.copy()
    scale = np.take_along_axis(models.noise_scale, order, 1).T.copy()
    target = rng.integers(num_variables, size=num_envs)
    is_set = np.arange(num_variables)[:, None] == target

    def sample(do: bool) -> np.ndarray:
        values = rng.standard_normal((num_variables, num_envs))
        values *= scale
        flat_values = values.reshape(-1)
        for k in range(num_variables):
            values[k] += (flat_values[flat[k]] * weights[k]).sum(axis=0)
            np.maximum(values[k], values[k] * slope[k], out=values[k])
            if do:
                values[k][is_set[k]] = 5.0
        return values

    def play() -> int:
        for _ in range(28):
            sample(do=False)
            sample(do=True)
        return 28 * num_envs

    return play


def causal_playground(steps: int = 50) -> Contestant:
    """Its own 5-variable structural causal model env, one intervention a step (as its README builds one)."""
    from CausalPlayground import SCMEnvironment, SCMGenerator  # noqa: PLC0415 - an optional peer

    generator = SCMGenerator(all_functions={"linear": _linear_function}, seed=0)
    scm = generator.create_random(
        possible_functions=["linear"], n_endo=5, n_exo=5, exo_distribution=random.gauss, exo_distribution_kwargs={"mu": 0.0, "sigma": 0.5}
    )[0]
    env = SCMEnvironment(scm, possible_interventions=[(name, (lambda: 5.0, {})) for name in list(scm.endogenous_vars)[:5]])
    env.reset()

    def play() -> int:
        for step in range(steps):
            env.step([step % 5])
        return steps

    return play


def _linear_function(parents: list[str]) -> Callable[..., float]:
    return lambda **values: sum(values[parent] for parent in parents)


def scaling(sizes: list[int], num_envs: int = 64) -> list[dict[str, float]]:
    """Time and memory per step as the number of variables grows; split unrestricted, explanations off."""
    rows = []
    for num_variables in sizes:
        tracemalloc.start()
        venv = gym_causal.make_vec("CausalDAG-v0", num_envs, num_variables=num_variables, split="unrestricted", explain="none")
        venv.reset(seed=0)
        trials = venv.task.config.trials
        actions = np.random.default_rng(0).integers(2 * num_variables, size=(trials, num_envs))
        for action in actions:
            venv.step(action)
        # Small batches are prepared for several episodes a row: divide by all the steps that the memory is held for.
        peak = tracemalloc.get_traced_memory()[1] / (venv.task.num_prepared * trials)
        tracemalloc.stop()
        timings = []
        for _ in range(3):
            start = time.process_time()
            for action in actions:
                venv.step(action)
            timings.append((time.process_time() - start) / actions.size)
        seconds = statistics.median(timings)
        rows.append(
            {
                "num_variables": num_variables,
                "microseconds_per_step": seconds * 1e6,
                "nanoseconds_per_step_and_variable": seconds * 1e9 / num_variables,
                "kilobytes_per_step": peak / 1e3,
                "bytes_per_step_and_variable": peak / num_variables,
            }
        )
    return rows


def races() -> dict[str, dict[str, Contestant]]:
    """Title -> name -> contestant."""

    def causal(num_envs: int, **kwargs: Any) -> Contestant:
        return vector_env(gym_causal.make_vec("CausalDAG-v0", num_envs, **kwargs))

    def cartpole(num_envs: int) -> Contestant:
        mode = "vector_entry_point" if IS_VERSION_1 else "custom"
        return vector_env(gym.make_vec("CartPole-v1", num_envs, vectorization_mode=mode))

    single = {
        "CausalDAG-v0, explanations off": single_env(gym.make("CausalDAG-v0", explain="none")),
        "CausalDAG-v0, explanations with text": single_env(gym.make("CausalDAG-v0")),
        "CartPole-v1": single_env(gym.make("CartPole-v1")),
    }
    if importlib.util.find_spec("minigrid"):
        import minigrid  # noqa: F401, PLC0415 - importing it registers its envs

        single["MiniGrid-Empty-8x8-v0"] = single_env(gym.make("MiniGrid-Empty-8x8-v0"), steps=200)
    if importlib.util.find_spec("CausalPlayground"):
        single["causal-playground, 5 variables"] = causal_playground()
    return {
        "4,096 envs": {
            "CausalDAG-v0, explanations off": causal(4_096, explain="none"),
            "CausalDAG-v0, explanations on": causal(4_096),
            "bare NumPy sampling": bare_sampling(4_096),
            "CartPole-v1, native": cartpole(4_096),
        },
        "64 envs": {
            "CausalDAG-v0, explanations off": causal(64, explain="none"),
            "CausalDAG-v0, explanations on": causal(64),
            "CartPole-v1, native": cartpole(64),
        },
        "1 env, gym.make": single,
    }


def ratios(results: dict[str, dict[str, float]]) -> list[tuple[str, float, str, float]]:
    """(name, measured ratio, ">=" or "<=", target) of steps per second."""
    off, on, text = (f"CausalDAG-v0, explanations {mode}" for mode in ("off", "on", "with text"))
    many, some, one = results.values()
    return [
        ("4,096 envs / bare NumPy sampling", many[off] / many["bare NumPy sampling"], ">=", 0.5),
        ("64 envs / CartPole's native vector env", some[off] / some["CartPole-v1, native"], ">=", 1 / 3),
        ("1 env / CartPole", one[off] / one["CartPole-v1"], ">=", 0.4 if IS_VERSION_1 else 0.2),
        ("4,096 envs: cost of explanations", many[off] / many[on], "<=", 2.0),
        ("64 envs: cost of explanations", some[off] / some[on], "<=", 2.0),
        ("1 env: cost of explanations with text", one[off] / one[text], "<=", 2.0),
    ]


@dataclass(frozen=True)
class Args:
    """Measure steps per second of the causal DAG envs, each beside its peers."""

    seconds: float = 2.0
    """Time given to each contestant in a round."""
    out: Path | None = None
    """Folder for throughput.json and scaling.png."""


def main(args: Args) -> None:
    print(f"gymnasium {gym.__version__}, numpy {np.__version__}; steps/s, median of {ROUNDS} rounds")
    results = {title: race(contestants, args.seconds) for title, contestants in races().items()}
    for title, rates in results.items():
        print(f"\n{title}")
        for name, rate in rates.items():
            print(f"  {name:40s} {rate:12,.0f}")
    print("\nratio                                        measured   target")
    for name, ratio, sense, target in ratios(results):
        met = ratio >= target if sense == ">=" else ratio <= target
        print(f"  {name:42s} {ratio:8.2f}   {sense} {target:.2f}  {'' if met else '<- missed'}")
    curve = scaling([5, 10, 20, 50, 100])
    print("\nvariables   us/step   ns/step/variable   kB/step   bytes/step/variable   (64 envs, unrestricted)")
    for row in curve:
        print("{:9.0f} {:9.1f} {:18.0f} {:9.1f} {:21.0f}".format(*row.values()))
    if args.out:
        save(args.out, {"gymnasium": gym.__version__, "numpy": np.__version__, "steps_per_second": results, "scaling": curve})


def save(folder: Path, report: dict[str, Any]) -> None:
    save_report(folder / "throughput.json", report)
    if not importlib.util.find_spec("matplotlib"):
        print("matplotlib is not installed: no figure")
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2)
    sizes = [row["num_variables"] for row in report["scaling"]]
    for ax, key, label in zip(
        axes, ("microseconds_per_step", "kilobytes_per_step"), ("time per step (us)", "memory per step (kB)"), strict=True
    ):
        values = [row[key] for row in report["scaling"]]
        ax.loglog(sizes, values, "o-", label="measured")
        ax.loglog(sizes, [values[-1] * size / sizes[-1] for size in sizes], "--", color="gray", label="linear")
        ax.set(xlabel="variables", ylabel=label)
        ax.legend()
    figure.savefig(folder / "scaling.png", dpi=150)


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m benchmarks.throughput"))
