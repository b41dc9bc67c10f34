"""Choices a second of a small language model: ours against lm_eval's own loop and a bare loop over transformers, in one run.

    python -m benchmarks.language [--games 16] [--turns 3] [--rounds 3] [--threads 1] [--pretrained FOLDER] [--out FILE]

All score the same choices: games of OddOneOutText-v0 after one prompt of example games, nine admissible sentences in each turn. Without
``--pretrained`` the model has random weights. The three take turns; the median round counts, with the lowest and the highest beside it.
Seconds are of the processor, so that other work on the machine matters less.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model

from agents.language.conditions import CONDITIONS
from agents.language.experiment import Experiment
from agents.language.games import HEADING
from agents.language.gpt import GPTConfig, make_gpt, make_tokenizer
from agents.language.hf_cached import load_cached_model
from agents.language.models import ScoreRequest
from benchmarks.reports import save_report
from gym_causal.core.streams import SeedDomain
from gym_causal.registry import make_task
from gym_causal.transcripts import Game, play_games

ENV = "OddOneOutText-v0"
Scorer = Callable[[Sequence[ScoreRequest]], list[float]]


@dataclass(frozen=True)
class Args:
    """Compare ways to score a language model's choices."""

    games: int = 16
    """Games that advance together."""
    turns: int = 3
    """Turns of each game."""
    shots: int = 4
    """Example games in the prompt."""
    rounds: int = 3
    """Of which the median counts."""
    threads: int = 1
    """Of torch."""
    batch_size: int = 16
    """Of lm_eval and of the bare loop."""
    pretrained: Path | None = None
    """Folder of a model; none given: one with random weights of the quick preset's size."""
    out: Path | None = None
    """A JSON file."""


def requests_by_turn(args: Args) -> list[list[ScoreRequest]]:
    """The choices of all games, turn by turn: the expert's moves lead from one turn to the next."""
    condition = CONDITIONS["both"]
    prompt = Experiment(env_id=ENV, shots=args.shots, prompts=1).candidate_prompts(condition)[0]
    games = play_games(ENV, num_episodes=args.games, domain=SeedDomain.EVALUATION)
    task: Any = make_task(ENV, 1)
    task.seed(0)
    task.begin(np.zeros(1, int), np.zeros(1, int))
    (sentences,) = task.action_sentences()
    turns = []
    for n in range(args.turns):
        before = [Game(game.turns[:n]).render(outcome=True, reasoning=True) for game in games]
        texts = [text + game.turns[n].before_action(reasoning=True) for text, game in zip(before, games, strict=True)]
        turns.append([(prompt + HEADING + text, sentence) for text in texts for sentence in sentences])
    return turns


def bare_loop(model: Any, tokenizer: Any, batch_size: int) -> Scorer:
    """What one writes first: whole texts in batches, padded at the end."""

    @torch.no_grad()
    def score(requests: Sequence[ScoreRequest]) -> list[float]:
        scores: list[float] = []
        for start in range(0, len(requests), batch_size):
            batch = requests[start : start + batch_size]
            texts = [tokenizer.encode(context + continuation) for context, continuation in batch]
            first = [len(tokenizer.encode(context.rstrip())) for context, _ in batch]
            padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
            log_probs = torch.log_softmax(model(padded).logits, dim=-1)
            for row, (text, begin) in enumerate(zip(texts, first, strict=True)):
                places = torch.arange(begin, len(text))
                scores.append(float(log_probs[row, places - 1, padded[row, places]].sum()))
        return scores

    return score


def lm_eval_loop(folder: Path, batch_size: int) -> Scorer:
    """lm_eval's backend "hf"."""
    lm = get_model("hf")(pretrained=str(folder), device="cpu", dtype="float32", batch_size=batch_size)

    def score(requests: Sequence[ScoreRequest]) -> list[float]:
        instances = [Instance(request_type="loglikelihood", doc={}, arguments=request, idx=0) for request in requests]
        return [score for score, _ in lm.loglikelihood(instances, disable_tqdm=True)]

    return score


def seconds(make: Callable[[], Scorer], turns: Sequence[Sequence[ScoreRequest]]) -> tuple[float, list[float]]:
    """Processor seconds to score all turns, and the scores. A new scorer has stored nothing yet."""
    scorer = make()
    start = time.process_time()
    scores = [score for requests in turns for score in scorer(requests)]
    return time.process_time() - start, scores


def run(args: Args, folder: Path) -> dict[str, Any]:
    """Measure; returns the report."""
    turns = requests_by_turn(args)
    cached = load_cached_model(str(folder), device="cpu", dtype="float32")
    ways: dict[str, Callable[[], Scorer]] = {
        "hf-cached": lambda: load_cached_model(str(folder), device="cpu", dtype="float32").loglikelihood,
        "lm_eval hf": lambda: lm_eval_loop(folder, args.batch_size),
        "bare transformers": lambda: bare_loop(cached.model, cached.tokenizer, args.batch_size),
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        scores = {}
        for name, make in ways.items():
            time_taken, scores[name] = seconds(make, turns)
            measured[name].append(time_taken)
        for name in ways:
            np.testing.assert_allclose(scores[name], scores["hf-cached"], rtol=1e-4, atol=1e-3)
    choices = args.games * args.turns
    report: dict[str, Any] = {
        "parameters": sum(parameter.numel() for parameter in cached.model.parameters()),
        "prompt_tokens": cached.count_tokens(turns[0][0][0]),
        "choices": choices,
        "answers_scored": sum(map(len, turns)),
        "threads": args.threads,
    }
    for name, times in measured.items():
        middle, fastest, slowest = (choices / time for time in (statistics.median(times), min(times), max(times)))
        report[name] = {"choices_per_second": middle, "lowest": slowest, "highest": fastest}
    return report


def main(args: Args) -> None:
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.pretrained or Path(temporary)
        if args.pretrained is None:
            tokenizer = make_tokenizer(Experiment(env_id=ENV).candidate_prompts(CONDITIONS["both"]))
            make_gpt(GPTConfig(), tokenizer, 4_096, seed=0).save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        report = run(args, folder)
    ours = report["hf-cached"]["choices_per_second"]
    print({name: value for name, value in report.items() if not isinstance(value, dict)})
    for name, value in report.items():
        if isinstance(value, dict):
            rates = f"{value['choices_per_second']:8.2f} [{value['lowest']:.2f}, {value['highest']:.2f}]"
            print(f"{name:18} {rates} choices a second; hf-cached: {ours / value['choices_per_second']:.1f} times as many")
    if args.out:
        save_report(args.out, report)


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m benchmarks.language", description=__doc__))
