"""A store by address, on a server of S3's protocol: leases are won once, what is kept is whole, errors are true."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sora_cli.errors import MachineError, RequestError, StoreError
from sora_cli.store import ClipFacts, Store, bucket, lease, open_store, remote
from sora_cli.store.bucket import Bucket
from sora_cli.store.lease import Leases
from sora_cli.store.remote import RemoteStore

pytest.importorskip("obstore")
moto = pytest.importorskip("moto.server")

ROOT = Path(__file__).parents[1]
FACTS = ClipFacts(
    frames=1, width=8, height=8, fps=Fraction(12), sound=False, seconds=1.0, score=0.5, fields={"engine": "test"}
)
KEY = "ab" * 16


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture
def address(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of its own, whose keys are in the environment."""
    import boto3

    for name, value in signed(server).items():
        monkeypatch.setenv(name, value)
    name = f"sora-{os.getpid()}-{abs(hash(str(tmp_path)))}"
    boto3.client("s3", endpoint_url=server).create_bucket(Bucket=name)
    return f"s3://{name}/films"


def signed(server: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
    }  # fmt: skip


def kept(store: Store, content: bytes = b"a film", key: str = KEY) -> None:
    lock = store.lock(key)
    assert lock is not None
    with lock:
        store.keep(key, FACTS, lambda path: path.write_bytes(content) and None, None)


def test_a_clip_kept_on_one_machine_is_found_on_another_and_its_card_is_put_last(address: str, tmp_path: Path) -> None:
    here, there = RemoteStore(address, tmp_path / "here"), RemoteStore(address, tmp_path / "there")
    assert not there.has(KEY)
    kept(here)
    names = sorted(Bucket(address).listed("clips"), key=lambda each: each.written)
    assert [each.name.rpartition(".")[2] for each in names] == ["mp4", "json"]
    there = RemoteStore(address, tmp_path / "there")
    assert there.has(KEY)
    found = there.find(KEY)
    assert found is not None
    assert found.path.read_bytes() == b"a film"
    assert found.path.is_relative_to(tmp_path / "there")
    assert Store(tmp_path / "there").find(KEY) == found, "it is here now, whole"
    assert not list(Bucket(address).listed("leases")), "the lease is given back"


