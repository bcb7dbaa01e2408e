"""The sets of the paper theatre: each place is a few sheets, seen by day, at sunset and by night.

A place is one fixed panorama, and a scene is set in some stretch of it, so a place stays the same place from shot to
shot. Colours are muted, so that actors stand out; bodies are large, because the autoencoder keeps nothing fine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .stage import Camera, Stage, blocks, flat, higher, humps, peaks, scallops, waves

Rgb = tuple[float, float, float]

HORIZON: dict[str, Rgb] = {"day": (0.87, 0.95, 0.97), "sunset": (1.0, 0.76, 0.50), "night": (0.22, 0.27, 0.50)}
ZENITH: dict[str, Rgb] = {"day": (0.45, 0.73, 0.93), "sunset": (0.62, 0.38, 0.60), "night": (0.05, 0.07, 0.22)}
TINT: dict[str, Rgb] = {"day": (1.0, 1.0, 1.0), "sunset": (1.0, 0.74, 0.66), "night": (0.32, 0.38, 0.62)}
ACTOR_TINT: dict[str, Rgb] = {"day": (1.0, 1.0, 1.0), "sunset": (1.0, 0.93, 0.88), "night": (0.80, 0.83, 0.95)}
SUN: dict[str, tuple[Rgb, float, float, float, float]] = {  # colour, x, y, radius, glow
    "day": ((1.0, 0.95, 0.66), -0.46, 0.82, 0.10, 0.5),
    "sunset": ((1.0, 0.90, 0.56), 0.30, 0.60, 0.15, 0.7),
    "night": ((0.95, 0.95, 0.86), 0.46, 0.82, 0.09, 0.25),
}


class Palette:
    """Colours under the light of each clip's time of day: red, green and blue, 0 to 1."""

    def __init__(self, times: Sequence[str], device: torch.device) -> None:
        def table(colours: dict[str, Rgb]) -> Tensor:
            return torch.tensor([colours[t] for t in times], device=device)

        self.low, self.high, self.tint = table(HORIZON), table(ZENITH), table(TINT)
        self.night = torch.tensor([[float(t == "night")] for t in times], device=device)

    def __call__(self, red: float, green: float, blue: float, haze: float = 0.0) -> Tensor:
        """A colour (clips, 3) in this light; `haze` is how much of the sky's colour lies before it."""
        lit = self.tint * torch.tensor([red, green, blue], device=self.tint.device)
        return torch.lerp(lit, self.low, haze)

    def lamp(self, red: float, green: float, blue: float) -> Tensor:
        """A colour `(clips, 3)` that shines by itself at night, and is plain paper by day."""
        own = torch.tensor([red, green, blue], device=self.tint.device)
        return torch.where(self.night > 0, own, self.tint * own * 0.8)


def meadow(stage: Stage, ink: Palette, _: Tensor) -> None:
    """Hills, round trees, and a green with tufts."""
    stage.sheet(waves(0.50, 0.06, 1.9), ink(0.50, 0.68, 0.56, 0.35), 0.25)
    stage.sheet(waves(0.40, 0.05, 1.3, 2.0), ink(0.46, 0.66, 0.44, 0.12), 0.45)
    stage.sheet(humps(0.24, 0.95, 0.17, 0.46, 1.0), ink(0.30, 0.52, 0.36), 0.6)
    stage.sheet(waves(0.27, 0.02, 1.1, 1.0), ink(0.62, 0.77, 0.42), 0.8)
    stage.sheet(humps(0.08, 0.42, 0.13, 0.07, 4.0), ink(0.50, 0.69, 0.34), 1.0, shadow=0.12)


