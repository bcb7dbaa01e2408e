"""How a clip or picture looks, as far as training asks: cuts, detail, likeness to others, what stands still on it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from msgspec import Struct

from sora_cli.media.read import Film, open_film
from sora_cli.media.read.picture import fit
from sora_cli.media.stream import Frames

THUMB = (96, 64)
"""Pixels of the pictures that are compared."""
SEEN = 9
"""Frames of a clip that are looked at for what stands still."""
MOVING = 6.0
"""Of 255: the median change of a pixel from which on the picture as a whole moves."""
EDGE = 16.0
"""Of 255: the step, in every frame, at an upright stroke of a letter."""
LETTERS = (10, 4)
"""Upright strokes side by side, and rows of pixels that have so many: a line of text has more, and somebody whom the
camera follows has fewer."""
SAME = 10.0
"""Of 255: what pictures of the same differ by, after other encoding, where they differ most."""


class Look(Struct, frozen=True):
    """What was seen: `frames` at the engine's rate, the `detail` of its sharpest picture, three small pictures."""

    still: bool
    frames: int
    detail: float
    thumbs: Frames
    flaw: str = ""
    """Why it is left out by itself; empty where it is not."""
    size: tuple[int, int] = (0, 0)
    """Width and height of its pictures, upright."""


def look(path: Path, fps: Fraction, longest: int) -> Look:
    """Look at a clip or picture. `longest` is the most seconds of a clip.

    Raises:
        MediaError: it cannot be read.
    """
    with open_film(path) as film:
        facts = film.facts
        if facts.kind == "picture" or facts.frames == 1:
            picture = next(film.pictures([0]))
            size = (picture.shape[1], picture.shape[0])
            return Look(still=True, frames=1, detail=_detail(picture), thumbs=fit(picture[None], *THUMB), size=size)
        shown = film.shown_at(fps)
        if facts.duration > longest:
            why = f"{float(facts.duration):.0f} s long; {longest} s at most: cut it into shots"
            return Look(still=False, frames=len(shown), detail=0.0, thumbs=_NONE, flaw=why)
        return _look_at_clip(film, shown, facts.fps or fps)


def _look_at_clip(film: Film, shown: list[int], fps: Fraction) -> Look:
    from sora_cli.review.watch import find_cuts

    cuts, count = find_cuts(film.pictures(range(film.facts.frames)))
    places = sorted({round(part * (count - 1) / (SEEN - 1)) for part in range(SEEN)})
    seen = list(film.pictures(places))
    small = fit(np.stack(seen), *THUMB)
    detail = max(map(_detail, seen))
    flaw = f"has a cut at {', '.join(f'{float(cut / fps):.2f} s' for cut in cuts)}" if cuts else ""
    if not flaw and captioned(fit(np.stack(seen), 320, 192)):
        flaw = "a line of text stands on it"
    thumbs = small[[0, len(small) // 2, -1]]
    size = (seen[0].shape[1], seen[0].shape[0])
    return Look(still=False, frames=len(shown), detail=detail, thumbs=thumbs, flaw=flaw, size=size)


def alike(one: Look, other: Look) -> bool:
    """Whether two show the same, though encoded apart."""
    if one.still != other.still or one.thumbs.shape != other.thumbs.shape:
        return False
    apart = np.abs(one.thumbs.astype(np.int16) - other.thumbs)
    return bool(apart.mean() < SAME / 4 and np.quantile(apart, 0.995) < SAME)


def captioned(frames: Frames) -> bool:
    """Whether a line of text stands still on frames `(n, h, w, 3)` that move as a whole; in others nobody can tell."""
    light = frames.astype(np.float32).mean(-1)
    if len(frames) < 4 or np.median(np.ptp(light, axis=0)) < MOVING:
        return False
    steps = np.diff(light, axis=2)
    strokes = (steps.min(0) > EDGE) | (steps.max(0) < -EDGE)
    begun = (strokes[:, 1:] & ~strokes[:, :-1]).sum(1)
    return int((begun >= LETTERS[0]).sum()) >= LETTERS[1]


def _detail(picture: Frames) -> float:
    """How much detail a picture has: the 99th percentile of its steps, at 384 pixels' width."""
    width = 384
    height = max(16, round(picture.shape[0] * width / picture.shape[1]))
    light = fit(picture[None], width, height)[0].astype(np.float32).mean(-1)
    return float(np.quantile(np.maximum(*(np.abs(step) for step in np.gradient(light))), 0.99))


_NONE = np.empty((0, 0, 0, 3), np.uint8)
