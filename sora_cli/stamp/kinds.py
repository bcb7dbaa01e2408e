"""What C2PA calls kinds of files: by the ending of their name, else by how they begin."""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping
from pathlib import Path

from sora_cli.errors import MediaError, StampError
from sora_cli.media.read.whole import boxes, require_whole

MEDIA_TYPES: Mapping[str, str] = {
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".avi": "video/avi",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
}
"""File endings and what C2PA calls them."""

_BEGINNINGS = (
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"\x89PNG", "image/png"),
    (rb"GIF8", "image/gif"),
    (rb"II\*\0|MM\0\*", "image/tiff"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"RIFF....AVI ", "video/avi"),
    (rb"ID3|\xff[\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"fLaC", "audio/flac"),
    (rb"%PDF", "application/pdf"),
    (rb"....ftypavi[fs]", "image/avif"),
    (rb"....ftyp(?:hei[cmsx]|hev[cx]|mif1|msf1)", "image/heic"),
    (rb"....ftypM4A", "audio/mp4"),
    (rb"....ftyp", "video/mp4"),
)
"""How files begin that may hold a credential, whatever they are called: browsers save JPEGs as `.jfif`."""
_STORES = {"c2pa", "application/c2pa", "application/x-c2pa-manifest-store"}


def media_type(path: Path) -> str:
    """The media type of a file, by its ending.

    Raises:
        StampError: C2PA has no name for it.
    """
    try:
        return MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        raise StampError(
            f"{path.name} cannot be signed: unknown kind of file", hint=f"known are {', '.join(MEDIA_TYPES)}"
        ) from None


def by_beginning(path: Path) -> str:
    """The media type of a file by its first bytes; empty where they tell none."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return ""
    return next((kind for sign, kind in _BEGINNINGS if re.match(sign, head, re.DOTALL)), "")


def has_marker(path: Path) -> bool:
    """Whether there is something of a C2PA credential in a file that could not be read: it names itself `c2pa`."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"c2pa") >= 0


def is_bare(path: Path) -> bool:
    """Whether a film is whole but for what stands behind it, and nothing in it is called a credential."""
    if has_marker(path):
        return False
    with path.open("rb") as file:
        begun = any(box.name == b"moov" for box in boxes(file, 0, file.seek(0, 2)))
    try:
        require_whole(path)
    except MediaError:
        return False
    return begun


def is_store(kind: str) -> bool:
    """Whether this is the kind of a credential on its own, or the ending of one."""
    return kind.removeprefix(".").lower() in _STORES
