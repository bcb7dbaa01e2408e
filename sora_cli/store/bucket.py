"""An object store by its address (`s3://`, `gs://`, `az://`): whole files under names, and puts that are conditional.

Read by obstore, which finds keys and endpoints where the providers' own tools do, in the environment.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli.errors import RequestError, StoreError, first_line
from sora_cli.packages import imported

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutResult, UpdateVersion
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

KINDS = ("s3", "gs", "az")
SMALL: ClientConfig = {"timeout": "10s", "connect_timeout": "5s", "allow_http": True}
"""For cards and leases: what takes longer counts as no answer."""
LARGE: ClientConfig = {**SMALL, "timeout": "900s"}
"""For clips. Without encryption only where the endpoint says so: `http://`."""
HINT_KEYS = "check the keys in the environment (AWS_ACCESS_KEY_ID and the like), and what they may do"
HINT_NETWORK = "check the network and the address; what was made is kept: run the same command again"
_STATUS = re.compile(r"status code: (\d{3}) ([A-Za-z ]+)(?:[^\n]*?<Code>(\w+)</Code>)?")
_PLACE = re.compile(r"https?://[^/\s?]+")


class Stored(Struct, frozen=True):
    """An object: its name, its size in bytes, when it was written by the server's clock."""

    name: str
    size: int
    written: datetime


class Tag(Struct, frozen=True):
    """What an object is known by, until it is put anew: S3 and Azure ask for the hash, GCS for the version."""

    hash: str | None
    version: str | None

    @property
    def condition(self) -> UpdateVersion:
        """To put another one in its place."""
        known: UpdateVersion = {}
        if self.hash is not None:
            known["e_tag"] = self.hash
        if self.version is not None:
            known["version"] = self.version
        return known


NO_TAG = Tag(None, None)


