"""Single values of a storyboard: how each is read, and what the published schema says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from sora_cli.storyboard import forms, levels, sizes
from sora_cli.storyboard.model import EXECUTORS, FITS, LEAST_OPACITY, POLICIES
from sora_cli.storyboard.shapes import Listed, OneOf, Plain, Schema, Shape

_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_POSITIONS = ("top", "center", "bottom", "top-left", "top-right", "bottom-left", "bottom-right", "lower-third")
_MOTIONS: tuple[Literal["hold", "interpolate"], ...] = ("hold", "interpolate")
_SPACES = ("open", "room", "hall", "church", "street")
_SUBTITLES: tuple[Literal["off", "track", "burn", "srt", "vtt"], ...] = ("off", "track", "burn", "srt", "vtt")
_SILENT = re.compile("no|none|muted?|silent|nothing|(?:no|without)(?: any)? (?:sounds?|audio|music|ambience)")
_TRAINING: tuple[Literal["allowed", "not-allowed", "constrained"], ...] = ("allowed", "not-allowed", "constrained")


def _json(*schemas: Mapping[str, object]) -> Schema:
    return {"anyOf": [*schemas, _VARIABLE]}


def _word(known: tuple[forms.Word, ...], what: str) -> Plain[forms.Word]:
    return Plain(forms.word(known, what), _json({"enum": list(known)}))


def _off(value: object) -> str:
    return "off" if value is False else forms.text(value)


def _heard(value: object) -> str:
    """A sound in words, or as a path; people write that there is none in many words."""
    words = forms.text(value)
    return "off" if _SILENT.fullmatch(words.casefold()) else words


def _anything(value: object) -> object:
    return value


def _matched(value: object) -> str:
    """What a look is matched to, in a word or as a path."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        raise forms.expected(
            "what colours are held to", value, f"a strength goes with it: {{match: scene, strength: {value:g}}}"
        )
    words = forms.text(value)
    return "off" if words.casefold() in forms.NONE else words


_any_seed = forms.whole(0, 2**63 - 1)


def _seed(value: object) -> int:
    """A seed of noise. Other tools draw one for `-1` and `random`; a film of ours can be made again."""
    try:
        return _any_seed(value)
    except forms.Wrong as wrong:
        if str(value).strip().casefold() in {"-1", "random", "rand", "auto"}:
            raise forms.Wrong(
                wrong.message, "a seed is never drawn, so that a film can be made again: write any number"
            ) from None
        raise


