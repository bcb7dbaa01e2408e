"""Subtitles from the measured times of spoken words: cut into readable cues, in every format that pysubs2 writes.

Two lines of at most 42 characters, seven seconds at most, cut at sentences and clauses where that is possible, and
not gone before a second is over where there is room (BBC Subtitle Guidelines; Netflix Timed Text Style Guide).
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from sora_cli.media.stream import SAMPLE_RATE, Subtitle
from sora_cli.sound.voices.base import Word

WIDTH = 42
LINES = 2
LONGEST = 7.0
SHORTEST = 1.0
LINGER = 0.4
"""Seconds that a cue stays after its last word, where nothing follows at once."""


def cues(words: Sequence[Word], at: int, *, who: str = "") -> Iterator[Subtitle]:
    """The cues of a line whose words begin at film sample `at`. `who` goes before the first where nobody is seen."""
    part: list[Word] = []
    for word in words:
        if part and not _fits([*part, word], who):
            cut = _cut(part)
            yield _cue(part[:cut], at, who)
            part, who = part[cut:], ""
        part.append(word)
    if part:
        yield _cue(part, at, who)


def _fits(part: Sequence[Word], who: str) -> bool:
    text = _said(part, who)
    rows = textwrap.wrap(text, WIDTH, break_long_words=False)
    return len(rows) <= LINES and (part[-1].end - part[0].start) / SAMPLE_RATE <= LONGEST


def _said(part: Sequence[Word], who: str) -> str:
    return (f"{who.upper()}: " if who else "") + " ".join(word.text for word in part)


def _cut(part: Sequence[Word]) -> int:
    """After how many words a full cue ends: at the last sentence or clause in its second half, else where it is."""
    for marks in (".!?…", ",;:—"):
        for at in range(len(part), len(part) // 2, -1):
            if part[at - 1].text.rstrip("\"'”’)")[-1:] in set(marks):
                return at
    return len(part)


def _cue(part: Sequence[Word], at: int, who: str) -> Subtitle:
    start, end = ((at + place) / SAMPLE_RATE for place in (part[0].start, part[-1].end))
    rows = textwrap.wrap(_said(part, who), WIDTH, break_long_words=False) or [""]
    return Subtitle(start, end, "\n".join(_balanced(rows)))


def _balanced(rows: Sequence[str]) -> list[str]:
    """Two rows of like length, where two are needed."""
    if len(rows) != LINES:
        return list(rows)
    text = " ".join(rows)
    width = next(width for width in range(len(text) // 2, WIDTH + len(text)) if len(_wrap(text, width)) <= LINES)
    return _wrap(text, width)


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(1, width), break_long_words=False)


def timed(found: Iterable[Subtitle], seconds: float) -> list[Subtitle]:
    """Cues in order, each staying a little where there is room, none beyond the film's end or into the next."""
    ordered = sorted(found, key=lambda cue: cue.start)
    shown = []
    for cue, after in zip(ordered, [*ordered[1:], None], strict=True):
        room = min(seconds, after.start if after else seconds)
        end = max(cue.end, min(max(cue.end + LINGER, cue.start + SHORTEST), room))
        if (end := min(end, seconds)) > cue.start:
            shown.append(replace(cue, end=end))
    return shown


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
