"""A film as data: what its sidecar, the recipe in its credential, and the cards of its clips say of it.

What a take is stands in `sora_cli.plan.data`, which the plan makes keys of, and what holds for all records in
`sora_cli.data`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, JsonValue, model_validator

from sora_cli.data import LIST, MOST, Count, Finite, Key, Keys, Name, Ratio, Record, Seconds, Sha, Versions, Words
from sora_cli.plan.anchors import Anchors
from sora_cli.plan.data import Named, TakeFields
from sora_cli.plan.plan import Plan, PlannedShot
from sora_cli.plan.sounds import PlannedSound, by_pictures

if TYPE_CHECKING:
    from sora_cli.sound.lines import PlacedLine


class CardRecord(Record):
    """A clip of the store, as its card tells what makes it again."""

    frames: Count
    fields: TakeFields
    pixels: Sha = ""
    made_on: Versions = Field(default={})
    given: Keys = ()
    """The takes that it was given, of those that it might carry on from; earlier versions did not tell."""

    def as_given(self) -> CardRecord:
        """The card without the takes that were not chosen then."""
        ends = {"opening": self.fields.opening, "closing": self.fields.closing}
        chosen: dict[str, object] = {name: end.chosen(self.given) for name, end in ends.items() if end is not None}
        more = {"start": self.fields.start, "change": self.fields.change}
        chosen |= {name: each.chosen(self.given) for name, each in more.items() if each is not None}
        return self.model_copy(update={"fields": self.fields.model_copy(update=chosen)})


class MadeRecord(Record):
    """A take as a recipe tells it: its key, the hash of its frames, and what made it (a number: see `made_on`)."""

    key: Key
    pixels: Sha
    engine: Name
    weights: Name
    made_on: Annotated[int, Field(ge=0, lt=MOST)]


class RecipeRecord(Record):
    """What makes a film again: its storyboard, the files that it names by name and hash, and what its takes were."""

    version: int
    sora: Name
    draft: bool
    only: Annotated[tuple[Words, ...], LIST, Field(max_length=MOST)]
    animatic: bool = False
    """Whether stills are in the place of its takes."""
    from_draft: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The noise level from which its takes go on from those of its draft; 0 where they do not."""
    deliver: Name
    storyboard: dict[str, JsonValue]
    files: Annotated[dict[Name, Sha], Field(max_length=MOST)]
    recordings: Annotated[dict[Name, Sha], Field(max_length=MOST)] = Field(default={})
    """Files that were found by their names in the folder of sounds."""
    takes: Annotated[dict[Words, MadeRecord], Field(max_length=MOST)]
    made_on: Annotated[tuple[Versions, ...], LIST, Field(max_length=MOST)]

    @model_validator(mode="after")
    def _all_told(self) -> Self:
        if any(take.made_on >= len(self.made_on) for take in self.takes.values()):
            raise ValueError("a take does not say what it was made on")
        return self


Much = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]


class CostRecord(Record):
    """What making cost: its time, and as far as they are known joules, money, and how the energy was found."""

    seconds: Seconds
    joules: Much | None = None
    money: Much | None = None
    energy: Name = ""


class TakeRecord(TakeFields, Named):
    """A take of a film: its name and key, what of it plays, and what came of it."""

    shot: Words = ""
    at: Count | None = None
    """The film frame that it begins to play on; earlier versions did not tell."""
    plays: bool
    skip: Count
    play: Count
    stride: Ratio = "1"
    seconds: Seconds
    clip_sha256: Sha = ""
    pixels: Sha = ""
    made_on: Versions = Field(default={})
    score: Finite = 0.0
    good: bool = True
    parts: Annotated[dict[Name, Finite], Field(max_length=100)] = Field(default={})
    keeps: Annotated[dict[Name, Finite], Field(max_length=100)] = Field(default={})
    """The bars that it would just keep."""
    drift: Finite = 0.0
    """By how much the colour of the frames that it carries on from had gone from their anchor, CIE dE2000."""
    written: Words = ""
    """What its author wrote, where the prompt is other words that were sent."""
    cost: CostRecord | None = None


