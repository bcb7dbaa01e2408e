"""Storyboard + engine cards -> plan: every beat exact, every shot in its place. No torch; files only for lengths."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from sora_cli.engines.base import EngineCard
from sora_cli.engines.catalogue import NotHere
from sora_cli.engines.options import Memory
from sora_cli.errors import EngineMissing, MediaError, Problem, refusal
from sora_cli.plan.continuity import Stretch
from sora_cli.plan.edits import ended
from sora_cli.plan.findings import Findings
from sora_cli.plan.keyframes import unapproved
from sora_cli.plan.order import needed_takes, plan_beats
from sora_cli.plan.place import (
    ShotPlace,
    in_order,
    keep_only,
    lengths,
    not_as_written,
    overlap_problems,
    place,
    placed_shots,
)
from sora_cli.plan.plan import Plan, PlannedShot, in_file_order
from sora_cli.plan.sounds import no_model, silent_words, with_sounds
from sora_cli.plan.speaking import timing
from sora_cli.plan.takes import ANY_ENGINE, TakeMaker, card_of, stretches_for
from sora_cli.plan.times import too_late, without_room
from sora_cli.storyboard import not_rendered_yet
from sora_cli.storyboard.direction import loose_words
from sora_cli.storyboard.model import Beat, Loc, Storyboard
from sora_cli.storyboard.story import has_choices, in_a_row

if TYPE_CHECKING:  # where nobody speaks, nothing of voices is loaded
    from sora_cli.plan.dialogue import Dialogue
    from sora_cli.sound.lines import PlacedLine

Catalogue = Callable[[str | None], EngineCard]
"""Finds the card of an engine by name; None is the default engine. Raises EngineMissing."""

MAX_TAKES = 50_000
"""The most takes of a film; a hostile storyboard could ask for billions."""


class Survey(Struct, frozen=True):
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
        only: names of shots; the film is these alone, and only they and what they carry on from are shot. They play in
            the storyboard's order; where it has choices, in the order in which they are named, as often as they are.

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
    """Plan as `plan_takes` does, but return the problems; also for a storyboard that is only partly understood.

    An engine that is known and not here is planned for by its card, which is plain data. Lines of at most `letters` in
    all (None: of any length) are spoken to measure them; the lengths of others that are not kept yet are estimated. 0
    is a quick look: sounds in words are not looked up either.
    """
    cards, missing = _cards(board, catalogue)
    soundless = list(no_model(board))
    missing += soundless
    card = ANY_ENGINE if ("engine",) in board.lost else cards[board.leading_engine]
    fps = board.fps or card.fps
    size, full = (film_size(board, card, draft=small) for small in (draft, False))
    findings = Findings(board)
    dialogue = _dialogue(board, cards, letters)
    board = ended(board, lambda shot: lengths(board, shot, cards, fps, dialogue.seconds), findings)
    maker = TakeMaker(board, cards, size, full, fps, draft, findings)
    places = place(board, cards, fps, dialogue.seconds)
    memory = _memory(board, findings.problems)
    maker.memory, maker.sample = memory.changes_pixels, dialogue.sample
    if too_many := _too_many(board, cards, fps, places):
        return Survey(None, tuple(in_file_order([*findings.problems, *missing, too_many])))
    if board.from_draft and not draft:
        maker.drafts = _drafts(maker, film_size(board, card, draft=True), places)
    plan_beats(board, maker, places)
    shots = placed_shots(board, maker.planned, fps, places)
    missing = _to_fetch(missing, findings.problems)
    problems = [*dialogue.problems, *findings.problems, *missing, *overlap_problems(board, shots)]
    problems += too_late(board, shots, fps)
    shots, unfit = _chosen(board, shots, only, fps)
    plan = Plan(
        board=board, fps=fps, width=size[0], height=size[1], shots=tuple(shots),
        takes=tuple(needed_takes(maker, shots)), cards={card.name: card for card in cards.values()},
        memory=memory, lines=dialogue.placed(shots, fps), prompts=maker.prompts, stills=maker.stills,
    )  # fmt: skip
    remarks = [*findings.remarks, *dialogue.remarks, *_remarks(plan, maker, whole=not only)]
    if letters != 0 and not soundless:
        plan = _with_sounds(plan, problems)
        remarks += silent_words(plan)
    plan = replace(plan, remarks=tuple(in_file_order(remarks)))
    return Survey(plan, tuple(in_file_order([*problems, *unfit])))


def _to_fetch(missing: Sequence[Problem], found: Sequence[Problem]) -> list[Problem]:
    """Engines that are not here, but for those that are the wrong ones: these were told already."""
    refused = {problem.mark for problem in found}
    return [each for each in missing if each.mark is None or each.mark not in refused]


def _with_sounds(plan: Plan, problems: list[Problem]) -> Plan:
    """As `with_sounds`; a file of the folder of sounds that cannot be read is added to the problems."""
    try:
        return with_sounds(plan)
    except MediaError as error:
        problems.append(Problem(error.message, error.hint, plan.board.mark(("sounds", "folder"))))
        return plan


def _chosen(
    board: Storyboard, shots: list[PlannedShot], only: Sequence[str], fps: Fraction
) -> tuple[list[PlannedShot], list[Problem]]:
    """The shots that are wanted `only`, in their places; and problems with that."""
    if not only:
        return shots, []
    if not has_choices(board):
        return keep_only(shots, only)
    shots, unknown = in_order(shots, only, fps)
    return shots, [*unknown, *overlap_problems(board, shots)]


def _remarks(plan: Plan, maker: TakeMaker, *, whole: bool) -> Iterator[Problem]:
    """What the author should know of a plan; of the `whole` film, not of some shots only, also how its shots join."""
    board = plan.board
    yield from board.remarks
    yield from loose_words(board)
    yield from not_rendered_yet(board, lambda beat: timing(card_of(board, maker.cards, beat), beat), maker.voiced)
    yield from unapproved(plan)
    yield from _not_enlarged(plan)
    yield from _not_shared(plan)
    yield from _not_cached(plan)
    yield from not_as_written(plan)
    if whole:
        yield from in_a_row(board)
        yield from without_room(plan)


def _drafts(maker: TakeMaker, size: tuple[int, int], places: Sequence[ShotPlace]) -> dict[str, Stretch]:
    """The stretches of the film's draft, by name; their takes are named as such. What is wrong, the film tells."""
    drafted = replace(maker, film=size, draft=True, findings=Findings(maker.board), prompts={}, stills={})
    plan_beats(maker.board, drafted, places)
    maker.prompts |= drafted.prompts
    stretches = (stretch for beats in drafted.planned.values() for beat in beats for stretch in beat.stretches)
    return {stretch.name: stretch.drafted for stretch in stretches}


