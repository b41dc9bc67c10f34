"""Next-token prediction on game texts, with checkpoints and a learning curve."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

import gym_causal
from agents.algorithms.learning_curve import HISTORY, History
from agents.algorithms.optimizers import MuonAdamW
from agents.algorithms.schedules import WarmupCosine
from agents.language.causal_attention import BFLOAT16_CAUSAL
from agents.language.conditions import named_condition
from agents.language.gpt import END, WEIGHTS, load_tokenizer, load_weights, make_gpt, make_tokenizer
from agents.language.hf_cached import CachedModel
from agents.language.player import LanguagePlayer
from agents.language.texts import CHUNK, training_texts
from agents.language.training_config import TRAINING, TrainingConfig, read_config
from agents.policies.checkpoints import CHECKPOINT, Checkpoint, load_checkpoint, save_checkpoint
from gym_causal.core.streams import SeedDomain
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL
from gym_causal.files import write_atomically
from gym_causal.transcripts import Passage, join_passages

_IGNORED = -100  # torch's usual index of targets that do not count
_PADDING = 0  # any token: padding comes last, nothing before it attends to it, and it is no target
_MULTIPLE = 16  # of which texts' lengths are padded to one: oneDNN keeps a compiled product for every shape of tensors
_VALIDATION_TEXTS = 256
_LOSSES = 20  # updates whose mean loss the progress bar shows
_TEXTS_PER_DIMENSION = 64


class Batch(NamedTuple):
    """Texts of an update, (B, T) int each."""

    inputs: Tensor
    """Token ids, padded."""
    targets: Tensor
    """The token that follows each, and _IGNORED where it does not count."""


class Training:
    """A training of a small language model in a folder.

    Args:
        config: of the training.
        folder: for it.
        resume: go on with the training in the folder, if there is one.
        device: where to train.

    Raises:
        ValueError: the folder holds a training and ``resume`` is not given, or one with another configuration.
    """

    def __init__(self, config: TrainingConfig, folder: Path, *, resume: bool = False, device: str = "cpu") -> None:
        self.config, self.folder, self.device = config, folder, device
        config.check()
        check_folder(config, folder, resume)
        # Texts with all explanations, and those that are trained on, for a wording of their own: enough to hold all words.
        count = max(_VALIDATION_TEXTS, _TEXTS_PER_DIMENSION * config.dimensions_drawn_from)
        sample = [
            text
            for condition in dict.fromkeys(("both", config.condition))
            for text in training_texts(dataclasses.replace(config, condition=condition), 0, domain=SeedDomain.VALIDATION, count=count)
        ]
        self.tokenizer = make_tokenizer(map(join_passages, sample)) if config.init is None else load_tokenizer(Path(config.init))
        self._validation = self._encode(training_texts(config, 0, domain=SeedDomain.VALIDATION, count=_VALIDATION_TEXTS))
        # Before it has learned to, the model may not end the explanations that it writes.
        lines = max(join_passages(text).count(label) for text in sample for label in (REASONING_LABEL, OUTCOME_LABEL))
        spare = 2 * lines * config.evaluation.options.max_tokens
        context = spare + max(len(inputs) for inputs, _ in self._encode(sample))
        self.model = make_gpt(config.gpt, self.tokenizer, context, config.seed).to(device)
        if config.init is not None:
            load_weights(self.model, Path(config.init))
        self.optimizer = MuonAdamW(
            self.model,
            [p for p in self.model.model.layers.parameters() if p.ndim == 2],
            learning_rate=config.learning_rate,
            muon_ratio=config.muon_learning_rate_ratio,
            muon_momentum=0.95,
            adamw_betas=(0.9, 0.95),
            weight_decay=config.weight_decay,
        )
        self._set_training(True)
        self._schedule = WarmupCosine(config.learning_rate, 0.05 * config.num_updates, config.num_updates)
        self.updates = self._load()
        folder.mkdir(parents=True, exist_ok=True)
        document = json.dumps(config.to_json(), indent=1) + "\n"
        write_atomically(folder / TRAINING, lambda path: path.write_text(document, encoding="utf-8"))
        self.history = History(folder / HISTORY, self.updates)

    @property
    def num_parameters(self) -> int:
        """Parameters of the model; tied ones count once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def run(self) -> None:
        """Train to the end and save the model."""
        if (self.folder / WEIGHTS).exists():
            return
        config = self.config
        interval = 0.1 if sys.stderr.isatty() else 60  # seconds; a log keeps every line
        counts = {"total": config.num_updates, "initial": self.updates, "unit": "update"}
        with tqdm(**counts, desc=config.condition, mininterval=interval, maxinterval=max(interval, 10)) as bar:
            losses: deque[float] = deque(maxlen=_LOSSES)
            evaluated: dict[str, float] = {}
            for batch in self.batches():
                losses.append(self.update(batch))
                over = self.updates == config.num_updates
                if over or self.updates % config.evaluate_every == 0:
                    evaluated = self._evaluate()
                bar.set_postfix({"training_loss": sum(losses) / len(losses), **evaluated}, refresh=False)
                bar.update()
                if not over and self.updates % config.checkpoint_every == 0:
                    weights, state = dict(self.model.named_parameters()), self.optimizer.named_state(self.model)
                    save_checkpoint(self.folder, Checkpoint(weights, self.updates, state))
        self._save_model()

    def _set_training(self, training: bool) -> None:
        """Of the model; only evaluations need attention that reads a mask."""
        self.model.train(training)
        if self.config.precision == "bfloat16" and self.device == "cpu":
            self.model.set_attn_implementation(BFLOAT16_CAUSAL if training else "sdpa")

    def batches(self) -> Iterator[Batch]:
        """The batches of the updates that are left; call :meth:`update` with each."""
        size = self.config.batch_size
        per_chunk = max(1, CHUNK // size)
        while self.updates < self.config.num_updates:
            chunk, first = divmod(self.updates, per_chunk)
            config = self.config.first if chunk * per_chunk < self.config.first_updates else self.config
            encoded = self._encode(training_texts(config, chunk, count=per_chunk * size))
            for start in range(first * size, per_chunk * size, size):
                if self.updates < self.config.num_updates:
                    yield _collate(encoded[start : start + size])

    def update(self, batch: Batch) -> float:
        """One update of the weights; returns the loss before it."""
        self.optimizer.set_learning_rate(self._schedule(self.updates))
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.updates += 1
        return loss.item()

    def _loss(self, batch: Batch) -> Tensor:
        """Mean negative log-likelihood of a token that counts, () float, in nats."""
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.model.training and self.config.precision == "bfloat16"):
            hidden = self.model.model(input_ids=batch.inputs.to(self.device)).last_hidden_state
            targets = batch.targets.to(self.device).flatten()
            ignored = targets == _IGNORED
            count = _rounded_up(int((~ignored).sum()), _MULTIPLE * len(batch.targets))
            chosen = ignored.int().argsort(stable=True)[:count]  # those that count first
            logits = self.model.lm_head(hidden.flatten(0, 1)[chosen])
        return F.cross_entropy(logits.float(), targets[chosen], ignore_index=_IGNORED)

    @torch.no_grad()
    def _evaluate(self) -> dict[str, float]:
        """Add the loss on new texts, and games on all splits, to the learning curve; returns the loss and the latest selection metrics."""
        self._set_training(False)
        config, experiment = self.config, self.config.evaluation
        condition = named_condition(config.condition)
        about = {"env_id": config.env_id, "policy": config.condition}
        losses = [self._loss(_collate(self._validation[start : start + 64])).item() for start in range(0, len(self._validation), 64)]
        loss = {"metric": "validation_loss", "mean": sum(losses) / len(losses), "episodes": len(self._validation)}
        self.history.add(self.updates, [{**about, **loss, "split": next(iter(experiment.splits)), "seed": config.seed}])
        (prompt,) = experiment.candidate_prompts(condition)
        model = CachedModel(self.model, self.tokenizer)
        for split, kwargs in experiment.splits.items():
            player = LanguagePlayer(model, prompt, condition, experiment.options, experiment.games)
            result = gym_causal.evaluate(
                player, config.env_id, num_episodes=experiment.games, seed=config.seed, domain=SeedDomain.LEARNING_CURVE, **kwargs
            )
            self.history.add(self.updates, dataclasses.replace(result, split=split, policy=config.condition).rows())
        self.history.save()
        self._set_training(True)
        return {"validation_loss": loss["mean"], **self.history.latest(experiment.selection_metric)}  # type: ignore[dict-item]

    def _encode(self, texts: list[list[Passage]]) -> list[tuple[list[int], list[int]]]:
        """The token ids of each text but its last, and the token that follows each."""
        texts = [[*text, Passage(END, False)] for text in texts]
        # Passages end where words do, so their tokens are those of the whole text.
        passages = [passage for text in texts for passage in text]
        encoded = iter(self.tokenizer([passage.text for passage in passages])["input_ids"])
        found = []
        for text in texts:
            ids: list[int] = []
            targets: list[int] = []
            for passage in text:
                tokens = next(encoded)
                ids += tokens
                targets += tokens if passage.by_player or not self.config.player_loss_only else [_IGNORED] * len(tokens)
            found.append((ids[:-1], targets[1:]))
        return found

    def _load(self) -> int:
        """Load the checkpoint, if there is one; returns the updates made before."""
        if not (self.folder / CHECKPOINT).exists():
            return 0
        checkpoint = load_checkpoint(self.folder)
        self.model.load_state_dict(checkpoint.weights, strict=False)  # of tied weights, one is saved
        self.optimizer.load_named_state(self.model, checkpoint.optimizer)
        return checkpoint.batch

    def _save_model(self) -> None:
        """Save model and tokenizer as any checkpoint of transformers; the weights come last, for they say that training is over."""
        temporary = Path(tempfile.mkdtemp(dir=self.folder, prefix="."))
        try:
            self.model.save_pretrained(temporary)
            self.tokenizer.model_max_length = self.model.config.max_position_embeddings
            self.tokenizer.save_pretrained(temporary)
            for path in sorted(temporary.iterdir(), key=lambda path: path.name == WEIGHTS):
                path.replace(self.folder / path.name)
        finally:
            shutil.rmtree(temporary)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)


