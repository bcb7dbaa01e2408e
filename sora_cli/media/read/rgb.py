"""Frames as they are shown: upright, with square pixels, planar RGB of BT.709's primaries, nothing transparent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from sora_cli.media.filters import EXACT, Chain, Step, bars
from sora_cli.media.read.facts import no_hdr, shown_size, upright
from sora_cli.media.read.index import Shape
from sora_cli.media.read.picture import contain, cover

_MATRIX_NAMES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_MIRROR: Step = ("hflip", {})
_TURNS: dict[int, list[Step]] = {
    0: [],
    90: [("transpose", {"dir": "clock"})],
    180: [_MIRROR, ("vflip", {})],
    270: [("transpose", {"dir": "cclock"})],
}


def to_rgb(
    frame: av.VideoFrame,
    size: tuple[int, int] | None,
    aspect: Fraction | None = None,
    pixels: str = "gbrp",
    fit: Literal["fill", "fit", "pad"] = "fill",
) -> list[Step]:
    """The filters that turn, scale and make planar RGB (`pixels`) of frames like `frame`.

    `size` is (width, height), None to keep the frame's own: to `fill` it, frames are scaled to cover it and cropped;
    to `fit`, they are scaled to be inside it and `bars` are still to be added; `pad` does so too, but never enlarges.
    `aspect` is how wide a pixel is for its height. The colour matrix and range are those of the frame; a film that does
    not say is taken as players do: BT.709 from 720 lines up, BT.601 below.

    Raises:
        MediaError: the frames are high dynamic range, which we would show wrongly.
    """
    if frame.color_trc in {8, 9, 10, 16, 18}:
        raise no_hdr("the film")
    mirrored, turn = upright(frame)
    shown = shown_size(frame.width, frame.height, aspect, turn)
    wide, high = shown
    if size:
        wide, high = cover(*shown, *size) if fit == "fill" else contain(*shown, *size, enlarge=fit == "fit")
    steps = [*([_MIRROR] if mirrored else ()), *_TURNS[turn]]
    rgb = frame.format.is_rgb
    options = {"w": str(wide), "h": str(high), "flags": f"lanczos+{EXACT}"}
    if not rgb:
        options["in_color_matrix"], options["in_range"] = coded(frame, shown)
        options["out_range"] = "pc"
    if not rgb or (wide, high) != shown or frame.format.name != pixels:
        steps += [("scale", options), ("format", {"pix_fmts": pixels})]
    if size and (wide > size[0] or high > size[1]):
        left, top = (wide - size[0]) // 2, (high - size[1]) // 2
        steps.append(("crop", {"w": str(size[0]), "h": str(size[1]), "x": str(left), "y": str(top), "exact": "1"}))
    return steps


def coded(frame: av.VideoFrame, shown: tuple[int, int]) -> tuple[str, str]:
    """The matrix and the range that a frame of this size is coded in, as libavfilter names them."""
    guess = usual_matrix(shown)
    full = frame.color_range == 2 or frame.format.name.startswith("yuvj")
    return _MATRIX_NAMES.get(frame.colorspace, guess), "pc" if full else "tv"


def usual_matrix(size: tuple[int, int]) -> str:
    """What frames of this size are coded by where nothing tells it, as libavfilter names it."""
    return "bt709" if max(size) >= 1280 or min(size) >= 720 else "smpte170m"


class Steady:
    """Codes all frames of a film as its first one: where a broadcast goes on to another programme they change.

    So do the sizes of recordings of calls. All are brought to the `shape` of the film's first frame, whole: with black
    bars where they have another. Where it is not given, the first frame that comes is the film's first one.
    """

    def __init__(self, shape: Shape | None = None) -> None:
        self._first: av.VideoFrame | None = None
        self._coded = ("", "")
        self._shape = shape
        self._chains: dict[tuple[object, ...], Chain] = {}

    def __call__(self, frame: av.VideoFrame, shape: Shape) -> av.VideoFrame:
        """The frame, which has this shape, with the matrix and range of the first one, and in the film's shape."""
        if self._first is None:
            self._first, self._coded = frame, coded(frame, shape[:2])
            self._shape = self._shape or shape
        first, told, right = self._first, coded(frame, shape[:2]), self._shape or shape
        rgb = first.format.is_rgb or frame.format.is_rgb
        if shape == right and (told == self._coded or rgb):
            return frame
        key = (*shape, *told)
        if key not in self._chains:
            names = ("in_color_matrix", "in_range", "out_color_matrix", "out_range")
            options = {} if rgb else dict(zip(names, (*told, *self._coded), strict=True))
            wide, high = contain(round(shape[0] * shape[2] / right[2]), shape[1], *right[:2])
            options |= {"w": str(wide), "h": str(high), "flags": f"lanczos+{EXACT}"}
            self._chains[key] = Chain(("scale", options), ("format", {"pix_fmts": first.format.name}), bars(right[:2]))
        made = self._chains[key](frame)
        made.colorspace, made.color_range = first.colorspace, first.color_range
        made.color_primaries, made.color_trc = first.color_primaries, first.color_trc
        return made


# -- transparency and primaries ----------------------------------------------------------------------------------------


