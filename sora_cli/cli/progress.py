"""What a person sees while `sora` works: bars, a line for what happened, a log; and other listeners."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import singledispatch, singledispatchmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import asdict
from rich import progress
from rich.console import RenderableType
from rich.text import Text

from sora_cli import events
from sora_cli.cli import console
from sora_cli.errors import RequestError, SoraError, StoryboardError, counted


class Download:
    """A bar for what comes from a hub, in bytes; called with (fetched, in all)."""

    def __init__(self, name: str) -> None:
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=console.open_console(),
            transient=True,
        )
        self._task = self._bar.add_task(console.plain(name), total=None)

    def __enter__(self) -> Self:
        """Start drawing, on a terminal."""
        if self._bar.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the bar away; one that was not drawn would leave an empty line."""
        if self._bar.console.is_terminal:
            self._bar.stop()

    def __call__(self, fetched: int, total: int) -> None:
        """So much is here."""
        self._bar.update(self._task, completed=fetched, total=total)


class _Bars(progress.Progress):
    """Bars with a line of words below them, which stays while they are drawn anew."""

    words = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn, ten times a second."""
        yield from super().get_renderables()
        if self.words:
            yield Text(self.words, style="yellow")


class Display:
    """Draws what happens: bars on a terminal (the film, the take of each worker), plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = console.open_console()
        self._live = self._console.is_terminal
        self._progress = _Bars(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            transient=True,
        )
        self._film = self._progress.add_task("film", total=None, visible=False)
        self._take = self._progress.add_task("take", total=None, visible=False)
        self._bars: dict[str, progress.TaskID] = {"": self._take}
        self._shares: dict[str, float] = {}
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

    def stopping(self, last: bool) -> None:
        """Say that a signal was heard; called in its handler. A line of our own would be drawn over by the bars."""
        if self._live and not last:
            self._progress.words = console.STOPPING
        else:
            console.show_stop(last=last)

    def __call__(self, event: events.Event) -> None:
        """Hear one event."""
        about = ""
        if isinstance(event, events.About):
            about, event = f"{Path(event.film).name}: ", event.event
        if isinstance(event, events.TakeKept | events.TakeFailed | events.TakeSkipped | events.TakeSpared):
            self._done += 1
            self._shares.pop(event.key, None)
            self._progress.update(self._film, completed=self._done + sum(self._shares.values()))
            self._progress.update(self._bar(event), visible=False)
        self._draw(event)
        text, style = words(event)
        if isinstance(event, events.TakeKept) and text and self._takes:
            text = f"[{self._done}/{self._takes}] {text}"
        told = isinstance(event, events.Released) or (self._live and isinstance(event, events.StageStarted))
        if text and not told:  # the summary tells of the release, the bar of the stage
            self._console.print(Text(console.plain(about + text), style=style))

    def _bar(self, event: events.Event) -> progress.TaskID:
        """The bar of the worker that tells, which is made when it first does."""
        worker = event.worker if isinstance(event, events.Worked) else ""
        if worker not in self._bars:
            self._bars[worker] = self._progress.add_task(worker, total=None, visible=False)
        return self._bars[worker]

    @singledispatchmethod
    def _draw(self, event: events.Event) -> None:
        """Events that move no bar."""

    @_draw.register
    def _(self, event: events.Planned) -> None:
        self._takes, self._done = event.takes, 0
        self._progress.update(self._film, total=event.takes, completed=0, visible=True, description="film")

    @_draw.register
    def _(self, event: events.EngineLoading) -> None:
        self._begin(event, words(event)[0])

    @_draw.register
    def _(self, event: events.TakeStarted) -> None:
        self._begin(event, event.take)

    def _begin(self, event: events.Worked, text: str) -> None:
        about = f"{event.worker}: {text}" if event.worker else text
        self._progress.reset(self._bar(event), total=None, visible=True, description=console.plain(about))

    @_draw.register
    def _(self, event: events.Step) -> None:
        self._shares[event.key] = event.step / max(1, event.of)
        self._progress.update(self._bar(event), total=event.of, completed=event.step)
        self._progress.update(self._film, completed=self._done + sum(self._shares.values()))

    @_draw.register
    def _(self, event: events.StageStarted) -> None:
        self._progress.reset(self._take, total=event.total or None, visible=True, description=event.stage)

    @_draw.register
    def _(self, event: events.StageStep) -> None:
        self._progress.update(self._take, completed=event.done)

    @_draw.register
    def _(self, _event: events.StageDone) -> None:
        self._progress.update(self._take, visible=False)


_PLAIN: Mapping[type[events.Event], tuple[str, str]] = {
    events.TakeElsewhere: ("{take}: another sora is making it; waiting for that", ""),
    events.TakeRetried: ("{take}: {reason}; try {attempt} of {of}", "yellow"),
    events.TakeFailed: ("{take}: failed: {reason}", "red"),
    events.TakeSkipped: ("{take}: skipped, because {because} failed", "yellow"),
    events.TakeSpared: ("{take}: not needed, because {because} is good", ""),
    events.StageStarted: ("{stage} ...", ""),
    events.FilmStarted: ("[{number}/{of}] {source}", "bold"),
}
"""What is told of events with their fields as they are."""


