"""An open film: what it is, when it shows each frame, its frames by number, its sound.

A film is a film file, a still picture, an animated picture (GIF, PNG, WebP, AVIF) or a folder of numbered pictures.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from msgspec import Struct

from sora_cli.errors import MediaError
from sora_cli.media.filters import Chain, Step, rgb_bytes
from sora_cli.media.read.dolby import require_other_screens
from sora_cli.media.read.edits import edits_of
from sora_cli.media.read.facts import Probe
from sora_cli.media.read.index import Index
from sora_cli.media.read.opening import only_pictures, opened, opened_clip, require_file
from sora_cli.media.read.picture import TRANSPARENT, fit
from sora_cli.media.read.rgb import to_rgb
from sora_cli.media.read.sound import sound_blocks, sound_facts
from sora_cli.media.read.whole import require_whole
from sora_cli.media.stream import SAMPLE_RATE, Frames, Samples


class FileChapter(Struct, frozen=True):
    """A chapter as a container tells it, in seconds."""

    title: str
    start: Fraction
    end: Fraction


class Film(ABC):
    """An open film. Frames are counted from 0, in the order in which they are shown."""

    path: Path

    @property
    @abstractmethod
    def facts(self) -> Probe:
        """What it is.

        Raises:
            MediaError: it is damaged.
        """

    @property
    def header(self) -> Probe:
        """What it is as far as that is known without going through it; of film files no length, count or rate."""
        return self.facts

    def try_ends(self) -> None:
        """Decode its first frame and one near its end, without going through what lies between.

        Raises:
            MediaError: one of them cannot be decoded.
        """
        for _ in self.pictures(sorted({0, len(self.index.times) - 1})):
            pass

    @property
    @abstractmethod
    def index(self) -> Index:
        """When it shows each frame.

        Raises:
            MediaError: it is damaged.
        """

    @abstractmethod
    def frames(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """The frames with these numbers, in that order; the same object again where a number comes again.

        They come as the codec gives them, interlaced ones with the lines of one field drawn anew, and those of other
        primaries than BT.709's, or with transparency, as 16-bit RGB without. `to_rgb` makes pictures of them.

        Raises:
            MediaError: there is no such frame, or it cannot be decoded.
        """

    @property
    def told(self) -> tuple[str, str, tuple[FileChapter, ...]]:
        """The title, the author and the chapters that its container tells."""
        return "", "", ()

    def keyframes(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """The frames with these ascending numbers, which are keyframes; some may be missing."""
        return self.frames(numbers)

    def ahead(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """The frames with these ascending numbers, for who looks at them before the film is played.

        What must be decoded for them is kept for who asks next, where it is little.
        """
        return self.frames(numbers)

    def to_rgb(
        self,
        frame: av.VideoFrame,
        size: tuple[int, int] | None = None,
        pixels: str = "gbrp",
        fit: Literal["fill", "fit", "pad"] = "fill",
    ) -> list[Step]:
        """The filters that make upright planar RGB of the film's frames, which are like `frame`; see `rgb.to_rgb`."""
        return to_rgb(frame, size, self._aspect, pixels, fit)

    @property
    def _aspect(self) -> Fraction | None:
        """How wide the pixels of `frames` are for their height; None where they are square."""
        return None

    def pictures(self, numbers: Sequence[int], size: tuple[int, int] | None = None) -> Iterator[Frames]:
        """The frames with these numbers as `(height, width, 3)` sRGB bytes, upright.

        With `size` (width, height) they are scaled to cover it (Lanczos) and cropped about the centre.

        Raises:
            MediaError: as `frames` does.
        """
        chain: Chain | None = None
        for frame in self.frames(numbers):
            chain = chain or Chain(*self.to_rgb(frame))
            picture = rgb_bytes(chain(frame))
            yield fit(picture[np.newaxis], *size)[0] if size else picture

    def see_through(self, _numbers: Sequence[int], /) -> bool:
        """Whether anything is transparent in the frames with these ascending numbers, or in others of it.

        Raises:
            MediaError: as `frames` does.
        """
        return TRANSPARENT in self.facts.remarks

    def read(self, start: int, count: int, size: tuple[int, int] | None = None) -> Frames:
        """`count` frames from frame `start` as `(count, height, width, 3)`; a negative `start` counts from the end.

        Raises:
            MediaError: the film does not have these frames.
        """
        if start < 0:
            total = len(self.index.times)
            start += total
            if start < 0 or start + count > total:
                what = f"cannot read frames {start} to {start + count - 1} of {self.path}: it has {total} frames"
                raise MediaError(what)
        out: Frames | None = None
        for number, picture in enumerate(self.pictures(range(start, start + count), size)):
            if out is None:
                out = np.empty((count, *picture.shape), np.uint8)
            if picture.shape != out.shape[1:]:
                raise MediaError(f"cannot use {self.path}: its picture changes size half-way")
            out[number] = picture
        return np.empty((0, *(size or (0, 0))[::-1], 3), np.uint8) if out is None else out

    def shown_at(self, fps: Fraction) -> list[int]:
        """The number of the frame that is on at each tick of a constant rate, from the first frame's time on."""
        return self.facts.shown_at(fps)

    def sound(self, rate: int = SAMPLE_RATE) -> Iterator[Samples]:
        """Its sound as `sound_blocks` gives it; nothing where it has none."""
        return sound_blocks(self.path, rate) if self.facts.channels else iter(())


@contextmanager
def open_film(path: Path, *, sound: bool = True, clip: bool = False) -> Iterator[Film]:
    """Open a film of any kind; without `sound`, which is then not looked for, its facts tell of its pictures alone.

    Where it is most likely a `clip` of our own, it is opened sooner.

    Raises:
        MediaError: the file is missing, empty, cut short, has no pictures, or is no media that we know. Any libav error
            inside the block becomes a `MediaError` too.
    """
    from sora_cli.media.read.recut import Recut
    from sora_cli.media.read.reel import Reel
    from sora_cli.media.read.stills import stills

    if not path.is_dir():
        require_file(path)
    known = stills(path)
    if known is not None:
        yield known
        return
    require_file(path)
    require_whole(path)
    require_other_screens(path)
    with opened_clip(path) if clip else opened(path) as container:
        edits = edits_of(path, container, only_pictures(path, container))
        if not edits:
            yield Reel(path, container, sound=sound)
            return
    with opened(path, edited=False) as container:
        yield Recut(path, container, edits, sound=sound)


def read_small(film: Film, numbers: Sequence[int], pixels: int) -> Frames:
    """These frames of a film, `(n, height, width, 3)`, in its shape, of `pixels` pixels at most.

    Raises:
        MediaError: the film does not have these frames.
    """
    small: list[Frames] = []
    for picture in film.pictures(numbers):  # a long film in its own size may not fit in memory
        height, width = picture.shape[:2]
        scale = min(1.0, math.sqrt(pixels / (width * height)))
        small.append(fit(picture[np.newaxis], max(1, int(width * scale)), max(1, int(height * scale))))
    return np.concatenate(small)


def read_frames(path: Path, start: int, count: int, size: tuple[int, int] | None = None) -> Frames:
    """Frames of a film that is opened for them; see `Film.read`.

    Raises:
        MediaError: the file cannot be read, or does not have these frames.
    """
    with open_film(path) as film:
        return film.read(start, count, size)


def probe(path: Path) -> Probe:
    """What a media file is: a film of any kind, or sound.

    Raises:
        MediaError: the file is missing, empty, cut short, or no media that we know.
    """
    facts = None if path.is_dir() else sound_facts(path)
    if facts is not None:
        return facts
    with open_film(path) as film:
        return film.facts
