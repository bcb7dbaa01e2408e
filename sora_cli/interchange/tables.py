"""Markdown, as chats write it: tables that are shot lists, and scripts."""

from __future__ import annotations

import re
from itertools import pairwise

from sora_cli.interchange.bared import bare
from sora_cli.interchange.cells import as_csv
from sora_cli.interchange.headings import HEAD, SCENE
from sora_cli.interchange.outline import SourceText

_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_MARKUP = re.compile(r"\*\*|__|`")
_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
"""What ends a line within a cell."""


def as_table(page: SourceText) -> SourceText | None:
    """The tables of a text in Markdown as a shot list with commas; None where it has none.

    Lines between them are rows of one cell: headings and notes.
    """
    lines = [line.strip() for line in page.lines]
    if not any(_RULE.fullmatch(line) and "|" in line for line in lines):
        return None
    rows: list[list[str]] = []
    for number, line in enumerate(lines):
        if "|" not in line:
            first = not any("|" in before for before in lines[:number])
            rows.append([(first and headed(line)) or _plain(line.lstrip("#> "))])
        elif _RULE.fullmatch(line):
            rows.append([])
        else:
            cells = re.split(r"(?<!\\)\|", line.removeprefix("|").removesuffix("|"))
            rows.append([_lines(cell.replace("\\|", "|")) for cell in cells])
    places = [number for number, row in enumerate(rows, 1) for _ in range(1 + sum(cell.count("\n") for cell in row))]
    return SourceText(page.name, as_csv(rows), (page, tuple(places)))


def headed(line: str) -> str:
    """The film's title, where a line of Markdown is the highest heading, as lists have it."""
    heading = re.fullmatch(r"#\s+(\S.*)", line.strip())
    return f"Title: {_plain(heading[1])}" if heading else ""


def _plain(cell: str) -> str:
    return " ".join(_MARKUP.sub(" ", cell).split())


def _lines(cell: str) -> str:
    """A cell without marks, each of its lines on its own."""
    return "\n".join(filter(None, map(_plain, _BREAK.split(cell))))


_BOLD = re.compile(r"(?:\*\*|__)([^*_]+?):?(?:\*\*|__):?")


def as_script(page: SourceText) -> SourceText:
    """A script without the marks of Markdown about its headings and speakers; any other text as it is.

    A scene's number alone above its heading, `SCENE 1`, makes room for it.
    """
    lines = [_script_line(line) for line in page.lines]
    filled = [number for number, line in enumerate(lines) if line.strip()]
    for number, below in pairwise(filled):
        counted = SCENE.fullmatch(bare(lines[number]))
        if counted and not counted[3] and HEAD.match(lines[below].strip()):
            lines[number] = ""
    if lines == page.lines or not any(HEAD.match(line.strip()) for line in lines):
        return page
    return SourceText(page.name, "\n".join(lines), (page, tuple(range(1, len(lines) + 1))))


def _script_line(line: str) -> str:
    bold = _BOLD.fullmatch(re.sub(r"^\s*#+\s+", "", line).strip())
    plain = bold[1].strip() if bold else re.sub(r"^\s*#+\s+", "", line)
    head = HEAD.match(plain)
    return plain if (head and plain == plain.upper()) or (bold and plain == plain.upper()) else line
