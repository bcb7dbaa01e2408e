"""The embedded sounds: each a name, how it is made, and how loud it is. Nothing here is a recording."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from . import house, nature, places, solids, steps, water, weather
from .base import Manner
from .tools import Array, Blocks, Rng


class Recipe(Struct, frozen=True):
    """One embedded sound: a `bed` goes on for as long as one likes, an `event` has its own length.

    Attributes:
        level: dBFS: of a bed the RMS, of an event the peak.
        metres: how far away one usually hears it.
        spread: dB it loses by a doubling of distance: 6 for a point, 3 for a line such as a road or a shore.
    """

    level: float
    bed: Callable[[Rng, Manner], Blocks] | None = None
    event: Callable[[Rng, Manner], Array] | None = None
    spread: float = 6.0
    metres: float = 4.0


RECIPES: dict[str, Recipe] = {
    "rain-light": Recipe(-34, weather.light_rain, spread=1, metres=30),
    "rain-heavy": Recipe(-26, weather.heavy_rain, spread=1, metres=30),
    "rain-leaves": Recipe(-32, weather.rain_on_leaves, spread=1),
    "rain-roof": Recipe(-30, weather.rain_on_roof, spread=1),
    "thunder": Recipe(-3, event=weather.thunder, spread=3, metres=900),
    "wind": Recipe(-28, weather.wind, spread=1, metres=30),
    "wind-trees": Recipe(-30, weather.wind_in_trees, spread=3, metres=25),
    "surf": Recipe(-27, weather.surf, spread=3, metres=40),
    "stream": Recipe(-30, water.stream, spread=3, metres=8),
    "drop": Recipe(-18, event=water.drop),
    "dripping": Recipe(-38, water.dripping),
    "splash": Recipe(-8, event=water.splash),
    "fire": Recipe(-30, nature.fire, metres=4),
    "birds": Recipe(-34, nature.birds, metres=15),
    "forest": Recipe(-34, nature.forest, spread=3, metres=20),
    "crickets": Recipe(-36, nature.crickets, metres=8),
    "cicadas": Recipe(-32, nature.cicadas, metres=10),
    "city": Recipe(-32, places.city, spread=1, metres=400),
    "car-pass": Recipe(-8, event=places.car_pass, metres=10),
    "room-tone": Recipe(-48, places.room_tone, spread=0),
    "heartbeat": Recipe(-24, nature.heartbeat),
    "applause": Recipe(-24, places.applause),
    **{f"impact-{name}": Recipe(-8, event=solids.impact(name)) for name in solids.MATERIALS},
    "bounce": Recipe(-8, event=solids.bounce),
    "rolling": Recipe(-28, solids.rolling),
    "sliding": Recipe(-12, event=solids.sliding),
    "whoosh": Recipe(-10, event=solids.whoosh),
    "creak": Recipe(-14, event=house.creak),
    "slam": Recipe(-4, event=house.slam),
    "knock": Recipe(-8, event=house.knock),
    "bell": Recipe(-8, event=house.bell, metres=60),
    "chime": Recipe(-30, house.chime),
    "clock": Recipe(-38, house.ticking),
    "phone": Recipe(-26, house.phone),
    "keyboard": Recipe(-34, house.keyboard),
    "glass-break": Recipe(-5, event=solids.glass_break),
    "steps-gravel": Recipe(-30, steps.walk(steps.gravel)),
    "steps-snow": Recipe(-32, steps.walk(steps.snow)),
    "steps-wood": Recipe(-30, steps.walk(steps.wood)),
    "steps-stone": Recipe(-32, steps.walk(steps.stone)),
    "engine": Recipe(-26, places.engine, metres=8),
    "helicopter": Recipe(-24, places.helicopter, spread=6, metres=150),
    "explosion": Recipe(-2, event=solids.explosion, metres=100),
    "sparkle": Recipe(-32, house.sparkle),
}
