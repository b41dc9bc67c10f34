"""Networks for the odd-one-out environments: what is seen of a room, from pixels or symbols, what was seen before, and what to do.

Each step is summarised by one token, and a Transformer over these tokens is the memory of the episode.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from gymnasium import spaces
from torch import Tensor, nn

from agents.config.agent import ArchitectureConfig
from agents.data.demonstrations import LAST_TRANSFORM
from agents.networks.attention import Transformer
from agents.networks.base import Network, Observations
from agents.networks.kv_cache import KVCache
from gym_causal.odd_one_out.features import CELL_PIXELS, NUM_CELLS, NUM_MOVES, NUM_OBJECTS, NUM_VALUES, NUM_VISIBLE, ROOM_CELLS
from gym_causal.odd_one_out.frames import AGENT, OBJECT, PIXELS, cell_pictures, picture_of

CONTEXT = 256
"""Steps that are remembered; an expert's episode is over after some fifty."""
RECENT = 4
"""For how many of the last steps the memory knows how long ago they were."""
NUM_LOOKS = int(NUM_VALUES[:NUM_VISIBLE].sum())
"""Values of the three visible attributes, one after the other."""


@dataclass(frozen=True)
class ObjectPatches:
    """What is seen in F views."""

    looks: Tensor  # (F, 4, P) what up to four cells that hold more than plain ground look like: pixels in [0, 1], or one-hot values
    cells: Tensor  # (F, 4) int; which cells they are
    present: Tensor  # (F, 4) bool; whether there is one
    ground: Tensor  # (F, 121, G) what plain cells look like: a colour in [0, 1], or a one-hot symbol; zeros for all others


class PatchExtractor(nn.Module):
    """Finds in a view what there is to look at: the cells that are not plain, at most four.

    Where pixels are expected and symbols come, as in demonstrations, what is found is what would be in the pixels that they stand for.

    Args:
        pixels: views are (99, 99, 3), else (11, 11, 4).
    """

    pictures: Tensor

    def __init__(self, *, pixels: bool) -> None:
        super().__init__()
        self.pixels = pixels
        self.look_size = 3 * CELL_PIXELS**2 if pixels else NUM_LOOKS
        self.ground_size = 3 if pixels else AGENT + 1
        self.register_buffer("pictures", torch.as_tensor(cell_pictures()) if pixels else torch.zeros(0), persistent=False)

    def forward(self, views: Tensor) -> ObjectPatches:
        """(F, ...) uint8 views."""
        if views.shape[1:] == PIXELS:
            return self._pixels(views)
        kind, values = views.flatten(1, 2).long().split((1, NUM_VISIBLE), dim=-1)
        is_object = kind[..., 0] == OBJECT
        cells, present = _four(is_object)
        color, texture, shape = (
            values.gather(1, cells[..., None].expand(-1, -1, NUM_VISIBLE)).clamp(min=1).unbind(-1)  # (F, 4) each
        )
        if self.pixels:
            looks = self.pictures[picture_of(color, texture, shape)].flatten(2).float() / 255
            ground = self.pictures[: AGENT + 1, 0, 0].float()[kind[..., 0]] / 255
        else:
            each = zip((color, texture, shape), NUM_VALUES.tolist(), strict=False)
            looks = torch.cat([_one_hot(value - 1, count) for value, count in each], dim=-1)
            ground = _one_hot(kind[..., 0], AGENT + 1)
        return ObjectPatches(looks, cells, present, ground * ~is_object[..., None])

    def _pixels(self, views: Tensor) -> ObjectPatches:
        grid = views.unflatten(1, (ROOM_CELLS, CELL_PIXELS)).unflatten(3, (ROOM_CELLS, CELL_PIXELS))  # (F, 11, 9, 11, 9, 3)
        patches = grid.transpose(2, 3).reshape(len(views), NUM_CELLS, CELL_PIXELS**2, 3)
        plain = (patches[:, :, 1:] == patches[:, :, :-1]).flatten(2).all(-1)  # (F, 121)
        cells, present = _four(~plain)
        looks = patches.flatten(2).gather(1, cells[..., None].expand(-1, -1, self.look_size)).float() / 255
        return ObjectPatches(looks, cells, present, patches[:, :, 0].float() / 255 * plain[..., None])

    def draw(self, views: Tensor) -> Tensor:
        """(F, 99, 99, 3) uint8; views of pixels as they are, symbols as the pixels that they stand for."""
        if views.shape[1:] == PIXELS:
            return views
        kind, *values = views.long().unbind(-1)
        cells = self.pictures[torch.where(kind == OBJECT, picture_of(*values), kind)]  # (F, 11, 11, 9, 9, 3)
        return cells.transpose(2, 3).reshape(len(views), *PIXELS)


