"""A server with OpenAI's interface around a local model: completions with prompt log-probabilities, and chat."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from agents.language.hf_cached import CachedModel
from agents.language.models import GenerationRequest


class CompletionServer(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1.

    Args:
        model: that answers.
        echo: whether it scores prompts; else it ignores that, as some servers do.
    """

    def __init__(self, model: CachedModel, *, echo: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model, self.echo = model, echo
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def complete(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request for completions."""
        prompts = request["prompt"]
        prompts = prompts if isinstance(prompts[0], (list, str)) and not isinstance(prompts, str) else [prompts]
        return {"choices": [{"index": i, **self._choice(prompt, request)} for i, prompt in enumerate(prompts)]}

    def _choice(self, prompt: Any, request: dict[str, Any]) -> dict[str, Any]:
        tokens = self.model.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
        if not request.get("echo"):
            context = self.model.tokenizer.decode(tokens)
            (text,) = self.model.generate_until([GenerationRequest(context, request["stop"][0], request["max_tokens"])])
            return {"text": text}
        with torch.no_grad():
            log_probs = torch.log_softmax(self.model.model(torch.tensor([tokens])).logits[0].float(), dim=-1)
        values = [None] + [float(log_probs[i, token]) for i, token in enumerate(tokens[1:])] + [float(log_probs[-1].max())]
        values = values if self.echo else values[-1:]
        return {"text": "", "logprobs": {"token_logprobs": values, "top_logprobs": [{"x": value} for value in values]}}

    def chat(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to messages: always the same."""
        text = "Reasoning: Why not?" if request["messages"][-1]["content"].count("Reasoning:") % 2 else "I choose object A."
        return {"choices": [{"index": 0, "message": {"content": text}}]}


class _Handler(BaseHTTPRequestHandler):
    server: CompletionServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self.server.headers.append(dict(self.headers))
        answer = self.server.chat(request) if "chat" in self.path else self.server.complete(request)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def serving(model: CachedModel, **options: Any) -> Iterator[CompletionServer]:
    """A server that runs meanwhile."""
    server = CompletionServer(model, **options)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
