"""Lettering: the first font here that has all letters of a text, and where its lines break."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import ImageFont, features

from sora_cli.bounded import open_regular
from sora_cli.errors import MediaError, RequestError
from sora_cli.media.words import inside_words, is_japanese
from sora_cli.texts import no_text, shortened

SYSTEM_FONTS = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc", "PingFang.ttc", "msyh.ttc", "YuGothR.ttc", "malgun.ttf",
)  # fmt: skip
"""Fonts to look for where Pillow's own, which has little beyond ASCII, lacks a letter."""

_BLANK = "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Spaces that many fonts lack: there they are drawn as the ordinary one."""
_UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
"""What says how letters stand together and is no letter itself: where a font lacks it, it is left out."""
_NO_LETTER = "\U0010fffe"
"""A code point that is no letter, and never will be: how it is drawn tells how a missing one is."""
_ANY_SIZE = 12
_HEAD = 64


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
                raise _unusable(own, error) from error
            continue
        missing = list(_missing(font, text))
        if not missing:
            _require_shaping(text)
            return name
        lacking = min(lacking or missing, missing, key=len)  # of the font that comes nearest
    what = f"{shortened(text, 40)!r} cannot be lettered"
    named = " ".join(lacking[:8])
    raise RequestError(f"{what}: {own} has no {named}" if own else f"{what}: no font here has {named}")


def _unusable(own: str, error: OSError) -> RequestError:
    if "pixel size" in str(error):
        return RequestError(f"cannot use {own} as a font: its letters are pictures", hint="name a font of outlines")
    with suppress(OSError), open_regular(Path(own)) as file:
        if what := no_text(file.read(_HEAD)):
            return RequestError(f"cannot use {own} as a font: it is {what}", hint="name a .ttf or .otf file")
    return RequestError(f"cannot use {own} as a font: {error}", hint="name a .ttf or .otf file")


def _missing(font: ImageFont.FreeTypeFont, text: str) -> Iterator[str]:
    """The letters of `text` that the font would draw as empty boxes."""
    none = bytes(font.getmask(_NO_LETTER))
    for letter in dict.fromkeys(text):
        if letter.strip() and letter not in _UNSEEN and bytes(font.getmask(letter)) == none:
            yield letter


def _require_shaping(text: str) -> None:
    """Refuse scripts whose letters would stand in the wrong order, or unjoined, without Pillow's text shaping."""
    shaped = any(
        _leans(letter) < 0 or "\u0900" <= letter <= "\u109f" or "\u1780" <= letter <= "\u17ff" for letter in text
    )
    if shaped and not features.check("raqm"):
        raise RequestError(
            f"{shortened(text, 40)!r} cannot be lettered: Pillow finds no FriBidi, which puts its letters in order",
            hint="install FriBidi: libfribidi0 on Debian and Ubuntu, fribidi elsewhere",
        )


def drawable(text: str, face: str) -> str:
    """The text as the font of `face_for` can draw it: spaces that it lacks as ordinary ones, unseen marks left out."""
    return text.translate(_instead(face))


@lru_cache(maxsize=8)
def _instead(face: str) -> Mapping[int, str]:
    font = load_font(face, _ANY_SIZE)
    none = bytes(font.getmask(_NO_LETTER))
    lacking = [letter for letter in _BLANK + _UNSEEN if bytes(font.getmask(letter)) == none]
    return {ord(letter): " " if letter in _BLANK else "" for letter in lacking}