def _not_enlarged(plan: Plan) -> Iterator[Problem]:
    """A remark, where a network is to enlarge takes, and none is smaller than the film."""
    takes = (stretch.candidates[0] for stretch in plan.stretches)
    if plan.board.upscale is not None and all(take.width >= plan.width or take.height >= plan.height for take in takes):
        message = "no take is smaller than the film: `upscale` changes nothing"
        yield Problem(message, "write a larger `size`, or remove it", plan.board.mark(("output", "upscale")))


def _not_shared(plan: Plan) -> Iterator[Problem]:
    """A remark, where several GPUs are to make each take together, and an engine cannot be shared."""
    alone = sorted(name for name, card in plan.cards.items() if not card.shares)
    if plan.memory.gpus > 1 and alone:
        message = f"gpus: each take of {' and '.join(alone)} is made on one GPU; it cannot be shared"
        yield Problem(
            message, "leave `gpus` out: each GPU then makes takes of its own", plan.board.mark(("memory", "gpus"))
        )


def _not_cached(plan: Plan) -> Iterator[Problem]:
    """A remark, where steps that change little are to be skipped, and an engine has none to skip."""
    without = sorted(name for name, card in plan.cards.items() if not card.caches and card.name)
    if plan.memory.cache and without:
        message = f"cache: it skips no steps of {' and '.join(without)}"
        yield Problem(message, "it is for Wan, nano, Lucy Edit and Qwen-Image", plan.board.mark(("memory", "cache")))


class _Silence:
    """The dialogue of a film in which nobody speaks."""

    problems: Sequence[Problem] = ()
    remarks: Sequence[Problem] = ()

    def seconds(self, _beat: Beat) -> Fraction:
        """0 s for a beat that is as long as its lines: it has none, and the reader has said so."""
        return Fraction(0)

    def sample(self, _name: str) -> None:
        """No voice."""

    def placed(self, _shots: Sequence[PlannedShot], _fps: Fraction) -> tuple[PlacedLine, ...]:
        """No lines."""
        return ()


def _dialogue(board: Storyboard, cards: Mapping[str | None, EngineCard], letters: int | None) -> Dialogue | _Silence:
    """The film's lines, measured. Where nobody speaks nothing of voices is loaded."""
    if not any(beat.dialogue for shot in board.shots for beat in shot.beats):
        return _Silence()
    from sora_cli.plan import dialogue as spoken
    from sora_cli.sound import speech
    from sora_cli.store import open_store

    return spoken.Dialogue(board, cards, speech.Speaker(open_store(), letters=letters))


def _cards(board: Storyboard, catalogue: Catalogue) -> tuple[dict[str | None, EngineCard], list[Problem]]:
    """The cards of all engines that are named, and a problem at each place that names a missing one."""
    named: dict[str | None, list[Loc | None]] = {board.engine: [("engine",)]} if board.engine else {}
    if board.leading_engine is None or any(not beat.engine for shot in board.shots for beat in shot.shown):
        named.setdefault(board.engine, [None])  # the machine's: where nothing needs it, nobody asks whether it is here
    for shot in board.shots:
        for beat in shot.shown:
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
    board: Storyboard, cards: Mapping[str | None, EngineCard], fps: Fraction, places: Sequence[ShotPlace]
) -> Problem | None:
    """A problem, if the film has more takes than `MAX_TAKES`; found before they are planned."""
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
    """How the author wants models fitted to the device; what is wrong there becomes a problem."""
    if not board.memory:
        return Memory.model_construct()  # nothing to validate
    try:
        return Memory.model_validate(dict(board.memory))
    except ValidationError as error:
        known = ", ".join(Memory.model_fields)
        from sora_cli.data import fault_words  # with pydantic's records: only where something is wrong

        for one in error.errors():
            name = str(one["loc"][0])
            place = board.mark(("memory", name)) or board.mark(("memory",))
            problems.append(Problem(f"memory: {name}: {fault_words(one)}", f"it may have: {known}", place))
        return Memory()


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
