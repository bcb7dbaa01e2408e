"""`edit`: a shot that is a stretch of a film that is there, with a part of its picture made anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

from msgspec import Struct

from sora_cli.spelling import composed
from sora_cli.storyboard import forms
from sora_cli.storyboard.files import FILMS, PICTURES, Files, is_path, suffix
from sora_cli.storyboard.forms import Wrong, expected
from sora_cli.storyboard.model import Duration, Loc
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.shapes import Form, Key, Needed, Plain, Schema
from sora_cli.storyboard.source import quoted
from sora_cli.storyboard.values import Aspect, Label, Phrase, Reference, Switch, Text, Time, bar

Box = tuple[float, float, float, float]
"""Left, top, width and height, in parts of a film's picture."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
STRENGTH = 0.7
"""How far a film that is lit or drawn anew goes from what it was, where that is not written."""
LEAST = 0.05
WAYS = ("region", "mask", "replace", "outpaint", "relight", "restyle", "instruct")
"""The keys that say what is made anew: an edit has one of them."""
FURTHEST = 4.0
"""How many times as wide or as high as the film's picture what is seen may be."""


class Edit(Struct, frozen=True):
    """A stretch of the film `of`, or of an earlier `shot`, and the one part of its picture that is made anew.

    It is from `start` to `end` (seconds; None: to the end of what it is of, which a plan puts in).
    That is a `region`, what a `mask` (a picture or a film, white) shows, what is called so in `words` (or is at a
    point, `X,Y`), or what of the `view` lies beyond the film's picture; `outpaint` is the shape of a view that holds
    all of it. With a `strength` it is all of it, in another light or style: the noise that is laid over what is there.
    With `instruct` the prompt says what is to be done to all of it.
    """

    of: Path | None
    start: Fraction
    end: Fraction | None
    region: Box | None = None
    mask: Path | None = None
    words: str = ""
    view: Box = WHOLE
    strength: float = 0.0
    instruct: bool = False
    segmenter: tuple[str, ...] = ()
    """Models of transformers that find what is called so; none where it is found by its colour or motion."""
    shot: str = ""
    outpaint: tuple[int, int] | None = None

    @property
    def stop(self) -> Fraction:
        """Where it ends; where it begins, as long as its end is not known."""
        return self.start if self.end is None else self.end

    @property
    def duration(self) -> Duration | None:
        """Its length, where that is known."""
        return None if self.end is None else Duration(seconds=self.end - self.start)


def _in_parts(written: Iterable[object]) -> str:
    """A question about four percentages: what they are in parts of the picture; empty where they are none."""
    shares = [re.fullmatch(r"\s*([0-9.]{1,9})\s*%\s*", str(each)) for each in written]
    parts = [f"{float(share[1]) / 100:g}" for share in shares if share]
    return f"did you mean [{', '.join(parts)}]? " if len(parts) == len(shares) else ""


def box_of(value: object) -> Box:
    """Four numbers, in a list or parted by commas: left, top, width, height."""
    hint = "write [left, top, width, height] in parts of the picture: [0.3, 0.1, 0.4, 0.3]"
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) != 4:
        raise expected("four numbers", value, hint)
    try:
        left, top, width, height = (float(part) for part in parts)
    except (TypeError, ValueError):
        raise expected("four numbers", value, f"{_in_parts(parts)}{hint}") from None
    if not (width > 0 and height > 0):
        raise Wrong("a part of the picture must be larger than nothing", hint)
    if not all(abs(each) <= FURTHEST for each in (left, top, width, height)):  # what is no number is not either
        raise Wrong("these are no parts of the picture: 1 is all of its width or height", hint)
    return left, top, width, height


def beyond(box: Box) -> bool:
    """Whether a part of the picture reaches out of it."""
    left, top, width, height = box
    return left < 0 or top < 0 or left + width > 1 + 1e-9 or top + height > 1 + 1e-9


def region_of(value: object) -> Box:
    """A part of the picture that lies in it."""
    found = box_of(value)
    if beyond(found):
        raise Wrong("a region must lie in the picture", "left + width and top + height are 1 at most")
    return found


_FOUR: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}


def named_of(value: object) -> str:
    """What is called so, in words; or a point of the picture, as `X,Y` in parts of it.

    Raises:
        Wrong: it is neither, or lies outside the picture.
    """
    parts = value.split(",") if isinstance(value, str) else value
    try:
        across, down = (float(part) for part in parts)  # type: ignore[attr-defined]  # what cannot be told apart raises
    except (TypeError, ValueError):
        return forms.label(value)
    if not (0 <= across <= 1 and 0 <= down <= 1):
        raise Wrong("a point must lie in the picture", "both its numbers are from 0 to 1: 0.4, 0.6")
    return f"{round(across, 4)},{round(down, 4)}"


