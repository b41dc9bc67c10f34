"""A window that shows pictures, for ``render_mode="human"``. It needs the extra ``render``."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_causal.extras import needs_extra


class Window:
    """A window on the screen; it opens with the first picture and takes its size.

    Args:
        title: what its title bar says.
        fps: pictures a second, at most: :meth:`show` waits to keep this pace.

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
        pygame.event.pump()  # or the desktop takes the window for dead
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close the window; :meth:`show` would open it again."""
        if self._screen is not None:
            self._pygame.display.quit()
            self._screen = None
