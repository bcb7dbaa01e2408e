"""How a shot comes in: two streams of frames become one, over the frames that they share.

libavfilter's `xfade` mixes; Python gives it a clock on which frame `k` of `n` stands at `(k + 1) / (n + 1)` of the way,
so that the first and the last shared frame show both shots and the middle falls in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

from sora_cli.errors import MediaError
from sora_cli.media.filters import source_node
from sora_cli.storyboard.model import Transition

Pictures = Iterator[av.VideoFrame]

_TICK = Fraction(1, 1000)
"""The mixing clock's tick; `xfade` takes its times in microseconds, so a millisecond is exact."""


class Mixer:
    """Mixes pairs of frames; at tick 0 only the first of the pair is seen, at tick `span` only the second."""

    def __init__(self, kind: str, span: int) -> None:
        self._kind, self._span = kind, span
        self._graph: Graph | None = None

    def __call__(self, before: av.VideoFrame, after: av.VideoFrame, tick: int) -> av.VideoFrame:
        """Mix one pair, in planar RGB."""
        if self._graph is None:
            self._graph = self._build(before, after, tick)
        for at, frame in enumerate((before, after)):
            frame.pts, frame.time_base = tick, _TICK
            self._graph.vpush(frame, at)
        return self._graph.vpull()

    def _build(self, before: av.VideoFrame, after: av.VideoFrame, tick: int) -> Graph:
        graph = Graph()
        for frame in (before, after):
            frame.time_base = _TICK
        sources = [source_node(graph, frame, rate=1 / _TICK) for frame in (before, after)]
        # `xfade` counts from the first pair's time; the offset takes that back.
        times = {"duration": f"{self._span}ms", "offset": f"{-tick}ms"}
        mixer, sink = graph.add("xfade", transition=self._kind, **times), graph.add("buffersink")
        for at, source in enumerate(sources):
            source.link_to(mixer, 0, at)
        mixer.link_to(sink)
        graph.configure()
        return graph


def mix(before: Pictures, after: Pictures, frames: int, transition: Transition) -> Pictures:
    """The `frames` shared frames of two shots, in planar RGB. Takes that many from each.

    A dissolve mixes the coded values, as editing programs do. A fade goes down to black and up again, while both shots
    go on. A wipe's edge moves towards its `direction`, and the new shot appears behind it.

    Raises:
        MediaError: one of the shots ends too soon.
    """
    span = frames + 1
    one, other = Mixer(_kind(transition), span), Mixer(_kind(transition), span)
    for tick in range(1, span):
        old, new = _next(before), _next(after)
        if transition.kind != "fade":
            yield one(old, new, tick)
        elif 2 * tick <= span:
            yield one(old, black(old), 2 * tick)
        else:
            yield other(black(new), new, 2 * tick - span)


def from_black(after: Pictures, frames: int, transition: Transition) -> Pictures:
    """Fade the first `frames` frames of a film in from black. Takes that many from `after`.

    Raises:
        MediaError: the shot ends too soon.
    """
    mixer = Mixer(_kind(transition), frames + 1)
    for tick in range(1, frames + 1):
        new = _next(after)
        yield mixer(black(new), new, tick)


def black(like: av.VideoFrame) -> av.VideoFrame:
    """A black frame of the size and format of another, which is planar RGB."""
    deep = like.format.components[0].bits > 8
    pixels = np.zeros((like.height, like.width, 3), np.uint16 if deep else np.uint8)
    frame = av.VideoFrame.from_ndarray(pixels, format=like.format.name)
    frame.colorspace, frame.color_range = like.colorspace, like.color_range
    frame.color_primaries, frame.color_trc = like.color_primaries, like.color_trc
    return frame


def _kind(transition: Transition) -> str:
    return f"wipe{transition.direction}" if transition.kind == "wipe" else "fade"


def _next(shot: Pictures) -> av.VideoFrame:
    frame = next(shot, None)
    if frame is None:
        raise MediaError("a shot ends before its transition does", hint="shoot its takes again")
    return frame
