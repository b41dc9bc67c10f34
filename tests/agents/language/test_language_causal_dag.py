"""The table of language models in causal DAGs."""

import json

import pandas as pd
import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")
from tests.docs_scripts import load_script, page_tables

script = load_script("make_language_causal_dag")


def test_the_table_is_current():
    page = script.PAGE.read_text("utf-8")
    assert page_tables.with_tables(page, script.tables(pd.read_csv(script.DATA))) == page, "run python docs/make_language_causal_dag.py"


def write_results(folder, env_id, policies):
    """Results in which each policy has some reward, and the splits differ."""
    folder.mkdir(parents=True)
    rows = [
        {"env_id": env_id, "split": split, "policy": policy, "metric": metric, "mean": mean, "low": 0.0, "high": 1.0, "episodes": 300}
        for policy, reward in policies.items()
        for split, loss in zip(script.SPLITS, (0.0, 0.1, 0.2), strict=True)
        for metric, mean in ((script.REWARD, reward - loss), (script.COVERAGE, 0.5), (script.OPTIMAL, 0.4), ("reward", 3.0))
    ]
    pd.DataFrame(rows).assign(seed=0).to_csv(folder / "results.csv", index=False)


def write_transcripts(folder, games):
    """Games, each one text, as the command writes them."""
    document = json.dumps({"prompts": {}, "games": {title: [[["world", text]] for text in texts] for title, texts in games.items()}})
    (folder / "transcripts.html").write_text(f'<script id="data" type="application/json">{document}</script>', "utf-8")


CHOOSES = (
    "Choice 1 of 2. My goal is to make {0} large, and I may not set it.\nReasoning: The goal is {0}. Set A to +5: {0} +1.0. Set D to +5: "
)
CHOOSES += "{0} +7.0, more than A. So D moved {0} most. I set {1} to +5: its experiment moved the goal most.\nI set {1} to +5.\n"


def test_models_and_the_agent_are_put_together(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("Before.\n\n<!-- table language_causal_dag -->\n<!-- end of table -->\n\nAfter.\n", "utf-8")
    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr(script, "DATA", tmp_path / "rows.csv")
    monkeypatch.setattr(script, "CHOICES", tmp_path / "choices.csv")
    monkeypatch.setattr(script, "EXPERT_GAMES", 20)
    results = tmp_path / "one"
    write_results(results / "none" / "seed_0" / "evaluation", "CausalDAGText-v0", {"none": 0.5, "expert": 1.0, "change": 0.7})
    write_results(tmp_path / "agent", "CausalDAG-v0", {"agent": 0.9, "expert": 1.0})
    write_transcripts(results / "none" / "seed_0" / "evaluation", {"none, train": ["I set D to +5.\n"]})
    script.main(script.Args(results=results, agent=tmp_path / "agent"))
    second = tmp_path / "two"
    write_results(second / "reasoning" / "seed_1" / "evaluation", "CausalDAGText-v0", {"reasoning": 0.6, "expert": 1.0})
    games = [
        CHOOSES.format("E", "A") + CHOOSES.format("B", "D"),
        CHOOSES.format("E", "A"),
        CHOOSES.format("E", "D"),
        CHOOSES.format("C", "A"),
    ]
    write_transcripts(second / "reasoning" / "seed_1" / "evaluation", {"reasoning, eval_target": games})
    script.main(script.Args(results=second))
    lines = page.read_text("utf-8").splitlines()
    assert lines[0] == "Before." and lines[-1] == "After."
    interval = "[0.000, 1.000]"
    assert [line for line in lines if line.startswith(("| `", "| lang"))] == [
        f"| {name} | 300 | {' | '.join(f'{reward - loss:.3f} {interval}' for loss in (0.0, 0.1, 0.2))} | 0.50 |"
        for name, reward in (
            ("language model, `reasoning`, seed 1", 0.6),
            ("language model, `none`, seed 0", 0.5),
            ("`agent`", 0.9),
            ("`expert`", 1.0),
        )
    ]
    assert pd.read_csv(script.CHOICES).to_numpy().tolist() == [
        ["reasoning", 1, "eval_target", "held out", 3, 0.3333],
        ["reasoning", 1, "eval_target", "other", 2, 0.5],
        ["expert", script.WITHOUT_SEED, "train", "held out", 3, 0.0],
        ["expert", script.WITHOUT_SEED, "train", "other", 37, 0.5405],
    ]
    assert set(pd.read_csv(script.DATA)["metric"]) == set(script.METRICS)


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match=r"--results: .* holds no MODEL/seed_S"):
        script.main(script.Args(results=tmp_path))
