"""Before the first take: open everything that shooting and finishing will open.

What is wrong is told at its place in the storyboard. `check`, `plan`, `batch` and the making of a film all ask here, so
that no take is shot for a film that cannot be made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sora_cli import storyboard
from sora_cli.bounded import file_hash
from sora_cli.engines import catalogue
from sora_cli.engines.base import Ability, EngineCard
from sora_cli.errors import HINT_READ, MediaError, Problem, RequestError, SoraError, refusal
from sora_cli.flows import moderation, places
from sora_cli.flows.lacks import lacks
from sora_cli.flows.music import ended
from sora_cli.flows.opening import opened
from sora_cli.flows.searching import Finder, Place
from sora_cli.plan import Plan, in_file_order, survey
from sora_cli.plan.keyframes import animatic as stills_alone
from sora_cli.plan.sounds import recordings
from sora_cli.plan.survey import Catalogue
from sora_cli.plan.takes import ANY_ENGINE
from sora_cli.storyboard import LoadResult
from sora_cli.storyboard.files import use_of
from sora_cli.storyboard.model import Loc, Storyboard, Watermark
from sora_cli.storyboard.searching import nowhere

if TYPE_CHECKING:
    from sora_cli.store import Store

MEASURED = 1500
"""`check` speaks lines of up to this many letters to measure them: two minutes of speech take half a minute."""
SIGNERS = ("SORA_SIGN_CERT", "SORA_SIGN_KEY", "C2PA_SIGN_CERT", "C2PA_PRIVATE_KEY")
"""Variables that name a signer of the user's own."""

SMALL = 64
"""Pixels of the shorter side from which on our own mark is known to fit."""

_looked_at: dict[tuple[Path, int, int, str], tuple[Problem | None, tuple[str, ...]]] = {}
"""What was wrong with a file, and what is to be remarked of it, by its path, size, time and use: a batch names one file
many times."""


def require_ready(plan: Plan, *, made: bool = True) -> None:
    """Refuse a film for which something will be missing; where it is not `made` now, no model is loaded to find it.

    Raises:
        StoryboardError: all that is wrong, each with its place.
        PolicyError: the film may not go without its mark.
        EngineMissing, WorkError, OutOfMemory: a segmenter cannot be opened, or failed.
    """
    problems = [*file_problems(plan.board, plan), *finish_problems(plan)]
    problems = problems or [*edit_problems(plan, made=made)]
    if problems:
        raise refusal(in_file_order(problems))


def load(
    path: Path,
    *,
    sets: Mapping[str, str],
    allow_outside: bool = False,
    memory: str | None = None,
    executor: str | None = None,
    place: Place | None = places.of_title,
) -> Storyboard:
    """Load a storyboard; an error names everything that is wrong with it.

    A `memory` mode and an `executor` that are given win over those that are written there.
    Clips that it searches for are those of its film at `place`, where that is there; with None it may not search.

    Raises:
        StoryboardError, PolicyError, EngineMissing: with all problems.
    """
    find = Finder(path, place) if place else nowhere
    board = whole(storyboard.read(path, sets=sets, allow_outside=allow_outside, find=find))
    return replace(storyboard.fitted(board, memory), executor=executor or board.executor)


def whole(reading: LoadResult) -> Storyboard:
    """The storyboard that was read, if its language is right; the plan finds what is wrong with its takes.

    Raises:
        StoryboardError, PolicyError, EngineMissing: with all problems, those of its takes and files too.
    """
    if reading.board is None or reading.problems:
        raise refusal(everything_wrong(reading)[0])
    return reading.board


def everything_wrong(reading: LoadResult) -> tuple[tuple[Problem, ...], Plan | None]:
    """All that is wrong with a storyboard, its takes and its files, in the order of the file; and the plan of it.

    The plan is made as far as the storyboard is understood.
    """
    if reading.board is None:
        return reading.problems, None
    found = survey(reading.board, catalogue.card, letters=0 if reading.problems else MEASURED)
    held = moderation.of_board(reading.board)
    plan = found.plan and held.with_remarks(_with_remarks(found.plan))
    return _with_files(reading.board, [*reading.problems, *found.problems, *held.refused], plan), plan


def plan_of(board: Storyboard, *, draft: bool = False, only: Sequence[str] = (), animatic: bool = False) -> Plan:
    """Plan a film; an error also names what is wrong with the storyboard's files.

    An `animatic` shows stills alone: engines that make none need not be here, and what they would say is spoken.

    Raises:
        StoryboardError, PolicyError, EngineMissing: with all problems.
    """
    plan, problems = plan_for(board, draft=draft, only=only, animatic=animatic)
    if problems:
        raise refusal(problems)
    return stills_alone(plan) if animatic else plan


