"""Music that is over before what it lies under."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from sora_cli.errors import MediaError, Problem
from sora_cli.flows.opening import kept
from sora_cli.plan import Plan
from sora_cli.plan.sounds import beds
from sora_cli.storyboard.files import use_of

_SHORT = Fraction(1)
"""Seconds without music that nobody need be told of: it fades there anyway."""


def ended(plan: Plan) -> Iterator[Problem]:
    """A remark on each piece of music that ends before the shots that it lies under."""
    wanted: dict[Path, Fraction] = {}
    for bed in beds(plan):
        if bed.bus == "music" and bed.path is not None:
            seconds = (bed.end - bed.start) / plan.fps
            wanted[bed.path] = max(seconds, wanted.get(bed.path, seconds))
    for path, seconds in wanted.items():
        lasts = Fraction(0)
        with suppress(MediaError, OSError):  # told already
            lasts = Fraction(str(kept(path, "lasts", _length)))
        if not lasts or lasts + _SHORT >= seconds:
            continue
        named = plan.board.material.items()
        loc = next((loc for loc, file in named if file == path and use_of(loc) == "music"), ("sound",))
        after = float(seconds - lasts)
        told = f"{path.name} is over after {float(lasts):.1f} s: the {after:.1f} s behind that have no music"
        yield Problem(told, "use a longer one: music is not repeated, as `ambience` is", plan.board.mark(loc))


def _length(path: Path) -> float:
    """How many seconds of sound a file has, by its header; 0 for a film, whose sound may begin and end anywhere."""
    from sora_cli.media.read.sound import sound_facts

    facts = sound_facts(path)
    return float(facts.duration) if facts is not None else 0.0
