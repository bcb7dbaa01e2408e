"""A take as data, once: what its key is made of, and what the store, sidecars, recipes and `plan --json` tell of it.

It is in this room because the plan makes keys of it and the records above write it. The rooms below cannot hold it:
storyboards know no engines, and engines no storyboards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, JsonValue

from sora_cli.data import LIST, Key, Keys, Name, Rate, Record, Sha, Size, Versions, Words
from sora_cli.engines.base import Carry, Hold, Take
from sora_cli.engines.changes import Change, Excerpt, Start
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.edits import Box

KEY_VERSION = 1
"""Part of every key: raised when the same take would come out otherwise, so that old clips are not taken for new."""


class Colour(Record):
    """What the colours of frames are brought to before they are handed on."""

    takes: Keys = ()
    file: Sha = ""
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    above: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """CIE dE2000 up to which they stay as they are."""

    @classmethod
    def of(cls, hold: Hold) -> Colour:
        """The record of a hold."""
        made = cls.model_construct(takes=hold.takes, file=hold.sha256, strength=hold.strength)
        return made.model_copy(update={"above": hold.above}) if hold.above else made

    def hold(self, files: Mapping[str, Path]) -> Hold:
        """What it was made of; `files` are by hash."""
        return Hold(self.takes, files.get(self.file), self.file, self.strength, self.above)

    def chosen(self, given: Collection[str]) -> Colour:
        """Held to those of its takes that were given; to all where none was."""
        return self.model_copy(update={"takes": _chosen(self.takes, given)})


class Carried(Record):
    """Where known frames come from: takes, or a file by its hash."""

    takes: Keys = ()
    file: Sha = ""
    at: Annotated[int, Field(ge=-1, le=10_000_000)]
    count: Annotated[int, Field(ge=1, le=100_000)]
    colour: Colour | None = None
    meets: bool = False
    """Whether what follows them is brought to meet them; earlier versions did not."""
    fine: bool = False
    """Whether it is in fine forms too; earlier versions did not."""

    @classmethod
    def of(cls, carry: Carry | None) -> Carried | None:
        """The record of a carry."""
        if carry is None:
            return None
        more: dict[str, object] = {name: True for name in ("meets", "fine") if getattr(carry, name)}
        more |= {"colour": Colour.of(carry.hold)} if carry.hold is not None else {}
        made = cls.model_construct(takes=carry.takes, file=carry.sha256, at=carry.at, count=carry.count)
        return made.model_copy(update=more) if more else made

    def carry(self, files: Mapping[str, Path]) -> Carry:
        """What it was made of; `files` are by hash."""
        hold = self.colour.hold(files) if self.colour else None
        return Carry(self.takes, files.get(self.file), self.file, self.at, self.count, hold, self.meets, self.fine)

    def chosen(self, given: Collection[str]) -> Carried:
        """From those of its takes that were given; from all where none was."""
        colour = self.colour and self.colour.chosen(given)
        return self.model_copy(update={"takes": _chosen(self.takes, given), "colour": colour})


def _chosen(takes: tuple[str, ...], given: Collection[str]) -> tuple[str, ...]:
    return tuple(key for key in takes if key in given) or takes


CHANGE_VERSION = 3
"""Part of the keys of takes that change a film: raised when the same change would have another mask."""


class Excerpted(Record):
    """Frames of a take's clip, by number."""

    takes: Keys
    frames: Annotated[tuple[int, ...], LIST, Field(min_length=1, max_length=100_000)]


class Changed(Record):
    """A film of which a take makes a part anew; times are in seconds, boxes in parts of its picture."""

    file: Sha
    at: Words
    start: Words
    end: Words
    view: Annotated[Box, LIST]
    region: Annotated[Box | None, LIST] = None
    mask: Sha = ""
    words: Words = ""
    segmenter: Versions = Field(default={})
    """Models that found what the words name, where some did, and hashes of their files."""
    instructed: bool = False
    """Whether the prompt says what is to be done to all of it."""
    version: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Raised when the same change would have another mask."""
    excerpts: Annotated[tuple[Excerpted, ...], LIST, Field(max_length=10_000)] = ()
    """Of takes that stand in the place of a film, `fps` frames of them a second."""
    fps: Words = ""
    outpaint: Annotated[
        tuple[Annotated[int, Field(ge=1, le=9999)], Annotated[int, Field(ge=1, le=9999)]] | None, LIST
    ] = None
    """The shape of what is seen, which says what `view` does not."""

    @property
    def takes(self) -> tuple[str, ...]:
        """Keys of the takes that were there first."""
        return tuple(key for each in self.excerpts for key in each.takes)

    def chosen(self, given: Collection[str]) -> Changed:
        """Of those of its takes that were given; of all where none was."""
        chosen = (each.model_copy(update={"takes": _chosen(each.takes, given)}) for each in self.excerpts)
        return self.model_copy(update={"excerpts": tuple(chosen)}) if self.excerpts else self

    @classmethod
    def of(cls, change: Change) -> Changed:
        """The record of a change."""
        made = cls.model_construct(
            file=change.sha256,
            at=str(change.at),
            start=str(change.start),
            end=str(change.end),
            view=change.view,
            version=CHANGE_VERSION,
        )
        more: dict[str, object] = {"region": change.region, "mask": change.mask_sha256, "words": change.words}
        more |= {"outpaint": change.outpaint, "segmenter": dict(change.segmenter), "instructed": change.instructed}
        if change.excerpts:
            excerpts = (Excerpted.model_construct(takes=each.takes, frames=each.frames) for each in change.excerpts)
            more |= {"excerpts": tuple(excerpts), "fps": str(change.fps)}
        return made.model_copy(update={name: value for name, value in more.items() if value})

    def change(self, files: Mapping[str, Path]) -> Change:
        """What it was made of; `files` are by hash."""
        at, start, end = (Fraction(each) for each in (self.at, self.start, self.end))
        return Change(
            path=files.get(self.file),
            sha256=self.file,
            at=at,
            view=self.view,
            start=start,
            end=end,
            region=self.region,
            mask=files.get(self.mask),
            mask_sha256=self.mask,
            words=self.words,
            segmenter=tuple(self.segmenter.items()),
            instructed=self.instructed,
            outpaint=self.outpaint,
            excerpts=tuple(Excerpt(each.takes, each.frames) for each in self.excerpts),
            fps=Fraction(self.fps or 0),
        )


class Started(Record):
    """What a take's sampling begins with: the take of a draft, noised to `strength`."""

    strength: Annotated[float, Field(gt=0, le=1)]
    takes: Keys = ()

    @classmethod
    def of(cls, start: Start) -> Started:
        """The record of a start."""
        return cls.model_construct(strength=start.strength, takes=start.takes)

    @property
    def start(self) -> Start:
        """What it was made of."""
        return Start(self.strength, self.takes)

    def chosen(self, given: Collection[str]) -> Started:
        """From those of its takes that were given; from all where none was."""
        return self.model_copy(update={"takes": _chosen(self.takes, given)})


