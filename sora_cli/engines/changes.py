"""What a take is made from beside words: a film that it changes, frames that its sampling begins with."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from msgspec import Struct

EDITION = 2
"""Part of the keys of takes that make a part of a picture anew: raised when the same take would show other frames."""


def point_of(words: str) -> tuple[float, float] | None:
    """The point that words are, `X,Y` in parts of the picture's width and height; None where they are words."""
    found = re.fullmatch(r"(\d*\.?\d+),(\d*\.?\d+)", words)
    return (float(found[1]), float(found[2])) if found else None


class Excerpt(Struct, frozen=True):
    """Frames of a take's clip, by number; `takes` names its candidates (keys), of which the best kept one is read."""

    takes: tuple[str, ...]
    frames: tuple[int, ...]


class Change(Struct, frozen=True, kw_only=True):
    """A film of which a take makes a part anew: its first frame shows the film `at` seconds.

    `view` is what the take sees (left, top, width, height in parts of the film's picture; what lies beyond is made).
    Made anew is a `region` in such parts too, what a `mask` shows white, or what is called so in `words`.
    """

    path: Path | None
    sha256: str
    at: Fraction
    view: tuple[float, float, float, float]
    start: Fraction
    end: Fraction
    """The stretch that is changed, seconds of the film."""
    region: tuple[float, float, float, float] | None = None
    mask: Path | None = None
    mask_sha256: str = ""
    words: str = ""
    """What is called so; or what is at a point of the first frame that is changed: see `point_of`."""
    segmenter: tuple[tuple[str, str], ...] = ()
    """Models that find it, and hashes of their files; none where it is found without one."""
    instructed: bool = False
    """Whether the prompt says what is to be done to all of it, instead of what is there then."""
    outpaint: tuple[int, int] | None = None
    """The shape of what the take sees, which holds the film's picture in its middle; `view` says nothing then."""
    excerpts: tuple[Excerpt, ...] = ()
    """Of a shot of the storyboard that stands in the place of a film: what it shows, in order, `fps` a second."""
    fps: Fraction = Fraction(0)

    @property
    def takes(self) -> tuple[str, ...]:
        """Keys of the takes whose clips are needed first."""
        return tuple(key for each in self.excerpts for key in each.takes)

    @property
    def whole(self) -> bool:
        """Whether all of the picture is made anew, from what it was."""
        left, top, width, height = self.view
        if self.outpaint is not None:
            return False
        inside = left >= 0 and top >= 0 and left + width <= 1 + 1e-9 and top + height <= 1 + 1e-9
        return inside and self.region is None and not self.mask_sha256 and not self.words


class Start(Struct, frozen=True):
    """What sampling begins with instead of noise: frames that are known, noised to `strength` (over 0, at most 1).

    `takes` names the candidates (keys) of the draft's take, of which the best kept one is read.
    """

    strength: float
    takes: tuple[str, ...] = ()
