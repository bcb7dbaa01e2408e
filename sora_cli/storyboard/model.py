"""A storyboard as the rest of `sora` sees it: read, inherited and checked, every value in its place.

These are plain frozen values; the YAML door (`schema.py`, `load.py`) makes them. All inheritance is done: a beat has
everything that holds for it. `Loc` is the path of a value inside the YAML document, ("scenes", 0, "shots", 1,
"prompt"); `Storyboard.mark` turns it into a line and column.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.errors import Mark, Problem
from sora_cli.spelling import MARKS
from sora_cli.storyboard.policy import BUILT_IN, STANDARD, Policy
from sora_cli.storyboard.sound import DialogueLine, SoundBed, SoundSources, SpokenLength

if TYPE_CHECKING:  # which holds beats
    from sora_cli.storyboard.edits import Edit
    from sora_cli.storyboard.keyframes import Keyframe, StillChoice

Loc = tuple[str | int, ...]

MENTION = re.compile(rf"(?<![\w@])@([^\W\d][\w{MARKS}]*(?:-[\w{MARKS}]+)*)")
"""A cast member in a prompt: `@mara`. An address such as `jane@example.org` is none."""

Fit = Literal["fill", "fit", "pad"]
FITS: tuple[Fit, ...] = get_args(Fit)

Executor = Literal["local", "ray"]
EXECUTORS: tuple[Executor, ...] = get_args(Executor)

POLICIES = tuple(BUILT_IN)

LEAST_OPACITY = 0.2
"""A fainter mark counts as none."""


class Duration(Struct, frozen=True):
    """A length: exact seconds, or frames of the film. Exactly one is set."""

    seconds: Fraction | None = None
    frames: int | None = None

    def at(self, fps: Fraction) -> Fraction:
        """The length in seconds in a film of `fps` frames a second."""
        return self.seconds if self.seconds is not None else Fraction(self.frames or 0) / fps


class Link(Struct, frozen=True):
    """What the first frames carry on from (`from`), or what the last frame must be (`to`).

    `nothing`: free. `previous`: the shot before. `shot`: shot `name`, at its `start`, `end` or a time in seconds.
    `picture`, `film`: the file at `path` (of a film: its end for `from`, its start for `to`).
    """

    kind: Literal["nothing", "previous", "shot", "picture", "film"]
    name: str = ""
    at: Literal["start", "end"] | Fraction = "end"
    path: Path | None = None


class Transition(Struct, frozen=True):
    """How a shot comes in. `direction` is for wipes: left, right, up, down. It overlaps the shot before."""

    kind: Literal["cut", "dissolve", "fade", "wipe"] = "cut"
    duration: Duration = Duration(seconds=Fraction(0))
    direction: Literal["left", "right", "up", "down"] = "left"


class Look(Struct, frozen=True):
    """What the colour of shots is held to. `path` is set for a picture or a .cube LUT."""

    match: Literal["scene", "film", "previous", "off", "picture", "lut"] = "scene"
    path: Path | None = None
    strength: float = 1.0


class TitleCard(Struct, frozen=True):
    """Words over a shot, or alone when the shot has no prompt."""

    text: str
    position: str = "center"
    duration: Duration | None = None
    font: Path | None = None
    """A .ttf or .otf file; Pillow's own font where none is named."""


class Choice(Struct, frozen=True):
    """A way on from the end of a shot: the words that a viewer reads, and the shot that it leads to (none: the end).

    It is taken by itself `after` so many seconds in which nobody chose.
    """

    say: str = ""
    go: str = ""
    after: Fraction | None = None
    loc: Loc = ()


class Consent(Struct, frozen=True):
    """That `who` agreed to be shown, each of them; `path` is the release."""

    who: tuple[str, ...]
    statement: str
    date: dt.date
    path: Path
    scope: tuple[str, ...] = ()
    until: dt.date | None = None
    revoked: dt.date | None = None

    def flaw(self, title: str, today: dt.date) -> str:
        """Say why the consent does not hold for a film of this title; empty where it holds."""
        if self.revoked is not None and self.revoked <= today:
            return f"was revoked on {self.revoked}"
        if self.until is not None and self.until < today:
            return f"held until {self.until}"
        if self.date > today:
            return f"is of {self.date}, which is to come"
        if self.scope and title not in self.scope:
            return "does not hold for a film of this title"
        return ""

    def sha256(self, release: str) -> str:
        """The hash of what it says; that of its `release` is a part of it: without the file nobody can guess it."""
        told = [self.who, self.statement, str(self.date), release, self.scope, str(self.until)]
        return sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


