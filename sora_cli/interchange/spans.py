"""When shots of a list play: their columns of start and end, and what of that is a length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from sora_cli.storyboard import forms
from sora_cli.storyboard.alike import SECONDS
from sora_cli.storyboard.source import quoted

HINT_TIME = "write seconds (4 or 4.5), minutes and seconds (1:05), or a timecode (00:01:05:12)"
HINT_RATE = "write the rate in a line of its own at the top, as in `FPS: 25`"
_TIMECODE = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})[:;]([0-9]{2,3})")
_SPLIT = re.compile(r"[(\uff08]?\s*([0-9]{1,3})\s*(?:秒|s)?\s*[+\uff0b]\s*([0-9]{1,2})\s*(?:コマ|k|f)?\s*[)\uff09]?")
_CLOCK = re.compile(r"(?:(?:([0-9]{1,2}):)?([0-9]{1,3}):)?([0-9]+(?:[.,][0-9]+)?)\s*" + SECONDS + "?")
_RANGE = re.compile(r"(.+?)\s*(?:-->|->|[-\N{EN DASH}\N{EM DASH}~\uff5e\u301c\u2192]|\bto\b|\bbis\b)\s*(.+)")
FRAMES = r"(?:f|fr|frames?|bilder|コマ|フレーム|帧|кадров|кадра)"
"""How languages write that a number is frames."""
_UNIT = re.compile(rf"[0-9]+(?:[.,][0-9]+)?\s*{SECONDS}|[0-9]+\s*{FRAMES}")


class Point(NamedTuple):
    """A time: so many seconds, and frames beyond them."""

    seconds: Fraction
    frames: int


def point(words: str) -> Point:
    """The time that a cell says.

    Raises:
        forms.Wrong: it says none.
    """
    plain = words.strip().lower().lstrip("@")
    if found := timecode(plain):
        return found
    if match := _CLOCK.fullmatch(plain):
        hours, minutes = (int(part or 0) for part in match.group(1, 2))
        return Point(3600 * hours + 60 * minutes + Fraction(match[3].replace(",", ".")), 0)
    raise forms.Wrong(f"{quoted(words)} is not a time", HINT_TIME)


def timecode(words: str) -> Point | None:
    """The time that a timecode says; None where words are none."""
    if match := _TIMECODE.fullmatch(words):
        hours, minutes, seconds, frames = map(int, match.groups())
        return Point(Fraction(3600 * hours + 60 * minutes + seconds), frames)
    return None


def split(words: str) -> Point | None:
    """The time that seconds and frames say, as in sheets of Japanese animation: `3+12`; None where words are none."""
    match = _SPLIT.fullmatch(words)
    return Point(Fraction(match[1]), int(match[2])) if match else None


def between(start: str, end: str, fps: Fraction | None) -> Fraction:
    """The seconds from one time to another; whole frames of timecodes count at `fps` frames a second.

    Raises:
        forms.Wrong: they are none, or the end does not come after the start.
    """
    first, last = point(start), point(end)
    frames = last.frames - first.frames
    if frames and fps is None:
        raise forms.Wrong(f"{quoted(start)} to {quoted(end)} counts frames, and nothing says at which rate", HINT_RATE)
    found = last.seconds - first.seconds + (Fraction(frames) / fps if fps else 0)
    if found <= 0:
        raise forms.Wrong(f"{quoted(end)} does not come after {quoted(start)}", "write when the shot starts and ends")
    return found


def stretch(words: str) -> tuple[str, str] | None:
    """The two times of a cell such as `0-4s` or `00:01 - 00:05`; None where there are no two."""
    match = _RANGE.fullmatch(words.strip())
    if match is None:
        return None
    try:
        point(match[1]), point(match[2])
    except forms.Wrong:
        return None
    return match[1], match[2]


def is_length(words: str) -> bool:
    """Whether a cell that may hold any kind of time says a length: it names a unit, or is seconds and frames."""
    plain = re.sub(r"^(?:[~\u2248]|about |approx\.? |ca\.? )\s*", "", words.strip().lower())
    return bool(_UNIT.fullmatch(plain) or split(words.strip()))


def is_time(words: str) -> bool:
    """Whether words say how long a shot is: a length with its unit, or from when to when."""
    return is_length(words) or stretch(words) is not None


def ends(starts: Sequence[str], given: Sequence[str]) -> Iterator[str]:
    """When each shot ends: as `given`, or where that is empty when the next one starts; empty where nothing says so."""
    for number, end in enumerate(given):
        following = starts[number + 1] if number + 1 < len(starts) else ""
        yield end or (following if starts[number] else "")
