"""The short forms of the language: `4s`, `256x160`, `dissolve 0.5s`, `16:9`, and text that is fit to be text.

Each function takes a written value and gives what it means, or raises `Wrong`. All arithmetic is exact.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Literal, TypeVar

from sora_cli.spelling import composed
from sora_cli.storyboard.alike import called
from sora_cli.storyboard.model import LEAST_OPACITY, Duration, Transition
from sora_cli.storyboard.sound import SpokenLength
from sora_cli.storyboard.source import quoted
from sora_cli.terms import names
from sora_cli.texts import nearest, shortened

Word = TypeVar("Word", bound=str)

MAX_SECONDS = 3600
MAX_TEXT, MAX_PHRASE = 20_000, 2_000

FRAMINGS = names("framing")
TRANSITIONS = ("cut", "dissolve", "fade", "wipe")
DIRECTIONS = ("left", "right", "up", "down")

NONE = ("no", "none")
"""What people write for `off`; YAML 1.2 reads both as words."""

NUMBER = r"[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12}"
_CLOCK = r"(?:([0-9]{1,2}):)?([0-9]{1,4}):([0-9]{2}(?:\.[0-9]{1,12})?)"
_SPANS = rf"(?:({NUMBER})\s*(?:m|mins?|minutes?)\s*)?(?:({NUMBER})\s*(?:s|secs?|seconds?)?)?"
_SMALL = rf"({NUMBER})\s*(?:(f|frames?)|ms|milliseconds?)"
TIME_PATTERN = rf"^\s*(?=[0-9.])(?:{_CLOCK}|{_SMALL}|{_SPANS})\s*$"
"""A length of time, in the words that JSON Schema's patterns share with Python's."""
_TIME = re.compile(TIME_PATTERN)
SPAN_PATTERN = r"^\s*([0-9:.]*:[0-9.]+)\s*(?:-|\u2013|\u2014|to)\s*([0-9:.]*:[0-9.]+)\s*$"
"""From one time by the clock to another."""
_BETWEEN = re.compile(SPAN_PATTERN)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that no font draws
_NTSC = {Fraction("23.976"): 24, Fraction("23.98"): 24, Fraction("29.97"): 30, Fraction("59.94"): 60}
_NTSC |= {Fraction("47.952"): 48, Fraction("47.95"): 48, Fraction("119.88"): 120}


class Wrong(Exception):
    """A value cannot be read: what is wrong, and what to write instead."""

    def __init__(self, message: str, hint: str = "", like: str = "") -> None:
        """`like` is what the value surely means, as it is to be written."""
        super().__init__(message)
        self.message, self.hint, self.like = message, hint, like


def written(value: object) -> str:
    """A number or a word as it stands in the file."""
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "written", value))


def kind(value: object) -> str:
    """What a value is, in a person's words."""
    kinds = ((type(None), "nothing"), (bool, "true or false"), ((int, float), "a number"), (str, "text"))
    return next((word for types, word in kinds if isinstance(value, types)), _collection(value))


def _collection(value: object) -> str:
    return "a mapping" if isinstance(value, dict) else "a list"


def expected(what: str, value: object, hint: str = "") -> Wrong:
    """The error of a value that is of the wrong type."""
    if value is None:
        return Wrong(f"no value is written here; it takes {what}", hint or "write one, or remove the line")
    if isinstance(value, (dict, list)):
        return Wrong(f"this must be {what}, not {kind(value)}", hint or as_text(value))
    return Wrong(f"{quoted(written(value))} is not {what}", hint)


def as_text(value: object) -> str:
    """What to write in place of a list, of a mapping that a colon made, or of a word that YAML reads otherwise."""
    if isinstance(value, dict):
        return "a text with `: ` or { } in it needs quotes"
    if not isinstance(value, list):
        return f'if it is meant as text, write "{written(value)}"'
    if not value:
        return ""
    words = ", ".join(written(item) for item in value if not isinstance(item, (dict, list)))
    return f'write it as one text: "{shortened(words, 60)}"' if words else "write one of them"


def text(value: object) -> str:
    """Text: not empty, no control characters, at most 20,000 characters."""
    if not isinstance(value, str):
        is_plain = isinstance(value, (bool, int, float))
        raise expected("text", value, as_text(value) if is_plain else "")
    if not value.strip():
        raise Wrong("this text is empty", "write something, or remove the line")
    if len(value) > MAX_TEXT:
        raise Wrong(f"a text has at most {MAX_TEXT:,} characters; this one has {len(value):,}")
    if re.search("[\udc80-\udcff]", value):  # as Python has the bytes of a name that are no UTF-8
        raise Wrong(f"{quoted(value)} is not UTF-8", "rename the file, or write the words in UTF-8")
    value = value.replace("\r\n", "\n").replace("\r", "\n")  # JSON and lists that were written on Windows have these
    if control := _UNPRINTABLE.search(value):
        raise Wrong(
            f"a control character (U+{ord(control[0]):04X}) in the text",
            "take it out; in double quotes a backslash is written twice",
        )
    return value.strip()


