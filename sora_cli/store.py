"""Clips on disk, by key: find, keep, explain."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


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
