"""Networks for the causal DAG tasks: how observations become tokens, and hidden states action logits.

A token of trial t holds what is observed before its action: the record of trial t - 1 (initial values, intervention, outcome), the
new initial values, the phase and the goal.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agents.config.architecture import ArchitectureConfig
from agents.networks.attention import Transformer
from agents.networks.base import Network, Observations
from agents.networks.kv_cache import KVCache
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.causal_dag.task import CausalDAGTask
from gym_causal.core.task import BatchedTask


class CausalDAGNetwork(Network):
    """What the two networks share: the features of each variable.

    Args:
        task: the arguments of the task that it reads.
    """

    def __init__(self, task: CausalDAGConfig) -> None:
        super().__init__()
        self.num_variables, self.max_steps = task.num_variables, task.trials
        self.num_features = 11 + (task.cues is not None)
        self.value_scale = float(task.intervention_value)

    def variable_features(self, observations: Observations) -> Tensor:
        """(B, T, N, F); what is observed of each variable. Values are heavy-tailed, so they come linear and compressed."""
        before, after, now = (observations[key] for key in ("last_initial_values", "last_outcome", "initial_values"))
        scaled = [x / self.value_scale for x in (before, after, now)]
        compressed = [torch.sign(x) * torch.log1p(x.abs()) for x in (before, after, now, after - before)]
        flags = [observations["last_intervention"] / self.value_scale, _was_set(observations), _is_goal(observations)]
        phase = observations["phase"].to(before.dtype)[..., None].expand_as(before)
        cue = [observations["cue"].to(before.dtype)] if "cue" in observations else []
        return torch.stack([*scaled, *compressed, *flags, phase, *cue], dim=-1)


class TrialNetwork(CausalDAGNetwork):
    """One token per trial, which holds everything that is observed.

    ``encoder`` says how a trial becomes a token: by an MLP (``mlp``), a linear map (``linear``), or a linear map whose weights for a
    variable are a function of its learned embedding (``names``), which then also scores actions.
    """

    def __init__(self, config: ArchitectureConfig, task: CausalDAGConfig) -> None:
        super().__init__(task)
        width = self.explanation_width = config.width
        size, outputs = self.num_variables * self.num_features, 2 * self.num_variables
        self.variable_embeddings: nn.Parameter | None = None
        if config.encoder == "names":
            self.variable_embeddings = nn.Parameter(config.name_size**-0.5 * torch.randn(self.num_variables, config.name_size))
            size, outputs = self.num_features * config.name_size, 2 * config.name_size
        mlp = (nn.Linear(size, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.encoder = nn.Sequential(*mlp) if config.encoder == "mlp" else nn.Linear(size, width)
        self.trial_embedding = nn.Parameter(0.1 * torch.randn(task.trials, width))
        context = config.context or task.trials
        self.temporal_transformer = Transformer(width, config.num_layers, config.num_heads, context=context, dropout=config.dropout)
        self.action_head = nn.Linear(width, outputs)

    def encode(self, observations: Observations, cache: KVCache | None = None) -> Tensor:
        """(B, T, W)"""
        features = self.variable_features(observations)  # (B, T, N, F)
        if self.variable_embeddings is not None:
            features = features.transpose(2, 3) @ self.variable_embeddings  # (B, T, F, D)
        x = self.encoder(features.flatten(2)) + self.trial_embedding[observations["trial"].long()]  # (B, T, W)
        return self.temporal_transformer(x[:, :, None], cache=cache)[:, :, 0]

    def action_logits(self, hidden_states: Tensor) -> Tensor:
        logits = self.action_head(hidden_states)
        if self.variable_embeddings is None:
            return logits
        return (logits.unflatten(-1, (2, -1)) @ self.variable_embeddings.T).flatten(2)


class VariableNetwork(CausalDAGNetwork):
    """One token per variable and trial, with weights that all variables share.

    Each variable has an embedding. A token refers to three variables: its own, the one that was set in the last trial, and the goal.

    * ``variable``: embeddings are learned and the own one is added to each token. Attention compares embeddings: bias keys are those of
      the token's own variable and of the one that was set, bias queries those of its own variable and of the goal.
    * ``embedded``: embeddings are learned and all three are added to each token; attention has no bias.
    * ``equivariant``: embeddings are one-hot and fixed, and only compared. Permuting the variables permutes the logits.
    """

    def __init__(self, config: ArchitectureConfig, task: CausalDAGConfig) -> None:
        super().__init__(task)
        self.max_trials = task.trials
        size, width = self.num_features + task.trials, config.width
        # The tokens of all variables: which one an explanation is about is then known to the head by position.
        self.explanation_width = self.num_variables * width
        self.feature_mlp = nn.Sequential(nn.Linear(size, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.variable_embeddings: Tensor
        self.num_embedded = {"variable": 1, "embedded": 3, "equivariant": 0}[config.kind]  # embeddings that are added to a token
        if config.kind == "equivariant":
            self.register_buffer("variable_embeddings", torch.eye(self.num_variables), persistent=False)
        else:
            self.variable_embeddings = nn.Parameter(config.name_size**-0.5 * torch.randn(self.num_variables, config.name_size))
            self.embedding_projection = nn.Linear(self.num_embedded * config.name_size, width, bias=False)
        if config.kind == "variable":
            # Small, so that rules that hold for all variables are learned first.
            nn.init.normal_(self.embedding_projection.weight, std=0.02)
        compared = config.kind != "embedded"
        self.temporal_transformer = Transformer(
            width,
            config.num_layers,
            config.num_heads,
            context=config.context or task.trials,
            num_bias_queries=2 * compared,
            num_bias_keys=2 * compared,
            num_recent=int(compared),
            dropout=config.dropout,
        )
        self.action_head = nn.Linear(width, 2)  # setting the variable to + and to - the intervention's value

    def encode(self, observations: Observations, cache: KVCache | None = None) -> Tensor:
        """(B, T, N, W)"""
        x = self.feature_mlp(self._token_features(observations))  # (B, T, N, W)
        one_hot = torch.eye(self.num_variables, device=x.device)
        embeddings = [  # (B, T, N, D) each; zeros where there is no such variable
            (variables @ self.variable_embeddings).expand(*x.shape[:3], -1)
            for variables in (one_hot, _was_set(observations)[:, :, None], _is_goal(observations)[:, :, None])
        ]
        if self.num_embedded:
            x = x + self.embedding_projection(torch.cat(embeddings[: self.num_embedded], dim=-1))
        own, was_set, goal = embeddings
        return self.temporal_transformer(x, torch.stack([own, goal], dim=3), torch.stack([own, was_set], dim=3), cache=cache)

    def action_logits(self, hidden_states: Tensor) -> Tensor:
        return self.action_head(hidden_states).transpose(-1, -2).flatten(2)

    def explanation_features(self, hidden_states: Tensor) -> Tensor:
        """(B, T, N * W)"""
        return hidden_states.flatten(2)

    def _token_features(self, observations: Observations) -> Tensor:
        """(B, T, N, F + max_trials); what is observed of each variable, and which trial it is."""
        trials = torch.eye(self.max_trials, device=self.variable_embeddings.device)[observations["trial"].long()]  # (B, T, max_trials)
        features = self.variable_features(observations)
        return torch.cat([features, trials[:, :, None].expand(*features.shape[:3], -1)], dim=-1)


def build(architecture: ArchitectureConfig, task: BatchedTask) -> Network:
    """A network for a causal DAG task.

    Raises:
        ValueError: another task.
    """
    if not isinstance(task, CausalDAGTask):
        observed = ", ".join(task.observation_space.spaces)
        raise ValueError(
            f"env_id must be that of a causal DAG environment for an agent of kind {architecture.kind!r}, got one that observes {observed}"
        )
    network = TrialNetwork if architecture.kind == "trial" else VariableNetwork
    return network(architecture, task.config)


def _was_set(observations: Observations) -> Tensor:
    """(B, T, N) float; 1 at the variable that was set in the last trial."""
    return (observations["last_intervention"] != 0).to(observations["last_intervention"].dtype)


def _is_goal(observations: Observations) -> Tensor:
    """(B, T, N) float; 1 at the goal, nowhere while there is none."""
    num_variables = observations["initial_values"].shape[-1]
    variables = torch.arange(num_variables, device=observations["goal"].device)
    return (observations["goal"].long()[..., None] == variables).to(observations["initial_values"].dtype)
