"""Beds of places, and machines: a city, a room, an audience, a car that passes, an engine, a helicopter."""

from __future__ import annotations

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
    band,
    burst,
    clock,
    filtered,
    low,
    mixed,
    noise,
    panned,
    resonance,
)


def city(rng: Rng, manner: Manner) -> Blocks:
    """A town far off: noise of -6 dB an octave under 500 Hz that comes and goes, and cars that pass within it."""
    deep, mid, swell, other = Filter(low(110, 1)), Filter(band(250, 900)), Drift(rng, 0.35), Drift(rng, 0.3)
    cut = Filter(np.asarray(band(45, 2500)))
    while True:
        hum = deep(noise(rng)) * np.exp(0.5 * np.tanh(swell()))[:, None]
        cars = mid(noise(rng)) * (0.05 * np.exp(0.6 * other()))[:, None]
        yield cut(hum + 2.0**manner.force * cars)


NC_25 = ((63.0, 54), (125.0, 44), (250.0, 37), (500.0, 31), (1000.0, 27), (2000.0, 24), (4000.0, 22), (8000.0, 21))
"""dB in each octave of a quiet room by the noise criterion 25."""


def room_tone(rng: Rng, manner: Manner) -> Blocks:
    """A quiet room: noise by the criterion NC-25 (54 dB at 63 Hz to 21 dB at 8 kHz), and a trace of mains hum."""
    octaves = [(Filter(band(f / 2**0.5, f * 2**0.5)), 10 ** ((level - 54) / 20)) for f, level in NC_25]
    scale = [gain / (f / 63.0) ** 0.5 for (f, _), (_, gain) in zip(NC_25, octaves, strict=True)]
    start, hum = 0, 0.004 * 1.5**manner.force
    while True:
        t = (start + np.arange(BLOCK)) / RATE
        start += BLOCK
        mains = np.sin(2 * np.pi * 50 * t) + 0.7 * np.sin(2 * np.pi * 100 * t)
        air = mixed(gain * one(noise(rng)) for gain, (one, _) in zip(scale, octaves, strict=True))
        yield air + hum * mains[:, None]


def applause(rng: Rng, manner: Manner) -> Blocks:
    """Nine people, each 2.6 to 4.6 claps a second.

    A clap is a noise pulse through a resonance of its own (Peltola 2007), with the hall's first echo.
    """
    crowd = int(9 * 2.0**manner.force)
    people = [
        (rng.uniform(2.6, 4.6), rng.uniform(1100, 2600), rng.uniform(-0.9, 0.9), rng.lognormal(-0.4, 0.15))
        for _ in range(crowd)
    ]
    coming = [rng.uniform(0, 0.4) for _ in people]
    claps = [[_clap(rng, centre) for _ in range(8)] for _, centre, _, _ in people]
    grains, hall = Grains(), Filter(band(900, 3200))
    while True:
        for k, (rate, _, place, level) in enumerate(people):
            while coming[k] < 1:
                hand = claps[k][int(rng.integers(8))] * level * rng.uniform(0.8, 1.0)
                grains.add(int(coming[k] * RATE), panned(hand, place))
                coming[k] += max(rng.normal(1, 0.06), 0.5) / rate
            coming[k] -= 1
        yield grains.take() + 0.05 * hall(noise(rng))


def _clap(rng: Rng, centre: float) -> Array:
    """One pair of hands: 8 to 15 ms of noise round `centre`."""
    ring = burst(rng, 0.05, resonance(centre * rng.uniform(0.93, 1.07), 1.6), rng.uniform(0.02, 0.035), 0.0008)
    echo = 0.12 * ring
    total = np.zeros(len(ring) + int(0.03 * RATE))
    total[: len(ring)] += ring
    total[-len(ring) :] += echo
    return total


def car_pass(rng: Rng, manner: Manner) -> Array:
    """A car that passes at some 50 km/h, 10 m away.

    Tyre noise round 700 to 1300 Hz (Sandberg) and the engine's harmonics, heard when they arrive: so their pitch
    falls by (c + v) / (c - v), and their level goes with the distance.
    """
    speed, away = 14.0 * manner.speed, 10.0
    half = 4.5
    t = clock(2 * half) - half
    place = speed * t * rng.choice((-1.0, 1.0))
    reach = np.hypot(away, speed * t)
    heard = (t - (reach - away) / 343 + half + 0.5) * RATE  # the sample of the source that is heard now
    source = filtered(band(450, 1500), noise(rng, int((2 * half + 1) * RATE), 1))
    source += 0.5 * filtered(band(60, 250), noise(rng, len(source), 1))
    own = np.arange(len(source)) / RATE
    firing = rng.uniform(62, 80)
    engine = sum(np.sin(2 * np.pi * k * firing * own + rng.uniform(0, 6)) / k for k in (0.5, 1, 1.5, 2, 3, 4))
    rear = filtered(low(300, 1), source) * 1.5 * (1 + np.tanh(own - half))  # the exhaust looks back
    passing = np.interp(heard, np.arange(len(source)), source + rear + 0.12 * engine)
    level = (away / reach) ** 1.15 * np.clip((half - np.abs(t)) / 1.5, 0, 1)
    x = (np.clip(place / 25, -1, 1) + 1) * np.pi / 4
    return np.asarray((passing * level)[:, None] * np.stack((np.cos(x), np.sin(x)), 1))


def engine(rng: Rng, manner: Manner) -> Blocks:
    """Four cylinders at 800 turns a minute: rpm / 60 x cylinders / 2 = 26.7 firings a second.

    No two cylinders are alike (half orders); pulses and their breath go through the resonances of an exhaust.
    """
    firing = rng.uniform(25, 29) * manner.speed
    strength = rng.uniform(0.75, 1.1, 4)
    pipe = [Filter(resonance(f, q)) for f, q in ((68, 3.0), (137, 4.0), (205, 4.0), (275, 4.0), (480, 3.0))]
    gains = (1.0, 0.9, 0.7, 0.5, 0.35)
    at, count = 0.0, 0
    while True:
        train = np.zeros((BLOCK, 1))
        breath = np.zeros(BLOCK)
        while at < BLOCK:
            blow = strength[count % 4] * rng.normal(1, 0.06)
            train[int(at)] += 40 * blow
            end = min(int(at) + 700, BLOCK)
            breath[int(at) : end] = blow * np.exp(-np.arange(end - int(at)) / 260)
            at, count = at + RATE / firing * rng.normal(1, 0.006), count + 1
        at -= BLOCK
        driven = train + 0.8 * noise(rng) * breath[:, None]
        yield mixed(g * one(driven) for g, one in zip(gains, pipe, strict=True))


def helicopter(rng: Rng, manner: Manner) -> Blocks:
    """A rotor: blades x rpm / 60 pulses a second, each a gate on low noise and a slap; the tail rotor hums above."""
    rate = rng.uniform(11, 16) * manner.speed
    wash, slap, tail = Filter(low(260, 1)), Filter(band(180, 900)), Filter(resonance(5.1 * rate * 2, 5.0))
    phase, wander = 0.0, Drift(rng, 0.4)
    while True:
        turn = phase + np.cumsum(rate * (1 + 0.01 * wander())) / RATE
        phase = float(turn[-1] % 1)
        gate = np.exp(-4.5 * (turn % 1)) * np.minimum((turn % 1) * 12, 1)
        roar = wash(noise(rng)) * (0.1 + gate)[:, None]
        edge = slap(noise(rng)) * (gate**2)[:, None]
        yield roar + 0.45 * edge + 0.25 * tail(noise(rng))
