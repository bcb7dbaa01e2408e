"""Lists in the workbooks of Excel and of what saves like it: the first sheet that is seen and has cells, as text."""

from __future__ import annotations

import math
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from sora_cli.bounded import open_regular
from sora_cli.errors import HINT_READ, MachineError, RequestError
from sora_cli.interchange.cells import as_csv
from sora_cli.packages import imported, others

WORKBOOKS = (".xlsx", ".xlsm")
HINT_SAVED = "save the list as CSV, or as .xlsx"
HINT_CSV = "save the list as CSV, in UTF-8"
_MOST_BYTES = 64 << 20
"""Of a workbook when it is unpacked."""
_MOST_ROWS, _MOST_COLUMNS = 20_000, 200
"""What is looked at of a sheet: a stray cell may lie in its last row and column."""


_FORMULA = re.compile(rb"<f[ />]")
_HIDDEN = re.compile(rb"""<(?:row|col)\b[^>]*\bhidden=["'](?:1|true)""")
_MERGED = re.compile(rb"<mergeCell ")


def _is_sheet(name: str) -> bool:
    """Whether a part of a workbook is a sheet."""
    return name.startswith("xl/worksheets/")


class Sheet(Struct, frozen=True):
    """A sheet as the text of a list with commas, its name, and what is left out: other sheets, far cells."""

    text: str
    name: str
    left: tuple[str, ...]
    hidden: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What is left out of its workbook, or read and not seen there; empty where nothing is."""
        left = f"left out: {', '.join(self.left)}" if self.left else ""
        hidden = f"hidden, and read too: {', '.join(self.hidden)}" if self.hidden else ""
        told = "; ".join(filter(None, (left, hidden)))
        return f"of this workbook the sheet `{self.name}` is read; {told}" if told else ""


class _Cell(Protocol):
    value: object
    number_format: str
    data_type: str
    coordinate: str


def read_sheet(path: Path, wanted: Callable[[str], bool] = bool, *, spread: bool = False) -> Sheet:
    """The first sheet of a workbook that has cells and whose text is `wanted`; if none is, the first that has cells.

    Sheets that are hidden come last: they are lists to choose from. With `spread` a cell that is merged over several
    rows is the value of each.

    Raises:
        RequestError: it cannot be read, is none, is too large, or is empty.
        MachineError: the package that reads it is not here.
    """
    with imported("a spreadsheet", "openpyxl", _Missing):
        import openpyxl
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MOST_BYTES:
                raise RequestError(f"{path} is larger than {_MOST_BYTES:,} bytes when unpacked", hint=HINT_CSV)
            file.seek(0)
            # It warns of styles and rules for cells, which are nothing of a list.
            with (
                warnings.catch_warnings(action="ignore"),
                others(lambda _why: zipfile.BadZipFile("it is damaged, or no workbook")),
            ):
                book = openpyxl.load_workbook(file, read_only=True, data_only=True)
                filled, text, rows = _filled(book.worksheets, wanted)
                if filled and _has(packed, _FORMULA):
                    _require_computed(path, openpyxl.load_workbook(file, read_only=True)[filled[0].title], rows)
                hidden: tuple[str, ...] = ()
                if filled and (_has(packed, _HIDDEN) or (spread and _has(packed, _MERGED))):
                    whole = openpyxl.load_workbook(file)[filled[0].title]
                    hidden = tuple(_hidden(whole))
                    text = as_csv(_spread(rows, whole)) if spread else text
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}", hint=HINT_READ) from error
    except zipfile.BadZipFile as error:
        raise RequestError(f"cannot read {path}: it is damaged, or no workbook of Excel", hint=HINT_CSV) from error
    if not filled:
        raise RequestError(f"{path} has no cells: there is nothing in it", hint="write one row for each shot or film")
    first, *rest = filled
    return Sheet(text, first.title, (*(f"`{sheet.title}`" for sheet in rest), *_beyond(first)), hidden)


def _has(packed: zipfile.ZipFile, sign: re.Pattern[bytes]) -> bool:
    return any(sign.search(packed.read(name)) for name in packed.namelist() if _is_sheet(name))


class _Missing(MachineError):
    """As errors of this machine, with another way on."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=f"{hint}; or {HINT_CSV}")


class _Band(Protocol):
    hidden: bool


class _Range(Protocol):
    bounds: tuple[int, int, int, int]


class _Ranges(Protocol):
    ranges: Iterable[_Range]


class _Whole(Protocol):
    merged_cells: _Ranges
    row_dimensions: Mapping[int, _Band]
    column_dimensions: Mapping[str, _Band]


class _Sheet(Protocol):
    title: str
    sheet_state: str
    max_row: int | None
    max_column: int | None

    def iter_rows(self, *, max_row: int, max_col: int) -> Iterator[tuple[_Cell, ...]]: ...


