"""Agents on disk: what was saved comes back, and anything else is refused by name."""

import builtins
import dataclasses
import json
import pickle

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import safetensors.torch
import torch

import agents
import gym_causal
from agents.config import AgentConfig
from agents.policies import checkpoints
from agents.policies import loading as pretrained
from agents.policies.agent import Agent
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_checkpoint, load_config, save_checkpoint, save_config
from agents.policies.loading import load
from tests.agents.small import ARCHITECTURES, ENV_IDS, TRAINING, make_policy
from tests.agents.small import CONFIG as AGENT


@pytest.fixture
def folder(tmp_path):
    """Of a whole agent."""
    policy = make_policy("equivariant", settled=True)
    save_config(tmp_path, AgentConfig(architecture=ARCHITECTURES["equivariant"]))
    save_checkpoint(tmp_path, Checkpoint(policy.state_dict(), 7))
    return tmp_path


@pytest.mark.parametrize("env_id", ENV_IDS)
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_saved_agent_acts_as_before(kind, env_id, tmp_path):
    policy = make_policy(kind, env_id, settled=True)
    save_config(tmp_path, AgentConfig(env_id=env_id, architecture=ARCHITECTURES[kind]))
    save_checkpoint(tmp_path, Checkpoint(policy.state_dict(), 7))
    agent = agents.load(tmp_path)
    for name, value in policy.state_dict().items():
        assert torch.equal(agent.policy.state_dict()[name], value)
    before, after = (gym_causal.collect(each, env_id, num_episodes=20, seed=0, explain="none").actions for each in (Agent(policy), agent))
    assert (before == after).all()


def test_checkpoints_come_back_whole(tmp_path):
    torch.manual_seed(0)
    saved = Checkpoint(
        {"a.b": torch.randn(2, 3)}, 12, {"a.b/step": torch.tensor(3.0), "a.b/exp_avg": torch.randn(2, 3)}, torch.get_rng_state()
    )
    save_checkpoint(tmp_path, saved)
    loaded = load_checkpoint(tmp_path)
    assert loaded.batch == 12 and torch.equal(loaded.rng, saved.rng)
    for kind in ("weights", "optimizer"):
        before, after = getattr(saved, kind), getattr(loaded, kind)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) and before[key].dtype == after[key].dtype for key in before)
    save_checkpoint(tmp_path, Checkpoint({}, 13))
    assert load_checkpoint(tmp_path) == Checkpoint({}, 13)  # in place of the other


def test_configs_come_back(tmp_path):
    for number, config in enumerate((AgentConfig(), AGENT, AgentConfig(env_id=ENV_IDS[1], env_kwargs={"num_variables": 6}, seed=3))):
        save_config(tmp_path / str(number), config)
        assert load_config(tmp_path / str(number)) == config