def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by its file's name or path; Pillow's own where the name is empty. Raises OSError where it is none."""
    if name:
        return ImageFont.truetype(name, size)
    own = ImageFont.load_default(size=size)
    if not isinstance(own, ImageFont.FreeTypeFont):
        raise MediaError("this Pillow was built without FreeType", hint="pip install --force-reinstall pillow")
    return own


SOFT_HYPHEN = "\u00ad"
_WELCOME = SOFT_HYPHEN + "\u200b"
"""Where a writer lets a word break: at a soft hyphen, and at a space of no width."""
Cut = Literal["words", "parts", "letters"]
"""Where lines may break: between words; in wide ones also at hyphens and syllables, at last between letters."""


def broken(text: str, room: float, measure: Callable[[str], float], cut: Cut = "words") -> list[str] | None:
    """The lines of `text`, each at most `room` wide by `measure`; None where what may not be cut is wider.

    Of scripts without spaces Thai breaks between words, Japanese between phrases where they are not wider than a line,
    the others between letters or syllables, all by the rules of Unicode (UAX 14): no line begins with a full stop.
    """
    lines: list[str] = []
    for paragraph in text.splitlines():
        rows, line = [], ""
        for piece in _pieces(paragraph, room, measure, cut):
            if measure(_row(piece)) > room:
                return None
            if line and measure(_row(line + piece)) > room:
                rows.append(_row(line))
                line = ""
            line += piece
        lines += _directed([*rows, _row(line)], paragraph)
    return lines


def unbroken(text: str, room: float, measure: Callable[[str], float]) -> list[str]:
    """The parts of a text that stay on one line, with the spaces that follow them."""
    return [piece for paragraph in text.splitlines() for piece in _pieces(paragraph, room, measure, "words")]


def _row(line: str) -> str:
    """A line as it is seen: a soft hyphen at its end is a hyphen, the others are nothing."""
    line = line.replace("\u200b", "").rstrip()
    return line.replace(SOFT_HYPHEN, "") + ("-" if line.endswith(SOFT_HYPHEN) else "")


def _directed(rows: Iterable[str], paragraph: str) -> Iterator[str]:
    """The rows, with a mark where their own first letter leads the other way than their paragraph's (UAX 9)."""
    way = _direction(paragraph)
    for row in rows:
        mark = "\u200f" if way < 0 else "\u200e"
        yield mark + row if _direction(row) == -way != 0 else row


def _direction(text: str) -> int:
    """1 where the first letter of a text goes from left to right, -1 from right to left, 0 where it has none."""
    return next((way for way in map(_leans, text) if way), 0)


def _leans(letter: str) -> int:
    return {"L": 1, "R": -1, "AL": -1}.get(unicodedata.bidirectional(letter), 0)


def _pieces(text: str, room: float, measure: Callable[[str], float], cut: Cut) -> Iterator[str]:
    """What may stand on a line of its own, with the spaces that follow it: words, or parts of wide ones."""
    from uniseg.graphemecluster import grapheme_clusters

    parted = "\u200b" in text
    for word in _words(text, parted=parted):
        loose = cut != "words" or (is_japanese(word) and not parted)
        for part in _parts(word) if loose and measure(_row(word)) > room else (word,):
            yield from grapheme_clusters(part) if cut == "letters" and measure(_row(part)) > room else (part,)


def _words(text: str, *, parted: bool) -> Iterator[str]:
    """The words of a text, with the spaces that follow them. `parted`: its writer parted those without spaces."""
    inside = inside_words(text)
    word, at = "", 0
    for part in _parts(text):
        unspaced = bool(word) and not parted and (_unspaced(word[-1]) or _unspaced(part[0]))
        if word and (word[-1].isspace() or word[-1] in _WELCOME or (unspaced and at not in inside)):
            yield word
            word = ""
        word += part
        at += len(part)
    if word:
        yield word


@lru_cache(maxsize=256)  # a title is broken for each size that it is tried in
def _parts(text: str) -> tuple[str, ...]:
    """A text, cut where Unicode lets a line break, and between syllables, which it leaves to dictionaries."""
    from uniseg.linebreak import line_break_units

    return tuple(syllable for unit in line_break_units(text) for syllable in _syllables(unit))


def _unspaced(letter: str) -> bool:
    """Whether a letter is of a script that is written without spaces: Han and kana, Thai, Lao, Khmer, Burmese."""
    from uniseg.linebreak import line_break

    return str(line_break(letter)) in {"ID", "CJ", "CL", "NS", "SA"}


_LEADING = set("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4\u17d2\u1039\u1a60")
"""Vowels of Thai and Lao that stand before the consonant that they belong to; signs of Khmer, Burmese and Tai Tham that
set the next consonant below the one before."""
_ASAT = "\u103a"
"""The sign of Burmese that makes a consonant the end of its syllable."""
_TRAILING = set("\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6")
"""Vowels and signs of Thai and Lao that stand behind it."""


def _syllables(piece: str) -> Iterator[str]:
    """A piece between letters, where it is of a script that UAX 14 leaves to dictionaries; else as it is."""
    from uniseg.graphemecluster import grapheme_clusters
    from uniseg.linebreak import line_break

    held = ""
    for cluster in grapheme_clusters(piece):
        sign = cluster[0] in _TRAILING or _ASAT in cluster or unicodedata.category(cluster[0]).startswith("M")
        joined = not held or held[-1] in _LEADING or sign
        if not joined and "SA" == str(line_break(cluster[0])) == str(line_break(held[0])):
            yield held
            held = ""
        held += cluster
    yield held
