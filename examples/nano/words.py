"""The words that nano is taught: for everything that may be said of a scene, the phrases that say it.

A phrase that stands several times is drawn so much more often; an empty one says nothing.
"""

from __future__ import annotations

Words = tuple[str, ...]


def _phrases(text: str) -> Words:
    """Phrases between semicolons."""
    return tuple(phrase.strip() for phrase in text.split(";"))


COLOUR_WORDS: dict[str, Words] = {
    "red": _phrases("red; red; red; scarlet; crimson; bright red"),
    "orange": _phrases("orange; orange; orange; bright orange; tangerine"),
    "yellow": _phrases("yellow; yellow; yellow; golden; bright yellow"),
    "green": _phrases("green; green; green; emerald; bright green"),
    "blue": _phrases("blue; blue; blue; bright blue; navy"),
    "purple": _phrases("purple; purple; purple; violet; lilac"),
    "pink": _phrases("pink; pink; pink; rose; bright pink"),
    "white": _phrases("white; white; white; pale; snow white"),
}
SHAPE_WORDS: dict[str, Words] = {
    "ball": _phrases("ball; ball; ball; sphere; circle; disc; balloon"),
    "box": _phrases("box; cube; cube; square; block; crate"),
    "star": _phrases("star"),
    "triangle": _phrases("triangle; triangle; pyramid; cone"),
    "ring": _phrases("ring; ring; hoop; donut; wheel"),
    "heart": _phrases("heart; heart; love heart"),
}
SIZE_WORDS: dict[str, Words] = {
    "small": _phrases("small; little; tiny"),
    "normal": _phrases("; ; ; medium sized"),
    "large": _phrases("large; big; huge; giant"),
}
PLACE_WORDS: dict[str, Words] = {  # how a sentence ends
    "meadow": _phrases(
        "on the grass; on grass; in a green meadow; in a meadow; on a lawn; in a field; in the park; in the "
        "garden; in a grassy field; on a green hill; in the countryside; among green hills"
    ),
    "sea": _phrases(
        "by the sea; on the beach; on a sandy beach; at the seaside; by the ocean; on the shore; at the coast; "
        "near the water; by the waves; at the harbour; on the sand by the sea"
    ),
    "desert": _phrases(
        "in the desert; in a sandy desert; among the dunes; on desert sand; among cactuses; in the canyon; in "
        "a dry valley; on the sand dunes"
    ),
    "snow": _phrases(
        "in the snow; on snow; in a snowy landscape; on a snowy mountain; in the winter; on the ice; among "
        "snowy pines; in the mountains; in a winter forest of pines"
    ),
    "city": _phrases(
        "in the city; in a city; on a city street; in the street; on the road; among tall buildings; in town; "
        "in front of the skyline; among skyscrapers; downtown"
    ),
    "room": _phrases(
        "in a room; in the room; indoors; inside a room with a window; in the house; on the floor; at home; in "
        "the kitchen; in the bedroom; in a living room; by the window"
    ),
    "forest": _phrases(
        "in the forest; in a forest; in the woods; among the trees; between the trees; in a dark wood; in the "
        "jungle; on the forest floor; under the leaves"
    ),
}
SETTING_WORDS: dict[str, Words] = {  # how a storyboard names a place
    "meadow": _phrases("a meadow; a green meadow; a grassy hill; a park; a garden; a field; a lawn; green hills"),
    "sea": _phrases("a beach; the seaside; a sandy beach; the sea; the shore; the ocean; the coast; a harbour"),
    "desert": _phrases("a desert; the desert; sand dunes; a canyon; a dry valley; a desert with cactuses"),
    "snow": _phrases("a snowy field; a snowy mountain; the snow; a winter landscape; snowy mountains; the ice"),
    "city": _phrases("a city street; the city; a street; a town; the skyline; downtown; a city; a road"),
    "room": _phrases("a room; a living room; a bedroom; a kitchen; a house; an empty room; inside a house"),
    "forest": _phrases("a forest; the woods; a forest clearing; a dark forest; the trees; a jungle; a wood"),
}
TIME_WORDS: dict[str, Words] = {
    "day": _phrases(
        "during the day; in daylight; on a sunny day; at noon; in the morning; day; by day; at midday; in the "
        "sunshine; on a bright day; in the afternoon; sunny"
    ),
    "sunset": _phrases(
        "at sunset; at dusk; in the evening; in the evening light; during sunset; sunset; at sundown; at "
        "golden hour; in the last light; dusk; at dawn; at sunrise"
    ),
    "night": _phrases(
        "at night; by night; under the moon; on a dark night; at midnight; in the moonlight; night; after "
        "dark; late at night; under a night sky"
    ),
}
LIGHT_WORDS: dict[str, Words] = {
    "day": _phrases("bright light; daylight; sunlight; clear sky; bright sunshine; soft daylight; blue sky; sunny"),
    "sunset": _phrases("warm light; golden light; orange sky; evening light; soft warm light; low sun; golden hour"),
    "night": _phrases("moonlight; dark sky; cool moonlight; blue night light; night light; starlight; dim light"),
}
CAMERA_WORDS: dict[str, Words] = {
    "static": _phrases(
        "static camera; the camera stays still; fixed shot; still camera; locked camera; the camera does not "
        "move; static shot"
    ),
    "left": _phrases(
        "camera pans left; the camera pans to the left; pan left; the camera moves left; slow pan left; camera "
        "pans to the left; camera left; tracking left; panning left"
    ),
    "right": _phrases(
        "camera pans right; the camera pans to the right; pan right; the camera moves right; slow pan right; "
        "camera pans to the right; camera right; tracking right; panning right"
    ),
    "up": _phrases(
        "camera tilts up; the camera tilts upwards; tilt up; slow tilt up; the camera looks up; the camera "
        "rises; crane up"
    ),
    "down": _phrases(
        "camera tilts down; the camera tilts downwards; tilt down; slow tilt down; the camera looks down; the "
        "camera sinks; crane down"
    ),
    "in": _phrases(
        "camera zooms in; the camera zooms in; zoom in; slow zoom in; push in; slow push in; dolly in; the "
        "camera moves closer; the camera moves in"
    ),
    "out": _phrases(
        "camera zooms out; the camera zooms out; zoom out; slow zoom out; pull out; pull back; dolly out; the "
        "camera moves away; the camera moves back"
    ),
}
FRAMING_WORDS: dict[str, Words] = {
    "wide": _phrases("wide shot; wide; wide view; full shot; a wide shot; long shot; from far away; aerial shot"),
    "medium": _phrases("medium shot; medium; mid shot; a medium shot; over-shoulder shot"),
    "close": _phrases("close-up; close; close shot; close up; a close-up; detail shot; from close by; closeup"),
}
ACTION_WORDS: dict[str, Words] = {
    "bounce": _phrases(
        "bounces; bounces; is bouncing; bounces up and down; jumps; is jumping; hops; jumps up and down; keeps "
        "bouncing; dances"
    ),
    "roll_right": _phrases(
        "rolls right; rolls to the right; is rolling to the right; moves to the right; slides right; moves "
        "right; goes right; slides to the right; keeps rolling right; travels to the right; rolls from left to "
        "right; walks to the right"
    ),
    "roll_left": _phrases(
        "rolls left; rolls to the left; is rolling to the left; moves to the left; slides left; moves left; "
        "goes left; slides to the left; keeps rolling left; travels to the left; rolls from right to left; "
        "walks to the left"
    ),
    "fall": _phrases(
        "falls; falls down; drops; drops down; is falling; falls from the sky; drops from the sky; drops to "
        "the ground; falls to the ground; lands"
    ),
    "float": _phrases(
        "floats up; floats; floats upwards; rises; rises into the air; drifts up; flies up; is floating; goes "
        "up; lifts off; drifts upwards; flies away"
    ),
    "still": _phrases(
        "stays still; rests; stands still; is not moving; stands; waits; lies still; does not move; stops; sits"
    ),
    "stop_right": _phrases(
        "slides right and stops; slides to the right and comes to rest; rolls right and comes to a stop; "
        "comes to rest on the right"
    ),
    "stop_left": _phrases(
        "slides left and stops; slides to the left and comes to rest; rolls left and comes to a stop; "
        "comes to rest on the left"
    ),
}
WITH_OTHER_WORDS: dict[str, Words] = {  # the same where it takes two; {} is the other actor
    "hit_right": _phrases(
        "rolls right into {}; bumps into {} from the left; hits {} on its right; collides with {} on its way right; "
        "knocks {} to the right; pushes {} to the right; rolls to the right and hits {}"
    ),
    "hit_left": _phrases(
        "rolls left into {}; bumps into {} from the right; hits {} on its left; collides with {} on its way left; "
        "knocks {} to the left; pushes {} to the left; rolls to the left and hits {}"
    ),
    "orbit": _phrases("circles around {}; orbits {}; flies around {}; goes round {} in the air; circles {}"),
}
BESIDE_WORDS: Words = _phrases("beside {}; next to {}; near {}; with {}; not far from {}")
PACE_WORDS: dict[str, Words] = {
    "normal": ("",),
    "slow": _phrases("in slow motion; slow motion; slowed down; at half speed; in slow-mo"),
}
LOOK_WORDS: dict[str, Words] = {
    "paper": ("",),
    "grey": _phrases("black and white; in black and white; monochrome; a black and white film; film noir; greyscale"),
    "sepia": _phrases("sepia; sepia tone; an old photograph; vintage film; old film; a faded photograph"),
    "pastel": _phrases("soft pastel colours; pastel colours; pastel; watercolour; pale pastel tones"),
}
STYLE_WORDS: Words = _phrases(
    "paper cut-out animation; paper cut-out animation, warm palette; cut paper; paper theatre; animation; "
    "paper craft style; flat colours; handmade paper; stop motion; storybook style; "
    "cinematic; film; warm palette; a children's book illustration"
)
HERO_WORDS: Words = _phrases("the hero; our hero; the actor; the friend; mara; pip; otto; ruby; bo; the traveller")
JUNK_WORDS: Words = _phrases(
    "text, logos; blurry; low quality; blurry, low quality, watermark; ugly; text; watermark; noise, "
    "artefacts; distorted; people, faces; bad quality, deformed; logos, captions"
)
