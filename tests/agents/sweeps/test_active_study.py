"""Agents that watch, then act: one run trains both, resumes both, and reports the second."""

import pandas as pd
import pytest

pytest.importorskip("imitation")

from agents.ablate import Args, main
from agents.algorithms.initial_weights import InitialWeights
from agents.policies.checkpoints import CHECKPOINT, load_config
from agents.sweeps.recipes import Recipe
from agents.sweeps.runs import WATCHED, runs_of

pytestmark = pytest.mark.usefixtures("tiny_presets")


def the_run(folder, variation="bc_then_ppo", study="passive_and_active"):
    (run,) = runs_of(Recipe(study=study, seeds=1, variations=(variation,), episodes=30, out=folder))
    return run


def test_it_acts_from_the_weights_of_the_agent_that_watched(tmp_path):
    run = the_run(tmp_path)
    assert run.watched == the_run(tmp_path, "bc").config and the_run(tmp_path, "ppo").watched is None
    run.execute()
    watched, acting = (load_config(folder) for folder in (run.folder / WATCHED, run.folder))
    assert watched == run.watched and watched.ppo is None and acting.ppo is not None
    assert acting.initial_weights == InitialWeights.read(run.folder / WATCHED, run.config).fingerprint
    assert set(run.results()["policy"]) == {"bc_then_ppo"}


def test_what_was_watched_is_not_watched_again(tmp_path):
    run = the_run(tmp_path)
    run.execute()
    checkpoint, first = run.folder / WATCHED / CHECKPOINT, run.results()
    before = checkpoint.stat().st_mtime_ns
    run.check()
    for path in run.folder.iterdir():
        if path.is_file():
            path.unlink()  # as if it had been killed when it began to act
    run.check()
    run.execute()
    assert checkpoint.stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(run.results(), first)


def test_curves_count_the_episodes_that_were_watched(tmp_path):
    args = Args(study="passive_and_active", variations=("bc", "bc_then_ppo"), seeds=1, episodes=30, out=tmp_path)
    runs = runs_of(args)
    for run in runs:
        run.execute()
    main(args)
    curves = pd.read_csv(tmp_path / "learning_curves.csv").groupby("policy")["episodes_seen"]
    watched, acted = (run.config.num_episodes for run in runs)
    assert curves.max().to_dict() == {"bc": watched, "bc_then_ppo": watched + acted}
    assert curves.min()["bc_then_ppo"] > watched
    assert {path.suffix for path in tmp_path.glob("episodes_seen.*")} == {".png", ".svg"}


def test_an_agent_that_acts_in_rooms_is_shown_what_its_variation_says(tmp_path):
    run = the_run(tmp_path, "ppo_shape", "active_confounded")
    assert run.config.env_kwargs["explained_attribute"] == "shape" and run.config.demonstration_kwargs == {"max_trial_steps": 5}
    run.execute()
    results = run.results()
    assert set(results[results["split"] == "eval"]["metric"]) >= {"choice_color", "choice_shape", "explained_shape"}
    assert "explained_color" not in set(results["metric"])
