"""Training a small language model on game texts: which texts, that a killed training resumes to the same weights, and what is saved."""

import dataclasses
import json
import re

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("stable_baselines3")

import torch
from safetensors.torch import load_file, save_file

from agents.algorithms.learning_curve import HISTORY, read_history
from agents.language import __main__ as command
from agents.language import train
from agents.language import training as training_module
from agents.language.conditions import CONDITIONS
from agents.language.experiment import HELD_OUT
from agents.language.gpt import END, GPTConfig, make_tokenizer
from agents.language.player import PlayOptions
from agents.language.texts import training_texts
from agents.language.training import TRAINING, Training
from agents.language.training_config import PRESETS, TrainingConfig
from agents.policies.checkpoints import CHECKPOINT
from gym_causal.core.streams import SeedDomain
from gym_causal.odd_one_out_text.vocabulary import DIMENSIONS, NAMES
from gym_causal.transcripts import join_passages

GPT = GPTConfig(width=16, num_layers=1, num_heads=2)
SMALL = TrainingConfig(gpt=GPT, num_updates=6, batch_size=4, evaluate_every=4, evaluation_games=4, checkpoint_every=2)
ALL = ("none", "outcome", "reasoning", "both", "both_shuffled")


@pytest.fixture(autouse=True)
def fewer_texts(monkeypatch):
    """Made at once, and for tokenizers and validation losses: making and encoding a thousand takes seconds."""
    monkeypatch.setattr(training_module, "CHUNK", 64)
    monkeypatch.setattr(training_module, "_VALIDATION_TEXTS", 64)


def texts_of(config, chunk, **options):
    return [join_passages(text) for text in training_texts(config, chunk, **options)]


def rewarded_dimensions(text):
    """The dimensions whose change was rewarded in a text, and those that an explanation calls rewarding."""
    found = set(re.findall(r"into a different (\w+): \w+\.\nChoosing object \w was rewarded!", text))
    return found | set(re.findall(r"(?:rewarded for unique|The rewarding dimension must be) (\w+)", text))


@pytest.mark.parametrize("kind", ["single", "in_context"])
@pytest.mark.parametrize("held_out", [None, "shape"])
def test_the_held_out_dimension_is_rewarded_in_no_text(kind, held_out):
    for name in ALL:
        config = TrainingConfig(texts=kind, held_out=held_out, condition=name, env_kwargs={"num_dimensions": 4})
        for domain in (SeedDomain.COLLECTION, SeedDomain.VALIDATION):
            seen = set.union(*(rewarded_dimensions(text) for text in texts_of(config, 1, domain=domain, count=60)))
            assert seen == set(config.trained_dimensions) and (held_out or "pattern") not in config.trained_dimensions


@pytest.mark.parametrize("drawn_from", [0, 7])
def test_four_games_reward_two_dimensions_and_the_last_another(drawn_from):
    kwargs = {"num_dimensions": 5, "num_experiments": 4}
    config = TrainingConfig(texts="in_context", condition="both", dimensions_drawn_from=drawn_from, held_out="texture", env_kwargs=kwargs)
    pairs, drawn = set(), set()
    for text in texts_of(config, 0, count=80):
        games = [game for game in text.split("New game.\n") if game]
        assert len(games) == 5
        for game in games:
            assert len(rewarded_dimensions(game)) == 1
        shown = set.union(*(rewarded_dimensions(game) for game in games[:4]))
        (last,) = rewarded_dimensions(games[4])
        assert len(shown) <= 2 and last not in shown
        assert len({game.split("\n\n")[0] for game in games}) == 5  # no game twice
        pairs.add((*sorted(shown), last))
        (dimensions,) = {tuple(map(dimension_of, line.split())) for line in re.findall(r"[A-Z]\) (.*)", text)}  # of all five games
        assert {*shown, last} <= {*dimensions} - {"texture"}
        drawn.add(dimensions)
    assert len(pairs) > 8
    assert len(drawn) == (5 if drawn_from else 1)  # for every 16 texts
    assert {name for dimensions in drawn for name in dimensions} == {*NAMES[: drawn_from or 5]}


