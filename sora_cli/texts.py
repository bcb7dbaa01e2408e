"""Text of unknown origin: what it says, and in which encoding that was found; text that is cut short."""

from __future__ import annotations

import codecs
import contextlib
import re
import shlex
from collections.abc import Container, Iterable
from difflib import get_close_matches
from pathlib import Path

from sora_cli.letters import latin, other_script

_STOPS = ".,;:!?\u2026\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f"
_PAUSE = re.compile(
    rf"(?<=[{_STOPS}])|\s+(?=[\u2013\u2014(-])|\s+(?=(?:after|and|as|at|before|behind|below|beside|between|but|by"
    r"|for|from|in|inside|into|near|on|onto|or|over|past|then|through|to|towards?|under|until|when|where|while|who"
    r"|with|without)\b)",
    re.IGNORECASE,
)
"""Where a phrase ends, in English; in other languages the stops."""
_HANGING = re.compile(
    r"(?:\s+(?:an?|and|but|her|his|its|my|of|or|our|that|the|their|this|very|whose|your))+$", re.IGNORECASE
)

_NAMES = {
    **{f"cp{page}": f"Windows-{page}" for page in (1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 874)},
    **{f"cp{page}": f"code page {page}" for page in (850, 866, 852, 857, 775, 737)},
    "mac_roman": "Mac Roman", "mac_cyrillic": "Mac Cyrillic", "mac_latin2": "Mac Central European",
    "mac_turkish": "Mac Turkish", "koi8_u": "KOI8", "iso8859_5": "ISO 8859-5", "shift_jis": "Shift JIS",
    "gb18030": "GB 18030", "euc_kr": "EUC-KR", "euc_jp": "EUC-JP", "big5": "Big5",
}  # fmt: skip
"""The encodings that programs still save texts in, where they do not save in Unicode, by their names for people."""
_GUESSED = ["cp1252", "mac_roman", "cp1251", "shift_jis", "gb18030", "euc_kr"]
"""Those of them that are told apart by how frequent letters are."""
_PAIRS = {
    "euc_kr": re.compile(rb"[\xb0-\xc8\xa1\xa3][\xa1-\xfe]"),
    "euc_jp": re.compile(rb"[\xa1\xa3-\xa5\xb0-\xcf][\xa1-\xfe]"),
    "gb18030": re.compile(rb"[\xb0-\xd7\xa1\xa3][\xa1-\xfe]"),
    "big5": re.compile(rb"[\xa1-\xc6][\x40-\x7e\xa1-\xfe]"),
}
"""Encodings of East Asia with two bytes a letter, and the bytes of their usual letters: guessing from frequencies
takes one for another in short texts, as lists are."""
_USUAL = 0.9
"""How many of a text's letters are usual ones in the encoding that it is in."""
_FEW = 8
_SYLLABLES = frozenset(
    "이다는을가의에지고한하기도로리자사아나시어서은를그대있인해정제일수부장상전보라만여주원과구공스트조비소유동"
)
"""Usual syllables of Korean, of which one is in all but the shortest texts: those of Chinese hit rare ones."""
_PAIR = re.compile(rb"[\x80-\xfe].", re.DOTALL)
_WESTERN = re.compile(
    rb"[\x00-\x80\x82\x84\x85\x8b\x91-\x97\x9b\xa0\xa1\xa7\xa9\xab\xae\xb0\xb2-\xb4\xb7\xba\xbb\xbf-\xff]*"
)
_LETTERS = re.compile(rb"[\xc0-\xff]{3}")


_SIGNS = {
    b"PK\x03\x04": "a spreadsheet, a document or another ZIP file",
    b"\xd0\xcf\x11\xe0": "a spreadsheet or document of an older Office",
    b"%PDF-": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF87a": "a picture",
    b"GIF89a": "a picture",
    b"\x1aE\xdf\xa3": "a film",
    b"\x1f\x8b": "a compressed file",
    b"version https://git-lfs": "a pointer of Git LFS, without what it points to: `git lfs pull` fetches it",
}
"""What files that are no text begin with."""