def sea(stage: Stage, ink: Palette, clock: Tensor) -> None:
    """An island, three rows of paper waves that move, and a beach."""
    stage.sheet(humps(0.36, 2.3, 0.5, 0.17, 2.0), ink(0.52, 0.66, 0.62, 0.3), 0.2)
    stage.sheet(scallops(0.42, 0.035, 0.30, 1.1 * clock), ink(0.36, 0.62, 0.78, 0.15), 0.4)
    stage.sheet(scallops(0.355, 0.04, 0.34, 1.0 - 1.5 * clock), ink(0.25, 0.53, 0.74), 0.6)
    stage.sheet(scallops(0.285, 0.045, 0.40, 0.5 + 1.9 * clock), ink(0.17, 0.43, 0.67), 0.8)
    stage.sheet(waves(0.215, 0.012, 0.9), ink(0.95, 0.86, 0.66), 1.0)
    stage.sheet(humps(0.03, 0.60, 0.20, 0.07, 5.0), ink(0.86, 0.74, 0.53), 1.0, shadow=0.1)


def desert(stage: Stage, ink: Palette, _: Tensor) -> None:
    """Table mountains, dunes and tall cactuses."""
    stage.sheet(blocks(0.30, 1.7, 0.42, 0.33, 3.0, 0.4, 0.16), ink(0.80, 0.56, 0.46, 0.3), 0.25)
    stage.sheet(waves(0.40, 0.06, 1.5, 0.5), ink(0.88, 0.68, 0.44, 0.1), 0.45)
    cactus = higher(blocks(0.2, 1.15, 0.05, 0.44, 1.0, 0.25, 0.04), blocks(0.2, 1.15, 0.14, 0.22, 1.0, 0.25, 0.05))
    stage.sheet(cactus, ink(0.36, 0.55, 0.42), 0.65)
    stage.sheet(waves(0.26, 0.025, 1.2, 2.5), ink(0.95, 0.80, 0.55), 0.85)
    stage.sheet(waves(0.09, 0.03, 0.7, 1.0), ink(0.87, 0.68, 0.43), 1.0, shadow=0.1)


def snow(stage: Stage, ink: Palette, _: Tensor) -> None:
    """White mountains, dark pines, and drifts of snow."""
    stage.sheet(peaks(0.30, 1.1, 0.62, 0.42, 2.0), ink(0.74, 0.80, 0.90, 0.25), 0.25)
    stage.sheet(waves(0.36, 0.03, 1.2), ink(0.82, 0.88, 0.95, 0.1), 0.45)
    stage.sheet(peaks(0.22, 0.62, 0.16, 0.46, 1.0), ink(0.28, 0.46, 0.47), 0.6)
    stage.sheet(waves(0.265, 0.025, 1.0, 1.5), ink(0.93, 0.96, 1.0), 0.8)
    stage.sheet(humps(0.05, 0.66, 0.24, 0.08, 3.0), ink(0.80, 0.87, 0.96), 1.0, shadow=0.1)


def city(stage: Stage, ink: Palette, _: Tensor) -> None:
    """Two rows of towers with large windows, and a street."""
    stage.sheet(blocks(0.2, 0.42, 0.2, 0.62, 6.0, 0.45), ink(0.66, 0.70, 0.80, 0.35), 0.3)
    stage.sheet(blocks(0.2, 0.56, 0.22, 0.46, 2.0, 0.4), ink(0.52, 0.54, 0.66), 0.55)
    for row in (0.29, 0.41):
        stage.sheet(blocks(row, 0.56, 0.10, 0.075, 2.0, 0.0), ink.lamp(1.0, 0.88, 0.55), 0.55, flat(row), shadow=0.0)
    stage.sheet(flat(0.25), ink(0.78, 0.76, 0.74), 0.8)
    stage.sheet(flat(0.205), ink(0.47, 0.47, 0.52), 1.0, shadow=0.1)
    stage.sheet(blocks(0.045, 0.5, 0.13, 0.045, 0.0, 0.0), ink(0.90, 0.86, 0.70), 1.0, flat(0.045), shadow=0.0)


