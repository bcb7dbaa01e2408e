"""New pictures before or behind a film whose own packets stay as they are: nothing of it is encoded again.

The two parts of an H.264 stream have parameter sets of their own, each under a number that the other does not use
(ISO/IEC 14496-15, 5.3.3: one configuration holds them all), so that a player may jump to and fro between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream
from msgspec.structs import replace

from sora_cli.errors import MediaError
from sora_cli.media.cues import in_order
from sora_cli.media.deliveries import WEB, Delivery
from sora_cli.media.film import write_film
from sora_cli.media.parameters import free_number, merged
from sora_cli.media.read.edits import edits_of
from sora_cli.media.read.facts import UNTOLD, ColorTags, Probe
from sora_cli.media.read.opening import one_language, only_pictures, opened, picture_stream, preferred, spoken_in
from sora_cli.media.read.rgb import usual_matrix
from sora_cli.media.read.subtitles import word_track
from sora_cli.media.replay import fitted
from sora_cli.media.stream import SAMPLE_RATE, Kept, Master, Samples
from sora_cli.media.whole import written

BLOCK = 1024
"""Samples of a packet of AAC."""
_SLACK = 48
"""Samples by which containers round when a packet begins."""
DELAY = 2
"""Pictures that our own encoder holds back at most, to put them into another order."""
_TAGS = {"", "bt709"}

if TYPE_CHECKING:  # a name of its types alone
    from av.container.core import Chapter

Progress = Callable[[int, int], None]


def why_not(facts: Probe, master: Master, kind: Delivery = WEB, *, follows: bool = False) -> str:
    """Why the packets of a film cannot stand beside those of a master; empty where they can.

    Raises:
        MediaError: it cannot be read.
    """
    if kind is not WEB:
        return f"{kind.name} is another kind of film"
    found = _pictures_differ(facts, master)
    if found:
        return found
    with opened(facts.path) as container:
        video = picture_stream(container)
        if video is None or free_number(video.codec_context.extradata or b"") is None:
            return "its parameter sets cannot be joined with others"
        if (video.sample_aspect_ratio or 1) != 1 or (video.width, video.height) != (facts.width, facts.height):
            square = (video.sample_aspect_ratio or 1) == 1
            return "its header shows a part of its pictures" if square else "its pixels are not square"
        audio = _sounding(container)
        held_back = _held_back(facts.path, container, video)
        if follows and held_back > DELAY:
            return f"it holds back {held_back} pictures, and what goes before it {DELAY}"
        return _left_out(facts.path, follows=follows) or _sound_differs(audio, master)


def _pictures_differ(facts: Probe, master: Master) -> str:
    """Why a film's pictures and a master's make no one stream."""
    size, color = f"{facts.width}x{facts.height}", facts.color
    reasons = {
        f"its pictures are {facts.codec}, not h264": facts.codec == "h264",
        "it is no MP4 file": facts.container.startswith("mov"),
        f"its pixels are {facts.pixels}, not {WEB.pixels}": facts.pixels == WEB.pixels,
        "it is turned by its header": not (facts.rotation or facts.mirrored),
        "its frames come at no constant rate": not facts.variable and facts.fps == master.fps,
        f"its size is {size}": (facts.width, facts.height) == (master.width, master.height),
        "its colours are not BT.709's": {color.primaries, color.transfer, color.matrix} <= _TAGS
        and color.range != ColorTags(range="pc").range,
    }
    return next((why for why, right in reasons.items() if not right), "")


def _sound_differs(audio: AudioStream | None, master: Master) -> str:
    if audio is None:
        return "it has no sound, and what is made has" if master.sound is not None else ""
    context = audio.codec_context
    same = (context.name, context.rate, context.channels) == ("aac", SAMPLE_RATE, 2) and context.profile == "LC"
    return "" if same else "its sound is not AAC in stereo at 48 kHz"


def _left_out(path: Path, *, follows: bool) -> str:
    """Why frames that a header leaves out would be seen; those at the start of what comes first are not."""
    seen = follows
    with opened(path) as container:
        if any(len(edits_of(path, container, stream)) > 1 for stream in _streams(container)):
            return "its header plays it in parts"
        for packet in container.demux(only_pictures(path, container)):
            if seen and packet.is_discard and packet.size:
                return "its header leaves out some of its frames"
            seen = seen or not packet.is_discard
    return ""


def _held_back(path: Path, container: InputContainer, video: VideoStream) -> int:
    """How many pictures its encoder held back."""
    first = next((packet for packet in container.demux(video) if packet.dts is not None), None)
    if first is None or first.pts is None or first.dts is None or not video.average_rate:
        raise MediaError(f"cannot use {path}: it has no pictures")
    return round((first.pts - first.dts) * first.time_base * video.average_rate)


def _held_back_last(path: Path) -> int:
    """How many pictures were held back where a film ends: one that was extended may end otherwise than it begins."""
    shown = read = length = 0
    with opened(path) as film:
        for packet in film.demux(*_of(_streams(film), "video")):
            if packet.pts is not None and packet.dts is not None:
                shown, read = max(shown, packet.pts), max(read, packet.dts)
                length = max(length, packet.duration or 0)
    return round((shown - read) / (length or 1))


# -- writing -----------------------------------------------------------------------------------------------------------


def write_beside(path: Path, master: Master, kept: Kept, scratch: Path, progress: Progress | None = None) -> None:
    """Encode a master, and write it and the film's packets as one file, one after the other.

    `scratch` is a folder for what is new. A failed write leaves nothing at `path`.

    Raises:
        MediaError: the film or the disk refuses.
    """
    new = scratch / "new.mp4"
    with opened(kept.path) as film:
        video = only_pictures(kept.path, film)
        held_back = DELAY if kept.follows else min(DELAY, _held_back_last(kept.path))
        number = free_number(video.codec_context.extradata or b"") or 0
        told = video.codec_context.colorspace != UNTOLD
        matrix = WEB.matrix if told else usual_matrix((video.width, video.height))
        sounds = bool(film.streams.audio)
    early, end, lead = 0, None if kept.follows else _end_of_pictures(kept.path), Fraction(0)
    if sounds and kept.follows:
        lead = _lead(kept.path)
        early = (round(lead * SAMPLE_RATE) - master.samples) % BLOCK  # so that packets stand side by side
        master = _with_sound(master, -early)
        end = Fraction(master.samples - BLOCK + _SLACK, SAMPLE_RATE) - lead if lead else None
    elif sounds and end is not None:
        master = _with_sound(master, _beyond(kept.path, end))
    write_film(new, master, _numbered(number, held_back, matrix), progress)
    order = (new, kept.path) if kept.follows else (kept.path, new)
    with written(path):
        _join(path, *order, early=early, end=end, lead=lead)


def _numbered(number: int, held_back: int, matrix: str) -> Delivery:
    """How what is new is encoded: its parameter sets under this number, and no more pictures held back than these."""
    order = ("bframes=0", "b-pyramid=none", "b-pyramid=normal")[held_back]
    options = {**WEB.options, "x264-params": f"sps-id={number}:{order}"}
    return replace(WEB, options=options, container_options={}, matrix=matrix)


def _end_of_pictures(path: Path) -> Fraction:
    """When a film's last picture ends, on its clock."""
    with opened(path) as film:
        packets = film.demux(*_of(_streams(film), "video"))
        return max((_end(packet) for packet in packets if packet.pts is not None), default=Fraction(0))


