"""The level of speech: every line, spoken or recorded, as loud as every other while somebody talks in it.

The active level, in the manner of ITU-T P.56: the power of those 20 ms blocks that are within 25 dB of the loudest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sora_cli.media.read import sound_blocks
from sora_cli.media.stream import SAMPLE_RATE, Samples

SPEECH = -20.0
"""The loudness that lines are brought to before the film's level is set, LUFS; its voices lie within 2 LU of it."""
_ACTIVE = SPEECH - 3.0
"""As the active level of one of two like channels, dB under full scale."""
_BLOCK = SAMPLE_RATE // 50
_LEAST = -70.0


def active_level(blocks: Iterable[Samples]) -> float:
    """The active level of a line, dB under full scale; -70 for silence."""
    powers: list[float] = []
    rest = np.zeros(0, np.float32)
    for block in blocks:
        mono = np.concatenate((rest, block.mean(axis=1)))
        whole = len(mono) // _BLOCK * _BLOCK
        powers += (mono[:whole].reshape(-1, _BLOCK).astype(np.float64) ** 2).mean(axis=1).tolist()
        rest = mono[whole:]
    found = np.array(powers or [0.0])
    if found.max() < 10 ** (_LEAST / 10):
        return _LEAST
    return 10 * math.log10(found[found > found.max() * 10**-2.5].mean())


def speech_gain(path: Path) -> float:
    """The factor that brings the line in a file to the level of speech; 1 for silence."""
    level = active_level(sound_blocks(path))
    return 1.0 if level <= _LEAST else float(10 ** ((_ACTIVE - level) / 20))
