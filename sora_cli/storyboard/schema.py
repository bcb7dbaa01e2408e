"""The storyboard format as it is written: which keys stand where, what each may be, and what it means.

A value may stand in several forms (a shot is a mapping or its bare prompt). Where `${name}` may stand, the schema that
is published for editors (`json_schema`) says so.
"""

from __future__ import annotations

from sora_cli.storyboard import direction, keyframes
from sora_cli.storyboard.choices import Choices
from sora_cli.storyboard.consent import ConsentForm
from sora_cli.storyboard.edits import EditForm
from sora_cli.storyboard.model import LEAST_OPACITY, Duration, Transition
from sora_cli.storyboard.prices import CostForm
from sora_cli.storyboard.shapes import Form, Key, Listed, Needed, OneOf, Schema, Shape, Table
from sora_cli.storyboard.sound import LOUDNESS, SpokenLength
from sora_cli.storyboard.values import (
    Anything,
    Aspect,
    Decibels,
    Depth,
    Direction,
    Executor,
    Fit,
    Good,
    Heard,
    Kind,
    Label,
    Length,
    LengthOrSpoken,
    Lufs,
    MarkText,
    Matched,
    Moment,
    Motion,
    Name,
    Off,
    Opacity,
    Pan,
    Phrase,
    Pick,
    Policy,
    Position,
    Rate,
    Reference,
    Seed,
    Share,
    ShortTransition,
    Side,
    Single,
    Size,
    Space,
    Speaking,
    Speed,
    Subtitles,
    Switch,
    Takes,
    Text,
    Time,
    Training,
    Version,
    Words,
    bar,
)


class LookForm(Form):
    """What the colour of shots is held to."""

    match = Key(
        Matched,
        "scene (its first shot), film (its first shot), previous (the shot before), off, a picture, or a .cube LUT.",
        examples=["scene", "film", "previous", "off", "refs/frame.png", "warm.cube"],
    )
    strength = Key(Share, "How strongly: 0 to 1.")


Look: Shape[LookForm | str] = OneOf(LookForm, Matched, Off)


class SoundForm(Form):
    """What is heard: ambience and music under it; of a shot or beat, its own sound."""

    ambience = Key(Heard, "A sound file, a film for its sound, or words; or off.")
    music = Key(Heard, "A sound file, or a film for its sound; or off.")
    words = Key(Heard, "At shot and beat: what is heard, in words, or a file.")
    at = Key(Time, "When it is heard, after the beat's start.")
    level = Key(Decibels, "How loud it is, in dB: -6 is half as high.")
    duck = Key(Depth, "How far ambience and music go down under speech, in dB; 12 where not written.")
    leads = Key(Time, "How much earlier than its first picture it is heard (a J cut).")
    lags = Key(Time, "How much longer than its last picture it is heard (an L cut).")
    space = Key(Space, "The place that is heard: open, room, hall, church or street; else the setting's words say.")
    foley = Key(Switch, "Whether what nano's pictures show is heard: hits, rolls, slides, the place; or off.")
    loudness = Key(
        Lufs, f"Of the film: integrated, LUFS; or web (-16), ebu (-23), atsc (-24). {LOUDNESS:g} where not written."
    )


Sound: Shape[SoundForm | str] = OneOf(SoundForm, Heard, Off)


class SoundsForm(Form):
    """Where sounds in words come from; else they are the embedded ones."""

    example = "{folder: FOLDER}"

    folder = Key(Text, "A folder of your own: a file is taken where all words of its name are asked for.")
    engine = Key(Text, "A model of sound: stable-audio-open, audioldm2, a hub id, or a folder with a checkpoint.")


class RecordingForm(Form):
    """A line that was recorded."""

    file = Needed(Text, "The sound file.")


LineText: Shape[RecordingForm | str] = OneOf(RecordingForm, Label)


class DialogueForm(Form):
    """Somebody speaks."""

    example = '{cast: NAME, line: "WORDS"}'

    cast = Key(Label, "Who speaks: a name from `cast`; else the narrator.")
    line = Key(LineText, "What is said.")
    file = Key(Text, "A recording of it, a sound file or a film.")
    at = Key(Time, "When, after the beat's start: 1.5s; else after the line before it.")
    pause = Key(Time, "How long after the line before it; 0.4s where not written.")
    level = Key(Decibels, "Louder or softer than other lines, in dB.")
    pan = Key(Pan, "Where it is heard: left, center, right, or -1 to 1.")
    offscreen = Key(Switch, "Whether the speaker is not seen.")


