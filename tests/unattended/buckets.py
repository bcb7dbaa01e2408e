"""Object stores on this machine, as the environment names them: S3's protocol by moto, Azure's by Azurite."""

from __future__ import annotations

import base64
import contextlib
import hmac
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.client import HTTPConnection

import pytest

AZURITE = "devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that each Azurite has, and the key of it that its pages tell everybody."""
PORT = 10000
"""Where obstore looks for Azurite."""


@contextlib.contextmanager
def s3() -> Iterator[dict[str, str]]:
    """A bucket `s3://films`."""
    moto = pytest.importorskip("moto.server")
    import boto3

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys).create_bucket(Bucket="films")
    environment = {
        "SORA_STORE": "s3://films/sora", "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
    }  # fmt: skip
    try:
        yield environment
    finally:
        server.stop()


@contextlib.contextmanager
def azure() -> Iterator[dict[str, str]]:
    """A container `az://films`."""
    program = shutil.which("azurite-blob") or pytest.skip("azurite-blob is not here (npm install -g azurite)")
    with tempfile.TemporaryDirectory() as folder:
        words = [program, "--silent", "--location", folder, "--skipApiVersionCheck", "--disableTelemetry"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            account, key = AZURITE
            try:
                _create("films")
                yield {
                    "SORA_STORE": "az://films/sora", "AZURE_STORAGE_USE_EMULATOR": "true",
                    "AZURE_STORAGE_ACCOUNT_NAME": account, "AZURE_STORAGE_ACCOUNT_KEY": key,
                }  # fmt: skip
            finally:
                server.terminate()


def _create(container: str) -> None:
    """Make a container, as soon as the server answers: a request signed by the account's key."""
    account, key = AZURITE
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=1):
            break
        time.sleep(0.1)
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    named = "".join(f"{name}:{value}\n" for name, value in headers.items())
    text = f"PUT{12 * chr(10)}{named}/{account}/{account}/{container}\nrestype:container"
    sign = base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), "sha256")).decode()
    headers |= {"Authorization": f"SharedKey {account}:{sign}", "Content-Length": "0"}
    with contextlib.closing(HTTPConnection("127.0.0.1", PORT)) as line:
        line.request("PUT", f"/{account}/{container}?restype=container", headers=headers)
        assert line.getresponse().status == 201


KINDS = {"s3": s3, "azure": azure}
