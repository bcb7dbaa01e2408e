"""Sounds in blocks: cut to a length, gone round without a seam, put together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sora_cli.media.stream import Samples

from .base import Foley, SoundMatch
from .tools import RATE

OVERLAP = 1.0
"""Seconds over which a bed's end is faded into its beginning."""


def make(library: Foley, match: SoundMatch, seconds: float | None, seed: int, level: float = 0.0) -> Samples:
    """A whole sound (samples, 2), `level` dB louder than the library makes it."""
    whole = np.concatenate(list(library.blocks(match, seconds, seed)) or [np.zeros((0, 2), np.float32)])
    return whole if level == 0 else np.float32(10 ** (level / 20)) * whole


def fitted(blocks: Iterator[Samples], seconds: float) -> Iterator[Samples]:
    """Cut blocks to exactly so many seconds, faded over the last 10 ms, or follow them with silence."""
    left, fade = round(seconds * RATE), RATE // 100
    for block in blocks:
        if left <= 0:
            return
        part = block[:left]
        rest = left - np.arange(len(part))
        if rest[-1] <= fade:
            part = part * np.clip((rest - 1) / fade, 0, 1).astype(np.float32)[:, None]
        left -= len(part)
        yield part
    while left > 0:
        yield np.zeros((min(left, RATE), 2), np.float32)
        left -= RATE


def round_and_round(whole: Samples, at: int = 0) -> Iterator[Samples]:
    """Play a bed without end, from sample `at` on; its last second crossfades into its first at equal power."""
    fade = int(min(OVERLAP * RATE, len(whole) // 4))
    turn = np.linspace(0, np.pi / 2, fade, dtype=np.float32)[:, None]
    ring = whole[: len(whole) - fade].copy()
    ring[:fade] = ring[:fade] * np.sin(turn) + whole[-fade:] * np.cos(turn)
    at %= len(ring)
    while True:
        yield ring[at : at + RATE]
        at = at + RATE if at + RATE < len(ring) else 0