class CastMember(Struct, frozen=True):
    """A named subject; `@name` in a prompt puts `looks` and the references in."""

    name: str
    looks: str = ""
    references: tuple[Path, ...] = ()
    voice: str = ""
    voice_path: Path | None = None
    """A voice of the user's own: the file of its style vector."""
    consent: Consent | None = None
    """Where the member looks like a real person: that this person agreed."""
    lora: Path | None = None
    """Weights that know the member by its name."""

    @property
    def told(self) -> str:
        """The words for the member in a prompt: its looks, and its name where a LoRA knows it by that."""
        named = self.name if self.lora or not self.looks else ""
        return ", ".join(part for part in (named, self.looks) if part)


class Watermark(Struct, frozen=True):
    """The visible moving mark."""

    on: bool = True
    text: str = "made with sora"
    opacity: float = 0.5
    image: Path | None = None


class Provenance(Struct, frozen=True):
    """Who made the film, its mark, and whether others may train on it."""

    author: str = ""
    watermark: Watermark = Watermark()
    training: Literal["allowed", "not-allowed", "constrained"] = "not-allowed"


class Prices(Struct, frozen=True):
    """What making costs, as far as somebody says: watts that the machine draws, a kilowatt-hour, an hour."""

    power: float | None = None
    electricity: float | None = None
    hour: float | None = None


class FilmSize(Struct, frozen=True):
    """`width` and `height`, or `aspect` (width, height parts) and `height`; None where the engine decides."""

    width: int | None = None
    height: int | None = None
    aspect: tuple[int, int] | None = None
    lines: int | None = None
    """Pixels of the shorter side, where it was written so: `720p`, which may have another shape than 16:9."""


class Inherited(Struct, frozen=True, kw_only=True):
    """What film, scene, shot and beat hand down to a place, and (`origin`) where in the file each of it is written.

    `framing` to `pace` are names of film terms (see `sora_cli.terms`), or free words. `style` and `avoid` are added up
    from film to beat, comma-joined.
    """

    engine: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    """Only where the shot or beat itself wrote one; else the take's seed is derived from the film's."""
    setting: str = ""
    light: str = ""
    framing: str = ""
    angle: str = ""
    lens: str = ""
    depth_of_field: str = ""
    camera: str = ""
    mood: str = ""
    pace: str = ""
    style: str = ""
    avoid: str = ""
    look: Look = Look()
    bed: SoundBed = field(default_factory=SoundBed)
    """What lies under this place: film, scene, shot and beat `sound` together, the nearest winning key by key."""
    sound_text: str = ""
    sound_path: Path | None = None
    sound_at: Fraction = Fraction(0)
    """Seconds after the beat's start that its sound begins."""
    sound_level: float = 0.0
    """In dB."""
    sound_leads: Fraction = Fraction(0)
    sound_lags: Fraction = Fraction(0)
    sound_off: bool = False
    voice: str = ""
    """`mine` where voices say the lines also over an engine that speaks."""
    origin: Mapping[str, Loc] = field(default_factory=dict)


class Beat(Inherited, frozen=True, kw_only=True):
    """One stretch of a shot with its own prompt and length, and all that holds there.

    `prompt` is as written, @names and all. `cast` names the members in the prompt, in order.
    """

    loc: Loc
    prompt: str
    sent: str = ""
    """What the model is told instead of all that is composed of the prompt and its direction; @names and all."""
    duration: Duration | None = None
    cast: tuple[str, ...] = ()
    references: tuple[Path, ...] = ()
    """The beat's or shot's own `reference` where written, else its cast's: pictures, films and sounds."""
    takes: int = 1
    until_good: bool = False
    """Whether a take is made only while those before it fall short."""
    pick: int | None = None
    """The number of the take that plays, whatever the figures say."""
    start: Link | None = None
    """`from`; None: the default (a beat: the beat before it; a shot: nothing)."""
    end: Link | None = None
    """`to`."""
    dialogue: tuple[DialogueLine, ...] = ()
    spoken: SpokenLength | None = None
    """Set where the beat is as long as its lines."""
    edit: Edit | None = None

    @property
    def anywhere(self) -> Beat:
        """The same, wherever in the file it is written."""
        return replace(self, origin={})


