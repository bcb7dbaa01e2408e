"""The place that a sound is heard in: a light reverberation, by the kind of place.

A tail of noise that decays by 60 dB in the place's time (exponentially, as in a diffuse field) and loses its treble on
the way, after the delay of the first reflection; left and right differ. Times are typical of rooms of the kind (RT60:
furnished room 0.4 s, hall 1.8 s, church 3 s, street canyon 1.1 s). Dry sound passes as it is, in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sora_cli.media.stream import SAMPLE_RATE, Samples


@dataclass(frozen=True, slots=True)
class Space:
    """A kind of place: RT60 in seconds, the first reflection's delay in ms, how far its tail is below the sound, dB.

    `treble` is the frequency in Hz above which the walls swallow most.
    """

    decay: float
    delay: float
    below: float
    treble: float
    words: tuple[str, ...]

    @property
    def tail(self) -> int:
        """Samples that go on sounding after the sound itself."""
        return int((self.decay + self.delay / 1000) * SAMPLE_RATE)


SPACES = {
    "open": Space(0, 0, 0, 0, ()),
    "room": Space(0.4, 6, 17, 6000, (
        "room", "kitchen", "bedroom", "office", "cabin", "car", "inside", "indoors", "house", "shop", "cafe", "hut",
        "attic", "library", "workshop", "classroom", "apartment", "studio", "lighthouse", "bar", "restaurant",
    )),
    "hall": Space(1.8, 22, 18, 4500, (
        "hall", "theatre", "theater", "station", "museum", "gym", "warehouse", "factory", "hangar", "tunnel", "garage",
        "corridor", "palace", "castle", "ballroom", "auditorium",
    )),
    "church": Space(3.0, 30, 18, 3500, ("church", "cathedral", "cave", "temple", "crypt", "chapel", "mosque")),
    "street": Space(1.1, 45, 23, 4000, ("street", "alley", "city", "courtyard", "square", "town", "canyon")),
}  # fmt: skip
"""By name; `open` is a place without walls."""


def space_of(setting: str) -> str:
    """The kind of place that a setting's words name; `open` where they name none."""
    words = set(re.findall(r"[a-z]+", setting.lower()))
    return next((name for name, space in SPACES.items() if words & set(space.words)), "open")


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
