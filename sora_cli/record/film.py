"""A film and its takes as data: what the sidecar, the recipe in the credential and the store's cards say of them.

Anybody may have written what is read here, so every field has a kind and bounds, and nothing else is let through.
Fields that a later version adds are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from sora_cli.engines.base import Carry, Hold, Take
from sora_cli.errors import RequestError
from sora_cli.storyboard.cast import kind_of

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Sha = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
"""SHA-256 in hexadecimal, or nothing."""
Name = Annotated[str, Field(max_length=1_000)]
Words = Annotated[str, Field(max_length=100_000)]
Rate = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}(/[1-9][0-9]{0,8})?$")]
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Versions = Annotated[dict[Name, Name], Field(max_length=100)]
Keys = Annotated[tuple[Key, ...], Field(max_length=1_000)]
MOST = 100_000
"""Takes, shots or files of a film."""


class Record(BaseModel):
    """The base of all records: frozen, strict, and with names as JSON has them."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", populate_by_name=True, defer_build=True)

    @classmethod
    def from_dict(cls, told: Mapping[str, object], what: str) -> Self:
        """The record in plain data; `what` is what a person calls it.

        Raises:
            RequestError: a field is missing, of another kind, or out of bounds.
        """
        try:
            return cls.model_validate_json(json.dumps(told))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(step) for step in first["loc"])[:80]
            raise RequestError(
                f"{what} is damaged: {place}: {first['msg']}", hint="take a complete copy of it"
            ) from None
        except (ValueError, TypeError, RecursionError) as error:
            raise RequestError(f"{what} is damaged: {error}", hint="take a complete copy of it") from None

    def to_dict(self) -> dict[str, JsonValue]:
        """Plain data, as JSON has it; what is not told is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Colour(Record):
    """What the colours of frames are brought to before they are handed on."""

    takes: Keys = ()
    file: Sha = ""
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """The record of a hold."""
        return cls(takes=hold.takes, file=hold.sha256, strength=hold.strength)

    def hold(self, files: Mapping[str, Path]) -> Hold:
        """What it was made of; `files` are by hash."""
        return Hold(self.takes, files.get(self.file), self.file, self.strength)


class Carried(Record):
    """Where known frames come from: takes, or a file by its hash."""

    takes: Keys = ()
    file: Sha = ""
    at: Annotated[int, Field(ge=-1, le=10_000_000)]
    count: Annotated[int, Field(ge=1, le=100_000)]
    colour: Colour | None = None

    @classmethod
    def of(cls, carry: Carry | None) -> Self | None:
        """The record of a carry."""
        if carry is None:
            return None
        told = {"takes": carry.takes, "file": carry.sha256, "at": carry.at, "count": carry.count}
        return cls.model_validate({**told, "colour": Colour.of(carry.hold)} if carry.hold else told)

    def carry(self, files: Mapping[str, Path]) -> Carry:
        """What it was made of; `files` are by hash."""
        hold = self.colour.hold(files) if self.colour else None
        return Carry(self.takes, files.get(self.file), self.file, self.at, self.count, hold)


class TakeFields(Record):
    """What the key of a take is made of."""

    engine: Name
    weights: Name
    prompt: Words
    avoid: Words
    size: Size
    fps: Rate
    frames: Annotated[int, Field(ge=1, le=1_000_000)]
    seed: Annotated[int, Field(ge=-(1 << 63), lt=1 << 64)]
    options: Annotated[dict[Name, JsonValue], Field(max_length=100)]
    opening: Carried | None = Field(alias="from")
    closing: Carried | None = Field(alias="to")
    reference: Annotated[tuple[Sha, ...], Field(max_length=100)]
    sound: bool
    kinds: Annotated[tuple[Name, ...], Field(max_length=100)] = Field(default=(), alias="reference kinds")
    memory: Annotated[dict[Name, JsonValue], Field(max_length=100)] = Field(default={})

    @classmethod
    def of(cls, take: Take) -> TakeFields:
        """The record of a planned take."""
        kinds = tuple(kind_of(reference.path) for reference in take.references)
        told: dict[str, object] = {
            "engine": take.engine, "weights": take.revision, "prompt": take.prompt, "avoid": take.avoid,
            "size": f"{take.width}x{take.height}", "fps": str(take.fps), "frames": take.frames, "seed": take.seed,
            "options": dict(take.options), "from": Carried.of(take.opening), "to": Carried.of(take.closing),
            "reference": tuple(reference.sha256 for reference in take.references), "sound": take.sound,
        }  # fmt: skip
        told |= {"reference kinds": kinds} if set(kinds) - {"picture"} else {}
        return TakeFields.model_validate(told | ({"memory": dict(take.memory)} if take.memory else {}))

    @property
    def carries(self) -> tuple[Carried, ...]:
        """What its first and last frames carry on from."""
        return tuple(carried for carried in (self.opening, self.closing) if carried is not None)

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the takes that were there first."""
        held = [carried.colour.takes for carried in self.carries if carried.colour]
        return tuple(key for keys in ([carried.takes for carried in self.carries] + held) for key in keys)

    @property
    def files(self) -> set[str]:
        """Hashes of the user's files that it was given."""
        held = {carried.colour.file for carried in self.carries if carried.colour}
        return ({carried.file for carried in self.carries} | held | set(self.reference)) - {""}

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = self.size.split("x")
        return int(width), int(height)

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.fps)


