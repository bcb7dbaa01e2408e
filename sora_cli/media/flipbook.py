"""Films that are pictures one after the other, which libav does not read as one: numbered PNGs, an animated WebP."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from sora_cli.errors import MediaError
from sora_cli.media.picture import read_picture
from sora_cli.media.stills import picture_name
from sora_cli.media.stream import Frames
from sora_cli.media.sums import SUMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Flipbook:
    """Such a film: `pictures(numbers)`, ascending and counted from 0, are `(height, width, 3)` bytes each."""

    width: int
    height: int
    fps: Fraction
    frames: int
    pictures: Callable[[Sequence[int]], Iterator[Frames]]

    @property
    def duration(self) -> Fraction:
        """Its length in seconds."""
        return self.frames / self.fps


def flipbook(path: Path) -> Flipbook | None:
    """The film at `path` as a flipbook; None where it is another kind of film.

    Raises:
        MediaError: it is such a film, and cannot be read.
    """
    if path.suffix.lower() != ".webp" and not path.is_dir():
        return None
    try:
        return _sequence(path) if path.is_dir() else _animated(path)
    except (OSError, ValueError) as error:
        raise MediaError(f"cannot read {path}: {error}", hint="check that it is whole") from error


def _sequence(folder: Path) -> Flipbook:
    """The pictures of a folder, as `write_stills` leaves them."""
    with (folder / SUMS).open(encoding="utf-8") as file:  # "# 48 pictures, 24000/1001 a second"
        words = file.readline().split()
    fps, frames = Fraction(words[3]), int(words[1])
    height, width = read_picture(folder / picture_name(1)).shape[1:3]
    return Flipbook(
        width=width, height=height, fps=fps, frames=frames,
        pictures=lambda numbers: (read_picture(folder / picture_name(number + 1))[0] for number in numbers),
    )  # fmt: skip


def _animated(path: Path) -> Flipbook:
    """A WebP; its encoder joins frames that are alike, so a frame is as long as the shortest picture."""
    ends, at = [], 0
    with Image.open(path, formats=["WEBP"]) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            at += max(1, image.info.get("duration", 0))
            ends.append(at)
        width, height = image.size
    frames = round(at / min(end - start for start, end in zip([0, *ends], ends, strict=False)))

    def pictures(numbers: Sequence[int]) -> Iterator[Frames]:
        with Image.open(path, formats=["WEBP"]) as image:
            for number in numbers:
                image.seek(bisect_right(ends, (number + 0.5) * at / frames))
                yield np.asarray(image.convert("RGB"), np.uint8)

    return Flipbook(width=width, height=height, fps=Fraction(1000 * frames, at), frames=frames, pictures=pictures)
