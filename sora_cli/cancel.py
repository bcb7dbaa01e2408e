"""When to stop: a signal was heard, or the time is up. The work asks, and stops where nothing is half-made."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from sora_cli.errors import Interrupted, WorkError

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


RESUME = "run the same command again to resume; what was made is kept"


class OnSignal(Protocol):
    """Hears that a signal asks to stop; the `last` one ends the process at once."""

    def __call__(self, *, last: bool) -> None:
        """Called in a signal handler."""
        ...


class Cancellation:
    """Whether the work should stop. `seconds` is how long it may take from now on, None for as long as it needs."""

    def __init__(self, seconds: float | None = None) -> None:
        self.signal: int | None = None
        self._seconds = seconds
        self._began = time.monotonic()  # a clock that nobody can set: what jumps is the time of day
        self._asked = threading.Event()
        self._why = (f"stopped after {seconds or 0:g} s, its time limit", RESUME)

    @property
    def asked(self) -> bool:
        """Whether the work should stop; may be asked from any thread."""
        late = self._seconds is not None and time.monotonic() - self._began > self._seconds
        return late or self._asked.is_set()

    @property
    def reason(self) -> str:
        """Why the work should stop, in words; empty where it should not."""
        return "" if not self.asked else "interrupted" if self.signal is not None else self._why[0]

    def check(self) -> None:
        """Stop here, if the work should stop.

        Raises:
            Interrupted: a signal was heard.
            WorkError: the time is up, or something else asked for it.
        """
        if self.signal is not None:
            raise Interrupted(self.signal)
        if self.asked:
            message, hint = self._why
            raise WorkError(message, hint=hint)

    def stop(self, message: str, hint: str) -> None:
        """Ask the work to stop; `check` says why."""
        self._why = (message, hint)
        self._asked.set()

    def go_on(self) -> None:
        """Work again after `stop`."""
        self._asked.clear()

    @contextlib.contextmanager
    def listening(self, heard: OnSignal) -> Iterator[None]:
        """Hear signals in here: the first asks the work to stop, a second ends the process at once.

        `heard` is told of both, and whether it is the last one; it is called in a signal handler. A signal that our
        parent told us to ignore (`nohup`, a script's `&`) stays ignored.
        """

        def first(number: int, _frame: FrameType | None) -> None:
            for each in before:
                signal.signal(each, second)
            self.signal = number
            self._asked.set()
            heard(last=False)

        def second(number: int, _frame: FrameType | None) -> None:
            # What lies aside stays behind: the next run knows it by its lock, and removes it.
            heard(last=True)
            os._exit(128 + number)

        handlers = {each: signal.getsignal(each) for each in SIGNALS}
        before = {each: handler for each, handler in handlers.items() if handler not in {signal.SIG_IGN, None}}
        for each in before:
            signal.signal(each, first)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
