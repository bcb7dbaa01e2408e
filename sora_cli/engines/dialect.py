"""How a model wants its prompts: the order and form of their parts, as data on its card."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace


class Part(StrEnum):
    """What a beat says of its picture and sound, by the key that it is written under."""

    STYLE = "style"
    SETTING = "setting"
    LIGHT = "light"
    FRAMING = "framing"
    ANGLE = "angle"
    LENS = "lens"
    DEPTH = "depth of field"
    CAMERA = "camera"
    ACTION = "prompt"
    SPEECH = "dialogue"
    SOUND = "sound"
    MOOD = "mood"
    PACE = "pace"


VIEW = (Part.FRAMING, Part.ANGLE, Part.LENS, Part.DEPTH)
"""What is seen, and from where."""


class Field(Struct, frozen=True):
    """A labelled paragraph of a prompt; `holds` says what: the picture, sound, music, or what references are for."""

    label: str
    holds: Literal["picture", "sound", "music", "subjects", "summary", "kept"]


class Dialect(Struct, frozen=True, kw_only=True):
    """How a family of models wants its prompts; `guide` names where that is published.

    `order` holds sentences: the parts of each are joined by commas. `form` says how parts become words: `plain` as the
    author wrote them; `tags` as a head of film terms, of at most `most_terms`, and sentences; `prose` as sentences.

    `terms` are its words for film terms, by kind and name (`framing wide`), `moves` those of camera moves, as a verb
    after "the camera". What is not in them keeps its plain words. `slow` and `fast` go before the verb, `slowly` and
    `quickly` (templates) behind it. `avoids` are negative words, by the camera move that they work against.

    `says`, `unseen` and `speaks` are templates of a line for those who are seen, those who are heard only, and for a
    silent model; `sound` of a sound. `at` and `pause` are what stands before them where the author wrote when: with
    `{seconds}` in words or `{clock}`, as 00:01.500; `at_once` instead of `at` for what begins with the take. A model
    without them is not told when. `still` is said where no camera is written, and `lights`, the words of an
    hour (day, low sun, night), where nothing is said of it. `hours` are a plain dialect's words for a light that is an
    hour alone, by the hour's name: they stand right behind the setting. `drops` are parts that it should not be told,
    with the reason. With given first frames only the parts in `moving` are told, where there are any.

    `fields` are labelled paragraphs, `referenced` those of a take with references; `heads` are first lines that tell
    what given frames are for: `first`, `last`, `both`, with `{seconds}`.
    """

    guide: str = ""
    order: tuple[tuple[Part, ...], ...]
    form: Literal["plain", "tags", "prose"] = "prose"
    most_terms: int = 0
    terms: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)
    avoids: Mapping[str, str] = field(default_factory=dict)
    speed: Literal["adverb", "phrase"] = "adverb"
    style: str = "{style}"
    says: str = '{who} says: "{line}"'
    unseen: str = '{who} says: "{line}"'
    speaks: str = ""
    sound: str = "sound of {sound}"
    at: str = ""
    at_once: str = ""
    pause: str = ""
    still: str = ""
    lights: Mapping[str, str] = field(default_factory=dict)
    hours: Mapping[str, str] = field(default_factory=dict)
    drops: Mapping[Part, str] = field(default_factory=dict)
    moving: frozenset[Part] = frozenset()
    begins: str = ""
    fields: tuple[Field, ...] = ()
    referenced: tuple[Field, ...] = ()
    heads: Mapping[str, str] = field(default_factory=dict)

    @property
    def timing(self) -> frozenset[str]:
        """By which keys of a line the model is told when it is said."""
        return frozenset(key for key in ("at", "pause") if getattr(self, key))

    def when(self, at: Fraction | None, pause: Fraction | None = None) -> str:
        """What stands before something that is heard `at` seconds, or `pause` seconds after what came before it."""
        if at is not None:
            soon = self.at_once and at < _SOON
            return (self.at_once if soon else self.at).format(seconds=_in_words(at), clock=_clock(at))
        return self.pause.format(seconds=_in_words(pause)) if pause else ""

    @property
    def still_told(self) -> Dialect:
        """How it tells of a picture that does not move."""
        return replace(self, drops={**self.drops, **UNMOVING}, moving=frozenset())


_SOON = Fraction(1, 20)


def _in_words(seconds: Fraction) -> str:
    number = f"{float(round(seconds, 2)):g}"
    return f"{number} second{'' if number == '1' else 's'}"


def _clock(seconds: Fraction) -> str:
    """Minutes, seconds and thousandths: 00:01.500."""
    total = round(seconds * 1000)
    return f"{total // 60_000:02d}:{total // 1000 % 60:02d}.{total % 1000:03d}"


UNMOVING = {Part.CAMERA: "a still has no camera move", Part.PACE: "a still has no time"}
"""What a still is not told, and why; its shot is."""

PLAIN = Dialect(
    order=(
        (Part.SETTING, Part.LIGHT),
        (Part.FRAMING,),
        (Part.ANGLE,),
        (Part.LENS,),
        (Part.DEPTH,),
        (Part.ACTION,),
        (Part.CAMERA,),
        (Part.PACE,),
        (Part.SPEECH,),
        (Part.SOUND,),
        (Part.MOOD,),
        (Part.STYLE,),
    ),
    form="plain",
)
"""As the author wrote it, part by part: for models whose dialect nobody wrote down."""