@singledispatch
def words(event: events.Event) -> tuple[str, str]:
    """What a person is told of an event, and its style; most need none."""
    told, style = _PLAIN.get(type(event), ("", ""))
    return told and told.format(**asdict(event)), style


@words.register
def _(event: events.Planned) -> tuple[str, str]:
    kept = f", {event.kept} already kept" if event.kept else ""
    return f"{counted(event.takes, 'take')}{kept}, {counted(event.frames, 'frame')}, {event.seconds:.2f} s of film", ""


@words.register
def _(event: events.EngineLoading) -> tuple[str, str]:
    return f"loading engine {event.engine}{_by(event)}", ""


@words.register
def _(event: events.TakeKept) -> tuple[str, str]:
    return "" if event.reused else f"{event.take}  {console.duration(event.seconds)}{_by(event)}", ""


def _by(event: events.Worked) -> str:
    return f", {event.worker}" if event.worker else ""


@words.register
def _(event: events.About) -> tuple[str, str]:
    text, style = words(event.event)
    return text and f"{event.film}: {text}", style


@words.register
def _(event: events.FilmEnded) -> tuple[str, str]:
    why = f": {event.reason}" if event.reason else ""
    return f"{event.film}: {event.state}{why}", "red" if event.state == "failed" else "green"


@words.register
def _(event: events.Released) -> tuple[str, str]:
    return f"{event.film}: {'up to date' if event.reused else 'released'}", ""


@words.register
def _(event: events.Note) -> tuple[str, str]:
    return f"note: {event.message}" + (f" ({event.hint})" if event.hint else ""), "yellow"


_STAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d  ")
"""What each line of a log begins with."""
_NO_LOG = re.compile(
    r"\.(mp4|mov|mkv|webm|webp|gif|avif|png|jpe?g|wav|c2pa|sora\.json|ya?ml|html?|cube|srt|vtt)$", re.IGNORECASE
)
"""Endings of what films are made from and go to: a log of that name would stand in the film's place."""


def _may_log(path: Path) -> bool:
    """Whether a log may be appended to what is at `path`: nothing yet, an empty file, an earlier log, a terminal."""
    if not path.exists() or path.is_char_device():
        return True
    if not path.is_file():
        return path.is_dir()  # which is told when it is opened
    try:
        with path.open("rb") as file:
            return not (begin := file.read(64)) or bool(_STAMP.match(begin))
    except OSError:
        return True  # as above


def require_log(path: Path) -> None:
    """Refuse a place that no log is appended to.

    Raises:
        RequestError: it is a film's name, or another file is there.
    """
    if _NO_LOG.search(path.name):
        raise RequestError(f"--log {path}: that is no name of a log", hint=f"name it {path.stem}.log")
    if not _may_log(path):
        raise RequestError(f"{path} is there already, and is not a log of sora's", hint="name another file: --log FILE")


class Log:
    """Appends what a person is told to a file, each line with the time of day."""

    def __init__(self, path: Path) -> None:
        require_log(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)  # it may be the films', which is made with the first film
            self._out = os.fdopen(_at_once(path), "a", encoding="utf-8")
        except OSError as error:
            message = f"cannot write the log {path}: {error.strerror}"
            raise RequestError(message, hint="name a file in a folder that you may write to") from error

    def __call__(self, event: events.Event) -> None:
        """Write down one event, at once."""
        text, _ = words(event)
        if text:
            self.say(text)

    def say(self, text: str) -> None:
        """Write down a line."""
        self._out.write(f"{datetime.now().astimezone().isoformat(' ', 'seconds')}  {console.plain(text)}\n")
        self._out.flush()

    def __enter__(self) -> Self:
        """Open for words."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note how it ended, and close the file."""
        with contextlib.suppress(OSError):
            for problem in error.problems if isinstance(error, StoryboardError) else ():
                self.say(problem.head + (f" ({problem.hint})" if problem.hint else ""))
            if isinstance(error, SoraError):
                self.say(f"ended: {error.line}")
            elif error is not None:
                self.say("interrupted" if isinstance(error, KeyboardInterrupt) else f"ended: {error!r}")
            self._out.close()


def _at_once(path: Path) -> int:
    """Open a file to append to; a pipe that nobody reads is an error instead of a wait without an end."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0), 0o666)


class Listeners:
    """Passes events to several listeners. One that fails (a closed pipe, a full disk) gets no more of them.

    A night of work does not end because its terminal is gone. The others are told, unless nobody reads a pipe any more.
    """

    def __init__(self, *listeners: events.Report) -> None:
        self._listeners = list(listeners)

    def __call__(self, event: events.Event) -> None:
        """Pass the event on."""
        for listener in list(self._listeners):
            try:
                listener(event)
            except (OSError, ValueError) as error:  # ValueError: the file was closed
                try:
                    self._listeners.remove(listener)
                except ValueError:  # another thread met the same, and tells it
                    continue
                if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
                    what = {events.JsonLines: "--events", Log: "--log"}.get(type(listener), "stderr")
                    self(events.Note(f"{what} can no longer be written: {error.strerror or error}"))
