"""The single values of the format as they are written, each with its part of the published schema."""

from __future__ import annotations

from typing import Any, Literal

from sora_cli.storyboard import forms
from sora_cli.storyboard.shapes import Listed, OneOf, Plain, Schema, Shape

_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_TIME = r"^\s*([0-9]+\s*m\s*)?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*(s|ms|f)?\s*$"
_POSITIONS = ("top", "center", "bottom", "top-left", "top-right", "bottom-left", "bottom-right", "lower-third")
_FITS: tuple[Literal["fill", "fit", "pad"], ...] = ("fill", "fit", "pad")
_MOTIONS: tuple[Literal["hold", "interpolate"], ...] = ("hold", "interpolate")
_TRAINING: tuple[Literal["allowed", "not-allowed", "constrained"], ...] = ("allowed", "not-allowed", "constrained")


def _json(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas, _VARIABLE]}


def _word(known: tuple[forms.Word, ...], what: str) -> Plain[forms.Word]:
    return Plain(forms.word(known, what), _json({"enum": list(known)}))


def _off(value: object) -> str:
    return "off" if value is False else forms.text(value)


def _anything(value: object) -> Any:  # noqa: ANN401  the engine's to say
    return value


Text = Plain(forms.text, {"type": "string", "minLength": 1})
Phrase = Plain(forms.phrase, {"type": "string", "minLength": 1})
Label = Plain(forms.label, {"type": ["string", "number"]})
Name = Plain(forms.name, {"type": ["string", "number"], "maxLength": 80})
Length = Plain(
    forms.duration,
    _json({"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": _TIME, "examples": ["4s", "48f"]}),
)
Time = Plain(forms.time, _json({"type": "number", "minimum": 0}, {"type": "string", "pattern": _TIME}))
Moment = Plain(
    forms.moment,
    _json({"enum": ["start", "end"]}, {"type": "number", "minimum": 0}, {"type": "string", "pattern": _TIME}),
)
Seed = Plain(forms.whole(0, 2**63 - 1), _json({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}))
Takes = Plain(forms.whole(1, 100), _json({"type": "integer", "minimum": 1, "maximum": 100}))
Opacity = Plain(forms.number(0.05, 1), _json({"type": "number", "minimum": 0.05, "maximum": 1}))
Share = Plain(forms.number(0, 1), _json({"type": "number", "minimum": 0, "maximum": 1}))
Speed = Plain(forms.speed, _json({"type": "number", "minimum": 0.25, "maximum": 4}))
Lufs = Plain(forms.number(-70, 0, "a loudness in LUFS"), _json({"type": "number", "minimum": -70, "maximum": 0}))
Framing = _word(forms.FRAMINGS, "a framing")
Kind = _word(forms.TRANSITIONS, "a transition")
Way = _word(forms.DIRECTIONS, "a direction")
Position = _word(_POSITIONS, "a position")
Fit = _word(_FITS, "a way to fit")
Motion = _word(_MOTIONS, "a motion")
Training = _word(_TRAINING, "a permission to train")
Policy = Plain(_off, {"anyOf": [{"enum": ["standard", "strict", "off"]}, {"type": "string"}, {"const": False}]})
Size = Plain(
    forms.size, _json({"type": "string", "pattern": r"^\s*[0-9]+\s*[xX:]\s*[0-9]+\s*$", "examples": ["256x160"]})
)
Aspect = Plain(
    forms.aspect,
    _json({"enum": ["16:9", "9:16", "1:1"]}, {"type": "string", "pattern": r"^\s*[0-9]+\s*:\s*[0-9]+\s*$"}),
)
Side = Plain(forms.side, _json({"type": "integer", "minimum": 16, "maximum": forms.MAX_SIDE, "multipleOf": 2}))
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
            "pattern": r"^(cut|none|off|(dissolve|fade|wipe)(\s+(left|right|up|down))?(\s+[0-9.]+\s*(s|ms|f)?)?)$",
            "examples": ["cut", "dissolve 0.5s", "fade 1s", "wipe left 0.5s"],
        }
    ),
)
Off = Plain(forms.off, {"const": False}, "off")
Switch = Plain(bool, {"type": "boolean"}, "off")
Single = Plain(forms.single, {"anyOf": [{"type": one} for one in ("string", "integer", "number", "boolean")]})
Anything = Plain(_anything, {})
Reference: Shape[list[str] | str] = OneOf(Listed(Text, 1), Text)