def test_nothing_is_pickled(folder, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something was pickled")

    for name in ("load", "loads", "Unpickler", "dump", "dumps"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(torch, "save", refuse)
    load(folder)
    save_checkpoint(folder, load_checkpoint(folder))
    assert not any(name in (folder / CHECKPOINT).read_bytes() for name in (b"pickle", b"collections"))


def whole(folder):
    return (folder / CHECKPOINT).read_bytes()


FOREIGN_TENSORS = safetensors.torch.save({"weights/x": torch.zeros(3)})
OTHER_FORMAT = safetensors.torch.save({"weights/x": torch.zeros(3)}, {"format": "gym_causal agent 99", "batch": "3"})
NO_BATCH = safetensors.torch.save({"weights/x": torch.zeros(3)}, {"format": "gym_causal agent 2"})


@pytest.mark.parametrize(
    "content",
    [
        lambda folder: b"",
        lambda folder: b"no checkpoint at all",
        lambda folder: whole(folder)[: len(whole(folder)) // 2],
        lambda folder: whole(folder)[:-1],
        lambda folder: whole(folder)[:20],
        lambda folder: b"\xff" * 8 + whole(folder)[8:],
        lambda folder: pickle.dumps({"weights": 1}),
        lambda folder: FOREIGN_TENSORS,
        lambda folder: OTHER_FORMAT,
        lambda folder: NO_BATCH,
    ],
    ids=["empty", "text", "half", "but_one", "head", "lengths", "pickle", "foreign", "format", "no_batch"],
)
def test_what_is_no_checkpoint(folder, content):
    (folder / CHECKPOINT).write_bytes(content(folder))
    with pytest.raises(ValueError, match="is not the checkpoint of an agent: ") as caught:
        load(folder)
    assert str(folder / CHECKPOINT) in str(caught.value) and "\n" not in str(caught.value)


def changed(**changes):
    document = {"format": "gym_causal agent 2", **AgentConfig(architecture=ARCHITECTURES["equivariant"]).to_json()}
    for name, value in changes.items():
        if value is None:
            del document[name]
        else:
            document[name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Expecting value"),
        ('{"format": "gym_causal agent 1"', "Expecting"),
        ("[1, 2]", "its format is another one"),
        ('"text"', ""),
        ("{}", "its format is another one"),
        ('{"model_type": "bert"}', "its format is another one"),
        (changed(format="gym_causal agent 0"), "its format is another one"),
        (changed(architecture=None), "it has no 'architecture'"),
        (changed(architecture={"kind": ""}), "kind must be the name of a network"),
        (changed(architecture=3), ""),
        (changed(training={"epochs": 3}), "epochs"),
        (changed(seed=-1), "seed must be"),
        (changed(favourite="blue"), "favourite"),
        (changed(env_kwargs={"split": "train"}), "env_kwargs must hold no split"),
    ],
)
def test_what_is_no_configuration(folder, content, message):
    (folder / CONFIG).write_text(content)
    with pytest.raises(ValueError, match="is not the configuration of an agent: ") as caught:
        load(folder)
    assert str(folder / CONFIG) in str(caught.value) and message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed(architecture={"kind": "bigger"}), "kind must be one of variable, embedded"),
        (changed(architecture={"kind": "object"}), "env_id must be that of an odd-one-out environment"),
        (changed(env_id="NoSuchTask-v0"), "NoSuchTask-v0"),
        (changed(env_kwargs={"num_variable": 6}), "did you mean 'num_variables'"),
        (changed(env_id="CartPole-v1", architecture={"kind": "generic"}, training={"explanations": "full"}), "must be one of none"),
    ],
)
def test_an_agent_that_cannot_be_built(folder, content, message):
    (folder / CONFIG).write_text(content)
    with pytest.raises(ValueError, match="describes an agent that cannot be built here: ") as caught:
        load(folder)
    assert str(folder / CONFIG) in str(caught.value) and message in str(caught.value)


def test_bytes_that_are_no_text(folder):
    (folder / CONFIG).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not the configuration of an agent"):
        load(folder)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(AGENT, architecture=ARCHITECTURES["variable"]),
        AgentConfig(env_id=ENV_IDS[1], architecture=ARCHITECTURES["equivariant"]),
    ],
)
def test_weights_of_another_network(folder, other):
    """The config says another architecture, or an env with other observations."""
    save_config(folder, other)
    with pytest.raises(ValueError, match=r"does not fit config\.json beside it") as caught:
        load(folder)
    assert str(folder / CHECKPOINT) in str(caught.value)


def test_what_is_missing(tmp_path, folder):
    (folder / CHECKPOINT).unlink()
    with pytest.raises(FileNotFoundError, match="holds no trained agent: there is no checkpoint"):
        load(folder)
    (folder / CONFIG).unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no agent: there is no config\.json"):
        load(folder)


def test_a_write_that_fails_leaves_the_older_file(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def half(path, data):
        with builtins.open(path, "wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoints.Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(folder, Checkpoint({"a": torch.zeros(3)}, 8))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert load_checkpoint(folder).batch == 7


def test_agents_are_found_by_name_or_folder(folder, tmp_path, monkeypatch):
    shipped = tmp_path / "pretrained"
    monkeypatch.setattr(pretrained, "SHIPPED", shipped)
    with pytest.raises(ValueError, match=r"with a pretrained agent \(none\), or hf://user/name, got 'CausalDAG-v0'"):
        agents.load("CausalDAG-v0")
    mine = shipped / "CausalDAG-v0"
    mine.mkdir(parents=True)
    for name in (CONFIG, CHECKPOINT):
        (mine / name).write_bytes((folder / name).read_bytes())
    assert agents.load("CausalDAG-v0").name == agents.load("gym_causal:CausalDAG-v0").name == "agent"
    assert pretrained.folder_of(str(folder)) == folder
    for nowhere in ("", "CausalDAGCued-v0", "CausalDAG-v0/.", str(tmp_path / "missing")):
        with pytest.raises(ValueError, match=r"agent must be a folder or the id .* \(CausalDAG-v0\), or hf://user/name, got"):
            agents.load(nowhere)
    monkeypatch.chdir(tmp_path)
    assert pretrained.folder_of(".").resolve() == tmp_path  # not the folder of the pretrained ones


def test_the_training_in_the_config_is_checked():
    for name, value in (("batch_size", 0), ("learning_rate", 0.0), ("label_smoothing", 1.5), ("warmup", -0.1), ("num_demonstrations", 3)):
        with pytest.raises(ValueError, match=name):
            type(TRAINING)(**{name: value})
