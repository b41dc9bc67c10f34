"""A tiny checkpoint with random weights, in the format of transformers, and a server around it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agents.language.conditions import CONDITIONS
from agents.language.experiment import Experiment
from agents.language.gpt import GPTConfig, make_gpt, make_tokenizer

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing here is to be found there


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model that has learned nothing; its weights are large, so that scores differ."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("checkpoint")
    texts = Experiment(env_id="OddOneOutText-v0", prompts=10, shots=4).candidate_prompts(CONDITIONS["both"])
    tokenizer = make_tokenizer(texts)
    model = make_gpt(GPTConfig(width=32, num_layers=2, num_heads=2), tokenizer, 2_048, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(8.0 if parameter.ndim > 1 else 1.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
