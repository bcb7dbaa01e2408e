"""Holding one shot's colours to another's.

Given pixels of a shot and of its anchor, find the change that a drifting model or another white balance could have
undone: saturation `s`, then for each channel a gain `g` and a gamma `c` on coded values,

    y = g * (luma + s * (x - luma)) ** c

so that the two sets of pixels look alike in Oklab (Ottosson 2020, near enough uniform to add up differences): the
quantiles of their projections on thirteen directions, a sliced Wasserstein distance (Pitie et al. 2007; Bonneel et al.
2015), are brought together by least squares with a robust loss. Seven numbers bend smoothly, so nothing flickers,
bands, or turns inside out, as it does with histograms.

Shots of one scene show other things, and a match must not paint one shot's ball on the other's sky. How alike the best
fit gets the two sets says how much of the difference *can* be drift: the less alike, the stronger the change is drawn
towards none at all, in gamma and saturation before gain. A fit that leaves next to nothing is refined by a small smooth
curve per channel. What was burnt to white cannot be told apart again: it is left out of the fit, and white is moved to
what it mostly was. And the change is capped, so that a night meant to be a night stays one: the tighter, the less alike
the two are, for light that was changed on purpose falls differently too, and seven numbers do not undo it.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from sora_cli.colour.cube import SIZE, Colours

Curve = NDArray[np.float64]
Planes = NDArray[np.float32]
"""Coded values, `(3, n)`: whole planes are quicker to work on and to sort, and 32 bits are as good here as 64."""

SAMPLES = 1024
"""Pixels of each side that are compared."""

_LUMA = np.array([0.2126, 0.7152, 0.0722])
_TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]])
_TO_LMS = np.vstack([_TO_LMS, [0.0883024619, 0.2817188376, 0.6299787005]])
_TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]])
_TO_LAB = np.vstack([_TO_LAB, [0.0259040371, 0.7827717662, -0.8086757660]])

_WEIGHT = np.array([1.0, 2.0, 2.0])
"""Of lightness and the two chroma axes: Oklab's chroma differences count about twice."""
_DIRECTIONS = np.array([way for way in product((-1, 0, 1), repeat=3) if way > (0, 0, 0)], np.float64).T
_DIRECTIONS /= np.linalg.norm(_DIRECTIONS, axis=0)
_QUANTILES = np.linspace(0.02, 0.98, 33)
_LMS = _TO_LMS.astype(np.float32)
_WAYS = (_DIRECTIONS.T * _WEIGHT @ _TO_LAB).astype(np.float32)
"""From the cube roots of LMS to Oklab's weighted projections, `(directions, 3)`."""
_ROBUST = 0.05

_SPREAD = np.array([1.0, 1.0, 1.0, 0.2, 0.2, 0.2, 0.25])
"""How far log gains, log gammas and log saturation are expected to stray."""
_BOUND = np.array([0.45, 0.45, 0.45, 0.45, 0.45, 0.45, 0.55])
_DOUBT = 0.6
"""How strongly a poor fit is drawn towards no change."""
_ALIKE = 0.004
"""The difference left by a fit of the same material, in Oklab."""
_REFINED = (0.012, 0.05)
"""Fits that leave less than the first are refined, by at most the second."""
_WHITE, _BURNT = 254 / 255, 0.005
"""The least value of a channel that is taken to be cut off, and the least share of pixels that makes it count."""
_NEAR_WHITE, _FURTHEST = (SIZE - 2) / (SIZE - 1), 0.35
"""Where moving white begins to be felt, one point of a colour table below it; and how far it is moved at most."""
_PART = (0.1, 0.2)
"""The share of burnt pixels from which white is moved, and from which wholly: the edges of few would flicker."""
_DIFFERENT = 0.03
"""The difference left by a fit from which white is not moved any more: the two show other things."""
_KNOTS = np.linspace(0.0, 1.0, SIZE)
_STIFF = 0.15
"""How stiff the curves of a refinement are, so that a colour table can follow them."""
CAP_LIGHTNESS, CAP_CHROMA = 0.16, 0.08
"""The furthest that a match moves a shot's average colour, in Oklab: about one stop, and a strong white balance.

Twice as far where the fit leaves nothing, so that drifts that add up are undone whole.
"""


