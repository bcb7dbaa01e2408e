"""Lines of notes without the marks around them; and shots that stand in one line, each in its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise

from sora_cli.interchange.around import Line
from sora_cli.interchange.headings import BRACKET, MARK, NUMBER, SCENE, called

NAMES = called(
    "shot", "clip", "video", "panel", "frame", "segment", "beat", "prompt", "(?:video|image|shot) prompt", "image",
    "keyframe", "step", "take", "cut", "镜", "bild", "aufnahme", "tomada", "ripresa",
)  # fmt: skip
SHOT = re.compile(
    rf"(?:(?:{called('scene')}){NUMBER}(?:{MARK}|\s*[,/|]\s*|\s+))?(?:{NAMES}){NUMBER}{BRACKET}"
    rf"(?:(?:{MARK}|\s*[,\uff0c|\t]\s*)(.*)|$)",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(
    rf"[(\[\u3010]\s*((?:{NAMES}){NUMBER})\s*[)\]\u3011]\s*[-:.\uff1a\N{{EN DASH}}\N{{EM DASH}}]?\s*", re.IGNORECASE
)
_ORDINAL = re.compile(rf"第\s*([0-9]{{1,4}}|[一二三四五六七八九十]{{1,3}})\s*个?({NAMES}|{called('scene')})")
_SECONDS = re.compile(
    r"^((?:[-*+\u2022]\s+)?[\[(]?)(?:seconds?|secs?\.?|sekunden?|secondes?|segundos?)\s*"
    r"([0-9]+(?:\.[0-9]+)?)\s*(?:[-\N{EN DASH}\N{EM DASH}]|to|bis)\s*([0-9]+(?:\.[0-9]+)?)(?=\W)",
    re.IGNORECASE,
)
"""Times behind their unit: `Seconds 0-4: a ball rolls`."""
_EMOJI = re.compile(
    "^((?:[-*+\u2022]\\s+|[0-9]{1,3}[.)]\\s+)?)(?:[\u2190-\u21ff\u2300-\u23ff\u25a0-\u260f\u2612-\u2712\u2714-\u27bf\u2b00-\u2bff"
    "\U0001f000-\U0001faff][\ufe0f\u200d]*)+\\s*"
)
"""Pictures that chats begin lines with, behind the mark of an item."""
_SLANTED = re.compile(r"(?<!\S)[*_]([^*_:\uff1a]{1,40}[:\uff1a])[*_](?=\s|$)")
_ASLANT_HEAD = re.compile(r"^([-*+]\s+)?([*_])(\w[^*_]{1,60})\2(?=\s*(?:[:\uff1a\N{EN DASH}\N{EM DASH}-]|$))")
"""The head of a shot aslant: `*Shot 1 (4s)*: a ball rolls`."""
_ASLANT = re.compile(r"(?<!\S)[*_]([(\[][^*_()\[\]]{1,40}[)\]])[*_](?=\s|[.,;]|$)")
"""What stands in brackets aslant: `a ball rolls *(4s)*`."""
_BOX = re.compile(r"^([-*+]\s+)\[[ xX]\]\s+")
"""What is to be ticked: `- [ ] a ball rolls`."""
_MARKED = re.compile(r"^[-*+\N{BULLET}\N{EN DASH}\u2610\u2611\u2713]\s+")
_SCENE_NAMES = called("scene")
_HEAD = (
    rf"(?:(?P<of>(?:{_SCENE_NAMES})\s*[0-9]{{1,2}})\s*[,/|]?\s*)?"
    rf"(?P<name>{NAMES}|{_SCENE_NAMES})\s*(?P<number>[0-9]{{1,2}})"
)
_FIRST = re.compile(rf"\W*{_HEAD}(?!\w)", re.IGNORECASE)
_WITHIN = re.compile(
    rf"(?:(?<=[.!?;,|)\]])|(?<=[.!?]['\"\u201d])|(?<=\u3002))\s*"
    rf"(?P<whole>{_HEAD}\s*(?:[(\[\uff08][^()\[\]]{{1,30}}[)\]\uff09]\s*)?[:.\uff1a\u2013\u2014-])",
    re.IGNORECASE,
)
"""Where a shot or a scene begins within a line: `Shot 1: a ball rolls. Shot 2: it stops.`"""
_PICTURE = r"(?:image|picture|photo|img)"
_PICTURED = re.compile(
    rf"\W*{_PICTURE}\s*1\s*[:.\u2013-].*\b{_PICTURE}\s*[0-9]\s*[:.\u2013-][^\n]*?[.!?\n]\s*(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_TOGETHER = re.compile(
    rf"(?:both(?! (?:images|shots|pictures|clips))|together|combine|merge|blend|all (?:of them|two|three|four))\b"
    rf"|.*\b(?:from|of|in|with|into|and|on) {_PICTURE}s? ?[0-9]\b",
    re.IGNORECASE | re.DOTALL,
)

_LONGEST = 2000
"""Letters of a text that is looked at as one prompt: patterns would take their time with more."""

SECTION = re.compile(r"(?:cinematography|camera and lighting|technical details|shot details)\s*:", re.IGNORECASE)
"""What stands on a line of its own over lines with labels, and says nothing."""
_PART = re.compile(
    r"(?:actions?|action beats|dialogue|camera|lighting(?: (?:\+|&|and) palette)?|background sounds?|sounds?)\s*:",
    re.IGNORECASE,
)
"""What a prompt for one clip has on lines of its own."""


def bare(line: str) -> str:
    """A line without the marks of Markdown about it, and with the number of a shot behind its word."""
    plain = re.sub(r"^(?:#(?![0-9])|[>\s])+|\*\*|__", "", line).strip()
    plain = _ASLANT_HEAD.sub(lambda head: f"{head[1] or ''}{head[3]}", plain)
    plain = _BOX.sub(r"\1", _ASLANT.sub(r"\1", _SLANTED.sub(r"\1", _EMOJI.sub(r"\1", plain))))
    plain = _SECONDS.sub(r"\1\2s-\3s", plain, count=1)
    plain = _IN_BRACKETS.sub(r"\1: ", _ORDINAL.sub(r"\2\1", plain, count=1), count=1)
    return _numbered(plain)


def _numbered(text: str) -> str:
    """A shot's line without the mark of an item before it, and with the digits that all languages have."""
    words = _MARKED.sub("", text, count=1)
    words = words if words.isascii() else "".join(str(unicodedata.decimal(each, each)) for each in words)
    return words if SHOT.fullmatch(words) or SCENE.fullmatch(words) else text


