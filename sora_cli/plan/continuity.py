"""What takes carry on from: frames of other takes and of files, held to the colours that the film will have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.bounded import file_hash
from sora_cli.engines.base import Ability, Carry, EngineCard, Hold, Reference, Take
from sora_cli.engines.changes import Change, Excerpt
from sora_cli.errors import HINT_READ, EngineMissing, Problem, RequestError
from sora_cli.plan.anchors import Anchors
from sora_cli.plan.findings import Findings
from sora_cli.plan.slugline import slugline
from sora_cli.review.bars import bars_from
from sora_cli.storyboard.edits import Edit
from sora_cli.storyboard.model import Beat, Link, Shot, Storyboard


class Stretch(Struct, frozen=True):
    """A part of a beat that an engine makes in one go; the best of its `candidates` plays; the first, where picked."""

    name: str
    candidates: tuple[Take, ...]
    picked: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the candidates."""
        return tuple(take.key for take in self.candidates)

    @property
    def choices(self) -> tuple[str, ...]:
        """Keys of the candidates that may play."""
        return self.keys[:1] if self.picked else self.keys

    @property
    def drafted(self) -> Stretch:
        """The same, its takes named as those of a draft."""
        named = (replace(take, name=f"{take.name} (draft)") for take in self.candidates)
        return replace(self, name=f"{self.name} (draft)", candidates=tuple(named))

    @property
    def until_good(self) -> bool:
        """Whether the first good candidate plays."""
        return any(take.after and not take.stands_in for take in self.candidates)


class PlannedBeat(Struct, frozen=True):
    """A beat of `frames` film frames, made of stretches that carry on from each other.

    It plays `speed` times as fast as it was made; `smooth` says that frames between those of the clips are drawn.
    """

    frames: int
    stretches: tuple[Stretch, ...]
    speed: Fraction = Fraction(1)
    smooth: bool = False


