"""What a film must keep to. Plain numbers: a plan and a sidecar ask them too.

The defaults were chosen on one half of made cases and are reported on the other (docs/review.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import asdict

NO_LIKENESS = -1.0
"""The least cosine there is."""


class Bars(Struct, frozen=True, kw_only=True):
    """What a film must keep to."""

    colour: float = 3.0
    """CIE dE2000 of a shot, or a link of a chain, to its scene's first."""
    sharpness: float = 0.9
    """Fine detail left of that of the scene's first beat."""
    jump: float = 2.0
    """The change over a join, in usual changes from frame to frame."""
    turn: float = 0.5
    """How much of the speed along the old direction must go on over a join; -1 is straight back."""
    jolt: float = 0.7
    """The change of speed over a join that no constant acceleration explains, in usual speeds."""
    flicker: float = 1.0
    """Steps of 8 bits that what stands still pulses by."""
    path: float = 0.03
    """How far what moves is from the best path of constant accelerations, in its own size."""
    growth: float = 1.5
    """How many times as large, or as small, what moves may be a frame later."""
    tint: float = 12.0
    """CIE dE2000 by which what moves may change its colour from frame to frame."""
    identity: float = NO_LIKENESS
    """The cosine to its references that the cast must have; each embedding has its own, so there is none by default."""
    click: float = 12.0
    """A jump from sample to sample, in usual steps."""
    level: float = 6.0
    """dB that the sound may step by at a join."""
    length: float = 1023.0
    """Samples that the sound may be longer or shorter than the picture: AAC is written in whole blocks of 1,024."""


class Rated(Protocol):
    """What was measured of a take: whether it is `good` by the default bars, and the bars that it just keeps, by name.

    It keeps none where something falls short that no bar of an author's helps.
    """

    @property
    def good(self) -> bool:
        """Whether nothing falls short."""
        ...

    @property
    def keeps(self) -> Mapping[str, float]:
        """What it just keeps."""
        ...


def bars_from(written: Mapping[str, float]) -> Bars:
    """Take the bars that a storyboard names, and the defaults for the rest."""
    return Bars(**{name: written[name] for name in Bars.__struct_fields__ if name in written})


def is_good(take: Rated, written: Mapping[str, float]) -> bool:
    """Whether a take is good by the bars that an author has `written`, and the defaults for the rest."""
    bars = asdict(bars_from(written))
    kept = [
        value >= bars[name] if name == "sharpness" else value <= bars[name]
        for name, value in take.keeps.items()
        if name in bars
    ]
    return all(kept) if kept else take.good
