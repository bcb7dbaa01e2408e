"""The dialects of the families that are known by name; each names the guide that its facts are from."""

from __future__ import annotations

from msgspec.structs import replace

from sora_cli.engines.dialect import PLAIN, UNMOVING, VIEW, Dialect, Field, Part

_MOVES = {
    "pan left": "pans left", "pan right": "pans right", "tilt up": "tilts up", "tilt down": "tilts down",
    "roll clockwise": "rolls clockwise", "roll counterclockwise": "rolls counterclockwise", "zoom in": "zooms in",
    "zoom out": "zooms out", "dolly in": "pushes in", "dolly out": "pulls back", "truck left": "moves left",
    "truck right": "moves right", "crane up": "moves upward", "crane down": "moves downward", "orbit": "circles around",
    "orbit left": "circles around to the left", "orbit right": "circles around to the right", "follow": "follows",
    "static": "remains static",
}  # fmt: skip
"""Camera moves in the words that most families share."""
_TAUGHT = {"pan left": "pan left", "pan right": "pan right", "tilt up": "tilt up", "tilt down": "tilt down",
           "zoom in": "zoom in", "zoom out": "zoom out", "crane up": "crane up", "crane down": "crane down",
           "dolly in": "push in", "dolly out": "pull out", "truck left": "tracking left",
           "truck right": "tracking right"}  # fmt: skip
"""Moves that nano was taught."""
NANO = replace(
    PLAIN,
    guide="examples/nano/words.py and captions.py: the phrases that it was taught, in the order of its captions",
    terms={"framing extreme wide": "long shot", "framing medium wide": "wide view",
           "framing medium close": "close shot", "framing detail": "detail shot",
           "framing over-shoulder": "over-shoulder shot"},
    moves={**_TAUGHT, "static": "static camera"},
    avoids=dict.fromkeys(_TAUGHT, "static camera"),
    lights={"day": "day", "low sun": "sunset", "night": "night"},
    hours={"dawn": "at dawn", "sunrise": "at sunrise", "morning": "in the morning", "day": "during the day",
           "noon": "at noon", "afternoon": "in the afternoon", "golden hour": "at golden hour", "sunset": "at sunset",
           "dusk": "at dusk", "night": "at night"},
)  # fmt: skip
"""Its error on rendered clips is lower with `a beach at sunset` than with `a beach, sunset` (docs/prompts.md)."""

_MOTION = frozenset({Part.ACTION, Part.CAMERA, Part.PACE, Part.SPEECH, Part.SOUND})
_NO_MOOD = "it is told what can be seen, not feelings"

_WAN_TERMS = {
    "framing extreme wide": "extreme wide shot", "framing close": "close-up shot",
    "framing detail": "extreme close-up shot", "framing medium close": "medium close-up shot",
    "framing pov": "first-person view", "angle low": "low angle shot", "angle high": "high angle shot",
    "angle overhead": "overhead shot", "angle dutch": "dutch angle shot", "lens telephoto": "long-focus lens",
    "lens normal": "medium focal length", "lens fisheye": "ultra-wide-angle fisheye lens",
    "hour dawn": "dawn time", "hour sunrise": "sunrise time", "hour day": "day time", "hour night": "night time",
    "hour afternoon": "day time", "source lamplight": "practical lighting", "source candlelight": "firelight",
    "source sunny": "sunny lighting", "source overcast": "overcast lighting",
    "source fluorescent": "fluorescent lighting", "source practical": "practical lighting",
    "source artificial": "artificial lighting", "source neon": "neon lighting", "key soft": "soft lighting",
    "key hard": "hard lighting", "key side": "side lighting", "key top": "top lighting", "key under": "under lighting",
    "key rim": "edge lighting", "key back": "backlighting", "key high-key": "high-key lighting",
    "key low-key": "low-key lighting", "colour warm": "warm colors", "colour cool": "cool colors",
    "colour mixed": "mixed colors",
}  # fmt: skip

WAN = Dialect(
    guide="Wan-Video/Wan2.2 wan/utils/system_prompt.py; Wan2.1 wan/utils/prompt_extend.py; Model Studio's Wan guide",
    order=(
        (Part.STYLE,),
        (Part.LIGHT, *VIEW),
        (Part.CAMERA,),
        (Part.SETTING,),
        (Part.ACTION,),
        (Part.SPEECH,),
        (Part.PACE,),
    ),
    form="tags",
    most_terms=4,
    terms=_WAN_TERMS,
    moves={**_MOVES, "orbit": "circles around, orbiting camera movement", "static": "is fixed"},
    speaks="{who} speaks",
    drops={Part.MOOD: _NO_MOOD},
)
"""Wan from text, VACE too, for which no guide was found."""

WAN_PICTURE = replace(WAN, moving=_MOTION)
"""Wan from a first frame: motion and camera only, its guide says, for the picture shows the rest."""

_INSTRUCTED = "an instruction alone says what changes: write it into the prompt"
LUCY = Dialect(
    guide="decart-ai/Lucy-Edit-Dev README: one instruction, of 20 to 30 words",
    order=((Part.ACTION,),),
    form="plain",
    drops={part: _INSTRUCTED for part in Part if part is not Part.ACTION},
)

