"""The contact sheet: a film at a glance, as one picture."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Self

import av
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from sora_cli import atomic, texts
from sora_cli.errors import MediaError, counted
from sora_cli.media.filters import Chain, rgb_bytes
from sora_cli.media.png import PngFile
from sora_cli.media.read.rgb import to_rgb
from sora_cli.media.stream import Frames, Master, middles
from sora_cli.spelling import readable

_PAPER, _INK, _DIM, _RULE = "#14161b", "#f2efe9", "#8d929c", "#2a2e37"
_COLOUR = np.array(ImageColor.getrgb(_PAPER), np.uint16)
_MARGIN, _GAP, _GUTTER, _LABEL = 40, 10, 36, 42
_WIDTH = 1280
_MOST_ROWS = 60
_HEAD = 84
_FEW = 30
"""Stills of a board that stand three in a row; of more, six do."""
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class SheetShot(Struct, frozen=True):
    """A shot on the sheet: its name, and the film's frames it plays, from `start`, `frames` of them."""

    name: str
    start: int
    frames: int


class ContactSheet:
    """A film's contact sheet: a few frames of each shot, with its name and times, drawn to the PNG `out`.

    Up to ten shots stand one a row, more stand two a row; a very long film shows every second, third, ... shot. Each
    row is written while the film is, as soon as it has its pictures. Used as a context, which removes what `put` did
    not give its name.
    """

    def __init__(self, strips: Sequence[SheetShot], film: Path, out: Path, title: str = "") -> None:
        self._path, self._out, self._title = film, out, title or film.stem
        self._beside = 1 if len(strips) <= 10 else 2
        self._count = 4 if self._beside == 1 else 2
        strips = strips[:: -(-len(strips) // (_MOST_ROWS * self._beside)) or 1]
        self._shown = len(strips)
        self._rows = [strips[first : first + self._beside] for first in range(0, len(strips), self._beside)]
        self._last_row = {place: row for row, own in enumerate(self._rows) for place in _places(own, self._count)}
        """The frames that are shown, each with the last row that shows it."""
        self._stack = contextlib.ExitStack()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._aside = self._stack.enter_context(atomic.spare(self._out))
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            self._close()

    def _close(self) -> None:
        """Close what is not to be kept, whatever the disk says of its last bytes."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def watching(self, master: Master) -> Master:
        """The same film, as it is to be seen; while it is written, the sheet is drawn, anew in each pass.

        Raises, while pictures are read:
            MediaError: the sheet cannot be written.
        """

        def pictures() -> Iterator[av.VideoFrame]:
            self._begin(master)
            for number, frame in enumerate(master.pictures()):
                if number in self._last_row:
                    self.take(number, frame)
                yield frame

        return replace(master, pictures=pictures)

    def _begin(self, film: Master) -> None:
        columns = self._count * self._beside
        room = _WIDTH - 2 * _MARGIN - (self._beside - 1) * (_GUTTER - _GAP) - (columns - 1) * _GAP
        self._size = (room // columns, max(1, round(room // columns * film.height / film.width)))
        self._fps, self._done = film.fps, 0
        self._shrink: Chain | None = None
        self._thumbs: dict[int, Frames] = {}
        tall = _HEAD + len(self._rows) * (self._size[1] + _LABEL + _GAP) + _MARGIN - _GAP
        self._close()
        with atomic.writing(self._out):
            self._file = self._aside.open("wb")
            self._png = PngFile(self._file, (_WIDTH, tall), _mark(self._path))
            self._add(_HEAD, lambda image: _head(ImageDraw.Draw(image), self._title, film, self._shown))

    def take(self, number: int, frame: av.VideoFrame) -> None:
        """Take a picture of the film; draw the rows that have all of theirs now.

        Raises:
            MediaError: the sheet cannot be written.
        """
        self._shrink = self._shrink or Chain(*to_rgb(frame, self._size))
        self._thumbs[number] = _softened(rgb_bytes(self._shrink(frame)))
        with atomic.writing(self._out):
            for row in self._rows[self._done :]:
                if not self._thumbs.keys() >= set(_places(row, self._count)):
                    return
                self._png.add(self._drawn(row))
                self._thumbs = {at: each for at, each in self._thumbs.items() if self._last_row[at] > self._done}
                self._done += 1

    def _drawn(self, row: Sequence[SheetShot]) -> Frames:
        """A row's names and pictures, `(h, w, 3)`. Pillow draws the names alone: numpy copies pictures more quickly."""
        width, height = self._size
        names, step = Image.new("RGB", (_WIDTH, _LABEL), _PAPER), width + _GAP
        drawn = np.empty((_LABEL + height + _GAP, _WIDTH, 3), np.uint8)
        drawn[_LABEL:] = _line()
        for side, strip in enumerate(row):
            left = _MARGIN + side * (self._count * step + _GUTTER - _GAP)
            when = times(strip.start, strip.frames, self._fps)
            _label(ImageDraw.Draw(names), (left, 0), strip.name, when, self._count * step - _GAP)
            for place, number in enumerate(_places([strip], self._count)):
                at = left + place * step
                drawn[_LABEL : _LABEL + height, at : at + width] = self._thumbs[number]
        drawn[:_LABEL] = np.asarray(names)
        return drawn

    def _add(self, tall: int, draw: Callable[[Image.Image], None]) -> None:
        """Write the next rows of pixels, as they are drawn."""
        image = Image.new("RGB", (_WIDTH, tall), _PAPER)
        draw(image)
        self._png.add(np.asarray(image))

    def put(self) -> Path:
        """Give the sheet its name, when its film is written.

        Raises:
            MediaError: the film has no shots, or the sheet cannot be written.
        """
        if self._file is None or not self._rows:
            raise MediaError(f"cannot draw a contact sheet of {self._path}: it has no shots")
        with atomic.writing(self._out), self._file:
            self._add(_MARGIN - _GAP, lambda _: None)
            self._png.end()
            self._file.close()
            atomic.put(self._aside, self._out)
        return self._out


class SheetRow(Struct, frozen=True):
    """A row of pictures `(h, w, 3)` of one size, with a name and a few words."""

    name: str
    words: str
    pictures: Sequence[Frames]


def side_by_side(film: Path, rows: Sequence[SheetRow], out: Path, title: str) -> Path:
    """Draw rows of pictures of a film to the PNG `out`, one below the other; the first `_MOST_ROWS` of them.

    Raises:
        MediaError: `out` cannot be written.
    """
    rows = rows[:_MOST_ROWS]
    count = max(len(row.pictures) for row in rows)
    width = (_WIDTH - 2 * _MARGIN - (count - 1) * _GAP) // count
    heights = [max(1, round(width * row.pictures[0].shape[0] / row.pictures[0].shape[1])) for row in rows]
    top = _HEAD
    sheet = Image.new("RGB", (_WIDTH, top + sum(heights) + len(rows) * (_LABEL + _GAP) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text(
        (_MARGIN, 64), _cropped(draw, readable(title or film.stem), _font(30), 1100), _INK, _font(30), anchor="ls"
    )
    for row, height in zip(rows, heights, strict=True):
        draw.line((_MARGIN, top + 8, _WIDTH - _MARGIN, top + 8), _RULE)
        draw.text((_MARGIN, top + 34), _cropped(draw, readable(row.name), _font(17), 900), _INK, _font(17), anchor="ls")
        draw.text((_WIDTH - _MARGIN, top + 34), row.words, _DIM, _font(14), anchor="rs")
        for place, picture in enumerate(row.pictures):
            thumb = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(thumb, (_MARGIN + place * (width + _GAP), top + _LABEL), _rounded((width, height)))
        top += height + _LABEL + _GAP
    return save_picture(sheet, film, out)


def grid(source: Path, cells: Sequence[SheetRow], out: Path, title: str = "", *, what: str = "still") -> Path:
    """Draw the first pictures of some rows side by side and below each other, as a board, to the PNG `out`.

    `what` is what each is called.

    Raises:
        MediaError: `out` cannot be written.
    """
    columns = 3 if len(cells) <= _FEW else 6
    shown = cells[: columns * _MOST_ROWS]
    width = (_WIDTH - 2 * _MARGIN - (columns - 1) * _GAP) // columns
    height = max(max(1, round(width * cell.pictures[0].shape[0] / cell.pictures[0].shape[1])) for cell in shown)
    rows = -(-len(shown) // columns)
    sheet = Image.new("RGB", (_WIDTH, _HEAD + rows * (height + _LABEL + _GAP) + _MARGIN - _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    count = counted(len(cells), what) if shown == cells else f"{len(shown)} of {len(cells)} {what}s"
    draw.text((_WIDTH - _MARGIN, 44), count, _DIM, _font(16), anchor="rt")
    draw.text((_MARGIN, 64), _cropped(draw, readable(title), _font(30), 1000), _INK, _font(30), anchor="ls")
    for number, cell in enumerate(shown):
        row, column = divmod(number, columns)
        left, top = _MARGIN + column * (width + _GAP), _HEAD + row * (height + _LABEL + _GAP)
        _label(draw, (left, top), cell.name, cell.words, width)
        thumb = Image.fromarray(cell.pictures[0]).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(thumb, (left, top + _LABEL), _rounded((width, height)))
    return save_picture(sheet, source, out)


def save_picture(sheet: Image.Image, film: Path, out: Path) -> Path:
    """Write a picture that says in itself of which film it is (see `is_sheet_of`), and make its folder.

    Raises:
        MediaError: `out` cannot be written.
    """
    with atomic.writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with atomic.writing(out), atomic.aside(out) as aside, aside.open("wb") as file:
        png = PngFile(file, sheet.size, _mark(film))
        png.add(np.asarray(sheet))
        png.end()
    return out


def _mark(film: Path) -> PngInfo:
    mark = PngInfo()
    mark.add_text("Software", "sora")
    mark.add_itxt("Source", readable(film.name))
    return mark


def is_sheet_of(path: Path, film: Path) -> bool:
    """Whether a file is a contact sheet that was drawn here of a film of this name."""
    try:
        with Image.open(path, formats=["PNG"]) as sheet:
            return (sheet.info.get("Software"), sheet.info.get("Source")) == ("sora", readable(film.name))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def _places(strips: Sequence[SheetShot], count: int) -> list[int]:
    """The numbers of `count` frames of each strip, from the middle of each of its equal parts."""
    return [place for strip in strips for place in middles(strip.start, strip.frames, count)]


def _head(draw: ImageDraw.ImageDraw, title: str, film: Master, shots: int) -> None:
    fps = f"{float(film.fps):.3f}".rstrip("0").rstrip(".")
    facts = f"{film.width} x {film.height}   {fps} fps   {_clock(film.frames / film.fps)}   {counted(shots, 'shot')}"
    draw.text((_WIDTH - _MARGIN, 44), facts, _DIM, _font(16), anchor="rt")
    room = _WIDTH - 2 * _MARGIN - draw.textlength(facts, _font(16)) - _GUTTER
    title = " ".join(readable(title).split())
    size = next((size for size in range(30, 18, -1) if draw.textlength(title, _font(size)) <= room), 18)
    draw.text((_MARGIN, 64), _cropped(draw, title, _font(size), room), _INK, _font(size), anchor="ls")


def times(start: int, frames: int, fps: Fraction) -> str:
    """From when to when a shot plays: `0:00.00 - 0:04.00`."""
    return f"{_clock(start / fps)} - {_clock((start + frames) / fps)}"


def _label(draw: ImageDraw.ImageDraw, at: tuple[int, int], name: str, words: str, width: int) -> None:
    left, top = at
    draw.line((left, top + 8, left + width, top + 8), _RULE)
    room = width - draw.textlength(words, _font(14)) - 16
    draw.text((left, top + 34), _cropped(draw, readable(name), _font(17), room), _INK, _font(17), anchor="ls")
    draw.text((left + width, top + 34), words, _DIM, _font(14), anchor="rs")


def _cropped(draw: ImageDraw.ImageDraw, text: str, font: _Font, room: float) -> str:
    """The text with an ellipsis where there is no room for its end."""
    lengths = range(len(text), 0, -1)
    cut = (texts.shortened(text, most, "\u2026") for most in lengths)
    return next((short for short in cut if draw.textlength(short, font) <= room), text[:1])


@lru_cache(maxsize=8)
def _rounded(size: tuple[int, int]) -> Image.Image:
    """A mask with softly rounded corners, made once for all pictures of a size."""
    mask = Image.new("L", (size[0] * 4, size[1] * 4), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] * 4 - 1, size[1] * 4 - 1), 24, fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)


def _softened(picture: Frames) -> Frames:
    """A picture `(h, w, 3)` with rounded corners, on paper."""
    lines, keep, paper = _corners((picture.shape[1], picture.shape[0]))
    soft = picture.copy()
    soft[lines] = (picture[lines] * keep + paper) // 255
    return soft


@lru_cache(maxsize=8)
def _corners(size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.uint16], NDArray[np.uint16]]:
    """The lines with rounded corners; of those, what is kept of a picture `(n, w, 1)`, and the paper on it."""
    cover = np.asarray(_rounded(size), np.uint16)[..., np.newaxis]
    lines = np.flatnonzero(cover.min(axis=(1, 2)) < 255)
    return lines, cover[lines], (_COLOUR * (255 - cover[lines]) + 127).astype(np.uint16)


@lru_cache(maxsize=1)
def _line() -> Frames:
    """A line of paper, `(w, 3)`."""
    return np.full((_WIDTH, 3), _COLOUR, np.uint8)


@lru_cache(maxsize=16)
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)


def _clock(seconds: Fraction | float) -> str:
    minutes, rest = divmod(float(seconds), 60)
    return f"{int(minutes)}:{rest:05.2f}"
