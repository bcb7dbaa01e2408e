"""Colour tables: three-dimensional LUTs, and the .cube files that grading programs exchange (Adobe/Resolve, 2013)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sora_cli import atomic
from sora_cli.colour.lut import read_lut

Colours = NDArray[np.float64]
"""Coded sRGB / BT.709 values 0..1, `(..., 3)`."""

SIZE = 33
"""Points a side: the usual size, fine enough that tetrahedral interpolation stays under half an 8-bit step."""


def table(change: Callable[[Colours], Colours], size: int = SIZE) -> Colours:
    """The table `(blue, green, red, 3)` of a change of colours, red running fastest as in a .cube file."""
    return np.clip(change(grid(size)), 0.0, 1.0)


@lru_cache(maxsize=2)
def grid(size: int) -> Colours:
    """The table of `size` points a side that changes nothing: each point holds its own colour. It is not written to.

    A channel lies behind the other in memory, and so does what is worked out from it: numpy takes half the time there.
    """
    steps = np.linspace(0.0, 1.0, size)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    points: Colours = np.moveaxis(np.stack((red, green, blue)), 0, -1)
    points.setflags(write=False)
    return points


def weakened(full: Colours, strength: float) -> Colours:
    """A table part of the way from no change (0) to `full` (1)."""
    return full if strength >= 1 else (1 - strength) * grid(len(full)) + strength * full


def write_cube(path: Path, full: Colours, title: str = "sora", mark: Callable[[str], str] = lambda _text: "") -> None:
    """Write a table as a .cube file, which libavfilter's `lut3d` and every grading program read.

    `mark` gets the text of the table and gives the comment lines, each beginning with `#`, that are added to it.
    """
    name = "".join(letter for letter in title if letter.isprintable() and letter != '"')
    text = f'TITLE "{name}"\nLUT_3D_SIZE {len(full)}\n{_rows(full)}'
    with atomic.writing(path):
        atomic.write(path, text + mark(text))


_FOUR = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint32)
"""Four digits of each number."""
_BEGUN = np.frombuffer(b"".join(b"%d.%02d" % divmod(number, 100) for number in range(101)), np.uint32)
"""What a number of hundredths begins with."""
_NUMBER = np.dtype([("begun", np.uint32), ("rest", np.uint32), ("after", np.uint8)])


def _rows(full: Colours) -> str:
    """A line for each point, of six decimals; those of 0 to 1 by arrays of digits, more than ten times as quick."""
    if full.min() < 0 or full.max() > 1:
        return "%.6f %.6f %.6f\n" * (full.size // 3) % tuple(full.ravel().tolist())
    return "".join(_digits(part) for part in full)  # what fits in the processor's cache takes half of the time


def _digits(part: Colours) -> str:
    millionths = np.rint(part * 1e6).astype(np.int32, order="C").ravel()
    written = np.empty(len(millionths), _NUMBER)
    hundredths = millionths // 10_000
    written["begun"], written["rest"] = _BEGUN.take(hundredths), _FOUR.take(millionths - hundredths * 10_000)
    written["after"], written["after"][2::3] = ord(" "), ord("\n")
    return str(written.data, "ascii")


_ROUGH = np.full((10_001, 8), ord(" "), np.uint8)
_ROUGH[:-1, :4] = _FOUR.view(np.uint8).reshape(-1, 4)
_ROUGH[-1, :5] = np.frombuffer(b"10000", np.uint8)
_EIGHT = _ROUGH.view(np.uint64).ravel()
"""Each number of ten-thousandths as eight letters, with blanks behind it."""


def rough_m3d(full: Colours) -> bytes:
    """A table of 0 to 1 as an .m3d file (Pandora) of ten-thousandths, which is read once and thrown away.

    They are less than a seventieth of a step of 8 bits; what is interpolated between two points is further off. It has
    whole numbers, blue running fastest: libavfilter reads them in a quarter of the time that decimals take it.
    """
    numbers = (full * 1e4 + 0.5).astype(np.int16).transpose(2, 1, 0, 3).ravel()  # `rint` takes four times as long
    rows = _EIGHT.take(numbers, mode="clip").view(np.uint8)
    rows[23::24] = ord("\n")
    return b"".join((b"in %d\nout 10001\nvalues red green blue\n" % len(full) ** 3, rows.data))


def write_curve(path: Path, curve: Colours) -> None:
    """Write curves `(points, 3)` as a .cube file for libavfilter's `lut1d`."""
    rows = "%.7f %.7f %.7f\n" * len(curve) % tuple(curve.ravel().tolist())
    path.write_text(f"LUT_1D_SIZE {len(curve)}\n{rows}", encoding="utf-8")


def read_cube(path: Path) -> Colours:
    """Read a .cube file as a table over 0 to 1; a file with a curve or another range is sampled.

    Raises:
        MediaError: the file is missing, or is no .cube table.
    """
    lut = read_lut(path)
    if lut.plain and lut.box is not None:
        return np.clip(lut.box, 0.0, 1.0)
    return table(lut, SIZE if lut.box is None else len(lut.box))


def look_up(full: Colours, colours: Colours) -> Colours:
    """What a table makes of colours, by trilinear interpolation."""
    size = len(full)
    at = np.clip(colours, 0.0, 1.0) * (size - 1)
    floor = np.minimum(at.astype(np.int64), size - 2)
    part = at - floor
    out = np.zeros_like(at)
    for corner in range(8):
        step = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        weight = np.where(step, part, 1 - part).prod(axis=-1, keepdims=True)
        place = floor + step
        out += weight * full[place[..., 2], place[..., 1], place[..., 0]]
    return out
