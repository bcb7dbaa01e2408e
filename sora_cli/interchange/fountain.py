"""Screenplays in Fountain (fountain.io): headings become scenes, action beats, speakers the cast.

fountain-py reads the markup. What it does not see is marked for it first, in Fountain's own signs: a cue in letters
beyond A to Z is forced with `@`, `CUT TO BLACK.` with `>`. Notes and what is cut are found here, since it drops those
inside of a line.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from sora_cli.errors import Problem, StoryboardError
from sora_cli.interchange import words
from sora_cli.interchange.headings import HEAD, heading, lowered
from sora_cli.interchange.outline import (
    Outline,
    OutlineBeat,
    OutlineLine,
    OutlineScene,
    OutlineShot,
    SourceText,
    member,
    mention,
    name_shots,
    slug,
    titled,
)
from sora_cli.interchange.said import unquoted

if TYPE_CHECKING:
    from fountain import FountainElement

MOST_LINES = 4
"""Lines of a beat; more of them are spoken over a beat of their own, so that no take is a minute long."""

_NOTE = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_CUT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBERED = re.compile(r"(?P<number>[0-9]{1,4}[A-Z]{0,2})[.):]?\s+(?P<rest>\S.*?)(?:\s+(?P=number)[.)]?)?")
"""A heading as shooting scripts print it, with its number on the left, and on the right again."""
_INTRODUCED = r"(\b{name})(?:\s*\(([^()]{{2,120}})\)|, (an? [^,.;()]{{2,60}})(?=[,.;]))"
"""A name as it is introduced, in capitals: `MARA (30s, red hair)`, `TÉO, an old man, ...`."""
_ITEM = re.compile(r"^\s*(?:[-\N{BULLET}\N{EN DASH}]+\s+|[A-Z0-9]{1,2}[.)]\s+)(.+)$", re.DOTALL)
_MONTAGE = re.compile(r"^(BEGIN |START |END |END OF )?(?:MONTAGE|SERIES OF SHOTS)\b[\s:.-]*(.*)$", re.DOTALL)
_VOICES = {"V.O.": True, "VO": True, "O.S.": True, "OS": True, "O.C.": True, "OC": True, "OFF": True}
_CONTINUED = re.compile(r"CONT[’'.]?D?\.?|CONTINUED|MORE", re.IGNORECASE)
_CHANGE = re.compile(r"(?:[A-Z]+ )?(?:CUT|FADE|DISSOLVE|WIPE)S? (?:TO|OUT|IN|UP|FROM)\b[^a-z<>]{0,30}")
_SEEN = re.compile(r"(?:INT\.?/EXT|INT|EXT|EST|I/E)[. ]", re.IGNORECASE)
"""Headings that Fountain sees by itself."""
_BY = re.compile(r"(?:(?:written|screenplay|story|script|a (?:short )?film|directed) )?by\b[\s:]*(.*)", re.IGNORECASE)
_TITLE_KEYS = {"title", "author", "authors"}


def read_fountain(page: SourceText) -> Outline:
    """The outline of a screenplay.

    Raises:
        StoryboardError: a note or a part that is cut is never closed, or there is nothing to shoot.
    """
    from fountain import FountainParser

    document = FountainParser().parse(_forced(page))
    wrong = [
        page.problem(issue.line_number, issue.message[:1].lower() + issue.message[1:], "close it, or take it out")
        for issue in document.issues
        if issue.severity == "error"
    ]
    if wrong:
        raise StoryboardError(wrong)
    reader = _Reader(page, _speakers(document.elements))
    reader.front({key: str(value) for key, value in document.metadata.items()})
    for element in document.elements:
        reader.take(element)
    return reader.outline()


def _forced(page: SourceText) -> str:
    """The text with what Fountain does not see by itself forced.

    These are cues with letters beyond A to Z, as every language but English has, transitions without `TO:`, and
    headings with a number before them, or in other languages.
    """
    lines = _titled(list(page.lines))
    for at, line in enumerate(lines):
        begins, ends = not (at and lines[at - 1].strip()), not (at + 1 < len(lines) and lines[at + 1].strip())
        if begins and ends and _CHANGE.fullmatch(line.strip()):
            lines[at] = f"> {line.strip()}"
        alone = begins and not ends
        name = re.sub(r"\(.*\)|\^", "", line).strip()
        if (
            alone
            and not name.isascii()
            and name == name.upper()
            and re.fullmatch(r"[\w\s.'#\N{RIGHT SINGLE QUOTATION MARK}-]+", name)
        ):
            lines[at] = f"@{line.strip()}"
        if begins:
            lines[at] = _headed(lines[at], alone=ends)
    return "\n".join(lines)


def _titled(lines: list[str]) -> list[str]:
    """The lines, with a title page as it is printed, a title over `by` and a name, as Fountain has one."""
    first = next((at for at, line in enumerate(lines) if HEAD.match(line.strip()) or _CHANGE.match(line.strip())), 0)
    told = [(at, line.strip()) for at, line in enumerate(lines[:first]) if line.strip()]
    by = next((number for number, (_, line) in enumerate(told) if number and _BY.fullmatch(line)), 0)
    if not by or first < 4 or any(":" in line for _, line in told[:by]):
        return lines
    match, after = _BY.fullmatch(told[by][1]), [line for _, line in told[by + 1 :]]
    author = match[1] if match else ""
    author, after = (author, after) if author else (after[0] if after else "", after[1:])
    page = [f"Title: {' '.join(line for _, line in told[:by])}", f"Author: {author}"]
    page += [f"Notes: {' / '.join(after)}"] if after else []
    return [*page, *[""] * (first - len(page)), *lines[first:]]


def _headed(line: str, *, alone: bool) -> str:
    """A line, as a heading where it is one that Fountain does not see; of its own it sees those that stand `alone`."""
    text = line.strip()
    numbered = _NUMBERED.fullmatch(text)
    rest = numbered["rest"] if numbered else text
    known = alone and numbered is None and _SEEN.match(rest)
    if known or rest != rest.upper() or not HEAD.match(rest):
        return line
    return f".{rest}" + (f" #{numbered['number']}#" if numbered else "")


def _speakers(elements: Sequence[FountainElement]) -> dict[str, str]:
    """The names of all who speak, as written, by what the cast calls them."""
    found: dict[str, str] = {}
    for element in elements:
        columns = element.dual_dialogue_columns() if element.type.name == "DUAL_DIALOGUE" else ([element],)
        for first, *_ in columns:
            if first.type.name == "CHARACTER":
                found.setdefault(member(first.text), first.text)
    return found


class _Reader(Struct, dict=True):
    """Walks through a screenplay; `made` grows."""

    page: SourceText
    speakers: dict[str, str]
    made: Outline = field(default_factory=Outline)
    pending: list[str] = field(default_factory=list)
    """Comments for what comes next."""
    coming: str = ""
    """The transition of the shot that comes next."""
    last: FountainElement | None = None
    """The element that said so."""
    opening: str | None = None
    """The framing of the shot that comes next, where one begins there."""
    montage: bool = False
    over: str = ""
    """Words over the shot that comes next."""
    line: OutlineLine | None = None
    """What is being said."""

    def __post_init__(self) -> None:
        self.notes = deque(self._notes())
        self.names: set[str] = set()
        self.headed = False

    def _notes(self) -> Iterator[tuple[int, str]]:
        """The notes of the text by line, and what is cut, which is told."""
        text = self.page.text.replace("\r\n", "\n").replace("\r", "\n")
        for match in _CUT.finditer(text):
            at = text.count("\n", 0, match.start()) + 1
            self.made.remarks.append(self.page.problem(at, "this part is cut (/* */): it is left out"))
        kept = _CUT.sub(lambda match: "\n" * match[0].count("\n"), text)
        for match in _NOTE.finditer(kept):
            yield kept.count("\n", 0, match.start()) + 1, " ".join(match[1].split())

    # -- what is taken ---------------------------------------------------------------------------------------------

    def front(self, page: dict[str, str]) -> None:
        """The title page."""
        self.made.title = " ".join(re.sub(r"[*_]+", "", page.get("title", "")).split())
        self.made.author = " ".join((page.get("author") or page.get("authors") or "").split())
        kept = ((key, " / ".join(value.split("\n"))) for key, value in page.items() if key not in _TITLE_KEYS)
        self.made.notes += [f"{key.capitalize()}: {value}" for key, value in kept if value.strip()]

    def take(self, element: FountainElement) -> None:
        """One element, with the notes that stand before its end."""
        while self.notes and self.notes[0][0] < element.line_number:
            self.pending.append(self.notes.popleft()[1])
        kind = element.type.name.lower()
        getattr(self, f"_{kind}", self._nothing)(element)
        own = []
        while self.notes and self.notes[0][0] == element.line_number:
            own.append(self.notes.popleft()[1])
        if own and self.made.shots and kind != "note":
            (self.line.notes if self.line else self._beat().notes).extend(own)
        else:
            self.pending += own

    def _nothing(self, element: FountainElement) -> None:
        """Notes and what is cut are found in the text; a page break breaks nothing in a film."""

    def _section(self, element: FountainElement) -> None:
        self.line = None
        self.pending.append(element.text)

    _synopsis = _section

    def _scene_heading(self, element: FountainElement) -> None:
        self._show_words()
        self.line, self.opening, self.montage, self.headed = None, None, False, True
        number = str(element.metadata.get("scene_number") or "")
        side, place, light, rest = heading(element.text)
        if light == "same":
            light = self.made.scenes[-1].light if self.made.scenes else ""
        setting = ", ".join(part for part in (side, lowered(place, self.speakers), rest) if part)
        name = slug(f"{number} {place or element.text}", self.names, "scene")
        self.names.add(name)
        scene = OutlineScene(name, setting, light, notes=self._taken())
        scene.notes.append(f"{number} {element.text}".strip())
        self.made.scenes.append(scene)

    def _action(self, element: FountainElement) -> None:
        self.line = None
        text = " ".join(element.text.split())
        if self._aside(text):
            return
        for name, spelled in self.speakers.items():
            if spelled in text and (match := re.search(_INTRODUCED.format(name=re.escape(spelled)), text)):
                self.made.cast.setdefault(name, f"{titled(spelled)}, {match[2] or match[3]}")
                text = text.replace(match[0], match[1], 1) if match[2] else text
        opened = words.cue(text)
        if self.opening is not None:
            opened, self.opening = opened or (self.opening, text), None
        if match := _MONTAGE.match(text):
            self.montage = not (match[1] or "").startswith("END")
            self.pending.append(text)
        elif self.montage or _ITEM.match(text):
            for part in element.text.splitlines():
                item = _ITEM.match(part)
                self._shot(item[1] if item else part)
        elif opened is not None and opened[1]:
            self._shot(opened[1], opened[0])
        elif opened is not None:
            self.opening = opened[0]
            self.pending.append(text)
        else:
            self._beat_of(text)

    def _aside(self, text: str) -> bool:
        """Take words over the picture as a title, and what is no picture as a comment; whether it was one of these."""
        if match := words.SUPER.fullmatch(text):
            self._show_words()
            self.over, shots = unquoted(match[1].rstrip(".")), self._scene().shots
            if shots and shots[-1].beats and not (shots[-1].title or self.coming):
                shots[-1].title, self.over = self.over, ""
        elif words.ASIDE.fullmatch(text):
            self.pending.append(text)
        else:
            return False
        return True

    def _character(self, element: FountainElement) -> None:
        self.line = self._speaks(element)

    def _parenthetical(self, element: FountainElement) -> None:
        self._said(element, self.line)

    _dialogue = _parenthetical

    def _lyrics(self, element: FountainElement) -> None:
        if self.line is None:
            self._lost(element, "these words are sung by nobody: they are kept as a comment")
        self._said(element, self.line)

    def _dual_dialogue(self, element: FountainElement) -> None:
        """Two who speak at once: a beat of their own, in which both begin with it."""
        both = element.dual_dialogue_columns()
        names = [f"@{member(column[0].text)}" for column in both]
        if self.made.scenes and self.made.scenes[-1].shots and not self._beat().lines:
            beat = self._beat()
        else:
            beat = self._beat_of(f"{' and '.join(dict.fromkeys(names))} speak at once", named=True)
        for first, *rest in both:
            line = self._speaks(first, beat)
            line.at = "0.3s"
            for part in rest:
                self._said(part, line)
        self.line = None

    def _centered(self, element: FountainElement) -> None:
        self.line = None
        self._scene().shots.append(OutlineShot(title=element.text, notes=self._taken(), transition=self._came()))

    def _transition(self, element: FountainElement) -> None:
        self.line, before, was = None, self.coming, self.last
        self.coming, whole = words.transition(element.text)
        if before and was is not None:
            self._lost(was, f"two transitions meet here: {was.text} is left out")
        if not whole:
            self.pending.append(element.text)
            if not self.coming:
                self._lost(element, f"no such transition in sora: {element.text} is a cut")
        self.last = element

    # -- where it goes ---------------------------------------------------------------------------------------------

    def _lost(self, element: FountainElement, message: str) -> None:
        self.made.remarks.append(self.page.problem(element.line_number, message))

    def _taken(self) -> list[str]:
        taken, self.pending = self.pending, []
        return taken

    def _came(self) -> str:
        came, self.coming, self.last = self.coming, "", None
        return came

    def _scene(self) -> OutlineScene:
        if not self.made.scenes:
            self.made.scenes.append(OutlineScene("opening"))
        return self.made.scenes[-1]

    def _shot(self, prompt: str, framing: str = "", *, named: bool = False) -> OutlineShot:
        beat = OutlineBeat(prompt if named else mention(prompt, self.speakers), notes=self._taken())
        shot = OutlineShot([beat], framing=framing, transition=self._came())
        shot.title, self.over = self.over, ""
        self._scene().shots.append(shot)
        return shot

    def _show_words(self) -> None:
        if self.over:
            self._shot(self._scene().setting or "the scene")

    def _beat(self) -> OutlineBeat:
        """The beat that is on; one is made where there is none."""
        shots = self._scene().shots
        if not shots or not shots[-1].beats:
            self._shot(self._scene().setting or "the scene")
        return self._scene().shots[-1].beats[-1]

    def _beat_of(self, prompt: str, *, named: bool = False) -> OutlineBeat:
        """A new beat, of the shot that is on where there is one."""
        shots = self._scene().shots
        if self.coming or not shots or not shots[-1].beats:
            return self._shot(prompt, named=named).beats[0]
        beat = OutlineBeat(prompt if named else mention(prompt, self.speakers), notes=self._taken())
        shots[-1].beats.append(beat)
        return beat

    def _speaks(self, element: FountainElement, beat: OutlineBeat | None = None) -> OutlineLine:
        """A new line, in the beat that is on or one of its own."""
        name = member(element.text)
        extension = str(element.metadata.get("extension") or "")
        parts = [part.strip().strip("()") for part in re.split(r"[/,)(]", extension) if part.strip()]
        line = OutlineLine(name, "", offscreen=any(_VOICES.get(part.upper(), False) for part in parts))
        line.notes += [p for p in parts if p.upper() not in _VOICES and not _CONTINUED.fullmatch(p)]
        if beat is None:
            shots = self._scene().shots
            full = not shots or not shots[-1].beats or self.coming or len(shots[-1].beats[-1].lines) >= MOST_LINES
            again = "goes on" if shots and not self.coming else "speaks"
            prompt = self._scene().setting if line.offscreen and self._scene().setting else f"@{name} {again}"
            beat = self._beat_of(prompt, named=True) if full else shots[-1].beats[-1]
        line.notes[:0] = self._taken()
        beat.lines.append(line)
        return line

    def _said(self, element: FountainElement, line: OutlineLine | None) -> None:
        text = " ".join(element.text.split())
        if line is None:
            self.pending.append(text)
        elif element.type.name == "PARENTHETICAL":
            line.notes.append(text.strip("()"))
        else:
            line.words = f"{line.words} {text}".strip()

    def outline(self) -> Outline:
        """What was read, whole."""
        self._show_words()
        self.pending += [note for _, note in self.notes]
        if self.coming and self.last is not None:
            self._lost(self.last, "nothing comes after this transition: the film ends with a cut")
        self.made.notes += [f"at the end: {note}" for note in self._taken()]
        for scene in [scene for scene in self.made.scenes if not scene.shots]:
            scene.shots.append(OutlineShot([OutlineBeat(scene.setting or scene.name)]))
            self.made.remarks.append(Problem(f"scene {scene.name} has no action: its setting alone is shown"))
        if not self.made.shots:
            hint = "begin scenes with INT. or EXT., as in: EXT. HARBOUR - NIGHT"
            raise StoryboardError([self.page.problem(1, "there is nothing to shoot in this screenplay", hint)])
        if not self.headed and not self.speakers:
            hint = "begin scenes with INT. or EXT.; of a list of prompts, the first line is `Prompt`"
            told = self.page.problem(1, "no line of this text is a scene's heading: all of it is one scene", hint)
            self.made.remarks.append(told)
        for shot in self.made.shots:
            for beat in shot.beats:
                beat.lines = [line for line in beat.lines if line.words]
                beat.duration = "spoken" if beat.lines else ""
        for name, spelled in self.speakers.items():
            self.made.cast.setdefault(name, titled(spelled))
        name_shots(self.made.scenes)
        return self.made
