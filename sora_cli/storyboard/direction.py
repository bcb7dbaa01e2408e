"""What a shot is directed with: framing, angle, lens, camera, light, pace, as film terms or in free words.

A mapping means what its words in a row mean: `{move: dolly in, speed: slow}` is `slow dolly in`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from sora_cli.errors import Problem
from sora_cli.storyboard import forms
from sora_cli.storyboard.model import Loc, Storyboard
from sora_cli.storyboard.shapes import Form, Key, Needed, OneOf, Plain, Shape
from sora_cli.storyboard.source import quoted
from sora_cli.storyboard.values import Phrase
from sora_cli.terms import camera, find, light, meant, names, respelled, ways


def term(kind: str) -> Plain[str]:
    """A film term by any of its names, read as its own one; other words stay as they are."""

    def read(value: object) -> str:
        words = forms.phrase(value)
        found = find(kind, words)
        return found.name if found else words

    return Plain(read, {"anyOf": [{"enum": list(names(kind))}, {"type": "string", "minLength": 1}]})


class CameraForm(Form):
    """How the camera moves."""

    move = Needed(Phrase, "pan, tilt, roll, zoom, dolly, truck, crane, orbit, follow, handheld or static.")
    direction = Key(Phrase, "left, right, up, down, in, out, clockwise or counterclockwise.")
    speed = Key(Phrase, "slow or fast.")


class LightForm(Form):
    """The light."""

    key = Key(Phrase, "Where it comes from and how hard it is: soft, hard, side, back, rim, top, high-key, low-key.")
    colour = Key(Phrase, "warm, cool or mixed.")
    source = Key(Phrase, "daylight, overcast, moonlight, firelight, neon, fluorescent ...")
    hour = Key(Phrase, "dawn, day, noon, golden hour, sunset, dusk, night ...")


Camera: Shape[CameraForm | str] = OneOf(CameraForm, Phrase)
Light: Shape[LightForm | str] = OneOf(LightForm, Phrase)
Framing, Angle, Lens = term("framing"), term("angle"), term("lens")
Depth, Pace = term("depth of field"), term("pace")


def in_words(value: object) -> object:
    """A camera or light that is written as a mapping, in words; any other value as it is."""
    if isinstance(value, CameraForm):
        return " ".join(part for part in (value.speed, value.move, value.direction) if part)
    if isinstance(value, LightForm):
        lit = " ".join(part for part in (value.key, value.colour) if part)
        light = value.source or ("light" if lit else "")
        return ", ".join(part for part in (f"{lit} {light}".strip(), value.hour) if part)
    return value


GUESSES = 200
"""Words whose spelling is looked into, over a whole file; a look is slow."""
_WHOLE = ("framing", "angle", "lens", "depth of field", "pace")
_READERS: Mapping[str, Callable[[str], object]] = {"camera": camera, "light": light}


def loose_words(board: Storyboard) -> Iterator[Problem]:
    """Remarks on words that are no film terms where one is looked for: they go into prompts as they are."""
    for loc, (kind, words) in islice(_loose(board).items(), GUESSES):
        near = meant(kind, words) if kind in _WHOLE else respelled(words, _READERS[kind])
        which = ways(words) if kind == "camera" else ()
        if near or which or kind in _WHOLE or (kind == "camera" and " " not in words):
            hint = f"did you mean {quoted(near)}?" if near else f"say which way: {', '.join(which)}" if which else ""
            hint = _elsewhere(kind, words) or hint
            message = f"{quoted(words)} names no {kind} that sora knows: it goes into the prompt as it is"
            yield Problem(message, hint, board.mark(loc))


def _elsewhere(kind: str, words: str) -> str:
    """Under which other key words are a term, or what to write for none."""
    if words.casefold() in {"none", "no", "off", "n/a", "-"}:
        return "take the line out" + ("; for one that stands still, write static" if kind == "camera" else "")
    for other in _WHOLE:
        if other != kind and (term := find(other, words)):
            return f"write it as `{other}: {term.name}`"
    return f"write it as `camera: {words}`" if kind != "camera" and camera(words) else ""


def _loose(board: Storyboard) -> dict[Loc, tuple[str, str]]:
    """Where words stand that are no terms, each once: the key, and the words."""
    found: dict[Loc, tuple[str, str]] = {}
    for beat in (beat for shot in board.shots for beat in shot.beats):
        for kind in (*_WHOLE, *_READERS):
            name = kind.replace(" ", "_")
            words: str = getattr(beat, name)
            known = not words or (_READERS[kind](words) if kind in _READERS else find(kind, words))
            if not known:
                found.setdefault(beat.origin.get(name, (*beat.loc, kind)), (kind, words))
    return found
