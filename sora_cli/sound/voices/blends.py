"""The embedded voices: what each is a blend of.

Pitches are medians of the fundamental over eight sentences (autocorrelation, 60 to 450 Hz), `manner` is what was
measured: pitch, and how quickly it speaks. No one has judged by ear how natural they sound; the five vectors that they
are made of come from Japanese speakers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

LICENCE = "Apache-2.0"

_ALPHA, _GON, _NEZUMI, _TEBUKURO, _KUMO = "jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"


class Blend(Struct, frozen=True):
    """A voice as shares of the packages' own styles; a share below nothing leads away from a style."""

    language: str
    pitch: int
    manner: str
    shares: Mapping[str, float]
    speed: float = 1.0


BLENDS: Mapping[str, Blend] = MappingProxyType(
    {
        "en-us-1": Blend("en-US", 128, "low, clear", {_ALPHA: 0.25, _KUMO: 0.75}),
        "en-us-2": Blend("en-US", 167, "middle, quick", {_ALPHA: 0.5, _KUMO: 0.5}, 1.08),
        "en-us-3": Blend("en-US", 91, "deep, even", {_KUMO: 1.0}),
        "en-us-4": Blend("en-US", 81, "very deep, slow", {_ALPHA: -0.4, _KUMO: 1.4}, 0.92),
        "en-us-5": Blend("en-US", 197, "between low and high", {_TEBUKURO: 0.5, _KUMO: 0.5}),
        "en-us-6": Blend("en-US", 236, "high", {_GON: 1.0}),
        "en-us-7": Blend("en-US", 282, "high, even", {_NEZUMI: 0.5, _TEBUKURO: 0.5}),
        "en-us-8": Blend("en-US", 329, "very high", {_TEBUKURO: 1.0}),
        "en-gb-1": Blend("en-GB", 247, "high, even", {_ALPHA: 0.5, _GON: 0.5}),
        "en-gb-2": Blend("en-GB", 126, "low, clear", {_NEZUMI: 0.3, _KUMO: 0.7}),
        "en-gb-3": Blend("en-GB", 171, "middle", {_ALPHA: 0.5, _KUMO: 0.5}),
        "en-gb-4": Blend("en-GB", 91, "deep, even", {_KUMO: 1.0}),
    }
)
