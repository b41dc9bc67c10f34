"""The network of an agent, as data."""

from __future__ import annotations

from dataclasses import dataclass

from gym_causal.arguments import check_integer, check_number, check_one_of

ENCODERS = ("mlp", "linear", "names")


@dataclass(frozen=True, kw_only=True)
class ArchitectureConfig:
    """The network; see :mod:`agents.networks`.

    Raises:
        ValueError: a value out of range; the message names the argument, what is accepted and what came.
    """

    kind: str = "variable"
    """Name of a network in agents.networks.registry. In causal DAGs variable, embedded or equivariant: a token for each variable and
    trial; or trial: a token for each trial. In odd-one-out rooms object: a token for each object in view; or convolutional: a
    convolutional network reads the view. generic: any Box, Discrete or flat Dict observation."""
    width: int = 48
    """Features of a token."""
    num_layers: int = 2
    """Transformer blocks."""
    num_heads: int = 4
    """Attention heads; they divide the width."""
    name_size: int = 16
    """Size of the learned embedding of a variable's name, where names are embedded."""
    encoder: str = "mlp"
    """How ``trial`` encodes a trial: mlp, linear or names."""
    look_size: int = 32
    """Size of the embedding of an object's appearance; for ``object`` alone."""
    comparisons: int = 0
    """Learned directions along which the appearances of objects are compared, for ``object`` alone; 0: each embedding entry by itself."""
    dropout: float = 0.0
    """Dropout probability of each block's output in training."""
    context: int | None = None
    """Steps that attention reaches back, the present one included; None: the default of the network."""

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or not self.kind:
            raise ValueError(f"kind must be the name of a network, got {self.kind!r}")
        check_one_of("encoder", self.encoder, ENCODERS)
        for name in ("width", "num_layers", "num_heads", "name_size", "look_size"):
            check_integer(name, getattr(self, name), 1, 4_096)
        check_integer("comparisons", self.comparisons, 0, 4_096)
        check_number("dropout", self.dropout, 0, 0.95)
        if self.context is not None:
            check_integer("context", self.context, 1, 1_000_000)
        if self.width % self.num_heads:
            raise ValueError(f"num_heads must divide the width, {self.width}, got {self.num_heads}")
