"""However often a training is killed, it ends at the same weights, bit for bit, and at the same learning curve."""

import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch

from agents.algorithms.behavioral_cloning import train
from agents.algorithms.folder_lock import LOCK
from agents.algorithms.learning_curve import HISTORY
from agents.policies.checkpoints import CHECKPOINT, CONFIG, load_checkpoint
from tests.agents.algorithms import killed
from tests.agents.small import CONFIG as SMALL
from tests.agents.small import PPO_CONFIG, PPO_ROOM_CONFIG, ROOM_ARCHITECTURES, ROOM_CONFIG, ROOM_KWARGS, TRAINING

pytestmark = pytest.mark.skipif("forkserver" not in killed.multiprocessing.get_all_start_methods(), reason="processes cannot be forked")

# With a checkpoint after 3, 6, 9 and 12 updates, and evaluations on two splits after 4, 8 and 12. What is counted is counted from each
# resumption.
MOMENTS = [
    ("config is written", 1),
    ("in an update", 2),
    ("half a checkpoint", 1),  # the first one
    ("before an evaluation", 2),  # updates 4 to ...: in between two splits
    ("after a file is in place", 2),  # the learning curve of update 4, which is then measured again
    ("half a checkpoint", 1),  # the second one
    ("before a file is in place", 3),  # that checkpoint, written but not yet in place
    ("after a file is in place", 3),  # the checkpoint after 6
    ("clipping", 2),
    ("after an evaluation", 2),
    ("after a file is in place", 3),  # the checkpoint after 9
    ("half a checkpoint", 1),  # the last one
]


def check_same(folder: Path, expected: Path) -> None:
    mine, theirs = load_checkpoint(folder), load_checkpoint(expected)
    assert mine.batch == theirs.batch and mine.weights.keys() == theirs.weights.keys()
    for name, value in theirs.weights.items():
        assert torch.equal(mine.weights[name], value), name
    assert (folder / HISTORY).read_bytes() == (expected / HISTORY).read_bytes()
    assert not pd.read_csv(folder / HISTORY).duplicated(["batch", "split", "metric"]).any()


@pytest.mark.slow
def test_killed_at_every_moment(tmp_path):
    config, expected, folder = killed.with_dropout(SMALL), tmp_path / "uninterrupted", tmp_path / "killed"
    assert killed.run(config, expected) == 0
    reached = []
    for moment in MOMENTS:
        assert killed.run(config, folder, moment) == -signal.SIGKILL, moment
        reached.append(load_checkpoint(folder).batch if (folder / CHECKPOINT).exists() else 0)
    assert reached == [0, 0, 0, 3, 3, 3, 3, 6, 6, 6, 9, 9]
    assert killed.run(config, folder) == 0
    check_same(folder, expected)


@pytest.mark.parametrize(
    ("dataset", "moment"),
    [
        ("none", ("half a checkpoint", 2)),
        pytest.param("recorded", ("in an update", 6), marks=pytest.mark.slow),
        pytest.param("collected", ("before a file is in place", 4), marks=pytest.mark.slow),
        pytest.param("imperfect", ("half a checkpoint", 2), marks=pytest.mark.slow),
    ],
)
def test_killed_once(dataset, moment, tmp_path):
    """Also with datasets of two batches and a half, so that epochs begin anew on the way; and without dropout."""
    changes = {"collected": {"num_demonstrations": 40}, "imperfect": {"error_rate": 0.3, "random_player_share": 0.3}}
    config = replace(SMALL, training=replace(TRAINING, **changes.get(dataset, {})))
    recorded, expected, folder = dataset == "recorded", tmp_path / "uninterrupted", tmp_path / "killed"
    assert killed.run(config, expected, recorded=recorded) == 0
    assert killed.run(config, folder, moment, recorded=recorded) == -signal.SIGKILL
    assert load_checkpoint(folder).batch == 3
    assert killed.run(config, folder, recorded=recorded) == 0
    check_same(folder, expected)


ROOMS = {
    "streamed symbols": killed.with_dropout(ROOM_CONFIG),
    "collected pixels": replace(
        ROOM_CONFIG,
        env_kwargs={**ROOM_KWARGS, "observation": "pixels"},
        architecture=ROOM_ARCHITECTURES["convolutional"],
        training=replace(ROOM_CONFIG.training, num_demonstrations=40, shuffled_explanations=True),
    ),
    "recorded symbols": ROOM_CONFIG,
}


