"""The storyboard format as it is written, for pydantic and, through `json_schema`, for editors.

A value may stand in several forms (a shot is a mapping or its bare prompt); each form's tag, such as `<text>`, shows
up in pydantic's locations and is taken out again by `load`. Where `${name}` may stand, the published schema says so.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from sora_cli.storyboard.values import (
    Aspect,
    Fit,
    Framing,
    Kind,
    Label,
    Length,
    Lufs,
    Moment,
    Motion,
    Name,
    Off,
    Opacity,
    Phrase,
    Policy,
    Position,
    Rate,
    Reference,
    Seed,
    Share,
    ShortTransition,
    Side,
    Size,
    Speed,
    Switch,
    Takes,
    Text,
    Time,
    Training,
    Version,
    Way,
    tag,
)


class Form(BaseModel):
    """A mapping of the format: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True, defer_build=True)


class LookForm(Form):
    """What the colour of shots is held to."""

    match: Text | None = Field(
        None,
        description="scene (its first shot), film (its first shot), previous (the shot before), off, a picture, "
        "or a .cube LUT.",
        examples=["scene", "film", "previous", "off", "refs/frame.png", "warm.cube"],
    )
    strength: Share | None = Field(None, description="How strongly: 0 to 1.")


Look = Annotated[
    Annotated[LookForm, Tag("<mapping>")] | Annotated[Text, Tag("<text>")] | Annotated[Off, Tag("<switch>")],
    Discriminator(tag),
]


class SoundForm(Form):
    """What lies under the film or a scene."""

    ambience: Text | None = Field(None, description="A sound file, or words for it.")
    music: Text | None = Field(None, description="A sound file, or words for it.")
    loudness: Lufs | None = Field(None, description="Integrated loudness, LUFS (for example -16).")


Sound = Annotated[
    Annotated[SoundForm, Tag("<mapping>")] | Annotated[Text, Tag("<text>")] | Annotated[Off, Tag("<switch>")],
    Discriminator(tag),
]


class DialogueForm(Form):
    """Somebody speaks."""

    cast: Label = Field(description="Who speaks: a name from `cast`.")
    line: Label = Field(description="What is said.")
    at: Time | None = Field(None, description="When, after the beat's start: 1.5s.")


Dialogue = Annotated[
    Annotated[list[DialogueForm], Tag("<list>")] | Annotated[DialogueForm, Tag("<mapping>")],
    Discriminator(tag),
]


class LinkForm(Form):
    """A place in another shot."""

    shot: Label = Field(description="The shot's name.")
    at: Moment | None = Field(None, description="start, end or a time; `from` takes the end, `to` the start.")


Link = Annotated[
    Annotated[LinkForm, Tag("<mapping>")] | Annotated[Text, Tag("<text>")],
    Discriminator(tag),
]


class TransitionForm(Form):
    """How a shot comes in."""

    kind: Kind = Field(description="cut, dissolve, fade (through black) or wipe.")
    duration: Length | None = Field(None, description="How long the two shots overlap; 0.5s where not written.")
    direction: Way | None = Field(None, description="Where a wipe moves to: left, right, up or down.")


Coming = Annotated[
    Annotated[TransitionForm, Tag("<mapping>")] | Annotated[ShortTransition, Tag("<text>")],
    Discriminator(tag),
]


class TitleForm(Form):
    """A title card."""

    text: Text = Field(description="The words.")
    position: Position | None = Field(None, description="Where on the picture; center where not written.")
    duration: Length | None = Field(None, description="How long it is seen; as long as the shot where not written.")
    font: Text | None = Field(None, description="A font file, .ttf or .otf.")


Title = Annotated[
    Annotated[TitleForm, Tag("<mapping>")] | Annotated[Label, Tag("<text>")],
    Discriminator(tag),
]


