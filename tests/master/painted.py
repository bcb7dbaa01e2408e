"""Pictures with the colours of photographs, painted from noise; drifts of colour; and CIEDE2000 to measure them by."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colours = NDArray[np.float64]
Drift = Callable[[Colours], Colours]

LUMA = np.array([0.2126, 0.7152, 0.0722])
PLACES = {
    "harbour": ((0.55, 0.66, 0.80), (0.32, 0.36, 0.38), (0.70, 0.22, 0.16), (0.82, 0.64, 0.52)),
    "forest": ((0.70, 0.78, 0.66), (0.20, 0.30, 0.14), (0.45, 0.32, 0.20), (0.86, 0.70, 0.58)),
    "dusk": ((0.80, 0.52, 0.38), (0.26, 0.20, 0.30), (0.20, 0.34, 0.52), (0.60, 0.42, 0.34)),
    "room": ((0.74, 0.70, 0.62), (0.46, 0.34, 0.24), (0.16, 0.42, 0.40), (0.90, 0.74, 0.64)),
}


HELD_OUT = {
    "market": ((0.62, 0.58, 0.70), (0.50, 0.30, 0.22), (0.85, 0.72, 0.20), (0.45, 0.30, 0.22)),
    "snow": ((0.72, 0.80, 0.90), (0.84, 0.86, 0.90), (0.22, 0.26, 0.36), (0.86, 0.66, 0.58)),
    "cellar": ((0.20, 0.17, 0.16), (0.34, 0.24, 0.16), (0.55, 0.44, 0.24), (0.72, 0.52, 0.42)),
    "meadow": ((0.48, 0.70, 0.92), (0.42, 0.58, 0.22), (0.80, 0.36, 0.56), (0.76, 0.58, 0.48)),
}
"""Places that the method was not tuned on."""


def noise(rng: np.random.Generator, height: int, width: int) -> Colours:
    """Noise with as much at every scale as photographs have, about zero."""
    out = np.zeros((height, width))
    for octave in range(5):
        coarse = rng.normal(size=(2 + 2**octave, 2 + 2**octave))
        image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        out += np.asarray(image) / 2**octave
    return out


def drawn(number: int, seed: int = 2026) -> tuple[tuple[tuple[float, ...], ...], Drift]:
    """A place and a drift by lot: colours of sky, ground, things and skin, and one to four drifts together."""
    rng = np.random.default_rng([seed, number])
    sky, ground, thing = (rng.uniform(low, high, 3) for low, high in ((0.3, 0.9), (0.1, 0.7), (0.1, 0.9)))
    skin = np.array([0.85, 0.66, 0.54]) * rng.uniform(0.45, 1.05)
    drifts = [
        exposure(rng.uniform(-0.9, 0.35)), gamma(rng.uniform(0.78, 1.35)),
        white(rng.uniform(0.82, 1.25), rng.uniform(0.78, 1.25)), saturation(rng.uniform(0.6, 1.25)),
    ]  # fmt: skip
    chosen = rng.permutation(4)[: rng.integers(1, 5)]
    return tuple(map(tuple, (sky, ground, thing, skin))), together(*(drifts[each] for each in chosen))


def blind() -> Iterator[tuple[int, tuple[tuple[tuple[float, ...], ...], Drift]]]:
    """Forty places and drifts that nothing was tuned on; whoever changes the method draws others, by another seed."""
    return ((number, drawn(number, 90417)) for number in range(40))


def paint(place: str | tuple[tuple[float, ...], ...], seed: int = 0, height: int = 60, width: int = 96) -> Colours:
    """A picture of a place: sky, ground, things, skin and a grey card, coded sRGB 0..1, `(height, width, 3)`.

    A place is named, or given by its four colours. The same place with another seed is another
    view of it in the same light.
    """
    colours = {**PLACES, **HELD_OUT}[place] if isinstance(place, str) else place
    sky, ground, thing, skin = (np.array(colour) for colour in colours)
    rng = np.random.default_rng([seed, *str(place).encode()])
    horizon = height * rng.uniform(0.4, 0.6) + 6 * noise(rng, 1, width)[0]
    below = (np.arange(height)[:, None] > horizon)[..., None]
    fall = np.linspace(1.15, 0.8, height)[:, None, None]
    picture = np.where(below, ground * (1 + 0.35 * noise(rng, height, width))[..., None], sky * fall)
    y, x = np.mgrid[0:height, 0:width]
    for colour, count, size in ((thing, 4, 9), (skin, 2, 7), (np.full(3, 0.5), 2, 5), (np.full(3, 0.93), 1, 5)):
        for _ in range(count):
            top, left = rng.uniform(0.2, 0.9) * height, rng.uniform(0.05, 0.95) * width
            inside = np.hypot(y - top, x - left) < size * rng.uniform(0.6, 1.3)
            shade = 1 + 0.12 * noise(rng, height, width)
            picture = np.where(inside[..., None], colour * shade[..., None], picture)
    picture = picture * (1 + 0.06 * noise(rng, height, width))[..., None] + 0.01 * rng.normal(size=(height, width, 3))
    return np.clip(picture, 0.02, 0.98)


def linear(coded: Colours) -> Colours:
    return np.where(coded <= 0.04045, coded / 12.92, ((np.maximum(coded, 0) + 0.055) / 1.055) ** 2.4)


def coded(light: Colours) -> Colours:
    light = np.maximum(light, 0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def exposure(stops: float) -> Drift:
    return lambda x: coded(linear(x) * 2**stops)


def gamma(power: float) -> Drift:
    return lambda x: np.clip(x, 0, 1) ** power


def white(red: float, blue: float) -> Drift:
    return lambda x: coded(linear(x) * (red, 1.0, blue))


def saturation(factor: float) -> Drift:
    return lambda x: (x @ LUMA)[..., None] + factor * (x - (x @ LUMA)[..., None])


def together(*drifts: Drift) -> Drift:
    def drifted(x: Colours) -> Colours:
        for drift in drifts:
            x = np.clip(drift(x), 0, 1)
        return x

    return drifted


CASES: dict[str, Drift] = {
    "a stop under": exposure(-1),
    "half a stop under": exposure(-0.5),
    "a third of a stop over": exposure(0.33),
    "half a stop over": exposure(0.5),
    "gamma 0.8": gamma(0.8),
    "gamma 0.9": gamma(0.9),
    "gamma 1.15": gamma(1.15),
    "gamma 1.35": gamma(1.35),
    "warm": white(1.15, 0.85),
    "very warm": white(1.3, 0.72),
    "cool": white(0.88, 1.15),
    "very cool": white(0.78, 1.3),
    "pale": saturation(0.7),
    "paler": saturation(0.5),
    "vivid": saturation(1.3),
    "under and warm": together(exposure(-0.4), white(1.15, 0.85)),
    "flat and pale": together(gamma(0.85), saturation(0.75)),
    "under, flat, cool": together(exposure(-0.5), gamma(0.9), white(0.9, 1.12)),
    "all, dark": together(exposure(-0.3), gamma(1.12), white(1.1, 0.9), saturation(0.8)),
    "all, bright": together(saturation(1.2), white(0.9, 1.1), gamma(0.9), exposure(0.2)),
}
"""Twenty drifts: exposure, gamma, white balance, saturation, alone and together."""


HELD_OUT_CASES: dict[str, Drift] = {
    "0.8 stops under": exposure(-0.8),
    "a fifth of a stop under": exposure(-0.2),
    "0.3 stops under": exposure(-0.3),
    "0.4 stops over": exposure(0.4),
    "gamma 0.75": gamma(0.75),
    "gamma 0.87": gamma(0.87),
    "gamma 1.1": gamma(1.1),
    "gamma 1.25": gamma(1.25),
    "yellow": white(1.1, 0.8),
    "orange": white(1.25, 0.75),
    "blue": white(0.92, 1.2),
    "magenta": white(1.15, 1.12),
    "washed out": saturation(0.6),
    "a little pale": saturation(0.8),
    "loud": saturation(1.2),
    "over and cool": together(exposure(0.25), white(0.9, 1.15)),
    "hard and pale": together(gamma(1.2), saturation(0.7)),
    "under, hard, warm": together(exposure(-0.35), gamma(1.1), white(1.12, 0.88)),
    "everything, dark": together(saturation(1.15), exposure(-0.45), white(0.92, 1.1), gamma(1.08)),
    "everything, bright": together(white(1.08, 0.9), saturation(0.85), gamma(0.92), exposure(0.15)),
}
"""Twenty others, not looked at when the method was tuned."""


def eight_bits(x: Colours) -> Colours:
    return np.round(np.clip(x, 0, 1) * 255) / 255


def lab(x: Colours) -> Colours:
    """CIELAB under D65 of coded sRGB."""
    matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = linear(x) @ np.array(matrix).T / (0.95047, 1.0, 1.08883)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def de2000(one: Colours, other: Colours) -> NDArray[np.float64]:
    """CIEDE2000 of CIELAB colours (Sharma, Wu and Dalal 2005, whose test data `test_match` holds it to)."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0)
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    a1, a2 = (a * (1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25**7))) for a in (a1, a2))
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    turn = np.where(~grey & (np.abs(h2 - h1) == 180), h2 - h1, turn)
    dl, dc, dh = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    wrapped = np.where(h1 + h2 < 360, (h1 + h2 + 360) / 2, (h1 + h2 - 360) / 2)
    h = np.where(grey, h1 + h2, np.where(np.abs(h1 - h2) <= 180, (h1 + h2) / 2, wrapped))
    t = 1 - 0.17 * np.cos(np.radians(h - 30)) + 0.24 * np.cos(np.radians(2 * h))
    t += 0.32 * np.cos(np.radians(3 * h + 6)) - 0.20 * np.cos(np.radians(4 * h - 63))
    sl = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    rt = -2 * np.sqrt(c**7 / (c**7 + 25**7)) * np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2))))
    return np.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)