LTX = Dialect(
    guide="Lightricks/LTX-2 README, ltx-core's prompts for its enhancer; the prompting guide for LTX-2 (ltx.io)",
    order=(
        (Part.STYLE,), (*VIEW, Part.SETTING, Part.LIGHT), (Part.ACTION,), (Part.SOUND,), (Part.CAMERA,),
        (Part.SPEECH,), (Part.PACE,),
    ),
    terms={"angle eye level": "front-facing", "angle overhead": "top-down", "framing pov": "POV shot"},
    moves={**_MOVES, "pan left": "pans across to the left", "pan right": "pans across to the right",
           "tilt up": "tilts upward", "tilt down": "tilts downward", "truck left": "tracks left",
           "truck right": "tracks right", "crane up": "cranes up", "crane down": "cranes down"},
    style="Style: {style}", speaks="{who} speaks", says='{who} says, "{line}"',
    unseen='from off screen, {who} says, "{line}"', at="{seconds} into the shot, ", at_once="At the start, ",
    pause="After a pause of {seconds}, ", sound="we hear {sound}", drops={Part.MOOD: _NO_MOOD}, moving=_MOTION,
)  # fmt: skip
"""LTX-2.0 and 2.3: one paragraph, sound beside its action; with a first frame, what changes. Times stand in prose: its
enhancer is told to write no timestamps."""

LTX_25 = replace(LTX, still="The camera remains static", moving=frozenset())
"""LTX-2.5 is always told of the camera, and wants an anchor with a first frame as well."""

HELIOS = Dialect(
    guide="PKU-YuanGroup/Helios example/ (no guide is published); its words are Wan's, on which it is built",
    order=(
        (*VIEW, Part.SETTING, Part.LIGHT),
        (Part.ACTION,),
        (Part.CAMERA,),
        (Part.SPEECH,),
        (Part.PACE,),
        (Part.MOOD,),
        (Part.STYLE,),
    ),
    moves=_MOVES,
    speaks="{who} speaks",
)

H3 = Dialect(
    guide="MiniMax-AI/MiniMax-H3 skills/h3-prompt-writing/references/base-en.txt and ref-en.txt",
    order=(
        (Part.STYLE,), (*VIEW, Part.SETTING, Part.LIGHT), (Part.ACTION,), (Part.CAMERA,), (Part.SPEECH,),
        (Part.PACE,), (Part.MOOD,),
    ),
    moves={**_MOVES, "dolly out": "pulls out", "truck left": "trucks left", "truck right": "trucks right",
           "crane up": "pedestals up", "crane down": "pedestals down", "orbit": "moves in an arc shot",
           "orbit left": "moves in an arc shot to the left", "orbit right": "moves in an arc shot to the right",
           "follow": "follows in a tracking shot", "static": "holds a static shot"},
    speed="phrase", speaks="{who} speaks",
    says="{who} ({speaker}) says: <d>[{language}] {line}</d>",
    unseen="{who} ({speaker}) says in an off-screen voiceover: <d>[{language}] {line}</d>",
    at="At {clock}, ", pause="After a pause of {seconds}, ", sound="{sound}", begins="[Shot 1] ",
    fields=(Field("integrated_multimodal_description", "picture"), Field("overall_soundscape", "sound"),
            Field("non_diegetic_music", "music")),
    referenced=(Field("subject_definitions", "subjects"), Field("summary", "summary"),
                Field("retention_analysis", "kept"), Field("detailed_description", "picture"),
                Field("overall_soundscape", "sound"), Field("non_diegetic_music", "music")),
    heads={
        "first": "For the target video, at 0.00 seconds into the target video, <Picture 1> (from [Shot 1]) is fully"
                 " referenced.",
        "last": "How the reference pictures align with the target video \N{EM DASH} <Picture 1> (from [Shot 1]) aligns"
                " with the {seconds}-second mark of the target video.",
        "both": "How the reference pictures align with the target video \N{EM DASH} Picture 1 (from Shot 1) aligns with"
                " the 0.00-second mark of the target video; Picture 2 (from Shot 1) aligns with the {seconds}-second"
                " mark of the target video.",
    },
)  # fmt: skip
"""Three labelled paragraphs, six with references. Double quotes are text drawn on the screen: speech stands in tags.
Times are written as its guide writes those of cuts; it has no example of one before a line."""

_PICTURE = (*VIEW, Part.SETTING, Part.LIGHT)
STILL = Dialect(
    guide="the READMEs of QwenLM/Qwen-Image, Tongyi-MAI/Z-Image and NVlabs/Sana: prose, what is seen first",
    order=((Part.ACTION,), _PICTURE, (Part.MOOD,), (Part.STYLE,)),
    drops=UNMOVING,
)
"""Models of pictures: a description in sentences."""

FLUX_2 = replace(
    STILL,
    guide="Black Forest Labs' prompting guide for FLUX.2 (docs.bfl.ml): subject, action, style, context",
    order=((Part.ACTION,), (Part.STYLE,), _PICTURE, (Part.MOOD,)),
)
"""Early words weigh most."""
