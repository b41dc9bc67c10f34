"""Our explicit attention beside torch's scaled_dot_product_attention, in the Transformers of the agents, at the sizes they are trained at.

    python -m benchmarks.attention [--env CausalDAG-v0 ...] [--rounds 15] [--repeats 4] [--threads 1] [--out FILE]

Each Transformer of a network is fed what it gets from one batch of demonstrations of the quick preset; then the whole network computes the
loss of that batch and its gradients, as an update does. The two kinds of attention take turns; the ratio is taken within a round, and the
median round counts, with the lowest and the highest beside it. Seconds are of the processor, so that other work on the machine matters
less.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor, nn

from agents.algorithms.losses import CloningLoss, to_tensors
from agents.config import AgentConfig, preset
from agents.config.presets import named_architecture
from agents.data.collate import iterate_batches
from agents.data.demonstrations import collect
from agents.networks.attention import Attention, Transformer
from agents.networks.kv_cache import KVCache
from agents.policies.loading import build_policy
from agents.policies.sequence_policy import SequencePolicy
from benchmarks.reports import save_report
from gym_causal.registry import make_task

CASES = (  # (env, architecture)
    ("CausalDAG-v0", "variable"),
    ("CausalDAG-v0", "trial"),
    ("CausalDAGCued-v0", "variable"),
    ("OddOneOutConfounded-v0", "object"),
    ("OddOneOutIntervention-v0", "object"),
)


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


@dataclass(frozen=True)
class Args:
    """Compare torch's attention with ours."""

    env: tuple[str, ...] = ()
    """Ids of environments; none named: all that have agents of their own."""
    rounds: int = 15
    """Of which the median counts."""
    repeats: int = 4
    """Of each kind of attention in a round."""
    threads: int = 1
    """Of torch."""
    out: Path | None = None
    """A JSON file."""


@dataclass(frozen=True)
class Case:
    """A module that contains attention, and what is measured of it."""

    name: str
    module: nn.Module
    run: Callable[[nn.Module], Tensor]  # () float; to be called with the module or a copy of it
    shape: str = ""


def with_torch_attention(original: nn.Module) -> nn.Module:
    """A copy that attends with torch's function."""
    twin = copy.deepcopy(original)
    for module in twin.modules():
        if isinstance(module, Attention):
            module.__class__ = ScaledDotProductAttention
    return twin


def cases(env_id: str, architecture: str) -> list[Case]:
    """A whole agent, and each Transformer in it, in an update on one batch of demonstrations."""
    chosen = preset(env_id, "quick")
    if architecture != chosen.architecture.kind:
        chosen = replace(chosen, architecture=named_architecture(architecture))
    config = AgentConfig(env_id=env_id, env_kwargs=chosen.env_kwargs, architecture=chosen.architecture, training=chosen.training)
    count = chosen.training.batch_size
    episodes = collect("expert", env_id, count, 0, {**chosen.env_kwargs, **chosen.demonstration_kwargs, "explain": "none"})
    batch = to_tensors(next(iter(iterate_batches(episodes, count, make_task(env_id, 1, **chosen.env_kwargs)))))
    policy = build_policy(config)
    found = [Case("update of the agent", policy, lambda module: CloningLoss()(cast(SequencePolicy, module), *batch).total)]
    names = {module: name for name, module in policy.network.named_modules() if isinstance(module, Transformer)}

    def note(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        args, kwargs = _leaves(args), _leaves(kwargs)
        shape = "x".join(map(str, args[0].shape))
        found.append(Case(names[module], module, lambda module: module(*args, **kwargs).square().mean(), shape))

    hooks = [module.register_forward_pre_hook(note, with_kwargs=True) for module in names]
    policy.network.encode(batch[0])
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


def seconds(case: Case, module: nn.Module, repeats: int, *, gradients: bool) -> float:
    """Of the processor, for so many runs one after the other."""
    start = time.process_time()
    with torch.set_grad_enabled(gradients):
        for _ in range(repeats):
            result = case.run(module)
            if gradients:
                result.backward()
    return time.process_time() - start


def ratios(case: Case, rounds: int, repeats: int, *, gradients: bool) -> list[float]:
    """Seconds with torch's attention over seconds with ours, of each round, in order of size."""
    ours, theirs = case.module, with_torch_attention(case.module)
    torch.testing.assert_close(case.run(theirs), case.run(ours), rtol=1e-3, atol=1e-4)
    found = []
    for number in range(rounds + 1):
        both = {module: seconds(case, module, repeats, gradients=gradients) for module in ((ours, theirs), (theirs, ours))[number % 2]}
        found.append(both[theirs] / both[ours])
    return sorted(found[1:])  # the first round also warms up


def main(args: Args) -> None:
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    rows = []
    print("seconds with scaled_dot_product_attention / seconds with explicit attention: median [lowest, highest]")
    for env_id, architecture in CASES:
        if args.env and env_id not in args.env:
            continue
        for case in cases(env_id, architecture):
            row: dict[str, Any] = {"env_id": env_id, "architecture": architecture, "module": case.name, "input": case.shape}
            line = f"{env_id:24} {architecture:9}{case.name:22} {case.shape:15}"
            for name, gradients in (("forward_and_backward", True), ("forward", False)):
                row[name] = found = ratios(case, args.rounds, args.repeats, gradients=gradients)
                line += f"  {name} {statistics.median(found):.2f} [{found[0]:.2f}, {found[-1]:.2f}]"
            rows.append(row)
            print(line, flush=True)
    if args.out:
        save_report(args.out, {"threads": args.threads, "torch": torch.__version__, "rows": rows})


if __name__ == "__main__":
    main(tyro.cli(Args, prog="python -m benchmarks.attention"))
