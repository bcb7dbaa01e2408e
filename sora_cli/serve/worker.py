"""The process that makes films: one at a time, with engines that stay loaded from one order to the next.

A process of its own, so that a crash of a driver takes no request with it. It ends when its input ends, as it does with
the server, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sora_cli.bounded import Json, file_hash
from sora_cli.cancel import Cancellation
from sora_cli.errors import DeviceLost, SoraError
from sora_cli.events import (
    Event,
    JsonLines,
    Planned,
    StageDone,
    StageStarted,
    StageStep,
    Step,
    TakeKept,
    TakeSpared,
)
from sora_cli.flows import ordered
from sora_cli.lock import Lock
from sora_cli.serve.queue import Order, Queue

GRACE = 10.0
"""Seconds that the step that runs has to end, once the server is gone."""
EVENTS = "events.jsonl"
"""What was told while an order was made, in its folder."""


class Progress:
    """Hears how far a film is, and notes it in whole per cent: takes are 90 of them, writing and stamping the rest."""

    def __init__(self, queue: Queue, name: str) -> None:
        self._queue, self._name = queue, name
        self._takes, self._done, self._total, self._told = 1, 0, 1, 0

    def __call__(self, event: Event) -> None:
        """Hear one event."""
        share = 0.0
        if isinstance(event, Planned):
            self._takes = max(1, event.takes)
        elif isinstance(event, TakeKept | TakeSpared):
            self._done += 1
            share = 90 * self._done / self._takes
        elif isinstance(event, Step):
            share = 90 * (self._done + event.step / max(1, event.of)) / self._takes
        elif isinstance(event, StageStarted) and event.stage == "write":
            self._total = max(1, event.total)
        elif isinstance(event, StageStep) and event.stage == "write":
            share = 90 + 8 * event.done / self._total
        elif isinstance(event, StageDone) and event.stage == "stamp":
            share = 99
        self._note(min(99, int(share)))

    def _note(self, percent: int) -> None:
        if percent > self._told:
            self._told = percent
            self._queue.progressed(self._name, percent)


class Worker:
    """Takes orders from the queue until it is asked to stop."""

    def __init__(self, queue: Queue, cancel: Cancellation) -> None:
        self._queue, self._cancel = queue, cancel
        self._wanted = threading.Event()
        self._turn = threading.Lock()
        self._making = self._over = False

    def wake(self) -> None:
        """Say that an order was accepted, or that the one that is being made is not wanted any more."""
        with self._turn, contextlib.suppress(sqlite3.Error):  # a list that is busy for long: the film is made
            if self._making and self._queue.stopping():
                self._cancel.stop("the order was cancelled", "order it again")
        self._wanted.set()

    def end(self) -> None:
        """Take no more orders: what is being made goes back into the queue."""
        with self._turn:
            self._over = True
            self._cancel.stop("the server stopped", "start it again: it goes on")
        self._wanted.set()

    def run(self) -> None:
        """Work; only one worker at a time does, whoever started it."""
        lock = Lock.wait(self._queue.folder / "worker.lock", meanwhile=self._cancel.check)
        with lock, ordered.filling(self._cancel) as fill:
            self._queue.recover()
            while not self._over:
                with self._turn:
                    order = self._queue.take()
                    self._making = order is not None
                if order is None:
                    self._wanted.wait()
                    self._wanted.clear()
                else:
                    self._fill(order, fill)

    def _fill(self, order: Order, fill: ordered.Fill) -> None:
        folder = self._queue.place(order.id)
        try:
            with (folder / EVENTS).open("a", encoding="utf-8") as events:
                lines, progress = JsonLines(events), Progress(self._queue, order.id)

                def report(event: Event) -> None:
                    for hear in (lines, progress):
                        with suppress(OSError, sqlite3.Error):  # what cannot be noted ends no film
                            hear(event)

                made = fill(folder, report)
        except DeviceLost:
            raise  # a driver forgives nothing to the process that met it: the next worker goes on
        except SoraError as error:
            self._note_end(order, "", told(error, folder))
        else:
            self._note_end(order, file_hash(made), {})

    def _note_end(self, order: Order, sha256: str, error: Mapping[str, Json]) -> None:
        """Note how an order ended, unless the server stopped over it; where it was cancelled, others are made now."""
        with self._turn:
            if sha256:
                self._queue.completed(order.id, sha256)
            elif not self._cancel.asked:
                self._queue.failed(order.id, error)
            if not self._over:
                self._making = False
                self._queue.settle()
                self._cancel.go_on()


def told(error: SoraError, folder: Path) -> dict[str, Json]:
    """An error as a client hears it: `code` and `message`, without the places of this machine's files."""
    codes = {2: "invalid_value", 3: "server_lacks_something", 4: "moderation_blocked"}
    found = [(each.head, each.hint) for each in error.problems] or [(error.message, error.hint)]
    words = "\n".join(message + (f" (hint: {hint})" if hint else "") for message, hint in found)
    return {"code": codes.get(error.exit_code, "generation_failed"), "message": bare(words, folder)}


def bare(words: str, folder: Path) -> str:
    """Words without the path of an order's folder, which is nobody's business but this machine's."""
    return words.replace(f"{folder}{os.sep}", "").replace(str(folder), "the order")


def main(folder: str) -> None:
    """Work on the orders in a folder: each line of the input says that there are more, its end that we should stop."""
    cancel = Cancellation()
    worker = Worker(Queue(Path(folder)), cancel)

    def listen() -> None:
        for _ in sys.stdin:
            worker.wake()
        worker.end()
        time.sleep(GRACE)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    try:
        worker.run()
    except SoraError:
        if not cancel.asked:
            raise


if __name__ == "__main__":
    main(sys.argv[1])
