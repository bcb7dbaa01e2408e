"""When a film shows each of its frames. What is shown counts: not packets, and not what headers promise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from sora_cli.errors import MediaError, UnusableFile
from sora_cli.media.read.clock import PacketClock, packets
from sora_cli.media.read.layers import Decode, layered, with_layer
from sora_cli.media.read.whole import require_clusters

_ONE_SAMPLE_ONE_FRAME = {"h264", "hevc", "prores", "mjpeg", "png", "qtrle", "rawvideo"}
"""Codecs whose samples in an MP4 are a frame each (ISO/IEC 14496-15): they need not be decoded to be counted."""
_RATES = [Fraction(rate) for rate in (5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120)]
_RATES += [Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)]
_FASTEST = 120
_SAME = Fraction(1, 100_000)
"""The part by which 29.97, or what libav finds in times that were rounded, is off the rate that is meant."""
_PULLED_DOWN = (Fraction(4, 5), Fraction(2, 5))
"""Frames of cinema on discs and in broadcasts: of 2 one stays for 3 fields, or frames, the other for 2."""
_UNEVEN = 1.75
"""How many times as long as another such a frame stays at most, with what clocks round: half as long again."""
_NEARLY_ALL = 0.97
"""The part of a film's frames that a rate must show: clocks of recorders tremble."""
_ENOUGH, _STILL, _STILL_SECONDS = 20, 5, Fraction(1, 5)
"""A film that pauses less often than after so many frames, for so many frames and seconds, lost those: a recording of a
screen, whose frames come when something moves, pauses more often.
"""


Shape: TypeAlias = tuple[int, int, Fraction]
"""Width and height of a frame as it is coded, and how wide its pixels are for their height."""


