"""The language model that is part of the package."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

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
    condition = "reasoning_described"
    experiment = Experiment(env_id=ENV, conditions=(condition,), shots=0, games=20)
    model = load_model("hf-cached", ARGUMENTS)
    results = experiment.evaluate(CONDITIONS[condition], "", lambda prompt: model, lambda *_: None)
    included, held_out = results
    assert included.informative_experiment_rate.mean == held_out.informative_experiment_rate.mean == 1
    assert included.test_correct_rate.mean > 0.9 and held_out.test_correct_rate.mean > 0.6  # 1.00 and 0.92 of 500
