"""Everything a person sees: progress, the plan table, errors under their YAML line, the closing summary.

Talk goes to stderr, data to stdout. Without a terminal there are plain lines and no control codes; `NO_COLOR` is
honoured (rich does both).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import singledispatch, singledispatchmethod
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.text import Text

from sora_cli import report
from sora_cli.errors import Problem, RequestError, SoraError, StoryboardError

if TYPE_CHECKING:
    from sora_cli.engines.doctor import Check

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


class _Console(Console):
    """Falls silent when nobody reads any more, where rich would end the program."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def _console(*, stderr: bool = True) -> Console:
    console = _Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def say(text: str, style: str = "") -> None:
    """A line of talk."""
    _console().print(Text(plain(text), style=style))


def show_stop(last: bool) -> None:  # noqa: FBT001  a callback's only argument
    """Say that a signal was heard. Safe in a signal handler, where a print may meet a half-done one of its own."""
    text = b"\x1b[?25h" if last and sys.stderr.isatty() else b""  # progress bars hide the cursor
    if not last:
        text = b"\nstopping, when what is being written is whole; once more stops at once\n"
    with contextlib.suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), text)


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


def show_facts(title: str, facts: Mapping[str, str]) -> None:
    """Named facts, as data on stdout."""
    width = max((len(name) for name in facts), default=0)
    stdout(plain("\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in facts.items())])))


def show_summary(title: str, facts: Mapping[str, str]) -> None:
    """The closing words: what was made and where it is."""
    console = _console()
    console.print(Text(plain(title), style="bold green"))
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        console.print(Text(f"  {name:<{width}}  ", style="dim") + Text(plain(value)))


def show_checks(checks: Iterable[Check]) -> None:
    """What a doctor found, a line each on stdout: what works, what is missing, what to type."""
    for check in checks:
        state = {True: "ok", False: "MISSING", None: "-"}[check.ok]
        hint = f"  ({check.hint})" if check.ok is False and check.hint else ""
        stdout(plain(f"{state:<8}{check.name:<17}{check.found}{hint}"))


class Download:
    """A bar for what comes from a hub, in bytes; called with (fetched, in all)."""

    def __init__(self, name: str) -> None:
        from rich import progress

        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False), progress.BarColumn(), progress.DownloadColumn(),
            progress.TransferSpeedColumn(), progress.TimeRemainingColumn(), console=_console(), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task(plain(name), total=None)

    def __enter__(self) -> Self:
        """Start drawing, on a terminal."""
        if self._bar.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the bar away."""
        self._bar.stop()

    def __call__(self, fetched: int, total: int) -> None:
        """So much is here."""
        self._bar.update(self._task, completed=fetched, total=total)


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
        about = ""
        if isinstance(event, report.About):
            about, event = f"{Path(event.film).name}: ", event.event
        if isinstance(event, report.TakeKept | report.TakeFailed | report.TakeSkipped):
            self._done += 1
            self._progress.update(self._film, completed=self._done)
            self._progress.update(self._take, visible=False)
        self._draw(event)
        text, style = words(event)
        if isinstance(event, report.TakeKept) and text:
            text = f"[{self._done}/{self._takes}] {text}"
        told = isinstance(event, report.Released) or (self._live and isinstance(event, report.StageStarted))
        if text and not told:  # the summary tells of the release, the bar of the stage
            self._console.print(Text(plain(about + text), style=style))

    @singledispatchmethod
    def _draw(self, event: report.Event) -> None:
        """Events that move no bar."""

    @_draw.register
    def _(self, event: report.Planned) -> None:
        self._takes, self._done = event.takes, 0
        self._progress.update(self._film, total=event.takes, completed=0, visible=True, description="film")

    @_draw.register
    def _(self, event: report.TakeStarted) -> None:
        self._progress.reset(self._take, total=None, visible=True, description=plain(event.take))

    @_draw.register
    def _(self, event: report.Step) -> None:
        self._progress.update(self._take, total=event.of, completed=event.step)
        self._progress.update(self._film, completed=self._done + event.step / max(1, event.of))

    @_draw.register
    def _(self, event: report.StageStarted) -> None:
        self._progress.reset(self._take, total=event.total or None, visible=True, description=event.stage)

    @_draw.register
    def _(self, event: report.StageStep) -> None:
        self._progress.update(self._take, completed=event.done)

    @_draw.register
    def _(self, _event: report.StageDone) -> None:
        self._progress.update(self._take, visible=False)


@singledispatch
def words(_event: report.Event) -> tuple[str, str]:
    """What a person is told of an event, and its style; of most they need no word."""
    return "", ""


@words.register
def _(event: report.Planned) -> tuple[str, str]:
    kept = f", {event.kept} already kept" if event.kept else ""
    return f"{event.takes} takes{kept}, {event.frames} frames, {event.seconds:.2f} s of film", ""


@words.register
def _(event: report.EngineLoading) -> tuple[str, str]:
    return f"loading engine {event.engine}", ""


@words.register
def _(event: report.TakeKept) -> tuple[str, str]:
    return "" if event.reused else f"{event.take}  {duration(event.seconds)}", ""


@words.register
def _(event: report.TakeElsewhere) -> tuple[str, str]:
    return f"{event.take}: another sora is making it; waiting for that", ""


@words.register
def _(event: report.TakeRetried) -> tuple[str, str]:
    return f"{event.take}: {event.reason}; try {event.attempt} of {event.of}", "yellow"


@words.register
def _(event: report.TakeFailed) -> tuple[str, str]:
    return f"{event.take}: failed: {event.reason}", "red"


@words.register
def _(event: report.TakeSkipped) -> tuple[str, str]:
    return f"{event.take}: skipped, because {event.because} failed", "yellow"


@words.register
def _(event: report.StageStarted) -> tuple[str, str]:
    return f"{event.stage} ...", ""


@words.register
def _(event: report.About) -> tuple[str, str]:
    text, style = words(event.event)
    return text and f"{event.film}: {text}", style


@words.register
def _(event: report.FilmStarted) -> tuple[str, str]:
    return f"[{event.number}/{event.of}] {event.source}", "bold"


@words.register
def _(event: report.FilmEnded) -> tuple[str, str]:
    why = f": {event.reason}" if event.reason else ""
    return f"{event.film}: {event.state}{why}", "red" if event.state == "failed" else "green"


@words.register
def _(event: report.Released) -> tuple[str, str]:
    return f"{event.film}: released", ""


@words.register
def _(event: report.Note) -> tuple[str, str]:
    return f"note: {event.message}" + (f" ({event.hint})" if event.hint else ""), "yellow"


class Log:
    """Appends what a person is told to a file, each line with the time of day."""

    def __init__(self, path: Path) -> None:
        try:
            self._out = path.open("a", encoding="utf-8")
        except OSError as error:
            message = f"cannot write the log {path}: {error.strerror}"
            raise RequestError(message, hint="name a file in a folder that you may write to") from error

    def __call__(self, event: report.Event) -> None:
        """Write down one event, at once."""
        text, _ = words(event)
        if text:
            self.say(text)

    def say(self, text: str) -> None:
        """Write down a line."""
        self._out.write(f"{datetime.now().astimezone().isoformat(' ', 'seconds')}  {plain(text)}\n")
        self._out.flush()

    def __enter__(self) -> Self:
        """Open for words."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note how it ended, and close the file."""
        with contextlib.suppress(OSError):
            if isinstance(error, SoraError):
                self.say(f"ended: {error.message}")
            elif error is not None:
                self.say("interrupted" if isinstance(error, KeyboardInterrupt) else f"ended: {error!r}")
            self._out.close()


class Listeners:
    """Tells several listeners. One that cannot hear any more (a closed pipe, a full disk) is told nothing further.

    A night of work does not end because the terminal that watched it went away.
    """

    def __init__(self, *listeners: report.Report) -> None:
        self._listeners = list(listeners)

    def __call__(self, event: report.Event) -> None:
        """Pass the event on."""
        for listener in list(self._listeners):
            try:
                listener(event)
            except (OSError, ValueError):  # ValueError: the file was closed
                self._listeners.remove(listener)


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