def _filled(
    sheets: Iterable[_Sheet], wanted: Callable[[str], bool]
) -> tuple[list[_Sheet], str, list[list[str | None]]]:
    """The sheets that have cells, the one that is read first; its text and its rows.

    What comes after a sheet that is wanted is read up to its first cell.
    """
    filled: list[_Sheet] = []
    text, kept, taken = "", list[list[str | None]](), False
    for sheet in sorted(sheets, key=lambda sheet: sheet.sheet_state != "visible"):
        found = _rows(_cells(sheet))
        if taken:
            filled += [sheet] if any(any(row) for row in found) else []
            continue
        rows = [*found]
        if any(any(row) for row in rows):
            taken = wanted(own := as_csv(rows))
            filled.insert(0 if taken else len(filled), sheet)
            text, kept = (own, rows) if taken or not text else (text, kept)
    return filled, text, kept


def _hidden(sheet: _Whole) -> Iterator[str]:
    """The rows and columns that are not to be seen, as its program names them."""
    rows = [f"row {number}" for number, row in sorted(sheet.row_dimensions.items()) if row.hidden]
    columns = [f"column {name}" for name, column in sorted(sheet.column_dimensions.items()) if column.hidden]
    for named in (rows, columns):
        yield from named[:5]
        if named[5:]:
            yield f"{len(named) - 5} more"


def _spread(rows: list[list[str | None]], sheet: _Whole) -> list[list[str | None]]:
    """The rows of a sheet, the value of a cell that is merged over several of them in each that has one of its own.

    Not so the names of the columns, which stand in the first row.
    """
    filled = [any(row) for row in rows]
    names = filled.index(True) + 1 if any(filled) else 0
    for found in sheet.merged_cells.ranges:
        left, top, _, bottom = found.bounds
        for row, own in zip(rows[top:bottom], filled[top:bottom], strict=True):
            if own and top > names and left <= min(len(row), len(rows[top - 1])):
                row[left - 1] = rows[top - 1][left - 1]
    return rows


def _require_computed(path: Path, sheet: _Sheet, rows: Sequence[Sequence[str | None]]) -> None:
    """Refuse a formula that no program worked out: what it would give is not in the file."""
    for row, found in zip(_cells(sheet), rows, strict=False):
        for cell, text in zip(row, found, strict=False):
            if text is None and cell.data_type == "f":
                told = f"{path}: cell {cell.coordinate} of `{sheet.title}` is a formula that was never worked out"
                raise RequestError(told, hint="open it in a spreadsheet program and save it there, or write its value")


def _cells(sheet: _Sheet) -> Iterator[tuple[_Cell, ...]]:
    return sheet.iter_rows(max_row=_MOST_ROWS, max_col=min(_MOST_COLUMNS, sheet.max_column or _MOST_COLUMNS))


def _beyond(sheet: _Sheet) -> Iterator[str]:
    """What lies beyond what is looked at, where the sheet says how large it is."""
    if (sheet.max_row or 0) > _MOST_ROWS or (sheet.max_column or 0) > _MOST_COLUMNS:
        yield f"cells beyond row {_MOST_ROWS:,} or column {_MOST_COLUMNS}"


def _rows(rows: Iterator[tuple[_Cell, ...]]) -> Iterator[list[str | None]]:
    for row in rows:
        yield [_text(cell) for cell in row]


def _text(cell: _Cell) -> str | None:
    """A cell as a list has it; None where it is empty, which what a formula gives is not."""
    if cell.value is not None:
        return _written(cell.value, cell.number_format or "")
    return "" if cell.data_type == "str" else None


_SHARE = re.compile(r"0(?:\.(0+))?%")


def _written(value: object, form: str) -> str:
    """A cell as its program would save it in a list."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value, form)
    if isinstance(value, timedelta):
        hours, seconds = divmod(value.total_seconds(), 3600)
        return f"{hours:.0f}:{seconds // 60:02.0f}:{seconds % 60:06.3f}".removesuffix(".000")
    if isinstance(value, time):
        clock = f"{value.hour}:{value.minute:02}" + (f":{value.second:02}" if "s" in form.lower() else "")
        return clock + (f".{value.microsecond:06}".rstrip("0") if value.microsecond else "")
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _number(value: float, form: str) -> str:
    """A number with all its decimals, but as a share or with its zeros in front where it is shown so."""
    if share := _SHARE.fullmatch(form):
        shown = f"{value:.{len(share[1] or '')}%}"
        return shown if math.isclose(float(shown[:-1]), value * 100, rel_tol=1e-9) else f"{value * 100:.10g}%"
    if re.fullmatch("0+", form) and float(value).is_integer():  # Google's sheets hold 7.0
        return f"{int(value):0{len(form) + (value < 0)}}"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
