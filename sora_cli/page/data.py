"""What a page shows, as plain data: words, and pictures that are in it already. Nothing here is marked up."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

Facts = tuple[tuple[str, str], ...]
"""Names and values, in their order."""


class Picture(Struct, frozen=True):
    """A picture, or a strip of some, as a data URI; its size in pixels, and what it shows."""

    src: str
    width: int
    height: int
    shows: str = ""


class TakeView(Struct, frozen=True, kw_only=True):
    """A take: what became of it, and its frames; `gone` says why there are none."""

    name: str
    state: str = ""
    plays: bool = False
    facts: Facts = ()
    strip: Picture | None = None
    gone: str = ""


class StretchView(Struct, frozen=True, kw_only=True):
    """A stretch: what it is told, and its takes side by side."""

    name: str
    prompt: str
    avoid: str = ""
    takes: tuple[TakeView, ...] = ()


class FigureView(Struct, frozen=True, kw_only=True):
    """A figure of a review in words, and drawn: its length and its bar, in hundredths of the drawing's width."""

    name: str
    value: str
    bar: str = ""
    ok: bool = True
    said: str = ""
    length: float = 0.0
    mark: float | None = None


class PlotPoint(Struct, frozen=True):
    """A point of a plot, in its drawing; where it is in the film, in seconds, and what it tells."""

    x: float
    y: float
    ok: bool
    second: float
    says: str


class Plot(Struct, frozen=True):
    """A figure over the whole film; `bar` is the height of what it is held to."""

    name: str
    points: tuple[PlotPoint, ...]
    bar: float | None


class Change(Struct, frozen=True):
    """A take that is another one than in the last film: which of its fields differ, and a frame of each, if kept."""

    name: str
    fields: str
    before: Picture | None
    after: Picture | None


class ShotView(Struct, frozen=True, kw_only=True):
    """A shot, from `start` for `seconds`."""

    name: str
    scene: str = ""
    start: float = 0.0
    seconds: float = 0.0
    lines: tuple[str, ...] = ()
    """What is said, and what a title card says."""
    strip: Picture | None = None
    pictures: tuple[Picture, ...] = ()
    """What it is given: references, pictures that it begins with."""
    stretches: tuple[StretchView, ...] = ()
    figures: tuple[FigureView, ...] = ()
    verdict: str = ""
    ok: bool = True
    changes: tuple[Change, ...] = ()
    note: str = ""


class FilmView(Struct, frozen=True):
    """The film, small: an MP4 in base64, its rate, and its size in pixels."""

    data: str
    fps: float
    width: int
    height: int


class Page(Struct, frozen=True, kw_only=True):
    """All that a page shows. `source` is the name of the film or storyboard that it is of."""

    title: str
    source: str
    facts: Facts = ()
    remarks: Sequence[str] = ()
    film: FilmView | None = None
    plots: Sequence[Plot] = ()
    shots: Sequence[ShotView] = ()
