"""The README.md of an agent's folder, as the Hugging Face Hub shows it: what the agent is, what it earns, how to load it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from agents.config.agent import AgentConfig, flat_entries
from gym_causal._version import __version__
from gym_causal.registry import task_spec

CARD, COMMAND, RESULTS = "README.md", "command.txt", Path("evaluation") / "results.csv"
_COLUMNS = ("split", "policy", "metric", "mean", "low", "high", "episodes", "seed")


def model_card(folder: Path, config: AgentConfig, name: str) -> str:
    """The text of a model card.

    Args:
        folder: of the agent; its ``evaluation/results.csv`` and ``command.txt`` are quoted if it has them.
        config: of the agent.
        name: in the title and in the line that loads it: "user/name" on the hub, or a folder.
    """
    metric = task_spec(config.env_id).metrics[0]
    results = [row for row in _results(folder) if row["metric"] == metric]
    parts = [_header(config, name, [row for row in results if row["policy"] == "agent"]), f"# {name}", _about(config)]
    parts += ["## Load it", f'```python\nimport agents\n\nagent = agents.load("{name}")\n```']
    if results:
        title = f"`{metric}` in the first {int(results[0]['episodes']):,} episodes of seed {results[0]['seed']}: mean and 95% interval."
        parts += ["## Results", title, _results_table(results)]
    if (folder / COMMAND).is_file():
        parts += ["## Training", f"```bash\n{(folder / COMMAND).read_text(encoding='utf-8').strip()}\n```"]
    entries = {key: value for key, value in flat_entries(config.to_json()).items() if value not in (None, {})}
    parts += ["## Configuration", _table(("entry", "value"), [(f"`{key}`", f"`{json.dumps(value)}`") for key, value in entries.items()])]
    return "\n\n".join(parts) + "\n"


def _header(config: AgentConfig, name: str, results: list[dict[str, str]]) -> str:
    """The YAML header. Its values are JSON, which is YAML as well."""
    learning = "behavioral-cloning" if config.ppo is None else "ppo"
    header: dict[str, Any] = {
        "library_name": "gym_causal",
        "pipeline_tag": "reinforcement-learning",
        "tags": ["gym_causal", "gymnasium", "reinforcement-learning", learning, config.env_id],
    }
    if results:
        task = {"type": "reinforcement-learning", "name": "reinforcement-learning"}
        measured = [
            {
                "task": task,
                "dataset": {"type": config.env_id, "name": f"{config.env_id}, {row['split']}"},
                "metrics": [{"type": row["metric"], "value": round(float(row["mean"]), 6)}],
            }
            for row in results
        ]
        header["model-index"] = [{"name": name, "results": measured}]
    return "\n".join(["---", *(f"{key}: {json.dumps(value)}" for key, value in header.items()), "---"])


def _about(config: AgentConfig) -> str:
    how = "by behavioral cloning, from recordings of the expert" if config.ppo is None else "from reward, with PPO"
    return f"An agent for `{config.env_id}` of gym_causal {__version__}, trained {how} (seed {config.seed})."


def _results(folder: Path) -> list[dict[str, str]]:
    """The rows of the agent's own evaluation; none if there is none that is complete."""
    path = folder / RESULTS
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return rows if rows and all(rows[0].get(column) for column in _COLUMNS) else []


def _results_table(rows: list[dict[str, str]]) -> str:
    splits = list(dict.fromkeys(row["split"] for row in rows))
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        mean, low, high = (float(row[end]) for end in ("mean", "low", "high"))
        cells.setdefault(row["policy"], {})[row["split"]] = f"{mean:.3f} [{low:.3f}, {high:.3f}]"
    return _table(("policy", *splits), [(policy, *(found.get(split, "") for split in splits)) for policy, found in cells.items()])


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
