"""What stands among the words of a shot and is a cell of its own: `Wide - a ball rolls. Camera: static. (4s)`."""

from __future__ import annotations

import re

from sora_cli import terms
from sora_cli.interchange import spans, words
from sora_cli.interchange.listed import meaning
from sora_cli.interchange.said import MARKS, OFF

_DASH = r"-\N{EN DASH}\N{EM DASH}|"
_BRACKETED = r"[(\[\uff08]([^()\[\]\uff08\uff09]{1,30})[)\]\uff09]"
_BEHIND = re.compile(
    rf"(.*\S)\s*(?:{_BRACKETED}|\s[{_DASH}]\s*([0-9][^-()\[\]]{{0,20}})|(?:[,\uff0c\u3001]\s*|\.\s+)([0-9][0-9.,]*\s*[^\W\d]+\.?))[.\u3002]?",
    re.DOTALL,
)
"""A length behind the words: `a ball rolls (4s)`, `a ball rolls - 4s`, `a ball rolls, 4s`."""
_SAID = re.compile(
    r"(.*\S)\s*[*_(\[\uff08]*\b(?:duration|length|dauer|länge|durée|duración|durata|时长)\s*[:\uff1a]\s*([^:]{1,20}?)"
    r"[*_)\]\uff09]*\.?",
    re.IGNORECASE | re.DOTALL,
)
"""A length behind its words, after its name: `a ball rolls. *Duration: 4 seconds*`."""
_ASIDE = re.compile(
    r"(?:(?<=[.;,!?|])|^)\s*(?P<name>[^\W\d_][\w/ ]{1,24}?)\s*[:\uff1a]\s*(?P<cell>(?:[^.;:|]|[.:](?=[0-9]))+?)\s*"
    r"(?:[.;|](?=\s|$)|,(?=\s+[^\W\d_][\w/ ]{1,24}:)|$)"
)
"""A column's name and its cell inside the words of a shot: `a ball rolls. Camera: static.`"""
_ASIDES = {"move", "light", "size", "angle", "lens", "sound", "duration", "transition"}
_FIRST = re.compile(rf"(.{{1,40}}?)(?:\s+[{_DASH}]\s+|\s*\|\s*|\.\s+)(\S.*)", re.DOTALL)
_LAST = re.compile(rf"(.*\S)(?:\s+[{_DASH}]\s+|\s*\|\s*)(.{{1,40}})", re.DOTALL)
"""The first and the last of the parts between bars and dashes: `Wide | a ball rolls | 4s`."""
_HEADED = re.compile(rf"([^:\uff1a()\[\]]{{2,40}}?)\s*(?:{_BRACKETED})?\s*[:\uff1a]\s*(\S.*)", re.DOTALL)
"""What stands before the words and a colon: `Close-up (3s): a cube falls`."""
_PLAIN = {"three", "group", "head", "over", "reaction", "master", "macro"}
"""Framings in short that are plain words too."""
_LONGEST = 2000
"""Letters of a shot that are looked at for parts: patterns would take their time with more."""
_TIMES = {"duration", "start", "time"}

SPEAKER = re.compile(
    r"(?P<who>[^\W\d_][\w.'-]*(?: [\w.'-]+){0,2})\s*(?:\([^()]*\))?\s*[:\uff1a]\s*(?P<words>\S.*)", re.DOTALL
)
"""Somebody's name, and what follows."""
READ = {
    "text", "caption", "sign", "title", "logo", "style", "mood", "tone", "vibe", "genre", "theme", "pace", "pacing",
    "colour", "color", "colours", "colors", "palette", "format", "ratio", "resolution", "model", "quality", "focus",
    "stil", "stimmung", "ambiance", "estilo", "stile", "стиль",
}  # fmt: skip
"""What stands before words that are read or seen, and not said."""
_THING = re.compile(
    r"(?:an?|the|de[rmn]|die|das|eine?|les?|la|une?|el|los|il)\s|(?:\S+\s+){2}"
    r"|(?:\S+\s+)?(?:signs?|posters?|billboards?|banners?|screens?|headlines?|newspapers?|letters?|plaques?|labels?|graffiti|tattoos?)$",
    re.IGNORECASE,
)
"""What stands before a colon and is no name: `A sign: "Open"`, `Her shirt reads: "Go"`."""


