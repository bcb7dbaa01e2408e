"""A text that is one prompt: in parts with names (`Prompt:`, `Negative prompt:`), or among the words of a chat."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sora_cli.interchange.around import RULER, Line, is_chat
from sora_cli.interchange.bared import SHOT, bare
from sora_cli.interchange.cells import as_csv
from sora_cli.interchange.headings import HEAD, SCENE
from sora_cli.interchange.listed import held_in, is_above
from sora_cli.interchange.outline import SourceText

_PART = re.compile(r"(?P<name>[^\W\d][^:\uff1a]{1,30}?)\s*[:\uff1a]\s*(?P<words>\S.*)?")
_SETTINGS = re.compile(r"steps: [0-9]+, \w.*", re.IGNORECASE)
"""What Stable Diffusion's programs write below a prompt: `Steps: 20, Sampler: Euler a, Seed: 7`."""
_SETTING = re.compile(r"\s*(?P<name>[^:,]+): (?P<words>\"[^\"]*\"|[^,]*)(?:,|$)")
_QUOTES = '"\u201c\u201d\u201e\u00ab\u00bb'
_OTHERS = {"scene", "shot", "start", "end", "frames"}
"""Columns that one prompt has not."""
_FEW = 3
"""Lines below which what is to be avoided makes words above it one prompt."""
_MOST = 60
"""Lines of a text that may be one prompt."""


def _counts(text: str) -> bool:
    return bool(HEAD.match(text) or SHOT.fullmatch(text) or SCENE.fullmatch(text))


def _line(line: str) -> str:
    """A line without marks; a heading of Markdown as the name of a part."""
    text = bare(line)
    return f"{text}:" if re.match(r"\s*#+\s", line) and text[-1:].isalnum() else text


def as_one(page: SourceText) -> SourceText | None:
    """The text as a shot list of one shot; None where it is not plainly one prompt."""
    lines = [(number, _line(line)) for number, line in enumerate(page.lines, 1) if line.strip()]
    if not 1 < len(lines) <= _MOST or any(_counts(text) for _, text in lines):
        return None
    kept, around = _without_chat([line for line in lines if not RULER.fullmatch(line[1])], _apart(page))
    cells = _named(kept) or (_alone(kept, around, page.lines) if around or len(kept) < len(lines) else {})
    if not cells.get("description"):
        return None
    above = [*around, *filter(None, cells.pop("above", "").split("\n"))]
    names = {"description": "Prompt", "avoid": "Negative prompt"}
    columns = [names.get(column, column.capitalize()) for column in cells]
    first = min((number for number, _ in kept), default=1)
    text = as_csv([*([line] for line in above), [*columns, "Shot"], [*cells.values(), ""]])
    return SourceText(page.name, text, (page, (*[1] * (len(above) + 1), first)))


def _without_chat(lines: Sequence[Line], apart: set[int]) -> tuple[list[Line], list[str]]:
    """The lines that are no chat's, and those that are: above the first of the others, and below empty lines."""
    kept: list[Line] = []
    around = []
    chats = [is_chat(text, apart=True) for _, text in lines]
    offers = any(chats[1:])
    tail = max((place for place, chat in enumerate(chats, 1) if not chat), default=1)
    for place, (number, text) in enumerate(lines):
        above = not kept and (offers or text[-1] in ":\uff1a")  # `Here is the sea.` is a prompt
        if place >= tail or is_chat(text, above=above, apart=number in apart and place > 0):
            around.append(text)
        else:
            kept.append((number, text))
    return kept, around


def without_chat(page: SourceText) -> tuple[SourceText, list[str]]:
    """The text with empty lines for those of a chat around it, and these; a script has none."""
    lines = [(number, bare(line)) for number, line in enumerate(page.lines, 1) if line.strip()]
    if any(_counts(text) for _, text in lines):
        return page, []
    kept, around = _without_chat(lines, _apart(page))
    numbers = {number for number, _ in kept}
    told = [line if number in numbers else "" for number, line in enumerate(page.lines, 1)]
    plain = SourceText(page.name, "\n".join(told), (page, tuple(range(1, len(told) + 1))))
    return (plain, around) if kept and around else (page, [])


def _apart(page: SourceText) -> set[int]:
    """The lines below empty ones."""
    return {number for number in range(1, len(page.lines) + 1) if number == 1 or not page.lines[number - 2].strip()}


def _named(lines: Sequence[Line]) -> dict[str, str]:
    """The cells of a prompt in parts; empty where they are others, or words stand before the first of several."""
    cells: dict[str, str] = {}
    column = ""
    for _, text in lines:
        match = _PART.fullmatch(text)
        words = match["words"] or "" if match else text
        part = _part(match["name"], words) if match else ""
        if _SETTINGS.fullmatch(text):
            cells |= _set(text)
        elif part and part != "notes" and cells.get(part):
            return {}
        elif is_above(text) and not part:
            cells["above"] = "\n".join(filter(None, (cells.get("above", ""), text)))
        else:
            other = bool(match) and not part and bool(column)  # `Steps: 20`
            column = part or ("notes" if other and match and match["name"][0].isupper() else column or "description")
            told = words if part else text
            cells[column] = (", " if column == "notes" else " ").join(filter(None, (cells.get(column, ""), told)))
    first = _PART.fullmatch(lines[0][1]) if lines else None
    begun = first is not None and _part(first["name"], "") == "description"
    settings = any(_SETTINGS.fullmatch(text) for _, text in lines)
    return cells if settings or (len(cells) > 1 and (begun or ("avoid" in cells and len(lines) < _FEW))) else {}


def _part(name: str, words: str) -> str:
    column = held_in(re.sub(r"^(?:positive|final|full|main) ", "", name.casefold()), words)
    return "" if column in _OTHERS else column


def _set(text: str) -> dict[str, str]:
    """The cells of a line of settings: its seed; the rest is kept as a note."""
    told = {match["name"].strip().casefold(): match["words"].strip() for match in _SETTING.finditer(text)}
    notes = ", ".join(f"{name}: {words}" for name, words in told.items() if name != "seed")
    return {"notes": notes, **({"seed": told["seed"]} if "seed" in told else {})}


def _alone(kept: Sequence[Line], around: list[str], lines: Sequence[str]) -> dict[str, str]:
    """The one paragraph that stands among a chat's words, without a heading above it and quotes about it."""
    if len(kept) > 1 and kept[0][1].endswith(":"):
        around.append(kept[0][1])
        kept = kept[1:]
    if not kept or any(not lines[number - 1].strip() for number in range(kept[0][0], kept[-1][0])):
        return {}
    words = " ".join(text for _, text in kept)
    whole = words[0] in _QUOTES and words[-1] in _QUOTES and not re.search(f"[{_QUOTES}]", words[1:-1])
    return {"description": words[1:-1] if whole else words}
