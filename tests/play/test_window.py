"""The front end in a window, on SDL's driver without a screen."""

from __future__ import annotations

import numpy as np
import pytest

pygame = pytest.importorskip("pygame")
pytest.importorskip("matplotlib")
pytest.importorskip("PIL")

from gym_causal.play import scores  # noqa: E402
from gym_causal.play.session import Session  # noqa: E402
from gym_causal.play.window import NoDisplay, PlayWindow  # noqa: E402


@pytest.fixture(autouse=True)
def without_screen_and_agent(monkeypatch):
    def none(env_id):
        raise ValueError("none in this test")

    monkeypatch.setattr(scores, "pretrained_agent", none)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.display.quit()


def press(key: int, character: str = "") -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=character, mod=0))


def quit_window() -> None:
    pygame.event.post(pygame.event.Event(pygame.QUIT))


def pixels(window: PlayWindow) -> np.ndarray:
    return pygame.surfarray.array3d(window._screen).swapaxes(0, 1)


def test_keys_walk_and_ask_for_hints():
    session = Session("OddOneOut-v0", seed=0)
    window = PlayWindow(session)
    press(pygame.K_UP)
    press(pygame.K_KP9, "9")
    press(pygame.K_LSHIFT)
    press(pygame.K_SLASH, "?")
    press(pygame.K_LEFT)
    quit_window()
    press(pygame.K_UP)  # after the end
    window.run()
    assert [turn.name for turn in session.transcript] == ["move north", "move northeast", "move west"]
    assert [turn.hinted for turn in session.transcript] == [False, False, True]


def test_a_variable_and_a_sign_are_clicked_or_typed():
    session = Session("CausalDAG-v0", seed=0)
    window = PlayWindow(session)
    minus_d = next(rectangle for rectangle, action in window._buttons if session.game.name(action) == "set D to -5")
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=minus_d.center, button=1))
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(minus_d.right + 2, minus_d.top), button=1))  # between two
    press(pygame.K_b, "b")
    press(pygame.K_PLUS, "+")
    press(pygame.K_ESCAPE)
    window.run()
    assert [turn.name for turn in session.transcript] == ["set D to -5", "set B to +5"]


def test_the_picture_is_shown_with_text_beside_it():
    session = Session("OddOneOutIntervention-v0", seed=0)
    window = PlayWindow(session)
    window.draw()
    picture = session.game.picture()
    before = pixels(window)
    assert np.array_equal(before[: picture.shape[0], : picture.shape[1]], picture)
    assert before.shape[0] <= 700 and before.shape[1] <= 1280  # of a small laptop
    session.press("?")
    window.draw()
    after = pixels(window)
    assert np.array_equal(after[: picture.shape[0], : picture.shape[1]], picture)
    assert (after != before).any(axis=(0, 2))[picture.shape[1] :].any()
    assert (after[:, -8:] == after[0, -1]).all()  # no line is cut off


def test_an_episode_ends_with_its_scores_and_enter_begins_the_next():
    session = Session("CausalDAG-v0", seed=0)
    window = PlayWindow(session)
    while not session.is_over:
        window.draw()
        session.act(int(session.game.task.expert_actions()[0]))
    press(pygame.K_RETURN)
    quit_window()
    window.run()
    assert session.episode == 1


def test_games_in_words_have_no_window():
    with pytest.raises(ValueError, match="played in words"):
        PlayWindow(Session("CausalDAGText-v0", seed=0))


def test_without_a_screen_there_is_no_window(monkeypatch):
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(NoDisplay):
        PlayWindow(Session("OddOneOut-v0", seed=0))
