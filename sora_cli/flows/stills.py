"""Stills of a storyboard: made and shown side by side, approved, or made again with another seed.

`BOARD.stills.json`, beside the storyboard, says which still each shot uses. An approval names the still by its key, so
it does not count for a still whose words have changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import __version__, atomic
from sora_cli.bounded import is_file
from sora_cli.errors import MachineError, PolicyError, RequestError, StoryboardError
from sora_cli.events import Note, Report
from sora_cli.flows import outputs, preflight
from sora_cli.plain import as_data
from sora_cli.plan import Plan
from sora_cli.plan.keyframes import Still
from sora_cli.spelling import composed
from sora_cli.storyboard.keyframes import MOST, StillChoice, beside
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.shoot.studio import Studio
    from sora_cli.store import Clip, Store

COLUMNS = ("still", "number", "at", "length", "seed", "state")


class Wishes(Struct, frozen=True):
    """What to do with stills, by their names; approved may be those of earlier numbers: `arrival=1`."""

    again: Sequence[str] = ()
    approve: Sequence[str] = ()
    approve_all: bool = False


class Shown(Struct, frozen=True):
    """A storyboard's stills, and the picture that shows them."""

    plan: Plan
    picture: Path
    clips: Mapping[str, Clip]

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {"picture": str(self.picture), "stills": [self._told(still) for still in each(self.plan)]}

    def _told(self, still: Still) -> dict[str, object]:
        clip, start, frames = self.clips[still.stretch.name], *played(self.plan, still)
        take = next(take for take in still.stretch.candidates if take.key == clip.key)
        return {
            "name": still.name,
            "number": still.choice.number,
            "approved": still.approved,
            "state": still.state,
            "take": take.name,
            "key": take.key,
            "engine": take.engine,
            "seed": take.seed,
            "prompt": take.prompt,
            "clip": str(clip.path),
            "start": float(start / self.plan.fps),
            "seconds": float(frames / self.plan.fps),
        }

    def table(self) -> Iterator[list[str]]:
        """A row of words for each still."""
        for still in each(self.plan):
            facts = self._told(still)
            yield [
                still.name,
                str(still.choice.number),
                f"{facts['start']:.2f}",
                f"{facts['seconds']:.2f}",
                str(facts["seed"]),
                still.state,
            ]


def each(plan: Plan) -> Iterator[Still]:
    """The stills of a plan, in film order."""
    return (still for shot in plan.shots for still in plan.stills.get(shot.name, ()))


def played(plan: Plan, still: Still) -> tuple[int, int]:
    """The film frame that the shot of a still begins on, and how many it plays."""
    return next((shot.start, shot.frames) for shot in plan.shots if still in plan.stills.get(shot.name, ()))


@contextmanager
def chosen(board: Storyboard, wishes: Wishes, store: Store) -> Iterator[Storyboard]:
    """The storyboard with the stills that are wished for; the choice is written beside it.

    Work that is refused inside leaves the choice as it was; work that is stopped goes on with it later.

    Raises:
        RequestError: there is no such still, it is not made yet, or is chosen in the storyboard itself.
    """
    choices = _wished(board, wishes, store)
    place = beside(board.path or Path())
    before = place.read_text(encoding="utf-8") if is_file(place) else None
    _write(board, choices)
    try:
        yield replace(board, stills={**board.stills, **choices})
    except (RequestError, StoryboardError, MachineError, PolicyError):
        if before is None:
            place.unlink(missing_ok=True)
        else:
            atomic.save(place, before)
        raise


def _wished(board: Storyboard, wishes: Wishes, store: Store) -> dict[str, StillChoice]:
    """Which still each shot uses, as it is wished for."""
    stills = {still.name: still for still in each(preflight.plan_of(board, animatic=True))}
    if not stills:
        raise RequestError(
            f"no shot of {board.path} begins on a still", hint="write `keyframe: on` on a shot, or `keyframes: on`"
        )
    choices = {name: _noted(still, store) for name, still in stills.items()}
    for name in wishes.again:
        choices[name] = _again(board, _found(name, stills), choices[name])
    for wish in stills if wishes.approve_all else wishes.approve:
        name, _, number = (wish, "", "") if wish in stills else wish.rpartition("=")
        if name in wishes.again:
            raise RequestError(f"{name} is in both --again and --approve", hint="look at it first, then approve it")
        choices[name] = _approved(board, _found(name or wish, stills), choices.get(name, StillChoice()), number)
    return choices


