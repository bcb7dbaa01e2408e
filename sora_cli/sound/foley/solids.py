"""Things that hit, bounce, roll, slide and break: modes that ring by their material.

The loss factor of a material is the same over its modes (Wildes & Richards 1988): T60 = 2.2 / (f loss).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from .base import Manner
from .tools import (
    RATE,
    Array,
    Blocks,
    Drift,
    Filter,
    Rng,
    band,
    burst,
    clock,
    fall,
    filtered,
    hiss_like,
    laid,
    low,
    mixed,
    noise,
    panned,
    resonator,
    ringing,
)


class Material(Struct, frozen=True):
    """What a struck body of this material is like: its lowest strong mode, its modes' ratios, loss and contact."""

    pitch: tuple[float, float]  # Hz
    ratios: tuple[float, ...]
    loss: tuple[float, float]
    contact: float  # seconds: a hard body's is short, and so brighter
    tilt: float  # how much weaker each octave of modes is, in dB
    knock: float  # the noise of the contact beside the modes


MATERIALS: dict[str, Material] = {
    "wood": Material((400, 650), (1.0, 1.58, 2.24, 2.78, 3.6), (0.013, 0.018), 0.0008, 5.0, 0.1),
    "metal": Material(
        (380, 800), (1.0, 1.35, 2.25, 2.76, 3.6, 4.75, 5.4, 7.3, 8.9), (0.0007, 0.0012), 0.0003, 2.0, 4.5
    ),
    "glass": Material((1300, 2200), (1.0, 1.86, 3.25, 4.94), (0.0016, 0.0032), 0.0002, 0.0, 0.15),
    "stone": Material((1900, 2900), (1.0, 1.43, 2.07, 2.9), (0.0075, 0.013), 0.0003, 3.0, 0.25),
    "plastic": Material((500, 1000), (1.0, 1.71, 2.6, 3.4), (0.035, 0.055), 0.0008, 5.0, 0.15),
    "rubber": Material((85, 150), (1.0, 1.9), (0.22, 0.3), 0.006, 9.0, 0.05),
}


def struck(rng: Rng, material: str, force: float = 0.0, size: float = 1.0, *, wet: bool = False) -> Array:
    """One hit on a body (samples,): its modes and the noise of the contact; harder is brighter, wet is shorter."""
    kind = MATERIALS[material]
    pitch = rng.uniform(*kind.pitch) / size
    modes = pitch * np.array(kind.ratios) * rng.uniform(0.97, 1.03, len(kind.ratios))
    loss = rng.uniform(*kind.loss) * (1.6 if wet else 1.0)
    t60 = np.minimum(2.2 / (modes * loss * rng.uniform(0.85, 1.2, len(modes))), 4.0)
    tilt = kind.tilt - 1.5 * force
    gain = 10 ** (-tilt * np.log2(modes / modes[0]) / 20) * rng.uniform(0.5, 1.0, len(modes))
    gain[0] = 1.0
    ring = ringing(rng, modes, t60, gain)
    rise = np.minimum(np.arange(len(ring)) / (kind.contact * 0.5 * RATE), 1.0)
    top = min(2.5 / kind.contact, 14_000)
    tick = burst(rng, kind.contact * 20, band(top / 6, top), kind.contact * 16, kind.contact / 2)
    return laid([(0.0, ring * rise), (0.0, kind.knock * tick)])[:, 0]


def impact(material: str) -> Callable[[Rng, Manner], Array]:
    """The maker of one hit on a material."""

    def make(rng: Rng, manner: Manner) -> Array:
        size = 1.25**manner.force
        return panned(struck(rng, material, manner.force, size, wet=manner.wet), rng.uniform(-0.15, 0.15))

    make.__doc__ = f"One hit on {material}."
    return make


def bounce(rng: Rng, manner: Manner) -> Array:
    """A ball let fall: each gap is 0.78 of the one before, each hit 20 log 0.78 = 2.2 dB weaker (and less bright)."""
    kept = rng.uniform(0.76, 0.81)
    gap, level, at, parts = rng.uniform(0.5, 0.64), 1.0, 0.0, []
    pitch = rng.uniform(95, 170) / 1.2**manner.force
    while gap > 0.06:
        modes = pitch * np.array([1.0, 1.83, 3.1, 5.2]) * rng.uniform(0.985, 1.015, 4)
        body = ringing(rng, modes, (0.13, 0.1, 0.06, 0.04), (1.0, 0.6, 0.35 * level, 0.2 * level))
        slap = burst(rng, 0.014, band(500, 2500), 0.008, 0.0006) * 0.35 * level
        parts.append((at, level * laid([(0.0, body), (0.0, slap)])[:, 0]))
        at, gap, level = at + gap, gap * kept, level * kept
    return panned(laid(parts)[:, 0], rng.uniform(-0.2, 0.2))


