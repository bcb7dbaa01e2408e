"""Film files, read by libav: exact random access to the frames that are shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext
from msgspec.structs import replace

from sora_cli.errors import MediaError, UnusableFile
from sora_cli.media.filters import source_node
from sora_cli.media.read.aperture import Cut, aperture
from sora_cli.media.read.clock import packets
from sora_cli.media.read.facts import Probe, read_tags, shown_size, told_turn, upright
from sora_cli.media.read.film import FileChapter, Film
from sora_cli.media.read.index import Index, damaged, decoder, frames_of, read_index, shape_of
from sora_cli.media.read.layers import layered, multiplied
from sora_cli.media.read.opening import only_pictures, opened, picture_streams
from sora_cli.media.read.picture import TRANSPARENT
from sora_cli.media.read.rgb import Steady, plain
from sora_cli.media.read.sound import AudioTrack, last_heard, sound_track
from sora_cli.media.read.whole import behind, require_clusters

_WIDE = 100
"""Frames that are decoded and passed over rather than sought past."""
_LONGER = Fraction(1, 5)
"""Seconds by which sound is longer than its picture and nobody misses it: encoders fill their last block."""
_LITTLE = 64_000_000
"""Bytes of frames that are kept from a look at them until they are played."""
_RGB = 24
"""Bits of a pixel of our own clips, of which nothing is known before a frame is decoded."""
_NEAR_END = 250
"""Frames that are decoded after the last keyframe: as many as encoders put between two."""
Numbered = Iterator[tuple[int, av.VideoFrame]]


class Reel(Film):
    """A film file."""

    def __init__(self, path: Path, container: InputContainer, *, sound: bool = True) -> None:
        self.path, self._sound = path, sound
        self._container, self._stream = container, only_pictures(path, container)
        self._colours = _colours(self._stream.codec_context)  # its container's, which some decoders forget
        self._used = False  # whether the container has been read from
        self._square = False
        self._kept: dict[int, av.VideoFrame] = {}  # frames that were decoded ahead, by number

    @property
    def index(self) -> Index:
        """When it shows each frame. The first call reads the whole file."""
        return self._coded

    @cached_property
    def _coded(self) -> Index:
        if not self._used:
            self._used = True
            return read_index(self.path, self._container, self._stream)
        with self._reopened() as container:
            return read_index(self.path, container, only_pictures(self.path, container))

    def _reopened(self) -> AbstractContextManager[InputContainer]:
        return opened(self.path)

    @cached_property
    def facts(self) -> Probe:
        """What it is."""
        index, stream = self.index, self._stream
        fps = index.rate(stream.guessed_rate or stream.average_rate or stream.base_rate)
        count = len(index.times)
        seconds = index.length if index.variable else count / fps
        return replace(
            self.header,
            fps=fps,
            frames=count,
            duration=seconds,
            variable=index.variable,
            index=index,
            remarks=(*self.header.remarks, *_missing(index), *self._unused_sound(seconds)),
        )

    def _unused_sound(self, seconds: Fraction) -> Iterator[str]:
        """What a film of so many seconds has of sound that nobody will hear."""
        if not self.header.channels:
            return
        begin = int(self.index.times[0]) * self.index.base
        number = sound_track(self.path).number
        track = next(each for each in self._container.streams.audio if each.index == number)
        if track.start_time is not None and track.time_base:
            before = begin - track.start_time * track.time_base
            if before > _LONGER:
                yield f"its sound begins {float(before):.1f} s before its picture: that part is not used"
        over = self._sound_end(track) - begin - seconds
        if over > _LONGER:  # headers may tell where subtitles end, or a clock that jumped
            over = last_heard(self.path, number) - begin - seconds
        if over > _LONGER:
            yield f"its sound goes on for {float(over):.1f} s after its picture: that part is not used"

    def _sound_end(self, track: AudioStream) -> Fraction:
        """When a track ends at the latest, by what the headers say, on the clock of the frames."""
        container = self._container
        from_zero = container.format.name.startswith("matroska")  # its duration is where it ends
        begin = 0 if from_zero else container.start_time or 0
        ends = [Fraction(begin + (container.duration or 0), av.time_base)]
        if track.duration and track.time_base:
            ends.append(((track.start_time or 0) + track.duration) * track.time_base)
        return min(ends)

    @cached_property
    def header(self) -> Probe:
        """What it is as its header and its first frame tell: all but length, count and rate."""
        stream = self._stream
        context = stream.codec_context
        mirrored, rotation = upright(self._first)
        first = self._cut(self._first)
        width, height = shown_size(first.width, first.height, stream.sample_aspect_ratio, rotation)
        track = sound_track(self.path) if self._sound and self._container.streams.audio else AudioTrack()
        pixels = context.pix_fmt or ""
        alpha = layered(stream) or (bool(pixels) and any(part.is_alpha for part in av.VideoFormat(pixels).components))
        return Probe(
            path=self.path,
            kind="film",
            width=width,
            height=height,
            rotation=rotation,
            mirrored=mirrored,
            channels=track.channels,
            rate=track.rate,
            codec=context.name,
            sound_codec=track.codec,
            pixels=pixels,
            color=read_tags(self.path, *_merged(_colours(context), self._colours)),
            container=self._container.format.name,
            remarks=(*self._others(), *track.remarks, *([TRANSPARENT] if alpha else [])),
        )

    def _others(self) -> Iterator[str]:
        """A remark on what of its pictures is not shown, or otherwise than is told."""
        yield from behind(self.path)
        tracks = picture_streams(self._container)
        if len(tracks) > 1:
            place = [each.index for each in tracks].index(self._stream.index) + 1
            yield f"it has {len(tracks)} tracks of pictures: track {place} is shown"
        asked, shown = told_turn(self._first), upright(self._first)[1]
        if abs((asked - shown + 180) % 360 - 180) > 1:
            side = "right" if asked > 0 else "left"
            yield f"its header turns it {abs(asked)} degrees to the {side}: it is shown at the next quarter turn"

    def try_ends(self) -> None:
        """Decode the first frame, and what comes after the last keyframe; all, where that cannot be sought."""
        require_clusters(self.path)
        if not (self._first and sum(1 for _ in self._after_last_key())):
            super().try_ends()

    def _after_last_key(self) -> Iterator[av.VideoFrame]:
        """Some frames from the last keyframe on; none where nothing tells where that is."""
        with self._reopened() as container:
            stream = only_pictures(self.path, container)
            try:
                container.seek((container.start_time or 0) + (container.duration or 0))
            except av.FFmpegError:
                return
            decode = decoder(stream)
            frames = (frame for packet in container.demux(stream) for frame in decode(packet))
            for frame in islice(frames, _NEAR_END):
                if frame.is_corrupt:
                    raise damaged(self.path, "near its end")
                yield frame

    @cached_property
    def _first(self) -> av.VideoFrame:
        for _, frame in self._numbered(0):
            return frame
        raise UnusableFile(
            f"cannot use {self.path}: no frame of it can be decoded", hint="check that the file is complete"
        )

    @cached_property
    def _cut(self) -> Cut:
        """What takes from each frame what its container says is not shown."""
        return Cut(aperture(self.path, self._container, self._stream))

    @property
    def _aspect(self) -> Fraction | None:
        return None if self._square else self._stream.sample_aspect_ratio

    @property
    def told(self) -> tuple[str, str, tuple[FileChapter, ...]]:
        """The title, the author and the chapters that its container tells."""
        tags = {name.lower(): value for name, value in self._container.metadata.items()}
        parts = (
            FileChapter(each["metadata"].get("title", ""), each["start"] * base, each["end"] * base)
            for each in self._container.chapters()
            if (base := each["time_base"])
        )
        return tags.get("title", ""), tags.get("artist", ""), tuple(parts)

    def keyframes(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """These keyframes, decoded without any other frame."""
        return self._changed(self._alone({int(self.index.times[number]) for number in numbers}))

    def _alone(self, times: set[int]) -> Iterator[av.VideoFrame]:
        if layered(self._stream):
            yield from self._decoded([int(number) for number in np.searchsorted(self.index.times, sorted(times))])
            return
        self._container.seek(int(self.index.times[0]), stream=self._stream, backward=True)
        for packet in self._container.demux(self._stream):
            if packet.pts in times and packet.is_keyframe:
                yield from (*frames_of(packet), *self._stream.decode(None))
                self._stream.codec_context.flush_buffers()

    def frames(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """The frames with these numbers. What lies close together is decoded in one go, wide gaps are sought over."""
        kept, self._kept = self._kept, {}
        there = kept and all(number in kept for number in numbers)
        return self._changed((kept[number] for number in numbers) if there else self._decoded(numbers))

    def ahead(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """The frames with these ascending numbers; what is decoded for them is kept, where it is little."""
        deep = self._stream.format.padded_bits_per_pixel if self._stream.format else _RGB
        each = self._stream.width * self._stream.height * deep / 8
        self._kept = {}
        little = (numbers[-1] - numbers[0] + 1) * each <= _LITTLE
        return self._changed(self._decoded(numbers, self._kept if little else None))

    def see_through(self, numbers: Sequence[int], /) -> bool:
        """Whether anything is transparent in these frames; that there is a channel of it does not tell."""
        there = TRANSPARENT in self.header.remarks
        return there and any(each.to_ndarray(format="rgba")[..., 3].min() < 255 for each in self._decoded(numbers))

    def _changed(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The frames, those with other primaries or transparency as 16-bit RGB without."""
        change: Callable[[av.VideoFrame], av.VideoFrame] | None = None
        given, made, steady = None, None, Steady()
        for frame in frames:
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = _merged(
                _colours(frame), self._colours
            )
            if given is None:
                reshaped = self._coded.reshaped if "_coded" in vars(self) else None
                steady = Steady(reshaped[1]) if reshaped else steady
                aspect, darker = self._stream.sample_aspect_ratio, multiplied(self._stream)
                change = plain(self._cut(frame), aspect, multiplied=darker)
                self._square = change is not None
            if frame is not given or made is None:
                even = self._cut(steady(frame, shape_of(self._stream, frame)))
                given, made = frame, change(even) if change else even
            yield made

    def _decoded(
        self, wanted: Sequence[int], passed: dict[int, av.VideoFrame] | None = None
    ) -> Iterator[av.VideoFrame]:
        """The frames as they are decoded; `passed` takes those too that lie between them."""
        if not wanted:
            return
        steps = [after - before for before, after in pairwise(wanted)]
        if wanted[0] > 0 or min(steps, default=0) < 0 or max(steps, default=0) > _WIDE:
            total = len(self._coded.times)
            if max(wanted) >= total:
                raise MediaError(f"cannot read frame {max(wanted)} of {self.path}: it has {total} frames")
        start = 0
        for place, step in enumerate([*steps, -1]):
            if step < 0 or step > _WIDE:
                yield from self._run(wanted[start : place + 1], passed)
                start = place + 1

    def _run(self, wanted: Sequence[int], passed: dict[int, av.VideoFrame] | None) -> Iterator[av.VideoFrame]:
        """Frames with ascending numbers, passing over what lies between them."""
        at = 0
        for number, frame in _progressive(self._numbered(wanted[0])):
            if passed is not None and number >= wanted[0]:
                passed[number] = frame
            while at < len(wanted) and wanted[at] == number:
                yield frame
                at += 1
            if at == len(wanted):
                return
            if number > wanted[at]:
                break
        raise MediaError(
            f"cannot read frame {wanted[at]} of {self.path}: it is missing or damaged",
            hint="check that the file is complete",
        )

    def _numbered(self, first: int) -> Numbered:
        """Decoded frames with their numbers, from frame `first` or one before it."""
        if not self._used:
            self._used = True
            yield from enumerate(self._decode())
            return
        if not self._coded.seekable:
            yield from enumerate(self._again())
            return
        times = self._coded.times
        before = self._coded.keys[self._coded.keys <= times[first]]
        for start in (*before[-1:], times[0]):
            self._container.seek(int(start), stream=self._stream, backward=True)
            early = False
            for number, frame in self._known(self._decode()):
                if number > first and not early:
                    break  # the container's seek came out too late
                early = True
                yield number, frame
            if early:
                return
        yield from enumerate(self._again())

    def _known(self, frames: Iterator[av.VideoFrame]) -> Numbered:
        """The frames that the index has, with their numbers."""
        times = self._coded.times
        for frame in frames:
            number = int(np.searchsorted(times, frame.pts)) if frame.pts is not None else len(times)
            if number < len(times) and times[number] == frame.pts:
                yield number, frame

    def _decode(self) -> Iterator[av.VideoFrame]:
        decode = decoder(self._stream)
        for packet in packets(self._container, self._stream):
            yield from decode(packet)

    def _again(self) -> Iterator[av.VideoFrame]:
        """All frames, from the beginning of the file."""
        with self._reopened() as container:
            stream = only_pictures(self.path, container)
            decode = decoder(stream)
            for packet in packets(container, stream):
                yield from decode(packet)


