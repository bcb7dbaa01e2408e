"""The level of the film's sound: loudness as broadcasters measure it, and no clipped peaks.

Measured by libavfilter's `ebur128` (ITU-R BS.1770-4, EBU R 128: K-weighting, two gates, true peak at four times the
rate); held by its `alimiter` at four times the rate, which catches peaks between the samples too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct

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


class Level(Struct, frozen=True):
    """Integrated loudness in LUFS, true peak in dBTP. Silence is -70 LUFS."""

    loudness: float
    peak: float


def measure(blocks: Iterator[Samples]) -> Level:
    """The level of stereo sound at 48 kHz; memory does not grow with its length."""
    loudness, peak = _measured(blocks, peak="true")
    return Level(loudness, 20 * math.log10(peak) if peak > 0 else -math.inf)


def loudness(blocks: Iterator[Samples]) -> float:
    """The integrated loudness of stereo sound at 48 kHz, LUFS, without its peaks: ten times as quick as `measure`."""
    return _measured(blocks)[0]


def _measured(blocks: Iterator[Samples], **more: str) -> tuple[float, float]:
    """What libavfilter measures of a sound: LUFS, and the highest amplitude where `more` asks for peaks."""
    told: dict[str, str] = {}
    for frame in filtered(blocks, ("ebur128", {"framelog": "quiet", "metadata": "1", **more})):
        told |= frame.metadata
    found = float(told.get("lavfi.r128.I", _SILENCE))
    return found if math.isfinite(found) else _SILENCE, float(told.get("lavfi.r128.true_peak", 0))


class Levelled:
    """The same sound at `loudness` LUFS (None: at its own), with its true peaks held at -1 dBTP.

    The gain is constant, so the dynamics stay; only where peaks would pass -1 dBTP a limiter takes them down, and the
    gain makes up for what that costs in loudness. Where that is not enough, `tell` hears the loudness that was reached.
    """

    def __init__(self, sound: Sounding, loudness: float | None, tell: Callable[[float], None] = lambda _: None) -> None:
        self._sound, self._loudness, self._tell = sound, loudness, tell
        self._found: _Setting | None = None

    def play(self) -> Iterator[Samples]:
        """A pass through it."""
        setting = self._settled()
        return _played(self._sound, setting.gain, limit=setting.limit)

    def part(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        """A part of the sound with the gain of the whole: all parts add up to the whole."""
        setting = self._settled()
        louder = _louder(blocks, setting.gain)
        return _limited_with(_louder(self._sound(), setting.gain), louder) if setting.limit else louder

    def _settled(self) -> _Setting:
        if self._found is None:
            self._found, wanted = _settle(self._sound, self._loudness), self._loudness
            if wanted is not None and abs(self._found.loudness - wanted) > NEAR and self._found.loudness > _SILENCE:
                self._tell(self._found.loudness)
        return self._found


class _Setting(Struct, frozen=True):
    """A gain in dB, whether the limiter is needed, and the loudness that comes of both."""

    gain: float
    limit: bool
    loudness: float


def _settle(sound: Sounding, wanted: float | None) -> _Setting:
    level = measure(sound())
    if level.loudness <= _SILENCE:
        return _Setting(0.0, level.peak > PEAK, level.loudness)
    gain = 0.0 if wanted is None else min(_MOST_GAIN, wanted - level.loudness)
    if level.peak + gain <= PEAK:
        return _Setting(gain, limit=False, loudness=level.loudness + gain)
    if wanted is None:
        return _Setting(gain, limit=True, loudness=level.loudness)
    reached = loudness(_played(sound, gain, limit=True))
    for _ in range(ROUNDS):
        if abs(wanted - reached) < 0.1 or gain >= _MOST_GAIN:
            break
        gain = min(_MOST_GAIN, gain + wanted - reached)
        reached = loudness(_played(sound, gain, limit=True))
    return _Setting(gain, limit=True, loudness=reached)


def _played(sound: Sounding, gain: float, *, limit: bool) -> Iterator[Samples]:
    louder = _louder(sound(), gain)
    return _limited(louder) if limit else louder


def _louder(blocks: Iterator[Samples], gain: float) -> Iterator[Samples]:
    factor = 10 ** (gain / 20)
    return (block * block.dtype.type(factor) for block in blocks)


def _limited(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """Hold true peaks at `PEAK`."""
    return (samples_of(frame) for frame in filtered(blocks, *_LIMIT))


def _limited_with(whole: Iterator[Samples], part: Iterator[Samples]) -> Iterator[Samples]:
    """A part of a sound, turned down where and as much as the limiter turns down the whole.

    The limiter turns all its channels down alike, by the loudest: it gets the whole, and the part so soft beside it
    that it is never the loudest.
    """
    soft = np.float32(1 / 64)
    beside = (np.hstack((one, other * soft)) for one, other in zip(whole, part, strict=True))
    for frame in filtered(beside, *_LIMIT, layout="quad"):
        yield frame.to_ndarray().reshape(-1, 4)[:, 2:].astype(np.float32, copy=False) / soft


_LIMIT: tuple[tuple[str, dict[str, str]], ...] = (
    ("aresample", {"sample_rate": "192000"}),
    (
        "alimiter",
        {"limit": f"{10 ** ((PEAK - 0.5) / 20):.6f}", "level": "0", "latency": "1", "attack": "5", "release": "60"},
    ),
    ("aresample", {"sample_rate": "48000"}),
)
"""A limiter at four times the rate, with half a decibel of room for the way back down to 48 kHz."""
