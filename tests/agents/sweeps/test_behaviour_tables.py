"""The tables of experiments on the held-out cause and of choices."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("imitation")
import baselines
from tests.docs_scripts import load_script, page_tables

script = load_script("make_behaviour_tables")


def test_the_tables_are_current():
    page, rows = script.PAGE.read_text("utf-8"), map(pd.read_csv, (script.DATA, script.STRATEGIES_DATA))
    assert page_tables.with_tables(page, script.tables(*rows)) == page, "run python docs/make_behaviour_tables.py"


def test_the_expert_tries_d_and_chooses_it_where_it_is_the_target():
    expert = script.Episodes("expert", "eval_target", 100)
    assert script.experiments(expert, expert) == pytest.approx(
        {"tried": 1, "reward_if_tried": 1, "reward_if_not": np.nan, "chosen_if_tried": 1}, nan_ok=True
    )
    elsewhere = script.Episodes("expert", "eval_path", 100)
    assert elsewhere.chosen.sum() == 0 and elsewhere.returns.min() > 0


def test_rewards_are_those_of_episodes_with_and_without_an_experiment():
    def leaves_out_d(observations, state, starts):
        """Sets D to +5 in each exploitation trial, and in each experiment of even rows."""
        rows = np.arange(len(starts))
        return np.where((observations["phase"] > 0) | (rows % 2 == 0), 3, 0), state

    expert, agent = (script.Episodes(policy, "eval_target", 100) for policy in ("expert", leaves_out_d))
    assert (agent.tried == (np.arange(100) % 2 == 0)).all() and (agent.chosen == 2).all()
    found = script.experiments(agent, expert)
    even, odd = (agent.returns[k::2].sum() / expert.returns[k::2].sum() for k in (0, 1))
    assert (found["tried"], found["reward_if_tried"], found["reward_if_not"]) == (0.5, pytest.approx(even), pytest.approx(odd))
    assert found["chosen_if_tried"] == 1 and even != odd


def test_a_strategy_chooses_as_itself_and_the_expert_the_optimum():
    change, expert = (script.matches(policy, "eval_path", 60) for policy in (baselines.make("change", script.ENV_ID), "expert"))
    assert set(change) == set(expert) == set(script.STRATEGIES)
    assert change["match_change"] == 1 and change["match_value"] < 1
    assert expert["match_optimum"] == 1 and expert["match_change"] < 1
