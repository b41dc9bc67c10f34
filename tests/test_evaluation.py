"""Evaluation: exact episodes, exact metrics, intervals that cover."""

import numpy as np
import pytest

import gym_causal
from gym_causal import rollouts
from gym_causal.core.streams import SeedDomain
from gym_causal.evaluation import NUM_RESAMPLES, bootstrap, resample_counts
from gym_causal.policies import ExpertPolicy, RandomPolicy


class Always:
    """Plays one action for ever, and remembers how it was called."""

    def __init__(self, action: int) -> None:
        self.action, self.starts = action, []

    def __call__(self, observations, state, episode_starts):
        self.starts.append(episode_starts.copy())
        return np.full(len(episode_starts), self.action), (state or 0) + 1


def test_metrics_by_hand():
    """A policy that always sets A to +5, against the same episodes played and scored here."""
    count = 500
    result = gym_causal.evaluate(Always(0), "CausalDAG-v0", split="eval_path", num_episodes=count, seed=3, name="always A")
    task = gym_causal.make_task("CausalDAG-v0", count, split="eval_path", graph_info=True)
    task.seed(3, SeedDomain.EVALUATION)
    task.begin(np.arange(count), np.arange(count))
    weights, rewards = task.infos(text=False)["weights"].astype(float), np.zeros(count)
    for _ in range(7):
        rewards += task.step(np.zeros(count, int))[0]
    # In eval_path the goal is always E. Its noise-free value under every action; setting E itself is not allowed.
    outcomes = np.stack([noise_free(weights, variable=a % 5, value=5.0 if a < 5 else -5.0)[:, 4] for a in range(10)], axis=1)
    outcomes[:, [4, 9]] = -np.inf
    best = outcomes.max(axis=1)
    assert result.reward.mean == pytest.approx(rewards.mean())
    assert result.normalized_reward.mean == pytest.approx(outcomes[:, 0].mean() / best.mean())
    assert result.optimal_action_rate.mean == pytest.approx(np.isclose(outcomes[:, 0], best, rtol=1e-5).mean())
    assert result.illegal_action_rate.mean == 0
    assert result.exploration_coverage.mean == pytest.approx(1 / 5) and result.exploration_relevance.mean == 1
    assert (result.policy, result.split, result.episodes, result.seed) == ("always A", "eval_path", count, 3)


def noise_free(weights: np.ndarray, variable: int, value: float) -> np.ndarray:
    """(B, N); values of models without noise once a variable is set. Repeated until they settle, so the order does not matter."""
    values = np.zeros(weights.shape[:2])
    for _ in range(weights.shape[1]):
        inputs = np.einsum("bi,bij->bj", values, weights)
        values = np.where(inputs > 0, inputs, 0.2 * inputs)
        values[:, variable] = value
    return values


def test_illegal_choices_score_the_observational_value():
    result = gym_causal.evaluate(Always(4), "CausalDAG-v0", split="eval_target", num_episodes=100)  # the goal is always E
    assert result.illegal_action_rate.mean == 1 and result.normalized_reward.mean == 0 and result.optimal_action_rate.mean == 0


def test_results_do_not_depend_on_how_episodes_are_batched(monkeypatch):
    results = []
    for most in (1_024, 64, 5, 1):
        monkeypatch.setattr(rollouts, "MAX_BATCH", most)
        results.append(gym_causal.evaluate("expert", "CausalDAGCued-v0", num_episodes=70, seed=1))
    assert all(result == results[0] for result in results)


def test_more_episodes_begin_with_the_same_ones():
    """Exactly episodes 0..n-1: twice as many, minus the first half's sum, is the second half's."""
    few, many = (gym_causal.evaluate(Always(0), "CausalDAG-v0", num_episodes=n, split="unrestricted") for n in (30, 1_500))
    task = gym_causal.make_task("CausalDAG-v0", 1_500, split="unrestricted")
    task.seed(0, SeedDomain.EVALUATION)
    rewards = np.zeros(1_500)
    for step in rollouts.play(Always(0), task, 1_500):
        rewards[step.episodes] += step.rewards
    assert few.reward.mean == pytest.approx(rewards[:30].mean()) and many.reward.mean == pytest.approx(rewards.mean())


