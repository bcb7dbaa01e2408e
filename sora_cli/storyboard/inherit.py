"""What a film, a scene, a shot and a beat hand down: the nearest wins, `style` and `avoid` add up.

`options`, `look` and `sound` are merged key by key, so a shot that writes `look: {strength: 0.5}` keeps the match of
its film.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

from msgspec.structs import replace

from sora_cli.storyboard.direction import in_words
from sora_cli.storyboard.files import A_SOUND, HEARD, HINT_TABLES, OTHER_TABLES, PICTURES, Files, is_path, suffix
from sora_cli.storyboard.forms import bare
from sora_cli.storyboard.model import MENTION, Duration, Inherited, Loc, Look
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.schema import LevelForm, LookForm, SoundForm
from sora_cli.storyboard.sound import LOUDNESS, SoundBed
from sora_cli.storyboard.source import quoted

_Match = Literal["scene", "film", "previous", "off"]
_MATCHES: tuple[_Match, ...] = get_args(_Match)
_WORDS = ("camera", "framing", "angle", "lens", "depth_of_field", "light", "mood", "pace", "setting")
_SINGLE = ("engine", "seed", "voice", *_WORDS)
_ADDED = ("style", "avoid")
_PLAIN = {"sound_at": Fraction(0), "sound_level": 0.0, "sound_leads": Fraction(0), "sound_lags": Fraction(0)}
_STRONG = re.compile(r"(\S+?)(?:\s*[,:@*]\s*|\s+)(?:strength\s*:?\s*)?([0-9]*\.?[0-9]+)\s*(%?)")
"""What a look is matched to with a strength behind it: `scene 0.8`."""
NOTHING = Inherited(bed=SoundBed(loudness=LOUDNESS))
"""What holds where nothing is written."""


def _share(number: str, percent: str) -> str:
    """A strength from 0 to 1, whether it was written as that or as a percentage."""
    return f"{min(1, float(number) / (100 if percent or float(number) > 1 else 1)):g}"


class Inheritance:
    """Works out what holds one level further down."""

    def __init__(self, document: Document, problems: Problems, files: Files, fps: Fraction | None) -> None:
        self._document = document
        self._fps = fps
        self._problems = problems
        self._files = files

    def under(
        self, held: Inherited, form: LevelForm, loc: Loc, level: Literal["film", "scene", "shot", "beat"]
    ) -> Inherited:
        """Work out what holds in `form`, written at `loc`, inside a level where `held` holds."""
        if not vars(form):
            return held
        now = self._words(held, form, loc)
        if level == "film":
            now.pop("seed", None)  # the seed that every take's own is derived from, not a take's
        self._no_mentions(form, loc)
        origin = {**held.origin, **{name: (*loc, name.replace("_", " ")) for name in now}}
        if form.options:
            now["options"] = {**held.options, **{key: bare(value) for key, value in form.options.items()}}
            origin["options"] = (*loc, "options")
            origin |= {f"options.{key}": (*loc, "options", key) for key in form.options}
        if form.look is not None:
            now["look"] = self._look(held.look, form.look, (*loc, "look"))
            origin["look"] = (*loc, "look")
        if form.sound is not None:
            now |= self._sound(held, form.sound, (*loc, "sound"), own=level in ("shot", "beat"))
            origin["sound"] = (*loc, "sound")
            for key in ("leads", "lags") if isinstance(form.sound, SoundForm) and _joins(form.sound) else ():
                if getattr(form.sound, key) is not None:
                    origin[f"sound.{key}"] = (*loc, "sound", key)
        return replace(held, **now, origin=origin)

    def _words(self, held: Inherited, form: LevelForm, loc: Loc) -> dict[str, Any]:
        """The single values of a form, and what adds up; `off` takes away what holds above."""
        now: dict[str, Any] = {name: in_words(value) for name in _SINGLE if (value := getattr(form, name)) is not None}
        for name in _ADDED:
            if value := getattr(form, name):
                now[name] = ", ".join(part for part in (getattr(held, name), value.rstrip(" ,")) if part)
        for name in (*_WORDS, *_ADDED):
            if getattr(form, name) == "off" and self._document.is_off((*loc, name.replace("_", " "))):
                now[name] = getattr(NOTHING, name)
        return now

    def _no_mentions(self, form: LevelForm, loc: Loc) -> None:
        for name in (*_WORDS, *_ADDED):
            value = str(in_words(getattr(form, name) or ""))
            for mention in MENTION.finditer(value) if "@" in value else ():
                hint = f"put it in a prompt, or write {quoted(mention[1])} without the @"
                where = self._document.spot((*loc, name.replace("_", " ")), mention[0])
                self._problems.add(f"{quoted(mention[0])} is understood in a prompt only", where, hint)

    def _look(self, around: Look, written: LookForm | str, loc: Loc) -> Look:
        if isinstance(written, str):
            return self._match(around, written, loc)
        look = self._match(around, written.match, (*loc, "match")) if written.match else around
        return look if written.strength is None else replace(look, strength=written.strength)

    def _match(self, around: Look, written: str, loc: Loc) -> Look:
        for match in _MATCHES:
            if written == match:
                return replace(around, match=match, path=None)
        if suffix(written) == "cube":
            return replace(around, match="lut", path=self._files.find(written, loc, ("cube",), "a LUT"))
        if suffix(written) in OTHER_TABLES:
            told = f"{quoted(written)}: sora reads no such colour tables"
            self._problems.add(told, self._document.mark(loc), HINT_TABLES)
            return around
        if suffix(written) or is_path(written):
            path = self._files.find(written, loc, (*PICTURES, "cube"), "a picture or .cube file")
            return replace(around, match="picture", path=path)
        hint = self._problems.meant(written, _MATCHES) or f"write {', '.join(_MATCHES)}, a picture or a .cube file"
        if " " in written:
            hint = f"{hint}; colours in words stand in `style`"
        if strong := _STRONG.fullmatch(written):
            hint = f"with a strength: `look: {{match: {strong[1]}, strength: {_share(strong[2], strong[3])}}}`"
        mend = self._document.small(loc, written, _MATCHES)
        told = f"{quoted(written)} cannot be what a look is matched to"
        self._problems.add(told, self._document.mark(loc), hint, mend=mend)
        return around

    def _sound(self, held: Inherited, written: SoundForm | str, loc: Loc, *, own: bool) -> dict[str, Any]:
        if written == "off":
            silent = {"sound_off": True, "sound_text": "", "sound_path": None}
            return silent if own else {**silent, "bed": SoundBed(loudness=held.bed.loudness, foley=False)}
        if isinstance(written, SoundForm):
            effect = self._effect(written, loc, own=own)
            return {"bed": self._bed(held.bed, written, loc), **effect, **({} if own else {"sound_off": False})}
        path, text = self.heard(written, loc)
        if own:
            return {**_PLAIN, "sound_text": text, "sound_path": path, "sound_off": False}
        return {"bed": replace(held.bed, ambience_path=path, ambience_text=text, quiet=False), "sound_off": False}

    def _effect(self, written: SoundForm, loc: Loc, *, own: bool) -> dict[str, object]:
        """The sound of a shot or beat in a mapping."""
        leads, lags = (self._time(written, key, loc) for key in ("leads", "lags"))
        joins: dict[str, object] = {"sound_leads": leads or Fraction(0), "sound_lags": lags or Fraction(0)}
        if own and written.words:
            path, text = self.heard(written.words, (*loc, "words"))
            at = self._time(written, "at", loc) or Fraction(0)
            return {
                "sound_text": text,
                "sound_path": path,
                "sound_at": at,
                "sound_level": written.level or 0.0,
                **joins,
                "sound_off": False,
            }
        unread = self._document.names(loc) - SoundForm.keys.keys()  # what is told, and may have been `words`
        for key in () if unread else ("words", "at", "level"):
            if getattr(written, key) is not None:
                hint = "`at` and `level` go with `words`" if own else "write it with a shot or a beat"
                where = self._document.mark((*loc, key), key=True)
                self._problems.add(f"{quoted(key)} belongs to a sound in `words`, of a shot or beat", where, hint)
        return joins if own and (leads is not None or lags is not None) else {}

    def _bed(self, around: SoundBed, written: SoundForm, loc: Loc) -> SoundBed:
        bed = around
        if written.ambience or written.music:
            bed = replace(bed, leads=Fraction(0), lags=Fraction(0))
        if written.ambience:
            path, text = self.heard(written.ambience, (*loc, "ambience"))
            bed = replace(bed, ambience_path=path, ambience_text=text, quiet=written.ambience == "off")
        if written.music:
            path, text = self.heard(written.music, (*loc, "music"))
            bed = replace(bed, music_path=path, music_text=text)
        values = {key: getattr(written, key) for key in ("loudness", "duck", "space", "foley")}
        if _joins(written):
            values |= {key: self._time(written, key, loc) for key in ("leads", "lags")}
        return replace(bed, **{key: value for key, value in values.items() if value is not None})

    def _time(self, written: SoundForm, key: str, loc: Loc) -> Fraction | None:
        """A time in seconds; frames need the film's rate."""
        time: Duration | None = getattr(written, key)
        return None if time is None else self._problems.seconds(time, self._fps, self._document.mark((*loc, key)))

    def _file_in(self, words: str) -> str:
        """The sound file that is named in words, as much of them as is one that is there; empty where none is."""
        parts = [each.strip(",;:") for each in words.split()]
        end = next((number for number, each in enumerate(parts, 1) if suffix(each) in HEARD), 0)
        names = [" ".join(parts[start:end]) for start in range(end)]
        return next((name for name in names if (self._files.base / name).is_file()), names[-1] if names else "")

    def heard(self, written: str, loc: Loc) -> tuple[Path | None, str]:
        """The file, or else the words, of a sound; `off` is neither."""
        if written == "off":
            return None, ""
        kind = suffix(written)
        one_word = " " not in written and (kind or written.startswith(("/", "./", "../", "~/")))
        if kind in HEARD or kind in PICTURES or one_word:
            return self._files.find(written, loc, HEARD, A_SOUND), ""
        if name := self._file_in(written):
            hint = f"name one file alone; of a shot's sound: `{{words: {name}, at: 1s, level: -6}}`"
            self._files.refuse(f"{quoted(written)} is a file and more", loc, hint)
            return None, ""
        return None, written


def _joins(written: SoundForm) -> bool:
    """Whether `leads` and `lags` are those of what lies under the film, not of a sound in `words` alone."""
    return not written.words or bool(written.ambience or written.music)
