"""What a safetensors file says of its tensors, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sora_cli import bounded
from sora_cli.bounded import Json

MOST_HEADER = 100 << 20
"""Bytes of a safetensors file's header; the library's own limit."""


class Header(Struct, frozen=True):
    """What a safetensors file says of itself: the shapes of its tensors by their names, facts in words, its length."""

    shapes: Mapping[str, tuple[int, ...]]
    facts: Mapping[str, str]
    end: int = 0
    """The byte behind the last tensor."""


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
        end = 8 + length + max(map(_end, header.values()), default=0)
        return Header({name: _shape(each) for name, each in header.items()}, words, end)
    raise ValueError(f"{path} has no header")


def _end(tensor: Json) -> int:
    """Where a tensor ends, counted from the first one's beginning; 0 where it does not say."""
    place = tensor.get("data_offsets") if isinstance(tensor, dict) else None
    return max((at for at in place if isinstance(at, int)), default=0) if isinstance(place, list) else 0


def _shape(tensor: Json) -> tuple[int, ...]:
    sides = tensor.get("shape") if isinstance(tensor, dict) else None
    shape = tuple(side for side in sides if isinstance(side, int) and side >= 0) if isinstance(sides, list) else ()
    if not isinstance(sides, list) or len(shape) != len(sides):
        raise ValueError("a tensor has no shape")
    return shape
