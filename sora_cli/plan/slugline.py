"""The hour and the place that a shot's words name, as a slugline does (INT. KITCHEN - NIGHT). Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from sora_cli.storyboard.model import Beat, Shot


def _kinds(words: dict[str, str]) -> dict[str, str]:
    """The kind of each word."""
    return {word: kind for kind, names in words.items() for word in names.split()}


_HOURS = _kinds(
    {
        "day": "day daytime daylight noon midday morning afternoon sunny sunlight sunlit sunshine",
        "low sun": "sunset sunrise sundown dusk dawn twilight evening",
        "night": "night nighttime midnight moonlight moonlit starlight starlit",
    }
)
_PLACES = _kinds(
    {
        "grass": "grass meadow lawn park garden hill hills",
        "sea": "beach sea seaside seashore shore ocean coast harbour harbor",
        "sand": "desert dune dunes",
        "snow": "snow snowy ice glacier",
        "town": "street city town road downtown alley square market",
        "woods": "forest wood woods jungle",
        "indoors": "room kitchen bedroom bathroom office indoors hall attic cellar cabin shop cafe bar corridor",
    }
)
_LIGHT = re.compile(r"\b(?:light|lit|dark|dim|golden|sun|moon|(?:blue|clear|dark|orange) sky)\b")
"""Words that speak of light and name no hour."""
_WORD = re.compile(r"\w+")
_LEADS_TO_PLACE = r"\b(?:in|inside|on|at|by|along|through|across|over|into|onto|near)(?: [\w-]+){0,2}? "
"""What happens may be about a place (`she paints the sea`); it is there where a word of place comes before it."""


class Slugline(NamedTuple):
    """The kinds of hour and of place that are named; nothing where none is."""

    hours: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()

    def fits(self, other: Slugline) -> bool:
        """Whether both can be one place in one light: an hour is shared, and no other place is named."""
        elsewhere = self.places and other.places and not self.places & other.places
        return bool(self.hours & other.hours) and not elsewhere


UNSAID = Slugline()
BY_DAY = Slugline(frozenset({"day"}))
"""What holds where nothing is said."""


def slugline(shot: Shot) -> Slugline:
    """What the first beat of a shot names: of the hour, the nearest words count; of the place, the setting's do."""
    if not shot.beats:
        return UNSAID
    beat = shot.beats[0]
    hours = (_named(_HOURS, words) for words in (beat.prompt, beat.light, beat.setting))
    places = (_named(_PLACES, beat.setting), _named(_PLACES, beat.prompt, _LEADS_TO_PLACE))
    return Slugline(next(filter(None, hours), frozenset()), next(filter(None, places), frozenset()))


def names_light(beat: Beat) -> bool:
    """Whether a beat's words say anything of hour or light."""
    words = f"{beat.setting} {beat.prompt}".lower()
    return bool(beat.light or _named(_HOURS, words) or _LIGHT.search(words))


def _named(kinds: dict[str, str], words: str, before: str = r"\b") -> frozenset[str]:
    """The kinds of which a word is there; `before` is the pattern that leads up to it."""
    words = words.lower()
    there = kinds.keys() & _WORD.findall(words) if words else ()
    if not there:  # as mostly, and a film may have ten thousand shots
        return frozenset()
    said: dict[str, list[str]] = {}
    for word in there:
        said.setdefault(kinds[word], []).append(word)
    named = {kind: rf"{before}(?:{'|'.join(names)})\b" for kind, names in said.items()}
    return frozenset(kind for kind, pattern in named.items() if re.search(pattern, words))
