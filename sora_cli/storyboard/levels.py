"""How loud, from which side, with how much power: as people write it."""

from __future__ import annotations

import re
from collections.abc import Callable

from sora_cli.storyboard.forms import NUMBER, Wrong, expected, number
from sora_cli.storyboard.sound import LOUDNESS

MAX_WATTS = 10_000_000

LOUDNESSES = {"web": LOUDNESS, "ebu": -23.0, "atsc": -24.0}
"""LUFS that deliveries ask for: platforms on the web, EBU R 128, ATSC A/85."""


def loudness(value: object) -> float:
    """An integrated loudness from -70 to 0, `-16` or `-16 LUFS`, or the name of what asks for it."""
    if isinstance(value, str) and value.lower() in LOUDNESSES:
        return LOUDNESSES[value.lower()]
    if isinstance(value, str) and (match := re.fullmatch(r"(-[0-9]{1,2}(\.[0-9]{1,6})?)\s*L[UK]FS", value.strip())):
        value = float(match[1])
    try:
        return number(-70, 0, "a loudness in LUFS")(value)
    except Wrong as wrong:
        raise Wrong(wrong.message, f"{wrong.hint}, or {', '.join(LOUDNESSES)}") from None


def decibels(least: float, most: float) -> Callable[[object], float]:
    """A reader of levels: `-6`, `-6 dB`."""

    def read(value: object) -> float:
        if isinstance(value, str) and (match := re.fullmatch(r"\s*([-+]?[0-9]{1,4}(\.[0-9]{1,6})?)\s*dB\s*", value)):
            value = float(match[1])
        return number(least, most, "a level in dB")(value)

    return read


def pan(value: object) -> float:
    """Where something is heard: left, center, right, or from -1 to 1."""
    sides = {"left": -1.0, "center": 0.0, "centre": 0.0, "right": 1.0}
    if isinstance(value, str):
        if value not in sides:
            raise expected("a place", value, "write left, center, right, or a number from -1 to 1")
        return sides[value]
    return number(-1, 1, "a place")(value)


def watts(value: object) -> float:
    """A power in watts: 450, `450 W` or `1.2 kW`."""
    match = re.fullmatch(rf"\s*({NUMBER})\s*(k?)W?\s*", str(value), re.IGNORECASE)
    if isinstance(value, bool) or match is None or (match[2] and not str(value).strip().lower().endswith("w")):
        raise expected("a power", value, "write for instance 450 W or 1.2 kW")
    found = float(match[1]) * (1000 if match[2] else 1)
    if not 0 < found <= MAX_WATTS:
        raise expected(f"a power above 0 and up to {MAX_WATTS:,} W", value)
    return found
