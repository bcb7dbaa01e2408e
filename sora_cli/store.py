"""Clips on disk, by key: find, keep, explain.

A clip is a lossless film file `KEY.mp4`, maybe a tail of latents `KEY.npz`, and its card `KEY.json`. Files are written
aside, synced and renamed; the card comes last, so what has a card is whole. The card holds the file's hash, which is
checked when a clip is found: a damaged clip counts as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import platformdirs

from sora_cli.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Footage on disk under its key: a lossless film file of `frames` frames, whole and checked."""

    key: str
    path: Path
    sha256: str
    frames: int
    width: int
    height: int
    fps: Fraction
    sound: bool = False
    tail: Path | None = None
    seconds: float = 0.0
    """How long it took to make."""
    score: float = 0.0
    """How good it is beside other takes of its beat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """What is known of a clip that is about to be kept."""

    frames: int
    width: int
    height: int
    fps: Fraction
    sound: bool
    seconds: float
    score: float
    fields: Mapping[str, Any]
    """What its key is made of."""


def default_folder() -> Path:
    """Where clips are kept: `$SORA_STORE`, else the user's cache folder."""
    named = os.environ.get("SORA_STORE")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("sora") / "clips"


class Store:
    """The clips under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> Clip | None:
        """The clip of a key, if it is here and whole.

        Raises:
            StoreError: the store cannot be read.
        """
        card = self.card(key)
        if card is None:
            return None
        path = self._path(key, "mp4")
        try:
            tail = self._path(key, "npz") if card["tail"] else None
            if file_hash(path) != card["sha256"] or (tail and file_hash(tail) != card["tail"]):
                return None
            return Clip(
                key=key, path=path, sha256=card["sha256"], frames=card["frames"], width=card["width"],
                height=card["height"], fps=Fraction(card["fps"]), sound=card["sound"], tail=tail,
                seconds=card["seconds"], score=card["score"],
            )  # fmt: skip
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read clip {path}: {error.strerror}", hint=self._hint) from error

    def card(self, key: str) -> dict[str, Any] | None:
        """What was written of a clip when it was kept, or None."""
        try:
            card = json.loads(self._path(key, "json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read the store {self.folder}: {error.strerror}", hint=self._hint) from error
        return card if isinstance(card, dict) and card.keys() >= {"sha256", "frames", "tail", "score"} else None

    def keep(
        self, key: str, facts: ClipFacts, write: Callable[[Path], None], write_tail: Callable[[Path], None] | None
    ) -> Clip:
        """Keep a clip: `write` (and `write_tail`) are called with the path of a file to make.

        Raises:
            StoreError: the store cannot be written; nothing is left under the clip's name.
        """
        path = self._path(key, "mp4")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._aside(path) as aside:
                write(aside)
            tail = None
            if write_tail is not None:
                tail = self._path(key, "npz")
                with self._aside(tail) as aside:
                    write_tail(aside)
            card = {
                "frames": facts.frames, "width": facts.width, "height": facts.height, "fps": str(facts.fps),
                "sound": facts.sound, "seconds": round(facts.seconds, 3), "score": facts.score,
                "sha256": file_hash(path),
                "tail": file_hash(tail) if tail else "", "fields": dict(facts.fields),
            }  # fmt: skip
            with self._aside(self._path(key, "json")) as aside:
                aside.write_text(json.dumps(card, indent=1, sort_keys=True, default=str), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"cannot keep a clip in {self.folder}: {error.strerror}", hint=self._hint) from error
        kept = self.find(key)
        if kept is None:
            raise StoreError(f"clip {key} did not read back from {path}", hint="is the disk sound?")
        return kept

    def remember(self, film: str, keys: Mapping[str, str]) -> None:
        """Note which key each take of a storyboard had, so that a later plan can say what changed."""
        path = self.folder / "films" / f"{film}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._aside(path) as aside:
                aside.write_text(json.dumps({**self.remembered(film), **keys}, indent=1), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"cannot write to the store {self.folder}: {error.strerror}", hint=self._hint) from error

    def remembered(self, film: str) -> dict[str, str]:
        """The keys noted last time, by take name."""
        try:
            keys = json.loads((self.folder / "films" / f"{film}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return keys if isinstance(keys, dict) else {}

    def explain(self, film: str, name: str, key: str, fields: Mapping[str, Any]) -> list[str]:
        """Why a take will be shot again: the names of the fields that differ from last time; empty if it is new."""
        old = self.remembered(film).get(name)
        card = self.card(old) if old and old != key else None
        if card is None:
            return []
        now = json.loads(json.dumps(dict(fields), default=str))
        before = card.get("fields", {})
        return [field for field in now if now[field] != before.get(field)]

    @property
    def _hint(self) -> str:
        return "is there room on the disk, and may you write there? SORA_STORE names another folder"

    def _path(self, key: str, suffix: str) -> Path:
        # Two letters of fan-out, as in git: no folder grows past some hundred files.
        return self.folder / key[:2] / f"{key}.{suffix}"

    @contextlib.contextmanager
    def _aside(self, path: Path) -> Iterator[Path]:
        """A path to write to, in the same folder; on success it is synced and takes the name `path`."""
        aside = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
        try:
            yield aside
            with aside.open("rb+") as file:
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
