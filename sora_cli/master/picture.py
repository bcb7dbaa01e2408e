"""The picture: shots decoded, scaled, graded and stitched, one frame at a time.

Every pixel's work is done by libavfilter; Python only says which frame comes next. Shots run in planar RGB up to the
transitions, and become the delivery's pixel format last; by the same filters, where no two are mixed and no words are
laid on them. Memory holds the decoders of one shot, two during a transition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice, repeat

import av
from msgspec import Struct

from sora_cli.errors import MediaError
from sora_cli.master.title import titled
from sora_cli.master.transition import Mixer, Pictures, black, from_black, mix
from sora_cli.media.film import needs_conversion, to_yuv
from sora_cli.media.filters import Chain, Step, bars
from sora_cli.media.motion import smoothed
from sora_cli.media.read import Film, open_film
from sora_cli.media.read.shelf import Open
from sora_cli.plan.timeline import Cut, CutShot, Piece

Steps = Sequence[Step]
DEEP = "gbrp16le"
"""What colour tables are applied in: libavfilter's `lut3d` takes a fifth of the time there, and rounds rightly."""
Grade = Callable[[CutShot], AbstractContextManager[Sequence[tuple[Steps, Steps]]]]
"""The filters that hold a shot's colour, at the beginning and the end of each of its pieces; asked for when the shot
begins, let go when it ends."""


class _Way(Struct, frozen=True):
    """What clips become: planar RGB of the pixel format `work`, and by the filters `last` what is delivered."""

    work: str
    last: Steps = ()


def pictures(cut: Cut, pixels: str, grade: Grade, opener: Open = open_film) -> Pictures:
    """The film's frames in order, exactly `cut.frames`, each with its number as its time, in ticks of `1 / fps`.

    `opener` opens its clips.

    Raises:
        MediaError: a clip cannot be read, or is shorter than the cut takes it to be.
    """
    way = _Way(working_format(pixels), () if _mixes(cut) else to_yuv(pixels))
    convert, share = Chain(*to_yuv(pixels)), Chain(("null", {}))
    last: av.VideoFrame | None = None
    number, tick = 0, 1 / cut.fps
    for frame in _stitch(cut, way, grade, opener):
        if frame is not last:
            done = convert(frame) if needs_conversion(frame, pixels) else frame
        shown, last = share(done) if frame is last else done, frame
        shown.pts, shown.time_base = number, tick
        number += 1
        yield shown
    if number != cut.frames:
        raise MediaError(f"the film came out with {number} of its {cut.frames} frames")


def _mixes(cut: Cut) -> bool:
    """Whether frames of the cut's clips are worked on once more: mixed, or written over."""
    return any(shot.overlap or shot.lead or shot.title for shot in cut.shots)


def working_format(pixels: str) -> str:
    """Planar RGB as deep as the pixel format that is delivered."""
    depth = max(component.bits for component in av.VideoFormat(pixels).components)
    return "gbrp" if depth <= 8 else f"gbrp{min(depth, 16)}le"


def _stitch(cut: Cut, way: _Way, grade: Grade, opener: Open) -> Pictures:
    """Lay the shots one after the other; where two overlap, mix them."""
    running: Pictures = iter(())
    at = 0
    for shot in cut.shots:
        yield from islice(running, shot.start - at)
        at = shot.start
        coming = _shot(shot, cut, way, grade, opener)
        if shot.overlap:
            running = chain(mix(running, coming, shot.overlap, shot.transition), coming)
        elif shot.lead:
            running = chain(from_black(coming, shot.lead, shot.transition), coming)
        else:
            running = coming
    yield from running


def _shot(shot: CutShot, cut: Cut, way: _Way, grade: Grade, opener: Open) -> Pictures:
    with grade(shot) as steps:
        graded = zip(shot.pieces, steps, strict=True)
        pieces = chain.from_iterable(_piece(piece, cut, way, grades, opener) for piece, grades in graded)
        yield from titled(pieces if shot.pieces else _blank(shot, cut, way.work), shot, cut)


def _blank(shot: CutShot, cut: Cut, work: str) -> Pictures:
    """The frames of a title card that stands alone, still without its words: one black frame, again and again."""
    frame = black(av.VideoFrame(cut.width, cut.height, work))
    frame.pts, frame.time_base = 0, 1 / cut.fps
    return repeat(frame, shot.blank)


def _piece(piece: Piece, cut: Cut, way: _Way, grades: tuple[Steps, Steps], opener: Open) -> Pictures:
    """The film frames of one piece, graded; from one grade to the other where they differ."""
    begin, end = grades
    if begin is end:
        yield from _graded(piece, cut, way, begin, opener)
        return
    way = _Way(way.work)
    span = len(piece.frames) + 1
    over = Mixer("fade", span)
    both = zip(_graded(piece, cut, way, begin, opener), _graded(piece, cut, way, end, opener), strict=True)
    for tick, (one, other) in enumerate(both, 1):
        yield over(one, other, tick)


def _graded(piece: Piece, cut: Cut, way: _Way, grade: Steps, opener: Open) -> Pictures:
    """The film frames of one piece; the same object again where the clip's frame plays more than once."""
    filters: Chain | None = None
    last, done, shape, tick = None, None, (0, 0), 1 / cut.fps
    with opener(piece.clip.path) as film:
        for frame in _played(film, piece):
            if frame is not last or done is None:
                if filters is None:
                    filters, shape = _filters(film, frame, cut, way, grade), (frame.width, frame.height)
                if (frame.width, frame.height) != shape:
                    raise MediaError(f"cannot use {film.path}: its picture changes size half-way")
                frame.pts, frame.time_base = 0, tick
                last, done = frame, filters(frame)
            yield done


def _played(film: Film, piece: Piece) -> Pictures:
    """What a piece shows, as the clip has it; the same object again where a frame plays more than once."""
    if piece.step is not None and piece.frames:
        seen = range(piece.frames[0], min(piece.frames[-1] + 2, piece.clip.frames))
        yield from smoothed(film.frames(seen), piece.after, piece.step, len(piece.frames))
        return
    yield from film.frames(piece.frames)


def _filters(film: Film, frame: av.VideoFrame, cut: Cut, way: _Way, grade: Steps) -> Chain:
    """Make the filters from a clip's frames to the film's size and colours; bars come last, to stay black."""
    size = (cut.width, cut.height)
    steps = film.to_rgb(frame, size, DEEP if grade else way.work, cut.fit)
    steps += [*grade, ("format", {"pix_fmts": way.work})] if grade else []
    return Chain(*steps, *([] if cut.fit == "fill" else [bars(size)]), *way.last)