def apart(lines: Sequence[Line]) -> list[Line]:
    """The lines, where several shots stand in one that counts them, each in its own."""
    return [(number, part) for number, line in lines for part in _parts(line)]


def _parts(line: str) -> list[str]:
    first = _FIRST.match(line)
    if first is None:
        return [line]
    heads = [first, *_WITHIN.finditer(line, first.end())]
    alike = [head for head in heads if head["name"].casefold() == first["name"].casefold()]
    counted = next((each for each in (heads, alike) if len(each) > 1 and _counts(each)), [first])
    places = [0, *(head.start("whole") for head in counted[1:]), len(line)]
    return [line[start:end].strip() for start, end in pairwise(places)]


def _counts(heads: Sequence[re.Match[str]]) -> bool:
    """Whether scenes and shots are numbered in order; shots may begin anew in a scene."""
    scene, shot, of, anew, names = 0, 0, "", True, set[str]()
    for head in heads:
        number = int(head["number"])
        if re.fullmatch(_SCENE_NAMES, head["name"], re.IGNORECASE):
            if scene and number != scene + 1:
                return False
            scene, anew = number, True
            continue
        within = (head["of"] or of).casefold()
        anew = anew or within != of
        if number != shot + 1 and not (anew and (number == 1 or not shot)):
            return False
        shot, of, anew = number, within, False
        names.add(head["name"].casefold())
    return len(names) < 2


def of_pictures(text: str) -> bool:
    """Whether a text is one prompt that puts pictures together: `Image 1: a cat. Image 2: a dog. Both run.`."""
    match = _PICTURED.fullmatch(text.strip()) if len(text) < _LONGEST else None
    return match is not None and _TOGETHER.match(match["rest"]) is not None


def one_shot(lines: Sequence[Line], begins: Callable[[str], bool]) -> list[Line]:
    """The lines; of one prompt a shot's: it puts pictures together, or has parts that makers of models advise."""
    if lines and of_pictures("\n".join(line for _, line in lines)):
        parts = [line.strip() for _, line in lines if line.strip()]
        return [(lines[0][0], " ".join(["Shot 1:", *(part + "." * part[-1].isalnum() for part in parts)]))]
    filled = [(number, bare(line)) for number, line in lines if line.strip()]
    heads = {text.casefold() for _, text in filled if SECTION.fullmatch(text) or _PART.fullmatch(text)}
    counted = any(SHOT.fullmatch(text) or SCENE.fullmatch(text) for _, text in filled)
    if len(heads) < 2 or counted or begins(filled[0][1]) or SECTION.fullmatch(filled[0][1]):
        return [*lines]
    first = filled[0][0]
    return [(number, f"Shot 1: {bare(line)}" if number == first else line) for number, line in lines]
