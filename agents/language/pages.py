"""All games of a run as one HTML file to page through. It needs nothing else: no server, no network."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.language.conditions import named_condition
from gym_causal.core.text import OUTCOME_LABEL, REASONING_LABEL
from gym_causal.files import write_atomically
from gym_causal.transcripts import Game

TRANSCRIPTS = "transcripts.html"
_DATA = re.compile(r'<script id="data" type="application/json">(.*?)</script>', re.DOTALL)
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>@TITLE@</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em; color: #222; background: #fff; }
pre { white-space: pre-wrap; font: 15px/1.5 ui-monospace, monospace; background: #f6f6f6; padding: 1em; border-radius: 6px; }
.player { color: #0072B2; font-weight: 600; } .explanation { color: #8a5a00; } .rewarded { color: #00734f; font-weight: 600; }
button, select, input { font: inherit; padding: .2em .6em; } nav { display: flex; gap: .6em; flex-wrap: wrap; align-items: center; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818; } pre { background: #242424; }
.player { color: #56B4E9; } .explanation { color: #E69F00; } .rewarded { color: #4fc89f; } }
</style></head><body>
<h1>@TITLE@</h1>
<nav><select id="part" aria-label="condition and split"></select>
<button id="previous">previous</button><input id="number" type="number" min="0" size="5" aria-label="game"><button id="next">next</button>
<span id="count"></span></nav>
<p><span class="player">what the player does</span>, <span class="explanation">explanations</span> (in the games written by @AUTHOR@),
<span class="rewarded">rewards</span>; keys: left, right</p>
<pre id="game"></pre>
<details><summary>Prompt before every game of this condition</summary><pre id="prompt"></pre></details>
<script id="data" type="application/json">@DATA@</script>
<script>
const data = JSON.parse(document.getElementById("data").textContent), at = name => document.getElementById(name);
const part = at("part"), number = at("number");
for (const name of Object.keys(data.games)) part.add(new Option(name, name));
function show() {
  const games = data.games[part.value], i = Math.max(0, Math.min(games.length - 1, +number.value || 0));
  number.value = i; number.max = games.length - 1;
  at("count").textContent = "of 0 to " + (games.length - 1);
  at("prompt").textContent = data.prompts[part.value.split(", ")[0]];
  at("game").replaceChildren(...games[i].map(([kind, text]) => {
    const span = document.createElement("span"); span.className = kind; span.textContent = text; return span; }));
}
function step(by) { number.value = +number.value + by; show(); }
at("previous").onclick = () => step(-1); at("next").onclick = () => step(1);
part.onchange = number.onchange = show;
addEventListener("keydown", event => {
  if (["INPUT", "SELECT"].includes(event.target.tagName)) return;
  if (event.key === "ArrowLeft") step(-1); if (event.key === "ArrowRight") step(1); });
show();
</script></body></html>
"""


def write_transcripts(
    folder: Path, title: str, prompts: Mapping[str, str], games: Mapping[tuple[str, str], Sequence[Game]], *, environment_explains: bool
) -> None:
    """Write ``transcripts.html``.

    Args:
        folder: for the file.
        title: of the page.
        prompts: condition -> its prompt.
        games: (condition, split) -> the games, in order.
        environment_explains: who wrote the explanations of outcomes.
    """
    data: dict[str, Any] = {
        "prompts": dict(prompts),
        "games": {f"{condition}, {split}": [_pieces(game, condition) for game in played] for (condition, split), played in games.items()},
    }
    author = "the model; those of outcomes by the environment" if environment_explains else "the model"
    page = _PAGE.replace("@TITLE@", html.escape(title)).replace("@AUTHOR@", author)
    # "</script>" in a text would end the data.
    page = page.replace("@DATA@", json.dumps(data, ensure_ascii=False).replace("</", "<\\/"))
    write_atomically(folder / TRANSCRIPTS, lambda path: path.write_text(page, encoding="utf-8"))


def read_transcripts(folder: Path) -> dict[tuple[str, str], list[str]]:
    """(condition, split) -> the texts of the games, in order, from the ``transcripts.html`` of a folder.

    Raises:
        ValueError: the file holds no games.
    """
    found = _DATA.search((folder / TRANSCRIPTS).read_text("utf-8"))
    if found is None:
        raise ValueError(f"folder must hold a {TRANSCRIPTS} of agents.language, got {str(folder)!r}, whose file has no games")
    games: dict[tuple[str, str], list[str]] = {}
    for title, played in json.loads(found[1])["games"].items():
        condition, _, split = title.partition(", ")
        games[condition, split] = ["".join(text for _, text in pieces) for pieces in played]
    return games


def _pieces(game: Game, name: str) -> list[tuple[str, str]]:
    """A game as (class, text) pairs."""
    condition = named_condition(name)
    pieces = []
    for turn in game.turns:
        pieces.append(("world", turn.prompt))
        if condition.reasoning and turn.reasoning:
            pieces.append(("explanation", f"{REASONING_LABEL}{turn.reasoning}\n"))
        pieces += [("player", turn.action), ("rewarded" if "was rewarded" in turn.outcome else "world", turn.outcome)]
        if condition.outcome and turn.outcome_explanation:
            pieces.append(("explanation", f"{OUTCOME_LABEL}{turn.outcome_explanation}\n"))
    return pieces
