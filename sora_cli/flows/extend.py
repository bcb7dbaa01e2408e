"""`sora extend`: a film goes on where it ends, or begins earlier; what was there stays as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from msgspec.structs import replace

from sora_cli import stamp
from sora_cli.engines.base import Ability, EngineCard
from sora_cli.errors import RequestError
from sora_cli.events import Note
from sora_cli.flows import audio, foley, moderation, watching
from sora_cli.flows.changing import Changing, engine_of, owned
from sora_cli.flows.edit import Edited, EditOptions, read_option
from sora_cli.flows.film import one_shot
from sora_cli.master.finish import finish
from sora_cli.media.deliveries import delivery
from sora_cli.media.read import Probe
from sora_cli.media.replay import replay
from sora_cli.media.splice import joined, why_not
from sora_cli.media.stream import Chapter, Kept, Master
from sora_cli.plan import Plan, round_half_up
from sora_cli.plan.timeline import Cut
from sora_cli.shoot.studio import Studio, place
from sora_cli.stamp.making import making
from sora_cli.store import Clip
from sora_cli.storyboard import forms
from sora_cli.storyboard.given import Given, given
from sora_cli.storyboard.model import Storyboard

SQUEEZED = 0.02
"""By how much an engine's shape may differ from a film's, where it makes no other: more is seen as a jump."""


def extend(
    film: Path, shot: Mapping[str, object], out: Path, options: EditOptions, *, studio: Studio, before: bool = False
) -> Edited:
    """Go on from a film's last frames, or (`before`) lead up to its first one.

    Args:
        film: the film; it is not changed.
        shot: what follows, as a shot of a storyboard: `prompt`, `duration`, `engine`, `seed`, `options`.
        out: where the longer film goes.
        options: how it goes out.
        studio: what makes the takes.
        before: whether what is made comes before the film.

    Raises:
        RequestError: something is at `out`, or the engine cannot be given frames or the film's shape.
        MediaError: the file is no film, cut short, damaged, or in high dynamic range.
        PolicyError: the policy refuses the words, the film, or what is made.
        SoraError: it cannot be made or signed.
    """
    changing = Changing(command="extend", film=film, out=out, options=options)
    found = changing.opened()
    board, card = board_of(found, shot, options, before=before)
    plan, looked_at = changing.planned(board)
    with studio.store.used(studio.cancel.check), place(out, studio.cancel):
        clips = studio.shoot(plan, options.report)
        cut, loudness = _laid(plan, clips, studio)
        cut = _led_up(cut, plan, card) if before else cut
        new = finish(cut, loudness, pixels=changing.kind.made_in, report=options.report)
        new = watching.watched(new, plan, moderation.frames_unable(studio.screen))
        master = _beside(found, new, options, before=before)
        told = replace(
            making(plan, clips, cut, None, sounds=(), speech=(), synthesized=()),
            changed=_changed(shot, before=before),
            copied=master.kept is not None,
        )
        was = len(found.shown_at(new.fps))  # of a film of changing rate other than the frames in its file
        told = changing.told(_moved(told, 0 if before else was, cut.frames), plan, looked_at, studio)
        return changing.released(master, new.frames + was, told, plan=plan, studio=studio)


def board_of(
    found: Probe, shot: Mapping[str, object], options: EditOptions, *, before: bool
) -> tuple[Storyboard, EngineCard]:
    """The storyboard of one shot that carries on from a film, and the card of its engine.

    Raises:
        RequestError: the engine cannot do that.
    """
    card = engine_of(shot)
    _check_card(card, found, before=before)
    width, height = found.even_size
    fps = replay(found.path).fps
    asked = shot.get("duration")
    length = read_option(forms.duration, str(asked), "--duration") if asked else None
    in_one_go = min(card.default_seconds, Fraction(card.room(card.overlap)) / card.fps)
    seconds = length.at(fps) if length is not None else in_one_go
    frames = round_half_up(seconds * fps)
    if not frames:
        why = f"--duration {asked}: shorter than one frame at {float(fps):g} frames a second"
        raise RequestError(why, hint="write 1f, or more")
    frames += math.ceil(fps / card.fps) if before else 0
    made = given("--duration", f"{frames}f", f"--duration {asked}") if asked else f"{frames}f"
    path = Given(str(found.path.resolve()), str(found.path))
    written = {**shot, "duration": made, "to" if before else "from": path}
    board = one_shot(
        {"title": shot["prompt"], "shots": [written], "output": {"size": f"{width}x{height}", "fps": str(fps)}}
    )
    return owned(board, options.provenance), card


def _check_card(card: EngineCard, found: Probe, *, before: bool) -> None:
    needed = Ability.LAST_FRAME if before else Ability.FIRST_FRAMES
    if not card.can(needed) or not card.makes_video:
        what = "end on a given frame" if before else "carry on from given frames"
        raise RequestError(f"engine {card.name} cannot {what}", hint="name another with --engine; nano can")
    if not card.fixed_size:
        return
    own, film = Fraction(*card.native_size), Fraction(*found.even_size)
    if abs(film / own - 1) > SQUEEZED:
        sizes = f"{card.native_size[0]}x{card.native_size[1]}"
        raise RequestError(
            f"engine {card.name} makes {sizes} only, and {found.path.name} has another shape "
            f"({found.width}x{found.height}): what it makes would not meet it",
            hint="name an engine that makes other shapes with --engine: `sora models` lists them",
        )


def _laid(plan: Plan, clips: Mapping[str, Clip], studio: Studio) -> tuple[Cut, float | None]:
    """The cut of what is made, with its sounds; and what these are brought to, LUFS."""
    laid = foley.lay(plan, clips, audio.prepare(plan, studio.store), studio.store)
    return laid.cut, laid.loudness(plan)


def _led_up(cut: Cut, plan: Plan, card: EngineCard) -> Cut:
    """The cut without the frames at its end that show the film's own first one."""
    (shot,) = cut.shots
    *others, last = shot.pieces
    shown = last.frames[: -math.ceil(plan.fps / card.fps)]
    return replace(cut, shots=(replace(shot, pieces=(*others, replace(last, frames=shown))),))


def _changed(shot: Mapping[str, object], *, before: bool) -> dict[str, object]:
    return {"change": "made longer, before its start" if before else "made longer", "prompt": str(shot["prompt"])}


def _moved(told: stamp.Making, by: int, frames: int) -> stamp.Making:
    """What is told, with the takes where they are in the longer film."""
    origins = (
        replace(origin, start=by + min(origin.start, frames), end=by + min(origin.end, frames))
        for origin in told.origins
    )
    return replace(told, origins=tuple(origins))


# -- old and new as one film -------------------------------------------------------------------------------------------


def _beside(found: Probe, new: Master, options: EditOptions, *, before: bool) -> Master:
    """What is made and the film, as one: the film's packets as they are, where that can be."""
    film, old = found.path, replay(found.path)
    new = replace(new, chapters=(Chapter(new.title, 0, new.frames),) if old.chapters else ())
    if not found.channels and new.sound is not None:
        new = replace(new, sound=None)
    why = why_not(found, new, delivery(options.deliver), follows=before)
    if not why:
        return replace(new, kept=Kept(film, found.frames, follows=before))
    options.report(Note(f"{film.name} is encoded again: {why}"))
    return joined(new, old) if before else joined(old, new)