_Colours = tuple[int, int, int, int]


def _colours(told: VideoCodecContext | av.VideoFrame) -> _Colours:
    """Primaries, transfer, matrix and range, by the code points of ITU-T H.273."""
    return int(told.color_primaries), int(told.color_trc), int(told.colorspace), int(told.color_range)


def _merged(codec: _Colours, container: _Colours) -> _Colours:
    """What the codec says, and where it says nothing (2, and 0 of the range) what the container does."""
    primaries, transfer, matrix, ranged = (
        other if one == nothing else one for one, other, nothing in zip(codec, container, (2, 2, 2, 0), strict=True)
    )
    return primaries, transfer, matrix, ranged


def _missing(index: Index) -> Iterator[str]:
    if index.reshaped is not None:
        at = float((index.reshaped[0] - int(index.times[0])) * index.base)
        yield f"its picture changes size {at:.1f} s after its beginning: it is fitted into the size that it begins with"
    if index.hole is not None:
        yield f"it is damaged {float(index.hole):.1f} s after its beginning: the frame before is shown there"
    elif index.pause is not None:
        start, length = map(float, index.pause)
        yield f"it has no frames for {length:.1f} s, {start:.1f} s after its beginning: the one before is shown there"


def _progressive(frames: Numbered) -> Numbered:
    """The frames and their numbers; those that say they are interlaced through libavfilter's `bwdif`, one for one.

    It looks at the frames before and after, so each then comes when the next one is decoded.
    """
    graph: Graph | None = None
    waiting: deque[tuple[int, int | None, Fraction | None]] = deque()
    for number, frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield number, frame
            continue
        if graph is None:
            graph = Graph()
            weave = graph.add("bwdif", mode="send_frame", deint="interlaced")
            graph.link_nodes(source_node(graph, frame), weave, graph.add("buffersink")).configure()
        waiting.append((number, frame.pts, frame.time_base))
        graph.vpush(frame)
        yield from _pulled(graph, waiting)
    if graph is not None:
        graph.vpush(None)
        yield from _pulled(graph, waiting)


def _pulled(graph: Graph, waiting: deque[tuple[int, int | None, Fraction | None]]) -> Numbered:
    """What comes out of a graph, with the numbers and times that it went in with."""
    while waiting:
        try:
            frame = graph.vpull()
        except (BlockingIOError, EOFError):
            return
        number, frame.pts, base = waiting.popleft()
        if base is not None:
            frame.time_base = base
        yield number, frame
