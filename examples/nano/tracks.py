"""Tell what an actor does from where the examiner sees it: direction, gravity, motion in world units.

A track has one value a frame; positions on the picture are in its heights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .config import FPS, FRAMES
from .physics import GRAVITY
from .scene import Scene
from .stage import FOCUS
from .world import FRAMING_ZOOM, PAN, TILT, ZOOM

Array = NDArray[np.float64]

MOVED, LIFTED, REBOUND = 0.15, 0.12, 0.07  # world units: less than this is no roll, no flight, no bounce
CLEAR = 0.05  # an actor this far above its lowest point touches nothing
FLIGHT = 4  # frames of free flight that a parabola needs


def whole_heights(y: Array, foot: Array, area: Array) -> Array:
    """The heights `y` of an actor's centre, corrected by its foot where the upper edge of the picture cuts it.

    `y` and `foot` are downwards from the middle, `area` in square heights.
    """
    radius = np.sqrt(np.median(area) / np.pi)
    cut = foot - 2.0 * radius < -0.5
    if cut.all() or not cut.any():
        return y
    return np.where(cut, foot - np.median((foot - y)[~cut]), y)


def unproject(x: Array, y: Array, scene: Scene, moves: Array) -> tuple[Array, Array]:
    """Undo the camera: a track on the picture (heights from the middle, y downwards) to the world, y upwards.

    `moves` are pan, tilt and zoom as measured, as shares of the world's; the framing is the asked one.
    """
    time = np.linspace(-0.5, 0.5, FRAMES)
    pan, tilt, zooming = np.where(np.abs(moves) > 0.35, moves, 0.0)
    zoom = FRAMING_ZOOM[scene.framing] * np.exp(np.log(ZOOM) * zooming * time)
    lift = FOCUS + (0.5 - FOCUS) / zoom + TILT * tilt * time
    return x / zoom + PAN * pan * time, lift - y / zoom


def action_seen(x: Array, y: Array, visible: NDArray[np.bool_]) -> str:
    """Which of the world's actions a track in world units shows, y upwards; `nothing` where too little is visible."""
    x, y = x[visible], y[visible]
    if len(x) < FLIGHT:
        return "nothing"
    dx = float(np.median(x[-3:]) - np.median(x[:3]))
    fallen = np.maximum.accumulate(y) - y
    risen = np.maximum.accumulate(y[::-1])[::-1] - y
    if abs(dx) > MOVED and abs(dx) > max(fallen.max(), risen.max()):
        return "roll_right" if dx > 0 else "roll_left"
    if np.minimum(fallen, risen).max() > REBOUND:
        return "bounce"
    if risen.max() > LIFTED:
        return "float"
    return "fall" if fallen.max() > LIFTED else "still"


def gravity_seen(y: Array, visible: NDArray[np.bool_]) -> float | None:
    """The acceleration downwards of the longest free flight as a share of the world's; None where nothing flies.

    `y` is in world units, upwards. A parabola is fitted to the flight by least squares.
    """
    if not visible.any():
        return None
    flying = visible & (y > y[visible].min() + CLEAR)
    runs = np.split(np.arange(len(y)), np.flatnonzero(~flying))
    longest = max((run[flying[run]] for run in runs), key=len)
    if len(longest) < FLIGHT:
        return None
    bend = np.polyfit(longest / FPS, y[longest], 2)[0]
    return float(-2 * bend / GRAVITY)
