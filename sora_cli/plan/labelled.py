"""Prompts of labelled paragraphs: first lines for given frames, subjects with their references, lines with speakers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from sora_cli.engines.dialect import Dialect
from sora_cli.plan.speaking import Part
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.model import Beat, CastMember
from sora_cli.storyboard.sound import DialogueLine

if TYPE_CHECKING:
    from sora_cli.plan.prompt import Frames

_LANGUAGES = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CJK": "Chinese",
    "CYRILLIC": "Russian",
    "ARABIC": "Arabic",
    "DEVANAGARI": "Hindi",
    "HEBREW": "Hebrew",
    "GREEK": "Greek",
    "THAI": "Thai",
}
_VOICES = {"ja": "Japanese", "es": "Spanish", "fr": "French", "de": "German", "it": "Italian", "pt": "Portuguese"}


def language(line: str, voice: str) -> str:
    """The language of a line: that of its script; of Latin letters, that of the voice's name, else English.

    Names begin with their language (`es-1`), or end with it behind a program's (`espeak-ng:de`).
    """
    scripts = [unicodedata.name(letter, "").split(" ")[0] for letter in line if letter.isalpha()]
    known = [_LANGUAGES[script] for script in scripts if script in _LANGUAGES]
    if "Japanese" in known:  # written in Chinese signs as well
        return "Japanese"
    return known[0] if known else _VOICES.get(voice.rpartition(":")[2][:2], "English")


class Speakers(Struct):
    """Those who speak in a beat, each with a number of their own, the same in all of its takes."""

    cast: Mapping[str, CastMember]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, beat: Beat, cast: Mapping[str, CastMember]) -> Speakers:
        """Numbered from 1 in the order in which they speak; those in recordings have none."""
        lines = [one.line for one in Part().heard(beat) if one.line is not None] if beat.dialogue else []
        names = dict.fromkeys(line.cast for line in lines if line.path is None)
        return cls(cast, {name: number for number, name in enumerate(names, 1)})

    def told(self, line: DialogueLine, *, plain: bool) -> dict[str, str]:
        """The fields of a template of speech for a line; its words lose quotes and tags that could end it early."""
        number = self.numbers.get(line.cast, 0)
        voice = self.cast[line.cast].voice if line.cast in self.cast else ""
        words = line.line if plain else " ".join(re.sub(r"[<>]", "", line.line.replace('"', "'")).split())
        return {"line": words, "speaker": f"S{number}", "language": language(line.line, voice)}


class Subjects(Struct, frozen=True):
    """Members of the cast who are defined by references, and what each reference is for."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """By name: `<Subject 1>`."""
    lines: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    heard: bool = False
    """Whether a reference tells how somebody sounds."""

    def __bool__(self) -> bool:
        return bool(self.lines)

    @classmethod
    def of(cls, beat: Beat, cast: Mapping[str, CastMember], *, asked: bool) -> Subjects:
        """The subjects of a beat; none where the model is given no references."""
        if not asked:
            return cls()
        named = list(_named(beat.references))
        whose = {name: [label for path, label in named if path in cast[name].references] for name in beat.cast}
        labels = {name: f"<Subject {number}>" for number, name in enumerate((n for n in whose if whose[n]), 1)}
        spoken = Speakers.of(beat, cast).numbers
        lines, kept = [], []
        for name, label in labels.items():
            seen = " and ".join(each for each in whose[name] if not each.startswith(_HEARD))
            who = f"{label} (S{spoken[name]})" if name in spoken else label
            lines.append(f"{label} is {cast[name].told}{f', from {seen}' if seen else ''}.")
            kept.append(f"{label} (appears in [Shot 1]): fully_preserved - the looks are kept.")
            for sound in (each for each in whose[name] if each.startswith(_HEARD)):
                lines.append(f"{sound} is the voice-timbre reference for {who}.")
                kept.append(f"{sound}: reference - the voice of {label}.")
        for label in (each for _, each in named if each not in {one for found in whose.values() for one in found}):
            lines.append(f"{label} is a reference of the scene.")
            kept.append(f"{label}: reference - it guides the scene.")
        return cls(labels, tuple(lines), tuple(kept), any(label.startswith(_HEARD) for _, label in named))


_HEARD = "<Audio"


def _named(references: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    counts: Counter[str] = Counter()
    names = {"picture": "Picture", "film": "Video", "sound": "Audio"}
    for path in references:
        kind = names[kind_of(path)]
        counts[kind] += 1
        yield path, f"<{kind} {counts[kind]}>"


def labelled(dialect: Dialect, given: Frames, subjects: Subjects, picture: str, sound: str) -> str:
    """The picture, the sound and what references are for, each under its label; first what given frames are for."""
    shown = " and ".join(subjects.labels.values()) or "what the references show"
    task = "reference generation + audio reference" if subjects.heard else "reference generation"
    holds = {
        "picture": dialect.begins + picture,
        "sound": sound,
        "music": "N/A",
        "subjects": "\n".join(subjects.lines),
        "summary": f"[{task}] One shot of {given.seconds:.2f} seconds with {shown}.",
        "kept": "\n".join(subjects.kept),
    }
    fields = dialect.referenced if subjects else dialect.fields
    ends = "both" if given.first and given.last else "first" if given.first else "last" if given.last else ""
    head = dialect.heads.get(ends, "").format(seconds=f"{given.seconds:.2f}")
    paragraphs = [f"{each.label}: {holds[each.holds]}" for each in fields]
    return "\n\n".join(([head] if head else []) + paragraphs)
