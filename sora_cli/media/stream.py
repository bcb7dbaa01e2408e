"""What media hands on: frames, sound, and a film that is finished but not yet written, all as streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:  # who only plans a film needs no arrays
    import av
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 48_000
"""Sound in films is 48 kHz, as in broadcast and cinema (AES5)."""

Frames: TypeAlias = "NDArray[np.uint8]"
"""Pictures in time: `(frames, height, width, 3)`, sRGB bytes."""

Samples: TypeAlias = "NDArray[np.float32]"
"""Sound: `(n, channels)`, float32, full scale is -1..1."""


def largest(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest of the three channels `(..., 3)` there; `max` along so short an axis takes ten times as long."""
    import numpy as np

    return np.maximum(np.maximum(pictures[..., 0], pictures[..., 1]), pictures[..., 2])


class Sound(Struct, frozen=True):
    """Samples `(n, channels)`, float32 in -1..1, at `rate` Hz."""

    samples: Samples
    rate: int


class Chapter(Struct, frozen=True):
    """A scene's place in the film, for players: `start` and `end` in frames."""

    title: str
    start: int
    end: int


class Subtitle(Struct, frozen=True):
    """Words to read from `start` to `end`, in seconds; lines are parted by newlines."""

    start: float
    end: float
    text: str


class Kept(Struct, frozen=True):
    """A film of `frames` pictures whose packets go before what is new, or (where it `follows`) behind it, unchanged."""

    path: Path
    frames: int
    follows: bool = False


class Master(Struct, frozen=True, kw_only=True):
    """The finished film, in memory a frame at a time.

    `pictures()` starts a fresh pass and yields exactly `frames` pictures of `width` x `height`, display-referred
    sRGB primaries (BT.709), in any pixel format that libavfilter takes. `sound()` yields blocks of float32 samples
    `(n, 2)` at 48 kHz, in all exactly `round(frames / fps * 48000)` of them; None where the film is silent.
    """

    width: int
    height: int
    fps: Fraction
    frames: int
    pictures: Callable[[], Iterator[av.VideoFrame]]
    sound: Callable[[], Iterator[Samples]] | None = None
    title: str = ""
    author: str = ""
    chapters: tuple[Chapter, ...] = ()
    subtitles: tuple[Subtitle, ...] = ()
    """A track of them, in order, none into the next."""
    language: str = ""
    """That of the subtitles, by its three letters (ISO 639-2), where it is known."""
    sound_language: str = ""
    """That of the sound, likewise."""
    kept: Kept | None = None
    """A film that is written beside these pictures as it is."""

    sound_samples: int | None = None
    """Samples of its sound, where that is not as long as its pictures."""
    lettered: int = 0
    """Rows at the bottom of its pictures in which subtitles are read: no mark goes over them."""

    @property
    def samples(self) -> int:
        """Samples of sound in the whole film."""
        whole = round(self.frames / self.fps * SAMPLE_RATE)
        return whole if self.sound_samples is None else self.sound_samples


def middles(start: int, count: int, parts: int) -> list[int]:
    """The frames in the middle of `parts` equal parts of `count` frames from `start`; of few frames some come twice."""
    return [start + count * (2 * part + 1) // (2 * parts) for part in range(parts)]