class Index(Struct, frozen=True):
    """When a film shows each of its frames, and which of them one can start decoding at.

    `times` are presentation times in `base` ticks, ascending; `keys` those of the keyframes; `last` is how long the
    last frame is shown, in ticks. `seekable` says whether a frame can be found by its time. Where packets could not
    be decoded, `lost` are the times of those that show nothing. Where frames have another size than the first one, or
    wider pixels, `reshaped` has the time of the first of them and the shape of the film's first frame.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.int64]
    base: Fraction
    last: int
    seekable: bool = True
    lost: tuple[int, ...] = ()
    reshaped: tuple[int, Shape] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Index) or (self.base, self.last, self.lost) != (other.base, other.last, other.lost):
            return False
        if self.reshaped != other.reshaped:
            return False
        return np.array_equal(self.times, other.times) and np.array_equal(self.keys, other.keys)

    def __hash__(self) -> int:
        return hash((len(self.times), self.base, self.last))

    @property
    def hole(self) -> Fraction | None:
        """Seconds from the first frame to where one is missing because it cannot be decoded; None where none is."""
        usual = float(np.median(np.diff(self.times))) if len(self.times) > 1 else float(self.last)
        for at in self.lost:
            number = int(np.searchsorted(self.times, at))
            after = int(self.times[number]) if number < len(self.times) else at + usual
            if number and after - int(self.times[number - 1]) > 1.5 * usual:
                return (at - int(self.times[0])) * self.base
        return None

    @property
    def pause(self) -> tuple[Fraction, Fraction] | None:
        """Where a steady film has no frames: after how many seconds, and for how many; None where it has all."""
        steps = np.diff(self.times)
        if len(steps) < _ENOUGH:
            return None
        usual = float(np.median(steps))
        long = steps > max(_STILL * usual, float(_STILL_SECONDS / self.base))
        uneven = np.abs(steps[~long] - usual) > 0.1 * usual + 1  # the first of a film in fragments often is
        if not 0 < long.sum() <= len(steps) / _ENOUGH or uneven.sum() > len(steps) / _ENOUGH:
            return None
        number = int(np.argmax(long))
        return (int(self.times[number] - self.times[0]) + round(usual)) * self.base, (
            int(steps[number]) - round(usual)
        ) * self.base

    @property
    def _steps(self) -> NDArray[np.int64]:
        """How long each frame is shown, in ticks."""
        return np.append(np.diff(self.times), self.last)

    @property
    def variable(self) -> bool:
        """Whether the frames do not come at a constant rate (a tick of rounding aside), or slower than one a second."""
        if len(self.times) < 2:
            return False
        if int(np.median(np.diff(self.times))) * self.base > 1:
            return True
        steps = self._steps
        if self.last > 1.5 * np.median(steps[:-1]) + 1:
            return True
        ideal = np.linspace(self.times[0], self.times[-1], len(self.times))
        uneven = len(steps) > 2 and int(steps[:-1].max()) >= 2 * int(steps[:-1].min())
        return uneven or bool(np.abs(self.times - ideal).max() > 1.5)

    @property
    def length(self) -> Fraction:
        """Seconds from the first frame's time to the end of the last."""
        return (int(self.times[-1] - self.times[0]) + self.last) * self.base

    def shown_at(self, fps: Fraction) -> list[int]:
        """Which frame is on at each tick of a constant rate: the last one whose time is nearer to it than to the next.

        Clocks of recorders tremble: of frames whose time has come, every fourth would be shown twice, or not at all.
        """
        count = max(1, round(self.length * fps))
        half = Fraction(1, 2)  # `round` makes halves even: where a tick is a frame, each second one would be lost
        halves = [math.floor((k + half) / fps / self.base + half) for k in range(count)]
        found = np.searchsorted(self.times, np.array(halves, np.int64) + self.times[0], side="left") - 1
        return [max(0, int(number)) for number in found]

    def before_end(self, count: int, fps: Fraction) -> list[int]:
        """The last `count` frames at a constant rate; the first one again where the film is shorter."""
        backs = [Fraction(back) / fps / self.base for back in reversed(range(count))]
        if self.variable:
            at = np.searchsorted(self.times, [int(self.times[-1]) - round(back) for back in backs], side="right") - 1
            return [max(0, int(number)) for number in at]
        step = Fraction(int(self.times[-1] - self.times[0]), max(1, len(self.times) - 1)) or Fraction(self.last)
        return [max(0, len(self.times) - 1 - round(back / step)) for back in backs]

    def rate(self, told: Fraction | None) -> Fraction:
        """Frames a second, at least 1: the container's rate where the times agree with it, else theirs."""
        return _slow(self._rate(told))

    def _rate(self, told: Fraction | None) -> Fraction:
        if len(self.times) < 2:
            return standard_rate(told, Fraction(1, 1000)) if told and told <= _FASTEST else Fraction(25)
        span = int(self.times[-1] - self.times[0]) * self.base
        count = len(self.times) - 1
        if not self.variable:
            slack = max(Fraction(3, 2) * self.base, span / 1000)
            if told and abs(count / told - span) <= slack:
                return min((rate for rate in _RATES if abs(rate - told) <= told * _SAME), default=told)
            return standard_rate(count / span, Fraction(1, 200)) if span else told or Fraction(25)
        if told and (film := self._before_pulldown(told, span)):
            return film
        found = [told] if told and count / span * Fraction(4, 5) <= told <= _FASTEST else []
        steps = [Fraction(max(1.0, float(step))) for step in np.quantile(self._steps, [0.5, 0.05])]
        found += [standard_rate(1 / (step * self.base), Fraction(1, 20)) for step in steps]
        found.sort(key=lambda rate: rate not in _RATES)  # a mean over holes is told too, at which no camera records
        return max(found, key=lambda rate: min(len({*self.shown_at(rate)}), _NEARLY_ALL * len(self.times)))

    def _before_pulldown(self, told: Fraction, span: Fraction) -> Fraction | None:
        """The rate of a cinema film that was brought to a rate of video, where each of its frames comes once."""
        steps, count = np.diff(self.times), len(self.times) - 1
        if count < _ENOUGH or steps.max() > _UNEVEN * steps.min():
            return None
        rates = (told * part for part in _PULLED_DOWN)
        near = (rate for rate in rates if abs(count / rate - span) <= 1 / rate)
        return next((rate for rate in near if self.shown_at(rate)[:count] == [*range(count)]), None)


