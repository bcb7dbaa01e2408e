"""Structs as plain data."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import asdict


def as_data(value: Struct) -> dict[str, object]:
    """A Struct as a dictionary of its fields, and so are those in it; all else stays as it is."""
    return {name: _within(field) for name, field in asdict(value).items()}


def _within(value: object) -> object:
    if isinstance(value, Struct):
        return as_data(value)
    if isinstance(value, Mapping):
        return {key: _within(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_within(each) for each in value]
    return tuple(map(_within, value)) if isinstance(value, tuple) else value
