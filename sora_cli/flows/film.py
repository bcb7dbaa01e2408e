"""The order of the stages: the table of contents of the program.

::

    board    = storyboard.load(path)
    plan     = plan_takes(board, catalogue)
    sounds   = audio.prepare(plan, store)
    clips    = shoot(plan, executor, store, report)
    laid     = foley.lay(plan, clips, sounds, store)
    released = finishing.finished(laid.cut, plan, target, making)

Commands are prefixes of it. What is heavy (torch, codecs, signing) is imported by the stage that needs it, so that
`check` and `plan` cost next to nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.errors import MachineError, Problem, StoreError
from sora_cli.events import Clock, Note, Released, Report
from sora_cli.flows import audio, finishing, foley, moderation, noting, outputs, places, preflight, spoken, subtitles
from sora_cli.plan import Plan, cost
from sora_cli.policy.board import Text
from sora_cli.record import recipe, sidecar
from sora_cli.record.film import FilmRecord
from sora_cli.record.sidecar import ReleasedFilm
from sora_cli.shoot.studio import Studio, place, unlock
from sora_cli.shoot.workers import Workers
from sora_cli.store import Clip, Store, open_store
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.media.deliveries import Delivery
    from sora_cli.media.read.shelf import Open
    from sora_cli.record.film import RecipeRecord
    from sora_cli.stamp import Making, Signer


class MakeOptions(TypedDict):
    """How a film is made; see `make`."""

    draft: bool
    only: Sequence[str]
    signer: Signer | None
    overwrite: bool


def one_shot(data: Mapping[str, object]) -> Storyboard:
    """A storyboard of one shot, from a command's options; paths count from the working folder."""
    return preflight.whole(storyboard.read_data(dict(data), folder=Path.cwd()))


def make(
    board: Storyboard,
    out: Path,
    *,
    report: Report,
    studio: Studio | None = None,
    draft: bool = False,
    only: Sequence[str] = (),
    deliver: str = places.WEB,
    signer: Signer | None = None,
    overwrite: bool = False,
    animatic: bool = False,
    drawn: bool = True,
) -> ReleasedFilm:
    """Make the film of a storyboard, or find that it is there and up to date.

    Args:
        board: the storyboard.
        out: where the film goes; its sidecar and contact sheet lie beside it.
        report: hears what happens.
        studio: shared with other films; by default its own, on the default store, with the workers of the environment.
        draft: few steps and a small size.
        only: names of shots; the film is these alone.
        deliver: the name of a kind of film file.
        signer: who signs; by default the signer that the environment names.
        overwrite: also replace files that are not earlier outputs of this film.
        animatic: show the stills of shots instead of their takes, for as long as the takes would play.
        drawn: refuse a film that goes on from its draft where the store holds none; else that is made too.

    Raises:
        SoraError: something could not be done; the clips made until then are kept.
        Interrupted: the studio was asked to stop.
    """
    from sora_cli import stamp
    from sora_cli.media.deliveries import delivery

    places.check_place(out, delivery(deliver))
    order = _Order(
        board, out, delivery(deliver), signer or stamp.find_signer, report, Clock(report), draft, only, overwrite,
        animatic, drawn,
    )  # fmt: skip
    return order.filled(studio)


def require_place(plan: Plan, out: Path, *, deliver: str, signer: Signer | None, overwrite: bool) -> None:
    """Refuse a place where `make` would not put the film of this plan.

    Raises:
        SoraError: no film of this kind can go there, or it would replace what is not its own.
    """
    from sora_cli import stamp
    from sora_cli.media.deliveries import delivery

    kind, signed_by = delivery(deliver), signer or stamp.find_signer()
    places.check_place(out, kind)
    if sidecar.up_to_date(out, sidecar.film_key(plan, signed_by.chain, kind.name)) is None:
        _require_own(plan.board, plan, out, kind, signer=signed_by, overwrite=overwrite)


