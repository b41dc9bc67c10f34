"""A window for ``render_mode="human"``; it needs the extra ``render``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.extras import needs_extra


class Window:
    """A window on the screen. It opens with the first picture, and has its size.

    Args:
        title: the text of the title bar.
        fps: at most this many pictures per second: :meth:`show` waits as long as that takes.

    Raises:
        ImportError: pygame is not installed.
    """

    def __init__(self, title: str, fps: float) -> None:
        with needs_extra("rendering", "render"):
            import pygame  # noqa: PLC0415 - an optional extra that the core does not import
        self._pygame = pygame
        self._title, self._fps = title, fps
        self._screen: Any = None
        self._clock: Any = None

    def show(self, rgb: np.ndarray) -> None:
        """Show a picture, (H, W, 3) uint8."""
        pygame, size = self._pygame, rgb.shape[1::-1]
        if self._screen is None:
            pygame.display.init()
            pygame.display.set_caption(self._title)
            self._clock = pygame.time.Clock()
        if self._screen is None or self._screen.get_size() != size:
            self._screen = pygame.display.set_mode(size)
        self._screen.blit(pygame.surfarray.make_surface(rgb.swapaxes(0, 1)), (0, 0))
        pygame.event.pump()  # otherwise the desktop believes that the window does not respond
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close the window; the next :meth:`show` opens it again."""
        if self._screen is not None:
            self._pygame.display.quit()
            self._screen = None
