"""The frames of films: exact random access, and libavfilter chains that take one frame and give one frame."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.filter import Graph
from av.video.stream import VideoStream

from sora_cli.errors import MediaError
from sora_cli.media import picture
from sora_cli.media.opening import opened, picture_stream
from sora_cli.media.picture import contain, cover, picture_header, read_picture
from sora_cli.media.probe import Index, clockwise, no_hdr, packet_index, shown_size
from sora_cli.media.stream import Frames

Step = tuple[str, dict[str, str]]
"""One filter of a chain: its name and its options."""

_MATRIX_NAMES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_TURNS: dict[int, list[Step]] = {
    0: [],
    90: [("transpose", {"dir": "clock"})],
    180: [("hflip", {}), ("vflip", {})],
    270: [("transpose", {"dir": "cclock"})],
}
_AT_ONCE = 24
_WIDE = 100
"""Frames that are decoded and passed over rather than sought past."""
_EXACT = "accurate_rnd+full_chroma_int+full_chroma_inp"


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


def to_rgb(
    frame: av.VideoFrame,
    size: tuple[int, int] | None,
    aspect: Fraction | None = None,
    pixels: str = "gbrp",
    fit: Literal["fill", "fit", "pad"] = "fill",
) -> list[Step]:
    """The filters that turn, scale and make planar RGB (`pixels`) of frames like `frame`.

    `size` is (width, height), None to keep the frame's own: to `fill` it, frames are scaled to cover it and cropped;
    to `fit`, they are scaled to be inside it and `bars` are still to be added; `pad` does so too, but never enlarges.
    `aspect` is how wide a pixel is for its height (see `pixel_aspect`). The colour matrix and range are those of the
    frame; a film that does not say is taken as players do: BT.709 from 720 lines up, BT.601 below.

    Raises:
        MediaError: the frames are high dynamic range, which we would show wrongly.
    """
    if frame.color_trc in {16, 18}:
        raise no_hdr("the film")
    turn = clockwise(frame.rotation)
    upright = shown_size(frame.width, frame.height, aspect, turn)
    wide, high = upright
    if size:
        wide, high = cover(*upright, *size) if fit == "fill" else contain(*upright, *size, enlarge=fit == "fit")
    steps = list(_TURNS[turn])
    rgb = frame.format.is_rgb
    options = {"w": str(wide), "h": str(high), "flags": f"lanczos+{_EXACT}"}
    if not rgb:
        guess = "bt709" if max(upright) >= 1280 or min(upright) >= 720 else "smpte170m"
        options["in_color_matrix"] = _MATRIX_NAMES.get(frame.colorspace, guess)
        options["in_range"] = "pc" if frame.color_range == 2 or frame.format.name.startswith("yuvj") else "tv"
        options["out_range"] = "pc"
    if not rgb or (wide, high) != upright or frame.format.name != pixels:
        steps += [("scale", options), ("format", {"pix_fmts": pixels})]
    if size and (wide > size[0] or high > size[1]):
        left, top = (wide - size[0]) // 2, (high - size[1]) // 2
        steps.append(("crop", {"w": str(size[0]), "h": str(size[1]), "x": str(left), "y": str(top), "exact": "1"}))
    return steps


def pixel_aspect(path: Path) -> Fraction | None:
    """How wide a film's pixels are for their height; None where it does not say, which means square."""
    with opened(path) as container:
        stream = picture_stream(container)
        return stream.sample_aspect_ratio if stream else None


def bars(size: tuple[int, int]) -> Step:
    """The filter that lays frames on the middle of a black picture of `size`."""
    return ("pad", {"w": str(size[0]), "h": str(size[1]), "x": "(ow-iw)/2", "y": "(oh-ih)/2", "color": "black"})


