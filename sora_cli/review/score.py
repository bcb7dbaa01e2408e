"""One number a take, by what a review measures: the best of a beat's takes is kept, and why is told."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from msgspec import Struct

from sora_cli.media.stream import Frames
from sora_cli.review.bars import Bars
from sora_cli.review.judge import Figure, judge
from sora_cli.review.parts import ShotSpan
from sora_cli.review.watch import watch

BEFORE = 4
"""Frames before a join that are looked at."""
BEST = {"sharpness": 1.0, "motion": 1.0, "jump": 1.0, "growth": 1.0}
"""The best that a figure can be, where that is not 0."""
WORST = 3.0
"""A figure takes no more off than this, so that one does not hide all others."""


class Rating(Struct, frozen=True):
    """How good a take is: `score` is the sum of `parts`, higher is better; `good` where nothing falls short.

    `keeps` are the bars that it would just keep, by name, of those that an author may set; none where no bar helps.
    """

    score: float
    good: bool
    parts: Mapping[str, float]
    keeps: Mapping[str, float]


def rate(frames: Frames, fps: Fraction, before: Frames | None) -> Rating:
    """Rate the frames of a take that play, beside those `before` it where it carries on.

    Each figure takes off how far it is from its best, in distances from there to its default bar. Fine detail
    adds a little: half the natural logarithm of the mean step from pixel to pixel.
    """
    known = frames[:0] if before is None else before[-BEFORE:]
    joins = (len(known),) if len(known) else ()
    end = len(known) + len(frames)
    part = ShotSpan("take", "take", 0, end, (0, end), joins)
    rows = judge([part], watch([*known, *frames], [part], cuts=False), None, fps, Bars())[:-1]
    figures = [figure for row in rows for figure in row.figures if figure.value is not None]
    steps = float(np.mean([_step(picture) for picture in frames]))
    parts = {"detail": round(0.5 * float(np.log(steps + 0.1)), 3)}
    parts |= {figure.name: -round(_off(figure), 3) for figure in figures}
    helped = all(figure.ok or figure.keeps is not None for figure in figures)
    keeps = {figure.name: round(figure.keeps, 4) for figure in figures if figure.keeps is not None and helped}
    return Rating(round(sum(parts.values()), 3), all(row.ok for row in rows), parts, keeps)


def _step(picture: Frames) -> float:
    """The mean step from pixel to pixel across a picture, of its channels' mean."""
    grey = (picture[..., 0].astype(np.uint16) + picture[..., 1] + picture[..., 2]) / 3
    return float(np.abs(np.diff(grey, axis=1)).mean())


def _off(figure: Figure) -> float:
    """How far a figure is from its best: 1 at its bar."""
    best, bar, value = BEST.get(figure.name, 0.0), figure.bar or 0.0, figure.value or 0.0
    return min(WORST, max(0.0, (value - best) / ((bar - best) or 1.0)))
