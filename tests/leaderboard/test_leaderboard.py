"""Submissions: what is written is accepted, and each thing that can be wrong with a file is named in a line of its own."""

import copy
import json
import pickle
import sys

import numpy as np
import pytest

import gym_causal
from gym_causal.leaderboard import form, protocol
from gym_causal.leaderboard.__main__ import main
from gym_causal.leaderboard.checking import check
from gym_causal.leaderboard.submission import Method, make_submission, summarize

ENV_ID = "CausalDAG-v0"
EPISODES = 40


def takes(action):
    """A policy that always takes one action."""
    return lambda observations, state, episode_starts: (np.full(len(episode_starts), action), state)


first_action = takes(0)  # by name, for the command


@pytest.fixture(scope="module", autouse=True)
def _few_episodes():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "NUM_EPISODES", EPISODES)
        yield


POLICIES = {seed: takes(seed) for seed in range(5)}


@pytest.fixture(scope="module")
def made():
    """Of a method with five training seeds."""
    about = {"method": "constant", "track": "passive", "env_id": ENV_ID, "command": "make it", "training_episodes": 10}
    return make_submission(Method(**about), POLICIES)


@pytest.fixture
def document(made):
    """The same, to be changed; as it is read from a file."""
    return json.loads(json.dumps(made))


def test_what_is_made_is_accepted_and_can_be_replayed(document):
    findings = check(document, list(POLICIES.values()))
    assert (findings.problems, findings.notes) == ([], [])
    result = gym_causal.evaluate(takes(3), ENV_ID, split="eval_path", num_episodes=EPISODES, seed=0)
    reported = document["runs"][3]["splits"]["eval_path"]["metrics"]["normalized_reward"]
    assert reported == {"mean": result.normalized_reward.mean, "low": result.normalized_reward.low, "high": result.normalized_reward.high}
    assert not document["action_masks"]


def test_another_policy_is_found_out(document):
    findings = check(document, [*(POLICIES[seed] for seed in range(4)), takes(9)])
    assert len(findings.problems) == 3  # splits
    assert all("runs[4].splits." in line and "took other actions when it was played again" in line for line in findings.problems)
    assert check(document, [takes(0)]).problems == ["replay: there must be a policy for each of 5 runs, got 1"]


def test_numbers_are_recomputed_in_a_replay(document):
    played = document["runs"][2]["splits"]["train"]["metrics"]["optimal_action_rate"]
    played["low"] -= 0.001
    (line,) = check(document, list(POLICIES.values())).problems
    assert line.startswith("runs[2].splits.train.metrics.optimal_action_rate must be ")


def test_the_interval_is_students():
    runs = [{"splits": {"train": {"metrics": {"reward": {"mean": float(mean)}}}}} for mean in (1, 2, 3, 4, 5)]
    half = 2.776445 * np.sqrt(2.5) / np.sqrt(5)
    assert summarize(runs)["train"]["reward"] == pytest.approx({"mean": 3.0, "low": 3 - half, "high": 3 + half}, abs=1e-6)
    assert summarize(runs[:1])["train"]["reward"] == {"mean": 1.0, "low": None, "high": None}
    runs[0]["splits"]["train"]["metrics"]["reward"]["mean"] = None
    assert summarize(runs)["train"]["reward"] == {"mean": None, "low": None, "high": None}


def test_quantiles_are_those_of_student():
    stats = pytest.importorskip("scipy.stats")
    from gym_causal.leaderboard.submission import _STUDENT_T  # noqa: PLC0415

    assert list(_STUDENT_T.values()) == pytest.approx([stats.t.ppf(0.975, n - 1) for n in _STUDENT_T], abs=1e-6)


def test_fewer_seeds_are_a_note(document):
    del document["runs"][2:4]
    document["summary"] = summarize(document["runs"])
    findings = check(document)
    assert (findings.problems, findings.notes) == ([], ["incomplete: 3 of 5 training seeds"])


def estimate(mean):
    return {"mean": mean, "low": mean, "high": mean}


