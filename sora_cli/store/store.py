"""Clips on disk, by key: claim, find, keep, explain.

A clip is a lossless film file `KEY.mp4`, maybe a tail of latents `KEY.npz`, and its card `KEY.json`. Files are written
aside, synced and renamed; the card comes last and the folder is synced after it, so what has a card is whole, also
after the plug was pulled. The card holds the files' hashes and a hash of itself; both are checked whenever a clip is
found: a damaged clip counts as absent, and is made again.

Several processes may share a store. Who makes a clip holds the claim of its key, which ends with its process; files
aside carry the key in their names, so that whoever holds the claim next knows them for leftovers of the dead. Who
works on a film holds the store as used, so that nobody cleans clips away under it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from sora_cli import atomic
from sora_cli.bounded import SMALL, expanded, open_regular, read_json
from sora_cli.errors import MediaError, StoreError
from sora_cli.lock import Claim

RESERVE = 64 << 20
"""Bytes that are left free on the disk: cards, sidecars and other programs want some room too."""

_OURS = re.compile(
    r"(\.[0-9a-f]{32}\.[0-9a-f]{8}\.part|\.[0-9a-f]{32}\.[0-9a-f]{32}|[0-9a-f]{32})\.(mp4|npz|flac|json|lock)"
)
"""Names of files of clips, aside or in place; whatever else lies in the store's folder is not ours to remove."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


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
    pixels: str = ""
    """SHA-256 of its frames' bytes, which stays the same however they are packed."""


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
    pixels: str = ""
    made_on: Mapping[str, str] = field(default_factory=dict)
    """Device and versions of libraries: what may differ where the same take gives other frames."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the store: its size in bytes, and when it was last written or its clip used, by the time of day."""

    path: Path
    size: int
    used: float

    @property
    def key(self) -> str:
        """The key of its clip."""
        return self.path.name.lstrip(".").partition(".")[0]

    @property
    def aside(self) -> bool:
        """Whether it is being written, or was when its writer died."""
        return self.path.name.startswith(".")


def default_folder() -> Path:
    """Where clips are kept: `$SORA_STORE`, else the user's cache folder."""
    import platformdirs  # not for commands that keep nothing

    named = os.environ.get("SORA_STORE")
    return expanded(named) if named else platformdirs.user_cache_path("sora") / "clips"


