"""How alike a shot's pictures are to the references of its cast, by an embedding that somebody brings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sora_cli.media.stream import Frames

Embed = Callable[[Sequence[Frames]], NDArray[np.float32]]
"""Pictures to unit vectors `(n, d)`."""
PLACES = (0.0, 0.25, 0.5)
"""Where parts of a picture begin, in parts of its sides; each is half as wide and high."""


def likeness(links: Iterable[Sequence[Frames]], references: NDArray[np.float32], embed: Embed) -> float:
    """The cosine of what is most like the references, where that is least: in its worst link, to its worst reference.

    `links` are a few pictures `(h, w, 3)` of each; they are looked at whole and in parts, since the cast fills a part.
    """
    return min(
        float((embed([part for picture in pictures for part in _parts(picture)]) @ references.T).max(axis=0).min())
        for pictures in links
    )


def _parts(picture: Frames) -> Iterator[Frames]:
    height, width = picture.shape[:2]
    yield picture
    for top in PLACES:
        for left in PLACES:
            first, start = int(top * height), int(left * width)
            yield np.ascontiguousarray(picture[first : first + -(-height // 2), start : start + -(-width // 2)])
