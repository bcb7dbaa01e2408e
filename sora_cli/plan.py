"""Storyboard + engine cards -> plan: every beat made exact. Pure; loads no torch, opens no media.

Time is exact (fractions of a second) until it meets the film's frames: a boundary at `t` seconds falls on frame
`round(t * fps)`, so lengths add up and the film is as long as it is written, to the frame.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from sora_cli.engines.base import Ability, Carry, EngineCard, Reference, Take
from sora_cli.errors import Problem, StoryboardError
from sora_cli.prompt import compose, unknown_words
from sora_cli.storyboard.model import Beat, Link, Loc, Look, Scene, Shot, Storyboard, TitleCard, Transition

KEY_VERSION = 1
"""Part of every key: raised when the same take would come out otherwise, so that old clips are not taken for new."""

CARD_SECONDS = Fraction(2)
"""How long a title card that stands alone is shown, where it does not say."""

Node = TypeVar("Node", bound=Hashable)

Catalogue = Callable[[str | None], EngineCard]
"""Finds the card of an engine by name; None is the default engine. Raises EngineMissing."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a beat that an engine makes in one go; the best of its `candidates` plays."""

    name: str
    candidates: tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class PlannedBeat:
    """A beat of `frames` film frames, made of stretches that carry on from each other."""

    frames: int
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedShot:
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
    title: TitleCard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
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
    remarks: tuple[Problem, ...] = ()
    """What the author should know that stops nothing."""

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
        return (stretch for shot in self.shots for beat in shot.beats for stretch in beat.stretches)


def plan_takes(
    board: Storyboard, catalogue: Catalogue, *, draft: bool = False, only: Sequence[str] = (), root: Path | None = None
) -> Plan:
    """Make every beat of the storyboard exact.

    Args:
        board: the storyboard.
        catalogue: finds engine cards.
        draft: few steps and a small size, with the same shots, lengths and seeds.
        only: names of shots; the film is these alone, and only they and what they carry on from are shot.
        root: the folder that pictures and films are read from; by default the storyboard's.

    Raises:
        StoryboardError: takes that cannot be made, all of them at once.
        EngineMissing: an engine that is not here.
    """
    return _Planner(board, catalogue, draft=draft, root=root or board.folder).plan(only)


def round_half_up(value: Fraction) -> int:
    """The nearest whole number; halves go up, so that boundaries move one way only."""
    return math.floor(value + Fraction(1, 2))


