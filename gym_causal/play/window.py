"""The front end in a window; it needs the extra ``render``."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from gym_causal.extras import needs_extra
from gym_causal.play.session import NEXT, Session

_MARGIN, _LINE, _FONT_SIZE = 10, 20, 21  # pixels
_PANEL = 400  # pixels; the width of the text beside the picture
_BUTTON_HEIGHT = 28
_BACKGROUND, _TEXT, _FAINT, _BUTTON, _DISABLED = (250, 250, 250), (20, 20, 20), (110, 110, 110), (222, 230, 242), (238, 238, 238)


class NoDisplay(Exception):
    """There is no screen to open a window on."""


class PlayWindow:
    """The picture of a session, buttons for its actions where it has them, and lines of text.

    Raises:
        ImportError: the extra ``render`` is not installed.
        ValueError: the game has no picture.
        NoDisplay: there is no screen.
    """

    def __init__(self, session: Session) -> None:
        if not session.game.has_picture:
            raise ValueError(f"{session.env_id} is played in words")
        if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"} & os.environ.keys():
            raise NoDisplay("there is no display")
        with needs_extra("playing in a window", "render"):
            import pygame  # noqa: PLC0415 - an optional extra that the core does not import
        self._pygame, self.session = pygame, session
        picture = session.game.picture()
        try:
            pygame.display.init()
            # Where it reaches no screen SDL draws into memory; only who asks for that gets it.
            if pygame.display.get_driver() in ("dummy", "offscreen") and "SDL_VIDEODRIVER" not in os.environ:
                raise pygame.error("the display cannot be reached")
            pygame.font.init()
            self._font = pygame.font.Font(None, _FONT_SIZE)
            self._buttons = self._placed_buttons(picture)
            self._text_left = picture.shape[1]
            height = picture.shape[0] + len(session.game.buttons()) * (_BUTTON_HEIGHT + 4)
            self._screen = pygame.display.set_mode((self._text_left + _PANEL, height))
        except pygame.error as error:
            pygame.display.quit()
            raise NoDisplay(str(error)) from error
        pygame.display.set_caption(f"{session.env_id}, seed {session.seed}")
        pygame.key.set_repeat(300, 80)  # milliseconds

    def _placed_buttons(self, picture: np.ndarray) -> list[tuple[Any, int]]:
        """(rectangle, action) of each button, in rows below the picture."""
        placed = []
        for number, row in enumerate(self.session.game.buttons()):
            width = (picture.shape[1] - 2 * _MARGIN) / len(row)
            top = picture.shape[0] + number * (_BUTTON_HEIGHT + 4)
            for column, action in enumerate(row):
                rectangle = self._pygame.Rect(round(_MARGIN + column * width), top, round(width) - 4, _BUTTON_HEIGHT)
                placed.append((rectangle, action))
        return placed

    def run(self) -> None:
        """Play until the window is closed or Escape is pressed."""
        pygame, session = self._pygame, self.session
        try:
            self.draw()
            while True:
                event = pygame.event.wait()
                if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                    return
                if event.type == pygame.KEYDOWN:
                    changed = session.press(self._key(event))
                elif event.type == pygame.MOUSEBUTTONDOWN:
                    changed = self.click(event.pos)
                else:
                    changed = event.type == pygame.WINDOWEXPOSED
                if changed:
                    self.draw()
        finally:
            pygame.display.quit()

    def _key(self, event: Any) -> str:
        """The session's name of a key; "" for one that it has no use for."""
        pygame = self._pygame
        named = {
            pygame.K_UP: "up", pygame.K_DOWN: "down", pygame.K_LEFT: "left", pygame.K_RIGHT: "right",
            pygame.K_RETURN: NEXT, pygame.K_KP_ENTER: NEXT,
        }  # fmt: skip
        return named.get(event.key) or event.unicode

    def click(self, position: tuple[int, int]) -> bool:
        """Play the action of the button at (x, y); returns whether there is one."""
        clicked = [action for rectangle, action in self._buttons if rectangle.collidepoint(position)]
        for action in clicked:
            self.session.act(action)
        return bool(clicked)

    def draw(self) -> None:
        """Show the present state; at the end of an episode once without and, when they are known, with the scores."""
        session = self.session
        picture = session.game.picture()
        self._screen.fill(_BACKGROUND)
        self._screen.blit(self._pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        legal = [] if session.is_over else session.game.legal_actions()
        for rectangle, action in self._buttons:
            self._pygame.draw.rect(self._screen, _BUTTON if action in legal else _DISABLED, rectangle, border_radius=4)
            label = self._font.render(session.game.name(action).removeprefix("set "), True, _TEXT if action in legal else _FAINT)
            self._screen.blit(label, label.get_rect(center=rectangle.center))
        controls = f"{session.controls()} Escape: quit."
        if session.is_over:
            self._write([session.message, "The others play this episode ..."])
            self._write([session.message, str(session.scores()), controls])
        else:
            self._write([session.message, controls + (f"\n> {session.typed}" if session.typed else "")])

    def _write(self, texts: list[str]) -> None:
        """Paragraphs beside the picture, the last of them faint; and show all that was drawn."""
        self._screen.fill(_BACKGROUND, (self._text_left, 0, _PANEL, self._screen.get_height()))
        top = _MARGIN
        for number, text in enumerate(texts):
            color = _FAINT if number == len(texts) - 1 else _TEXT
            for line in [line for part in text.splitlines() for line in self._wrapped(part)]:
                self._screen.blit(self._font.render(line, True, color), (self._text_left + _MARGIN, top))
                top += _LINE
            top += _LINE // 2 if text else 0
        self._pygame.display.flip()

    def _wrapped(self, text: str) -> list[str]:
        lines = [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if self._font.size(longer)[0] <= _PANEL - 2 * _MARGIN:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines
