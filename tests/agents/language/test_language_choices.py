"""What is counted in a model's games."""

import shutil

import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")

from agents.language.conditions import CONDITIONS
from agents.language.pages import write_transcripts
from gym_causal.transcripts import play_games
from tests.docs_scripts import load_script

script = load_script("make_language_choices")


def test_the_expert_goes_by_what_is_rewarded(tmp_path):
    folder = tmp_path / "none" / "seed_0" / "evaluation"
    folder.mkdir(parents=True)
    games = {
        ("none", split): play_games("OddOneOutText-v0", num_episodes=20, rewarded_dimensions=dimensions)
        for split, dimensions in (("included", ("color", "shape")), ("held_out", ("texture",)))
    }
    write_transcripts(folder, "expert", {"none": ""}, games, environment_explains=False)
    counted = list(script.choices(folder))
    assert len(counted) == 40 and all(choice.rewarded == choice.unique_in and choice.right == choice.chosen for choice in counted)
    assert {choice.rewarded for choice in counted if choice.split == "included"} == {"color", "shape"}
    script.main(script.Args(results=tmp_path, out=tmp_path / "data"))
    lines = (tmp_path / "data" / "choices.csv").read_text("utf-8").splitlines()
    assert lines[1] == "none,evaluation,0,held_out,texture,0.0,0.0,1.0"
    lines = (tmp_path / "data" / "places.csv").read_text("utf-8").splitlines()
    assert lines[0].endswith("right,A,B,C") and lines[2] == "none,evaluation,0,held_out,B,0.0,1.0,0.0"
    lines = (tmp_path / "data" / "conclusions.csv").read_text("utf-8").splitlines()
    assert lines[1] == "none,evaluation,0,held_out,1.0,0.0,"  # without reasoning there is no conclusion
    folder.parent.rename(tmp_path / "none" / "seed_1")
    shutil.copytree(tmp_path / "none" / "seed_1", tmp_path / "reasoning" / "seed_0")
    script.main(script.Args(results=tmp_path, out=tmp_path / "data"))
    models = [line.rsplit(",", 5)[0] for line in (tmp_path / "data" / "choices.csv").read_text("utf-8").splitlines()[1:]]
    assert sorted(set(models)) == ["none,evaluation,0", "none,evaluation,1", "reasoning,evaluation,0"]  # those of earlier models stay


@pytest.mark.parametrize("name", ["reasoning", "reasoning_judged", "reasoning_evidence"])
def test_what_reasoning_goes_by_is_read(name, tmp_path):
    condition = CONDITIONS[name]
    games = {(name, "held_out"): play_games("OddOneOutText-v0", num_episodes=20, rewarded_dimensions=("texture",), **condition.env_kwargs)}
    write_transcripts(tmp_path, "expert", {name: ""}, games, environment_explains=False)
    assert [choice.said for choice in script.choices(tmp_path)] == ["texture"] * 20


def test_conclusions_count_what_was_found_out_said_and_chosen():
    rows = [
        script.Choice("included", "shape", said="shape", unique_in="shape", right="B", chosen="B"),
        script.Choice("included", "color", said="shape", unique_in="color", right="A", chosen="A"),
        script.Choice("included", "color", said="color", unique_in="shape", right="A", chosen="B"),
        script.Choice("held_out", "", said="shape", unique_in="shape", right="", chosen="B"),
    ]
    table = script.conclusions(script.pd.DataFrame(rows).assign(model="reasoning", games="evaluation", seed=0)).set_index("split")
    assert table.loc["included", ["found_out", "concluded", "right_if_concluded"]].tolist() == [1, 2 / 3, 0.5]
    assert table.loc["held_out", ["found_out", "concluded"]].tolist() == [0, 0]
    assert script.pd.isna(table.loc["held_out", "right_if_concluded"])


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match=r"--results: .* holds no MODEL/seed_S"):
        script.main(script.Args(results=tmp_path))
