"""Where a take goes on from given frames: how far these have drifted, and how what is made meets them.

A model hardly ever gives back the very frames that it was given: it encodes them, and decodes them otherwise. What it
adds goes on from its own version, and the film steps from one to the other. So the difference on the last given frame,
in its broad forms, is put on the frames that follow, and fades out: the step becomes a slope. After frames of a film,
which may be crisper than what a model draws, what stands still goes on from the film's own picture, in all its forms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from sora_cli.media.read import open_film
from sora_cli.media.read.glimpse import narrow
from sora_cli.media.stream import Frames, largest
from sora_cli.review.compare import Still, apart
from sora_cli.review.parts import sampled
from sora_cli.review.watch import WIDTH

SECONDS = Fraction(1, 2)
"""How long the difference takes to fade."""
BROAD = 96
"""Parts of the width: finer forms are left out, since what moved would be seen twice."""
FOREIGN = 12.0
"""Steps of 8 bits, in the mean: a take so far from what it was given shows something else, and is left as it is."""

STILL = 12.0
"""Steps of 8 bits by which what stands still may change; from twice that on it has moved."""
NEAR = 77
"""Parts of the width: how near to what moves nothing is taken to stand still."""


def meet(made: Frames, known: int, given: Frames, fps: Fraction, *, fine: bool = False) -> Frames:
    """Bring frames `(n, h, w, 3)`, whose first `known` repeat given ones, to meet the last given frame.

    With `fine`, what stands still from there on goes over from the given frame itself.
    """
    spread = (made.shape[2] / BROAD,) * 2
    off = given[-1].astype(np.float32) - made[known - 1].astype(np.float32)
    broad = np.stack([gaussian_filter(off[..., channel], spread) for channel in range(3)], axis=-1)
    count = min(len(made) - known, math.ceil(fps * SECONDS))
    if not 0 < float(np.abs(broad).mean()) <= FOREIGN or count < 1:
        return made
    left = 1 - np.arange(1, count + 1, dtype=np.float32) / (count + 1)
    met = made.copy()
    following = made[known : known + count] + left[:, None, None, None] * broad
    if fine:
        still = np.stack(list(_still(given, made[known - 1 : known + count])))
        first = given[-1].astype(np.float32) - made[known]
        following += (left[:, None, None] * still)[..., None] * (first - broad)
    met[known : known + count] = np.clip(np.rint(following), 0, 255)
    return met


def _still(given: Frames, made: Frames) -> Iterator[NDArray[np.float32]]:
    """Where each frame but the first of `made` shows what the first did, as all between do: `(h, w)`, from 0 to 1.

    What moves in the given frames is left out.
    """
    held = np.clip(2 - _moved(given[-1], given[0]) / STILL, 0, 1)
    for frame in made[1:]:
        held = np.minimum(held, np.clip(2 - _moved(frame, made[0]) / STILL, 0, 1))
        yield held


def _moved(one: Frames, other: Frames) -> NDArray[np.float32]:
    """By how much two frames differ at a place or near it."""
    apart = gaussian_filter(largest(np.abs(one.astype(np.float32) - other)), 1.0)
    return np.asarray(maximum_filter(apart, size=max(3, one.shape[1] // NEAR)))


def drifted(clip: Path, last: int, count: int, anchor: Path) -> float:
    """By how much the colour of a clip's `count` frames up to frame `last` is from that of its anchor, CIE dE2000.

    Raises:
        MediaError: one of them cannot be read.
    """
    return apart(_stills(clip, sorted({last - count + 1, last})), _stills(anchor)).drift


def _stills(path: Path, numbers: Sequence[int] = ()) -> list[Still]:
    """These pictures of a film; its first, middle and last where none are named."""
    with open_film(path) as film:
        return [Still(picture) for picture in narrow(film, numbers or sampled(0, film.facts.frames), WIDTH)]
