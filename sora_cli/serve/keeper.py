"""Keeps what works beside the server: the worker, started again when it dies, and the calls to the webhook."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException

from sora_cli.errors import first_line
from sora_cli.serve.queue import Order, Queue
from sora_cli.serve.settings import Settings

PAUSES = (1.0, 5.0, 30.0)
"""Seconds before a worker that died is started again; the last from then on, until one works for a minute."""
CALLS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds between calls to a webhook that did not answer, as Standard Webhooks says."""
LOOK = 1.0
"""Seconds between two looks for something to do."""
ANSWER = 15.0
"""Seconds that a webhook has to answer."""
STOP = 15.0
"""Seconds that the worker has to end."""


class WorkerKeeper:
    """The worker's process, which lives as long as the server."""

    def __init__(self, queue: Queue, say: Callable[[str], None]) -> None:
        self._queue, self._say = queue, say
        self._process: subprocess.Popen[str] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="worker-keeper")

    @property
    def alive(self) -> bool:
        """Whether there is a worker."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def wake(self) -> None:
        """Tell the worker that there is an order; one that is only starting looks for itself."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.write("\n")
                process.stdin.flush()

    def stop(self) -> None:
        """Have the worker end: what it makes goes back into the queue."""
        self._stopped.set()
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()

    def _keep(self) -> None:
        deaths = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                why = f"the worker ended with {self._worked()}"
                if self._stopped.is_set():
                    return
                self._queue.recover(crashed=True)
            except (OSError, sqlite3.Error) as error:  # a full disk, say: without this thread no film is made any more
                why = f"the worker is gone: {error}"
            deaths = 0 if time.monotonic() - began > 60 else deaths + 1
            pause = PAUSES[min(deaths, len(PAUSES) - 1)]
            self._say(f"{why}; it is started again in {pause:g} s")
            self._stopped.wait(pause)

    def _worked(self) -> int:
        """Start the worker and wait for its end; the code that it ended with."""
        # -P: a `random.py` in the working folder is not the library's. A session of its own: Ctrl-C is ours.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sora_cli.serve.worker", str(self._queue.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self._process.wait()


class Rounds(ABC):
    """Work that a thread looks for again and again, until it is stopped; what fails is told and tried again."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name, self._say = name, say
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to work."""
        threading.Thread(target=self._keep, daemon=True, name=self._name).start()

    def stop(self) -> None:
        """Work no more: what was not done is done by the next server."""
        self._stopped.set()

    def _keep(self) -> None:
        while not self._stopped.wait(LOOK):
            try:
                self.step()
            except Exception as error:  # noqa: BLE001  a thread that ended would be missed by nobody
                self._say(f"{self._name} cannot go on now: {first_line(error)}")

    @abstractmethod
    def step(self) -> None:
        """Do what there is to do now."""


class Caller(Rounds):
    """Calls the webhook for each order that is over, until it answers or two days have gone by."""

    def __init__(self, queue: Queue, settings: Settings, say: Callable[[str], None]) -> None:
        super().__init__("webhooks", say)
        self._queue, self._settings = queue, settings

    def step(self) -> None:
        """Call for all orders that are over and due."""
        for order in self._queue.to_tell():
            self.call(order)

    def call(self, order: Order) -> None:
        """Call for one order."""
        words, headers = signed(order, self._settings.secret, datetime.now(tz=UTC))
        request = urllib.request.Request(self._settings.webhook, words, headers)  # noqa: S310  the owner's address
        try:
            with _OPENER.open(request, timeout=ANSWER) as answer:
                received = 200 <= answer.status < 300
        except (OSError, ValueError, HTTPException) as error:  # the last: what answers speaks no HTTP
            received = False
            self._say(f"the webhook did not take {order.id}: {first_line(error)}")
        if received:
            self._queue.told(order.id)
        else:
            self._queue.tell_later(order.id, CALLS[order.calls] if order.calls < len(CALLS) else None)


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: what is signed for one address is for nobody else."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_Nowhere)


def signed(order: Order, secret: str, now: datetime) -> tuple[bytes, dict[str, str]]:
    """The event of an order that is over, and its headers, by Standard Webhooks 1.0 and in OpenAI's shape.

    The same event has the same `webhook-id` however often it is sent.
    """
    from standardwebhooks import Webhook

    name = f"evt_{order.id.partition('_')[2]}"
    event = {
        "id": name,
        "object": "event",
        "created_at": order.ended,
        "type": f"{order.kind}.{order.status}",
        "data": {"id": order.id},
    }
    words = json.dumps(event)
    sign = Webhook(secret).sign(msg_id=name, timestamp=now, data=words)
    stamp = str(int(now.timestamp()))
    headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": sign}
    return words.encode(), {**headers, "Content-Type": "application/json", "User-Agent": "sora"}
