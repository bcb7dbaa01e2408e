"""Grey pictures of more than 8 bits, and TIFFs of kinds that Pillow opens and shows wrongly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from sora_cli.errors import UnusableFile

_BITS, _PHOTOMETRIC, _PLANAR, _SAMPLES = 258, 262, 284, 339
"""Tags of TIFF 6.0: bits of each sample, what they mean, whether channels lie apart, what kind of numbers they are."""
_WHITE_IS_ZERO, _APART, _SIGNED = 0, 2, 2


def told_of(path: Path, image: Image.Image) -> dict[str, int]:
    """What a picture that was just opened tells of its numbers, which `eight_bits` is to know.

    Raises:
        MediaError: it is a TIFF whose numbers are not shown as they are meant.
    """
    raw = image.tile[0][3] if isinstance(image, ImageFile) and image.tile else None
    key = image.info.get("transparency")
    if image.mode == "L" and isinstance(key, int) and isinstance(raw, str) and raw[:2] == "L;" and raw[2:].isdigit():
        return {"transparency": key * 255 // (2 ** int(raw[2:]) - 1)}  # Pillow widens the samples, and not their key
    if image.format != "TIFF":
        return {}
    from PIL.TiffImagePlugin import TiffImageFile

    if not isinstance(image, TiffImageFile):
        return {}
    tags = image.tag_v2
    bits = max(tags.get(_BITS) or (1,))
    if bits > 8 and tags.get(_PLANAR) == _APART and len(image.getbands()) > 1:
        raise _unknown(path, f"its channels of {bits} bits lie apart")
    if _SIGNED in (tags.get(_SAMPLES) or ()):
        raise _unknown(path, "its numbers may be negative")
    return {"bits": bits, "inverted": int(bits > 8 and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)}


def _unknown(path: Path, why: str) -> UnusableFile:
    return UnusableFile(f"cannot use {path}: it is a TIFF that sora does not read, as {why}", hint="save it as a PNG")


def eight_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """A grey picture of 16 or 32 bits, or of numbers from 0 to 1, as 8 bits, and what of it is opaque; None for all.

    Pillow's own conversion would clip it.
    """
    values, told = np.asarray(image), image.info
    grey: NDArray[np.uint8]
    if image.mode == "F":
        grey = (np.nan_to_num(values) * 255).clip(0, 255).astype(np.uint8)
    elif told.get("bits") == 32:
        grey = (values.astype(np.int32).view(np.uint32) >> 24).astype(np.uint8)
    else:
        grey = (values.astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    key = told.get("transparency")
    opaque = Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)) if isinstance(key, int) else None
    return Image.fromarray(255 - grey if told.get("inverted") else grey), opaque