def _stills_alone(board: Storyboard) -> Catalogue:
    """Finds the cards of an animatic, of which those that make no stills are planned for, and not opened."""
    needed = {keyframe.beat.engine or board.engine for shot in board.shots for keyframe in shot.keyframes}

    def find(name: str | None) -> EngineCard:
        card = catalogue.card(name) if name in needed else catalogue.known(name)
        return replace(card, abilities=card.abilities - {Ability.SOUND})

    return find


def plan_for(
    board: Storyboard, *, draft: bool = False, only: Sequence[str] = (), animatic: bool = False
) -> tuple[Plan, tuple[Problem, ...]]:
    """The plan, and what this machine lacks for it: of an engine that is known the card is enough to plan.

    Raises:
        StoryboardError, PolicyError, EngineMissing: with all problems, where there is more, or an engine is not known.
    """
    held = moderation.of_board(board)
    find = _stills_alone(board) if animatic else catalogue.card
    found = survey(board, find, draft=draft, only=only, letters=0 if held.refused else None)
    wrong = [*found.problems, *held.refused]
    problems = _with_files(board, wrong, found.plan) if wrong else ()
    if found.plan is None or any(problem.code != 3 for problem in problems) or ANY_ENGINE.name in found.plan.cards:
        raise refusal(problems)
    return held.with_remarks(_with_remarks(found.plan)), problems


def _with_files(board: Storyboard, problems: Sequence[Problem], plan: Plan | None) -> tuple[Problem, ...]:
    """These problems and those of files, title and mark; where takes are wrong, which files are used is not known."""
    if plan is not None and all(problem.code in {3, 4} for problem in problems):
        files = [*file_problems(board, plan), *finish_problems(plan)]
        files = files or [*edit_problems(plan, made=False)]
    else:
        files = [*file_problems(board)]
    told = {problem.mark for problem in files}  # who measured a line's file could not read it either
    others = [each for each in problems if each.mark not in told or not each.message.startswith("cannot ")]
    return tuple(in_file_order([*others, *files]))


def require_drafts(plan: Plan, store: Store) -> None:
    """Refuse a film that goes on from its draft, where that was not made.

    Raises:
        RequestError: it names the takes of which the store holds no draft.
    """
    drafts = {take.start.takes: take.name for take in reversed(plan.takes) if take.start is not None}
    lacking = [name for takes, name in reversed(drafts.items()) if takes and not any(map(store.has, takes))]
    if lacking:
        raise RequestError(
            f"the store holds no draft of {', '.join(lacking)} as the storyboard is now",
            hint="make it first, of the same shots, words and seeds: `sora storyboard`, or `generate`, with --draft",
        )


def file_problems(board: Storyboard, plan: Plan | None = None) -> Iterator[Problem]:
    """What is wrong with the files that a storyboard names; of a `plan`, only with those that it uses."""
    for loc, path, use in _files(board, plan):
        found, _ = _look_at(path, use)
        if found is not None:
            yield Problem(found.message, found.hint, board.mark(loc))
    yield from lacks(board)


def _with_remarks(plan: Plan) -> Plan:
    """The plan with what is to be remarked of the files that it uses, each where it is named first."""
    found: dict[tuple[Path, tuple[str, ...]], Problem] = {}
    for loc, path, use in _files(plan.board, plan):
        _, remarks = _look_at(path, use)
        if remarks:
            mark, told = plan.board.mark(loc), "; ".join(remarks)
            named = mark is not None and not mark.line and path.name in mark.typed  # an option, which names it
            found.setdefault((path, remarks), Problem(told if named else f"{path.name}: {told}", mark=mark))
    return replace(plan, remarks=tuple(in_file_order([*plan.remarks, *found.values(), *ended(plan)])))


def _files(board: Storyboard, plan: Plan | None) -> Iterator[tuple[Loc, Path, str]]:
    """The files that a storyboard names, or a plan uses: where, and as what."""
    used = None if plan is None else _used(plan)
    for loc, path in board.material.items():
        if used is None or path in used or not _in_a_shot(board, loc):
            yield loc, path, use_of(loc)


def edit_problems(plan: Plan, *, made: bool) -> Iterator[Problem]:
    """What is wrong with the parts of films that takes make anew: stretches, masks, and words that name nothing.

    With `made`, models of the user's look for what they are to find.
    """
    told: set[Loc] = set()
    for beat, take in plan.changes:
        if beat.loc not in told and take.change is not None:
            from sora_cli.shoot.mask import check

            told.add(beat.loc)
            work = partial(check, take.change, (take.width, take.height), models=made)
            yield from _told(work, plan.board, (*beat.loc, "edit"))


