"""A quick look at a stretch of film: a few small frames, for measuring rather than showing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import av
import numpy as np

from sora_cli.media.filters import EXACT, Chain, Step, rgb_bytes
from sora_cli.media.read.facts import Probe
from sora_cli.media.read.film import Film
from sora_cli.media.read.index import Index
from sora_cli.media.stream import Frames

SMALL = (64, 36)


def glimpse(film: Film, numbers: Sequence[int], count: int) -> Frames:
    """About `count` of the film's frames `numbers` (ascending), scaled down to 64x36 by averaging: `(n, h, w, 3)`.

    Takes keyframes, which decode alone, where enough of them lie among the frames asked for; else the frames
    themselves. Always at least one frame.

    Raises:
        MediaError: the file cannot be read, or has no such frames.
    """
    keys = _keys(film, numbers, count)
    found = list(_small(film, film.keyframes(keys), SMALL)) if keys else []
    return np.stack(found or list(_small(film, film.ahead(_spread(numbers, count)), SMALL)))


def watched(film: Film, numbers: Sequence[int], count: int, keep: Callable[[Frames], None]) -> Film:
    """The film for who plays these frames of it anyway: `keep` gets what `glimpse` finds, when that has passed by.

    It gets nothing where a glimpse decodes keyframes alone, or where not all of its frames are played.
    """
    return film if _keys(film, numbers, count) else _Watched(film, _spread(numbers, count), keep)


class _Watched(Film):
    """A film whose `wanted` frames are looked at while it is played."""

    def __init__(self, film: Film, wanted: Sequence[int], keep: Callable[[Frames], None]) -> None:
        self.path = film.path
        self._film, self._wanted, self._keep = film, wanted, keep

    @property
    def facts(self) -> Probe:
        """What it is."""
        return self._film.facts

    @property
    def index(self) -> Index:
        """When it shows each frame."""
        return self._film.index

    def frames(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """The frames with these numbers."""
        shrink = _Shrink(self._film, SMALL)
        found: dict[int, Frames] = {}
        for number, frame in zip(numbers, self._film.frames(numbers), strict=True):
            if number in self._wanted and number not in found:
                found[number] = shrink(frame)
                if len(found) == len(self._wanted):
                    self._keep(np.stack([found[each] for each in self._wanted]))
            yield frame

    def to_rgb(
        self,
        frame: av.VideoFrame,
        size: tuple[int, int] | None = None,
        pixels: str = "gbrp",
        fit: Literal["fill", "fit", "pad"] = "fill",
    ) -> list[Step]:
        """The filters that make planar RGB of its frames."""
        return self._film.to_rgb(frame, size, pixels, fit)


def _keys(film: Film, numbers: Sequence[int], count: int) -> list[int]:
    """Those keyframes among the frames asked for that are enough; else none."""
    index, asked = film.index, set(numbers)
    keys = [key for key in np.searchsorted(index.times, index.keys).tolist() if key in asked]
    if not index.seekable or len(keys) < min(count, 3):
        return []
    return [keys[pick] for pick in np.linspace(0, len(keys) - 1, min(count, len(keys))).round().astype(np.int64)]


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    return sorted({numbers[round(at)] for at in np.linspace(0, len(numbers) - 1, count)})


class _Shrink:
    """Scales frames of a film down to `size` by averaging: `(h, w, 3)`."""

    def __init__(self, film: Film, size: tuple[int, int]) -> None:
        self._film, self._size = film, size
        self._chain: Chain | None = None

    def __call__(self, frame: av.VideoFrame) -> Frames:
        if self._chain is None:
            down = {"w": str(self._size[0]), "h": str(self._size[1]), "flags": f"area+{EXACT}"}
            self._chain = Chain(*self._film.to_rgb(frame), ("scale", down), ("format", {"pix_fmts": "gbrp"}))
        return rgb_bytes(self._chain(frame))


def _small(film: Film, frames: Iterator[av.VideoFrame], size: tuple[int, int]) -> Iterator[Frames]:
    return map(_Shrink(film, size), frames)


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