class Bucket:
    """The objects under an address."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._small: ObjectStore | None = None
        self._large: ObjectStore | None = None
        kind = address.partition("://")[0].lower()
        if kind not in KINDS or not address.partition("://")[2].strip("/"):
            known = ", ".join(f"{each}://BUCKET/FOLDER" for each in KINDS)
            raise RequestError(f"SORA_STORE is {address}: no store has such an address", hint=f"write {known}")

    def create(self, name: str, data: bytes) -> Tag | None:
        """Put an object where there is none; what it is known by, None where there is one."""
        with self._telling("write to"):
            from obstore.exceptions import AlreadyExistsError

            try:
                return _tag(self._open().put(name, data, mode="create", use_multipart=False))
            except AlreadyExistsError:
                return None

    def replace(self, name: str, data: bytes, tag: Tag) -> Tag | None:
        """Put an object in the place of the one that is known by `tag`; None where there is another one, or none."""
        with self._telling("write to"):
            from obstore.exceptions import PreconditionError

            try:
                return _tag(self._open().put(name, data, mode=tag.condition, use_multipart=False))
            except (PreconditionError, FileNotFoundError):
                return None

    def upload(self, name: str, path: Path) -> None:
        """Put a file, whole or not at all: in one request, of which an interruption leaves nothing behind.

        Raises:
            StoreError: the store does not take it, or has not got it afterwards.
        """
        with self._telling("write to"):
            self._open(large=True).put(name, path, use_multipart=False)
        self.require(name, path.stat().st_size)

    def require(self, name: str, size: int) -> None:
        """Look whether an object that was put is there.

        Raises:
            StoreError: it is not there, or has not so many bytes.
        """
        with self._telling("read"):
            try:
                there = self._open().head(name)["size"]
            except FileNotFoundError:
                there = None
        if there != size:
            found = "is not there" if there is None else f"has {there} bytes of {size}"
            message = f"the store {self.address} lost what was written: {name} {found}"
            raise StoreError(message, hint="run the same command again; where it stays so, use another store")

    def read(self, name: str) -> bytes | None:
        """Read a small object; None where there is none."""
        with self._telling("read"), contextlib.suppress(FileNotFoundError):
            return bytes(self._open().get(name).bytes())
        return None

    def download(self, name: str, path: Path) -> bool:
        """Write an object to a file, a part at a time; whether there is one."""
        with self._telling("read"), contextlib.suppress(FileNotFoundError):
            found = self._open(large=True).get(name)
            with path.open("wb") as file:
                for part in found.stream():
                    file.write(bytes(part))
            return True
        return False

    def tag(self, name: str) -> Tag | None:
        """What an object is known by; None where there is none."""
        with self._telling("read"), contextlib.suppress(FileNotFoundError):
            return _tag(self._open().head(name))
        return None

    def listed(self, under: str) -> Iterator[Stored]:
        """List the objects of a folder."""
        with self._telling("read"):
            for page in self._open().list(under):
                for each in page:
                    yield Stored(each["path"], each["size"], each["last_modified"])

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        with self._telling("write to"), contextlib.suppress(FileNotFoundError):
            self._open().delete(name)

    def require_conditions(self) -> None:
        """Refuse a server that does not hold conditions: two makers of one clip would both believe to be alone.

        Raises:
            StoreError: it does not.
        """
        name = f"probe/{secrets.token_hex(8)}"
        try:
            first = self.create(name, b"1")
            holds = first is not None and self.create(name, b"2") is None
            holds = holds and self.replace(name, b"3", first or NO_TAG) is not None
            holds = holds and self.replace(name, b"4", first or NO_TAG) is None
        except StoreError as error:
            if "NotImplemented" in str(error.__cause__):
                raise self._unfit() from error
            raise
        finally:
            with contextlib.suppress(StoreError):
                self.remove(name)
        if not holds:
            raise self._unfit()

    def _unfit(self) -> StoreError:
        hint = "use a server that holds If-None-Match and If-Match, as S3, GCS and Azure do, or a shared folder"
        return StoreError(f"the store {self.address} does not hold conditional puts", hint=hint)

    def _open(self, *, large: bool = False) -> ObjectStore:
        if self._small is None or self._large is None:
            with imported(f"the store {self.address}", "obstore"):
                from obstore.exceptions import BaseError
                from obstore.store import from_url
            retry: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
            try:
                self._small = from_url(self.address, client_options=SMALL, retry_config=retry)
                self._large = from_url(self.address, client_options=LARGE, retry_config=retry)
            except (BaseError, ValueError) as error:
                hint = "keys, region and endpoint come from the environment: AWS_*, GOOGLE_*, AZURE_*"
                raise RequestError(f"SORA_STORE is {self.address}: {first_line(error)}", hint=hint) from error
        return self._large if large else self._small

    @contextlib.contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Turn an error of the object store into a `StoreError` that says what to do."""
        self._open()  # says what to install
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError, TimeoutError) as error:
            message, hint = _told(self.address, what, error)
            raise StoreError(message, hint=hint) from error


def _tag(put: PutResult | ObjectMeta) -> Tag:
    return Tag(put["e_tag"], put["version"])


def _told(address: str, what: str, error: Exception) -> tuple[str, str]:
    """An error of obstore's, by what its first line and its debugging print say; and what to do."""
    cannot, words = f"cannot {what} the store {address}", str(error)
    said = _STATUS.search(words)
    status, reason = (int(said[1]), " ".join(part for part in said.groups() if part)) if said else (0, "")
    if any(place in words for place in ("169.254.", "metadata.google")):  # where a cloud's own machines ask for keys
        return f"{cannot}: no keys for it are in the environment", HINT_KEYS
    if status in (401, 403):
        return f"the store {address} refuses us: {reason}", HINT_KEYS
    if status == 404:
        return f"{cannot}: there is no such bucket", "make the bucket first, or name another one: SORA_STORE"
    place = found[0] if (found := _PLACE.search(words)) else "the server"
    if "kind: Timeout" in words:
        return f"{cannot}: {place} does not answer in time", HINT_NETWORK
    if "kind: Connect" in words:
        return f"{cannot}: {place} cannot be reached", HINT_NETWORK
    return f"{cannot}: {f'{place} answers {reason}' if status else first_line(error)}", HINT_NETWORK
