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

from collections.abc import Sequence
from functools import cached_property, lru_cache
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
_STRAIGHT = np.float32(np.log((0.04045 + 0.055) / 1.055))
"""The logarithm of sRGB's curve before its power, where its straight part ends."""
_NIGHT = np.float32(1e-18)
"""The least that a cone sees, for it has a logarithm."""
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
_DIAGONAL = np.diag_indices(7)
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
        full = _bent(self.numbers, _lifted(colours, self.lift))
        np.clip(full, 0.0, 1.0, out=full)
        for channel, curve in enumerate(self.curves):
            full[..., channel] += np.interp(full[..., channel], *curve)
        if self.curves:
            np.clip(full, 0.0, 1.0, out=full)
        changed = full - colours
        changed *= self.part
        changed += colours
        return changed


def match(shot: Colours, anchor: Colours, strength: float = 1.0) -> ColourMatch:
    """Find the change that holds a shot's pixels `(n, 3)` to its anchor's `(m, 3)`; of that, `strength` (0 to 1)."""
    source, goal = _thinned(shot), _thinned(anchor)
    misses = Misses(source, goal)
    numbers, missed = _fitted(misses, 0.0005)
    left = float(np.sqrt(np.mean(missed**2)))
    if left > _ALIKE:
        numbers, _ = _fitted(misses, _DOUBT * left)
    alike = max(0.0, 1 - left / _REFINED[0])
    lift = max(0.0, 1 - left / _DIFFERENT) * _lift(numbers, source, goal)
    bent = np.clip(_bent(numbers, _lifted(source, lift)), 0.0, 1.0).astype(np.float64)
    found = ColourMatch(numbers, lift, _refinement(bent, goal, alike * _REFINED[1]))
    return replace(found, part=strength * _allowed(found, source, 1 + alike))


def _bent(numbers: NDArray[np.float64], colours: Colours) -> NDArray[np.float32]:
    """The change itself; see the module's formula. A table's arrays are large: a new one costs as much as its sum.

    Powers are made of `exp` and `log`, which numpy has as vector instructions of 32 bits: a fifth of `power`'s time.
    """
    bent = colours.astype(np.float32)
    luma = (bent @ _LUMA.astype(np.float32))[..., np.newaxis]
    gain, gamma = numbers[:3].astype(np.float32), np.exp(numbers[3:6]).astype(np.float32)
    bent -= luma
    bent *= np.float32(np.exp(numbers[6]))
    bent += luma
    np.maximum(bent, 0.0, out=bent)
    bent += np.float32(1e-4)
    np.log(bent, out=bent)
    bent *= gamma
    bent += gain
    return np.exp(bent, out=bent)


def _lifted(colours: Colours, lift: NDArray[np.float64]) -> Colours:
    """Move white beyond itself by `lift`, and colours next to white part of the way."""
    if not lift.any():
        return colours
    return colours + lift * np.clip((colours - _NEAR_WHITE) / (1 - _NEAR_WHITE), 0.0, 1.0)


def _lift(numbers: NDArray[np.float64], source: Colours, goal: Colours) -> NDArray[np.float64]:
    """How far beyond white what was cut off there was (its median), by the goal's brightest pixels, as many of them."""
    lift = np.zeros(3)
    for channel, share in enumerate((source >= _WHITE).mean(axis=0)):
        much = float(np.clip((share - _PART[0]) / (_PART[1] - _PART[0]), 0.0, 1.0))
        if much:
            lost = _quantiles(goal[:, channel], 1 - share / 2)
            lift[channel] = much * ((lost / np.exp(numbers[channel])) ** np.exp(-numbers[3 + channel]) - 1)
    return np.clip(lift, 0.0, _FURTHEST)