@pytest.mark.parametrize("name", ALL)
def test_dimensions_are_drawn_anew_for_each_text(name):
    config = TrainingConfig(dimensions_drawn_from=8, held_out="texture", condition=name)
    texts = texts_of(config, 1, count=400)
    assert set.union(*map(rewarded_dimensions, texts)) == set(NAMES[:8]) - {"texture"}  # also those that evaluated games do not have
    orders = [tuple(map(dimension_of, re.search(r"A\) (.*)\n", text)[1].split())) for text in texts]
    assert len(set(orders)) > 20 and {name for order in orders for name in order} == set(NAMES[:8])
    assert 0.2 < sum("texture" in order for order in orders) / len(orders) < 0.55  # 3 of 8
    for text, order in zip(texts, orders, strict=True):
        assert set(re.findall(r"into a different (\w+)", text)) <= set(order)
    assert config.evaluation.splits[HELD_OUT] == {"rewarded_dimensions": ("texture",)}


def test_drawn_names_stand_for_any_values_but_the_held_out_ones_are_never_rewarded():
    texts = texts_of(TrainingConfig(dimensions_drawn_from=6, names_drawn=True, instructions=True, condition="both"), 0, count=400)
    named = {(name, dimension_of(word)) for text in texts for name, word in re.findall(r"different (\w+): (\w+)\.\n", text)}
    assert len(named) > 25 and ("texture", "color") in named and ("color", "texture") in named  # of 36
    paid = {pair for text in texts for pair in re.findall(r"different (\w+): (\w+)\.\nChoosing object \w was rewarded!", text)}
    assert {dimension_of(word) for _, word in paid} == set(NAMES[:6]) - {"texture"}
    assert {name for name, _ in paid} == set(NAMES[:6])
    for text in texts:  # within a text a name stands for one dimension, and the names are said at the beginning
        found = set(re.findall(r"different (\w+): (\w+)\.\n", text))
        assert len({(name, dimension_of(word)) for name, word in found}) == len({name for name, _ in found})
        assert {name for name, _ in found} <= set(re.findall(r"\w+", re.search(r"one dimension is rewarding: (.*?)\.", text)[1]))


def test_variables_are_drawn_anew_for_each_text_and_the_held_out_link_is_in_none():
    config = TrainingConfig(env_id="CausalDAGText-v0", condition="both", variables_drawn_from=7)
    links, drawn, others = set(), set(), 0
    for text in texts_of(config, 0, count=600):
        names = re.findall(r"(\w) [+-]", re.search("The values are (.*)", text)[1])
        assert len(names) == 5
        drawn.add(tuple(names))
        for cause, effects in re.findall(r"Setting (\w) to \S+ (.*)", text):
            links |= {(cause, effect) for effect in re.findall(r"moves (\w) by", effects)}
        assert set(re.findall(r"\b[A-Z]\b", text.replace("I ", ""))) <= set(names)
        others += not {"D", "E"} <= set(names)
    letters = "ABCDEFG"
    assert links == {(cause, effect) for cause in letters for effect in letters if cause != effect} - {("D", "E")}
    assert len(drawn) > 25 and 0.3 < others / 600 < 0.75  # 11 of 21
    assert [*config.evaluation.splits] == ["train", "eval_target", "eval_path"]
    assert all("variable_names" not in kwargs for kwargs in config.evaluation.splits.values())


def test_instructions_come_first_in_texts_and_in_evaluated_games():
    config = TrainingConfig(instructions=True)
    plain = texts_of(dataclasses.replace(config, instructions=False), 0, count=5)
    about = "I play games with three objects. In each game one dimension is rewarding: color, shape or texture."
    for text, without in zip(texts_of(config, 0, count=5), plain, strict=True):
        assert text.startswith(about) and text.endswith(f"\n\n{without}")
    (prompt,) = config.evaluation.candidate_prompts(CONDITIONS["none"])
    assert prompt.startswith(about)


def dimension_of(word):
    return next(name for name, words in DIMENSIONS.items() if word in words)


def test_every_word_of_drawn_dimensions_is_a_token(tmp_path):
    training = Training(dataclasses.replace(SMALL, dimensions_drawn_from=12), tmp_path)
    words = [word for name, values in DIMENSIONS.items() for word in (name, *values[:8])]
    assert {len(training.tokenizer.encode(f" {word}")) for word in words} == {1}


def test_every_word_of_a_condition_with_a_wording_of_its_own_is_a_token(tmp_path):
    training = Training(dataclasses.replace(SMALL, condition="reasoning_judged"), tmp_path)
    words = {word for text in training_texts(training.config, 0, count=50) for word in re.findall(r" \w+", join_passages(text))}
    assert {" unlike", " counts"} <= words
    assert {len(training.tokenizer.encode(word)) for word in words} == {1}