def _found(name: str, stills: Mapping[str, Still]) -> Still:
    if composed(name) not in stills:
        raise RequestError(f"there is no still {name}", hint=f"the stills are: {', '.join(stills)}")
    return stills[composed(name)]


def _noted(still: Still, store: Store) -> StillChoice:
    """Its choice, with the one that is used among those made, where it is."""
    key = next((key for key in still.stretch.keys if store.has(key)), None)
    number, made = still.choice.number, {n: key for n, key in still.choice.made.items() if store.has(key)}
    return replace(still.choice, made={**made, number: key} if key else made)


def _again(board: Storyboard, still: Still, choice: StillChoice) -> StillChoice:
    """The next number, whose seed is another; the same where that was never made."""
    if ("stills", still.name) in board.written:
        raise RequestError(f"`stills` in the storyboard says which {still.name} is used", hint="change it there")
    used = choice.made.get(choice.number) in still.stretch.keys
    number = max(choice.made, default=0) + 1 if used else choice.number
    if number > MOST:
        raise RequestError(f"{MOST} stills of {still.name} were made", hint="use other words")
    return replace(choice, number=number, approved="")


def _approved(board: Storyboard, still: Still, choice: StillChoice, asked: str) -> StillChoice:
    """The still of that number, else the one that is used, as the approved one."""
    number = int(asked) if asked.isdecimal() else choice.number
    if number not in choice.made or (asked and not asked.isdecimal()):
        made = ", ".join(map(str, sorted(choice.made))) or "none"
        hint = f"make it with `sora stills`, look at it, then approve it; these are made: {made}"
        raise RequestError(f"there is no still {asked or number} of {still.name} to approve", hint=hint)
    if number != choice.number and ("stills", still.name) in board.written:
        raise RequestError(f"`stills` in the storyboard says which {still.name} is used", hint="change it there")
    return replace(choice, number=number, approved=choice.made[number])


def noted(board: Storyboard, store: Store) -> Plan:
    """Note the stills that are made now; the plan of them. Their clips stay while the note is there.

    Raises:
        MediaError, StoreError: it cannot be written.
    """
    plan = preflight.plan_of(board, animatic=True)
    choices = {still.name: _noted(still, store) for still in each(plan)}
    _write(board, choices)
    place = beside(board.path or Path())
    store.films.released(place, place, [key for choice in choices.values() for key in choice.made.values()])
    return plan


def _write(board: Storyboard, choices: Mapping[str, StillChoice]) -> None:
    """Write which stills are used beside the storyboard; what is told of others stays."""
    place, maker = beside(board.path or Path()), outputs.maker_of(board)
    choice_of = {name: as_data(choice) for name, choice in {**board.stills, **choices}.items()}
    facts = {"sora": __version__, "made_by": maker.record(place.parent).to_dict(), "stills": choice_of}
    atomic.save(place, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def check(board: Storyboard, picture: Path | None, *, overwrite: bool) -> None:
    """Refuse to let the picture of the stills, or the choice, replace what is not its own.

    Raises:
        RequestError: as `outputs.check` does.
    """
    from sora_cli.media.sheet import is_sheet_of

    source = board.path or Path()
    owns: dict[Path, outputs.Own] = {beside(source): outputs.own_note(outputs.maker_of(board))}
    if picture is not None:
        owns[picture] = lambda path: is_sheet_of(path, source)
    outputs.check(owns, outputs.sources_of(board, None), overwrite=overwrite)


def show(board: Storyboard, picture: Path, *, report: Report, studio: Studio) -> Shown:
    """Make the stills that are missing, and draw all of them with their lengths.

    Raises:
        SoraError: something could not be done; the stills made until then are kept.
        Interrupted: the studio was asked to stop.
    """
    plan = preflight.plan_of(board, animatic=True)
    for remark in plan.remarks:
        report(Note.of(remark))
    preflight.require_ready(plan)
    with studio.store.used(studio.cancel.check):
        clips = studio.shoot(plan, report)
        preflight.require_same(plan)
        plan = noted(board, studio.store)
        _draw(plan, clips, picture)
    return Shown(plan, picture, clips)


def _draw(plan: Plan, clips: Mapping[str, Clip], picture: Path) -> None:
    from sora_cli.media.read import read_frames
    from sora_cli.media.sheet import SheetRow, grid, times

    size, cells = (plan.width, plan.height), []
    for still in each(plan):
        words = f"{times(*played(plan, still), plan.fps)}   {still.state}"
        cells.append(SheetRow(still.name, words, [read_frames(clips[still.stretch.name].path, 0, 1, size)[0]]))
    grid(plan.board.path or picture, cells, picture, plan.board.title or picture.stem)