class CastForm(Form):
    """A named subject; @name in a prompt puts its words and its references in."""

    looks: Text | None = Field(None, description="How the subject looks, in words.")
    reference: Reference | None = Field(None, description="One picture, or a list, that anchors the appearance.")
    voice: Label | None = Field(None, description="The voice that speaks the lines.")


Member = Annotated[
    Annotated[CastForm, Tag("<mapping>")] | Annotated[Text, Tag("<text>")],
    Discriminator(tag),
]


class WatermarkForm(Form):
    """The visible moving mark."""

    text: Label | None = Field(None, description="Its words.")
    image: Text | None = Field(None, description="A picture instead of words.")
    opacity: Opacity | None = Field(None, description="0.05 to 1; `watermark: off` is the way to none.")


Mark = Annotated[
    Annotated[WatermarkForm, Tag("<mapping>")] | Annotated[Label, Tag("<text>")] | Annotated[Switch, Tag("<switch>")],
    Discriminator(tag),
]


class ProvenanceForm(Form):
    """Who made the film, its mark, and whether others may train on it."""

    author: Label | None = Field(None, description="Who made the film; goes into its credential.")
    watermark: Mark | None = Field(
        None, description="The visible moving mark: its words, a mapping, or off where the policy allows it."
    )
    training: Training | None = Field(None, description="May others train on the film?")


class OutputForm(Form):
    """The film's size and rate; the engine's where not written."""

    size: Size | None = Field(None, description="WIDTHxHEIGHT in pixels, both even: 256x160.")
    aspect: Aspect | None = Field(None, description="The shape, WIDTH:HEIGHT; goes with `height`.")
    height: Side | None = Field(None, description="Height in pixels, even; goes with `aspect`.")
    fps: Rate | None = Field(None, description="Frames a second: 24, 23.976, 30000/1001.")
    fit: Fit | None = Field(
        None,
        description="Where the engine's pictures have another shape: fill (cover and crop), fit (bars), pad (bars, and "
        "never enlarged).",
    )
    motion: Motion | None = Field(
        None,
        description="Where the film has more frames than the engine makes: hold them, or interpolate between them.",
    )


class Level(Form):
    """What may stand at film, scene, shot and beat level; the nearest wins, `style` and `avoid` add up."""

    engine: Label | None = Field(None, description="A catalogue name, a hub repo id, or a checkpoint folder.")
    options: dict[str, Any] | None = Field(
        None, max_length=100, description="The engine's own options; merged key by key."
    )
    seed: Seed | None = Field(
        None, description="The film's makes it reproducible; a shot's or beat's is used as it is."
    )
    style: Phrase | None = Field(None, description="How it is drawn or filmed; adds up from film to beat.")
    avoid: Phrase | None = Field(
        None, description="What must not be seen (negative prompt); adds up from film to beat."
    )
    look: Look | None = Field(None, description="What the colour of shots is held to.")
    sound: Sound | None = Field(
        None, description="At film and scene: ambience and music. At shot and beat: words or a sound file, or off."
    )
    camera: Phrase | None = Field(None, description="How the camera moves: slow pan left.")
    framing: Framing | None = Field(None, description="How much is seen.")
    light: Phrase | None = Field(None, description="The light; goes in front of each prompt.")
    setting: Phrase | None = Field(None, description="The place; goes in front of each prompt.")


class Take(Level):
    """What may stand at shot and beat level."""

    prompt: Text | None = Field(None, description="What happens. @name puts a cast member in.")
    duration: Length | None = Field(None, description="4s, 1500ms, 48f (frames), or seconds; else the engine's.")
    from_: Link | None = Field(
        None,
        alias="from",
        description="What the first frames carry on from: previous, nothing, a shot's name, {shot, at}, a picture "
        "or a film file.",
    )
    to: Link | None = Field(None, description="What the last frame must be: the same forms as `from`.")
    reference: Reference | None = Field(None, description="Pictures that anchor the appearance, in order.")
    takes: Takes | None = Field(None, description="How many seeds to try; the best is kept.")
    dialogue: Dialogue | None = Field(None, description="Who says what, and when.")


