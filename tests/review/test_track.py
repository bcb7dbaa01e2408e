"""What moves over a background: a body keeps one acceleration at a time, its size and its colour."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray
from skimage import data

from sora_cli.media.stream import Frames
from sora_cli.review.bars import Bars
from sora_cli.review.judge import judge
from sora_cli.review.parts import ShotSpan
from sora_cli.review.score import rate
from sora_cli.review.track import Tracker, moving, stray
from sora_cli.review.watch import watch

FPS = Fraction(12)
TIMES = np.arange(17)
FALL = np.stack([60 + 8.0 * TIMES, 30 + 0.5 * TIMES**2], axis=1)
BOUNCE = np.stack([60 + 8.0 * TIMES, 140 - 100 * np.abs(np.sin(TIMES * np.pi / 8))], axis=1)
RED, BLUE = (200, 30, 40), (40, 60, 200)
BEHIND = cv2.resize(data.coffee(), (480, 320), interpolation=cv2.INTER_AREA)


def drawn(
    places: NDArray[np.float64], *, radius: Callable[[int], float] = lambda _: 18,
    colour: Callable[[int], tuple[int, int, int]] = lambda _: RED, pan: float = 0,
) -> Frames:  # fmt: skip
    """A disc over a photograph, whose camera pans `pan` pixels a frame."""
    frames = []
    for time, (x, y) in enumerate(places):
        left = 60 + round(pan * time)
        frame = np.ascontiguousarray(BEHIND[40:232, left : left + 288])
        cv2.circle(frame, (round(x * 16), round(y * 16)), round(radius(time) * 16), colour(time), -1, cv2.LINE_AA, 4)
        frames.append(frame)
    return np.stack(frames)


def jerky(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places, each a tenth of the disc off."""
    return places + np.random.default_rng(19).normal(0, 4, places.shape)


CLIPS: dict[str, tuple[Frames, str]] = {
    "a fall": (drawn(FALL), ""),
    "a fall under a camera that pans": (drawn(FALL, pan=2), ""),
    "a bounce": (drawn(BOUNCE), ""),
    "a jerky fall": (drawn(jerky(FALL)), "what moves jerks"),
    "one that grows at once": (
        drawn(FALL, radius=lambda time: 18 if time < 8 else 26), "what moves changes its size at once",
    ),
    "one that turns blue": (
        drawn(FALL, colour=lambda time: RED if time < 8 else BLUE), "what moves changes its colour at once",
    ),
}  # fmt: skip


def said(clip: Frames) -> str:
    part = ShotSpan("one", "one", 0, len(clip), (0, len(clip)))
    row = judge([part], watch(clip, [part]), None, FPS, Bars())[0]
    figures = [figure for figure in row.figures if figure.name in {"path", "growth", "tint"}]
    assert len(figures) == 3
    return "; ".join(figure.said for figure in figures if not figure.ok)


@pytest.mark.parametrize("name", CLIPS)
def test_what_moves_as_no_body_does_is_named(name: str) -> None:
    clip, words = CLIPS[name]
    assert said(clip) == words


def test_a_true_fall_is_rated_above_a_jerky_and_a_morphing_one() -> None:
    ratings = {name: rate(clip, FPS, None) for name, (clip, words) in CLIPS.items() if "camera" not in name}
    falls = {name: -sum(rating.parts[part] for part in ("path", "growth", "tint")) for name, rating in ratings.items()}
    assert max(falls["a fall"], falls["a bounce"]) < min(
        falls["a jerky fall"], falls["one that grows at once"], falls["one that turns blue"]
    )


def test_the_same_picture_twice_in_a_row_is_no_jerk() -> None:
    twice = np.repeat(drawn(FALL), 2, axis=0)
    assert said(twice) == ""


@pytest.mark.parametrize(
    "clip",
    [drawn(FALL * 0 + 80), drawn(FALL, pan=2)[:, :60, :60], np.zeros((17, 192, 288, 3), np.uint8), drawn(FALL)[:5]],
    ids=["nothing moves", "it is not in the picture", "black", "too short"],
)
def test_where_nothing_can_be_followed_nothing_is_measured(clip: Frames) -> None:
    assert moving(clip) is None


def test_two_that_move_are_not_taken_for_one() -> None:
    one, two = drawn(FALL), drawn(FALL[::-1] * (1, 0) + (0, 150), colour=lambda _: BLUE)
    both = np.where((two == drawn(FALL * 0 - 90)).all(axis=-1, keepdims=True), one, two)
    assert moving(both) is None


def test_shots_that_overlap_keep_no_more_pictures_than_a_window() -> None:
    tracker = Tracker([ShotSpan(name, "scene", 0, 40, (0, 40)) for name in ("one", "two")])
    for number, picture in enumerate(drawn(FALL).repeat(4, axis=0)):
        tracker(number, picture)
        assert len(tracker._pictures) <= 32


numbers = some.floats(-20, 20)


@settings(max_examples=25)
@given(speed=numbers, pull=some.floats(-2, 2), start=numbers, rest=some.integers(3, 10))
def test_pieces_of_constant_acceleration_leave_nothing_over(speed: float, pull: float, start: float, rest: int) -> None:
    times = np.arange(12.0)
    moving_on = np.stack([start + speed * times, pull * times**2], axis=1)
    path = np.concatenate([moving_on, np.repeat(moving_on[-1:], rest, axis=0)])
    assert stray(path) < 1e-6
