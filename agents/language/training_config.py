"""Everything that a language model trained on game texts depends on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agents.language.conditions import named_condition
from agents.language.experiment import HELD_OUT, INCLUDED, Experiment
from agents.language.gpt import GPTConfig, check_saved_gpt
from gym_causal.arguments import check_integer, check_number, check_one_of
from gym_causal.files import read_json
from gym_causal.odd_one_out_text.vocabulary import MAX_DIMENSIONS, MIN_DIMENSIONS
from gym_causal.registry import argument_names, load_target, task_spec

_MAX_LETTERS = 26
TRAINING = "training.json"
"""In a model's folder: the configuration of its training."""
GAMES_PER_TEXT = 5
"""Of texts of the kind "in_context": four games, then one that rewards another dimension."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """A training. It is passive: the model predicts the next token of an expert's games and never plays one.

    Attributes:
        env_id: a text task.
        env_kwargs: its arguments, for example ``num_dimensions``.
        held_out: the dimension that is rewarded in no training text; None: the last one. Texts of tasks without dimensions are of the split
            "train".
        condition: which explanations the texts hold (:data:`agents.language.conditions.CONDITIONS`).
        texts: "single": one game each. "in_context": five games, whose first four reward two of the dimensions, and the last one another,
            if there is another that is not held out.
        dimensions_drawn_from: the dimensions of each text are drawn anew from the first so many of the vocabulary, in random order, and
            any of them but the held-out one may be rewarded; 0: all texts have those of the env. Evaluated games have those of the env in
            either.
        variables_drawn_from: the variables of each text, of a causal DAG, are drawn anew from the first so many letters, in random order;
            0: all texts have those of the env. The held-out link is in no text: where both of its variables are drawn, the first does not
            influence the second. Evaluated games have the variables of the env in either.
        names_drawn: the names of drawn dimensions are drawn too, so that a name stands for the values of any dimension, and a text alone
            says of which. What is never rewarded is then the dimension whose values are those of the held-out one. It needs
            ``instructions``, or a player would have to guess the names.
        instructions: texts begin with the description of the game, which names the dimensions; so do games that are evaluated.
        init: the folder of a trained model of the same size, with whose tokenizer and weights the training begins; None: with new ones. Its
            texts are those of the seed from the first on; other arguments of the env or another seed make them new.
        gpt: the size of the model.
        num_updates: of the weights.
        first_updates: so many of them come first and are on games with the arguments ``first_env_kwargs``: easier ones, with shorter texts.
            Whole chunks of texts (:data:`agents.language.texts.CHUNK`), rounded up.
        first_env_kwargs: arguments of the env that differ in these games, for example ``{"num_experiments": 0}``: the test trial alone.
            What is held out is held out there too.
        player_loss_only: the loss is of the player's words, its reasoning, actions and explanations; those of the environment are read and
            not predicted.
        batch_size: texts of an update.
        learning_rate: AdamW's peak; it rises for the first twentieth of the updates and then falls to 0.
        muon_learning_rate_ratio: Muon's learning rate as a multiple of AdamW's. Muon trains the matrices of the Transformer blocks.
        weight_decay: of both.
        precision: of matrix products in updates, "float32" or "bfloat16", which takes three fifths of the time on CPUs with avx512_bf16 and
            longer on others. Weights, gradients, the loss and evaluations are float32 in either.
        evaluate_every: updates between two evaluations.
        evaluation_games: games of each split in an evaluation.
        checkpoint_every: updates between two checkpoints.
        seed: of the weights and the texts.
    """

    env_id: str = "OddOneOutText-v0"
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    held_out: str | None = None
    condition: str = "none"
    texts: Literal["single", "in_context"] = "single"
    dimensions_drawn_from: int = 0
    variables_drawn_from: int = 0
    names_drawn: bool = False
    instructions: bool = False
    init: str | None = None
    gpt: GPTConfig = field(default_factory=GPTConfig)
    num_updates: int = 3_000
    first_updates: int = 0
    first_env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    player_loss_only: bool = False
    batch_size: int = 32
    learning_rate: float = 2e-3
    muon_learning_rate_ratio: float = 4.0
    weight_decay: float = 0.01
    precision: Literal["float32", "bfloat16"] = "float32"
    evaluate_every: int = 500
    evaluation_games: int = 100
    checkpoint_every: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_updates", "batch_size", "evaluate_every", "evaluation_games", "checkpoint_every"):
            check_integer(name, getattr(self, name), 1, 10**9)
        check_integer("seed", self.seed, 0, 2**31)
        check_integer("first_updates", self.first_updates, 0, self.num_updates)
        if bool(self.first_updates) != bool(self.first_env_kwargs):
            raise ValueError(
                f"first_env_kwargs must say how the first games differ if there are first_updates, and be empty if not, got "
                f"{dict(self.first_env_kwargs)!r} and {self.first_updates}"
            )
        for name in ("learning_rate", "muon_learning_rate_ratio"):
            check_number(name, getattr(self, name), 0, 1_000, low_included=False)
        check_number("weight_decay", self.weight_decay, 0, 1)
        check_one_of("precision", self.precision, ("float32", "bfloat16"))
        check_one_of("texts", self.texts, ("single", "in_context"))
        self._check_dimensions()
        self._check_variables()
        if not named_condition(self.condition).shots or named_condition(self.condition).without_held_out:
            raise ValueError(f"condition must be one of game texts, got {self.condition!r}")

    def _check_dimensions(self) -> None:
        if not self.dimensions_drawn_from:
            if self.names_drawn:
                raise ValueError("names_drawn must be False unless dimensions_drawn_from says from which")
            return
        if self.names_drawn and not self.instructions:
            raise ValueError("names_drawn needs instructions, which say what the dimensions are called")
        check_integer("dimensions_drawn_from", self.dimensions_drawn_from, MIN_DIMENSIONS, MAX_DIMENSIONS)
        if "dimension_names" not in argument_names(self.env_id) or "rewarded_dimensions" in self.env_kwargs:
            raise ValueError(
                "dimensions_drawn_from needs an env with the argument dimension_names and no rewarded_dimensions in env_kwargs, got "
                f"{self.env_id!r} and {dict(self.env_kwargs)!r}"
            )
        self._check_enough_drawn("dimensions", self.num_dimensions)

    def _check_variables(self) -> None:
        if not self.variables_drawn_from:
            return
        check_integer("variables_drawn_from", self.variables_drawn_from, 2, _MAX_LETTERS)
        decided = {"variable_names", "split"} & {*self.env_kwargs, *self.first_env_kwargs}
        if self.texts != "single" or "variable_names" not in argument_names(self.env_id) or decided:
            raise ValueError(
                "variables_drawn_from needs texts='single', an env with the argument variable_names and neither that argument nor split in "
                f"env_kwargs, got {self.texts!r}, {self.env_id!r} and {dict(self.env_kwargs)!r}"
            )
        if changed := {"num_variables", "held_out_link"} & {*self.first_env_kwargs}:
            raise ValueError(
                f"first_env_kwargs must not change the held-out link where variables are drawn, got {', '.join(sorted(changed))}"
            )
        self._check_enough_drawn("variables", len(self.variables))

    def _check_enough_drawn(self, kind: str, least: int) -> None:
        name = f"{kind}_drawn_from"
        if (drawn_from := getattr(self, name)) < least:
            raise ValueError(f"{name} must be 0 or at least {least}, the {kind} of a game, got {drawn_from}")

    @property
    def evaluation(self) -> Experiment:
        """How the model is evaluated while it is trained. (Its games are of the learning curve's seed domain.)"""
        kwargs = dict(self.env_kwargs)
        if self.texts == "in_context":
            kwargs["rewarded_dimensions"] = self.trained_dimensions[:2]
        return Experiment(
            env_id=self.env_id,
            env_kwargs=kwargs,
            conditions=(self.condition,),
            held_out=self.held_out,
            games=self.evaluation_games,
            shots=GAMES_PER_TEXT - 1 if self.texts == "in_context" else 0,
            prompts=1,
            seed=self.seed,
            instructions=self.instructions,
        )

    @property
    def first(self) -> TrainingConfig:
        """The same for the games of the first updates."""
        kwargs = {**self.env_kwargs, **self.first_env_kwargs}
        held_out = self.held_out_dimension if HELD_OUT in self._all_splits else None
        return dataclasses.replace(self, env_kwargs=kwargs, held_out=held_out, first_updates=0, first_env_kwargs={})

    def check(self) -> None:
        """Raise a ValueError or TypeError for arguments that the env does not accept, an unknown dimension, or no model in ``init``."""
        self.evaluation.check()
        if self.first_updates:
            self.first.evaluation.check()
        if self.init is not None:
            check_saved_gpt(Path(self.init), self.gpt)

    @property
    def trained_dimensions(self) -> tuple[str, ...]:
        """The env's dimensions that are rewarded in training texts.

        Raises:
            ValueError: a task without dimensions, or an unknown held-out one.
        """
        return self._splits[INCLUDED]["rewarded_dimensions"]

    @property
    def held_out_dimension(self) -> str:
        """The one that is rewarded in no training text; it raises as :attr:`trained_dimensions` does."""
        return self._splits[HELD_OUT]["rewarded_dimensions"][0]

    @property
    def num_dimensions(self) -> int:
        """Of a game."""
        return self._task_config.num_dimensions

    @property
    def variables(self) -> list[str]:
        """The names of the env's variables; of a causal DAG."""
        return self._task_config.names

    @property
    def held_out_link(self) -> tuple[str, str]:
        """The names of the cause and the effect of which no training text has an influence; of a causal DAG."""
        link = self._task_config.link
        return self.variables[link.cause], self.variables[link.effect]

    @property
    def _task_config(self) -> Any:
        return load_target(task_spec(self.env_id).config)(**self.env_kwargs)

    @property
    def _splits(self) -> dict[str, dict[str, Any]]:
        if HELD_OUT not in self._all_splits:
            raise ValueError(f"env must have dimensions, one of which is held out, got {self.env_id!r}")
        return self._all_splits

    @property
    def _all_splits(self) -> dict[str, dict[str, Any]]:
        return Experiment(env_id=self.env_id, env_kwargs=self.env_kwargs, held_out=self.held_out).splits

    def to_json(self) -> dict[str, Any]:
        """As a document."""
        return dataclasses.asdict(self)


def read_config(path: Path) -> dict[str, Any]:
    """The document of a training's configuration in a file; options that did not exist when it was written have their defaults.

    Raises:
        ValueError: it holds no such document.
    """
    try:
        found = read_json(path)
    except ValueError as error:
        raise ValueError(f"folder: {str(path)!r} is not the configuration of a training: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"folder: {str(path)!r} is not the configuration of a training")
    defaults = json.loads(json.dumps(TrainingConfig().to_json()))  # with lists where a file has lists
    return {**defaults, **found}


PRESETS: dict[str, TrainingConfig] = {
    "quick": TrainingConfig(),
    "full": TrainingConfig(
        gpt=GPTConfig(width=256, num_layers=8, num_heads=8), num_updates=40_000, batch_size=64, learning_rate=1e-3, evaluate_every=2_000,
        evaluation_games=500, checkpoint_every=1_000,
    ),
}  # fmt: skip
"""quick: half an hour to an hour on one core, the longer the texts are; full: hours on a GPU."""
