"""The index: entries beside vectors of their words, in Milvus Lite in a file, or in a Milvus that `SORA_MILVUS` names.

What is written stays as it is written: an index that was interrupted goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec.structs import asdict, fields

from sora_cli.errors import MachineError
from sora_cli.lock import Lock
from sora_cli.packages import imported, install, others
from sora_cli.search.entries import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

ADDRESS, TOKEN = "SORA_MILVUS", "SORA_MILVUS_TOKEN"
"""Variables that name a Milvus or Zilliz server, and what it lets in by."""
WORDS = "sora_words_v1"
"""The collection of words by the quick encoder; another number where vectors of another kind are kept."""


def pictures(model: str) -> str:
    """The collection of pictures by a model of the user's."""
    return f"sora_pictures_{hashlib.sha256(model.encode()).hexdigest()[:16]}_v1"


MOST = 16_384
"""Rows that Milvus gives at once: of what is gone from a larger folder the rest is taken out next time."""
BATCH = 128
"""Entries that are written at once; an interruption loses at most so many."""

Row = dict[str, Any]


class _Client(Protocol):
    """What is used of pymilvus' client, which has no types."""

    def has_collection(self, name: str) -> bool: ...
    def query(self, name: str, **how: object) -> Sequence[Row]: ...
    def get(self, name: str, **how: object) -> Sequence[Row]: ...
    def search(self, name: str, **how: object) -> Sequence[Sequence[Row]]: ...
    def upsert(self, name: str, rows: list[Row]) -> object: ...
    def delete(self, name: str, **how: object) -> object: ...
    def create_collection(self, name: str, **how: object) -> object: ...
    def flush(self, name: str) -> object: ...
    def load_collection(self, name: str) -> object: ...
    def close(self) -> object: ...


Found = tuple[Entry, float]
"""An entry, and the cosine between it and what was looked for."""
Encode = Callable[[Sequence[Entry]], "NDArray[np.float32]"]
"""Makes unit vectors of entries, (N, D)."""
Wanted = Mapping[str, str | int]
"""What is held to: a kind of entry, an engine, a member of the cast, a time from which on."""
FILTERS = {"kind": "kind == {}", "engine": "engine == {}", "cast": "array_contains(cast, {})", "since": "date >= {}"}
"""Each as Milvus has it."""


@contextmanager
def opened(folder: Path, collection: str = WORDS) -> Iterator[Index]:
    """A collection of the index that the environment names, else of the one in this folder.

    One process at a time uses an embedded one.

    Raises:
        MachineError: Milvus is not installed, or does not answer.
    """
    with imported("search", "pymilvus"):
        from pymilvus import MilvusClient
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it prints each error before it raises it
    named = os.environ.get(ADDRESS)
    if named:
        with others(_unable(f"the Milvus at {named}")):
            client = _loaded(MilvusClient(named, token=os.environ.get(TOKEN, "")), collection)
        yield Index(client, collection)
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = Lock.wait(folder / "search.lock")
    try:
        with others(_unable("the index")):
            client = _loaded(MilvusClient(str(folder / "search.db")), collection)
        yield Index(client, collection)
        client.close()
    finally:
        lock.release()


def _loaded(client: _Client, collection: str) -> _Client:
    """A client that may search: what another process made is not in memory yet."""
    if client.has_collection(collection):
        client.load_collection(collection)
    return client


def _batches(entries: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(entries)
    while some := list(islice(waiting, BATCH)):
        yield some


def _unable(what: str) -> Callable[[str], MachineError]:
    return lambda why: MachineError(
        f"cannot use {what}: {why.strip().splitlines()[0]}",
        hint=f"check {ADDRESS}, or install what it needs: {install('search')}",
    )


class Index:
    """An open collection. It is made when something is first put in."""

    def __init__(self, client: _Client, collection: str) -> None:
        self._client, self._name = client, collection

    @property
    def empty(self) -> bool:
        """Whether nothing was ever put in."""
        with others(_unable("the index")):
            return not self._client.has_collection(self._name)

    def add(self, entries: Iterable[Entry], encode: Encode, tell: Callable[[int], None]) -> int:
        """Put entries in that are not there, batch by batch; gives how many. `tell` hears how many were looked at."""
        new = 0
        for number, some in enumerate(_batches(entries), 1):
            known = self._known([entry.id for entry in some])
            missing = {entry.id: entry for entry in some if entry.id not in known}
            if missing:
                self._write(missing, encode([*missing.values()]))
            new += len(missing)
            tell((number - 1) * BATCH + len(some))
        if new:  # what is not flushed is searched thirty times slower
            with others(_unable("the index")):
                self._client.flush(self._name)
        return new

    def forget(self, source: str, known: set[str]) -> int:
        """Take out what was found in a folder and is no longer there; gives how many."""
        if self.empty:
            return 0
        with others(_unable("the index")):
            wanted = f"source == {json.dumps(source)}"
            rows = self._client.query(self._name, filter=wanted, output_fields=["id"], limit=MOST)
            gone = [row["id"] for row in rows if row["id"] not in known]
            for some in _batches(gone):
                self._client.delete(self._name, ids=some)
        return len(gone)

    def nearest(self, vector: Sequence[float], count: int, wanted: Wanted = MappingProxyType({})) -> list[Found]:
        """The entries nearest to a vector, best first."""
        held = " and ".join(FILTERS[name].format(json.dumps(value)) for name, value in wanted.items())
        names = [field.name for field in fields(Entry)]
        with others(_unable("the index")):
            (rows,) = self._client.search(
                self._name, data=[list(vector)], limit=count, filter=held, output_fields=names
            )
        return [(_entry(row["entity"]), float(row["distance"])) for row in rows]

    def _known(self, ids: list[str]) -> set[str]:
        if self.empty:
            return set()
        with others(_unable("the index")):
            return {row["id"] for row in self._client.get(self._name, ids=ids, output_fields=["id"])}

    def _write(self, entries: Mapping[str, Entry], vectors: NDArray[np.float32]) -> None:
        if self.empty:
            self._make(vectors.shape[1])
        rows = [
            {**asdict(entry), "cast": list(entry.cast), "id": name, "vector": vector.tolist()}
            for (name, entry), vector in zip(entries.items(), vectors, strict=True)
        ]
        with others(_unable("the index")):
            self._client.upsert(self._name, rows)

    def _make(self, wide: int) -> None:
        from pymilvus import CollectionSchema, DataType, FieldSchema, MilvusClient

        with others(_unable("the index")):
            schema = CollectionSchema(
                [
                    FieldSchema("id", DataType.VARCHAR, max_length=64, is_primary=True),
                    FieldSchema("vector", DataType.FLOAT_VECTOR, dim=wide),
                ],
                enable_dynamic_field=True,
            )
            how = MilvusClient.prepare_index_params()
            how.add_index("vector", index_type="FLAT", metric_type="IP")
            self._client.create_collection(self._name, schema=schema, index_params=how)


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**{field.name: row[field.name] for field in fields(Entry)}, "cast": tuple(row["cast"] or ())})
