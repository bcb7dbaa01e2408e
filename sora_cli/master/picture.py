"""The picture: shots decoded, scaled, graded and stitched, one frame at a time.

Every pixel's work is done by libavfilter; Python only says which frame comes next. Memory holds the decoders of one
shot, two during a transition.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice

import av

from sora_cli.errors import MediaError
from sora_cli.media.film import to_yuv
from sora_cli.media.reel import Chain, Step, decode, to_rgb
from sora_cli.timeline import Cut, CutShot, Piece

Pictures = Iterator[av.VideoFrame]


def pictures(cut: Cut, pixels: str) -> Pictures:
    """The film's frames in order, exactly `cut.frames`, each with its number as its time, in ticks of `1 / fps`."""
    for number, frame in enumerate(islice(_stitch(cut, pixels), cut.frames)):
        frame.pts, frame.time_base = number, 1 / cut.fps
        yield frame


def _stitch(cut: Cut, pixels: str) -> Pictures:
    running: Pictures = iter(())
    at = 0
    for shot in cut.shots:
        yield from islice(running, shot.start - at)
        at = shot.start
        running = _shot(shot, cut, pixels)
    yield from running


def _shot(shot: CutShot, cut: Cut, pixels: str) -> Pictures:
    return chain.from_iterable(_piece(piece, cut, pixels) for piece in shot.pieces)


def _piece(piece: Piece, cut: Cut, pixels: str, grade: tuple[Step, ...] = ()) -> Pictures:
    """The film frames of one piece; a frame that plays more than once is worked on once."""
    work: Chain | None = None
    again = Chain(("null", {}))
    last: int | None = None
    done: av.VideoFrame | None = None
    for number, frame in zip(piece.frames, decode(piece.clip.path, piece.frames), strict=False):
        if number == last and done is not None:
            yield again(done)
            continue
        if work is None:
            aspect = Fraction(1)
            work = Chain(*to_rgb(frame, (cut.width, cut.height), aspect), *grade, *to_yuv(pixels))
        frame.pts, frame.time_base = 0, 1 / cut.fps
        last, done = number, work(frame)
        yield again(done)
    if done is None and piece.frames:
        raise MediaError(f"no frame of {piece.clip.path} can be read", hint="shoot the take again")
