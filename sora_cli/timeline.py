"""Plan + clips -> cut: which frame of which clip plays when. Pure; whole frames only."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sora_cli.store import Clip
from sora_cli.storyboard.model import Look, Transition


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one clip: film frame `k` of the piece shows frame `frames[k]` of the clip (counted from 0)."""

    clip: Clip
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutShot:
    """A shot placed in the film: it plays `frames` film frames from film frame `start`.

    The first `overlap` of them play together with the last ones of the shot before, through `transition`; the first
    shot of a film has nothing before it, and a transition of its `lead` frames comes from black instead.
    """

    name: str
    scene: str
    start: int
    pieces: tuple[Piece, ...]
    transition: Transition = Transition()
    overlap: int = 0
    lead: int = 0
    look: Look = Look()

    @property
    def frames(self) -> int:
        """Film frames that the shot plays, its overlap included."""
        return sum(len(piece.frames) for piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The edit: shots in film order, on whole frames."""

    width: int
    height: int
    fps: Fraction
    shots: tuple[CutShot, ...]
    title: str = ""
    author: str = ""

    @property
    def frames(self) -> int:
        """The film's length."""
        return max((shot.start + shot.frames for shot in self.shots), default=0)
