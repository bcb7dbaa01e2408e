"""The sound: that of clips and of shots, in sync to the sample, with ambience and music under it.

Shots are joined with equal-power ramps: short ones where they cut, as long as the transition where they overlap. Where
a clip carries on from the one before, its first frames repeat the last of that one, with a sound of their own: there
the one crosses over into the other, up to the join. All of it streams: a block is mixed from whatever sounds in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sora_cli.errors import MediaError
from sora_cli.events import Note, Report, Silent
from sora_cli.master.loudness import levelled
from sora_cli.media.read import sound_blocks
from sora_cli.media.sound import stretched
from sora_cli.media.stream import SAMPLE_RATE, Samples
from sora_cli.plan.timeline import Cut, CutShot, Piece
from sora_cli.storyboard.model import SoundBed

BLOCK = SAMPLE_RATE // 2
JOIN = SAMPLE_RATE // 100
"""Half of the ramp at a cut, 10 ms: the join is 20 ms long, too short to hear and too long to click."""
CARRIED_JOIN = SAMPLE_RATE // 4
"""The longest crossing from a clip to the one that carries on from it: two makings of one ambience, heard as one."""
LOOP_JOIN = 2 * SAMPLE_RATE
BED_FADES = (SAMPLE_RATE, 2 * SAMPLE_RATE)
"""How long ambience and music come in and go out."""
UNDER = 0.4
"""Gain of ambience and of music where they lie under other sound, -8 dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Sound in a place: `length` samples from film sample `start`, made of `source()` from its sample `skip` on."""

    source: Callable[[], Iterator[Samples]]
    start: int
    length: int
    skip: int = 0
    rise: int = 0
    fall: int = 0
    gain: float = 1.0


def soundtrack(cut: Cut, bed: SoundBed, report: Report | None = None) -> Callable[[], Iterator[Samples]] | None:
    """The film's sound, ready to stream; None where nothing sounds.

    The first pass measures it, block by block, and sets its level: to `bed.loudness` where one is asked for, and in any
    case with true peaks no higher than -1 dBTP (EBU R 128). `report` hears when that loudness cannot be reached.
    """
    layers = _clip_layers(cut) + _cue_layers(cut)
    layers += _bed_layers(cut, bed, under=bool(layers))
    if not layers:
        return None
    total = round(cut.frames / cut.fps * SAMPLE_RATE)

    def tell(reached: float) -> None:
        message = (
            f"the sound comes out at {reached:.1f} LUFS, not at {bed.loudness:g}: its peaks leave no room for more"
        )
        (report or Silent())(Note(message, "use music or a sound with smaller peaks, or ask for less `loudness`"))

    return levelled(lambda: mixed(layers, total), bed.loudness, tell)


def mixed(layers: Sequence[Layer], total: int) -> Iterator[Samples]:
    """Add the layers up: blocks of half a second, in all `total` samples."""
    waiting = sorted(layers, key=lambda layer: layer.start)
    playing: list[_Player] = []
    for begin in range(0, total, BLOCK):
        block = np.zeros((min(BLOCK, total - begin), 2), np.float32)
        end = begin + len(block)
        while waiting and waiting[0].start < end:
            playing.append(_Player(waiting.pop(0)))
        for player in playing:
            player.add_to(block, begin)
        playing = [player for player in playing if player.end > end]
        yield block


class _Feed:
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
        joined = np.concatenate(parts)
        self._rest = joined[count:]
        return joined[:count]


class _Player:
    """A layer being played."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._feed = _Feed(layer.source())
        self._feed.take(layer.skip)
        self.end = layer.start + layer.length

    def add_to(self, block: Samples, begin: int) -> None:
        """Add what sounds in the film's samples from `begin` on."""
        layer = self._layer
        first, last = max(begin, layer.start), min(begin + len(block), self.end)
        if last <= first:
            return
        samples = self._feed.take(last - first)
        gain = ramps(first - layer.start, last - layer.start, layer.length, layer.rise, layer.fall) * layer.gain
        block[first - begin : first - begin + len(samples)] += samples * gain[: len(samples), np.newaxis]


def ramps(first: int, last: int, length: int, rise: int, fall: int) -> NDArray[np.float32]:
    """The gain at samples `first` to `last` of a layer: a quarter sine up, one, a quarter sine down (equal power)."""
    at = np.arange(first, last, dtype=np.float64) + 0.5
    up = np.clip(at / rise, 0, 1) if rise else np.ones_like(at)
    down = np.clip((length - at) / fall, 0, 1) if fall else np.ones_like(at)
    return (np.sin(up * np.pi / 2) * np.sin(down * np.pi / 2)).astype(np.float32)


def _clip_layers(cut: Cut) -> list[Layer]:
    layers = []
    placed = list(_placed(cut))
    for at, (number, begin, piece) in enumerate(placed):
        if not _sounds(piece):
            continue
        shot = cut.shots[number]
        following = cut.shots[number + 1] if number + 1 < len(cut.shots) else None
        first = at == 0 or placed[at - 1][0] != number
        last = at + 1 == len(placed) or placed[at + 1][0] != number
        crossings = [_crossing(cut, pair) for pair in (placed[max(0, at - 1) : at + 1], placed[at : at + 2])]
        layers.append(_clip_layer(cut, piece, begin, _joins(cut, shot, following, first=first, last=last), crossings))
    return layers


