"""What a folder holds to train on: each clip and picture that is used, and each that is left out, with the reason.

Nothing in the folder is written, moved or removed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path
from statistics import median

from msgspec import Struct

from sora_cli.bounded import is_folder
from sora_cli.errors import MediaError, RequestError
from sora_cli.media.read import open_film
from sora_cli.media.stream import Frames
from sora_cli.storyboard.files import FILMS, PICTURES
from sora_cli.training.captions import ENDINGS, REPEATED, Captions, Written
from sora_cli.training.lists import BESIDE
from sora_cli.training.looks import Look, alike, look

FILES = frozenset((*PICTURES, *FILMS))
MOST = 2_000
"""Clips and pictures of one training; a LoRA wants 10 to 200."""
LONGEST = 60
"""Seconds of a clip; what is longer is rarely one shot, and would be gone through from end to end."""
WINDOWS = 4
"""Stretches of one clip that are learned at most, so that a long one does not outweigh the others."""
BLURRED = 0.12
"""Of the median detail: below it a clip or picture is blurred beside the others."""


class Grid(Struct, frozen=True):
    """What the engine takes: size in pixels, rate, frames of a clip."""

    size: tuple[int, int]
    fps: Fraction
    frames: int


class Piece(Struct, frozen=True):
    """A clip or picture that is used. `starts` are the first frames of its stretches, at the engine's rate."""

    path: Path
    sha256: str
    frames: int
    starts: tuple[int, ...]
    words: Written
    size: tuple[int, int]
    """Width and height of its pictures."""

    @property
    def still(self) -> bool:
        """Whether it is a picture, or is used as one."""
        return self.frames == 1

    def read(self, start: int, grid: Grid, frames: int, room: float = 1.0) -> Frames:
        """So many frames from `start`, `(n, h, w, 3)` at the engine's size.

        Or at up to `room` times that, where the file has so many pixels: parts of them are then sharp too.

        Raises:
            MediaError: it can no longer be read.
        """
        with open_film(self.path) as film:
            width, height = grid.size
            larger = max(1.0, min(room, film.facts.width / width, film.facts.height / height))
            shown = film.shown_at(grid.fps)[start : start + frames]
            return _stacked(film.pictures(shown, (round(width * larger), round(height * larger))))


class LeftOut(Struct, frozen=True):
    """A file that is not used, and why."""

    path: Path
    why: str


class Material(Struct, frozen=True):
    """What is used of a folder, and what is not."""

    pieces: tuple[Piece, ...]
    left_out: tuple[LeftOut, ...]


def files_of(folder: Path) -> list[Path]:
    """The clips and pictures of a folder, in order of their names; of one without any, those of the folders in it.

    Raises:
        RequestError: it is no folder, it holds none, or more than can be trained on.
    """
    if not is_folder(folder):
        raise RequestError(f"there is no folder {folder}", hint="name the folder of your clips and pictures: --from")
    try:
        os.scandir(folder).close()
        found = list(islice(_found_in([folder]), MOST + 1))
        places = [folder]
        for _ in range(DEPTH if not found else 0):
            places = [inner for place in places for inner in _folders_in(place)]
            found += islice(_found_in(places), MOST + 1 - len(found))
    except OSError as error:
        raise RequestError(f"cannot read {folder}: {error.strerror}") from error
    if len(found) > MOST:
        hint = "a LoRA wants 10 to 200: copy those into a folder of their own"
        raise RequestError(f"{folder} holds more than {MOST:,} clips and pictures", hint=hint)
    if not found:
        hint = f"clips and pictures end in: {', '.join(sorted(FILES))}"
        raise RequestError(f"{folder} holds no clips and no pictures", hint=hint)
    return sorted(found)


def name_in(path: Path, folder: Path) -> str:
    """What a clip or picture is called that lies in a folder, or in one of the folders in it."""
    return path.relative_to(folder).as_posix()


def _found_in(places: Sequence[Path]) -> Iterator[Path]:
    """The clips and pictures that lie in folders themselves."""
    for place in places:
        yield from (place / name for name, inner in _entries_of(place) if not inner and _suffix(name) in FILES)


def _folders_in(place: Path) -> list[Path]:
    """The folders in a folder that may hold what is learned: not what trainers write, or compare with."""
    inner = sorted(name for name, is_folder in _entries_of(place) if is_folder)
    return [place / name for name in inner if not name.startswith("__") and name.lower() not in _OTHERS]


def _entries_of(place: Path) -> Iterator[tuple[str, bool]]:
    """The names in a folder that are not hidden, and whether each is a folder; none where we may not look."""
    with suppress(OSError), os.scandir(place) as entries:
        yield from ((each.name, each.is_dir()) for each in entries if not each.name.startswith("."))


DEPTH = 3
"""How deep folders are entered, where the one that is named holds no clips and no pictures."""
_OTHERS = frozenset({"reg", "regularization", "regularisation", "log", "logs", "model", "models", "sample", "samples"})
"""Folders beside those with pictures, as trainers lay them."""
_LISTS = frozenset({"csv", "json", "jsonl", "parquet", "toml"})
"""How other trainers' lists of captions end."""
_BESIDE = "a caption stands beside its clip or picture, in a .txt of its name"


