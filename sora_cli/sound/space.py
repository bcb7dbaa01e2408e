"""The kinds of place that a sound is heard in, where in the picture somebody is, and the words that say so.

Times are typical of rooms of the kind (RT60: furnished room 0.4 s, hall 1.8 s, church 3 s, street canyon 1.1 s).
"""

from __future__ import annotations

import re

from msgspec import Struct

from sora_cli.media.stream import SAMPLE_RATE


class Space(Struct, frozen=True):
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


ASIDE = 0.5
"""How far to one side somebody is heard who is on that side of the picture: -1 and 1 are its edges."""
_STANDS = r"(?:is|(?:stand|sitt?|wait|lean|kneel|stay)(?:s|ing)|lies|lying)"
_OVER = rf"(?=$|[^\w ]| (?:side|half|of (?:the )?(?:frame|screen|picture)|and|while|with|as|{_STANDS})\b)"
_SIDE = rf"(?:(?:on|at) (?:the )?(?:far )?(?:screen |frame )?|(?:screen|frame) )(left|right)\b{_OVER}"


def side_of(name: str, prompt: str) -> float:
    """From where somebody is heard, by words such as `@mara on the left`: -1 to 1; 0 where none or both sides are said.

    The words stand right behind the name, or right before it at the beginning of a clause (`on the left, @mara ...`).
    """
    who = rf"(?<!\w)@?{re.escape(name)}\b"
    behind = rf"{who},? (?:{_STANDS} )?{_SIDE}"
    before = rf"(?:^|[.;:,] |\band ){_SIDE},? (?:{_STANDS} )?{who}"
    sides = {side.lower() for way in (behind, before) for side in re.findall(way, prompt, re.IGNORECASE)}
    return {"left": -ASIDE, "right": ASIDE}[sides.pop()] if len(sides) == 1 else 0.0
