"""Sound read from any sound or film file, block by block, each in its time."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from msgspec import Struct

from sora_cli.errors import UnusableFile
from sora_cli.media.read.clock import packets
from sora_cli.media.read.edits import Edit, edits_of, placed
from sora_cli.media.read.facts import Probe
from sora_cli.media.read.index import frames_of
from sora_cli.media.read.opening import has_decoder, opened, picture_stream, preferred, require_file, spoken_in
from sora_cli.media.read.picture import is_picture
from sora_cli.media.read.timing import Unmixed, silence, timed
from sora_cli.media.read.whole import behind, require_whole
from sora_cli.media.stream import SAMPLE_RATE, Samples

SOUND = "sound.wav"
"""The sound of a folder of pictures."""
_ROUND = 8
"""Channels of 7.1: libswresample leaves out most of what lies above or below these."""
_USUAL = {3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1"}
"""What libswresample takes channels for that have no names."""
_SLOWEST = 100
"""Samples a second below which there is no sound to hear, and a small file lasts for days."""
_UNTOLD = {"aac", "ac3", "amr", "caf", "eac3", "mp3", "mpeg", "mpegts", "ogg", "w64"}
"""Containers that may not tell how long they are: libav guesses it by their size, by their last packets, or by what
lies behind them.
"""
_TRIES = 50
"""Packets of a track that are decoded in search of sound."""


class AudioTrack(Struct, frozen=True):
    """The track of a file's sound that is used: its number among all streams; -1 where there is none."""

    number: int = -1
    channels: int = 0
    rate: int = 0
    codec: str = ""
    language: str = ""
    """By its three letters (ISO 639-2), where the file tells it."""
    wrong: str = ""
    """Why no track of the file is heard, where it has some."""
    remarks: tuple[str, ...] = ()


def _beside(path: Path) -> Path:
    """Where a film's sound is: in its file, or for a folder of pictures beside them."""
    return path / SOUND if path.is_dir() and (path / SOUND).exists() else path


def sound_track(path: Path) -> AudioTrack:
    """The track of sound to play, of those that can be decoded, and a remark on the others.

    Raises:
        MediaError: the file cannot be opened.
    """
    path = _beside(path)
    require_file(path)
    now = path.stat()
    return _track(path, (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns))


@lru_cache(64)
def _track(path: Path, _now: tuple[int, ...]) -> AudioTrack:
    """The track of a file as it is now, looked for once: a film's mix reads its sounds several times over."""
    with opened(path) as container:
        bad: list[str] = []
        more = [*behind(path)] if picture_stream(container) is None else []
        places = {stream.index: place for place, stream in enumerate(container.streams.audio, 1)}
        for stream in preferred(container.streams.audio):
            place = places[stream.index]
            if not has_decoder(stream):
                wrong = _UNDECODED
            elif not (wrong := _wrong(container, stream) if not bad else _wrong_alone(path, stream.index)):
                many = "" if bad else f"it has {len(places)} sound tracks: "
                used = [f"{many}track {place} is used"] if len(places) > 1 else []
                if stream.channels > _ROUND:
                    used.append(f"of its {stream.channels} channels of sound those of 7.1 alone are sure to be heard")
                elif stream.channels > 2 and stream.layout.name == f"{stream.channels} channels":
                    usual = _USUAL.get(stream.channels, "7.1")
                    used.append(f"its {stream.channels} channels of sound have no names: they are taken for {usual}")
                codec = stream.codec_context.name
                remarks = (*more, *bad, *used)
                return AudioTrack(stream.index, stream.channels, stream.rate, codec, spoken_in(stream), remarks=remarks)
            bad.append(f"its sound track {place} {wrong}")
        if not bad:
            return AudioTrack()
        return AudioTrack(wrong=f"its sound {wrong}", remarks=(*more, *bad, "it is used without sound"))


_UNDECODED, _EMPTY = "cannot be decoded", "is empty"


def _wrong_alone(path: Path, number: int) -> str:
    """As `_wrong`, of a track from its beginning, where the file is open at another's."""
    with opened(path) as container:
        return _wrong(container, container.streams[number])


def _wrong(container: InputContainer, stream: Stream) -> str:
    """Why a track is not heard, by its next packets: none gives sound, or it has none; empty where it is.

    Recorders that may not use the microphone write tracks without packets.
    """
    tried = 0
    for packet in container.demux(stream):
        tried += packet.size > 0
        try:
            if packet.decode():
                return ""
        except av.FFmpegError:
            pass
        if tried >= _TRIES:
            break
    return _UNDECODED if tried else _EMPTY


