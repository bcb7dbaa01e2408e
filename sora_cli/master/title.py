"""Titles: words over a shot, or alone on black.

MoviePy sets the words once for each title, and what it set is laid on the frames by `media.overlay`. Words keep inside
the safe title area, the middle 90 % of the picture each way (SMPTE ST 2046-1), and have a dark rim and a soft shadow,
so that they are legible on light and dark; those of a lower third stand on a plate.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sora_cli.errors import RequestError
from sora_cli.media.lettering import Cut as Break
from sora_cli.media.lettering import broken, drawable, face_for, load_font
from sora_cli.media.overlay import overlay
from sora_cli.plan import PlannedShot
from sora_cli.plan.timeline import Cut, CutShot
from sora_cli.storyboard.model import TitleCard
from sora_cli.texts import shortened

SAFE = Fraction(9, 10)
FADE = Fraction(2, 5)
"""Seconds in which words come in and go out; a quarter of their time where that is shorter."""
LARGE, SMALL = Fraction(1, 9), Fraction(1, 16)
"""Font size as a part of the frame's shorter side: in the centre, and elsewhere."""
LEAST = 10
"""Font size in pixels below which nobody reads a film's titles."""
MOST = 500
"""Characters of a title."""
PLATE = (0, 0, 0, 150)

