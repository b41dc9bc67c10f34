"""What a view of an odd-one-out room shows, cell by cell: the appearance of objects, and the background."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gym_causal.odd_one_out.features import CELL_PIXELS, NUM_CELLS, NUM_OBJECTS, NUM_VALUES, NUM_VISIBLE, ROOM_CELLS
from gym_causal.odd_one_out.frames import AGENT, OBJECT, PIXELS, cell_pictures, picture_of

APPEARANCE_SIZE = int(NUM_VALUES[:NUM_VISIBLE].sum())
"""Numbers in an appearance of symbols: the one-hot values of the three visible attributes."""


@dataclass(frozen=True)
class ObjectPatches:
    """The patches of F views. An object patch is a cell that is not of one colour."""

    appearance: Tensor  # (F, 4, P) float; of up to four object patches: pixels in [0, 1], or one-hot attribute values
    cells: Tensor  # (F, 4) int64; where they are
    present: Tensor  # (F, 4) bool; whether there is one
    background: Tensor  # (F, 121, G) float; of all other cells: a colour in [0, 1], or a one-hot symbol; zeros at object patches


class PatchExtractor(nn.Module):
    """Finds the object patches of a view, at most four.

    An extractor for pixels also takes symbols, as demonstrations have them, and returns the patches of the pixels that they stand for.

    Args:
        pixels: views are (99, 99, 3), else (11, 11, 4).
    """

    pictures: Tensor

    def __init__(self, *, pixels: bool) -> None:
        super().__init__()
        self.pixels = pixels
        self.appearance_size = 3 * CELL_PIXELS**2 if pixels else APPEARANCE_SIZE
        self.background_size = 3 if pixels else AGENT + 1
        self.register_buffer("pictures", torch.as_tensor(cell_pictures()) if pixels else torch.zeros(0), persistent=False)

    def forward(self, views: Tensor) -> ObjectPatches:
        """(F, ...) uint8 views."""
        if views.shape[1:] == PIXELS:
            return self._from_pixels(views)
        kind, values = views.flatten(1, 2).long().split((1, NUM_VISIBLE), dim=-1)
        is_object = kind[..., 0] == OBJECT
        cells, present = _first_four(is_object)
        color, texture, shape = (
            values.gather(1, cells[..., None].expand(-1, -1, NUM_VISIBLE)).clamp(min=1).unbind(-1)  # (F, 4) each
        )
        if self.pixels:
            appearance = self.pictures[picture_of(color, texture, shape)].flatten(2).float() / 255
            background = self.pictures[: AGENT + 1, 0, 0].float()[kind[..., 0]] / 255
        else:
            each = zip((color, texture, shape), NUM_VALUES.tolist(), strict=False)
            appearance = torch.cat([one_hot(value - 1, count) for value, count in each], dim=-1)
            background = one_hot(kind[..., 0], AGENT + 1)
        return ObjectPatches(appearance, cells, present, background * ~is_object[..., None])

    def _from_pixels(self, views: Tensor) -> ObjectPatches:
        grid = views.unflatten(1, (ROOM_CELLS, CELL_PIXELS)).unflatten(3, (ROOM_CELLS, CELL_PIXELS))  # (F, 11, 9, 11, 9, 3)
        patches = grid.transpose(2, 3).reshape(len(views), NUM_CELLS, CELL_PIXELS**2, 3)
        is_plain = (patches[:, :, 1:] == patches[:, :, :-1]).flatten(2).all(-1)  # (F, 121)
        cells, present = _first_four(~is_plain)
        appearance = patches.flatten(2).gather(1, cells[..., None].expand(-1, -1, self.appearance_size)).float() / 255
        return ObjectPatches(appearance, cells, present, patches[:, :, 0].float() / 255 * is_plain[..., None])

    def to_pixels(self, views: Tensor) -> Tensor:
        """(F, 99, 99, 3) uint8; views of pixels unchanged, symbols as the pixels that they stand for."""
        if views.shape[1:] == PIXELS:
            return views
        kind, *values = views.long().unbind(-1)
        cells = self.pictures[torch.where(kind == OBJECT, picture_of(*values), kind)]  # (F, 11, 11, 9, 9, 3)
        return cells.transpose(2, 3).reshape(len(views), *PIXELS)


def one_hot(values: Tensor, count: int) -> Tensor:
    """(..., count) float, of (...) int64."""
    return torch.eye(count, device=values.device)[values]


def _first_four(is_object: Tensor) -> tuple[Tensor, Tensor]:
    """(F, 4) up to four cells for which ``is_object`` (F, 121) is true, and (F, 4) bool, which of these are."""
    found = is_object.to(torch.uint8).topk(NUM_OBJECTS, dim=1)
    return found.indices, found.values > 0
