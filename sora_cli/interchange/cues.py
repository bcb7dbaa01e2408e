"""What stands on a line of its own over the words that it is of: who speaks them, or when they play."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sora_cli.interchange import spans
from sora_cli.interchange.around import Line
from sora_cli.interchange.listed import meaning
from sora_cli.interchange.outline import titled
from sora_cli.interchange.parts import cell_of

_CUE = re.compile(r"(?P<who>[^\W\d_][\w.'-]*(?: [\w.'-]+){0,2})\s*(?P<how>\([^()]{1,40}\))?\s*(?P<mark>[:\uff1a]?)")
"""A speaker alone, as scripts have one: `MARA`, `MARA (V.O.)`, `Mara:`."""
_HOW = re.compile(r"\([^()]{1,80}\)")
_QUOTES = '"\u201c\u201e\u00ab'


def cued(lines: Sequence[Line], bare: Callable[[str], str], begins: Callable[[str], bool]) -> list[Line]:
    """The lines, with what is said behind its speaker; where no shot begins in another way, words behind their time."""
    plain = [bare(line) for _, line in lines]
    other = [begins(text) for text in plain]
    times = not any(other) and sum(map(_is_time, plain)) > 1
    found: list[Line] = []
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and plain[end] and not other[end] and not _is_time(plain[end]):
            if any(other) and _speaker(plain[end], "".join(plain[end + 1 : end + 2]), plain):
                break
            end += 1
        told = _joined(plain[at], plain[at + 1 : end], plain, times=times) if not other[at] else ""
        found.append((lines[at][0], told or lines[at][1]))
        at = end if told else at + 1
    return found


def _joined(text: str, below: list[str], lines: Sequence[str], *, times: bool) -> str:
    """A speaker or a time and what stands below it as one line; empty where the line is neither."""
    if not below:
        return ""
    if times and _is_time(text):
        return f"{text.rstrip(' :')} {' '.join(below)}"
    who = "" if times else _speaker(text, below[0], lines)
    how = f" {below.pop(0)}" if len(below) > 1 and _HOW.fullmatch(below[0]) else ""
    said = " ".join(below)
    said = said if said[0] in _QUOTES else f'"{said}"'
    return f"{who}{how}: {said}" if who else ""


def _is_time(text: str) -> bool:
    """Whether a line is a time from one to another, by the clock or in seconds, and nothing else."""
    text = text.strip("()[] :")
    return bool(re.match(r"[0-9]", text)) and spans.stretch(text) is not None


def _speaker(text: str, below: str, lines: Sequence[str]) -> str:
    """Who speaks what stands below, with how; empty where the line is no speaker, or is named nowhere else."""
    match = _CUE.fullmatch(text)
    if match is None or meaning(match["who"])[0] or cell_of(match["who"]) or not below[:1].strip():
        return ""
    if below.isupper() or not (match["who"].isupper() or (match["mark"] and match["who"][0].isupper())):
        return ""
    name = re.compile(rf"(?<!\w)(?:{re.escape(match['who'])}|{re.escape(titled(match['who']))})(?!\w)")
    named = sum(len(name.findall(line)) for line in lines) > 1
    known = named or _HOW.fullmatch(below) or below[0] in _QUOTES
    return f"{match['who']} {match['how'] or ''}".strip() if known else ""
