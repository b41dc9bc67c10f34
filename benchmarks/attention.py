"""Our explicit attention beside torch's scaled_dot_product_attention, in the Transformers of the agents, at the sizes they are trained at.

    python -m benchmarks.attention [--env CausalDAG-v0 ...] [--rounds 15] [--repeats 4] [--threads 1] [--out FILE]

Each Transformer of a network is fed what it gets from one batch of demonstrations of the quick preset. The two kinds of attention take
turns; the ratio is taken within a round, and the median round counts, with the lowest and the highest beside it. Seconds are of the
processor, so that other work on the machine matters less.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from agents.algorithms.losses import to_tensors
from agents.config import AgentConfig, preset
from agents.config.presets import named_architecture
from agents.data.collate import iterate_batches
from agents.data.demonstrations import collect
from agents.networks.attention import Attention, Transformer
from agents.networks.kv_cache import KVCache
from agents.policies.loading import build_policy
from gym_causal.registry import make_task

CASES = (  # (env, architecture)
    ("CausalDAG-v0", "variable"),
    ("CausalDAG-v0", "trial"),
    ("CausalDAGCued-v0", "variable"),
    ("OddOneOutConfounded-v0", "object"),
    ("OddOneOutIntervention-v0", "object"),
)
Call = tuple[Transformer, tuple[Any, ...], dict[str, Any]]  # a Transformer and its arguments


class ScaledDotProductAttention(Attention):
    """The same with torch's function, for whole episodes."""

    def forward(
        self, x: Tensor, query_index: Tensor, attention_mask: Tensor, attention_bias: Tensor | None, cache: KVCache | None, layer: int
    ) -> Tensor:
        """See :class:`Attention`. ``cache`` must be None."""
        queries, keys, values = self.qkv_projection(x).chunk(3, dim=-1)
        if len(query_index) < x.shape[1]:
            queries = queries[:, query_index]
        queries, keys, values = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in (queries, keys, values))
        mask = attention_mask[:, None]  # (1 or B, 1, Q, S)
        if self.bias_weight is not None:
            assert attention_bias is not None
            bias = (self.bias_weight @ attention_bias.flatten(1)).unflatten(1, attention_bias.shape[1:])  # (H, B, Q, S)
            mask = bias.transpose(0, 1) + mask
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)  # (B, H, Q, D)
        return self.output_projection(attended.transpose(1, 2).flatten(2))


def with_torch_attention(transformer: Transformer) -> Transformer:
    """A copy that attends with torch's function."""
    twin = copy.deepcopy(transformer)
    for module in twin.modules():
        if isinstance(module, Attention):
            module.__class__ = ScaledDotProductAttention
    return twin


def calls(env_id: str, architecture: str) -> dict[str, Call]:
    """Name -> what each Transformer of an agent's network is called with, of one batch of demonstrations."""
    chosen = preset(env_id, "quick")
    if architecture != chosen.architecture.kind:
        chosen = replace(chosen, architecture=named_architecture(architecture))
    config = AgentConfig(env_id=env_id, env_kwargs=chosen.env_kwargs, architecture=chosen.architecture, training=chosen.training)
    count = chosen.training.batch_size
    episodes = collect("expert", env_id, count, 0, {**chosen.env_kwargs, **chosen.demonstration_kwargs, "explain": "none"})
    observations, _ = to_tensors(next(iter(iterate_batches(episodes, count, make_task(env_id, 1, **chosen.env_kwargs)))))
    network = build_policy(config).network
    found: dict[str, Call] = {}
    names = {module: name for name, module in network.named_modules() if isinstance(module, Transformer)}

    def note(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found[names[module]] = module, _leaves(args), _leaves(kwargs)

    hooks = [module.register_forward_pre_hook(note, with_kwargs=True) for module in names]
    network.encode(observations)
    for hook in hooks:
        hook.remove()
    return found


def _leaves(arguments: Any) -> Any:
    """The same with tensors that are of no graph but get gradients, as they do in training."""
    if isinstance(arguments, dict):
        return {key: _leaves(value) for key, value in arguments.items()}
    if isinstance(arguments, tuple):
        return tuple(_leaves(value) for value in arguments)
    return arguments.detach().clone().requires_grad_(arguments.requires_grad) if isinstance(arguments, Tensor) else arguments


def forward(transformer: Transformer, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Only the outputs."""
    with torch.no_grad():
        transformer(*args, **kwargs)


def forward_and_backward(transformer: Transformer, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Outputs and gradients."""
    transformer(*args, **kwargs).square().mean().backward()


def seconds(run: Callable[..., None], call: Call, repeats: int) -> float:
    """Of the processor, for so many runs one after the other."""
    start = time.process_time()
    for _ in range(repeats):
        run(*call)
    return time.process_time() - start


def ratios(call: Call, run: Callable[..., None], rounds: int, repeats: int) -> list[float]:
    """Seconds with torch's attention over seconds with ours, of each round, in order of size."""
    ours, (transformer, *arguments) = call, call
    theirs: Call = (with_torch_attention(transformer), *arguments)  # type: ignore[assignment]
    with torch.no_grad():
        torch.testing.assert_close(theirs[0](*theirs[1], **theirs[2]), transformer(*ours[1], **ours[2]), rtol=1e-3, atol=1e-4)
    found = []
    for number in range(rounds + 1):
        both = {}
        for kind in (ours, theirs) if number % 2 else (theirs, ours):
            both[kind is theirs] = seconds(run, kind, repeats)
        found.append(both[True] / both[False])
    return sorted(found[1:])  # the first round also warms up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", nargs="*", help="ids of environments; default: all that have agents of their own")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--repeats", type=int, default=4, help="of each kind of attention in a round")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--out", type=Path, help="a JSON file")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    rows = []
    print("seconds with scaled_dot_product_attention / seconds with explicit attention: median [lowest, highest]")
    for env_id, architecture in CASES:
        if args.env and env_id not in args.env:
            continue
        for name, call in calls(env_id, architecture).items():
            shape = tuple(call[1][0].shape)
            row: dict[str, Any] = {"env_id": env_id, "architecture": architecture, "transformer": name, "input": shape}
            line = f"{env_id:24} {architecture:9}{name:22} {'x'.join(map(str, shape)):15}"
            for run in (forward_and_backward, forward):
                row[run.__name__] = found = ratios(call, run, args.rounds, args.repeats)
                line += f"  {run.__name__} {statistics.median(found):.2f} [{found[0]:.2f}, {found[-1]:.2f}]"
            rows.append(row)
            print(line, flush=True)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({"threads": args.threads, "torch": torch.__version__, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
