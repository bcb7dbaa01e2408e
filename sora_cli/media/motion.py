"""Frames between frames, for slow motion.

libavfilter's `minterpolate` follows what moves (motion-compensated, with overlapped blocks in both directions) and
draws it where it would be at a time that no frame shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph

from sora_cli.media.filters import Chain, source_node

_AROUND = 2
"""Frames before and after those two that a new one is drawn between, which the filter wants to see."""
_EXACT = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_TO_WORK = (
    ("scale", {"flags": _EXACT, "out_color_matrix": "bt709", "out_range": "pc"}),
    ("format", {"pix_fmts": "yuv444p"}),
)
_FROM_WORK = (
    ("scale", {"flags": _EXACT, "in_color_matrix": "bt709", "in_range": "pc", "out_range": "pc"}),
    ("format", {"pix_fmts": "gbrp"}),
)
_FOLLOW = {"mi_mode": "mci", "mc_mode": "aobmc", "me_mode": "bidir", "vsbmc": "1", "scd": "none"}


def smoothed(frames: Iterator[av.VideoFrame], first: Fraction, step: Fraction, count: int) -> Iterator[av.VideoFrame]:
    """`count` frames at the places `first`, `first + step`, ... of `frames` (planar 8-bit RGB), counted in them from 0.

    A place on a frame gets that very frame; places after the last one get the last. `step` is below 1.
    """
    places = [first + number * step for number in range(count)]
    given: dict[int, av.VideoFrame] = {}
    drawn: dict[int, av.VideoFrame] = {}
    at = 0
    follower = _Follower(first, step)
    number = -1
    for number, frame in enumerate(frames):
        given[number] = frame
        drawn.update(follower.push(frame, again=1 + (_AROUND if number == 0 else 0)))
        while at < count and (done := _ready(places[at], at, given, drawn)) is not None:
            yield done
            at += 1
        for old in [old for old in given if at < count and old < int(places[at])]:
            del given[old]
        for old in [old for old in drawn if old < at]:
            del drawn[old]
    if number < 0:
        return
    last = given[number]
    drawn.update(follower.push(last, again=_AROUND + 1))
    for left in range(at, count):
        yield _ready(places[left], left, given, drawn) or last


def _ready(
    place: Fraction, number: int, given: dict[int, av.VideoFrame], drawn: dict[int, av.VideoFrame]
) -> av.VideoFrame | None:
    return given.get(int(place)) if place.denominator == 1 else drawn.get(number)


class _Follower:
    """The filter, fed one frame a tick of 1; its clock is shifted so that what it draws falls on the places asked for.

    Its first frame stands for `_AROUND` ticks before place 0.
    """

    def __init__(self, first: Fraction, step: Fraction) -> None:
        self._step = step
        self._skip = -(-(first + _AROUND) // step)
        self._start = self._skip * step - first - _AROUND
        self._tick = 1 / Fraction(self._start.denominator)
        self._pushed = 0
        self._graph: Graph | None = None
        self._work, self._back = Chain(*_TO_WORK), Chain(*_FROM_WORK)

    def push(self, frame: av.VideoFrame, again: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Show the filter a frame, `again` times; gives what it has drawn by then, with the number of its place."""
        for _ in range(again):
            work = self._work(frame)
            work.pts, work.time_base = round((self._start + self._pushed) / self._tick), self._tick
            self._pushed += 1
            if self._graph is None:
                self._graph = self._built(work)
            self._graph.vpush(work)
            yield from self._drawn(frame)

    def _drawn(self, like: av.VideoFrame) -> Iterator[tuple[int, av.VideoFrame]]:
        while self._graph is not None:
            try:
                out = self._graph.vpull()
            except (BlockingIOError, EOFError):
                return
            place = round((out.pts or 0) * (out.time_base or 1) / self._step) - self._skip
            if place >= 0:
                frame = self._back(out)
                frame.colorspace, frame.color_range = like.colorspace, like.color_range
                frame.color_primaries, frame.color_trc = like.color_primaries, like.color_trc
                yield int(place), frame

    def _built(self, like: av.VideoFrame) -> Graph:
        graph = Graph()
        follow = graph.add("minterpolate", fps=str(1 / self._step), **_FOLLOW)
        graph.link_nodes(source_node(graph, like, rate=Fraction(1)), follow, graph.add("buffersink"))
        graph.configure()
        return graph
