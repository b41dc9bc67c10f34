"""Networks for the causal DAG environments: how observations become tokens, and tokens action logits.

A token of trial t holds what is observed before its action: the record of trial t - 1 (initial values, intervention, outcome), the
new initial values, the phase and the goal.
"""

from __future__ import annotations

import torch
from gymnasium import spaces
from torch import Tensor, nn

from agents.config.agent import ArchitectureConfig
from agents.networks.attention import Transformer
from agents.networks.base import Network, Observations
from agents.networks.kv_cache import KVCache


class TrialNetwork(Network):
    """One token a trial, of everything that is observed, as a fairly standard agent has it.

    Read by a perceptron (``mlp``), a linear map (``linear``), or a linear map whose weights for a variable are those of its learned name
    (``names``), by which actions are then scored as well: what is learned of one variable holds for others as far as names allow.
    """

    def __init__(self, config: ArchitectureConfig, num_variables: int, max_trials: int, has_cue: bool) -> None:
        super().__init__()
        self.max_steps = max_trials
        num_features, width = _num_features(has_cue), config.width
        size, hidden, outputs = num_variables * num_features, 4 * width, 2 * num_variables
        self.names: nn.Parameter | None = None
        if config.encoder == "names":
            self.names = nn.Parameter(config.name_size**-0.5 * torch.randn(num_variables, config.name_size))
            size, outputs = num_features * config.name_size, 2 * config.name_size
        perceptron = (nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.encoder = nn.Sequential(*perceptron) if config.encoder == "mlp" else nn.Linear(size, width)
        self.trials = nn.Parameter(0.1 * torch.randn(max_trials, width))
        self.transformer = Transformer(width, config.num_layers, config.num_heads, context=max_trials, dropout=config.dropout)
        self.logits = nn.Linear(width, outputs)

    def encode(self, observations: Observations, memory: KVCache | None = None) -> Tensor:
        """(B, T, W)"""
        features = _features(observations)  # (B, T, N, F)
        if self.names is not None:
            features = features.transpose(2, 3) @ self.names  # (B, T, F, D)
        x = self.encoder(features.flatten(2)) + self.trials[_trial(observations)]  # (B, T, W)
        return self.transformer(x[:, :, None], memory=memory)[:, :, 0]

    def act(self, summary: Tensor) -> Tensor:
        logits = self.logits(summary)
        return logits if self.names is None else (logits.unflatten(-1, (2, -1)) @ self.names.T).flatten(2)


class VariableNetwork(Network):
    """One token a variable and trial, with weights that all variables share.

    Each variable has a name, one vector, which stands for it wherever it is mentioned: a token mentions its own variable, the one that
    was set in the last trial, and the goal.

    * ``variable``: names are learned, the own one is part of each token, and attention compares names: a token offers those of its own
      variable and of the one that was set, and seeks those of its own variable and of the goal
      (:class:`agents.networks.attention.Transformer`). The agent can tell variables apart and treat any of them as it likes.
    * ``embedded``: names are learned and all three are part of each token, as embeddings of words are; nothing else compares them.
    * ``equivariant``: names are one-hot, fixed and only compared. Permuting the variables permutes the logits, whatever was learned.
    """

    def __init__(self, config: ArchitectureConfig, num_variables: int, max_trials: int, has_cue: bool) -> None:
        super().__init__()
        self.num_variables, self.max_trials, self.max_steps = num_variables, max_trials, max_trials
        size, width = _num_features(has_cue) + max_trials, config.width
        self.features = nn.Sequential(nn.Linear(size, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.names: Tensor
        self.embedded = {"variable": 1, "embedded": 3, "equivariant": 0}[config.kind]  # how many of the names are part of a token
        if config.kind == "equivariant":
            self.register_buffer("names", torch.eye(num_variables), persistent=False)
        else:
            self.names = nn.Parameter(config.name_size**-0.5 * torch.randn(num_variables, config.name_size))
            self.embedding = nn.Linear(self.embedded * config.name_size, width, bias=False)
        if config.kind == "variable":
            nn.init.normal_(self.embedding.weight, std=0.02)  # rules first, names where they help
        compared = 0 if config.kind == "embedded" else 2
        self.transformer = Transformer(
            width,
            config.num_layers,
            config.num_heads,
            context=max_trials,
            num_bias_queries=compared,
            num_bias_keys=compared,
            dropout=config.dropout,
        )
        self.logits = nn.Linear(width, 2)  # of setting the variable to + and - the intervention's value

    def encode(self, observations: Observations, memory: KVCache | None = None) -> Tensor:
        """(B, T, N, W)"""
        x = self.features(self._per_variable(observations))  # (B, T, N, W)
        one_hot = torch.eye(self.num_variables, device=x.device)
        names = [  # (B, T, N, D) each: of the variables that a token mentions, zeros where there is none
            (variables @ self.names).expand(*x.shape[:3], -1)
            for variables in (one_hot, _was_set(observations)[:, :, None], _is_goal(observations)[:, :, None])
        ]
        if self.embedded:
            x = x + self.embedding(torch.cat(names[: self.embedded], dim=-1))
        subject, was_set, goal = names
        return self.transformer(x, torch.stack([subject, goal], dim=3), torch.stack([subject, was_set], dim=3), memory=memory)

    def act(self, summary: Tensor) -> Tensor:
        return self.logits(summary).transpose(-1, -2).flatten(2)

    def _per_variable(self, observations: Observations) -> Tensor:
        """(B, T, N, F); what is observed of each variable, and which trial it is."""
        trials = torch.eye(self.max_trials, device=self.names.device)[_trial(observations)]  # (B, T, max_trials)
        features = _features(observations)
        return torch.cat([features, trials[:, :, None].expand(*features.shape[:3], -1)], dim=-1)


def build(config: ArchitectureConfig, observation_space: spaces.Dict, action_space: spaces.Discrete) -> Network | None:
    """A network of a causal DAG's kind; None if these are observations of another environment."""
    if not {"initial_values", "last_outcome", "goal", "trial"} <= observation_space.spaces.keys():
        return None
    values, trial = observation_space["initial_values"], observation_space["trial"]
    assert isinstance(values, spaces.Box) and isinstance(trial, spaces.Discrete)
    kind = TrialNetwork if config.kind == "trial" else VariableNetwork
    return kind(config, values.shape[0], int(trial.n) - 1, "cue" in observation_space.spaces)


def _num_features(has_cue: bool) -> int:
    return 11 + has_cue


def _features(observations: Observations) -> Tensor:
    """(B, T, N, F); what is observed of each variable. Values are heavy-tailed, so they come in two scales."""
    before, after, now = (observations[key] for key in ("last_initial_values", "last_outcome", "initial_values"))
    scaled = [x / 5 for x in (before, after, now)]
    compressed = [torch.sign(x) * torch.log1p(x.abs()) for x in (before, after, now, after - before)]
    flags = [observations["last_intervention"] / 5, _was_set(observations), _is_goal(observations)]
    phase = observations["phase"].to(before.dtype)[..., None].expand_as(before)
    cue = [observations["cue"].to(before.dtype)] if "cue" in observations else []
    return torch.stack([*scaled, *compressed, *flags, phase, *cue], dim=-1)


def _was_set(observations: Observations) -> Tensor:
    """(B, T, N) float; 1 at the variable that was set in the last trial."""
    return (observations["last_intervention"] != 0).to(observations["last_intervention"].dtype)


def _is_goal(observations: Observations) -> Tensor:
    """(B, T, N) float; 1 at the goal, nowhere while there is none."""
    num_variables = observations["initial_values"].shape[-1]
    variables = torch.arange(num_variables, device=observations["goal"].device)
    return (observations["goal"].long()[..., None] == variables).to(observations["initial_values"].dtype)


def _trial(observations: Observations) -> Tensor:
    return observations["trial"].long()
