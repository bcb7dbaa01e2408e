"""Storyboard + engine cards -> plan: every beat exact, every shot in its place. Pure; loads no torch, opens no media.

Time is exact (fractions of a second) until it meets the film's frames: a boundary at `t` seconds falls on frame
`round(t * fps)`, so lengths add up and the film is as long as it is written, to the frame.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from sora_cli.engines.base import EngineCard, Take
from sora_cli.engines.catalogue import NotHere
from sora_cli.engines.options import Memory
from sora_cli.errors import EngineMissing, Problem, refusal
from sora_cli.plan.sounds import silent_words
from sora_cli.plan.takes import ANY_ENGINE, PlannedBeat, Stretch, TakeMaker, card_of, stretches_for
from sora_cli.store import Store, default_folder
from sora_cli.storyboard import not_rendered_yet
from sora_cli.storyboard.model import Beat, Loc, Look, Shot, Storyboard, TitleCard, Transition

if TYPE_CHECKING:  # where nobody speaks, nothing of voices is loaded
    from sora_cli.plan.dialogue import Dialogue
    from sora_cli.sound.lines import PlacedLine

CARD_SECONDS = Fraction(2)
"""How long a title card that stands alone is shown, where it does not say."""

Node = TypeVar("Node", bound=Hashable)

Catalogue = Callable[[str | None], EngineCard]
"""Finds the card of an engine by name; None is the default engine. Raises EngineMissing."""


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

    @property
    def stretches(self) -> Iterator[Stretch]:
        """The stretches that play, in order."""
        return (stretch for beat in self.beats for stretch in beat.stretches)


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
    memory: Memory = field(default_factory=Memory)
    """How the engines are fitted to the device."""
    remarks: tuple[Problem, ...] = ()
    """What the author should know that stops nothing."""
    lines: tuple[PlacedLine, ...] = ()
    """What is said, in film order."""

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


MAX_TAKES = 50_000
"""More takes than this nobody waits for; a hostile storyboard could ask for billions."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All that is wrong with a storyboard for the engines that it names, in the order of the file.

    `plan` is made as far as the storyboard is understood, and only to be shot where there are no problems; None where
    it would be too large.
    """

    plan: Plan | None
    problems: tuple[Problem, ...]


def plan_takes(board: Storyboard, catalogue: Catalogue, *, draft: bool = False, only: Sequence[str] = ()) -> Plan:
    """Make every beat of the storyboard exact, and place every shot.

    Args:
        board: the storyboard.
        catalogue: finds engine cards.
        draft: few steps and a small size, with the same shots, lengths and seeds.
        only: names of shots; the film is these alone, and only they and what they carry on from are shot.

    Raises:
        StoryboardError: takes that cannot be made, all of them at once; engines that are not here are told with them.
        EngineMissing: engines that are not here, where nothing else is wrong.
    """
    found = survey(board, catalogue, draft=draft, only=only, letters=None)
    if found.problems or found.plan is None:
        raise refusal(found.problems)
    return found.plan


def survey(
    board: Storyboard, catalogue: Catalogue, *, draft: bool = False, only: Sequence[str] = (), letters: int | None = 0
) -> Survey:
    """As `plan_takes`, but gives the problems back; also of a storyboard that is understood in parts only.

    An engine that is known and not here is planned for by its card, which is plain data. Lines of at most `letters` in
    all (None: of any length) are said to measure them; the lengths of others that are not kept yet are estimated. With
    none it is a quick look: sounds in words are not looked up either.
    """
    cards, missing = _cards(board, catalogue)
    card = ANY_ENGINE if ("engine",) in board.lost else cards[board.engine]
    fps = board.fps or card.fps
    size = film_size(board, card, draft=draft)
    maker = TakeMaker(board, cards, size, fps, draft)
    dialogue = _dialogue(board, cards, letters)
    places = place(board, cards, fps, dialogue.seconds)
    memory = _memory(board, maker.problems)
    maker.memory = memory.changes_pixels
    if too_many := _too_many(board, cards, fps, places):
        return Survey(None, tuple(in_file_order([*maker.problems, *missing, too_many])))
    _plan_beats(board, maker, places)
    shots = _placed_shots(board, maker, places)
    problems = [*dialogue.problems, *maker.problems, *missing, *_overlap_problems(board, shots)]
    if only:
        shots, unknown = keep_only(shots, only)
        problems += unknown
    unrendered = not_rendered_yet(board, lambda beat: card_of(board, cards, beat).makes_sound)
    lines = dialogue.placed(shots, fps)
    remarks = [*board.remarks, *unrendered, *maker.remarks, *dialogue.remarks]
    plan = Plan(
        board=board, fps=fps, width=size[0], height=size[1], shots=tuple(shots),
        takes=tuple(_needed_takes(maker, shots)), cards={card.name: card for card in cards.values()},
        memory=memory, lines=lines,
    )  # fmt: skip
    if letters != 0:
        remarks += silent_words(plan)
    plan = replace(plan, remarks=tuple(in_file_order(remarks)))
    return Survey(plan, tuple(in_file_order(problems)))


class _Silence:
    """The dialogue of a film in which nobody speaks."""

    problems: Sequence[Problem] = ()
    remarks: Sequence[Problem] = ()

    def seconds(self, _beat: Beat) -> Fraction:
        """Of a beat as long as its lines: it has none, which is told where it is read."""
        return Fraction(0)

    def placed(self, _shots: Sequence[PlannedShot], _fps: Fraction) -> tuple[PlacedLine, ...]:
        """No lines."""
        return ()


def _dialogue(board: Storyboard, cards: Mapping[str | None, EngineCard], letters: int | None) -> Dialogue | _Silence:
    """The film's lines, measured. Where nobody speaks nothing of voices is loaded."""
    if not any(beat.dialogue for shot in board.shots for beat in shot.beats):
        return _Silence()
    from sora_cli.plan import dialogue as spoken
    from sora_cli.sound import speech

    return spoken.Dialogue(board, cards, speech.Speaker(Store(default_folder()), letters=letters))