class Store:
    """The clips under one folder, which is made when something is to be kept. `limit` is its largest size in bytes."""

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder = folder
        self.limit = limit
        self._trusted: set[Path] = set()

    def _own(self, folder: Path) -> None:
        """Refuse a folder that others can write: what they put there would be signed as made here.

        Raises:
            StoreError: somebody else's, or everybody's.
        """
        if os.name != "posix" or folder in self._trusted:
            return
        try:
            facts = folder.stat()
        except FileNotFoundError:
            return
        others = facts.st_uid not in {os.geteuid(), 0}
        everybody = facts.st_mode & stat.S_IWOTH and not os.statvfs(folder).f_flag & os.ST_RDONLY
        if others or everybody:
            whose = "belongs to somebody else" if others else "can be written by everybody"
            hint = f"chmod go-w {folder}" if not others else "SORA_STORE names another folder"
            raise StoreError(f"the store {folder} {whose}: clips put there would be signed as made here", hint=hint)
        self._trusted.add(folder)

    # -- several processes -----------------------------------------------------------------------

    def used(self, meanwhile: Callable[[], None] = lambda: None) -> contextlib.AbstractContextManager[object]:
        """Hold the store as used: nobody cleans it meanwhile, anybody else may use it. Waits while it is cleaned.

        A store that we may only read is used as it is: what is missing in it is told when it is to be made.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._telling("use the store"):
            try:
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._own(self.folder)
                return Claim.wait(self.folder / "store.lock", shared=True, meanwhile=meanwhile)
            except OSError as error:
                if error.errno in {*_REFUSED, errno.ENOENT} and self.folder.is_dir():
                    return contextlib.nullcontext()
                raise

    def alone(self) -> Claim | None:
        """Hold the store for nobody but us, to clean it; None while somebody uses it.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._telling("clean the store"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._own(self.folder)
            return Claim.take(self.folder / "store.lock", stays=True)

    def claim(self, key: str) -> Claim | None:
        """The right to make the clip of a key; None while somebody else has it. What dead writers left is removed.

        Raises:
            StoreError: the store cannot be written.
        """
        path = self.path(key, "lock")
        with self._telling("use the store"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            claim = Claim.take(path)
            if claim is not None:
                for left in path.parent.glob(f".{key}.*"):
                    left.unlink(missing_ok=True)
            return claim

    # -- clips -----------------------------------------------------------------------------------

    def find(self, key: str) -> Clip | None:
        """The clip of a key, if it is here and whole. Its card's time tells `sora store` that it was used.

        Raises:
            StoreError: the store cannot be read.
        """
        card = self.card(key)
        if card is None:
            return None
        path = self.path(key, "mp4")
        with self._telling("read a clip of the store"):
            try:
                tail = self.path(key, "npz") if card["tail"] else None
                if file_hash(path) != card["sha256"] or (tail and file_hash(tail) != card["tail"]):
                    return None
            except FileNotFoundError:
                return None
        with contextlib.suppress(OSError, StoreError):  # of a clip on a disk that may only be read
            os.utime(self.path(key, "json"))
            if self.path(key, "lock").exists():  # its maker was killed after it was kept, or keeps it just now
                left = self.claim(key)
                if left is not None:
                    left.release()
        return Clip(
            key=key, path=path, sha256=card["sha256"], frames=card["frames"], width=card["width"],
            height=card["height"], fps=Fraction(card["fps"]), sound=card["sound"], tail=tail,
            seconds=card["seconds"], score=card["score"], pixels=card["pixels"],
        )  # fmt: skip

    def card(self, key: str) -> dict[str, Any] | None:
        """What was written of a clip when it was kept, or None."""
        with self._telling("read the store"):
            self._own(self.folder)
            self._own(self.path(key, "json").parent)
            try:
                card: Any = read_json(self.path(key, "json"), SMALL)
            except (FileNotFoundError, ValueError):
                return None
        whole = isinstance(card, dict) and card.pop("seal", "") == _seal(card)
        return card if whole else None

    def keep(
        self, key: str, facts: ClipFacts, write: Callable[[Path], None], write_tail: Callable[[Path], None] | None
    ) -> Clip:
        """Keep a clip whose claim is held: `write` (and `write_tail`) are called with the path of a file to make.

        Raises:
            StoreError: the store cannot be written; nothing is left under the clip's name.
        """
        path, tail = self.path(key, "mp4"), self.path(key, "npz") if write_tail is not None else None
        with self._telling("keep a clip"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.aside(path) as aside:
                write(aside)
            if tail is not None and write_tail is not None:
                with atomic.aside(tail) as aside:
                    write_tail(aside)
            card = {
                "frames": facts.frames, "width": facts.width, "height": facts.height, "fps": str(facts.fps),
                "sound": facts.sound, "seconds": round(facts.seconds, 3), "score": facts.score,
                "sha256": file_hash(path), "tail": file_hash(tail) if tail else "", "pixels": facts.pixels,
                "made_on": dict(facts.made_on), "fields": json.loads(json.dumps(dict(facts.fields), default=str)),
            }  # fmt: skip
            atomic.write(self.path(key, "json"), _json({**card, "seal": _seal(card)}))
            atomic.flush(self.folder)
        kept = self.find(key)
        if kept is None:
            raise StoreError(f"clip {key} did not read back from {path}", hint="is the disk sound?")
        return kept

    # -- sounds ----------------------------------------------------------------------------------

    def keep_sound(self, key: str, facts: Mapping[str, Any], write: Callable[[Path], None]) -> Path:
        """Keep a sound under its key: `write` is called with the path of a FLAC file to make.

        Raises:
            StoreError: the store cannot be written; nothing is left under the sound's name.
        """
        path = self.path(key, "flac")
        with self._telling("keep a sound"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.aside(path) as aside:
                write(aside)
            card = {**json.loads(json.dumps(dict(facts))), "sha256": file_hash(path)}
            atomic.write(self.path(key, "json"), _json({**card, "seal": _seal(card)}))
        return path

    def find_sound(self, key: str) -> tuple[Path, dict[str, Any]] | None:
        """The sound of a key and what was written of it, if it is here and whole; it counts as used.

        Raises:
            StoreError: the store cannot be read.
        """
        card, path = self.card(key), self.path(key, "flac")
        with self._telling("read a sound of the store"):
            try:
                if card is None or file_hash(path) != card["sha256"]:
                    return None
            except FileNotFoundError:
                return None
        with contextlib.suppress(OSError):  # on a disk that may only be read
            os.utime(self.path(key, "json"))
        return path, card

    def make_room(self, name: str, size: int) -> None:
        """Refuse a take that may need `size` bytes where the disk, or the store's limit, has too few left.

        Raises:
            StoreError: there is too little room, said before any work is put into the take.
        """
        free = self.free()
        if free < size + RESERVE:
            message = f"the disk of {self.folder} is nearly full: {name} may need {megabytes(size)} and "
            raise StoreError(
                f"{message}{megabytes(free)} are free ({megabytes(RESERVE)} stay free)",
                hint="free some: sora store clean; what was made is kept: run the same command again",
            )
        if self.limit is not None and self.size() + size > self.limit:
            raise StoreError(
                f"{name} may need {megabytes(size)}, which would take the store past its limit of "
                f"{megabytes(self.limit)} (it holds {megabytes(self.size())})",
                hint="free some: sora store clean; or raise --max-disk",
            )

    def size(self) -> int:
        """Bytes that the store takes on disk."""
        return sum(file.size for file in self.files())

    def free(self) -> int:
        """Bytes that are free on the store's disk."""
        folders = (self.folder, *self.folder.absolute().parents)
        with self._telling("read the store"):
            return shutil.disk_usage(next(folder for folder in folders if folder.is_dir())).free

    def files(self) -> Iterator[Kept]:
        """Every file of clips, in place or aside."""
        with self._telling("read the store"):
            for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
                for path in folder.iterdir():
                    if _OURS.fullmatch(path.name):
                        with contextlib.suppress(FileNotFoundError):  # renamed or removed meanwhile
                            facts = path.lstat()
                            yield Kept(path, facts.st_size, facts.st_mtime)

    # -- films -----------------------------------------------------------------------------------

    def remember(self, film: str, keys: Mapping[str, str]) -> None:
        """Note which key each take of a storyboard had, so that a later plan can say what changed."""
        self._note(f"{film}.json", {**self.remembered(film), **keys})

    def remembered(self, film: str) -> dict[str, str]:
        """The keys noted last time, by take name."""
        return self._noted(self.folder / "films" / f"{film}.json")

    def remember_release(self, film: Path, sidecar: Path, keys: Iterable[str]) -> None:
        """Note that a film is made of these clips, which are then not cleaned away while its sidecar is there.

        In a store that we may only read nothing is noted: nor do we clean it.

        Raises:
            StoreError: the store cannot be written for another reason.
        """
        place = hashlib.sha256(os.fsencode(sidecar.resolve())).hexdigest()[:32]
        facts = {"film": str(film.resolve()), "sidecar": str(sidecar.resolve()), "keys": sorted(set(keys))}
        if self._noted(self.folder / "films" / f"{place}.film") != facts:
            try:
                self._note(f"{place}.film", facts)
            except StoreError as error:
                if not (isinstance(error.__cause__, OSError) and error.__cause__.errno in _REFUSED):
                    raise

    def releases(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """What was noted of each released film, and the file it is noted in."""
        with self._telling("read the store"):
            notes = sorted((self.folder / "films").glob("*.film"))
        for path in notes:
            yield path, self._noted(path)

    def changed(self, old: str | None, key: str, fields: Mapping[str, Any]) -> list[str]:
        """Why a take whose clip had the key `old` will be shot again: the names of the fields that differ.

        Empty where nothing is known of it. Reads one card, however long the film is.
        """
        card = self.card(old) if old and old != key else None
        if card is None:
            return []
        now = json.loads(json.dumps(dict(fields), default=str))
        before = card.get("fields", {})
        return [field for field in now if now[field] != before.get(field)]

    def _note(self, name: str, facts: Mapping[str, Any]) -> None:
        path = self.folder / "films" / name
        with self._telling("write to the store"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with Claim.wait(path.with_suffix(".lock")):
                for left in path.parent.glob(f".{path.stem}.*"):
                    left.unlink(missing_ok=True)
                atomic.write(path, _json(facts))

    def _noted(self, path: Path) -> dict[str, Any]:
        try:
            facts: Any = read_json(path)
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    # -- files -----------------------------------------------------------------------------------

    def path(self, key: str, suffix: str) -> Path:
        """Where a file of a clip lies."""
        # Two letters of fan-out, as in git: no folder grows past some hundred files.
        return self.folder / key[:2] / f"{key}.{suffix}"

    @contextlib.contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Turn what the file system says into an error that tells what to do about it."""
        try:
            yield
        except OSError as error:
            raise self._error(what, error) from error
        except MediaError as error:
            # A codec's write fails for the disk's reasons: that is no fault of the take, and hits every other one.
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL | _REFUSED | {errno.EIO}:
                raise self._error(what, error.__cause__) from error
            raise

    def _error(self, what: str, error: OSError) -> StoreError:
        hint = "is the disk sound? SORA_STORE names another folder"
        if error.errno in _FULL:
            hint = "make room (sora store clean), then run the same command again: what was made is kept"
        elif error.errno in _REFUSED:
            hint = "you may not write there; SORA_STORE names another folder"
        elif error.errno in {errno.ENOTDIR, errno.EEXIST}:
            hint = "something else lies there: move it away; SORA_STORE names another folder"
        return StoreError(f"cannot {what} ({self.folder}): {error.strerror or error}", hint=hint)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def megabytes(size: float) -> str:
    """Bytes in words: `3.4 GB`, `120 MB`; decimal, as disks are sold."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, indent=1, sort_keys=True)


def _seal(card: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json(card).encode()).hexdigest()