def _require_own(board: Storyboard, plan: Plan, out: Path, kind: Delivery, *, signer: Signer, overwrite: bool) -> None:
    """Refuse to replace files that are not the film's own."""
    also = subtitles.of_film(plan, out)
    outputs.check_outputs(board, out, kind, signer=signer, overwrite=overwrite, also=also)


class _Order(Struct, dict=True):
    """An order for a film: its storyboard, its place, its kind of file, its signer."""

    board: Storyboard
    out: Path
    kind: Delivery
    signed_by: Signer | Callable[[], Signer]
    report: Report
    clock: Clock
    draft: bool
    only: Sequence[str]
    overwrite: bool
    animatic: bool
    drawn: bool

    @cached_property
    def signer(self) -> Signer:
        """Who signs, found when the storyboard is planned."""
        return self.signed_by() if callable(self.signed_by) else self.signed_by

    def filled(self, studio: Studio | None) -> ReleasedFilm:
        """The film, made unless it is there and up to date; it is told of once."""
        film = self.found_or_made(studio)
        facts = str(film.path), str(film.sidecar), str(film.sheet), film.frames, film.seconds
        self.report(Released(*facts, reused=film.reused))
        return film

    def found_or_made(self, studio: Studio | None) -> ReleasedFilm:
        """The film, without a word of its end."""
        plan, key, done = self.planned()
        if done is not None:
            return self.noted(plan, done, studio)
        self.check(plan)
        preflight.require_ready(plan)
        with contextlib.ExitStack() as stack:
            studio = studio or stack.enter_context(Studio(open_store(), workers=Workers.asked()))
            if self.drawn:
                preflight.require_drafts(plan, studio.store)
            stack.enter_context(place(self.out, studio.cancel))
            done = sidecar.up_to_date(self.out, key)  # another process may have made it while we waited
            if done is not None:
                return replace(done, remarks=plan.remarks)
            self.check(plan)
            stack.enter_context(studio.store.used(studio.cancel.check))
            return self.made(plan, key, studio)

    def planned(self) -> tuple[Plan, str, ReleasedFilm | None]:
        """The plan, the film's key, and the film where it is there and up to date."""
        with self.clock.stage("plan"):
            plan = preflight.plan_of(self.board, draft=self.draft, only=self.only, animatic=self.animatic)
            for remark in plan.remarks:
                self.report(Note.of(remark))
            named = Text(self.out.stem, "text", what="the film's name")
            moderation.require_words([named], self.board.rules, self.report, plan.remarks)
            key = sidecar.film_key(plan, self.signer.chain, self.kind.name)
            return plan, key, sidecar.up_to_date(self.out, key)

    def check(self, plan: Plan) -> None:
        """Refuse to replace files that are not the film's own."""
        _require_own(self.board, plan, self.out, self.kind, signer=self.signer, overwrite=self.overwrite)

    def noted(self, plan: Plan, film: ReleasedFilm, studio: Studio | None) -> ReleasedFilm:
        """Note an up-to-date film at the place where it is now."""
        with contextlib.suppress(StoreError):  # a film that was moved here; what cannot be noted cannot be cleaned
            store = studio.store if studio else open_store()
            record = FilmRecord.if_whole(sidecar.read(self.out))
            seen = [each.key for each in record.foley] if record else []
            noting.released(plan, store, self.out, film.sidecar, seen)
        subtitles.write(plan, self.out)
        unlock(self.out)
        return replace(film, remarks=(*plan.remarks, *self.spoken_remarks(plan)))

    def spoken_remarks(self, plan: Plan) -> Iterator[Problem]:
        """Repeat the remarks on its spoken lines from when it was made."""
        record = FilmRecord.if_whole(sidecar.read(self.out))
        return self.remarked(spoken.remarks(plan, record.heard if record else {}))

    def remarked(self, remarks: Iterable[Problem]) -> Iterator[Problem]:
        """Report remarks, and pass them on."""
        for remark in remarks:
            self.report(Note.of(remark))
            yield remark

    def recipe(self, plan: Plan, store: Store) -> RecipeRecord:
        """What it takes to make the film again."""
        return recipe.write(
            plan,
            store,
            draft=self.draft,
            only=self.only,
            deliver=self.kind.name,
            engine=self.board.leading_engine or catalogue.known().name,
            animatic=self.animatic,
        )

    def made(self, plan: Plan, key: str, studio: Studio) -> ReleasedFilm:
        """Shoot, finish and release the film, and write its sidecar."""
        from sora_cli.flows.enlarge import Enlarger
        from sora_cli.media.read.shelf import Shelf

        enlarger = Enlarger.of(plan)
        sounds = audio.prepare(plan, studio.store)
        with self.clock.stage("shoot"):
            clips = studio.shoot(plan, self.report)
        studio.cancel.check()
        with self.clock.stage("finish"), Shelf() as films:
            self.check(plan)  # hours may have gone by
            preflight.require_same(plan)
            again = self.recipe(plan, studio.store)
            checked = moderation.record(plan, studio.screen)
            laid = foley.lay(plan, clips, sounds, studio.store, films.open)
            laid = replace(laid, cut=enlarger.enlarged(laid.cut, studio.store, self.report, studio.cancel))
            transcripts = spoken.heard(plan, laid.cut)
            unsaid = tuple(self.remarked(spoken.remarks(plan, transcripts)))
            making = replace(_making(plan, clips, again, sounds, laid), moderation=checked)
            unable = moderation.frames_unable(studio.screen)
            film = self.finished(plan, laid, making, films.open, unable=unable)
        costs = cost.made(plan, studio.store)
        film = replace(
            film, stages=self.clock.stages, cost=cost.total(costs.values()), remarks=(*plan.remarks, *unsaid)
        )
        noting.released(plan, studio.store, self.out, film.sidecar, [each.key for each in laid.records])
        sidecar.write(
            plan,
            clips,
            film,
            store=studio.store,
            key=key,
            recipe=again,
            moderation=checked,
            made_by=outputs.maker_of(self.board).record(self.out.parent),
            subtitles=subtitles.write(plan, self.out),
            foley=laid.records,
            heard={} if isinstance(transcripts, MachineError) else transcripts,
            costs=costs,
        )
        return film

    def finished(self, plan: Plan, laid: foley.Laid, making: Making, films: Open, *, unable: str) -> ReleasedFilm:
        """Finish and release; `unable` says why frames could not be checked."""
        from sora_cli.media.sheet import ContactSheet, SheetShot
        from sora_cli.stamp.release import ReleaseTarget

        shots = [SheetShot(shot.name, shot.start, shot.frames) for shot in plan.shots]
        beside, picture = sidecar.beside(self.out)
        with ContactSheet(shots, self.out, picture, plan.board.title) as sheet:
            target = ReleaseTarget(self.out, plan.board.provenance, self.signer, self.kind, self.report, sheet.watching)
            done = finishing.finished(
                laid.cut, plan, target, making, loudness=laid.loudness(plan), films=films, unable=unable
            )
            return ReleasedFilm(
                path=self.out,
                sidecar=beside,
                sheet=sheet.put(),
                frames=plan.frames,
                seconds=plan.seconds,
                signer=self.signer.in_words,
                credential=done.sidecar,
            )


def _making(
    plan: Plan, clips: Mapping[str, Clip], again: RecipeRecord, sounds: audio.FilmSounds, laid: foley.Laid
) -> Making:
    """What the credential records of how the film was made."""
    from sora_cli.stamp.making import making

    return making(
        plan,
        clips,
        laid.cut,
        again,
        sounds=audio.own_sounds(plan, laid.cut, sounds.made),
        speech=audio.spoken_lines(plan),
        synthesized=sounds.words(""),
        modelled={model: sounds.words(model) for model in sounds.models},
        seen=[each.sound for each in laid.records],
    )
