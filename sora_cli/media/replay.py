"""A film file played as a master: at a constant rate, upright, with square pixels and an even size."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from msgspec.structs import replace

from sora_cli.errors import UnusableFile
from sora_cli.media.filters import Chain
from sora_cli.media.read import open_film, sound_blocks
from sora_cli.media.read.facts import no_hdr
from sora_cli.media.read.sound import sound_track
from sora_cli.media.read.subtitles import read_words
from sora_cli.media.stream import SAMPLE_RATE, Chapter, Master, Samples


def replay(path: Path) -> Master:
    """A film as a master, with its title, chapters and subtitles; nothing is decoded yet.

    One of changing rate is shown at a constant one, each frame at its time. Of an odd size, the last row or column is
    cut off, since most codecs cannot have it.

    Raises:
        MediaError: the file is no film, cut short, damaged, or in high dynamic range.
    """
    with open_film(path) as film:
        found, (title, author, told) = film.facts, film.told
        fps = found.fps
        if found.kind != "film" or fps is None:
            raise UnusableFile(f"cannot use {path}: it is not a film", hint="name a film with pictures")
        if found.color.hdr:
            raise no_hdr(path)
        shown = film.shown_at(fps) if found.variable else list(range(found.frames))
    words = read_words(found)
    placed = (
        Chapter(each.title, *(min(len(shown), round(at * fps)) for at in (each.start, each.end))) for each in told
    )
    size = found.width & ~1, found.height & ~1
    master = Master(
        width=size[0],
        height=size[1],
        fps=fps,
        frames=len(shown),
        pictures=lambda: _pictures(path, size, shown, fps),
        title=title,
        author=author,
        chapters=tuple(each for each in placed if 0 <= each.start < each.end),
        subtitles=words.subtitles,
        language=words.language,
    )
    if not found.channels:
        return master
    heard = sound_track(path).language
    return replace(master, sound=lambda: fitted(sound_blocks(path), master.samples), sound_language=heard)


def fitted(blocks: Iterator[Samples], samples: int) -> Iterator[Samples]:
    """Cut the blocks off, or follow them with silence, so that they have exactly so many samples in all."""
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


def _pictures(path: Path, size: tuple[int, int], shown: list[int], fps: Fraction) -> Iterator[av.VideoFrame]:
    cut = ("crop", {"w": str(size[0]), "h": str(size[1]), "x": "0", "y": "0", "exact": "1"})
    chain: Chain | None = None
    with open_film(path) as film:
        for number, frame in enumerate(film.frames(shown)):
            if chain is None:
                chain = Chain(*film.to_rgb(frame), cut)
            picture = chain(frame)
            picture.pts, picture.time_base = number, 1 / fps
            yield picture
