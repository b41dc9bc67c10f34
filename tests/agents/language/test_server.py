"""Models of lm_eval behind a server with OpenAI's interface on this machine."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("lm_eval")

from agents.language import __main__ as command
from agents.language.hf_cached import load_cached_model
from agents.language.lm_eval_model import load_lm_eval_model
from agents.language.models import GenerationRequest
from tests.agents.language.server import serving

REQUESTS = [("New game.\nThere are three objects\n", f"I choose object {letter}") for letter in "ABC"]


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_cached_model(str(checkpoint), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def server(model):
    with serving(model) as server:
        yield server


def arguments(server, checkpoint, **more):
    return {"base_url": f"{server.url}/completions", "model": "tiny", "tokenizer": str(checkpoint), **more}


@pytest.mark.parametrize("more", [{}, {"tokenized_requests": False}, {"num_concurrent": 2}, {"batch_size": 2}])
def test_a_server_gives_the_model_s_scores(server, checkpoint, model, more):
    theirs = load_lm_eval_model("local-completions", arguments(server, checkpoint, **more))
    assert theirs.loglikelihood(REQUESTS) == pytest.approx(model.loglikelihood(REQUESTS), abs=1e-3)
    generation = [GenerationRequest("New game.\n", "\n", 8)]
    assert theirs.generate_until(generation) == model.generate_until(generation)


def test_a_server_that_ignores_echo_is_refused(checkpoint, model):
    """It would be scored at chance: all answers get 0."""
    with serving(model, echo=False) as silent, pytest.raises(ValueError, match=r"it does not score prompts .* use --answers generate"):
        load_lm_eval_model("local-completions", arguments(silent, checkpoint))


def test_a_text_longer_than_the_context_is_not_cut_off(server, checkpoint):
    theirs = load_lm_eval_model("local-completions", arguments(server, checkpoint, max_length=64))
    with pytest.raises(ValueError, match=r"prompt: \d+ tokens .* at most 63; take fewer --shots, or say max_length"):
        theirs.loglikelihood([("There are three objects in front of me:\n" * 20, "I")])
    with pytest.raises(ValueError, match="prompt: "):
        theirs.generate_until([GenerationRequest("There are three objects\n", max_tokens=100)])


def test_a_backend_whose_package_is_missing_says_how_to_install_it(monkeypatch):
    def needs_a_package(**arguments):
        raise ImportError("No module named 'engine'", name="engine")

    monkeypatch.setattr("agents.language.lm_eval_model.get_model", lambda name: needs_a_package)
    with pytest.raises(
        ImportError, match=r"^model 'vllm' needs another package: No module named 'engine'; pip install \"lm_eval\[vllm\]\"$"
    ):
        load_lm_eval_model("vllm", {"pretrained": "folder"})
    with pytest.raises(ImportError, match=r"^model 'steered' needs another package: No module named 'engine'$"):
        load_lm_eval_model("steered", {"pretrained": "folder"})


def test_a_chat_model_writes_its_answers(server, checkpoint, tmp_path, monkeypatch):
    """End to end; and the key, which it sends, is in no file."""
    key = "secret-key-of-this-test"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    out = tmp_path / "chat"
    options = ("--conditions", "none", "reasoning", "--games", "3", "--prompts", "1", "--shots", "1", "--out", str(out))
    where = f"base_url={server.url}/chat/completions,model=tiny"
    command.main(["--model", "local-chat-completions", "--model_args", where, *options])
    assert server.headers[-1]["Authorization"] == f"Bearer {key}"
    assert "Continue the last game" in server.requests[-1]["messages"][0]["content"]
    assert all(key not in path.read_bytes().decode("latin-1") for path in out.iterdir())
    rates = {(row["policy"], row["split"]): row["mean"] for row in rows(out) if row["metric"] == "invalid_answer_rate"}
    assert rates["none", "included"] == 3 / 4  # "I choose object A." is no experiment


def test_a_server_plays_like_the_model_itself(server, checkpoint, tmp_path):
    options = ("--conditions", "outcome", "--games", "2", "--prompts", "1", "--shots", "1", "--max-tokens", "6")
    where = f"base_url={server.url}/completions,model=tiny,tokenizer={checkpoint},batch_size=9"
    command.main(["--model", "local-completions", "--model_args", where, *options, "--out", str(tmp_path / "server")])
    command.main(["--model_args", f"pretrained={checkpoint},dtype=float32,device=cpu", *options, "--out", str(tmp_path / "local")])
    assert rows(tmp_path / "server") == rows(tmp_path / "local")


def rows(out):
    return json.loads((out / "results.json").read_text())["results"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("local-completions", "model=tiny", "needs the server's address: --model_args base_url="),
        ("openai-completions", "model=davinci-002", "needs a key in the environment variable OPENAI_API_KEY"),
        ("openai-completions", "api_key=abc", "model_args must hold no keys, got api_key"),
        ("local-completions", "base_url=http://127.0.0.1:9/v1,model=tiny,tokenizer=CHECKPOINT,max_retries=1", "no answer from the server"),
        ("local-completions", "base_url=http://127.0.0.1:9/v1/completions,model=nobody/none", "cannot be loaded"),
        ("gpt", "", "model must be hf-cached or one of lm_eval's"),
        ("hf", "pretrained=/nowhere/at/all", "model 'hf' with these --model_args cannot be loaded"),
    ],
)
def test_mistakes(name, text, message, checkpoint, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=f"error: .*{message}") as stopped:
        command.main(["--model", name, "--model_args", text.replace("CHECKPOINT", str(checkpoint)), "--out", str(out)])
    assert "\n" not in str(stopped.value) and not out.exists()
