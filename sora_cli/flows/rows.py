"""The rows of a list: CSV as spreadsheets of every country save it. Notes say what is not read as it is written."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import dropwhile
from pathlib import Path

from sora_cli.bounded import read_bytes
from sora_cli.errors import HINT_READ, RequestError, counted
from sora_cli.events import Note, Report
from sora_cli.interchange import cells
from sora_cli.interchange.workbook import WORKBOOKS, read_sheet
from sora_cli.texts import decoded

LISTS = (".csv", ".tsv", ".tab", *WORKBOOKS)
OTHERS = {
    **dict.fromkeys((".xls", ".ods", ".numbers"), "a spreadsheet"),
    **dict.fromkeys((".jsonl", ".ndjson"), "JSON Lines"),
}
"""Files that people take for lists."""
MOST = 10_000
"""The most rows of a list; each is a film."""
_HINT_FIRST = "the first row names the columns: take out what is above it"
_AMOUNT = re.compile(r"[-+]?[0-9][0-9.,: ]*(?:s|sec|secs|seconds|min|m|h|%|€|\$)?")
_RULE = re.compile(r":?-+:?")
_NAMES = re.compile(r"""["']?\w[\w-]*["']?(?:\s*[,;|]\s*["']?\w[\w-]*["']?)+""")
"""The names of columns, each one word."""
_DECIMAL = re.compile(r"([-+]?[0-9]+),([0-9]+)(\s*(?:s|ms|m|min|fps)?)")


def read_rows(path: Path, report: Report, *, lower: Sequence[str] = ()) -> dict[int, dict[str, str]]:
    """The rows of a list by their number, from 1 below the columns' names; each is its cells by column.

    Empty cells, and those missing at the end of a row, are left out, and rows without any value passed over. Columns
    named in `lower` are found in any case.

    Raises:
        RequestError: the list cannot be read, a row does not fit its columns, or there is nothing in it.
    """
    text = _text(path, report)
    if sep := re.match(r'("?)sep=(.)\1(?:\r\n?|\n)', text):  # how Excel is told which character separates cells
        text = text[sep.end() :]
    mark = sep[2] if sep else max(cells.MARKS, key=lambda mark: len(_header(text, mark)))
    try:
        header, *records = _from_names(_records(text, mark))
    except ValueError:
        raise _empty(path) from None
    except csv.Error as error:
        hint = "save it as CSV, with the column names in the first row"
        if "unexpected end" in str(error):
            hint = 'a quote opens a cell and none closes it: write "..." around all of it, "" for a quote inside'
        raise RequestError(f"{path} is not a list: {error}", hint=hint) from error
    header, records = _without_numbers(path, header, records, report)
    columns = [name.lower() if name.lower() in lower else name for name in header]
    rows = {number: row for number, row in enumerate(records, 1) if any(row) and not _is_rule(row)}
    for number in [number for number, row in rows.items() if len(row) > 1 and row == header]:  # lists that were joined
        report(Note(f"{path}: row {number} names the columns once more: it is passed over"))
        del rows[number]
    if not rows:
        raise _empty(path)
    if len(rows) > MOST:
        raise RequestError(
            f"{path} has {len(rows)} rows; at most {MOST} are allowed", hint="split it into several lists"
        )
    _check_columns(path, columns, rows)
    found = {number: dict(_cells(path, number, columns, row, mark)) for number, row in rows.items()}
    if short := [str(number) for number, row in rows.items() if len(row) < len(columns)]:  # Excel drops empty ones
        named = f"row {short[0]}" if len(short) == 1 else f"rows {', '.join(short[:5])}{' ...' if short[5:] else ''}"
        report(Note(f"{path}: {named}: fewer cells than columns; those that are missing count as empty"))
    found = dict(_without_totals(path, found, report))
    return _with_points(path, found, report) if mark == ";" else found


def _without_numbers(
    path: Path, header: list[str], records: list[list[str]], report: Report
) -> tuple[list[str], list[list[str]]]:
    """The list without a first column that has no name of its own and counts the rows, as pandas writes one."""
    numbers = [row[0] for row in records if any(row)]
    counts = any(numbers == [str(place + first) for place in range(len(numbers))] for first in (0, 1))
    if len(header) < 2 or header[0] not in {"", "Unnamed: 0"} or not (numbers and counts):
        return header, records
    report(Note(f"{path}: the first column has no name and counts the rows: it is passed over"))
    return header[1:], [row[1:] for row in records]


def _is_rule(row: Sequence[str]) -> bool:
    """Whether a row is what parts the names from the rows in Markdown: `|---|:-:|`."""
    return any(row) and all(_RULE.fullmatch(cell) for cell in row if cell)


