"""Training through imitation's BC: what it minimises, what it writes, and what it refuses before it writes anything."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")
pytest.importorskip("imitation")

import torch
from imitation.algorithms import bc
from imitation.data.types import DictObs

import agents
import gym_causal
from agents.algorithms.behavioral_cloning import ImitationLoss, train
from agents.algorithms.learning_curve import HISTORY, History
from agents.algorithms.losses import CloningLoss, to_tensors
from agents.algorithms.ranks import Ranks
from agents.algorithms.schedules import WarmupCosine
from agents.config import AgentConfig
from agents.data.demonstrations import StreamedDemonstrations, fingerprint
from agents.policies.checkpoints import load_checkpoint, load_config, save_config
from agents.policies.loading import build_policy
from agents.policies.sb3 import TransformerPolicy
from gym_causal.core.streams import SeedDomain
from tests.agents.data.hand_made import ragged_episodes
from tests.agents.small import CONFIG, TRAINING, make_policy, make_room_policy, played, played_rooms


def recorded(num_episodes=32, env_id="CausalDAG-v0", **env_kwargs):
    return gym_causal.collect("expert", env_id, num_episodes=num_episodes, seed=5, explain="none", **env_kwargs)


@pytest.mark.parametrize("where", ["causal DAG", "room"])
def test_bc_s_own_loss_agrees(where):
    """Anyone may train the policy with an unchanged BC."""
    policy = TransformerPolicy(make_policy("variable", settled=True) if where == "causal DAG" else make_room_policy("object", settled=True))
    observations, actions = played() if where == "causal DAG" else played_rooms()[:2]
    arrays = DictObs({key: value.numpy() for key, value in observations.items()})
    ours, theirs = ImitationLoss(CloningLoss(), Ranks()), bc.BehaviorCloningLossCalculator(0.0, 0.0)
    mine, others = ours(policy, observations, actions), theirs(policy, arrays, actions)
    assert torch.allclose(mine.loss, others.loss) and torch.allclose(mine.prob_true_act, others.prob_true_act)


@pytest.mark.parametrize("kind", ["variable", "trial"])
def test_a_tiny_dataset_is_memorised(kind, tmp_path):
    config = replace(
        CONFIG,
        architecture=replace(CONFIG.architecture, kind=kind),
        training=replace(TRAINING, num_batches=150, batch_size=4, learning_rate=2e-2, evaluate_every=150, checkpoint_every=150),
    )
    episodes = recorded(4)
    agent = train(config, tmp_path, splits=(), demonstrations=episodes, progress=False)
    found = {key: torch.as_tensor(episodes.stacked(value)[:, :-1]) for key, value in episodes.observations.items()}
    previous = np.concatenate([np.zeros((4, 1), int), episodes.stacked(episodes.actions)[:, :-1] + 1], axis=1)
    likeliest = agent.policy.eval().network({**found, "previous_action": torch.as_tensor(previous)}).argmax(-1)
    assert (likeliest.numpy() == episodes.stacked(episodes.actions)).mean() > 0.95


def test_fresh_episodes_are_learned_from(tmp_path):
    """In seconds it learns to do in exploration what the expert does, and earns more than at random; so do generic networks."""
    config = AgentConfig(
        env_id="CausalDAG-v0",
        env_kwargs={"num_variables": 2, "num_exploration_trials": 2},
        architecture=replace(CONFIG.architecture, width=32),
        training=replace(TRAINING, num_batches=150, batch_size=64, chunk_size=1_024, evaluate_every=150, checkpoint_every=150),
    )
    agent = train(config, tmp_path, splits=(), progress=False)
    rewards = [
        gym_causal.evaluate(policy, config.env_id, num_episodes=500, seed=0, **config.env_kwargs).reward.mean
        for policy in ("random", agent, "expert")
    ]
    assert rewards[1] > rewards[0] + 0.6 * (rewards[2] - rewards[0])


# --- what a training leaves behind ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "new" / "folder"
    agent = train(CONFIG, folder, progress=False)
    return folder, agent


def test_the_folder_of_an_agent(trained):
    folder, agent = trained
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.safetensors", "config.json", HISTORY, "tensorboard"]
    assert load_config(folder) == CONFIG
    checkpoint = load_checkpoint(folder)
    assert checkpoint.batch == 12 and checkpoint.optimizer == {}  # it is over
    for name, value in agents.load(folder).policy.state_dict().items():
        assert torch.equal(value, agent.policy.state_dict()[name])


def test_the_learning_curve(trained):
    rows = pd.read_csv(trained[0] / HISTORY)
    assert list(rows.columns) == ["batch", "env_id", "split", "policy", "metric", "mean", "low", "high", "episodes", "seed"]
    assert not rows.duplicated(["batch", "split", "metric"]).any()
    assert rows["batch"].unique().tolist() == [4, 8, 12] and (rows["policy"] == "agent").all()
    rewards = rows[rows["metric"] == "normalized_reward"]
    assert rewards["split"].tolist() == ["train", "eval_target", "eval_path"] * 3
    losses = rows[rows["metric"] == "validation_loss"]
    assert losses["split"].tolist() == ["train"] * 3 and losses["mean"].is_monotonic_decreasing
    # The last row is what playing the agent again finds.
    domain = SeedDomain.LEARNING_CURVE
    again = gym_causal.evaluate(
        agents.load(trained[0]), "CausalDAG-v0", split="eval_path", num_episodes=16, seed=CONFIG.seed, domain=domain
    )
    assert rewards["mean"].iloc[-1] == again.normalized_reward.mean
    elsewhere = gym_causal.evaluate(agents.load(trained[0]), "CausalDAG-v0", split="eval_path", num_episodes=16, seed=CONFIG.seed)
    assert elsewhere.reward.mean != again.reward.mean


def scalars(folder):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulators.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_tensorboard_counts_updates(trained):
    logged, rows = scalars(trained[0]), pd.read_csv(trained[0] / HISTORY)
    assert logged.keys() == {
        "bc/loss",
        "bc/neglogp",
        "bc/prob_true_act",
        "bc/learning_rate",
        "validation_loss/train",
        "normalized_reward/train",
        "normalized_reward/eval_target",
        "normalized_reward/eval_path",
    }
    for split in ("train", "eval_target", "eval_path"):
        expected = rows[(rows["metric"] == "normalized_reward") & (rows["split"] == split)]
        assert logged[f"normalized_reward/{split}"] == [
            (b, pytest.approx(m)) for b, m in zip(expected["batch"], expected["mean"], strict=True)
        ]
    assert [step for step, _ in logged["validation_loss/train"]] == [4, 8, 12]
    assert logged["bc/learning_rate"] == [(0, pytest.approx(WarmupCosine.of(TRAINING)(0)))]
    # The first loss is that of the first weights on the first batch.
    torch.manual_seed(CONFIG.seed)
    batch = next(iter(StreamedDemonstrations("expert", CONFIG.env_id, batch_size=16, seed=CONFIG.seed, chunk_size=64)))
    loss = CloningLoss()(build_policy(CONFIG), *to_tensors(batch)).total
    assert logged["bc/loss"] == [(0, pytest.approx(loss.item(), rel=1e-5))]


def test_a_finished_training_is_not_repeated(trained):
    folder, agent = trained
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = train(CONFIG, folder, resume=True, progress=False)
    assert all(torch.equal(value, again.policy.state_dict()[name]) for name, value in agent.policy.state_dict().items())
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_seed_is_all_that_chance_depends_on(trained, tmp_path):
    torch.manual_seed(77)
    np.random.default_rng().random()
    again = train(CONFIG, tmp_path / "again", progress=False)
    other = train(replace(CONFIG, seed=1), tmp_path / "other", progress=False)
    assert all(torch.equal(value, again.policy.state_dict()[name]) for name, value in trained[1].policy.state_dict().items())
    assert (tmp_path / "again" / HISTORY).read_bytes() == (trained[0] / HISTORY).read_bytes()
    assert any(not torch.equal(value, other.policy.state_dict()[name]) for name, value in again.policy.state_dict().items())


def test_when_it_is_evaluated_changes_nothing_it_learns(trained, tmp_path):
    config = replace(CONFIG, training=replace(TRAINING, evaluate_every=5, evaluation_episodes=3, checkpoint_every=7))
    other = train(config, tmp_path / "other", splits=("eval_path",), progress=False)
    assert all(torch.equal(value, other.policy.state_dict()[name]) for name, value in trained[1].policy.state_dict().items())


def test_a_log_gets_few_lines(tmp_path, capfd):
    train(CONFIG, tmp_path / "agent")
    shown = capfd.readouterr().err
    assert "12/12" in shown and shown.count("\r") < 5


# --- what is refused --------------------------------------------------------------------------------------------------------


def negative():
    episodes = recorded()
    episodes.actions[3] = -1
    return episodes


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        ({"env_id": "OddOneOut-v0"}, {"splits": ("train",)}, "'variable'"),
        ({"env_id": "CartPoole-v1"}, {}, "env_id must be one of"),
        (
            {"training": replace(TRAINING, explanations="touch")},
            {},
            "explanations must be one of .*, got 'touch'",
        ),
        ({"env_kwargs": {"models": lambda rng, count: None}}, {}, r"env_kwargs\['models'\] must be importable to be written"),
        ({"expert": "nowhere:policy"}, {}, "expert must be module:name of a policy, got 'nowhere:policy'"),
        ({}, {"splits": ("train", "eval_traget")}, "split must be one of"),
        ({}, {"device": "gpu"}, "device must be one that torch finds here, got 'gpu'"),
        ({}, {"device": "cuda:77"}, "device must be one that torch finds here, got 'cuda:77'"),
        ({"demonstration_kwargs": {"num_variables": 4}}, {}, "demonstration_kwargs must leave observations and actions"),
        ({"demonstration_kwargs": {"split": "tarin"}}, {}, "split must be one of"),
        ({}, {"demonstrations": lambda: recorded(env_id="CausalDAGCued-v0")}, "must be of CausalDAG-v0, got episodes of CausalDAGCued-v0"),
        ({}, {"demonstrations": ragged_episodes}, "demonstrations must observe goal, .*, got count, view"),
        ({}, {"demonstrations": lambda: recorded()[:0]}, "demonstrations must be whole episodes, got none"),
        ({}, {"demonstrations": negative}, "demonstrations: actions must be ints from 0 to 9, got int64 from -1"),
        ({}, {"demonstrations": lambda: recorded(15)}, "batch_size must be at most the number of episodes, 15, got 16"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(config, arguments, message, tmp_path):
    arguments = {key: value() if callable(value) else value for key, value in arguments.items()}
    with pytest.raises(ValueError, match=message):
        train(replace(CONFIG, **config), tmp_path / "agent", progress=False, **arguments)
    assert not (tmp_path / "agent").exists()


def test_splits_are_several_words(tmp_path):
    with pytest.raises(TypeError, match="splits must be names of splits, got the word 'train'"):
        train(CONFIG, tmp_path / "agent", splits="train", progress=False)


def test_a_folder_may_be_given_by_name(trained):
    folder, _ = trained
    assert train(CONFIG, str(folder), resume=True, progress=False).name == "agent"


def test_a_folder_is_one_agent_s(trained):
    folder, _ = trained
    with pytest.raises(FileExistsError, match="holds an agent; choose another one, or resume its training") as caught:
        train(CONFIG, folder, progress=False)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, r"\(seed was 0 and is 1\)"),
        ({"training": replace(TRAINING, num_batches=13)}, r"\(training\.num_batches was 12 and is 13\)"),
        ({"architecture": replace(CONFIG.architecture, dropout=0.5)}, r"\(architecture\.dropout was 0\.0 and is 0\.5\)"),
        ({"training": replace(TRAINING, chunk_size=128)}, r"\(training\.chunk_size was 64 and is 128\)"),
        ({"training": replace(TRAINING, bucket_size=4)}, r"\(training\.bucket_size was 8 and is 4\)"),
        ({"training": replace(TRAINING, muon_momentum=0.9)}, r"\(training\.muon_momentum was 0\.95 and is 0\.9\)"),
        ({"training": replace(TRAINING, adamw_betas=(0.9, 0.99))}, r"\(training\.adamw_betas was \[0\.9, 0\.98\] and is \[0\.9, 0\.99\]\)"),
        ({"architecture": replace(CONFIG.architecture, context=3)}, r"\(architecture\.context was None and is 3\)"),
        ({"expert": "tests.agents.algorithms.policies:balance"}, r"\(expert was None and is 'tests\.agents"),
        ({"env_kwargs": {"num_parents": (1, 1)}}, r"\(env_kwargs\.num_parents was None and is \[1, 1\]\)"),
    ],
)
def test_it_goes_on_as_it_began(trained, changes, message):
    folder, _ = trained
    with pytest.raises(ValueError, match="holds an agent of another configuration " + message):
        train(replace(CONFIG, **changes), folder, resume=True, progress=False)


def test_it_goes_on_with_what_it_learned_from(tmp_path):
    episodes = recorded()
    config = replace(CONFIG, env_kwargs={"num_roots": (1, 4)}, training=replace(TRAINING, num_batches=4))
    train(config, tmp_path, demonstrations=episodes, progress=False)
    assert load_config(tmp_path).demonstrations == fingerprint(episodes)
    train(config, tmp_path, demonstrations=recorded(), resume=True, progress=False)  # though the file has lists for tuples
    for others in (recorded(33), None):
        with pytest.raises(ValueError, match=r"another configuration \(demonstrations was '[0-9a-f]{64}' and is "):
            train(config, tmp_path, demonstrations=others, resume=True, progress=False)
    with pytest.raises(ValueError, match=r"env_kwargs\.num_roots was \[1, 4\] and is None"):
        train(replace(config, env_kwargs={}), tmp_path, demonstrations=episodes, resume=True, progress=False)


@pytest.mark.parametrize("content", ["", "no table", "split,mean\ntrain,0.5\n", "batch\nfirst\n"])
def test_a_damaged_learning_curve(content, tmp_path):
    (tmp_path / HISTORY).write_text(content)
    with pytest.raises(ValueError, match="is not a learning curve") as caught:
        History(tmp_path / HISTORY, 3)
    assert str(tmp_path / HISTORY) in str(caught.value)


def test_a_checkpoint_that_cannot_go_on(trained, tmp_path):
    """It says 3 updates but has no state of the optimizer."""
    train(replace(CONFIG, training=replace(TRAINING, num_batches=3)), tmp_path / "short", progress=False)
    save_config(tmp_path / "short", CONFIG)
    with pytest.raises(ValueError, match="has no state of the optimizer for network"):
        train(CONFIG, tmp_path / "short", resume=True, progress=False)
