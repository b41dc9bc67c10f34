"""Trainings in processes of their own, which kill themselves at chosen moments: no cleaning up, as if the power had failed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

import gym_causal
from agents.algorithms import behavioral_cloning, reinforcement_learning, training_run
from agents.algorithms.ppo_loss import PPOLoss
from agents.config import AgentConfig
from agents.policies import checkpoints
from gym_causal import files

NUM_RECORDED = 40


def splits(config: AgentConfig) -> tuple[str, str]:
    """On which a training is evaluated."""
    return ("train", "eval_path") if config.env_id.startswith("CausalDAG") else ("train", "eval")


def start(config: AgentConfig, folder: Path, moment: tuple[str, int] | None = None, *, recorded: bool = False) -> Any:
    """Begin or resume a training in another process, which is killed the n-th time that it comes to a moment.

    A server process imports everything once; trainings are forks of it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.agents.algorithms.preloaded"])
    process = context.Process(target=_train, args=(config, folder, moment, recorded))
    process.start()
    return process


def run(config: AgentConfig, folder: Path, moment: tuple[str, int] | None = None, *, recorded: bool = False) -> int:
    """What became of such a training: its exit code."""
    process = start(config, folder, moment, recorded=recorded)
    process.join(300)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def run_ranks(config: AgentConfig, folders: Sequence[Path], moment: tuple[str, int] | None = None) -> list[int]:
    """What became of a training by several processes, as torchrun starts them: their exit codes.

    Args:
        config: of the agent.
        folders: as each process sees it.
        moment: at which the second one is killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.agents.algorithms.preloaded"])
    with tempfile.TemporaryDirectory() as meeting:
        processes = [
            context.Process(target=_train_rank, args=(config, folder, f"{meeting}/meet", rank, len(folders), moment if rank == 1 else None))
            for rank, folder in enumerate(folders)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(300)
    assert all(process.exitcode is not None for process in processes), "they hang"
    return [process.exitcode for process in processes]


def _train_rank(config: AgentConfig, folder: Path, meeting: str, rank: int, world_size: int, moment: tuple[str, int] | None) -> None:
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=world_size)
    _train(config, folder, moment, recorded=False)
    dist.destroy_process_group()


def _train(config: AgentConfig, folder: Path, moment: tuple[str, int] | None, recorded: bool) -> None:
    torch.set_num_threads(1)
    if moment is not None:
        MOMENTS[moment[0]](moment[1])
    if config.ppo is not None:
        reinforcement_learning.train(config, folder, resume=True, splits=splits(config), progress=False)
        return
    episodes = None
    if recorded:
        explain = config.training.explanations
        episodes = gym_causal.collect("expert", config.env_id, num_episodes=NUM_RECORDED, seed=5, explain=explain, **config.env_kwargs)
    behavioral_cloning.train(config, folder, resume=True, splits=splits(config), demonstrations=episodes, progress=False)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_at(owner: Any, name: str, *, after: bool = False) -> Callable[[int], None]:
    """A moment: the n-th call of a function, or the end of it."""

    def arm(count: int) -> None:
        original, calls = getattr(owner, name), 0

        def armed(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == count and not after:
                _die()
            result = original(*args, **kwargs)
            if calls == count:
                _die()
            return result

        setattr(owner, name, armed)

    return arm


def _kill_in_half_a_checkpoint(count: int) -> None:
    original, calls = checkpoints.Path.write_bytes, 0

    def half(path: Path, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == count:
            original(path, data[: len(data) // 2])
            _die()
        return original(path, data)

    checkpoints.Path.write_bytes = half


MOMENTS: dict[str, Callable[[int], None]] = {
    "config is written": _kill_at(training_run, "save_config", after=True),
    "half a checkpoint": _kill_in_half_a_checkpoint,
    "before a file is in place": _kill_at(files.os, "replace"),
    "after a file is in place": _kill_at(files.os, "replace", after=True),
    "in an update": _kill_at(behavioral_cloning.ImitationLoss, "__call__"),
    "in a step of PPO": _kill_at(PPOLoss, "__call__"),
    "clipping": _kill_at(torch.nn.utils, "clip_grad_norm_"),
    "before an evaluation": _kill_at(gym_causal, "evaluate"),
    "after an evaluation": _kill_at(gym_causal, "evaluate", after=True),
}


def with_dropout(config: AgentConfig) -> AgentConfig:
    return replace(config, architecture=replace(config.architecture, dropout=0.3))
