"""`sora edit`: a part of a film's picture is made anew, for a stretch of it or for all; the rest stays as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from PIL import Image

from sora_cli import stamp
from sora_cli.engines.base import EngineCard
from sora_cli.engines.changes import Change
from sora_cli.errors import RequestError
from sora_cli.events import Note
from sora_cli.flows import moderation, outputs, places, watching
from sora_cli.flows.changing import Changing, engine_of, owned
from sora_cli.flows.edit import Edited, EditOptions, read_option
from sora_cli.flows.film import one_shot
from sora_cli.flows.probed import probed
from sora_cli.media.inlay import Inlay, inlaid
from sora_cli.media.read import Probe, open_film
from sora_cli.media.replay import replay
from sora_cli.media.sheet import is_sheet_of, save_picture
from sora_cli.media.stream import Frames, Master
from sora_cli.plan import Plan, round_half_up
from sora_cli.plan.abilities import cannot_edit
from sora_cli.plan.timeline import Cut, assemble
from sora_cli.shoot.mask import Mask, Part, canvas, canvas_view, in_view, middle, seam
from sora_cli.shoot.studio import Studio, place
from sora_cli.stamp.making import making
from sora_cli.storyboard import sizes
from sora_cli.storyboard.edits import LEAST, STRENGTH, WHOLE, Box, region_of
from sora_cli.storyboard.forms import time
from sora_cli.storyboard.given import given, words
from sora_cli.storyboard.model import Storyboard

HINT_TIME = "write seconds, 1.5s or 1500ms, minutes and seconds, 0:01.5, or frames, 36f"
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*%", re.ASCII)
SHAPE = 0.02
"""By how much two shapes may differ and still be taken for one."""
AS_THEY_ARE = ("replace", "relight", "restyle", "instruct", "strength")
"""Options whose names and values are those of `edit:`."""
SHOWN = 3
"""Frames of which `--show-mask` shows the mask."""


class Asked(Struct, frozen=True, kw_only=True):
    """What is made anew: when, and where; as the options of the command have it."""

    start: str = ""
    end: str = ""
    region: str = ""
    mask: Path | None = None
    replace: str = ""
    segmenter: Sequence[str] | None = None
    outpaint: str = ""
    relight: str = ""
    restyle: str = ""
    instruct: bool = False
    strength: float | None = None

    @property
    def whole(self) -> bool:
        """Whether all of the picture is made anew, from what it was."""
        return bool(self.relight or self.restyle or self.instruct)

    @property
    def box(self) -> Box | None:
        """The region, where one is named.

        Raises:
            RequestError: it is none, or lies outside the picture.
        """
        hint = "left, top, width and height, in parts of the picture: --region 0.3,0.1,0.4,0.3"
        return read_option(_region, self.region, "--region", hint) if self.region else None

    @property
    def told(self) -> dict[str, object]:
        """What the credential tells of it."""
        if self.instruct:
            return {"change": "all made anew from what it was, as the prompt says"}
        if self.whole:
            told = {"light": self.relight, "style": self.restyle, "strength": self.strength or STRENGTH}
            return {"change": "all made anew from what it was", **told}
        ways = {"region": self.region, "mask": self.mask and self.mask.name, "outpaint": self.outpaint}
        found = {"segmenter": ", ".join(self.segmenter)} if self.segmenter else {}
        return {"change": "a part made anew", "replaced": self.replace, **found, **ways}


class Area(Struct, frozen=True):
    """Where in a film something is made: the stretch, the canvas with the film's place on it, and what takes see."""

    found: Probe
    start: Fraction
    end: Fraction
    canvas: tuple[int, int]
    at: tuple[int, int]
    views: tuple[Box, ...] = (WHOLE,)

    def pixels(self, view: Box) -> tuple[int, int, int, int]:
        """A view's place on the canvas: left, top, width and height."""
        width, height = self.found.even_size
        left, top = round(view[0] * width) + self.at[0], round(view[1] * height) + self.at[1]
        return left, top, round(view[2] * width), round(view[3] * height)


