"""Frames between frames: where they should be, and the given ones untouched."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest

from sora_cli.media.filters import rgb_bytes
from sora_cli.media.motion import smoothed

SPEED, START = 4, 8
"""A bright block moves four pixels a frame."""


def moving(frames: int, width: int = 96, height: int = 64) -> Iterator[av.VideoFrame]:
    for number in range(frames):
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[..., 2] = np.linspace(0, 90, width)
        left = START + SPEED * number
        pixels[24:40, left : left + 12] = (255, 200, 40)
        yield av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="gbrp")


def centre(frame: av.VideoFrame) -> float:
    row = np.clip(rgb_bytes(frame)[32, :, 0].astype(float) - 60, 0, None)
    return float((row * np.arange(len(row))).sum() / row.sum())


@pytest.mark.parametrize(
    ("first", "step", "count"),
    [(0, "1/2", 12), (0, "1/4", 21), ("1/3", "2/3", 8), (0, "1001/1500", 8), ("7/10", "1/2", 9), ("1/1000", "1/2", 9)],
)
def test_what_moves_is_where_it_should_be(first: str, step: str, count: int) -> None:
    places = [Fraction(first) + number * Fraction(step) for number in range(count)]
    found = [centre(frame) for frame in smoothed(moving(6), Fraction(first), Fraction(step), count)]
    wanted = [START + 5.5 + SPEED * min(5.0, float(place)) for place in places]
    assert len(found) == count
    assert max(abs(one - other) for one, other in zip(found, wanted, strict=True)) < 0.8
    assert sorted(found) == found


def test_a_place_that_has_a_frame_gets_that_frame() -> None:
    given = list(moving(6))
    made = list(smoothed(iter(given), Fraction(0), Fraction(1, 3), 16))
    assert all(made[3 * number] is given[number] for number in range(6))


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_stretches_and_odd_sizes(frames: int) -> None:
    made = list(smoothed(moving(frames, 51, 41), Fraction(0), Fraction(1, 2), 2 * frames))
    assert [(frame.width, frame.height) for frame in made] == [(51, 41)] * 2 * frames
    assert abs(centre(made[-1]) - START - 5.5 - SPEED * (frames - 1)) < 0.1


def test_nothing_gives_nothing() -> None:
    assert list(smoothed(iter(()), Fraction(0), Fraction(1, 2), 3)) == []