def no_text(data: bytes) -> str:
    """What a file is that is no text, by its first bytes; empty where they do not tell."""
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] in {b"WAVE", b"AVI ", b"WEBP"}):
        return "a film, sound or picture"
    return next((what for sign, what in _SIGNS.items() if data.startswith(sign)), "")


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file, and the name of its encoding; empty where the file itself makes sure of that (Unicode).

    Raises:
        UnicodeDecodeError: it is in no encoding that sora knows, or no text.
    """
    if what := no_text(data):
        raise UnicodeDecodeError("utf-8", data[:8], 0, 1, f"it is {what}")
    if unicode := _unicode(data):
        text, name = data.decode(unicode, "replace").removeprefix("\ufeff"), ""
    else:
        text, name = _bytewise(data)
    if "\0" in text:
        raise UnicodeDecodeError("utf-8", data[:8], 0, 1, "it is not a text file")
    return text, name


def _bytewise(data: bytes) -> tuple[str, str]:
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        name = latin(data) or _east_asian(data) or other_script(data) or _guessed(data)
        return data.decode(name), _NAMES[name]


def _guessed(data: bytes) -> str:
    """The encoding of a text that is in several languages, or in one whose letters tell less."""
    if _western(data):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=_GUESSED).best()
    if best is not None:
        return best.encoding
    with contextlib.suppress(UnicodeDecodeError):
        data.decode("cp1252")
        return "cp1252"
    return "cp850"  # it has a letter for what the others have none


def _western(data: bytes) -> bool:
    """Whether a text of several languages is in Windows-1252, by its letters with accents and usual marks.

    Guessing from frequencies takes short texts for others. Here letters with accents stand between plain ones: three in
    a row are of another script. Of the marks those count that no other encoding has for a usual letter.
    """
    return bool(_WESTERN.fullmatch(data)) and not _LETTERS.search(data)


def _east_asian(data: bytes) -> str:
    """The encoding of East Asia that a text is in, by its usual letters; empty for others, and for Shift JIS.

    Korean comes before Chinese, whose usual letters take in those of Korean, and kana make Japanese of what could be
    Chinese. A Latin letter with an accent, and one without, look like a pair of Big5: those of texts in it are mostly
    two high bytes.
    """
    pairs = _PAIR.findall(data)
    for name, usual in _PAIRS.items():
        known = [pair for pair in pairs if usual.fullmatch(pair)]
        high = [pair for pair in known if pair[1] >= 0xA1]
        if len(known) < max(3, _USUAL * len(pairs)) or 4 * len(high) < len(known):
            continue
        if name == "euc_kr" and len(known) < _FEW and not any(pair.decode(name) in _SYLLABLES for pair in known):
            continue
        if name == "euc_jp" and not any(pair[0] in {0xA4, 0xA5} for pair in known):
            continue
        with contextlib.suppress(UnicodeDecodeError):
            data.decode(name)
            return name
    return ""


_MANY = 0.4
"""How many of the halves of UTF-16 are zero where a text has more Latin letters, spaces and marks than others."""


def _unicode(data: bytes) -> str:
    """UTF-32 or UTF-16, by its mark or, without one, by the zeros beside letters of Latin; empty for others."""
    for marks, name in (
        ((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-32"),  # before UTF-16, whose mark it begins with
        ((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-16"),
    ):
        if data.startswith(marks):
            return name
    if len(data) < 8:
        return ""
    even, odd = (data[start::2].count(0) / (len(data) // 2) for start in (0, 1))
    return "utf-16-be" if even > 4 * odd + _MANY else "utf-16-le" if odd > 4 * even + _MANY else ""


def unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Why a text cannot be read, in words."""
    return error.reason if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)


def phrase(text: str, letters: int, words: int) -> str:
    """The head of a text, of at most so many letters and words, up to where a phrase ends; the whole where it fits."""
    line = " ".join(text.split())
    head = _at_word(" ".join(line.split()[:words]), letters)
    if head == line:
        return line.rstrip(_STOPS)
    ends = [match.start() for match in _PAUSE.finditer(line, 0, len(head) + 1) if match.start() <= len(head)]
    best = max((end for end in ends if 2 * end >= len(head)), default=len(head))
    return _HANGING.sub("", line[:best].rstrip()).rstrip(f"{_STOPS} ")


def shortened(text: str, letters: int, mark: str = "...") -> str:
    """The text in at most so many letters: cut between words, with a mark at its end, where it is longer."""
    return text if len(text) <= letters else _at_word(text, max(1, letters - len(mark))).rstrip(f"{_STOPS} ") + mark


def _at_word(text: str, letters: int) -> str:
    """At most so many letters; of a word that is cut nothing, unless that leaves less than half."""
    if len(text) <= letters:
        return text
    ends = [match.start() for match in re.finditer(r"[\s_/-]", text[: letters + 1])]
    return text[: ends[-1] if ends and 2 * ends[-1] >= letters else letters]


def name(words: str, letters: int) -> str:
    """A name that was made of words by hyphens, of at most so many letters, cut between them."""
    return _at_word(words, letters).rstrip("-_")


def free(name: str, taken: Container[str]) -> str:
    """The name itself, or with the first number that none of `taken` has."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word that is spelled most like a word, whatever its capitals; empty where none is near enough."""
    by_case = {each.casefold(): each for each in known}
    close = get_close_matches(word.casefold()[:100], by_case, 1, cutoff)
    return by_case[close[0]] if close else ""


def as_typed(path: Path) -> str:
    """A path as a shell takes it: quoted where it has to be, and never for an option."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))