def finish_problems(plan: Plan) -> Iterator[Problem]:
    """What is wrong with titles and the mark at the size of the film. Whether it needs a mark, the language asks."""
    board, size = plan.board, (plan.width, plan.height)
    for shot in plan.shots:
        if shot.title is not None:
            from sora_cli.master.title import check_titles

            yield from _told(lambda shot=shot: check_titles([shot], *size), board, (*shot.loc, "title"))  # type: ignore[misc]
    mark = board.provenance.watermark
    reported = mark.image is not None and _look_at(mark.image, "image")[0] is not None
    # Ours fits every larger frame, and to draw it costs `check` as much again as all else.
    if mark.on and (mark != Watermark() or min(size) < SMALL) and not reported:
        from sora_cli import stamp

        yield from _told(lambda: stamp.check_mark(mark, *size), board, ("provenance", "watermark"))


def require_signer() -> None:
    """Refuse a signer that the environment names and that cannot sign.

    Raises:
        CertificateError: the certificate or key is unreadable or unfit.
    """
    if any(os.environ.get(name) for name in SIGNERS):
        from sora_cli.stamp import find_signer

        find_signer()


def require_store() -> None:
    """Refuse a store that the environment names and that cannot be one.

    Raises:
        RequestError: no store has such an address, or no such folder can be made.
    """
    if os.environ.get("SORA_STORE"):
        from sora_cli.store import open_store

        open_store()


def require_same(plan: Plan) -> None:
    """Refuse files that changed since the film was planned: the credential would name others than went in.

    Raises:
        MediaError: one of them is not the one that was planned with.
    """
    given = {(each.path, each.sha256) for take in plan.takes for each in take.references}
    given |= {(carry.path, carry.sha256) for take in plan.takes for carry in take.carries if carry.path}
    given |= set(recordings(plan).items())
    changes = [take.change for take in plan.takes if take.change is not None]
    given |= {(each.path, each.sha256) for each in changes if each.path}
    given |= {(each.mask, each.mask_sha256) for each in changes if each.mask}
    for path, sha in sorted(given):
        try:
            same = file_hash(path) == sha
        except OSError:
            same = False
        if not same:
            raise MediaError(
                f"{path} was replaced or changed while takes were made of it",
                hint="put it back as it was, or run the same command again: what was made of it is shot again",
            )


def _used(plan: Plan) -> set[Path]:
    """The files that the takes and shots of a plan use; those of shots that are left out are not."""
    kept = {shot.name for shot in plan.shots}
    shots = [shot for shot in plan.board.shots if shot.name in kept]
    paths: set[Path | None] = {reference.path for take in plan.takes for reference in take.references}
    for carry in (carry for take in plan.takes for carry in take.carries):
        paths |= {carry.path, carry.hold.path if carry.hold else None}
    for change in (take.change for take in plan.takes if take.change is not None):
        paths |= {change.path, change.mask}
    for beat in (beat for shot in shots for beat in shot.beats):
        paths |= {beat.sound_path, beat.bed.ambience_path, beat.bed.music_path, *(line.path for line in beat.dialogue)}
    paths |= {path for shot in shots for path in (shot.look.path, shot.title.font if shot.title else None)}
    return {path for path in paths if path}


def _in_a_shot(board: Storyboard, loc: Loc) -> bool:
    return any(loc[: len(shot.loc)] == shot.loc for shot in board.shots) or loc[0] == "cast"


def _told(work: Callable[[], object], board: Storyboard, loc: Loc) -> Iterator[Problem]:
    """What the work refuses, at its place."""
    try:
        work()
    except (RequestError, MediaError) as error:
        yield Problem(error.message, error.hint, board.mark(loc))


def _look_at(path: Path, use: str) -> tuple[Problem | None, tuple[str, ...]]:
    """What is wrong with a file that is used so, None where it can be used; and remarks on how it is used."""
    try:
        facts = path.stat()
        key = (path, facts.st_size, facts.st_mtime_ns, use)
    except OSError as error:
        return Problem(f"cannot read {path}: {error.strerror}", HINT_READ), ()
    if key not in _looked_at:
        try:
            _looked_at[key] = None, opened(path, use)
        except SoraError as error:
            _looked_at[key] = Problem(error.message, error.hint), ()
    return _looked_at[key]