class Continuity:
    """Finds the frames that the takes of one film carry on from; `planned` are the beats of its shots, so far.

    `fps` is the film's rate, in whose frames their lengths are.
    """

    def __init__(self, board: Storyboard, findings: Findings, fps: Fraction) -> None:
        self.board = board
        self.fps = fps
        self.findings = findings
        self.planned: dict[str, tuple[PlannedBeat, ...]] = {}
        self.hour = ""  # of the shot that is being planned
        self._hold: Hold | None = None  # of the same
        self._own: Hold | None = None  # to that shot's own first stretch, where it is held to nothing else
        self._holds: dict[str, Hold | None] = {}  # by stretch
        self._chains: dict[str, int] = {}  # by take: how many carry on from each other up to it
        self._hashes: dict[Path, str] = {}
        pictured = [(scene.name, shot) for scene in board.scenes for shot in scene.shots if shot.beats]
        self._shots = [shot for _, shot in pictured]  # in film order
        self._pictured = {shot.name: index for index, shot in enumerate(self._shots)}
        self._anchors = Anchors((scene, slugline(shot)) for scene, shot in pictured)
        names = [shot.name for shot in board.shots]
        self._before = dict(zip(names[1:], names, strict=False))

    def begin(self, shot: Shot) -> None:
        """Begin a shot: the stretches that are made from now on are its own."""
        self._hold, self._own = self.hold(shot), None
        self.hour = self._anchors.hours[self._pictured[shot.name]] if shot.beats else ""

    def note(self, card: EngineCard, shot: Shot, beat: Beat, stretch: Stretch) -> None:
        """Note a stretch that others may carry on from; a remark names a chain that is too long for an engine."""
        self._holds[stretch.name] = self._hold or self._own
        if self._hold is None and self._own is None and self.is_anchor(shot):
            above = bars_from(self.board.bars).colour / 2
            self._own = Hold(takes=stretch.choices, strength=shot.look.strength, above=above)
        source = stretch.candidates[0].opening
        chain = 1 + max((self._chains.get(key, 0) for key in source.takes), default=0) if source else 1
        self._chains |= dict.fromkeys(stretch.keys, chain)
        if card.chain and chain == card.chain + 1:
            message = f"{chain} takes carry on from each other: engine {card.name} is known to hold up for {card.chain}"
            hint = "colours and faces may drift: begin a new shot with `from: nothing`, and references of the cast"
            self.findings.remark(beat, "prompt", message, hint)

    def is_anchor(self, shot: Shot) -> bool:
        """Whether a shot's colours are held to those that it begins with."""
        look = shot.look
        held = look.match in ("scene", "film") and bool(look.strength)
        return held and self._anchors.of(self._pictured[shot.name], look) is None

    def opening(
        self, card: EngineCard, shot: Shot, beat: Beat, before: Sequence[PlannedBeat]
    ) -> tuple[Carry | None, int]:
        """What the first frames carry on from, and how many of the take's frames only repeat it."""
        link = beat.start
        if link is None and before:
            carry: Carry | None = self.carry_on(card, before[-1].stretches[-1])
        elif link is None or link.kind == "nothing":
            return None, 0
        elif link.kind == "picture":
            carry = self.file(card, beat, "from", link, count=1, at=0)
        elif link.kind == "film":
            carry = self.file(card, beat, "from", link, count=max(1, card.overlap), at=-1)
        else:
            carry = self.linked(card, shot, beat, "from", link)
        if carry is not None and not card.can(Ability.FIRST_FRAMES):
            self.findings.wrong(
                beat, "from", f"engine {card.name} cannot carry on from given frames", "use `from: nothing`"
            )
        # A picture is played: it is the shot's first frame. Frames of a shot or film were played there already.
        return carry, carry.count if carry is not None and not (carry.path and carry.at == 0) else 0

    def closing(self, card: EngineCard, shot: Shot, beat: Beat) -> Carry | None:
        """What the last frame must be."""
        link = beat.end
        if link is None or link.kind == "nothing":
            return None
        if not card.can(Ability.LAST_FRAME):
            self.findings.wrong(beat, "to", f"engine {card.name} cannot end on a given frame", "remove `to`")
        if link.kind in ("picture", "film"):
            return self.file(card, beat, "to", link, count=1, at=0)
        carry = self.linked(card, shot, beat, "to", link)
        return replace(carry, count=1, hold=None, meets=False) if carry else None

    def carry_on(self, card: EngineCard, stretch: Stretch) -> Carry:
        """The last played frames of a stretch."""
        take = stretch.candidates[0]
        return self.carry(card, stretch, take.last)

    def carry(self, card: EngineCard, stretch: Stretch, at: int) -> Carry:
        """Frames of a stretch up to frame `at` of its clip: as many as the engine carries over and its grid allows.

        Only one if frame rates differ: the frames before it lie at other times than the engine's own would.
        """
        count = min(card.overlap, at + 1) if stretch.candidates[0].fps == card.fps else 1
        on_grid = (count - card.frame_offset) // card.frame_step * card.frame_step + card.frame_offset
        # Latents go on without a loss, and colours cannot be matched in them.
        hold = None if card.tails else self._holds[stretch.name]
        return Carry(takes=stretch.choices, at=at, count=max(1, on_grid), hold=hold, meets=not card.tails)

    def hold(self, shot: Shot) -> Hold | None:
        """What a shot's colours are brought to before its frames are handed on; None where they stay as they are.

        That is what the finished film holds it to, where that is known by then: a picture, or the first stretch of the
        scene's or the film's first shot, unless that hangs on this one or is itself held to something else.
        """
        look = shot.look
        if not shot.beats or not look.strength:
            return None
        if look.match == "picture" and look.path is not None:
            return Hold(path=look.path, sha256=self.file_hash(shot.beats[0], "look", look.path), strength=look.strength)
        held = self._anchors.of(self._pictured[shot.name], look)
        if held is None or look.match == "previous":
            return None
        anchor = self._shots[held]
        own = anchor.look.path is None and self._anchors.of(held, anchor.look) is None
        beats = self.planned.get(anchor.name, ())
        return Hold(takes=beats[0].stretches[0].choices, strength=look.strength) if own and beats else None

    def linked(self, card: EngineCard, shot: Shot, beat: Beat, which: str, link: Link) -> Carry | None:
        """The frames of another shot that a link means."""
        name = self._before[shot.name] if link.kind == "previous" else link.name
        beats = self.planned.get(name, ())
        stretches = [stretch for planned in beats for stretch in planned.stretches]
        if name not in self.planned:
            return None  # shots that wait for each other: the loader has said so
        if not stretches:
            self.findings.wrong(beat, which, f"shot {name!r} is a title card: it has no frames to carry on from")
            return None
        first = stretches[0].candidates[0]
        if link.at == "end":
            return self.carry_on(card, stretches[-1])
        if link.at == "start":
            return replace(self.carry(card, stretches[0], first.skip), count=1)
        left = link.at
        for planned in beats:
            if left < planned.frames / self.fps:
                return self.within(card, planned, left)
            left -= planned.frames / self.fps
        past = _past_end(self._shots[self._pictured[name]], link.at)  # the loader has said so
        if not past and not self.board.lost:  # else how long it is may not be known
            message = f"shot {name!r} has no frame at {float(link.at):g} s"
            self.findings.wrong(beat, which, message, "its end is `at: end`")
        return None

    def within(self, card: EngineCard, beat: PlannedBeat, seconds: Fraction) -> Carry:
        """The frames of a beat up to the one that is on so many seconds after it began."""
        place = math.floor(seconds * beat.stretches[0].candidates[0].fps * beat.speed)
        for stretch in beat.stretches[:-1]:
            take = stretch.candidates[0]
            if place < take.play:
                return self.carry(card, stretch, take.frame_at(place))
            place -= take.play
        return self.carry(card, beat.stretches[-1], beat.stretches[-1].candidates[0].frame_at(place))

    def file(self, card: EngineCard, beat: Beat, which: str, link: Link, *, count: int, at: int) -> Carry:
        """Frames of a picture or film."""
        path = link.path or Path()
        meets = link.kind == "film" and not card.tails
        found = self.file_hash(beat, which, path)
        return Carry(path=path, sha256=found, at=at, count=count, meets=meets, fine=meets)

    def change(self, card: EngineCard, beat: Beat, played: int) -> Change | None:
        """What a take changes of a film, where its beat does; `played` of its frames play before the take's first."""
        edit = beat.edit
        if edit is None:
            return None
        excerpts, fps = self.excerpts(beat, edit)
        return Change(
            path=edit.of,
            sha256=self.file_hash(beat, "edit", edit.of) if edit.of is not None else "",
            excerpts=excerpts,
            fps=fps,
            at=edit.start + played / card.fps,
            view=edit.view,
            start=edit.start,
            end=edit.stop,
            region=edit.region,
            mask=edit.mask,
            mask_sha256=self.file_hash(beat, "edit", edit.mask) if edit.mask is not None else "",
            words=edit.words,
            segmenter=self.segmenter(beat, edit),
            outpaint=edit.outpaint,
            instructed=edit.instruct,
        )

    def segmenter(self, beat: Beat, edit: Edit) -> tuple[tuple[str, str], ...]:
        """The models by which an edit finds what it replaces, as they are on this machine."""
        if not edit.segmenter:
            return ()
        from sora_cli.engines.segmenting import revisions  # few films name one

        try:
            return revisions(edit.segmenter, edit.words)
        except (EngineMissing, RequestError) as error:
            mark = self.board.mark((*beat.loc, "edit", "segmenter"))
            self.findings.problems.append(Problem(error.message, error.hint, mark, code=error.exit_code))
            return tuple((name, "") for name in edit.segmenter)

    def excerpts(self, beat: Beat, edit: Edit) -> tuple[tuple[Excerpt, ...], Fraction]:
        """What an edit's shot shows, as its takes are made, and at which rate; nothing where it is of a film."""
        beats = self.planned.get(edit.shot, ())
        stretches = [stretch for planned in beats for stretch in planned.stretches]
        takes = [stretch.candidates[0] for stretch in stretches]
        if not takes:
            if edit.shot:
                self.findings.wrong(beat, "edit", f"shot {edit.shot!r} has no frames to change")
            return (), Fraction(0)
        fps, length = takes[0].fps * beats[0].speed, sum(take.play for take in takes)
        if len({(take.fps, take.width, take.height) for take in takes}) > 1:
            message = f"the beats of shot {edit.shot!r} are made by engines of other rates or sizes"
            self.findings.wrong(beat, "edit", message, "name a shot that one engine makes")
        if edit.start * fps < length < edit.stop * fps - Fraction(1, 2):  # what begins behind its end was told
            message = f"shot {edit.shot!r} ends at {float(length / fps):.4g} s"
            self.findings.wrong(beat, "edit", message, "end the stretch earlier")
        shown = (tuple(take.frame_at(number) for number in range(take.play)) for take in takes)
        excerpts = (Excerpt(stretch.choices, frames) for stretch, frames in zip(stretches, shown, strict=True))
        return tuple(excerpts), fps

    def references(self, card: EngineCard, beat: Beat, voices: Mapping[Path, str]) -> tuple[Reference, ...]:
        """What anchors appearance, in order; nothing where the engine takes none. `voices` spoke some of the files."""
        if not card.can(Ability.REFERENCES):
            return ()
        hashes = ((path, self.file_hash(beat, "references", path)) for path in beat.references)
        return tuple(Reference(path, sha256, voices.get(path, "")) for path, sha256 in hashes)

    def file_hash(self, beat: Beat, which: str, path: Path) -> str:
        """SHA-256 of a file's bytes, read once."""
        if path not in self._hashes:
            try:
                self._hashes[path] = file_hash(path)
            except OSError as error:
                self.findings.wrong(beat, which, f"cannot read {path}: {error.strerror}", HINT_READ)
                self._hashes[path] = ""
        return self._hashes[path]


def _past_end(shot: Shot, at: Fraction) -> bool:
    """Whether a time lies behind the end of a shot, by what is written in seconds."""
    seconds = [beat.duration.seconds if beat.duration else None for beat in shot.beats]
    known = [length for length in seconds if length is not None]
    return len(known) == len(seconds) and at >= sum(known)
