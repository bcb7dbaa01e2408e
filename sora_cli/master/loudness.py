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
ROUNDS = 3
"""How often the gain is set anew to make up for the limiter."""
NEAR = 0.5
"""LU by which a film may miss its loudness without a word."""
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


def loudness(blocks: Iterator[Samples]) -> float:
    """The integrated loudness of stereo sound at 48 kHz, LUFS, without its peaks: ten times as quick as `measure`."""
    found = _SILENCE
    for frame in filtered(blocks, ("ebur128", {"framelog": "quiet", "metadata": "1"})):
        found = float(frame.metadata.get("lavfi.r128.I", found))
    return found if math.isfinite(found) else _SILENCE


def levelled(sound: Sounding, loudness: float | None, tell: Callable[[float], None] = lambda _: None) -> Sounding:
    """The same sound at `loudness` LUFS (as it is where None), its true peaks held at -1 dBTP.

    The gain is constant, so the dynamics stay; only where peaks would pass -1 dBTP a limiter takes them down, and the
    gain makes up for what that costs in loudness. Where that is not enough, `tell` hears the loudness that was reached.
    """
    found: list[_Setting] = []

    def play() -> Iterator[Samples]:
        if not found:
            found.append(_settle(sound, loudness))
            if loudness is not None and abs(found[0].loudness - loudness) > NEAR and found[0].loudness > _SILENCE:
                tell(found[0].loudness)
        return _played(sound, found[0].gain, limit=found[0].limit)

    return play


@dataclass(frozen=True, slots=True)
class _Setting:
    """A gain in dB, whether the limiter is needed, and the loudness that comes of both."""

    gain: float
    limit: bool
    loudness: float


def _settle(sound: Sounding, loudness: float | None) -> _Setting:
    level = measure(sound())
    if level.loudness <= _SILENCE:
        return _Setting(0.0, level.peak > PEAK, level.loudness)
    gain = 0.0 if loudness is None else min(_MOST_GAIN, loudness - level.loudness)
    if level.peak + gain <= PEAK:
        return _Setting(gain, limit=False, loudness=level.loudness + gain)
    if loudness is None:
        return _Setting(gain, limit=True, loudness=level.loudness)
    reached = measure(_played(sound, gain, limit=True)).loudness
    for _ in range(ROUNDS):
        if abs(loudness - reached) < 0.1 or gain >= _MOST_GAIN:
            break
        gain = min(_MOST_GAIN, gain + loudness - reached)
        reached = measure(_played(sound, gain, limit=True)).loudness
    return _Setting(gain, limit=True, loudness=reached)


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