def derive_seed(*parts: object) -> int:
    """A 32-bit seed from what identifies a take; changes in one part change it wholly."""
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def take_key(fields: Mapping[str, Any]) -> str:
    """The key of a take: a hash of everything that changes its pixels."""
    text = json.dumps({"version": KEY_VERSION, **fields}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def key_fields(take: Take) -> dict[str, Any]:
    """What the key of a take is made of, as plain data; `sora plan --why` compares these."""
    return {
        "engine": take.engine,
        "weights": take.revision,
        "prompt": take.prompt,
        "avoid": take.avoid,
        "size": f"{take.width}x{take.height}",
        "fps": str(take.fps),
        "frames": take.frames,
        "seed": take.seed,
        "options": dict(take.options),
        "from": _carry_fields(take.opening),
        "to": _carry_fields(take.closing),
        "reference": [reference.sha256 for reference in take.references],
        "sound": take.sound,
    }


def _carry_fields(carry: Carry | None) -> dict[str, Any] | None:
    if carry is None:
        return None
    return {"takes": list(carry.takes), "file": carry.sha256, "at": carry.at, "count": carry.count}


def after_needs(nodes: Iterable[Node], needs: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """The nodes and all they need, in the given order as far as each may come after what it needs.

    Without recursion, since ten thousand shots may hang on each other in one chain. There are no cycles: the loader
    refuses them.
    """
    order: dict[Node, None] = {}
    for node in nodes:
        path = [node]
        while path:
            missing = [need for need in needs(path[-1]) if need not in order]
            if missing:
                path.append(missing[0])
            else:
                order.setdefault(path.pop())
    return list(order)


@dataclass
class _Planner:
    """One planning run: collects takes and problems on its way through the shots."""

    board: Storyboard
    catalogue: Catalogue
    draft: bool
    root: Path
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    cards: dict[str | None, EngineCard] = field(default_factory=dict)
    hashes: dict[Path, str] = field(default_factory=dict)
    planned: dict[str, tuple[PlannedBeat, ...]] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)

    def plan(self, only: Sequence[str]) -> Plan:
        """Plan all shots, in the order that `from` and `to` ask for, then place those that play."""
        card = self.card(self.board.engine)
        fps = self.board.fps or card.fps
        width, height = self.film_size(card)
        places = self.place(fps, card)
        scenes = [(scene, shot) for scene in self.board.scenes for shot in scene.shots]
        labels = [self.label(shot) for _, shot in scenes]
        for index in self.shooting_order([shot for _, shot in scenes]):
            scene, shot = scenes[index]
            self.planned[shot.name] = self.shot_beats(scene, shot, labels[index], places[index], (width, height), fps)
        shots = [
            self.planned_shot(scene, shot, index, places) for index, (scene, shot) in enumerate(scenes)
        ]
        self.check_overlaps(shots)
        if only:
            shots = self.keep_only(shots, only)
        if self.problems:
            raise StoryboardError(_unique(self.problems))
        return Plan(
            board=self.board, fps=fps, width=width, height=height, shots=tuple(shots),
            takes=tuple(self.needed_takes(shots)), cards={card.name: card for card in self.cards.values()},
            remarks=tuple(_unique(self.remarks)),
        )  # fmt: skip

    # -- what is known of the whole film ---------------------------------------------------------

    def card(self, name: str | None) -> EngineCard:
        """The card of an engine, looked up once."""
        if name not in self.cards:
            self.cards[name] = self.catalogue(name)
        return self.cards[name]

    def film_size(self, card: EngineCard) -> tuple[int, int]:
        """Width and height of the film, even numbers as 4:2:0 video wants."""
        size = self.board.size
        width, height = card.film_size
        if size.width and size.height:
            width, height = size.width, size.height
        elif size.aspect:
            height = size.height or height
            width = round(height * size.aspect[0] / size.aspect[1])
        elif size.height:
            width, height = round(size.height * width / height), size.height
        scale = card.draft_scale if self.draft else 1.0
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)

    def take_size(self, card: EngineCard, film: tuple[int, int]) -> tuple[int, int]:
        """The size that the engine makes: the film's where it can, else the nearest smaller of the same shape."""
        if card.fixed_size:
            return card.native_size
        width, height = film
        shrink = min(1.0, math.sqrt(card.max_pixels / (width * height)))
        step = card.size_step
        if shrink == 1.0:
            return -(-width // step) * step, -(-height // step) * step
        return max(step, int(width * shrink) // step * step), max(step, int(height * shrink) // step * step)

    def place(self, fps: Fraction, card: EngineCard) -> list[tuple[Fraction, list[Fraction]]]:
        """For each shot its exact start in seconds and the exact ends of its beats, counted from the film's start."""
        places: list[tuple[Fraction, list[Fraction]]] = []
        end = Fraction(0)
        for index, shot in enumerate(self.board.shots):
            overlap = shot.transition.duration.at(fps) if index and shot.transition.kind != "cut" else Fraction(0)
            start = max(Fraction(0), end - overlap)
            ends, at = [], start
            for length in self.lengths(shot, fps, card):
                at += length
                ends.append(at)
            places.append((start, ends))
            end = at
        return places

    def lengths(self, shot: Shot, fps: Fraction, card: EngineCard) -> list[Fraction]:
        """Lengths of a shot's beats in seconds."""
        if not shot.beats:
            card_length = shot.title.duration if shot.title else None
            return [card_length.at(fps) if card_length else CARD_SECONDS]
        lengths = []
        for beat in shot.beats:
            default = self.card(beat.engine).default_seconds if beat.engine else card.default_seconds
            lengths.append(beat.duration.at(fps) if beat.duration else default)
        return lengths

    def label(self, shot: Shot) -> str:
        """What a shot's seeds hang on: its name, else its words, so that shots put in before it change nothing."""
        label = shot.name if shot.named else " / ".join(beat.prompt for beat in shot.beats)
        self.labels[label] = self.labels.get(label, 0) + 1
        return label if self.labels[label] == 1 else f"{label} ({self.labels[label]})"

    def shooting_order(self, shots: Sequence[Shot]) -> list[int]:
        """Indices of shots, each after those that its `from` and `to` name; the loader has refused cycles."""
        number = {shot.name: index for index, shot in enumerate(shots)}

        def needs(index: int) -> Iterator[int]:
            for beat in shots[index].beats:
                for link in (beat.start, beat.end):
                    if link is not None and link.kind == "shot" and link.name in number:
                        yield number[link.name]
                    elif link is not None and link.kind == "previous" and index:
                        yield index - 1

        return after_needs(range(len(shots)), needs)

    # -- one shot --------------------------------------------------------------------------------

    def shot_beats(
        self, scene: Scene, shot: Shot, label: str, place: tuple[Fraction, list[Fraction]],
        film: tuple[int, int], fps: Fraction,
    ) -> tuple[PlannedBeat, ...]:  # fmt: skip
        """All beats of a shot, each carrying on from the one before it."""
        start, ends = place
        done: list[PlannedBeat] = []
        for number, (beat, end) in enumerate(zip(shot.beats, ends, strict=True)):
            frames = round_half_up(end * fps) - round_half_up(start * fps)
            start = end
            name = "/".join([scene.name, shot.name] + ([str(number + 1)] if len(shot.beats) > 1 else []))
            if frames < 1:
                self.wrong(beat, "duration", f"shorter than one frame at {_rate(fps)} frames a second")
                frames = 1
            done.append(self.beat(shot, beat, name, f"{label}/{number}", frames, film, fps, done))
        return tuple(done)

    def beat(
        self, shot: Shot, beat: Beat, name: str, label: str, frames: int,
        film: tuple[int, int], fps: Fraction, before: list[PlannedBeat],
    ) -> PlannedBeat:  # fmt: skip
        """One beat, split into equal stretches where it is longer than the engine's longest clip."""
        card = self.card(beat.engine or self.board.engine)
        self.check_abilities(card, beat)
        opening, given = self.opening(card, shot, beat, before)
        closing = self.closing(card, shot, beat)
        needed = math.floor((frames - 1) * card.fps / fps) + 1
        fresh = card.max_frames - given
        chained = card.max_frames - card.overlap
        count = 1 if needed <= fresh else 1 + -(-(needed - fresh) // chained)
        plays = [needed * (i + 1) // count - needed * i // count for i in range(count)]
        stretches: list[Stretch] = []
        for index, play in enumerate(plays):
            if index:
                opening = self.carry_on(card, stretches[-1])
                given = opening.count
            stretches.append(
                self.stretch(
                    card, beat, name if count == 1 else f"{name}.{index + 1}", f"{label}.{index}", film,
                    play, given, opening, closing if index == count - 1 else None,
                )
            )
        return PlannedBeat(frames, tuple(stretches))

    def stretch(
        self, card: EngineCard, beat: Beat, name: str, label: str, film: tuple[int, int],
        play: int, given: int, opening: Carry | None, closing: Carry | None,
    ) -> Stretch:  # fmt: skip
        """A stretch's candidates: as many seeds as `takes` asks for."""
        width, height = self.take_size(card, film)
        frames = card.frames_for(given + play)
        take = Take(
            name=name, key="", engine=card.name, revision=card.revision,
            prompt=compose(beat, self.board.cast, card),
            avoid=beat.avoid if card.can(Ability.NEGATIVE_PROMPT) else "",
            width=width, height=height, fps=card.fps, frames=frames,
            # A closing frame is the engine's last one: what the grid adds is then dropped at the front.
            skip=frames - play if closing else given, play=play, seed=0, options=self.options(card, beat),
            opening=opening, closing=closing, references=self.references(card, beat),
            sound=card.can(Ability.SOUND) and not beat.sound_off,
        )  # fmt: skip
        candidates = []
        for number in range(beat.takes):
            seeded = replace(take, seed=self.seed(beat, label, number), name=f"{name}#{number + 1}" if number else name)
            candidates.append(replace(seeded, key=take_key(key_fields(seeded))))
        return Stretch(name, tuple(candidates))

    def seed(self, beat: Beat, label: str, number: int) -> int:
        """A seed written on the shot or beat is used as it is for its first take; all others are derived."""
        own = beat.seed is not None and any(part in ("shots", "beats") for part in beat.origin.get("seed", ()))
        if beat.seed is not None and own and number == 0 and label.endswith("/0.0"):
            return beat.seed
        base = beat.seed if beat.seed is not None else (self.board.seed or 0)
        return derive_seed(base, label, number)

    def options(self, card: EngineCard, beat: Beat) -> dict[str, Any]:
        """The engine's options, checked by its own model; in a draft the draft's win."""
        try:
            chosen = card.options.model_validate(dict(beat.options))
            if self.draft:
                chosen = card.options.model_validate({**beat.options, **card.draft})
        except ValidationError as error:
            for one in error.errors():
                key = str(one["loc"][0]) if one["loc"] else ""
                known = ", ".join(sorted(card.options.model_fields))
                what = f"engine {card.name} has no option {key!r}"
                message = what if one["type"] == "extra_forbidden" else f"option {key}: {one['msg']}"
                self.wrong(beat, f"options.{key}", message, f"its options are: {known}")
            return {}
        return chosen.model_dump(mode="json")

    # -- continuity ------------------------------------------------------------------------------

    def opening(
        self, card: EngineCard, shot: Shot, beat: Beat, before: list[PlannedBeat]
    ) -> tuple[Carry | None, int]:
        """What the first frames carry on from, and how many of the take's frames only repeat it."""
        link = beat.start
        if link is None:
            if not before:
                return None, 0
            carry = self.carry_on(card, before[-1].stretches[-1])
        elif link.kind == "nothing":
            return None, 0
        elif link.kind == "picture":
            return self.file(link, count=1, at=0), 0
        elif link.kind == "film":
            carry = self.file(link, count=card.overlap, at=-1)
        else:
            found = self.linked(card, shot, link)
            if found is None:
                return None, 0
            carry = found
        if not card.can(Ability.FIRST_FRAMES):
            self.wrong(beat, "from", f"engine {card.name} cannot carry on from given frames", "use `from: nothing`")
        return carry, carry.count

    def closing(self, card: EngineCard, shot: Shot, beat: Beat) -> Carry | None:
        """What the last frame must be."""
        link = beat.end
        if link is None or link.kind == "nothing":
            return None
        if not card.can(Ability.LAST_FRAME):
            self.wrong(beat, "to", f"engine {card.name} cannot end on a given frame", "take the `to` away")
        if link.kind in ("picture", "film"):
            return self.file(link, count=1, at=0)
        carry = self.linked(card, shot, link)
        return replace(carry, count=1) if carry else None

    def carry_on(self, card: EngineCard, stretch: Stretch) -> Carry:
        """The last played frames of a stretch: as many as the engine carries over and its grid allows."""
        take = stretch.candidates[0]
        return self.carry(card, stretch, take.skip + take.play - 1)

    def carry(self, card: EngineCard, stretch: Stretch, at: int) -> Carry:
        """Frames of a stretch up to frame `at` of its clip; one only, where frame rates differ."""
        take = stretch.candidates[0]
        count = min(card.overlap, at + 1) if take.fps == card.fps else 1
        count = max(1, (count - card.frame_offset) // card.frame_step * card.frame_step + card.frame_offset)
        keys = tuple(candidate.key for candidate in stretch.candidates)
        return Carry(takes=keys, at=at, count=min(count, at + 1))

    def linked(self, card: EngineCard, shot: Shot, link: Link) -> Carry | None:
        """The frames of another shot that a link means; None where that shot has none (a title card)."""
        name = link.name
        if link.kind == "previous":
            names = [other.name for other in self.board.shots]
            name = names[names.index(shot.name) - 1]
        stretches = [stretch for beat in self.planned.get(name, ()) for stretch in beat.stretches]
        if not stretches:
            return None
        first, last = stretches[0].candidates[0], stretches[-1]
        if link.at == "end":
            return self.carry_on(card, last)
        if link.at == "start":
            return replace(self.carry(card, stretches[0], first.skip), count=1)
        left = math.floor(link.at * first.fps)
        for stretch in stretches:
            take = stretch.candidates[0]
            if left < take.play:
                return self.carry(card, stretch, take.skip + left)
            left -= take.play
        self.problems.append(Problem(
            f"shot {name!r} is shorter than {float(link.at):g} s", "its end is `at: end`",
            self.board.mark((*shot.loc, "from")),
        ))  # fmt: skip
        return None

    def file(self, link: Link, *, count: int, at: int) -> Carry:
        """Frames of a picture or film."""
        path = link.path or Path()
        return Carry(path=path, sha256=self.file_hash(path), at=at, count=count)

    def references(self, card: EngineCard, beat: Beat) -> tuple[Reference, ...]:
        """The pictures that anchor appearance, at most as many as the engine takes."""
        if not card.can(Ability.REFERENCES):
            return ()
        return tuple(Reference(path, self.file_hash(path)) for path in beat.references[: card.max_references])

    def file_hash(self, path: Path) -> str:
        """SHA-256 of a file's bytes, read once."""
        if path not in self.hashes:
            try:
                with (self.root / path).open("rb") as file:
                    self.hashes[path] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                self.problems.append(Problem(f"cannot read {path}: {error.strerror}", "is it there, and readable?"))
                self.hashes[path] = ""
        return self.hashes[path]

    # -- what is told ----------------------------------------------------------------------------

    def wrong(self, beat: Beat, what: str, message: str, hint: str = "") -> None:
        """A problem, at the place where the beat's value stands."""
        self.problems.append(Problem(message, hint, self.board.mark(beat.origin.get(what, (*beat.loc, what)))))

    def remark(self, beat: Beat, what: str, message: str, hint: str = "") -> None:
        """A remark, at the place where the beat's value stands."""
        self.remarks.append(Problem(message, hint, self.board.mark(beat.origin.get(what, (*beat.loc, what)))))

    def check_abilities(self, card: EngineCard, beat: Beat) -> None:
        """Say what of the beat the engine cannot do; nothing is dropped in silence."""
        if beat.avoid and not card.can(Ability.NEGATIVE_PROMPT):
            self.remark(beat, "avoid", f"engine {card.name} has no negative prompt: `avoid` changes nothing")
        if beat.references and not card.can(Ability.REFERENCES):
            self.remark(beat, "references", f"engine {card.name} takes no pictures: words alone hold the cast")
        elif len(beat.references) > card.max_references > 0:
            message = f"engine {card.name} takes {card.max_references} reference pictures, not {len(beat.references)}"
            self.wrong(beat, "references", message, "name fewer cast members, or give them fewer pictures")
        unknown = unknown_words(compose(beat, self.board.cast, card), card)
        if unknown:
            words = ", ".join(unknown)
            self.remark(beat, "prompt", f"{card.name} was never taught: {words}", "it will guess from the rest")

    def check_overlaps(self, shots: Sequence[PlannedShot]) -> None:
        """A transition needs both its shots to be there for its whole length, and must leave some of each."""
        for shot, after in zip(shots, [*shots[1:], None], strict=True):
            out = after.overlap if after else 0
            if shot.overlap + shot.lead + out > shot.frames or max(shot.overlap, out) >= shot.frames:
                culprit = shot if shot.overlap + shot.lead >= out or after is None else after
                self.problems.append(Problem(
                    f"the transition is too long for shot {shot.name!r}, which has {shot.frames} frames",
                    "make the shot longer or the transition shorter", self.board.mark((*culprit.loc, "transition")),
                ))  # fmt: skip

    # -- the film --------------------------------------------------------------------------------

    def planned_shot(
        self, scene: Scene, shot: Shot, index: int, places: list[tuple[Fraction, list[Fraction]]]
    ) -> PlannedShot:
        """A shot on whole frames of the film."""
        fps = self.board.fps or self.card(self.board.engine).fps
        start, ends = places[index]
        first, last = round_half_up(start * fps), round_half_up(ends[-1] * fps)
        before = round_half_up(places[index - 1][1][-1] * fps) if index else 0
        own = shot.transition.duration.at(fps) if shot.transition.kind != "cut" else Fraction(0)
        return PlannedShot(
            name=shot.name, scene=scene.name, loc=shot.loc, start=first, frames=last - first,
            beats=self.planned[shot.name], transition=shot.transition,
            overlap=max(0, before - first) if index else 0, lead=0 if index else round_half_up(own * fps),
            look=shot.look, title=shot.title,
        )  # fmt: skip

    def keep_only(self, shots: Sequence[PlannedShot], only: Sequence[str]) -> list[PlannedShot]:
        """The named shots, joined by cuts where they were not neighbours."""
        names = [shot.name for shot in shots]
        for name in only:
            if name not in names:
                self.problems.append(Problem(f"--only {name}: no such shot", f"the shots are: {', '.join(names)}"))
        kept: list[PlannedShot] = []
        end, previous = 0, -1
        for index, shot in enumerate(shots):
            if shot.name not in only:
                continue
            overlap = shot.overlap if previous == index - 1 else 0
            transition = shot.transition if overlap or shot.lead else Transition()
            kept.append(replace(shot, start=end - overlap, overlap=overlap, transition=transition))
            end, previous = kept[-1].start + shot.frames, index
        return kept

    def needed_takes(self, shots: Iterable[PlannedShot]) -> list[Take]:
        """The takes of these shots and of all that they carry on from, each after those it needs."""
        every = {
            take.key: take
            for beats in self.planned.values() for beat in beats
            for stretch in beat.stretches for take in stretch.candidates
        }  # fmt: skip
        played = (
            take.key
            for shot in shots for beat in shot.beats for stretch in beat.stretches for take in stretch.candidates
        )  # fmt: skip
        return [every[key] for key in after_needs(played, lambda key: every[key].needs)]


def _unique(problems: Iterable[Problem]) -> list[Problem]:
    """Problems once each (several beats may inherit one wrong value), in file order."""
    once = dict.fromkeys(problems)
    return sorted(once, key=lambda p: (p.mark.line, p.mark.column) if p.mark else (0, 0))


def _rate(fps: Fraction) -> str:
    return re.sub(r"\.?0+$", "", f"{float(fps):.3f}")
