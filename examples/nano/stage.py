"""The paper theatre itself: a camera that looks at sheets of coloured paper, one behind the other.

Everything is a torch tensor with clips first, so that a batch renders at once on whatever device trains.
Shapes: `clips, frames, rows, columns` for masks, and with 3 colour channels after the clips for the picture.
A sheet is given by the height of its upper edge over x; it reaches down to the bottom unless it has a lower edge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Edge = Callable[[Tensor], Tensor]  # world x -> height of an edge

FOCUS = 0.36  # the height about which the camera zooms: between the ground and the actor's middle
SHADOW_DEPTH = 0.05
SHADOW_STRENGTH = 0.2
STRIPS = 3  # upright strips of a pixel, each of which an edge covers or not


@dataclass
class Camera:
    """Where the camera looks, each `(clips, frames)`: shift to the right and upwards, in picture heights, and zoom."""

    x: Tensor
    y: Tensor
    zoom: Tensor
    start: Tensor  # (clips,): which stretch of the panorama the scene is set in
    rows: int
    columns: int

    def only(self, frames: Sequence[int]) -> Camera:
        """The same camera, at some frames only."""
        kept = list(frames)
        return Camera(self.x[:, kept], self.y[:, kept], self.zoom[:, kept], self.start, self.rows, self.columns)

    def axes(self, depth: float, *, start: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """World x (clips, frames, 1, columns), y (clips, frames, rows, 1) and pixels per unit, at a depth.

        Depth 1 is where the actor stands; towards 0 a sheet is farther off and follows the camera less.
        """
        zoom = 1 + (self.zoom - 1) * (0.3 + 0.7 * depth)
        across = (torch.arange(self.columns, device=self.x.device) + 0.5 - self.columns / 2) / self.rows
        up = 0.5 - (torch.arange(self.rows, device=self.x.device) + 0.5) / self.rows
        shift = self.x * depth
        if start:
            shift = shift + self.start[:, None] * max(depth, 0.2)
        x = shift[..., None] + across / zoom[..., None]
        lift = FOCUS + (0.5 - FOCUS) / zoom + self.y * (0.3 + 0.7 * depth)
        y = lift[..., None] + up / zoom[..., None]
        return x[:, :, None, :], y[..., None], (zoom * self.rows)[..., None, None]


class Stage:
    """A picture that is built from back to front: `(clips, 3, frames, rows, columns)`, 0 to 1."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        frames = camera.x.shape
        self.picture = torch.zeros(frames[0], 3, frames[1], camera.rows, camera.columns, device=camera.x.device)

    def sky(self, low: Tensor, high: Tensor) -> None:
        """A smooth gradient from the horizon's colour to the zenith's, both (3,) or (clips, 3)."""
        _, y, _ = self.camera.axes(0.05)
        share = ((y - 0.3) / 0.75).clamp(0, 1)[:, None]
        self.picture[:] = torch.lerp(_paint(low), _paint(high), share)

    def sheet(
        self, top: Edge, colour: Tensor, depth: float, bottom: Edge | None = None, shadow: float = SHADOW_STRENGTH
    ) -> None:
        """Lay a sheet of paper, whose upper edge throws a soft shadow on what is behind it.

        Args:
            top: its upper edge.
            colour: of the paper, (3,) or (clips, 3), 0 to 1.
            depth: 1 where the actor stands, towards 0 farther off.
            bottom: its lower edge; without one it reaches down to the bottom.
            shadow: how dark the shadow is, 0 to 1.
        """
        x, y, scale = self.camera.axes(depth)
        if shadow > 0:
            fall = ((top(x) - y) * (1 / SHADOW_DEPTH) + 1).clamp_(0, 1)
            if bottom is not None:
                fall = fall * ((y - bottom(x)) * (1 / SHADOW_DEPTH) + 1).clamp_(0, 1)
            self.picture.lerp_(torch.zeros_like(self.picture[:1, :1, :1, :1, :1]), (fall * fall * shadow)[:, None])
        self.picture.lerp_(_paint(colour), _cover(top, bottom, x, y, scale)[:, None])

    def disc(self, x: Tensor, y: Tensor, radius: float, colour: Tensor, glow: float) -> None:
        """The sun or the moon, with a soft halo; it hardly follows the camera.

        `x`, `y` (clips,) and `radius` are in heights of the picture; `glow` is the halo's strength, 0 to 1.
        """
        across, up, scale = self.camera.axes(0.05, start=False)
        distance = torch.hypot(across - x[:, None, None, None], up - y[:, None, None, None])
        halo = (1 - (distance - radius) / 0.22).clamp(0, 1) ** 2 * glow
        self.picture.lerp_(_paint(colour), halo[:, None])
        self.picture.lerp_(_paint(colour), ((radius - distance) * scale + 0.5).clamp(0, 1)[:, None])


