"""A beat made exact: the takes that an engine makes of it, what each carries on from, and their keys. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sora_cli.bounded import open_regular
from sora_cli.engines.base import Ability, Carry, EngineCard, Hold, Reference, Take
from sora_cli.errors import Problem
from sora_cli.plan.anchors import Anchors
from sora_cli.plan.data import TakeFields
from sora_cli.plan.prompt import compose, unknown_words
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.model import Beat, Link, Loc, Shot, Storyboard

HURRIED = Fraction(11, 10)
"""From this stride on it is said that a take plays faster than it was made."""


class AnyOptions(BaseModel):
    """The options of an engine that nobody knows: all are taken."""

    model_config = ConfigDict(extra="allow")


ANY_ENGINE = EngineCard(
    name="", title="", family="", source="", revision="", options=AnyOptions, abilities=frozenset(Ability),
    frame_step=1, frame_offset=0, max_frames=10**9, fps=Fraction(24), size_step=2, max_pixels=10**9,
    native_size=(1280, 720), film_size=(1280, 720), default_seconds=Fraction(3600), overlap=1, max_references=10**6,
    max_film_references=10**6, max_sound_references=10**6,
)  # fmt: skip
"""Stands in for an engine that nobody knows, so that the rest of a storyboard is checked: it can do everything."""


@dataclass(frozen=True, slots=True)
class Stretch:
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
    def until_good(self) -> bool:
        """Whether the first good candidate plays."""
        return any(take.after for take in self.candidates)


@dataclass(frozen=True, slots=True)
class PlannedBeat:
    """A beat of `frames` film frames, made of stretches that carry on from each other.

    It plays `speed` times as fast as it was made; `smooth` says that frames between those of the clips are drawn.
    """

    frames: int
    stretches: tuple[Stretch, ...]
    speed: Fraction = Fraction(1)
    smooth: bool = False


def stretches_for(card: EngineCard, needed: int, given: int) -> int:
    """How many equal stretches hold `needed` frames, when `given` of the first one repeat what came before.

    Parts differ by one frame at most; the longest must fit behind what its take repeats.
    """
    if needed <= card.room(given):
        return 1
    return max(2, -(-needed // max(1, card.room(max(given, card.overlap)))))


def derive_seed(*parts: object) -> int:
    """A 32-bit seed from what identifies a take; changes in one part change it wholly."""
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def card_of(board: Storyboard, cards: Mapping[str | None, EngineCard], beat: Beat) -> EngineCard:
    """The card of the engine that makes a beat; `ANY_ENGINE` where what is written of it could not be read."""
    levels = (beat.loc[:end] for end in range(len(beat.loc) + 1))
    if board.lost and any((*level, "engine") in board.lost for level in levels):
        return ANY_ENGINE
    return cards[beat.engine or board.engine]


def latents_go_on(card: EngineCard, take: Take, source: Take) -> bool:
    """Whether a take is given the latents of the frames that it carries on from, without decoding and encoding them.

    They are those of the last frames of `source`, and only its own engine reads them.
    """
    same = (take.engine, take.revision) == (source.engine, source.revision)
    return card.tails and same and take.opening is not None and take.opening.at == source.frames - 1


@dataclass
class TakeMaker:
    """Makes the beats of one film exact, shot by shot; each shot comes after those that its `from` and `to` name.

    `problems` and `remarks` gather what the author should know, each at its place in the file.
    """

    board: Storyboard
    cards: Mapping[str | None, EngineCard]
    film: tuple[int, int]
    fps: Fraction
    draft: bool
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What of the fitting to the device changes pixels."""
    planned: dict[str, tuple[PlannedBeat, ...]] = field(default_factory=dict)
    _hashes: dict[Path, str] = field(default_factory=dict)
    _before: dict[str, str] = field(init=False)
    _shots: list[Shot] = field(init=False)
    """Those that have pictures, in film order."""
    _pictured: dict[str, int] = field(init=False)
    """The place of each shot among them."""
    _anchors: Anchors = field(init=False)
    _hold: Hold | None = None
    """Of the shot that is being planned."""
    _holds: dict[str, Hold | None] = field(default_factory=dict)
    """By stretch."""

    def __post_init__(self) -> None:
        pictured = [(scene.name, shot) for scene in self.board.scenes for shot in scene.shots if shot.beats]
        self._shots = [shot for _, shot in pictured]
        self._pictured = {shot.name: index for index, shot in enumerate(self._shots)}
        self._anchors = Anchors([scene for scene, _ in pictured])
        names = [shot.name for shot in self.board.shots]
        self._before = dict(zip(names[1:], names, strict=False))

    def shot(self, scene: str, shot: Shot, label: str, lengths: Sequence[int]) -> None:
        """Plan all beats of a shot, each carrying on from the one before it.

        `label` is what its seeds hang on; `lengths` are film frames, one for each beat.
        """
        done: list[PlannedBeat] = []
        self._hold = self.hold(shot)
        for number, (beat, frames) in enumerate(zip(shot.beats, lengths, strict=True)):
            name = "/".join([scene, shot.name] + ([str(number + 1)] if len(shot.beats) > 1 else []))
            if frames < 1:
                self.wrong(beat, "duration", f"shorter than one frame at {float(self.fps):g} frames a second")
            done.append(self.beat(shot, beat, done, name=name, label=f"{label}/{number}", frames=max(1, frames)))
        self.planned[shot.name] = tuple(done)

    def beat(
        self, shot: Shot, beat: Beat, before: Sequence[PlannedBeat], *, name: str, label: str, frames: int
    ) -> PlannedBeat:
        """One beat, split into equal stretches where it is longer than the engine's longest clip."""
        card = card_of(self.board, self.cards, beat)
        self.check_abilities(card, beat)
        options = self.options(card, beat)
        opening, given = self.opening(card, shot, beat, before)
        closing = self.closing(card, shot, beat)
        self.check_needs(card, beat, opening=opening, closing=closing)
        step = shot.speed * card.fps / self.fps
        smooth = step < 1 and (shot.speed < 1 or self.board.motion == "interpolate")
        last = (frames - 1) * step
        needed = (math.ceil(last) if smooth else math.floor(last)) + 1
        count = stretches_for(card, needed, given)
        self.check_length(card, beat, needed, count)
        stretches: list[Stretch] = []
        for index in range(count):
            if index:
                opening = self.carry_on(card, stretches[-1])
                given = opening.count
            take = self.take(
                card, beat, name=name if count == 1 else f"{name}.{index + 1}", given=given, opening=opening,
                play=needed * (index + 1) // count - needed * index // count, options=options,
                closing=closing if index == count - 1 else None,
            )  # fmt: skip
            stretches.append(self.candidates(beat, take, f"{label}.{index}"))
            self._holds[stretches[-1].name] = self._hold
        return PlannedBeat(frames, tuple(stretches), shot.speed, smooth)

    def take(
        self, card: EngineCard, beat: Beat, *, name: str, play: int, given: int, options: Mapping[str, Any],
        opening: Carry | None, closing: Carry | None,
    ) -> Take:  # fmt: skip
        """A take without its seed and key."""
        width, height = card.size_for(self.film, options)
        frames = card.frames_for(given + play)
        skip, stride = self.played(card, beat, frames, play, given, opening=opening, closing=closing)
        return Take(
            name=name, key="", engine=card.name, revision=card.revision,
            prompt=compose(beat, self.board.cast, card),
            avoid=beat.avoid if card.can(Ability.NEGATIVE_PROMPT) else "",
            width=width, height=height, fps=card.fps, frames=frames,
            skip=skip, play=play, seed=0, options=options, opening=opening, closing=closing,
            references=() if self.unused(card, beat, opening, closing) else self.references(card, beat),
            sound=card.makes_sound and not beat.sound_off, stride=stride, memory=self.memory,
            edition=card.edition if opening is not None and opening.count == 1 else 0,
        )  # fmt: skip

    def played(
        self, card: EngineCard, beat: Beat, frames: int, play: int, given: int, *,
        opening: Carry | None, closing: Carry | None,
    ) -> tuple[int, Fraction]:  # fmt: skip
        """What of a take's frames plays: the frames before the first, and the stride.

        What the grid adds is left out at the end; but at the front where the last frame counts: it is a given one, or
        its latents can be handed on. Between two given ends nothing may be left out at either: there all frames are
        passed through, evenly, a little faster.
        """
        if closing is None:
            return (frames - play if card.tails and opening is None else given), Fraction(1)
        if opening is None or play == 1:
            if opening is not None and not given:
                self.wrong(beat, "duration", "one frame cannot be both the first and the last", "make the beat longer")
            return frames - play, Fraction(1)
        stride = Fraction(frames - 1 - given, play - 1)
        if stride >= HURRIED:
            made = f"engine {card.name} makes {frames - given} frames from the first to the last one, and {play} play"
            hint = "make the beat longer, or take `to` away"
            self.remark(beat, "to", f"{made}: it moves {float(stride):.1f} times as fast", hint)
        return given, stride

    def candidates(self, beat: Beat, take: Take, label: str) -> Stretch:
        """The take with as many seeds as the beat's `takes` asks for."""
        made: list[Take] = []
        spared = beat.until_good and beat.pick is not None
        for number in range(beat.pick if spared and beat.pick else beat.takes):
            name = f"{take.name}#{number + 1}" if number else take.name
            # The keys of spare takes are their own: what carries on from the best of four is another take than what
            # carries on from the first good one.
            spare = (label, "spare") if beat.until_good and number else (label,)
            after = tuple(each.key for each in made) if beat.until_good and not spared else ()
            seeded = replace(take, seed=self.seed(beat, spare, number), name=name, after=after)
            made.append(replace(seeded, key=TakeFields.of(seeded).take_key))
        if beat.pick is not None:
            made.insert(0, made.pop(beat.pick - 1))
        return Stretch(take.name, tuple(made), picked=beat.pick is not None)

    def seed(self, beat: Beat, label: tuple[str, ...], number: int) -> int:
        """A seed written on the shot or beat is used as it is for its first take; all others are derived."""
        own = any(part in ("shots", "beats") for part in beat.origin.get("seed", ()))
        if beat.seed is not None and own and number == 0 and label[0].endswith("/0.0"):
            return beat.seed
        base = beat.seed if beat.seed is not None else (self.board.seed or 0)
        return derive_seed(base, *label, number)

    def options(self, card: EngineCard, beat: Beat) -> dict[str, Any]:
        """The engine's options, checked by its own model; in a draft the draft's win."""
        try:
            place = {"folder": self.board.folder, "inside": None if self.board.allow_outside else self.board.folder}
            chosen = card.options.model_validate(dict(beat.options), context=place)
            if self.draft:
                chosen = card.options.model_validate({**beat.options, **card.draft}, context=place)
        except ValidationError as error:
            for one in error.errors():
                key = str(one["loc"][0]) if one["loc"] else ""
                unknown = f"engine {card.name} has no option {key!r}"
                message = unknown if one["type"] == "extra_forbidden" else f"option {key}: {one['msg']}"
                known = ", ".join(sorted(card.options.model_fields))
                self.wrong(beat, f"options.{key}", message, f"its options are: {known}")
            return {}
        found = chosen.model_dump(mode="json")
        self.check_parts(card, beat, found)
        return found

    def check_parts(self, card: EngineCard, beat: Beat, options: Mapping[str, Any]) -> None:
        """Say what these options need and this machine has not."""
        for name, folder in card.option_parts.items():
            if options.get(name) and card.location is not None and not (card.location / folder).is_dir():
                message = f"option {name}: {card.name} has no {folder} here"
                self.wrong(beat, f"options.{name}", message, "take the option away, or get the model again", code=3)

    # -- continuity ------------------------------------------------------------------------------

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
            carry = self.file(beat, "from", link, count=1, at=0)
        elif link.kind == "film":
            carry = self.file(beat, "from", link, count=max(1, card.overlap), at=-1)
        else:
            carry = self.linked(card, shot, beat, "from", link)
        if carry is not None and not card.can(Ability.FIRST_FRAMES):
            self.wrong(beat, "from", f"engine {card.name} cannot carry on from given frames", "use `from: nothing`")
        # A picture is played: it is the shot's first frame. Frames of a shot or film were played there already.
        return carry, carry.count if carry is not None and not (carry.path and carry.at == 0) else 0

    def closing(self, card: EngineCard, shot: Shot, beat: Beat) -> Carry | None:
        """What the last frame must be."""
        link = beat.end
        if link is None or link.kind == "nothing":
            return None
        if not card.can(Ability.LAST_FRAME):
            self.wrong(beat, "to", f"engine {card.name} cannot end on a given frame", "take the `to` away")
        if link.kind in ("picture", "film"):
            return self.file(beat, "to", link, count=1, at=0)
        carry = self.linked(card, shot, beat, "to", link)
        return replace(carry, count=1, hold=None) if carry else None

    def carry_on(self, card: EngineCard, stretch: Stretch) -> Carry:
        """The last played frames of a stretch."""
        take = stretch.candidates[0]
        return self.carry(card, stretch, take.last)

    def carry(self, card: EngineCard, stretch: Stretch, at: int) -> Carry:
        """Frames of a stretch up to frame `at` of its clip: as many as the engine carries over and its grid allows.

        One only, where frame rates differ: the frames before it are at other times than the engine's own would be.
        """
        count = min(card.overlap, at + 1) if stretch.candidates[0].fps == card.fps else 1
        on_grid = (count - card.frame_offset) // card.frame_step * card.frame_step + card.frame_offset
        # Latents go on without a loss, and colours cannot be matched in them.
        hold = None if card.tails else self._holds[stretch.name]
        return Carry(takes=stretch.choices, at=at, count=max(1, on_grid), hold=hold)

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
            return None  # shots that wait for each other, which was told
        if not stretches:
            self.wrong(beat, which, f"shot {name!r} is a title card: it has no frames to carry on from")
            return None
        first = stretches[0].candidates[0]
        if link.at == "end":
            return self.carry_on(card, stretches[-1])
        if link.at == "start":
            return replace(self.carry(card, stretches[0], first.skip), count=1)
        left = math.floor(link.at * first.fps * beats[0].speed)
        for stretch in stretches:
            take = stretch.candidates[0]
            if left < take.play:
                return self.carry(card, stretch, take.frame_at(left))
            left -= take.play
        if not self.board.lost:  # else how long it is may not be known
            self.wrong(beat, which, f"shot {name!r} is shorter than {float(link.at):g} s", "its end is `at: end`")
        return None

    def file(self, beat: Beat, which: str, link: Link, *, count: int, at: int) -> Carry:
        """Frames of a picture or film."""
        path = link.path or Path()
        return Carry(path=path, sha256=self.file_hash(beat, which, path), at=at, count=count)

    def references(self, card: EngineCard, beat: Beat) -> tuple[Reference, ...]:
        """What anchors appearance, in order; nothing where the engine takes none."""
        if not card.can(Ability.REFERENCES):
            return ()
        return tuple(Reference(path, self.file_hash(beat, "references", path)) for path in beat.references)

    def unused(self, card: EngineCard, beat: Beat, opening: Carry | None, closing: Carry | None) -> bool:
        """Whether references must be left out, since the engine takes given frames or references: then it is said."""
        unused = card.references_alone and bool(beat.references) and (opening is not None or closing is not None)
        if unused:
            message = f"engine {card.name} takes given frames or references, not both: the references are not used here"
            self.remark(
                beat, "references", message, "say in the prompt what the cast looks like, or use `from: nothing`"
            )
        return unused

    def file_hash(self, beat: Beat, which: str, path: Path) -> str:
        """SHA-256 of a file's bytes, read once."""
        if path not in self._hashes:
            try:
                with open_regular(path) as file:
                    self._hashes[path] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                self.wrong(beat, which, f"cannot read {path}: {error.strerror}", "is it there, and readable?")
                self._hashes[path] = ""
        return self._hashes[path]

    # -- what is told ----------------------------------------------------------------------------

    def wrong(self, beat: Beat, what: str, message: str, hint: str = "", *, code: int = 2) -> None:
        """A problem, at the place where the beat's value stands."""
        self.problems.append(replace(self._told(beat, what, message, hint), code=code))

    def remark(self, beat: Beat, what: str, message: str, hint: str = "") -> None:
        """A remark, at the place where the beat's value stands."""
        self.remarks.append(self._told(beat, what, message, hint))

    def _written(self, beat: Beat, reference: Path) -> Loc:
        """Where a reference of a beat stands: with the beat or its shot, else with the cast."""
        if loc := beat.origin.get("references"):
            return (*loc, beat.references.index(reference))
        cast = self.board.cast
        name = next(name for name in beat.cast if name in cast and reference in cast[name].references)
        return "cast", name, "reference", cast[name].references.index(reference)

    def _told(self, beat: Beat, what: str, message: str, hint: str) -> Problem:
        written = {"from": "start", "to": "end"}.get(what, what)
        return Problem(message, hint, self.board.mark(beat.origin.get(written, (*beat.loc, what))))

    def check_needs(self, card: EngineCard, beat: Beat, *, opening: Carry | None, closing: Carry | None) -> None:
        """An engine that only goes on from pictures must be given them."""
        lost = {key for key in ("from", "to") if self.board.lost & {(*beat.loc, key), (*beat.loc[:-2], key)}}
        if Ability.FIRST_FRAMES in card.needs and opening is None and "from" not in lost:
            self.wrong(
                beat, "prompt", f"engine {card.name} wants a first frame", "add `from:` with a picture or a shot"
            )
        if Ability.LAST_FRAME in card.needs and closing is None and "to" not in lost:
            self.wrong(beat, "prompt", f"engine {card.name} wants a last frame", "add `to:` with a picture or a shot")

    def check_length(self, card: EngineCard, beat: Beat, needed: int, count: int) -> None:
        """A beat longer than the longest clip is for engines that can carry on from it, and end where they like."""
        longest = math.floor(100 * card.longest / card.fps) / 100
        limit = f"engine {card.name} makes {longest:g} s in one go, and this takes {float(needed / card.fps):.4g} s"
        if count > 1 and not card.can(Ability.FIRST_FRAMES):
            hint = f"write several shots of at most {longest:g}s"
            self.wrong(beat, "duration", f"{limit}: it cannot carry on from given frames", hint)
        elif count > 1 and Ability.LAST_FRAME in card.needs:
            hint = f"write several beats of at most {longest:g}s, each with a `to:`"
            self.wrong(beat, "duration", f"{limit}: it wants a last frame for each part", hint)

    def check_abilities(self, card: EngineCard, beat: Beat) -> None:
        """Say what of the beat the engine cannot do; nothing is dropped in silence."""
        if beat.avoid and not card.can(Ability.NEGATIVE_PROMPT):
            self.remark(beat, "avoid", f"engine {card.name} has no negative prompt: `avoid` changes nothing")
        kinds = [kind_of(path) for path in beat.references]
        if kinds and not card.can(Ability.REFERENCES) and set(kinds) == {"picture"}:
            self.remark(beat, "references", f"engine {card.name} takes no pictures: words alone hold the cast")
        elif refused := card.refused(kinds):
            place, message, hint = refused
            self.problems.append(Problem(message, hint, self.board.mark(self._written(beat, beat.references[place]))))
        unknown = unknown_words(compose(beat, self.board.cast, card), card)
        if unknown:
            words = ", ".join(unknown)
            self.remark(beat, "prompt", f"engine {card.name} does not know: {words}", "these words are ignored")
