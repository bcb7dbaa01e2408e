"""What every synthesized sound is built of: noise, filters that remember, slow chance, grains, ringing modes.

Importing scipy.signal takes half a second, more than all of `sora check`: what filters imports it, what finds does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
BLOCK = 48_000  # samples of one block of a bed: a second
Array = NDArray[np.float64]
Rng = np.random.Generator
Blocks = Iterator[Array]  # endless, each (BLOCK, 2)


class Filter:
    """A filter that goes on where the last block ended."""

    def __init__(self, sections: NDArray[np.float64], channels: int = 2) -> None:
        self.sections = np.atleast_2d(sections)
        shape = (len(self.sections), 2) if channels == 1 else (len(self.sections), 2, channels)
        self._state = np.zeros(shape)

    def __call__(self, samples: Array) -> Array:
        """The next block, filtered."""
        from scipy import signal

        result, self._state = signal.sosfilt(self.sections, samples, axis=0, zi=self._state)
        return np.asarray(result)


def low(hertz: float, order: int = 2) -> Array:
    """Sections of a low-pass."""
    from scipy import signal

    return np.asarray(signal.butter(order, hertz, "low", fs=RATE, output="sos"))


def high(hertz: float, order: int = 2) -> Array:
    """Sections of a high-pass."""
    from scipy import signal

    return np.asarray(signal.butter(order, hertz, "high", fs=RATE, output="sos"))


def band(lower: float, upper: float, order: int = 1) -> Array:
    """Sections of a band-pass between two frequencies."""
    from scipy import signal

    return np.asarray(signal.butter(order, (lower, upper), "band", fs=RATE, output="sos"))


def resonance(hertz: float, q: float) -> Array:
    """Sections of a two-pole resonator, of gain 1 at its peak."""
    from scipy import signal

    over, under = signal.iirpeak(hertz, q, fs=RATE)
    return np.concatenate((over, under))[None]


def resonator(hertz: float, t60: float) -> Array:
    """Sections of a mode that rings for `t60` seconds and answers an impulse of 1 by an amplitude of 1."""
    radius = 10 ** (-3 / (t60 * RATE))
    turn = 2 * np.pi * hertz / RATE
    return np.array([[0.0, np.sin(turn) * radius, 0.0, 1.0, -2 * radius * np.cos(turn), radius**2]])


def noise(rng: Rng, samples: int = BLOCK, channels: int = 2) -> Array:
    """White noise of variance 1."""
    return np.asarray(rng.standard_normal((samples, channels) if channels > 1 else samples))


def filtered(sections: Array, samples: Array) -> Array:
    """A whole signal, filtered from rest."""
    from scipy import signal

    return np.asarray(signal.sosfilt(sections, samples, axis=0))


class Drift:
    """Slow chance: a smooth curve of mean 0 and variance near 1 through `hertz` random values a second."""

    def __init__(self, rng: Rng, hertz: float) -> None:
        self._rng, self._step = rng, hertz / RATE
        self._knots = rng.standard_normal(4)
        self._at = 0.0

    def __call__(self, samples: int = BLOCK) -> Array:
        """The next samples of it (cubic interpolation, Catmull-Rom)."""
        where = self._at + self._step * np.arange(samples + 1)
        need = int(where[-1]) + 4
        if need > len(self._knots):
            self._knots = np.concatenate((self._knots, self._rng.standard_normal(need - len(self._knots))))
        index, t = where[:-1].astype(int), where[:-1] % 1.0
        a, b, c, d = (self._knots[index + k] for k in range(4))
        passed = int(where[-1])
        self._knots, self._at = self._knots[passed:], where[-1] - passed
        curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        return np.asarray(1.2 * curve)


class Grains:
    """Short sounds laid over blocks; what hangs over the end of a block sounds on in the next."""

    def __init__(self) -> None:
        self._held = np.zeros((BLOCK, 2))

    def add(self, at: int, grain: Array) -> None:
        """Lay a grain (samples,) or (samples, 2) at a sample of the coming block (or after it)."""
        end = at + len(grain)
        if end > len(self._held):
            self._held = np.concatenate((self._held, np.zeros((end - len(self._held) + BLOCK, 2))))
        self._held[at:end] += grain if grain.ndim == 2 else grain[:, None]

    def take(self) -> Array:
        """The coming block; the next one begins."""
        block, rest = self._held[:BLOCK], self._held[BLOCK:]
        self._held = rest if len(rest) >= BLOCK else np.concatenate((rest, np.zeros((BLOCK - len(rest), 2))))
        return block


def arrivals(rng: Rng, rate: float) -> NDArray[np.int64]:
    """Samples of a block at which events of a Poisson process come, so many a second."""
    return np.sort(rng.integers(0, BLOCK, rng.poisson(rate * BLOCK / RATE)))


def impulses(rng: Rng, rate: float, spread: float) -> Array:
    """A block (BLOCK, 2) of single samples at random moments, places and levels (lognormal of that spread)."""
    block = np.zeros((BLOCK, 2))
    at = arrivals(rng, rate)
    level = rng.lognormal(0.0, spread, len(at)) * rng.choice((-1.0, 1.0), len(at))
    where = rng.uniform(0, np.pi / 2, len(at))
    np.add.at(block[:, 0], at, level * np.cos(where))
    np.add.at(block[:, 1], at, level * np.sin(where))
    return block


def mixed(parts: Iterable[Array]) -> Array:
    """The sum of signals of one length."""
    return np.asarray(sum(parts))


def panned(mono: Array, x: float) -> Array:
    """A mono signal at a place from -1 (left) to 1 (right), at equal power."""
    turn = (np.clip(x, -1, 1) + 1) * np.pi / 4
    return np.asarray(mono[:, None] * np.array([np.cos(turn), np.sin(turn)]))


def clock(seconds: float) -> Array:
    """Times of the samples of so many seconds."""
    return np.arange(int(seconds * RATE)) / RATE


def ringing(
    rng: Rng, hertz: Sequence[float] | Array, t60: Sequence[float] | Array, gain: Sequence[float] | Array
) -> Array:
    """Modes struck at once (samples,), until all are 60 dB down; they begin together, within 0.4 ms."""
    t = clock(float(np.max(t60)))
    total = np.zeros(len(t))
    for frequency, tail, level in zip(hertz, t60, gain, strict=True):
        here = t[: int(tail * RATE)]
        total[: len(here)] += level * np.cos(2 * np.pi * frequency * here + rng.uniform(-0.25, 0.25)) * fall(here, tail)
    return np.asarray(total * np.minimum(t / 0.0004, 1))


def fall(t: Array, t60: float) -> Array:
    """A decay by 60 dB in `t60` seconds."""
    return np.asarray(np.exp(-6.908 * t / t60))


def hump(t: Array, rise: float, t60: float) -> Array:
    """From 0 to 1 in `rise` seconds, then a decay by 60 dB in `t60`; 0 before its time."""
    up = np.sin(np.clip(t / rise, 0, 1) * np.pi / 2)
    return np.asarray(up * fall(np.maximum(t - rise, 0), t60) * (t >= 0))


def burst(rng: Rng, seconds: float, sections: Array, t60: float, rise: float = 0.0003) -> Array:
    """Filtered noise that rises and decays, of RMS near 1 at its top (samples,)."""
    t = clock(seconds)
    lead = 2400  # the filter has settled before the burst begins
    coloured = filtered(sections, noise(rng, len(t) + lead, 1))[lead:]
    return np.asarray(coloured / (coloured.std() + 1e-9) * hump(t, rise, t60))


def laid(parts: Sequence[tuple[float, Array]], tail: float = 0.0) -> Array:
    """One event out of parts at their seconds, each (samples,) or (samples, 2); at most silence is added."""
    end = max(int(at * RATE) + len(part) for at, part in parts) + int(tail * RATE)
    total = np.zeros((end, 2))
    for at, part in parts:
        first = int(at * RATE)
        total[first : first + len(part)] += part if part.ndim == 2 else part[:, None]
    return total


def hiss_like(rng: Rng, path: Array, share: float) -> Array:
    """Narrow noise (samples,) whose centre follows `path` in Hz, about `share` of it wide: a moving band-pass."""
    width = float(path.mean()) * share
    slow = low(max(width / 2, 5.0), 1)
    twin = filtered(slow, noise(rng, len(path)))
    twin /= twin.std() + 1e-12
    turn = 2 * np.pi * np.cumsum(path) / RATE
    return np.asarray(twin[:, 0] * np.cos(turn) - twin[:, 1] * np.sin(turn))


def tailed(rng: Rng, dry: Array, t60: float, level: float, bright: float = 3000.0) -> Array:
    """An event (samples, 2) with a diffuse tail: noise that decays, low-passed, at `level` (1 is as strong)."""
    from scipy import signal

    t = clock(t60)
    echo = filtered(low(bright, 1), noise(rng, len(t))) * fall(t, t60)[:, None] * (t > 0.012)[:, None]
    echo /= np.sqrt((echo**2).sum(axis=0)) + 1e-12
    wet = signal.fftconvolve(dry, echo, axes=0)
    wet[: len(dry)] += dry / max(level, 1e-9)
    return np.asarray(wet * level)
