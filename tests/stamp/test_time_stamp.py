"""Time stamping by a real exchange (RFC 3161) with an authority of our own on this machine, run by openssl."""

import dataclasses
import datetime as dt
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from sora_cli.errors import StampError
from sora_cli.stamp import Making, Signer, find_signer, verify
from sora_cli.stamp.certificate import make_signer
from tests.stamp.conftest import Send, make_master
from tests.stamp.pki import Issued, issue_brief

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

CONFIGURATION = """
[req]
distinguished_name=name
prompt=no
[name]
CN=Test authority
O=Tests
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[tsa]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[service]
serial=./serial
signer_cert=./tsa.pem
certs=./ca.pem
signer_key=./tsa.key
signer_digest=sha256
default_policy=1.2.3.4.1
digests=sha256,sha384,sha512
"""

COMMANDS = (
    "ecparam -name prime256v1 -genkey -noout -out ca.key",
    "req -x509 -new -key ca.key -config tsa.cnf -extensions ca -days 30 -out ca.pem",
    "ecparam -name prime256v1 -genkey -noout -out tsa.key",
    "req -new -key tsa.key -config tsa.cnf -subj /O=Tests/CN=Stamps -out tsa.csr",
    "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 7 -extfile tsa.cnf -extensions tsa -out tsa.pem",
)


def openssl(folder: Path, command: str) -> None:
    subprocess.run([shutil.which("openssl") or "", *command.split()], cwd=folder, check=True, capture_output=True)


@dataclasses.dataclass
class Authority:
    address: str
    root: Path
    asked: list[int]


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(CONFIGURATION)
    for command in COMMANDS:
        openssl(folder, command)
    (folder / "serial").write_text("01\n")
    asked: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl(folder, "ts -reply -queryfile query -config tsa.cnf -section service -out reply")
            reply = (folder / "reply").read_bytes()
            asked.append(len(reply))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Authority(f"http://127.0.0.1:{server.server_port}/", folder / "ca.pem", asked)
        server.shutdown()
        thread.join()


def test_a_time_stamp_outlives_the_certificate(
    send: Send, making: Making, authority: Authority, tmp_path: Path
) -> None:
    root = tmp_path / "root.pem"
    first = replace(making, origins=making.origins[:1])

    def sign(brief: Issued) -> Path:
        authority.asked.clear()
        root.write_bytes(brief.root)
        signer = make_signer(brief.chain, brief.key, source="the options")
        signer = replace(signer, time_authority=authority.address)
        return send(make_master(frames=2), signer=signer, making=first).path

    film = issue_brief(sign)
    assert len(authority.asked) == 2  # the take and the film
    verdict = verify(film, anchors=[root, authority.root])
    assert verdict.ok
    assert verdict.time_stamp[:10] == dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
    assert "time-stamped" in verdict.sentence
    assert {part.state for part in verdict.parts} == {"whole"}
    unknown = verify(film, anchors=[root])
    assert not unknown.ok
    assert "nobody known vouches for the authority of its time stamp" in unknown.notes


def test_an_authority_that_does_not_answer(send: Send, signer: Signer, tmp_path: Path) -> None:
    with pytest.raises(StampError, match="cannot be time-stamped") as caught:
        send(signer=replace(signer, time_authority="http://127.0.0.1:9/"))
    assert "leave the time stamp out" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


def test_where_the_address_comes_from() -> None:
    assert find_signer(environment={}).time_authority == ""
    assert find_signer(environment={"C2PA_TA_URL": "http://a"}).time_authority == "http://a"
    assert (
        find_signer(environment={"C2PA_TA_URL": "http://a", "SORA_SIGN_TSA": "http://b"}).time_authority == "http://b"
    )
    assert (
        find_signer(time_authority="http://c", environment={"SORA_SIGN_TSA": "http://b"}).time_authority == "http://c"
    )
