"""Fire, birds, woods and insects. Fire after Farnell; crickets by Dolbear's law; birds as gliding tones."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

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
    fall,
    high,
    laid,
    noise,
    panned,
    tailed,
)
from .weather import wind_in_trees


def fire(rng: Rng, manner: Manner) -> Blocks:
    """Lapping, hiss and crackles (Farnell's mix 0.6, 0.3, 0.1).

    Lapping is noise of 35 to 140 Hz that flickers at about 1 Hz; crackles are Poisson bursts of 2 to 20 ms whose
    levels have a heavy tail.
    """
    lap, hiss, flicker, breath = Filter(band(35, 140, 2)), Filter(high(1500, 1)), Drift(rng, 2.2), Drift(rng, 1.0)
    grains = Grains()
    while True:
        for at in arrivals(rng, 11 * 2.0**manner.force):
            centre, tail = rng.uniform(700, 5000), rng.uniform(0.002, 0.02)
            crack = burst(rng, tail * 1.2, band(centre * 0.55, min(centre * 3, 15_000)), tail, 0.0002)
            grains.add(int(at), panned(crack * min(rng.pareto(1.6) + 0.2, 12), rng.uniform(-0.5, 0.5)))
        flame = lap(noise(rng)) * (1 + 0.4 * flicker())[:, None]
        yield 0.1 * grains.take() + 0.6 * flame + 0.012 * hiss(noise(rng)) * (np.abs(breath()) ** 2)[:, None]


# ------------------------------------------------------------------------------------------------------------ birds


class _Bird:
    """One bird: a few syllables that are its own, sung in short phrases from its place."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._pitch = rng.uniform(2900, 5200)
        self._syllables = [self._syllable() for _ in range(rng.integers(2, 5))]
        self.place, self.level = rng.uniform(-0.9, 0.9), rng.uniform(0.15, 1.0)

    def _syllable(self) -> tuple[float, float, float, float, float]:
        rng = self._rng
        start, end = self._pitch * rng.uniform(0.74, 1.36, 2)
        return rng.uniform(0.04, 0.17), start, end, rng.uniform(0, 0.06), rng.uniform(20, 45)

    def _sung(self, seconds: float, start: float, end: float, *trill: float) -> Array:
        t = clock(seconds)
        glide = start + (end - start) * t / seconds
        path = glide * (1 + trill[0] * np.sin(2 * np.pi * trill[1] * t))
        shape = np.minimum(t / 0.01, 1) * np.cos(np.pi / 2 * t / seconds) ** 0.7
        tone = np.sin(2 * np.pi * np.cumsum(path) / RATE)
        return np.asarray(shape * (tone + 0.08 * np.sin(4 * np.pi * np.cumsum(path) / RATE)))

    def song(self) -> list[tuple[float, Array]]:
        """The syllables of one phrase, at their seconds."""
        at, parts = 0.0, []
        for _ in range(self._rng.integers(3, 9)):
            one = self._syllables[self._rng.integers(len(self._syllables))]
            drift = self._rng.uniform(0.86, 1.16)
            parts.append((at, self._sung(one[0], one[1] * drift, one[2] * drift, one[3], one[4])))
            at += one[0] + self._rng.uniform(0.03, 0.12)
        return parts


def birds(rng: Rng, manner: Manner) -> Blocks:
    """A few birds nearby, each with its own phrases: no named species, and none is claimed."""
    flock = [_Bird(rng) for _ in range(3)]
    yield from _sung_by(rng, flock, [rng.uniform(0, 2.5) for _ in flock], pause=4.0 / manner.speed, tail=0.0)


def _sung_by(rng: Rng, flock: list[_Bird], begin: list[float], pause: float, tail: float) -> Blocks:
    """What a flock sings; `tail` seconds of the wood's echo."""
    grains, coming = Grains(), list(begin)
    while True:
        for k, bird in enumerate(flock):
            while coming[k] < BLOCK / RATE:
                song = laid([(at, sound * rng.uniform(0.4, 1)) for at, sound in bird.song()])[:, 0]
                part = panned(song * bird.level, bird.place)
                grains.add(int(coming[k] * RATE), tailed(rng, part, tail, 0.5) if tail else part)
                coming[k] += len(song) / RATE + 1.5 + rng.exponential(pause)
            coming[k] -= BLOCK / RATE
        yield grains.take()


def forest(rng: Rng, manner: Manner) -> Blocks:
    """Wind in the trees, and birds at some distance with the wood's own echo."""
    flock = [_Bird(rng) for _ in range(5)]
    song = _sung_by(rng, flock, [rng.uniform(0, 5) for _ in flock], pause=6.4, tail=0.9)
    for leaves, sung in zip(wind_in_trees(rng, replace(manner, force=-1.0)), song, strict=False):
        yield 0.14 * leaves + 0.22 * sung


# ---------------------------------------------------------------------------------------------------------- insects


def crickets(rng: Rng, manner: Manner) -> Blocks:
    """Chirps of 3 to 4 pulses within an eighth of a second, on 4.4 to 4.9 kHz.

    Their rate is that of a warm night: 40 + 4 (degrees F - 50) a minute (Dolbear).
    """
    grains, base = Grains(), rng.uniform(4550, 4800)
    singers = [
        [base * rng.uniform(0.97, 1.03), rng.uniform(2.0, 2.7) * manner.speed, level, rng.uniform(0, 0.4)]
        for level in (1.0, 0.45, 0.3, 0.16)
    ]
    while True:
        for singer in singers:
            pitch, rate, level, at = singer
            place = float(np.sin(pitch * 7))
            while at < 1:
                chirp = level * rng.uniform(0.85, 1.0) * _chirp(rng, pitch)
                grains.add(int(at * RATE), panned(chirp, 0.8 * place))
                at += rng.normal(1, 0.03) / rate
            singer[3] = at - 1
        yield grains.take()


def _chirp(rng: Rng, pitch: float) -> Array:
    """Three or four pulses, each a little louder than the one before."""
    t = clock(0.14)
    total, pulse = np.zeros(len(t)), 0.034
    for k in range(rng.integers(3, 5)):
        inside = np.clip((t - k * pulse) / 0.022, 0, 1)
        total += (0.6 + 0.13 * k) * np.sin(np.pi * inside) ** 1.5
    return np.asarray(total * np.sin(2 * np.pi * pitch * t + rng.uniform(0, 6)))


def cicadas(rng: Rng, manner: Manner) -> Blocks:
    """Clicks 90 to 160 times a second through a body that rings at 4.3 to 5.6 kHz, in swells of about a second."""
    centre = rng.uniform(4400, 5400)
    body = [Filter(band(centre * 0.93, centre * 1.07, 1)), Filter(band(centre * 0.9, centre * 1.1, 1))]
    rate, phase, swell = rng.uniform(90, 150) * manner.speed, 0.0, Drift(rng, 1.3)
    wander = Drift(rng, 3.0)
    while True:
        turn = phase + np.cumsum(rate * (1 + 0.006 * wander())) / RATE
        phase = float(turn[-1] % 1)
        clicks = np.exp(-5 * (turn % 1))[:, None]
        yield body[1](body[0](noise(rng) * clicks)) * (1 + 0.2 * swell())[:, None]


def heartbeat(rng: Rng, manner: Manner) -> Blocks:
    """Two damped thumps, 0.3 s apart: the first of 36 to 42 Hz, the second of 52 Hz and weaker.

    They have harmonics, since small speakers lose the lowest.
    """
    grains, at = Grains(), 0.1
    while True:
        while at < 1:
            for delay, pitch, tail, level in ((0.0, rng.uniform(36, 42), 0.3, 1.0), (0.3, 52.0, 0.22, 0.6)):
                t = clock(tail)
                tone = sum(g * np.sin(2 * np.pi * k * pitch * t) for k, g in ((1, 1.0), (2, 0.5), (3, 0.22)))
                thump = level * rng.uniform(0.92, 1.0) * np.minimum(t / 0.012, 1) * fall(t, tail) * tone
                grains.add(int((at + delay / manner.speed) * RATE), thump)
            at += rng.normal(0.86, 0.02) / manner.speed
        at -= 1
        yield grains.take()
