"""The visible mark: what it looks like and where it is on each frame.

The mark moves so that cropping cannot lose it: on a closed path whose loops leave no empty quarter of the frame, and
which it runs once in under 10 s. Its place is a pure function of the frame's number, so a missing stretch shows as a
jump. `media.overlay` lays the badge on the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image, ImageDraw, UnidentifiedImageError

from sora_cli.errors import MediaError, RequestError
from sora_cli.media.lettering import drawable, face_for, load_font
from sora_cli.media.overlay import overlay
from sora_cli.media.stream import Master
from sora_cli.storyboard.model import LEAST_OPACITY, Watermark

LOOP = 9.4
"""Seconds in which the mark runs its path once: twice to and fro across the frame, once up and down."""

PHASE = 0.125
"""How far up-and-down runs ahead of to-and-fro, in turns: half-way between the phases at which the path folds onto
itself. Then the largest empty box inside the path is smaller than a quarter of the frame."""

DRIFT = 0.08
"""How far the phase drifts about `PHASE`, in turns, so that no two loops are the same."""

DRIFT_PERIOD = 97.3
"""Seconds for one drift there and back."""

WIDEST = Fraction(1, 3)
"""The mark is never wider or higher than this part of the frame."""

SMALLEST_LETTERS = 12
"""Font size in pixels below which letters are under 9 px high and no longer legible in a compressed film."""

MOST_LINES = 5

LETTERS = Fraction(9, 200)
"""Font size as a part of the frame's shorter side."""


class Badge(Struct, frozen=True):
    """The mark as pixels: `rgba` is `(height, width, 4)` bytes, colour not premultiplied, opacity already applied."""

    rgba: NDArray[np.uint8]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgba.shape[1], self.rgba.shape[0]


LEAST_SIDE = 16
"""Pixels of a frame's shorter side below which its mark would be a few dots."""

SMALL_FRAME = 160
"""Pixels of the shorter side below which nothing is legible, drafts for instance: there the mark is made to fit."""


def visible(mark: Watermark) -> bool:
    """Whether a person would see the mark at all."""
    return mark.on and mark.opacity >= LEAST_OPACITY and bool(mark.image or mark.text.strip())


def make_badge(mark: Watermark, width: int, height: int) -> Badge:
    """Draw the mark for a film of `width` x `height` pixels: the user's picture, or the text on a dark plate.

    Raises:
        RequestError: the frame is too small, or the text too long to be legible in it.
        MediaError: the picture cannot be read.
    """
    if min(width, height) < LEAST_SIDE:
        raise RequestError(
            f"a film of {width}x{height} is too small for a visible mark",
            hint=f"make it at least {LEAST_SIDE} pixels wide and high",
        )
    room = int(width * WIDEST), int(height * WIDEST)
    picture = _picture(mark, room) if mark.image is not None else _lettering(mark.text, room, min(width, height))
    rgba = np.array(picture.convert("RGBA"), dtype=np.uint8)
    rgba[..., 3] = np.rint(rgba[..., 3] * min(1.0, max(0.0, mark.opacity))).astype(np.uint8)
    rgba.setflags(write=False)
    return Badge(rgba)


def mark_at(frame: int, fps: Fraction, size: tuple[int, int], badge: tuple[int, int]) -> tuple[int, int]:
    """The place of the mark's upper left corner on frame number `frame`, in pixels, always even and inside the frame.

    `size` and `badge` are (width, height) in pixels. The same on every machine: only sums, products and quotients of
    IEEE 754 numbers. Sizes that differ only in scale, and frame rates, give the same path in time.
    """
    seconds = frame * fps.denominator / fps.numerator
    drift = DRIFT * (_to_and_fro(seconds / DRIFT_PERIOD) - 0.5)
    across = _to_and_fro(2 * seconds / LOOP)
    along = _to_and_fro(seconds / LOOP + PHASE + drift)
    x, y = int(across * (size[0] - badge[0])), int(along * (size[1] - badge[1]))
    return x & ~1, y & ~1


def with_mark(master: Master, mark: Watermark) -> Master:
    """The same film with the visible moving mark on every picture, above the subtitles where they are in the picture.

    Raises:
        RequestError, MediaError: the mark cannot be drawn (see `make_badge`).
    """
    badge = make_badge(mark, master.width, master.height)
    room = max(badge.size[1], master.height - master.lettered)
    place = path(master.fps, (master.width, room), badge)
    first = master.kept.frames if master.kept is not None and not master.kept.follows else 0
    return replace(
        master, pictures=lambda: overlay(master.pictures(), badge.rgba, lambda number: place(first + number))
    )


