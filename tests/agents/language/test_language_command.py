"""``python -m agents.language``, end to end on a tiny checkpoint; a killed run; and mistakes, which end in one line."""

import json
import re
import subprocess
import sys
import time

import pandas as pd
import pytest

from agents.language import __main__ as command
from agents.language import models
from agents.language.request_log import RequestLog
from tests.agents.language.scripted import ScriptedModel, reads_explanations

FILES = {"requests.jsonl", "prompts.json", "results.csv", "results.json", "report.html", "figure.png", "figure.svg", "transcripts.html"}
SMALL = ("--games", "4", "--prompts", "2", "--selection-games", "3", "--shots", "1", "--max-tokens", "8", "--seed", "5")


def run(out, *options):
    command.main([*SMALL, "--out", str(out), *map(str, options)])


@pytest.fixture
def scripted(monkeypatch):
    """The command plays with a scripted model."""
    model = ScriptedModel(reads_explanations)
    monkeypatch.setattr(models, "load_model", lambda name, arguments: model)
    return model


def means(out, metric):
    table = pd.read_csv(out / "results.csv")
    return table[table["metric"] == metric].set_index(["policy", "split"])["mean"].to_dict()


@pytest.mark.parametrize("backend", ["hf-cached", "hf"])
def test_a_checkpoint_plays_all_four_conditions(backend, checkpoint, tmp_path, capsys):
    if backend == "hf":
        pytest.importorskip("lm_eval")
    conditions = () if backend == "hf-cached" else ("--conditions", "none", "both")
    where = f"pretrained={checkpoint},dtype=float32,device=cpu"
    run(tmp_path, "--model", backend, "--model_args", where, *conditions)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    table = pd.read_csv(tmp_path / "results.csv")
    assert {"random", "expert"} < set(table["policy"]) and set(table["split"]) == {"included", "held_out"}
    played = table[table["policy"].isin(["none", "outcome", "reasoning", "both"])]
    assert set(played["policy"]) == ({"none", "both"} if conditions else {"none", "outcome", "reasoning", "both"})
    assert {"reward", "test_correct_rate", "informative_experiment_rate", "invalid_answer_rate"} <= set(played["metric"])
    assert (played["episodes"] == 4).all() and (played["seed"] == 5).all()
    assert means(tmp_path, "test_correct_rate")["expert", "included"] == 1
    prompts = json.loads((tmp_path / "prompts.json").read_text())
    assert all(len(each["scores"]) == 2 and each["text"].startswith("New game.") for each in prompts.values())
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert "test_correct_rate in OddOneOutText-v0" in capsys.readouterr().out


def test_results_are_those_of_the_games(scripted, tmp_path):
    run(tmp_path, "--conditions", "none", "both_shuffled", "--answers", "loglikelihood")
    correct = means(tmp_path, "test_correct_rate")
    assert correct["none", "included"] == correct["none", "held_out"] == 1
    assert abs(correct["random", "included"] - 1 / 3) < 0.04
    page = (tmp_path / "transcripts.html").read_text("utf-8")
    data = json.loads(re.search(r'type="application/json">(.*?)</script>', page, re.DOTALL)[1].replace("<\\/", "</"))
    assert list(data["games"]) == [f"{name}, {split}" for name in ("none", "both_shuffled") for split in ("included", "held_out")]
    game = "".join(text for _, text in data["games"]["none, held_out"][3])
    assert game.startswith("There are three objects") and game.endswith("was rewarded!\n")
    assert not re.search(r"""(src|href)=|https?://""", page)  # self-contained


def test_the_same_command_asks_nothing_again(scripted, tmp_path):
    run(tmp_path, "--conditions", "both")
    before, asked = (tmp_path / "results.csv").read_bytes(), len(scripted.scored) + len(scripted.written)
    run(tmp_path, "--conditions", "both")
    assert (tmp_path / "results.csv").read_bytes() == before
    assert len(scripted.scored) + len(scripted.written) == asked > 0
    run(tmp_path, "--conditions", "both", "outcome")  # one more condition
    assert len(scripted.scored) > asked / 2