def phrase(value: object) -> str:
    """Text that is handed down to every beat: at most 2,000 characters."""
    words = text(value)
    if len(words) > MAX_PHRASE:
        raise Wrong(f"this has at most {MAX_PHRASE:,} characters; it has {len(words):,}")
    return words


def label(value: object) -> str:
    """A name or a title: text of one line; a number is taken as it is written."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = written(value)
    words = text(value)
    if re.search("[\n\t\x85\u2028\u2029]", words):
        raise Wrong("this must be one line")
    return words


def title_text(value: object) -> str:
    """The words of a title card, of one line or several; a number is taken as it is written."""
    return text(value) if isinstance(value, (str, bool)) else label(value)


def mark_text(value: object) -> str:
    """The words of a mark: one line, with something in it that can be seen."""
    words = label(value)
    if not any(unicodedata.category(letter)[0] in "LNPS" and letter not in _BLANK for letter in words):
        raise Wrong("nothing in this text can be seen", "write words, or `watermark: off` for no mark")
    return words


def name(value: object) -> str:
    """What a scene or a shot is called: one line of at most 80 characters, without slashes."""
    words = composed(label(value))
    if len(words) > 80:
        raise Wrong("a name has at most 80 characters")
    if slash := re.search(r"[/\\]", words):
        raise Wrong(f"a name cannot have {quoted(slash[0])} in it", "clips and pictures are named after it")
    if words in ("previous", "nothing"):
        raise Wrong(f"{quoted(words)} cannot be a name", f"`from: {words}` has a meaning of its own")
    return words


def word(known: Sequence[Word], what: str) -> Callable[[object], Word]:
    """A reader of one of the `known` words; `what` says what they are."""
    choices = f"one of {', '.join(known)}" if len(known) > 1 else f"write {known[0]}"

    def read(value: object) -> Word:
        if not isinstance(value, str):
            raise expected(what, value, choices)
        if value not in known:
            sure = called(value, known)
            near = sure or nearest(value, known, cutoff=0.5)
            hint = f"did you mean {quoted(near)}? " if near else ""
            raise Wrong(f"{quoted(value)} is not {what}", f"{hint}{choices}", sure)
        return known[known.index(value)]

    return read


def whole(least: int, most: int) -> Callable[[object], int]:
    """A reader of whole numbers from `least` to `most`."""
    span = f"a whole number from {least} to {most}"

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,40}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise expected("a whole number", value, span)
        if not least <= value <= most:
            raise Wrong(f"{quoted(written(value))} is out of range", span)
        return int(value)

    return read


def number(least: float, most: float, what: str = "a number") -> Callable[[object], float]:
    """A reader of numbers from `least` to `most`."""
    span = f"from {least:.12g} to {most:.12g}"

    def read(value: object) -> float:
        if isinstance(value, str) and re.fullmatch(rf"[-+]?(?:{NUMBER})", value.strip()):
            value = float(value.strip())
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise expected(what, value, span)
        if not least <= value <= most:
            raise Wrong(f"{quoted(written(value))} is out of range", f"{what} {span}")
        return float(value)

    return read


def opacity(value: object) -> float:
    """How opaque a mark is, up to 1; one that is too faint to be seen is none."""
    given = number(0, 1)(value)
    if given < LEAST_OPACITY:
        message = f"{quoted(written(value))}: a mark this faint counts as none"
        raise Wrong(message, f"from {LEAST_OPACITY:g} to 1; for no mark, write `watermark: off`")
    return given


def length(value: object) -> Duration | SpokenLength:
    """A duration; or `spoken`, as long as what is said."""
    return SpokenLength() if value == "spoken" else duration(value)


def duration(value: object) -> Duration:
    """A length above nothing and of at most an hour: `4s`, `20 seconds`, `1m30s`, `0:20`, `48f`, or a bare number.

    From one time by the clock to another, `0:04-0:08`, is as long as what lies between them.
    """
    span = _BETWEEN.fullmatch(value.strip()) if isinstance(value, str) else None
    if span:
        begin, end = (time(each).at(Fraction(1)) for each in span.groups())
        if end <= begin:
            raise Wrong(f"{quoted(value)} ends before it begins", "write how long it is, `4s`")
        return Duration(seconds=end - begin)
    length = time(value)
    if not (length.frames or length.seconds):
        raise Wrong("a length must be above 0", "leave it out for the default")
    return length


def time(value: object) -> Duration:
    """A time from 0 to an hour, in the forms of a duration."""
    hint = "write 4s, 1500ms, 48f (frames) or a number of seconds"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise expected("a length of time", value, hint)
    words = written(value).strip().lower()
    if words.startswith("-"):
        raise Wrong(f"{quoted(written(value))}: a length of time cannot be negative", hint)
    match = _TIME.fullmatch(words)
    if match is None:
        raise Wrong(f"{quoted(written(value))} is not a length of time", hint)
    small, frames = match[4], match[5]
    if not small:
        return _within(_by_the_clock(match[1], match[2] or match[6], match[3] or match[7]))
    if not frames:
        return _within(Duration(seconds=Fraction(small) / 1000))
    if Fraction(small).denominator != 1:
        raise Wrong(f"{quoted(written(value))}: frames are whole", hint)
    return _within(Duration(frames=int(Fraction(small))))


@lru_cache(maxsize=256)  # most shots of a long film have one of a few lengths
def _by_the_clock(*parts: str | None) -> Duration:
    """Hours, minutes and seconds, each where it is written."""
    hours, minutes, seconds = (Fraction(part or 0) for part in parts)
    return Duration(seconds=3600 * hours + 60 * minutes + seconds)


def _within(length: Duration) -> Duration:
    if length.at(Fraction(1000)) > MAX_SECONDS or (length.frames or 0) > MAX_SECONDS * 60:
        raise Wrong("longer than an hour", "a shot lasts seconds, not minutes")
    return length


def moment(value: object) -> Duration | Literal["start", "end"]:
    """Where in a shot: `start`, `end`, or a time from its start."""
    if value == "start":
        return "start"
    if value == "end":
        return "end"
    if isinstance(value, str) and value[:1].isalpha():
        raise Wrong(f"{quoted(value)} is not a place in a shot", "write start, end or a time such as 1.5s")
    return time(value)


def rate(value: object) -> Fraction:
    """Frames a second, from 1 to 240: a whole number, `30000/1001`, or `23.976` and its kin, read as 24000/1001."""
    hint = "write 24, 23.976 or 30000/1001"
    ratio = re.fullmatch(rf"({NUMBER})(?:\s*/\s*([0-9]{{1,6}}))?(?:\s*fps)?", written(value).strip())
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or ratio is None:
        raise expected("a frame rate", value, hint)
    if ratio[2] and not int(ratio[2]):
        raise Wrong(f"{quoted(value)} divides by 0", hint)
    fps = Fraction(ratio[1]) / int(ratio[2] or 1)
    if not 1 <= fps <= 240:
        raise Wrong(f"{quoted(written(value))} is out of range", "from 1 to 240 frames a second")
    return Fraction(_NTSC[fps] * 1000, 1001) if fps in _NTSC else fps.limit_denominator(100_000)


def transition(value: object) -> Transition:
    """`cut`, `dissolve 0.5s`, `fade 1s`, `wipe left 0.5s`; half a second and `left` where they are not written."""
    hint = "write cut, dissolve 0.5s, fade 1s or wipe left 0.5s"
    if not isinstance(value, str):
        raise expected("a transition", value, hint)
    first, *rest = value.split() or [""]
    if first in ("cut", "off", *NONE) and not rest:
        return Transition()
    way, told = "left", f"{quoted(value)} is not a transition"
    try:
        style = word(TRANSITIONS, "a transition")(first)
    except Wrong as wrong:
        raise Wrong(told, wrong.hint if wrong.hint.startswith("did you mean") else hint) from None
    if style != "wipe" and rest and not re.match(r"[-.]?[0-9]", rest[0]):
        raise Wrong(told, hint)
    if style == "wipe" and rest and not rest[0][0].isdigit():
        way = word(DIRECTIONS, "a direction")(rest.pop(0))
    if len(rest) > 2 or (style == "cut" and rest):
        raise Wrong(told, hint)
    return as_transition(style, duration(" ".join(rest)) if rest else None, way)


def as_transition(style: str, length: Duration | None, way: str) -> Transition:
    """The transition of these words, which are known to be right."""
    if style == "cut":
        return Transition()
    length = length or Duration(seconds=Fraction(1, 2))
    return Transition(style, length, way)  # type: ignore[arg-type]  # `word` has checked both


def switch(value: object) -> bool:
    """Yes or no, in the words of YAML 1.1: `off` and `no` are plain words in YAML 1.2."""
    found = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}.get(str(value).lower())
    if found is None:
        raise expected("on or off", value, "" if isinstance(value, (dict, list)) else "write on or off")
    return found


def off(value: object) -> str:
    """`off`, as YAML's false is read."""
    if value is not False:
        raise Wrong("`true` means nothing here", "write what it should be, or off")
    return "off"


def speed(value: object) -> Fraction:
    """How fast a shot plays, from 0.25 (four times as slow) to 4; exact."""
    number(0.25, 4, "a speed")(value)
    return Fraction(written(value)).limit_denominator(1000)


def version(value: object) -> int:
    """The format's version: 1 is all there is."""
    if isinstance(value, (dict, list)):
        told = "its keys stand at the left edge: take the line `storyboard:` out, and the blanks before them"
        raise Wrong("this must be the format's version, 1", told)
    if isinstance(value, bool) or value not in (1, "1", 1.0, "1.0"):
        raise Wrong(f"this sora reads storyboards of version 1, not {quoted(written(value))}", "write `storyboard: 1`")
    return 1


def single(value: object) -> object:
    """Text, a number or a switch."""
    if isinstance(value, (dict, list)):
        raise expected("text, a number, true or false", value)
    return bare(value)


def bare(value: object) -> object:
    """A value as plain Python's own, without the memory of how it was written."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [bare(inner) for inner in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else value