class RoomNetwork(Network):
    """A token a step, of all that is observed, and a Transformer over the steps of the episode.

    Args:
        config: of the network.
        num_actions: A.
        num_trials: values of the observation ``trial``.
        pixels: views are (99, 99, 3), else (11, 11, 4).
    """

    def __init__(self, config: ArchitectureConfig, num_actions: int, num_trials: int, *, pixels: bool) -> None:
        super().__init__()
        self.num_trials, self.can_transform = num_trials, num_actions > NUM_MOVES
        self.extra_size = num_trials + 3 + (NUM_VISIBLE + 1) * self.can_transform
        self.transformer = Transformer(
            config.width,
            config.num_layers,
            config.num_heads,
            context=CONTEXT,
            num_bias_queries=1,  # steps of the same trial
            num_bias_keys=1,
            num_recent=RECENT,
            dropout=config.dropout,
        )
        self.logits = nn.Linear(config.width, num_actions)

    def act(self, summary: Tensor) -> Tensor:
        return self.logits(summary)

    def remember(self, steps: Tensor, observations: Observations, memory: KVCache | None) -> Tensor:
        """(F, W) of each step by itself -> (F, W), of it and all before."""
        trials = self._trial(observations)[:, :, None, None]  # (B, T, 1, 1, C)
        x = steps.unflatten(0, trials.shape[:2])[:, :, None]
        return self.transformer(x, trials, trials, memory=memory).flatten(0, 2)

    def beside_the_view(self, observations: Observations) -> Tensor:
        """(F, extra_size): the trial, whether the agent may transform, has touched something, was paid, and what it transformed last."""
        flags = (observations["may_transform"], observations["touched"], observations["last_reward"][..., 0])
        parts = [self._trial(observations), *((flag > 0).float()[..., None] for flag in flags)]
        if self.can_transform:
            parts.append(_one_hot(observations[LAST_TRANSFORM].long(), NUM_VISIBLE + 1))
        return torch.cat(parts, dim=-1).flatten(0, 1)

    def _trial(self, observations: Observations) -> Tensor:
        return _one_hot(observations["trial"].long(), self.num_trials)


