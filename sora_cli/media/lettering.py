"""Lettering: the first font here that has all letters of a text, and where its lines break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from PIL import ImageFont

from sora_cli.errors import MediaError, RequestError
from sora_cli.texts import shortened

SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "YuGothR.ttc",
    "malgun.ttf",
)
"""Fonts to look for where Pillow's own, which has little beyond ASCII, lacks a letter."""

_NO_LETTER = "\U0010fffe"
"""A code point that is no letter, and never will be: how it is drawn tells how a missing one is."""
_ANY_SIZE = 12


def face_for(text: str, own: str = "") -> str:
    """The font that has all letters of `text`.

    It is the file `own` where one is named, else Pillow's (an empty name), else one of the system's, by its file's
    name.

    Raises:
        RequestError: none has them (they would come out as empty boxes), or `own` is no font.
    """
    lacking: list[str] = []
    for name in (own,) if own else ("", *SYSTEM_FONTS):
        try:
            font = load_font(name, _ANY_SIZE)
        except OSError as error:
            if own:
                raise RequestError(f"cannot use {own} as a font: {error}", hint="name a .ttf or .otf file") from error
            continue
        none = bytes(font.getmask(_NO_LETTER))
        missing = [letter for letter in dict.fromkeys(text) if letter.strip() and bytes(font.getmask(letter)) == none]
        if not missing:
            return name
        lacking = min(lacking or missing, missing, key=len)  # of the font that comes nearest
    what = f"{shortened(text, 40)!r} cannot be lettered"
    raise RequestError(f"{what}: {own or 'no font here'} has no {' '.join(lacking[:8])}")


def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by its file's name or path; Pillow's own where the name is empty. Raises OSError where it is none."""
    if name:
        return ImageFont.truetype(name, size)
    own = ImageFont.load_default(size=size)
    if not isinstance(own, ImageFont.FreeTypeFont):
        raise MediaError("this Pillow was built without FreeType", hint="pip install --force-reinstall pillow")
    return own


Cut = Literal["words", "parts", "letters"]
"""Where lines may break: between words; also at hyphens and the like; at last between any two letters."""


def broken(text: str, room: float, measure: Callable[[str], float], cut: Cut = "words") -> list[str] | None:
    """The lines of `text`, each at most `room` wide by `measure`; None where what may not be cut is wider.

    Scripts without spaces break between letters, by the rules of Unicode (UAX 14): no line begins with a full stop.
    """
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for piece in _pieces(paragraph, room, measure, cut):
            if measure(piece.rstrip()) > room:
                return None
            if line and measure((line + piece).rstrip()) > room:
                lines.append(line.rstrip())
                line = ""
            line += piece
        lines.append(line.rstrip())
    return lines


def _pieces(text: str, room: float, measure: Callable[[str], float], cut: Cut) -> Iterator[str]:
    """What may stand on a line of its own, with the spaces that follow it; letters of what is wider than `room`."""
    from uniseg.graphemecluster import grapheme_clusters
    from uniseg.linebreak import line_break_units

    pieces: list[str] = []
    for unit in line_break_units(text):
        last = pieces[-1][-1] if pieces else " "
        if cut != "words" or last.isspace() or _unspaced(last) or _unspaced(unit[0]):
            pieces += _syllables(unit)
        else:
            pieces[-1] += unit
    for piece in pieces:
        yield from grapheme_clusters(piece) if cut == "letters" and measure(piece.rstrip()) > room else (piece,)


def _unspaced(letter: str) -> bool:
    """Whether a letter is of a script that is written without spaces: Han and kana, Thai, Lao, Khmer, Burmese."""
    from uniseg.linebreak import line_break

    return str(line_break(letter)) in {"ID", "CJ", "CL", "NS", "SA"}


_LEADING = set("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
"""Vowels of Thai and Lao that stand before the consonant that they belong to."""
_TRAILING = set("\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6")
"""Vowels and signs of Thai and Lao that stand behind it."""


def _syllables(piece: str) -> Iterator[str]:
    """A piece between letters, where it is of a script that UAX 14 leaves to dictionaries; else as it is."""
    from uniseg.graphemecluster import grapheme_clusters
    from uniseg.linebreak import line_break

    held = ""
    for cluster in grapheme_clusters(piece):
        joined = not held or held[-1] in _LEADING or cluster[0] in _TRAILING
        if not joined and "SA" == str(line_break(cluster[0])) == str(line_break(held[0])):
            yield held
            held = ""
        held += cluster
    yield held
