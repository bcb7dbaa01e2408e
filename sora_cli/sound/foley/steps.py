"""Footsteps by ground: two humps of force (heel, toe) drive the ground's grains or boards (Cook's PhISEM; STK)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .base import Manner
from .tools import (
    RATE,
    Array,
    Blocks,
    Grains,
    Rng,
    band,
    burst,
    clock,
    filtered,
    high,
    laid,
    mixed,
    panned,
    resonance,
    ringing,
)
from .water import bubbles

Step = Callable[[Rng, Manner], Array]


def _force(seconds: float) -> Array:
    """How hard a foot presses over a step: the heel, then the toe."""
    t = clock(seconds) / seconds
    return np.asarray(np.exp(-(((t - 0.2) / 0.11) ** 2)) + 0.75 * np.exp(-(((t - 0.62) / 0.15) ** 2)))


def gravel(rng: Rng, manner: Manner) -> Array:
    """Stones that knock: random impulses by the force, each through its own resonance near 6.5 kHz, Q 6.5 (STK)."""
    force = _force(rng.uniform(0.26, 0.34))
    chance = force * (1900 * 1.3**manner.force) / RATE
    hits = (rng.uniform(size=len(force)) < chance) * rng.lognormal(0, 0.5, len(force)) * force
    hits = np.concatenate((hits, np.zeros(RATE // 20)))
    share = rng.integers(0, 4, len(hits))
    return np.asarray(
        mixed(
            filtered(resonance(centre * rng.uniform(0.9, 1.1), q), hits * (share == k))
            for k, (centre, q) in enumerate(((2600, 3.0), (4200, 4.0), (6300, 6.5), (8200, 6.0)))
        )
    )


def snow(rng: Rng, manner: Manner) -> Array:
    """Crunch: dense grains of 800 Hz, Q 1.1 (STK), that begin softly and creak together."""
    force = _force(rng.uniform(0.3, 0.38))
    lead = 2400
    grain = (rng.uniform(size=len(force) + lead) < 0.25) * rng.standard_normal(len(force) + lead)
    crunch = mixed(
        g * filtered(resonance(f * rng.uniform(0.93, 1.07), q), grain)
        for f, q, g in ((800, 1.1, 1.0), (1500, 1.6, 0.35), (2600, 2.0, 0.1))
    )
    return np.asarray(crunch[lead:] * force * 1.3**manner.force)


def wood(rng: Rng, manner: Manner) -> Array:
    """The boards' modes, 80 to 800 Hz, struck by the heel and 60 to 120 ms later by the toe."""
    modes = np.array([105.0, 170.0, 265.0, 410.0, 640.0]) * rng.uniform(0.93, 1.07, 5)
    tails = np.array([0.16, 0.13, 0.1, 0.07, 0.05])
    heel = ringing(rng, modes, tails, np.array([1.0, 0.9, 0.6, 0.4, 0.25]) * rng.uniform(0.7, 1.1, 5))
    toe = ringing(rng, modes * 1.05, 0.7 * tails, np.array([0.4, 0.5, 0.5, 0.4, 0.3]) * rng.uniform(0.7, 1.1, 5))
    scuff = burst(rng, 0.05, band(700, 2500), 0.04, 0.001) * 0.06
    return laid([(0.0, heel), (0.0, scuff), (rng.uniform(0.07, 0.11), 0.6 * toe * 1.2**manner.force)])[:, 0]


def stone(rng: Rng, manner: Manner) -> Array:
    """Hard soles on a pavement: a short bright click of the heel, a softer one of the toe, and a scrape of grit."""
    heel = ringing(rng, rng.uniform(0.95, 1.05, 3) * (1250.0, 2050.0, 3300.0), (0.04, 0.034, 0.027), (1.0, 0.7, 0.4))
    thud = ringing(rng, (150.0, 240.0), (0.06, 0.05), (0.5, 0.4))
    grit = burst(rng, 0.12, high(2500, 1), 0.1, 0.01) * 0.06
    toe = 0.5 * heel * 1.2**manner.force
    return laid([(0.0, heel), (0.0, thud), (0.03, grit), (rng.uniform(0.08, 0.12), toe)])[:, 0]


def walk(step: Step) -> Callable[[Rng, Manner], Blocks]:
    """The maker of a walk over a ground: 1.8 steps a second, their intervals 2 to 4 % apart, no two alike."""

    def make(rng: Rng, manner: Manner) -> Blocks:
        grains, at, side = Grains(), 0.08, 1.0
        period = rng.uniform(0.5, 0.6) / manner.speed
        while True:
            while at < 1:
                foot = step(rng, manner) * rng.uniform(0.8, 1.0)
                foot = np.concatenate((foot, np.zeros(RATE // 4))) + _puddle(rng, len(foot) + RATE // 4, wet=manner.wet)
                grains.add(int(at * RATE), panned(foot, 0.12 * side))
                at, side = at + period * rng.normal(1, 0.025), -side
            at -= 1
            yield grains.take()

    make.__doc__ = step.__doc__
    return make


def _puddle(rng: Rng, samples: int, *, wet: bool) -> Array:
    """What water adds to a step: bubbles of 1 to 3 mm and a little spray, or nothing."""
    total = np.zeros(samples)
    if not wet:
        return total
    for radius in rng.uniform(0.001, 0.003, 14):
        ring = bubbles(np.array([radius]), np.array([0.12 * (radius / 0.002) ** 1.5]))[0]
        first = int(min(0.02 + rng.exponential(0.06), 0.25) * RATE)
        part = ring[: samples - first]
        total[first : first + len(part)] += part
    spray = 0.03 * burst(rng, 0.1, band(2000, 7000), 0.08, 0.01)
    total[: len(spray)] += spray[:samples]
    return total
