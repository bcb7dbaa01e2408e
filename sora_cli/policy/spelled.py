"""Words as they are meant: disguises undone, in copies that are compared and never shown.

Twins of Latin letters are those of Unicode's TR39 (package confusable-homoglyphs). They are mapped only in words that
mix scripts, or that are all twins amid Latin words: of the 32 Russian letters 8 have a Latin twin, and a Russian word
is no disguise. `m` for `rn`, which TR39 has too, is not undone: Pomerania is a place.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f\u0900-\u097f]+[^\W_]*)*")
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_VOWEL_SIGNS = re.compile("[\u064b-\u0652\u0640]")
_LEET: dict[int, str] = dict(zip(map(ord, "013457@$!|+€"), "oieastasiite", strict=True))
_LEETY = re.compile(r"(?=\S*[^\W\d_])\S*[013457@$!|+€]\S*")
_MEASURE = re.compile(
    r"[fsthg]?\d[\d.:,/]*(?:k|mm|cm|m|km|kg|g|s|ms|fps|f|p\d*|i|hz|khz|d|x\d+|th|st|nd|rd|h|min|mp|ev|mb|gb|a|b)?\W*"
)
_SINGLES = re.compile(r"(?<![^\W_])(?<![._*\-/|])[^\W_]([ ._*\-/|])[^\W_](?:\1(?:[^\W_]|-))+(?![._*\-/|]?[^\W_])")
_INSIDE = re.compile(r"(?<=[^\W\d_])[._*\-~'’`^|]+(?=[^\W\d_])")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_ENCODED = re.compile(r"[A-Za-z0-9+/]{16,400}={0,2}")
_AGED = re.compile(
    r"\b(?!(?i:shot|scene|take|act|part|panel|frame|episode|chapter|page|reel|beat|plan|plano|szene|cut|day|june|july)\b)"
    r"([A-ZÀ-ÞА-Я][^\W\d_]+)(?:, | \()([3-9]|1[0-7])(?=[,;:)]|$)"
)
"""A name and an age as a cast has them: `Mia, 12,` or `Mia (12)`."""
_LATIN = re.compile("[a-z]")
_MARKS = re.compile(r"[_\-‐-―/\\'’`.,;:!?\"()\[\]{}«»“”„]+")
_LETTERS = str.maketrans("أإآىةßłøđı", "اااية" + "slodi")


def plain(text: str) -> str:
    """The text in small letters, without what cannot be seen, accents on Latin letters, twins and joining marks."""
    letters = text.lower() if text.isascii() else _to_letters(text)  # most texts, and nothing is hidden in them
    return " ".join(_MARKS.sub(" ", letters).split())


def _to_letters(text: str) -> str:
    """The text in small letters, without what cannot be seen, accents on Latin letters and twins."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(each for each in text if unicodedata.category(each) != "Cf" and each not in _BLANK)
    text = _VARIATIONS.sub("", text).casefold()
    text = _unaccented(_VOWEL_SIGNS.sub("", text))
    return _untwinned(text).translate(_LETTERS).replace("ة", "ه")


@lru_cache(4096)
def meant(text: str) -> tuple[str, ...]:
    """The plain text; where something in it looks like a disguise, also what it may stand for."""
    text = _AGED.sub(r"\1 \2 years old ", text)
    written = [text]
    undone = _joined(unicodedata.normalize("NFKC", text).casefold())
    for leet in (_LEET, _LEET | {ord("1"): "l"}) if "1" in undone else (_LEET,):
        clear = " ".join(_unleeted(token, leet) for token in undone.split())
        written += [_REPEATED.sub(r"\1", each) for each in dict.fromkeys((clear, _INSIDE.sub("", clear)))]
    views = map(plain, dict.fromkeys([*written, *_decoded(text)]))
    return tuple(dict.fromkeys(view for view in views if view))


def _unaccented(text: str) -> str:
    """Without marks on Latin letters, and without those that make no letter of others."""
    kept: list[str] = []
    base = ""
    for each in unicodedata.normalize("NFD", text):
        if unicodedata.category(each) != "Mn":
            base = each
        elif "a" <= base <= "z" or "\u0335" <= each <= "\u0338":
            continue
        kept.append(each)
    return unicodedata.normalize("NFC", "".join(kept))


def _untwinned(text: str) -> str:
    amid_latin = bool(re.search(r"(?<![^\W_])[a-z]{2,}(?![^\W_])", text))

    def word(match: re.Match[str]) -> str:
        letters = match[0]
        if letters.isascii():
            return letters
        latin = "".join(_twin(each) for each in letters)
        mixed = _LATIN.search(letters) is not None
        return latin if latin.isascii() and (mixed or amid_latin) else letters

    return _WORD.sub(word, text)


@lru_cache(4096)
def _twin(letter: str) -> str:
    """The Latin letter that looks like this one; itself where there is none."""
    if letter.isascii():
        return letter
    from confusable_homoglyphs import confusables

    for found in confusables.is_confusable(letter, preferred_aliases=["latin"]) or ():
        twins = [str(each["c"]).casefold() for each in found["homoglyphs"]]
        return next((twin for twin in twins if len(twin) == 1 and twin.isascii()), letter)
    return letter


def _unleeted(token: str, leet: dict[int, str]) -> str:
    """`p0rn` as `porn`; but not `5500k`, `1080p50` or `3d`."""
    return token.translate(leet) if _LEETY.fullmatch(token) and not _MEASURE.fullmatch(token) else token


def _joined(text: str) -> str:
    """Letters that stand alone with the same mark between them, put together: `s p a c e d`."""
    return _SINGLES.sub(lambda match: match[0].replace(match[1], ""), text)


def _decoded(text: str) -> list[str]:
    """What stands in base64, where it is mostly letters."""
    found = []
    for match in _ENCODED.finditer(text):
        try:
            words = base64.b64decode(match[0], validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if sum(each.isalpha() or each.isspace() for each in words) > 0.8 * len(words):
            found.append(words)
    return found
