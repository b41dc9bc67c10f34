"""Agents for others: what a shared folder holds, and the way to the Hugging Face Hub and back, with a folder in the hub's place."""

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

import agents
import gym_causal
from agents.config import AgentConfig
from agents.policies.checkpoints import CHECKPOINT, CONFIG, Checkpoint, load_checkpoint, save_checkpoint, save_config
from agents.policies.loading import build_policy
from gym_causal.extras import ExtraNotInstalled
from tests.agents.small import ARCHITECTURES

ENV_ID = "CausalDAG-v0"
NAME = "somebody/an-agent"


@pytest.fixture
def trained(tmp_path):
    """The folder of a half-trained agent, with an evaluation, the command and the picture of its learning curve."""
    folder, config = tmp_path / "trained", AgentConfig(architecture=ARCHITECTURES["variable"], seed=3)
    save_config(folder, config)
    torch.manual_seed(0)
    weights = build_policy(config).state_dict()
    save_checkpoint(
        folder,
        Checkpoint(weights, 7, {f"{name}/exp_avg": torch.zeros_like(value) for name, value in weights.items()}, torch.get_rng_state()),
    )
    (folder / "command.txt").write_text("python -m agents.train --seed 3\n")
    (folder / "learning_curve.csv").write_text("batch\n")
    (folder / "learning_curve.png").write_bytes(b"picture")
    (folder / "evaluation").mkdir()
    with (folder / "evaluation" / "results.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["env_id", "split", "policy", "metric", "mean", "low", "high", "episodes", "seed"])
        for policy, mean in (("agent", 0.9), ("random|player", 0.1)):
            for split in ("train", "eval_path"):
                for metric in ("reward", "normalized_reward"):
                    writer.writerow([ENV_ID, split, policy, metric, mean, mean - 0.01, mean + 0.01, 2000, 0])
    return folder


class Hub:
    """What ``huggingface_hub`` is asked for, with a folder for each repository."""

    def __init__(self, root: Path) -> None:
        self.root, self.asked = root, []

    def HfApi(self):
        return self

    def create_repo(self, repo_id, *, private, exist_ok):
        assert exist_ok
        (self.root / repo_id).mkdir(parents=True, exist_ok=True)

    def upload_folder(self, *, repo_id, folder_path, revision, commit_message):
        shutil.copytree(folder_path, self.root / repo_id, dirs_exist_ok=True)
        return f"https://hub/{repo_id}/commit/1"

    def snapshot_download(self, repo_id, *, revision, allow_patterns):
        self.asked.append((repo_id, revision))
        if not (self.root / repo_id).is_dir():
            raise OSError("404 Client Error.\nThere is no such repository.")
        target = self.root / "cache" / repo_id
        target.mkdir(parents=True, exist_ok=True)
        for pattern in allow_patterns:
            shutil.copyfile(self.root / repo_id / pattern, target / pattern)
        return str(target)


@pytest.fixture
def remote(tmp_path, monkeypatch):
    found = Hub(tmp_path / "hub")
    monkeypatch.setitem(sys.modules, "huggingface_hub", found)
    return found


def contents(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_saved_folder_holds_what_others_need(trained, tmp_path):
    folder = agents.save(trained, tmp_path / "saved")
    assert contents(folder) == {"README.md", CONFIG, CHECKPOINT, "learning_curve.csv", "command.txt", "evaluation/results.csv"}
    before, after = load_checkpoint(trained), load_checkpoint(folder)
    assert after.optimizer == {} and after.rng is None and after.batch == 7
    assert (
        all(torch.equal(before.weights[name], value) for name, value in after.weights.items())
        and before.weights.keys() == after.weights.keys()
    )
    assert agents.load(folder).policy.state_dict().keys() == before.weights.keys()
    with pytest.raises(FileExistsError, match="holds an agent; choose another one"):
        agents.save(trained, folder)
    assert "optimizer" not in json.loads((folder / CONFIG).read_text())


def test_the_model_card_says_what_the_agent_is(trained, tmp_path):
    card = (agents.save(trained, tmp_path / "saved", name="hf://somebody/an-agent") / "README.md").read_text("utf-8")
    assert 'agents.load("hf://somebody/an-agent")' in card
    assert "```bash\npython -m agents.train --seed 3\n```" in card
    assert "| policy | train | eval_path |" in card and "| agent | 0.900 [0.890, 0.910] | 0.900 [0.890, 0.910] |" in card
    assert "| random\\|player | 0.100" in card
    assert "| `architecture.width` | `16` |" in card and "| `seed` | `3` |" in card
    assert "first 2,000 episodes of seed 0" in card


def test_the_hub_reads_the_header(trained, tmp_path):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    card = huggingface_hub.ModelCard.load(agents.save(trained, tmp_path / "saved", name=NAME) / "README.md")
    assert card.data.library_name == "gym_causal" and card.data.pipeline_tag == "reinforcement-learning"
    assert {ENV_ID, "behavioral-cloning"} <= set(card.data.tags)
    found = [(result.dataset_name, result.metric_type, result.metric_value) for result in card.data.eval_results]
    assert found == [(f"{ENV_ID}, {split}", "normalized_reward", 0.9) for split in ("train", "eval_path")]


def test_there_and_back(remote, trained):
    assert agents.push(trained, NAME) == f"https://hub/{NAME}/commit/1"
    assert "README.md" in contents(remote.root / NAME)
    assert f'agents.load("hf://{NAME}")' in (remote.root / NAME / "README.md").read_text("utf-8")
    (remote.root / NAME / "weights.pkl").write_bytes(b"never read")
    agent = agents.load(f"hf://{NAME}@v1.0")
    assert remote.asked == [(NAME, "v1.0")]
    assert contents(remote.root / "cache" / NAME) == {CONFIG, CHECKPOINT}  # nothing else is downloaded
    ours, theirs = (gym_causal.evaluate(each, ENV_ID, num_episodes=20, seed=0) for each in (agents.load(trained), agent))
    assert ours == theirs


def test_an_agent_that_ships_can_be_pushed(remote):
    agents.push(ENV_ID, NAME)
    assert contents(remote.root / NAME) == {"README.md", CONFIG, CHECKPOINT, "learning_curve.csv"}
    assert agents.load(f"hf://{NAME}").policy.state_dict().keys() == agents.load(ENV_ID).policy.state_dict().keys()


@pytest.mark.parametrize("reference", ["hf://", "hf://somebody", "hf://a/b/c", "hf://../../b", "hf://a/b@", "hf://a/b c"])
def test_what_is_no_reference(reference, remote):
    with pytest.raises(ValueError, match="agent must be hf://user/name or hf://user/name@revision, got"):
        agents.load(reference)
    assert remote.asked == []


def test_what_cannot_be_downloaded(remote):
    with pytest.raises(OSError, match=r"^agent: 'hf://somebody/nothing' cannot be downloaded: 404 Client Error\.$"):
        agents.load("hf://somebody/nothing")


@pytest.mark.parametrize(
    ("changes", "entry"),
    [
        ({"env_kwargs": {"models": "os:system"}}, "env_kwargs.models 'os:system'"),
        ({"env_id": "antigravity:Evil-v0"}, "env_id 'antigravity:Evil-v0'"),
    ],
)
def test_a_downloaded_agent_imports_nothing(changes, entry, remote, trained):
    agents.push(trained, NAME)
    path = remote.root / NAME / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=f"has {entry}, which would be imported"):
        agents.load(f"hf://{NAME}")
    assert "antigravity" not in sys.modules


def test_without_the_extra(monkeypatch, trained):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for act in (lambda: agents.load(f"hf://{NAME}"), lambda: agents.push(trained, NAME)):
        with pytest.raises(ExtraNotInstalled, match=r'needs the extra "hub": pip install -e "\.\[hub\]"'):
            act()
