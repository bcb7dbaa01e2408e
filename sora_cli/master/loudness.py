"""The level of the film's sound: loudness as broadcasters measure it, and no clipped peaks.

Measured by libavfilter's `ebur128` (ITU-R BS.1770-4, EBU R 128: K-weighting, two gates, true peak at four times the
rate); held by its `alimiter` at four times the rate, which catches peaks between the samples too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sora_cli.media.sound import filtered, samples_of
from sora_cli.media.stream import Samples

PEAK = -1.0
"""The highest true peak, dBTP (EBU R 128, 2014)."""
_SILENCE = -70.0
_MOST_GAIN = 40.0

Sounding = Callable[[], Iterator[Samples]]


@dataclass(frozen=True, slots=True)
class Level:
    """Integrated loudness in LUFS, true peak in dBTP. Silence is -70 LUFS."""

    loudness: float
    peak: float


def measure(blocks: Iterator[Samples]) -> Level:
    """The level of stereo sound at 48 kHz; memory does not grow with its length."""
    loudness, peak = _SILENCE, 0.0
    for frame in filtered(blocks, ("ebur128", {"peak": "true", "framelog": "quiet", "metadata": "1"})):
        told = frame.metadata
        loudness = float(told.get("lavfi.r128.I", loudness))
        peak = float(told.get("lavfi.r128.true_peak", peak))
    return Level(loudness if math.isfinite(loudness) else _SILENCE, _decibels(peak))


def levelled(sound: Sounding, loudness: float | None) -> Sounding:
    """The same sound at `loudness` LUFS (as it is where None), its true peaks held at -1 dBTP.

    The gain is constant, so the dynamics stay; only where peaks would pass -1 dBTP a limiter takes them down, and the
    gain makes up for what that costs in loudness.
    """
    found: list[tuple[float, bool]] = []

    def play() -> Iterator[Samples]:
        if not found:
            found.append(_settle(sound, loudness))
        gain, limit = found[0]
        return _played(sound, gain, limit=limit)

    return play


def _settle(sound: Sounding, loudness: float | None) -> tuple[float, bool]:
    """(gain in dB, whether the limiter is needed)."""
    level = measure(sound())
    if level.loudness <= _SILENCE:
        return 0.0, level.peak > PEAK
    gain = 0.0 if loudness is None else min(_MOST_GAIN, loudness - level.loudness)
    if level.peak + gain <= PEAK:
        return gain, False
    if loudness is not None:
        for _ in range(3):
            missing = loudness - measure(_played(sound, gain, limit=True)).loudness
            if abs(missing) < 0.1:
                break
            gain = min(_MOST_GAIN, gain + missing)
    return gain, True


def _played(sound: Sounding, gain: float, *, limit: bool) -> Iterator[Samples]:
    factor = 10 ** (gain / 20)
    louder = (block * block.dtype.type(factor) for block in sound())
    return _limited(louder) if limit else louder


def _limited(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """Hold true peaks at `PEAK`, half a decibel of room for the way back down to 48 kHz included."""
    ceiling = 10 ** ((PEAK - 0.5) / 20)
    limiter = {"limit": f"{ceiling:.6f}", "level": "0", "latency": "1", "attack": "5", "release": "60"}
    steps = (("aresample", {"sample_rate": "192000"}), ("alimiter", limiter), ("aresample", {"sample_rate": "48000"}))
    return (samples_of(frame) for frame in filtered(blocks, *steps))


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
