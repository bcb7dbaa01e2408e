"""Projects of Storyboarder (wonderunit.com): boards with their pictures, lengths and words."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sora_cli.data import fault_words
from sora_cli.errors import Problem, StoryboardError
from sora_cli.interchange.outline import (
    Outline,
    OutlineBeat,
    OutlineScene,
    OutlineShot,
    SourceText,
    member,
    mention,
    name_shots,
    titled,
)
from sora_cli.interchange.said import said, spoken


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class _Audio(_Read):
    filename: str = ""


class _Panel(_Read):
    url: str = ""
    new_shot: bool = Field(default=False, alias="newShot")
    shot: str = ""
    duration: float | None = Field(default=None, ge=0, le=3_600_000)
    dialogue: str = ""
    action: str = ""
    notes: str = ""
    audio: _Audio | None = None


class _Project(_Read):
    aspect_ratio: float = Field(default=0, alias="aspectRatio", ge=0, le=10)
    fps: float = Field(default=24, ge=1, le=240)
    timing: float = Field(default=2000, alias="defaultBoardTiming", gt=0, le=3_600_000)
    boards: list[_Panel] = Field(min_length=1, max_length=10_000)


def read_boards(page: SourceText, folder: Path, title: str) -> Outline:
    """The outline of a Storyboarder project, whose pictures lie in `images` in its `folder`.

    Raises:
        StoryboardError: it is no such project.
    """
    try:
        project = _Project.model_validate_json(page.text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        message = f"this is not a Storyboarder project: {place + ': ' if place else ''}{fault_words(first)}"
        raise StoryboardError([page.problem(1, message, "save it in Storyboarder again")]) from error
    outline = Outline(title=title, fps=f"{project.fps:g}", scenes=[OutlineScene("boards")])
    outline.aspect = _shape(project.aspect_ratio)
    said_by = (who for panel in project.boards for who, *_ in spoken(panel.dialogue) if who)
    outline.cast = {member(who): titled(who) for who in said_by}
    joined = any(panel.new_shot for panel in project.boards[1:])
    if not joined and len(project.boards) > 1:
        outline.remarks.append(Problem(f"{page.name}: no board begins a new shot: each is a shot of its own"))
    for number, panel in enumerate(project.boards, 1):
        new = panel.new_shot or not joined or number == 1
        _take(outline, panel, number, folder, timing=project.timing, new=new)
    name_shots(outline.scenes)
    return outline


def _shape(ratio: float) -> str:
    if not 0.1 <= ratio <= 10:
        return ""
    shape = Fraction(ratio).limit_denominator(20)
    if abs(float(shape) - ratio) > 0.005:
        shape = Fraction(ratio).limit_denominator(100)
    return f"{shape.numerator}:{shape.denominator}"


def _take(outline: Outline, panel: _Panel, number: int, folder: Path, *, timing: float, new: bool) -> None:
    """One board: a shot, or a beat of the one before."""

    def tell(message: str) -> None:
        outline.remarks.append(Problem(f"board {number} ({panel.shot or panel.url}): {message}"))

    action = " ".join(panel.action.split())
    beat = OutlineBeat(mention(action, outline.cast), f"{panel.duration or timing:g}ms", said(panel.dialogue))
    beat.notes += [" ".join(panel.notes.split())] if panel.notes.strip() else []
    if not action:
        beat.prompt = f"board {panel.shot or number}"
        tell("no action is written: its number stands for it")
    picture = _picture(panel, folder)
    if panel.url and not picture:
        tell("its picture is not there")
    shots = outline.scenes[0].shots
    if not new:
        beat.notes += [f"its board: {picture}"] if picture else []
        shots[-1].beats.append(beat)
        return
    taken = {shot.name for shot in shots}
    sound = f"images/{panel.audio.filename}" if panel.audio and _inside(folder, panel.audio.filename) else ""
    shots.append(OutlineShot([beat], name=panel.shot if panel.shot not in taken else "", picture=picture, sound=sound))


def _picture(panel: _Panel, folder: Path) -> str:
    """The picture of a board, as seen from the project's folder: all layers together, or the one there is."""
    stem = Path(panel.url).stem
    names = (f"{stem}-posterframe.jpg", panel.url, f"{stem}.png", f"{stem}-fill.png")
    return next((f"images/{name}" for name in names if stem and _inside(folder, name)), "")


def _inside(folder: Path, name: str) -> bool:
    return bool(name) and Path(name).name == name and (folder / "images" / name).is_file()