class BeatForm(Take):
    """One stretch of a shot with its own prompt and length."""


BeatItem = Annotated[
    Annotated[BeatForm, Tag("<mapping>")] | Annotated[Text, Tag("<text>")],
    Discriminator(tag),
]


class ShotForm(Take):
    """One unbroken take: no cut inside it."""

    name: Name | None = Field(None, description="How other shots and `--only` call it; unique in the film.")
    beats: list[BeatItem] | None = Field(None, min_length=1, description="The stretches of the shot, in order.")
    transition: Coming | None = Field(
        None, description="How the shot comes in: cut, dissolve 0.5s, fade 1s, wipe left 0.5s."
    )
    title: Title | None = Field(None, description="A title card over the shot; alone when there is no prompt.")
    speed: Speed | None = Field(
        None, description="How fast it plays, 0.25 to 4; below 1 is slow motion. `duration` is its length on screen."
    )


ShotItem = Annotated[
    Annotated[ShotForm, Tag("<mapping>")] | Annotated[Text, Tag("<text>")],
    Discriminator(tag),
]


class SceneForm(Level):
    """Shots that share a place and a look."""

    name: Name | None = Field(None, description="What the scene is called; unique in the film.")
    shots: list[ShotItem] = Field(min_length=1, description="The shots, in order.")


class FilmForm(Level):
    """A storyboard for `sora`, version 1."""

    storyboard: Version | None = Field(None, description="The format's version: 1.")
    title: Label | None = Field(None, description="The film's title.")
    output: OutputForm | None = Field(None, description="Size and frame rate.")
    cast: dict[str, Member] | None = Field(None, description="Named subjects, for @name in prompts.")
    provenance: ProvenanceForm | None = Field(None, description="Author, watermark, permission to train.")
    memory: str | dict[str, str | int | float | bool] | None = Field(
        None,
        description="How models are fitted to the GPU: auto, fast, low, or {mode, offload, tile, ...}.",
    )
    policy: Policy | None = Field(None, description="standard, strict, off, or a policy file.")
    vars: dict[str, str | int | float | bool] | None = Field(
        None, description="${name} anywhere in the storyboard; `--set name=value` wins."
    )
    scenes: list[SceneForm] | None = Field(None, min_length=1, description="The scenes; or `shots` alone.")
    shots: list[ShotItem] | None = Field(None, min_length=1, description="All shots as one scene, without `scenes`.")


PLACES: dict[str, type[Form]] = {
    "scenes": SceneForm,
    "shots": ShotForm,
    "beats": BeatForm,
    "output": OutputForm,
    "look": LookForm,
    "sound": SoundForm,
    "dialogue": DialogueForm,
    "from": LinkForm,
    "to": LinkForm,
    "transition": TransitionForm,
    "title": TitleForm,
    "provenance": ProvenanceForm,
    "watermark": WatermarkForm,
}
"""Which mapping stands under which key."""


def keys_of(form: type[Form]) -> list[str]:
    """The keys that the mapping may have, as they are written."""
    return [field.alias or name for name, field in form.model_fields.items()]


def json_schema() -> dict[str, Any]:
    """The format as JSON Schema (draft 2020-12), for editors."""
    schema = FilmForm.model_json_schema()
    schema["patternProperties"] = {"^x-": {"description": "Not read; a place for anchors."}}
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "sora storyboard"}
    return {**_without_null(schema), **about}


def _without_null(schema: Any) -> Any:  # noqa: ANN401  JSON is anything
    """`schema` with nothing allowed to be null: a key that is not wanted is left out, not left empty."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(part) for key, part in schema.items() if not (key == "default" and part is None)}
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        choices = [choice for choice in choices if choice != {"type": "null"}]
        kept.pop("anyOf")
        kept = {**choices[0], **kept} if len(choices) == 1 else {**kept, "anyOf": choices}
    return kept
