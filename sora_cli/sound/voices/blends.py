"""The embedded voices: what each is a blend of.

Pitches are medians of the fundamental over eight sentences (autocorrelation, 60 to 450 Hz), `manner` is what was
measured: pitch, and how quickly it speaks. No one has judged by ear how natural they sound; the five vectors that they
are made of come from Japanese speakers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LICENCE = "Apache-2.0"

_ALPHA, _GON, _NEZUMI, _TEBUKURO, _KUMO = "jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"


@dataclass(frozen=True, slots=True)
class Blend:
    """A voice as shares of the packages' own styles; a share below nothing leads away from a style."""

    language: str
    pitch: int
    manner: str
    shares: Mapping[str, float]
    speed: float = 1.0


BLENDS: Mapping[str, Blend] = MappingProxyType({
    "en-us-1": Blend("en-US", 91, "low", {_KUMO: 1.0}),
    "en-us-2": Blend("en-US", 173, "middle", {_ALPHA: 0.5, _KUMO: 0.5}),
})  # fmt: skip
