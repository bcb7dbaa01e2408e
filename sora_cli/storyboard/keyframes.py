"""Keyframes: the stills that a shot begins and ends on, as they are written; and which of them were chosen.

What was chosen with `sora stills` lies beside the storyboard, in `BOARD.stills.json`; `stills` in the storyboard wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.bounded import SMALL, Json, read_json
from sora_cli.storyboard.files import PICTURES, suffix
from sora_cli.storyboard.forms import Wrong, bare, switch, text, written
from sora_cli.storyboard.model import Beat, Link, Loc, Shot
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.shapes import Form, Key, OneOf, Plain, Shape, Table
from sora_cli.storyboard.source import quoted
from sora_cli.storyboard.values import Anything, Label, Switch, Text

if TYPE_CHECKING:  # it reads forms, as this does
    from sora_cli.storyboard.cast import Casting


def said(value: object) -> str | bool:
    """What a still shows, in words; or whether there is one."""
    return switch(value) if value in ("on", "off", "yes", "no") else text(value)


def _on_or_off(value: object) -> bool:
    """Whether there are stills at all; the model of pictures is named in a mapping."""
    try:
        return switch(value)
    except Wrong as wrong:
        named = written(value) if isinstance(value, str) else "NAME"
        raise Wrong(wrong.message, f"write on, off or {{engine: {named}}}") from None


_Said: Plain[str | bool] = Plain(said, {"type": "string", "minLength": 1})
_Word: Plain[bool] = Plain(_on_or_off, {"enum": ["on", "off"]})
Words: Shape[str | bool] = OneOf(_Said, Switch)


class KeyframeForm(Form):
    """The stills that a shot begins and ends on."""

    first = Key(Words, "What the first frame shows, in words; on: what its beat says.")
    last = Key(Words, "What the last frame shows, where the engine ends on a given frame.")
    first_sent = Key(Text, "What the model of pictures is told instead of all of it; `sora direct` writes it.")
    last_sent = Key(Text, "The same for the last frame.")


class KeyframesForm(Form):
    """Stills for every shot that starts anew."""

    example = "{engine: NAME}"

    engine = Key(Label, "The model of pictures: a catalogue name, a hub id, or a folder; else nano, where it is used.")
    options = Key(Table(Anything, 100), "Its options.")


Written = KeyframeForm | str | bool | None
"""What stands under `keyframe`."""
ForFilm = KeyframesForm | bool | None
"""What stands under `keyframes`."""
Wanted: Shape[KeyframeForm | str | bool] = OneOf(KeyframeForm, _Said, Switch)
ForAll: Shape[KeyframesForm | bool] = OneOf(KeyframesForm, _Word, Switch)

Place = Literal["first", "last"]
MOST = 100
"""No still has a higher number."""


class Keyframe(Struct, frozen=True):
    """A still that a shot begins or ends on: `beat` is what it shows, `loc` where it is asked for."""

    place: Place
    beat: Beat
    loc: Loc

    @property
    def own(self) -> bool:
        """Whether it has words of its own; else it shows what its beat says."""
        return "prompt" in self.beat.origin


class StillChoice(Struct, frozen=True):
    """Which still is used, by its number; the key of the `approved` one, and those of all `made`, by number."""

    number: int = 1
    approved: str = ""
    made: Mapping[int, str] = field(default_factory=dict)


class Keyframes:
    """Works out which stills a shot has, and what they show."""

    def __init__(self, film: ForFilm, casting: Casting, document: Document, problems: Problems) -> None:
        self._all = film
        self._own = film if isinstance(film, KeyframesForm) else KeyframesForm()
        self._casting, self._document, self._problems = casting, document, problems

    def of(self, written: Written, loc: Loc, beats: Sequence[Beat]) -> tuple[Keyframe, ...]:
        """The stills of the shot at `loc`, first and last, as beats that show one frame."""
        sent = written if isinstance(written, KeyframeForm) else KeyframeForm()
        return tuple(self._keyframe(*wanted, sent, beats) for wanted in self._wanted(written, loc, beats))

    def _wanted(self, written: Written, loc: Loc, beats: Sequence[Beat]) -> Iterator[tuple[Place, str, Loc]]:
        """Which stills, in which words ('' for those of the beat), and where they are asked for."""
        if written is None:
            if beats and self._all and beats[0].edit is None and _open(beats[0].start):
                yield "first", "", ("keyframes",)
            return
        form = written if isinstance(written, KeyframeForm) else KeyframeForm(first=written)
        places: tuple[tuple[Place, str | bool | None], ...] = (("first", form.first), ("last", form.last))
        for place, words in places:
            where = (*loc, "keyframe", *((place,) if form is written else ()))
            if isinstance(words, str) and " " not in words and suffix(words) in PICTURES:
                hint = f"a picture that is there already is written `{'from' if place == 'first' else 'to'}: {words}`"
                self._problems.add(f"{quoted(words)}: a still is told in words", self._document.mark(where), hint)
            elif beats and words and self._free(place, beats, where):
                yield place, "" if words is True else words, where
            elif not words and getattr(form, f"{place}_sent"):
                mark = self._document.mark((*loc, "keyframe", f"{place} sent"), key=True)
                self._problems.add(f"there is no {place} still that is told this", mark, f"write `{place}: on` as well")

    def _free(self, place: Place, beats: Sequence[Beat], loc: Loc) -> bool:
        """Whether nothing else says what the frame is."""
        link, key = (beats[0].start, "from") if place == "first" else (beats[-1].end, "to")
        if _open(link):
            return True
        message = f"`keyframe` and {quoted(key)} both say what the {place} frame is"
        self._problems.add(message, self._document.mark(loc), "remove one of them")
        return False

    def _keyframe(self, place: Place, words: str, loc: Loc, form: KeyframeForm, beats: Sequence[Beat]) -> Keyframe:
        beat = beats[0 if place == "first" else -1]
        sent, at = (form.first_sent if place == "first" else form.last_sent) or "", (*loc[:-1], f"{place} sent")
        origin = {**beat.origin, **({"prompt": loc} if words else {}), **({"sent": at} if sent else {})}
        cast = tuple(self._casting.mentioned(words, loc)) if words else beat.cast
        cast = tuple(dict.fromkeys([*cast, *self._casting.mentioned(sent, at)]))
        if words and "references" not in origin:
            found = (path for name in cast for path in self._casting.members[name].references)
            beat = replace(beat, references=tuple(dict.fromkeys(found)))
        if self._own.engine:
            options = {name: bare(value) for name, value in (self._own.options or {}).items()}
            origin |= {"engine": ("keyframes", "engine")}
            origin |= {f"options.{name}": ("keyframes", "options", name) for name in options}
            beat = replace(beat, engine=self._own.engine, options=options)
        shown = replace(
            beat,
            prompt=words or beat.prompt,
            cast=cast,
            takes=1,
            until_good=False,
            pick=None,
            start=None,
            end=None,
            dialogue=(),
            sent=sent,
            origin=origin,
        )
        return Keyframe(place, shown, loc)


def _open(link: Link | None) -> bool:
    """Whether nothing is given that a frame must be."""
    return link is None or link.kind == "nothing"


def name_of(shot: Shot, keyframe: Keyframe) -> str:
    """What a still is called: its shot's name, `SHOT/last` where it is the last frame."""
    return shot.name if keyframe.place == "first" else f"{shot.name}/last"


def beside(board: Path) -> Path:
    """Where it lies which stills of a storyboard were chosen."""
    return board.with_name(f"{board.name}.stills.json")


def chosen(board: Path, problems: Problems) -> Mapping[str, StillChoice]:
    """The stills that were chosen for the storyboard in a file, by their names; what cannot be read is a problem."""
    place = beside(board)
    try:
        return _choices(read_json(place, SMALL))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        hint = "put it back as it was, or remove it: then the first still of each shot is used"
        problems.add(f"which stills were chosen cannot be read from {place}: {error}", None, hint)
        return {}


def _choices(told: Json) -> dict[str, StillChoice]:
    stills = told.get("stills") if isinstance(told, dict) else None
    if isinstance(stills, dict):
        return {name: _choice(each) for name, each in stills.items()}
    raise ValueError("it tells of no stills")


def _choice(told: Json) -> StillChoice:
    facts = told if isinstance(told, dict) else {}
    number, made = facts.get("number"), facts.get("made")
    if not isinstance(number, int) or not 1 <= number <= MOST or not isinstance(made, dict):
        raise ValueError("a still in it has no number")
    return StillChoice(number, str(facts.get("approved", "")), {int(each): str(key) for each, key in made.items()})