def oklab(colours: Colours) -> Colours:
    """Oklab of coded sRGB values (Ottosson 2020, "A perceptual color space for image processing")."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((np.maximum(colours, 0) + 0.055) / 1.055) ** 2.4)
    lab: Colours = np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T
    return lab


class ColourMatch(Struct, frozen=True, eq=False):
    """A change of colours: the seven numbers, the small curves after them, and how much of it all is applied.

    `lift` is how far beyond white each channel's white is taken to have been, before anything else is done.
    """

    numbers: NDArray[np.float64]
    lift: NDArray[np.float64]
    curves: tuple[tuple[Curve, Curve], ...] = ()
    part: float = 1.0

    def __call__(self, colours: Colours) -> Colours:
        """The colours changed; coded values 0..1 to coded values 0..1."""
        full = np.clip(_bent(self.numbers, _lifted(colours, self.lift)), 0.0, 1.0)
        if self.curves:
            shifts = [np.interp(full[..., c], *curve) for c, curve in enumerate(self.curves)]
            full = np.clip(full + np.stack(shifts, axis=-1), 0.0, 1.0)
        changed: Colours = colours + self.part * (full - colours)
        return changed


def match(shot: Colours, anchor: Colours, strength: float = 1.0) -> ColourMatch:
    """Find the change that holds a shot's pixels `(n, 3)` to its anchor's `(m, 3)`; of that, `strength` (0 to 1)."""
    source, goal = _thinned(shot), _thinned(anchor)
    misses = Misses(source, goal)
    numbers = _fitted(misses, 0.0005)
    left = float(np.sqrt(np.mean(misses(numbers) ** 2)))
    if left > _ALIKE:
        numbers = _fitted(misses, _DOUBT * left)
    alike = max(0.0, 1 - left / _REFINED[0])
    lift = max(0.0, 1 - left / _DIFFERENT) * _lift(numbers, source, goal)
    bent = np.clip(_bent(numbers, _lifted(source, lift)), 0.0, 1.0)
    found = ColourMatch(numbers, lift, _refinement(bent, goal, alike * _REFINED[1]))
    return replace(found, part=strength * _allowed(found, source, 1 + alike))


def _bent(numbers: NDArray[np.float64], colours: Colours) -> Colours:
    """The change itself; see the module's formula."""
    luma = (colours @ _LUMA)[..., np.newaxis]
    mixed = np.maximum(luma + np.exp(numbers[6]) * (colours - luma), 0.0)
    bent: Colours = np.exp(numbers[:3]) * (mixed + 1e-4) ** np.exp(numbers[3:6])
    return bent


def _lifted(colours: Colours, lift: NDArray[np.float64]) -> Colours:
    """Move white beyond itself by `lift`, and colours next to white part of the way."""
    return colours + lift * np.clip((colours - _NEAR_WHITE) / (1 - _NEAR_WHITE), 0.0, 1.0)


def _lift(numbers: NDArray[np.float64], source: Colours, goal: Colours) -> NDArray[np.float64]:
    """How far beyond white what was cut off there was (its median), by the goal's brightest pixels, as many of them."""
    lift = np.zeros(3)
    for channel, share in enumerate((source >= _WHITE).mean(axis=0)):
        much = float(np.clip((share - _PART[0]) / (_PART[1] - _PART[0]), 0.0, 1.0))
        if much:
            lost = np.quantile(goal[:, channel], 1 - share / 2)
            lift[channel] = much * ((lost / np.exp(numbers[channel])) ** np.exp(-numbers[3 + channel]) - 1)
    return np.clip(lift, 0.0, _FURTHEST)


def _features(planes: Planes, moves: Planes | None = None) -> tuple[Planes, Planes]:
    """Quantiles of the pixels' projections, `(directions, quantiles)`, and how `moves` of the pixels change them.

    From `(m, 3, n)` to `(m, directions, quantiles)`: a quantile goes where its pixel goes.
    """
    low = planes <= 0.04045
    root = ((np.maximum(planes, 0) + 0.055) / 1.055).astype(np.float32)
    lms = np.cbrt(_LMS @ np.where(low, planes / np.float32(12.92), root ** np.float32(2.4)))
    projected = _WAYS @ lms
    rows = np.rint(_QUANTILES * (planes.shape[1] - 1)).astype(np.int64)
    if moves is None:
        return np.sort(projected, axis=1)[:, rows], np.zeros((0, 13, len(rows)), np.float32)
    picked = np.argsort(projected, axis=1)[:, rows]
    rates = np.where(low, np.float32(1 / 12.92), np.float32(2.4 / 1.055) * root ** np.float32(1.4))
    moved = (_LMS @ (rates * moves)) / (3 * np.maximum(lms, np.float32(1e-3)) ** 2)
    return np.take_along_axis(projected, picked, axis=1), np.einsum("dj,mjdq->mdq", _WAYS, moved[:, :, picked])


