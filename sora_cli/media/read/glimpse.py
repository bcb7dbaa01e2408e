"""A quick look at a stretch of film: a few small frames, for measuring rather than showing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
import numpy as np

from sora_cli.media.filters import EXACT, Chain, rgb_bytes
from sora_cli.media.read.film import Film
from sora_cli.media.stream import Frames

SMALL = (64, 36)


def glimpse(film: Film, numbers: Sequence[int], count: int, size: tuple[int, int] = SMALL) -> Frames:
    """About `count` of the film's frames `numbers` (ascending), scaled down to `size` by averaging: `(n, h, w, 3)`.

    Takes keyframes, which decode alone, where enough of them lie among the frames asked for; else the frames
    themselves. Always at least one frame.

    Raises:
        MediaError: the file cannot be read, or has no such frames.
    """
    index = film.index
    keys = np.intersect1d(np.searchsorted(index.times, index.keys), numbers)
    if index.seekable and len(keys) >= min(count, 3):
        picks = np.linspace(0, len(keys) - 1, min(count, len(keys))).round().astype(np.int64)
        found = list(_small(film, film.keyframes([int(key) for key in keys[picks]]), size))
        if found:
            return np.stack(found)
    exact = sorted({numbers[round(at)] for at in np.linspace(0, len(numbers) - 1, count)})
    return np.stack(list(_small(film, film.frames(exact), size)))


def _small(film: Film, frames: Iterator[av.VideoFrame], size: tuple[int, int]) -> Iterator[Frames]:
    shrink: Chain | None = None
    down = {"w": str(size[0]), "h": str(size[1]), "flags": f"area+{EXACT}"}
    for frame in frames:
        shrink = shrink or Chain(*film.to_rgb(frame), ("scale", down), ("format", {"pix_fmts": "gbrp"}))
        yield rgb_bytes(shrink(frame))


def small(film: Film, numbers: Sequence[int], size: tuple[int, int]) -> Iterator[Frames]:
    """The film's frames `numbers` (ascending), scaled down to `size` by averaging, whatever their shape: `(h, w, 3)`.

    Raises:
        MediaError: the file cannot be read, or has no such frames.
    """
    return _small(film, film.frames(numbers), size)


def narrow(film: Film, numbers: Sequence[int], width: int) -> Iterator[Frames]:
    """The film's frames `numbers` as `(h, w, 3)` sRGB bytes in its shape, no wider than `width`.

    Raises:
        MediaError: the file cannot be read, has no such frames, or is in high dynamic range.
    """
    wide, high = film.facts.width, film.facts.height
    size = (width, max(2, round(high * width / wide))) if wide > width else None
    shrink: Chain | None = None
    for frame in film.frames(numbers):
        shrink = shrink or Chain(*film.to_rgb(frame, size))
        yield rgb_bytes(shrink(frame))
