"""A folder's list of its files' hashes, as `sha256sum -c` reads it: what a credential of many files is signed over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sora_cli.bounded import file_hash, read_bytes

SUMS = "SHA256SUMS"
"""The name of the list."""
_DESKTOPS = {".DS_Store", "Thumbs.db", "desktop.ini"}
_MOST_BYTES = 100_000_000


def write_sums(folder: Path, hashes: Mapping[str, str], remark: str) -> None:
    """Write the list of a folder, by file name; `remark` is its first line, which `sha256sum` passes over."""
    lines = [f"# {remark}", *(f"{sha}  {name}" for name, sha in hashes.items())]
    (folder / SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")


def read_sums(folder: Path) -> dict[str, str]:
    """Read the hashes of a folder's list, by file name; lines without one, or of a file elsewhere, are left out.

    Raises:
        OSError: there is no list, or it is too large.
    """
    text = read_bytes(folder / SUMS, _MOST_BYTES).decode("utf-8", "replace")
    found = re.findall(r"^([0-9a-f]{64}) [ *]([^/\\\0\n]+)$", text, re.MULTILINE)
    return {name: sha for sha, name in found if name not in {".", ".."}}


def strays(folder: Path, *, hidden: bool = False) -> list[str]:
    """Names in a folder that its list does not have, the list's own credential aside.

    With `hidden`, hidden files count as well, but for what desktops put into every folder.
    """
    known = {*read_sums(folder), SUMS, f"{SUMS}.c2pa"}
    found = sorted(path.name for path in folder.iterdir() if path.name not in known)
    return [name for name in found if (name not in _DESKTOPS if hidden else not name.startswith("."))]


def changes(folder: Path) -> list[str]:
    """Say in words which files of a folder differ from its list; empty where none does.

    Raises:
        OSError: there is no list.
    """
    wrong = [f"{name}: not among the files that were signed" for name in strays(folder)]
    for name, sha in read_sums(folder).items():
        try:
            same = file_hash(folder / name) == sha
        except OSError:
            wrong.append(f"{name}: missing, or not readable")
        else:
            wrong += [] if same else [f"{name}: not as it was signed"]
    return wrong