def path(fps: Fraction, size: tuple[int, int], badge: Badge) -> Callable[[int], tuple[int, int]]:
    """`mark_at` for one film: frame number -> (x, y)."""
    return lambda frame: mark_at(frame, fps, size, badge.size)


def _to_and_fro(turns: float) -> float:
    """A triangle wave: 0 at whole turns, 1 half-way between them."""
    return 1 - abs(2 * (turns % 1) - 1)


def _picture(mark: Watermark, room: tuple[int, int]) -> Image.Image:
    """The user's picture, made smaller where it is wider than `room` or higher than half of it."""
    try:
        with Image.open(mark.image or "") as opened:
            picture: Image.Image = opened.convert("RGBA")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise MediaError(f"the mark's picture cannot be read: {mark.image}", hint=str(error)) from None
    picture.thumbnail((max(2, room[0]), max(2, room[1] // 2)), Image.Resampling.LANCZOS)
    even = Image.new("RGBA", ((picture.width + 1) & ~1, (picture.height + 1) & ~1))
    even.paste(picture)
    return even


@lru_cache(maxsize=8)  # an export draws the same on each of its clips
def _lettering(text: str, room: tuple[int, int], side: int) -> Image.Image:
    """The text in white with a dark rim on a see-through dark plate, in as few lines as fit into `room`."""
    face = _face(text)
    size = max(SMALLEST_LETTERS, round(side * LETTERS))
    text = drawable(text, face)
    wrapped = _wrapped(text)
    for letters, lines in product(range(size, SMALLEST_LETTERS - 1, -1), wrapped):
        plate = _Plate(lines, face, letters)
        if plate.width <= room[0] and plate.height <= room[1]:
            return plate.drawn()
    if side < SMALL_FRAME:
        small = _Plate(wrapped[-1], face, SMALLEST_LETTERS).drawn()
        small.thumbnail(room, Image.Resampling.LANCZOS)
        return small.crop((0, 0, max(2, small.width & ~1), max(2, small.height & ~1)))
    raise RequestError(
        f"the mark's text is too long to be legible in this frame: {text!r}",
        hint="shorten `provenance: watermark: text`, or give a picture, or make the film larger",
    )


def _face(text: str) -> str:
    """The font that has all letters of the text. Raises RequestError where none has them."""
    try:
        return face_for(text)
    except RequestError as error:
        hint = "give a picture of it: `provenance: watermark: {image: mark.png}`"
        raise RequestError(f"the mark: {error.message}", hint=hint) from None


def _wrapped(text: str) -> list[str]:
    """The text on one line, on two, and so on up to `MOST_LINES`, each as even as its words allow."""
    words = text.split()
    ways = []
    for count in range(1, min(MOST_LINES, len(words)) + 1):
        target = len(" ".join(words)) / count
        lines: list[str] = [""]
        for word in words:
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and len(longer) > target + 2 and len(lines) < count:
                lines.append(word)
            else:
                lines[-1] = longer
        ways.append("\n".join(lines))
    return ways


class _Plate:
    """White letters with a dark rim, on a rounded plate just larger than they are.

    `face` is a font's name and `letters` its size, in pixels.
    """

    def __init__(self, text: str, face: str, letters: int) -> None:
        self._text = text
        self._font = load_font(face, letters)
        self._rim, self._edge = max(1, letters // 12), max(2, letters // 5)
        ruler = ImageDraw.Draw(Image.new("L", (1, 1)))
        left, top, right, bottom = ruler.multiline_textbbox(
            (0, 0), text, font=self._font, stroke_width=self._rim, spacing=self._edge
        )
        self._origin = self._edge - left, self._edge - top
        self.width, self.height = ((round(size) + 2 * self._edge + 1) & ~1 for size in (right - left, bottom - top))

    def drawn(self) -> Image.Image:
        """The plate as a picture."""
        plate = Image.new("RGBA", (self.width, self.height), (0, 0, 0, 0))
        draw = ImageDraw.Draw(plate)
        box = (0, 0, self.width - 1, self.height - 1)
        draw.rounded_rectangle(box, radius=self._edge, fill=(0, 0, 0, 110))
        draw.multiline_text(
            self._origin,
            self._text,
            font=self._font,
            fill=(255, 255, 255, 255),
            stroke_width=self._rim,
            stroke_fill=(0, 0, 0, 255),
            spacing=self._edge,
            align="center",
        )
        return plate
