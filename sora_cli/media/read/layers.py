"""Transparency that lies beside a stream's pictures, which libav's decoders pass over: in WebM, and in HEVC of Apple's.

Apple's HEVC with Alpha has it in a layer of its own (ITU-T H.265, annex F), which is decoded here as a stream would be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeAlias, cast

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
from numpy.typing import NDArray

from sora_cli.errors import UnusableFile
from sora_cli.media.filters import Chain

Decode: TypeAlias = "Callable[[Packet[VideoStream]], Iterable[av.VideoFrame]]"
"""What gives the frames of a packet."""

_BESIDE = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that know of transparency in WebM."""


def layered(stream: VideoStream) -> bool:
    """Whether a stream's transparency lies beside its pictures, and can be decoded."""
    if stream.codec_context.name == "hevc":
        extra = stream.codec_context.extradata or b""
        return extra[:1] == b"\1" and _ALPHA_INFO in extra[_HEAD:]  # as MP4 and Matroska have it; others do not tell
    alpha = {name.lower(): value for name, value in stream.metadata.items()}.get("alpha_mode") == "1"
    return alpha and _BESIDE.get(stream.codec_context.name) in av.codecs_available


def multiplied(stream: VideoStream) -> bool:
    """Whether the colours of a `layered` stream are already made darker by how transparent they are, as Apple's are."""
    found, _, told = (stream.codec_context.extradata or b"").partition(_ALPHA_INFO)
    return stream.codec_context.name == "hevc" and bool(found) and len(told) > 1 and told[1] >> 4 == 1


def with_layer(stream: VideoStream, pictures: Decode) -> Decode:
    """What decodes the packets of a `layered` stream, of which `pictures` gives what is not transparent."""
    if stream.codec_context.name == "hevc":
        return _SecondLayer(stream, pictures)
    context = _decoder(_BESIDE[stream.codec_context.name])
    return lambda packet: context.decode(packet if packet.size else None)


def _decoder(name: str) -> VideoCodecContext:
    return cast("VideoCodecContext", av.CodecContext.create(name, "r"))  # it is one by its codec


_VPS = 32
"""The kind of NAL unit that tells of a stream's layers; a decoder wants it before any other."""
_ALPHA_INFO = b"\x4e\x01\xa5"
"""How a NAL unit begins that says what values of transparency mean (H.265, F.14.2.8)."""
_HEAD = 23
"""Bytes of a decoder configuration record before its NAL units."""
_START = b"\0\0\0\1"
_LATE = 64
"""Frames that wait for their transparency at most: more than decoders hold back."""


class _SecondLayer:
    """Decodes a stream's pictures, and by a decoder of its own what of them is opaque."""

    def __init__(self, stream: VideoStream, pictures: Decode) -> None:
        extra = stream.codec_context.extradata or b""
        self._pictures, self._alpha, self._wide = pictures, _decoder("hevc"), (extra[21] & 3) + 1
        own = (_of_one(unit) for unit in _sets(extra) if _layer(unit) == 1 or unit[0] >> 1 == _VPS)
        self._sets = b"".join(map(_alone, own))
        if not stream.codec_context.is_open:
            stream.codec_context.extradata = _of_one_layer(extra)
        self._waiting: deque[av.VideoFrame] = deque()
        self._opaque: dict[int | None, av.VideoFrame] = {}
        self._last: av.VideoFrame | None = None
        self._whole: Chain | None = None

    def __call__(self, packet: Packet[VideoStream]) -> Iterator[av.VideoFrame]:
        self._waiting.extend(self._pictures(packet))
        with suppress(av.error.InvalidDataError):
            self._opaque |= {each.pts: each for each in self._alpha.decode(self._second(packet))}
        while self._waiting:
            first = self._waiting[0]
            if packet.size and first.pts not in self._opaque and len(self._waiting) < _LATE:
                return
            self._last = self._opaque.pop(first.pts, self._last)
            while len(self._opaque) > _LATE:  # of pictures that cannot be decoded, or are not shown
                del self._opaque[next(iter(self._opaque))]
            yield self._joined(self._waiting.popleft(), self._last)

    def _second(self, packet: Packet[VideoStream]) -> Packet[VideoStream] | None:
        """What of a packet is of the second layer, as a decoder of one layer takes it; None to flush that."""
        if not packet.size:
            return None
        units = _units(bytes(packet), self._wide)
        data = b"".join(_alone(unit) for unit in units if _layer(unit) == 1)
        made = cast("Packet[VideoStream]", av.Packet(self._sets * packet.is_keyframe + data))
        made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
        return made

    def _joined(self, frame: av.VideoFrame, opaque: av.VideoFrame | None) -> av.VideoFrame:
        """A frame with its transparency.

        Raises:
            UnusableFile: that cannot be decoded.
        """
        if opaque is None or (opaque.width, opaque.height) != (frame.width, frame.height):
            told = "cannot use the film: what is transparent in it cannot be decoded"
            raise UnusableFile(told, hint="export it as ProRes 4444, which has transparency too")
        pixels = frame.format.name.replace("yuvj", "yuv").replace("yuv", "yuva")
        self._whole = self._whole or Chain(("format", {"pix_fmts": pixels}))
        made = self._whole(frame)
        _fill(made, 3, _values(opaque, 0) * (2 ** made.format.components[0].bits - 1))
        return made


