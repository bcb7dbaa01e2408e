"""Films whose colours Dolby Vision alone shows: elsewhere they are green and red, and nothing else in a file tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from sora_cli.errors import UnusableFile
from sora_cli.media.read.whole import MATROSKA, TO_TRACKS, nested, sample_entries

_NAMES = {b"dvh1", b"dvhe", b"dav1"}
"""How an MP4's track is coded whose colours Dolby Vision alone shows, unless its settings tell."""
_BESIDE = b"\x41\xe4"
"""Matroska's BlockAdditionMapping, which holds such settings (RFC 9559, 5.1.4.1.17)."""
_SETTINGS = re.compile(rb"dv[cvw]C(?:A\xed[\x85-\xff])?.{4}(.)", re.DOTALL)
"""What tells what other screens show, in the first half of a byte: 0 is nothing (profiles 5 and 10.0)."""
_MOST = 1 << 16
"""Bytes in which a track's settings are looked for."""


def require_other_screens(path: Path) -> None:
    """Refuse a film without a picture for other screens than those of Dolby Vision.

    Raises:
        MediaError: it is one.
    """
    with path.open("rb") as file:
        head, size = file.read(16), file.seek(0, 2)
        matroska = head[:4] == MATROSKA
        found = nested(file, size, *TO_TRACKS, _BESIDE) if matroska else sample_entries(file, 0, size)
        alone = any(_alone(file, told.inside, told.end, usual=told.name in _NAMES) for told in found)
    if alone:
        told = f"cannot use {path}: it is in Dolby Vision, without a picture for other screens"
        raise UnusableFile(told, hint="convert it to BT.709 first: ffmpeg's filter libplacebo does so")


def _alone(file: BinaryIO, at: int, end: int, *, usual: bool) -> bool:
    """Whether settings say so: some programs name a track that has a picture for others as they name one without."""
    file.seek(at)
    told = _SETTINGS.search(file.read(max(0, min(end - at, _MOST))))
    return told[1][0] < 1 << 4 if told else usual
