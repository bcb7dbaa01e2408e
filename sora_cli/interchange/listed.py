"""The rows of a shot list, by what their columns mean: they are found by their names, wherever they stand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction

from msgspec import Struct

from sora_cli.errors import StoryboardError
from sora_cli.interchange import spans, words
from sora_cli.interchange.cells import HINT_FAILED, MARKS, cleaned, failure, opened
from sora_cli.interchange.columns import COLUMNS
from sora_cli.interchange.outline import Outline, SourceText
from sora_cli.interchange.said import is_said
from sora_cli.storyboard import forms
from sora_cli.storyboard.sizes import aspect
from sora_cli.storyboard.source import quoted

_RATE_NAMES = r"(?:fps|frame ?rate|bildrate|cadence|timebase|フレームレート|帧率)"
_RATE = re.compile(
    rf"{_RATE_NAMES}\s*[:=]?\s*([0-9.,/]+)(?:\s*(?:fps|p))?|([0-9.,/]+)\s*(?:fps|frames per second|b/s|i/s)",
    re.IGNORECASE,
)
_ASPECT = re.compile(
    r"(?:aspect(?: ratio)?|ratio|format|seitenverhältnis|bildformat)\s*:\s*([0-9.]{1,5})\s*[:x/]\s*([0-9.]{1,5})"
    r"(?:\s*(?:[(,;|/]|\s[-\u2013\u2014]\s)\s*(\S.*))?",
    re.IGNORECASE,
)
_STYLE = re.compile(
    r"(?:(?:(?:overall|general|global|visual|art|film|video|animation)\s+)*style|stil|estilo|stile|стиль|风格|スタイル)\s*[:\uff1a]\s*(\S.*)",
    re.IGNORECASE,
)
_MOOD = re.compile(
    r"(?:overall\s+)?(?:mood|tone|vibe|atmosphere|stimmung|ambiance|настроение|氛围|雰囲気)\s*[:\uff1a]\s*(\S.*)",
    re.IGNORECASE,
)
_PIXELS = re.compile(
    r"(?:resolution|auflösung|résolution|resolución)\s*:\s*([0-9]{3,4})\s*[x\u00d7]\s*([0-9]{3,4})\s*(?:px|p)?",
    re.IGNORECASE,
)
_TITLE = re.compile(r"(?:film|production|projekt|project|title|titel|titre|título)\s*:\s*(.+)", re.IGNORECASE)
_AVOID = re.compile(
    r"(?:negative(?: prompts?)?|avoid|no-?gos?|反向提示词|负面提示词|負面提示詞)\s*[:\uff1a]\s*(\S.*)", re.IGNORECASE
)
_HEAD_ROWS = 20
_OF_SHOTS = re.compile(r"(?:shot|clip|video|panel)s? (?=.)")
_IN_SECONDS = re.compile(
    r" (?:(?:in|en) )?(?:s|secs?|seconds|sek|sekunden|segs?|segundos|secondes|secondi|seconden|сек|секунд"
    r"|\u0441|秒|초)$"
)
_OF_THE_SHOOT = re.compile(r"[0-9.,]+\s*(?:m|mins?|minutes?|h|hrs?|hours?)\.?", re.IGNORECASE)
"""How long a shot takes to shoot, in a column of estimated times."""
_AUDIO = {"audio", "áudio", "音频", "オーディオ", "오디오", "аудио"}
"""What a column is called that may hold sounds, what is said, or both."""
_LONGEST = 60
"""Letters of a cell up to which it may name two columns in one."""
_TOGETHER = re.compile(r"\s*[/&+,|\u3001\uff0f]\s*|\s+(?:and|und|et|y|e|en|и)\s+")
"""What stands between the names of two columns in one: `Dialogue / VO`."""
_NUMBERS = {"scene", "shot", "seed", "frames"}
_WHOLE = re.compile(r"(?<=[0-9])\.0$")
"""What programs write behind whole numbers in columns that have gaps."""
_NOTHING = re.compile(
    r"(?:[-\N{EN DASH}\N{EM DASH}/.]+|n/?a|none|nil|no|mos|sync|kein[es]?|aucune?|nessun[oa]|ningun[oa]"
    r"|нет|无|無|なし)",
    re.IGNORECASE,
)


class ListRow(Struct, frozen=True):
    """A row, by the column's meaning; `more` are cells of columns that sora has no place for, by their own name."""

    line: int
    cells: Mapping[str, str]
    more: dict[str, str]

    def get(self, name: str) -> str:
        """The text of a cell; empty where the cell is empty or says "none"."""
        text = self.cells.get(name, "").strip()
        return "" if _NOTHING.fullmatch(text) else text