def _paint(colour: Tensor) -> Tensor:
    """A colour (3,) or (clips, 3), ready to spread over a picture."""
    return colour.reshape(-1, 3, 1, 1, 1)


def _cover(top: Edge, bottom: Edge | None, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """How much of each pixel lies under an edge, and over the lower one.

    It is the mean over strips of the pixel. A pixel's share told from the slope of the edge, which is cheaper, drew
    hairlines where a body ends and its edge drops away.
    """
    covered = torch.zeros(())
    for strip in range(STRIPS):
        at = x + ((strip + 0.5) / STRIPS - 0.5) / scale
        part = ((top(at) - y) * scale + 0.5).clamp_(0, 1)
        if bottom is not None:
            part = part * ((y - bottom(at)) * scale + 0.5).clamp_(0, 1)
        covered = covered + part
    return covered / STRIPS


# ---------------------------------------------------------------------------------------------------- edges of sheets


def flat(height: float) -> Edge:
    """A level edge. All measures of edges are in heights of the picture."""
    return lambda x: torch.full_like(x, height)


def waves(height: float, size: float, length: float, phase: Tensor | float = 0.0) -> Edge:
    """A soft wavy edge; two waves of unlike lengths, so that it does not look stamped."""
    k = 6.2832 / length
    return lambda x: height + size * (torch.sin(k * x + phase) + 0.5 * torch.sin(0.618 * k * x + 1.3 + phase))


def scallops(height: float, size: float, length: float, phase: Tensor | float = 0.0) -> Edge:
    """A row of paper waves with crests: what a paper sea is made of."""
    k = 3.1416 / length
    return lambda x: height + size * (1 - torch.sin(k * x + phase).abs())


def _cell(x: Tensor, spacing: float, seed: float) -> tuple[Tensor, Tensor]:
    """Position within cells of a given spacing, and a fixed pseudo-random number of each cell."""
    index = torch.floor(x / spacing)
    number = torch.frac(torch.sin(index * 12.9898 + seed * 78.233) * 4375.85453).abs()
    return x - (index + 0.5) * spacing, number


def humps(  # noqa: PLR0917 - measures of a body, always in this order
    height: float, spacing: float, width: float, rise: float, seed: float = 0.0, vary: float = 0.3
) -> Edge:
    """Round bodies standing in a row: trees, bushes, rocks. `width` is half of one; `rise` its height."""

    def edge(x: Tensor) -> Tensor:
        across, number = _cell(x, spacing, seed)
        size = 1 - vary * number
        dome = torch.sqrt((1 - (across / (width * size)) ** 2).clamp(min=0))
        return torch.where(dome > 0, height + rise * size * dome, torch.full_like(x, height - 1))

    return edge


def peaks(  # noqa: PLR0917 - measures of a body, always in this order
    height: float, spacing: float, width: float, rise: float, seed: float = 0.0, vary: float = 0.3
) -> Edge:
    """Pointed bodies standing in a row: pines, mountains, roofs. `width` is half of one; `rise` its height."""

    def edge(x: Tensor) -> Tensor:
        across, number = _cell(x, spacing, seed)
        size = 1 - vary * number
        slope = 1 - across.abs() / (width * size)
        return torch.where(slope > 0, height + rise * size * slope, torch.full_like(x, height - 1))

    return edge


def blocks(  # noqa: PLR0917 - as above
    height: float, spacing: float, width: float, rise: float, seed: float = 0.0, vary: float = 0.5, bevel: float = 0.012
) -> Edge:
    """Blocks standing in a row: houses, trunks, windows. `width` is half of one; `bevel` how wide its sides slant."""

    def edge(x: Tensor) -> Tensor:
        across, number = _cell(x, spacing, seed)
        side = ((width - across.abs()) / bevel + 0.5).clamp(0, 1)
        return torch.where(side > 0, height + rise * (1 - vary * number) * side, torch.full_like(x, height - 1))

    return edge


def higher(first: Edge, second: Edge) -> Edge:
    """The outline of two bodies cut from the same sheet."""
    return lambda x: torch.maximum(first(x), second(x))
