"""A film as a script or a list tells it: the one form that every kind of file is read into, before it is YAML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from functools import cached_property, lru_cache

from msgspec import Struct, field

from sora_cli.errors import Mark, Problem
from sora_cli.storyboard.source import harmless
from sora_cli.texts import free

MOST_NAME = 40
"""Characters of a name made from words."""


class OutlineLine(Struct):
    """What somebody says. `at` is seconds after the beat's start, where lines are said together."""

    who: str
    words: str
    at: str = ""
    offscreen: bool = False
    notes: list[str] = field(default_factory=list)


class OutlineBeat(Struct):
    """What happens, how long, and what is said meanwhile."""

    prompt: str
    duration: str = ""
    lines: list[OutlineLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class OutlineShot(Struct):
    """One take: `picture` is the file that it begins on, `title` the words of a card."""

    beats: list[OutlineBeat] = field(default_factory=list)
    name: str = ""
    framing: str = ""
    angle: str = ""
    lens: str = ""
    light: str = ""
    camera: str = ""
    transition: str = ""
    title: str = ""
    picture: str = ""
    sound: str = ""
    speed: str = ""
    seed: str = ""
    style: str = ""
    mood: str = ""
    avoid: str = ""
    notes: list[str] = field(default_factory=list)


class OutlineScene(Struct):
    """Shots in one place."""

    name: str = ""
    setting: str = ""
    light: str = ""
    shots: list[OutlineShot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Outline(Struct):
    """A whole film: `cast` gives how each member looks, by name; `remarks` tell what found no place."""

    title: str = ""
    author: str = ""
    fps: str = ""
    aspect: str = ""
    style: str = ""
    mood: str = ""
    avoid: str = ""
    cast: dict[str, str] = field(default_factory=dict)
    scenes: list[OutlineScene] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)

    @property
    def shots(self) -> list[OutlineShot]:
        """All shots, in order."""
        return [shot for scene in self.scenes for shot in scene.shots]


class SourceText(Struct, frozen=True, dict=True):
    """The text of a file, and its name in messages; of one `made` of another, which lines its own are of."""

    name: str
    text: str
    made: tuple[SourceText, tuple[int, ...]] | None = None

    @cached_property
    def lines(self) -> list[str]:
        """Its lines. A form feed does not end a line."""
        return re.split(r"\r\n|\r|\n", self.text)

    def problem(self, line: int, message: str, hint: str = "") -> Problem:
        """What is to be told of line `line`, counted from 1."""
        if self.made is not None:
            of, places = self.made
            return of.problem(places[line - 1] if 0 < line <= len(places) else 1, message, hint)
        lines = self.lines
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        column = len(text) - len(text.lstrip()) + 1
        return Problem(message, hint, Mark(self.name, line, column, harmless(text)))


def slug(words: str, taken: Container[str] = (), empty: str = "shot") -> str:
    """A name made from words, that none of `taken` has: `the-old-mill`, `the-old-mill-2`."""
    plain = (
        unicodedata.normalize("NFC", words).casefold().replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    )
    name = re.sub(r"[\W_]+", "-", plain).strip("-")[:MOST_NAME].rstrip("-") or empty
    return free(name if name not in {"previous", "nothing"} else f"{name}-{empty}", taken)


def member(name: str) -> str:
    """What a speaker is called in the cast: letters, digits and hyphens, a letter first."""
    found = slug(name, empty="speaker")
    return found if found[0].isalpha() else f"x-{found}"


def mention(text: str, cast: dict[str, str]) -> str:
    """A text with the members of the cast as `@name`, where they stand by name: `MARA`, `Mara`, not `mara`.

    `cast` gives the names as written, by the member. What is written as a mention and is none loses its sign.
    """
    text = re.sub(r"(?<![\w@])@(?=[^\W\d])", "", text)
    named, spelled = _named(tuple(cast.items()))
    return named.sub(lambda match: f"@{spelled[match[1]]}{(match[2] or '').lower()}", text)


@lru_cache(maxsize=4)
def _named(cast: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds the names of a cast, and the member of each."""
    spelled = {form: key for key, name in cast for form in {name.upper(), _capitalized(name), name}}
    names = "|".join(re.escape(form) for form in sorted(spelled, key=len, reverse=True)) or "(?!)"
    own = r"(['\N{RIGHT SINGLE QUOTATION MARK}]S\b)?"
    return re.compile(rf"(?<![\w@-])({names}){own}(?![\w-])"), spelled


def titled(name: str) -> str:
    """A name as names are written, where it stands in capitals: `OLD MAN` is `Old Man`, `McCLANE` stays."""
    return _capitalized(name) if name == name.upper() else name


def _capitalized(name: str) -> str:
    return " ".join(word[:1].upper() + word[1:].lower() for word in name.split())


def name_shots(scenes: Sequence[OutlineScene]) -> None:
    """Give each scene and shot that has none a name of its own: the scene's, with the shot's number."""
    scene_names: set[str] = set()
    given = {shot.name for scene in scenes for shot in scene.shots if shot.name}
    for scene in scenes:
        scene.name = free(scene.name or "scene", scene_names)
        scene_names.add(scene.name)
        for number, shot in enumerate(scene.shots, 1):
            if not shot.name:
                shot.name = free(f"{scene.name}-{number}", given)
                given.add(shot.name)