@pytest.mark.parametrize(
    "what", ["streamed symbols", *(pytest.param(what, marks=pytest.mark.slow) for what in ("collected pixels", "recorded symbols"))]
)
def test_killed_in_rooms(what, tmp_path):
    """Episodes of different lengths, and explanations."""
    config, recorded, expected, folder = ROOMS[what], what.startswith("recorded"), tmp_path / "uninterrupted", tmp_path / "killed"
    assert killed.run(config, expected, recorded=recorded) == 0
    assert killed.run(config, folder, ("in an update", 6), recorded=recorded) == -signal.SIGKILL
    assert load_checkpoint(folder).batch == 3
    assert killed.run(config, folder, recorded=recorded) == 0
    check_same(folder, expected)
    metrics = set(pd.read_csv(folder / HISTORY)["metric"])
    assert {"validation_loss", "validation_explanation_loss", "normalized_reward"} <= metrics


@pytest.mark.parametrize("what", ["dropout", pytest.param("rooms", marks=pytest.mark.slow)])
def test_killed_while_it_learns_from_reward(what, tmp_path):
    """In the third iteration of four, in the middle of its steps, and in half a checkpoint of the fourth."""
    config = {"dropout": killed.with_dropout(PPO_CONFIG), "rooms": PPO_ROOM_CONFIG}[what]
    expected, folder = tmp_path / "uninterrupted", tmp_path / "killed"
    assert killed.run(config, expected) == 0
    assert killed.run(config, folder, ("in a step of PPO", 10)) == -signal.SIGKILL  # an iteration takes two passes of two minibatches
    assert load_checkpoint(folder).batch == 2
    assert killed.run(config, folder, ("half a checkpoint", 2)) == -signal.SIGKILL
    assert load_checkpoint(folder).batch == 3
    assert killed.run(config, folder) == 0
    check_same(folder, expected)


def test_what_was_begun_must_be_resumed(tmp_path):
    """Killed before the first checkpoint, there is a config and nothing else; a new training does not silently take its place."""
    assert killed.run(SMALL, tmp_path, ("config is written", 1)) == -signal.SIGKILL
    assert {path.name for path in tmp_path.iterdir()} == {CONFIG, LOCK}  # a killed process leaves the file of its lock, without effect
    with pytest.raises(FileExistsError, match="or resume its training"):
        train(SMALL, tmp_path, progress=False)


def test_an_interrupted_training_can_be_resumed(tmp_path, monkeypatch):
    """By Ctrl+C, which Python may raise anywhere: here in the middle of an update."""
    expected, folder = tmp_path / "uninterrupted", tmp_path / "interrupted"
    assert killed.run(SMALL, expected) == 0
    clip, calls = torch.nn.utils.clip_grad_norm_, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return clip(*args)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, folder, splits=killed.splits(SMALL), progress=False)
    assert load_checkpoint(folder).batch == 6
    train(SMALL, folder, resume=True, splits=killed.splits(SMALL), progress=False)
    check_same(folder, expected)


def test_tensorboard_goes_on_counting(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert killed.run(SMALL, tmp_path, ("in an update", 9)) == -signal.SIGKILL
    assert killed.run(SMALL, tmp_path) == 0
    events = accumulators.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("bc/loss")] == [0, 6]  # every 50 updates, from each beginning
    assert [event.step for event in events.Scalars("validation_loss/train")] == [4, 8, 12]
    curve = pd.read_csv(tmp_path / HISTORY)
    logged = [event.value for event in events.Scalars("validation_loss/train")]
    assert np.allclose(logged, curve[curve["metric"] == "validation_loss"]["mean"], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_from_outside_whenever(seed, tmp_path):
    training = replace(TRAINING, num_batches=150, checkpoint_every=1, evaluate_every=5)
    config, expected, folder = replace(killed.with_dropout(SMALL), training=training), tmp_path / "uninterrupted", tmp_path / "killed"
    begun = time.monotonic()
    assert killed.run(config, expected) == 0
    lasts, rng, reached = time.monotonic() - begun, np.random.default_rng(seed), [0]
    for _ in range(15):
        process = killed.start(config, folder)
        process.join(rng.uniform(0.05, 0.15) * lasts)
        process.kill()
        process.join()
        reached.append(load_checkpoint(folder).batch if (folder / CHECKPOINT).exists() else 0)
    assert (np.diff(reached) >= 0).all() and len(set(reached)) > 3
    assert killed.run(config, folder) == 0
    check_same(folder, expected)
