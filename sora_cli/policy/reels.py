"""Pictures to be looked at, wherever they are: which of them, and in what order, is decided here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sora_cli.media.read import Film
    from sora_cli.media.stream import Frames

CHANGE = 20.0
"""Mean difference of two frames, of 255, from which on the later one is looked at: a new picture."""
PIXELS = 640 * 640
"""The most that a frame of a film of one's own is looked at with."""
TOGETHER = 32
"""Frames that are in memory at once."""
GIVEN = 8
"""Seconds from the end of a film that a take opens on, or from the start of one that it leads to: more than any engine
takes.
"""
GUTTER, CELL = 4, 32
"""Pixels of one colour that part the pictures of a sheet, and the smallest picture that counts as one."""


class FrameSource(Protocol):
    """`count` frames that follow each other at `fps`."""

    @property
    def count(self) -> int:
        """How many."""
        ...

    @property
    def fps(self) -> float:
        """How many a second."""
        ...

    def read(self, numbers: Sequence[int]) -> Frames:
        """These frames, `(n, height, width, 3)`."""
        ...

    def changes(self) -> list[int]:
        """The frames that begin a new picture."""
        ...


class HeldReel:
    """Frames in memory."""

    def __init__(self, frames: Frames, fps: float) -> None:
        self._frames, self.count, self.fps = frames, len(frames), fps

    def read(self, numbers: Sequence[int]) -> Frames:
        """As declared by `FrameSource`."""
        return self._frames[list(numbers)]

    def changes(self) -> list[int]:
        """As declared by `FrameSource`."""
        return _changes(frame[::8, ::8] for frame in self._frames)


class FileReel:
    """The frames of an open film, or those at its start or end that a model is given."""

    def __init__(self, film: Film, part: Literal["whole", "start", "end"] = "whole") -> None:
        frames = max(1, film.facts.frames)
        self._film, self.fps = film, float(film.facts.fps or 1)
        self.count = frames if part == "whole" else min(frames, math.ceil(GIVEN * self.fps))
        self._first = frames - self.count if part == "end" else 0

    def read(self, numbers: Sequence[int]) -> Frames:
        """As declared by `FrameSource`."""
        from sora_cli.media.read.film import read_small

        return read_small(self._film, [self._first + number for number in numbers], PIXELS)

    def changes(self) -> list[int]:
        """As declared by `FrameSource`."""
        frames = self._film.pictures(range(self._first, self._first + self.count))
        return _changes(frame[::8, ::8] for frame in frames)


def _changes(small: Iterable[Frames]) -> list[int]:
    import numpy as np

    found: list[int] = []
    before: NDArray[np.float32] | None = None
    for number, frame in enumerate(small):
        now = frame.astype(np.float32)
        if before is not None and (now.shape != before.shape or np.abs(now - before).mean() > CHANGE):
            found.append(number)
        before = now
    return found


def chosen(reel: FrameSource) -> list[int]:
    """Which frames are looked at: the first, the last, each change of picture, and at least one a second."""
    return sorted({0, reel.count - 1, *range(0, reel.count, max(1, int(reel.fps))), *reel.changes()})


def batches(reel: FrameSource, numbers: Sequence[int]) -> Iterator[tuple[Sequence[int], Frames]]:
    """These frames of a reel with their numbers, some at a time."""
    for start in range(0, len(numbers), TOGETHER):
        part = numbers[start : start + TOGETHER]
        yield part, reel.read(part)


def cells(picture: Frames) -> list[Frames]:
    """The pictures that a sheet `(height, width, 3)` holds, where bands of one colour part it both ways; else itself.

    A wall of small pictures reads as pornography to a classifier, whatever it shows, so it never sees one.
    """
    rows = _cut(picture)
    found = [cell.swapaxes(0, 1) for row in rows for cell in _cut(row.swapaxes(0, 1))]
    return found if len(rows) > 1 and len(found) > len(rows) else [picture]


def _cut(picture: Frames) -> list[Frames]:
    """The parts of a picture between its bands of one colour, from the top down."""
    plain = (picture.max(axis=1).astype(int) - picture.min(axis=1)).max(axis=1) <= GUTTER
    edges = [at for at in range(1, len(plain)) if plain[at] != plain[at - 1]]
    spans = zip([0, *edges], [*edges, len(plain)], strict=True)
    parts = [(start, end, bool(plain[start])) for start, end in spans]
    inner = [start for start, end, blank in parts[1:-1] if blank and end - start >= GUTTER]
    if not inner:
        return [picture]
    return [picture[start:end] for start, end, blank in parts if not blank and end - start >= CELL]
