"""Shots told in plain text or Markdown, as notes and chats have them: `Shot 1 (0-4s): a ball rolls`, as a shot list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct, field

from sora_cli.interchange import codes, spans
from sora_cli.interchange.around import RULER, ended, is_chat
from sora_cli.interchange.bared import NAMES, SECTION, SHOT, apart, bare, one_shot
from sora_cli.interchange.cells import as_csv
from sora_cli.interchange.columns import COLUMNS
from sora_cli.interchange.cues import cued
from sora_cli.interchange.headings import HEAD, SCENE, called, heading, lowered, scene_of
from sora_cli.interchange.listed import held_in, is_above, is_films
from sora_cli.interchange.outline import SourceText, titled
from sora_cli.interchange.parts import READ, SPEAKER, alone, cell_of, parted, timed
from sora_cli.interchange.said import OFF
from sora_cli.interchange.tables import headed

_ITEM = re.compile(
    r"(?:[-*+\N{BULLET}\N{EN DASH}\u2610\u2611\u2713]|\(?[0-9]{1,3}[.)]|[0-9]{1,3}(?:\.[0-9]{1,3})+[.)]?|[a-z]\))\s+"
    r"(?:\[[ xX]\]\s+)?(\S.*)"
)
_CLOCK = r"[0-9]{1,2}(?::[0-9]{2}){1,3}(?:[.,][0-9]{1,3})?|[0-9]+(?:\.[0-9]+)?\s*s(?:ec(?:ond)?s?)?(?!\w)"
_BEFORE = re.compile(r"([^a-z]{6,80}?)[.:]?\s+((?:[A-Z] )?[A-Z]?[a-z].*)", re.DOTALL)
"""A heading in capitals before the words of its shot: `EXT. BEACH - DAY. A ball rolls.`"""
_TIMED = re.compile(
    rf"[\[(]?\s*(?P<start>{_CLOCK}|[0-9]+(?=\s*[-\N{{EN DASH}}\N{{EM DASH}}]\s*[0-9.]+\s*s))"
    rf"(?:\s*(?:[-\N{{EN DASH}}\N{{EM DASH}}\N{{RIGHTWARDS ARROW}}]|-->|to)\s*(?P<end>{_CLOCK}))?\s*[\])]?"
    rf"\s*[:|\uff1a\N{{EN DASH}}\N{{EM DASH}}-]?\s+(?P<words>[^\W\d].*)"
)
"""A line behind the time at which its shot plays: `[0:04-0:07] a cube falls`, `00:04 a cube falls`."""
_LABEL = re.compile(r"([^\W\d][^:\uff1a]{1,30}?|[\u3041-\uffdc])\s*[:\uff1a]\s*(\S.*)?")
_PLACE = re.compile(rf"(?:[0-9]{{1,3}}[.)]\s*|[-*]\s+)?(?:{called('scene')})\s*[:\uff1a]\s*(\S.*)", re.IGNORECASE)
"""A scene that has no number: `Scene: Beach`."""
_QUOTED = re.compile('["\u201c\u201e\u00ab\u300c].+["\u201d\u201c\u00bb\u300d]')
_OF = re.compile(r"([^\W\d_][\w ]*?)\s*[(\uff08]([^()\uff08\uff09]+)[)\uff09]")
"""A column's name with who speaks: `Dialogue (Mara): Hello.`"""
_MUSIC = {"music", "score", "bgm", "soundtrack", "musik", "musique", "música", "musica", "音乐", "音楽", "музыка"}
"""What no model is told in words, and no voice says."""
_TITLE = re.compile('["\u201c\u201e\u00ab][^"\u201c\u201d\u201e\u00ab\u00bb]{1,60}["\u201d\u201c\u00bb]')
_END = {"end", "the end", "ende", "fin", "fine", "конец", "结束", "終了"}
_HEADED = re.compile(r"\s*#+(?![0-9])")
"""What begins a heading in Markdown; `#1` is a number."""
_LASTING = {"light", "place", "side", "style"}
"""What is told of a scene before its first shot, and is of all of them."""
_WORDS = 2000
"""Letters of a shot from which on they are more than a line: patterns would take their time with them."""
_SHORT = 5
"""Words in quotes up to which they may be said."""
_ABOVE = 16
"""Lines above the first shot that stay lines."""
_NAMED = {"scene": "Scene", "place": "Location", "shot": "Shot", "time": "Time", "description": "Prompt"}


