"""What commands print of what they found: the plan table, errors under their YAML line, the closing summary.

`progress` draws what is seen meanwhile; commands that only look do not import it.

Messages go to stderr, data to stdout. Without a terminal there are plain lines and no control codes; `NO_COLOR` is
honoured (rich does both).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, Segments
from rich.text import Text

from sora_cli.errors import Problem, SoraError, counted

if TYPE_CHECKING:
    from sora_cli.engines.doctor import Check
    from sora_cli.stamp import IngredientVerdict, Verdict

PLAIN_WIDTH = 200
"""Columns of a table that is not drawn on a terminal; a pipe has no width, and cropped names help nobody."""


def plain(text: str) -> str:
    """The text without anything that a terminal would obey: control codes shown as U+FFFD, newlines kept."""
    if text.replace("\n", "").isprintable():  # as nearly all are
        return text
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def stdout(text: str) -> None:
    """Data, for a person or a pipe."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def stdout_json(value: object) -> None:
    """One JSON document."""
    from sora_cli.events import json_text

    stdout(json_text(value, indent=2))


class _Console(Console):
    """Stops printing when its reader is gone, where rich would end the program."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def open_console(*, stderr: bool = True) -> Console:
    """Where rich draws: the terminal's width, or one that crops no names."""
    console = _Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def say(text: str, style: str = "") -> None:
    """A message, one line."""
    open_console().print(Text(plain(text), style=style))


def stream(text: str) -> None:
    """What a model writes, while it writes, on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(plain(text))
        sys.stderr.flush()


STOPPING = "finishing the current file, then stopping; the next Ctrl-C stops at once"


def show_stop(*, last: bool) -> None:
    """Say that a signal was heard. Safe in a signal handler, where a print may meet a half-done one of its own."""
    text = b"\x1b[?25h" if last and sys.stderr.isatty() else b""  # progress bars hide the cursor
    if not last:
        text = f"\n{STOPPING}\n".encode()
    with contextlib.suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), text)


def show_error(error: SoraError) -> None:
    """An error and its hint; a storyboard's problems each under its line."""
    if error.problems:
        show_problems(error.problems)
        written = any(problem.mark and problem.mark.line for problem in error.problems)
        say(counted(len(error.problems), "problem") + (" in the storyboard" if written else ""), "bold red")
        return
    open_console().print(Text("error: ", style="bold red") + Text(plain(error.message)))
    if error.hint:
        open_console().print(Text("hint: ", style="bold cyan") + Text(plain(error.hint)))


def show_problems(problems: Iterable[Problem], style: str = "red") -> None:
    """Problems or remarks, each with its place, line, caret and hint."""
    console = open_console()
    first, caret, other = (console.get_style(each) for each in (style, f"bold {style}", "dim"))
    parts: list[Segment] = []  # printed at once: there may be one for each of ten thousand shots
    for problem in problems:
        head, *rest = plain(str(problem)).split("\n")
        parts += [Segment(head, first), Segment.line()]
        for line in rest:
            parts += [Segment(line, caret if line.strip() == "^" else other), Segment.line()]
    console.print(Segments(parts), end="")


def show_diff(diff: str) -> None:
    """A unified diff on stdout, in colours where that is a terminal."""
    console = open_console(stderr=False)
    for line in plain(diff).split("\n") if diff else ():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        console.print(Text(line, style=style))


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[str] = (),
    below: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> None:
    """A table on stdout; plain columns if stdout is not a terminal, or if lines stand `below` rows (from 0)."""
    console = open_console(stderr=False)
    cells = [list(columns), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    if below or (not console.is_terminal and sum(widths) + 2 * len(widths) <= PLAIN_WIDTH):
        lines: list[str] = []
        for number, row in enumerate(cells, -1):
            lines += [_plain_row(columns, row, widths, right), *(f"  {plain(line)}" for line in below.get(number, ()))]
        stdout("\n".join(lines))
        return
    from rich.table import Table  # takes a tenth of the time of a command that only looks

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in cells[1:]:
        table.add_row(*map(Text, row))
    console.print(table)


def _plain_row(columns: Sequence[str], row: Sequence[str], widths: Sequence[int], right: Sequence[str]) -> str:
    pads = (" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
    cells = zip(columns, row, pads, strict=True)
    return "  ".join(pad + cell if column in right else cell + pad for column, cell, pad in cells)


def duration(seconds: float) -> str:
    """Seconds in words that fit a column: `4.2 s`, `3 min 10 s`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


def show_facts(title: str, facts: Mapping[str, str]) -> None:
    """Named facts, as data on stdout."""
    width = max((len(name) for name in facts), default=0)
    stdout(plain("\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in facts.items())])))


def show_summary(title: str, facts: Mapping[str, str]) -> None:
    """The closing words: what was made and where it is."""
    console = open_console()
    console.print(Text(plain(title), style="bold green"))
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        console.print(Text(f"  {name:<{width}}  ", style="dim") + Text(plain(value)))


def show_checks(checks: Iterable[Check]) -> None:
    """What a doctor found, a line each on stdout: what works, what is missing, what to type."""
    for check in checks:
        state = {True: "ok", False: "MISSING", None: "-"}[check.ok]
        hint = f"  ({check.hint})" if not check.ok and check.hint else ""
        stdout(plain(f"{state:<8}{check.name:<17}{check.found}{hint}"))


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """What a verdict says: one plain sentence, the facts, and the tree of what went in."""
    yield verdict.sentence
    facts = {
        "signer": verdict.signer,
        "made with": verdict.generator,
        "author": verdict.author,
        "created": verdict.created,
        "source": verdict.source,
        "training on it": verdict.training,
        "moderation": verdict.moderation,
    }
    yield from (f"  {name}: {value}" for name, value in facts.items() if value)
    yield from (f"  problem: {problem}" for problem in verdict.problems if problem)
    yield from (f"  note: {note}" for note in verdict.notes)
    yield from _part_lines(verdict.parts, "  ")


def _places(part: IngredientVerdict) -> str:
    """Where a part plays in its film; of more than six places, how many others there are."""
    spans = [] if part.start is None else [(part.start, part.end), *part.again]
    told = [f"{start:.2f}-{end:.2f} s" for start, end in spans[:6]]
    more = [f"{len(spans) - 6} more"] if len(spans) > 6 else []
    return f" {', '.join([*told, *more])}" if told else ""


def _part_lines(parts: Sequence[IngredientVerdict], indent: str) -> Iterator[str]:
    for part in parts:
        prompt = part.parameters.get("prompt", "")
        yield f"{indent}{part.name}{_places(part)}: {part.state}" + (f' "{prompt}"' if prompt else "")
        yield from (f"{indent}  problem: {problem}" for problem in part.problems)
        yield from (f"{indent}  note: {note}" for note in part.notes)
        yield from _part_lines(part.parts, indent + "  ")