def test_what_a_maker_left_who_died_when_its_card_was_put_is_taken_at_once_and_tidied(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LISTED", 0.0)
    maker = RemoteStore(address, tmp_path / "maker")
    kept(maker)
    maker.path(KEY, "json").unlink()
    maker.path(KEY, "lock").touch()
    assert Leases(Bucket(address)).take(KEY) is not None
    for name in ("maker", "other"):
        store = RemoteStore(address, tmp_path / name)
        lock = store.lock(KEY)
        assert lock is not None, "nobody waits until the lease lapses"
        with lock:
            assert store.find(KEY) is not None
        assert store.find(KEY) is not None
        assert store.path(KEY, "json").exists()
        assert not store.path(KEY, "lock").exists()
    maker.path(KEY, "json").unlink()
    maker.path(KEY, "lock").touch()
    assert RemoteStore(address, tmp_path / "maker").find(KEY) is not None
    assert not maker.path(KEY, "lock").exists()
    assert maker.path(KEY, "json").exists()


def test_a_clip_that_is_pruned_while_it_is_fetched_is_fetched_by_who_locks_it(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(RemoteStore(address, tmp_path / "here"))
    there, download = RemoteStore(address, tmp_path / "there"), Bucket.download

    def pruned(here: Bucket, name: str, path: Path) -> bool:
        found = download(here, name, path)
        Store(tmp_path / "there").prune()
        return found

    monkeypatch.setattr(Bucket, "download", pruned)
    assert there.find(KEY) is None
    lock = there.lock(KEY)
    assert lock is not None
    with lock:
        assert there.find(KEY) is not None


def test_of_two_makers_the_first_card_counts(address: str, tmp_path: Path) -> None:
    one, other = RemoteStore(address, tmp_path / "one"), RemoteStore(address, tmp_path / "other")
    kept(one, b"first")
    other.keep(KEY, FACTS, lambda path: path.write_bytes(b"second") and None, None)
    found = other.find(KEY)
    assert found is not None
    assert found.path.read_bytes() == b"first"


def test_a_damaged_clip_counts_as_absent_and_is_made_again(address: str, tmp_path: Path) -> None:
    kept(RemoteStore(address, tmp_path / "one"))
    (film,) = [each.name for each in Bucket(address).listed("clips") if each.name.endswith(".mp4")]
    (tmp_path / "cut").write_bytes(b"a fi")
    Bucket(address).upload(film, tmp_path / "cut")
    other = RemoteStore(address, tmp_path / "other")
    assert other.find(KEY) is None
    kept(other, b"made again")
    found = RemoteStore(address, tmp_path / "third").find(KEY)
    assert found is not None
    assert found.path.read_bytes() == b"made again"


LEASE = """
import sys, time
from sora_cli.store import lease
from sora_cli.store.bucket import Bucket
leases = lease.Leases(Bucket(sys.argv[1]))
for number in range(50):
    if leases.take(f"{number:032x}") is not None:
        print(number)
"""


def test_four_processes_win_each_of_fifty_leases_once(address: str) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", LEASE, address], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(4)
    ]  # fmt: skip
    won = Counter(number for run in runs for number in run.communicate(timeout=120)[0].split())
    assert all(run.returncode == 0 for run in runs)
    assert won == Counter(str(number) for number in range(50))


def test_a_silent_lease_is_taken_by_one_and_its_holder_knows(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LASTS", 0.3)
    monkeypatch.setattr(lease, "ASK", 0.0)
    dead = Leases(Bucket(address)).take(KEY)
    assert dead is not None
    others = [Leases(Bucket(address)) for _ in range(3)]
    assert [each.take(KEY) for each in others] == [None] * 3
    time.sleep(0.35)
    found = [each.take(KEY) for each in others]
    assert sum(each is not None for each in found) == 1
    assert not dead.held
    dead.release()
    assert [each.name for each in Bucket(address).listed("leases")] == [f"leases/{KEY}"], "it is the other one's"
    assert next(each for each in found if each).held


def test_a_holder_that_lives_keeps_its_lease(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LASTS", 1.0)
    monkeypatch.setattr(lease, "RENEW", 0.1)
    monkeypatch.setattr(lease, "ASK", 0.0)
    mine, other = Leases(Bucket(address)).take(KEY), Leases(Bucket(address))
    assert mine is not None
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert other.take(KEY) is None
        time.sleep(0.2)
    assert mine.held
    mine.release()
    assert other.take(KEY) is not None


def test_prune_removes_what_has_no_card_and_is_old(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RemoteStore(address, tmp_path)
    kept(store)
    (tmp_path / "half").write_bytes(b"half a film")
    Bucket(address).upload(f"clips/cd/{'cd' * 16}.{'0' * 64}.mp4", tmp_path / "half")
    Bucket(address).create(f"leases/{'cd' * 16}", b"dead")
    assert store.prune() == (0, 0), "an upload may take long"
    monkeypatch.setattr(remote, "LEFT", timedelta(seconds=-1))
    assert store.prune(dry_run=True) == store.prune() == (2, 15)
    assert len(list(Bucket(address).listed("clips"))) == 2
    assert store.find(KEY) is not None


class Careless(BaseHTTPRequestHandler):
    """Takes every put, as servers do that have not heard of conditions; says no to `/denied`."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(403 if "denied" in self.path else 200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_DELETE = do_PUT  # noqa: N815  as http.server has it

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def careless() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def test_what_cannot_be_trusted_or_does_not_answer_is_told_at_the_start(
    careless: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in signed(careless).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="does not hold conditional puts"):
        RemoteStore("s3://bucket", tmp_path).used()
    with pytest.raises(StoreError, match="refuses us"):
        RemoteStore("s3://denied", tmp_path).used()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreError, match=r"cannot write to .* http://127\.0\.0\.1:9 cannot be reached"):
        RemoteStore("s3://bucket", tmp_path).used()


class Faulty(BaseHTTPRequestHandler):
    """Hands all on to the server at `behind`, but for puts of names that end with `ending`: those meet its `fault`."""

    behind, ending, fault = "", "", ""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        met = self.fault if self.command == "PUT" and self.path.endswith(self.ending) else ""
        if met == "slow":
            time.sleep(4)
        if met in ("503", "403", "lost"):
            code, headers, answer = int(met) if met != "lost" else 200, [("ETag", '"1"')], b"<Code>Told</Code>"
        else:
            line = HTTPConnection(self.behind)
            line.request(self.command, self.path, body, dict(self.headers))
            found = line.getresponse()
            code, headers, answer = found.status, found.getheaders(), found.read()
        self.send_response(code)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", dict(headers).get("Content-Length", str(len(answer))))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # nobody waits so long
            self.wfile.write(answer)

    do_GET = do_HEAD = do_DELETE = do_POST = do_PUT  # noqa: N815  as http.server has it

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("fault", "ending", "message"),
    [
        ("slow", ".json", "cannot write to the store .*: http://127.0.0.1:[0-9]+ does not answer in time"),
        ("503", ".mp4", "cannot write to the store .* answers 503 Service Unavailable Told"),
        ("403", ".mp4", "refuses us: 403 Forbidden Told"),
        ("lost", ".mp4", r"lost what was written: clips/ab/[0-9a-f.]+\.mp4 is not there"),
        ("lost", ".json", r"lost what was written: clips/ab/[0-9a-f]+\.json is not there"),
    ],
)
def test_a_store_that_is_slow_refuses_or_loses_a_write_is_told_and_the_next_try_keeps_the_clip(
    fault: str, ending: str, message: str, *, server: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bucket.SMALL, "timeout", "3s" if fault == "slow" else "30s")
    handler = type("Now", (Faulty,), {"behind": server.partition("//")[2], "ending": ending, "fault": fault})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as between:
        Thread(target=between.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{between.server_port}")
        store = RemoteStore(address, tmp_path / "here")
        with pytest.raises(StoreError, match=message):
            kept(store)
        assert Store(tmp_path / "here").find(KEY) is None, "what is not there is not taken for kept here"
        monkeypatch.setattr(handler, "fault", "")
        monkeypatch.setitem(bucket.SMALL, "timeout", "30s")
        kept(RemoteStore(address, tmp_path / "here"))
        found = RemoteStore(address, tmp_path / "other").find(KEY)
        between.shutdown()
    assert found is not None
    assert found.path.read_bytes() == b"a film"


def test_a_bucket_that_is_not_there_is_told(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in signed(server).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="no such bucket"):
        RemoteStore("s3://nowhere-at-all", tmp_path).used()


@pytest.mark.parametrize("address", ["http://host/folder", "s3://", "ftp://host/x"])
def test_an_address_that_no_store_has_is_a_mistake(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORA_STORE", address)
    with pytest.raises(RequestError, match="no store has such an address"):
        open_store()


def test_the_store_is_opened_by_its_address_here_and_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORA_STORE", "s3://bucket/films")
    store = open_store(10)
    again = pickle.loads(pickle.dumps(store))  # noqa: S301  our own
    assert isinstance(again, RemoteStore)
    assert (again.address, again.folder, again.limit) == ("s3://bucket/films", store.folder, 10)
    monkeypatch.setenv("SORA_STORE", "s3://bucket/others")
    assert open_store().folder != store.folder


def test_without_obstore_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(MachineError) as error:
        RemoteStore("s3://bucket", tmp_path).used()
    assert "sora-cli[cluster]" in error.value.hint