def _collate(texts: list[tuple[list[int], list[int]]]) -> Batch:
    """A batch of texts of different lengths."""
    length = _rounded_up(max(len(inputs) for inputs, _ in texts), _MULTIPLE)

    def padded(rows: Iterable[list[int]], value: int) -> Tensor:
        return torch.tensor([row + [value] * (length - len(row)) for row in rows])

    inputs, targets = zip(*texts, strict=True)
    return Batch(padded(inputs, _PADDING), padded(targets, _IGNORED))


def _rounded_up(number: int, multiple: int) -> int:
    """The least multiple that is not less than a number."""
    return -(-number // multiple) * multiple


def check_folder(config: TrainingConfig, folder: Path, resume: bool) -> None:
    """Raise a ValueError if a training cannot be begun, or gone on with, in a folder."""
    path = folder / TRAINING
    if not path.exists():
        if (folder / CHECKPOINT).exists() or (folder / WEIGHTS).exists():
            raise ValueError(f"folder: {str(folder)!r} holds a model without a {TRAINING}; choose another one")
        return
    if not resume:
        raise ValueError(f"folder: {str(folder)!r} holds a training; choose another one, or resume")
    found, wanted = read_config(path), json.loads(json.dumps(config.to_json()))
    if changed := [f"{key} was {found[key]!r} and is {value!r}" for key, value in wanted.items() if found[key] != value]:
        raise ValueError(f"folder: {str(folder)!r} holds a training with another configuration ({'; '.join(changed)})")
