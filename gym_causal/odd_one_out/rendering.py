"""Pictures of the whole room with the current explanation. ``rgb_array`` needs the extra ``render`` (Pillow), ``ansi`` nothing."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_causal.extras import needs_extra
from gym_causal.odd_one_out.explanation_text import name_object
from gym_causal.odd_one_out.features import CELL_PIXELS, FLOOR_CELLS, IS_FLOOR, NUM_CELLS, ROOM_CELLS, VALUES, Attribute, sprites
from gym_causal.odd_one_out.frames import AGENT_COLOR, WALL_COLOR
from gym_causal.odd_one_out.rooms import Rooms

SCALE = 5
"""Screen pixels a pixel of a sprite."""
_MARGIN, _LINE_HEIGHT, _FONT_SIZE = 10, 22, 16
_BACKGROUND, _TEXT, _FAINT_TEXT = (250, 250, 250), (20, 20, 20), (110, 110, 110)


@dataclass(frozen=True)
class RoomSnapshot:
    """The state of one row, as far as it is drawn."""

    agent: int  # its cell
    cells: np.ndarray  # (4,) int
    features: np.ndarray  # (4 attributes, 4 objects) int, values
    touched: int  # the object, -1 = none
    trial: int  # T when the episode is over
    trials: int
    may_transform: bool
    reward: float  # of this episode so far
    explanation: str
    caption_lines: int = 3  # room for the explanation

    @classmethod
    def of(cls, rooms: Rooms, row: int, reward: float, explanation: str, caption_lines: int) -> RoomSnapshot:
        """The present state of a row of ``rooms``."""
        return cls(
            agent=int(rooms.agent[row]),
            cells=rooms.cells[:, row],
            features=rooms.features[:, :, row],
            touched=int(rooms.touched[row]),
            trial=int(rooms.trial[row]),
            trials=rooms.config.trials,
            may_transform=bool(rooms.transforms[row]),
            reward=reward,
            explanation=explanation,
            caption_lines=caption_lines,
        )

    @property
    def status(self) -> str:
        progress = "episode over" if self.trial == self.trials else f"trial {self.trial + 1} of {self.trials}"
        return f"{progress} · reward {self.reward:g}" + (" · one transform left" if self.may_transform else "")


def render(snapshot: RoomSnapshot, mode: str) -> Any:
    """A str for ``ansi``, (H, W, 3) uint8 for ``rgb_array``."""
    return ansi(snapshot) if mode == "ansi" else rgb_array(snapshot)


def ansi(snapshot: RoomSnapshot) -> str:
    """The room in letters, with the objects listed beside it."""
    letters = np.where(IS_FLOOR, ".", "#")
    letters[snapshot.cells] = list("1234")
    letters[snapshot.agent] = "@"
    room = [" ".join(row) for row in letters.reshape(ROOM_CELLS, ROOM_CELLS)]
    legend = [snapshot.status, ""]
    for number, values in enumerate(snapshot.features.T):
        words = {Attribute(a): VALUES[a][value] for a, value in enumerate(values)}
        legend.append(f"{number + 1}: {name_object(words)}" + (" (touched)" if number == snapshot.touched else ""))
    legend += ["", *textwrap.wrap(snapshot.explanation, 60)]
    legend += [""] * (len(room) - len(legend))
    return "\n".join(f"{left}   {right}".rstrip() for left, right in zip(room, legend, strict=True)) + "\n"


def draw_room(snapshot: RoomSnapshot) -> np.ndarray:
    """(99, 99, 3) uint8; all 11x11 cells, not centred on the agent. An agent on an object is drawn as a white frame around it."""
    side = ROOM_CELLS * CELL_PIXELS
    picture = np.zeros((side, side, 3), np.uint8)
    cells = picture.reshape(ROOM_CELLS, CELL_PIXELS, ROOM_CELLS, CELL_PIXELS, 3).swapaxes(1, 2)  # a view, (row, column, 9, 9, 3)

    def at(cell: int) -> np.ndarray:
        return cells[divmod(int(cell), ROOM_CELLS)]

    for cell in np.setdiff1d(np.arange(NUM_CELLS), FLOOR_CELLS):
        at(cell)[:] = WALL_COLOR
    at(snapshot.agent)[:] = AGENT_COLOR
    sprite_of = sprites()
    for cell, (color, texture, shape, _) in zip(snapshot.cells, snapshot.features.T, strict=True):
        if cell != snapshot.agent:
            at(cell)[:] = sprite_of[color, texture, shape]
        else:
            at(cell)[1:-1, 1:-1] = sprite_of[color, texture, shape][1:-1, 1:-1]
    return picture


def rgb_array(snapshot: RoomSnapshot) -> np.ndarray:
    """The enlarged room, the status line above it and the explanation below."""
    with needs_extra("rendering", "render"):
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - an optional extra that the core does not import
    room = draw_room(snapshot).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    side = len(room)
    top = 2 * _MARGIN + _LINE_HEIGHT
    picture = Image.new("RGB", (side + 2 * _MARGIN, top + side + 2 * _MARGIN + snapshot.caption_lines * _LINE_HEIGHT), _BACKGROUND)
    picture.paste(Image.fromarray(room), (_MARGIN, top))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=_FONT_SIZE)
    draw.text((_MARGIN, _MARGIN), snapshot.status, font=font, fill=_FAINT_TEXT)
    lines = _wrapped(snapshot.explanation, lambda words: draw.textlength(words, font=font), side)
    for number, line in enumerate(lines[: snapshot.caption_lines]):
        draw.text((_MARGIN, top + side + _MARGIN + number * _LINE_HEIGHT), line, font=font, fill=_TEXT)
    return np.asarray(picture).copy()


def _wrapped(text: str, width_of: Any, width: float) -> list[str]:
    """Lines no wider than ``width``, broken at spaces."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