def test_an_interrupted_run_goes_on(scripted, tmp_path, monkeypatch):
    write = scripted._write

    def interrupted(context):
        if len(scripted.written) > 20:
            raise KeyboardInterrupt
        return write(context)

    monkeypatch.setattr(scripted, "_write", interrupted)
    with pytest.raises(SystemExit, match="interrupted: the same command goes on"):
        run(tmp_path, "--conditions", "both")
    assert {path.name for path in tmp_path.iterdir()} == {"requests.jsonl"}
    known = len(RequestLog(tmp_path / "requests.jsonl", models.fingerprint("hf-cached", {})).scores)
    monkeypatch.setattr(scripted, "_write", write)
    scripted.scored.clear()
    run(tmp_path, "--conditions", "both")
    fresh = tmp_path / "fresh"
    asked = len(scripted.scored)
    run(fresh, "--conditions", "both")
    assert (fresh / "results.csv").read_bytes() == (tmp_path / "results.csv").read_bytes()
    assert known > 0 and asked + known <= len(scripted.scored) - asked + 1


def test_a_dry_run_needs_no_model(tmp_path, capsys):
    out = tmp_path / "out"
    run(out, "--dry-run", "--model", "local-completions", "--conditions", "both", "none")
    printed = capsys.readouterr().out
    assert re.search(r"28 games, \d+ answers in \d+ requests", printed)
    assert "tokens to read if every request is sent in full" in printed and "Reasoning: Let's think step by step." in printed
    assert not out.exists()


def test_help_answers_at_once():
    start = time.process_time()
    for module in ("agents.language", "agents.language.train"):
        code = f"import sys, {module}.__main__ as m" if module == "agents.language" else f"import sys, {module} as m"
        check = f"{code}; print([name for name in ('torch', 'transformers', 'lm_eval', 'pandas', 'matplotlib') if name in sys.modules])"
        printed = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
        assert printed.strip() == "[]"
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model_args", "pretrained=/nowhere/at/all"), "there is no folder '/nowhere/at/all'"),
        (("--model_args", "pretrained"), "model_args must be pairs NAME=VALUE"),
        (("--model_args", ""), "model_args must name a model: --model_args pretrained=FOLDER"),
        (("--model_args", "pretrained=CHECKPOINT,spede=1"), "hf-cached does not know spede"),
        (("--model_args", "pretrained=CHECKPOINT,max_length=300", "--shots", "4"), "tokens with a game under the condition .* at most 300"),
        (("--conditions", "every"), "conditions must be one of none, outcome"),
        (("--held-out", "position"), "held_out must be one of"),
        (("--env", "CausalDAG-v0"), "env must be a text task"),
        (("--env", "Nowhere-v0"), "env_id must be one of"),
        (("--games", "0"), "games must be an int from 1"),
    ],
)
def test_mistakes(options, message, request, tmp_path):
    if any("CHECKPOINT" in option for option in options) or "/nowhere" in str(options) or options == ("--model_args", ""):
        folder = str(request.getfixturevalue("checkpoint"))
        options = tuple(option.replace("CHECKPOINT", folder) for option in options)
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=f"error: .*{message}") as stopped:
        run(out, *options)
    assert "\n" not in str(stopped.value) and not out.exists()


def test_a_folder_without_a_tokenizer(checkpoint, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((checkpoint / name).read_bytes())
    with pytest.raises(SystemExit, match="error: model_args: no language model with its tokenizer in") as stopped:
        run(tmp_path / "out", "--model_args", f"pretrained={tmp_path}")
    assert "\n" not in str(stopped.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize(("model", "module", "library"), [("hf-cached", "hf_cached", "transformers"), ("hf", "lm_eval_model", "lm_eval")])
def test_without_the_extra_the_error_says_what_to_install(monkeypatch, tmp_path, model, module, library):
    monkeypatch.delitem(sys.modules, f"agents.language.{module}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SystemExit, match=r'error: .* needs the extra "language": pip install -e "\.\[language\]"'):
        run(tmp_path / "out", "--model", model, "--model_args", "pretrained=x")
