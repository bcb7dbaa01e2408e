"""What a media file is, without decoding it."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from sora_cli.errors import MediaError
from sora_cli.media.opening import opened, picture_stream, require_file
from sora_cli.media.picture import picture_header

BT709 = 1
"""The code point of BT.709 for primaries, transfer and matrix alike (ITU-T H.273)."""
NARROW, FULL = 1, 2
"""libav's numbers for narrow ("tv") and full ("pc") range."""

# Code points of ITU-T H.273, which containers and codecs share. What is missing is shown as its number.
_PRIMARIES = {1: "bt709", 2: "", 5: "bt470bg", 6: "smpte170m", 9: "bt2020", 12: "smpte432"}
_TRANSFERS = {1: "bt709", 2: "", 6: "smpte170m", 8: "linear", 13: "iec61966-2-1", 14: "bt2020-10", 16: "smpte2084"}
_TRANSFERS |= {18: "arib-std-b67"}
_MATRICES = {0: "gbr", 1: "bt709", 2: "", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc", 10: "bt2020c"}
_RANGES = {0: "", 1: "tv", 2: "pc"}


_SLACK = Fraction(1, 20)
"""Seconds that the last block of sound may be written shorter than it is: one of HE-AAC is the longest."""


@dataclass(frozen=True, slots=True)
class ColorTags:
    """What a film says of its colours, as ffprobe names it; empty where it says nothing."""

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    range: str = ""

    @property
    def hdr(self) -> bool:
        """Whether the pictures are high dynamic range (PQ or HLG, ITU-R BT.2100)."""
        return self.transfer in {"smpte2084", "arib-std-b67"}


def no_hdr(what: Path | str) -> MediaError:
    """What is said to a film in high dynamic range, which we would show wrongly."""
    return MediaError(
        f"cannot use {what}: it is in high dynamic range (PQ or HLG)",
        hint="convert it to BT.709 first: ffmpeg's filters zscale and tonemap do so",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a media file is. `width` and `height` are as shown: turned, and with square pixels.

    `frames` counts the pictures of a film (1 for a picture), `duration` is in seconds, `variable` says that the film's
    frames do not come at a constant rate (`fps` is then an average). `channels` and `rate` are those of the sound, 0
    where there is none. `codec` is the codec of the pictures, or of the sound where that is all there is.
    """

    path: Path
    kind: Literal["picture", "film", "sound"]
    width: int = 0
    height: int = 0
    rotation: int = 0
    fps: Fraction | None = None
    frames: int = 0
    duration: Fraction = Fraction(0)
    variable: bool = False
    channels: int = 0
    rate: int = 0
    codec: str = ""
    sound_codec: str = ""
    pixels: str = ""
    color: ColorTags = ColorTags()
    container: str = ""


def probe(path: Path) -> Probe:
    """Say what a media file is. Counts frames exactly, by reading the packets; decodes one picture at most.

    Raises:
        MediaError: the file is missing, empty, cut short, or no media that we know.
    """
    require_file(path)
    header = picture_header(path)
    if header is not None:
        width, height, name, mode = header
        return Probe(path=path, kind="picture", width=width, height=height, frames=1, codec=name, pixels=mode)
    with opened(path) as container:
        stream = picture_stream(container)
        if stream is None:
            return _probe_sound(path, container)
        return _probe_film(path, container, stream)


def _probe_sound(path: Path, container: InputContainer) -> Probe:
    if not container.streams.audio:
        raise MediaError(f"cannot use {path}: it has neither pictures nor sound", hint="name a film or sound file")
    sound = container.streams.audio[0]
    if sound.duration is not None and sound.time_base is not None:
        duration = sound.duration * sound.time_base
    else:
        duration = Fraction(container.duration or 0, av.time_base)
    return Probe(
        path=path,
        kind="sound",
        duration=duration,
        channels=sound.channels,
        rate=sound.rate,
        codec=sound.codec_context.name,
        sound_codec=sound.codec_context.name,
        container=container.format.name,
    )


def _probe_film(path: Path, container: InputContainer, stream: VideoStream) -> Probe:
    rotation = first_rotation(path)
    width, height = shown_size(stream.width, stream.height, stream.sample_aspect_ratio, rotation)
    index = packet_index(path)
    fps = stream.guessed_rate or stream.average_rate or stream.base_rate
    if not fps:
        raise MediaError(f"cannot use {path}: it does not say its frame rate", hint="convert it to an .mp4 first")
    context = stream.codec_context
    sound = container.streams.audio[0] if container.streams.audio else None
    return Probe(
        path=path,
        kind="film",
        width=width,
        height=height,
        rotation=rotation,
        fps=fps,
        frames=len(index.times),
        duration=len(index.times) / fps if not index.variable else index.length,
        variable=index.variable,
        channels=sound.channels if sound else 0,
        rate=sound.rate if sound else 0,
        codec=context.name,
        sound_codec=sound.codec_context.name if sound else "",
        pixels=context.pix_fmt or "",
        color=ColorTags(
            _PRIMARIES.get(context.color_primaries, str(context.color_primaries)),
            _TRANSFERS.get(context.color_trc, str(context.color_trc)),
            _MATRICES.get(context.colorspace, str(context.colorspace)),
            _RANGES.get(context.color_range, str(context.color_range)),
        ),
        container=container.format.name,
    )


def first_rotation(path: Path) -> int:
    """How many degrees clockwise a film's frames are turned for showing: 0, 90, 180 or 270."""
    with opened(path) as container:
        stream = picture_stream(container)
        for frame in container.decode(stream) if stream else ():
            return clockwise(frame.rotation)
    raise MediaError(f"cannot use {path}: no frame of it can be decoded", hint="check that the file is whole")


def clockwise(rotation: int) -> int:
    """Turn libav's counter-clockwise degrees into clockwise quarter turns."""
    return round(-rotation / 90) % 4 * 90


def shown_size(width: int, height: int, aspect: Fraction | None, rotation: int) -> tuple[int, int]:
    """A frame's size as shown: square pixels, turned."""
    if aspect:
        width = max(1, round(width * aspect))
    return (height, width) if rotation in {90, 270} else (width, height)


@dataclass(frozen=True, slots=True)
class Index:
    """When a film shows each of its frames, and which of them one can start decoding at.

    `times` are the presentation times in `base` ticks, ascending; `keys` those of the keyframes.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.int64]
    base: Fraction
    timed: bool

    @property
    def variable(self) -> bool:
        """Whether the frames do not come at a constant rate (a tick of rounding aside)."""
        if len(self.times) < 3 or not self.timed:
            return False
        ideal = np.linspace(self.times[0], self.times[-1], len(self.times))
        return bool(np.abs(self.times - ideal).max() > 1.5)

    @property
    def length(self) -> Fraction:
        """Seconds from the first frame's time to the end of the last, taken to be as long as the median frame."""
        steps = np.diff(self.times)
        last = int(np.median(steps)) if len(steps) else 0
        return (int(self.times[-1] - self.times[0]) + last) * self.base


def _require_end(path: Path, container: InputContainer) -> None:
    """Refuse a file that ends before it should, where its format lets one know: what is left may look whole.

    Matroska and FLV say in front how long they are, and not how many frames they have; a GIF has a trailer; a transport
    stream is made of packets of 188 (or 204) bytes.
    """
    with path.open("rb") as file:
        head, size = file.read(4), file.seek(0, 2)
        file.seek(max(0, size - 64))
        trailer = file.read().rstrip(b"\0")[-1:]
    cut = (head == b"GIF8" and trailer != b";") or (
        container.format.name == "mpegts" and size % 188 > 0 and size % 204 > 0
    )
    if container.format.name in {"matroska,webm", "flv"}:
        ends = _ends(container)
        told = {stream.index: _clock(stream.metadata.get("DURATION", "")) for stream in container.streams}
        cut = any(ends.get(number, Fraction(0)) + _SLACK < end for number, end in told.items())
        cut = cut or max(ends.values(), default=Fraction(0)) + _SLACK < Fraction(container.duration or 0, av.time_base)
    if cut:
        raise MediaError(f"cannot use {path}: it is cut short", hint="make or copy it again")


def _ends(container: InputContainer) -> dict[int, Fraction]:
    """When the last packet of each stream ends, in seconds."""
    ends: dict[int, Fraction] = {}
    for packet in container.demux():
        if packet.size and packet.pts is not None:
            rate = packet.stream.average_rate if isinstance(packet.stream, VideoStream) else None
            lasts = (packet.duration or 0) * packet.time_base or (1 / rate if rate else Fraction(0))
            ends[packet.stream_index] = max(ends.get(packet.stream_index, lasts), packet.pts * packet.time_base + lasts)
    return ends


def _clock(words: str) -> Fraction:
    """Seconds of a time as Matroska's tags have it, `00:01:02.500000000`; 0 where it is none."""
    parts = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d{1,9})?)", words)
    return int(parts[1]) * 3600 + int(parts[2]) * 60 + Fraction(parts[3]) if parts else Fraction(0)