def parted(row: dict[str, str]) -> dict[str, str]:
    """A row of cells by their columns, with what stands among its words in a cell of its own."""
    row = _bracket(row)
    if len(row.get("description", "")) > _LONGEST:
        return row
    row = _edges(_headed(timed(row)))
    cells: dict[str, list[str]] = {}

    def taken(match: re.Match[str]) -> str:
        column = meaning(match["name"])[0]
        if column not in _ASIDES:
            return match[0]
        cells.setdefault(column, [row[column]] if row.get(column) else []).append(match["cell"].rstrip(" ,"))
        return " "

    told = " ".join(_ASIDE.sub(taken, row.get("description", "")).split()).rstrip(" ,;|")
    whole = re.fullmatch(r"([*_])([^*]+)\1?", told)
    found = {column: ", ".join(each) for column, each in cells.items()}
    return {**row, "description": whole[2] if whole else told, **found}


def timed(row: dict[str, str]) -> dict[str, str]:
    """A row, with a length that stands behind its words in a cell of its own."""
    told = row.get("description", "")
    if len(told) > _LONGEST:
        return row
    match = _SAID.fullmatch(told) or _BEHIND.fullmatch(told)
    if match is None or _has_time(row):
        return row
    cells = _cells(next(filter(None, match.groups()[1:])))
    if not _has_time(cells):
        return row
    return {**row, **cells, "description": match[1].rstrip(" -*_([\N{EN DASH}\N{EM DASH}|,")}


def _has_time(row: dict[str, str]) -> bool:
    return any(row.get(column) for column in _TIMES)


def cell_of(part: str) -> dict[str, str]:
    """A part by its column, where it says nothing but a length, a framing or a move of the camera."""
    plain = part.strip(" *_.")
    if spans.is_time(plain):
        return {"time": plain}
    if words.framing(plain) and plain.casefold() not in _PLAIN:
        return {"size": plain}
    moves = not re.match(r"(?:an?|the)\b", plain, re.IGNORECASE) and terms.camera(plain)
    return {"move": plain} if moves else {}


def _cells(text: str) -> dict[str, str]:
    """What stands in brackets, `wide, 4s`, by its columns; what has none is a note. Nothing without a length."""
    found: dict[str, str] = {}
    for part in re.split(r"\s*[,;/|\uff0c\u3001]\s*", text) if not cell_of(text) else [text]:
        cell = cell_of(part)
        found.update(cell if cell and not cell.keys() & found.keys() else {"notes": part.strip()})
    return found if "time" in found else {}


def _bracket(row: dict[str, str]) -> dict[str, str]:
    """A row, with what stood in brackets behind its number, `Shot 1 (wide, 4s)`, in cells of their own."""
    text = row.get("time", "")
    cells = _cells(text) or cell_of(text)
    return {**row, "time": "", **cells} if cells else row


def _headed(row: dict[str, str]) -> dict[str, str]:
    """A row, with what stands before its words and a colon in cells of their own: a framing, or a name and length."""
    match = _HEADED.fullmatch(row.get("description", ""))
    if match is None:
        return row
    size, cells = "size" in cell_of(match[1]), _cells(match[2] or "")
    if not (size or cells) or (cells and _has_time(row)):
        return row
    head = {"size": match[1].strip(" *_")} if size and not row.get("size") else {"notes": match[1].strip(" *_")}
    return {**row, **head, **cells, "description": match[3]}


def _edges(row: dict[str, str]) -> dict[str, str]:
    """A row, with the first and last of the parts between bars and dashes in cells of their own."""
    for pattern, own, rest in ((_FIRST, 1, 2), (_LAST, 2, 1)):
        while match := pattern.fullmatch(row.get("description", "")):
            cell = cell_of(match[own])
            if not cell or (_has_time(cell) and _has_time(row)) or any(map(row.get, cell)):
                break
            row = {**row, **cell, "description": match[rest]}
    return row


def alone(cells: dict[str, str]) -> dict[str, str]:
    """The cells of a shot whose words are no more than a line in quotes, or a narrator's: `Mara: "Hello."`, as said."""
    row = timed(cells)
    words = row.get("description", "")
    match = SPEAKER.fullmatch(words) if len(words) < _LONGEST else None
    if match is None or not match["who"][0].isupper() or match["who"].casefold() in READ or cell_of(match["who"]):
        return cells
    if _THING.match(match["who"]) and not OFF.fullmatch(match["who"]):
        return cells
    whole = match["words"][0] in MARKS and match["words"][-1] in MARKS
    if meaning(match["who"])[0] not in {"", "dialogue"} or not (whole or OFF.fullmatch(match["who"])):
        return cells
    return {**row, "description": "", "dialogue": words}
