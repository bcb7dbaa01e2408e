"""What stands on a line of its own over the words that it is of: who speaks them, or when they play."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from sora_cli.interchange import codes, spans
from sora_cli.interchange.around import Line
from sora_cli.interchange.listed import is_above, meaning
from sora_cli.interchange.outline import titled
from sora_cli.interchange.parts import cell_of

_CUE = re.compile(r"(?P<who>[^\W\d_][\w.'-]*(?: [\w.'-]+){0,2})\s*(?P<how>\([^()]{1,40}\))?\s*(?P<mark>[:\uff1a]?)")
"""A speaker alone, as scripts have one: `MARA`, `MARA (V.O.)`, `Mara:`."""
_OWNED = re.compile(r"['\N{RIGHT SINGLE QUOTATION MARK}]S\s+\w", re.IGNORECASE)
"""What belongs to somebody, and does not speak: `JON'S HOUSE`."""
_HOW = re.compile(r"\([^()]{1,80}\)")
_WORD = re.compile(r"\w[\w'-]*")
_NAMED = re.compile(
    r"(?P<name>[^\W\d_][^:()\[\]]{0,60}?)\s*(?:[-\N{EN DASH}\N{EM DASH}|]\s*)?[(\[](?P<when>[^()\[\]]{3,30})[)\]]\s*:?"
)
"""A shot's name before its time: `The beach (0-3s)`."""
_NUMBERED = 2
"""Words of the line of a shot that says its number and no more."""
_QUOTES = '"\u201c\u201e\u00ab'


def cued(
    lines: Sequence[Line],
    bare: Callable[[str], str],
    begins: Callable[[str], bool],
    label: Callable[[str], str] = lambda _: "",
) -> list[Line]:
    """The lines, with what is said behind its speaker; where no shot begins in another way, words behind their time.

    A time over lines with labels (`label` names their column) is the number of a shot.
    """
    lines = _counted(lines, bare, begins, label)
    plain = [bare(line) for _, line in lines]
    other = [begins(text) for text in plain]
    shots, names = any(other), _names(plain)
    times = not shots and sum(map(_is_time, plain)) > 1
    found: list[Line] = []
    at = 0

    def heads(place: int) -> str:
        """The speaker or the time that a line is, over the words below it; empty where it is neither."""
        below = plain[place + 1] if place + 1 < len(plain) and not other[place + 1] else ""
        if not below or other[place]:
            return ""
        if times:
            return plain[place].rstrip(" :") if _is_time(plain[place]) and not _is_time(below) else ""
        return _speaker(plain[place], below, names) if shots else ""

    def is_all(place: int, end: int) -> bool:
        """Whether capitals alone and the words below are all that a shot holds: a place, `BEACH`, and what is seen."""
        if not (place and other[place - 1] and len(_WORD.findall(_HOW.sub("", plain[place - 1]))) <= _NUMBERED):
            return False
        behind = next((at for at in range(end, len(plain)) if plain[at]), len(plain))
        marked = plain[place][-1] in ":\uff1a)" or plain[place + 1][0] in f"({_QUOTES}"
        return not marked and (behind == len(plain) or other[behind])

    while at < len(lines):
        head, end = heads(at), at + 1
        while head and end < len(lines) and plain[end] and not other[end] and not (end > at + 1 and heads(end)):
            end += 1
        head = "" if head and not times and is_all(at, end) else head
        end = end if head else at + 1
        told = (_timed if times else _said)(head, plain[at + 1 : end]) if head else lines[at][1]
        found.append((lines[at][0], told))
        at = end
    return found


def _counted(
    lines: Sequence[Line],
    bare: Callable[[str], str],
    begins: Callable[[str], bool],
    label: Callable[[str], str],
) -> Sequence[Line]:
    """The lines with `Shot 1 (0:00-0:03)` for each time over labels (`Visual: a ball`), where nothing else counts."""
    plain = [bare(line) for _, line in lines]
    labels = [bool(label(text)) for text in plain]
    times = [place for place, text in enumerate(plain) if _is_time(text)]
    named = {} if times else {place: match for place, text in enumerate(plain) if (match := _NAMED.fullmatch(text))}
    times = times or [place for place, match in named.items() if _is_time(match["when"])]
    counted = any(begins(text) and not labelled for text, labelled in zip(plain, labels, strict=True))
    first = min(times, default=0)
    above = any(labelled and not is_above(text) for text, labelled in zip(plain[:first], labels, strict=False))
    if len(times) < 2 or counted or above or not any(labels) or codes.manner(plain):
        return lines
    heads = {}
    for number, place in enumerate(times, 1):
        when = named[place]["when"] if place in named else plain[place].strip("()[] :")
        heads[place] = f"Shot {number} ({when})" + (f": {named[place]['name']}" if place in named else "")
    return [(at, heads.get(place, line)) for place, (at, line) in enumerate(lines)]


def _timed(when: str, below: list[str]) -> str:
    return f"{when} {' '.join(below)}"


def _said(who: str, below: list[str]) -> str:
    how = f" {below.pop(0)}" if len(below) > 1 and _HOW.fullmatch(below[0]) else ""
    said = " ".join(below)
    return f"{who}{how}: {said}" if said[0] in _QUOTES else f'{who}{how}: "{said}"'


def _is_time(text: str) -> bool:
    """Whether a line is a time from one to another, by the clock or in seconds, and nothing else."""
    text = text.strip("()[] :")
    return bool(re.match(r"[0-9]", text)) and spans.stretch(text) is not None


def _names(lines: Sequence[str]) -> Counter[str]:
    """How often each one to three words in a row stand in a text, of which the first begins as names do."""
    found: Counter[str] = Counter()
    for words in (_WORD.findall(line) for line in lines):
        begins = (at for at, word in enumerate(words) if word[0].isupper())
        found.update(" ".join(words[at : at + size]) for at in begins for size in (1, 2, 3) if at + size <= len(words))
    return found


def _speaker(text: str, below: str, names: Counter[str]) -> str:
    """Who speaks what stands below, with how; empty where the line is no speaker, or is named nowhere else."""
    match = _CUE.fullmatch(text)
    if match is None or meaning(match["who"])[0] or cell_of(match["who"]) or not below[:1].strip():
        return ""
    if (
        below.isupper()
        or (below[0].islower() and below[-1] not in ".!?…")
        or re.match(r"[-*\N{BULLET}]\s+\w", below)  # items: `Details:` over `- red`
        or _OWNED.search(match["who"])
        or not (match["who"].isupper() or (match["mark"] and match["who"][0].isupper()))
    ):
        return ""
    called = {" ".join(_WORD.findall(each)) for each in (match["who"], titled(match["who"]))}
    named = sum(names[each] for each in called) > 1
    known = named or _HOW.fullmatch(below) or below[0] in _QUOTES
    return f"{match['who']} {match['how'] or ''}".strip() if known else ""