def test_evaluation_never_plays_what_an_agent_trains_on():
    episodes = {}
    for domain in SeedDomain:
        task = gym_causal.make_task("CausalDAG-v0", 2_000)
        task.seed(0, domain)
        task.begin(np.arange(2_000), np.arange(2_000))
        episodes[domain] = {values.tobytes() for values in task.observations()["initial_values"]}
    assert all(not episodes[a] & episodes[b] for a in SeedDomain for b in SeedDomain if a < b)


def test_policies_are_told_where_episodes_begin_and_keep_their_state():
    policy = Always(0)
    gym_causal.evaluate(policy, "CausalDAG-v0", num_episodes=3)
    assert [starts.tolist() for starts in policy.starts] == [[True] * 3] + [[False] * 3] * 6


def test_the_expert_is_optimal_and_random_is_not():
    expert = gym_causal.evaluate("expert", "CausalDAG-v0", split="eval_target", num_episodes=300)
    random = gym_causal.evaluate("random", "CausalDAG-v0", split="eval_target", num_episodes=300)
    assert expert.normalized_reward.mean == expert.optimal_action_rate.mean == expert.exploration_coverage.mean == 1
    assert random.normalized_reward.high < 0.4 and random.illegal_action_rate.mean == 0


def test_references_are_asked_in_the_state_that_the_policy_sees():
    result = gym_causal.evaluate(
        "expert", "CausalDAG-v0", split="eval_target", num_episodes=200, references={"itself": "expert", "A": Always(0), "random": "random"}
    )
    assert result.match_itself.mean == 1
    # By symmetry of the names A is optimal in no episode of eval_target, D in all.
    assert result.match_A.mean == 0 and 0 < result.match_random.mean < 0.3


def test_matches_count_only_where_something_is_at_stake():
    """With a goal that nothing raises every action is optimal, and agreement on it would mean nothing."""
    result = gym_causal.evaluate("expert", "CausalDAG-v0", num_episodes=2_000, references={"other": "expert"}, num_roots=(4, 4))
    assert result.match_other.mean == 1
    random = gym_causal.evaluate("random", "CausalDAG-v0", num_episodes=2_000, references={"expert": "expert"})
    assert random.optimal_action_rate.mean > 0.4 and random.match_expert.mean == random.match_optimum.mean < 0.2


def test_metrics_without_a_denominator_are_nan_and_present():
    result = gym_causal.evaluate("expert", "CausalDAG-v0", num_episodes=20, num_exploration_trials=0)
    assert np.isnan(result.exploration_coverage.mean) and result.optimal_action_rate.mean == 1


def test_bootstrap_intervals_cover_the_truth():
    rng, hits = np.random.default_rng(0), 0
    for trial in range(100):
        denominators = rng.exponential(1, 200)
        numerators = denominators * 0.7 + rng.normal(0, 0.5, 200)
        interval = bootstrap({"ratio": np.stack([numerators, denominators])}, np.random.default_rng(trial))["ratio"]
        hits += interval.low <= 0.7 <= interval.high
        assert interval.mean == pytest.approx(numerators.sum() / denominators.sum())
    assert 88 <= hits <= 99


def test_every_resample_has_as_many_episodes():
    resamples = np.stack(list(resample_counts(50, np.random.default_rng(0))))
    assert resamples.shape == (NUM_RESAMPLES, 50) and (resamples.sum(axis=1) == 50).all() and (resamples >= 0).all()
    assert resamples.mean(axis=0) == pytest.approx(np.ones(50), abs=0.15) and len(np.unique(resamples, axis=0)) == NUM_RESAMPLES


def test_intervals_are_the_quantiles_of_the_resampled_ratios():
    rng = np.random.default_rng(1)
    numerators, denominators = rng.normal(size=40), rng.random(40)
    resamples = np.stack(list(resample_counts(40, np.random.default_rng(7))))
    ratios = (resamples * numerators).sum(axis=1) / (resamples * denominators).sum(axis=1)
    interval = bootstrap({"ratio": np.stack([numerators, denominators])}, np.random.default_rng(7))["ratio"]
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(ratios, (0.025, 0.975))))


