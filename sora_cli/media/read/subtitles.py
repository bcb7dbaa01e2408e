"""Subtitles that a film file holds as a track of words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle
from av.subtitles.subtitle import Subtitle as Drawn
from msgspec import Struct

from sora_cli.media.cues import in_order
from sora_cli.media.read.facts import Probe
from sora_cli.media.read.index import frames_of
from sora_cli.media.read.opening import has_decoder, opened, picture_stream, preferred, spoken_in
from sora_cli.media.stream import Subtitle

_WORDS = {"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"}
"""Codecs whose subtitles are words; those of discs and broadcasts are pictures, or lie in the picture's packets."""
_HOLDERS = {"mov", "matroska", "mpegts", "mpeg", "ogg", "asf", "mxf", "nut"}
"""Containers that hold subtitles."""


_CAPTIONED, _FIRST = {"h264", "hevc", "mpeg2video"}, 120
"""Codecs whose pictures may hold captions, and how many pictures are looked at."""


class Words(Struct, frozen=True):
    """The subtitles of a track, in order, none into the next; and their language as containers tell it."""

    subtitles: tuple[Subtitle, ...] = ()
    language: str = ""


def word_track(container: InputContainer) -> SubtitleStream | None:
    """The track of subtitles to keep: words, and where there are several the one that its file marks."""
    tracks = preferred(container.streams.subtitles)
    return next((each for each in tracks if has_decoder(each) and each.codec_context.name in _WORDS), None)


def unkept(film: Probe, *, words: bool = True) -> Iterator[str]:
    """A remark on subtitles of a film that will not be in what is made of it, where its `words` are, or are not."""
    if film.container.partition(",")[0] not in _HOLDERS:
        return
    with opened(film.path) as container:
        tracks = container.streams.subtitles
        track = word_track(container) if words else None
        if track is not None and len(tracks) > 1:
            place = [each.index for each in tracks].index(track.index) + 1
            yield f"it has {len(tracks)} tracks of subtitles: track {place} is kept"
        elif track is None and tracks:
            yield f"its subtitles {'cannot be read as words, and ' if words else ''}are not kept"
        if track is None and not tracks and _captioned(container):
            yield "the closed captions in its pictures are not kept"


def _captioned(container: InputContainer) -> bool:
    """Whether one of a film's first frames brings words of closed captions (CTA-708; ATSC A/53, part 4)."""
    stream = picture_stream(container)
    if stream is None or stream.codec_context.name not in _CAPTIONED:
        return False
    frames = (frame for packet in container.demux(stream) for frame in frames_of(packet))
    for frame in islice(frames, _FIRST):
        found = frame.side_data.get("A53_CC")
        data = bytes(memoryview(found)) if isinstance(found, SideData) else b""
        if any(data[at] & 4 and (data[at + 1] | data[at + 2]) & 0x7F for at in range(0, len(data) - 2, 3)):
            return True
    return False


def read_words(film: Probe) -> Words:
    """The subtitles of a film, from its first frame on.

    Those that are on at once stand below each other; what their letters look like is left out.

    Raises:
        MediaError: the file cannot be read.
    """
    if film.index is None or film.container.partition(",")[0] not in _HOLDERS:
        return Words()
    begin = int(film.index.times[0]) * film.index.base
    with opened(film.path) as container:
        track = word_track(container)
        if track is None:
            return Words()
        found = [each for packet in container.demux(track) for each in _of(packet, begin)]
        language = spoken_in(track)
    return Words(in_order(found, float(film.duration)), language)


def _of(packet: Packet[SubtitleStream], begin: Fraction) -> Iterator[Subtitle]:
    if packet.pts is None or not packet.size:
        return
    try:
        drawn = cast("Sequence[Drawn]", packet.decode())
    except av.error.InvalidDataError:
        return
    start = packet.pts * packet.time_base - begin
    end = start + (packet.duration or 0) * packet.time_base
    lines = (_plain(each.ass) for each in drawn if isinstance(each, AssSubtitle))
    if text := "\n".join(line for line in lines if line):
        yield Subtitle(float(start), float(end), text)


def _plain(line: bytes) -> str:
    """The words of a line in the form of ASS, whose first eight fields say how it is shown."""
    text = _without_styles(line.decode("utf-8", "replace").split(",", 8)[-1])
    for written, meant in _ESCAPED:
        text = text.replace(written, meant)
    return "\n".join(row.strip() for row in text.splitlines() if row.strip())


_ESCAPED = ((r"\N", "\n"), (r"\n", "\n"), (r"\h", "\N{NO-BREAK SPACE}"), (r"\{", "{"), (r"\}", "}"), ("\\\u2060", "\\"))
"""What letters of ASS stand for; the last one is how libav writes a backslash that stands for itself."""
_DRAWS = re.compile(r"\\p(\d)")


def _without_styles(text: str) -> str:
    r"""A line without what stands in braces, and without the outlines that it draws: `{\p1}m 0 0 l 9 0{\p0}`."""
    first, *others = re.split(r"(?<!\\)\{", text)
    kept, drawn = [first], False
    for part in others:
        styles, closed, words = part.partition("}")
        for scale in _DRAWS.findall(styles if closed else ""):
            drawn = scale != "0"
        kept += [] if drawn else [words if closed else "{" + part]
    return "".join(kept)
