"""Networks for the odd-one-out rooms: each step becomes one token, and a Transformer attends over the steps of the episode."""

from __future__ import annotations

import torch
from gymnasium import spaces
from torch import Tensor, nn

from agents.config.architecture import ArchitectureConfig
from agents.networks.attention import Transformer
from agents.networks.base import Network, Observations
from agents.networks.kv_cache import KVCache
from agents.networks.patches import APPEARANCE_SIZE, PatchExtractor, one_hot
from gym_causal.core.task import BatchedTask
from gym_causal.odd_one_out.features import CELL_PIXELS, NUM_MOVES, NUM_OBJECTS, NUM_VALUES, NUM_VISIBLE, ROOM_CELLS
from gym_causal.odd_one_out.frames import AGENT, PIXELS
from gym_causal.odd_one_out.task import RoomTask

CONTEXT = 256
"""Steps that are attended to unless the architecture says otherwise; an expert's episode has some fifty."""
NUM_RECENT = 4
"""How many of the last steps attention tells apart."""


class RoomNetwork(Network):
    """What the two networks share: one token per step, the features beside the view, and the Transformer over steps.

    Args:
        config: of the network.
        num_actions: A.
        num_trials: values of the observation ``trial``.
        pixels: views are (99, 99, 3), else (11, 11, 4).
    """

    def __init__(self, config: ArchitectureConfig, num_actions: int, num_trials: int, *, pixels: bool) -> None:
        super().__init__()
        self.explanation_width = config.width
        self.num_trials, self.can_transform = num_trials, num_actions > NUM_MOVES
        self.non_visual_size = num_trials + 3 + (NUM_VISIBLE + 1) * self.can_transform
        self.patch_extractor = PatchExtractor(pixels=pixels)
        self.temporal_transformer = Transformer(
            config.width,
            config.num_layers,
            config.num_heads,
            context=config.context or CONTEXT,
            num_bias_queries=1,  # the one-hot trial: steps of the same trial
            num_bias_keys=1,
            num_recent=NUM_RECENT,
            dropout=config.dropout,
        )
        self.action_head = nn.Linear(config.width, num_actions)

    def attend_over_steps(self, steps: Tensor, observations: Observations, cache: KVCache | None) -> Tensor:
        """(F, W) tokens of F = B * T steps -> (F, W), each with what it attends to in its episode."""
        trials = self._trial(observations)[:, :, None, None]  # (B, T, 1, 1, C)
        x = steps.unflatten(0, trials.shape[:2])[:, :, None]
        return self.temporal_transformer(x, trials, trials, cache=cache).flatten(0, 2)

    def non_visual_features(self, observations: Observations) -> Tensor:
        """(F, non_visual_size): the trial, flags (may transform, touched an object, was rewarded), and the last transform."""
        flags = (observations["may_transform"], observations["touched"], observations["last_reward"][..., 0])
        parts = [self._trial(observations), *((flag > 0).float()[..., None] for flag in flags)]
        if self.can_transform:
            # 1 + the attribute that the action before has transformed, 0 if it was a move or there was none.
            last_transform = (observations["previous_action"].long() - NUM_MOVES).clamp(min=0)
            parts.append(one_hot(last_transform, NUM_VISIBLE + 1))
        return torch.cat(parts, dim=-1).flatten(0, 1)

    def _trial(self, observations: Observations) -> Tensor:
        return one_hot(observations["trial"].long(), self.num_trials)