def _without_totals(
    path: Path, rows: Mapping[int, dict[str, str]], report: Report
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows but for those that add up others: `Total`, with numbers alone beside it."""
    last = max(rows)
    for number, row in rows.items():
        first, *others = row.values()
        numbers = all(map(_AMOUNT.fullmatch, others)) and (number == last or not others) and len(rows) > 2
        if cells.is_total(first) and numbers:
            report(Note(f"{path}: row {number} adds up the others (`{first}`): it is passed over"))
        else:
            yield number, row


def is_list(path: Path) -> bool:
    """Whether a file is a list by its ending; of a text by its first line, which has names of columns, or tabs.

    Excel saves a text with tabs as "Unicode".
    """
    if path.suffix.lower() not in {".txt", ""}:
        return path.suffix.lower() in LISTS
    with suppress(OSError, UnicodeDecodeError):
        first = decoded(read_bytes(path))[0].removeprefix("\ufeff").partition("\n")[0].strip()
        return "\t" in first or _NAMES.fullmatch(first) is not None
    return False


def _text(path: Path, report: Report) -> str:
    """The text of a list, which may come from Windows."""
    if path.suffix.lower() in WORKBOOKS:
        sheet = read_sheet(path, spread=True)
        if sheet.told:
            report(Note(f"{path}: {sheet.told}"))
        return sheet.text
    try:
        data = read_bytes(path)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}", hint=HINT_READ) from error
    try:
        text, encoding = decoded(data)
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is not a list: {error.reason}", hint="save it as CSV in UTF-8") from error
    if encoding:
        report(Note(f"{path} is not in UTF-8: it is read as {encoding}", "if letters come out wrong, save it in UTF-8"))
    return text


def _header(text: str, mark: str) -> list[str]:
    try:
        row = next(_from_names(_records(text, mark)), [])
    except csv.Error:
        return []
    return row if re.search(r"\w", "".join(row)) else []  # marks of another kind alone are no names


def _from_names(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows from the first one with a value on, without those that have no cells."""
    return (row for row in dropwhile(lambda row: not any(row), rows) if row)


def _records(text: str, mark: str) -> Iterator[list[str]]:
    """The rows of a text, each cell without the blanks around it, the unseen ones too.

    Raises:
        csv.Error: it is no list.
    """
    return map(cells.cleaned, cells.opened(text, mark))


def _empty(path: Path) -> RequestError:
    return RequestError(
        f"{path} has no rows: there is nothing to make", hint="write one row for each film, below the column names"
    )


def _check_columns(path: Path, columns: Sequence[str], rows: Mapping[int, Sequence[str]]) -> None:
    twice = [name for name, count in Counter(filter(None, columns)).items() if count > 1]
    if twice:
        raise RequestError(f"{path}: two columns are called `{twice[0]}`", hint="give each a name of its own")
    for place in (place for place, name in enumerate(columns) if not name):
        filled = [number for number, row in rows.items() if place < len(row) and row[place]]
        if filled:
            message = f"{path}: column {place + 1} has no name, and a value in row {filled[0]}"
            alone = len(columns) - columns.count("") == 1
            raise RequestError(
                message, hint=_HINT_FIRST if alone else "name the column in the first row, or leave it empty"
            )


def _cells(path: Path, number: int, columns: Sequence[str], row: Sequence[str], mark: str) -> Iterator[tuple[str, str]]:
    """The filled cells of a row, by column."""
    if any(row[len(columns) :]):
        message = f"{path} row {number} has {counted(len(row), 'cell')}; columns are named for {len(columns)}"
        hint = f"put quotes around cells that contain {cells.MARKS.get(mark, repr(mark))}"
        if re.search("[\u201c\u201d\u201e\u00ab]", "".join(row)):
            hint += ': straight ones ("), not \u201cof this kind\u201d'
        named = len([name for name in columns if name]) > 1
        raise RequestError(message, hint=hint if named else f"{_HINT_FIRST}; or {hint}")
    if failed := cells.failure(row):
        message = f"{path} row {number}: {failed} is an error of the spreadsheet, not a value"
        raise RequestError(message, hint=cells.HINT_FAILED)
    return ((name, cell) for name, cell in zip(columns, row, strict=False) if name and cell)


def _with_points(path: Path, rows: dict[int, dict[str, str]], report: Report) -> dict[int, dict[str, str]]:
    """Numbers with a decimal point: lists with semicolons come from countries that write a decimal comma."""
    found = {
        cell: _DECIMAL.sub(r"\1.\2\3", cell)
        for row in rows.values()
        for cell in row.values()
        if _DECIMAL.fullmatch(cell)
    }
    if found:
        first, read = next(iter(found.items()))
        report(Note(f"{path}: decimal commas are read as points: {first} is {read}"))
    return {number: {name: found.get(cell, cell) for name, cell in row.items()} for number, row in rows.items()}
