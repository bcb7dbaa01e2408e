"""Do the ears hear what is there? Signals whose figures are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from .ears import RATE, decay, listen, onset_times

RNG = np.random.default_rng(3)
WHITE = RNG.standard_normal(8 * RATE)
TIME = np.arange(RATE) / RATE


def ring(frequency: float, t60: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * TIME) * 10 ** (-3 * TIME / t60)


def test_white_noise_has_the_figures_of_white_noise() -> None:
    heard = listen(WHITE)
    assert heard["kurtosis"] == pytest.approx(3, abs=0.05)
    assert heard["centroid"] == pytest.approx(8000, rel=0.02)
    assert heard["slope"] == pytest.approx(0, abs=0.2)
    assert heard["tonal"] == 0
    assert heard["loop"] < 0.1
    assert heard["splices"] < 8


def test_a_mode_has_its_decay_and_its_loss() -> None:
    struck = np.concatenate((ring(1000, 0.3), np.zeros(RATE)))
    assert decay(struck) == pytest.approx(0.3, rel=0.05)
    assert listen(struck)["loss"] == pytest.approx(2.2 / (1000 * 0.3), rel=0.1)


def test_time_reversed_is_told_by_the_asymmetry() -> None:
    struck = ring(1000, 0.3)
    assert listen(struck)["asymmetry"] > 1
    assert listen(struck[::-1])["asymmetry"] < -1


def test_onsets_are_where_they_were_put() -> None:
    put = np.cumsum(RNG.uniform(0.06, 0.3, 20))
    wave = 1e-4 * RNG.standard_normal(int((put[-1] + 1) * RATE))
    for at in put:
        first = int(at * RATE)
        wave[first : first + 2400] += ring(2000, 0.03)[:2400]
    found, _ = onset_times(wave)
    assert len(found) == len(put)
    assert np.abs(found - put).max() < 0.01


def test_a_loop_and_shuffled_blocks_are_told() -> None:
    soft = np.convolve(WHITE, np.ones(6) / 6, "same")
    blocks = soft[: len(soft) // 960 * 960].reshape(-1, 960)
    assert listen(np.tile(soft[: 2 * RATE], 4))["loop"] > 0.7
    assert listen(blocks[RNG.permutation(len(blocks))].ravel())["splices"] > 30


def test_partials_of_a_bell_and_of_a_bar_are_told() -> None:
    bell = sum(np.tile(ring(440 * r, 9.0), 1) for r in (0.5, 1, 1.2, 1.5, 2))
    bar = sum(ring(500 * r, 2.0) for r in (1, 2.757, 5.404))
    assert listen(bell)["bell"] == 5
    assert listen(bar)["bar"] == 3
    assert listen(bar)["bell"] < 3


def test_a_rhythm_and_a_roughness_have_their_rates() -> None:
    time = np.arange(len(WHITE)) / RATE
    assert listen(WHITE * (1 + 0.9 * np.sin(2 * np.pi * 3 * time)))["beat"] == pytest.approx(3, rel=0.05)
    assert listen(WHITE * (1 + 0.9 * np.sin(2 * np.pi * 120 * time)))["hum"] == pytest.approx(120, rel=0.02)
