"""The kinds of place that a sound is heard in, and the words that name them.

Times are typical of rooms of the kind (RT60: furnished room 0.4 s, hall 1.8 s, church 3 s, street canyon 1.1 s).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sora_cli.media.stream import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Space:
    """A kind of place: RT60 in seconds, the first reflection's delay in ms, how far its tail is below the sound, dB.

    `treble` is the frequency in Hz above which the walls swallow most.
    """

    decay: float
    delay: float
    below: float
    treble: float
    words: tuple[str, ...]

    @property
    def tail(self) -> int:
        """Samples that go on sounding after the sound itself."""
        return int((self.decay + self.delay / 1000) * SAMPLE_RATE)


SPACES = {
    "open": Space(0, 0, 0, 0, ()),
    "room": Space(0.4, 6, 17, 6000, (
        "room", "kitchen", "bedroom", "office", "cabin", "car", "inside", "indoors", "house", "shop", "cafe", "hut",
        "attic", "library", "workshop", "classroom", "apartment", "studio", "lighthouse", "bar", "restaurant",
    )),
    "hall": Space(1.8, 22, 18, 4500, (
        "hall", "theatre", "theater", "station", "museum", "gym", "warehouse", "factory", "hangar", "tunnel", "garage",
        "corridor", "palace", "castle", "ballroom", "auditorium",
    )),
    "church": Space(3.0, 30, 18, 3500, ("church", "cathedral", "cave", "temple", "crypt", "chapel", "mosque")),
    "street": Space(1.1, 45, 23, 4000, ("street", "alley", "city", "courtyard", "square", "town", "canyon")),
}  # fmt: skip
"""By name; `open` is a place without walls."""


def space_of(setting: str) -> str:
    """The kind of place that a setting's words name; `open` where they name none."""
    words = set(re.findall(r"[a-z]+", setting.lower()))
    return next((name for name, space in SPACES.items() if words & set(space.words)), "open")
