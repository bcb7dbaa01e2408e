"""What a safetensors file says of its tensors, read without torch."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from sora_cli import bounded
from sora_cli.bounded import Json

MOST_HEADER = 100 << 20
"""Bytes of a safetensors file's header; the library's own limit."""


LOW_RANK = re.compile(r"lora|lokr|hada_|(?<![a-z])oft_|(?<![a-z])ia3|dora_scale|\.diff(?:_b)?$", re.IGNORECASE)
"""What is in the names of an adapter's tensors, whichever program trained it; not `model.diffusion_model.`."""
LAST = 3
"""Matrices at the end of a file that are looked at to see whether they were ever written."""
GLIMPSE = 4096
"""Bytes that are read of each."""


class Header(Struct, frozen=True):
    """What a safetensors file says of itself: the shapes of its tensors by their names, facts in words, its length."""

    shapes: Mapping[str, tuple[int, ...]]
    facts: Mapping[str, str]
    places: Mapping[str, tuple[int, int]]
    """From which byte of the file to which a tensor lies."""

    @property
    def end(self) -> int:
        """The byte behind the last tensor."""
        return max((end for _, end in self.places.values()), default=0)


def has_low_rank(tensors: Collection[str]) -> bool:
    """Whether tensors of these names are an adapter's."""
    return any(LOW_RANK.search(name) for name in tensors)


def header_of(path: Path) -> Header:
    """What a safetensors file says of its tensors.

    A header of JSON follows its length in 8 bytes: https://github.com/huggingface/safetensors#format

    Raises:
        OSError: it cannot be read, or is not a regular file.
        ValueError: it is no safetensors file.
    """
    with bounded.open_regular(path) as file:
        length, size = int.from_bytes(file.read(8), "little"), path.stat().st_size
        header = bounded.parse_json(file.read(length)) if 2 <= length <= min(size - 8, MOST_HEADER) else None
    if isinstance(header, dict):
        written = header.pop("__metadata__", None)
        facts = written if isinstance(written, dict) else {}
        words = {name: each for name, each in facts.items() if isinstance(each, str)}
        shapes = {name: _shape(each) for name, each in header.items()}
        return Header(shapes, words, {name: _place(each, 8 + length) for name, each in header.items()})
    raise ValueError(f"{path} has no header")


def ends_unwritten(path: Path, header: Header) -> bool:
    """Whether a file's last matrices begin with zeros, as where a download that took its room first was not finished.

    Rows of zeros at a matrix's end are in whole files too: words that a vocabulary has room for.

    Raises:
        OSError: it cannot be read.
    """
    matrices = [place for name, place in header.places.items() if len(header.shapes[name]) > 1]
    last = sorted(matrices)[-LAST:]
    with bounded.open_regular(path) as file:
        return len(last) == LAST and not any(map(any, (_glimpse(file, *place) for place in last)))


def _glimpse(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(min(GLIMPSE, end - begin))


def _place(tensor: Json, first: int) -> tuple[int, int]:
    """Where a tensor lies, the first of all beginning at `first`; there, without length, where it does not say."""
    place = tensor.get("data_offsets") if isinstance(tensor, dict) else None
    found = [at for at in place if isinstance(at, int) and at >= 0] if isinstance(place, list) else []
    return (first + min(found), first + max(found)) if found else (first, first)


def _shape(tensor: Json) -> tuple[int, ...]:
    sides = tensor.get("shape") if isinstance(tensor, dict) else None
    shape = tuple(side for side in sides if isinstance(side, int) and side >= 0) if isinstance(sides, list) else ()
    if not isinstance(sides, list) or len(shape) != len(sides):
        raise ValueError("a tensor has no shape")
    return shape