def passed_over(folder: Path, used: Sequence[Path], read: Collection[Path] = ()) -> Iterator[tuple[str, str]]:
    """What a folder holds of words and folders that is not read: a remark on each kind, and a hint.

    `read` are the lists of captions that were.
    """
    found = sorted(_entries_of(folder))
    mine = {name for path in used for name in (path.stem, path.name)}
    files = [Path(name) for name, inner in found if not inner and not name.endswith(".sora.json")]
    known = {path.name for path in read if path.parent == folder}
    known |= {names for each in known for names in BESIDE.get(each.lower(), ())}
    files = [each for each in files if each.name not in known]
    texts = [each.name for each in files if each.suffix.lower() in ENDINGS and each.stem not in mine]
    lists = [each.name for each in files if _suffix(each.name) in _LISTS]
    entered = {path.relative_to(folder).parts[0] for path in used if path.parent != folder}
    folders = [name for name, inner in found if inner and name not in entered]
    repeated = [name for name in sorted(entered) if REPEATED.fullmatch(name)]
    for names, what, hint in (
        (repeated, "is entered, and its number not read", "each clip and picture is learned as often as the others"),
        (texts, "belongs to no clip or picture here: it is not read", _BESIDE),
        (lists, "is not read: it names no file here with its caption", _BESIDE),
        (folders, "is a folder in it, which is not entered", "put all clips and pictures into one folder"),
    ):
        if names:
            more = f" (and {len(names) - 1} more like it)" if len(names) > 1 else ""
            yield f"{names[0]}{more} {what}", hint


def gather(
    paths: Sequence[Path],
    grid: Grid,
    captions: Captions,
    hash_of: Callable[[Path], str],
    told: Callable[[int, int], None],
) -> Material:
    """Look at clips and pictures; `told` hears (looked at, of). Of those that are alike one with a text is used.

    Raises:
        RequestError: a caption cannot be read.
    """
    looks: dict[Path, Look] = {}
    left: list[LeftOut] = []
    hashes: dict[str, Path] = {}
    for number, path in enumerate(sorted(paths, key=lambda path: (not captions.has(path), path)), 1):
        try:
            twin = hashes.setdefault(hash_of(path), path)
            why = f"the same file as {twin.name}" if twin != path else ""
            seen = None if why else look(path, grid.fps, LONGEST)
            why = why or (seen.flaw if seen else "")
        except (MediaError, OSError) as error:
            why = f"it cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error).splitlines()[0]
            seen = None
        if seen and not why:
            looks[path] = seen
        else:
            left.append(LeftOut(path, why))
        told(number, len(paths))
    left += _among_others(looks)
    kept = sorted(looks.keys() - {each.path for each in left})
    pieces, short = _cut(kept, looks, grid, captions, {path: sha for sha, path in hashes.items()})
    return Material(tuple(pieces), tuple(sorted([*left, *short], key=lambda each: each.path)))


def _among_others(looks: dict[Path, Look]) -> Iterator[LeftOut]:
    """What falls out beside the rest: the blurred, and those that show the same as one before."""
    middle = median(each.detail for each in looks.values()) if len(looks) >= 4 else 0.0
    kept: dict[Path, Look] = {}
    for path, seen in looks.items():
        if seen.detail < BLURRED * middle:
            share = f"{seen.detail / middle:.0%}"
            yield LeftOut(path, f"blurred: it has {share} of the detail that the others have")
        elif twin := next((other for other, before in kept.items() if alike(before, seen)), None):
            yield LeftOut(path, f"shows the same as {twin.name}")
        else:
            kept[path] = seen


def _cut(
    paths: Sequence[Path], looks: dict[Path, Look], grid: Grid, captions: Captions, hashes: dict[Path, str]
) -> tuple[list[Piece], list[LeftOut]]:
    """Pieces with the stretches that are learned; clips that are too short are left out."""
    pieces, short = [], []
    for path in paths:
        count = looks[path].frames
        if looks[path].still or count >= grid.frames:
            frames = 1 if looks[path].still else grid.frames
            starts = (0,) if looks[path].still else _starts(count, frames)
            pieces.append(Piece(path, hashes[path], frames, starts, captions.of(path), looks[path].size))
        else:
            wanted = f"{float(grid.frames / grid.fps):.2f} s"
            short.append(LeftOut(path, f"too short: {float(count / grid.fps):.2f} s, and {wanted} are learned at once"))
    return pieces, short


def _starts(count: int, frames: int) -> tuple[int, ...]:
    """The first frames of stretches of a clip: as many as fit, `WINDOWS` at most, from its start to its end."""
    parts = min(WINDOWS, count // frames)
    return tuple(part * (count - frames) // max(1, parts - 1) for part in range(parts))


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _stacked(pictures: Iterator[Frames]) -> Frames:
    import numpy as np

    return np.stack(list(pictures))
