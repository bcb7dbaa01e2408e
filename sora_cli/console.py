"""Everything a person sees: progress, the plan table, errors under their YAML line, the closing summary.

Talk goes to stderr, data to stdout. Without a terminal there are plain lines and no control codes; `NO_COLOR` is
honoured (rich does both).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import singledispatchmethod
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.text import Text

from sora_cli import report
from sora_cli.errors import Problem, SoraError, StoryboardError

PLAIN_WIDTH = 200
"""Columns of a table that is not drawn on a terminal; a pipe has no width, and cropped names help nobody."""


def plain(text: str) -> str:
    """The text without anything that a terminal would obey: control codes shown as U+FFFD, newlines kept."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def stdout(text: str) -> None:
    """Data, for a person or a pipe."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def stdout_json(value: object) -> None:
    """One JSON document."""
    stdout(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _console(*, stderr: bool = True) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def say(text: str, style: str = "") -> None:
    """A line of talk."""
    _console().print(Text(plain(text), style=style))


def show_error(error: SoraError) -> None:
    """An error and its hint; a storyboard's problems each under its line."""
    if isinstance(error, StoryboardError):
        show_problems(error.problems)
        count = len(error.problems)
        say(f"{count} problem{'s' if count > 1 else ''} in the storyboard", "bold red")
        return
    _console().print(Text("error: ", style="bold red") + Text(plain(error.message)))
    if error.hint:
        _console().print(Text("hint: ", style="bold cyan") + Text(plain(error.hint)))


def show_problems(problems: Iterable[Problem], style: str = "red") -> None:
    """Problems or remarks, each with its place, line, caret and hint."""
    console = _console()
    for problem in problems:
        head, *rest = plain(str(problem)).split("\n")
        console.print(Text(head, style=style))
        for line in rest:
            console.print(Text(line, style="bold " + style if line.strip() == "^" else "dim"))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table on stdout; plain columns where stdout is no terminal."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    _console(stderr=False).print(table)


def duration(seconds: float) -> str:
    """Seconds in words that fit a column: `4.2 s`, `3 min 10 s`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


def show_summary(title: str, facts: Mapping[str, str]) -> None:
    """The closing words: what was made and where it is."""
    console = _console()
    console.print(Text(plain(title), style="bold green"))
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        console.print(Text(f"  {name:<{width}}  ", style="dim") + Text(plain(value)))


class Talk:
    """Draws what happens: two bars on a terminal (the film, the take), plain lines elsewhere."""

    def __init__(self) -> None:
        # Commands that only look need no progress bars, and start a fifth sooner without.
        from rich import progress

        self._console = _console()
        self._live = self._console.is_terminal
        self._progress = progress.Progress(
            progress.SpinnerColumn(), progress.TextColumn("{task.description}", markup=False), progress.BarColumn(),
            progress.MofNCompleteColumn(), progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console, transient=True,
        )  # fmt: skip
        self._film = self._progress.add_task("film", total=None, visible=False)
        self._take = self._progress.add_task("take", total=None, visible=False)
        self._takes = self._done = 0

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._live:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the bars away."""
        if self._live:
            self._progress.stop()

    def __call__(self, event: report.Event) -> None:
        """Hear one event."""
        self._hear(event)

    @singledispatchmethod
    def _hear(self, event: report.Event) -> None:
        """Events of which a person needs no word."""

    @_hear.register
    def _(self, event: report.Planned) -> None:
        self._takes, self._done = event.takes, 0
        kept = f", {event.kept} already kept" if event.kept else ""
        self._line(f"{event.takes} takes{kept}, {event.frames} frames, {event.seconds:.2f} s of film")
        self._progress.update(self._film, total=event.takes, completed=0, visible=True, description="film")

    @_hear.register
    def _(self, event: report.EngineLoading) -> None:
        self._line(f"loading engine {event.engine}")

    @_hear.register
    def _(self, event: report.TakeStarted) -> None:
        self._progress.reset(self._take, total=None, visible=True, description=plain(event.take))

    @_hear.register
    def _(self, event: report.Step) -> None:
        self._progress.update(self._take, total=event.of, completed=event.step)
        self._progress.update(self._film, completed=self._done + event.step / max(1, event.of))

    @_hear.register
    def _(self, event: report.TakeKept) -> None:
        self._ended()
        if not event.reused:
            self._line(f"[{self._done}/{self._takes}] {event.take}  {duration(event.seconds)}")

    @_hear.register
    def _(self, event: report.TakeFailed) -> None:
        self._ended()
        self._line(f"{event.take}: failed: {event.reason}", "red")

    @_hear.register
    def _(self, event: report.TakeSkipped) -> None:
        self._ended()
        self._line(f"{event.take}: skipped, because {event.because} failed", "yellow")

    @_hear.register
    def _(self, event: report.StageStarted) -> None:
        self._progress.reset(self._take, total=event.total or None, visible=True, description=event.stage)
        if not self._live:
            self._line(f"{event.stage} ...")

    @_hear.register
    def _(self, event: report.StageStep) -> None:
        self._progress.update(self._take, completed=event.done)

    @_hear.register
    def _(self, _event: report.StageDone) -> None:
        self._progress.update(self._take, visible=False)

    @_hear.register
    def _(self, event: report.Note) -> None:
        self._line(f"note: {event.message}" + (f" ({event.hint})" if event.hint else ""), "yellow")

    def _ended(self) -> None:
        self._done += 1
        self._progress.update(self._film, completed=self._done)
        self._progress.update(self._take, visible=False)

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(plain(text), style=style))


class Both:
    """Tells two listeners."""

    def __init__(self, one: report.Report, other: report.Report) -> None:
        self._listeners = (one, other)

    def __call__(self, event: report.Event) -> None:
        """Pass the event on."""
        for listener in self._listeners:
            listener(event)


def verdict_lines(verdict: Mapping[str, Any]) -> Iterator[str]:
    """What a verdict (as plain data) says: one plain sentence, the facts, and the tree of what went in."""
    yield verdict["sentence"]
    facts = {
        "signer": verdict["signer"], "made with": verdict["generator"], "author": verdict["author"],
        "created": verdict["created"], "source": verdict["source"], "training on it": verdict["training"],
    }  # fmt: skip
    yield from (f"  {name}: {value}" for name, value in facts.items() if value)
    yield from (f"  problem: {problem}" for problem in verdict["problems"] if problem)
    yield from _part_lines(verdict["parts"], "  ")


def _part_lines(parts: Sequence[Mapping[str, Any]], indent: str) -> Iterator[str]:
    for part in parts:
        place = "" if part["start"] is None else f" {part['start']:.2f}-{part['end']:.2f} s"
        prompt = part["parameters"].get("prompt", "")
        yield f"{indent}{part['name']}{place}: {part['state']}" + (f' "{prompt}"' if prompt else "")
        yield from (f"{indent}  problem: {problem}" for problem in part["problems"])
        yield from _part_lines(part["parts"], indent + "  ")