@pytest.mark.parametrize("how", ["", "_listed", "_compared", "_described", "_explicit", "_searched", "_judged", "_evidence"])
def test_whatever_the_expert_writes_fits_into_a_line_of_the_model(how, tmp_path):
    training = Training(dataclasses.replace(SMALL, condition=f"both{how}", dimensions_drawn_from=12), tmp_path)
    written = [passage.text for text in training_texts(training.config, 0, count=100) for passage in text if passage.by_player]
    assert max(map(len, training.tokenizer(written)["input_ids"])) <= PlayOptions().max_tokens


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names_drawn": True, "dimensions_drawn_from": 5}, "names_drawn needs instructions"),
        ({"names_drawn": True}, "names_drawn must be False unless dimensions_drawn_from"),
        ({"dimensions_drawn_from": 13}, "dimensions_drawn_from must be an int from 3 to 12, got 13"),
        ({"dimensions_drawn_from": 4, "env_kwargs": {"num_dimensions": 5}}, "must be 0 or at least 5, the dimensions of a game, got 4"),
        ({"dimensions_drawn_from": 6, "env_id": "CausalDAGText-v0"}, "needs an env with the argument dimension_names"),
        ({"dimensions_drawn_from": 6, "env_kwargs": {"rewarded_dimensions": ("color",)}}, "needs .* no rewarded_dimensions"),
        ({"variables_drawn_from": 7}, "needs .* an env with the argument variable_names .*got .*'OddOneOutText-v0'"),
        ({"variables_drawn_from": 27, "env_id": "CausalDAGText-v0"}, "variables_drawn_from must be an int from 2 to 26, got 27"),
        ({"variables_drawn_from": 4, "env_id": "CausalDAGText-v0"}, "must be 0 or at least 5, the variables of a game, got 4"),
        (
            {"variables_drawn_from": 7, "env_id": "CausalDAGText-v0", "env_kwargs": {"split": "eval_path"}},
            "neither that argument nor split",
        ),
        (
            {
                "variables_drawn_from": 7,
                "env_id": "CausalDAGText-v0",
                "first_updates": 3,
                "first_env_kwargs": {"num_variables": 3},
            },
            "first_env_kwargs must not change the held-out link where variables are drawn, got num_variables",
        ),
    ],
)
def test_dimensions_and_variables_are_drawn_only_where_there_are_some(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**changes)


def test_texts_are_new_in_every_chunk_and_a_function_of_the_seed():
    config = TrainingConfig()
    chunks = [texts_of(config, chunk, count=50) for chunk in (0, 1)]
    assert texts_of(config, 0, count=50) == chunks[0] and not set(chunks[0]) & set(chunks[1])
    assert not set(texts_of(dataclasses.replace(config, seed=1), 0, count=50)) & set(chunks[0])
    assert not set(texts_of(config, 0, domain=SeedDomain.VALIDATION, count=50)) & set(chunks[0])


@pytest.mark.parametrize("condition", ["both", "reasoning_compared"])
def test_shuffled_texts_have_the_same_moves(condition):
    true, shuffled = (texts_of(TrainingConfig(condition=name), 0, count=40) for name in (condition, f"{condition}_shuffled"))
    explained = ("Reasoning: ", "Outcome explanation: ")
    moves = [[line for line in "\n".join(texts).split("\n") if not line.startswith(explained)] for texts in (true, shuffled)]
    assert moves[0] == moves[1] and sum(a != b for a, b in zip(true, shuffled, strict=True)) > 35
    reasons = [[line for line in "\n".join(texts).split("\n") if line.startswith("Reasoning: ")] for texts in (true, shuffled)]
    assert sorted(reasons[0]) == sorted(reasons[1]) != reasons[0]  # all of them, each in another game


def test_the_tokenizer_keeps_letters_and_digits_single_and_encodes_anything():
    tokenizer = make_tokenizer(texts_of(TrainingConfig(condition="both"), 0, count=100))
    pieces = [tokenizer.decode([token]) for token in tokenizer.encode("I transform object B into a different color: red 1234.\n")]
    assert pieces[3] == " B" and pieces[-6:] == ["1", "2", "3", "4", ".", "\n"]
    for text in ("Überraschung: 99 €\t\n\n", "New game.\nA) red"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.eos_token == END and len(tokenizer.encode(END)) == 1


def weights(training):
    return {name: value.clone() for name, value in training.model.state_dict().items()}


@pytest.mark.parametrize("kept", [1, 3, 5])
def test_a_killed_training_resumes_to_the_same_weights(kept, tmp_path, monkeypatch):
    whole = Training(SMALL, tmp_path / "whole")
    whole.run()
    update = Training.update

    def killed(self, batch):
        if self.updates == kept:
            raise KeyboardInterrupt
        return update(self, batch)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Training, "update", killed)
        Training(SMALL, tmp_path / "killed").run()
    resumed = Training(SMALL, tmp_path / "killed", resume=True)
    assert resumed.updates == kept - kept % 2
    resumed.run()
    for name, value in weights(whole).items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert (tmp_path / "killed" / HISTORY).read_text() == (tmp_path / "whole" / HISTORY).read_text()
    assert not (tmp_path / "killed" / CHECKPOINT).exists()


