"""The tables that scripts write into pages."""

from pathlib import Path

from tests.docs_scripts import page_tables

ROOT = Path(__file__).parents[1]
PAGE = "Before.\n\n<!-- table one -->\nold\n<!-- end of table -->\n\n<!-- table CausalDAG-v0 -->\n<!-- end of table -->\nAfter.\n"


def test_tables_are_written_and_those_of_other_scripts_stay(tmp_path):
    assert page_tables.table_names(PAGE) == ["one", "CausalDAG-v0"]
    page = tmp_path / "page.md"
    page.write_text(PAGE, "utf-8")
    for _ in range(2):  # what is current does not change
        page_tables.write_tables(page, {"CausalDAG-v0": lambda: page_tables.markdown(["a", "b"], [["1|2", "\\x"]]), "absent": str})
        text = page.read_text("utf-8")
        assert "<!-- table one -->\nold\n<!-- end of table -->" in text and text.startswith("Before.") and text.endswith("\nAfter.\n")
        assert "<!-- table CausalDAG-v0 -->\n\n| a | b |\n| --- | --- |\n| 1\\|2 | \\x |\n\n<!-- end of table -->" in text
    assert page_tables.with_interval(0.12345, 0, 1) == "0.123 [0.000, 1.000]"


def test_every_table_has_a_script():
    """A marker whose name is misspelt would never be written."""
    sources = "\n".join(path.read_text("utf-8") for path in [*(ROOT / "docs").glob("*.py"), ROOT / "agents" / "sweeps" / "recipes.py"])
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        names = page_tables.table_names(page.read_text("utf-8"))
        assert len(names) == len(set(names)), page.name
        if page.name != "benchmark.md":  # those are called by the ids of envs
            assert {name for name in names if f'"{name}"' not in sources} == set(), page.name
