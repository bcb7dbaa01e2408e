"""What of a film's coded frames its container says to show: `clap` in MP4 and QuickTime, Matroska's `PixelCrop`.

libav's library reads both, and leaves it to its callers to cut; PyAV does not hand them on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from sora_cli.media.filters import Chain, Step
from sora_cli.media.read.whole import TO_ENTRIES, TO_TRACKS, Element, boxes, elements, movie, nested, sample_entries


class Aperture(NamedTuple):
    """How many pixels of a frame of `size` (width, height) are not shown at each side."""

    size: tuple[int, int]
    left: int
    top: int
    right: int
    bottom: int

    def step(self, width: int, height: int) -> Step | None:
        """The filter that cuts frames of this size; None where nothing is to be cut.

        Frames of another size than the container tells were cut already, as their codec says.
        """
        wide, high = width - self.left - self.right, height - self.top - self.bottom
        if (width, height) != self.size or min(self[1:]) < 0 or not any(self[1:]) or min(wide, high) < 1:
            return None
        places = {"w": wide, "h": high, "x": self.left, "y": self.top, "exact": 1}
        return ("crop", {name: str(value) for name, value in places.items()})


class Cut:
    """Takes from frames what is not shown of them."""

    def __init__(self, found: Aperture | None) -> None:
        self._found = found
        self._chain: Chain | None = None

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame without what is not shown; the frame itself where all of it is."""
        step = self._found.step(frame.width, frame.height) if self._found else None
        if step is None:
            return frame
        self._chain = self._chain or Chain(step)  # of one size alone is something cut
        return self._chain(frame)


def aperture(path: Path, container: InputContainer, stream: VideoStream) -> Aperture | None:
    """What a container says of a track; None where it says nothing."""
    name = container.format.name
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if name.startswith("mov,"):
            return next((found for number, found in _clean(file, size) if number == stream.id), None)
        if name.startswith("matroska"):
            place = [each.index for each in container.streams.video].index(stream.index)
            return next((found for number, found in enumerate(_cut(file, size)) if number == place), None)
    return None


_ENTRY = 78
"""Bytes of a sample entry of pictures before the boxes in it (ISO/IEC 14496-12, 12.1.3.2)."""


def _clean(file: BinaryIO, size: int) -> Iterator[tuple[int, Aperture]]:
    """The clean apertures of an MP4's tracks, by their numbers (ISO/IEC 14496-12, 12.1.4)."""
    for number, track in movie(file, size)[1]:
        for entry in sample_entries(file, *track[2:], TO_ENTRIES[2:]):
            file.seek(entry.inside + 24)
            wide, high = struct.unpack(">HH", file.read(4).ljust(4, b"\0"))
            for box in boxes(file, entry.inside + _ENTRY, entry.end):
                file.seek(box.inside)
                if box.name == b"clap" and len(data := file.read(32)) == 32:
                    yield number, _from_middle((wide, high), data)


def _from_middle(size: tuple[int, int], data: bytes) -> Aperture:
    """A clean aperture, which is told by its size and how far its middle lies from the picture's."""
    numbers = struct.unpack(">IIIIiIiI", data)
    tops, downs = numbers[::2], numbers[1::2]
    if not all(downs):
        return Aperture(size, 0, 0, 0, 0)
    wide, high, right, down = (Fraction(top, under) for top, under in zip(tops, downs, strict=True))
    across, over = round(wide), round(high)
    left, top = round((size[0] - across) / 2 + right), round((size[1] - over) / 2 + down)
    return Aperture(size, left, top, size[0] - across - left, size[1] - over - top)


_VIDEO = b"\xe0"
_SIDES = (b"\xb0", b"\xba", b"\x54\xcc", b"\x54\xbb", b"\x54\xdd", b"\x54\xaa")
"""Matroska's PixelWidth, PixelHeight, and PixelCrop at the left, top, right and bottom (RFC 9559, 5.1.4.1.28)."""


def _cut(file: BinaryIO, size: int) -> Iterator[Aperture]:
    """What Matroska says of each track of pictures."""
    for video in nested(file, size, *TO_TRACKS, _VIDEO):
        told = {each.name: _number(file, each) for each in elements(file, video.inside, video.end)}
        wide, high, left, top, right, bottom = (told.get(name, 0) for name in _SIDES)
        yield Aperture((wide, high), left, top, right, bottom)


def _number(file: BinaryIO, told: Element) -> int:
    file.seek(told.inside)
    return int.from_bytes(file.read(min(8, told.end - told.inside)), "big")