def _cards(board: Storyboard, catalogue: Catalogue) -> tuple[dict[str | None, EngineCard], list[Problem]]:
    """The cards of all engines that are named; and which are not here, told wherever they are named."""
    named: dict[str | None, list[Loc | None]] = {board.engine: [("engine",) if board.engine else None]}
    for shot in board.shots:
        for beat in shot.beats:
            if beat.engine:
                named.setdefault(beat.engine, []).append(beat.origin.get("engine"))
    cards, missing = {}, []
    for name, locs in named.items():
        try:
            cards[name] = catalogue(name)
        except EngineMissing as error:
            cards[name] = error.card if isinstance(error, NotHere) else ANY_ENGINE
            marks = [board.mark(loc) if loc else None for loc in dict.fromkeys(locs)]
            missing += [Problem(error.message, error.hint, mark, code=3) for mark in marks]
    return cards, missing


def _too_many(
    board: Storyboard, cards: Mapping[str | None, EngineCard], fps: Fraction, places: Sequence[Place]
) -> Problem | None:
    """A film of more takes than anybody waits for, told before they are planned."""
    count = 0
    for shot, at in zip(board.shots, places, strict=True):
        for beat, frames in zip(shot.beats, at.lengths, strict=False):
            card = card_of(board, cards, beat)
            count += beat.takes * stretches_for(card, math.ceil(frames * shot.speed * card.fps / fps), 0)
            if count > MAX_TAKES:
                message = f"from the first shot to here there are more than {MAX_TAKES:,} takes to make"
                return Problem(message, "make shots shorter, or try fewer takes", board.mark(beat.loc))
    return None


def _memory(board: Storyboard, problems: list[Problem]) -> Memory:
    """How the author wants models fitted to the device; what is wrong with it is told."""
    try:
        return Memory.model_validate(dict(board.memory))
    except ValidationError as error:
        known = ", ".join(Memory.model_fields)
        for one in error.errors():
            name = str(one["loc"][0])
            place = board.mark(("memory", name)) or board.mark(("memory",))
            problems.append(Problem(f"memory: {name}: {one['msg']}", f"it may have: {known}", place))
        return Memory()


