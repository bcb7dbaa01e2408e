"""The engine seam: what an engine says of itself, what it is asked, what it hands back.

Plain data, no torch: `check` and `plan` read the cards without loading a model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.engines.changes import Change, Start
from sora_cli.engines.dialect import PLAIN, Dialect
from sora_cli.errors import counted

if TYPE_CHECKING:  # numpy costs `sora check` as much again as all else
    import numpy as np
    from numpy.typing import NDArray
    from pydantic import BaseModel

    from sora_cli.engines.demand import Demand
    from sora_cli.media.stream import Frames, Sound

Progress = Callable[[int, int], None]
"""Called after each sampling step with (steps done, steps in all)."""

LIKE = "a model like "
"""How the title of a model begins that is not a known one, and has the defaults of one."""


class Ability(StrEnum):
    """What a model can be given."""

    TEXT = "text"
    FIRST_FRAMES = "first frames"
    LAST_FRAME = "last frame"
    REFERENCES = "references"
    INPAINT = "inpaint"
    VIDEO = "video to video"
    INSTRUCT = "instructions"
    """It changes a film as words say, without a mask."""
    SOUND = "sound"
    NEGATIVE_PROMPT = "negative prompt"


class EngineCard(Struct, frozen=True, kw_only=True):
    """What a model can do and wants, as plain data; everything `plan` needs to round and to refuse.

    Frames come on a grid: `frame_step * k + frame_offset` (LTX 8k+1, Wan 4k+1, MiniMax-H3 17n+5), at least
    `min_frames`, at most `max_frames`. Sizes are (width, height) in pixels; `fps` is what the model was trained at.

    `overlap` is how many frames a beat should carry over from the one before it, `max_opening` how many the model can
    be given at all. `prompt_tokens` is how much of a prompt it reads (0: no limit known), beside its chat's
    `template_tokens`; `sound_rate` the rate of its sound in Hz (0: silent), `tails` whether it hands latents on.
    `needs` are abilities that a take must use: a picture-to-video model makes nothing without a first frame, one that
    follows instructions nothing without a film.

    `max_references` is how many pictures anchor appearance at most; films and sounds have limits of their own, and
    there may be one for all together (0: none). With `references_alone` they cannot be given beside opening or closing
    frames.

    `chain` is how many takes that carry on from each other it is known to bear before colours and faces go (0: not
    known).

    `edition` is raised when the class makes other frames than before of takes that begin with one given frame: it is
    part of their keys, so that old clips are not taken for new.

    An engine whose longest clip is one frame makes stills; with `stills` one that makes video makes good ones too.
    `min_pixels` are what it makes well at least: for a smaller film it makes larger frames, which are brought down.

    With `shares`, several GPUs can make a take of it together: its transformer's tokens are shared among them. With
    `caches`, steps that change little can be skipped. With `foley`, its pictures are flat and simple enough that what
    hits, rolls and slides in them, and what place they show, can be told from them and is heard.

    `option_steps` tells options that, when they are on, want sizes in another step, and `option_parts` those that need
    another folder of the checkpoint.

    `words` are all that it knows of a prompt, `subjects` what it can show (None, empty: no limit known).

    `location` is the folder with the weights on this machine, None where they are not here (or where there are none).
    `parts` names components that are read from another folder of the checkpoint than their own.
    `dialect` is how it wants to be told. `weights` tells the size of each component in billions of parameters, and
    `demand` what it needs beside them (None: not known); `disk_gb` is what it takes on disk.
    """

    name: str
    title: str
    family: str
    source: str
    revision: str
    options: type[BaseModel]
    abilities: frozenset[Ability]
    frame_step: int
    frame_offset: int
    max_frames: int
    fps: Fraction
    size_step: int
    max_pixels: int
    native_size: tuple[int, int]
    film_size: tuple[int, int]
    default_seconds: Fraction
    overlap: int
    max_references: int = 0
    max_film_references: int = 0
    max_sound_references: int = 0
    max_references_in_all: int = 0
    references_alone: bool = False
    fixed_size: bool = False
    option_steps: Mapping[str, int] = field(default_factory=dict)
    option_parts: Mapping[str, str] = field(default_factory=dict)
    draft: Mapping[str, object] = field(default_factory=dict)
    draft_scale: float = 0.5
    words: frozenset[str] | None = None
    subjects: tuple[str, ...] = ()
    licence: str = ""
    min_frames: int = 1
    max_opening: int = 1
    needs: frozenset[Ability] = frozenset()
    prompt_tokens: int = 0
    template_tokens: int = 0
    sound_rate: int = 0
    tails: bool = False
    shares: bool = False
    caches: bool = False
    foley: bool = False
    stills: bool = False
    min_pixels: int = 0
    edition: int = 0
    chain: int = 0
    location: Path | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    demand: Demand | None = None
    disk_gb: float = 0.0
    notes: tuple[str, ...] = ()
    dialect: Dialect = PLAIN

    def __reduce__(self) -> tuple[object, ...]:
        """Options with other defaults are classes without a place of their own: another process makes them anew."""
        facts = {name: getattr(self, name) for name in self.__struct_fields__}
        made_of = getattr(self.options, "made_of", None)
        return _sent, ({**facts, "options": None} if made_of else facts, made_of)

    @property
    def here(self) -> bool:
        """Whether it can be opened on this machine: its weights are here, or it brings its own class and needs none."""
        return self.location is not None or ":" in self.family

    @property
    def makes_video(self) -> bool:
        """Whether it makes more than stills."""
        return self.longest > 1

    @property
    def makes_stills(self) -> bool:
        """Whether it makes stills, alone or too."""
        return self.stills or not self.makes_video

    @property
    def still(self) -> EngineCard:
        """The card of its stills: clips of one frame, at one a second, told nothing of what moves."""
        told = self.dialect.still_told
        return replace(self, frame_step=1, frame_offset=0, min_frames=1, max_frames=1, fps=Fraction(1), dialect=told)

    def frames_for(self, needed: int) -> int:
        """The smallest number of frames on the grid that is at least `needed` (and at least `min_frames`)."""
        steps = max(0, -(-(max(needed, self.min_frames) - self.frame_offset) // self.frame_step))
        return steps * self.frame_step + self.frame_offset

    @property
    def longest(self) -> int:
        """The largest number of frames on the grid that the model makes in one go."""
        return (self.max_frames - self.frame_offset) // self.frame_step * self.frame_step + self.frame_offset

    def room(self, given: int) -> int:
        """The most new frames of one take whose first `given` frames repeat what came before."""
        return self.longest - given

    def size_for(self, film: tuple[int, int], options: Mapping[str, object]) -> tuple[int, int]:
        """The size that the model makes for a film of `film` pixels: the film's, else the nearest smaller of its shape.

        Both sides are whole steps, and not more than `max_pixels` in all.
        """
        if self.fixed_size:
            return self.native_size
        step = max([self.size_step, *(step for name, step in self.option_steps.items() if options.get(name))])
        grow = max(1.0, math.sqrt(self.min_pixels / (film[0] * film[1])))
        width, height = (math.ceil(side * grow / step) * step for side in film)
        if width * height <= self.max_pixels:
            return width, height
        shrink = min(1.0, math.sqrt(self.max_pixels / (film[0] * film[1])))
        width, height = (max(step, int(side * shrink) // step * step) for side in film)
        if width * height > self.max_pixels:  # a film much longer one way than the other
            most = self.max_pixels // min(width, height) // step * step
            width, height = min(width, most), min(height, most)
        return width, height

    def refused(self, kinds: Sequence[str]) -> tuple[int, str, str] | None:
        """The first of some references, told by their kinds in order, that cannot be given: its place, why, a hint.

        None where all can be given.
        """
        limits = {"picture": self.max_references, "film": self.max_film_references, "sound": self.max_sound_references}
        for place, kind in enumerate(kinds):
            limit, count = limits[kind], kinds.count(kind)
            if not limit:
                hint = "name pictures" if self.max_references else "take it out: only words describe the cast"
                return place, f"engine {self.name} takes no {kind} as a reference", f"{hint}, or use minimax-h3"
            if kinds[: place + 1].count(kind) > limit:
                message = f"engine {self.name} takes {counted(limit, f'reference {kind}')}, not {count}"
                return place, message, f"name fewer cast members, or give them fewer {kind}s"
        if 0 < self.max_references_in_all < len(kinds):
            message = f"engine {self.name} takes {self.max_references_in_all} references in all, not {len(kinds)}"
            return self.max_references_in_all, message, "name fewer cast members, or give them fewer references"
        if kinds and set(kinds) == {"sound"}:
            return (
                0,
                f"engine {self.name} takes a sound beside a picture or film only",
                "add a picture of who sounds so",
            )
        return None

    @property
    def makes_sound(self) -> bool:
        """Whether the model makes sound. Then its prompt holds the dialogue and the sounds in words."""
        return self.can(Ability.SOUND)

    def can(self, ability: Ability) -> bool:
        """Whether the model has the ability."""
        return ability in self.abilities


def _sent(facts: Mapping[str, Any], made_of: tuple[Any, Any] | None) -> EngineCard:
    """The card that another process sent."""
    from sora_cli.engines.options import with_defaults

    return EngineCard(**facts if made_of is None else {**facts, "options": with_defaults(*made_of)})


class Hold(Struct, frozen=True):
    """What the colours of frames are brought to before they are handed on, `strength` of the way.

    `takes` names the candidates (keys) of a stretch, of which the best kept one is looked at; or `path` and `sha256`
    name a picture. It is done only where their colour has drifted by more than `above`, CIE dE2000.
    """

    takes: tuple[str, ...] = ()
    path: Path | None = None
    sha256: str = ""
    strength: float = 1.0
    above: float = 0.0


class Carry(Struct, frozen=True):
    """Where known frames come from: another take, or a file.

    `takes` names the candidates (keys) of the take carried on from, of which the best kept one is read; or `path` and
    `sha256` name a picture or a film. Of the source's played frames, `count` are given, ending at (for an opening)
    or starting at (for a closing) frame `at`; `at` counts from 0, -1 is the last. `hold` is None where they are given
    as they were made. `meets` says that what follows them is brought to meet them, `fine` that its fine forms are too.
    """

    takes: tuple[str, ...] = ()
    path: Path | None = None
    sha256: str = ""
    at: int = -1
    count: int = 1
    hold: Hold | None = None
    meets: bool = False
    fine: bool = False


class Reference(Struct, frozen=True):
    """A picture that anchors appearance; or a film for how somebody moves, a sound for how somebody sounds.

    `voice` names the voice that spoke the sound; empty for a file of the user's.
    """

    path: Path
    sha256: str
    voice: str = ""


class Take(Struct, frozen=True, kw_only=True):
    """A beat, or a stretch of a long beat, made exact.

    `name` is for people (`harbour/arrival/2`), `key` is a hash of everything that changes pixels. `frames` is what the
    engine makes, at its own `fps`; the first `skip` of them are not played (they repeat what is carried on from), then
    `play` are, each `stride` frames after the one before it.
    """

    name: str
    key: str
    engine: str
    revision: str
    prompt: str
    avoid: str
    width: int
    height: int
    fps: Fraction
    frames: int
    skip: int
    play: int
    seed: int
    options: Mapping[str, object]
    opening: Carry | None = None
    closing: Carry | None = None
    references: tuple[Reference, ...] = ()
    sound: bool = True
    stride: Fraction = Fraction(1)
    """Frames of the clip for each that plays: above 1 where the take has both its ends given, and more frames between
    them than play."""
    after: tuple[str, ...] = ()
    """Keys of the takes of its beat that come first: it is made only where none of them is good."""
    stands_in: bool = False
    """Whether it is made only where all that come first were refused by the policy, good or not."""
    memory: Mapping[str, object] = field(default_factory=dict)
    """What of the fitting to the device changes pixels: 8-bit weights, step caches, tiles."""
    edition: int = 0
    """The card's, where the take begins with one given frame."""
    change: Change | None = None
    """The film of which it makes a part anew, where it does."""
    start: Start | None = None
    """What its sampling begins with, where it is not noise alone."""
    written: str = ""
    """What its author wrote, where the prompt is other words that were sent; no part of its key."""

    def frame_at(self, place: Fraction | int) -> int:
        """The frame of the clip, counted from 0, that shows after `place` of the frames that play."""
        return self.skip + math.floor(min(place, self.play - 1) * self.stride)

    @property
    def last(self) -> int:
        """The frame of the clip that plays last."""
        return self.frame_at(self.play - 1)

    @property
    def carries(self) -> tuple[Carry, ...]:
        """What its first and last frames carry on from."""
        return tuple(carry for carry in (self.opening, self.closing) if carry is not None)

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the takes whose clips are needed first."""
        holds = [carry.hold.takes for carry in self.carries if carry.hold is not None]
        begun = [each.takes for each in (self.start, self.change) if each is not None]
        return tuple(key for takes in ([carry.takes for carry in self.carries] + holds + begun) for key in takes)


class Given(Struct, frozen=True):
    """The pixels that a take is held to, read from disk by the camera, at the take's size."""

    opening: Frames | None = None
    closing: Frames | None = None
    references: tuple[Frames | Footage | Sound, ...] = ()
    """In order: pictures `(1, height, width, 3)`, films and sounds; of films and sounds as much as the take is long.

    Sizes and rates of frames are their own; sound comes at the card's `sound_rate`. Only an engine whose card says so
    is given films and sounds.
    """
    video: Frames | None = None
    """Of a take that changes a film in part, or as words say: all its frames as they are there."""
    mask: NDArray[np.float32] | None = None
    """Of one that changes a part, `(frames, height, width)` in 0..1: made anew where above 0; the rest is kept."""
    start: Frames | None = None
    """Of a take that begins with known frames: all of them."""
    tail: Path | None = None
    """Latents of the frames of `opening`, where the engine that made them kept some."""


class Footage(Struct, frozen=True):
    """What an engine hands back: frames, sound where the model makes sound, and a tail to carry on from.

    `tail` holds named arrays (latents of the last frames), for the same engine to read back.
    """

    frames: Frames
    fps: Fraction
    sound: Sound | None = None
    tail: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class Engine(Protocol):
    """Makes the footage of one take. Knows nothing of storyboards, stores or other takes."""

    card: EngineCard

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        """Make exactly `take.frames` frames of the take's size; the same take and pixels give the same frames.

        Raises:
            RenderError: the model failed.
            OutOfMemory: the device has too little memory.
        """
        ...

    def close(self) -> None:
        """Give the device's memory back. The engine is not used again."""
        ...
