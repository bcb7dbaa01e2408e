"""Colour tables: three-dimensional LUTs, and the .cube files that grading programs exchange (Adobe/Resolve, 2013)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sora_cli import atomic
from sora_cli.errors import MediaError

Colours = NDArray[np.float64]
"""Coded sRGB / BT.709 values 0..1, `(..., 3)`."""

SIZE = 33
"""Points a side: the usual size, fine enough that tetrahedral interpolation stays under half an 8-bit step."""
_LARGEST = 129
_MOST_BYTES = 100_000_000


def table(change: Callable[[Colours], Colours], size: int = SIZE) -> Colours:
    """The table `(blue, green, red, 3)` of a change of colours, red running fastest as in a .cube file."""
    return np.clip(change(grid(size)), 0.0, 1.0)


def grid(size: int) -> Colours:
    """The colours that a table of `size` points a side is asked for: itself, as a table that changes nothing."""
    steps = np.linspace(0.0, 1.0, size)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    return np.stack((red, green, blue), axis=-1)


def weakened(full: Colours, strength: float) -> Colours:
    """A table part of the way from no change (0) to `full` (1)."""
    return full if strength >= 1 else (1 - strength) * grid(len(full)) + strength * full


def write_cube(path: Path, full: Colours, title: str = "sora", mark: Callable[[str], str] = lambda _text: "") -> None:
    """Write a table as a .cube file, which libavfilter's `lut3d` and every grading program read.

    `mark` is given the text, and says what stands behind it, in lines of their own that begin with `#`.
    """
    size = len(full)
    name = "".join(letter for letter in title if letter.isprintable() and letter != '"')
    rows = "%.6f %.6f %.6f\n" * size**3 % tuple(full.ravel().tolist())
    text = f'TITLE "{name}"\nLUT_3D_SIZE {size}\n{rows}'
    try:
        atomic.write(path, text + mark(text))
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror}", hint="check the folder and the space") from error


def read_cube(path: Path) -> Colours:
    """Read a .cube file, of one or three dimensions, as a table.

    Raises:
        MediaError: the file is missing, or is no .cube table.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _bad(path, "it is too large for a colour table")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    lines = [line.split("#", 1)[0].split() for line in text.splitlines()]
    size, flat, low, high = 0, False, np.zeros(3), np.ones(3)
    rows: list[list[str]] = []
    try:
        for words in filter(None, lines):
            if words[0] in {"LUT_3D_SIZE", "LUT_1D_SIZE"}:
                size, flat = int(words[1]), words[0] == "LUT_1D_SIZE"
            elif words[0] == "DOMAIN_MIN":
                low = np.array(words[1:4], np.float64)
            elif words[0] == "DOMAIN_MAX":
                high = np.array(words[1:4], np.float64)
            elif words[0][0] in "+-.0123456789":
                rows.append(words)
        values = np.array(rows, np.float64)
    except (ValueError, IndexError):
        raise _bad(path, "a line of it is not understood") from None
    return _resampled(path, values, size, flat=flat, low=low, high=high)


def _resampled(path: Path, values: Colours, size: int, *, flat: bool, low: Colours, high: Colours) -> Colours:
    """Check a file's values and bring them to a table over 0..1."""
    wanted = size if flat else size**3
    if size < 2 or (not flat and size > _LARGEST) or values.shape != (wanted, 3) or not np.isfinite(values).all():
        raise _bad(path, f"it does not hold the {wanted} rows of three numbers that it promises")
    if (high <= low).any() or low.shape != (3,) or high.shape != (3,):
        raise _bad(path, "its domain is empty")
    if flat:
        steps = np.linspace(0.0, 1.0, size)
        inside = (grid(SIZE) - low) / (high - low)
        columns: Iterable[Colours] = (np.interp(inside[..., c], steps, values[:, c]) for c in range(3))
        return np.clip(np.stack(list(columns), axis=-1), 0.0, 1.0)
    full = values.reshape(size, size, size, 3)
    if (low == 0).all() and (high == 1).all():
        return np.clip(full, 0.0, 1.0)
    return np.clip(look_up(full, (grid(size) - low) / (high - low)), 0.0, 1.0)


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


def _bad(path: Path, why: str) -> MediaError:
    return MediaError(f"cannot use {path} as a colour table: {why}", hint="name a .cube file of 2 to 129 points a side")
