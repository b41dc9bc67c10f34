"""The HTML report of a folder of results: one file, nothing from outside, nothing unescaped, the same for the same results."""

import itertools
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("rich")
pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from rich.table import Table

import baselines.plots  # noqa: F401 - with it, as in every command, SVG files have the same ids in every process
from baselines.results import save_results

HOSTILE = '<script>alert("&")</script>'
ROWS = pd.DataFrame(
    {"env_id": "Some-v0", "split": ["train", HOSTILE], "policy": HOSTILE, "metric": "reward", "mean": 0.5, "episodes": 2_000, "seed": 7}
)


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, and the text of each cell."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def report(out: Path, rows: pd.DataFrame = ROWS) -> str:
    table = Table("policy", title=HOSTILE)
    table.add_column("train", justify="right")
    table.add_row(HOSTILE, "0.500 [0.400, 0.600]")
    figure = Figure()
    figure.subplots().bar([0, 1], [1, 2])
    arguments = {"out": Path("somewhere"), "policies": (HOSTILE,), "seed": 7}
    figures = {"bars.png": figure, "bars.svg": figure, "other.png": figure}
    save_results(out, rows, arguments, command="python -m something", packages=("numpy",), figures=figures, printed=[table])
    return (out / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return report(tmp_path_factory.mktemp("results"))


def test_everything_is_escaped_and_every_element_is_closed(text):
    page = Page(text)
    assert page.open == []
    assert {tag for tag, _ in page.elements} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "code", "figure", "img", "figcaption"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    }
    assert page.cells.count(HOSTILE) == 1  # the row of the table
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_it_refers_to_nothing_outside(text):
    page = Page(text)
    references = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href", "srcset")]
    kinds = [reference.partition(",")[0] for reference in references]
    assert kinds == ["data:image/svg+xml;base64", "data:image/png;base64"]  # the SVG alone where there are both
    assert "http" not in text.replace("http-equiv", "") and "url(" not in text and "@import" not in text
    assert "default-src 'none'" in text


def test_it_says_how_the_results_were_made(text):
    cells = Page(text).cells
    pairs = dict(itertools.pairwise(cells))
    assert pairs["seed"] == "7" and pairs["out"] == "somewhere"
    assert {"python", "numpy", "gym_causal"} <= pairs.keys()
    assert "python -m something" in text and "Episodes: 2,000 a split, of seed 7." in text


def test_training_seeds_are_named(tmp_path):
    assert "Training seeds: 0, 1." in report(tmp_path, ROWS.assign(seed_of_training=[0, 1]))


def test_the_same_results_give_the_same_bytes(text, tmp_path):
    assert report(tmp_path) == text
