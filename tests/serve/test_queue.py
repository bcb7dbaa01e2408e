"""Nothing accepted is lost, nothing is made twice, and clients take turns."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from sora_cli.events import Report, Step
from sora_cli.serve import keeper
from sora_cli.serve.desk import Desk
from sora_cli.serve.keeper import Caller, WorkerKeeper
from sora_cli.serve.queue import _NEXT, CRASHES, Full, Queue
from tests.serve.conftest import listening, worker

BOARD = "output: {size: 96x64}\nshots: [{prompt: dark, duration: 0.5s}, {prompt: light, duration: 0.5s}]\n"


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "served")


def ordered(queue: Queue, client: str, most: int = 100) -> str:
    name = queue.new_id("video")
    return queue.add(name, client, "video", {"prompt": client}, most).id


def test_clients_take_turns_and_nobody_waits_behind_a_crowd(queue: Queue) -> None:
    many = [ordered(queue, "many") for _ in range(4)]
    one = ordered(queue, "one")
    late = [ordered(queue, "late") for _ in range(2)]
    taken = [order.id for order in iter(queue.take, None)]
    assert taken == [many[0], one, late[0], many[1], late[1], many[2], many[3]]


def test_what_was_being_made_comes_back_first_and_once(queue: Queue) -> None:
    first, second = ordered(queue, "a"), ordered(queue, "b")
    taken = queue.take()
    assert taken is not None
    again = Queue(queue.folder)  # the process was killed, and another one begins
    again.recover()
    assert [order.id for order in iter(again.take, None)] == [taken.id, second]
    again.completed(first, "0")
    again.recover()
    assert [order.id for order in iter(again.take, None)] == [second]


def test_an_order_that_kills_the_worker_is_given_up(queue: Queue) -> None:
    bad, good = ordered(queue, "a"), ordered(queue, "b")
    for _ in range(CRASHES):
        taken = queue.take()
        assert taken is not None
        assert taken.id == bad
        queue.recover(crashed=True)
    assert queue.require(bad, "a").status == "failed"
    assert [order.id for order in iter(queue.take, None)] == [good]


def test_a_folder_without_an_order_is_tidied_and_others_stay(queue: Queue) -> None:
    kept, left, others = ordered(queue, "a"), queue.new_id("video"), queue.place("video_of_mine")
    others.mkdir()
    queue.tidy()
    assert [queue.place(name).exists() for name in (kept, left)] == [True, False]
    assert others.exists()


def test_an_order_that_is_being_made_is_seen_no_more_when_removed_and_goes_when_that_ended(queue: Queue) -> None:
    name = ordered(queue, "a")
    queue.take()
    assert not queue.remove(name, "b")
    assert not queue.stopping()
    assert not queue.remove(name, "a")
    assert queue.stopping()
    with pytest.raises(KeyError):
        queue.require(name, "a")
    assert queue.listed("a", after="", limit=5, rising=True) == []
    queue.completed(name, "0")
    queue.settle()
    assert queue.counts()["completed"] == 0
    assert not queue.place(name).exists()


def test_what_was_cancelled_is_made_no_more_whatever_is_killed(queue: Queue) -> None:
    making, waits, other = (ordered(queue, "a") for _ in range(3))
    queue.take()
    for name in (making, waits):
        queue.cancel(name, "b")
        queue.cancel(name, "a")
    again = Queue(queue.folder)  # the process was killed, and another one begins
    again.recover()
    assert [order.id for order in iter(again.take, None)] == [other]
    told = [again.require(name, "a") for name in (making, waits)]
    assert [(order.status, (order.error or {})["code"]) for order in told] == [("failed", "cancelled")] * 2
    again.completed(other, "0")
    again.cancel(other, "a")
    assert again.require(other, "a").status == "completed"


def test_a_client_has_so_many_waiting_and_no_more(queue: Queue) -> None:
    for _ in range(2):
        ordered(queue, "a", most=2)
    with pytest.raises(Full):
        ordered(queue, "a", most=2)
    ordered(queue, "b", most=2)


def test_an_order_that_is_removed_while_it_is_taken_costs_no_worker(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Queue.open

    class Watched:
        def __init__(self, base: sqlite3.Connection) -> None:
            self._base = base

        def execute(self, words: str, *values: Any) -> Any:
            found = self._base.execute(words, *values)
            if words == _NEXT:
                row = found.fetchone()
                found = SimpleNamespace(fetchone=lambda: row)
                with contextlib.suppress(sqlite3.OperationalError):  # it is locked, as it should be
                    with sqlite3.connect(queue.folder / "orders.sqlite", timeout=0) as other:
                        other.execute("DELETE FROM orders")
                    other.close()
            return found

    @contextlib.contextmanager
    def watched(here: Queue) -> Iterator[Any]:
        with plain(here) as base:
            yield Watched(base)

    name = ordered(queue, "a")
    monkeypatch.setattr(Queue, "open", watched)
    taken = queue.take()
    assert taken is not None
    assert taken.id == name


def test_a_worker_is_started_again_though_its_end_could_not_be_noted(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, said = list[int](), list[str]()
    again = threading.Event()

    def started(*_: object, **__: object) -> Any:
        starts.append(len(starts))
        if len(starts) == 2:
            raise OSError("no more processes")
        if len(starts) == 3:
            again.set()
        return SimpleNamespace(wait=lambda *_: 1, stdin=None, poll=lambda: 1)

    def full(**_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(keeper.subprocess, "Popen", started)
    monkeypatch.setattr(keeper, "PAUSES", (0.01,))
    monkeypatch.setattr(queue, "recover", full)
    kept = WorkerKeeper(queue, said.append)
    kept.start()
    assert again.wait(10), said
    kept.stop()
    assert said[:2] == [
        "the worker is gone: database or disk is full; it is started again in 0.01 s",
        "the worker is gone: no more processes; it is started again in 0.01 s",
    ]


def test_a_webhook_that_speaks_no_http_is_called_again_later(queue: Queue) -> None:
    def answer(door: socket.socket) -> None:
        there, _ = door.accept()
        with there:
            there.recv(1 << 16)
            there.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

    queue.completed(ordered(queue, "a"), "0" * 64)
    (order,), said = queue.to_tell(), list[str]()
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=answer, args=(door,), daemon=True).start()
        address = f"http://127.0.0.1:{door.getsockname()[1]}/"
        secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
        Caller(queue, SimpleNamespace(webhook=address, secret=secret), said.append).call(order)
    assert said == [f"the webhook did not take {order.id}: SSH-2.0-OpenSSH_9.6"]
    assert queue.require(order.id, "a").calls == 1


def test_rounds_go_on_after_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    done, said = threading.Event(), list[str]()

    class Works(keeper.Rounds):
        def step(self) -> None:
            if not said:
                raise KeyError("line")
            done.set()

    monkeypatch.setattr(keeper, "LOOK", 0.01)
    work = Works("batches", said.append)
    work.start()
    assert done.wait(10)
    work.stop()
    assert said == ["batches cannot go on now: 'line'"]


def test_progress_that_cannot_be_noted_ends_no_film(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    def fill(folder: Path, report: Report) -> Path:
        report(Step("film/1", "key", 1, 2))
        (folder / "film.mp4").write_bytes(b"film")
        return folder / "film.mp4"

    monkeypatch.setattr("sora_cli.flows.ordered.filling", lambda _cancel: contextlib.nullcontext(fill))
    monkeypatch.setattr(queue, "progressed", locked)
    name = ordered(queue, "a")
    with worker(queue):
        until = time.monotonic() + 10
        while not (found := queue.require(name, "a")).over and time.monotonic() < until:
            time.sleep(0.02)
    assert (found.status, found.error) == ("completed", None)


def events(address: str, method: str, path: str, body: str = "", **headers: str) -> list[tuple[int, str, dict]]:
    """Server-sent events until the stream ends."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
    connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
    blocks = connection.getresponse().read().decode().strip().split("\n\n")
    connection.close()
    told = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks if not block.startswith(":")]
    return [(int(each["id"]), each["event"], json.loads(each["data"])) for each in told]


def test_a_storyboard_streams_what_happens_and_is_found_again(desk: Callable[..., Desk]) -> None:
    here = desk()
    with worker(here.queue) as work, listening(Desk(here.settings, here.queue, work.wake)) as address:
        kinds = {"Accept": "text/event-stream", "Content_Type": "application/yaml"}
        told = events(address, "POST", "/v1/storyboards", BOARD, **kinds)
        names = [name for _, name, _ in told]
        assert (names[0], names[-1]) == ("accepted", "ended")
        assert names.count("take_kept") == 2
        assert told[-1][2]["status"] == "completed"
        assert "/" not in json.dumps([data for _, name, data in told if name == "released"])
        assert [number for number, _, _ in told] == list(range(len(told)))
        path = f"/v1/storyboards/{told[0][2]['id']}"
        rest = events(address, "GET", f"{path}/events", Last_Event_ID=str(told[-3][0]))
        assert rest == told[-2:]
