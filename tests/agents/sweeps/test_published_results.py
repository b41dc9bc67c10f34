"""The tables of the pages are those that docs/data gives, and docs/data has the runs of the published recipes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("scipy")
pytest.importorskip("imitation")

from agents.sweeps.recipes import PUBLISHED
from tests.docs_scripts import load_script, page_tables

DOCS = Path(__file__).parents[3] / "docs"
RECIPES = {recipe.folder.name: recipe for recipe in PUBLISHED}
tables, figures = load_script("make_result_tables"), load_script("make_result_figures")


def runs_of(rows: pd.DataFrame) -> list[tuple[str, int]]:
    return list(rows[["policy", "seed_of_training"]].drop_duplicates().itertuples(index=False, name=None))


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_tables_are_current(page):
    text = page.read_text("utf-8")
    assert set(page_tables.table_names(text)) & set(tables.TABLES)
    assert page_tables.with_tables(text, tables.TABLES) == text, "run python docs/make_result_tables.py"


@pytest.mark.parametrize(
    "path", sorted(set((DOCS / "data").glob("*.csv")) - {DOCS / "data" / "integrations.csv"}), ids=lambda path: path.stem
)
def test_numbers_are_those_of_every_run_of_a_published_recipe(path):
    recipe, rows = RECIPES[path.stem], pd.read_csv(path)
    assert runs_of(rows) == [(variation.name, config.seed) for variation, config in recipe.configs()]
    rewards = rows[rows["metric"] == "reward"]
    assert (rewards["episodes"] == recipe.episodes).all() and set(rows["env_id"]) == {recipe.env_id}


def test_seeds_of_several_machines_are_put_together(tmp_path, monkeypatch):
    """Newer rows of a run replace older ones; runs that are not of the recipe are left out."""
    monkeypatch.setattr(tables, "DATA", tmp_path)
    recipe, published = RECIPES["controls"], pd.read_csv(DOCS / "data" / "controls.csv")
    first, second = (published[published["seed_of_training"] == seed] for seed in (0, 1))
    first.to_csv(tmp_path / "controls.csv", index=False)
    tables.take_over(recipe, shutil.copy(DOCS / "data" / "controls.csv", tmp_path / "again.csv"))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "controls.csv"), published)
    changed = pd.concat([second.assign(mean=0.5), second.assign(seed_of_training=9)])
    changed.to_csv(tmp_path / "changed.csv", index=False)
    tables.take_over(recipe, tmp_path / "changed.csv")
    found = pd.read_csv(tmp_path / "controls.csv")
    assert runs_of(found) == runs_of(published)
    assert (found[found["seed_of_training"] == 1]["mean"] == 0.5).all()
    pd.testing.assert_frame_equal(found[found["seed_of_training"] == 0].reset_index(drop=True), first.reset_index(drop=True))


def test_figures_are_drawn(tmp_path):
    figures.main(figures.Args(out=tmp_path))
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {
        "feature_set.png",
        "confounded_choices.png",
        "confounded_mistake_rate.png",
        "demonstrations_demonstrations.png",
        *(f"imperfect_teachers_{quantity}.png" for quantity in ("error_rate", "random_player_share", "false_explanation_share")),
    }
    pages = "".join(path.read_text("utf-8") for path in tables.PAGES)
    assert all((DOCS / "images" / name).exists() and f"(images/{name})" in pages for name in drawn)
