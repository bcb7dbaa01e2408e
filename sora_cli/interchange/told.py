"""Shots told in plain text or Markdown, as notes and chats have them: `Shot 1 (0-4s): a ball rolls`, as a shot list."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from sora_cli.interchange import spans
from sora_cli.interchange.columns import COLUMNS
from sora_cli.interchange.listed import is_above, meaning
from sora_cli.interchange.outline import SourceText, titled
from sora_cli.interchange.shotlist import OFF

_NUMBER = r"\s*(?:no\.?|nr\.?|#)?\s*([0-9]{1,4}[a-z]?)"
_MARK = r"\s*(?:[:.\uff1a]|[-\N{EN DASH}\N{EM DASH}](?=\s))\s*"
_SHOT = re.compile(
    rf"(?:shot|clip|panel|einstellung|plan|plano|toma|inquadratura|кадр|镜头|镜|カット){_NUMBER}\s*(?:[(\[\uff08]([^)\]\uff09]*)[)\]\uff09])?"
    rf"(?:{_MARK}(.*)|$)",
    re.IGNORECASE,
)
_SCENE = re.compile(
    rf"(?:scene|szene|scène|escena|scena|cena|сцена|场景|シーン){_NUMBER}(?:{_MARK}(.*)|$)", re.IGNORECASE
)
_ITEM = re.compile(r"(?:[-*+\N{BULLET}\N{EN DASH}]|[0-9]{1,3}[.)])\s+(\S.*)")
_LENGTH = re.compile(
    r"(.*\S)\s*(?:[(\[]([^()\[\]]{1,30})[)\]]|\s[-\N{EN DASH}\N{EM DASH}|]\s*([0-9][^-()\[\]]{0,20}))\.?", re.DOTALL
)
_SAID = re.compile(
    r"(.*\S)\s*[*_(\[]*\b(?:duration|length|dauer|länge|durée|duración|durata|时长)\s*[:\uff1a]\s*([^:]{1,20}?)[*_)\]]*\.?",
    re.IGNORECASE | re.DOTALL,
)
"""A length behind its words, after its name: `a ball rolls. *Duration: 4 seconds*`."""
_CLOCK = r"[0-9]{1,2}(?::[0-9]{2}){1,3}(?:[.,][0-9]{1,3})?|[0-9]+(?:\.[0-9]+)?\s*s(?:ec)?"
_TIMED = re.compile(
    rf"[\[(]?\s*(?P<start>{_CLOCK}|[0-9]+(?=\s*-\s*[0-9.]+\s*s))"
    rf"(?:\s*(?:[-\N{{EN DASH}}\N{{EM DASH}}\N{{RIGHTWARDS ARROW}}]|-->|to)\s*(?P<end>{_CLOCK}))?\s*[\])]?"
    rf"\s*[:|\uff1a\N{{EN DASH}}\N{{EM DASH}}-]?\s+(?P<words>[^\W\d].*)"
)
"""A line behind the time at which its shot plays: `[0:04-0:07] a cube falls`, `00:04 a cube falls`."""
_LABEL = re.compile(r"([^\W\d][^:\uff1a]{1,30}?)\s*[:\uff1a]\s*(\S.*)")
_ASIDE = re.compile(
    r"(?:(?<=[.;,!?|])|^)\s*(?P<name>[^\W\d_][\w/ ]{1,24}?)\s*[:\uff1a]\s*(?P<cell>(?:[^.;:|]|[.:](?=[0-9]))+?)\s*"
    r"(?:[.;|](?=\s|$)|,(?=\s+[^\W\d_][\w/ ]{1,24}:)|$)"
)
"""A column's name and its cell inside the words of a shot: `a ball rolls. Camera: static.`"""
_ASIDES = {"move", "light", "size", "angle", "lens", "sound", "duration", "transition"}
_SPEAKER = re.compile(
    r"(?P<who>[^\W\d_][\w.'-]*(?: [\w.'-]+){0,2})\s*(?:\([^()]*\))?\s*[:\uff1a]\s*(?P<words>\S.*)", re.DOTALL
)
_QUOTED = re.compile('["\u201c\u201e\u00ab\u300c].+["\u201d\u201c\u00bb\u300d]')
_READ = {"text", "caption", "sign", "title", "logo"}
"""What stands before words in quotes that are read, and not said."""
_COMMANDS = re.compile(r"\[(/\w[^\[\]]*)\]")
"""What Wan2GP's prompts tell of their stretch: `[/duration=5s,/new_shot]`."""
_RULER = re.compile(r"(?:[-*_]\s*){3,}")
_ABOVE = 10
"""Lines above the first shot that stay lines."""
_NAMED = {"scene": "Scene", "place": "Location", "shot": "Shot", "time": "Time", "description": "Prompt"}


