"""A film whose frames are looked at while it is written."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

import av
import numpy as np
from msgspec.structs import replace

from sora_cli.media.stream import Frames, Master


def tapped(master: Master, wanted: Container[int], look: Callable[[int, Frames], None]) -> Master:
    """The same film; `look` is given each picture whose number is wanted, as `(height, width, 3)` sRGB bytes.

    What `look` raises ends the film.
    """

    def pictures() -> Iterator[av.VideoFrame]:
        for number, frame in enumerate(master.pictures()):
            if number in wanted:
                look(number, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
            yield frame

    return replace(master, pictures=pictures)
