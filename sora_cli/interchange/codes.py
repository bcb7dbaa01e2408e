"""Shots that are called by a code, a bare number or their place: `#1 a ball`, `S1:`, `SC01_SH010:`, `1A.`, `Opening:`.

And those that are called by nothing: a prompt in each line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sora_cli.interchange import spans
from sora_cli.interchange.headings import BRACKET, HEAD, MARK
from sora_cli.interchange.listed import is_above
from sora_cli.interchange.outline import SourceText

_KEYCAP = "\ufe0f?\u20e3"
_PLACED = (
    "hook|body|features?|benefits?|results?|pay-?off|before|after|tagline|end card|wrap-?up|close"
    "|problem|solution|demo|proof|offer|cta|call to action"
    "|opening|intro(?:duction)?|establishing|set-?up|build-?up|beginning|start|middle|main|climax|twist|reveal|outro"
    "|ending|end|closing|conclusion|resolution|finale?|first|second|third|fourth|fifth|sixth|next|last"
)
_SCENE = r"(?P<scene>(?:SCN?|SQ|SEQ|S|EP?)[ _.-]?[0-9]{1,4}[A-Z]?)[ _./,|-]{0,3}"
_OF_SCENE = rf"(?i:(?P<shot>{_SCENE}(?:SHT?|SHOT|S|C|CUT|P)[ _.-]?[0-9]{{1,5}}[A-Z]?))"
_BY_PLACE = rf"(?i:(?P<shot>(?:{_PLACED})(?: (?:shot|scene|clip|frame|image|beat|video))?))"
_MANNERS = (
    _OF_SCENE + r"(?:{mark}|\s+|$)",
    r"(?i:(?P<shot>(?:SHT?|VID|IMG|PIC|KF|CLIP|CUT)[ _.-]?[0-9]{1,5}[A-Z]?))(?:{mark}|\s+|$)",
    r"#\s?(?P<shot>[0-9]{1,4}[A-Za-e]?)(?:{mark}|\s+|$)",
    r"[\[(\u3010](?P<shot>[0-9]{1,4}[A-Za-e]?)[\])\u3011](?:{mark}|\s*|$)",
    rf"(?P<shot>[0-9]{{1,2}}(?={_KEYCAP})|[\u2460-\u2473])(?:{_KEYCAP})?(?:{{mark}}|\s*|$)",
    r"(?P<shot>[A-Z]{1,2}[ _.-]?[0-9]{1,4}[A-Z]?)(?:{mark}|$)",
    _BY_PLACE + r"(?=\s*(?:[(\[:]|[-\u2013\u2014]\s)){ended}",
    r"(?P<shot>[0-9]{1,4}[A-Za-e]?)(?:{mark}|\)\s+)",
)
"""How codes are written, the surest first; `{mark}` stands between a code and its words, `{ended}` also at its end."""
_ASIDE = BRACKET.replace("([^", "(?P<time>[^", 1)
_ENDED = f"{_ASIDE}(?:{MARK}|$)"
_PATTERNS = tuple(
    re.compile(f"{manner.replace('{mark}', _ASIDE + MARK).replace('{ended}', _ENDED)}(?P<words>.*)")
    for manner in _MANNERS
)


def manner(lines: Sequence[str]) -> re.Pattern[str] | None:
    """What finds the lines of a text that begin a shot by its code; None where no two do in one way, each its own.

    Bare numbers before headings of scenes are the scenes' own, as scripts have them.
    """
    for pattern in _PATTERNS:
        found = [match for match in map(pattern.fullmatch, lines) if match]
        codes = {(match.groupdict().get("scene"), match["shot"]) for match in found}
        scenes = pattern is _PATTERNS[-1] and any(HEAD.match(match["words"]) for match in found)
        if len(found) > 1 and len(codes) == len(found) and not scenes:
            return pattern
    return None


_COMMANDS = re.compile(r"\[(/\w[^\[\]]*)\]")
"""What Wan2GP's prompts tell of their stretch: `[/duration=5s,/new_shot]`."""
_FORCED = ".@>~=#["
"""What lines of Fountain begin with that are not what they look like."""
_STOPS = ".!?\u2026\u3002\uff01\uff1f"
OPEN = re.compile(
    r".*\b(?:an?|the|and|or|of|to|in|on|at|by|for|from|with|that|which|who|is|are|as|his|her|its|their|into),?"
)
"""A line that goes on in the next one."""
_WIDE = 55
"""Letters from which on a line of a text may have been broken for its width."""


def as_prompts(page: SourceText) -> SourceText | None:
    """The text as a list of prompts, each line an item; None where its lines may be prose or a script.

    Prose has paragraphs that end with a stop, or lines that are broken where they are as wide as a page.
    """
    lines = [line.strip() for line in page.lines]
    filled = [line for line in lines if line]
    plain = all(not line.isupper() and line[0] not in _FORCED and len(line.split()) > 1 for line in filled)
    if len(filled) < 2 or not plain or any(HEAD.match(line) for line in filled):
        return None
    apart = len("\n".join(lines).strip().split("\n\n")) > 1
    ended = sum(line[-1] in _STOPS for line in filled)
    wide = sum(_WIDE < len(line) < 2 * _WIDE for line in filled)
    broken = not apart and ended < len(filled) and (2 * wide > len(filled) or any(map(OPEN.fullmatch, filled)))
    if broken or (apart and ended):
        return None
    order = sorted(range(len(lines)), key=lambda place: not is_above(lines[place]))  # what holds for all stands above
    items = [lines[place] if is_above(lines[place]) else f"- {lines[place]}" if lines[place] else "" for place in order]
    return SourceText(page.name, "\n".join(items), (page, tuple(place + 1 for place in order)))


def parted_lines(lines: Sequence[str]) -> list[tuple[int, str]]:
    """The lines with their numbers; prompts between bars of the only one, and those for Wan2GP, as items of a list."""
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    parts = re.split(r"\s\|\s", filled[0][1].strip(" |")) if len(filled) == 1 else []
    if len(parts) > 1 and all(len(part.split()) > 1 and not spans.is_length(part) for part in parts):
        return [(filled[0][0], f"- {part}") for part in parts]
    if not any(_COMMANDS.search(line) for _, line in filled):
        return list(enumerate(lines, 1))
    found: list[tuple[int, str, str]] = []
    for number, line in filled:
        commands = ",".join(match[1] for match in _COMMANDS.finditer(line))
        words = " ".join(_COMMANDS.sub(" ", line).split())
        if found and (not found[-1][1] or not (commands or not lines[number - 2].strip())):
            first, before, kept = found.pop()
            found.append((first, f"{before} {words}".strip(), ",".join(filter(None, (kept, commands)))))
        else:
            found.append((number, words, commands))
    return [(number, line) for number, words, commands in found for line in (f"- {words}", *_ordered(commands))]


def _ordered(commands: str) -> Iterator[str]:
    """The commands to Wan2GP as lines with their column's name; a length without a unit is frames there."""
    for command in filter(None, (each.strip() for each in commands.split(","))):
        name, _, value = command.partition("=")
        length = f"{value}f" if value.isdecimal() else value
        yield f"Duration: {length}" if name == "/duration" else f"Notes: {command}"
