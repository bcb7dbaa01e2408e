"""Prompts that are JSON, one object each as chats and programs hand them over, as a shot list."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from sora_cli.interchange.cells import as_csv
from sora_cli.interchange.columns import COLUMNS
from sora_cli.interchange.listed import held_in, is_above, meaning
from sora_cli.interchange.outline import SourceText

_BEGINS = re.compile(r"^[ \t]*([\[{])", re.MULTILINE)
_SEEN = {"description", "subject"}


def as_rows(page: SourceText) -> SourceText | None:
    """The text as a shot list; None where it is no JSON, or JSON of which not every object says what is seen."""
    found = [(line, _of_programs(_flat(each))) for line, told in _objects(page.text) for each in _in_a_queue(told)]
    rows = [{key: _cell(key, value) for key, value in each.items()} for _, each in found]
    if not rows or not all(_SEEN & {meaning(key)[0] for key, cell in row.items() if cell} for row in rows):
        return None
    columns = dict.fromkeys(key for row in rows for key in row)
    above = {key: _above(key, {row.get(key, "") for row in rows}) for key in columns}
    kept = [key for key in columns if not above[key]]
    scene = [] if "scene" in {meaning(key)[0] for key in kept} else ["Scene"]  # a name that is known beside prompts
    names = [*(_name(key, [row.get(key, "") for row in rows]) for key in kept), *scene]
    cells = ([row.get(key, "") for key in kept] for row in rows)
    text = as_csv([*([line] for line in above.values() if line), names, *cells])
    lines = (*[1] * (len(columns) - len(kept) + 1), *(number for number, _ in found))
    return SourceText(page.name, text, (page, lines))


def _objects(text: str) -> list[tuple[int, dict[str, object]]]:
    """The objects of a text, those of a list each, with their lines; none where one cannot be read."""
    found: list[tuple[int, dict[str, object]]] = []
    at = 0
    while match := _BEGINS.search(text, at):
        try:
            value, at = json.JSONDecoder().raw_decode(text, match.start(1))
        except (ValueError, RecursionError):
            return []
        line = text.count("\n", 0, match.start(1)) + 1
        each = value if isinstance(value, list) else [value]
        if not all(isinstance(item, dict) for item in each):
            return []
        found += [(line, item) for item in each]
    return found


def _in_a_queue(told: dict[str, object]) -> list[dict[str, object]]:
    """The videos that Wan2GP makes of its settings: one of each line or paragraph of the prompt, where they say so.

    Lines that begin with # are its comments. Lines that are windows of one video (W, PW) stay one prompt.
    """
    prompt, mode = told.get("prompt"), told.get("multi_prompts_gen_type")
    queued = "multi_prompts_gen_type" in told or str(told.get("type")).startswith("WanGP")
    if not queued or not isinstance(prompt, str):
        return [told]
    lines = [line.rstrip() for line in prompt.splitlines() if not line.lstrip().startswith("#")]
    between = {"G": r"\n+", "0": r"\n+", "PG": r"\n{2,}", "P": r"\n{2,}"}.get(
        "G" if mode is None else str(mode).strip().upper()
    )
    text = "\n".join(lines).strip()
    others = {key: value for key, value in told.items() if key not in _QUEUED}
    return [{**others, "prompt": each} for each in (re.split(between, text) if between else [text])]


_QUEUED = frozenset({"prompt", "multi_prompts_gen_type", "type"})
"""What has done its part once the videos are told apart."""


def _flat(told: dict[str, object]) -> dict[str, object]:
    """An object, and beside its keys what its own objects say of other columns: of `audio`, `sfx` and `dialogue`."""
    found: dict[str, object] = {}
    for key, value in told.items():
        inner = _parted(key, value) if isinstance(value, dict) else None
        for name, each in [(key, value)] if inner is None else inner:
            column = meaning(name)[0]
            same = [other for other in found if other == name or (inner and column and meaning(other)[0] == column)]
            if not same or not found[same[0]]:
                found[same[0] if same else name] = each
            elif not _is_nothing(each):
                between = ". " if column == "description" else ", "
                found[same[0]] = between.join(_cell(name, one).rstrip(".") for one in (found[same[0]], each))
    return found


def _parted(key: str, value: dict[str, object]) -> list[tuple[str, object]] | None:
    """The keys of an object within one that have a place of their own; None where it is a value in parts."""
    outer = meaning(key)[0]
    said = {name.casefold() for name in value} & _WHO
    names = {name: meaning(name)[0] for name in value if not _is_nothing(value[name])}
    if (
        outer == "subject"
        or said
        or not ({*names.values()} - {"", outer} or (outer == "dialogue" and any(names.values())))
    ):
        return None
    whole = outer in {"scene", "shot", "dialogue"}  # what is left of these is no name, and nobody says it
    own = [(COLUMNS[column][0], value[name]) for name, column in names.items() if column and (whole or column != outer)]
    rest = {name: value[name] for name, column in names.items() if not column or not (whole or column != outer)}
    left = [(f"{key} {name}", each) for name, each in rest.items()] if whole else [(key, rest)] if rest else []
    return [*own, *left]


_WHO = {"character", "speaker", "who", "name", "actor"}


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip().casefold() in {"", "none", "n/a"})


def _of_programs(told: dict[str, object]) -> dict[str, object]:
    """An object whose keys are those of programs that make films, under names of columns that mean the same."""
    width, height = (str(told.get(side, "")) for side in ("width", "height"))
    if width.isdecimal() and height.isdecimal() and not _SIZES & told.keys():
        told = {"resolution": f"{width}x{height}", **{key: told[key] for key in told if key not in ("width", "height")}}
    named = sorted(told.items(), key=lambda item: _SIZE.fullmatch(str(item[1])) is not None)  # `480p` is less sure
    found = dict(_column(key, value) for key, value in named)
    return {key: found[key] for key in dict.fromkeys(_column(key, value)[0] for key, value in told.items())}


def _column(key: str, value: object) -> tuple[str, object]:
    words = " ".join(key.casefold().replace("_", " ").split())
    if words in _FRAMES and str(value).isdecimal():
        return "frames", value
    if words in _SIZES and _SIZE.fullmatch(str(value)):  # Wan's own programs write 832*480
        return "resolution", str(value).replace("*", "x")
    return key, value


_FRAMES = frozenset({"video length", "num frames", "frame num", "number of frames", "n frames"})
_SIZES = frozenset({"size", "resolution", "video size"})
_SIZE = re.compile(r"\d+\s*[x\u00d7*]\s*\d+", re.IGNORECASE)


def _cell(key: str, value: object) -> str:
    """A value in words: of lines that are said, who says each before it."""
    column = meaning(key)[0]
    spoken = column == "dialogue"
    if isinstance(value, dict):
        return {"dialogue": ": ", "move": " "}.get(column, ", ").join(
            filter(None, (_cell(key, each) for each in value.values() if not _is_nothing(each)))
        )
    if isinstance(value, list):
        return (" / " if spoken else ", ").join(filter(None, (_cell(key, each) for each in value)))
    return "" if value is None else " ".join(str(value).split())


def _name(key: str, cells: Sequence[str]) -> str:
    """The column of a key: `audio` is a sound where nobody speaks in it."""
    return "sound" if {held_in(key, cell) for cell in cells if cell} == {"sound"} else key


def _above(key: str, cells: set[str]) -> str:
    """What all objects say of the film, as a line above a list: `aspect ratio: 16:9`; empty for what is a shot's."""
    line = f"{key.replace('_', ' ')}: {min(cells)}"
    above = is_above(line) or _SIZE.fullmatch(min(cells)) is not None
    return line if len(cells) == 1 and not meaning(key)[0] and above else ""