def _values(frame: av.VideoFrame, number: int) -> NDArray[np.float32]:
    """A plane of a frame as numbers from 0 to 1."""
    plane, bits = frame.planes[number], frame.format.components[number].bits
    coded = np.frombuffer(memoryview(plane), np.uint8 if bits == _BYTE else np.uint16).reshape(plane.height, -1)
    return cast("NDArray[np.float32]", coded[:, : plane.width].astype(np.float32) / (2**bits - 1))


def _fill(frame: av.VideoFrame, number: int, values: NDArray[np.float32]) -> None:
    plane, kind = frame.planes[number], np.uint8 if frame.format.components[number].bits == _BYTE else np.uint16
    rows = np.zeros((plane.height, plane.line_size), np.uint8).view(kind)
    rows[:, : plane.width] = np.rint(values)
    plane.update(rows.tobytes())


_BYTE = 8


def _units(data: bytes, wide: int) -> Iterator[bytes]:
    """The NAL units of a packet, each behind its length of `wide` bytes (ISO/IEC 14496-15)."""
    at = 0
    while at + wide + 2 <= len(data):
        end = at + wide + int.from_bytes(data[at : at + wide], "big")
        if end > at + wide + 1:
            yield data[at + wide : end]
        at = max(end, at + wide)


def _sets(extra: bytes) -> Iterator[bytes]:
    """The NAL units of a decoder configuration record (ISO/IEC 14496-15, 8.3.3.1.2)."""
    at = _HEAD
    while at + 3 <= len(extra):
        count, at = int.from_bytes(extra[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            end = at + 2 + int.from_bytes(extra[at : at + 2], "big")
            if end > at + 3:
                yield extra[at + 2 : end]
            at = end


def _of_one_layer(extra: bytes) -> bytes:
    """A decoder configuration record whose stream has one layer."""
    for unit in _sets(extra):
        extra = extra.replace(unit, _of_one(unit))
    return extra


def _of_one(unit: bytes) -> bytes:
    """A NAL unit that tells of a stream's layers, as that of a stream with one; another one as it is.

    What Apple's encoders write there of the second layer breaks the rules: libav 8.1 refuses it, and then all pictures.
    """
    told = unit[0] >> 1 == _VPS and len(unit) > _COUNT + 1
    return bytes((*unit[:_COUNT], unit[_COUNT] & 0xFC, unit[_COUNT + 1] & 0x0F, *unit[_COUNT + 2 :])) if told else unit


_COUNT = 2
"""Where in such a unit stands how many layers there are, in 6 bits that begin at this byte's last two (7.3.2.1)."""


def _layer(unit: bytes) -> int:
    """The layer that a NAL unit is of (H.265, 7.3.1.2)."""
    return (unit[0] & 1) << 5 | unit[1] >> 3


def _alone(unit: bytes) -> bytes:
    """A NAL unit as one of the first layer, with its start code."""
    return _START + bytes((unit[0] & 0xFE, unit[1] & 7)) + unit[2:]
