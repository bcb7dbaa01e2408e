"""A server in this process, its worker in a thread, and an engine that draws greys."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from sora_cli.cancel import Cancellation
from sora_cli.serve.app import app
from sora_cli.serve.batches import Batches
from sora_cli.serve.desk import Desk
from sora_cli.serve.queue import Queue
from sora_cli.serve.settings import Settings
from sora_cli.serve.worker import Worker
from tests.boards import catalogue
from tests.test_film import Greys


@pytest.fixture
def greys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(64, 48), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.setattr("sora_cli.flows.ordered.engines", lambda: ["test", "nano"])
    return tmp_path


@contextlib.contextmanager
def worker(queue: Queue) -> Iterator[Worker]:
    """A worker that takes orders while the block runs."""
    cancel = Cancellation()
    made = Worker(queue, cancel)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.end()
        thread.join(30)


@contextlib.contextmanager
def listening(desk: Desk) -> Iterator[str]:
    """The address of a real server on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(app(desk, Batches(desk.queue), lambda: True), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture
def desk(greys: Path) -> Callable[..., Desk]:
    """Makes a desk without a worker; keywords are its settings."""

    def made(**settings: Any) -> Desk:
        queue = Queue(greys / "served")
        return Desk(Settings(folder=queue.folder, **settings), queue, lambda: None)

    return made