Text = Plain(forms.text, {"type": "string", "minLength": 1})
Heard = Plain(_heard, {"type": "string", "minLength": 1})
Matched = Plain(_matched, {"type": "string", "minLength": 1})
Phrase = Plain(forms.phrase, {"type": "string", "minLength": 1})
Label = Plain(forms.label, {"type": ["string", "number"]})
Words = Plain(forms.title_text, {"type": ["string", "number"]})
MarkText = Plain(forms.mark_text, {"type": ["string", "number"]})
Name = Plain(forms.name, {"type": ["string", "number"], "maxLength": 80})
_LENGTHS = (
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "string", "pattern": forms.TIME_PATTERN, "examples": ["4s", "48f"]},
    {"type": "string", "pattern": forms.SPAN_PATTERN},
    _VARIABLE,
)
_DB = {"type": "string", "pattern": r"^\s*[-+]?[0-9.]+\s*dB\s*$"}
Length = Plain(forms.duration, {"anyOf": [*_LENGTHS]})
Time = Plain(forms.time, _json({"type": "number", "minimum": 0}, {"type": "string", "pattern": forms.TIME_PATTERN}))
Moment = Plain(
    forms.moment,
    _json(
        {"enum": ["start", "end"]}, {"type": "number", "minimum": 0}, {"type": "string", "pattern": forms.TIME_PATTERN}
    ),
)
Seed = Plain(_seed, _json({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}))
Takes = Plain(forms.whole(1, 100), _json({"type": "integer", "minimum": 1, "maximum": 100}))
Pick = Plain(forms.whole(1, 100), _json({"type": "integer", "minimum": 1, "maximum": 100}))
Opacity = Plain(forms.opacity, _json({"type": "number", "minimum": LEAST_OPACITY, "maximum": 1}))
Share = Plain(forms.number(0, 1), _json({"type": "number", "minimum": 0, "maximum": 1}))
Speed = Plain(forms.speed, _json({"type": "number", "minimum": 0.25, "maximum": 4}))
Lufs = Plain(
    levels.loudness,
    _json(
        {"type": "number", "minimum": -70, "maximum": 0},
        {"enum": list(levels.LOUDNESSES)},
        {"type": "string", "pattern": r"^\s*-[0-9.]+\s*L[UK]FS\s*$"},
    ),
)
Decibels = Plain(levels.decibels(-60, 20), _json({"type": "number", "minimum": -60, "maximum": 20}, _DB))
Depth = Plain(levels.decibels(0, 60), _json({"type": "number", "minimum": 0, "maximum": 60}, _DB))
Watts = Plain(
    levels.watts, _json({"type": "number", "exclusiveMinimum": 0}, {"type": "string", "examples": ["450 W", "1.2 kW"]})
)
Price = Plain(forms.number(0, 1_000_000), _json({"type": "number", "minimum": 0}))
Pan = Plain(levels.pan, _json({"enum": ["left", "center", "right"]}, {"type": "number", "minimum": -1, "maximum": 1}))
Space = _word(_SPACES, "a kind of place")
Speaking = _word(("engine", "mine"), "who says the lines; the name of a voice stands with `cast` or `narrator`")
Good = _word(("good",), "what takes are tried for")
subtitles_of = forms.word(_SUBTITLES, "a kind of subtitles")
Subtitles = Plain(
    lambda value: subtitles_of("off" if value is False or value in forms.NONE else value),
    {"anyOf": [{"enum": list(_SUBTITLES)}, {"const": False}, _VARIABLE]},
)
LengthOrSpoken = Plain(forms.length, {"anyOf": [{"const": "spoken"}, *_LENGTHS]})
Executor = _word(EXECUTORS, "an executor")
Kind = _word(forms.TRANSITIONS, "a transition")
Direction = _word(forms.DIRECTIONS, "a direction")
Position = _word(_POSITIONS, "a position")
Fit = _word(FITS, "a way to fit")
Motion = _word(_MOTIONS, "a motion")
Training = _word(_TRAINING, "a permission to train")
Policy = Plain(_off, {"anyOf": [{"enum": list(POLICIES)}, {"type": "string"}, {"const": False}]})
_SHAPE: Schema = {"type": "string", "pattern": rf"^\s*{sizes.ASPECT_PATTERN}\s*$"}
Size = Plain(
    sizes.size, _json({"type": "string", "pattern": sizes.SIZE_PATTERN, "examples": ["256x160", "720p"]}, _SHAPE)
)
Aspect = Plain(sizes.aspect, _json({"enum": ["16:9", "9:16", "1:1"]}, _SHAPE))
Side = Plain(sizes.side, _json({"type": "integer", "minimum": 16, "maximum": sizes.MAX_SIDE, "multipleOf": 2}))
Rate = Plain(
    forms.rate,
    _json(
        {"type": "number", "minimum": 1, "maximum": 240}, {"type": "string", "pattern": r"^[0-9.]+\s*(/\s*[0-9]+)?$"}
    ),
)
Version = Plain(forms.version, {"const": 1})
ShortTransition = Plain(
    forms.transition,
    _json(
        {
            "type": "string",
            "pattern": r"^(cut|no|none|off|(dissolve|fade|wipe)(\s+(left|right|up|down))?(\s+[0-9.]+\s*(s|ms|f)?)?)$",
            "examples": ["cut", "dissolve 0.5s", "fade 1s", "wipe left 0.5s"],
        }
    ),
)
Off = Plain(forms.off, {"const": False}, "off")
Switch = Plain(forms.switch, {"type": "boolean"}, "off")
Single = Plain(forms.single, {"anyOf": [{"type": one} for one in ("string", "integer", "number", "boolean")]})
Anything = Plain(_anything, {})
Reference: Shape[list[str] | str] = OneOf(Listed(Text, 1), Text)


def bar(least: float, most: float) -> Plain[float]:
    """A number from `least` to `most`."""
    return Plain(forms.number(least, most), _json({"type": "number", "minimum": least, "maximum": most}))
