"""The figures of passive and active learners."""

import pandas as pd
import pytest

pytest.importorskip("imitation")

from agents.sweeps.studies import STUDIES
from tests.docs_scripts import load_script

figure = load_script("make_learning_figure")


def row(policy, metric="normalized_reward", seen=10, seed=0, mean=0.5):
    about = {"env_id": "OddOneOut-v0", "split": "train", "seed_of_training": seed}
    return {**about, "policy": policy, "metric": metric, "episodes_seen": seen, "mean": mean}


def write_curves(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "learning_curves.csv", index=False)


def test_lines_are_of_variations_that_there_are():
    for folder, lines in figure.LINES.items():
        assert lines.keys() <= {variation.name for variation in STUDIES[folder.removesuffix("_cued").removesuffix("_full")].variations}


def test_it_keeps_and_draws_what_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(figure, "DATA", tmp_path / "curves.csv")
    rows = [row("ppo_none"), row("ppo_none", seen=20), row("ppo_full"), row("ppo_reward"), row("ppo_none", "reward")]
    write_curves(tmp_path / "results" / "active_odd_one_out", rows)
    figure.main(figure.Args(tmp_path / "results", tmp_path / "new"))
    kept = pd.read_csv(tmp_path / "curves.csv")
    assert kept["policy"].tolist() == ["ppo_none", "ppo_none", "ppo_full", "ppo_reward"]  # also of a variation that is not drawn
    drawn = figure.labelled(kept)
    assert list(zip(drawn["split"], drawn["policy"], drawn["episodes_seen"], strict=True)) == [
        ("OddOneOut: train", "acts", 10),
        ("OddOneOut: train", "acts", 20),
        ("OddOneOut: train", "acts, explained", 10),
    ]
    (picture,) = (tmp_path / "new").iterdir()  # there is no curve for the other one
    assert picture.name == "passive_and_active_tasks.png" and picture.stat().st_size > 1_000


def test_the_picture_of_one_study_has_its_variations_in_order():
    rows = [{**row(policy), "study": "passive_and_active"} for policy in ("ppo_memoryless", *reversed(figure.COMPARED))]
    drawn = figure.pictures(pd.DataFrame(rows))["passive_and_active.png"]
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels == [name.replace("_", " ") for name in figure.COMPARED]


def test_a_new_run_replaces_the_earlier_one_alone_and_studies_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(figure, "DATA", tmp_path / "curves.csv")
    write_curves(tmp_path / "first" / "active_odd_one_out", [row("ppo_none"), row("ppo_none", seed=1)])
    write_curves(tmp_path / "first" / "active_confounded", [row("ppo_none", mean=0.25)])
    write_curves(tmp_path / "second" / "active_confounded", [row("ppo_none", mean=0.75)])
    for results in ("first", "second"):
        figure.main(figure.Args(tmp_path / results, tmp_path / "images"))
    drawn = figure.labelled(pd.read_csv(tmp_path / "curves.csv"))
    assert list(zip(drawn["study"], drawn["seed_of_training"], drawn["mean"], strict=True)) == [
        ("active_odd_one_out", 0, 0.5),
        ("active_odd_one_out", 1, 0.5),
        ("active_confounded", 0, 0.75),
    ]


def test_without_curves_it_says_what_it_looks_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="results must hold the folder of one of passive_and_active, passive_and_active_full, "):
        figure.curves(tmp_path)