def as_list(page: SourceText) -> SourceText | None:
    """The text as a shot list with commas; None where it tells of no two shots in this way, or is a screenplay.

    A shot begins at `Shot 1`, at an item of a list, at a time, or at `Prompt: ...`; lines under it that are named as
    columns of shot lists are (`Duration: 4s`) are its cells.
    """
    lines = _parted(page.lines)
    rows = _Rows(*_manner([line for _, line in lines]), page.text)
    for number, line in lines:
        rows.take(number, line)
    if len(rows.found) < 2 or any(re.match(r"\s*(?:INT|EXT)\b", line) for line in page.lines):
        return None
    found = [_told(row) for row in rows.found]
    columns = dict.fromkeys([*_NAMED, *(column for row in found for column in row)])
    out = io.StringIO(newline="")
    above = [*rows.above[:_ABOVE], *([" ".join(rows.above[_ABOVE:])] if rows.above[_ABOVE:] else [])]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([note] for note in above)
    writer.writerow(_NAMED.get(column, COLUMNS[column][0]) for column in columns)
    writer.writerows([row.get(column, "") for column in columns] for row in found)
    return SourceText(page.name, out.getvalue(), (page, (*[1] * (len(above) + 1), *rows.places)))


def _manner(lines: Sequence[str]) -> tuple[bool, bool, bool]:
    """Whether shots are items of a list, begin at a time, or at their prompt: in all lines that are none of a head."""
    told = [_bare(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    told = [line for line in told if not is_above(line) and not _RULER.fullmatch(line)]
    prompts = [line for line in told if _labelled(line)[0] == "description"]
    others = [line for line in told if _ITEM.fullmatch(line) or not _labelled(line)[0]]
    return (
        bool(others) and all(map(_ITEM.fullmatch, others)),
        len(others) > 1 and all(map(_TIMED.fullmatch, others)),
        len(prompts) > 1 and not any(map(_SHOT.fullmatch, told)),
    )


class _Rows(Struct):
    """The shots so far, each its cells by the column, with the line that it begins on; `open` takes items as shots."""

    open: bool
    timed: bool
    prompted: bool
    text: str
    """All of it."""
    found: list[dict[str, str]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    scene: str = ""
    place: str = ""

    def take(self, number: int, line: str) -> None:
        """The next line of the text."""
        text = _bare(line)
        inner = line[:1].isspace() and _ITEM.fullmatch(text)
        column, cell = _labelled(inner[1] if inner else text)
        if not text or _RULER.fullmatch(text):
            return
        if match := _SCENE.fullmatch(text):
            self.scene, self.place, self.open = match[1], match[2] or "", True
        elif match := _SHOT.fullmatch(text):
            self._begin(number, {"shot": match[1], "time": match[2] or "", "description": match[3] or ""})
        elif self.timed and (match := _TIMED.fullmatch(text)):
            times = {"start": match["start"], "end": match["end"] or ""}
            self._begin(number, {**times, "description": match["words"]})
        elif column and (self.found or self.prompted):
            self._label(number, column, cell)
        elif self.open and not (inner and self.found) and (match := _ITEM.fullmatch(text)):
            self._begin(number, {"description": match[1]})
        elif self.found:
            item = _ITEM.fullmatch(text)
            words = item[1] if item else text
            self._more(*(("dialogue", words) if self._speaks(words) else ("description", text)))
        else:
            self.above.append(_headed(line) or text)

    def _begin(self, number: int, cells: dict[str, str]) -> None:
        self.found.append({"scene": self.scene, "place": self.place, **cells})
        self.places.append(number)

    def _label(self, number: int, column: str, cell: str) -> None:
        """A line with its column's name; one of the prompt begins a shot where nothing else does."""
        if self.prompted and column == "description":
            self._begin(number, {column: cell})
        elif self.found:
            self._more(column, cell)

    def _more(self, column: str, text: str) -> None:
        row = self.found[-1] = _timed(self.found[-1])  # a length that stood behind its words so far
        apart = " / " if column == "dialogue" else " "
        row[column] = apart.join(filter(None, (row.get(column, ""), text)))

    def _speaks(self, text: str) -> bool:
        """Whether a line is a speaker and what is said: it is in quotes, or the speaker is named elsewhere too."""
        match = _SPEAKER.fullmatch(text)
        if match is None or match["who"][0].islower() or match["who"].casefold() in _READ:
            return False
        name = rf"(?<!\w)(?:{re.escape(match['who'])}|{re.escape(titled(match['who']))})(?!\w|\s*[(:\uff1a])"
        known = OFF.fullmatch(match["who"]) or _QUOTED.fullmatch(match["words"])
        return bool(known or re.search(name, self.text))


def _bare(line: str) -> str:
    """A line without the marks of Markdown about it."""
    return re.sub(r"^[#>\s]+|\*\*|__", "", line).strip()


def _labelled(text: str) -> tuple[str, str]:
    """The column and the cell of a line such as `Duration: 4s`; nothing where it is none."""
    match = _LABEL.fullmatch(text)
    column = meaning(match[1])[0] if match else ""
    return (column, match[2]) if match and column not in {"", "scene", "shot"} else ("", "")


_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?")
_MARKUP = re.compile(r"\*\*|__|`|<br\s*/?>")


def as_table(page: SourceText) -> SourceText | None:
    """The tables of a text in Markdown as a shot list with commas; None where it has none.

    Lines between them are rows of one cell: headings and notes.
    """
    lines = [line.strip() for line in page.lines]
    if not any(_RULE.fullmatch(line) and "|" in line for line in lines):
        return None
    out = io.StringIO(newline="")
    written = csv.writer(out, lineterminator="\n")
    for number, line in enumerate(lines):
        if "|" not in line:
            first = not any("|" in before for before in lines[:number])
            written.writerow([(first and _headed(line)) or _plain(line.lstrip("#> "))])
        elif _RULE.fullmatch(line):
            written.writerow([])
        else:
            cells = re.split(r"(?<!\\)\|", line.removeprefix("|").removesuffix("|"))
            written.writerow([_plain(cell.replace("\\|", "|")) for cell in cells])
    return SourceText(page.name, out.getvalue(), (page, (*range(1, len(lines) + 1),)))


def _headed(line: str) -> str:
    """The film's title, where a line of Markdown is the highest heading, as lists have it."""
    heading = re.fullmatch(r"#\s+(\S.*)", line.strip())
    return f"Title: {_plain(heading[1])}" if heading else ""


def _plain(cell: str) -> str:
    return " ".join(_MARKUP.sub(" ", cell).split())


def _parted(lines: Sequence[str]) -> list[tuple[int, str]]:
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


def _told(row: dict[str, str]) -> dict[str, str]:
    """A row, with what stands among its words and is a cell of its own: `a ball rolls. Camera: static. (4s)`."""
    row = _timed(row)
    cells: dict[str, list[str]] = {}

    def taken(match: re.Match[str]) -> str:
        column = meaning(match["name"])[0]
        if column not in _ASIDES:
            return match[0]
        cells.setdefault(column, [row[column]] if row.get(column) else []).append(match["cell"].rstrip(" ,"))
        return " "

    words = " ".join(_ASIDE.sub(taken, row.get("description", "")).split()).rstrip(" ,;|")
    return {**row, "description": words, **{column: ", ".join(found) for column, found in cells.items()}}


def _timed(row: dict[str, str]) -> dict[str, str]:
    """A row, with a length that stands behind its words: `a ball rolls (4s)`, `a ball rolls - 4s`."""
    words = row.get("description", "")
    match = _SAID.fullmatch(words) or _LENGTH.fullmatch(words)
    if match is None or row.keys() & {"duration", "start"} or row.get("time"):
        return row
    time = next(filter(None, match.groups()[1:])).strip()
    if not (spans.is_length(time) or spans.stretch(time)):
        return row
    return {**row, "time": time, "description": match[1].rstrip(" -*_([\N{EN DASH}\N{EM DASH}|")}