class Misses:
    """How far a change leaves the source's features from the goal's.

    What was too bright for the source is white in it, and no change tells it apart again. So the goal is looked at as
    if it had been cut off there too.
    """

    def __init__(self, source: Colours, goal: Colours) -> None:
        self._source, self._goal = (np.ascontiguousarray(side.T, np.float32) for side in (source, goal))
        self._aim, _ = _features(self._goal)
        self._burnt = (source >= _WHITE).mean(axis=0) > _BURNT

    def __call__(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The misses, `(features,)`."""
        have, _ = _features(_planes(numbers, self._source)[0])
        wanted = _features(self._cut(numbers)[0])[0] if self._burnt.any() else self._aim
        return (have - wanted).ravel().astype(np.float64)

    def slopes(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """How they change with each number, `(features, 7)`."""
        _, slopes = _features(*_planes(numbers, self._source))
        if self._burnt.any():
            slopes = slopes - _features(*self._cut(numbers))[1]
        return slopes.reshape(7, -1).T.astype(np.float64)

    def _cut(self, numbers: NDArray[np.float64]) -> tuple[Planes, Planes]:
        """The goal, no brighter than the source's white becomes; and how each number moves it."""
        white = np.where(self._burnt, _bent(numbers, np.ones(3)), np.inf).astype(np.float32)[:, np.newaxis]
        moves = np.zeros((7, *self._goal.shape), np.float32)
        for channel in range(3):  # white has no chroma, and its gamma does next to nothing
            moves[channel, channel] = np.where(self._goal[channel] > white[channel], white[channel], 0)
        return np.minimum(self._goal, white), moves


def _planes(numbers: NDArray[np.float64], planes: Planes) -> tuple[Planes, Planes]:
    """`_bent` of planes; and how each number moves each pixel, `(7, 3, n)`."""
    gain, gamma = (np.exp(part).astype(np.float32)[:, np.newaxis] for part in (numbers[:3], numbers[3:6]))
    luma, vivid = _LUMA.astype(np.float32) @ planes, np.float32(np.exp(numbers[6]))
    apart = vivid * (planes - luma)
    mixed = np.maximum(luma + apart, 0) + np.float32(1e-4)
    bent = gain * mixed**gamma
    moves = np.zeros((7, *planes.shape), np.float32)
    bend = bent * gamma
    for channel in range(3):
        moves[channel, channel] = bent[channel]
        moves[3 + channel, channel] = bend[channel] * np.log(mixed[channel])
    moves[6] = bend / mixed * apart * (luma + apart > 0)
    return bent, moves


def _fitted(misses: Misses, doubt: float) -> NDArray[np.float64]:
    """The seven numbers, by Levenberg-Marquardt with a pseudo-Huber loss; `doubt` weighs the pull towards zero."""
    prior = np.diag(doubt / _SPREAD)

    def cost(missed: NDArray[np.float64], numbers: NDArray[np.float64]) -> float:
        huber = 2 * _ROBUST**2 * (np.sqrt(1 + (missed / _ROBUST) ** 2) - 1)
        return float(huber.mean() + np.sum((prior @ numbers) ** 2))

    numbers, damping = np.zeros(7), 1e-3
    missed, slopes = misses(numbers), misses.slopes(numbers)
    scale = np.sqrt(missed.size)
    best = cost(missed, numbers)
    for _ in range(8):
        weight = (1 + (missed / _ROBUST) ** 2) ** -0.25 / scale
        rows = np.concatenate([slopes * weight[:, np.newaxis], prior])
        normal = rows.T @ rows
        pull = rows.T @ np.concatenate([missed * weight, prior @ numbers])
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)) + 1e-12 * np.eye(7), pull)
        tried = np.clip(numbers - step, -_BOUND, _BOUND)
        now = misses(tried)
        value = cost(now, tried)
        if value >= best:
            damping *= 10
            continue
        settled = best - value < 1e-4 * best
        numbers, missed, best, damping = tried, now, value, damping / 3
        if settled:
            break
        slopes = misses.slopes(numbers)
    return numbers


def _refinement(bent: Colours, goal: Colours, most: float) -> tuple[tuple[Curve, Curve], ...]:
    """Small smooth curves, by at most `most`, that bring the channels' quantiles together."""
    if most == 0:
        return ()
    steps = np.linspace(0.0, 1.0, 129)
    bend = np.diff(np.eye(len(_KNOTS)), 2, axis=0) * _STIFF
    curves = []
    for channel in range(3):
        have, want = np.quantile(bent[:, channel], steps), np.quantile(goal[:, channel], steps)
        hats = np.maximum(0.0, 1 - np.abs(have[:, np.newaxis] - _KNOTS) * (len(_KNOTS) - 1))
        rows = np.vstack([hats, bend, 1e-3 * np.eye(len(_KNOTS))])
        aims = np.concatenate([want - have, np.zeros(len(rows) - len(have))])
        heights = np.linalg.lstsq(rows, aims, rcond=None)[0]
        curves.append((_KNOTS, np.clip(heights, -most, most)))
    return tuple(curves)


def _allowed(found: ColourMatch, source: Colours, caps: float) -> float:
    """How much of a change keeps the average colour within `caps` times the cap."""
    shift = np.abs((oklab(found(source)) - oklab(source)).mean(axis=0))
    light, chroma = float(shift[0]), float(np.hypot(shift[1], shift[2]))
    return min(1.0, caps * CAP_LIGHTNESS / max(light, 1e-9), caps * CAP_CHROMA / max(chroma, 1e-9))


def _thinned(colours: Colours) -> Colours:
    """At most `SAMPLES` pixels, evenly taken."""
    rows = np.linspace(0, len(colours) - 1, min(SAMPLES, len(colours))).round().astype(np.int64)
    return colours[rows]
