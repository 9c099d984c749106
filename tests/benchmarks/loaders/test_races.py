"""Races: what laps are summed up to, and how well a loader mixes."""

import numpy as np
import pytest
from benchmarks.loaders.races import Lap, measure_nearness
from benchmarks.loaders.suite import summarise_laps


def lap(name: str, latency: int, repeat: int, rate: float, epoch: int = 0) -> Lap:
    return Lap(name, latency, repeat, epoch, 1000, 1000 / rate, 0.1, 0.5, 20, 5_000_000, 2.0)


def test_rates_are_medians_and_ratios_are_taken_within_a_repeat() -> None:
    laps = []
    for repeat, (own, peer, limit) in enumerate([(300, 100, 400), (200, 160, 250), (90, 60, 100)]):
        laps += [
            lap("ours", 0, repeat, own), lap("webdataset", 0, repeat, peer),
            lap("lance", 0, repeat, peer / 2), lap("decode_limit", 0, repeat, limit),
            lap("ours", 100, repeat, own / 2), lap("webdataset", 100, repeat, peer / 4),
            lap("decode_limit", 100, repeat, limit),
        ]  # fmt: skip
    laps.append(lap("ours_cached", 0, 0, 500, epoch=1))
    values = summarise_laps(laps)
    assert values["loader_ours_0ms_images_per_second"] == pytest.approx(200)
    assert values["loader_ours_0ms_images_per_second_low"] == pytest.approx(90)
    assert values["loader_ours_0ms_images_per_second_n"] == 3
    assert values["loader_ratio_to_best_peer"] == pytest.approx(1.5)  # of 3, 1.25, 1.5
    assert values["loader_ratio_to_best_peer_100ms"] == pytest.approx(3)  # of 6, 2.5, 3
    assert values["loader_best_peer_0ms"] == "webdataset"
    assert values["loader_ratio_to_decode_limit"] == pytest.approx(0.8)
    assert values["loader_ratio_100ms_to_0ms"] == pytest.approx(0.5)
    assert values["loader_ours_0ms_requests_per_thousand"] == pytest.approx(20)
    assert values["loader_ours_0ms_dollars_per_million"] == pytest.approx(20_000 * 4e-7)
    assert values["loader_ours_cached_0ms_second_images_per_second"] == pytest.approx(500)
    assert "loader_ours_cached_0ms_images_per_second" not in values


def test_a_perfect_shuffle_has_nearness_one_and_storage_order_has_much() -> None:
    numbers = np.random.default_rng(0).permutation(20_000)
    shuffled = [numbers[begin : begin + 64] for begin in range(0, 20_000, 64)]
    assert measure_nearness(shuffled, 20_000) == pytest.approx(1, abs=0.1)
    assert measure_nearness(shuffled[:80], 20_000) == pytest.approx(1, abs=0.15)  # a quarter of it
    stored = [np.arange(begin, begin + 50) for begin in range(0, 20_000, 50)]
    # every pair of a batch is near; by chance a pair is with 2 * 100 / 20,000
    assert measure_nearness(stored, 20_000) == pytest.approx(100, rel=0.01)