def _slow(rate: Fraction) -> Fraction:
    """A rate of at least one frame a second, of which each frame fills several where there are fewer."""
    return rate * -(-1 // rate) if rate < 1 else rate


def standard_rate(rate: Fraction, near: Fraction) -> Fraction:
    """Find the standard rate nearest to a measured one; where none is near, that one in numbers that are not large."""
    best = min(_RATES, key=lambda usual: abs(usual - rate))
    return best if abs(best - rate) <= rate * near else min(rate, Fraction(_FASTEST)).limit_denominator(1001)


def read_index(path: Path, container: InputContainer, stream: VideoStream) -> Index:
    """Go through a film once: by its packets, where each of them is a frame for certain, else by decoding.

    Raises:
        MediaError: the film has no frames, or is damaged.
    """
    found = None
    if container.format.name.startswith("mov,") and stream.codec_context.name in _ONE_SAMPLE_ONE_FRAME:
        found = _by_packets(path, container, stream)
        container.seek(stream.start_time or 0, stream=stream)
    found = found or _by_decoding(path, container, stream)
    if not len(found.times):
        raise UnusableFile(f"cannot use {path}: no frame of it can be decoded", hint="check that the file is complete")
    return found


def _by_packets(path: Path, container: InputContainer, stream: VideoStream) -> Index | None:
    """The index by packets; None where they do not tell."""
    times: list[int] = []
    keys: list[int] = []
    lasts: dict[int, int] = {}
    for packet in container.demux(stream):
        if not packet.size or packet.is_discard:
            continue
        if packet.is_corrupt:
            raise damaged(path, f"after {len(times)} frames")
        if packet.pts is None or not _has_picture(packet) or _begins_anew(packet):
            return None
        times.append(packet.pts)
        lasts[packet.pts] = packet.duration or 0
        if packet.is_keyframe:
            keys.append(packet.pts)
    if not keys or min(times) < keys[0] or len(lasts) < len(times) or times[0] != keys[0]:
        return None
    return _index(times, keys, stream.time_base or Fraction(1), lasts[max(times)], seekable=True)


def _has_picture(packet: Packet[VideoStream]) -> bool:
    """Whether a packet of H.264 or HEVC has a slice of a picture, by its NAL units (ISO/IEC 14496-15).

    A large one has, if it begins with a unit: where it was never written, or copied, there are zeros.
    """
    codec = packet.stream.codec_context.name
    if codec not in _SLICES or (packet.size > _SMALL and any(memoryview(packet)[:4])):
        return True
    return any(kind in _SLICES[codec] for kind, _ in _units(packet))


def _begins_anew(packet: Packet[VideoStream]) -> bool:
    """Whether another stream may begin with a packet, of another size: joined files tell so before a keyframe."""
    codec = packet.stream.codec_context
    if packet.has_sidedata("new_extradata"):
        return True
    if not packet.is_keyframe or codec.name not in _SLICES:
        return False
    known = codec.extradata or b""
    return any(kind == _SEQUENCE[codec.name] and bytes(unit) not in known for kind, unit in _units(packet))


def _units(packet: Packet[VideoStream]) -> Iterator[tuple[int, memoryview]]:
    """The NAL units of a packet of H.264 or HEVC in an MP4, before its first slice and that one, with their kinds."""
    codec, data, at = packet.stream.codec_context.name, memoryview(packet), 0
    while at + 4 < len(data):
        kind = data[at + 4] >> 1 & 63 if codec == "hevc" else data[at + 4] & 31
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end == at + 4:
            return
        yield kind, data[at + 4 : end]
        if kind in _SLICES[codec]:
            return
        at = end


_NO_TIMES = 0x80
"""libavformat's AVFMT_NOTIMESTAMPS: a bare stream, for whose frames it guesses times."""
_SLICES = {"h264": range(1, 6), "hevc": range(32)}
_SEQUENCE = {"h264": 7, "hevc": 33}
"""The NAL units that tell a stream's size (ITU-T H.264 and H.265, 7.4.1)."""
_SMALL = 200
"""Bytes of a packet that may be too small for a picture."""


def _by_decoding(path: Path, container: InputContainer, stream: VideoStream) -> Index:
    """The index by decoding every frame."""
    require_clusters(path)
    clock, base = PacketClock(container), stream.time_base or Fraction(1)
    times: list[int | None] = []
    keys: list[int] = []
    sent: list[int] = []
    failed: list[int] = []
    shapes: dict[Shape, int] = {}  # with the number of the first frame that has it
    last = 0
    decode = decoder(stream, failed)
    for packet in packets(container, stream, clock):
        if packet.size and packet.pts is not None:
            sent.append(packet.pts)
            keys += sent[-1:] if packet.is_keyframe else []
        for frame in decode(packet):
            if frame.is_corrupt:
                raise damaged(path, f"after {len(times)} frames")
            shapes.setdefault(shape_of(stream, frame), len(times))
            times.append(frame.pts)
            last = frame.duration or 0
    known = _mended(times)
    told = not int(container.format.flags) & _NO_TIMES
    ordered = told and len(known) == len(times) and all(one < other for one, other in pairwise(known))
    if not ordered:
        known, last = _counted(len(times), stream, base)
    last = max(last, _told_end(stream, base) - known[-1] if known else 0)
    found = _index(known, keys, base, last, seekable=ordered and not clock.jumped)
    # A decoder of many threads says late which packet failed.
    lost = tuple(sorted({*sent} - {*known})) if failed else ()
    if lost and (lost[-1] - known[-1]) * base > _STILL_SECONDS:
        raise damaged(path, f"from {float((known[-1] - known[0]) * base):.1f} s on, to its end")
    changed = [number for number in shapes.values() if 0 < number < len(known)]
    return replace(found, lost=lost, reshaped=(known[changed[0]], next(iter(shapes))) if changed else None)


def shape_of(stream: VideoStream, frame: av.VideoFrame) -> Shape:
    """The width and height of a frame that was just decoded, and how wide its codec says that its pixels are.

    The latter is 1 but for MPEG-2, whose broadcasts change it: decoders of many threads tell it too soon, or too late.
    """
    context = stream.codec_context
    wide = context.sample_aspect_ratio if context.name == "mpeg2video" else None
    return frame.width, frame.height, wide or Fraction(1)


def decoder(stream: VideoStream, failed: list[int] | None = None) -> Decode:
    """What decodes a stream's packets, transparency that lies beside them too.

    Where a packet cannot be decoded, a time is added to `failed`.
    """
    pictures = partial(frames_of, failed=failed)
    return with_layer(stream, pictures) if layered(stream) else pictures


def frames_of(packet: Packet[VideoStream], failed: list[int] | None = None) -> Iterator[av.VideoFrame]:
    """The frames of a packet; none where it holds none, or needs frames that the file does not have.

    An empty one (Ogg has them) says that the frame before it is shown on.
    """
    if not packet.size and packet.pts is not None:
        return
    try:
        yield from packet.decode()
    except av.error.InvalidDataError:
        if failed is not None and packet.pts is not None:
            failed.append(packet.pts)


_FEW = 0.05
"""The part of a film's frames that may have no time, or one before its turn, and get one between their neighbours."""


def _mended(times: Sequence[int | None]) -> list[int]:
    """Times of frames in the order in which they are shown; those that are missing or not in turn lie between others.

    Where a stream was joined a time may come twice. Where more than a few are wrong they are left as they are.
    """
    known = [time for time in times if time is not None]
    kept: list[int] = []  # places of the times that stay
    for place, time in enumerate(times):
        if time is not None and (not kept or time > (times[kept[-1]] or 0)):
            kept.append(place)
    if len(kept) < 2 or kept[-1] != len(times) - 1 or kept[0] or len(times) - len(kept) > _FEW * len(times):
        return known
    right = np.interp(range(len(times)), kept, [times[place] or 0 for place in kept])
    return [round(float(time)) for time in right]


def _counted(count: int, stream: VideoStream, base: Fraction) -> tuple[list[int], int]:
    """Times of frames that have none: at the rate that the stream tells."""
    step = max(1, round(1 / ((stream.guessed_rate or stream.average_rate or Fraction(25)) * base)))
    return [number * step for number in range(count)], step


def _told_end(stream: VideoStream, base: Fraction) -> int:
    """Read the end of the stream from Matroska's tags, `00:01:02.500000000`, in ticks; 0 where there is no such tag."""
    parts = stream.metadata.get("DURATION", "").split(":")
    if len(parts) != 3:
        return 0
    try:
        return round((int(parts[0]) * 3600 + int(parts[1]) * 60 + Fraction(parts[2])) / base)
    except ValueError:
        return 0


def _index(times: Sequence[int], keys: Sequence[int], base: Fraction, last: int, *, seekable: bool) -> Index:
    """An index; a last frame that does not say how long it is shown is shown as long as the median one."""
    shown = np.sort(np.array(times, np.int64))
    usual = int(np.median(np.diff(shown))) if len(shown) > 1 else 0
    starts = np.array(sorted({*keys} & {*times}), np.int64)  # numpy's `unique` imports all of its masked arrays
    return Index(shown, starts, base, max(last, usual, 1), seekable)


def damaged(path: Path, where: str) -> MediaError:
    """The error for a film with a frame that cannot be decoded."""
    return UnusableFile(f"cannot use {path}: it is damaged {where}", hint="make or copy it again")