def room(stage: Stage, ink: Palette, _: Tensor) -> None:
    """A wall with windows that show the sky, a picture, a skirting board and a floor of planks."""
    glass = torch.lerp(ink.low, ink.high, 0.55)
    stage.sheet(flat(3.0), ink(0.93, 0.83, 0.68), 0.75, shadow=0.0)
    for width, under, rise, colour in ((0.27, 0.46, 0.46, ink(0.70, 0.45, 0.34)), (0.225, 0.505, 0.37, glass)):
        stage.sheet(blocks(under, 1.3, width, rise, 0.0, 0.0), colour, 0.75, flat(under), shadow=0.1)
    stage.sheet(blocks(0.46, 1.3, 0.022, 0.46, 0.0, 0.0), ink(0.70, 0.45, 0.34), 0.75, flat(0.46), shadow=0.0)
    stage.sheet(flat(0.31), ink(0.98, 0.94, 0.86), 0.75, shadow=0.1)
    stage.sheet(flat(0.265), ink(0.72, 0.50, 0.36), 1.0, shadow=0.1)
    stage.sheet(blocks(0.0, 0.8, 0.2, 0.14, 0.0, 0.0, 0.08), ink(0.62, 0.41, 0.29), 1.0, shadow=0.0)


def forest(stage: Stage, ink: Palette, _: Tensor) -> None:
    """Pale trunks far off, dark trunks near, leaves above and ferns below."""
    stage.sheet(flat(3.0), ink(0.74, 0.86, 0.72, 0.35), 0.1, shadow=0.0)
    stage.sheet(blocks(-1.0, 0.36, 0.05, 4.0, 1.0, 0.0), ink(0.58, 0.73, 0.60, 0.2), 0.3, shadow=0.1)
    stage.sheet(blocks(-1.0, 0.78, 0.09, 4.0, 2.0, 0.0, 0.03), ink(0.50, 0.42, 0.36), 0.6)
    stage.sheet(flat(4.0), ink(0.34, 0.55, 0.38), 0.6, scallops(0.86, 0.08, 0.34))
    stage.sheet(humps(0.20, 0.52, 0.24, 0.13, 2.0), ink(0.42, 0.60, 0.40), 0.8)
    stage.sheet(flat(0.235), ink(0.60, 0.66, 0.42), 0.9, shadow=0.12)
    stage.sheet(humps(0.03, 0.48, 0.16, 0.09, 4.0), ink(0.44, 0.55, 0.32), 1.0, shadow=0.1)


SETS: dict[str, Callable[[Stage, Palette, Tensor], None]] = {
    "meadow": meadow,
    "sea": sea,
    "desert": desert,
    "snow": snow,
    "city": city,
    "room": room,
    "forest": forest,
}


def background(place: str, times: Sequence[str], camera: Camera, clock: Tensor) -> Tensor:
    """The empty set: (clips, 3, frames, rows, columns). `clock` (1, frames, 1, 1) is in seconds, for what moves."""
    ink = Palette(times, camera.x.device)
    stage = Stage(camera)
    if place != "room":
        stage.sky(ink.low, ink.high)
        colour, x, y = (torch.tensor([SUN[t][i] for t in times], device=camera.x.device) for i in range(3))
        for time in set(times):  # the radius and the glow are the same for all clips of one time
            chosen = torch.tensor([t == time for t in times], device=camera.x.device)
            _, _, _, radius, glow = SUN[time]
            part = Stage(select(camera, chosen))
            part.picture = stage.picture[chosen]
            part.disc(x[chosen], y[chosen], radius, colour[chosen], glow)
            stage.picture[chosen] = part.picture
    SETS[place](stage, ink, clock)
    return stage.picture


def select(camera: Camera, chosen: Tensor) -> Camera:
    """The camera of the clips that are chosen, by a mask `(clips,)`."""
    return Camera(
        camera.x[chosen], camera.y[chosen], camera.zoom[chosen], camera.start[chosen], camera.rows, camera.columns
    )
