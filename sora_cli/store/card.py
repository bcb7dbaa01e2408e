"""What the store holds of a clip: its files, and the card that is written when it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from msgspec import Struct, field
from pydantic import Field, JsonValue

from sora_cli.data import Count, Finite, Keys, Name, Ratio, Record, Seconds, Sha, Versions, Words


class Clip(Struct, frozen=True, kw_only=True):
    """Footage on disk under its key: a lossless film file of `frames` frames, whole and checked."""

    key: str
    path: Path
    sha256: str
    frames: int
    width: int
    height: int
    fps: Fraction
    sound: bool = False
    tail: Path | None = None
    seconds: float = 0.0
    """How long it took to make."""
    score: float = 0.0
    """How good it is beside other takes of its beat."""
    good: bool = True
    """Whether nothing that was measured of it falls short."""
    drift: float = 0.0
    """By how much the colour of the frames that it carries on from had gone from their anchor, CIE dE2000."""
    keeps: Mapping[str, float] = field(default_factory=dict)
    """The bars that what was measured of it would just keep, by name; empty where no bar matters."""
    pixels: str = ""
    """SHA-256 of its frames' bytes, which stays the same however they are packed."""


class ClipFacts(Struct, frozen=True, kw_only=True):
    """What is known of a clip that is about to be kept."""

    frames: int
    width: int
    height: int
    fps: Fraction
    sound: bool
    seconds: float
    score: float
    fields: Mapping[str, JsonValue]
    """What its key is made of."""
    good: bool = True
    parts: Mapping[str, float] = field(default_factory=dict)
    """What its score is the sum of."""
    keeps: Mapping[str, float] = field(default_factory=dict)
    drift: float = 0.0
    given: tuple[str, ...] = ()
    """Keys of the clips whose frames or colours it was given: of several takes, those that were chosen."""
    pixels: str = ""
    made_on: Mapping[str, str] = field(default_factory=dict)
    """Device and versions of libraries: what may differ where the same take gives other frames."""
    written: str = ""
    """What its author wrote, where other words were sent to the engine."""
    joules: float = 0.0
    metered: str = ""
    """The energy that making it drew, and the counters that say so; none where there are none."""
    ended: float = 0.0
    machine: str = ""
    """When making it ended, in seconds since 1970, and the name of the machine: others may have been made beside it."""


class Card(Record):
    """What is written of a clip when it is kept. `sha256` is of its file, `tail` of that of its latents, if any."""

    frames: Count
    width: Count
    height: Count
    fps: Ratio
    sound: bool
    seconds: Seconds
    score: Finite
    good: bool = True
    parts: dict[Name, Finite] = Field(default={})
    keeps: dict[Name, Finite] = Field(default={})
    drift: Finite = 0.0
    given: Keys = ()
    sha256: Sha
    tail: Sha
    pixels: Sha
    made_on: Versions = Field(default={})
    fields: dict[str, JsonValue] = Field(default={})
    """What its key is made of: `sora_cli.plan.data` says it, the store knows nothing of takes."""
    written: Words = ""
    joules: Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)] = 0.0
    metered: Name = ""
    ended: Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)] = 0.0
    machine: Name = ""

    @classmethod
    def of(cls, facts: ClipFacts, sha256: str, tail: str) -> Card:
        """The card of a clip whose files have these hashes."""
        made = cls.model_construct(
            frames=facts.frames,
            width=facts.width,
            height=facts.height,
            fps=str(facts.fps),
            sound=facts.sound,
            seconds=round(facts.seconds, 3),
            score=facts.score,
            good=facts.good,
            parts=dict(facts.parts),
            keeps=dict(facts.keeps),
            drift=facts.drift,
            given=facts.given,
            sha256=sha256,
            tail=tail,
            pixels=facts.pixels,
            made_on=dict(facts.made_on),
            fields=dict(facts.fields),
        )
        more: dict[str, object] = {"written": facts.written} if facts.written else {}
        more |= {"joules": round(facts.joules, 3), "metered": facts.metered} if facts.metered else {}
        more |= {"ended": round(facts.ended, 3), "machine": facts.machine} if facts.machine else {}
        return made.model_copy(update=more) if more else made

    def clip(self, key: str, path: Path, tail: Path | None) -> Clip:
        """The clip whose files these are."""
        return Clip(
            key=key,
            path=path,
            sha256=self.sha256,
            frames=self.frames,
            width=self.width,
            height=self.height,
            fps=Fraction(self.fps),
            sound=self.sound,
            tail=tail,
            seconds=self.seconds,
            score=self.score,
            good=self.good,
            keeps=self.keeps,
            drift=self.drift,
            pixels=self.pixels,
        )


NO_CARD = Card.model_construct(  # not validated: to build what validates cards costs each `plan` as much as to read it
    frames=0, width=0, height=0, fps="1", sound=False, seconds=0, score=0, sha256="", tail="", pixels=""
)
"""Of a clip that is not there."""


class Kept(Struct, frozen=True):
    """A file of the store: its size in bytes, and when it was last written or its clip used, by the time of day."""

    path: Path
    size: int
    used: float

    @property
    def key(self) -> str:
        """The key of its clip."""
        return self.path.name.lstrip(".").partition(".")[0]

    @property
    def aside(self) -> bool:
        """Whether it is unfinished: being written, or left by a writer that died."""
        return self.path.name.startswith(".")
