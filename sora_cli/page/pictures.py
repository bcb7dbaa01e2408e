"""Pictures small enough to be in a page, as data URIs: WebP, of at most so many bytes each."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from sora_cli.media.stream import Frames
from sora_cli.page.data import Picture

ALL = 6_000_000
"""Bytes of all pictures of a page together."""
_LARGEST, _LEAST = 60_000, 1_500
"""Bytes of one picture: a page of few needs no more, and fewer show nothing."""
_HEIGHTS = (180, 120, 90, 64, 40)
_QUALITIES = (80, 60, 35, 10)


def share(count: int) -> int:
    """Bytes that each of `count` pictures may have."""
    return min(_LARGEST, max(_LEAST, ALL // max(1, count)))


def strip(frames: Sequence[Frames], most: int, shows: str = "", *, tall: int = 1) -> Picture:
    """Frames `(height, width, 3)` side by side as one picture of at most `most` bytes.

    It is `tall` times the usual height. Of the sizes and qualities that fit, the largest; the smallest where none does.
    """
    row = Image.fromarray(np.concatenate(frames, axis=1))
    for height in _HEIGHTS:
        size = min(row.height, tall * height)
        small = row.resize((max(1, round(row.width * size / row.height)), size), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            data = _webp(small, quality)
            if len(data) <= most:
                return _picture(data, small, shows)
    return _picture(data, small, shows)


def _webp(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "WEBP", quality=quality, method=2)
    return file.getvalue()


def _picture(data: bytes, image: Image.Image, shows: str) -> Picture:
    return Picture(f"data:image/webp;base64,{base64.b64encode(data).decode()}", image.width, image.height, shows)