_POINT: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
Region, View = Plain(region_of, _FOUR, "a list"), Plain(box_of, _FOUR, "a list")
Named = Plain(named_of, {"anyOf": [{"type": ["string", "number"]}, _POINT]}, "a list")


class EditForm(Form):
    """A stretch of a film, and the part of its picture that is made anew; the prompt says what is there then."""

    example = "{of: FILM, region: [0.3, 0.1, 0.4, 0.3], prompt: WORDS}"

    of = Needed(Label, "The film, or the name of an earlier shot.")
    from_ = Key(Time, "Where in the film it begins; at its start where not written.")
    to = Key(Time, "Where in the film it ends; at its end where not written.")
    region = Key(Region, "A part of the picture: [left, top, width, height], each from 0 to 1.")
    mask = Key(Text, "A picture, or a film as long as the stretch or as the film: what is white in it is made anew.")
    replace = Key(Named, "What is there now, in words: the red ball; or where it is at the start, [x, y] from 0 to 1.")
    segmenter = Key(
        Reference, "Models of transformers that find it: one that finds by words, one that follows (SAM 2), or both."
    )
    outpaint = Key(Aspect, "The shape that the picture is to have, WIDTH:HEIGHT: borders are made around it.")
    view = Key(View, "What is seen, in parts of the film's picture; what lies beyond it is made.")
    relight = Key(Phrase, "The light that it is shown in then; the same as the shot's `light`.")
    restyle = Key(Phrase, "How it is drawn or filmed then; the same as the shot's `style`.")
    instruct = Key(Switch, "Whether the prompt says what is to be done to it, instead of what is there then.")
    strength = Key(bar(LEAST, 1), f"With `relight` or `restyle`: how far it may go from what was, else {STRENGTH}.")
    prompt = Key(Text, "What is there then; the same as the shot's `prompt`.")


class Edits:
    """Reads edits; `shots` are the numbers of the film's shots, by name."""

    def __init__(self, document: Document, problems: Problems, files: Files, shots: Mapping[str, int]) -> None:
        self._document, self._problems, self._files, self._shots = document, problems, files, shots

    def read(self, form: EditForm, loc: Loc, shot: int) -> Edit | None:
        """What shot number `shot` has written at `loc`; None where something is wrong, which is told."""
        of_shot = composed(form.of)
        named = of_shot if of_shot in self._shots or not (suffix(form.of) or is_path(form.of)) else ""
        of = None if named else self._files.film(form.of, (*loc, "of"))
        kinds, what = (PICTURES, "a picture") if named else ((*PICTURES, *FILMS), "a picture or a film")
        mask = self._files.find(form.mask, (*loc, "mask"), kinds, what) if form.mask else None
        view = form.view or WHOLE
        anew = form.relight is not None or form.restyle is not None
        told = form.instruct or None
        ways = [form.region, form.mask, form.replace, form.outpaint, beyond(view) or None, anew or None, told]
        start = self._seconds(form.from_, (*loc, "from"))
        end = None if form.to is None else self._seconds(form.to, (*loc, "to"))
        if not any(ways) and self._document.names(loc) & {*WAYS}:
            return None  # what is written there was wrong, and is told
        if sum(way is not None for way in ways) != 1:
            named_so = f"{', '.join(map(quoted, WAYS[:-1]))} and {quoted(WAYS[-1])}"
            self._wrong(loc, f"an edit has one of {named_so}, or a `view` beyond the picture")
        elif form.segmenter and not form.replace:
            self._wrong((*loc, "segmenter"), "`segmenter` is for `replace`: it finds what is called so")
        elif form.strength is not None and not anew:
            self._wrong((*loc, "strength"), "`strength` is for `relight` and `restyle`")
        elif named and self._shots.get(named, shot) >= shot:
            self._wrong((*loc, "of"), f"no shot {quoted(named)} comes before this one")
        elif named and form.outpaint is not None:
            self._wrong(
                (*loc, "outpaint"), "a shot has its film's shape already: `outpaint` is for a film that is there"
            )
        elif end is not None and end <= start:
            self._wrong((*loc, "to"), "an edit must end after it begins")
        elif (of is not None or named) and not (form.mask and mask is None):
            strength = (form.strength or STRENGTH) * anew
            words = form.replace or ""
            models = (form.segmenter,) if isinstance(form.segmenter, str) else tuple(form.segmenter or ())
            return Edit(
                of, start, end, form.region, mask, words, view, strength, bool(told), models, named, form.outpaint
            )
        return None

    def _seconds(self, written: Duration | None, loc: Loc) -> Fraction:
        if written is None:
            return Fraction(0)
        if written.seconds is None:
            self._wrong(loc, "write seconds: the frames of which film?")
            return Fraction(0)
        return written.seconds

    def _wrong(self, loc: Loc, message: str) -> None:
        hint = "edit: {of: film.mp4, from: 1s, to: 3s, region: [0.3, 0.1, 0.4, 0.3]}"
        self._problems.add(message, self._document.mark(loc), hint)
