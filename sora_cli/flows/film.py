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
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.errors import RequestError, StoreError
from sora_cli.events import Note, Released, Report, Silent, Stage, StageDone, StageStarted
from sora_cli.flows import heard, moderation, outputs, preflight, subtitles
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.anchors import matched_to
from sora_cli.record import recipe, sidecar
from sora_cli.record.sidecar import Film
from sora_cli.shoot.studio import Studio, place, unlock
from sora_cli.store import Clip, Store, default_folder
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.media.film import Delivery
    from sora_cli.plan.timeline import Cut
    from sora_cli.record.film import RecipeRecord
    from sora_cli.stamp import Making, Signer

WEB = "web"
"""How a film is delivered when nobody says."""

NAME_LENGTH = 60
"""Characters of a file name made from words."""


def one_shot(data: Mapping[str, Any]) -> Storyboard:
    """A storyboard of one shot, from a command's options; paths count from the working folder."""
    return preflight.whole(storyboard.read_data(dict(data), folder=Path.cwd()))


def target(asked: str | None, name: Callable[[str, Path], Path], deliver: str | None) -> tuple[Path, str]:
    """Where a film goes, and as what kind: its name's ending says that where `deliver` does not.

    Args:
        asked: a film, or a folder for it: one that is there, or a name that ends in a slash.
        name: gives the film's name for a delivery and a folder, where none is asked for.
        deliver: the name of a kind of film file.

    Raises:
        RequestError: there is no such delivery.
    """
    from sora_cli.media.film import FRAMES, kind_of

    ending = kind_of(Path(asked)) if asked else None
    frames = ending is FRAMES and deliver in {None, FRAMES.name}
    if asked is not None and not frames and (asked.endswith(("/", os.sep)) or Path(asked).is_dir()):
        return name(deliver or WEB, Path(asked)), deliver or WEB
    deliver = deliver or (ending.name if ending else WEB)
    return (Path(asked) if asked else name(deliver, Path())), deliver


def default_name(board: Storyboard, deliver: str = WEB, folder: Path = Path()) -> Path:
    """Where a storyboard's film goes when nobody says: its title (or file name), in the working folder."""
    from sora_cli.media.film import delivery

    return folder / (_slug(board.title or (board.path.stem if board.path else "film")) + delivery(deliver).suffix)


def free_name(prompt: str, deliver: str = WEB, folder: Path = Path()) -> Path:
    """Where a one-off clip goes when nobody says: the prompt's words, numbered so that nothing is overwritten."""
    from sora_cli.media.film import delivery

    stem, suffix = _slug(prompt), delivery(deliver).suffix
    names = (folder / f"{stem}{'' if number == 1 else f'-{number}'}{suffix}" for number in itertools.count(1))
    return next(name for name in names if not any(map(os.path.lexists, (name, *sidecar.beside(name)))))


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:NAME_LENGTH].rstrip("-") or "film"


def write_starter(folder: Path) -> Path:
    """Write the starter storyboard into a folder, never over a file that is there.

    Raises:
        RequestError: there is one already, or the folder cannot be written.
    """
    path = folder / "storyboard.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(storyboard.starter())
    except FileExistsError as error:
        raise RequestError(f"{path} is there already", hint="name another folder: sora new FOLDER") from error
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror}", hint="name a folder you may write to") from error
    return path


class Clock:
    """Tells the stages of the work as they begin and end, and remembers how long each took."""

    def __init__(self, report: Report) -> None:
        self.stages: dict[str, float] = {}
        self._report = report

    @contextlib.contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """A stage of the line."""
        started = time.monotonic()
        self._report(StageStarted(name))
        yield
        self.stages[name] = round(time.monotonic() - started, 3)
        self._report(StageDone(name, self.stages[name]))


