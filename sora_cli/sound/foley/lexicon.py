"""The words of each sound, as plain data: what names it, what it may be said with, and what is not to be had.

A name is enough to find a sound; a hint only decides between sounds that are named. Words stand in their stem.
"""

from __future__ import annotations

NAMES: dict[str, str] = {
    "rain-light": "rain drizzle raindrop shower sprinkle mizzle",
    "rain-heavy": "downpour cloudburst rainstorm deluge torrential monsoon",
    "thunder": "thunder thunderclap thunderstorm lightning thunderbolt",
    "wind": "wind gale breeze gust blizzard draught squall hurricane tornado",
    "wind-trees": "rustle treetop foliage canopy",
    "surf": "sea ocean surf beach shore coast seaside breaker tide seashore",
    "stream": "stream brook creek river rivulet rapids torrent waterfall fountain babble",
    "drop": "droplet drop plop",
    "dripping": "drip leaky tap faucet leak",
    "splash": "splash dive plunge",
    "fire": "fire flame campfire bonfire fireplace hearth blaze ember crackle",
    "birds": "bird songbird birdsong chirp twitter tweet warble sparrow robin blackbird finch",
    "forest": "forest wood woodland jungle grove",
    "crickets": "cricket grasshopper katydid",
    "cicadas": "cicada",
    "city": "city town traffic urban downtown metropolis skyline highway motorway",
    "car-pass": "car automobile taxi vehicle",
    "room-tone": "room silence office indoor stillness",
    "heartbeat": "heartbeat heart pulse",
    "applause": "applause clap ovation applaud",
    "bounce": "bounce dribble basketball",
    "rolling": "roll marble",
    "sliding": "slide drag scrape skid",
    "whoosh": "whoosh swish swoosh swing zoom",
    "creak": "creak squeak hinge groan",
    "slam": "slam",
    "knock": "knock rap",
    "bell": "bell toll gong",
    "chime": "chime windchime",
    "clock": "clock tick pendulum ticktock tock metronome",
    "phone": "phone telephone",
    "keyboard": "keyboard typing type typewriter",
    "glass-break": "",
    "engine": "engine motor truck lorry tractor idle motorcycle motorbike bus generator",
    "helicopter": "helicopter chopper rotor",
    "explosion": "explosion explode bomb blast detonation boom grenade dynamite",
    "sparkle": "sparkle twinkle magic glitter shimmer fairy",
}

HINTS: dict[str, str] = {
    "rain-light": "light gentle soft garden",
    "rain-heavy": "heavy hard strong storm rain pour bucket",
    "rain-roof": "drum",
    "thunder": "grumble rumble crack sky storm",
    "wind": "howl blow cold moor whistle storm",
    "wind-trees": "wind breeze leaf tree branch sway forest",
    "surf": "roll crash roar lap sand salt wave",
    "stream": "babble gurgle trickle flow run pebble small water rush",
    "drop": "single one water fall pool",
    "dripping": "kitchen water cave steady",
    "splash": "water jump fall lake pool puddle stone",
    "fire": "log crackle burn roar warm",
    "birds": "sing song dawn morning garden spring hedge",
    "forest": "deep spring bird in the walk",
    "crickets": "night summer grass chirp insect",
    "cicadas": "summer heat noon drone chirp",
    "city": "distant hum noise far",
    "car-pass": "pass drive by street road past",
    "room-tone": "quiet empty air still tone",
    "heartbeat": "beat pound chest",
    "applause": "audience theatre hand",
    "bounce": "ball floor court",
    "rolling": "ball floor wheel barrel board",
    "sliding": "floor table crate chair box",
    "whoosh": "air sword fast fly",
    "creak": "door gate old rusty floor stair",
    "slam": "door shut bang close lid",
    "knock": "door knuckle",
    "bell": "church ring tower toll",
    "chime": "wind porch tube",
    "clock": "tick wall old grandfather",
    "phone": "ring old call",
    "keyboard": "key computer letter",
    "engine": "idle run start tractor",
    "helicopter": "hover fly",
    "explosion": "far distance go off",
    "sparkle": "dust wand star",
}

WOOD = "wood wooden board plank floorboard deck parquet stair log timber oak bench crate"
METAL = "metal iron steel tin wrench spanner anvil pan pipe coin key spoon fork hammer chain bucket tool can"
GLASS = "glass bottle window pane mirror jar vase windowpane crystal goblet"
STONE = "stone rock pebble brick marble concrete boulder tile cobble cobblestone flagstone"
MATERIALS: dict[str, str] = {
    "wood": WOOD,
    "metal": METAL,
    "glass": GLASS,
    "stone": STONE,
    "plastic": "plastic toy lego tupperware",
    "rubber": "rubber tyre tire mallet",
}
HIT = """hit strike struck knock fall fell drop clang clink clank thud bang collide collision crash impact tap bump
clatter thump land clunk ding against toast"""
BREAK = "smash break broke broken shatter burst"
RAIN = "rain raindrop drizzle downpour patter shower pour hail storm"
ROOF = f"roof window umbrella tent skylight windscreen awning attic car {WOOD} {METAL}"
LEAVES = "leaf hedge tree bush foliage fern canopy plant"
STEPS = "step footstep walk boot stroll pace tread march stride shoe footfall run jog tiptoe stroll crunch hike"
GROUNDS: dict[str, str] = {
    "steps-gravel": "gravel pebble shingle scree path",
    "steps-snow": "snow ice frost",
    "steps-wood": f"{WOOD} floor attic stage",
    "steps-stone": f"{STONE} pavement street sidewalk hall corridor road alley asphalt",
}
SOFT_GROUNDS = "carpet rug grass lawn sand mud moss leaf meadow water"

ABSENT: dict[str, str] = {
    "animals other than birds and insects": """dog bark puppy hound cat meow kitten purr cow moo cattle horse gallop
    hoof sheep goat pig lion tiger wolf frog duck goose chicken hen rooster elephant monkey bear bee mosquito
    donkey snake owl seagull crow whale dolphin mouse rat""",
    "voices": """baby cry laugh giggle scream shout cough whisper breath breathe voice talk chat chatter crowd
    conversation murmur choir singer speech snore sigh cheer yell child kid laughter weep sob
    whistler kiss burp hiccup sneeze""",
    "music": """music violin guitar piano flute trumpet orchestra saxophone melody drummer cello harp organ accordion
    solo band concert synth bass banjo clarinet""",
    "shots": "gun gunshot shot rifle pistol shotgun cannon arrow",
    "these machines": """train locomotive tram subway plane aeroplane airplane jet rocket spaceship chainsaw saw drill
    vacuum washer dishwasher fan dryer printer camera shutter siren horn alarm microwave elevator lift
    lawnmower blender robot laser radio television boat ship""",
    "things of cloth, paper and food": """cloth paper page book zip zipper fry frying bacon sizzle cook eat chew
    drink toilet flush swim newspaper bag jacket dress curtain envelope wallet knife scissors brush""",
}
"""What synthesis does not do well, or was not built: it stays silent, and says so."""

BACKGROUNDS = {
    "rain-light", "rain-heavy", "rain-leaves", "rain-roof", "thunder", "wind", "wind-trees", "surf", "stream", "fire",
    "birds", "forest", "crickets", "cicadas", "city", "applause", "clock", "bell",
}  # fmt: skip
"""What may be made of a phrase beside something that is not to be had: a dog in the rain has the rain."""
