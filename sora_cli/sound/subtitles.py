"""Subtitles from the measured times of spoken words: cut into readable cues, in every format that pysubs2 writes.

Two lines of at most 42 characters, seven seconds at most, cut at sentences and clauses where that is possible, and
not gone before a second is over where there is room (BBC Subtitle Guidelines; Netflix Timed Text Style Guide).
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.media.cues import in_order
from sora_cli.media.lettering import broken, unbroken
from sora_cli.media.stream import SAMPLE_RATE, Subtitle
from sora_cli.sound.voices.base import Word

WIDTH = 42
LINES = 2
LONGEST = 7.0
SHORTEST = 1.0
TOGETHER = 0.3
"""Seconds for which two cues must be on at once to be shown so: less is a flicker."""
LINGER = 0.4
"""Seconds that a cue stays after its last word, where nothing follows at once."""


class _Piece(Struct, frozen=True):
    """What stays on one line: a word, or a part of one in a script without spaces. `apart`: a space goes before it."""

    text: str
    start: float
    end: float
    apart: bool


def cues(words: Sequence[Word], at: int, *, who: str = "") -> Iterator[Subtitle]:
    """The cues of a line whose words begin at film sample `at`. `who` goes before the first where nobody is seen."""
    part: list[_Piece] = []
    for piece in (each for word in words for each in _parted(word)):
        while part and not _fits([*part, piece], who):
            cut = _cut(part)
            yield _cue(part[:cut], at, who)
            part, who = part[cut:], ""
        part.append(piece)
    if part:
        yield _cue(part, at, who)


def _parted(word: Word) -> Iterator[_Piece]:
    """A word, in parts where its script is written without spaces; its time is shared out by their letters."""
    each = (word.end - word.start) / max(1, len(word.text))
    done = 0
    for text in unbroken(word.text, WIDTH, _columns):
        start, done = done, done + len(text)
        yield _Piece(text, word.start + start * each, word.start + done * each, apart=not start)


def _fits(part: Sequence[_Piece], who: str) -> bool:
    rows = _wrap(_said(part, who), WIDTH)
    narrow = len(part) == 1 or all(_columns(row) <= WIDTH for row in rows)  # no row breaks before `?` or `!`
    return narrow and len(rows) <= LINES and (part[-1].end - part[0].start) / SAMPLE_RATE <= LONGEST


def _said(part: Sequence[_Piece], who: str) -> str:
    text = "".join(" " * piece.apart + piece.text for piece in part)
    return (f"{who.upper()}: " if who else "") + text.strip()


def _cut(part: Sequence[_Piece]) -> int:
    """After how many pieces a full cue ends: at the last sentence or clause in its second half, else where it is."""
    for marks in (".!?…。！？", ",;:—、，；："):  # noqa: RUF001 - of Chinese and Japanese
        for at in range(len(part), len(part) // 2, -1):
            if part[at - 1].text.rstrip("\"'”’)」』）")[-1:] in set(marks):  # noqa: RUF001
                return at
    return len(part)


def _cue(part: Sequence[_Piece], at: int, who: str) -> Subtitle:
    start, end = ((at + place) / SAMPLE_RATE for place in (part[0].start, part[-1].end))
    return Subtitle(start, end, "\n".join(_balanced(_said(part, who))))


def _balanced(text: str) -> list[str]:
    """The rows of a text, of like length where two are needed."""
    rows = _wrap(text, WIDTH)
    if len(rows) != LINES:
        return rows
    half = _columns(text) // 2
    return next(found for width in range(half, WIDTH + 1 + 2 * half) if len(found := _wrap(text, width)) <= LINES)


def _wrap(text: str, width: int) -> list[str]:
    """The rows of a text, at most `width` columns wide where its words are not wider."""
    widest = max(map(_columns, unbroken(text, WIDTH, _columns)), default=0)
    return broken(text, max(1, width, widest), _columns) or []


def _columns(text: str) -> int:
    """How wide a text is: letters of Chinese, Japanese and Korean are two columns wide, marks none."""
    marks = ("Mn", "Me", "Cf")
    return sum(
        0 if unicodedata.category(letter) in marks else 1 + (unicodedata.east_asian_width(letter) in {"W", "F"})
        for letter in text
    )


def timed(found: Iterable[Subtitle], seconds: float) -> list[Subtitle]:
    """Cues in order, each staying a little where there is room, none beyond the film's end or into the next.

    Words of two who speak at once stand below each other; a cue goes a little early where the next one follows so.
    """
    ordered = sorted(found, key=lambda cue: cue.start)
    shown = []
    for cue, after in zip(ordered, [*ordered[1:], None], strict=True):
        room = min(seconds, after.start if after else seconds)
        end = max(cue.end, min(max(cue.end + LINGER, cue.start + SHORTEST), room))
        end = room if room < end < room + TOGETHER and room > cue.start else min(end, seconds)
        if end > cue.start:
            shown.append(replace(cue, end=end))
    return [*in_order(shown, seconds)]


def written(found: Sequence[Subtitle], kind: str) -> str:
    """The text of a subtitle file: `srt` or `vtt`."""
    import pysubs2

    file = pysubs2.SSAFile()
    for cue in found:
        # Braces hold styles in pysubs2, and angle brackets tags in WebVTT.
        text = cue.text.replace("{", "(").replace("}", ")").replace("\n", r"\N")
        text = html.escape(text, quote=False) if kind == "vtt" else text
        file.append(pysubs2.SSAEvent(round(cue.start * 1000), round(cue.end * 1000), text))
    return file.to_string(kind)
