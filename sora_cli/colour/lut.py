"""A .cube file as it is: a curve for each channel, a table of three dimensions, or the one before the other."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from sora_cli.bounded import read_bytes
from sora_cli.errors import MediaError, UnusableFile
from sora_cli.texts import decoded

Values = NDArray[np.float64]

_SIZES = {"LUT_1D_SIZE": 65_536, "LUT_3D_SIZE": 129}
"""The most points that a curve, and the side of a table, may have."""
_MOST_BYTES = 100_000_000
_FINE = 65_536
"""Points of a curve for libavfilter: one for each value of 16 bits."""


def _unit() -> Values:
    return np.stack((np.zeros(3), np.ones(3)))


class Lut(Struct, frozen=True):
    """What a .cube file says. `curve` is `(points, 3)`, over the range `curve_in` (lowest and highest, `(2, 3)`).

    `box` is `(blue, green, red, 3)`, over `box_in`. One of them may be missing, not both. The curve comes first.
    """

    curve: Values | None = None
    box: Values | None = None
    curve_in: Values = field(default_factory=_unit)
    box_in: Values = field(default_factory=_unit)

    @property
    def plain(self) -> bool:
        """Whether it is a table over 0 to 1 and nothing else."""
        return self.curve is None and bool((self.box_in == _unit()).all())

    def __call__(self, colours: Values) -> Values:
        """Change colours `(..., 3)`: linear between the points of the curve, trilinear in the table."""
        from sora_cli.colour.cube import look_up

        shaped = self._shaped(colours)
        return np.clip(shaped if self.box is None else look_up(self.box, shaped), 0.0, 1.0)

    def _shaped(self, colours: Values) -> Values:
        """Colours after the curve; where a table follows, as places in it from 0 to 1."""
        if self.curve is not None:
            low, high = self.curve_in
            steps = np.linspace(0.0, 1.0, len(self.curve))
            at = (colours - low) / (high - low)
            channels = [np.interp(at[..., number], steps, self.curve[:, number]) for number in range(3)]
            colours = np.stack(channels, axis=-1)
        if self.box is None:
            return colours
        low, high = self.box_in
        return np.asarray(np.clip((colours - low) / (high - low), 0.0, 1.0))

    def fine_curve(self, strength: float) -> Values | None:
        """What comes before the table as one curve with a point for each 16-bit value; None where nothing does."""
        if self.plain:
            return None
        codes = np.repeat(np.linspace(0.0, 1.0, _FINE)[:, np.newaxis], 3, axis=1)
        shaped = np.clip(self._shaped(codes), 0.0, 1.0)
        return shaped if self.box is not None else (1 - strength) * codes + strength * shaped


_WHOLE = 100
"""Values from here on are whole steps of 8, 10 or more bits; those of light beyond white stay below it."""

_HIGHEST_CODES = {2.0**bits - 1 for bits in (8, 10, 12, 14, 16)}
"""Where a range ends that is one of steps: light beyond white hardly ends there."""


def read_lut(path: Path) -> Lut:
    """Read a .cube file, of Adobe's kind (`DOMAIN_MIN`, `DOMAIN_MAX`) or Resolve's (`LUT_3D_INPUT_RANGE` and so on).

    Raises:
        MediaError: the file is missing, or is no .cube table; the line is told.
    """
    try:
        data = read_bytes(path, _MOST_BYTES)
    except OSError as error:
        raise UnusableFile(f"cannot read {path}: {error.strerror}", hint="check the path") from error
    return _read(path, data)


@lru_cache(maxsize=2)  # the shots of a film mostly have the same
def _read(path: Path, data: bytes) -> Lut:
    try:
        text, _ = decoded(data)
    except UnicodeDecodeError as error:
        raise _bad(path, error.reason) from error
    return _Reader(path).read(text)


class _Reader:
    """Reads a file line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sizes: dict[str, int] = {}
        self._ranges: dict[str, list[float]] = {}
        self._rows: list[list[float]] = []

    def read(self, text: str) -> Lut:
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split("#", 1)[0].split()
            if words:
                try:
                    self._line(words)
                except (ValueError, IndexError):
                    raise _bad(self._path, f"line {number} is not understood: {line.strip()[:60]}") from None
        return self._made()

    def _line(self, words: list[str]) -> None:
        name = words[0].upper()
        if name[0] in "+-.0123456789" or name in {"NAN", "INF", "INFINITY"}:
            self._rows.append(_three(words))
        elif name in _SIZES:
            if name in self._sizes or not 2 <= int(words[1]) <= _SIZES[name]:
                raise ValueError
            self._sizes[name] = int(words[1])
        elif name in {"DOMAIN_MIN", "DOMAIN_MAX"}:
            self._ranges[name] = _three(words[1:])
        elif name in {"LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE"}:
            low, high = _numbers(words[1:])
            self._ranges[name] = [low, high]
        elif name in {"LUT_IN_VIDEO_RANGE", "LUT_OUT_VIDEO_RANGE"}:
            raise _bad(self._path, f"{name}: it is made for values of 16 to 235; export it for full range")

    def _made(self) -> Lut:
        points, side = self._sizes.get("LUT_1D_SIZE", 0), self._sizes.get("LUT_3D_SIZE", 0)
        if not self._sizes:
            raise _bad(self._path, "it does not say its size, LUT_1D_SIZE or LUT_3D_SIZE")
        if len(self._rows) != points + side**3:
            raise _bad(self._path, f"it has {len(self._rows)} rows of the {points + side**3} that it promises")
        values = np.array(self._rows, np.float64)
        values.setflags(write=False)
        if (most := values.max()) >= _WHOLE:
            raise _bad(self._path, f"its values go up to {most:g}: export it with values of 0 to 1")
        curve, box = values[:points] if points else None, values[points:].reshape(side, side, side, 3) if side else None
        return Lut(curve, box, self._range("LUT_1D_INPUT_RANGE"), self._range("LUT_3D_INPUT_RANGE", after=points > 0))

    def _range(self, name: str, *, after: bool = False) -> Values:
        """What goes in: the range of its own, else the domain, which a table after a curve does not have."""
        low, high = ([bound] * 3 for bound in self._ranges.get(name, (0.0, 1.0)))
        if name not in self._ranges and not after:
            low, high = self._ranges.get("DOMAIN_MIN", low), self._ranges.get("DOMAIN_MAX", high)
        found = np.array([low, high])
        if (found[1] <= found[0]).any():
            raise _bad(self._path, "what it takes ends where it begins: its domain is empty")
        if (most := found[1].max()) in _HIGHEST_CODES or most >= _WHOLE:
            raise _bad(self._path, f"it takes values up to {most:.10g}: export it for values of 0 to 1")
        return found


def _three(words: list[str]) -> list[float]:
    values = _numbers(words)
    if len(values) != 3 or not all(map(math.isfinite, values)):
        raise ValueError
    return values


def _numbers(words: list[str]) -> list[float]:
    """Numbers; programs of some countries write decimal commas, and others commas between them, with a space or not."""
    text = " ".join(words)
    if "," in text and ("." in text or len(words) == 1):
        words = text.replace(",", " ").split()
    return [float(word.removesuffix(",").replace(",", ".")) for word in words]


def _bad(path: Path, why: str) -> MediaError:
    return UnusableFile(
        f"cannot use {path} as a colour table: {why}", hint="name a .cube file of 2 to 129 points a side, or a curve"
    )