def list_rows(page: SourceText, outline: Outline) -> list[ListRow]:
    """The rows below the names of the columns; what stands above them is taken, and columns without a place told.

    Raises:
        StoryboardError: no row names columns, or none of these says what is seen.
    """
    mark, at = _header(page)
    top, columns, rows = 1, [""], []
    takers: Mapping[int, str] = {}
    reader = opened(page.text, mark)
    line = 1
    for number, cells in enumerate(_read(reader, page)):
        first, line = line, reader.line_num + 1
        filled = [cell for cell in cells if cell]
        if not filled:
            continue
        if failed := failure(cells):
            what = f"{failed} is an error of the spreadsheet, not a value"
            raise StoryboardError([page.problem(first, what, HINT_FAILED)])
        if number < at:
            _above(" ".join(filled), outline)
        elif number == at or [_plain(cell) for cell in cells] == [_plain(name) for name in columns]:
            top, columns, takers = (first, cells, _takers(cells)) if number == at else (top, columns, takers)
        else:
            rows.append(_row(first, columns, takers, cells))
    seen = set(takers.values()) & {"description", "subject", "size", "place", "picture"}
    if rows and not seen:
        hint = "call the column that says what is seen `Description`"
        raise StoryboardError([page.problem(top, "no column says what is seen in the shots", hint)])
    rows = _sized(rows)
    outline.fps = outline.fps or _rate_told(rows)
    if lost := _lost(columns, rows):
        outline.remarks.append(page.problem(top, f"no place in a storyboard for {lost}: kept as comments"))
    return rows


def _sized(rows: list[ListRow]) -> list[ListRow]:
    """The rows, where the column of shots has framings, `Wide` and `Close Up`: then a column of numbers names them."""
    filled = [row.get("shot") for row in rows if row.get("shot")]
    if not filled or any(row.get("size") for row in rows) or not all(map(words.framing, filled)):
        return rows
    number = next((name for row in rows for name in row.more if meaning(name)[0] == "shot"), "")
    return [
        ListRow(
            row.line,
            {**row.cells, "size": row.get("shot"), "shot": row.more.get(number, "")},
            {name: cell for name, cell in row.more.items() if name != number},
        )
        for row in rows
    ]


def _rate_told(rows: Sequence[ListRow]) -> str:
    """The rate that a column of rates says, where all rows have the same; it is taken out of them."""
    names = {name for row in rows for name in row.more if re.fullmatch(_RATE_NAMES, _plain(name), re.IGNORECASE)}
    told = {cell for row in rows for name, cell in row.more.items() if name in names}
    if len(told) != 1 or rate_of(rate := next(iter(told))) is None:
        return ""
    for row in rows:
        for name in names:
            row.more.pop(name, None)
    return rate.replace(",", ".")


def is_above(words: str) -> bool:
    """Whether a line says the film's title, rate, shape or style, or what is not to be seen in it."""
    return any(each.fullmatch(words) is not None for each in (_TITLE, _RATE, _ASPECT, _STYLE, _AVOID))


def is_films(words: str) -> bool:
    """Whether a line above the shots is the film's: so are a mood and a size, which a shot may have too."""
    return is_above(words) or any(each.fullmatch(words) for each in (_MOOD, _PIXELS))


