"""Films that are pictures, read by Pillow: a still, an animated GIF, PNG, WebP or AVIF, a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from sora_cli.errors import MediaError, UnusableFile
from sora_cli.media.read.facts import Probe
from sora_cli.media.read.film import Film
from sora_cli.media.read.index import Index, standard_rate
from sora_cli.media.read.picture import (
    TRANSPARENT,
    is_picture,
    of_picture,
    open_picture,
    picture_header,
    read_picture,
    see_through,
    srgb,
)
from sora_cli.media.read.sound import SOUND, AudioTrack, sound_track
from sora_cli.media.read.whole import behind, require_whole
from sora_cli.media.stream import Frames
from sora_cli.media.sums import SUMS

Draw = Callable[[Sequence[int]], Iterator[Frames]]
"""Gives the pictures with these numbers, `(height, width, 3)` bytes each."""
_MS = Fraction(1, 1000)
_SHORTEST, _USUAL = 10, 100
"""Milliseconds: what is shown no longer than the one is shown for the other, as browsers do."""
_MOST_PIXELS = 20_000_000_000
"""Pixels of all pictures of an animation, which must be drawn one after the other."""


class Stills(Film):
    """A film whose pictures are drawn one by one."""

    def __init__(self, facts: Probe, draw: Draw) -> None:
        self.path, self._facts, self._draw = facts.path, facts, draw

    @property
    def facts(self) -> Probe:
        """What it is."""
        return self._facts

    @property
    def index(self) -> Index:
        """When it shows each picture."""
        if self._facts.index is None:
            raise MediaError(f"cannot use {self.path}: it has no pictures")
        return self._facts.index

    def frames(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """The pictures with these numbers."""
        count = len(self.index.times)
        if any(number >= count or number < 0 for number in numbers):
            kind = "a single picture" if count == 1 else f"it has {count} frames"
            raise MediaError(f"cannot read frame {max(numbers)} of {self.path}: {kind}")
        frame, before = None, -1
        for number, picture in zip(numbers, self._draw(numbers), strict=True):
            if number != before or frame is None:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts, frame.time_base, before = int(self.index.times[number]), self.index.base, number
            yield frame


def stills(path: Path) -> Stills | None:
    """The film at `path`, where it is pictures; None where it is another kind.

    Raises:
        MediaError: it is such a film, and cannot be read.
    """
    if path.is_dir():
        return _folder(path)
    header = picture_header(path)
    if header is not None:
        return _single(path, *header)
    return _animated(path) if is_picture(path) else None


def _single(path: Path, width: int, height: int, name: str, mode: str) -> Stills:
    with open_picture(path) as image:
        remarks = of_picture(image)
    index = Index(np.zeros(1, np.int64), np.zeros(1, np.int64), _MS, 1)
    facts = Probe(
        path=path,
        kind="picture",
        width=width,
        height=height,
        frames=1,
        codec=name,
        pixels=mode,
        remarks=remarks,
        index=index,
    )
    return Stills(facts, _again(path))


def _again(path: Path) -> Draw:
    """One picture for every number."""

    def draw(numbers: Sequence[int]) -> Iterator[Frames]:
        picture = read_picture(path)[0]
        return (picture for _ in numbers)

    return draw


def _folder(folder: Path) -> Stills:
    """The pictures of a folder, as `write_stills` leaves them: its list begins `# 48 pictures, 24000/1001 a second`."""
    from sora_cli.media.stills import picture_name

    try:
        with (folder / SUMS).open(encoding="utf-8") as file:
            words = file.readline().split()
        frames, fps = int(words[1]), Fraction(words[3])
    except (OSError, ValueError, IndexError, ZeroDivisionError) as error:
        raise UnusableFile(
            f"cannot read {folder}: it is a folder, and no film of pictures that sora has delivered",
            hint="name a picture, film or sound file",
        ) from error
    height, width = read_picture(folder / picture_name(1)).shape[1:3]
    times = np.arange(frames, dtype=np.int64)
    track = sound_track(folder) if (folder / SOUND).exists() else AudioTrack()
    facts = Probe(
        path=folder,
        kind="film",
        width=width,
        height=height,
        fps=fps,
        frames=frames,
        duration=frames / fps,
        codec="png",
        pixels="rgb48be",
        container="folder",
        index=Index(times, times, 1 / fps, 1),
        channels=track.channels,
        rate=track.rate,
        sound_codec=track.codec,
    )
    return Stills(facts, lambda numbers: (read_picture(folder / picture_name(number + 1))[0] for number in numbers))


def _animated(path: Path) -> Stills:
    """A GIF, PNG, WebP or AVIF that moves, with each picture's own length."""
    require_whole(path)
    with open_picture(path) as image:
        # A PNG may have a picture before its animation, for programs that show no animations.
        first = 1 if image.info.get("default_image") else 0
        count = getattr(image, "n_frames", 1) - first
        if count * image.width * image.height > _MOST_PIXELS:
            raise UnusableFile(f"cannot read {path}: it is too large an animation", hint="convert it to an .mp4 first")
        lengths, clear = zip(*(_looked_at(image, number) for number in range(first, first + count)), strict=True)
        name, mode, (width, height) = (image.format or "").lower(), image.mode, image.size
        remarks = (*behind(path), *([TRANSPARENT] if any(clear) else []))
    tick = 10 if name == "gif" else 1  # a GIF's clock has hundredths
    ends = np.cumsum(np.array(lengths, np.int64))
    starts = np.concatenate(([0], ends[:-1])) // tick
    index = Index(starts, np.zeros(1, np.int64), _MS * tick, lengths[-1] // tick)
    fps = standard_rate(Fraction(1000, min(lengths)), Fraction(1, 50))
    if not index.variable:
        fps = index.rate(None)
    facts = Probe(
        path=path,
        kind="film",
        width=width,
        height=height,
        fps=fps,
        frames=count,
        duration=int(ends[-1]) * _MS,
        variable=index.variable,
        codec=name,
        pixels=mode,
        container=name,
        remarks=remarks,
        index=index,
    )

    def draw(numbers: Sequence[int]) -> Iterator[Frames]:
        with open_picture(path) as image:
            for number in numbers:
                image.seek(first + number)
                yield srgb(image)

    return Stills(facts, draw)


def _looked_at(image: Image.Image, number: int) -> tuple[int, bool]:
    """How many milliseconds a picture is shown, and whether one can see through it."""
    image.seek(number)
    image.load()
    length = round(image.info.get("duration") or 0)
    return length if length > _SHORTEST else _USUAL, see_through(image)
