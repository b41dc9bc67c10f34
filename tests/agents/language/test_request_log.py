"""The log of requests: nothing is asked twice, and a killed run goes on."""

import json

import pytest

from agents.language.models import GenerationRequest
from agents.language.request_log import LoggedModel, RequestLog
from tests.agents.language.scripted import ScriptedModel

MODEL = {"model": "scripted", "model_args": {}}
REQUESTS = [(f"prompt {game}", answer) for game in range(50) for answer in ("A", "BB")]
WRITTEN = [GenerationRequest(f"prompt {game} Reasoning:") for game in range(50)]


def scripted():
    return ScriptedModel(lambda context, continuation: len(context) - 0.1 * len(continuation), lambda context: f" about{context}\u2028é")


def ask(path, model, count=50):
    logged = LoggedModel(model, RequestLog(path, MODEL), "prompt ")
    return logged.loglikelihood(REQUESTS[: 2 * count]), logged.generate_until(WRITTEN[:count])


def test_a_second_run_asks_nothing(tmp_path):
    path = tmp_path / "requests.jsonl"
    first, model = ask(path, scripted()), ScriptedModel()
    assert ask(path, model) == first and not model.scored and not model.written
    lines = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    assert [line["kind"] for line in lines].count("prompt") == 1 and len(lines) == 2 + 50 + 50
    answers = {"continuations": ["A", "BB"], "scores": first[0][:2]}
    assert lines[2].pop("crc32") > 0
    assert lines[2] == {"kind": "loglikelihood", "prompt": lines[1]["prompt"], "context": "0", **answers}


def test_a_killed_run_asks_only_what_is_missing(tmp_path):
    """Killed at every kind of moment: within a line, after a line, between two chunks."""
    whole = tmp_path / "whole.jsonl"
    expected = ask(whole, scripted())
    content = whole.read_bytes()
    for kept in (0, 10, content.index(b"\n") + 1, len(content) // 3, len(content) - 1):
        path = tmp_path / f"{kept}.jsonl"
        path.write_bytes(content[:kept])
        model = scripted()
        assert ask(path, model) == expected
        assert 0 < len(model.scored) + len(model.written) <= 150
        if kept > 100:
            assert len(model.scored) < 100
        assert sorted(path.read_bytes().split(b"\n")) == sorted(content.split(b"\n"))


def test_a_failure_keeps_the_chunks_before(tmp_path):
    class Failing(ScriptedModel):
        def loglikelihood(self, requests):
            if self.scored:
                raise ConnectionError("gone")
            return super().loglikelihood(requests)

    path, failing = tmp_path / "requests.jsonl", Failing()
    with pytest.raises(ConnectionError):
        ask(path, failing)
    model = scripted()
    ask(path, model)
    assert len(failing.scored) > 0 and len(model.scored) == 100 - len(failing.scored)


def test_the_log_of_another_model(tmp_path):
    path = tmp_path / "requests.jsonl"
    RequestLog(path, MODEL)
    with pytest.raises(ValueError, match="holds the answers of another model"):
        RequestLog(path, {**MODEL, "model": "other"})
    path.write_text("{}\n[1]\n")
    with pytest.raises(ValueError, match=r"holds the answers of another model|is no log"):
        RequestLog(path, MODEL)
    path.write_text("no json\n")
    with pytest.raises(ValueError, match="is no log of requests"):
        RequestLog(path, MODEL)


def test_a_context_must_begin_with_the_prompt():
    with pytest.raises(ValueError, match="context must begin with the prompt"):
        LoggedModel(ScriptedModel(), RequestLog(None, MODEL), "prompt ").loglikelihood([("other", "A")])