def make(
    board: Storyboard, out: Path, *, report: Report, studio: Studio | None = None,
    draft: bool = False, only: Sequence[str] = (), deliver: str = WEB, signer: Signer | None = None,
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
    check_place(out, kind)
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
    allow = partial(check_outputs, board, out, kind, signer=signer, overwrite=overwrite, also=also)
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
            checked = moderation.record(plan, studio.screen.seen)
            allow()  # hours may have gone by
            preflight.require_same(plan)
            film = _finish(plan, clips, out, kind=kind, signer=signer, report=report, again=again, sounds=sounds,
                           checked=checked)  # fmt: skip
        film = replace(film, stages=clock.stages, remarks=plan.remarks)
        studio.store.films.released(out, film.sidecar, heard.keys(plan, studio.store))
        made_by = maker(board).record(out.parent)
        sidecar.write(
            plan, clips, film, store=studio.store, key=key, recipe=again, made_by=made_by, moderation=checked,
            subtitles=subtitles.write(plan, out),
        )  # fmt: skip
    report(Released(str(film.path), str(film.sidecar), str(film.sheet), film.frames, film.seconds))
    return film


def maker(board: Storyboard) -> outputs.Maker:
    """Whose the film of a storyboard is: its file's, or where it has none that of its title's words."""
    if board.path is None:
        return outputs.Maker(command="generate", words=board.title)
    return outputs.Maker(command="storyboard", paths=(board.path,), sha256=board.sha256)


def check_outputs(
    board: Storyboard, out: Path, kind: Delivery, *, signer: Signer | None = None, overwrite: bool = False,
    also: Mapping[Path, outputs.Own] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Refuse to write a film and what lies beside it over what is not its own, or over what it is made from.

    Raises:
        RequestError: as `outputs.check` does.
    """
    sources = sources_of(board, signer)
    outputs.check({**outputs.of_film(out, kind, maker(board)), **also}, sources, overwrite=overwrite)


def sources_of(board: Storyboard, signer: Signer | None) -> list[Path]:
    """Files and folders that a film is made from, the signer's as well."""
    named = {board.engine, *(beat.engine for shot in board.shots for beat in shot.beats)}
    engines = [folder for name in named if name and (folder := Path(name).expanduser()).is_dir()]
    return [*recipe.files_of(board), *engines, *(signer.files if signer else ())]


def check_place(out: Path, kind: Delivery) -> None:
    """Refuse a place where no film of this kind can go, before hours of work are put into it."""
    from sora_cli.media import film

    if out.suffix.lower() != kind.suffix:
        fits = " or ".join(f"--deliver {name}" for name, other in film.DELIVERIES.items() if other.suffix == out.suffix)
        hint = f"try {out.stem}{kind.suffix}" + (f", or {fits}" if fits else "")
        raise RequestError(f"cannot write a film to {out}: its name must end in {kind.suffix}", hint=hint)
    film.check_place(out, kind)


def check_luts(
    board: Storyboard, folder: Path, *, signer: Signer | None = None, only: Sequence[str] = (), overwrite: bool = False
) -> None:
    """Refuse to write a storyboard's colour tables over files that are not its own.

    Raises:
        RequestError: as `outputs.check` does, or the folder's name is a file's.
    """
    from sora_cli import stamp
    from sora_cli.colour.grade import lut_name

    if folder.exists() and not folder.is_dir():
        raise RequestError(f"cannot write colour tables to {folder}: it is a file", hint="name a folder: --luts FOLDER")
    own = outputs.own_table(maker(board))
    paths: list[Path] = []
    shots = [shot for shot in board.shots if not only or shot.name in only]
    for number, shot in enumerate(shots, 1):
        parts = (folder / lut_name(number, shot.name, part) for part in itertools.count(1))
        paths += itertools.takewhile(os.path.lexists, parts)
    sources = sources_of(board, signer or stamp.find_signer())
    outputs.check(dict.fromkeys(paths, own), sources, overwrite=overwrite)


def write_luts(
    board: Storyboard, folder: Path, *, studio: Studio, draft: bool, only: Sequence[str],
    signer: Signer | None = None, overwrite: bool = False,
) -> list[Path]:  # fmt: skip
    """Write the colour table of each shot of a film that was made, as .cube files that an editor can apply.

    Raises:
        SoraError: a clip is gone and cannot be made again, or the folder cannot be written.
        RequestError: as `check_luts` does.
    """
    from sora_cli.colour import grade as colour
    from sora_cli.plan.timeline import assemble

    check_luts(board, folder, signer=signer, only=only, overwrite=overwrite)
    plan = plan_takes(board, catalogue.card, draft=draft, only=only)
    cut = assemble(plan, studio.shoot(plan, Silent()))
    return colour.write_luts(cut, folder, outputs.table_mark(maker(board), folder))


def _finish(
    plan: Plan, clips: Mapping[str, Clip], out: Path, *, kind: Delivery, signer: Signer, report: Report,
    again: RecipeRecord, sounds: heard.Heard, checked: Mapping[str, JsonValue],
) -> Film:  # fmt: skip
    """Cut, finish and release; the contact sheet beside it."""
    from sora_cli import stamp
    from sora_cli.master.finish import finish
    from sora_cli.media.sheet import Strip, contact_sheet
    from sora_cli.plan.timeline import assemble

    cut = assemble(plan, clips, sounds.speech, sounds.made)
    master = finish(cut, plan.board.sound.loudness, pixels=kind.made_in, report=report)
    beside, sheet = sidecar.beside(out)
    done = stamp.release(
        master, out, making=replace(_making(plan, clips, cut, again, sounds), moderation=checked),
        provenance=plan.board.provenance, signer=signer, kind=kind, report=report,
        may_leave_unmarked=not plan.board.rules.marked,
    )  # fmt: skip
    strips = [Strip(shot.name, shot.start, shot.frames) for shot in plan.shots]
    contact_sheet(out, strips, sheet, plan.board.title, of=plan.frames)
    return Film(
        path=out, sidecar=beside, sheet=sheet, frames=plan.frames, seconds=plan.seconds, signer=in_words(signer),
        credential=done.sidecar,
    )  # fmt: skip


def in_words(signer: Signer) -> str:
    """Who signs, and whether that is anybody's word but our own."""
    return f"{signer.subject} (self-made on this machine)" if signer.self_made else signer.subject


def _making(plan: Plan, clips: Mapping[str, Clip], cut: Cut, again: RecipeRecord, sounds: heard.Heard) -> Making:
    """What the credential tells of how the film was made."""
    from sora_cli.stamp import Making, Origin

    board, origins = plan.board, []
    for shot, placed in zip(plan.shots, cut.shots, strict=True):
        start = shot.start
        for stretch, piece in zip(shot.stretches, placed.pieces, strict=True):
            clip = clips[stretch.name]
            take = next(take for take in stretch.candidates if take.key == clip.key)
            carried = [carry.path for carry in (take.opening, take.closing) if carry is not None and carry.path]
            origins.append(Origin(
                name=take.name, clip=clip.path, key=take.key, start=start, end=start + len(piece.frames),
                engine=take.engine, revision=take.revision, prompt=take.prompt, avoid=take.avoid, seed=take.seed,
                options=take.options, references=tuple(each.path for each in take.references),
                own_media=tuple(carried),
            ))  # fmt: skip
            start += len(piece.frames)
    speeds = {shot.name: float(shot.speed) for shot in board.shots if shot.speed != 1}
    return Making(
        title=board.title, storyboard_sha256=board.sha256, origins=tuple(origins),
        colour=matched_to([shot for shot in plan.shots if shot.beats]),
        sounds=tuple(heard.own_sounds(plan, cut)), speech=heard.told(plan),
        synthesized=tuple(dict.fromkeys(sound.words for sound in sounds.made)),
        generated_sound=any(piece.clip.sound and not piece.silent for shot in cut.shots for piece in shot.pieces),
        titles=tuple(shot.title.text for shot in plan.shots if shot.title),
        facts={"speed": speeds} if speeds else {}, recipe=again.to_dict(),
    )  # fmt: skip
