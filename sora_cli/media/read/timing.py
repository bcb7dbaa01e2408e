"""Decoded sound as stereo blocks, each in its time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain

import av
import numpy as np

from sora_cli.media.stream import Samples

_JITTER = Fraction(1, 25)
"""Seconds that sound may be off its time stamps before it is moved: containers round them, recorders guess them, and
nobody notices (ITU-R BT.1359: from 45 ms on).
"""


def timed(
    frames: Iterator[av.AudioFrame], begin: Fraction | None, rate: int, most: int = sys.maxsize
) -> Iterator[Samples]:
    """Stereo blocks at `rate` Hz, each in its time: silence before what is late, nothing of what is before `begin`.

    There are `most` samples at most.
    """
    made = skip = 0
    for due, run in _runs(frames):
        begin = due if begin is None else begin
        place = min(most, round((due - begin) * rate))
        yield from silence(place - made, rate)
        made = max(made, place)
        skip = made - place
        for block in _resampled(run, rate):
            kept = block[skip : skip + most - made]
            skip -= min(skip, len(block))
            made += len(kept)
            if len(kept):
                yield kept
            if made >= most:
                return


def silence(count: int, rate: int) -> Iterator[Samples]:
    """So many samples of silence, in blocks of a second."""
    while count > 0:
        yield np.zeros((min(rate, count), 2), np.float32)
        count -= rate


def _runs(frames: Iterator[av.AudioFrame]) -> Iterator[tuple[Fraction, Iterator[av.AudioFrame]]]:
    """Stretches of sound of one kind without a jump in their time stamps, each with its time on the file's clock.

    Each must be used up before the next is asked for.
    """
    coming = next(frames, None)
    at: Fraction | None = None

    def due(frame: av.AudioFrame) -> Fraction:
        if frame.pts is None or frame.time_base is None:
            return at or Fraction(0)
        return frame.pts * frame.time_base

    def run() -> Iterator[av.AudioFrame]:
        nonlocal coming, at
        at, kind = (due(coming), _kind(coming)) if coming is not None else (None, None)
        while coming is not None and at is not None and abs(due(coming) - at) <= _JITTER and _kind(coming) == kind:
            at += Fraction(coming.samples, coming.sample_rate)
            yield coming
            coming = next(frames, None)

    while coming is not None:
        yield due(coming), run()


def _kind(frame: av.AudioFrame) -> tuple[str, str, int]:
    """What a broadcast may change from one programme to the next: how samples are written, channels, rate."""
    return frame.format.name, frame.layout.name, frame.sample_rate


class Unmixed(Exception):
    """So many channels that libswresample cannot mix down."""


def _resampled(frames: Iterator[av.AudioFrame], rate: int) -> Iterator[Samples]:
    """Frames of sound of one kind as stereo blocks at `rate` Hz."""
    first = next(frames)
    channels = first.layout.nb_channels
    resampler = av.AudioResampler(
        format="flt",
        layout="mono" if channels == 1 else "stereo",
        rate=rate,
        options={"internal_sample_fmt": "fltp"},
    )
    for frame in chain([first], frames, [None]):
        try:
            blocks = resampler.resample(frame)
        except av.error.ArgumentError as error:
            raise Unmixed(channels) from error
        for block in blocks:
            samples = block.to_ndarray().reshape(-1, min(channels, 2)).astype(np.float32, copy=False)
            yield samples.repeat(2, axis=1) if channels == 1 else samples
