"""Films that others order: what a server asks of a storyboard that somebody else wrote, before its film is made."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import storyboard
from sora_cli.cancel import Cancellation
from sora_cli.engines import catalogue
from sora_cli.errors import MediaError, Problem, RequestError, SoraError, StoryboardError
from sora_cli.events import Report
from sora_cli.flows import film, moderation, preflight
from sora_cli.plan import Plan
from sora_cli.record import sidecar
from sora_cli.shoot.studio import Studio
from sora_cli.shoot.workers import Workers
from sora_cli.store import open_store
from sora_cli.storyboard import writing
from sora_cli.storyboard.files import ABSENT, OUTSIDE
from sora_cli.storyboard.given import Given, bare
from sora_cli.storyboard.model import Storyboard

BOARD, FILM = "storyboard.yaml", "film.mp4"
"""What the files of an order are called, in a folder of its own."""
Fill: TypeAlias = Callable[[Path, Report], Path]
TRIES = 8
"""Seconds of takes that an order may ask for, each second of its longest film: seeds to choose from, stills."""
HINT_FILES = "a storyboard that is sent in names no files: leave it out"
_THUMBNAIL = 640


class OrderLimits(Struct, frozen=True):
    """What one order may ask for: seconds of film, and pixels of a frame."""

    seconds: float = 60.0
    pixels: int = 3840 * 2160


class Ordered(Struct, frozen=True):
    """An order that can be filled: the film's length in seconds and its size in pixels."""

    seconds: float
    width: int
    height: int


def given(field: str, value: object) -> Given:
    """A value of a storyboard that comes from a field of a request: errors name the field."""
    return Given(value, field)


def text(data: Mapping[str, object]) -> str:
    """A storyboard as its file holds it; no word of its prompts is taken for a variable."""
    return writing.written(cast("Mapping[str, writing.Tree]", bare(data)))


def engines() -> list[str]:
    """The engines that an order may name: those with a name of their own, and the one that nobody has to name."""
    named = {card.name for card in catalogue.cards() if "/" not in card.name and "\\" not in card.name}
    return sorted({*named, catalogue.known().name})


def check(folder: Path, limits: OrderLimits, data: Mapping[str, object] | None = None) -> Ordered:
    """Refuse an order that cannot be filled, or asks for too much; nothing is loaded that makes frames.

    `data` is what its file was written from, where that is known: then errors name what is `given` in it, no lines.

    Raises:
        SoraError: what is wrong with the storyboard, what the policy refuses, or what this machine lacks.
    """
    if data is None:
        with _naming_no_files():
            board = _loaded(folder)
    else:
        board = preflight.whole(storyboard.read_data(data, folder=folder, name="the order", allow_outside=False))
    if board.rules != moderation.policy_of(None):
        hint = "remove `policy`: the policy of the server's machine holds for every order"
        raise RequestError("a storyboard that is sent in has no policy of its own", hint=hint)
    plan = preflight.plan_of(board)
    _require_within(plan, limits)
    preflight.require_ready(plan)
    return Ordered(plan.seconds, plan.width, plan.height)


@contextlib.contextmanager
def _naming_no_files() -> Iterator[None]:
    """Tell who sent a storyboard in that it names no files, where it does: how to write their places helps nobody."""
    try:
        yield
    except StoryboardError as error:
        raise StoryboardError([_sent_in(each) for each in error.problems]) from None


def _sent_in(problem: Problem) -> Problem:
    of_files = problem.message.endswith((OUTSIDE, f": {ABSENT} file", f": {ABSENT} folder"))
    return replace(problem, hint=HINT_FILES) if of_files else problem


def _require_within(plan: Plan, limits: OrderLimits) -> None:
    if plan.seconds > limits.seconds:
        raise RequestError(
            f"the film is {plan.seconds:g} s long, and the server makes at most {limits.seconds:g} s",
            hint="ask for a shorter film, or for several",
        )
    if plan.width * plan.height > limits.pixels:
        message = f"{plan.width}x{plan.height} is larger than the {limits.pixels:,} pixels that the server makes"
        raise RequestError(message, hint="ask for a smaller size")
    work = sum(take.frames / float(take.fps) for take in plan.takes)
    if work > TRIES * limits.seconds:
        message = f"the order asks for {work:.0f} s of takes, and the server makes at most {TRIES * limits.seconds:g} s"
        raise RequestError(message, hint="ask for fewer takes of each beat")
    unnamed = {take.engine for take in plan.takes} - set(engines())
    if unnamed:
        hint = f"the server has {', '.join(engines())}"
        raise RequestError(f"{min(unnamed)!r} is no engine that an order may name", hint=hint)


@contextlib.contextmanager
def filling(cancel: Cancellation) -> Iterator[Fill]:
    """What makes the film of an order in a folder, or finds that it is there, and gives its place.

    Orders are filled one after the other, and engines stay loaded from one to the next. It raises what `film.make`
    does.
    """
    with Studio(open_store(), cancel, workers=_team()) as studio:

        def fill(folder: Path, report: Report) -> Path:
            try:
                return film.make(_loaded(folder), folder / FILM, report=report, studio=studio).path
            except SoraError:
                if cancel.asked:  # the step that runs must not go on into the next order
                    studio.rest()
                raise

        yield fill


def _loaded(folder: Path) -> Storyboard:
    """The storyboard of an order; who makes its takes is for the server to say."""
    return preflight.load(folder / BOARD, sets={}, executor=_team().kind, place=None)


def _team() -> Workers:
    return Workers.asked().of_film()


def sheet(folder: Path) -> Path:
    """The contact sheet of an order's film, a PNG."""
    return sidecar.beside(folder / FILM)[1]


def portrait(path: Path) -> bytes:
    """The frame in the middle of a film of anybody's, as `thumbnail` gives it.

    Raises:
        SoraError: it is no film, or cannot be used as one.
    """
    from sora_cli.media.read.usable import require_usable

    require_usable(path, "film")
    return thumbnail(path)


def thumbnail(path: Path) -> bytes:
    """A frame from the middle of a film as WebP, at most 640 pixels wide.

    Raises:
        MediaError: the film cannot be read.
    """
    from PIL import Image

    from sora_cli.media.read import open_film
    from sora_cli.media.read.glimpse import narrow

    with open_film(path) as reel:
        middle = len(reel.index.times) // 2
        picture = next(iter(narrow(reel, [middle], _THUMBNAIL)), None)
    if picture is None:
        raise MediaError(f"{path} has no pictures")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=80)
    return file.getvalue()
