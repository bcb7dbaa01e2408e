"""A track of subtitles in a film file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import cast

import av
from av.container import OutputContainer
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import SubtitleSet

from sora_cli.media.stream import Subtitle

_MILLISECONDS = Fraction(1, 1000)
_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, Alignment
Style: Default,Arial,16,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""What libav's subtitle encoders are given of styles: they read the format of ASS, and want one."""


class SubtitleTrack:
    """Subtitles that are written into `container` as the film goes on."""

    def __init__(
        self, container: OutputContainer, codec: str, subtitles: Sequence[Subtitle], language: str = ""
    ) -> None:
        self._container = container
        self._stream = container.add_stream(codec)
        self._stream.time_base = _MILLISECONDS
        if language:
            self._stream.metadata["language"] = language
        context = cast("SubtitleCodecContext", self._stream.codec_context)  # it is one by its codec
        context.subtitle_header = _HEADER
        self._packets = self._encoded(context, subtitles)
        self._next = next(self._packets, None)

    def write_until(self, seconds: Fraction) -> None:
        """Write what begins before `seconds`."""
        while self._next is not None and (self._next.pts or 0) <= seconds * 1000:
            self._container.mux(self._next)
            self._next = next(self._packets, None)

    def _encoded(
        self, context: SubtitleCodecContext, subtitles: Sequence[Subtitle]
    ) -> Iterator[av.Packet[SubtitleStream]]:
        for number, each in enumerate(subtitles):
            start, end = round(each.start * 1000), round(each.end * 1000)
            text = each.text.replace("{", "(").replace("}", ")").replace("\n", r"\N")  # braces hold styles
            line = f"{number},0,Default,,0,0,0,,{text}".encode()
            packet = context.encode_subtitle(SubtitleSet.create(line, 0, end - start, pts=start))
            packet.stream = self._stream
            packet.pts = packet.dts = start
            packet.duration, packet.time_base = end - start, _MILLISECONDS
            yield packet