def difference(one: Colours, other: Colours) -> float:
    """Mean CIEDE2000 of two pictures, pixel by pixel."""
    return float(de2000(lab(one), lab(other)).mean())


def histogram_match(shot: Colours, anchor: Colours) -> Drift:
    """The rival: each channel's histogram made the anchor's."""
    levels = np.linspace(0, 1, 256)
    tables = []
    for channel in range(3):
        have, want = (
            np.histogram(pixels[:, channel], 256, (0, 1))[0].cumsum() / len(pixels) for pixels in (shot, anchor)
        )
        tables.append(np.interp(have, want, levels))
    return lambda x: np.stack(
        [table[np.rint(np.clip(x[..., c], 0, 1) * 255).astype(int)] for c, table in enumerate(tables)], axis=-1
    )


def covariance_match(shot: Colours, anchor: Colours) -> Drift:
    """Another rival: the linear Monge-Kantorovich map between the pixels' covariances (Pitie and Kokaram 2007)."""
    one, other = np.cov(shot.T) + 1e-6 * np.eye(3), np.cov(anchor.T) + 1e-6 * np.eye(3)

    def root(matrix: Colours) -> Colours:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T

    inverse = np.linalg.inv(root(one))
    turn = inverse @ root(root(one) @ other @ root(one)) @ inverse
    return lambda x: (x - shot.mean(axis=0)) @ turn.T + anchor.mean(axis=0)
