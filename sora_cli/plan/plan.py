"""What a plan is: a film made exact, what is shot, in which order, and where it plays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct, field

from sora_cli.engines.base import EngineCard, Take
from sora_cli.engines.options import Memory
from sora_cli.errors import Problem, file_order
from sora_cli.plan.continuity import PlannedBeat, Stretch
from sora_cli.plan.keyframes import Still
from sora_cli.plan.prompt import Prompt
from sora_cli.plan.slugline import UNSAID, Slugline
from sora_cli.storyboard.model import Beat, Loc, Look, Storyboard, TitleCard, Transition
from sora_cli.storyboard.policy import Policy

if TYPE_CHECKING:  # a silent film loads nothing of sound
    from sora_cli.sound.foley.catalogue import FoundSounds
    from sora_cli.sound.lines import PlacedLine


class PlannedShot(Struct, frozen=True, kw_only=True):
    """A shot placed in the film: `frames` film frames from film frame `start`, `overlap` of them with the shot before.

    `lead` is the length of a first shot's transition, which comes from black. A title card alone has no beats.
    """

    name: str
    scene: str
    loc: Loc
    start: int
    frames: int
    beats: tuple[PlannedBeat, ...]
    transition: Transition
    overlap: int
    lead: int
    look: Look
    slugline: Slugline = UNSAID
    title: TitleCard | None = None

    @property
    def stretches(self) -> Iterator[Stretch]:
        """The stretches that play, in order."""
        return (stretch for beat in self.beats for stretch in beat.stretches)


class Plan(Struct, frozen=True, kw_only=True):
    """A film made exact: what is shot, in which order, and where it plays."""

    board: Storyboard
    fps: Fraction
    width: int
    height: int
    shots: tuple[PlannedShot, ...]
    takes: tuple[Take, ...]
    """Every take to shoot, each after those it needs."""
    cards: Mapping[str, EngineCard]
    """By the name that takes carry in `engine`."""
    memory: Memory = field(default_factory=Memory)
    """How the engines are fitted to the device."""
    remarks: tuple[Problem, ...] = ()
    """What the author should know that stops nothing."""
    lines: tuple[PlacedLine, ...] = ()
    """What is said, in film order."""
    sounds: Mapping[str, FoundSounds] = field(default_factory=dict)
    """The sounds that its words find, by these words: looked for once, when it is planned."""
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    """How the words of each take came about, by its key."""
    stills: Mapping[str, tuple[Still, ...]] = field(default_factory=dict)
    """What shots begin and end on, by the shot's name."""

    @property
    def may_lack(self) -> frozenset[str]:
        """Keys of takes that need not be there: spare ones, and those that another seed may stand in for."""
        optional = (((take.key, *take.after) if take.stands_in else (take.key,)) for take in self.takes if take.after)
        return frozenset(key for keys in optional for key in keys)

    @property
    def rules(self) -> Policy:
        """What its policy says."""
        return self.board.rules

    @property
    def bars(self) -> Mapping[str, float]:
        """What its author holds it to."""
        return self.board.bars

    @property
    def frames(self) -> int:
        """The film's length in frames."""
        return max((shot.start + shot.frames for shot in self.shots), default=0)

    @property
    def seconds(self) -> float:
        """The film's length in seconds."""
        return float(self.frames / self.fps)

    @property
    def stretches(self) -> Iterator[Stretch]:
        """All stretches that play, in film order."""
        return (stretch for shot in self.shots for stretch in shot.stretches)

    @property
    def changes(self) -> Iterator[tuple[Beat, Take]]:
        """The beats that make a part of a film anew, each with its first take."""
        beats = {shot.name: shot.beats for shot in self.board.shots}
        for shot in self.shots:
            for beat, planned in zip(beats.get(shot.name, ()), shot.beats, strict=False):
                if beat.edit is not None:
                    yield beat, planned.stretches[0].candidates[0]

    @property
    def made(self) -> Iterator[Stretch]:
        """All stretches that play, and the stills of the storyboard; of these, those that are needed are made."""
        yield from self.stretches
        yield from (still.stretch for stills in self.stills.values() for still in stills)


def film_id(board: Storyboard) -> str:
    """What the store remembers a storyboard's takes under: its place on disk, or its words where it has none."""
    name = str(board.path.resolve()) if board.path else board.title
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems once each (several beats may inherit one wrong value), in file order."""
    return sorted(dict.fromkeys(problems), key=lambda problem: file_order(problem.mark))
