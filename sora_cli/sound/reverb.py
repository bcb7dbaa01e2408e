"""A light reverberation: sound as it is heard in its place.

A tail of noise that decays by 60 dB in the place's time (exponentially, as in a diffuse field) and loses its treble on
the way, after the delay of the first reflection; left and right differ. Dry sound passes as it is, in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sora_cli.media.stream import SAMPLE_RATE, Samples
from sora_cli.sound.space import SPACES


def heard_in(source: Callable[[], Iterator[Samples]], name: str) -> Iterator[Samples]:
    """Stereo blocks as they are heard in a place: `SPACES[name].tail` samples longer."""
    space = SPACES[name]
    if not space.tail:
        yield from source()
        return
    tail = _response(name)
    waiting = np.zeros((len(tail), 2), np.float32)
    for block in source():
        wet = _convolved(block, tail)
        wet[: len(waiting)] += waiting
        yield block + wet[: len(block)]
        waiting = wet[len(block) :]
    yield waiting


def _convolved(block: Samples, tail: Samples) -> Samples:
    """A block's middle through the tail: `(len(block) + len(tail), 2)`."""
    long = len(block) + len(tail)
    size = 1 << (long - 1).bit_length()
    middle = np.fft.rfft(block.mean(axis=1), size)
    wet = np.fft.irfft(middle[:, np.newaxis] * np.fft.rfft(tail, size, axis=0), size, axis=0)
    return wet[:long].astype(np.float32)


@cache
def _response(name: str) -> NDArray[np.float32]:
    """The place's tail `(n, 2)`: its energy is `below` dB under the sound's."""
    space = SPACES[name]
    after, length = int(space.delay * SAMPLE_RATE / 1000), int(space.decay * SAMPLE_RATE)
    noise = np.random.default_rng(1).standard_normal((length, 2))
    noise *= 10 ** (-3 * np.arange(length) / length)[:, np.newaxis]
    spectrum = np.fft.rfft(noise, axis=0)
    hertz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    spectrum *= (1 / np.sqrt(1 + (hertz / space.treble) ** 2) * (hertz > 120))[:, np.newaxis]
    tail = np.fft.irfft(spectrum, length, axis=0)
    tail *= 10 ** (-space.below / 20) / np.sqrt((tail**2).sum(axis=0))
    tail[:48] *= np.linspace(0, 1, 48)[:, np.newaxis]
    tail[-480:] *= np.linspace(1, 0, 480)[:, np.newaxis]
    return np.concatenate((np.zeros((after, 2)), tail)).astype(np.float32)