class CardRecord(Record):
    """A clip of the store as its card tells it."""

    frames: Count
    fields: TakeFields
    pixels: Sha = ""
    made_on: Versions = Field(default={})


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
    only: Annotated[tuple[Name, ...], Field(max_length=MOST)]
    deliver: Name
    storyboard: dict[str, JsonValue]
    files: Annotated[dict[Name, Sha], Field(max_length=MOST)]
    takes: Annotated[dict[Name, MadeRecord], Field(max_length=MOST)]
    made_on: Annotated[tuple[Versions, ...], Field(max_length=MOST)]

    @model_validator(mode="after")
    def _all_told(self) -> Self:
        if any(take.made_on >= len(self.made_on) for take in self.takes.values()):
            raise ValueError("a take was made on something that is not told")
        return self


class TakeRecord(TakeFields):
    """A take of a film: its name and key, what of it plays, and what came of it."""

    name: Name
    shot: Name = ""
    at: Count | None = None
    """The film frame that it begins to play on; earlier versions did not tell."""
    key: Key
    plays: bool
    skip: Count
    play: Count
    seconds: Seconds
    clip_sha256: Sha = ""
    pixels: Sha = ""
    made_on: Versions = Field(default={})


class FileRecord(Record):
    """The film's own file. `credential` is the name of what proves it, where the file cannot hold that."""

    path: Name
    sha256: Sha
    frames: Count
    fps: Rate
    seconds: Seconds
    width: Count
    height: Count
    credential: Name | None = None


class ShotRecord(Record):
    """A shot of a film, in frames: the first `overlap` of them play with the shot before, `lead` come from black."""

    name: Name
    scene: Name
    start: Count
    frames: Count
    overlap: Count = 0
    lead: Count = 0


class FilmRecord(Record):
    """A film as its sidecar tells it."""

    sora: Name
    key: Sha
    title: Words
    draft: bool
    film: FileRecord
    signer: Name
    shots: Annotated[tuple[ShotRecord, ...], Field(max_length=MOST)] = ()
    takes: Annotated[tuple[TakeRecord, ...], Field(max_length=MOST)]
    bars: Annotated[dict[Name, float], Field(max_length=100)] = Field(default={})
    """What the storyboard says that a review holds it to."""
    files: Annotated[dict[Sha, Name], Field(max_length=MOST)] = Field(default={})
    """The user's files that went in, by hash: where they were, as seen from the film's folder."""
    recipe: RecipeRecord | None = None