Dialogue: Shape[list[DialogueForm] | DialogueForm] = OneOf(Listed(DialogueForm), DialogueForm)


class LinkForm(Form):
    """A place in another shot, a film, or a clip that is searched for."""

    shot = Key(Label, "The shot's name.")
    at = Key(Moment, "Of a shot: start, end or a time; `from` takes the end, `to` the start.")
    search = Key(Phrase, "Words: the clip of the search index that fits them best.")
    film = Key(Text, "A film; beside `search` the one that was found, and nothing is searched for.")


Link: Shape[LinkForm | str] = OneOf(
    LinkForm, Label, one="a shot begins and ends on one: write one of them; more pictures stand in `reference:`"
)


class TransitionForm(Form):
    """How a shot comes in."""

    example = "{kind: dissolve, duration: 0.5s}"

    kind = Needed(Kind, "cut, dissolve, fade (through black) or wipe.")
    duration = Key(Length, "How long the two shots overlap; 0.5s where not written.")
    direction = Key(Direction, "Where a wipe moves to: left, right, up or down.")


Coming: Shape[TransitionForm | Transition] = OneOf(TransitionForm, ShortTransition)


class TitleForm(Form):
    """A title card."""

    text = Needed(Words, "The words.")
    position = Key(Position, "Where on the picture; center where not written.")
    duration = Key(Length, "How long it is seen; as long as the shot where not written.")
    font = Key(Text, "A font file, .ttf or .otf.")


Title: Shape[TitleForm | str] = OneOf(TitleForm, Words)


class CastForm(Form):
    """A named subject; @name in a prompt puts its words and its references in."""

    example = "{looks: WORDS}"

    looks = Key(Text, "How the subject looks, in words.")
    reference = Key(
        Reference, "A picture, or a list, that anchors the appearance; films and sounds where the engine takes them."
    )
    lora = Key(Text, "A LoRA that knows the subject: the folder that `sora train` wrote, or a .safetensors file.")
    voice = Key(Label, "The voice that speaks the lines: a name that `sora voices` lists, or a style vector's file.")
    consent = Key(ConsentForm, "That the real person whom the member looks like agreed: {who, statement, date, file}.")


Member: Shape[CastForm | str] = OneOf(CastForm, Text)


class _Cast(Table[CastForm | str]):
    """The members by their names; a list of them, each with its `name`, becomes that before it is read."""

    def schema(self, defs: Schema) -> Schema:
        """As declared by `Shape`."""
        member = {"type": "object", "properties": {"name": Name.schema(defs)}, "required": ["name"]}
        return {"anyOf": [super().schema(defs), {"type": "array", "items": member, "minItems": 1}]}


class WatermarkForm(Form):
    """The visible moving mark."""

    text = Key(MarkText, "Its words.")
    image = Key(Text, "A picture instead of words.")
    opacity = Key(Opacity, f"{LEAST_OPACITY:g} to 1; for no mark, write `watermark: off`.")


Mark: Shape[WatermarkForm | str | bool] = OneOf(WatermarkForm, MarkText, Switch)


class ProvenanceForm(Form):
    """Who made the film, its mark, and whether others may train on it."""

    example = "{author: NAME, watermark: WORDS}"

    author = Key(Label, "Who made the film; goes into its credential.")
    watermark = Key(Mark, "The visible moving mark: its words, a mapping, or off where the policy allows it.")
    training = Key(Training, "May others train on the film?")


class OutputForm(Form):
    """The film's size and rate; the engine's where not written."""

    example = "{size: 256x160, fps: 24}"

    size = Key(Size, "WIDTHxHEIGHT in pixels, both even: 256x160; 720p and 4k are 16:9.")
    aspect = Key(Aspect, "The shape, WIDTH:HEIGHT; goes with `height`.")
    height = Key(Side, "Height in pixels, even; goes with `aspect`.")
    fps = Key(Rate, "Frames a second: 24, 23.976, 30000/1001.")
    fit = Key(Fit, "Where pictures have another shape: fill (cover and crop), fit (bars), pad (bars, never enlarged).")
    motion = Key(
        Motion, "Where the film has more frames than the engine makes: hold them, or interpolate between them."
    )
    upscale = Key(Text, "What enlarges takes: the weights of an ESRGAN-kind network, or their folder; else Lanczos.")


