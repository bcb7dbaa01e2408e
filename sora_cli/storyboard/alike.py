"""What people write for a number, a time or a shape that the format writes otherwise: `1,5s`, `80%`, `2x`, `16x9`.

Nothing here is taken for what it looks like: the author is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

_SIGNS = str.maketrans({**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"), "\u00d7": "x", "\u2236": ":"})
_QUOTED = re.compile("^[\"'\u2018-\u201e\u00ab\u00bb](.*)[\"'\u2018-\u201e\u00ab\u00bb]$")
_HEIGHTS = ("360", "480", "540", "576", "720", "1080", "1440", "2160", "4320")
SECONDS = (
    r"(?:s\.?|secs?\.?|seconds?|sek\.?|sekunden?|secondes?|secondi|segs?\.?|segundos?|сек\.?|секунд[аы]?|秒钟?|초"
    r"|sn\.?|saniye|sekund[ay]|sekunder|detik|giây|שניות|ثوان(?:ي|\u064d)?|ثانية|ث|सेकंड|सेकेंड|सेकण्ड|วินาที|másodperc)"
)
"""How languages write that a number is seconds."""
_NUMBER = r"([-+]?[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_REWRITTEN = (
    (r"(?<![0-9,.])([0-9]+),([0-9]{1,2}|[0-9]{4,})(?![0-9,.])", r"\1.\2"),  # 1,5: three digits may be thousands
    (r"\b(?:cross[- ]?dissolve|cross[- ]?fade|dissolve)\b[: ]*", "dissolve "),
    (r"\b(?:fade|dip)(?:[- ](?:to|from|through|in|out))?(?:[- ]black)?\b[: ]*", "fade "),
    (r"^(?:smash|hard|straight|match|jump|clean)[- ]?cut(?:[- ]to)?$|^cut[- ]to$", "cut"),
    (r"^([0-9.]+ ?(?:s|f|ms)) (dissolve|fade|wipe)\s*$", r"\2 \1"),
    (r"^wipe ([0-9.]+ ?(?:s|f|ms)) (left|right|up|down)$", r"wipe \2 \1"),
    (r"(?<=[0-9])[_'\u2019 ](?=[0-9]{3}(?![0-9]))", ""),
    (r"(?<=[0-9])\s*(?:\"|\u2032\u2032)$", "s"),
    (r"^0(?::00)?\s?s?\s?(?:-|to)\s?(?=[0-9])", ""),  # from the start to when
    (r"(?<=[0-9]s) ?\([^()]*\)$", ""),
    (r"[()]", ""),
    (rf"(?<=[0-9])\s*{SECONDS}$", "s"),
    (r"^[~\u2248]\s*|^(?:ca|approx|about)\b\.?\s*", ""),
)
SHAPES = {
    **dict.fromkeys(("portrait", "vertical", "tall", "reels", "tiktok", "shorts", "stories"), "9:16"),
    **dict.fromkeys(("landscape", "horizontal", "widescreen", "wide", "youtube"), "16:9"),
    **dict.fromkeys(("square", "instagram"), "1:1"),
    **dict.fromkeys(("cinemascope", "scope", "anamorphic"), "2.39:1"),
}
"""Shapes by what people call them."""
_UNITS = (
    rf"{_NUMBER}\s*x",
    rf"x\s*{_NUMBER}",
    rf"[€$£¥]?\s*{_NUMBER}\s*(?:[€$£¥]|eur|usd|gbp)?(?:\s*/\s*k?wh?)?",
    rf"{_NUMBER}\s*(?:db|lufs|hz|p|watts?|takes?|times)",
)


_CALLED = (
    (r"\b(?:middle|mid|centre|cent(?:er|re)ed)\b", "center"),
    (r"\b(?:lower(?!-third)|low|below|under)\b", "bottom"),
    (r"\b(?:upper|above|over)\b", "top"),
    (r"-?\bcenter\b-?(?=.)|-center$", "-"),
)
"""What people call places on a picture; `bottom center` is the bottom."""


def called(value: str, known: Sequence[str]) -> str:
    """The one of the `known` words that goes by other letters or by another name: `Middle`; empty where none does."""
    plain = "-".join(re.findall(r"\w+", value.casefold()))
    for pattern, instead in (("", ""), *_CALLED):
        plain = re.sub(pattern, instead, plain).strip("-")
        found = next((each for each in (plain, "-".join(reversed(plain.split("-")))) if each in known), "")
        if found:
            return found
    return ""


def meant(value: object, means: Callable[[object], object]) -> str:
    """What the author may have meant by a value that `means` refuses, as it is to be written; empty if unknown.

    `means` gives the meaning of a value, or None where it has none.
    """
    text = str(getattr(value, "written", value))
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or len(text) > 60:
        return ""
    for words in dict.fromkeys(_readings(text)):
        if words != text and any(means(each) is not None for each in (words, _number(words))):
            return words
    return _share(text, means) or _thousands(text, means)


def _readings(text: str) -> Iterator[str]:
    words = _QUOTED.sub(r"\1", unicodedata.normalize("NFKC", text).strip())
    plain = "".join(_digit(letter) for letter in words.translate(_SIGNS)).lower().strip()
    yield plain
    first, _, rest = plain.partition(" ")
    plain = f"{_COUNTED.index(first) + 1} {rest}".strip() if first in _COUNTED else plain
    for pattern, instead in _REWRITTEN:
        plain = re.sub(pattern, instead, plain).strip()
        yield plain
    for pattern in _UNITS:
        if match := re.fullmatch(pattern, plain):
            yield match[1]
    yield re.sub(r"^([1-9][0-9]?(?:\.[0-9]+)?)\s*[x/]\s*([1-9][0-9]?)$", r"\1:\2", plain)
    yield f"{plain}p" if plain in _HEIGHTS else plain
    yield SHAPES.get(plain, plain)


def _share(text: str, means: Callable[[object], object]) -> str:
    """A percentage as a number, where the value is a part of a whole: such a value is never 5."""
    share = re.fullmatch(rf"{_NUMBER}\s*%", text.strip())
    found = f"{float(share[1]) / 100:.6g}" if share and means(5.0) is None else ""
    return found if found and means(float(found)) is not None else ""


def _thousands(text: str, means: Callable[[object], object]) -> str:
    """A number with commas between its thousands, where the value is whole: else they may stand before decimals."""
    found = text.replace(",", "") if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+", text.strip()) else ""
    return found if found and means(1.5) is None and means(int(found)) is not None else ""


def _digit(letter: str) -> str:
    found = unicodedata.decimal(letter, None)
    return letter if found is None else str(found)


def _number(words: str) -> float | None:
    return float(words) if re.fullmatch(_NUMBER, words) else None