class ShotRecord(Record):
    """A shot of a film, in frames: the first `overlap` of them play with the shot before, `lead` come from black."""

    name: Words
    scene: Words
    like: Words = ""
    """The first shot of its scene that has its place and hour; earlier versions did not tell."""
    start: Count
    frames: Count
    overlap: Count = 0
    lead: Count = 0
    transition: Name = "cut"
    speed: Annotated[float, Field(gt=0, le=1_000)] = 1.0

    @classmethod
    def every(cls, shots: Sequence[PlannedShot]) -> tuple[ShotRecord, ...]:
        """The records of all shots of a plan."""
        pictured = [shot for shot in shots if shot.beats]
        firsts = Anchors((shot.scene, shot.slugline) for shot in pictured).firsts
        like = {shot.name: pictured[first].name for shot, first in zip(pictured, firsts, strict=True)}
        return tuple(cls._of(shot, like.get(shot.name, shot.name)) for shot in shots)

    @classmethod
    def _of(cls, shot: PlannedShot, like: str) -> ShotRecord:
        return cls.model_construct(
            name=shot.name,
            scene=shot.scene,
            like=like,
            start=shot.start,
            frames=shot.frames,
            overlap=shot.overlap,
            lead=shot.lead,
            transition=shot.transition.kind,
            speed=float(shot.beats[0].speed) if shot.beats else 1.0,
        )


class FileRecord(Record):
    """The film's own file. `credential` is the name of what proves it, where the file cannot hold that."""

    path: Name
    sha256: Sha
    frames: Count
    fps: Ratio
    seconds: Seconds
    width: Count
    height: Count
    credential: Name | None = None


class EngineRecord(Record):
    """An engine that takes were made with."""

    family: Name
    revision: Name
    licence: Name


class BoardRecord(Record):
    """The storyboard's own file: its name, where it has one, and its SHA-256."""

    path: Name | None = None
    sha256: Sha = ""


class MakerRecord(Record):
    """What a film comes from: a command, and the files (as seen from the film's folder) or words that it was given."""

    command: Name
    of: Annotated[tuple[Name, ...], LIST, Field(max_length=MOST)] = ()
    words: Words = ""
    sha256: Sha = ""


class PrintRecord(Record):
    """A file by its name and its SHA-256."""

    path: Name
    sha256: Sha


class NoteRecord(Record):
    """Whose a film is. It begins every sidecar, and is the whole sidecar of a film made of other films."""

    sora: Name
    made_by: MakerRecord | None = None
    film: PrintRecord
    files: Annotated[dict[Sha, Name], Field(max_length=MOST)] = Field(default={})
    """Films that an editor added to it, by hash: where they were, as seen from the film's folder."""
    subtitles: Sha = ""
    """Of the file of subtitles beside it."""


class LineRecord(Record):
    """A line that is spoken: who says what, with which voice, when and for how long, and the key of its sound."""

    who: Name
    line: Words
    voice: Name | None
    start: Seconds
    seconds: Seconds
    key: Name
    laid: bool

    @classmethod
    def of(cls, line: PlacedLine) -> LineRecord:
        """The record of a line that was placed in the film."""
        from sora_cli.media.stream import SAMPLE_RATE  # not for a film in which nobody speaks

        return cls.model_construct(
            who=line.line.cast or "narrator",
            line=line.line.line,
            voice=line.spoken.voice if line.spoken else None,
            start=line.start / SAMPLE_RATE,
            seconds=line.said.length / SAMPLE_RATE,
            key=line.said.key if line.spoken else "",
            laid=line.laid,
        )


class SoundRecord(Record):
    """A sound that the storyboard names: on which bus, in which words (none of a file), when and for how long."""

    bus: Name
    words: Words
    start: Seconds
    seconds: Seconds

    @classmethod
    def of(cls, sound: PlannedSound, fps: Fraction) -> SoundRecord:
        """The record of a planned sound in a film of `fps`."""
        start = max(Fraction(0), sound.start / fps + sound.at - sound.leads)
        return cls.model_construct(
            bus=sound.bus, words=sound.words, start=float(start), seconds=float(sound.seconds(fps))
        )


class FoleyRecord(Record):
    """A sound that was laid since the pictures show it: on which bus, which, when and for how long, and its key."""

    bus: Name
    sound: Name
    shot: Words
    start: Seconds
    seconds: Seconds
    key: Name


