"""The language model that is part of the package."""

import dataclasses

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from agents.language.__main__ import unlike_training
from agents.language.conditions import CONDITIONS
from agents.language.experiment import Experiment
from agents.language.models import SHIPPED, fingerprint, load_model

ENV = "OddOneOutText-v0"
ARGUMENTS = {"pretrained": ENV}


def test_it_is_found_by_the_id_of_its_environment(tmp_path, monkeypatch):
    assert sum(path.stat().st_size for path in (SHIPPED / ENV).iterdir()) < 5e6
    monkeypatch.chdir(tmp_path)
    assert fingerprint("hf-cached", ARGUMENTS)["files"] == fingerprint("hf-cached", {"pretrained": str(SHIPPED / ENV)})["files"]
    with pytest.raises(ValueError, match="no language model with its tokenizer in 'OddOneOutText-v9'"):
        load_model("hf-cached", {"pretrained": "OddOneOutText-v9"})


def test_it_experiments_and_chooses_what_was_never_rewarded():
    condition = "reasoning_judged_direct"
    experiment = Experiment(env_id=ENV, conditions=(condition,), shots=0, games=20, instructions=True)
    model = load_model("hf-cached", ARGUMENTS)
    (prompt,) = experiment.candidate_prompts(CONDITIONS[condition])
    results = experiment.evaluate(CONDITIONS[condition], prompt, lambda _: model, lambda *_: None)
    included, held_out = results
    assert included.informative_experiment_rate.mean == held_out.informative_experiment_rate.mean == 1
    assert included.test_correct_rate.mean == held_out.test_correct_rate.mean == 1  # as of 500


def test_the_command_says_how_it_has_to_be_prompted(tmp_path, monkeypatch):
    right = Experiment(env_id=ENV, conditions=("reasoning_judged_direct",), shots=0, instructions=True)
    assert unlike_training(right, ARGUMENTS) is None
    for changed in ({"shots": 4}, {"instructions": False}, {"conditions": ("reasoning_judged_direct", "none")}):
        note = unlike_training(dataclasses.replace(right, **changed), ARGUMENTS)
        assert note is not None and "--shots 0 --conditions reasoning_judged_direct --instructions; with others" in note
    (tmp_path / "training.json").write_text("[1]")  # of somebody else
    monkeypatch.chdir(SHIPPED / ENV)  # a hosted model is not the one in the working directory
    for arguments in ({"pretrained": str(tmp_path)}, {"pretrained": "somebody/model"}, {"model": "hosted"}):
        assert unlike_training(dataclasses.replace(right, shots=4), arguments) is None
