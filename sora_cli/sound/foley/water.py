"""Streams, drops and splashes: all are bubbles, by the formulas that the Sound Design Toolkit states.

A bubble of radius r metres rings at 3/r Hz, decays by 0.13/r + 0.0072 r^-1.5 a second, and rises in pitch.
"""

from __future__ import annotations

import numpy as np

from .base import Manner
from .tools import BLOCK, RATE, Array, Blocks, Drift, Filter, Grains, Rng, band, burst, laid, noise, panned

RISE = 0.1  # how fast a bubble's pitch rises, as a share of its decay


def bubbles(radius: Array, gain: Array) -> Array:
    """Bubbles of so many metres (count,), each (samples,) of the longest's length: (count, samples)."""
    decay = (0.13 / radius + 0.0072 * radius**-1.5)[:, None]
    t = np.arange(int(5.5 / decay.min() * RATE)) / RATE
    turn = 2 * np.pi * (3 / radius)[:, None] * t * (1 + 0.5 * RISE * decay * t)
    soft = np.minimum(t * 6000, 1.0)
    return np.asarray(gain[:, None] * np.exp(-decay * t) * np.sin(turn) * soft)


def _radii(rng: Rng, count: int, largest: float) -> Array:
    """Radii skewed to the small (power 3), none above 12 kHz."""
    return 0.00025 + (largest - 0.00025) * rng.uniform(0, 1, count) ** 3


def stream(rng: Rng, manner: Manner) -> Blocks:
    """A thousand bubbles a second, 0.25 to 4 mm, under slow changes of the flow; a torrent has bigger ones."""
    largest = 0.0032 * 1.4**manner.force
    flow, wash = Drift(rng, 2.0), Filter(band(500, 2200))
    lanes = np.stack([panned(np.ones(1), x)[0] for x in (-0.7, -0.2, 0.2, 0.7)])
    held = np.zeros((len(lanes), 2 * BLOCK))
    while True:
        rate = 900 * 1.6**manner.force
        at = rng.integers(0, BLOCK, rng.poisson(rate))
        level = np.exp(0.1 * flow())
        radius = np.sort(_radii(rng, len(at), largest))
        for part in np.array_split(np.arange(len(at)), 24):  # alike in size, so alike in length
            gain = (radius[part] / 0.002) ** 1.5 * rng.lognormal(0, 0.4, len(part)) * level[at[part]]
            for first, one, lane in zip(
                at[part], bubbles(radius[part], gain), rng.integers(0, 4, len(part)), strict=True
            ):
                held[lane, first : first + len(one)] += one
        yield held[:, :BLOCK].T @ lanes + 0.006 * 1.5**manner.force * wash(noise(rng))
        held = np.concatenate((held[:, BLOCK:], np.zeros((len(lanes), BLOCK))), 1)


def drop(rng: Rng, manner: Manner) -> Array:
    """One drop: the tick of its impact, then a bubble 20 to 40 ms later."""
    radius = rng.uniform(0.0016, 0.0034, 1) * 1.25**manner.force
    ring = bubbles(radius, np.ones(1))[0]
    tick = burst(rng, 0.004, band(2000, 6000), 0.003) * 0.06
    return panned(laid([(0.0, tick), (rng.uniform(0.008, 0.016), ring)])[:, 0], rng.uniform(-0.2, 0.2))


def dripping(rng: Rng, manner: Manner) -> Blocks:
    """A drop every second or so, each a little other than the last."""
    grains, at = Grains(), rng.uniform(0.1, 0.6) * RATE
    while True:
        while at < BLOCK:
            grains.add(int(at), rng.uniform(0.6, 1.0) * drop(rng, manner))
            at += rng.uniform(0.55, 1.1) * RATE / manner.speed
        at -= BLOCK
        yield grains.take()


def splash(rng: Rng, manner: Manner) -> Array:
    """The slap of the impact (10 to 20 ms of noise), spray, and bubbles whose rate dies away within a second."""
    size = 1.35**manner.force
    slap = burst(rng, 0.12, band(250, 3500), 0.05 * size, 0.002) * 1.5
    spray = burst(rng, 0.7 * size, band(1200, 6000), 0.5 * size, 0.012) * 0.24
    parts = [(0.0, slap), (0.004, spray)]
    radius = _radii(rng, int(190 * size), 0.0036 * size)
    for r in radius:
        ring = bubbles(np.array([r]), np.array([(r / 0.002) ** 1.5 * min(2.0, rng.lognormal(-0.3, 0.6))]))[0]
        at = 0.02 - 0.16 * size * np.log(1 - 0.96 * rng.uniform())  # within 0.6 s
        parts.append((at, 0.6 * np.exp(-3.5 * at / size) * panned(ring, rng.uniform(-0.5, 0.5))))
    return laid(parts)
