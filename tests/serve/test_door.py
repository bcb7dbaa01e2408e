"""Who comes in, what is refused, and that it is refused before it costs anything."""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import json
import socket
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from sora_cli.cli.main import main
from sora_cli.errors import RequestError
from sora_cli.flows.ordered import OrderLimits
from sora_cli.serve.desk import Desk
from sora_cli.serve.settings import Settings
from tests.serve.conftest import listening

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105  of this test's own server
GOOD = {"prompt": "dark", "seconds": "1", "size": "96x64"}


class Asks:
    """A client that sends anything."""

    def __init__(self, address: str, **headers: str) -> None:
        self.address, self.headers = urlsplit(address).netloc or address, headers

    def __call__(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> tuple[int, dict]:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            words = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(words) if answer.getheader("content-type") == "application/json" else {}

    def post(self, path: str, **fields: object) -> tuple[int, dict]:
        return self("POST", path, json.dumps(fields), Content_Type="application/json")

    def form(self, path: str, file: tuple[str, bytes] | None = None, **fields: str) -> tuple[int, dict]:
        parts = [f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
                 for key, value in fields.items()]  # fmt: skip
        if file:
            head = f'--x\r\nContent-Disposition: form-data; name="input_reference"; filename="{file[0]}"\r\n\r\n'
            parts.append(head.encode() + file[1] + b"\r\n")
        return self("POST", path, b"".join([*parts, b"--x--\r\n"]), Content_Type="multipart/form-data; boundary=x")


@pytest.fixture
def here(desk: Callable[..., Desk]) -> Iterator[tuple[Desk, Asks]]:
    """A server that takes a token, and a client that has it."""
    made = desk(tokens=(TOKEN,), upload=200_000, waiting=3, limits=OrderLimits(seconds=4))
    with listening(made) as address:
        yield made, Asks(address, Authorization=f"Bearer {TOKEN}")


def code(answer: tuple[int, dict]) -> tuple[int, str]:
    error = answer[1]["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer[0], error["code"]


def picture(size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (90, 90, 90)).save(file, kind)
    return file.getvalue()


def bomb() -> bytes:
    """A small PNG that says that it is enormous."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    chunks = [(b"IHDR", head), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def test_nobody_comes_in_without_the_token_and_nobody_sees_what_others_ordered(desk: Callable[..., Desk]) -> None:
    both = (TOKEN, "another-token-of-a-client")
    with listening(desk(tokens=both)) as address:
        mine, theirs = (Asks(address, Authorization=f"Bearer {token}") for token in both)
        for wrong in ("", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \xff"):
            headers = {"Authorization": wrong} if wrong else {}
            assert code(Asks(address, **headers)("GET", "/v1/videos")) == (401, "invalid_api_key")
        assert Asks(address)("GET", "/healthz")[0] == 200
        order = mine.post("/v1/videos", **GOOD)[1]["id"]
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
            assert code(theirs(method, f"/v1/videos/{order}{path}")) == (404, "not_found")
        assert code(theirs.post(f"/v1/videos/{order}/remix", prompt="light")) == (404, "not_found")
        assert theirs("GET", "/v1/videos")[1]["data"] == []
        assert [each["id"] for each in mine("GET", "/v1/videos")[1]["data"]] == [order]


def test_a_page_of_the_web_does_not_reach_this_machine(desk: Callable[..., Desk]) -> None:
    with listening(desk()) as address:
        asks = Asks(address)
        assert asks("GET", "/v1/videos")[0] == 200
        assert code(asks("GET", "/v1/videos", Host="evil.example")) == (403, "wrong_host")
        assert code(asks("GET", "/v1/videos", Origin="https://evil.example")) == (403, "wrong_host")


def test_pages_of_origins_that_the_owner_names_may_ask_and_read_and_no_others(desk: Callable[..., Desk]) -> None:
    page, asking = "https://films.example", {"Access_Control_Request_Method": "POST"}
    with listening(desk(origins=(page,), tokens=(TOKEN,))) as address, listening(desk(origins=(page,))) as open_one:
        for door, headers in ((address, {"Authorization": f"Bearer {TOKEN}"}), (open_one, {})):
            for origin, may in ((page, page), ("https://evil.example", None), ("null", None)):
                assert read_by(door, "OPTIONS", Origin=origin, **asking) == (200 if may else 400, may)
                status, allowed = read_by(door, "GET", Origin=origin, **headers)
                assert (allowed, status) == (may, 200 if may or headers else 403)
        assert read_by(address, "GET", Origin=page) == (401, page)
        assert read_by(open_one, "GET", Origin=page, Host="evil.example") == (403, page)
    for wrong in ("*", "null", "films.example", f"{page}/", "http://*.example"):
        with pytest.raises(RequestError, match="not the origin of a page"):
            desk(origins=(wrong,))


def read_by(address: str, method: str, **headers: str) -> tuple[int, str | None]:
    """What a browser is answered that asks for a page: the status, and the origin that may read it."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request(method, "/v1/videos", headers={name.replace("_", "-"): told for name, told in headers.items()})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("access-control-allow-origin")


def test_who_sends_a_storyboard_in_is_told_that_it_names_no_files(here: tuple[Desk, Asks]) -> None:
    board = "shots:\n- {prompt: dark, from: refs/a.png}\n- {prompt: dark, from: ../a.png}\n- {prompt: dark, x: 1}\n"
    told = here[1]("POST", "/v1/storyboards", board, Content_Type="application/yaml")[1]["error"]["message"]
    assert told.count("(hint: a storyboard that is sent in names no files: leave it out)") == 2
    assert "there is no folder" not in told
    assert "--allow-outside" not in told
    assert "unknown key `x`" in told


def test_who_has_the_token_may_come_through_a_proxy(here: tuple[Desk, Asks]) -> None:
    assert here[1]("GET", "/v1/videos", Host="films.example")[0] == 200


def test_what_cannot_be_is_refused_in_the_apis_shape_and_leaves_nothing(here: tuple[Desk, Asks]) -> None:
    desk, asks = here
    wrong = {
        "missing_required_parameter": {"seconds": "1"},
        "unknown_parameter": {**GOOD, "steps": 4},
        "invalid_value": {**GOOD, "seconds": "5"},
        "moderation_blocked": {**GOOD, "prompt": "a nude child"},
        "model_not_found": {**GOOD, "model": "../../models/secret"},
    }
    assert {name: code(asks.post("/v1/videos", **fields))[1] for name, fields in wrong.items()} == {
        name: name for name in wrong
    }
    for size in ("0x64", "96", "99999x99999", "96x64;"):
        assert code(asks.post("/v1/videos", **{**GOOD, "size": size})) == (400, "invalid_value")
    for name, value in {"size": "10x10", "seconds": "0", "prompt": "a \a ball"}.items():
        error = asks.post("/v1/videos", **{**GOOD, name: value})[1]["error"]
        assert (error["param"], error["message"].partition(":")[0]) == (name, name), error
    assert code(asks("POST", "/v1/videos", "{", Content_Type="application/json")) == (400, "invalid_json")
    assert code(asks("POST", "/v1/videos", "x", Content_Type="application/zip")) == (415, "unsupported_media_type")
    assert asks("PATCH", "/v1/videos")[0] == 405
    assert not list((desk.queue.folder / "orders").iterdir())


def test_hostile_pictures_are_refused_and_a_good_one_is_taken(here: tuple[Desk, Asks]) -> None:
    desk, asks = here
    for file in (b"", b"GIF89a", b"<svg/>", picture()[:60], bomb(), picture()[:8] + b"junk" * 50):
        answer = asks.form("/v1/videos", ("picture.png", file), **GOOD)
        assert code(answer) == (400, "invalid_value")
        assert str(desk.queue.folder) not in answer[1]["error"]["message"]
    for address in ("http://127.0.0.1/a.png", "file:///etc/passwd", "data:image/png;base64,?"):
        answer = asks.post("/v1/videos", **GOOD, input_reference={"image_url": address})
        assert code(answer) == (400, "invalid_value")
    good = asks.form("/v1/videos", ("../../../x.sh", picture(kind="JPEG")), **GOOD)
    assert good[0] == 200
    folder = desk.queue.place(good[1]["id"])
    assert {path.name for path in folder.iterdir()} == {"storyboard.yaml", "input-reference.jpg"}


def test_a_full_disk_of_the_server_is_no_bug(here: tuple[Desk, Asks], monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the disk does not take is worth another try later."""
    desk, asks = here
    lost = [OSError(errno.ENOSPC, "full"), sqlite3.OperationalError("database or disk is full"), OSError("of ours")]

    def full(*_: object) -> None:
        raise lost.pop(0)

    monkeypatch.setattr(desk.queue, "add", full)
    answers = [asks.post("/v1/videos", **GOOD) for _ in range(len(lost))]
    assert [answer[0] for answer in answers] == [503, 503, 500]
    assert [answer[1]["error"]["message"] for answer in answers] == [
        "the server cannot do this now: No space left on device",
        "the server cannot do this now: database or disk is full",
        "this is a bug in sora: the server's terminal says more",
    ]


def test_more_than_is_taken_is_refused(here: tuple[Desk, Asks]) -> None:
    _, asks = here
    assert code(asks.form("/v1/videos", ("a.png", bytes(300_000)), **GOOD)) == (413, "request_too_large")
    chunks = Asks(asks.address, **asks.headers, **{"Transfer-Encoding": "chunked"})
    body = b"".join(b"10000\r\n" + bytes(0x10000) + b"\r\n" for _ in range(40)) + b"0\r\n\r\n"
    assert code(chunks("POST", "/v1/videos", body, Content_Type="application/json")) == (413, "request_too_large")
    answers = [asks.post("/v1/videos", **GOOD) for _ in range(4)]
    assert [status for status, _ in answers] == [200, 200, 200, 429]


@pytest.mark.parametrize("name", ["..", "%2e%2e%2forders.sqlite", "video_0", "a" * 5000, "%00", "'--"])
def test_a_name_leads_nowhere(here: tuple[Desk, Asks], name: str) -> None:
    _, asks = here
    assert asks("GET", f"/v1/videos/{name}/content")[0] == 404
    assert asks("DELETE", f"/v1/storyboards/{name}")[0] in {404, 405}


@pytest.mark.parametrize(
    "board",
    ["shots: [{prompt: dark, from: ../../../secret.png}]", "policy: off\nshots: [dark]", "shots: [",
     "engine: /etc\nshots: [dark]", "shots: [{prompt: dark, duration: 1h}]", "a: &a [*a]",
     "shots: [{prompt: dark, from: {search: waves}}]"],
)  # fmt: skip
def test_a_storyboard_that_reaches_out_is_refused(here: tuple[Desk, Asks], board: str) -> None:
    desk, asks = here
    answer = asks("POST", "/v1/storyboards", board, Content_Type="application/yaml")
    assert answer[0] == 400
    assert str(desk.queue.folder) not in answer[1]["error"]["message"]


def test_who_is_refused_while_sending_hears_why_and_is_let_go(here: tuple[Desk, Asks]) -> None:
    _, asks = here
    more = bytes(24 << 20)
    assert asks("POST", "/v1/videos", more, Content_Type="application/json")[0] == 413
    assert asks("POST", "/v1/videos", more, Content_Type="application/json", Authorization="Bearer no")[0] == 401
    host, port = asks.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as endless:
        head = f"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        endless.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {1 << 40}\r\n\r\n".encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(64):
                endless.sendall(bytes(1 << 20))
            pytest.fail("the server reads on, or the connection waits for ever")


def test_who_sends_too_slowly_is_refused(here: tuple[Desk, Asks], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sora_cli.serve.guard.SENDING", 0.5)
    _, asks = here
    with socket.create_connection((asks.address.split(":")[0], int(asks.address.split(":")[1])), timeout=30) as slow:
        head = f"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        slow.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
    assert asks("GET", "/v1/videos")[0] == 200


def test_orders_are_limited_a_minute(desk: Callable[..., Desk]) -> None:
    with listening(desk(rate=2)) as address:
        mine, theirs = Asks(address, Authorization="Bearer a"), Asks(address, Authorization="Bearer b")
        assert [mine.post("/v1/videos")[0] for _ in range(3)] == [400, 400, 429]
        assert theirs.post("/v1/videos")[0] == 400


@pytest.mark.parametrize(
    "wrong",
    [{"host": "::"}, {"host": "example.org"}, {"tokens": ("short",)}, {"webhook": "ftp://x", "secret": "x"},
     {"webhook": "https://x", "secret": "whsec_c2hvcnQ="}],
)  # fmt: skip
def test_a_server_does_not_start_with_an_open_door(tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(RequestError):
        Settings(folder=tmp_path, **wrong)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--engine", "nobodys"], (3, "there is no engine nobodys")),
        (["--engine", "lucy-edit"], (3, "engine lucy-edit is not on this machine")),
        (["--folder", "film.mp4"], (2, "cannot keep orders in film.mp4: it is a file\n")),
    ],
)
def test_a_server_that_could_make_nothing_does_not_start(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    told: tuple[int, str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").write_bytes(b"mine")
    code, why = told
    assert main(["serve", "--port", "0", *words]) == code
    assert why in capsys.readouterr().err