def _region(written: object) -> Box:
    """A region as an option has it: its numbers may be percentages, and stand in brackets."""
    return region_of(_PERCENT.sub(lambda share: f"{float(share[1]) / 100:g}", str(written)).strip(" []()"))


def repaint(
    film: Path, shot: Mapping[str, object], asked: Asked, out: Path, options: EditOptions, *, studio: Studio
) -> Edited:
    """Make a part of a film's picture anew.

    Args:
        film: the film; it is not changed.
        shot: what is there then, as a shot of a storyboard: `prompt`, `engine`, `seed`, `options`.
        asked: when and where.
        out: where the changed film goes.
        options: how it goes out.
        studio: what makes the takes.

    Raises:
        RequestError: what is asked cannot be, of this film or by this engine; all before any work.
        SoraError: as `extend` raises it.
    """
    changing = Changing(command="edit", film=film, out=out, options=options)
    found = changing.opened(*([asked.mask] if asked.mask else []))
    area = area_of(found, asked, card_of(shot, asked))
    if asked.outpaint and (asked.start or asked.end):
        options.report(Note(f"{film.name}: outside the stretch its borders are black"))
    plan, looked_at = changing.planned(_board(area, shot, asked, options))
    with studio.store.used(studio.cancel.check), place(out, studio.cancel):
        clips = studio.shoot(plan, options.report)
        cut = assemble(plan, clips)
        told = replace(
            making(plan, clips, cut, None, sounds=(), speech=(), synthesized=()),
            changed={
                **asked.told,
                "prompt": str(shot["prompt"]),
                **({} if asked.whole else {"seam": seam(area.canvas[1])}),
            },
            place=asked.box,
        )
        told = changing.told(_moved(told, area), plan, looked_at, studio)
        master = _watched(_laid_in(area, plan, cut), area, plan, studio)
        made = changing.released(master, master.frames, told, plan=plan, studio=studio)
    return made if asked.whole else replace(made, seam=seam(area.canvas[1]))


def show_mask(film: Path, shot: Mapping[str, object], asked: Asked, out: Path, options: EditOptions) -> Path:
    """Write a picture of what would be made anew, red on some frames of the film; nothing else is made.

    Raises:
        RequestError, MediaError: as `repaint` raises them, or something else is at `out`.
    """
    places.require_ending(out, ".png", "write the mask", f"{out.stem or 'mask'}.png")
    beside, source = [asked.mask] if asked.mask else [], Path(f"mask of {film.name}")
    outputs.check({out: lambda path: is_sheet_of(path, source)}, [film, *beside], overwrite=options.overwrite)
    area = area_of(probed(film, options.report), asked, card_of(shot, asked))
    plan, _ = Changing(command="edit", film=film, out=out, options=options).planned(_board(area, shot, asked, options))
    rows = [
        _shown(area, take.change, view)
        for (_, take), view in zip(plan.changes, area.views, strict=True)
        if take.change is not None
    ]
    return save_picture(Image.fromarray(np.concatenate(rows)), source, out)


