"""The single values of the format as they are written, each with its part of the published schema."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from sora_cli.storyboard import forms
from sora_cli.storyboard.model import Duration, FilmSize, Transition

_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_TIME = r"^\s*([0-9]+\s*m\s*)?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*(s|ms|f)?\s*$"


def _json(*shapes: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [*shapes, _VARIABLE]})


def tag(value: object) -> str | None:
    """Which of the forms that a value may have this one is."""
    if isinstance(value, bool):
        return "<switch>"
    if isinstance(value, (dict, BaseModel)):
        return "<mapping>"
    return "<list>" if isinstance(value, list) else "<text>"


Text = Annotated[str, PlainValidator(forms.text), WithJsonSchema({"type": "string", "minLength": 1})]
Phrase = Annotated[str, PlainValidator(forms.phrase), WithJsonSchema({"type": "string", "minLength": 1})]
Label = Annotated[str, PlainValidator(forms.label), WithJsonSchema({"type": ["string", "number"]})]
Name = Annotated[str, PlainValidator(forms.name), WithJsonSchema({"type": ["string", "number"], "maxLength": 80})]
Length = Annotated[
    Duration,
    PlainValidator(forms.duration),
    _json({"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": _TIME, "examples": ["4s", "48f"]}),
]
Time = Annotated[
    Duration, PlainValidator(forms.time), _json({"type": "number", "minimum": 0}, {"type": "string", "pattern": _TIME})
]
Moment = Annotated[
    Duration | Literal["start", "end"],
    PlainValidator(forms.moment),
    _json({"enum": ["start", "end"]}, {"type": "number", "minimum": 0}, {"type": "string", "pattern": _TIME}),
]
Seed = Annotated[
    int,
    PlainValidator(forms.whole(0, 2**63 - 1)),
    _json({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}),
]
Takes = Annotated[int, PlainValidator(forms.whole(1, 100)), _json({"type": "integer", "minimum": 1, "maximum": 100})]
Opacity = Annotated[
    float, PlainValidator(forms.number(0.05, 1)), _json({"type": "number", "minimum": 0.05, "maximum": 1})
]
Share = Annotated[float, PlainValidator(forms.number(0, 1)), _json({"type": "number", "minimum": 0, "maximum": 1})]
Speed = Annotated[Fraction, PlainValidator(forms.speed), _json({"type": "number", "minimum": 0.25, "maximum": 4})]
Lufs = Annotated[
    float,
    PlainValidator(forms.number(-70, 0, "a loudness in LUFS")),
    _json({"type": "number", "minimum": -70, "maximum": 0}),
]
Framing = Annotated[str, PlainValidator(forms.word(forms.FRAMINGS, "a framing")), _json({"enum": list(forms.FRAMINGS)})]
Kind = Annotated[
    str, PlainValidator(forms.word(forms.TRANSITIONS, "a transition")), _json({"enum": list(forms.TRANSITIONS)})
]
Way = Annotated[
    str, PlainValidator(forms.word(forms.DIRECTIONS, "a direction")), _json({"enum": list(forms.DIRECTIONS)})
]
_POSITIONS = ("top", "center", "bottom", "top-left", "top-right", "bottom-left", "bottom-right", "lower-third")
Position = Annotated[str, PlainValidator(forms.word(_POSITIONS, "a position")), _json({"enum": list(_POSITIONS)})]
_FITS = ("fill", "fit", "pad")
Fit = Annotated[
    Literal["fill", "fit", "pad"], PlainValidator(forms.word(_FITS, "a way to fit")), _json({"enum": list(_FITS)})
]
_MOTIONS = ("hold", "interpolate")
Motion = Annotated[
    Literal["hold", "interpolate"], PlainValidator(forms.word(_MOTIONS, "a motion")), _json({"enum": list(_MOTIONS)})
]
_TRAINING = ("allowed", "not-allowed", "constrained")
Training = Annotated[
    Literal["allowed", "not-allowed", "constrained"],
    PlainValidator(forms.word(_TRAINING, "a permission to train")),
    _json({"enum": list(_TRAINING)}),
]
Policy = Annotated[
    str,
    PlainValidator(lambda value: "off" if value is False else forms.text(value)),
    WithJsonSchema({"anyOf": [{"enum": ["standard", "strict", "off"]}, {"type": "string"}, {"const": False}]}),
]
Size = Annotated[
    FilmSize,
    PlainValidator(forms.size),
    _json({"type": "string", "pattern": r"^\s*[0-9]+\s*[xX:]\s*[0-9]+\s*$", "examples": ["256x160"]}),
]
Aspect = Annotated[
    tuple[int, int],
    PlainValidator(forms.aspect),
    _json({"enum": ["16:9", "9:16", "1:1"]}, {"type": "string", "pattern": r"^\s*[0-9]+\s*:\s*[0-9]+\s*$"}),
]
Side = Annotated[
    int,
    PlainValidator(forms.side),
    _json({"type": "integer", "minimum": 16, "maximum": forms.MAX_SIDE, "multipleOf": 2}),
]
Rate = Annotated[
    Fraction,
    PlainValidator(forms.rate),
    _json(
        {"type": "number", "minimum": 1, "maximum": 240}, {"type": "string", "pattern": r"^[0-9.]+\s*(/\s*[0-9]+)?$"}
    ),
]
Version = Annotated[int, PlainValidator(forms.version), WithJsonSchema({"const": 1})]
ShortTransition = Annotated[
    Transition,
    PlainValidator(forms.transition),
    _json(
        {
            "type": "string",
            "pattern": r"^(cut|none|off|(dissolve|fade|wipe)(\s+(left|right|up|down))?(\s+[0-9.]+\s*(s|ms|f)?)?)$",
            "examples": ["cut", "dissolve 0.5s", "fade 1s", "wipe left 0.5s"],
        }
    ),
]
Off = Annotated[str, PlainValidator(forms.off), WithJsonSchema({"const": False})]
Switch = Annotated[bool, PlainValidator(bool), WithJsonSchema({"type": "boolean"})]
Reference = Annotated[
    Annotated[list[Text], Field(min_length=1), Tag("<list>")] | Annotated[Text, Tag("<text>")], Discriminator(tag)
]