_PLACES = {
    "center": (0.5, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "top-left": (0.0, 0.0),
    "top-right": (1.0, 0.0),
    "bottom-left": (0.0, 1.0),
    "bottom-right": (1.0, 1.0),
    "lower-third": (0.0, 1.0),
}
"""How far across and down the safe area each position is."""
_BREAKS: tuple[Break, ...] = ("words", "parts", "letters")
"""Words are made smaller before one is cut."""
_RULER = ImageDraw.Draw(Image.new("L", (1, 1)))
_ALIGN = {0.0: "left", 0.5: "center", 1.0: "right"}


class TitleOverlay(Struct, frozen=True):
    """A title as it is laid on frames: `(height, width, 4)` bytes, with its upper left corner at `place`."""

    rgba: NDArray[np.uint8]
    place: tuple[int, int]


def check_titles(shots: Iterable[PlannedShot], width: int, height: int) -> None:
    """Refuse titles that cannot be set, before hours of work are put into a film of this size.

    Raises:
        RequestError: a title is too long to be read, or its font is none or lacks letters of it.
    """
    for title in dict.fromkeys(shot.title for shot in shots):
        if title is not None:
            set_words(title, width, height)


def titled(frames: Iterator[av.VideoFrame], shot: CutShot, cut: Cut) -> Iterator[av.VideoFrame]:
    """Lay a shot's title on its frames; a frame that shows no words is handed on as the same object."""
    title = shot.title
    if title is None:
        return frames
    words, length = set_words(title, cut.width, cut.height), read_for(title, shot.frames, cut.fps)
    fade = min(round(FADE * cut.fps), length // 4)
    return overlay(frames, words.rgba, lambda _: words.place, lambda number: seen(number, length, fade))


def read_for(title: TitleCard, frames: int, fps: Fraction) -> int:
    """On how many frames of its shot, which has `frames` of them, a title is seen."""
    written = title.duration.at(fps) if title.duration else frames / fps
    return min(frames, max(1, round(written * fps)))


def seen(number: int, length: int, fade: int) -> float:
    """How much of a title is seen, 0 to 1, on frame `number` of the `length` it has, `fade` of them at each end."""
    if number >= length:
        return 0.0
    return min(1.0, (min(number, length - 1 - number) + 1) / (fade + 1))


def set_words(title: TitleCard, width: int, height: int) -> TitleOverlay:
    """Set a title for frames of `width` x `height`, as large as its position has it and as small as its length needs.

    Raises:
        RequestError: it is too long to be read, or its font is none or lacks letters of it.
    """
    face = _face(title)
    across, down = _PLACES[title.position]
    room = int(width * SAFE), int(height * (SAFE if title.position == "center" else SAFE / 3))
    size = round(min(width, height) * (LARGE if title.position == "center" else SMALL))
    for cut, letters in itertools.product(_BREAKS, range(max(size, LEAST), LEAST - 1, -1)):
        image = _drawn(title, face, room, letters, align=_ALIGN[across], cut=cut)
        if image is not None:
            left = (width - room[0]) // 2 + round((room[0] - image.width) * across)
            safe = int(height * SAFE)
            top = (height - safe) // 2 + round((safe - image.height) * down)
            return TitleOverlay(np.asarray(image, np.uint8), (left & ~1, top & ~1))
    raise RequestError(
        f"the title is too long to be read in a film of {width}x{height}: {shortened(title.text, 40)!r}",
        hint="shorten it, split it over two shots, or make the film larger",
    )


def _drawn(
    title: TitleCard, face: str, room: tuple[int, int], letters: int, *, align: str, cut: Break
) -> Image.Image | None:
    """The words in white with their rim, shadow and plate; None where they do not fit in the room, across and down."""
    from moviepy import TextClip

    plate = title.position == "lower-third"
    rim, edge = max(1, letters // 14), max(2, letters // (2 if plate else 4))
    font = load_font(face, letters)
    lines = broken(title.text, room[0] - 4 * edge - 2 * rim, lambda row: font.getlength(drawable(row, face)), cut)
    if lines is None:
        return None
    text, between = drawable("\n".join(lines), face), letters // 4
    box = _RULER.multiline_textbbox((0, 0), text, font, spacing=between, align=align, stroke_width=rim)
    if box[3] - box[1] + 2 * edge > room[1] + 2:  # known without drawing them, to a pixel or two
        return None
    clip = TextClip(
        font=face or None,
        text=text,
        font_size=letters,
        method="label",
        margin=(2 * edge, 2 * edge),
        color="white",
        stroke_color="black",
        stroke_width=rim,
        text_align=align,
        horizontal_align=align,
        interline=between,
    )
    alpha = np.rint(clip.mask.get_frame(0) * 255).astype(np.uint8)
    words = Image.fromarray(np.dstack([clip.get_frame(0).astype(np.uint8), alpha]))
    left, top, right, bottom = words.getbbox() or (0, 0, 2, 2)
    words = words.crop((left - edge, top - edge, right + edge, bottom + edge))
    size = words.width + words.width % 2, words.height + words.height % 2
    if size[0] > room[0] or size[1] > room[1]:
        return None
    under = Image.new("RGBA", size)
    if plate:
        box = (0, 0, under.width - 1, under.height - 1)
        ImageDraw.Draw(under).rounded_rectangle(box, radius=edge // 2, fill=PLATE)
    else:
        under.putalpha(_shadow(words.getchannel("A"), under.size, rim, edge))
    under.alpha_composite(words)
    return under


def _shadow(alpha: Image.Image, size: tuple[int, int], rim: int, edge: int) -> Image.Image:
    """A soft dark halo about letters, as an alpha channel."""
    halo = Image.new("L", size)
    halo.paste(alpha)
    halo = halo.filter(ImageFilter.MaxFilter(2 * rim + 1)).filter(ImageFilter.GaussianBlur(edge / 3))
    return halo.point(lambda value: value * 3 // 4)


def _face(title: TitleCard) -> str:
    """The font that sets the title. Raises RequestError where it is too long, or no font has its letters."""
    if len(title.text) > MOST:
        raise RequestError(
            f"a title has at most {MOST} characters; this one has {len(title.text)}: {shortened(title.text, 40)!r}",
            hint="split it over several shots",
        )
    try:
        return face_for(title.text, str(title.font) if title.font else "")
    except RequestError as error:
        hint = error.hint or "name a font that has them: `title: {text: ..., font: fonts/name.ttf}`"
        raise RequestError(f"the title: {error.message}", hint=hint) from error