def test_games_with_other_arguments_come_first(tmp_path):
    """Half a chunk of them is asked for, so the whole first chunk is of them."""
    size = training_module.CHUNK // 2
    first = {"first_updates": 1, "first_env_kwargs": {"num_experiments": 0}}
    config = dataclasses.replace(SMALL, condition="reasoning_listed", batch_size=size, num_updates=3, **first)
    training = Training(config, tmp_path)
    experiments = []
    for batch in training.batches():
        texts = training.tokenizer.batch_decode(batch.inputs)
        experiments.append({text.count("I transform object") for text in texts})
        assert all("A) " in text[text.index("Reasoning:") :] for text in texts)
        training.updates += 1
    assert experiments == [{0}, {0}, {3}]


@pytest.mark.parametrize("drawn", [0, 8])
def test_what_is_held_out_is_held_out_in_the_first_games_too(drawn):
    config = dataclasses.replace(
        SMALL, env_kwargs={"num_dimensions": 3}, dimensions_drawn_from=drawn, first_updates=1, first_env_kwargs={"num_dimensions": 6}
    )
    assert config.held_out_dimension == config.first.held_out_dimension == "texture"
    rewarded = set(
        re.findall(r"into a different (\w+): \w+\.\nChoosing object \w was rewarded!", "".join(texts_of(config.first, 0, count=400)))
    )
    assert "texture" not in rewarded and len(rewarded) == (7 if drawn else 5)


def test_lower_precision_is_that_of_updates_alone(tmp_path):
    trainings = [Training(dataclasses.replace(SMALL, precision=name), tmp_path / name) for name in ("float32", "bfloat16")]
    for training in trainings:
        training._set_training(False)
    batch = next(trainings[0].batches())
    assert torch.equal(*(training._loss(batch) for training in trainings))
    for training in trainings:
        training.run()
    full, low = map(weights, trainings)
    assert all(value.dtype == torch.float32 for value in low.values())
    differences = torch.stack([(low[name] - value).abs().max() for name, value in full.items()])
    assert 0 < differences.max() < 0.1


def test_padding_to_few_lengths_leaves_the_loss_as_it_is(tmp_path):
    training = Training(dataclasses.replace(SMALL, condition="both", batch_size=8, player_loss_only=True), tmp_path)
    training._set_training(False)
    batch = next(training.batches())
    assert batch.inputs.shape == batch.targets.shape and batch.inputs.shape[1] % 16 == 0
    log_likelihoods = []
    for text in training_texts(training.config, 0, count=8):
        ((inputs, targets),) = training._encode([text])
        log_probabilities = training.model(torch.tensor([inputs])).logits[0].log_softmax(-1)
        log_likelihoods += [log_probabilities[at, target] for at, target in enumerate(targets) if target >= 0]
    assert training._loss(batch).item() == pytest.approx(-torch.stack(log_likelihoods).mean().item(), rel=1e-5)


@pytest.mark.parametrize("env_id", ["OddOneOutText-v0", "CausalDAGText-v0"])
def test_the_loss_is_of_all_words_or_of_the_players_alone(env_id, tmp_path):
    config = dataclasses.replace(SMALL, env_id=env_id, condition="both", batch_size=8)
    every, own = (Training(dataclasses.replace(config, player_loss_only=only), tmp_path / str(only)) for only in (False, True))
    all_words, players = (next(training.batches()) for training in (every, own))
    assert torch.equal(all_words.inputs, players.inputs)
    for row, text in enumerate(training_texts(config, 0, count=8)):
        ids = every.tokenizer.encode(join_passages(text) + END)  # as a player's prompt is encoded, and not in parts
        assert all_words.inputs[row, : len(ids) - 1].tolist() == ids[:-1]
        assert all_words.targets[row, : len(ids) - 1].tolist() == ids[1:] and (all_words.targets[row, len(ids) - 1 :] < 0).all()
        counts = players.targets[row] >= 0
        assert torch.equal(players.targets[row][counts], all_words.targets[row][counts])
        actions = r"I transform object . into a different \w+|I choose object .|I set . to .."
        own_words = rf"^(?:Reasoning:|Outcome explanation:)(.*\n)|^({actions})"
        assert every.tokenizer.decode(players.targets[row][counts]) == "".join(
            explanation or action for explanation, action in re.findall(own_words, join_passages(text), re.MULTILINE)
        )


