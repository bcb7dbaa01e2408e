"""libavfilter chains that take one frame and give one frame."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

from sora_cli.media.stream import Frames

Step = tuple[str, dict[str, str]]
"""One filter of a chain: its name and its options."""
EXACT = "accurate_rnd+full_chroma_int+full_chroma_inp"
"""libswscale's flags for right rounding and full chroma."""

ALONE = 500_000
"""Pixels of a picture up to which libavfilter's threads take more of the processor than the filters themselves save."""


class Chain:
    """Filters that give one frame for one frame, set up from the first frame and again whenever the source changes."""

    def __init__(self, *steps: Step) -> None:
        self._steps = steps
        self._source: tuple[object, ...] = ()
        self._graph: Graph | None = None

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Filter one frame; it keeps its time."""
        source = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range, frame.time_base)
        if self._graph is None or source != self._source:
            self._graph, self._source = _chain_graph(frame, self._steps), source
        self._graph.vpush(frame)
        return self._graph.vpull()


def _chain_graph(frame: av.VideoFrame, steps: Sequence[Step]) -> Graph:
    graph = Graph()
    largest = [frame.width * frame.height, *(int(given["w"]) * int(given["h"]) for _, given in steps if "w" in given)]
    if max(largest) <= ALONE:
        graph.threads = 1
    nodes = [source_node(graph, frame)]
    nodes += [graph.add(name, **options) if options else graph.add(name) for name, options in steps]
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes)
    graph.configure()
    return graph


def source_node(graph: Graph, frame: av.VideoFrame, rate: Fraction | None = None) -> av.filter.context.FilterContext:
    """A graph's way in for frames like `frame`, colour tags and all; at a constant `rate` where one is given."""
    constant = {"frame_rate": str(rate)} if rate else {}
    return graph.add(
        "buffer",
        video_size=f"{frame.width}x{frame.height}",
        pix_fmt=frame.format.name,
        time_base=str(frame.time_base or Fraction(1, 1000)),
        pixel_aspect="1/1",
        colorspace=str(frame.colorspace),
        range=str(frame.color_range),
        **constant,
    )


def bars(size: tuple[int, int]) -> Step:
    """The filter that lays frames on the middle of a black picture of `size`."""
    return ("pad", {"w": str(size[0]), "h": str(size[1]), "x": "(ow-iw)/2", "y": "(oh-ih)/2", "color": "black"})


def rgb_bytes(frame: av.VideoFrame) -> Frames:
    """A frame of RGB, planar or packed, as `(h, w, 3)` bytes."""
    as_it_is = frame.format.name == "gbrp"  # libswscale takes longer to be set up than a small picture to be copied
    return np.asarray(frame.to_ndarray() if as_it_is else frame.to_ndarray(format="rgb24"), np.uint8)
