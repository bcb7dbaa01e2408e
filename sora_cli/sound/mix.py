"""The mix: layers of sound on four buses, added up block by block.

All of it streams: a block is mixed from whatever sounds in it, so memory does not grow with a film's length. Layers
rise and fall with equal power. Music and ambience go down while somebody speaks: the mixer knows from the plan when
that is, so they are down before the first syllable, where a detector would still be listening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sora_cli.errors import MediaError
from sora_cli.media.stream import SAMPLE_RATE, Samples
from sora_cli.sound.level import about_zero

Bus = Literal["dialogue", "effects", "ambience", "music"]
BUSES: tuple[Bus, ...] = ("dialogue", "effects", "ambience", "music")
DUCKED: tuple[Bus, ...] = ("ambience", "music")

BLOCK = SAMPLE_RATE // 2
JOIN = SAMPLE_RATE // 100
"""Half of the ramp at a cut, 10 ms: the join is 20 ms long, too short to hear and too long to click."""
LOOP_JOIN = 2 * SAMPLE_RATE
DUCK_BEFORE = SAMPLE_RATE // 4
"""How long before a line the beds begin to go down: 250 ms (film beds: 200 to 300 ms ahead)."""
DUCK_AFTER = SAMPLE_RATE * 7 // 10
"""How long after a line the beds take to come back: 700 ms (film beds: half a second to one)."""

Source = Callable[[], Iterator[Samples]]


class Layer(Struct, frozen=True, kw_only=True):
    """Sound in a place: `length` samples from film sample `start`, made of `source()` from its sample `skip` on.

    `gain` is a factor; `pan` goes from -1, left, to 1, right, with equal power.
    """

    bus: Bus
    source: Source
    start: int
    length: int
    skip: int = 0
    rise: int = 0
    fall: int = 0
    gain: float = 1.0
    pan: float = 0.0

    @property
    def end(self) -> int:
        """The film sample after its last one."""
        return self.start + self.length


class Duck(Struct, frozen=True):
    """Somebody speaks from film sample `start` up to `end`: beds are `depth` dB down."""

    start: int
    end: int
    depth: float


def mixed(layers: Sequence[Layer], total: int, ducks: Sequence[Duck] = ()) -> Iterator[Samples]:
    """Add the layers up: stereo blocks of half a second, in all `total` samples."""
    waiting = sorted(layers, key=lambda layer: layer.start, reverse=True)
    playing: list[_Player] = []
    for begin in range(0, total, BLOCK):
        block = np.zeros((min(BLOCK, total - begin), 2), np.float32)
        end = begin + len(block)
        while waiting and waiting[-1].start < end:
            playing.append(_Player(waiting.pop()))
        down = ducked(ducks, begin, end)
        for player in playing:
            player.add_to(block, begin, down)
        playing = [player for player in playing if player.end > end]
        yield block


def ducked(ducks: Sequence[Duck], begin: int, end: int) -> NDArray[np.float32]:
    """The beds' gain at film samples `begin` to `end`: straight down in dB before each line, and up after it."""
    at = np.arange(begin, end, dtype=np.float64)
    depth = np.zeros(end - begin)
    for duck in ducks:
        if duck.start - DUCK_BEFORE < end and duck.end + DUCK_AFTER > begin:
            into = np.clip((at - duck.start + DUCK_BEFORE) / DUCK_BEFORE, 0, 1)
            out = np.clip((duck.end + DUCK_AFTER - at) / DUCK_AFTER, 0, 1)
            depth = np.maximum(depth, duck.depth * np.minimum(into, out))
    return (10 ** (-depth / 20)).astype(np.float32)


class Feed:
    """Blocks of any length, taken in lengths of one's own."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._rest = np.zeros((0, 2), np.float32)

    def take(self, count: int) -> Samples:
        """The next `count` samples; fewer at the end."""
        parts = [self._rest]
        held = len(self._rest)
        while held < count and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            held += len(block)
        joined = np.concatenate(parts) if len(parts) > 1 else self._rest
        self._rest = joined[count:]
        return joined[:count]

    def give_back(self, samples: Samples) -> None:
        """Have samples that were taken come again."""
        self._rest = np.concatenate((samples, self._rest))

    def drop(self, count: int) -> None:
        """Let `count` samples go by, holding a block of them at a time."""
        while count and len(gone := self.take(min(count, BLOCK))):
            count -= len(gone)


class _Player:
    """A layer being played."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._feed = Feed(layer.source())
        self._feed.drop(layer.skip)
        self.end = layer.end

    def add_to(self, block: Samples, begin: int, down: NDArray[np.float32]) -> None:
        """Add what sounds in the film's samples from `begin` on; `down` is the gain of beds there."""
        layer = self._layer
        first, last = max(begin, layer.start), min(begin + len(block), self.end)
        if last <= first:
            return
        samples = self._feed.take(last - first)
        gain = ramps(first - layer.start, last - layer.start, layer.length, layer.rise, layer.fall) * layer.gain
        if layer.bus in DUCKED:
            gain = gain * down[first - begin : last - begin]
        placed = samples * gain[: len(samples), np.newaxis]
        block[first - begin : first - begin + len(samples)] += placed if not layer.pan else placed * sides(layer.pan)


def sides(pan: float) -> NDArray[np.float32]:
    """Gains of left and right for a place between -1 and 1: equal power, 1 and 1 in the middle."""
    angle = (pan + 1) * np.pi / 4
    return np.array((np.cos(angle), np.sin(angle)), np.float32) * np.float32(np.sqrt(2))


def ramps(first: int, last: int, length: int, rise: int, fall: int) -> NDArray[np.float32]:
    """The gain at samples `first` to `last` of a layer: a quarter sine up, one, a quarter sine down (equal power)."""
    if first >= rise and last <= length - fall:
        return np.ones(last - first, np.float32)
    at = np.arange(first, last, dtype=np.float64) + 0.5
    up = np.clip(at / rise, 0, 1) if rise else np.ones_like(at)
    down = np.clip((length - at) / fall, 0, 1) if fall else np.ones_like(at)
    return (np.sin(up * np.pi / 2) * np.sin(down * np.pi / 2)).astype(np.float32)


def looped(source: Source, what: str) -> Iterator[Samples]:
    """A sound over and over, each end crossfaded with the next beginning (equal power, 2 s or a quarter of it).

    Raises:
        MediaError: the sound cannot be read, or is too short to loop.
    """
    feed = Feed(source())
    start = feed.take(4 * LOOP_JOIN)
    join = min(LOOP_JOIN, len(start) // 4)
    if join < JOIN:
        raise MediaError(f"cannot loop {what}: it is too short", hint="use a sound of some seconds")
    rising = np.sin((np.arange(join, dtype=np.float32) + 0.5) / join * np.pi / 2)[:, np.newaxis]
    tail: Samples | None = None
    feed.give_back(start)
    while True:
        head = feed.take(join)
        yield head if tail is None else head * rising + tail * rising[::-1]
        tail = feed.take(join)
        while len(more := feed.take(BLOCK)):
            held = np.concatenate((tail, more))
            yield held[:-join]
            tail = held[-join:]
        feed = Feed(source())


def looped_file(path: Path) -> Iterator[Samples]:
    """A sound file over and over; see `looped`."""
    return looped(lambda: about_zero(path), str(path))
