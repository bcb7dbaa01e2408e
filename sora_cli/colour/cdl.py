"""ASC CDL: slope, offset and power, the change of colours that every grading program has numbers for."""

from __future__ import annotations

import numpy as np

from sora_cli.colour.cube import Colours, grid

NEAR = 1 / 255
"""How far a CDL may be from a table, to stand for it: a step of 8 bits."""

Three = tuple[float, float, float]


def cdl_of(full: Colours) -> tuple[Three, Three, Three] | None:
    """The slope, offset and power that do what a table `(b, g, r, 3)` does; None where no CDL does.

    By ASC CDL 1.2: `out = (in * slope + offset) ** power`, here without offset, as matches are.
    """
    steps = np.linspace(0.0, 1.0, len(full))
    axis = full[np.arange(len(full)), np.arange(len(full)), np.arange(len(full))]
    slopes, powers = [], []
    for channel in axis.T:
        fit = (channel > 0.02) & (channel < 0.98) & (steps > 0)
        if fit.sum() < 3:
            return None
        power, shift = np.polyfit(np.log(steps[fit]), np.log(channel[fit]), 1)
        if power <= 0:
            return None
        slopes.append(float(np.exp(shift / power)))
        powers.append(float(power))
    same = np.clip(grid(len(full)) * slopes, 0.0, 1.0) ** powers
    if float(np.abs(same - full).max()) > NEAR:
        return None
    return _three(slopes), (0.0, 0.0, 0.0), _three(powers)


def _three(values: list[float]) -> Three:
    red, green, blue = values
    return red, green, blue
