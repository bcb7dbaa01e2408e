"""What a media file is."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from av.sidedata.sidedata import SideData
from msgspec import Struct

from sora_cli.errors import MediaError, UnusableFile
from sora_cli.media.read.index import Index

BT709, UNTOLD = 1, 2
"""The code points of BT.709, and of what is not told, for primaries, transfer and matrix alike (ITU-T H.273)."""
NARROW, FULL = 1, 2
"""libav's numbers for narrow ("tv") and full ("pc") range."""

# Code points of ITU-T H.273, which containers and codecs share. What is missing is shown as its number.
_PRIMARIES = {1: "bt709", 2: "", 5: "bt470bg", 6: "smpte170m", 9: "bt2020", 12: "smpte432"}
_TRANSFERS = {
    1: "bt709",
    2: "",
    6: "smpte170m",
    8: "linear",
    9: "log100",
    10: "log316",
    13: "iec61966-2-1",
    14: "bt2020-10",
    16: "smpte2084",
}
_TRANSFERS |= {18: "arib-std-b67"}
_MATRICES = {0: "gbr", 1: "bt709", 2: "", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc", 10: "bt2020c"}
_RANGES = {0: "", 1: "tv", 2: "pc"}


class ColorTags(Struct, frozen=True):
    """What a film says of its colours, as ffprobe names it; empty where it says nothing."""

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    range: str = ""

    @classmethod
    def of(cls, primaries: int, transfer: int, matrix: int, ranged: int) -> ColorTags:
        """What code points of ITU-T H.273, and libav's of the range, say of colours."""
        return cls(
            _PRIMARIES.get(primaries, str(primaries)),
            _TRANSFERS.get(transfer, str(transfer)),
            _MATRICES.get(matrix, str(matrix)),
            _RANGES.get(ranged, str(ranged)),
        )

    @property
    def hdr(self) -> bool:
        """Whether the pictures are high dynamic range: PQ or HLG (ITU-R BT.2100), linear or logarithmic light."""
        return self.transfer in {"smpte2084", "arib-std-b67", "linear", "log100", "log316"}


_UNREAD = {8, *range(10, 18)}
"""Matrices by their code points (ITU-T H.273, table 4) that libswscale does not know."""


def read_tags(path: Path, primaries: int, transfer: int, matrix: int, ranged: int) -> ColorTags:
    """What a film says of its colours, by its code points.

    Raises:
        MediaError: they are coded in a way that we cannot bring to RGB.
    """
    if matrix in _UNREAD:
        told = f"cannot use {path}: its colours are coded in a way that sora does not read (YCgCo, ICtCp and the like)"
        raise UnusableFile(told, hint="convert it to BT.709 first: ffmpeg's filter zscale does so")
    return ColorTags.of(primaries, transfer, matrix, ranged)


def no_hdr(what: Path | str) -> MediaError:
    """The error for a film in high dynamic range, whose colours we would show wrongly."""
    return UnusableFile(
        f"cannot use {what}: it is in high dynamic range (PQ, HLG, linear or logarithmic light)",
        hint="convert it to BT.709 first: ffmpeg's filters zscale and tonemap do so",
    )


class Probe(Struct, frozen=True, kw_only=True):
    """What a media file is. `width` and `height` are as shown: turned, and with square pixels.

    `rotation` is the clockwise turn that its header asks for, after it is `mirrored` left to right. `frames` counts the
    pictures that a film shows (1 for a picture), `duration` is in seconds. Where the frames do not come at a constant
    rate (`variable`), `fps` is one at which each is seen at its time. `channels` and `rate` are those of the sound, 0
    where there is none that can be decoded. `codec` is the codec of the pictures, or of the sound where that is all
    there is. `remarks` says what a person should know of how it is used.
    """

    path: Path
    kind: Literal["picture", "film", "sound"]
    width: int = 0
    height: int = 0
    rotation: int = 0
    mirrored: bool = False
    fps: Fraction | None = None
    frames: int = 0
    duration: Fraction = Fraction(0)
    variable: bool = False
    channels: int = 0
    rate: int = 0
    codec: str = ""
    sound_codec: str = ""
    pixels: str = ""
    color: ColorTags = ColorTags()
    container: str = ""
    remarks: tuple[str, ...] = ()
    index: Index | None = None
    """When it shows each frame; None for sound."""

    @property
    def even_size(self) -> tuple[int, int]:
        """Width and height without the last row and column where they are odd, as most encoders need them."""
        return max(2, self.width & ~1), max(2, self.height & ~1)

    def shown_at(self, fps: Fraction) -> list[int]:
        """Which frame is on at each tick of a constant rate, from the first frame's time on."""
        if self.index is None or not self.fps:
            return [0]
        if self.variable:
            return self.index.shown_at(fps)
        count = max(1, math.floor(self.frames * fps / self.fps + Fraction(1, 2)))
        return [min(int(number * self.fps // fps), self.frames - 1) for number in range(count)]


def upright(frame: av.VideoFrame) -> tuple[bool, int]:
    """What shows a frame as its header says: whether it is mirrored left to right, and its clockwise turn after that.

    The header's matrix stands in fixed point, row by row (ISO/IEC 14496-12, 8.3.2).
    """
    found = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(found, SideData):
        return False, 0
    across, over, _, under, down, *_ = struct.unpack("=9i", memoryview(found))
    mirrored = across * down < over * under
    return mirrored, (round(-frame.rotation / 90) + 2 * mirrored) % 4 * 90


def told_turn(frame: av.VideoFrame) -> int:
    """The clockwise turn in degrees, -179 to 180, that a frame's header asks for after it is mirrored."""
    found = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(found, SideData):
        return 0
    across, over = struct.unpack("=2i", memoryview(found)[:8])
    return 180 - (180 - round(math.degrees(math.atan2(over, across))) - 180 * upright(frame)[0]) % 360


def shown_size(width: int, height: int, aspect: Fraction | None, rotation: int) -> tuple[int, int]:
    """A frame's size as shown: square pixels, turned."""
    if aspect:
        width = max(1, round(width * aspect))
    return (height, width) if rotation in {90, 270} else (width, height)
