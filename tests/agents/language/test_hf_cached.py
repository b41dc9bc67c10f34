"""The backend with stored keys and values: its scores and texts are those of lm_eval's own loop and of the bare model."""

import inspect

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from agents.language.conditions import CONDITIONS
from agents.language.experiment import Experiment
from agents.language.hf_cached import CachedModel, load_cached_model
from agents.language.models import GenerationRequest, load_model
from agents.language.token_tree import TokenTree, attention_columns
from gym_causal.core.streams import SeedDomain
from gym_causal.transcripts import Game, play_games

SENTENCES = [f"I transform object {letter} into a different {name}" for letter in "ABC" for name in ("color", "shape", "texture")]


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_cached_model(str(checkpoint), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def contexts():
    """Of several games at several turns, after one prompt."""
    prompt = Experiment(env_id="OddOneOutText-v0", shots=1, prompts=1).candidate_prompts(CONDITIONS["both"])[0]
    games = play_games("OddOneOutText-v0", num_episodes=5, domain=SeedDomain.EVALUATION)
    return [
        prompt + "New game.\n" + Game(game.turns[:n]).render(outcome=True, reasoning=True) + game.turns[n].before_action(reasoning=True)
        for n in range(3)
        for game in games
    ]


def bare_score(model, context, continuation):
    """log p(continuation | context), computed by hand from one pass over the whole text."""
    stripped = context.rstrip()
    tokens, start = model.tokenizer.encode(context + continuation), len(model.tokenizer.encode(stripped))
    with torch.no_grad():
        log_probs = torch.log_softmax(model.model(torch.tensor([tokens])).logits[0].float(), dim=-1)
    return sum(float(log_probs[i - 1, tokens[i]]) for i in range(start, len(tokens)))


def test_scores_are_those_of_the_bare_model(model, contexts):
    requests = [(context, sentence) for context in contexts for sentence in SENTENCES]
    scores = model.loglikelihood(requests)
    np.testing.assert_allclose(scores, [bare_score(model, *request) for request in requests], atol=1e-3)
    assert np.std(scores) > 0.5
    assert model.loglikelihood(requests[:7]) == pytest.approx(scores[:7], abs=1e-4)  # again: what is stored is used
    assert model.loglikelihood(requests[40:41]) == pytest.approx(scores[40:41], abs=1e-3)  # alone


def test_scores_and_texts_are_those_of_lm_eval(model, checkpoint, contexts):
    pytest.importorskip("lm_eval")
    theirs = load_model("hf", {"pretrained": str(checkpoint), "device": "cpu", "dtype": "float32", "batch_size": 9})
    requests = [(context, sentence) for context in contexts[::4] for sentence in SENTENCES]
    np.testing.assert_allclose(model.loglikelihood(requests), theirs.loglikelihood(requests), atol=1e-3)
    generation = [GenerationRequest(context + "Reasoning:", "\n", 12) for context in contexts[::4]]
    assert model.generate_until(generation) == theirs.generate_until(generation)
    assert model.count_tokens(contexts[0]) == theirs.count_tokens(contexts[0])


def test_texts_are_those_of_transformers(model, contexts):
    requests = [GenerationRequest(context, "@", 8 + 3 * i) for i, context in enumerate(contexts[:6])]
    for request, text in zip(requests, model.generate_until(requests), strict=True):
        tokens = torch.tensor([model.tokenizer.encode(request.context)])
        with torch.no_grad():
            written = model.model.generate(tokens, max_new_tokens=request.max_tokens, do_sample=False)[0, tokens.shape[1] :]
        assert text == model.tokenizer.decode(written, skip_special_tokens=True).split("@")[0]


def test_little_memory_changes_no_score(model, contexts):
    small = CachedModel(model.model, model.tokenizer, cache_gb=1e-9)
    for start in range(0, 15, 5):
        requests = [(context, sentence) for context in contexts[start : start + 5] for sentence in SENTENCES[:2]]
        np.testing.assert_allclose(small.loglikelihood(requests), model.loglikelihood(requests), atol=1e-3)
        kept = len(small._computer.tree)
    assert kept < len(model._computer.tree)


def test_answers_that_begin_or_end_alike(model):
    """One answer may be the beginning of another, or a single token."""
    requests = [("New game.\nA\n", continuation) for continuation in ("I", "I choose", "I choose object B", " B", "\n")]
    np.testing.assert_allclose(model.loglikelihood(requests), [bare_score(model, *request) for request in requests], atol=1e-3)


def test_a_text_that_is_too_long_is_refused(model):
    long = "There are three objects in front of me:\n" * 300
    with pytest.raises(ValueError, match=r"prompt: 3000 tokens .* the model reads at most 2048; take fewer --shots"):
        model.loglikelihood([(long, "I")])
    with pytest.raises(ValueError, match="prompt: "):
        model.generate_until([GenerationRequest("A", max_tokens=4_000)])


def test_a_model_that_cannot_compute_trees_is_refused(model, monkeypatch):
    """Here one whose positions are counted from the number of keys, whatever positions it is given."""
    forward = model.model.forward

    def counted(*args, position_ids=None, **kwargs):
        return forward(*args, **kwargs)

    monkeypatch.setattr(counted, "__signature__", inspect.signature(forward), raising=False)
    monkeypatch.setattr(model.model, "forward", counted)
    with pytest.raises(ValueError, match=r"hf-cached cannot compute this architecture .* use --model hf"):
        CachedModel(model.model, model.tokenizer)


def test_gpt2_too(tmp_path, checkpoint):
    """A model with learned positions."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    torch.manual_seed(0)
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_positions=128, n_embd=16, n_layer=2, n_head=2)).eval()
    model = CachedModel(gpt2, tokenizer)
    assert model.max_length == 128
    requests = [("New game.\nThere are\n", sentence) for sentence in SENTENCES]
    np.testing.assert_allclose(model.loglikelihood(requests), [bare_score(model, *request) for request in requests], atol=1e-3)


def test_a_tree_stores_what_texts_share_once():
    tree = TokenTree()
    first, second = tree.insert([1, 2, 3]), tree.insert([1, 2, 4])
    assert first == [0, 1, 2] and second == [0, 1, 3] and tree.depths == [0, 1, 2, 2]
    assert tree.matched([1, 2, 4, 9]) == [0, 1, 3] and tree.matched([2]) == []
    past, mask = attention_columns([np.array(second)], np.array([3]), len(tree))
    assert past.tolist() == [0, 1] and mask.tolist() == [[True, True, True]]
    tree.truncate(3)
    assert tree.matched([1, 2, 4]) == [0, 1] and len(tree) == 3
    tree.insert([5])
    tree.keep(np.array([0, 3]))
    assert tree.tokens == [1, 5] and tree.matched([5]) == [1] and tree.insert([1, 2]) == [0, 2]


SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}


@pytest.mark.parametrize("kind", ["qwen3", "gemma3_text", "gpt_neox", "opt"])
def test_other_architectures(kind, checkpoint):
    """Grouped keys, windows that are long enough, and other kinds of positions."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    config = AutoConfig.for_model(kind, **SIZES, ffn_dim=64, word_embed_proj_dim=32, vocab_size=len(tokenizer), max_position_embeddings=256)
    torch.manual_seed(0)
    model = CachedModel(AutoModelForCausalLM.from_config(config).eval(), tokenizer, max_length=256)
    requests = [("New game.\nThere are\n", sentence) for sentence in SENTENCES]
    np.testing.assert_allclose(model.loglikelihood(requests), [bare_score(model, *request) for request in requests], atol=1e-3)


def test_architectures_that_need_another_backend(checkpoint):
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    for kind, sizes in (("mamba", {"num_hidden_layers": 1}), ("bloom", {"n_layer": 1, "n_head": 4})):
        config = AutoConfig.for_model(kind, hidden_size=32, vocab_size=len(tokenizer), **sizes)
        with pytest.raises(ValueError, match=r"hf-cached cannot compute this architecture .* use --model hf"):
            CachedModel(AutoModelForCausalLM.from_config(config).eval(), tokenizer, max_length=256)
    config = AutoConfig.for_model("mistral", **SIZES, vocab_size=len(tokenizer), sliding_window=12)
    model = CachedModel(AutoModelForCausalLM.from_config(config).eval(), tokenizer, max_length=256)
    with pytest.raises(ValueError, match="some layers of the model attend to the last 12 alone"):
        model.loglikelihood([("There are three objects in front of me:\n", SENTENCES[0])])
