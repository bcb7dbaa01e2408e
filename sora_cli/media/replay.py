"""A film file played as a master: at a constant rate, upright, with square pixels and an even size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from sora_cli.errors import MediaError
from sora_cli.media.opening import opened
from sora_cli.media.probe import Index, Probe, no_hdr, packet_index, probe
from sora_cli.media.reel import Chain, decode, pixel_aspect, to_rgb
from sora_cli.media.sound import sound_blocks
from sora_cli.media.stream import SAMPLE_RATE, Chapter, Master, Samples


def replay(path: Path) -> Master:
    """A film as a master, with its title and chapters; nothing is decoded yet.

    One of changing rate is shown at its average rate, each frame at its time. Of an odd size, the last row or column is
    cut off, since most codecs cannot have it.

    Raises:
        MediaError: the file is no film, cut short, damaged, or in high dynamic range.
    """
    found = probe(path)
    if found.kind != "film" or found.fps is None:
        raise MediaError(f"cannot use {path}: it is not a film", hint="name a film with pictures")
    if found.color.hdr:
        raise no_hdr(path)
    index = packet_index(path)
    fps = found.fps
    shown = frame_numbers(index, fps) if found.variable else list(range(found.frames))
    title, author, chapters = _told(path, fps, len(shown))
    master = Master(
        width=found.width & ~1,
        height=found.height & ~1,
        fps=fps,
        frames=len(shown),
        pictures=lambda: _pictures(path, found, shown, fps),
        title=title,
        author=author,
        chapters=chapters,
    )
    return replace(master, sound=lambda: fitted(sound_blocks(path), master.samples)) if found.channels else master


def _told(path: Path, fps: Fraction, frames: int) -> tuple[str, str, tuple[Chapter, ...]]:
    """The title, the author and the chapters that a film's container tells, on its frames."""
    with opened(path) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
        found = container.chapters()
    chapters = []
    for each in found:
        start, end = (min(frames, round(each[edge] * (each["time_base"] or 0) * fps)) for edge in ("start", "end"))
        if 0 <= start < end:
            chapters.append(Chapter(each["metadata"].get("title", ""), start, end))
    return tags.get("title", ""), tags.get("artist", ""), tuple(chapters)


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