def _numbered(container: InputContainer, track: AudioTrack) -> AudioStream:
    return next(each for each in container.streams.audio if each.index == track.number)


def sound_facts(path: Path) -> Probe | None:
    """What a sound file is; None where the file has pictures, or is one.

    Raises:
        MediaError: the file cannot be read, is cut short, or has neither pictures nor sound.
    """
    require_file(path)
    if is_picture(path):
        return None
    with opened(path) as container:
        if container.streams.video and (picture_stream(container) is not None or not container.streams.audio):
            return None
        require_whole(path)
        track = sound_track(path)
        if track.number < 0:
            raise UnusableFile(f"cannot use {path}: {track.wrong}", hint="name a film or sound file")
        stream = _numbered(container, track)
        duration = Fraction(container.duration or 0, av.time_base)
        if stream.duration is not None and stream.time_base is not None:
            duration = stream.duration * stream.time_base
        # LAME's header tells what comes before the sound, and all; a WAV from a pipe tells what no file holds.
        lame = container.format.name == "mp3" and stream.start_time
        piped = container.format.name == "wav" and duration * (stream.bit_rate or 0) > 8 * container.size
        if not duration or piped or (container.format.name in _UNTOLD and not lame):
            begin = (stream.start_time or 0) * (stream.time_base or Fraction(0))
            duration = max(Fraction(0), last_heard(path, track.number) - begin)
        return Probe(
            path=path,
            kind="sound",
            duration=duration,
            channels=track.channels,
            rate=track.rate,
            codec=track.codec,
            sound_codec=track.codec,
            container=container.format.name,
            remarks=track.remarks,
        )


def read_sound(path: Path, rate: int = SAMPLE_RATE, longest: Fraction | None = None) -> Samples:
    """The sound of a file as stereo `(n, 2)` at `rate` Hz, its first `longest` seconds or all; see `sound_blocks`.

    Raises:
        MediaError: the file cannot be read or has no sound.
    """
    blocks, missing = [np.zeros((0, 2), np.float32)], sys.maxsize if longest is None else math.ceil(longest * rate)
    for block in sound_blocks(path, rate):
        blocks.append(block[:missing])
        missing -= len(blocks[-1])
        if not missing:
            break
    return np.concatenate(blocks)


def sound_blocks(path: Path, rate: int = SAMPLE_RATE, lost: list[Fraction] | None = None) -> Iterator[Samples]:
    """The sound of a file as blocks of stereo samples `(n, 2)`, float32, at `rate` Hz.

    Each sounds at its time: where the file's time stamps leave a hole there is silence. Of a film, sample 0 sounds when
    its first frame is shown. One channel plays on both sides as loud as it is; more than two are mixed down as ITU-R
    BS.775 says, without the LFE. Peaks may go past full scale. Where a packet is damaged there is silence too, and its
    time, in seconds, is added to `lost`.

    Raises:
        MediaError: the file cannot be read or has no sound.
    """
    path = _beside(path)
    track = sound_track(path)
    if track.number < 0:
        raise UnusableFile(
            f"cannot use {path}: {track.wrong or 'it has no sound'}", hint="name a sound file, or a film with sound"
        )
    if track.rate < _SLOWEST:
        told = f"its sound has {track.rate} samples a second, which is too few to hear"
        raise UnusableFile(f"cannot use {path}: {told}", hint="export it again, with 48,000 samples a second")
    with opened(path) as container:
        begin = None if picture_stream(container) is None else _first_shown(path)
        stream = _numbered(container, track)
        damaged: list[Fraction] = [] if lost is None else lost
        try:
            edits = edits_of(path, container, stream)
            heard = timed(_heard(container, stream, damaged, begin), begin, rate)
            for block in _edited(path, track, edits, begin or Fraction(0), rate=rate, lost=damaged) if edits else heard:
                _require_sane(path, block)
                yield block
        except Unmixed as error:
            told = f"its sound has {error} channels, and where each is heard is not known"
            raise UnusableFile(f"cannot use {path}: {told}", hint="mix it down to stereo first") from error