def as_list(page: SourceText) -> SourceText | None:
    """The text as a shot list with commas; None where it tells of no two shots in this way, or is a screenplay.

    A shot begins at `Shot 1`, at an item of a list, at a time, or at `Prompt: ...`; lines under it that are named as
    columns of shot lists are (`Duration: 4s`) are its cells.
    """
    told = apart(one_shot(codes.parted_lines(page.lines), _begins))
    lines, behind = ended(cued(told, bare, _begins, lambda text: _labelled(text)[0]), bare)
    rows = _Rows(*_manner([line for _, line in lines]), page.text)
    if not (rows.open or rows.timed or rows.shots):
        rows.code = codes.manner([text for text in (bare(line) for _, line in lines) if not _labelled(text)[0]])
        rows.prompted = rows.prompted and not rows.code
    for number, line in lines:
        rows.take(number, line)
    rows.close()
    script = any(re.match(r"\s*(?:INT|EXT)\b", line) for line in page.lines)
    enough = 1 if rows.numbered and all(map(is_films, rows.above)) else 2
    if len(rows.found) < enough or (script and not (rows.shots or rows.code)):
        return None
    found = [parted(row) for row in rows.found]
    columns = dict.fromkeys([*_NAMED, *(column for row in found for column in row)])
    around = sorted([*rows.above, *behind], key=lambda line: not is_films(line))  # what is no comment stays a line
    above = [*around[:_ABOVE], *([" ".join(around[_ABOVE:])] if around[_ABOVE:] else [])]
    names = [_NAMED.get(column, COLUMNS.get(column, (column,))[0]) for column in columns]
    cells = ([row.get(column, "") for column in columns] for row in found)
    text = as_csv([*([note] for note in above), names, *cells])
    return SourceText(page.name, text, (page, (*[1] * (len(above) + 1), *rows.places)))


def _manner(lines: Sequence[str]) -> tuple[bool, bool, bool, bool]:
    """Whether shots are items of a list, begin at a time, at their prompt, or with their number.

    They are items or begin at a time where all lines do that are none of a head.
    """
    told = [bare(line) for line in lines if line.strip() and not _HEADED.match(line)]
    told = [line for line in told if not (is_above(line) or RULER.fullmatch(line) or is_chat(line, above=True))]
    told = told[1:] if len(told) > 2 and told[0].endswith(":") else told
    named = [_labelled(line)[0] for line in told]
    others = [line for line, column in zip(told, named, strict=True) if not column]
    shots = any(SHOT.fullmatch(bare(line)) for line in lines)
    times = len(others) > 1 and all(map(_TIMED.fullmatch, others))
    return (
        bool(others) and not shots and all(map(_ITEM.fullmatch, others)),
        times,
        named.count("description") > 1 and not (shots or times),
        shots,
    )


