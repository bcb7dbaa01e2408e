"""Sound read from any sound or film file, and passed through libavfilter, block by block."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter import Graph

from sora_cli.errors import MediaError
from sora_cli.media.opening import opened, picture_stream
from sora_cli.media.stream import SAMPLE_RATE, Samples


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


def sound_blocks(path: Path, rate: int = SAMPLE_RATE) -> Iterator[Samples]:
    """The sound of a file as blocks of stereo samples `(n, 2)`, float32, at `rate` Hz.

    Of a film, sample 0 sounds when its first frame is shown. One channel plays on both sides as loud as it is; more
    than two are mixed down as ITU-R BS.775 says, without the LFE. Peaks may go past full scale.

    Raises:
        MediaError: the file cannot be read or has no sound.
    """
    with opened(path) as container:
        if not container.streams.audio:
            raise MediaError(f"cannot use {path}: it has no sound", hint="name a sound file, or a film with sound")
        stream = container.streams.audio[0]
        mono = stream.channels == 1
        resampler = av.AudioResampler(
            format="flt", layout="mono" if mono else "stereo", rate=rate, options={"internal_sample_fmt": "fltp"}
        )
        late = _late(container, stream, rate)
        if late > 0:
            yield np.zeros((late, 2), np.float32)
        early = max(0, -late)
        for block in _decoded(container, stream, resampler):
            samples = block.repeat(2, axis=1) if mono else block
            skipped = min(early, len(samples))
            early -= skipped
            if len(samples) > skipped:
                yield samples[skipped:]


def stretched(path: Path, speed: Fraction) -> Iterator[Samples]:
    """The sound of a file as `sound_blocks` gives it, `speed` times as fast (0.25 to 4) at the same pitch.

    Raises:
        MediaError: the file cannot be read or has no sound.
    """
    tempo = ("atempo", {"tempo": f"{math.sqrt(speed):.9f}"})  # twice, since one filter goes down to a half only
    return (samples_of(frame) for frame in filtered(sound_blocks(path), tempo, tempo))


def _late(container: InputContainer, stream: AudioStream, rate: int) -> int:
    """How many samples after the film's first frame its sound starts; 0 where there are no pictures."""
    pictures = picture_stream(container)
    if pictures is None or pictures.start_time is None or stream.start_time is None:
        return 0
    starts = [Fraction(part.start_time or 0) * (part.time_base or 1) for part in (stream, pictures)]
    return round((starts[0] - starts[1]) * rate)


def _decoded(container: InputContainer, stream: AudioStream, resampler: av.AudioResampler) -> Iterator[Samples]:
    channels = 1 if resampler.layout.name == "mono" else 2
    for frame in container.decode(stream):
        for block in resampler.resample(frame):
            yield block.to_ndarray().reshape(-1, channels).astype(np.float32, copy=False)
    for block in resampler.resample(None):
        yield block.to_ndarray().reshape(-1, channels).astype(np.float32, copy=False)


def sound_frame(block: Samples, at: int) -> av.AudioFrame:
    """Stereo samples `(n, 2)` at 48 kHz as libav takes them, starting at sample `at`."""
    packed = np.ascontiguousarray(block, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, at, Fraction(1, SAMPLE_RATE)
    return frame


def filtered(blocks: Iterable[Samples], *steps: tuple[str, dict[str, str]]) -> Iterator[av.AudioFrame]:
    """Pass stereo blocks at 48 kHz through libavfilter's filters; yields what comes out, packed float stereo."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=SAMPLE_RATE, format="flt", layout="stereo", time_base=Fraction(1, SAMPLE_RATE)
    )
    middle = [graph.add(name, **options) for name, options in steps]
    packed = graph.add("aformat", sample_fmts="flt", channel_layouts="stereo")
    graph.link_nodes(source, *middle, packed, graph.add("abuffersink")).configure()
    at = 0
    for block in blocks:
        graph.push(sound_frame(block, at))
        at += len(block)
        yield from _drained(graph)
    graph.push(None)
    yield from _drained(graph)


def _drained(graph: Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        if isinstance(frame, av.AudioFrame):
            yield frame


def samples_of(frame: av.AudioFrame) -> Samples:
    """The samples `(n, 2)` of a packed stereo frame."""
    return frame.to_ndarray().reshape(-1, 2).astype(np.float32, copy=False)
