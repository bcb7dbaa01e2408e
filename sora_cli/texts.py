"""Text of unknown origin: what it says, and in which encoding that was found; text that is cut short."""

from __future__ import annotations

import codecs
import re

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
    "cp1252": "Windows-1252",
    "mac_roman": "Mac Roman",
    "cp1251": "Windows-1251",
    "shift_jis": "Shift JIS",
    "gb18030": "GB 18030",
    "euc_kr": "EUC-KR",
}
"""The encodings that text programs still save in, where they do not save in Unicode."""


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file, and the name of its encoding; empty where the file itself makes sure of that (Unicode).

    Raises:
        UnicodeDecodeError: it is in no encoding that sora knows.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), ""
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(data, cp_isolation=list(_NAMES)).best()
        name = best.encoding if best is not None else "cp1252"
        return data.decode(name), _NAMES[name]


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


def _at_word(text: str, letters: int, breaks: str = r"[\s_/-]") -> str:
    """At most so many letters; of a word that is cut nothing, unless that leaves less than half."""
    if len(text) <= letters:
        return text
    ends = [match.start() for match in re.finditer(breaks, text[: letters + 1])]
    return text[: ends[-1] if ends and 2 * ends[-1] >= letters else letters]


def name(words: str, letters: int) -> str:
    """A name that was made of words by hyphens, of at most so many letters, cut between them."""
    return _at_word(words, letters).rstrip("-_")
