"""Shots told in plain text or Markdown, as notes and chats have them: `Shot 1 (0-4s): a ball rolls`, as a shot list."""

from __future__ import annotations

import csv
import io
import re

from sora_cli.interchange import spans
from sora_cli.interchange.listed import is_above
from sora_cli.interchange.outline import SourceText

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
_LENGTH = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]{1,30})[)\]]\.?", re.DOTALL)
_ABOVE = 10
"""Lines above the first shot that stay lines."""
_COLUMNS = ("Scene", "Location", "Shot", "Time", "Prompt")


def as_list(page: SourceText) -> SourceText | None:
    """The text as a shot list with commas; None where it tells of no two shots in this way, or is a screenplay."""
    rows: list[list[str]] = []
    places: list[int] = []
    above: list[list[str]] = []
    told = [line.strip() for line in page.lines if line.strip() and not is_above(line.strip())]
    scene, place, open_ = "", "", all(map(_ITEM.fullmatch, told))
    for number, line in enumerate(page.lines, 1):
        text = re.sub(r"^[#>\s]+|\*\*|__", "", line).strip()
        if match := _SCENE.fullmatch(text):
            scene, place, open_ = match[1], match[2] or "", True
        elif match := _SHOT.fullmatch(text):
            rows.append(_timed([scene, place, match[1], match[2] or "", match[3] or ""]))
        elif open_ and (match := _ITEM.fullmatch(text)):
            rows.append([scene, place, "", "", match[1]])
        elif rows and text:
            rows[-1][-1] = f"{rows[-1][-1]} {text}".strip()
        elif text:
            above.append([_headed(line) or text])
        places += [number] * (len(rows) - len(places))
    if len(rows) < 2 or any(re.match(r"\s*(?:INT|EXT)\b", line) for line in page.lines):
        return None
    out = io.StringIO(newline="")
    above = [*above[:_ABOVE], *([[" ".join(note for (note,) in above[_ABOVE:])]] if above[_ABOVE:] else [])]
    csv.writer(out, lineterminator="\n").writerows([*above, _COLUMNS, *map(_timed, rows)])
    return SourceText(page.name, out.getvalue(), (page, (*[1] * (len(above) + 1), *places)))


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


def _timed(row: list[str]) -> list[str]:
    """A row, with a length that stands behind its words in brackets: `a ball rolls (4s)`."""
    *rest, time, words = row
    match = _LENGTH.fullmatch(words)
    if not time and match and (spans.is_length(match[2]) or spans.stretch(match[2])):
        time, words = match[2], match[1]
    return [*rest, time, words]
