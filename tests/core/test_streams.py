"""The stream of episodes: what is drawn depends on nothing but the seed and the episode's number."""

from dataclasses import dataclass

import numpy as np
import pytest

from gym_causal.core.streams import EpisodeStream, SeedDomain, concatenate_rows, take_rows
from gym_causal.core.task import constant


@dataclass(frozen=True)
class Numbers:
    value: np.ndarray  # (E,)


def stream(block_size: int = 1_024, seed: int = 0, domain: SeedDomain = SeedDomain.INTERACTION, **kwargs) -> EpisodeStream:
    return EpisodeStream(lambda rng, count: Numbers(rng.random(count)), block_size, seed, domain, **kwargs)


@pytest.mark.parametrize("block_size", [16, 64, 512, 1_024])
def test_any_way_of_asking_gives_the_same_episodes(block_size):
    everything = stream(block_size).take(np.arange(3_000)).value
    assert len(np.unique(everything)) == 3_000
    one_by_one = stream(block_size)
    for episode in (0, 63, 64, 255, 256, 1_023, 1_024, 2_999, 5, 5):
        assert one_by_one.take(np.array([episode])).value == everything[episode]
    scattered = np.random.default_rng(0).integers(3_000, size=500)
    # So few blocks are kept that most are drawn again and again.
    assert np.array_equal(stream(block_size, max_blocks=1).take(scattered).value, everything[scattered])
    for width in (1, 7, 100):
        pieces = stream(block_size)
        taken = [pieces.take(np.arange(start, start + width)).value for start in range(0, 700, width)]
        assert np.array_equal(np.concatenate(taken), everything[: 700 // width * width + (width if 700 % width else 0)])


def test_seeds_and_domains_never_share_an_episode():
    values = [stream(seed=seed, domain=domain).take(np.arange(2_000)).value for seed in (0, 1) for domain in SeedDomain]
    assert len(np.unique(np.concatenate(values))) == 2 * len(SeedDomain) * 2_000


def test_neighbours_come_without_copying():
    episodes = stream()
    assert np.shares_memory(episodes.take(np.arange(10, 20)).value, episodes.take(np.arange(15, 25)).value)


def test_rows_are_taken_and_joined_field_by_field():
    numbers = Numbers(np.arange(5))
    assert concatenate_rows([take_rows(numbers, slice(3, 5)), take_rows(numbers, np.array([0]))]).value.tolist() == [3, 4, 0]


def test_constants_are_fresh_and_keep_their_type():
    assert constant(2, True).dtype == bool and constant(2, 1).dtype == np.int64 and constant(2, "").dtype == object
    first = constant(2, 1)
    first[:] = 7
    assert constant(2, 1).tolist() == [1, 1]
