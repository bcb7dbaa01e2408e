"""Captions in lists, as other trainers keep them: rows or entries that name a file, and its words."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PureWindowsPath

from msgspec import Struct

from sora_cli.bounded import Json, parse_json, read_bytes
from sora_cli.texts import decoded

FILES = (
    "file_name", "filename", "file", "file_path", "filepath", "image_path", "image_file", "image", "img", "video_path",
    "video_file", "video", "media_path", "media", "path", "name",
)  # fmt: skip
"""What columns and keys with the name of a file are called, in capitals or not."""
WORDS = ("caption", "text", "prompt", "captions", "description", "txt", "tags")
"""And those with its words, the first one that says something."""
TABLES = {".csv": ",;\t", ".tsv": "\t"}
"""Lists in columns, and what may stand between them."""
ENDINGS = frozenset({*TABLES, ".json", ".jsonl", ".ndjson"})
"""How lists end that are read."""
BESIDE = {"prompts.txt": ("videos.txt", "images.txt"), "prompt.txt": ("videos.txt", "images.txt")}
"""Texts with a caption in each line, and the texts with the names of their files (CogVideoX's trainers)."""
Row = tuple[str, str]
"""The name of a file, and its words."""


class Listed(Struct, frozen=True):
    """The captions of files, and of each list that was read how many of its rows are for none of them, and one."""

    captions: Mapping[Path, str]
    lists: Mapping[Path, tuple[int, str]]


def read(folder: Path, paths: Sequence[Path]) -> Listed:
    """The captions of clips and pictures in the lists beside them, and in the folder that they come from."""
    captions: dict[Path, str] = {}
    lists: dict[Path, tuple[int, str]] = {}
    for place in sorted({folder, *(path.parent for path in paths)}):
        where = _Where(place, paths)
        for file in _lists_in(place):
            rows = list(_rows(file, paths))
            found = {path: words for name, words in rows if words.strip() and (path := where.find(name))}
            if found:
                lost = [name for name, _ in rows if not where.find(name)]
                lists[file] = (len(lost), lost[0] if lost else "")
                captions |= {path: words for path, words in found.items() if path not in captions}
    return Listed({path: " ".join(words.split()) for path, words in captions.items()}, lists)


class _Where:
    """Files by the names that lists have for them: from the list, whole paths of another machine, without an ending."""

    def __init__(self, place: Path, paths: Sequence[Path]) -> None:
        self.place, self.paths = place, set(paths)
        self.named: dict[str, Path | None] = {}
        for path in paths:
            for name in {path.name, path.stem}:
                self.named[name] = None if name in self.named else path  # of two that share a name it tells neither

    def find(self, name: str) -> Path | None:
        exact = self.place / name
        if exact in self.paths:
            return exact
        last = PureWindowsPath(name).name  # it parts at both kinds of slashes
        return self.named.get(last)


def _lists_in(place: Path) -> list[Path]:
    with suppress(OSError):
        files = sorted(each for each in place.iterdir() if not each.name.startswith("."))
        named = {each.name.lower() for each in files}
        pairs = {text for text, others in BESIDE.items() if named & set(others)}
        return [each for each in files if each.suffix.lower() in ENDINGS or each.name.lower() in pairs]
    return []


def _rows(file: Path, paths: Sequence[Path]) -> Iterator[Row]:
    """The rows of a list; none where it is none, or cannot be read."""
    with suppress(OSError, ValueError, csv.Error):  # UnicodeDecodeError is a ValueError
        text, end = decoded(read_bytes(file))[0], file.suffix.lower()
        if end in TABLES:
            yield from _table(text, TABLES[end], {name for path in paths for name in (path.name, path.stem)})
        elif end == ".txt":
            names = next(each for each in file.parent.iterdir() if each.name.lower() in BESIDE[file.name.lower()])
            both = (text.splitlines(), decoded(read_bytes(names))[0].splitlines())
            yield from zip(both[1], both[0], strict=True)
        elif end == ".json":
            yield from _entries(parse_json(text), file.stem)
        else:
            for line in filter(str.strip, text.splitlines()):
                yield from _entries([parse_json(line)], "")


def _table(text: str, marks: str, names: set[str]) -> Iterator[Row]:
    first = text.lstrip().partition("\n")[0]
    rows = [row for row in csv.reader(text.splitlines(), delimiter=max(marks, key=first.count)) if any(row)]
    if not rows:
        return
    if len(rows[0]) == 2 and PureWindowsPath(rows[0][0]).name in names:  # it has no header
        yield from ((row[0], row[1]) for row in rows if len(row) == 2)
        return
    for row in rows[1:]:
        yield from _entries([dict(zip(rows[0], row, strict=False))], "")


def _entries(value: Json, stem: str) -> Iterator[Row]:
    """What a list's entries say: each names its file, or is called by it; one alone is for the file of its own name."""
    if isinstance(value, list):
        for each in value:
            if isinstance(each, dict) and (name := _first(each, FILES)):
                yield name, _first(each, WORDS)
    elif isinstance(value, dict):
        if stem and (words := _first(value, WORDS)):
            yield _first(value, FILES) or stem, words
            return
        for name, each in value.items():
            if isinstance(each, list):
                yield from _entries(each, "")
            else:
                yield name, each if isinstance(each, str) else _first(each, WORDS) if isinstance(each, dict) else ""


def _first(entry: Mapping[str, Json], keys: Sequence[str]) -> str:
    """The first of some keys that says something, as text; of several texts the first."""
    plain = {str(key).strip().lower(): value for key, value in entry.items()}
    for key in keys:
        value = plain.get(key)
        text = value[0] if isinstance(value, list) and value else value
        if isinstance(text, str) and text.strip():
            return text.strip()
    return ""