def rgb_bytes(frame: av.VideoFrame) -> Frames:
    """A frame of RGB, planar or packed, as `(h, w, 3)` bytes."""
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def decode(path: Path, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
    """Decode the frames with the numbers `wanted` (from 0), in that order, each number as often as it stands there.

    Frames come as the codec gives them, interlaced ones with the lines of one field drawn anew. What lies close
    together is decoded in one go; over wide gaps the film is searched from its nearest keyframe.

    Raises:
        MediaError: the file cannot be read, or has no such frame.
    """
    if not wanted:
        return
    steps = [after - before for before, after in pairwise(wanted)]
    index = packet_index(path) if wanted[0] > 0 or min(steps, default=0) < 0 or max(steps, default=0) > _WIDE else None
    if index is not None and max(wanted) >= len(index.times):
        raise MediaError(f"cannot read frame {max(wanted)} of {path}: it has {len(index.times)} frames")
    start = 0
    for place, step in enumerate([*steps, -1]):
        if step < 0 or step > _WIDE:
            yield from _decode_run(path, wanted[start : place + 1], index)
            start = place + 1


def _decode_run(path: Path, wanted: Sequence[int], index: Index | None) -> Iterator[av.VideoFrame]:
    """Decode frames with ascending numbers, passing over what lies between them."""
    with opened(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise MediaError(f"cannot use {path}: it has no pictures", hint="name a picture or a film")
        stream.thread_type = "AUTO"
        at = 0
        for number, frame in _progressive(_numbered(container, stream, index, wanted[0])):
            while at < len(wanted) and wanted[at] == number:
                yield frame
                at += 1
            if at == len(wanted):
                return
            if number > wanted[at]:
                break
    raise MediaError(
        f"cannot read frame {wanted[at]} of {path}: it is missing or damaged", hint="check that the file is whole"
    )


def _numbered(
    container: InputContainer, stream: VideoStream, index: Index | None, first: int
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decoded frames with their numbers, from frame `first` or a keyframe before it."""
    if index is None or not index.timed:
        yield from enumerate(container.decode(stream))
        return
    target = int(index.times[first])
    before = index.keys[index.keys <= target]
    for start in (*before[-1:], int(index.times[0])):
        container.seek(int(start), stream=stream, backward=True)
        early = False
        for frame in container.decode(stream):
            if frame.pts is None or frame.pts < index.times[0]:
                continue
            number = int(np.searchsorted(index.times, frame.pts))
            if number > first and not early:
                break  # the container's seek came out too late: start again from the film's beginning
            early = True
            yield number, frame
        if early:
            return


def _progressive(frames: Iterator[tuple[int, av.VideoFrame]]) -> Iterator[tuple[int, av.VideoFrame]]:
    """The frames and their numbers; those that say they are interlaced through libavfilter's `bwdif`, one for one.

    It looks at the frames before and after, so each then comes when the next one is decoded.
    """
    graph: Graph | None = None
    waiting: deque[tuple[int, int | None, Fraction | None]] = deque()
    for number, frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield number, frame
            continue
        if graph is None:
            graph = Graph()
            weave = graph.add("bwdif", mode="send_frame", deint="interlaced")
            graph.link_nodes(source_node(graph, frame), weave, graph.add("buffersink")).configure()
        waiting.append((number, frame.pts, frame.time_base))
        graph.vpush(frame)
        yield from _pulled(graph, waiting)
    if graph is not None:
        graph.vpush(None)
        yield from _pulled(graph, waiting)


def _pulled(
    graph: Graph, waiting: deque[tuple[int, int | None, Fraction | None]]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """What comes out of a graph, with the numbers and times that it went in with."""
    while waiting:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        number, frame.pts, base = waiting.popleft()
        if base is not None:
            frame.time_base = base
        yield number, frame


def read_small(path: Path, count: int, pixels: int) -> Frames:
    """The first `count` frames of a film as `read_frames` gives them, in its shape, of `pixels` pixels at most.

    Raises:
        MediaError: the file cannot be read, or does not have these frames.
    """
    parts: list[Frames] = []
    for start in range(0, count, _AT_ONCE):  # a long film in its own size may not fit in memory
        part = read_frames(path, start, min(_AT_ONCE, count - start))
        height, width = part.shape[1:3]
        scale = min(1.0, math.sqrt(pixels / (width * height)))
        parts.append(picture.fit(part, max(1, int(width * scale)), max(1, int(height * scale))))
    return np.concatenate(parts)


def read_frames(path: Path, start: int, count: int, size: tuple[int, int] | None = None) -> Frames:
    """Read `count` frames of a film from frame `start`, as `(count, height, width, 3)` sRGB bytes, upright.

    A negative `start` counts from the end: -1 is the last frame. A picture is a film of one frame. With `size`
    (width, height) frames are scaled to cover it (Lanczos) and cropped about the centre.

    Raises:
        MediaError: the file cannot be read, or does not have these frames.
    """
    if picture_header(path) is not None:
        if start not in {0, -1} or count != 1:
            raise MediaError(f"cannot read {count} frames from {start} of {path}: it is a single picture")
        return read_picture(path, size)
    if start < 0:
        total = len(packet_index(path).times)
        start += total
        if start < 0 or start + count > total:
            raise MediaError(f"cannot read frames {start} to {start + count - 1} of {path}: it has {total} frames")
    aspect = pixel_aspect(path)
    chain: Chain | None = None
    out: Frames | None = None
    for number, frame in enumerate(decode(path, range(start, start + count))):
        if chain is None:
            chain = Chain(*to_rgb(frame, None, aspect))
        rgb = rgb_bytes(chain(frame))
        if out is None:
            out = np.empty((count, *rgb.shape), np.uint8)
        out[number] = rgb
    if out is None:
        return np.empty((0, *(size or (0, 0))[::-1], 3), np.uint8)
    return picture.fit(out, *size) if size else out