def rolling(rng: Rng, manner: Manner) -> Blocks:
    """A ball over boards: the small heights it rolls over drive the boards' modes (FoleyAutomatic).

    Its turning is heard as a slow beat, v / (2 pi r) times a second.
    """
    modes = np.geomspace(140, 1100, 8) * rng.uniform(0.92, 1.08, 8)
    boards = [Filter(resonator(f, 1.2 / f**0.45 / 3)) for f in modes]
    gains = (modes / 140) ** -0.75
    rough, phase = Filter(low(900, 1)), rng.uniform(0, 6)
    turns, wander = rng.uniform(1.3, 2.4) * manner.speed, Drift(rng, 0.5)
    while True:
        turn = phase + 2 * np.pi * np.cumsum(turns * (1 + 0.02 * wander())) / RATE
        phase = float(turn[-1] % (2 * np.pi))
        beat = 0.62 + 0.38 * np.sin(turn) + 0.12 * np.sin(2 * turn + 1)
        ground = rough(noise(rng)) * (np.maximum(beat, 0.08))[:, None]
        yield mixed(g * one(ground) for g, one in zip(gains, boards, strict=True))


def sliding(rng: Rng, manner: Manner) -> Array:
    """Something pushed that comes to rest: noise whose centre and level go with its speed, rough as the ground is."""
    seconds = rng.uniform(1.1, 1.7) / manner.speed
    t = clock(seconds)
    speed = np.minimum(t / 0.1, 1) * (1 - t / seconds) ** 0.8
    centre = 700 + 2600 * speed
    grit = filtered(low(70, 1), noise(rng, len(t), 1))
    grit = 1 + 0.35 * grit / (grit.std() + 1e-9)
    rub = hiss_like(rng, centre, 0.9) * speed**1.2 * np.clip(grit, 0.1, None)
    start = -0.4 if rng.uniform() < 0.5 else 0.4
    x = (start - start * 2 * t / seconds) * np.pi / 4 + np.pi / 4
    return np.stack((rub * np.cos(x), rub * np.sin(x)), 1)


def whoosh(rng: Rng, manner: Manner) -> Array:
    """Something swung: the Aeolian tone of f = 0.2 v / d (Selfridge 2017).

    It is a noise band that rises and falls with the speed, its level with nearly the cube of it.
    """
    seconds = rng.uniform(0.45, 0.75) / manner.speed
    t = clock(seconds)
    speed = np.sin(np.pi * t / seconds) ** 1.3
    centre = 120 + rng.uniform(700, 1100) * manner.speed**0.5 * speed
    air = (hiss_like(rng, centre, 0.45) + 0.3 * hiss_like(rng, 2.1 * centre, 0.5)) * speed**2.6
    side = rng.choice((-1.0, 1.0))
    x = (1 + side * (2 * t / seconds - 1) * 0.7) * np.pi / 4
    return np.stack((air * np.cos(x), air * np.sin(x)), 1)


def glass_break(rng: Rng, manner: Manner) -> Array:
    """First the pane's thud, then the crack (3 to 8 kHz), then shards that ring from 2 to 12 kHz and thin out."""
    thud = burst(rng, 0.12, band(120, 420), 0.09, 0.003) * 0.35
    crack = burst(rng, 0.15, band(3500, 11_000), 0.11, 0.001)
    parts = [(0.0, thud), (0.008, crack)]
    scatter = 0.02 + rng.exponential(0.2, int(rng.uniform(35, 50) * 1.4**manner.force))
    last = 0.3 + np.cumsum(rng.uniform(0.1, 0.16, 6))  # a few that fall last, one by one
    for at in np.concatenate((scatter, last)):
        pitch = float(np.exp(rng.uniform(np.log(2600), np.log(11_000))))
        tail = rng.uniform(0.04, 0.2) * (4000 / pitch) ** 0.5
        shard = ringing(rng, (pitch, pitch * rng.uniform(1.4, 2.1)), (tail, tail / 2), (1.0, 0.5))
        level = min(0.34 * (rng.pareto(2.0) + (1.5 if at in last else 0.3)), 1.0)
        parts.append((at, panned(level * np.exp(-3.4 * at) * shard, rng.uniform(-0.6, 0.6))))
    return laid(parts)


def explosion(rng: Rng, manner: Manner) -> Array:
    """A blast wave e^(-t/T)(1 - t/T), rubble of low noise after it, and a tail of 3 to 4 s that grows duller."""
    t = clock(4.0)
    width = 0.012 * 1.3**manner.force
    blast = np.exp(-t / width) * (1 - t / width)
    body = filtered(low(240, 1), noise(rng, len(t), 1))
    body = body / body.std() * fall(t, 1.5) * np.minimum(t / 0.004, 1)
    crack = filtered(band(300, 2500), noise(rng, len(t), 1)) * fall(t, 0.3)
    tail = filtered(low(80, 1), noise(rng, len(t)))
    tail = tail / tail.std() * (fall(t, 3.2) * np.minimum(t / 0.03, 1))[:, None]
    return np.asarray((2 * blast + 0.42 * body + 0.35 * crack)[:, None] + 0.3 * tail)