class Shot(Struct, frozen=True, kw_only=True):
    """One unbroken take. `beats` is empty only for a title card that stands alone."""

    loc: Loc
    name: str
    named: bool
    """Whether the author wrote the name; else it is `shot-N` (N counts over the film, from 1)."""
    beats: tuple[Beat, ...]
    transition: Transition = Transition()
    look: Look = Look()
    title: TitleCard | None = None
    keyframes: tuple[Keyframe, ...] = ()
    speed: Fraction = Fraction(1)
    """How fast it plays: lengths and times are those on screen, and takes are made for `speed` times as long."""
    choices: tuple[Choice, ...] | None = None
    """Where the story goes after it; None where that is not written."""
    alone: Duration | None = None
    """How long a title card that stands alone is on the screen, where that is written."""

    @property
    def shown(self) -> tuple[Beat, ...]:
        """All that a model is told of: its beats, and what its stills show."""
        return *self.beats, *(keyframe.beat for keyframe in self.keyframes)


class Scene(Struct, frozen=True, kw_only=True):
    """Shots that share a place and a look. `name` is `scene-N` where none is written."""

    loc: Loc
    name: str
    named: bool
    shots: tuple[Shot, ...]
    setting: str = ""
    light: str = ""
    sound: SoundBed = field(default_factory=SoundBed)
    """The film's with what the scene itself writes."""


class Storyboard(Struct, frozen=True, kw_only=True):
    """A whole storyboard, checked."""

    path: Path | None
    folder: Path
    sha256: str
    """Of the file's bytes (and of what `--set` changed)."""
    title: str
    seed: int | None
    engine: str | None
    size: FilmSize
    fps: Fraction | None
    scenes: tuple[Scene, ...]
    fit: Fit = "fill"
    """How pictures of another shape are brought to the film's."""
    motion: Literal["hold", "interpolate"] = "hold"
    """What is shown between the frames that an engine makes."""
    upscale: Path | None = None
    """The weights of a network that enlarges takes; Lanczos does where there is none."""
    cast: Mapping[str, CastMember] = field(default_factory=dict)
    sound: SoundBed = field(default_factory=SoundBed)
    sounds: SoundSources = field(default_factory=SoundSources)
    narrator: CastMember = CastMember("narrator")
    """Who speaks the lines of nobody in the cast."""
    say: Mapping[str, str] = field(default_factory=dict)
    """Pronunciations by word."""
    subtitles: Literal["off", "track", "burn", "srt", "vtt"] = "off"
    executor: Executor | None = None
    """Who makes its takes, where no option says it."""
    provenance: Provenance = Provenance()
    memory: Mapping[str, object] = field(default_factory=dict)
    """How models are fitted to the device, as the engines understand it: `mode` and what is set explicitly."""
    from_draft: float = 0.0
    """The noise level from which its takes go on from those of its draft; 0 where they do not. No key of the file."""
    stills: Mapping[str, StillChoice] = field(default_factory=dict)
    """Which stills are used, by their names: that of the shot, `SHOT/last` for its last frame."""
    bars: Mapping[str, float] = field(default_factory=dict)
    """What a review holds the film to, as far as the author says."""
    cost: Prices = Prices()
    allow_outside: bool = False
    """Whether files may lie outside `folder`."""
    policy: str = "standard"
    policy_path: Path | None = None
    rules: Policy = STANDARD
    """What the policy says, that of this machine counted in."""
    data: Mapping[str, object] = field(default_factory=dict)
    """What is written, as plain data with its variables put in."""
    files: Mapping[Loc, Path] = field(default_factory=dict)
    """The files that `data` names, by where it names them."""
    written: frozenset[Loc] = frozenset()
    """The locations of all keys that the file has."""
    lost: frozenset[Loc] = frozenset()
    """The locations of what is written and could not be understood; none in a storyboard that is right."""
    remarks: tuple[Problem, ...] = ()
    """What the author should know of how the file was read."""
    mark: Callable[[Loc], Mark | None] = lambda _loc: None
    """The place in the file of a value (or of its nearest parent that is written)."""

    @property
    def material(self) -> dict[Loc, Path]:
        """The files that go into the film: all but the releases of consents, which are nobody else's to read."""
        return {loc: path for loc, path in self.files.items() if not (loc[0] == "cast" and loc[2:3] == ("consent",))}

    @property
    def shots(self) -> tuple[Shot, ...]:
        """All shots, in film order."""
        return tuple(shot for scene in self.scenes for shot in scene.shots)

    @property
    def leading_engine(self) -> str | None:
        """Whose size and rate are the film's where none are written: its own engine's, else that of the first shot.

        None, the machine's engine, where no engine is named for the film and some beat.
        """
        named = [beat.engine for shot in self.shots for beat in shot.beats]
        return self.engine or (named[0] if all(named) and named else None)