def test_texts_are_learned(tmp_path, capsys):
    Training(dataclasses.replace(SMALL, learning_rate=0.02, num_updates=40, evaluate_every=40), tmp_path).run()
    losses = read_history(tmp_path / HISTORY).set_index("metric")["mean"]
    assert losses["validation_loss"] < 3  # of a uniform guess: 6.2
    shown = dict(re.findall(r"(\w+_loss)=([\d.]+)", capsys.readouterr().err))
    assert float(shown["validation_loss"]) == pytest.approx(losses["validation_loss"], abs=0.01)
    assert losses["validation_loss"] - 0.1 < float(shown["training_loss"]) < 4  # a mean of the latest updates


def test_the_command_trains_a_model_that_the_other_command_plays(tmp_path, capsys):
    tiny = ("--gpt.width", "16", "--gpt.num-layers", "1", "--gpt.num-heads", "2", "--num-updates", "4", "--batch-size", "4")
    out = tmp_path / "model"
    options = (*tiny, "--evaluate-every", "2", "--evaluation-games", "4", "--condition", "outcome", "--out", str(out))
    train.main(options)
    assert "Trained" in capsys.readouterr().out
    table = read_history(out / HISTORY)
    assert set(table["batch"]) == {2, 4} and {"test_correct_rate", "validation_loss"} <= set(table["metric"])
    assert set(table[table["metric"] == "test_correct_rate"]["split"]) == {"included", "held_out"}
    assert (out / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / TRAINING).read_text())["condition"] == "outcome"
    evaluation = tmp_path / "evaluation"
    command.main(["--model_args", f"pretrained={out}", "--shots", "0", "--conditions", "outcome", "--games", "3", "--out", str(evaluation)])
    assert (evaluation / "results.csv").exists()
    with pytest.raises(SystemExit, match=r"error: folder: .* holds a training; choose another one, or resume"):
        train.main(options)
    with pytest.raises(SystemExit, match=r"error: folder: .* another configuration \(seed was 0 and is 1\)"):
        train.main([*options, "--resume", "--seed", "1"])
    document = json.loads((out / TRAINING).read_text())
    del document["names_drawn"]  # as if it were of before this option existed
    (out / TRAINING).write_text(json.dumps(document))
    before = (out / "model.safetensors").read_bytes()
    train.main([*options, "--resume"])  # it is over
    assert (out / "model.safetensors").read_bytes() == before


def test_a_training_can_begin_with_a_trained_model(tmp_path):
    """Also on longer texts, which need more positions, and in another wording, whose words get no tokens of their own."""
    trained = Training(dataclasses.replace(SMALL, num_updates=1), tmp_path / "trained")
    trained.run()
    longer = {"condition": "reasoning_judged", "env_kwargs": {"num_dimensions": 4, "num_experiments": 4}, "num_updates": 1}
    config = dataclasses.replace(SMALL, init=str(tmp_path / "trained"), **longer)
    begun = Training(config, tmp_path / "begun")
    for name, value in weights(trained).items():
        assert torch.equal(value, begun.model.state_dict()[name]), name
    text = join_passages(training_texts(config, 0, count=1)[0])
    assert begun.tokenizer.encode(text) == trained.tokenizer.encode(text)
    assert begun.model.config.max_position_embeddings > trained.model.config.max_position_embeddings
    begun.run()
    assert any(not torch.equal(value, begun.model.state_dict()[name]) for name, value in weights(trained).items())
    resumed = Training(config, tmp_path / "begun", resume=True)
    assert resumed.config == config


def test_a_training_begins_with_a_model_of_its_own_size_alone(tmp_path):
    Training(dataclasses.replace(SMALL, num_updates=1), tmp_path / "trained").run()
    options = ("--init", str(tmp_path / "trained"), "--out", str(tmp_path / "begun"))
    with pytest.raises(SystemExit, match=r"error: init must be the folder of a model of the same size.* \(hidden_size is 16, not 128; "):
        train.main(options)
    (tmp_path / "trained" / "tokenizer.json").unlink()
    with pytest.raises(SystemExit, match=r"error: init must be the folder of a trained model, got .*, which lacks tokenizer.json"):
        train.main(options)
    assert not (tmp_path / "begun").exists()


