"""Pictures laid into the frames of a film, each in its own part of the picture, through a mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image

from sora_cli.media.read import open_film
from sora_cli.media.stream import Frames, Master


class Inlay(Struct, frozen=True):
    """Frames of clips, laid over the film's frames from `first` on, at `place` (left, top, width, height in pixels).

    `pieces` are clips and the numbers of their frames that show, in order. `mask` gives, for a frame of the film, where
    it is seen: `(height, width)` in 0..1, as large as its place.
    """

    first: int
    place: tuple[int, int, int, int]
    pieces: Sequence[tuple[Path, Sequence[int]]]
    mask: Callable[[int], NDArray[np.float32]]

    @property
    def frames(self) -> int:
        """How many frames it covers."""
        return sum(len(numbers) for _, numbers in self.pieces)

    def pictures(self) -> Iterator[Frames]:
        """Its frames, as large as its place."""
        for path, numbers in self.pieces:
            with open_film(path) as film:
                for picture in film.pictures(numbers):
                    yield np.asarray(Image.fromarray(picture).resize(self.place[2:], Image.Resampling.LANCZOS))


def inlaid(master: Master, inlays: Sequence[Inlay], canvas: tuple[int, int], at: tuple[int, int] = (0, 0)) -> Master:
    """A film with inlays, on a canvas (width, height in pixels) on which its own picture stands at `at`.

    Outside the inlays' masks each pixel is as it was; a frame without an inlay comes as it was given, where the canvas
    is the film's.
    """
    same = canvas == (master.width, master.height)

    def pictures() -> Iterator[av.VideoFrame]:
        running = [(each, each.pictures()) for each in inlays]
        for number, frame in enumerate(master.pictures()):
            over = [(each, film) for each, film in running if each.first <= number < each.first + each.frames]
            if same and not over:
                yield frame
                continue
            whole = _on(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), canvas, at)
            for each, film in over:
                _lay(whole, next(film), each, number)
            done = av.VideoFrame.from_ndarray(whole, format="rgb24")
            done.pts, done.time_base = number, 1 / master.fps
            yield done

    return replace(master, width=canvas[0], height=canvas[1], pictures=pictures)


def _on(picture: Frames, canvas: tuple[int, int], at: tuple[int, int]) -> Frames:
    whole = np.zeros((canvas[1], canvas[0], 3), np.uint8)
    height, width = picture.shape[:2]
    whole[at[1] : at[1] + height, at[0] : at[0] + width] = picture
    return whole


def _lay(whole: Frames, picture: Frames, inlay: Inlay, number: int) -> None:
    """Mix one picture into its place."""
    left, top, width, height = inlay.place
    under = whole[top : top + height, left : left + width]
    part = inlay.mask(number)[..., None]
    under[:] = np.rint(under * (1 - part) + picture * part).astype(np.uint8)