def test_intervals_are_those_of_the_first_release():
    result = gym_causal.evaluate("random", "CausalDAG-v0", split="eval_path", num_episodes=100, seed=0)
    first_release = {
        "reward": (4.661116742766462, 3.6740669874058804, 5.7681816211801475),
        "normalized_reward": (0.24468758675962382, 0.18772026058344973, 0.3064168004340002),
        "optimal_action_rate": (0.17, 0.12, 0.22012499999999988),
        "exploration_coverage": (0.672, 0.644, 0.698),
    }
    for metric, expected in first_release.items():
        estimate = getattr(result, metric)
        assert (estimate.mean, estimate.low, estimate.high) == pytest.approx(expected, rel=1e-12), metric


def test_rows_are_tidy():
    rows = gym_causal.evaluate("random", "CausalDAG-v0", num_episodes=10).rows()
    assert list(rows[0]) == ["env_id", "split", "policy", "metric", "mean", "low", "high", "episodes", "seed"]
    metrics = {"reward", "normalized_reward", "optimal_action_rate", "exploration_coverage", "exploration_relevance", "match_optimum"}
    assert metrics <= {row["metric"] for row in rows}


def test_policies_bound_by_hand_are_the_named_ones():
    venv = gym_causal.make_vec("CausalDAG-v0", 50)
    observations, _ = venv.reset(seed=0)
    assert np.array_equal(ExpertPolicy(venv)(observations, None, np.ones(50, bool))[0], venv.expert_actions())
    for _ in range(5):
        observations, *_ = venv.step(venv.expert_actions())
    actions, _ = RandomPolicy(venv, seed=0)(observations, None, np.zeros(50, bool))
    assert (actions % 5 != observations["goal"]).all() and len(set(actions.tolist())) == 10


@pytest.mark.parametrize(
    ("policy", "kwargs", "error", "message"),
    [
        ("best", {}, ValueError, "policy must be 'expert', 'random', a callable.*, got 'best'; for baselines: baselines.make"),
        (3, {}, TypeError, "policy must be"),
        ("expert", {"num_episodes": 0}, ValueError, "num_episodes"),
        ("expert", {"num_episodes": 2.5}, ValueError, r"^num_episodes must be an int of at least 1, got 2\.5"),
        ("expert", {"num_episodes": "5"}, ValueError, r"^num_episodes must be an int of at least 1, got '5'"),
        ("expert", {"domain": 77}, ValueError, r"^domain must be one of INTERACTION, EVALUATION, .*, got 77"),
        ("expert", {"domain": "x"}, ValueError, r"^domain must be one of"),
        ("expert", {"seed": -1}, ValueError, "seed"),
        ("expert", {"split": "test"}, ValueError, "split must be one of"),
        ("expert", {"color": 1}, TypeError, "color"),
        ("expert", {"references": {"optimum": "expert"}}, ValueError, "metrics of its own called match_optimum"),
    ],
)
def test_bad_arguments_are_named(policy, kwargs, error, message):
    with pytest.raises(error, match=message):
        gym_causal.evaluate(policy, "CausalDAG-v0", **kwargs)
    if "references" not in kwargs:
        with pytest.raises(error, match=message):
            gym_causal.collect(policy, "CausalDAG-v0", **kwargs)


def test_unknown_envs_and_metrics_are_named():
    with pytest.raises(ValueError, match="env_id must be one of CausalDAG-v0"):
        gym_causal.evaluate("expert", "Nothing-v0")
    with pytest.raises(AttributeError, match="no metric 'speed'; there are reward"):
        _ = gym_causal.evaluate("expert", "CausalDAG-v0", num_episodes=2).speed


class Boasting:
    """A policy with a metric of its own."""

    def __init__(self):
        self.steps = 0

    def __call__(self, observations, state, episode_starts):
        return np.ones(len(episode_starts), int), state

    def step_scores(self):
        self.steps += 1
        return {"confidence": (np.full(4, 0.9), np.ones(4))}


def test_a_policy_may_add_metrics_of_its_own(hint_id):
    policy = Boasting()
    result = gym_causal.evaluate(policy, hint_id, num_episodes=4)
    assert result.confidence.mean == pytest.approx(0.9) and policy.steps == 2
