"""The short forms of a film's size: `256x160`, `720p`, `16:9`."""

from __future__ import annotations

import re
from fractions import Fraction

from msgspec.structs import replace

from sora_cli.storyboard.forms import Wrong, expected, whole
from sora_cli.storyboard.model import FilmSize
from sora_cli.storyboard.source import quoted

MAX_SIDE = 8192
_TIMES = "\N{MULTIPLICATION SIGN}"  # people paste the real sign
SIZE_PATTERN = rf"^\s*(?:([0-9]{{1,6}})\s*(?:[xX{_TIMES}*]|by)\s*([0-9]{{1,6}})|([0-9]{{3,4}})[pP]|4[kK])\s*$"
_SIZE = re.compile(SIZE_PATTERN)
ASPECT_PATTERN = r"([0-9]{1,4}(?:\.[0-9]{1,4})?)\s*:\s*([0-9]{1,4}(?:\.[0-9]{1,4})?)"
_ASPECT = re.compile(ASPECT_PATTERN)


def side(value: object) -> int:
    """A height in pixels: even, from 16 to 8192."""
    pixels = whole(16, MAX_SIDE)(value)
    if pixels % 2:
        raise Wrong(f"{quoted(pixels)} is odd; H.264 needs even sizes", f"write {pixels + 1}")
    return pixels


def size(value: object) -> FilmSize:
    """`256x160` in pixels, `720p` or `4k` (16:9, where no other shape is written), or a shape such as `16:9`."""
    hint = "write WIDTHxHEIGHT, for example 256x160; or 720p, or a shape such as 16:9"
    if not isinstance(value, str):
        raise expected("a size", value, hint)
    if _ASPECT.fullmatch(value.strip()):
        return FilmSize(aspect=aspect(value))
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise Wrong(f"{quoted(value)} is not a size", hint)
    if not match[1]:
        return of_lines(int(match[3] or 2160), (16, 9))
    return in_pixels(int(match[1]), int(match[2]), value)


def of_lines(lines: int, shape: tuple[int, int]) -> FilmSize:
    """A size whose shorter side has so many pixels, and whose sides are as `shape`: 720 and 9:16 are 720x1280."""
    wide, high = shape
    longer = round(lines * max(shape) / min(shape) / 2) * 2
    found = in_pixels(*((longer, lines) if wide >= high else (lines, longer)), f"{lines}p")
    return replace(found, lines=lines)


def in_pixels(width: int, height: int, value: str) -> FilmSize:
    """Check that a film may have these sides, in pixels; `value` is how the size was written."""
    if not (16 <= width <= MAX_SIDE and 16 <= height <= MAX_SIDE):
        raise Wrong(f"{quoted(value)} is out of range", f"each side from 16 to {MAX_SIDE} pixels")
    if width % 2 or height % 2:
        even = f"{width + width % 2}x{height + height % 2}"
        raise Wrong(f"{quoted(value)} has an odd side; H.264 needs even sizes", f"write {even}")
    return FilmSize(width=width, height=height)


def aspect(value: object) -> tuple[int, int]:
    """The shape of the picture, `16:9` or `2.39:1`: width to height, at most 10 to 1 either way, in whole numbers."""
    match = _ASPECT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise expected("a shape", value, "write WIDTH:HEIGHT, for example 16:9, 9:16 or 2.39:1")
    wide, high = Fraction(match[1]), Fraction(match[2])
    if not wide or not high or wide > 10 * high or high > 10 * wide:
        raise Wrong(f"{quoted(value)} is out of range", "at most 10:1 or 1:10")
    if wide.denominator == high.denominator == 1:
        return int(wide), int(high)
    return (wide / high).as_integer_ratio()
