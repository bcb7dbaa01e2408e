"""Cells of lists as spreadsheets of every country write them."""

from __future__ import annotations

import csv
import io
import re
import string
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

MARKS = {",": "commas", "\uff0c": "full-width commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What parts cells, and what that is called."""
HINT_FAILED = "correct its formula, and save the list again"
_FAILED = re.compile(r"#(?:[^\W\d_]{2,9}[!?]|DIV/0!|N/A|NV)")
"""What a spreadsheet writes in the place of a value that it could not work out, in its country's language."""
_BLANKS = string.whitespace + "\x1a\u00a0\u200b\u2060\u3000\ufeff"
"""What stands around a cell and is not its value: spaces, unseen ones too, and the mark that ends files of DOS."""
_GUARD = re.compile("^'(?=[=+@-])")
"""What stands before a text so that spreadsheets take it for no formula; sora writes it too."""
_KEPT = re.compile(r'="((?:[^"]|"")*)"')
"""A text as programs write it so that Excel takes it for no number: `="007"`."""
_TOTAL = re.compile(
    r"(?:grand |sub-?)?total(?:s|e[sn]?|[ei])?|sum(?:me|a|ma)?|gesamt(?:summe)?|insgesamt|razem|celkem|toplam"
    r"|итого|всего|合计|合計|总计|總計|総計|합계",
    re.IGNORECASE,
)


class Rows(Protocol):
    """The rows of a list, and the line that they were read up to."""

    @property
    def line_num(self) -> int:
        """The line, counted from 1."""
        ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def opened(text: str, mark: str) -> Rows:
    """A reader of the rows of a text; it raises `csv.Error` where that is no list."""
    return csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True, skipinitialspace=True)


def as_csv(rows: Iterable[Iterable[str | None]]) -> str:
    """Rows as the text of a list with commas."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def cleaned(row: Iterable[str]) -> list[str]:
    """The values in the cells of a row."""
    cells = (cell.strip(_BLANKS) for cell in row)
    return [_GUARD.sub("", kept[1].replace('""', '"') if (kept := _KEPT.fullmatch(cell)) else cell) for cell in cells]


def failure(row: Iterable[str]) -> str:
    """What a spreadsheet could not work out in a row, as it says so; empty where it could."""
    return next((cell for cell in row if _FAILED.fullmatch(cell)), "")


def is_total(cell: str) -> bool:
    """Whether a cell begins a row that adds up the others: `Total`, `Summe:`, `Total duration`."""
    words = re.split(r"[\s:\uff1a(=]+", cell.strip(), maxsplit=2)
    return any(_TOTAL.fullmatch(" ".join(words[:count])) for count in (1, 2))


def adds_up(row: Sequence[str]) -> bool:
    """Whether a row adds up the others: `Total` in whichever column, and no words beside it."""
    others = [cell for cell in row if not is_total(cell)]
    return any(map(is_total, row)) and not any(re.search(r"[^\W\d_]{4}", cell) for cell in others)
