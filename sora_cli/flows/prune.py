"""The store's size, and which clips may be removed: never one that the sidecar of an existing film names."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from msgspec import Struct, field

from sora_cli.bounded import is_file, is_folder, read_facts
from sora_cli.data import LIST, Record
from sora_cli.errors import StoreError
from sora_cli.plain import as_data
from sora_cli.store import Kept, Store, megabytes

DAY = 24 * 3600


class StoreUse(Struct, frozen=True):
    """What a store holds. Sizes are in bytes.

    `needed` is what existing films name, and films whose folder is missing now (a disk that is not plugged in);
    `leftover` is what killed runs left.
    """

    folder: Path
    clips: int
    size: int
    needed: int
    leftover: int
    films: int
    away: tuple[str, ...]
    free: int
    address: str = ""
    """Where all clips are kept, if the folder only holds those used here."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {**as_data(self), "folder": str(self.folder)}

    def facts(self) -> dict[str, str]:
        """What a person is told."""
        facts = {
            "all clips are in": self.address,
            "clips": f"{self.clips}, {megabytes(self.size)}",
            "named by films": f"{megabytes(self.needed)}, by {self.films} films",
            "left by killed runs": megabytes(self.leftover) if self.leftover else "",
            "films not there now": ", ".join(self.away),
            "free on the disk": megabytes(self.free),
        }
        return {name: value for name, value in facts.items() if value}


class Cleaned(Struct, frozen=True):
    """What was removed (or would be): clips, and bytes of all files."""

    clips: int
    size: int
    kept: int
    """Clips that stay."""
    away: tuple[str, ...]
    """Films that are not there now, whose clips stay because their folder is not there either."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return as_data(self)


class _Needs(Struct):
    """The clips that films name, by key."""

    keys: set[str] = field(default_factory=set)
    films: int = 0
    away: list[str] = field(default_factory=list)
    gone: list[Path] = field(default_factory=list)


def survey(store: Store) -> StoreUse:
    """What the store holds.

    Raises:
        StoreError: it cannot be read.
    """
    needs = _needs(store)
    files = list(store.files())
    return StoreUse(
        folder=store.folder,
        clips=sum(file.path.suffix == ".mp4" and not file.aside for file in files),
        size=sum(file.size for file in files),
        leftover=sum(file.size for file in files if file.aside),
        needed=sum(file.size for file in files if file.key in needs.keys and not file.aside),
        films=needs.films,
        away=tuple(needs.away),
        free=store.free(),
        address=store.address,
    )


def clean(store: Store, *, keep_days: float, forget_missing: bool = False, dry_run: bool = False) -> Cleaned:
    """Remove clips that no film names and nobody used for `keep_days` days, and what killed runs left.

    Args:
        store: the store, which no other process may be using.
        keep_days: clips used within so many days stay.
        forget_missing: also give up the clips of films whose folder is not there now.
        dry_run: only say what would be removed.

    Raises:
        StoreError: somebody uses the store, or it cannot be written.
    """
    lock = store.alone()
    if lock is None:
        message = f"another sora is working on the store {store.folder}"
        raise StoreError(message, hint="wait until it has finished, then run this again")
    with lock:
        needs = _needs(store, forget_missing=forget_missing)
        clips = kept = freed = 0
        for key, files in _by_key(store).items():
            stays = key in needs.keys or max(file.used for file in files) > time.time() - keep_days * DAY
            stays = stays and store.has(key)
            clip = any(file.path.suffix == ".mp4" for file in files)
            kept, clips = kept + (clip and stays), clips + (clip and not stays)
            # The card goes first, so that a clip which is half gone is no clip.
            for file in sorted(files, key=lambda file: file.path.suffix != ".json"):
                if not stays or file.aside:
                    freed += file.size
                    if not dry_run:
                        file.path.unlink(missing_ok=True)
        for place in () if dry_run else needs.gone:
            place.unlink(missing_ok=True)
    return Cleaned(clips=clips, size=freed, kept=kept, away=tuple(needs.away))


def _by_key(store: Store) -> dict[str, list[Kept]]:
    files: dict[str, list[Kept]] = defaultdict(list)
    for file in store.files():
        files[file.key].append(file)
    return files


def _needs(store: Store, *, forget_missing: bool = False) -> _Needs:
    """What the films name that the store knows of: each one's sidecar, and what was noted at its release."""
    needs = _Needs()
    releases = list(store.films.releases())
    known = {note.sidecar for _, note in releases}
    for place, note in releases:
        sidecar = Path(note.sidecar)
        if is_file(sidecar):
            needs.films += 1
        elif not is_folder(sidecar.parent) and not forget_missing:
            needs.away.append(note.film)  # its disk may be somewhere else today; its clips are not ours to throw away
        elif moved := _elsewhere(sidecar, note.keys, known):
            needs.films += 1
            needs.keys |= moved
            continue
        else:
            needs.gone.append(place)
            continue
        needs.keys |= {*note.keys} | _named(sidecar)
    return needs


def _elsewhere(sidecar: Path, keys: Collection[str], known: Collection[str]) -> set[str]:
    """The keys that sidecars name of films that no release is noted of, where they show that a missing one was moved.

    It may have another name in its folder, or its own one a folder further up, down or beside.
    """
    folder, name = sidecar.parent, sidecar.name
    near = [place / name for above in (folder, folder.parent) for place in (above, *above.glob("*/"))]
    others = [path for path in sorted({*folder.glob("*.sora.json"), *near}) if str(path) not in known]
    named = [found for path in others if not (found := _named(path)).isdisjoint(keys)]
    return set().union(*named)


def _named(sidecar: Path) -> set[str]:
    """The keys that a sidecar names; none where it cannot be read, since the release's note names them too."""
    record = _Names.if_whole(read_facts(sidecar))
    return {take.key for take in (*record.takes, *record.stills)} if record else set()


class _Name(Record):
    key: str


class _Names(Record):
    """As much of a sidecar as may be read of any that names takes."""

    takes: Annotated[tuple[_Name, ...], LIST]
    stills: Annotated[tuple[_Name, ...], LIST] = ()