def packet_index(path: Path) -> Index:
    """Read a film's packets, without decoding: exact times of all its frames.

    Raises:
        MediaError: the film has no frames, is cut short or damaged.
    """
    times, keys = array("q"), array("q")
    timed = True
    with opened(path) as container:
        _require_end(path, container)
    with opened(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise MediaError(f"cannot use {path}: it has no pictures", hint="name a picture or a film")
        base = stream.time_base or Fraction(1)
        dropped, damaged = 0, -1
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if packet.is_corrupt and damaged < 0:
                damaged = len(times)
            if packet.is_discard:
                dropped += 1
                continue
            timed = timed and packet.pts is not None
            times.append(packet.pts if packet.pts is not None else len(times))
            if packet.is_keyframe:
                keys.append(times[-1])
        promised = stream.frames
    if not times:
        raise MediaError(f"cannot use {path}: it has no frames", hint="check that the file is whole")
    if promised > len(times) + dropped and promised > 1:
        raise MediaError(
            f"cannot use {path}: it is cut short, with {len(times) + dropped} of its {promised} frames",
            hint="make or copy it again",
        )
    if damaged >= 0:
        raise MediaError(f"cannot use {path}: it is damaged after {damaged} frames", hint="make or copy it again")
    return Index(np.sort(np.array(times)), np.sort(np.array(keys)), base, timed)
