"""The figure of passive and active learners in all tasks."""

import pandas as pd
import pytest

pytest.importorskip("imitation")

from agents.sweeps.studies import STUDIES
from tests.docs_scripts import load_script

figure = load_script("make_learning_figure")


def row(policy, metric="normalized_reward", seen=10):
    about = {"env_id": "OddOneOut-v0", "split": "train", "seed_of_training": 0}
    return {**about, "policy": policy, "metric": metric, "episodes_seen": seen, "mean": 0.5}


def test_lines_are_of_variations_that_there_are():
    for study, lines in figure.LINES.items():
        assert lines.keys() <= {variation.name for variation in STUDIES[study].variations}


def test_it_draws_what_there_is(tmp_path):
    folder = tmp_path / "results" / "active_odd_one_out"
    folder.mkdir(parents=True)
    rows = [row("ppo_none"), row("ppo_none", seen=20), row("ppo_full"), row("ppo_reward"), row("ppo_none", "reward")]
    pd.DataFrame(rows).to_csv(folder / "learning_curves.csv", index=False)
    drawn = figure.curves(tmp_path / "results")
    assert list(zip(drawn["split"], drawn["policy"], drawn["episodes_seen"], strict=True)) == [
        ("OddOneOut: train", "acts", 10),
        ("OddOneOut: train", "acts", 20),
        ("OddOneOut: train", "acts, explained", 10),
    ]
    figure.main(figure.Args(tmp_path / "results", tmp_path / "new" / "a.png"))
    assert (tmp_path / "new" / "a.png").stat().st_size > 1_000


def test_without_curves_it_says_what_it_looks_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="results must hold the folder of one of passive_and_active, active_odd_one_out, "):
        figure.curves(tmp_path)
