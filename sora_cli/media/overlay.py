"""Laying a small picture on every frame of a film, in the frame's own pixel format.

Only the pixels under the badge are touched: some 0.1 ms a frame where converting the frame would cost more than 5 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from sora_cli.media.filters import Chain

KR_KB = {Colorspace.ITU601: (0.299, 0.114), Colorspace.ITU709: (0.2126, 0.0722)}
"""Luma weights of red and blue: ITU-R BT.601 and BT.709."""


class _Layer(Struct, frozen=True):
    """The badge in one plane of a frame: `alpha` in 0..255, `ink` = value * alpha, at the plane's own scale."""

    plane: int
    across: int
    down: int
    """The plane is this many times smaller than the frame."""
    wide: bool
    """Whether a value takes two bytes."""
    ink: NDArray[np.uint32]
    keep: NDArray[np.uint32]
    """255 - alpha."""


def overlay(
    frames: Iterator[av.VideoFrame],
    badge: NDArray[np.uint8],
    place: Callable[[int], tuple[int, int]],
    opacity: Callable[[int], float] = lambda _: 1.0,
) -> Iterator[av.VideoFrame]:
    """Yield the frames with `badge` blended in, with its upper left corner at `place(number)`, counted from 0.

    `opacity(number)` says how much of it is seen, 0 to 1; a frame on which it is not seen comes as it was given.

    `badge` is `(height, width, 4)` bytes of sRGB and alpha, of even width and height; places are even and keep the
    badge inside the frame. Frames keep their pixel format (exotic ones become planar RGB of the same depth), time and
    colour tags. The given frames are not written on: a decoder may still predict from them, or one still may be
    given many times.
    """
    layers: dict[tuple[str, int, int], list[_Layer]] = {}
    share = Chain(("null", {}))
    for number, given in enumerate(frames):
        part = opacity(number)
        if part <= 0:
            yield given
            continue
        frame = _fresh(given, share)
        key = (frame.format.name, int(frame.colorspace), int(frame.color_range))
        if key not in layers:
            layers[key] = _layers(frame, badge)
        x, y = place(number)
        for layer in layers[key]:
            _blend(frame, layer if part >= 1 else _faded(layer, part), x, y)
        yield frame


def _faded(layer: _Layer, part: float) -> _Layer:
    """The layer with its alpha made less; the ink with it, so that colours stay what they are."""
    cover = 255 - layer.keep
    less = np.rint(cover * part).astype(np.uint32)
    return replace(layer, ink=layer.ink * less // np.maximum(cover, 1), keep=255 - less)


def _blend(frame: av.VideoFrame, layer: _Layer, x: int, y: int) -> None:
    """Mix one plane's part of the badge into the frame, rounding to nearest."""
    plane = frame.planes[layer.plane]
    rows: NDArray[np.uint16] | NDArray[np.uint8] = _rows(plane)
    if layer.wide:
        rows = rows.view(np.uint16)
    height, width = layer.ink.shape
    left, top = x // layer.across, y // layer.down
    if frame.format.name in _PACKED:
        left *= 3
    under = rows[top : top + height, left : left + width]
    under[:] = (under * layer.keep + layer.ink + 127) // 255


_PACKED = {"rgb24": 8, "rgb48le": 16}
"""Packed formats that are written as they are, and their bits."""


def _fresh(frame: av.VideoFrame, share: Chain) -> av.VideoFrame:
    """A copy of the frame, in a format whose planes can be written one by one; `share` gives the same pixels again."""
    if frame.format.name in _PACKED or _planar(frame.format.name):
        fresh = share(frame)
        fresh.make_writable()
    else:
        deep = max(component.bits for component in frame.format.components) > 8
        fresh = frame.reformat(format="gbrp16le" if deep else "gbrp")
        fresh.pts = frame.pts
        if frame.time_base is not None:
            fresh.time_base = frame.time_base
    return fresh


def _rows(plane: av.video.plane.VideoPlane) -> NDArray[np.uint8]:
    """A plane's bytes, `(height, bytes of one line with its padding)`."""
    flat: NDArray[np.uint8] = np.frombuffer(memoryview(plane), dtype=np.uint8)
    return flat.reshape(plane.height, plane.line_size)


@cache
def _planar(name: str) -> bool:
    """Whether each component of a pixel format has a plane of its own, of whole little-endian numbers."""
    strange = name.endswith("be") or any(part in name for part in ("f16", "f32", "msb"))
    whole = name.startswith(("yuv", "gbr", "gray")) and not strange
    parts = av.VideoFormat(name).components
    return whole and len({part.plane for part in parts}) == len(parts)


def _layers(frame: av.VideoFrame, badge: NDArray[np.uint8]) -> list[_Layer]:
    """The badge split into the planes of frames like this one."""
    alpha = badge[..., 3].astype(np.float64)
    if frame.format.name in _PACKED:
        wide = np.repeat(alpha, 3, axis=1)
        deep = _PACKED[frame.format.name] == 16
        values = badge[..., :3].reshape(badge.shape[0], -1).astype(np.float64) * (257 if deep else 1)
        return [_layer(0, (1, 1), values, wide, deep=deep)]
    layers = []
    for number, component in enumerate(frame.format.components):
        if component.is_alpha:
            continue
        step = round(frame.width / component.width), round(frame.height / component.height)
        scale = ((1 << component.bits) - 1) / 255 if frame.format.is_rgb else 1 << (component.bits - 8)
        values = _component(frame, badge, number) * scale
        layers.append(_layer(component.plane, step, values, alpha, deep=component.bits > 8))
    return layers


def _layer(
    plane: int, step: tuple[int, int], values: NDArray[np.float64], alpha: NDArray[np.float64], *, deep: bool
) -> _Layer:
    """Values and alpha averaged down to the plane's scale, and multiplied once for all frames."""
    ink, cover = (np.rint(_shrunk(part, *step)) for part in (values * alpha, alpha))
    return _Layer(plane, *step, deep, ink.astype(np.uint32), (255 - cover).astype(np.uint32))


def _shrunk(values: NDArray[np.float64], across: int, down: int) -> NDArray[np.float64]:
    """The means of boxes of `across` x `down`."""
    height, width = values.shape
    boxes = values[: height // down * down, : width // across * across]
    means: NDArray[np.float64] = boxes.reshape(height // down, down, width // across, across).mean(axis=(1, 3))
    return means


def _component(frame: av.VideoFrame, badge: NDArray[np.uint8], number: int) -> NDArray[np.float64]:
    """Component `number` of the badge's colours, 0..255: R, G, B or grey, or Y, Cb, Cr in the frame's own matrix."""
    red, green, blue = (badge[..., channel].astype(np.float64) for channel in range(3))
    if frame.format.is_rgb:
        return (red, green, blue)[number]
    weight_red, weight_blue = KR_KB.get(Colorspace(frame.colorspace), KR_KB[Colorspace.ITU709])
    luma = weight_red * red + (1 - weight_red - weight_blue) * green + weight_blue * blue
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith(("yuvj", "gray"))
    if number == 0:
        return luma if full else 16 + luma * 219 / 255
    weight, colour = (weight_blue, blue) if number == 1 else (weight_red, red)
    return 128 + (colour - luma) / (2 * (1 - weight)) * (1 if full else 224 / 255)