class Named(Record):
    """A take of a film: its name and its key."""

    name: Words
    key: Key


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
    reference: Annotated[tuple[Sha, ...], LIST, Field(max_length=100)]
    sound: bool
    kinds: Annotated[tuple[Name, ...], LIST, Field(max_length=100)] = Field(default=(), alias="reference kinds")
    """Told where one is no picture: the same bytes may be read as a film or, under another name, as its sound."""
    voices: Annotated[tuple[Words, ...], LIST, Field(max_length=100)] = ()
    """Told where voices spoke some of the references: for each the name of its voice, empty for a user's file."""
    memory: Annotated[dict[Name, JsonValue], Field(max_length=100)] = Field(default={})
    """What of the fitting to the device changes pixels, where something does."""
    change: Changed | None = None
    """The film of which it makes a part anew, where it does."""
    start: Started | None = None
    """What its sampling begins with, where it is not noise alone."""
    edition: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """The engine's, where it makes other frames of such a take than it did."""

    @classmethod
    def of(cls, take: Take, **more: object) -> Self:
        """The record of a planned take, with `more` of what the record tells."""
        kinds = tuple(kind_of(reference.path) for reference in take.references)
        more |= {"kinds": kinds} if set(kinds) - {"picture"} else {}
        voices = tuple(reference.voice for reference in take.references)
        more |= {"voices": voices} if any(voices) else {}
        more |= {"memory": dict(take.memory)} if take.memory else {}
        more |= {"change": Changed.of(take.change)} if take.change is not None else {}
        more |= {"start": Started.of(take.start)} if take.start is not None else {}
        more |= {"edition": take.edition} if take.edition else {}
        return cls._of_ours(
            engine=take.engine,
            weights=take.revision,
            prompt=take.prompt,
            avoid=take.avoid,
            size=f"{take.width}x{take.height}",
            fps=str(take.fps),
            frames=take.frames,
            seed=take.seed,
            options=dict(take.options),
            opening=Carried.of(take.opening),
            closing=Carried.of(take.closing),
            reference=tuple(reference.sha256 for reference in take.references),
            sound=take.sound,
            **more,
        )

    @property
    def take_key(self) -> str:
        """The key of the take: a hash of everything that changes its pixels, 32 hexadecimal digits."""
        fields = {**self.to_dict(), "options": {name: _unplaced(value) for name, value in self.options.items()}}
        text = json.dumps({"version": KEY_VERSION, **fields}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def carries(self) -> tuple[Carried, ...]:
        """What its first and last frames carry on from."""
        return tuple(carried for carried in (self.opening, self.closing) if carried is not None)

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the takes that were there first."""
        held = [carried.colour.takes for carried in self.carries if carried.colour]
        begun = [each.takes for each in (self.start, self.change) if each is not None]
        return tuple(key for keys in ([carried.takes for carried in self.carries] + held + begun) for key in keys)

    @property
    def references(self) -> list[tuple[str, str]]:
        """The hash of each reference, with the voice that spoke it."""
        return list(zip_longest(self.reference, self.voices, fillvalue=""))[: len(self.reference)]

    @property
    def files(self) -> set[str]:
        """Hashes of the files that it was given, the user's and those that voices spoke."""
        held = {carried.colour.file for carried in self.carries if carried.colour}
        changed = {self.change.file, self.change.mask} if self.change is not None else set()
        return ({carried.file for carried in self.carries} | held | changed | set(self.reference)) - {""}

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = self.size.split("x")
        return int(width), int(height)

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.fps)


def _unplaced(option: JsonValue) -> JsonValue:
    """An option's value without the places of files that it has the hashes of, as it has a LoRA's: files are moved."""
    if isinstance(option, list):
        return [_unplaced(each) for each in option]
    if isinstance(option, dict) and option.get("sha256"):
        return {name: value for name, value in option.items() if name != "path"}
    return option
