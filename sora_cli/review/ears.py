"""One pass over a film's sound: its level in short blocks, and the largest sample jumps. Constant memory."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from msgspec import Struct, field

from sora_cli.media.stream import SAMPLE_RATE, Samples

BLOCK = SAMPLE_RATE // 50
"""Samples of a block: 20 ms."""
SILENT = -70.0
"""dBFS: quieter is silence."""


class SoundScan(Struct):
    """A film's sound, in blocks of 20 ms: `levels` in dBFS, `jumps` the largest step of samples in usual steps."""

    samples: int = 0
    levels: list[float] = field(default_factory=list)
    jumps: list[float] = field(default_factory=list)

    def level(self, second: float, seconds: float = 0.4) -> float:
        """The mean level in dBFS from `second` on; SILENT where nothing sounds."""
        first = max(0, round(second * 50))
        part = self.levels[first : max(first + 1, round((second + seconds) * 50))]
        power = sum(10 ** (level / 10) for level in part) / max(1, len(part))
        return max(SILENT, 10 * math.log10(power)) if power > 0 else SILENT

    def clicks(self, second: float, within: float = 0.04) -> float:
        """The largest jump near `second`, in standard deviations of the usual step."""
        first = max(0, round((second - within) * 50))
        return max(self.jumps[first : round((second + within) * 50) + 1], default=0.0)


def listen(blocks: Iterable[Samples]) -> SoundScan:
    """Scan a film's sound once, from blocks `(n, channels)` at 48 kHz."""
    heard, rest = SoundScan(), np.empty(0, np.float32)
    last = 0.0
    for block in blocks:
        mono = block.mean(axis=1)
        heard.samples += len(mono)
        rest = np.concatenate([rest, mono])
        while len(rest) >= BLOCK:
            part, rest = rest[:BLOCK], rest[BLOCK:]
            last = _hear(heard, part, last)
    if len(rest):
        _hear(heard, rest, last)
    return heard


def _hear(heard: SoundScan, part: Samples, last: float) -> float:
    steps = np.abs(np.diff(part, prepend=last))
    power = float(np.square(part, dtype=np.float64).mean())
    heard.levels.append(max(SILENT, 10 * math.log10(power)) if power > 0 else SILENT)
    peak = int(steps.argmax())
    usual = float(np.delete(steps, peak).std() + np.delete(steps, peak).mean()) if len(steps) > 1 else 0.0
    heard.jumps.append(float(steps[peak]) / max(usual, 1e-4))
    return float(part[-1])