TRAIN = ("runs", 0, "splits", "train")
CHANGES = [  # where, what is put there (... : removed), the problem
    (("format",), "other", "format must be 'gym_causal submission 1', got 'other'"),
    (("method",), "a\x1b[2J", r"method must be one line of 1 to 100 printable characters, got 'a\x1b[2J'"),
    (("method",), "a" * 900_000, "method must be one line of 1 to 100 printable characters, got 'aaa"),
    (("track",), "fast", "track must be one of passive, active, untrained, got 'fast'"),
    (("track",), "untrained", "training_seed must be null, of a single run, in the track untrained, got [0, 1, 2, 3, 4]"),
    (("env_id",), "antigravity:Evil-v0", "env_id must be one of CausalDAG-v0, "),
    (("env_id",), ["CausalDAG-v0"], "env_id must be one of CausalDAG-v0, "),
    (("env_id",), "OddOneOutConfounded-v0", "references must have the entries train, eval; eval is missing"),
    (("observation",), "pixels", "CausalDAG-v0 got an unexpected keyword argument 'observation'."),
    (("explanations",), "gossip", "explanations must be one of none, properties"),
    (("training_episodes",), -1, "training_episodes must be an int from 0"),
    (("training_episodes",), 0, "training_episodes must be 0 in the track untrained alone, got 0"),
    (("training_episodes",), True, "training_episodes must be an int from 0"),
    (("action_masks",), 1, "action_masks must be true or false, got 1"),
    (("episodes",), 10**12, "episodes must be 40, got 1000000000000"),
    (("seed",), 1, "seed must be 0, got 1"),
    (("versions", "numpy"), ..., "versions must have the entries python, gym_causal, gymnasium, numpy; numpy is missing"),
    (("extra",), 1, "submission must have no entries but format, method"),
    (("summary",), ..., "submission must have the entries format"),
    (("runs",), [], "runs must be a list of 1 to 5 runs"),
    (("runs",), {"0": 1}, "runs must be a list of 1 to 5 runs"),
    (("runs", 0), 3, "runs[0] must be an object with the entries training_seed, splits, got 3"),
    (("runs", 0, "training_seed"), 1, "training_seed must be another one in each run, got [1, 1, 2, 3, 4]"),
    (("runs", 0, "training_seed"), 17, "training_seed must be an int from 0 to 4, got 17"),
    (("runs", 0, "splits", "test"), {}, "runs[0].splits must have no entries but train, eval_target, eval_path; got 'test'"),
    ((*TRAIN, "digest"), "abc", "runs[0].splits.train.digest must be a SHA-256 in 64 hexadecimal digits, got 'abc'"),
    ((*TRAIN, "metrics", "reward"), "much", "runs[0].splits.train.metrics.reward must be an object with the entries mean, low, high"),
    ((*TRAIN, "metrics", "reward"), estimate(None), "runs[0].splits.train.metrics.reward must be numbers"),
    ((*TRAIN, "metrics", "reward", "mean"), "1", "runs[0].splits.train.metrics.reward.mean must be a number"),
    ((*TRAIN, "metrics", "reward", "low"), 1e6, "runs[0].splits.train.metrics.reward must have low <= mean <= high"),
    ((*TRAIN, "metrics", "reward", "high"), float("inf"), "runs[0].splits.train.metrics.reward.high must be a number"),
    ((*TRAIN, "metrics", "normalized_reward"), estimate(1.01), "runs[0].splits.train.metrics.normalized_reward must be from -inf to 1"),
    ((*TRAIN, "metrics", "optimal_action_rate"), estimate(-0.1), "runs[0].splits.train.metrics.optimal_action_rate must be from 0 to 1"),
    (("references", "train", "expert"), "0" * 64, "references.train.expert: the episodes played are not those that this version"),
    (("summary", "train", "reward", "high"), 1e3, "summary.train.reward must be "),
]


@pytest.mark.parametrize(
    ("where", "value", "problem"), CHANGES, ids=[f"{'.'.join(map(str, where))}-{i}" for i, (where, _, _) in enumerate(CHANGES)]
)
def test_each_thing_that_is_wrong_has_a_line(document, where, value, problem):
    entry = document
    for name in where[:-1]:
        entry = entry[name]
    if value is ...:
        del entry[where[-1]]
    else:
        entry[where[-1]] = copy.deepcopy(value)
    problems = check(document).problems
    assert any(line.startswith(problem) for line in problems), problems
    assert all(len(line) <= 300 and line.isprintable() for line in problems)
    assert "antigravity" not in sys.modules


