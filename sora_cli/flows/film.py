"""The order of the stages: the table of contents of the program.

::

    board    = storyboard.load(path)
    plan     = plan_takes(board, catalogue)
    clips    = shoot(plan, executor, store, report)
    cut      = timeline.assemble(plan, clips)
    master   = finish(cut, board.sound.loudness)
    released = stamp.release(master, out, signer)

Commands are prefixes of it. What is heavy (torch, codecs, signing) is imported by the stage that needs it, so that
`check` and `plan` cost next to nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.errors import StoreError
from sora_cli.events import Clock, Note, Released, Report
from sora_cli.flows import heard, outputs, places, preflight, subtitles
from sora_cli.plan import Plan
from sora_cli.record import recipe, sidecar
from sora_cli.record.sidecar import Film
from sora_cli.shoot.studio import Studio, place, unlock
from sora_cli.store import Clip, Store, default_folder
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.media.film import Delivery
    from sora_cli.record.film import RecipeRecord
    from sora_cli.stamp import Signer


def one_shot(data: Mapping[str, Any]) -> Storyboard:
    """A storyboard of one shot, from a command's options; paths count from the working folder."""
    return preflight.whole(storyboard.read_data(dict(data), folder=Path.cwd()))


def make(
    board: Storyboard, out: Path, *, report: Report, studio: Studio | None = None,
    draft: bool = False, only: Sequence[str] = (), deliver: str = places.WEB, signer: Signer | None = None,
    overwrite: bool = False,
) -> Film:  # fmt: skip
    """Make the film of a storyboard, or find that it is there and up to date.

    Args:
        board: the storyboard.
        out: where the film goes; its sidecar and contact sheet lie beside it.
        report: hears what happens.
        studio: what it shares with other films; its own, on the default store, when nobody says.
        draft: few steps and a small size.
        only: names of shots; the film is these alone.
        deliver: the name of a kind of film file.
        signer: who signs; found by the environment when nobody says.
        overwrite: also replace files that are no earlier output of this film.

    Raises:
        SoraError: something could not be done; the clips made until then are kept.
        Interrupted: the studio was asked to stop.
    """
    from sora_cli import stamp
    from sora_cli.media.film import delivery

    kind = delivery(deliver)
    places.check_place(out, kind)
    clock = Clock(report)
    with clock.stage("plan"):
        plan = preflight.plan_of(board, draft=draft, only=only)
        for remark in plan.remarks:
            report(Note.of(remark))
        signer = signer or stamp.find_signer()
        key = sidecar.film_key(plan, signer.chain, kind.name)
        done = sidecar.up_to_date(out, key)
    if done is not None:
        with contextlib.suppress(StoreError):  # a film that was moved here; what cannot be noted cannot be cleaned
            store = studio.store if studio else Store(default_folder())
            store.films.released(out, done.sidecar, heard.keys(plan, store))
        subtitles.write(plan, out)
        unlock(out)
        return replace(done, remarks=plan.remarks)
    also = subtitles.of_film(plan, out)
    allow = partial(outputs.check_outputs, board, out, kind, signer=signer, overwrite=overwrite, also=also)
    allow()
    preflight.require_ready(plan)
    with contextlib.ExitStack() as stack:
        studio = studio or stack.enter_context(Studio(Store(default_folder())))
        stack.enter_context(place(out, studio.halt))
        done = sidecar.up_to_date(out, key)  # whoever held the place before us may have made it
        if done is not None:
            return replace(done, remarks=plan.remarks)
        stack.enter_context(studio.store.used(studio.halt.check))
        sounds = heard.prepare(plan, studio.store)
        with clock.stage("shoot"):
            clips = studio.shoot(plan, report)
        studio.halt.check()
        with clock.stage("finish"):
            again = recipe.write(
                plan, studio.store, draft=draft, only=only, deliver=kind.name, engine=catalogue.card(board.engine).name
            )
            allow()  # hours may have gone by
            preflight.require_same(plan)
            film = _finish(plan, clips, out, kind=kind, signer=signer, report=report, again=again, sounds=sounds)
        film = replace(film, stages=clock.stages, remarks=plan.remarks)
        studio.store.films.released(out, film.sidecar, heard.keys(plan, studio.store))
        made_by = outputs.maker_of(board).record(out.parent)
        sidecar.write(
            plan, clips, film, store=studio.store, key=key, recipe=again, made_by=made_by,
            subtitles=subtitles.write(plan, out),
        )  # fmt: skip
    report(Released(str(film.path), str(film.sidecar), str(film.sheet), film.frames, film.seconds))
    return film


def _finish(
    plan: Plan, clips: Mapping[str, Clip], out: Path, *, kind: Delivery, signer: Signer, report: Report,
    again: RecipeRecord, sounds: heard.Heard,
) -> Film:  # fmt: skip
    """Cut, finish and release; the contact sheet beside it."""
    from sora_cli import stamp
    from sora_cli.master.finish import finish
    from sora_cli.media.sheet import Strip, contact_sheet
    from sora_cli.plan.timeline import assemble
    from sora_cli.stamp.making import making

    cut = assemble(plan, clips, sounds.speech, sounds.made)
    master = finish(cut, plan.board.sound.loudness, pixels=kind.made_in, report=report)
    beside, sheet = sidecar.beside(out)
    told = making(
        plan, clips, cut, again, sounds=heard.own_sounds(plan, cut), speech=heard.told(plan),
        synthesized=[sound.words for sound in sounds.made],
    )  # fmt: skip
    done = stamp.release(
        master, out, making=told,
        provenance=plan.board.provenance, signer=signer, kind=kind, report=report,
        may_leave_unmarked=not plan.board.rules.marked,
    )  # fmt: skip
    strips = [Strip(shot.name, shot.start, shot.frames) for shot in plan.shots]
    contact_sheet(out, strips, sheet, plan.board.title, of=plan.frames)
    return Film(
        path=out, sidecar=beside, sheet=sheet, frames=plan.frames, seconds=plan.seconds, signer=signer.in_words,
        credential=done.sidecar,
    )  # fmt: skip
