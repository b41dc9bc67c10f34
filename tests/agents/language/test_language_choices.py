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
    counted = list(map(script.choice_of, script.read_trials(folder)))
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
    assert [script.choice_of(trial).said for trial in script.read_trials(tmp_path)] == ["texture"] * 20


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


@pytest.mark.parametrize("name", ["reasoning_listed", "reasoning_compared", "reasoning_described", "reasoning_judged"])
def test_all_that_the_expert_says_of_objects_is_true(name, tmp_path):
    condition = CONDITIONS[name]
    folder = tmp_path / f"{name}_12" / "seed_3" / "evaluation"
    folder.mkdir(parents=True)
    games = {(name, "held_out"): play_games("OddOneOutText-v0", num_episodes=20, rewarded_dimensions=("texture",), **condition.env_kwargs)}
    write_transcripts(folder, "expert", {name: ""}, games, environment_explains=False)
    script.main(script.Args(results=tmp_path, out=tmp_path / "data"))
    table = script.pd.read_csv(tmp_path / "data" / "descriptions.csv").set_index("dimension")
    dimensions = {"texture"} if name in ("reasoning_listed", "reasoning_compared") else {"color", "shape", "texture"}
    assert set(table.index) == dimensions and (table["values"] == 1).all() and (table["seed"] == 3).all()
    assert (table["compared"].isna() if name == "reasoning_listed" else table["compared"] == 1).all()
    assert (table["counts"] == 1).all() if name == "reasoning_judged" else table["counts"].isna().all()
    assert table.loc["texture", "descriptions"] == 20 * (2 if name == "reasoning_described" else 1)  # there it is repeated


def test_models_that_say_nothing_of_objects_have_no_descriptions(tmp_path):
    folder = tmp_path / "none" / "seed_0" / "evaluation"
    folder.mkdir(parents=True)
    games = {("none", "included"): play_games("OddOneOutText-v0", num_episodes=5)}
    write_transcripts(folder, "expert", {"none": ""}, games, environment_explains=False)
    (tmp_path / "data").mkdir()
    shutil.copy(script.DATA / "descriptions.csv", tmp_path / "data")
    script.main(script.Args(results=tmp_path, out=tmp_path / "data"))
    assert (tmp_path / "data" / "descriptions.csv").read_bytes() == (script.DATA / "descriptions.csv").read_bytes()
    assert set(script.pd.read_csv(tmp_path / "data" / "choices.csv")["model"]) == {"none"}


@pytest.mark.parametrize(
    ("said", "values", "compared", "counts"),
    [
        ("A) red, B) red like A, C) blue unlike A, so C has a unique color, and color does not count", 1, 1, 1),
        ("A) red, B) blue like A, C) blue like A, so B has a unique color, and color counts", 2 / 3, 0.5, 0),
        ("A) blue, B) blue unlike A, C) red like A, so A", 0, 0, None),
    ],
)
def test_what_is_said_of_objects_is_held_against_them(said, values, compared, counts):
    true = {"color": ("red", "red", "blue"), "shape": ("square", "circle", "square")}
    trial = script.TestTrial("included", rewarded="shape", values=true, reasoning=f" In color, {said}. In size, A) big", chosen="A")
    (found,) = script.descriptions_of(trial)
    assert (found.dimension, found.values, found.compared) == ("color", pytest.approx(values), compared)
    assert found.counts == counts or (counts is None and found.counts != found.counts)


def test_nothing_is_held_to_count_before_an_experiment_was_rewarded():
    reasoning = "In color, A) red, B) red like A, C) blue unlike A, so C has a unique color, and color counts"
    (found,) = script.descriptions_of(script.TestTrial("held_out", "", {"color": ("red", "red", "blue")}, reasoning, "C"))
    assert found.counts != found.counts and found.values == 1


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match=r"--results: .* holds no MODEL/seed_S"):
        script.main(script.Args(results=tmp_path))