def _above(words: str, outline: Outline) -> None:
    """Take a line above the columns' names: the film's title, its rate, its shape, its style, or a comment."""
    named, rate = _TITLE.fullmatch(words), _RATE.fullmatch(words)
    shape, style = _ASPECT.fullmatch(words), _STYLE.fullmatch(words)
    if named is not None and not outline.title:
        outline.title = re.sub(r'^["\u201c\u201e\u00ab]\s*(.+?)\s*["\u201d\u201c\u00bb]$', r"\1", named[1])
    elif rate is not None and rate_of(rate[1] or rate[2]):
        outline.fps = (rate[1] or rate[2]).replace(",", ".")
    elif shape is not None and not outline.aspect and _shape(f"{shape[1]}:{shape[2]}"):
        outline.aspect = f"{shape[1]}:{shape[2]}"
        if shape[3]:
            _above(shape[3], outline)
    elif (pixels := _PIXELS.fullmatch(words)) is not None and not outline.aspect and int(pixels[2]):
        outline.aspect = "{}:{}".format(*Fraction(int(pixels[1]), int(pixels[2])).as_integer_ratio())
        outline.notes.append(words)
    elif (mood := _MOOD.fullmatch(words)) is not None:
        outline.mood = ", ".join(filter(None, (outline.mood, mood[1].rstrip("."))))
    elif style is not None:
        outline.style = ", ".join(filter(None, (outline.style.rstrip("."), style[1])))
    elif (avoid := _AVOID.fullmatch(words)) is not None and not outline.avoid:
        outline.avoid = avoid[1]
    else:
        outline.notes.append(words)


def _shape(words: str) -> bool:
    with suppress(forms.Wrong):
        return bool(aspect(words))
    return False


def rate_of(words: str) -> Fraction | None:
    """A frame rate, where words say one."""
    with suppress(forms.Wrong):
        return forms.rate(words.replace(",", ".")) if words else None
    return None


def _read(reader: Iterator[list[str]], page: SourceText) -> Iterator[list[str]]:
    try:
        yield from map(cleaned, reader)
    except csv.Error as error:
        hint = "quotes about a cell are closed before the next cell begins; save it as CSV again"
        raise StoryboardError([page.problem(1, f"this is not a list: {error}", hint)]) from error


def _header(page: SourceText) -> tuple[str, int]:
    """What parts the cells, and the number of the row that names the columns."""
    best = (1, ",", -1)
    for mark in MARKS:
        reader = csv.reader(io.StringIO(page.text, newline=""), delimiter=mark, skipinitialspace=True)
        for number, cells in zip(range(_HEAD_ROWS), _read(reader, page), strict=False):
            known = len({column for cell in cells if (column := meaning(cell)[0])})
            best = max(best, (known, mark, number), key=lambda each: each[0])
    if best[2] < 0 and (number := _alone(page)) >= 0:
        return "\t", number
    if best[2] < 0:
        some = ", ".join(list(COLUMNS)[:8])
        raise StoryboardError([page.problem(1, "no row names the columns of a shot list", f"name some of: {some}")])
    return best[1], best[2]


def _alone(page: SourceText) -> int:
    """The first line, from 0, where it names the one column of a list of prompts; else -1."""
    number = next((number for number, line in enumerate(page.lines) if line.strip()), 0)
    name = page.lines[number].strip().strip('"') if page.lines else ""
    return number if _KNOWN.get(_plain(name), ("",))[0] == "description" else -1


def names_columns(text: str) -> bool:
    """Whether a text with commas is a shot list: one of its first rows names its columns."""
    with suppress(StoryboardError):
        return bool(_header(SourceText("", text)))
    return False


def is_list(page: SourceText) -> bool:
    """Whether a plain text is a list: its first line names columns, which tabs part, or the one of prompts."""
    first = next(filter(str.strip, page.lines), "")
    return len({_KNOWN[name] for name in map(_plain, first.split("\t")) if name in _KNOWN}) > 1 or _alone(page) >= 0