def _placed(cut: Cut) -> Iterator[tuple[int, int, Piece]]:
    """Every piece with the number of its shot and the film frame that it begins on."""
    for number, shot in enumerate(cut.shots):
        begin = shot.start
        for piece in shot.pieces:
            yield number, begin, piece
            begin += len(piece.frames)


def _sounds(piece: Piece) -> bool:
    return piece.clip.sound and bool(piece.frames) and not piece.silent


def _crossing(cut: Cut, pair: Sequence[tuple[int, int, Piece]]) -> int:
    """How many samples before a join one sound crosses over into the other; 0 where nothing carries on there."""
    if len(pair) < 2:
        return 0
    (_, begin, before), (_, join, piece) = pair
    if join != begin + len(before.frames) or not (_sounds(before) and _sounds(piece)):
        return 0
    shorter = min(len(before.frames), len(piece.frames))
    # At most half of each, so that a short piece's two crossings do not meet.
    return min(CARRIED_JOIN, _samples(piece.repeats, piece.clip.fps * piece.speed), _samples(shorter, cut.fps) // 2)


def _cue_layers(cut: Cut) -> list[Layer]:
    """The sound files of shots, which come and go with their shot's transitions."""
    layers = []
    for number, shot in enumerate(cut.shots):
        following = cut.shots[number + 1] if number + 1 < len(cut.shots) else None
        for cue in shot.cues:
            start, end = _samples(cue.start, cut.fps), _samples(cue.end, cut.fps)
            first, last = cue.start == shot.start, cue.end == shot.start + shot.frames
            come, go = _joins(cut, shot, following, first=first, last=last)
            layers.append(Layer(
                source=partial(sound_blocks, cue.path), start=start, length=end - start, rise=come, fall=go or 2 * JOIN
            ))  # fmt: skip
    return layers


def _joins(cut: Cut, shot: CutShot, following: CutShot | None, *, first: bool, last: bool) -> tuple[int, int]:
    """How long a piece's sound rises and falls for its shot's transitions, in samples; 0 where it just cuts."""
    come = (shot.overlap or shot.lead) if first else 0
    go = following.overlap if last and following is not None else 0
    return _samples(come, cut.fps), _samples(go, cut.fps)


def _clip_layer(cut: Cut, piece: Piece, begin: int, joins: tuple[int, int], crossings: Sequence[int]) -> Layer:
    """A piece's sound, with its `joins` by transitions and `crossings` by carrying on, both before and after it.

    At a plain cut it reaches a little past the cut where the clip has sound there.
    """
    clip, (come, go), (into, out) = piece.clip, joins, crossings
    start, end = _samples(begin, cut.fps), _samples(begin + len(piece.frames), cut.fps)
    skip = _samples(piece.frames[0], clip.fps * piece.speed)
    spare = _samples(clip.frames, clip.fps * piece.speed) - skip - (end - start)
    before = into or (0 if come or begin == 0 else min(JOIN, skip))
    after = 0 if go or out else max(0, min(JOIN, spare))
    return Layer(
        source=partial(stretched, clip.path, piece.speed) if piece.speed != 1 else partial(sound_blocks, clip.path),
        start=start - before,
        length=end - start + before + after,
        skip=skip - before,
        rise=come or into or 2 * JOIN,
        fall=go or out or 2 * JOIN,
    )


def _samples(frames: int, fps: Fraction) -> int:
    return round(frames / fps * SAMPLE_RATE)


def _bed_layers(cut: Cut, bed: SoundBed, *, under: bool) -> list[Layer]:
    total = _samples(cut.frames, cut.fps)
    gain = UNDER if under else 1.0
    rise, fall = (min(length, total // 4) for length in BED_FADES)
    sources: list[Callable[[], Iterator[Samples]]] = []
    if bed.ambience_path is not None:
        sources.append(partial(looped, bed.ambience_path))
    if bed.music_path is not None:
        sources.append(partial(sound_blocks, bed.music_path))
    return [Layer(source=source, start=0, length=total, rise=rise, fall=fall, gain=gain) for source in sources]


def looped(path: Path) -> Iterator[Samples]:
    """A sound file over and over, each end crossfaded with the next beginning (equal power, 2 s or a quarter of it).

    Raises:
        MediaError: the file cannot be read, or is too short to loop.
    """
    join = min(LOOP_JOIN, len(_Feed(sound_blocks(path)).take(4 * LOOP_JOIN)) // 4)
    if join < JOIN:
        raise MediaError(f"cannot loop {path}: it is too short", hint="use a sound of some seconds")
    rising = np.sin((np.arange(join, dtype=np.float32) + 0.5) / join * np.pi / 2)[:, np.newaxis]
    tail: Samples | None = None
    while True:
        feed = _Feed(sound_blocks(path))
        head = feed.take(join)
        yield head if tail is None else head * rising + tail * rising[::-1]
        tail = feed.take(join)
        while len(more := feed.take(BLOCK)):
            held = np.concatenate((tail, more))
            yield held[:-join]
            tail = held[-join:]
