"""A film file played as a master: at a constant rate, upright, with square pixels and an even size."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from sora_cli.errors import MediaError
from sora_cli.media.probe import Index, Probe, packet_index, probe
from sora_cli.media.reel import Chain, decode, pixel_aspect, to_rgb
from sora_cli.media.sound import sound_blocks
from sora_cli.media.stream import SAMPLE_RATE, Master, Samples


def replay(path: Path) -> Master:
    """A film as a master, nothing decoded yet. One of changing rate is shown at its average rate, each frame at its
    time; of an odd size, the last row or column is cut off, since most codecs cannot have it.

    Raises:
        MediaError: the file is no film, cut short, damaged, or in high dynamic range.
    """  # noqa: D205  the summary needs two lines
    found = probe(path)
    if found.kind != "film" or found.fps is None:
        raise MediaError(f"cannot use {path}: it is not a film", hint="name a film with pictures")
    if found.color.hdr:
        raise MediaError(
            f"cannot use {path}: it is in high dynamic range (PQ or HLG)", hint="convert it to BT.709 first"
        )
    index = packet_index(path)
    fps = found.fps
    shown = frame_numbers(index, fps) if found.variable else list(range(found.frames))
    master = Master(
        width=found.width & ~1,
        height=found.height & ~1,
        fps=fps,
        frames=len(shown),
        pictures=lambda: _pictures(path, found, shown, fps),
    )
    if not found.channels:
        return master
    return Master(
        width=master.width,
        height=master.height,
        fps=fps,
        frames=master.frames,
        pictures=master.pictures,
        sound=lambda: fitted(sound_blocks(path), master.samples),
    )


def frame_numbers(index: Index, fps: Fraction) -> list[int]:
    """Which frame is on at each tick of a constant rate: the last one whose time has come."""
    count = max(1, round(index.length * fps))
    ticks = np.array([round(Fraction(k) / fps / index.base) for k in range(count)], np.int64) + index.times[0]
    return [int(number) for number in np.searchsorted(index.times, ticks, side="right") - 1]


def fitted(blocks: Iterator[Samples], samples: int) -> Iterator[Samples]:
    """The blocks, cut off or followed by silence so that they have exactly so many samples in all."""
    left = samples
    for block in blocks:
        if left <= 0:
            return
        yield block[:left]
        left -= len(block)
    while left > 0:
        quiet = min(left, SAMPLE_RATE)
        yield np.zeros((quiet, 2), np.float32)
        left -= quiet


def _pictures(path: Path, found: Probe, shown: list[int], fps: Fraction) -> Iterator[av.VideoFrame]:
    aspect = pixel_aspect(path)
    even = {"w": str(found.width & ~1), "h": str(found.height & ~1), "x": "0", "y": "0", "exact": "1"}
    cut = [("crop", even)] if found.width % 2 or found.height % 2 else []
    chain: Chain | None = None
    for number, frame in enumerate(decode(path, shown)):
        if chain is None:
            chain = Chain(*to_rgb(frame, None, aspect), *cut)
        picture = chain(frame)
        picture.pts, picture.time_base = number, 1 / fps
        yield picture