def _beyond(path: Path, end: Fraction) -> int:
    """By how many samples the packets of sound that are kept reach beyond a film's end; below 0 where they end before.

    Those that begin behind its end are not kept.
    """
    with opened(path) as film:
        sound = film.demux(*_of(_streams(film), "audio"))
        heard = [_end(packet) for packet in sound if packet.pts is not None and packet.pts * packet.time_base < end]
    return round((max(heard, default=Fraction(0)) - end) * SAMPLE_RATE)


def _begin(video: Stream) -> Fraction:
    """When a film's pictures begin, on its clock."""
    return (video.start_time or 0) * (video.time_base or Fraction(1))


def _lead(path: Path) -> Fraction:
    """How long before a film's pictures the packet of sound begins that stands before the first one to be heard.

    An AAC packet is whole behind the one before it alone: behind any other the film's sound would fade in.
    """
    with opened(path) as film:
        streams = _streams(film)
        begin = _begin(streams[0])
        for packet in film.demux(*_of(streams, "audio")):
            lead = begin - (packet.pts or 0) * packet.time_base
            if packet.pts is not None and lead * SAMPLE_RATE < 2 * BLOCK - _SLACK:
                return max(lead, Fraction(0))
    return Fraction(0)


def _of(streams: Sequence[Stream], kind: str) -> list[Stream]:
    return [each for each in streams if each.type == kind]


def _with_sound(master: Master, beyond: int) -> Master:
    """A master whose sound lacks its first samples, so many that a film before it reaches beyond its pictures.

    Where that is fewer than none, silence comes first. A silent master is given silence.
    """

    def sound() -> Iterator[Samples]:
        blocks = fitted(master.sound() if master.sound is not None else iter(()), master.samples)
        if beyond < 0:
            yield np.zeros((-beyond, 2), np.float32)
        left = max(0, beyond)
        for block in blocks:
            rest = block[left:]
            left -= len(block) - len(rest)
            if len(rest):
                yield rest

    return replace(master, sound=sound, sound_samples=max(0, master.samples - beyond))