def has_alpha(frame: av.VideoFrame) -> bool:
    """Whether frames like this one have a channel of transparency."""
    return frame.format.name == "pal8" or any(part.is_alpha for part in frame.format.components)


def plain(
    frame: av.VideoFrame, aspect: Fraction | None, *, multiplied: bool = False
) -> Callable[[av.VideoFrame], av.VideoFrame] | None:
    """What makes upright 16-bit RGB of BT.709's primaries, over white, of frames like `frame`; None where they are so.

    Frames that come out are shown as they are: without turn, and with square pixels. Colours that are `multiplied` were
    made darker by how transparent they are.
    """
    alpha, change = has_alpha(frame), _change(int(frame.color_primaries), int(frame.color_trc))
    if not alpha and change is None:
        return None
    steps = to_rgb(frame, None, aspect, "gbrap16le" if alpha else "gbrp16le")
    if alpha and multiplied:
        chain = Chain(*steps)
        return lambda frame: _changed(_over_white(chain(frame)), change)
    chain = Chain(*steps, *(_OVER_WHITE if alpha else ()))
    return lambda frame: _changed(chain(frame), change)


_THREE = {f"map{number}{kind}": str(number * (kind == "p")) for number in range(3) for kind in "sp"}
_OVER_WHITE: tuple[Step, ...] = (
    ("negate", {}),
    ("premultiply", {"inplace": "1"}),
    ("mergeplanes", {**_THREE, "format": "gbrp16le"}),  # libswscale loses the end of the last row of each of its slices
    ("negate", {}),
)
"""1 - a (1 - c) = a c + (1 - a): what is transparent shows white."""


def _over_white(frame: av.VideoFrame) -> av.VideoFrame:
    """A planar frame of 16 bits whose colours are multiplied by how opaque they are, over white."""
    *colours, opaque = _rows(frame)
    return _of_rows(frame, [np.minimum(each.astype(np.int32) + (_FINE - opaque), _FINE) for each in colours])


def _rows(frame: av.VideoFrame) -> list[NDArray[np.uint16]]:
    """The planes of a planar frame of 16 bits."""
    coded = (np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1) for plane in frame.planes)
    return [plane[:, : frame.width] for plane in coded]


def _of_rows(like: av.VideoFrame, rows: Iterable[NDArray[np.integer]]) -> av.VideoFrame:
    """A planar frame of 16-bit RGB; the decoder may still need the one that it is made from."""
    out = av.VideoFrame(like.width, like.height, "gbrp16le")
    for plane, row in zip(out.planes, rows, strict=True):
        wide = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        wide[:, : like.width] = row
        plane.update(wide.tobytes())
    out.pts, out.time_base, out.color_range, out.colorspace = like.pts, like.time_base, 2, 0
    out.color_primaries = like.color_primaries
    return out


_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
PRIMARIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    4: ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), _C),
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
"""Chromaticities (x, y) of red, green, blue and white, by the code points of ITU-T H.273, table 2."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _to_xyz(primaries: int) -> NDArray[np.float64]:
    """The matrix from linear RGB to CIE XYZ seen under D65 (von Kries' rule in Bradford's cones)."""
    *colours, white = (_xyz(*point) for point in PRIMARIES[primaries])
    matrix = np.stack(colours, axis=1)
    matrix = matrix * np.linalg.solve(matrix, white)
    scale = (_BRADFORD @ _xyz(*_D65)) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ matrix)


_Change = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16]]
_FINE = 65_535


@cache
def _change(primaries: int, transfer: int) -> _Change | None:
    """Tables to light, the matrix to BT.709's primaries, and the table back; None where nothing changes.

    Video is shown with a gamma of 2.4 (ITU-R BT.1886), whatever its camera's curve; sRGB has a curve of its own
    (IEC 61966-2-1). The table back goes by the light's square root, which has fine steps in the dark.
    """
    if primaries not in PRIMARIES or primaries == 1:
        return None
    coded = np.linspace(0, 1, _FINE + 1)
    if transfer == 13:
        light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
        root = coded**2
        back = np.where(root <= 0.0031308, root * 12.92, 1.055 * root ** (1 / 2.4) - 0.055)
    else:
        gamma = {4: 2.2, 5: 2.8}.get(transfer, 2.4)
        light, back = coded**gamma, coded ** (2 / gamma)
    matrix = np.linalg.inv(_to_xyz(1)) @ _to_xyz(primaries)
    return light.astype(np.float32), matrix.astype(np.float32), np.rint(back * _FINE).astype(np.uint16)


def _changed(frame: av.VideoFrame, change: _Change | None) -> av.VideoFrame:
    """A planar frame of 16-bit RGB with its primaries changed to BT.709's; what they cannot show is clipped."""
    if change is None:
        return frame
    light, matrix, back = change
    green, blue, red = (light[plane] for plane in _rows(frame))
    mixed = (np.sqrt(np.clip(row[0] * red + row[1] * green + row[2] * blue, 0, 1)) for row in matrix[[1, 2, 0]])
    out = _of_rows(frame, (back[(each * _FINE + 0.5).astype(np.int32)] for each in mixed))
    out.color_primaries = 1
    return out