def _plain(name: str) -> str:
    """A column's name in small letters, without marks; `#` alone is a number."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip() or ("no" if name in {"#", "№"} else "")


_KNOWN = {_plain(name): (column, rank) for column, names in COLUMNS.items() for rank, name in enumerate(names)}
"""What each name means, and how sure that is: 0 is surest."""


def _takers(columns: Sequence[str]) -> dict[int, str]:
    """What the column at each place holds; where two hold the same, the one with the surer name has it."""
    found: dict[str, tuple[int, int]] = {}
    for place, name in enumerate(columns):
        column, rank = meaning(name)
        if column:
            found[column] = min(found.get(column, (rank, place)), (rank, place))
    return {place: column for column, (_, place) in found.items()}


def meaning(name: str) -> tuple[str, int]:
    """What a column's name means, and how sure that is; nothing where it has no place in a storyboard.

    `Shot Duration (sec)` means what `Duration` does.
    """
    parts = [part for part in _TOGETHER.split(name) if part.strip()] if len(name) < _LONGEST else []
    name = _plain(name)
    if name in _KNOWN:
        return _KNOWN[name]
    if len(parts) > 1:
        columns = {meaning(part)[0] for part in parts}
        one = "dialogue" if columns == {"dialogue", "sound"} else next(iter(columns)) if len(columns) == 1 else ""
        return (one, 50) if one else ("", 0)
    short = _OF_SHOTS.sub("", name, count=1) if _OF_SHOTS.match(name) else name
    column, rank = _KNOWN.get(short) or _KNOWN.get(_IN_SECONDS.sub("", short), ("", 0))
    sure = column == "duration" or (short in _KNOWN and column not in {"shot", "scene", "start", "end", "time"})
    return (column, 100 + rank) if sure else ("", 0)


def held_in(name: str, cell: str) -> str:
    """The column that a cell of this name belongs to: `Audio` where nobody speaks is a sound, `Time: Night` light."""
    column, _ = meaning(name)
    if _plain(name) == "on screen" and (cell.isupper() or cell.strip()[:1] in {'"', "\u201c", "\u201e", "\u00ab"}):
        return "title"
    if column == "picture" and not re.search(r"\.[a-z0-9]{3,5}$", cell.strip(), re.IGNORECASE):
        return "description"
    if column == "time" and cell.strip().casefold() in words.LIGHT:
        return "light"
    if column != "dialogue":
        return column
    low = name[:_LONGEST].casefold()
    sounds = ["sfx", *(part for part in _TOGETHER.split(low) if meaning(part)[0] == "sound")]
    mixed = _AUDIO & {*_plain(low).split()} or any(each in low for each in sounds)
    return "sound" if mixed and not is_said(cell) else column


def _row(line: int, columns: Sequence[str], takers: Mapping[int, str], cells: Sequence[str]) -> ListRow:
    known: dict[str, str] = {}
    more: dict[str, str] = {}
    for place, cell in enumerate(cells):
        column = takers.get(place, "")
        shoot = column == "duration" and "est" in _plain(columns[place]) and _OF_THE_SHOOT.fullmatch(cell)
        if column and not shoot and _holds(column, cell, known):
            known[_other(column, cell, takers, columns[place])] = _WHOLE.sub("", cell) if column in _NUMBERS else cell
        elif cell:
            name = columns[place] if place < len(columns) else ""
            more[name or f"column {place + 1}"] = " ".join(cell.split())
    return ListRow(line, known, more)


def _holds(column: str, cell: str, known: Mapping[str, str]) -> bool:
    """Whether a cell is what its column is for: one of times may hold a clock of the shoot."""
    if column != "time" or cell.casefold() in words.LIGHT:
        return True
    return not known.get("duration") and (spans.is_length(cell) or spans.stretch(cell) is not None)


def _other(column: str, cell: str, takers: Mapping[int, str], name: str) -> str:
    """What a cell means, where that is not what its column's name says."""
    if column == "time" and cell.casefold() in words.LIGHT and "light" not in takers.values():
        return "light"
    if column == "dialogue" and "sound" not in takers.values():
        return held_in(name, cell)
    if column == "move" and "size" not in takers.values() and words.framing(cell):
        return "size"  # `Camera Shot: Wide`
    told = {"description", "subject"} & set(takers.values())
    if column == "picture" and not told and not re.search(r"\.[a-z]{3,5}$", cell, re.IGNORECASE):
        return "description"  # of lists in two columns: `Bild | Ton`
    return column


def _lost(columns: Sequence[str], rows: Sequence[ListRow]) -> str:
    """The names of the columns whose cells have no place in a storyboard."""
    others = {name for row in rows for name in row.more}
    return ", ".join(quoted(name) for name in dict.fromkeys([*filter(others.__contains__, columns), *sorted(others)]))


def times(rows: Sequence[ListRow]) -> Iterator[tuple[int, tuple[str, str]]]:
    """The start and the end of each row that has both, by its line."""
    timed = [row for row in rows if row.get("start")]
    starts = [row.get("start") for row in timed]
    for row, start, end in zip(timed, starts, spans.ends(starts, [row.get("end") for row in timed]), strict=True):
        if end:
            yield row.line, (start, end)
    for row in rows:
        if found := spans.stretch(row.get("time")):
            yield row.line, found
