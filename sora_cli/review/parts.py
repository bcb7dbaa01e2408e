"""A film as the review sees it: shots in frames, and where stretches that carry on from others begin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from msgspec import Struct


class ShotSpan(Struct, frozen=True):
    """A shot in the film, in frames: from `start` on to `end`; `clear` is what no transition covers.

    Shots of one `scene` have one place and hour.
    `joins` are the frames inside or at its head that open a stretch that carries on, `breaks` those that open another.
    Each picture of its takes is on the screen for `hold` frames: more than 1 where the film has more frames a second.
    """

    name: str
    scene: str
    start: int
    end: int
    clear: tuple[int, int]
    joins: tuple[int, ...] = ()
    breaks: tuple[int, ...] = ()
    hold: Fraction = Fraction(1)
    marked: bool = False
    """Whether a visible mark moves over its pictures, those that stand still too."""

    def around(self, join: int) -> tuple[int, int, int, int]:
        """Frames that show two pictures before a join, its own and one after it, each as long after the one before."""
        return join - int(2 * self.hold), join - int(self.hold), join, join + math.ceil(self.hold)

    @property
    def links(self) -> list[tuple[int, int]]:
        """First and past-last frame of each link of its chain, where no transition covers it."""
        start, end = self.clear
        edges = [start, *sorted(at for at in self.joins + self.breaks if start < at < end), end]
        return [edge for edge in pairwise(edges) if edge[1] > edge[0]]


def sampled(start: int, end: int) -> list[int]:
    """The frames of a link that are compared: first, middle and last."""
    return sorted({start, (start + end - 1) // 2, end - 1})


def by_cuts(cuts: Iterable[int], frames: int) -> list[ShotSpan]:
    """The shots of a film that nobody told about, by its cuts; each is its own scene."""
    edges = sorted({0, *(cut for cut in cuts if 0 < cut < frames), frames})
    shots = enumerate(pairwise(edges), 1)
    return [ShotSpan(f"shot {number}", f"shot {number}", *edge, edge) for number, edge in shots if edge[1] > edge[0]]