def _shown(area: Area, change: Change, view: Box) -> Frames:
    """Frames of a stretch side by side, red where they are made anew."""
    part = Part.of(change)
    numbers = sorted({part.first + (part.end - 1 - part.first) * step // (SHOWN - 1) for step in range(SHOWN)})
    size = area.pixels(view)[2:]
    with open_film(area.found.path) as film:
        shown = film.shown_at(part.fps)
        pictures = [in_view(picture, view, size) for picture in film.pictures([shown[n] for n in numbers])]
    red = np.array([255, 0, 0], np.float32)
    masks = part.masks(numbers, size, view)[..., None] * 0.6
    return np.concatenate(list(np.rint(np.stack(pictures) * (1 - masks) + red * masks).astype(np.uint8)), axis=1)


# -- where it is -------------------------------------------------------------------------------------------------------


def card_of(shot: Mapping[str, object], asked: Asked) -> EngineCard:
    """The card of the engine that makes it.

    Raises:
        RequestError: it cannot make what is asked of a film.
    """
    card = engine_of(shot)
    if why := cannot_edit(card, whole=asked.whole, instructed=asked.instruct):
        raise RequestError(why[0], hint=why[1])
    return card


def area_of(found: Probe, asked: Asked, card: EngineCard) -> Area:
    """Where in the film something is made.

    Raises:
        RequestError: nothing is asked for or too much, the stretch is not in the film, or the engine has another shape.
    """
    ways = [bool(way) for way in (asked.region, asked.mask, asked.replace, asked.outpaint, asked.whole)]
    if sum(ways) != 1 or (asked.instruct and (asked.relight or asked.restyle)):
        hint = "give one of --region, --mask, --replace, --outpaint, --relight, --restyle and --instruct"
        raise RequestError(f"{'two options say' if any(ways) else 'nothing says'} what is made anew", hint=hint)
    if asked.segmenter and not asked.replace:
        raise RequestError("--segmenter is for --replace: it finds what is called so", hint="leave it out")
    if asked.strength is not None and not (asked.relight or asked.restyle):
        raise RequestError("--strength is for --relight and --restyle", hint="leave it out")
    if asked.strength is not None and not LEAST <= asked.strength <= 1:
        raise RequestError(f"--strength {asked.strength:g}: it must be from {LEAST:g} to 1", hint="try 0.7")
    start, end = _stretch(found, asked)
    size = found.even_size
    if not asked.outpaint:
        return Area(found, start, end, size, (0, 0), (_seen(card, size, asked.box),))
    within = _canvas(size, asked.outpaint)
    at = middle(size, within)
    return Area(found, start, end, within, at, tuple(_borders(card, size, within, at)))


def _stretch(found: Probe, asked: Asked) -> tuple[Fraction, Fraction]:
    """When in the film it is, in seconds; an end less than half a frame behind the film's own is that.

    Raises:
        RequestError: it is not in the film.
    """
    fps = found.fps or Fraction(25)
    length = Fraction(len(found.shown_at(fps))) / fps
    start = read_option(time, asked.start, "--from", HINT_TIME).at(fps) if asked.start else Fraction(0)
    end = read_option(time, asked.end, "--to", HINT_TIME).at(fps) if asked.end else length
    if start >= length:
        raise RequestError(f"--from {asked.start}: the film ends at {float(length):.3f} s", hint="begin earlier")
    if end <= start:
        raise RequestError(f"--to {asked.end}: it must come after --from {asked.start or 'the start'}")
    if end > length + 1 / (2 * fps):
        raise RequestError(f"--to {asked.end}: the film ends at {float(length):.3f} s", hint="leave it out for its end")
    end = min(end, length)
    if round_half_up((end - start) * fps) < 1:
        raise RequestError(f"--to {asked.end}: the stretch is shorter than one frame", hint="end it later")
    return start, end


def _seen(card: EngineCard, size: tuple[int, int], region: Box | None) -> Box:
    """What a take sees: the film's picture; of an engine of one shape, a part of that shape that holds the region."""
    width, height = size
    own = Fraction(*card.native_size)
    if not card.fixed_size or abs(Fraction(width, height) / own - 1) <= SHAPE:
        return WHOLE
    wide, high = min(1.0, float(height * own / width)), min(1.0, float(width / own / height))
    middle = (region[0] + region[2] / 2, region[1] + region[3] / 2) if region else (0.5, 0.5)
    left, top = min(max(middle[0] - wide / 2, 0.0), 1 - wide), min(max(middle[1] - high / 2, 0.0), 1 - high)
    if region is None or region[2] > wide or region[3] > high:
        raise RequestError(
            f"engine {card.name} makes {_sides(card)} only, and the film is {width}x{height}",
            hint=f"give a --region at most {wide:.2f} wide and {high:.2f} high, or name another engine",
        )
    return left, top, wide, high


def _sides(card: EngineCard) -> str:
    return f"{card.native_size[0]}x{card.native_size[1]}"


def _canvas(size: tuple[int, int], shape: str) -> tuple[int, int]:
    """The canvas of a shape that holds a picture of this size."""
    within = canvas(size, read_option(sizes.aspect, shape, "--outpaint"))
    if within == size:
        raise RequestError(f"--outpaint {shape}: the film has that shape already")
    return within


def _borders(card: EngineCard, size: tuple[int, int], within: tuple[int, int], at: tuple[int, int]) -> list[Box]:
    """What takes see of a canvas: all of it; of an engine of one shape, a part at either end.

    Raises:
        RequestError: parts of that shape see too little of the picture.
    """
    width, height = size
    if not card.fixed_size:
        return [canvas_view(size, within)]
    own = Fraction(*card.native_size)
    across = within[0] > width
    new, side = (at[0], round(height * own)) if across else (at[1], round(width / own))
    if new > side * 0.85 or side > (within[0] if across else within[1]):
        raise RequestError(
            f"engine {card.name} makes {_sides(card)} only: it would see too little of the film",
            hint="name a shape nearer to the film's, or another engine",
        )
    last = (within[0] - at[0] if across else within[1] - at[1]) - side
    edges = dict.fromkeys((-new, last))  # one where a part of that shape sees all
    if across:
        return [(edge / width, 0.0, side / width, 1.0) for edge in edges]
    return [(0.0, edge / height, 1.0, side / height) for edge in edges]


def _board(area: Area, shot: Mapping[str, object], asked: Asked, options: EditOptions) -> Storyboard:
    """The storyboard of what is made: a shot for each part that is seen."""
    film = area.found
    edit: dict[str, object] = {
        "of": str(film.path.resolve()),
        "from": f"{float(area.start):.9f}s",
        "to": f"{float(area.end):.9f}s",
    }
    edit |= {"region": given("--region", asked.box and list(asked.box), f"--region {asked.region}")}
    edit |= {"mask": given("--mask", asked.mask and asked.mask.resolve(), f"--mask {asked.mask}")}
    edit |= {name: given(f"--{name}", getattr(asked, name) or None) for name in AS_THEY_ARE}
    typed = " ".join(words("--segmenter", name) for name in asked.segmenter or ())
    edit |= {"segmenter": given("--segmenter", asked.segmenter or None, typed)}
    _, _, width, height = area.pixels(area.views[0])
    size = f"{width + width % 2}x{height + height % 2}"
    shots = [{**shot, "edit": {**edit, "view": list(view)}} for view in area.views]
    board = one_shot({"title": shot["prompt"], "shots": shots, "output": {"size": size, "fps": str(film.fps or 25)}})
    return owned(board, options.provenance)


# -- what is made, in the film -----------------------------------------------------------------------------------------


def _laid_in(area: Area, plan: Plan, cut: Cut) -> Master:
    """The film with what was made in its place."""
    inlays = []
    for (_, take), view, shot in zip(plan.changes, area.views, cut.shots, strict=True):
        if take.change is None:
            continue
        part, spot = Part.of(take.change), area.pixels(view)
        pieces = [(piece.clip.path, piece.frames) for piece in shot.pieces]
        inlays.append(Inlay(part.first, spot, pieces, partial(_mask, part, spot[2:], view)))
    return inlaid(replay(area.found.path), inlays, area.canvas, area.at)


def _mask(part: Part, size: tuple[int, int], view: Box, number: int) -> Mask:
    return np.asarray(part.masks([number], size, view)[0])


def _watched(master: Master, area: Area, plan: Plan, studio: Studio) -> Master:
    """The film, which the policy looks at once more where it was changed."""
    first = round_half_up(area.start * master.fps)
    shots = tuple(replace(each, start=first, frames=plan.shots[0].frames) for each in plan.shots[:1])
    return watching.watched(master, replace(plan, shots=shots), moderation.frames_unable(studio.screen))


def _moved(told: stamp.Making, area: Area) -> stamp.Making:
    """What is told, with each take where it is in the film; parts that are seen beside each other play at one time."""
    first = round_half_up(area.start * (area.found.fps or Fraction(25)))
    starts: dict[str, int] = {}
    origins = []
    for origin in told.origins:
        scene, _, name = origin.name.rpartition("/")
        by = first - starts.setdefault(scene + name.partition(".")[0], origin.start)
        origins.append(replace(origin, start=origin.start + by, end=origin.end + by))
    return replace(told, origins=tuple(origins))