class NarratorForm(Form):
    """Who speaks the lines of nobody in the cast."""

    voice = Key(Label, "The voice: a name that `sora voices` lists, or the file of a style vector.")


Narrator: Shape[NarratorForm | str] = OneOf(NarratorForm, Label)


class SpokenForm(Form):
    """A beat as long as its lines."""

    lead = Key(Time, "How long before the first line; 0.3s where not written.")
    tail = Key(Time, "How long after the last one; 0.5s where not written.")


BeatLength: Shape[SpokenForm | SpokenLength | Duration] = OneOf(SpokenForm, LengthOrSpoken)


class LevelForm(Form):
    """What may stand at film, scene, shot and beat level; the nearest wins, `style` and `avoid` add up."""

    engine = Key(Label, "A catalogue name, a hub repo id, or a checkpoint folder.")
    options = Key(Table(Anything, 100), "The engine's own options; merged key by key.")
    seed = Key(Seed, "The film's makes it reproducible; a shot's or beat's is used as it is.")
    style = Key(Phrase, "How it is drawn or filmed; adds up from film to beat.")
    avoid = Key(Phrase, "What must not be seen (negative prompt); adds up from film to beat.")
    look = Key(Look, "What the colour of shots is held to.")
    sound = Key(Sound, "At film and scene: ambience and music. At shot and beat: words or a file, or off.")
    camera = Key(direction.Camera, "How the camera moves: slow pan left; or {move, direction, speed}.")
    framing = Key(direction.Framing, "How much is seen.")
    angle = Key(direction.Angle, "From where it is seen.")
    lens = Key(direction.Lens, "What the lens sees: wide-angle, telephoto, 35mm.")
    depth_of_field = Key(direction.Depth, "How much of it is sharp.")
    light = Key(direction.Light, "The light; goes in front of each prompt; or {key, colour, source, hour}.")
    mood = Key(Phrase, "How it feels; some models are told what can be seen only.")
    pace = Key(direction.Pace, "How fast it goes: slow motion, time-lapse.")
    setting = Key(Phrase, "The place; goes in front of each prompt.")
    voice = Key(Speaking, "Who says the lines where the engine can: engine, or mine, which lays your voices over it.")


class TakesForm(Form):
    """Seeds that are tried only while those before them fall short."""

    example = "{up to: 4, until: good}"

    up_to = Needed(Takes, "How many at most.")
    until = Needed(Good, "good: until nothing that is measured falls short.")


TakesWanted: Shape[TakesForm | int] = OneOf(TakesForm, Takes)


class StretchForm(LevelForm):
    """What may stand at shot and beat level."""

    prompt = Key(Text, "What happens. @name puts a cast member in.")
    sent = Key(Text, "What the model is told instead of the prompt and its direction; `sora direct` writes it.")
    duration = Key(
        BeatLength,
        "4s, 1500ms, 48f (frames), 1m30s, 0:20, or seconds; spoken or {lead, tail}: as long as its lines; else the "
        "engine's.",
    )
    from_ = Key(
        Link,
        "What the first frames carry on from: previous, nothing, a shot's name, {shot, at}, a picture or a film file.",
    )
    to = Key(Link, "What the last frame must be: the same forms as `from`.")
    reference = Key(
        Reference, "Pictures that anchor the appearance, in order; films and sounds where the engine takes them."
    )
    takes = Key(
        TakesWanted, "How many seeds to try; the best is kept. {up to: 4, until: good} tries others only while none is."
    )
    pick = Key(Pick, "This take, whatever the figures say: 2 is the second.")
    dialogue = Key(Dialogue, "Who says what, and when.")


class BeatForm(StretchForm):
    """One stretch of a shot with its own prompt and length."""


BeatItem: Shape[BeatForm | str] = OneOf(BeatForm, Text)


