"""What a still picture says of its colours by the code points of ITU-T H.273, beside or instead of a profile."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BEFORE_PIXELS = 1 << 16
"""Bytes of an AVIF in which its header lies."""
_CODED_LIGHT = {8, 9, 10, 16, 18}
"""Transfers that are no display's: linear and logarithmic light, PQ, HLG."""


def codes_of(image: Image.Image, path: Path) -> tuple[int, int] | None:
    """The primaries and the transfer of a picture that was just opened; None where its file names none.

    They stand in a PNG's `cICP` chunk, which goes before a profile (PNG, third edition, 11.3.2.6), or its `cHRM`, and
    in the `nclx` of HEIF and AVIF, behind which a profile goes (ISO/IEC 23008-12, 6.5.5).
    """
    if image.format == "PNG":
        with path.open("rb") as file:
            chunk = next((data for name, data in _chunks(file) if name == b"cICP"), b"")
        return (chunk[0], chunk[1]) if len(chunk) == 4 else _by_points(image.info)
    if image.info.get("icc_profile"):
        return None
    if image.format == "AVIF":
        with path.open("rb") as file:
            _, found, codes = file.read(_BEFORE_PIXELS).partition(b"colrnclx")
        return (codes[0] << 8 | codes[1], codes[2] << 8 | codes[3]) if found and len(codes) >= 4 else None
    named = image.info.get("nclx_profile")
    if not isinstance(named, dict):
        return None
    return int(named["color_primaries"]), int(named["transfer_characteristics"])


def _by_points(told: Mapping[str | tuple[int, int], Any]) -> tuple[int, int] | None:
    """The codes of a PNG that tells its primaries by their points alone (`cHRM`), as ffmpeg did before it knew `cICP`.

    Points that no code names are left out, and so are those beside a gamma that is no screen's.
    """
    points = told.get("chromaticity") or ()
    usual = abs(told.get("gamma", _SCREEN) / _SCREEN - 1) < _NEAR_GAMMA
    if len(points) != len(_SRGB) or "icc_profile" in told or "srgb" in told or not usual or _near(points, _SRGB):
        return None
    from sora_cli.media.read.rgb import PRIMARIES

    for code, (red, green, blue, white) in PRIMARIES.items():
        if _near(points, (*white, *red, *green, *blue)):
            return (code, _SRGB_CURVE)
    return None


def _near(points: Sequence[float], others: Sequence[float]) -> bool:
    return all(abs(one - other) < _NEAR for one, other in zip(points, others, strict=True))


def told_profile(image: Image.Image) -> dict[str, bytes]:
    """A profile for a picture that names its colours in its EXIF alone, as cameras that are set to Adobe RGB do."""
    if "icc_profile" in image.info or "srgb" in image.info:  # the latter is a PNG's own word
        return {}
    exif = image.getexif()
    space = exif.get_ifd(_EXIF).get(_COLOUR_SPACE)
    adobe = space == _ADOBE or (space == _UNCALIBRATED and _interop(exif) == "R03")
    return {"icc_profile": _adobe_rgb()} if adobe else {}


def _interop(exif: Image.Exif) -> object:
    """By which of DCF's rules a picture was made; None where nothing tells, for which Pillow has a KeyError."""
    try:
        return exif.get_ifd(_INTEROP).get(1)
    except KeyError:
        return None


_EXIF, _INTEROP, _COLOUR_SPACE = 0x8769, 0xA005, 0xA001
_ADOBE, _UNCALIBRATED = 2, 0xFFFF
"""Values of EXIF's ColorSpace; the first is of no standard. "R03" beside the second is (DCF 2.0, 3.1)."""
_ADOBE_RGB = {
    b"wtpt": (0.95045, 1.0, 1.08905),
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
"""Adobe RGB (1998), annex C: the points of its profile, and below its gamma of 563/256."""


def _adobe_rgb() -> bytes:
    """A profile of ICC's second version (ICC.1:2001, 6)."""
    parts = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65_536) for v in at)) for name, at in _ADOBE_RGB.items()
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, 563)
    parts |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    at, table, data = 132 + 12 * len(parts), struct.pack(">I", len(parts)), b""
    for name, part in parts.items():
        table += struct.pack(">4sII", name, at + len(data), len(part))
        data += part
    head = struct.pack(">II", at + len(data), 0) + struct.pack(">I", 0x02100000) + b"mntrRGB XYZ "
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + table + data


_SRGB = (0.3127, 0.3290, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
"""Where white, red, green and blue lie in sRGB, as `cHRM` has them."""
_SRGB_CURVE, _SCREEN = 13, 1 / 2.2
_NEAR, _NEAR_GAMMA = 0.002, 0.05
"""How far points and gammas are off by which the same is meant; the primaries of BT.601 are 0.01 from sRGB's."""


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The small chunks of a PNG before its pixels: their names, and what they hold."""
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        length = int.from_bytes(head[:4], "big")
        yield head[4:], file.read(4) if length == 4 else b""
        file.seek(length + 4 - (4 if length == 4 else 0), 1)


def is_hdr(codes: tuple[int, int]) -> bool:
    """Whether a picture is in PQ, HLG, or linear or logarithmic light."""
    return codes[1] in _CODED_LIGHT


def to_bt709(image: Image.Image, codes: tuple[int, int]) -> Image.Image:
    """An RGB picture with its primaries changed to BT.709's."""
    import av

    from sora_cli.media.read.rgb import plain

    pixels: NDArray[np.uint8] = np.ascontiguousarray(np.asarray(image, np.uint8))
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    frame.color_primaries, frame.color_trc = codes
    change = plain(frame, None)
    return image if change is None else Image.fromarray(change(frame).to_ndarray(format="rgb24"))