class _View:
    """Pixels as they are compared: planes of coded values `(3, n)`, and their projections on the directions."""

    def __init__(self, planes: Planes) -> None:
        self._log = np.log((planes + np.float32(0.055)) / np.float32(1.055))
        linear = np.where(planes <= 0.04045, planes / np.float32(12.92), np.exp(np.float32(2.4) * self._log))
        self._lms = np.exp(np.log(np.maximum(_LMS @ linear, _NIGHT)) / np.float32(3))
        projected = _WAYS @ self._lms
        self._picked = _ranked(projected)
        lines = np.arange(len(projected))[:, np.newaxis] * projected.shape[1]
        self.features: Planes = projected.ravel().take(lines + self._picked)
        """Quantiles of the projections, `(directions, quantiles)`."""

    def slopes(self, own: Sequence[Planes], mixed: Planes | None = None) -> Planes:
        """How the quantiles change, `(moves, directions, quantiles)`: a quantile goes where its pixel goes.

        Of `own`, `(3, n)` each, every channel is moved for itself, one after the other; `mixed` moves all at once.
        """
        both = [self._log, self._lms, *own, *([] if mixed is None else [mixed])]
        log, lms, *moves = np.concatenate(both).take(self._picked, axis=1).reshape(-1, 3, *self._picked.shape)
        rates = np.where(
            log <= _STRAIGHT, np.float32(1 / 12.92), np.float32(2.4 / 1.055) * np.exp(np.float32(1.4) * log)
        )
        felt = _WAYS.T[:, :, np.newaxis] / (3 * np.maximum(lms, np.float32(1e-3)) ** 2)
        felt = (_LMS.T @ felt.reshape(3, -1)).reshape(felt.shape) * rates
        slopes = [felt * each for each in moves]
        if mixed is not None:
            slopes[-1] = slopes[-1].sum(axis=0, keepdims=True)
        return np.concatenate(slopes)


@lru_cache(maxsize=4)
def _ranks(count: int) -> NDArray[np.int64]:
    """The ranks of the quantiles among so many pixels."""
    return np.rint(_QUANTILES * (count - 1)).astype(np.int64)


def _ranked(values: Planes) -> NDArray[np.int64]:
    """The places of the quantiles among `(lines, n)` values, `(lines, quantiles)`; of equal ones in their order.

    Value and place are sorted as one whole number of 32 bits, which takes a quarter of `argsort`'s time: of 1024
    values, in four million steps between a line's least and most.
    """
    count = values.shape[1]
    bits = max(10, (count - 1).bit_length())  # what is left is as much as 32 bits of a fraction hold exactly
    least = values.min(axis=1, keepdims=True)
    span = np.maximum(values.max(axis=1, keepdims=True) - least, np.float32(1e-6))
    keys = ((values - least) * (np.float32(2 ** (32 - bits) - 1) / span)).astype(np.uint32)
    keys <<= bits
    keys |= _numbers(count)
    keys.sort(axis=1)
    picked: NDArray[np.int64] = (keys.take(_ranks(count), axis=1) & (2**bits - 1)).astype(np.int64)
    return picked


@lru_cache(maxsize=4)
def _numbers(count: int) -> NDArray[np.uint32]:
    """The numbers below `count`. They are not written to."""
    return np.arange(count, dtype=np.uint32)


class Misses:
    """How far a change leaves the source's features from the goal's.

    What was too bright for the source is white in it, and no change tells it apart again. So the goal is looked at as
    if it had been cut off there too.
    """

    def __init__(self, source: Colours, goal: Colours) -> None:
        self._source, self._goal = (np.ascontiguousarray(side.T, np.float32) for side in (source, goal))
        self._aim = _View(self._goal).features
        self._burnt = (source >= _WHITE).mean(axis=0) > _BURNT

    @cached_property
    def first(self) -> _Missed:
        """What is missed before anything is changed."""
        return self.at(np.zeros(7))

    def at(self, numbers: NDArray[np.float64]) -> _Missed:
        """What a change misses."""
        bent = _Bent(numbers, self._source)
        view, aim = _View(bent.planes), self._aim
        if not self._burnt.any():
            return _Missed(bent, view, aim)
        white = np.where(self._burnt, _bent(numbers, np.ones(3)), np.inf).astype(np.float32)[:, np.newaxis]
        if (white >= self._goal.max(axis=1, keepdims=True)).all():
            return _Missed(bent, view, aim)  # nothing of the goal is cut off
        # White has no chroma, and its gamma does next to nothing: only gains move what is cut off.
        cut = _View(np.minimum(self._goal, white))
        return _Missed(bent, view, cut.features, cut, np.where(self._goal > white, white, 0))