class ObjectNetwork(RoomNetwork):
    """Looks at objects, remembers, and looks again.

    A view is read by a convolution over its cells (the same perceptron for each) wherever a cell is not plain; what a cell looks like
    becomes a normalised embedding (of symbols, the sum of one for each value). A token stands for each cell that is seen so, with its
    embedding, how that differs from the mean of all in view, that squared, and where it is; another token stands for the agent. They
    look at each other (one block of attention); the agent's token is then the step's token in the memory; and what comes out of that
    looks at the objects once more.
    """

    def __init__(self, config: ArchitectureConfig, num_actions: int, num_trials: int, *, pixels: bool) -> None:
        super().__init__(config, num_actions, num_trials, pixels=pixels)
        width, size = config.width, config.look_size
        self.eyes = PatchExtractor(pixels=pixels)
        read = _perceptron(self.eyes.look_size, 4 * size, size) if pixels else nn.Linear(self.eyes.look_size, size)
        self.looks = nn.Sequential(read, nn.LayerNorm(size, elementwise_affine=False))
        compared = config.comparisons or size
        self.compare = nn.Linear(size, compared, bias=False) if config.comparisons else nn.Identity()
        self.object = _perceptron(2 * size + compared + 2 * ROOM_CELLS + 1, 2 * width, width)
        self.agent = _perceptron(2 * ROOM_CELLS * self.eyes.ground_size + self.extra_size + 1, 2 * width, width)
        self.look, self.look_again = (
            Transformer(width, 1, config.num_heads, context=1, num_outputs=outputs, dropout=config.dropout) for outputs in (None, 1)
        )

    def encode(self, observations: Observations, memory: KVCache | None = None) -> Tensor:
        """(B, T, W)"""
        shape = observations["view"].shape[:2]
        sight = self.eyes(observations["view"].flatten(0, 1))
        present = sight.present[..., None]  # (F, 4, 1)
        count = present.sum(1, keepdim=True)
        share = count / NUM_OBJECTS
        embedded = self.looks(sight.looks) * present
        differences = (embedded - embedded.sum(1, keepdim=True) / count.clamp(min=1)) * present
        row, column = (_one_hot(at, ROOM_CELLS) for at in (sight.cells // ROOM_CELLS, sight.cells % ROOM_CELLS))
        objects = self.object(
            torch.cat([embedded, differences, self.compare(differences) ** 2, row, column, share.expand(-1, NUM_OBJECTS, -1)], dim=-1)
        )

        ground = sight.ground.unflatten(1, (ROOM_CELLS, ROOM_CELLS))
        middle = ROOM_CELLS // 2  # where the agent is: how far walls are in its row and column says where in the room that is
        lines = torch.cat([ground[:, middle], ground[:, :, middle]], dim=1).flatten(1)
        agent = self.agent(torch.cat([lines, self.beside_the_view(observations), share[:, 0]], dim=-1))

        absent = torch.cat([torch.zeros_like(sight.present[:, :1]), ~sight.present], dim=1)[:, None]  # (F, 1, 5)
        tokens = self.look(torch.cat([agent[:, None], objects], dim=1)[:, None], absent=absent)  # (F, 1, 5, W)
        remembered = self.remember(tokens[:, 0, 0], observations, memory)
        tokens = torch.cat([remembered[:, None, None], tokens[:, :, 1:]], dim=2)
        return self.look_again(tokens, absent=absent)[:, 0, 0].unflatten(0, shape)


class ConvolutionalNetwork(RoomNetwork):
    """A control: reads a view by a small convolutional network, as is standard, which knows nothing of objects."""

    def __init__(self, config: ArchitectureConfig, num_actions: int, num_trials: int, *, pixels: bool) -> None:
        super().__init__(config, num_actions, num_trials, pixels=pixels)
        self.eyes, width = PatchExtractor(pixels=pixels), config.width
        first = nn.Conv2d(3, width, CELL_PIXELS, stride=CELL_PIXELS) if pixels else nn.Conv2d(AGENT + 1 + NUM_LOOKS, width, 1)
        self.view = nn.Sequential(
            first, nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU(), nn.Flatten()
        )
        self.step = _perceptron(width * (ROOM_CELLS - 4) ** 2 + self.extra_size, 4 * width, width)

    def encode(self, observations: Observations, memory: KVCache | None = None) -> Tensor:
        """(B, T, W)"""
        views = observations["view"].flatten(0, 1)
        if self.eyes.pixels:
            channels = self.eyes.draw(views).float() / 255
        else:
            kind, *values = views.long().unbind(-1)
            looks = (_one_hot(value, count + 1)[..., 1:] for value, count in zip(values, NUM_VALUES.tolist(), strict=False))
            channels = torch.cat([_one_hot(kind, AGENT + 1), *looks], dim=-1)
        seen = self.view(channels.movedim(-1, 1))
        steps = self.step(torch.cat([seen, self.beside_the_view(observations)], dim=-1))
        return self.remember(steps, observations, memory).unflatten(0, observations["view"].shape[:2])


def build(config: ArchitectureConfig, observation_space: spaces.Dict, action_space: spaces.Discrete) -> Network | None:
    """A network of a room's kind; None if these are observations of another environment."""
    if "view" not in observation_space.spaces:
        return None
    trial = observation_space["trial"]
    assert isinstance(trial, spaces.Discrete)
    kind = ObjectNetwork if config.kind == "object" else ConvolutionalNetwork
    return kind(config, int(action_space.n), int(trial.n), pixels=observation_space["view"].shape == PIXELS)


def _perceptron(size: int, hidden: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, width))


def _four(interesting: Tensor) -> tuple[Tensor, Tensor]:
    """(F, 4) up to four of the cells that are interesting, (F, 121) bool, and which of these there are."""
    found = interesting.to(torch.uint8).topk(NUM_OBJECTS, dim=1)
    return found.indices, found.values > 0


def _one_hot(values: Tensor, count: int) -> Tensor:
    return torch.eye(count, device=values.device)[values]
