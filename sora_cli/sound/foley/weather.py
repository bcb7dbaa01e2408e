"""Rain, thunder, wind and the sea. Recipes: Farnell, *Designing Sound*, through its ports; the Sound Design Toolkit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .base import Manner
from .tools import (
    BLOCK,
    RATE,
    Array,
    Blocks,
    Drift,
    Filter,
    Grains,
    Rng,
    arrivals,
    band,
    burst,
    clock,
    filtered,
    hump,
    impulses,
    low,
    mixed,
    noise,
    panned,
    resonance,
    resonator,
    tailed,
)

# ------------------------------------------------------------------------------------------------------------- rain


def _struck(sections: Sequence[Array], gains: Sequence[float] | Array) -> Callable[[Sequence[Array]], Array]:
    """A bank of filters; each has its own train of impulses."""
    bank = [Filter(section) for section in sections]
    return lambda trains: mixed(gain * one(train) for gain, one, train in zip(gains, bank, trains, strict=True))


def light_rain(rng: Rng, manner: Manner) -> Blocks:
    """Single drops nearby over a soft hiss, after Farnell: Poisson pulses, each of its own size and place."""
    pool = [
        burst(rng, 0.004, band(centre * 0.6, centre * 1.5), rng.uniform(0.003, 0.006), 0.0002)
        for centre in rng.uniform(2500, 8000, 48)
    ]
    far, grains, rate = Filter(band(2500, 9000)), Grains(), 28.0 * 2.0**manner.force
    while True:
        for share, level, spread in ((1.0, 1.0, 0.25), (8.0, 0.075, 0.6)):
            for at in arrivals(rng, rate * share):
                hit = pool[int(rng.integers(48))] * level * rng.lognormal(0, spread)
                grains.add(int(at), panned(hit, rng.uniform(-0.9, 0.9)))
        yield grains.take() + 0.028 * far(noise(rng))


def heavy_rain(rng: Rng, manner: Manner) -> Blocks:
    """So many drops that they melt together: 3000 a second and more, big ones among them, over rain far off."""
    centres = (900.0, 1800.0, 3200.0, 5200.0, 8000.0)
    near = _struck([resonance(f, 0.8) for f in centres], [1.1, 1.0, 1.0, 1.0, 1.0])
    far = Filter(band(900, 11_000))
    rate = 3200.0 * 1.5**manner.force
    swell = Drift(rng, 0.3)
    while True:
        drops = near([impulses(rng, rate, 0.5) for _ in centres])
        yield (drops + 0.12 * far(noise(rng))) * (1 + 0.05 * swell())[:, None]


def rain_on_leaves(rng: Rng, manner: Manner) -> Blocks:
    """Each drop through one or two modes of a leaf (0.3 to 2.5 kHz, 5 to 15 ms), and big drips from above."""
    modes = np.geomspace(450, 3000, 12) * rng.uniform(0.9, 1.1, 12)
    leaf = _struck([resonator(f, rng.uniform(0.0035, 0.01)) for f in modes], (modes / 1200) ** 0.3)
    far = Filter(band(1200, 4500))
    rate, drips = 2.7 * 2.0**manner.force, 0.3
    while True:
        trains = [impulses(rng, rate, 0.42) + 1.3 * impulses(rng, drips, 0.4) for _ in modes]
        yield leaf(trains) + 0.03 * far(noise(rng))


def rain_on_roof(rng: Rng, manner: Manner) -> Blocks:
    """Heard inside: each drop strikes the modes of the roof, 150 to 1500 Hz, T60 0.1 to 0.4 s; nothing over 2 kHz."""
    modes = np.geomspace(160, 1500, 18) * rng.uniform(0.93, 1.07, 18)
    roof = _struck([resonator(f, rng.uniform(0.2, 0.4) * (300 / f) ** 0.2) for f in modes], (modes / 300) ** -0.3)
    muffled = Filter(low(900, 1))
    rate = 22.0 * 2.0**manner.force
    while True:
        ring = roof([impulses(rng, rate, 0.8) for _ in modes])
        yield ring + 0.1 * muffled(noise(rng))


# ---------------------------------------------------------------------------------------------------------- thunder


def thunder(rng: Rng, manner: Manner) -> Array:
    """The sum of hundreds of N-waves from a zigzag channel (Few 1969, told by Farnell), each delayed by its way.

    Stretches that lie across the line of sight reach one together: a clap; those along it, one after another: rumble.
    """
    away = 900.0 * manner.distance
    steps = 420
    heading = np.cumsum(rng.normal(0, 0.35, (steps, 2)), axis=0) * 0.6 + rng.normal(0, 0.4, (steps, 2))
    step = np.stack([12 * np.sin(heading[:, 0]), 12 * np.sin(heading[:, 1]), np.full(steps, 9.0)], 1)
    path = np.cumsum(step, axis=0) + np.array([away, 0, 0])
    path[steps // 2 :] += np.cumsum(np.full((steps - steps // 2, 3), (9.0, 2.0, -7.0)), axis=0)  # into the cloud
    reach = np.linalg.norm(path, axis=1)
    across = 1 - np.abs((path * step).sum(1) / (reach * np.linalg.norm(step, axis=1)))
    delay = (reach - reach.min()) / 343
    total = np.zeros((int((delay.max() + 6) * RATE), 2))
    for seconds, distance, power in zip(delay, reach, 0.1 + across, strict=True):
        width = int(rng.uniform(0.004, 0.018) * RATE)
        pulse = np.linspace(1, -1, width) * power * rng.lognormal(0, 0.6) * (reach.min() / distance)
        first = int(seconds * RATE)
        total[first : first + width] += panned(pulse, float(rng.uniform(-0.6, 0.6)))
    return _rolled(rng, total[_first_clap(total) :], away)


def _first_clap(claps: Array) -> int:
    """The sample at which thunder breaks: 50 ms of it have a quarter of the power of its loudest 50 ms."""
    size = RATE // 20
    power = (claps[: len(claps) // size * size] ** 2).reshape(-1, 2 * size).mean(axis=1)
    return int((power > 0.25 * power.max()).argmax()) * size


def _rolled(rng: Rng, claps: Array, away: float) -> Array:
    """Thunder with the echoes of land and cloud, dull by the air it came through."""
    dull = filtered(low(float(np.clip(800 * (900 / away) ** 0.5, 90, 2500)), 1), claps)
    wet = tailed(rng, dull, 5.0, 0.6, 160.0)
    t = np.arange(len(wet)) / RATE
    rolls = mixed(
        rng.uniform(0.5, 1.0) * np.exp(-0.5 * ((t - at) / rng.uniform(0.36, 0.5)) ** 2)
        for at in np.cumsum(rng.uniform(1.5, 2.2, 5))
    )
    late = filtered(low(90), wet)
    share = 1 - np.exp(-t / 0.9)[:, None]  # it grows dull
    front = wet * (1 - share) * fall(t)[:, None]
    even = (wet * (1 - share) + late * share) / _slow_level(wet)[:, None]
    after = even * (rolls * np.exp(-t / 2.2))[:, None]
    shaped = front + 0.55 * _loudest(front) / _loudest(after) * after
    end = min(len(shaped), int(13 * RATE))
    return np.asarray(shaped[:end] * np.clip((end - np.arange(end)) / (2 * RATE), 0, 1)[:, None])


def _slow_level(samples: Array) -> Array:
    """The RMS over half a second, at each sample; at least a thousandth of the highest."""
    from scipy import ndimage

    power = ndimage.uniform_filter1d((samples**2).mean(axis=1), RATE // 2)
    return np.asarray(np.sqrt(np.maximum(power, power.max() / 1e6)))


def _loudest(samples: Array) -> float:
    """The RMS of the loudest 0.3 s."""
    size = 3 * RATE // 10
    power = (samples[: len(samples) // size * size] ** 2).reshape(-1, 2 * size).mean(axis=1)
    return float(np.sqrt(power.max()))


def fall(t: Array) -> Array:
    """The fall of the first clap: 12 dB a second."""
    return np.asarray(np.exp(-1.4 * t))


# ------------------------------------------------------------------------------------------------------------- wind


class _Gusts:
    """Wind speed over time, mean 1: it swells every five to seven seconds, with gusts and squalls (Farnell)."""

    def __init__(self, rng: Rng, force: float) -> None:
        self._wander, self._gust, self._squall = Drift(rng, 0.3), Drift(rng, 0.45), Drift(rng, 2.5)
        self._phase, self._period, self._force = rng.uniform(0, 2 * np.pi), rng.uniform(5, 7), 1.3**force

    def __call__(self) -> Array:
        turn = self._phase + 2 * np.pi / self._period * np.cumsum(1 + 0.3 * np.tanh(self._wander())) / RATE
        self._phase = float(turn[-1])
        speed = 1 + 0.3 * np.sin(turn) + 0.1 * self._gust() + 0.04 * self._squall()
        return np.asarray(np.clip(speed, 0.25, 2.2) * self._force)


def wind(rng: Rng, manner: Manner) -> Blocks:
    """White noise whose level goes with the speed (Sound Design Toolkit), brighter in gusts.

    A whistle (Farnell: Q 60, 600 to 1000 Hz) follows the speed.
    """
    bands = [Filter(band(110, 380)), Filter(band(320, 800)), Filter(band(700, 1500)), Filter(band(1400, 3000))]
    gains, powers = (1.0, 0.75, 0.28, 0.07), (1.3, 2.0, 2.8, 3.6)
    speed, narrow, turn = _Gusts(rng, manner.force), Filter(low(7.0, 1)), 0.0
    pitch, dull = rng.uniform(600, 900), Filter(low(2600))
    while True:
        v = speed()
        body = mixed(g * one(noise(rng)) * (v**p)[:, None] for g, one, p in zip(gains, bands, powers, strict=True))
        phase = turn + 2 * np.pi * np.cumsum(pitch * v**0.7) / RATE
        turn = float(phase[-1] % (2 * np.pi))
        twin = narrow(noise(rng)) * 45
        whistle = (twin[:, 0] * np.cos(phase) - twin[:, 1] * np.sin(phase)) * np.clip(v - 1, 0, None) ** 2
        yield dull(body + 0.05 * whistle[:, None])


def wind_in_trees(rng: Rng, manner: Manner) -> Blocks:
    """Leaves in gusts: noise from 0.6 to 8 kHz that the gusts open, with the flutter of leaves in it."""
    bands = [Filter(band(900, 1900)), Filter(band(1700, 3800)), Filter(band(3500, 8000))]
    gains, powers = (0.7, 0.45, 0.16), (1.6, 2.4, 3.4)
    speed, leaf = _Gusts(rng, manner.force), Drift(rng, 11)
    while True:
        v = speed()
        flutter = 1 + 0.12 * leaf()
        yield mixed(
            g * one(noise(rng)) * (v**p * flutter)[:, None] for g, one, p in zip(gains, bands, powers, strict=True)
        )


# -------------------------------------------------------------------------------------------------------------- sea


class _Waves:
    """Waves that come every so many seconds, each of its own size and place."""

    def __init__(self, rng: Rng, period: float) -> None:
        self._rng, self._period = rng, period
        self._next, self._now = -rng.uniform(0, 1) * period, 0.0
        self._coming: list[tuple[float, float, float]] = []

    def __call__(self) -> list[tuple[Array, float, float]]:
        """Of each wave heard in this block: seconds since it began, its size and its place."""
        while self._next < self._now + BLOCK / RATE:
            self._coming.append((self._next, self._rng.uniform(0.75, 1.1), self._rng.uniform(-0.5, 0.5)))
            self._next += self._period * self._rng.uniform(0.82, 1.18)
        t = self._now + clock(BLOCK / RATE)
        self._now += BLOCK / RATE
        self._coming = [wave for wave in self._coming if self._now - wave[0] < 16]
        return [(t - began, size, x) for began, size, x in self._coming]


def surf(rng: Rng, manner: Manner) -> Blocks:
    """A wave every 8 to 11 s, over the floor of the sea far out (noise engines, after a project of MCT Oslo 2020).

    Each opens from 0.4 to 4 kHz in 2 to 4 s, its wash falls in 3 to 6 s, and its backwash hisses.
    """
    roar, wash, back, floor = (Filter(band(*edge)) for edge in ((90, 420), (400, 2600), (2200, 7000), (80, 900)))
    waves, far = _Waves(rng, rng.uniform(8.0, 10.5) / manner.speed), Drift(rng, 0.2)
    while True:
        envelopes = np.zeros((3, BLOCK, 2))
        for age, size, x in waves():
            shape = (hump(age, 2.2, 6.0), hump(age - 0.9, 1.9, 7.5), hump(age - 2.0, 2.2, 9.0))
            for k, gain in enumerate((1.5, 0.9, 0.2)):
                envelopes[k] += panned(gain * size * shape[k], x)
        parts = [one(noise(rng)) * envelopes[k] for k, one in enumerate((roar, wash, back))]
        yield mixed(parts) + 0.2 * floor(noise(rng)) * (1 + 0.15 * far())[:, None]