def _join(path: Path, first: Path, second: Path, *, early: int, end: Fraction | None, lead: Fraction) -> None:
    """Put the packets of two films into one file; the sound of the first begins `early` samples before its pictures.

    Sound of the first that begins at its `end` or later is left out, and that of the second begins so many seconds
    before its pictures (`lead`).
    """
    with (
        opened(first) as one,
        opened(second) as two,
        av.open(f"file:{path}", "w", format=WEB.container, options=dict(WEB.container_options)) as out,
    ):
        parts = [_streams(each) for each in (one, two)]
        templates = {stream.type: stream for part in reversed(parts) for stream in part}
        made: dict[str, Stream] = {
            kind: out.add_stream_from_template(templates[kind]) for kind in _KINDS if kind in templates
        }
        for kind, each in made.items():
            if language := one_language(spoken_in(stream) for part in parts for stream in part if stream.type == kind):
                each.metadata["language"] = language
        made["video"].codec_context.extradata = merged(*(part[0].codec_context.extradata or b"" for part in parts))
        out.metadata.update({key: one.metadata[key] for key in ("title", "artist") if key in one.metadata})
        ends = _copy(out, one, parts[0], made, {"audio": Fraction(-early, SAMPLE_RATE)}, until=end)
        out.set_chapters([*one.chapters(), *(_later(each, ends["video"]) for each in two.chapters())])
        begin = _begin(parts[1][0])
        at = dict.fromkeys(_KINDS, ends["video"])
        if not lead:
            at["audio"] = ends.get("audio", ends["video"])
        later = {kind: time - begin for kind, time in at.items()}
        _copy(out, two, parts[1], made, later, begin={"audio": begin - lead, "subtitle": begin})


_KINDS = ("video", "audio", "subtitle")


def _streams(container: InputContainer) -> list[Stream]:
    """The pictures, and the sound and the subtitles where there are some."""
    found = picture_stream(container), _sounding(container), word_track(container)
    return [stream for stream in found if stream is not None]


def _sounding(container: InputContainer) -> AudioStream | None:
    return next(iter(preferred(container.streams.audio)), None)


def _later(chapter: Chapter, seconds: Fraction) -> Chapter:
    """A chapter so many seconds later."""
    shift = round(seconds / (chapter["time_base"] or 1))
    return {**chapter, "start": chapter["start"] + shift, "end": chapter["end"] + shift}


def _copy(
    out: OutputContainer,
    film: InputContainer,
    streams: list[Stream],
    made: Mapping[str, Stream],
    later: Mapping[str, Fraction],
    *,
    begin: Mapping[str, Fraction] = MappingProxyType({}),
    until: Fraction | None = None,
) -> dict[str, Fraction]:
    """Copy packets, those of each kind so many seconds later; gives the times at which they end.

    Those of sound and subtitles come along that begin from `begin` on and before `until`.
    """
    ends: dict[str, Fraction] = {stream.type: later.get(stream.type, Fraction(0)) for stream in streams}
    for packet in film.demux(*streams):
        if packet.dts is None or packet.pts is None:
            continue
        kind, time = packet.stream.type, packet.pts * packet.time_base
        if kind != "video" and (time < begin.get(kind, time) or (until is not None and time >= until)):
            continue
        shift = later.get(kind, Fraction(0))
        ends[kind] = max(ends[kind], shift + _end(packet))
        ticks = round(shift / packet.time_base)
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        packet.stream = made[kind]
        out.mux(packet)
    return ends


def _end(packet: av.Packet[Stream]) -> Fraction:
    return ((packet.pts or 0) + (packet.duration or 0)) * packet.time_base


# -- where all is encoded again ----------------------------------------------------------------------------------------


def joined(first: Master, second: Master) -> Master:
    """Two masters of one size and rate, one after the other; where only one has sound, the other is silent."""

    def pictures() -> Iterator[av.VideoFrame]:
        for number, frame in enumerate(itertools.chain(first.pictures(), second.pictures())):
            frame.pts, frame.time_base = number, 1 / first.fps
            yield frame

    def sound() -> Iterator[Samples]:
        blocks = (block for each in (first, second) for block in _heard(each))
        return fitted(blocks, whole.samples)

    later = (replace(each, start=each.start + first.frames, end=each.end + first.frames) for each in second.chapters)
    whole = replace(first, frames=first.frames + second.frames, pictures=pictures, chapters=(*first.chapters, *later))
    begin = float(first.frames / first.fps)
    moved = (replace(each, start=begin + each.start, end=begin + each.end) for each in second.subtitles)
    words = in_order((*first.subtitles, *moved), float(whole.frames / whole.fps))
    whole = replace(whole, subtitles=words, language=first.language or second.language)
    whole = replace(whole, sound_language=one_language(each.sound_language for each in (first, second)))
    return replace(whole, sound=sound) if first.sound is not None or second.sound is not None else whole


def _heard(master: Master) -> Iterator[Samples]:
    return fitted(master.sound() if master.sound is not None else iter(()), master.samples)
