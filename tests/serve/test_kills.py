"""The real server and its worker, killed at any moment; and many clients at once."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sora_cli.serve.desk import Desk
from sora_cli.serve.queue import Queue
from tests.memory import peak
from tests.serve.conftest import listening, worker
from tests.serve.test_door import Asks

EXAMPLES = Path(__file__).parents[2] / "examples"
KILLS, ORDERS = 20, 12


@pytest.fixture
def waves(tmp_path: Path) -> dict[str, str]:
    """An environment with the engine of the examples, as an installed package brings it."""
    package = tmp_path / "packages" / "waves-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: waves\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[sora.engines]\nwaves = own_engine:CARD\n")
    paths = [str(package.parent), str(EXAMPLES), os.environ.get("PYTHONPATH", str(EXAMPLES.parent))]
    own = {name: str(tmp_path / name) for name in ("SORA_STORE", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    return {**os.environ, **own, "SORA_ENGINE": "waves", "PYTHONPATH": os.pathsep.join(paths)}


def served(folder: Path, environment: dict[str, str], *options: str) -> tuple[subprocess.Popen[str], Asks]:
    """A server that listens, and who asks it."""
    words = [sys.executable, "-m", "sora_cli", "serve", "--port", "0", "--folder", str(folder), *options]
    server = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    told = server.stderr.readline()
    found = re.search(r"http://\S+?(?=/v1)", told)
    assert found, told + server.stderr.read()
    return server, Asks(found[0])


def killed(server: subprocess.Popen[str]) -> None:
    server.kill()
    server.communicate()


def statuses(asks: Asks) -> Iterator[str]:
    yield from (each["status"] for each in asks("GET", "/v1/videos?limit=100")[1]["data"])


def released(queue: Queue, name: str) -> int:
    """How often the film of an order was released."""
    lines = (queue.place(name) / "events.jsonl").read_text().splitlines()
    return sum('"event": "released"' in line and '"reused": true' not in line for line in lines)


@pytest.mark.long
def test_a_server_killed_at_any_moment_makes_every_order_once(tmp_path: Path, waves: dict[str, str]) -> None:
    dice, folder = np.random.default_rng(26), tmp_path / "served"
    names: list[str] = []
    for _ in range(KILLS):
        server, asks = served(folder, waves)
        for _ in range(ORDERS - len(names) if len(names) < ORDERS else 0):
            status, order = asks.post("/v1/videos", prompt=f"wave {len(names)}", seconds="1", size="96x64")
            assert status == 200, order
            names.append(order["id"])
        time.sleep(dice.uniform(0, 6))
        killed(server)
    server, asks = served(folder, waves)
    until = time.monotonic() + 300
    while set(statuses(asks)) != {"completed"} and time.monotonic() < until:
        time.sleep(0.5)
    assert list(statuses(asks)) == ["completed"] * ORDERS
    assert [released(Queue(folder), name) for name in names] == [1] * ORDERS
    server.terminate()
    server.communicate()
    assert server.returncode in {0, -15}


@pytest.mark.long
def test_two_hundred_clients_at_once_get_each_their_own_film(desk: Callable[..., Desk]) -> None:
    here, words = desk(), ("black", "dark", "light", "white")

    def one(number: int) -> tuple[int, str, int]:
        asks = Asks(address, Authorization=f"Bearer client-{number}")
        status, order = asks.post("/v1/videos", prompt=words[number % 4], seconds="0.5", size="64x48", seed=number)
        while status == 200 and order["status"] in {"queued", "in_progress"}:
            time.sleep(2)
            status, order = asks("GET", f"/v1/videos/{order['id']}")
        return status, order["prompt"] + " " + order["status"], len(asks("GET", "/v1/videos")[1]["data"])

    with (
        worker(here.queue) as work,
        listening(Desk(here.settings, here.queue, work.wake)) as address,
        ThreadPoolExecutor(200) as pool,
    ):
        told = list(pool.map(one, range(200)))
    assert told == [(200, f"{words[number % 4]} completed", 1) for number in range(200)]
    assert here.queue.counts() == {"queued": 0, "in_progress": 0, "completed": 200, "failed": 0}


GIGABYTE, PIECE = 1 << 30, 1 << 20
MOST_GROWN = 200 << 20
"""Bytes that a server may need more for a request of a gigabyte."""


def uploaded(asks: Asks, *, told: bool) -> int:
    """Send a gigabyte as a picture, saying before how much it is or not; the answer's status, 0 where none came."""
    head = b'--x\r\nContent-Disposition: form-data; name="input_reference"; filename="../../big.png"\r\n\r\n'
    tail = b'\r\n--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\ndark\r\n--x--\r\n'
    connection = http.client.HTTPConnection(asks.address, timeout=120)
    connection.putrequest("POST", "/v1/videos")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    size = len(head) + GIGABYTE + len(tail)
    connection.putheader(*(("Content-Length", str(size)) if told else ("Transfer-Encoding", "chunked")))
    connection.endheaders()
    with contextlib.closing(connection):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in (head, *(bytes(PIECE) for _ in range(GIGABYTE // PIECE)), tail):
                connection.send(piece if told else b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"" if told else b"0\r\n\r\n")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return connection.getresponse().status
    return 0


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_gigabyte_is_refused_in_little_memory(tmp_path: Path, waves: dict[str, str]) -> None:
    refused, no_picture = {0, 413}, {400}
    for most, answers in (("64MB", refused), ("2GB", no_picture)):
        server, asks = served(tmp_path / "served", waves, "--upload", most)
        try:
            for told in (True, False):
                before = peak(server.pid)
                assert uploaded(asks, told=told) in answers, (most, told)
                grown = (peak(server.pid) - before) << 10
                print(f"--upload {most}, told {told}: {grown >> 20} MB")  # noqa: T201  a figure of docs/serve.md
                assert grown < MOST_GROWN
                assert asks("GET", "/v1/videos")[0] == 200
        finally:
            killed(server)