class _Rows(Struct):
    """The shots so far, each its cells by the column, with the line that it begins on; `open` takes items as shots."""

    open: bool
    timed: bool
    prompted: bool
    shots: bool
    text: str
    """All of it."""
    code: re.Pattern[str] | None = None
    """What finds the lines that begin a shot by its code."""
    found: list[dict[str, str]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    scene: str = ""
    place: str = ""
    numbered: bool = False
    """Whether a shot or a scene began with its number."""
    scene_line: int = 0
    """Where a scene began of which no shot was told so far; 0 where there is none."""
    held: dict[str, str] = field(default_factory=dict)
    """What was told of the scene, or of all, before its first shot."""
    answered: bool = False
    """Whether the line before was spoken: then so is one like it."""
    head: str = ""
    """The words on the line that the last shot begins on."""
    under: str = ""
    """The column that a line of its own names for what stands below it."""

    def take(self, number: int, line: str) -> None:
        """The next line of the text."""
        text = bare(line)
        item = _ITEM.fullmatch(text)
        column, cell = _labelled(text)
        if not text or RULER.fullmatch(text) or SECTION.fullmatch(text) or self._heads(number, text):
            return
        above = column in {"style", "mood"} and not (self.found or self.scene_line)
        if above or self._is_chat(number, text):
            self.above.append(item[1] if above and item else text)
        elif self.timed and (match := _TIMED.fullmatch(text)):
            self._at(number, match)
        elif column and (self.found or self.prompted or item or self.scene_line):
            self._label(number, column, cell)
        elif item and self._aside(item[1]):
            self._more("dialogue" if self._speaks(item[1]) else "notes", item[1])
        elif item and self.open and not (line[:1].isspace() and self.found and not self.scene_line):
            played = _TIMED.fullmatch(item[1])
            self._at(number, played) if played and played["end"] else self._begin(number, {"description": item[1]})
        elif self.found or self.scene_line:
            self._words(item[1] if item else text, text)
        else:
            self.above.append(headed(f"# {text}") if headed(line) else text)

    def _aside(self, text: str) -> bool:
        """Whether an item with a name of its own is no shot: it stands in a scene that says by name what is seen."""
        named = self.scene_line and (self.prompted or self.held.get("description"))
        label = _LABEL.fullmatch(text) if named else None
        shot = label and re.fullmatch(rf"(?:{NAMES})\s+\w{{1,3}}", label[1], re.IGNORECASE)  # `Shot A: her hands`
        return bool(label and not shot and len(label[1].split()) < _SHORT and not cell_of(label[1]))

    def _is_chat(self, number: int, text: str) -> bool:
        """Whether a line is a chat's own, and none of a shot's that has no words so far."""
        first = not (self.found or self.scene_line)
        if not is_chat(text, above=True, apart=True) or self._wants_words():
            return False
        lines = self.text.splitlines()
        apart = number == 1 or not lines[number - 2].strip()
        below = map(bare, lines[number : number + _ABOVE])
        return is_chat(text, above=first, apart=apart or all(is_chat(line, apart=True) for line in below if line))

    def _wants_words(self) -> bool:
        """Whether a shot or a label on a line of its own has no words so far: then what is like a chat's is its own."""
        row = self.held if self.scene_line or not self.found else self.found[-1]
        return bool(self.found or self.scene_line) and not row.get(self.under or "description")

    def close(self) -> None:
        """End a scene: where nothing was told below its heading, or no shot of its own, all of it is one."""
        if line := self.scene_line:
            words = {} if self.held.get("description") else {"description": self.place}
            self.place = "" if words else self.place
            self._begin(line, {**self.held, **words})

    def _heads(self, number: int, text: str) -> bool:
        """Take a line that is the heading of a scene or of a shot; whether it is one."""
        if match := SCENE.fullmatch(text):
            aside, told = match[2] or "", timed({"description": match[3] or ""})
            time = aside if spans.is_time(aside) else told.get("time", "")
            place = " ".join(filter(None, (told["description"], f"({aside})" if aside and aside != time else "")))
            self._scene(number, match[1], re.sub(r"^\((.*)\)$", r"\1", place), time)
        elif match := SHOT.fullmatch(text):
            scene, shot, time, words = match.groups()
            begins = scene and scene != self.scene
            if begins:
                self.close()
                self.scene, self.place = scene, ""
            self.numbered = True
            told = timed({"shot": shot, "time": time or "", "description": words or ""})
            self._begin(number, told if begins else {**told, "description": self._headed(told["description"])})
        elif self.code and (match := self.code.fullmatch(text)):
            self._coded(number, match.groupdict())
        elif self.scene_line and not (self.place or self.held.get("description")) and _is_heading(text):
            self.scene_line, held = 0, self.held
            self._scene(number, self.scene, text, held.get("time", ""))
        elif (self.shots or self.code) and _is_heading(text):
            self.close()
            self.scene, self.place, self.held = text, "", {}
        elif match := _PLACE.fullmatch(text):
            if self._of_shot(number):
                self.found[-1]["place"] = match[1]
            else:
                self._scene(number, "", match[1], "")
        else:
            return False
        return True

    def _headed(self, words: str) -> str:
        """The words of a shot without a scene's heading before them, which begins that scene."""
        first, _, behind = words.partition(" - ")
        if behind and cell_of(first) and _is_heading(behind):
            return " - ".join(filter(None, (first, self._headed(behind))))
        before, _, last = words.rpartition(" - ")
        if before and cell_of(last) and _is_heading(before):
            return " - ".join(filter(None, (self._headed(before), last)))
        match = _BEFORE.fullmatch(words)
        head, rest = (match[1], match[2]) if match else (words, "")
        if not _is_heading(head):
            return words
        self.scene, self.place = head, ""
        return rest

    def _of_shot(self, number: int) -> bool:
        """Whether a line that names a scene says where the last shot is: below its number, with more of it below."""
        if self.scene_line or not self.found:
            return False
        more = next((bare(line) for line in self.text.splitlines()[number:] if line.strip()), "")
        begins = SHOT.fullmatch(more) or (self.code and self.code.fullmatch(more))
        return not self.found[-1].get("description") or (self.places[-1] == number - 1 and not begins)

    def _coded(self, number: int, told: dict[str, str]) -> None:
        """A line that begins a shot by its code; what is a scene's heading behind it is the scene's."""
        scene, words = told.get("scene", ""), self._headed(told["words"])
        if scene and scene != self.scene:
            self.close()
            self.scene, self.place = scene, ""
        shot = unicodedata.normalize("NFKC", told["shot"])
        self._begin(number, {"shot": shot, "time": told["time"] or "", "description": words})

    def _scene(self, number: int, scene: str, place: str, time: str) -> None:
        self.close()
        side, there, light, rest = heading(place)
        light = "" if rest or light == "same" else light
        where = ", ".join(filter(None, (side, lowered(there, {})))) if light and side else there if light else place
        self.scene, self.place, self.open, self.under = scene, where, True, ""
        self.held = {column: cell for column, cell in (("time", time), ("light", light)) if cell}
        self.scene_line, self.numbered = number, True

    def _at(self, number: int, match: re.Match[str]) -> None:
        """A line behind its time; one that says no more than that the film ends there is no shot."""
        if self.found and match["words"].strip(" .").casefold() in _END:
            self.found[-1]["end"] = self.found[-1].get("end") or match["start"]
        else:
            times = {"start": match["start"], "end": match["end"] or ""}
            self._begin(number, {**times, "description": match["words"]})

    def _begin(self, number: int, cells: dict[str, str]) -> None:
        lasting = {column: cell for column, cell in self.held.items() if column in _LASTING}
        first = dict(self.held) if self.scene_line or not self.found else lasting
        named = ("description", "time")
        others = [first.pop(column) for column in named if first.get(column, cells.get(column)) != cells.get(column)]
        told = {"about the scene": " ".join(others)} if others else {}
        cells = alone({column: " | ".join(map(str.strip, cell.split("\t"))) for column, cell in cells.items() if cell})
        self.found.append({"scene": self.scene, "place": self.place, **first, **cells, **told})
        self.places.append(number)
        self.scene_line, self.held, self.under, self.answered = 0, lasting, "", False
        self.head = timed(cells).get("description", "")

    def _label(self, number: int, column: str, cell: str) -> None:
        """A line with its column's name; one of the prompt begins a shot where nothing else does."""
        waits = self.scene_line and "description" not in self.held
        if self.prompted and column == "description" and not waits:
            self.close()
            self._begin(number, {column: cell})
        else:
            self._more(column, cell)
        self.under, self.answered = "" if cell else column, column == "dialogue" and bool(cell)

    def _words(self, words: str, text: str) -> None:
        """A line that has no column's name: of the column above it, spoken, a length, or of what is seen."""
        length = words.strip("()[] ")
        if self.under:
            self._more(self.under, words)
        elif self._speaks(words):
            self._more("dialogue", words)
            self.answered = True
            return
        elif spans.is_length(length):
            self._more("duration", length)
        elif not self.shots and self._goes_on(text):
            number = self.scene_line or self.places[-1]
            self.close()
            self._begin(number, {"description": text})
        else:
            quoted = re.fullmatch(r'["\u201c]([^"\u201c\u201d]+)["\u201d]', text)
            self._more("description", quoted[1] if quoted and len(text.split()) > _SHORT else words)
        self.answered = False

    def _goes_on(self, text: str) -> bool:
        """Whether a line with its length stands below one with a length: it is the next shot of its scene."""
        row = self.held if self.scene_line or not self.found else self.found[-1]
        before, after = timed({"description": row.get("description", "")}), timed({"description": text})
        return self.open and len(before) > 1 and len(after) > 1

    def _more(self, column: str, text: str) -> None:
        """More of a scene before its first shot, or of the last shot."""
        waits = self.scene_line or not self.found
        row = timed(self.held if waits else self.found[-1])  # a length that stood behind its words so far
        apart = {"dialogue": " / ", "light": ", ", "sound": ", "}.get(column, " ")
        apart = ". " if self._ends(row, column, text) else apart
        if column == "description" and row.get(column) == self.head and _TITLE.fullmatch(self.head):
            row = {**row, "notes": self.head, column: ""}  # the shot's title, and no words of its picture
        row = {**row, column: apart.join(filter(None, (row.get(column, ""), text)))}
        if waits:
            self.held = row
        else:
            self.found[-1] = row

    def _ends(self, row: dict[str, str], column: str, text: str) -> bool:
        """Whether the words behind a shot's number are a sentence or a name, which ends where the next line begins."""
        words = row.get(column, "")
        begins = text[:1].isupper() or bool(cell_of(words))
        last = words.rpartition(" ")[2]
        ended = len(last) > 1 and last.isupper() and not text.isupper()  # a place, `JON'S HOUSE`
        ended = ended or (words == self.head and not codes.OPEN.fullmatch(words[-_WORDS:])) or self.under == column
        return column == "description" and ended and begins and words[-1:].isalnum()

    def _speaks(self, text: str) -> bool:
        """Whether a line is a speaker and what is said: it is in quotes, or the speaker is named elsewhere too."""
        match = SPEAKER.fullmatch(text)
        if match is None or match["who"][0].islower() or match["who"].casefold() in READ:
            return False
        name = rf"(?<!\w)(?:{re.escape(match['who'])}|{re.escape(titled(match['who']))})(?!\w|\s*[(:\uff1a])"
        known = self.answered or OFF.fullmatch(match["who"]) or _QUOTED.fullmatch(match["words"])
        return bool(known or re.search(name, self.text))


def _begins(text: str) -> bool:
    """Whether a line begins a shot or a scene by its number, or tells of one by a column's name."""
    return bool(SHOT.fullmatch(text) or SCENE.fullmatch(text) or _PLACE.fullmatch(text) or _labelled(text)[0])


def _is_heading(text: str) -> bool:
    """Whether a line is the heading of a scene, as scripts have it."""
    head = HEAD.match(text)
    return head is not None and head["side"].isupper() and scene_of(text) is not None


def _labelled(text: str) -> tuple[str, str]:
    """The column and the cell of a line, or an item of a list, such as `Duration: 4s`; nothing where it is none."""
    item = _ITEM.fullmatch(text)
    match = _LABEL.fullmatch(item[1] if item else text)
    if match and (of := _OF.fullmatch(match[1])) and held_in(of[1], match[2] or "") == "dialogue":
        return "dialogue", f"{of[2]}: {match[2] or ''}".strip()
    if match and match[1].casefold() in _MUSIC:
        return "notes", f"{match[1]}: {match[2] or ''}".strip()
    column = held_in(match[1], match[2] or "") if match else ""
    return (column, match[2] or "") if match and column not in {"", "scene", "shot"} else ("", "")