class ShotForm(StretchForm):
    """One unbroken take: no cut inside it."""

    name = Key(Name, "How other shots and `--only` call it; unique in the film.")
    keyframe = Key(keyframes.Wanted, "The still that it begins on: in words, on or off; or {first, last}.")
    beats = Key(Listed(BeatItem, 1), "The stretches of the shot, in order.")
    transition = Key(Coming, "How the shot comes in: cut, dissolve 0.5s, fade 1s, wipe left 0.5s.")
    edit = Key(EditForm, "A stretch of a film, with a part of its picture made anew.")
    title = Key(Title, "A title card over the shot; alone when there is no prompt.")
    speed = Key(Speed, "How fast it plays, 0.25 to 4; below 1 is slow motion. `duration` is its length on screen.")
    choices = Key(Choices, "Where the story goes: [{say, go, after}]; or the shot that it goes on to, or end.")


ShotItem: Shape[ShotForm | str] = OneOf(ShotForm, Text)


class SceneForm(LevelForm):
    """Shots that share a place and a look."""

    name = Key(Name, "What the scene is called; unique in the film.")
    shots = Needed(Listed(ShotItem, 1), "The shots, in order.")


class ReviewForm(Form):
    """What `sora review` holds the film to; its defaults where not written."""

    example = "{colour: 3, sharpness: 0.9}"

    colour = Key(bar(0.1, 100), "CIE dE2000 that a shot may be from its scene's first.")
    sharpness = Key(bar(0, 2), "The share of its scene's fine detail that a shot must have.")
    jump = Key(bar(1, 100), "The change over a join, in usual changes from frame to frame.")
    flicker = Key(bar(0, 100), "Steps of 8 bits that what stands still may pulse by.")
    path = Key(bar(0, 100), "How far what moves may be from a path of constant accelerations, in its own size.")
    growth = Key(bar(1, 100), "How many times as large or as small what moves may be a frame later.")
    tint = Key(bar(0, 100), "CIE dE2000 by which what moves may change its colour from frame to frame.")
    identity = Key(bar(-1, 1), "The cosine to its references that the cast must have, by your `--embedding`.")
    click = Key(bar(1, 10_000), "A jump from sample to sample at a join, in usual steps.")
    level = Key(bar(0, 100), "dB that the sound may step by at a join.")


Memory: Shape[dict[str, object] | str] = OneOf(Table(Single), Text)


class FilmForm(LevelForm):
    """A storyboard for `sora`, version 1."""

    storyboard = Key(Version, "The format's version: 1.")
    title = Key(Label, "The film's title.")
    output = Key(OutputForm, "Size and frame rate.")
    cast = Key(_Cast(Member), "Named subjects, for @name in prompts.")
    narrator = Key(Narrator, "Who speaks lines without `cast`: {voice}.")
    sounds = Key(SoundsForm, "Where sounds in words come from: {folder, engine}.")
    say = Key(
        Table(Label, example="WORD: HOW"), "Pronunciations by word: so-ra, MAH-ra (stress in capitals), or /phonemes/."
    )
    subtitles = Key(Subtitles, "Of what is said: off, track (in the film), burn (on the picture), srt or vtt (a file).")
    executor = Key(Executor, "Who makes the takes where no option says it: local (this machine), or ray (a cluster).")
    keyframes = Key(keyframes.ForAll, "Stills that shots begin on, before they move: {engine, options}, on or off.")
    stills = Key(Table(Pick), "Which still of a shot is used, by its number: {arrival: 2, arrival/last: 1}.")
    provenance = Key(ProvenanceForm, "Author, watermark, permission to train.")
    memory = Key(Memory, "How models are fitted to the GPU: auto, fast, low, or {mode, offload, tile, ...}.")
    review = Key(ReviewForm, "What `sora review` holds the film to: {colour: 3, sharpness: 0.9, jump: 2}.")
    cost = Key(CostForm, "What making costs: {power: 450 W, electricity: 0.30, hour: 2.50}.")
    policy = Key(Policy, "standard, strict, off, or a policy file.")
    vars = Key(Table(Single), "${name} anywhere in the storyboard; `--set name=value` wins.")
    scenes = Key(Listed(SceneForm, 1), "The scenes; or `shots` alone.")
    shots = Key(Listed(ShotItem, 1), "All shots as one scene, without `scenes`.")


def json_schema() -> dict[str, object]:
    """The format as JSON Schema (draft 2020-12), for editors."""
    defs: dict[str, object] = {}
    film = FilmForm.definition(defs)
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "sora storyboard"}
    anchors = {"^x-": {"description": "Not read; a place for anchors."}}
    return {"$defs": dict(sorted(defs.items())), **film, "patternProperties": anchors, **about}
