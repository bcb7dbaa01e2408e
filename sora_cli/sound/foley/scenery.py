"""What place a shot shows: a linear head on a coarse view, fitted to nano's world by `examples/nano/hear.py`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sora_cli.media.stream import Frames

from .pictures import Array, shrunk

PLACES = ("meadow", "sea", "desert", "snow", "city", "room", "forest")
GRID = (6, 8)  # rows and columns of the coarse view
SURE = 0.35  # the least score of a place that is believed; 1 is what the fit aimed at
WEIGHTS = Path(__file__).with_name("scenery.npz")

BEDS: dict[str, str] = {
    "meadow": "birds",
    "sea": "surf",
    "desert": "wind",
    "snow": "wind",
    "city": "city",
    "room": "room-tone",
    "forest": "forest",
}
"""The sound of each place by day."""
AT_NIGHT = {"meadow": "crickets", "forest": "crickets"}


def view(frames: Frames) -> Array:
    """The coarse view of a shot: mean colours of a grid, and how much each of its rows changes over the shot."""
    small = shrunk(frames[:: max(1, (len(frames) - 1) // 2)][:3])
    rows = np.array_split(np.arange(small.shape[1]), GRID[0])
    columns = np.array_split(np.arange(small.shape[2]), GRID[1])
    grid = np.stack([[small[:, r][:, :, c].mean(axis=(1, 2)) for c in columns] for r in rows])
    change = np.stack([small[:, r].std(axis=0).mean(axis=(0, 1)) for r in rows])
    return np.concatenate((grid.mean(axis=2).ravel(), change.ravel(), [1.0]))


@cache
def _weights() -> NDArray[np.float64]:
    """(figures of the view, places and night), and the means and spreads they are measured by."""
    with np.load(WEIGHTS) as kept:
        return np.asarray(kept["weights"], dtype=np.float64)


def scores(frames: Frames) -> Array:
    """How like each of `PLACES` a shot is, then how like night: 1 is what the fit aimed at."""
    return view(frames) @ _weights()


def place(scores: Array) -> tuple[str, bool] | None:
    """Name the place and say whether it is night; None where the pictures are like no place that is known."""
    best = int(scores[: len(PLACES)].argmax())
    return (PLACES[best], bool(scores[-1] > 0.5)) if scores[best] >= SURE else None


def bed(scores: Array) -> str | None:
    """The sound of the place that pictures of such scores show; those of several shots may be averaged."""
    seen = place(scores)
    if seen is None:
        return None
    where, night = seen
    return AT_NIGHT.get(where, BEDS[where]) if night else BEDS[where]