def test_more_than_can_be_earned(document):
    for run in document["runs"]:
        metrics = run["splits"]["eval_path"]["metrics"]
        metrics["reward"] = estimate(100.0 + run["training_seed"])
    document["summary"] = summarize(document["runs"])
    problems = check(document).problems
    assert len(problems) == 5
    assert problems[0].startswith("runs of training seed 0: reward 100.000 on eval_path is more than can be earned; an expert that knows")


def test_one_agent_under_two_seeds(document):
    document["runs"][1]["splits"] = document["runs"][0]["splits"]
    document["summary"] = summarize(document["runs"])
    assert check(document).problems == ["runs of training seeds 0 and 1 took the same actions throughout"]


@pytest.mark.parametrize("document", [None, 3, [], "text", {}, {"runs": [[]]}])
def test_documents_of_another_kind(document):
    assert check(document).problems


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" " * (form.MAX_BYTES + 1), "at most 1,000,000 bytes"),
        (b"[" * 900_000, "nested too deeply"),
        (b'{"seed": NaN}', "NaN is no number of JSON"),
        (b'{"seed": -Infinity}', "-Infinity is no number of JSON"),
        (b'{"seed": ' + b"9" * 5_000 + b"}", "integer of 5000 digits"),
        (b'{"seed": 0, "seed": 1}', "the entry 'seed' is there twice"),
        (b'{"seed": ', "must be a JSON document"),
        (b"\xff\xfe", "must be a JSON document"),
        (pickle.dumps({"seed": 0}), "must be a JSON document"),
    ],
    ids=["long", "deep", "nan", "infinity", "digits", "twice", "cut", "bytes", "pickle"],
)
def test_files_that_are_refused(content, message, tmp_path):
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(SystemExit, match=f"error: file must .*{message}|error: .*{message}"):
        main(["check", str(tmp_path / "file.json")])


def test_the_command_writes_and_checks(tmp_path, capsys):
    file = tmp_path / "submission.json"
    main(["run", "random", "--env", "OddOneOutConfounded-v0", "--observation", "symbolic", "--out", str(file)])
    document = json.loads(file.read_text("utf-8"))
    assert document["method"] == "random" and document["action_masks"] and document["observation"] == "symbolic"
    assert document["command"].startswith("python -m gym_causal.leaderboard run random --env OddOneOutConfounded-v0")
    main(["check", str(file), "--replay", "random"])
    assert f"{file} is accepted, and its runs were replayed" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="is not accepted"):
        main(["check", str(file), "--replay", "expert"])
    assert "problem: runs[0].splits.eval: the policy took other actions" in capsys.readouterr().out


def test_policies_by_name_with_seeds(tmp_path, capsys):
    file, name = tmp_path / "submission.json", f"{__name__}:first_action"
    about = ["--track", "active", "--training-seeds", "3", "--training-episodes", "7", "--method", "first"]
    main(["run", name, "--env", ENV_ID, "--out", str(file), *about])
    document = json.loads(file.read_text("utf-8"))
    assert [run["training_seed"] for run in document["runs"]] == [3]
    main(["check", str(file)])
    assert "note: incomplete: 1 of 5 training seeds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("no_such_module:policy",), "policy must be module:name of a policy"),
        (("expert", "--method", "two\nlines"), "method must be one line"),
        (("expert", "--observation", "pixels"), "got an unexpected keyword argument 'observation'"),
        (("expert", "random"), "there must be one for each of 1 training seeds, got 2"),
        (("expert", "--track", "passive"), "training_episodes must be 0 in the track untrained alone, got 0"),
        (("expert", "--track", "passive", "--training-seeds", "9", "--training-episodes", "1"), "training_seed must be an int from 0 to 4"),
    ],
)
def test_mistakes_in_the_command(options, message, tmp_path):
    file = tmp_path / "submission.json"
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        main(["run", *options, "--env", ENV_ID, "--out", str(file)])
    assert not list(tmp_path.iterdir())


def test_strategies_and_agents_by_name(tmp_path):
    pytest.importorskip("scipy")
    from gym_causal.leaderboard.named_policies import named_policy  # noqa: PLC0415

    assert named_policy("change", ENV_ID).name == "change"
    with pytest.raises(ValueError, match=r"policy must be expert, random, module:name, .*change.*, got 'luck'"):
        named_policy("luck", ENV_ID)
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    assert named_policy(ENV_ID, ENV_ID).name == "agent"
