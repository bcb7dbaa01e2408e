"""Sound passed through libavfilter, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph

from sora_cli.media.read.sound import sound_blocks
from sora_cli.media.stream import SAMPLE_RATE, Samples


def stretched(path: Path, speed: Fraction) -> Iterator[Samples]:
    """The sound of a file as `sound_blocks` gives it, `speed` times as fast (0.25 to 4) at the same pitch.

    Raises:
        MediaError: the file cannot be read or has no sound.
    """
    tempo = ("atempo", {"tempo": f"{math.sqrt(speed):.9f}"})  # twice, since one filter goes down to a half only
    return (samples_of(frame) for frame in filtered(sound_blocks(path), tempo, tempo))


def sound_frame(block: Samples, at: int, layout: str = "stereo") -> av.AudioFrame:
    """Samples `(n, channels)` at 48 kHz as libav takes them, starting at sample `at`; `layout` names the channels."""
    packed = np.ascontiguousarray(block, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, at, Fraction(1, SAMPLE_RATE)
    return frame


def filtered(
    blocks: Iterable[Samples], *steps: tuple[str, dict[str, str]], layout: str = "stereo"
) -> Iterator[av.AudioFrame]:
    """Pass blocks at 48 kHz through libavfilter's filters; yields what comes out, packed float of the same layout."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="flt", layout=layout, time_base=Fraction(1, SAMPLE_RATE))
    middle = [graph.add(name, **options) for name, options in steps]
    packed = graph.add("aformat", sample_fmts="flt", channel_layouts=layout)
    graph.link_nodes(source, *middle, packed, graph.add("abuffersink")).configure()
    at = 0
    for block in blocks:
        graph.push(sound_frame(block, at, layout))
        at += len(block)
        yield from _drained(graph)
    graph.push(None)
    yield from _drained(graph)


def _drained(graph: Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        if isinstance(frame, av.AudioFrame):
            yield frame


def samples_of(frame: av.AudioFrame) -> Samples:
    """The samples `(n, 2)` of a packed stereo frame."""
    return frame.to_ndarray().reshape(-1, 2).astype(np.float32, copy=False)
