"""Markdown, as chats write it: tables that are shot lists, and scripts."""

from __future__ import annotations

import re

from sora_cli.interchange.cells import as_csv
from sora_cli.interchange.headings import HEAD
from sora_cli.interchange.outline import SourceText

_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_MARKUP = re.compile(r"\*\*|__|`|<br\s*/?>")


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
            rows.append([_plain(cell.replace("\\|", "|")) for cell in cells])
    return SourceText(page.name, as_csv(rows), (page, (*range(1, len(lines) + 1),)))


def headed(line: str) -> str:
    """The film's title, where a line of Markdown is the highest heading, as lists have it."""
    heading = re.fullmatch(r"#\s+(\S.*)", line.strip())
    return f"Title: {_plain(heading[1])}" if heading else ""


def _plain(cell: str) -> str:
    return " ".join(_MARKUP.sub(" ", cell).split())


_BOLD = re.compile(r"(?:\*\*|__)([^*_]+?):?(?:\*\*|__):?")


def as_script(page: SourceText) -> SourceText:
    """A script without the marks of Markdown about its headings and speakers; any other text as it is."""
    lines = [_script_line(line) for line in page.lines]
    if lines == page.lines or not any(HEAD.match(line.strip()) for line in lines):
        return page
    return SourceText(page.name, "\n".join(lines), (page, tuple(range(1, len(lines) + 1))))


def _script_line(line: str) -> str:
    bold = _BOLD.fullmatch(re.sub(r"^\s*#+\s+", "", line).strip())
    plain = bold[1].strip() if bold else re.sub(r"^\s*#+\s+", "", line)
    head = HEAD.match(plain)
    return plain if (head and plain == plain.upper()) or (bold and plain == plain.upper()) else line