class _Missed:
    """What a change misses, and how that changes with its numbers; `cut` is the goal, where white `moves` it."""

    def __init__(
        self, bent: _Bent, view: _View, aim: Planes, cut: _View | None = None, moves: Planes | None = None
    ) -> None:
        self.features = (view.features - aim).ravel().astype(np.float64)
        """The misses, `(features,)`."""
        self._bent, self._view, self._cut, self._moves = bent, view, cut, moves

    @cached_property
    def slopes(self) -> NDArray[np.float64]:
        """How they change with each number, `(7, features)`."""
        slopes = self._view.slopes(*self._bent.moves())
        if self._cut is not None and self._moves is not None:
            slopes[:3] -= self._cut.slopes([self._moves])
        return slopes.reshape(7, -1).astype(np.float64)


class _Bent:
    """`_bent` of planes: `planes`; and how each number moves each pixel."""

    def __init__(self, numbers: NDArray[np.float64], planes: Planes) -> None:
        gain, self._gamma = (np.exp(part).astype(np.float32)[:, np.newaxis] for part in (numbers[:3], numbers[3:6]))
        self._luma, vivid = _LUMA.astype(np.float32) @ planes, np.float32(np.exp(numbers[6]))
        self._apart = vivid * (planes - self._luma)
        self._mixed = np.maximum(self._luma + self._apart, 0) + np.float32(1e-4)
        self._log = np.log(self._mixed)
        self.planes = gain * np.exp(self._gamma * self._log)

    def moves(self) -> tuple[Sequence[Planes], Planes]:
        """By the gains and by the gammas, which move their own channel, `(3, n)` each; by saturation, `(3, n)`."""
        bend = self.planes * self._gamma
        return (self.planes, bend * self._log), bend / self._mixed * self._apart * (self._luma + self._apart > 0)


def _fitted(misses: Misses, doubt: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The seven numbers, and what they miss: by Levenberg-Marquardt with a pseudo-Huber loss.

    `doubt` weighs the pull towards zero.
    """
    pull = (doubt / _SPREAD) ** 2

    def cost(missed: NDArray[np.float64], numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        root = np.sqrt(1 + (missed / _ROBUST) ** 2)
        huber = 2 * _ROBUST**2 * (root.sum() / root.size - 1)
        return float(huber + np.sum(pull * numbers**2)), root

    numbers, damping, missed = np.zeros(7), 1e-3, misses.first
    best, root = cost(missed.features, numbers)
    for _ in range(8):
        slopes, weight = missed.slopes, 1 / (root * root.size)
        normal = (slopes * weight) @ slopes.T
        down = slopes @ (missed.features * weight) + pull * numbers
        normal[_DIAGONAL] = (1 + damping) * (normal[_DIAGONAL] + pull) + 1e-12
        tried = np.clip(numbers - np.linalg.solve(normal, down), -_BOUND, _BOUND)
        now = misses.at(tried)
        value, bent = cost(now.features, tried)
        if value >= best:
            damping *= 10
            continue
        settled = best - value < 1e-4 * best
        numbers, missed, best, root, damping = tried, now, value, bent, damping / 3
        if settled:
            break
    return numbers, missed.features


def _quantiles(values: Curve, parts: Curve | float) -> Curve:
    """`numpy.quantile` of a line of values, in a quarter of its time and without what it imports."""
    return np.asarray(np.interp(parts, np.linspace(0.0, 1.0, len(values)), np.sort(values)))


def _refinement(bent: Colours, goal: Colours, most: float) -> tuple[tuple[Curve, Curve], ...]:
    """Small smooth curves, by at most `most`, that bring the channels' quantiles together."""
    if most == 0:
        return ()
    steps = np.linspace(0.0, 1.0, 129)
    bend = np.diff(np.eye(len(_KNOTS)), 2, axis=0) * _STIFF
    curves = []
    for channel in range(3):
        have, want = (_quantiles(side[:, channel], steps) for side in (bent, goal))
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