class ObjectNetwork(RoomNetwork):
    """Reads object patches, attends over steps, and then attends to the object patches once more.

    1. Each object patch becomes a token of its normalised appearance embedding (of symbols, the sum of one for each value), how that
       differs from the mean of all in view, that squared, and where it is. One more token stands for the agent.
    2. One block of attention among these tokens.
    3. The agent's token is the step's token in the Transformer over steps.
    4. What comes out of that attends to the object tokens (``readout_attention``).
    """

    def __init__(self, config: ArchitectureConfig, num_actions: int, num_trials: int, *, pixels: bool) -> None:
        super().__init__(config, num_actions, num_trials, pixels=pixels)
        width, size, patches = config.width, config.look_size, self.patch_extractor
        embed = _mlp(patches.appearance_size, 4 * size, size) if pixels else nn.Linear(patches.appearance_size, size)
        self.appearance_encoder = nn.Sequential(embed, nn.LayerNorm(size, elementwise_affine=False))
        compared = config.comparisons or size
        self.comparison_projection = nn.Linear(size, compared, bias=False) if config.comparisons else nn.Identity()
        self.object_encoder = _mlp(2 * size + compared + 2 * ROOM_CELLS + 1, 2 * width, width)
        self.agent_encoder = _mlp(2 * ROOM_CELLS * patches.background_size + self.non_visual_size + 1, 2 * width, width)
        self.object_attention, self.readout_attention = (
            Transformer(width, 1, config.num_heads, context=1, num_outputs=outputs, dropout=config.dropout) for outputs in (None, 1)
        )

    def encode(self, observations: Observations, cache: KVCache | None = None) -> Tensor:
        """(B, T, W)"""
        shape = observations["view"].shape[:2]
        patches = self.patch_extractor(observations["view"].flatten(0, 1))
        present = patches.present[..., None]  # (F, 4, 1)
        count = present.sum(1, keepdim=True)
        share = count / NUM_OBJECTS
        embedded = self.appearance_encoder(patches.appearance) * present
        differences = (embedded - embedded.sum(1, keepdim=True) / count.clamp(min=1)) * present
        squares = self.comparison_projection(differences) ** 2
        row, column = (one_hot(at, ROOM_CELLS) for at in (patches.cells // ROOM_CELLS, patches.cells % ROOM_CELLS))
        objects = self.object_encoder(
            torch.cat([embedded, differences, squares, row, column, share.expand(-1, NUM_OBJECTS, -1)], dim=-1)
        )  # (F, 4, W)

        background = patches.background.unflatten(1, (ROOM_CELLS, ROOM_CELLS))
        middle = ROOM_CELLS // 2  # where the agent is: how far walls are in its row and column says where in the room that is
        lines = torch.cat([background[:, middle], background[:, :, middle]], dim=1).flatten(1)
        agent = self.agent_encoder(torch.cat([lines, self.non_visual_features(observations), share[:, 0]], dim=-1))  # (F, W)

        padding = torch.cat([torch.zeros_like(patches.present[:, :1]), ~patches.present], dim=1)[:, None]  # (F, 1, 5)
        tokens = self.object_attention(torch.cat([agent[:, None], objects], dim=1)[:, None], key_padding_mask=padding)[:, 0]
        agent = self.attend_over_steps(tokens[:, 0], observations, cache)
        tokens = torch.cat([agent[:, None], tokens[:, 1:]], dim=1)[:, None]  # (F, 1, 5, W)
        return self.readout_attention(tokens, key_padding_mask=padding)[:, 0, 0].unflatten(0, shape)


class ConvolutionalNetwork(RoomNetwork):
    """A control that knows nothing of objects: a small convolutional network reads the view."""

    def __init__(self, config: ArchitectureConfig, num_actions: int, num_trials: int, *, pixels: bool) -> None:
        super().__init__(config, num_actions, num_trials, pixels=pixels)
        width = config.width
        first = nn.Conv2d(3, width, CELL_PIXELS, stride=CELL_PIXELS) if pixels else nn.Conv2d(AGENT + 1 + APPEARANCE_SIZE, width, 1)
        self.cnn = nn.Sequential(
            first, nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU(), nn.Flatten()
        )
        self.step_encoder = _mlp(width * (ROOM_CELLS - 4) ** 2 + self.non_visual_size, 4 * width, width)

    def encode(self, observations: Observations, cache: KVCache | None = None) -> Tensor:
        """(B, T, W)"""
        views = observations["view"].flatten(0, 1)
        if self.patch_extractor.pixels:
            channels = self.patch_extractor.to_pixels(views).float() / 255
        else:
            kind, *values = views.long().unbind(-1)
            appearance = (one_hot(value, count + 1)[..., 1:] for value, count in zip(values, NUM_VALUES.tolist(), strict=False))
            channels = torch.cat([one_hot(kind, AGENT + 1), *appearance], dim=-1)
        visual = self.cnn(channels.movedim(-1, 1))
        steps = self.step_encoder(torch.cat([visual, self.non_visual_features(observations)], dim=-1))
        return self.attend_over_steps(steps, observations, cache).unflatten(0, observations["view"].shape[:2])


def build(architecture: ArchitectureConfig, task: BatchedTask) -> Network:
    """A network for an odd-one-out task.

    Raises:
        ValueError: another task, or one whose views are planes.
    """
    if not isinstance(task, RoomTask):
        observed = ", ".join(task.observation_space.spaces)
        raise ValueError(
            f"env_id must be that of an odd-one-out environment for an agent of kind {architecture.kind!r}, "
            f"got one that observes {observed}"
        )
    if task.config.observation not in ("pixels", "symbolic"):
        raise ValueError(
            f"observation must be pixels or symbolic for an agent of kind {architecture.kind!r}, got {task.config.observation!r}; "
            "'generic' reads any"
        )
    trial, view = task.observation_space["trial"], task.observation_space["view"]
    assert isinstance(trial, spaces.Discrete)
    network = ObjectNetwork if architecture.kind == "object" else ConvolutionalNetwork
    return network(architecture, int(task.action_space.n), int(trial.n), pixels=view.shape == PIXELS)


def _mlp(size: int, hidden: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, width))
