"""A shot with all the frames that its clips have: what lies before and after what plays are its handles."""

from __future__ import annotations

from fractions import Fraction
from itertools import count, takewhile
from math import floor

from msgspec.structs import replace

from sora_cli.plan.timeline import CutShot, Piece
from sora_cli.storyboard.model import Transition


def with_handles(shot: CutShot, fps: Fraction) -> tuple[CutShot, int]:
    """The shot alone, from film frame 0, with its handles and no transition; and how many frames come before it.

    A title over pictures is left out, one that stands alone is drawn. Where frames between those of the clips are
    drawn, there are no handles.
    """
    pieces = list(shot.pieces)
    head: tuple[int, ...] = ()
    if pieces:
        head, tail = _before(pieces[0], fps), _after(pieces[-1], fps)
        pieces[0] = replace(pieces[0], frames=head + pieces[0].frames)
        pieces[-1] = replace(pieces[-1], frames=pieces[-1].frames + tail)
    alone = replace(
        shot,
        start=0,
        overlap=0,
        lead=0,
        transition=Transition(),
        pieces=tuple(pieces),
        cues=(),
        title=None if pieces else shot.title,
    )
    return alone, len(head)


def _pace(piece: Piece, fps: Fraction) -> Fraction:
    """Frames of the clip for each of the film."""
    return piece.speed * piece.clip.fps / fps


def _before(piece: Piece, fps: Fraction) -> tuple[int, ...]:
    if piece.step is not None or not piece.frames:
        return ()
    pace = _pace(piece, fps)
    places = (floor(piece.frames[0] - number * pace) for number in count(1))
    return tuple(reversed(list(takewhile(lambda place: place >= 0, places))))


def _after(piece: Piece, fps: Fraction) -> tuple[int, ...]:
    if piece.step is not None or not piece.frames:
        return ()
    pace = _pace(piece, fps)
    places = (floor(piece.frames[-1] + number * pace) for number in count(1))
    return tuple(takewhile(lambda place: place < piece.clip.frames, places))
