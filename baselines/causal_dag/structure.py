"""What a careful causal scientist would do with the same noisy experiments: infer the graph, then act on what it implies.

A LeakyReLU can be inverted, so that every variable with causes is a linear regression on them,

    z_j = f^-1(x_j) = sum_p w_p x_p + e_j,   e_j ~ N(0, s_j^2),   f^-1(x) = x / slope where x < 0, else x,

in the rows in which it was not itself set; a root is noise alone, x_j = e_j. (Rows: all initial values, and the outcomes.) The
evidence for "the parents of j are S" is that regression's marginal likelihood (Bishop, Pattern Recognition and Machine Learning,
eq. 3.86; Heckerman, Geiger and Chickering 1995 for graphs scored by a product of local terms):

    p(rows | S) = slope^-(number of negative values) * sum_s p(s) N(z | X m, s^2 I + v X X^T),

with the weights' uniform prior replaced by the Gaussian of its mean m and variance v, and s on a grid of quantiles of its prior. The
first factor is the Jacobian of f^-1; a root has none, so leaving it out would favour roots or causes by the sign of the data.
A graph's posterior is its exact prior under the generator times its variables' evidence. With few variables all graphs are listed and
the most probable ones averaged over; with more, graphs are sampled from the posterior.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from baselines.causal_dag.graphs import MAX_ENUMERATED, all_graphs, check_size, parent_sets
from baselines.causal_dag.interventional_data import InterventionalData
from baselines.causal_dag.orders import sample_graphs
from gym_causal.causal_dag.config import CausalDAGConfig
from gym_causal.causal_dag.optimum import Optimum
from gym_causal.scm import StructuralCausalModels

MIN_NOISE_SCALE = 1e-3
"""Observations are float32, so even the values of a model without noise have a rounding error."""

_CHUNK = 256  # episodes at once; bounds memory to some 50 MB


class StructurePosterior:
    """Posterior over acyclic graphs, and with it over what every intervention does.

    Args:
        config: the environment's arguments: the prior.
        num_graphs: K, how many of the most probable graphs are averaged over. 32 cover 98% of the probability on average, and 8, 64 or
            256 give the same reward (measured).
        num_noise_scales: Q, grid points for the noise's standard deviation; 6 and 40 give the same reward (measured).
        seed: of the sampling, where graphs are sampled.

    Attributes:
        sets_: after :meth:`fit`, as all of these: (S, 2) int, the parent sets that a variable can have, -1 = none; the first is empty.
        choice_: (B, K, n) int, which of them each variable has in each episode's K graphs; listed graphs come most probable first.
        probability_: (B, K) float, the graphs' posterior probability (their sum is the mass that they cover), or 1 / K if sampled.
        weights_: (B, n, S, 2) float, posterior mean weights of every variable's regression on every parent set.
    """

    def __init__(self, config: CausalDAGConfig, num_graphs: int = 32, num_noise_scales: int = 10, seed: int = 0) -> None:
        self.config, self.num_graphs, self.num_noise_scales, self.seed = config, num_graphs, num_noise_scales, seed

    def fit(self, data: InterventionalData) -> StructurePosterior:
        """Infer from B episodes' trials. Only variables in the graph may be in ``data`` (see :meth:`InterventionalData.of`)."""
        num_variables = data.outcomes.shape[2]
        check_size(num_variables, self.config.distribution.num_parents)
        self.sets_ = parent_sets(num_variables)
        rng = np.random.default_rng(self.seed)
        parts = [self._fit(data[start : start + _CHUNK], rng) for start in range(0, len(data), _CHUNK)]
        self.choice_, self.probability_, self.weights_ = (np.concatenate(part) for part in zip(*parts, strict=True))
        return self

    @property
    def parents_(self) -> np.ndarray:
        """(B, K, n, 2) int, -1 = none; the graphs as parent lists."""
        return self.sets_[self.choice_]

    def expected_outcomes(self, goal: np.ndarray) -> np.ndarray:
        """(B, 2n) float; the goal's posterior mean noise-free value after each action, for (B,) goals; 0 for setting the goal itself."""
        parts = []
        for start in range(0, len(goal), _CHUNK):
            rows = slice(start, start + _CHUNK)
            choice, probability = self.choice_[rows], self.probability_[rows]
            batch, num_graphs, num_variables = choice.shape
            weights = np.take_along_axis(self.weights_[rows], choice.transpose(0, 2, 1)[..., None], 2)  # (B, n, K, 2)
            models = StructuralCausalModels(
                self.sets_[choice].reshape(batch * num_graphs, num_variables, 2),
                weights.transpose(0, 2, 1, 3).reshape(batch * num_graphs, num_variables, 2),
                np.zeros((batch * num_graphs, num_variables)),
                self.config.negative_slope,
            )
            optimum = Optimum.of(models, np.repeat(goal[rows], num_graphs), self.config.intervention_value)
            outcomes = optimum.values.reshape(batch, num_graphs, -1)
            parts.append(np.einsum("bka,bk->ba", outcomes, probability / probability.sum(axis=1, keepdims=True)))
        return np.concatenate(parts)

    def _fit(self, data: InterventionalData, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``choice_``, ``probability_`` and ``weights_`` of some episodes."""
        evidence, weights = self.local_evidence(data)
        batch, num_variables, _ = evidence.shape
        prior = self.config.distribution
        num_roots = (min(prior.num_roots[0], num_variables), min(prior.num_roots[1], num_variables))
        if num_variables > MAX_ENUMERATED:
            choice = sample_graphs(evidence, self.sets_, num_roots, prior.num_parents, prior.shuffle_names, self.num_graphs, rng)
            return choice, np.full((batch, self.num_graphs), 1 / self.num_graphs), weights
        graphs = all_graphs(num_variables, num_roots, prior.num_parents, prior.shuffle_names)
        # Only differences count; float32 is exact enough for those that matter, and halves the time.
        relative = (evidence - evidence.max(axis=2, keepdims=True)).astype(np.float32)
        log_posterior = relative.reshape(batch, -1) @ graphs.uses  # (B, G)
        log_posterior += graphs.log_prior.astype(np.float32)
        log_posterior -= log_posterior.max(axis=1, keepdims=True)
        posterior = np.exp(log_posterior, out=log_posterior)
        chosen = largest(posterior, min(self.num_graphs, posterior.shape[1]))
        probability = np.take_along_axis(posterior, chosen, 1) / posterior.sum(axis=1, keepdims=True)
        return graphs.choice[chosen], probability.astype(float), weights

    def local_evidence(self, data: InterventionalData) -> tuple[np.ndarray, np.ndarray]:
        """Each variable's regression on each parent set.

        Returns:
            (B, n, S) float, the log marginal likelihood, and (B, n, S, 2) float, the posterior mean weights (the prior's where a
            parent set has fewer than two members).
        """
        prior = self.config.distribution
        first, second = parent_sets(data.outcomes.shape[2]).T  # (S,) each
        rows = data.rows  # (B, M, n)
        used = self._usable(data).astype(float)  # (B, M, n)
        inverted = np.where(rows < 0, rows / prior.negative_slope, rows)

        # Sufficient statistics of every regression: X^T X, X^T z, z^T z and the number of rows.
        gram = np.einsum("brj,brp,brq->bjpq", used, rows, rows, optimize=True)  # (B, n, n, n)
        cross = np.einsum("brj,brp->bjp", used * inverted, rows)  # (B, n, n)
        has_first, has_second = (first >= 0), (second >= 0)
        g11, g22 = gram[:, :, first, first] * has_first, gram[:, :, second, second] * has_second  # (B, n, S)
        g12 = gram[:, :, first, second] * has_second
        c1, c2 = cross[:, :, first] * has_first, cross[:, :, second] * has_second
        square = np.repeat((used * inverted**2).sum(axis=1)[:, :, None], len(first), axis=2)
        square[:, :, 0] = (used * rows**2).sum(axis=1)  # a root is not inverted
        count = used.sum(axis=1)[:, :, None]

        # The prior is N(mean, variance) for each weight: regress what the mean leaves over.
        low, high = prior.weight_range
        mean, variance = (low + high) / 2, max((high - low) ** 2 / 12, 1e-12)
        square = square - 2 * mean * (c1 + c2) + mean**2 * (g11 + 2 * g12 + g22)
        c1, c2 = c1 - mean * (g11 + g12), c2 - mean * (g12 + g22)

        scale, log_scale_prior = self.noise_scales()
        precision = scale**-2  # (Q,), on the last axis from here
        p11, p22 = (g[..., None] * precision + 1 / variance for g in (g11, g22))
        p12 = g12[..., None] * precision
        # The determinant of the posterior precision, written as a sum of terms >= 0: rounding cannot make it negative.
        own = np.maximum(g11 * g22 - g12**2, 0.0)[..., None] * precision**2
        determinant = own + (g11 + g22)[..., None] * precision / variance + variance**-2
        r1, r2 = c1[..., None] * precision, c2[..., None] * precision
        w1, w2 = (p22 * r1 - p12 * r2) / determinant, (p11 * r2 - p12 * r1) / determinant  # (B, n, S, Q)
        log_likelihood = (
            -0.5 * count[..., None] * np.log(2 * np.pi * scale**2)
            - 0.5 * np.log(determinant * variance**2)
            - 0.5 * np.maximum(square[..., None] * precision - r1 * w1 - r2 * w2, 0.0)
        )
        joint = log_likelihood + log_scale_prior
        evidence = special.logsumexp(joint, axis=-1)
        share = np.exp(joint - evidence[..., None])  # posterior of the noise scale
        weights = np.stack([(share * w1).sum(axis=-1), (share * w2).sum(axis=-1)], axis=-1) + mean
        negatives = (used * (rows < 0)).sum(axis=1)  # (B, n)
        evidence[:, :, 1:] -= np.log(prior.negative_slope) * negatives[:, :, None]  # the Jacobian
        return evidence, weights

    def _usable(self, data: InterventionalData) -> np.ndarray:
        """(B, M, n) bool; the rows that are evidence about each variable's mechanism."""
        num_variables = data.outcomes.shape[2]
        free = data.row_target[:, :, None] != np.arange(num_variables)
        usable = free & data.row_valid[:, :, None]
        if self.config.shared_noise:
            # Both rows of a trial have the same noise, so only one may count as evidence: the outcome, unless the variable was set.
            # (Their difference would tell the weights exactly; this leaves that unused, which is cautious, not wrong.)
            outcome_counts = np.split(usable, 2, axis=1)[1]
            usable[:, : outcome_counts.shape[1]] &= ~outcome_counts
        return usable

    def noise_scales(self) -> tuple[np.ndarray, np.ndarray]:
        """(Q,) standard deviations and (Q,) their log prior: equally probable quantiles of the truncated normal."""
        mean, std = self.config.noise_scale_mean, self.config.noise_scale_std
        num = self.num_noise_scales if std > 0 else 1
        quantiles = (np.arange(num) + 0.5) / num
        scale = stats.truncnorm.ppf(quantiles, -mean / std, np.inf, mean, std) if std > 0 else np.array([mean])
        return np.maximum(scale, MIN_NOISE_SCALE), np.full(num, -np.log(num))


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """(B, count) int; where each row's largest values are in (B, G), the largest first.

    In two steps, six times as fast as partitioning whole rows: they are all in the blocks with the ``count`` largest maxima.
    """
    batch, total = values.shape
    size = max(1, round((total / count) ** 0.5))
    blocks = -(-total // size)
    padded = np.pad(values, ((0, 0), (0, blocks * size - total)), constant_values=-np.inf)
    maxima = padded.reshape(batch, size, blocks).max(axis=1)  # block k is every element at k modulo the number of blocks
    best = np.argpartition(maxima, -count, axis=1)[:, None, -count:]  # (B, 1, count)
    candidates = (np.arange(size)[:, None] * blocks + best).reshape(batch, -1)
    order = np.argsort(-np.take_along_axis(padded, candidates, 1), axis=1, kind="stable")[:, :count]
    return np.take_along_axis(candidates, order, 1)