class FilmRecord(Record):
    """A film as its sidecar tells it."""

    sora: Name
    made_by: MakerRecord | None = None
    key: Sha
    title: Words
    draft: bool
    storyboard: BoardRecord = Field(default_factory=BoardRecord)
    film: FileRecord
    signer: Name
    engines: Annotated[dict[Name, EngineRecord], Field(max_length=MOST)] = Field(default={})
    libraries: Versions = Field(default={})
    shots: Annotated[tuple[ShotRecord, ...], LIST, Field(max_length=MOST)] = ()
    takes: Annotated[tuple[TakeRecord, ...], LIST, Field(max_length=MOST)]
    stills: Annotated[tuple[TakeRecord, ...], LIST, Field(max_length=MOST)] = ()
    """What takes begin and end on."""
    bars: Annotated[dict[Name, float], Field(max_length=100)] = Field(default={})
    """What the storyboard says that a review holds it to."""
    files: Annotated[dict[Sha, Name], Field(max_length=MOST)] = Field(default={})
    """The user's files that went in, by hash: where they were, as seen from the film's folder."""
    recipe: RecipeRecord | None = None
    stages: Annotated[dict[Name, Seconds], Field(max_length=100)] = Field(default={})
    """How long each stage took."""
    cost: CostRecord | None = None
    """What making all its takes has cost."""
    lines: Annotated[tuple[LineRecord, ...], LIST, Field(max_length=MOST)] = ()
    sounds: Annotated[tuple[SoundRecord, ...], LIST, Field(max_length=MOST)] = ()
    """What is heard since the storyboard says so; earlier versions did not tell."""
    foley: Annotated[tuple[FoleyRecord, ...], LIST, Field(max_length=MOST)] = ()
    """What is heard of what is seen."""
    heard: Annotated[dict[Name, Words], Field(max_length=MOST)] = Field(default={})
    """What is said in shots whose lines a model speaks, as it is heard."""
    before: Annotated[dict[Words, Key], Field(max_length=MOST)] = Field(default={})
    """By stretch: the key of the take that played in the film that this one replaced, where another does now."""
    moderation: dict[str, JsonValue] = Field(default={})
    """What policy it was held to, and what was checked."""
    review: dict[str, JsonValue] = Field(default={})
    """What a review measured (see `sora_cli.flows.review`)."""

    @property
    def stretches(self) -> dict[str, list[TakeRecord]]:
        """The takes of each stretch, which bears the name of its first: `walk/1`, `walk/1#2`."""
        names, found = {take.name for take in self.takes}, defaultdict[str, list[TakeRecord]](list)
        for take in self.takes:
            first = take.name.rpartition("#")[0]
            found[first if first in names else take.name].append(take)
        return found


class PlannedTake(TakeFields, Named):
    """A take of a plan, beside what the store holds of it: is it kept, and why it will be shot again."""

    kept: bool
    why: Words
    at: Seconds | None
    """When it plays in the film; None where it is only carried on from."""
    skip: Count
    play: Count
    latents: bool
    """Whether it is handed the latents of the frames that it carries on from."""
    cost: CostRecord | None = None
    """About what making it will cost, or what it has cost where it is kept."""


class PlanRecord(Record):
    """A plan as `sora plan --json` tells it."""

    title: Words
    fps: Ratio
    width: Count
    height: Count
    frames: Count
    seconds: Seconds
    shots: Annotated[tuple[ShotRecord, ...], LIST]
    takes: Annotated[tuple[PlannedTake, ...], LIST]
    needs: dict[Name, JsonValue]
    """What the largest take of each engine will need here (see `sora_cli.engines.estimate`)."""
    foley: Words
    """What is heard by the pictures."""
    cost: CostRecord | None = None
    """About what the takes to shoot will cost."""
    remarks: Annotated[tuple[dict[str, JsonValue], ...], LIST]

    @classmethod
    def of(cls, plan: Plan, takes: tuple[PlannedTake, ...], needs: dict[str, JsonValue]) -> PlanRecord:
        """The record of a plan, and of its takes as they are told."""
        return cls.model_construct(
            title=plan.board.title,
            fps=str(plan.fps),
            width=plan.width,
            height=plan.height,
            frames=plan.frames,
            seconds=plan.seconds,
            shots=ShotRecord.every(plan.shots),
            takes=takes,
            needs=needs,
            foley=by_pictures(plan),
            remarks=tuple({**each.as_dict()} for each in plan.remarks),
        )
