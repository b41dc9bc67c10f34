"""The constructor arguments of the causal DAG environments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

from gym_causal.arguments import check_integer as _integer
from gym_causal.arguments import check_number as _number
from gym_causal.arguments import check_one_of as _one_of
from gym_causal.arguments import check_pair as _pair
from gym_causal.causal_dag.cues import CueClass
from gym_causal.causal_dag.custom_models import ModelSampler, ModelsArgument, model_sampler
from gym_causal.causal_dag.distribution import ModelDistribution
from gym_causal.causal_dag.explanation_modes import MODES, reasoning_part, statement_kinds
from gym_causal.causal_dag.explanation_text import Wording
from gym_causal.causal_dag.splits import SPLITS, HeldOutLink, Split
from gym_causal.scm import MAX_VARIABLES, VALUE_LIMIT, variable_names

EXPLORATION_SIGNS = ("positive", "random")
EXPERT_EXPLORATIONS = ("systematic", "random")


class Phase(IntEnum):
    """The two phases of an episode."""

    EXPLORATION = 0
    EXPLOITATION = 1


@dataclass(frozen=True, kw_only=True)
class CausalDAGConfig:
    """Arguments of ``CausalDAG-v0``; every one reaches the single and the vector env alike.

    Args:
        split: "train", "eval_target", "eval_path" or "unrestricted"; see :data:`gym_causal.causal_dag.splits.SPLITS`.
        num_variables: N, from 2 to 702.
        num_exploration_trials: >= 0; default: the number of relevant variables.
        num_exploitation_trials: >= 1.
        intervention_value: > 0; an action sets a variable to plus or minus this.
        held_out_link: (cause, effect), names or indices; default: D, E with five variables or more, else the last two.
        min_effect: noise-free value of the effect that setting the cause well must reach in the evaluation splits.
        num_roots: (low, high), both included, of the uniform number of variables without causes; default: (1, N - 1).
        num_parents: (low, high), both included, of the uniform number of causes of every other variable.
        weight_range: (low, high) of the uniform edge weights.
        noise_scale_mean: a variable's noise standard deviation is drawn from normal(mean, std) truncated at 0, each episode.
        noise_scale_std: see ``noise_scale_mean``.
        negative_slope: slope of the LeakyReLU below zero, in (0, 1].
        shuffle_names: name the variables by a random permutation of the topological order; False: always in alphabetical order.
        shared_noise: give the outcome of a trial the same exogenous noise as its initial values, instead of fresh noise.
        exploration_sign: "positive" or "random": the sign of the expert's interventions while it explores.
        expert_exploration: "systematic": the expert sets each relevant variable once, in random order; "random": any relevant variable in
            each exploration trial, whatever it has tried so far.
        expert_temperature: 0: the expert exploits optimally; else it is Boltzmann-rational, p ~ exp(value / temperature).
        value_limit: > 0; clip the values in observations to plus or minus this, which are then their bounds: a bound near common values
            for what scales by bounds. None: no value of a generated model is clipped, see :attr:`value_bound`. Rewards are never clipped.
        explain: which explanations ``info["explanation"]`` holds: "none", "properties" (what an intervention did, in exploration), "reward"
            (whether a choice was optimal, in exploitation), "full" or "outcome" (both), "reasoning" (what the expert has found out, what it
            does next and why), "all" (properties, reward and reasoning), or one part of the reasoning: "belief", "intention" or "target".
        expert_info: put the expert's action into ``info["expert_action"]`` (-1 once the episode is over).
        graph_info: put the dense weights (N, N) into ``info["weights"]``; [i, j] is the direct effect of i on j.
        models: causal models of one's own over the N variables, instead of the generator's:
            :class:`~gym_causal.scm.StructuralCausalModels`, of which each episode draws one uniformly; the same as a dict (``to_dict()``,
            for JSON); a function ``(rng, count)`` that returns ``count`` models, drawn with ``rng`` alone; or the function's name
            "module:function". Splits still admit only models that satisfy their condition, and goals are drawn as ever. The arguments of
            the generator (``num_roots``, ``num_parents``, ``weight_range``, ``noise_scale_mean``, ``noise_scale_std``, ``negative_slope``,
            ``shuffle_names``) then change no episode.

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
        TypeError: an unknown argument, or a value of the wrong type.
    """

    split: str = "train"
    num_variables: int = 5
    num_exploration_trials: int | None = None
    num_exploitation_trials: int = 2
    intervention_value: float = 5.0
    held_out_link: Sequence[str | int] | None = None
    min_effect: float = 1.0
    num_roots: Sequence[int] | None = None
    num_parents: Sequence[int] = (1, 2)
    weight_range: Sequence[float] = (-2.0, 2.0)
    noise_scale_mean: float = 0.5
    noise_scale_std: float = 0.25
    negative_slope: float = 0.2
    shuffle_names: bool = True
    shared_noise: bool = False
    exploration_sign: str = "positive"
    expert_exploration: str = "systematic"
    expert_temperature: float = 0.0
    value_limit: float | None = None
    explain: str = "full"
    expert_info: bool = False
    graph_info: bool = False
    models: ModelsArgument | None = None

    def __post_init__(self) -> None:
        _one_of("split", self.split, tuple(SPLITS))
        _one_of("explain", self.explain, tuple(MODES))
        _one_of("exploration_sign", self.exploration_sign, EXPLORATION_SIGNS)
        _one_of("expert_exploration", self.expert_exploration, EXPERT_EXPLORATIONS)
        _integer("num_variables", self.num_variables, 2, MAX_VARIABLES)
        if self.num_exploration_trials is not None:
            _integer("num_exploration_trials", self.num_exploration_trials, 0, 10_000)
        _integer("num_exploitation_trials", self.num_exploitation_trials, 1, 10_000)
        _number("intervention_value", self.intervention_value, 0, 1e5, low_included=False)
        _number("min_effect", self.min_effect, 0, 1e5)
        _number("noise_scale_mean", self.noise_scale_mean, 0, 1e3)
        _number("noise_scale_std", self.noise_scale_std, 0, 1e3)
        _number("negative_slope", self.negative_slope, 0, 1, low_included=False)
        _number("expert_temperature", self.expert_temperature, 0, math.inf)
        if self.value_limit is not None:
            _number("value_limit", self.value_limit, 0, VALUE_LIMIT, low_included=False)
        for name in ("shuffle_names", "shared_noise", "expert_info", "graph_info"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        _pair("weight_range", self.weight_range, -1e3, 1e3, whole=False)
        self._check_graph()
        self._link()  # raises when the link is not one
        _ = self.model_sampler  # raises when the models are none

    def _check_graph(self) -> None:
        _pair("num_parents", self.num_parents, 1, 100, whole=True)
        if self.num_roots is not None:
            _pair("num_roots", self.num_roots, 1, self.size_of_graph, whole=True)

    @property
    def size_of_graph(self) -> int:
        """How many of the variables are in the graph (the relevant ones)."""
        return self.num_variables

    @cached_property
    def exploration_trials(self) -> int:
        return self.size_of_graph if self.num_exploration_trials is None else self.num_exploration_trials

    @cached_property
    def trials(self) -> int:
        """T; trials of an episode."""
        return self.exploration_trials + self.num_exploitation_trials

    def phase(self, trial: int) -> Phase:
        return Phase.EXPLORATION if trial < self.exploration_trials else Phase.EXPLOITATION

    @cached_property
    def explained_kinds(self) -> tuple[str, ...]:
        """The kinds of statement about the last trial that ``explain`` asks for."""
        return statement_kinds(self.explain)

    @cached_property
    def reasoning_part(self) -> str | None:
        """What ``explain`` asks for of the reasoning: all of it, one part, or None."""
        return reasoning_part(self.explain)

    @property
    def wording(self) -> Wording:
        """How reasoning is put into words."""
        return Wording()

    @cached_property
    def model_sampler(self) -> ModelSampler | None:
        """Draws the models of ``models``; None: they are drawn from :attr:`distribution`."""
        return None if self.models is None else model_sampler(self.models, self.num_variables)

    @property
    def value_bound(self) -> float:
        """The bound of the values in observations: ``value_limit``, or the largest that a generated model can have."""
        if self.value_limit is not None:
            return float(self.value_limit)
        return VALUE_LIMIT if self.models is not None else self.distribution.largest_value(float(self.intervention_value))

    @property
    def names(self) -> list[str]:
        return variable_names(self.num_variables)

    @property
    def conditions(self) -> Split:
        return SPLITS[self.split]

    @property
    def link(self) -> HeldOutLink:
        cause, effect = self._link()
        return HeldOutLink(cause, effect, float(self.intervention_value), float(self.min_effect))

    @property
    def cues(self) -> CueClass | None:
        """Which subsets of relevant variables are held out; None: every variable is relevant."""
        return None

    @property
    def distribution(self) -> ModelDistribution:
        low, high = self.num_roots or (1, self.size_of_graph - 1)
        return ModelDistribution(
            num_variables=self.num_variables,
            num_relevant=self.size_of_graph,
            num_roots=(int(low), int(high)),
            num_parents=(int(self.num_parents[0]), int(self.num_parents[1])),
            weight_range=(float(self.weight_range[0]), float(self.weight_range[1])),
            noise_scale_mean=float(self.noise_scale_mean),
            noise_scale_std=float(self.noise_scale_std),
            negative_slope=float(self.negative_slope),
            shuffle_names=self.shuffle_names,
        )

    def variable(self, argument: str, variable: Any) -> int:
        """The index of a variable given by name or index; ``argument`` is named in the error."""
        names = self.names
        if isinstance(variable, str) and variable in names:
            return names.index(variable)
        if not isinstance(variable, (str, bool)) and hasattr(variable, "__index__") and 0 <= int(variable) < self.num_variables:
            return int(variable)
        raise ValueError(f"{argument}: a variable must be one of {names[0]}..{names[-1]} or 0..{self.num_variables - 1}, got {variable!r}")

    def _link(self) -> tuple[int, int]:
        if self.held_out_link is None:
            return (3, 4) if self.num_variables >= 5 else (self.num_variables - 2, self.num_variables - 1)
        if isinstance(self.held_out_link, str) or len(self.held_out_link) != 2:
            raise ValueError(f"held_out_link must be a pair (cause, effect), got {self.held_out_link!r}")
        cause, effect = (self.variable("held_out_link", variable) for variable in self.held_out_link)
        if cause == effect:
            raise ValueError(f"held_out_link must be two different variables, got {self.held_out_link!r}")
        return cause, effect


@dataclass(frozen=True, kw_only=True)
class CausalDAGCuedConfig(CausalDAGConfig):
    """Arguments of ``CausalDAGCued-v0``: those of ``CausalDAG-v0`` but ``models``, ten variables by default, and these.

    ``models`` must be None: the cue names the variables in the graph, and which these are is drawn before the graph is. (For one's own
    model with one's own cue: ``reset(options={"model": ..., "cue": ..., "goal": ...})``.)

    Args:
        num_relevant: R, from 2 to N; how many variables are in the graph of an episode. The others are independent noise.
        cue_modulus: subsets of relevant variables whose index sum is ``cue_residue`` modulo this are held out of ``train`` and
            are the only ones in ``eval_target`` and ``eval_path``. >= 2.
        cue_residue: see ``cue_modulus``; in 0..cue_modulus - 1.
    """

    num_variables: int = 10
    num_relevant: int = 5
    cue_modulus: int = 4
    cue_residue: int = 1

    def _check_graph(self) -> None:
        _integer("num_relevant", self.num_relevant, 2, self.num_variables)
        _integer("cue_modulus", self.cue_modulus, 2, 10_000)
        _integer("cue_residue", self.cue_residue, 0, self.cue_modulus - 1)
        if self.models is not None:
            raise ValueError(
                "models must be None in CausalDAGCued-v0, whose cue is drawn before the graph; use CausalDAG-v0, or "
                'reset(options={"model": ..., "cue": ..., "goal": ...})'
            )
        super()._check_graph()

    @property
    def size_of_graph(self) -> int:
        return self.num_relevant

    @property
    def cues(self) -> CueClass | None:
        return CueClass(self.cue_modulus, self.cue_residue)
