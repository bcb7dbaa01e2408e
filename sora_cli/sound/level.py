"""The level of speech: every line, spoken or recorded, as loud as every other while somebody talks in it.

The active level, in the manner of ITU-T P.56: the power of those 20 ms blocks that are within 25 dB of the loudest,
without what does not move at all: cheap microphones put every sample a little off zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sora_cli.media.read import sound_blocks
from sora_cli.media.stream import SAMPLE_RATE, Samples

SPEECH = -20.0
"""The loudness that lines are brought to before the film's level is set, LUFS; its voices lie within 2 LU of it."""
_ACTIVE = SPEECH - 3.0
"""As the active level of two channels in the mean, dB under full scale."""
_BLOCK = SAMPLE_RATE // 50
_LEAST = -70.0
_OFF = 0.001
"""How far from zero a recording may lie for nobody to hear it: a step of -60 dB where it begins."""
_FEW = 5
"""Blocks, of which fewer do not tell where their middle lies."""
_SURE = 6.0
"""Spreads of the blocks' means, over the root of their count, by which a middle off zero is no accident."""


class Spoken(NamedTuple):
    """The active level of a line, dB under full scale (-70 for silence), and where the middle of its samples lies."""

    level: float
    middle: tuple[float, float]


def active_level(blocks: Iterable[Samples]) -> float:
    """The active level of a line, dB under full scale; -70 for silence."""
    return spoken(blocks).level


def spoken(blocks: Iterable[Samples]) -> Spoken:
    """The active level of a line, whose two channels count alike, and the middle of its samples."""
    means, squares = [np.zeros((0, 2))], [np.zeros((0, 2))]
    rest = np.zeros((0, 2), np.float32)
    for block in blocks:
        held = np.concatenate((rest, block))
        whole = len(held) // _BLOCK * _BLOCK
        parts = held[:whole].reshape(-1, _BLOCK, 2).astype(np.float64)
        means.append(parts.mean(axis=1))
        squares.append((parts**2).mean(axis=1))
        rest = held[whole:]
    mean, square = np.concatenate(means), np.concatenate(squares)
    middle = _middle_of(mean)
    power = (square - 2 * middle * mean + middle**2).mean(axis=1)
    return Spoken(_level(power), (float(middle[0]), float(middle[1])))


def _middle_of(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the middle of samples lies, by the means of their blocks; 0 where these do not show it.

    Of a thump that is over in some blocks, and of rumble, the waves themselves lie off zero.
    """
    if len(means) < _FEW:
        return np.zeros(2)
    middle = np.median(means, axis=0)  # part of it may be nothing at all
    spread = np.median(np.abs(means - middle), axis=0)
    middle[np.abs(middle) < np.maximum(_OFF, _SURE * spread / math.sqrt(len(means)))] = 0
    return middle


def _level(powers: NDArray[np.float64]) -> float:
    found = powers if len(powers) else np.zeros(1)
    if found.max() < 10 ** (_LEAST / 10):
        return _LEAST
    return 10 * math.log10(found[found > found.max() * 10**-2.5].mean())


def about_zero(path: Path) -> Iterator[Samples]:
    """The sound of a file about zero: what lies off it all through would click where it begins, and take room.

    Raises:
        MediaError: it cannot be read, or has no sound.
    """
    now = path.stat() if path.exists() else None
    off = np.array(_middle(path, now and (now.st_ino, now.st_size, now.st_mtime_ns)), np.float32)
    blocks = sound_blocks(path)
    return (block - off for block in blocks) if off.any() else blocks


@lru_cache(64)
def _middle(path: Path, _now: tuple[int, ...] | None) -> tuple[float, float]:
    """Where the middle of a file's samples lies, looked for once: a film's mix reads its sounds several times over."""
    return spoken(sound_blocks(path)).middle


def speech_of(path: Path) -> tuple[float, Callable[[], Iterator[Samples]]]:
    """The factor that brings the line in a file to the level of speech (1 for silence), and its sound, about zero."""
    found = spoken(sound_blocks(path))
    off = np.array(found.middle, np.float32)
    gain = 1.0 if found.level <= _LEAST else float(10 ** ((_ACTIVE - found.level) / 20))
    return gain, lambda: (block - off for block in sound_blocks(path))
