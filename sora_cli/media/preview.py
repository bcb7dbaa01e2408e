"""Previews that play anywhere: a film made small, for a looping GIF (with one palette for all of it) or WebP."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import av
from av.filter import Graph
from msgspec.structs import replace

from sora_cli.media.filters import Chain, source_node
from sora_cli.media.stream import Master

WIDEST, FASTEST = 480, 15
"""Pixels across and frames a second of a preview, at most."""


def preview(master: Master, *, palette: bool) -> Master:
    """Make the film small: every so many of its frames, without sound; with a `palette`, in 256 colours.

    These are chosen over the whole film, which takes two passes over its pictures: one to choose the colours, one to
    use them (libavfilter's `palettegen` and `paletteuse`, with error diffusion).
    """
    every = -(-master.fps // FASTEST)
    width = min(master.width, WIDEST)
    height = max(1, round(Fraction(master.height * width, master.width)))
    frames = -(-master.frames // every)
    small = replace(
        master, width=width, height=height, fps=master.fps / every, frames=frames, sound=None, chapters=(), subtitles=()
    )
    made = _paletted if palette else _shrunk
    return replace(small, pictures=lambda: made(master, small, every))


def _paletted(master: Master, small: Master, every: int) -> Iterator[av.VideoFrame]:
    palette = _palette(_shrunk(master, small, every))
    graph: Graph | None = None
    for frame in _shrunk(master, small, every):
        if graph is None:
            graph = _user(frame, palette)
        graph.vpush(frame, 0)
        yield graph.vpull()


def _shrunk(master: Master, small: Master, every: int) -> Iterator[av.VideoFrame]:
    size = {"w": str(small.width), "h": str(small.height), "flags": "area+accurate_rnd", "out_range": "pc"}
    shrink = Chain(("scale", size), ("format", {"pix_fmts": "bgra"}))
    for number, frame in enumerate(islice(master.pictures(), 0, None, every)):
        done = shrink(frame)
        done.pts, done.time_base = number, 1 / small.fps
        yield done


def _palette(frames: Iterator[av.VideoFrame]) -> av.VideoFrame:
    graph: Graph | None = None
    for frame in frames:
        if graph is None:
            graph = Graph()
            chooser = graph.add("palettegen", reserve_transparent="0")
            graph.link_nodes(source_node(graph, frame), chooser, graph.add("buffersink")).configure()
        graph.vpush(frame)
    if graph is None:
        raise ValueError("no frames")
    graph.vpush(None)
    return graph.vpull()


def _user(frame: av.VideoFrame, palette: av.VideoFrame) -> Graph:
    """Make the graph that brings frames to a palette, with the palette already in it."""
    graph = Graph()
    pictures, colours = source_node(graph, frame), source_node(graph, palette)
    use, sink = graph.add("paletteuse", dither="sierra2_4a"), graph.add("buffersink")
    pictures.link_to(use, 0, 0)
    colours.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    graph.vpush(palette, 1)
    colours.push(None)
    return graph