def film_id(board: Storyboard) -> str:
    """What the store remembers a storyboard's takes under: its place on disk, or its words where it has none."""
    name = str(board.path.resolve()) if board.path else board.title
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def film_size(board: Storyboard, card: EngineCard, *, draft: bool) -> tuple[int, int]:
    """Width and height of the film, even numbers as 4:2:0 video wants."""
    size = board.size
    width, height = card.film_size
    if size.width and size.height:
        width, height = size.width, size.height
    elif size.aspect:
        height = size.height or height
        width = round(height * size.aspect[0] / size.aspect[1])
    elif size.height:
        width, height = round(size.height * width / height), size.height
    scale = card.draft_scale if draft else 1.0
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


# -- time ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shot plays, in film frames: its start, and the ends of its beats (a title card has one)."""

    start: int
    ends: tuple[int, ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Film frames of each beat."""
        return tuple(end - start for start, end in zip((self.start, *self.ends), self.ends, strict=False))


def round_half_up(value: Fraction) -> int:
    """The nearest whole number; halves go up, so that boundaries move one way only."""
    return math.floor(value + Fraction(1, 2))


def place(
    board: Storyboard, cards: Mapping[str | None, EngineCard], fps: Fraction, spoken: Callable[[Beat], Fraction]
) -> list[Place]:
    """Where each shot plays. A transition lets a shot begin before the one before it has ended.

    `spoken` tells the seconds of a beat that is as long as its lines.
    """
    places = []
    end = Fraction(0)
    for index, shot in enumerate(board.shots):
        start = max(Fraction(0), end - (transition_seconds(shot, fps) if index else 0))
        ends, at = [], start
        for length in _lengths(board, shot, cards, fps, spoken):
            at += length
            ends.append(at)
        end = at
        places.append(Place(round_half_up(start * fps), tuple(round_half_up(at * fps) for at in ends)))
    return places


def transition_seconds(shot: Shot, fps: Fraction) -> Fraction:
    """How long the shot's transition takes."""
    return Fraction(0) if shot.transition.kind == "cut" else shot.transition.duration.at(fps)


def _lengths(
    board: Storyboard,
    shot: Shot,
    cards: Mapping[str | None, EngineCard],
    fps: Fraction,
    spoken: Callable[[Beat], Fraction],
) -> Iterator[Fraction]:
    """Lengths of a shot's beats in seconds."""
    if not shot.beats:
        written = shot.title.duration if shot.title else None
        yield written.at(fps) if written else CARD_SECONDS
    for beat in shot.beats:
        if beat.spoken:
            yield spoken(beat)
        else:
            yield beat.duration.at(fps) if beat.duration else card_of(board, cards, beat).default_seconds


def _placed_shots(board: Storyboard, maker: TakeMaker, places: Sequence[Place]) -> list[PlannedShot]:
    """Every shot on whole frames of the film."""
    placed: list[PlannedShot] = []
    end = 0
    for (scene, shot), at in zip(_with_scenes(board), places, strict=True):
        first = not placed
        lead = round_half_up(transition_seconds(shot, maker.fps) * maker.fps) if first else 0
        placed.append(PlannedShot(
            name=shot.name, scene=scene, loc=shot.loc, start=at.start, frames=at.ends[-1] - at.start,
            beats=maker.planned[shot.name], transition=shot.transition, overlap=max(0, end - at.start), lead=lead,
            look=shot.look, title=shot.title,
        ))  # fmt: skip
        end = at.ends[-1]
    return placed


def _with_scenes(board: Storyboard) -> list[tuple[str, Shot]]:
    return [(scene.name, shot) for scene in board.scenes for shot in scene.shots]


def _overlap_problems(board: Storyboard, shots: Sequence[PlannedShot]) -> Iterator[Problem]:
    """A transition needs both its shots to be there for its whole length, and must leave some of each."""
    unknown = _of_unknown_length(board)
    for shot, after in zip_longest(shots, shots[1:]):
        if shot.loc in unknown:
            continue
        out = after.overlap if after else 0
        if shot.overlap + shot.lead + out > shot.frames or max(shot.overlap, out) >= shot.frames:
            culprit = after if after and out > shot.overlap + shot.lead else shot
            yield Problem(
                f"the transition is too long for shot {shot.name!r}, which has {shot.frames} frames",
                "make the shot longer or the transition shorter",
                board.mark((*culprit.loc, "transition")),
            )


def _of_unknown_length(board: Storyboard) -> set[Loc]:
    """The places of shots whose length could not be read; of all shots where the film's rate could not."""
    if ("output", "fps") in board.lost or ("output",) in board.lost:
        return {shot.loc for shot in board.shots}
    keys = {"duration", "beats", "title", "prompt"}
    inside = [(shot.loc, loc[len(shot.loc) :]) for shot in board.shots for loc in board.lost
              if loc[: len(shot.loc)] == shot.loc]  # fmt: skip
    return {place for place, steps in inside if not steps or keys & {*steps}}


def keep_only(shots: Sequence[PlannedShot], only: Sequence[str]) -> tuple[list[PlannedShot], list[Problem]]:
    """The named shots, joined by cuts where they were not neighbours; and problems for names that no shot has."""
    names, wanted = {shot.name: None for shot in shots}, {*only}
    unknown = [
        Problem(f"--only {name}: no such shot", f"the shots are: {', '.join(names)}")
        for name in only if name not in names
    ]  # fmt: skip
    kept: list[PlannedShot] = []
    end, previous = 0, -1
    for index, shot in enumerate(shots):
        if shot.name in wanted:
            overlap = shot.overlap if previous == index - 1 else 0
            transition = shot.transition if overlap or shot.lead else Transition()
            kept.append(replace(shot, start=end - overlap, overlap=overlap, transition=transition))
            end, previous = kept[-1].start + shot.frames, index
    return kept, unknown


# -- order -----------------------------------------------------------------------------------------------------


def _plan_beats(board: Storyboard, maker: TakeMaker, places: Sequence[Place]) -> None:
    """Plan the beats of all shots, each shot after those that its `from` and `to` name."""
    placed = _with_scenes(board)
    scenes, shots = [scene for scene, _ in placed], [shot for _, shot in placed]
    number = {shot.name: index for index, shot in enumerate(shots)}
    labels = _labels(shots)

    def needs(index: int) -> Iterator[int]:
        for beat in shots[index].beats:
            for link in (beat.start, beat.end):
                if link is not None and link.kind == "shot" and link.name in number:
                    yield number[link.name]
                elif link is not None and link.kind == "previous" and index:
                    yield index - 1

    for index in after_needs(range(len(shots)), needs):
        beats = bool(shots[index].beats)
        maker.shot(scenes[index], shots[index], labels[index], places[index].lengths if beats else ())


def _labels(shots: Iterable[Shot]) -> list[str]:
    """What each shot's seeds hang on: its name, else its words, so that shots put in before it change nothing."""
    seen: dict[str, int] = {}
    labels = []
    for shot in shots:
        label = shot.name if shot.named else " / ".join(beat.prompt for beat in shot.beats)
        seen[label] = seen.get(label, 0) + 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


def _needed_takes(maker: TakeMaker, shots: Iterable[PlannedShot]) -> list[Take]:
    """The takes of these shots and of all that they carry on from, each after those it needs."""
    every = {
        take.key: take
        for beats in maker.planned.values() for beat in beats
        for stretch in beat.stretches for take in stretch.candidates
    }  # fmt: skip
    played = (key for shot in shots for stretch in shot.stretches for key in stretch.keys)
    return [every[key] for key in after_needs(played, lambda key: every[key].needs)]


def after_needs(nodes: Iterable[Node], needs: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """The nodes and all they need, in the given order as far as each may come after what it needs.

    Without recursion, since ten thousand shots may hang on each other in one chain. A need that waits for its own node
    is left out: the loader tells of such circles.
    """
    order: dict[Node, None] = {}
    for node in nodes:
        path = {node: None}
        while path:
            last = next(reversed(path))
            missing = [need for need in needs(last) if need not in order and need not in path]
            if missing:
                path[missing[0]] = None
            else:
                del path[last]
                order.setdefault(last)
    return list(order)


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems once each (several beats may inherit one wrong value), in file order."""
    once = dict.fromkeys(problems)
    return sorted(once, key=lambda problem: (problem.mark.line, problem.mark.column) if problem.mark else (0, 0))
