"""The samples of a spoken line: at the films' rate, from its first audible sample, as loud as every other."""

from __future__ import annotations

import numpy as np

from sora_cli.media.stream import SAMPLE_RATE, Samples
from sora_cli.sound.voices.base import Speech

AUDIBLE = 0.01
"""Of a line's peak, -40 dB: a line begins with its first sample as loud as that."""
PEAK = 0.7
"""Every line's highest sample, so that voices come out alike: -3 dB."""


def levelled(speech: Speech) -> Speech:
    """A line as loud as every other: its highest sample is `PEAK`."""
    return Speech(speech.samples * np.float32(PEAK / np.abs(speech.samples).max()), speech.words)


def resampled(samples: Samples, rate: int) -> Samples:
    """Mono samples at `rate` Hz as mono samples at 48 kHz: exactly as long, and in the same place."""
    if rate == SAMPLE_RATE:
        return samples
    import av

    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32).reshape(1, -1), "flt", "mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    blocks = [block.to_ndarray().ravel() for given in (frame, None) for block in resampler.resample(given)]
    out = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    wanted = round(len(samples) * SAMPLE_RATE / rate)
    return np.pad(out[:wanted], (0, max(0, wanted - len(out)))).astype(np.float32, copy=False)


def audible(samples: Samples, rate: int) -> Samples:
    """A line from its first to its last audible sample, at 48 kHz; empty where it is silent."""
    there = resampled(samples, rate)
    loud = np.flatnonzero(np.abs(there) >= AUDIBLE * np.abs(there).max()) if there.any() else np.zeros(0, int)
    return there[loud[0] : loud[-1] + 1] if len(loud) else there[:0]
