"""The table of passive and active learners at equal budgets."""

from dataclasses import replace

import pytest

pytest.importorskip("imitation")

import pandas as pd
from torch.utils.tensorboard import SummaryWriter

from agents.config import AgentConfig, PPOConfig, TrainingConfig
from agents.policies.checkpoints import save_config
from tests.docs_scripts import load_script, page_tables

script = load_script("make_equal_budget_table")
BC = AgentConfig(training=TrainingConfig(num_batches=40, batch_size=10))
PPO = replace(BC, training=TrainingConfig(num_batches=10, batch_size=16), ppo=PPOConfig(num_envs=50, num_epochs=2))
SECONDS = {"bc": 1.0, "ppo": 10.0}  # of an update and of an iteration


def write_run(folder, config, scalar, seconds, evaluated):
    """A run whose reward at an evaluation is a thousandth of the number of updates or iterations."""
    folder.mkdir(parents=True)
    save_config(folder, config)
    about = {"env_id": config.env_id, "policy": "agent", "metric": "normalized_reward", "low": 0, "high": 1, "episodes": 9, "seed": 0}
    rows = [{"batch": batch, "split": split, "mean": batch / 1_000, **about} for batch in evaluated for split in ("train", "eval_path")]
    pd.DataFrame(rows).to_csv(folder / "learning_curve.csv", index=False)
    with SummaryWriter(str(folder / "tensorboard")) as writer:
        for step in range(1, 10):
            pause = 500 if step >= 7 else 0  # one evaluation
            writer.add_scalar(scalar, 0, step, walltime=1_000 + step * seconds + pause)


def write_study(folder, seeds=(0,)):
    for seed in seeds:
        write_run(folder / "bc" / f"seed_{seed}", BC, "bc/learning_rate", SECONDS["bc"], (10, 20, 30, 40))
        write_run(folder / "ppo" / f"seed_{seed}", PPO, "train/learning_rate", SECONDS["ppo"], (2, 4, 6, 8, 10))


def test_each_agent_is_at_its_last_evaluation_within_what_both_used(tmp_path):
    write_study(tmp_path, seeds=(0, 1))
    table = script.equal_budgets(tmp_path)
    assert set(table["seed_of_training"]) == {0, 1} and set(table["split"]) == {"train", "eval_path"}
    # bc: 40 updates of 10 episodes, 40 seconds. ppo: 10 iterations of 50 episodes, 2 * ceil(50 / 16) updates and 10 seconds each.
    expected = {
        ("episodes_seen", "bc"): (400, 0.040),
        ("episodes_seen", "ppo"): (400, 0.008),
        ("updates", "bc"): (40, 0.040),
        ("updates", "ppo"): (32, 0.004),
        ("seconds", "bc"): (40, 0.040),
        ("seconds", "ppo"): (40, 0.004),
    }
    for key, rows in table.groupby(["budget", "policy"]):
        assert {(round(row.used, 6), row.mean) for row in rows.itertuples(index=False)} == {expected.pop(key)}
    assert not expected


def test_the_table_says_what_each_agent_used(tmp_path, monkeypatch):
    write_study(tmp_path, seeds=(0, 1))
    page, data = tmp_path / "page.md", tmp_path / "new" / "table.csv"
    page.write_text("<!-- table equal_budgets -->\n<!-- end of table -->\n", "utf-8")
    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr(script, "DATA", data)
    script.main(script.Args(tmp_path))
    assert "| `ppo`, 32 updates | 0.004 [0.004, 0.004] | 0.004 [0.004, 0.004] |" in page.read_text("utf-8")
    assert len(pd.read_csv(data)) == 24


def test_the_table_is_current():
    page = script.PAGE.read_text("utf-8")
    assert page_tables.with_tables(page, script.tables(pd.read_csv(script.DATA))) == page, "run python docs/make_equal_budget_table.py"


def test_without_a_seed_of_both_it_says_what_it_looks_for(tmp_path):
    write_run(tmp_path / "bc" / "seed_0", BC, "bc/learning_rate", 1.0, (40,))
    with pytest.raises(SystemExit, match="error: results must be the folder of a study with bc and ppo, got "):
        script.equal_budgets(tmp_path)
