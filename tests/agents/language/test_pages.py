"""Games as a page, and read again."""

import pytest

pytest.importorskip("scipy")

from agents.language.conditions import CONDITIONS
from agents.language.games import game_text
from agents.language.pages import TRANSCRIPTS, read_transcripts, write_transcripts
from gym_causal.transcripts import play_games


def test_what_is_written_can_be_read(tmp_path):
    games = play_games("OddOneOutText-v0", num_episodes=3)
    played = {("both", "included"): games, ("none", "held_out"): games[:1]}
    write_transcripts(tmp_path, "</script> & title", {"both": "A prompt.", "none": ""}, played, environment_explains=True)
    read = read_transcripts(tmp_path)
    assert list(read) == list(played)
    for (condition, split), texts in read.items():
        expected = [game_text(game, CONDITIONS[condition]) for game in played[condition, split]]
        assert [text.split() for text in texts] == [text.removeprefix("New game.\n").split() for text in expected]


def test_a_page_without_games_is_an_error(tmp_path):
    (tmp_path / TRANSCRIPTS).write_text("<p>Nothing.</p>", "utf-8")
    with pytest.raises(ValueError, match=r"folder must hold a transcripts\.html of agents\.language"):
        read_transcripts(tmp_path)
