"""Layers add up to the sample, beds go down under speech, joins have equal power, and memory stays where it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sora_cli.media.stream import Samples
from sora_cli.sound.mix import BLOCK, DUCK_AFTER, DUCK_BEFORE, Bus, Duck, Layer, ducked, mixed, ramps, sides
from tests.memory import forget, peak

RATE = 48_000


def ones(count: int) -> Iterator[Samples]:
    for begin in range(0, count, 7_001):
        yield np.ones((min(7_001, count - begin), 2), np.float32)


def layer(bus: Bus = "effects", start: int = 0, length: int = RATE, **more: float) -> Layer:
    return Layer(bus=bus, source=lambda: ones(length + 10), start=start, length=length, **more)  # type: ignore[arg-type]


def heard(*layers: Layer, total: int, ducks: tuple[Duck, ...] = ()) -> Samples:
    return np.concatenate(list(mixed(layers, total, ducks)))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(-5000, 60_000), st.integers(1, 60_000)), max_size=6), st.integers(1, 90_000))
def test_every_sample_is_the_sum_of_the_layers_that_sound_there(places: list[tuple[int, int]], total: int) -> None:
    placed = [layer(start=max(0, start), length=length) for start, length in places]
    wanted = np.zeros(total)
    for each in placed:
        wanted[each.start : each.end] += 1
    assert np.array_equal(heard(*placed, total=total)[:, 0], wanted)


def test_beds_go_down_before_a_line_and_come_back_after_it() -> None:
    speech = Duck(2 * RATE, 4 * RATE, 12.0)
    for bus in ("music", "ambience"):
        level = 20 * np.log10(heard(layer(bus, length=6 * RATE), total=6 * RATE, ducks=(speech,))[:, 0])
        assert np.allclose(level[2 * RATE : 4 * RATE], -12, atol=0.01)
        assert np.allclose(level[: 2 * RATE - DUCK_BEFORE], 0, atol=0.01)
        assert np.allclose(level[4 * RATE + DUCK_AFTER :], 0, atol=0.01)
        assert np.abs(np.diff(level)).max() < 0.002  # straight, in dB, and without a step
    for bus in ("dialogue", "effects"):
        assert np.all(heard(layer(bus, length=6 * RATE), total=6 * RATE, ducks=(speech,)) == 1)


def test_the_deepest_of_lines_that_meet_holds() -> None:
    ducks = (Duck(0, RATE, 6.0), Duck(RATE // 2, RATE, 20.0), Duck(RATE, 2 * RATE, 3.0))
    level = 20 * np.log10(ducked(ducks, 0, 2 * RATE))
    assert level[RATE // 2] == pytest.approx(-20, abs=0.01)
    assert level[int(1.9 * RATE)] == pytest.approx(-3, abs=0.01)


def test_blocks_do_not_matter_to_the_duck() -> None:
    speech = (Duck(100, BLOCK + 77, 9.0),)
    whole = ducked(speech, 0, 4 * BLOCK)
    parts = [ducked(speech, begin, begin + 1000) for begin in range(0, 4 * BLOCK, 1000)]
    assert np.array_equal(np.concatenate(parts)[: len(whole)], whole)


@pytest.mark.parametrize("pan", [-1, -0.5, 0, 0.3, 1])
def test_a_place_on_screen_keeps_the_power(pan: float) -> None:
    left, right = sides(pan)
    assert left**2 + right**2 == pytest.approx(2)
    assert (left < right) == (pan > 0) or pan == 0


def test_two_noises_cross_over_with_equal_power() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 4 * RATE, 2)).astype(np.float32)
    one = Layer(bus="ambience", source=lambda: iter([noise[0]]), start=0, length=3 * RATE, fall=2 * RATE)
    two = Layer(bus="ambience", source=lambda: iter([noise[1]]), start=RATE, length=3 * RATE, rise=2 * RATE)
    power = (heard(one, two, total=4 * RATE)[:, 0].reshape(-1, RATE // 4) ** 2).mean(axis=1)
    assert np.abs(10 * np.log10(power)).max() < 0.5


def tone(hertz: float, phase: float) -> Samples:
    return 0.2 * np.sin(phase + 2 * np.pi * hertz * np.arange(6000) / RATE)[:, None].repeat(2, 1).astype(np.float32)


def jumps(sound: Samples) -> float:
    """The largest step from sample to sample, in standard deviations above the mean one."""
    steps = np.abs(np.diff(sound[:, 0]))
    return float((steps.max() - steps.mean()) / steps.std())


def test_no_join_of_two_hundred_clicks() -> None:
    rng = np.random.default_rng(1)
    tones = [tone(rng.uniform(80, 300), rng.uniform(0, 6)) for _ in range(201)]
    soft = [
        Layer(bus="effects", source=partial(iter, [each]), start=at * 4800 - 480 * bool(at), length=4800 + 960,
              rise=960, fall=960)
        for at, each in enumerate(tones)
    ]  # fmt: skip
    assert jumps(heard(*soft, total=201 * 4800)) < 6
    hard = [
        Layer(bus="effects", source=partial(iter, [each]), start=at * 4800, length=4800)
        for at, each in enumerate(tones)
    ]
    assert jumps(heard(*hard, total=201 * 4800)) > 6  # the measure sees a plain cut


def test_ramps_are_quarter_sines_wherever_they_are_asked() -> None:
    whole = ramps(0, 1000, 1000, 100, 300)
    assert np.array_equal(whole[100:700], np.ones(600))
    assert np.array_equal(np.concatenate([ramps(at, at + 50, 1000, 100, 300) for at in range(0, 1000, 50)]), whole)


def test_memory_does_not_grow_with_the_length() -> None:
    def run(minutes: int) -> None:
        total = minutes * 60 * RATE
        for _ in mixed([layer("music", length=total), layer(start=RATE, length=total - RATE)], total):
            pass

    run(1)
    forget()
    before = peak()
    run(12)
    assert peak() - before < 20_000  # kB; ten minutes are 230 MB
