"""What a recipe makes, at its level and as far away as the words say."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache
from itertools import islice

import numpy as np

from sora_cli.media.stream import Samples

from .base import Manner
from .recipes import RECIPES, Recipe
from .tools import BLOCK, RATE, Array

KNEE = 0.7  # louder than this is bent, so that nothing clips
ABSORPTION = ((0.0, 0.0), (1000.0, 0.0047), (2000.0, 0.0099), (4000.0, 0.030), (8000.0, 0.105), (24_000.0, 0.6))
"""Hz, and dB a metre that air takes at 20 degrees and 50 % (ISO 9613-1; the last value is an extrapolation)."""


def _chance(sound: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed & 0xFFFF_FFFF, seed >> 32 & 0xFFFF_FFFF, zlib.crc32(sound.encode())])


def _raw(sound: str, manner: Manner, seed: int) -> Iterator[Array]:
    """What the recipe makes, before its level and its distance."""
    recipe, rng = RECIPES[sound], _chance(sound, seed)
    if recipe.bed:
        yield from recipe.bed(rng, manner)
    elif recipe.event:
        whole = recipe.event(rng, manner)
        whole = whole / (np.abs(whole).max() + 1e-12)
        yield from (whole[first : first + BLOCK] for first in range(0, len(whole), BLOCK))


@cache
def _gain(sound: str) -> float:
    """The factor that brings a sound to its level: a bed by the RMS of some seconds of it, an event by its peak."""
    recipe = RECIPES[sound]
    level = float(10 ** (recipe.level / 20))
    if recipe.event:
        return level
    some = np.concatenate(list(islice(_raw(sound, Manner(), 0), 10)))
    return level / float(np.sqrt((some**2).mean()))


def placed(sound: str, manner: Manner, seed: int) -> Iterator[Samples]:
    """The sound at its level and distance, bent where it would clip."""
    recipe = RECIPES[sound]
    factor = _gain(sound) * 10 ** ((manner.loudness - recipe.spread * np.log2(manner.distance)) / 20)
    air = _Air(recipe, manner.distance)
    for block in _raw(sound, manner, seed):
        yield _bent(air(block * factor)).astype(np.float32)


def _bent(block: Array) -> Array:
    over = np.abs(block) - KNEE
    room = 0.95 - KNEE
    return np.where(over > 0, np.sign(block) * (KNEE + room * np.tanh(np.maximum(over, 0) / room)), block)


class _Air:
    """What the air between takes of the high, more with distance; and how wide a sound stands, less with distance."""

    def __init__(self, recipe: Recipe, distance: float) -> None:
        from scipy import signal

        metres = recipe.metres * (distance - 1)
        self._near = metres <= 0
        frequency, loss = np.array(ABSORPTION).T
        grid = np.linspace(0, RATE / 2, 65)
        gain = 10 ** (-np.interp(grid, frequency, loss) * max(metres, 0) / 20)
        self._taps = signal.firwin2(129, grid, gain, fs=RATE)
        self._state = np.zeros((128, 2))
        self._width = min(1.0, distance**-0.25)

    def __call__(self, block: Array) -> Array:
        from scipy import signal

        if self._near:
            return block
        heard, self._state = signal.lfilter(self._taps, 1.0, block, axis=0, zi=self._state)
        middle = heard.mean(axis=1, keepdims=True)
        return np.asarray(middle + self._width * (heard - middle))
