"""Doors, bells, clocks, telephones and keys. Recipes of Farnell; partials of bells after Hibberts."""

from __future__ import annotations

import numpy as np

from .base import Manner
from .tools import (
    BLOCK,
    RATE,
    Array,
    Blocks,
    Drift,
    Grains,
    Rng,
    band,
    burst,
    filtered,
    laid,
    panned,
    resonance,
    ringing,
)


def creak(rng: Rng, manner: Manner) -> Array:
    """Stick and slip: pulses whose rate follows the hinge's speed, through the panel's resonances (Farnell's door)."""
    seconds = rng.uniform(1.3, 2.2) / manner.speed
    at, when = 0.05, []
    while at < seconds - 0.05:
        speed = np.sin(np.pi * at / seconds) ** 2.0
        rate = 8 + 22 * speed * 2.0**manner.force
        when.append((at, 0.55 + 0.45 * speed))
        at += rng.normal(1, 0.12) / rate
    train = np.zeros(int(seconds * RATE) + RATE // 8)
    for moment, level in when:
        train[int(moment * RATE)] += level * rng.uniform(0.8, 1.2)
    size = rng.uniform(0.9, 1.15)
    panel = [(125, 2.0, 0.5), (250, 3.0, 0.8), (395, 3.0, 1.0), (560, 3.0, 1.0), (790, 3.0, 0.8), (1400, 4.0, 0.25)]
    wood = sum(g * filtered(resonance(f * size, 2.0 * q), train) for f, q, g in panel)
    return panned(np.asarray(wood), rng.uniform(-0.3, 0.3))


def slam(rng: Rng, manner: Manner) -> Array:
    """The door's modes (60 to 250 Hz, T60 0.1 to 0.3 s), the air's thud, and the latch's clicks beside it."""
    modes = np.array([72.0, 108.0, 150.0, 205.0]) * rng.uniform(0.9, 1.1, 4) / 1.15**manner.force
    body = ringing(rng, modes, rng.uniform(0.18, 0.4, 4), (1.0, 0.8, 0.6, 0.4))
    thud = burst(rng, 0.2, band(60, 500), 0.12, 0.002) * 0.5
    latch = burst(rng, 0.012, band(1800, 5000), 0.008, 0.0004)
    first = rng.uniform(0.02, 0.03)
    return laid([(0.0, 0.1 * latch), (first, body), (first, thud), (first + rng.uniform(0.03, 0.05), 0.16 * latch)])


def knock(rng: Rng, manner: Manner) -> Array:
    """Three or four raps on a door, 3 to 4.5 a second; each the same panel, hit a little otherwise."""
    modes = np.array([190.0, 290.0, 430.0, 640.0, 900.0]) * rng.uniform(0.9, 1.1, 5)
    gap, at, parts = rng.uniform(0.23, 0.32) / manner.speed, 0.0, []
    for _ in range(rng.integers(3, 5)):
        gains = np.array([1.0, 0.9, 0.7, 0.5, 0.35]) * rng.uniform(0.75, 1.1, 5)
        rap = ringing(rng, modes, (0.11, 0.09, 0.07, 0.05, 0.04), gains)
        parts.append((at, rng.uniform(0.85, 1.0) * rap))
        at += gap * rng.normal(1, 0.03)
    return panned(laid(parts)[:, 0], 0.0)


BELL = (
    (0.5, 1.0, 0.55),
    (1.0, 0.62, 0.7),
    (1.2, 0.5, 0.6),
    (1.5, 0.36, 0.3),
    (2.0, 0.3, 0.8),
    (2.5, 0.17, 0.3),
    (3.0, 0.13, 0.4),
    (4.0, 0.08, 0.4),
    (5.1, 0.05, 0.4),
    (6.3, 0.04, 0.4),
    (7.6, 0.03, 0.4),
    (9.1, 0.025, 0.35),
)
"""A church bell's partials: ratio to the prime, share of the longest tail, its level."""


def bell(rng: Rng, manner: Manner) -> Array:
    """One stroke of a bell; each partial is a doublet 0.2 to 0.4 % apart, which beats."""
    prime = rng.uniform(330, 520) / 1.3**manner.force
    longest = 11.0
    modes, tails, gains = [], [], []
    for ratio, tail, level in BELL:
        apart = rng.uniform(0.001, 0.002)
        for side, share in ((-1, 0.65), (1, 0.35)):
            modes.append(prime * ratio * (1 + side * apart))
            tails.append(longest * tail)
            gains.append(level * share)
    clapper = burst(rng, 0.02, band(1500, 6000), 0.012, 0.0005) * 3.0
    return panned(laid([(0.0, ringing(rng, modes, tails, gains)), (0.0, clapper)])[:, 0], 0.0)


def chime(rng: Rng, manner: Manner) -> Blocks:
    """Six tubes in the wind, of a free bar's ratios 1 : 2.757 : 5.404 : 8.933, struck at random, more in gusts."""
    base = rng.uniform(560, 700)
    tubes = [base * 2 ** (step / 12) for step in (0, 2, 4, 7, 9, 12)]
    grains, wind, first = Grains(), Drift(rng, 0.35), True
    while True:
        gust = np.exp(0.7 * float(wind().mean()))
        hits = max(int(first), rng.poisson(1.6 * gust * 2.0**manner.force))
        first = False
        for at in rng.integers(0, BLOCK, hits):
            tube = int(rng.integers(6))
            modes = tubes[tube] * np.array([1.0, 2.757, 5.404, 8.933])
            ring = ringing(rng, modes, (3.0, 1.8, 0.8, 0.3), np.array([1.0, 0.6, 0.3, 0.1]) * rng.uniform(0.7, 1.2, 4))
            grains.add(int(at), panned(rng.lognormal(-0.6, 0.5) * ring, (tube - 2.5) / 3.5))
        yield grains.take()


def ticking(rng: Rng, manner: Manner) -> Blocks:
    """A pendulum clock: tick and tock are two sounds, each three short resonances and the box (Farnell)."""
    period = (0.5 if rng.uniform() < 0.5 else 1.0) / manner.speed
    shift = rng.uniform(0.9, 1.1)
    grains, at, odd = Grains(), 0.1, False
    while True:
        while at < 1:
            modes = shift * (np.array([3200.0, 1400.0, 6500.0]) * (0.9 if odd else 1.0))
            click = ringing(rng, modes, (0.03, 0.035, 0.015), (1.0, 0.7, 0.5))
            box = ringing(rng, (320 * shift, 560 * shift), (0.06, 0.05), (0.2, 0.15))
            grains.add(int(at * RATE), rng.uniform(0.93, 1.0) * laid([(0.0, click), (0.0, box)]))
            at, odd = at + period * rng.normal(1, 0.003), not odd
        at -= 1
        yield grains.take()


def phone(rng: Rng, manner: Manner) -> Blocks:
    """A hammer between two gongs (521, 732 and 934 Hz), 20 to 25 times a second to and fro, for 2 s of every 6 (US)."""
    shift = rng.uniform(0.97, 1.03)
    gongs = (shift * np.array([521.0, 934.0, 1486.0]), shift * np.array([732.0, 1130.0, 2140.0]))
    gap = 0.5 / (rng.uniform(20, 25) * manner.speed)
    grains, start, at, side = Grains(), 0.05, 0.05, 0
    while True:
        while at < 1:
            ring = ringing(rng, gongs[side], (0.3, 0.25, 0.15), (1.0, 0.7, 0.3))
            grains.add(int(at * RATE), rng.uniform(0.9, 1.0) * (0.6 if side else 1.0) * ring)
            at, side = at + gap * rng.normal(1, 0.02), 1 - side
            if at - start > 2:
                start += 6
                at = start
        start, at = start - 1, at - 1
        yield grains.take()


def keyboard(rng: Rng, manner: Manner) -> Blocks:
    """Keys pressed 5 to 8 times a second in runs; each gives a click, and a weaker one when it comes up again."""
    grains, at = Grains(), 0.1
    while True:
        while at < 1:
            centre = rng.uniform(900, 1700)
            press = burst(rng, 0.03, band(centre * 0.6, centre * 1.5), 0.022, 0.0006)
            parts = [(0.0, press), (rng.uniform(0.06, 0.12), 0.4 * press[::1])]
            grains.add(int(at * RATE), panned(rng.uniform(0.5, 1.0) * laid(parts)[:, 0], rng.uniform(-0.3, 0.3)))
            at += (rng.gamma(6, 0.024) + (rng.uniform(0.3, 0.8) if rng.uniform() < 0.1 else 0)) / manner.speed
        at -= 1
        yield grains.take()


def sparkle(rng: Rng, manner: Manner) -> Blocks:
    """Small bright tones of a pentatonic scale, 2.5 to 9 kHz, a dozen a second (no model in nature)."""
    base = rng.uniform(2800, 3200)
    scale = [base * 2 ** (step / 12) for step in (0, 2, 4, 7, 9, 12, 14, 16, 19, 21)]
    grains = Grains()
    while True:
        for at in rng.integers(0, BLOCK, rng.poisson(13 * manner.speed)):
            pitch = scale[int(rng.integers(10))]
            tone = ringing(rng, (pitch, 2 * pitch), (rng.uniform(0.15, 0.5), 0.08), (1.0, 0.2))
            tone *= np.minimum(np.arange(len(tone)) / 96, 1)
            grains.add(int(at), panned(rng.lognormal(-0.4, 0.5) * tone, rng.uniform(-0.8, 0.8)))
        yield grains.take()