def test_a_training_begins_with_all_weights_or_not_at_all(tmp_path):
    trained, path = Training(dataclasses.replace(SMALL, num_updates=1), tmp_path / "trained"), tmp_path / "trained" / "model.safetensors"
    trained.run()
    config = dataclasses.replace(SMALL, init=str(tmp_path / "trained"))
    kept = load_file(path)
    del kept["model.norm.weight"]
    save_file(kept, path)
    with pytest.raises(ValueError, match=r"init: .* has other weights than this model: model.norm.weight"):
        Training(config, tmp_path / "begun")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"init: .* cannot be read as the weights of this model"):
        Training(config, tmp_path / "begun")
    assert not (tmp_path / "begun").exists()


def test_a_model_of_texts_of_several_games_is_evaluated_with_a_prompt(tmp_path):
    config = dataclasses.replace(SMALL, texts="in_context", condition="outcome", num_updates=2, env_kwargs={"num_dimensions": 4})
    training = Training(config, tmp_path)
    training.run()
    assert config.evaluation.shots == 4 and config.evaluation.included_kwargs["rewarded_dimensions"] == ("color", "shape")
    assert set(read_history(tmp_path / HISTORY)["split"]) == {"included", "held_out"}
    assert training.model.config.max_position_embeddings > 5 * 190


def test_texts_of_causal_dags_are_those_of_the_training_split():
    config = TrainingConfig(env_id="CausalDAGText-v0", condition="outcome")
    texts = texts_of(config, 0, count=300)
    effects = {name: "".join(re.findall(rf"Setting {name} to \+5( [^.]*\.[^\n]*)", "".join(texts))) for name in "ABCDE"}
    moved = {name: set(re.findall(r"([A-E]) by", text)) for name, text in effects.items()}
    assert moved["D"] == {"A", "B", "C"} and moved["C"] == {"A", "B", "D", "E"}


def test_a_model_of_causal_dags_is_evaluated_on_all_splits(tmp_path):
    config = dataclasses.replace(SMALL, env_id="CausalDAGText-v0", num_updates=2, evaluate_every=2)
    Training(config, tmp_path).run()
    history = read_history(tmp_path / HISTORY)
    assert set(history[history["metric"] == "normalized_reward"]["split"]) == {"train", "eval_target", "eval_path"}
    assert set(history[history["metric"] == "validation_loss"]["split"]) == {"train"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--env", "CausalDAGText-v0", "--texts", "in_context"), "env must have dimensions"),
        (("--env", "CausalDAGText-v0", "--held-out", "E"), "held_out must be None for CausalDAGText-v0"),
        (("--condition", "instructions"), "condition must be one of game texts"),
        (("--held-out", "position"), "held_out must be one of"),
        (("--preset", "slow"), "preset must be one of quick, full"),
        (("--learning-rate", "0"), "learning_rate must be"),
        (("--num-updates", "0"), "num_updates must be"),
        (("--num-updates", "9", "--first-updates", "10"), "first_updates must be an int from 0 to 9"),
        (("--first-updates", "1"), r"first_env_kwargs must say how the first games differ .*, got {} and 1"),
        (("--first-env-kwargs.num-experiments", "0"), "first_env_kwargs must .*, got {'num_experiments': 0} and 0"),
        (
            ("--first-updates", "1", "--env-kwargs.num-dimensions", "5", "--first-env-kwargs.num-dimensions", "3"),
            "held_out must be one of color, shape, texture, got 'material'",
        ),
        (
            ("--env", "CausalDAGText-v0", "--first-updates", "1", "--first-env-kwargs.num-variables", "1"),
            "num_variables must be an int from 2 to 702, got 1",
        ),
        (
            ("--env", "CausalDAGText-v0", "--condition", "both_listed"),
            "conditions: 'both_listed' is none of CausalDAGText-v0: target_reasoning must be one of direct, comparisons, got 'values'",
        ),
    ],
)
def test_mistakes(options, message, tmp_path):
    with pytest.raises(SystemExit, match=f"error: {message}"):
        train.main([*options, "--out", str(tmp_path / "model")])
    assert not (tmp_path / "model").exists()


def test_defaults_are_those_of_the_preset():
    for name, chosen in PRESETS.items():
        assert train.parse(["--preset", name]).config() == chosen