def _edited(
    path: Path, track: AudioTrack, edits: Sequence[Edit], begin: Fraction, *, rate: int, lost: list[Fraction]
) -> Iterator[Samples]:
    """What the edits of a track play of it, from a time of the film on, to the sample."""
    made, last = 0, max(number for number, edit in enumerate(edits) if edit.shown)
    with opened(path, edited=False) as container:
        stream = _numbered(container, track)
        base = stream.time_base or Fraction(1)
        for start, edit in islice(placed(edits), last + 1):
            place, end = round((start - begin) * rate), round((start + edit.length - begin) * rate)
            if edit.shown and end > made:
                at = edit.plays * base + max(Fraction(0), begin - start)
                container.seek(max(0, round((at - _PREROLL) / base)), stream=stream)
                frames = _heard(container, stream, lost, edit.plays * base - start + begin)
                for block in timed(frames, at, rate, end - max(made, place)):
                    made += len(block)
                    yield block
            if edit is not edits[last]:
                yield from silence(end - made, rate)
                made = max(made, end)


_PREROLL = Fraction(1, 2)
"""Seconds before an edit from which a coder is read: its first packets need those before them."""


_LOUDEST = 1000.0
"""Samples beyond this, 60 dB over full scale, are no sound: whole numbers, or bytes that are taken for others."""


def _require_sane(path: Path, block: Samples) -> None:
    most = float(np.abs(block).max(initial=0.0))
    if not math.isfinite(most):
        raise UnusableFile(f"cannot use {path}: its sound has samples that are not numbers", hint=_AGAIN)
    if most > _LOUDEST:
        told = f"its sound has samples of up to {most:.3g}, where 1 is full scale"
        raise UnusableFile(f"cannot use {path}: {told}", hint="export it again, as FLAC or as WAV of 16 bits")


_AGAIN = "make or export it again"


def _first_shown(path: Path) -> Fraction | None:
    """When the first frame of a film is shown, in seconds of the file's clock; None where there are no pictures."""
    from sora_cli.media.read.film import open_film

    with opened(path) as container:
        stream = picture_stream(container)
        if stream is None:
            return None
        base = stream.time_base or Fraction(1)
        if edits_of(path, container, stream):
            with open_film(path, sound=False) as film:
                return int(film.index.times[0]) * film.index.base
        if container.format.name.startswith("mov,") and stream.start_time is not None:
            return stream.start_time * base
        began: dict[int | None, int | None] = {}
        for packet in packets(container, stream):
            began[packet.pts] = packet.dts
            for frame in frames_of(packet):
                # An AVI has no times of showing: its packets count them from 0, as its sound does.
                first = began.get(frame.pts, frame.pts) if container.format.name == "avi" else frame.pts
                return None if first is None else first * base
        return None


_UNDECODABLE = (av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.PermissionError)
"""What decoders say of damaged packets; the last one is AAC's."""


def _heard(
    container: InputContainer, stream: AudioStream, lost: list[Fraction], begin: Fraction | None
) -> Iterator[av.AudioFrame]:
    """The frames of sound as they are decoded; what cannot be is passed over, its time from `begin` added to `lost`.

    What is passed over before the first one is not lost: a file may begin anywhere. Nor is what stands behind the last
    one of a bare stream: tags do.
    """
    began, bare = False, container.format.name in _BARE
    failed: list[Fraction] = []
    for packet in packets(container, stream):
        at = Fraction(0) if packet.pts is None else packet.pts * packet.time_base
        try:
            frames = packet.decode()
        except _UNDECODABLE:
            if began and begin is not None and packet.pts is not None:
                (failed if bare else lost).append(at - begin)
            continue
        if frames:
            began = True
            lost += failed
            failed.clear()
            begin = at if begin is None else begin
        yield from frames


_BARE = {"mp3", "aac", "ac3", "eac3"}
"""Containers without any of their own: what follows the last packet is taken for one."""


def last_heard(path: Path, number: int) -> Fraction:
    """When the last packet of a track ends, in seconds of the file's clock as it runs on; the whole file is read."""
    with opened(path) as container:
        stream = container.streams[number]
        if edits := edits_of(path, container, stream):
            return max(start + edit.length for start, edit in placed(edits) if edit.shown)
        ends = ((packet.pts or 0) + (packet.duration or 0) for packet in packets(container, stream) if packet.size)
        return max(ends, default=0) * (stream.time_base or Fraction(0))


def silent_places(lost: Sequence[Fraction]) -> tuple[str, ...]:
    """A remark on sound that cannot be decoded at these times, in seconds."""
    return (f"its sound is damaged at {float(lost[0]):.1f} s: what cannot be decoded is not heard",) if lost else ()


def damage(path: Path) -> tuple[str, ...]:
    """A remark on a film whose sound cannot be decoded all through; all of it is decoded.

    Raises:
        MediaError: the file cannot be read, or has no sound.
    """
    lost: list[Fraction] = []
    for _ in sound_blocks(path, lost=lost):
        pass
    return silent_places(lost)
