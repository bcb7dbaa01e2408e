"""Shot lists: a shot in each row."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from msgspec import Struct, field

from sora_cli import texts
from sora_cli.errors import StoryboardError
from sora_cli.interchange import spans, words
from sora_cli.interchange.cells import adds_up, is_total
from sora_cli.interchange.codes import OPEN
from sora_cli.interchange.headings import HEAD, scene_of, side_of
from sora_cli.interchange.listed import ListRow, list_rows, meaning, rate_of, times
from sora_cli.interchange.moves import directed
from sora_cli.interchange.outline import (
    Outline,
    OutlineBeat,
    OutlineScene,
    OutlineShot,
    SourceText,
    member,
    mention,
    name_shots,
    slug,
    titled,
)
from sora_cli.interchange.said import MARKS, OFF, SOUNDS, SPOKEN, heard, said, spoken, unquoted
from sora_cli.interchange.unseen import add_to, goes_on, narrated, speaking
from sora_cli.storyboard import forms
from sora_cli.storyboard.source import quoted

_INTRODUCED = re.compile(
    r"(?:[-*\u2022]\s+|[0-9]{1,2}[.)]\s+)?@?(?P<who>[^\W\d_a-z][\w.'-]*(?: [\w.'-]+){0,2}?)"
    r"\s*(?:[:\uff1a]|\s[-\u2013\u2014]\s|,\s+(?=(?:an?|the|[0-9]+)\b))\s*(?P<looks>.{3,400})"
)
"""How somebody looks, in a line above the shots: `Mara: red hair, a blue coat`."""
_AWAY = re.compile(
    r"fade (?:to|out)\b.*|.*\b(?:to|into) (?:the )?(?:next|shot|scene|end)\b.*|(?:ab|aus)blende.*|fundido a .*",
    re.IGNORECASE,
)
"""A transition that a shot goes out with, in whichever column it stands: `fade to black`, `dissolve to next shot`."""
_NUMBERED = re.compile(r"([0-9]{1,4}[A-Za-z]?)(?:\s+[-\u2013\u2014]|[.:\uff1a])\s+(\S.*)", re.DOTALL)
"""A scene's cell that has its number and its place: `1 - Beach`."""
_LONG = 300
"""Seconds from which on a shot is told as long: `24:12` may be meant as seconds and frames."""
_MONTHS = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|mär|mrz|okt|dez|fév|avr|juin|juil|août|déc|ene|abr|ago|dic"
)
_DATE = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{1,2}}[-. ]+(?:{_MONTHS})[a-z]*\.?|(?:{_MONTHS})[a-z]*\.?[- ][0-9]{{1,4}}"
    r"|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}|[0-9]{1,2}月[0-9]{1,2}日",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*[-*\u2022]\s+(?=\S)")
_KANA = re.compile("[\u3041-\u30ff]")


def read_shotlist(page: SourceText, folder: Path, *, each: bool = False) -> Outline:
    """The outline of a shot list; its pictures are looked for in `folder`.

    In a table a row without a picture goes on over the shot above; not where `each` row is known to be a shot.

    Raises:
        StoryboardError: no row names columns, or no row has a shot.
    """
    outline = Outline()
    rows = list_rows(page, outline)
    looks = dict(_introduced(outline, rows))
    reader = _Reader(page, outline, folder, {**dict(_named(rows)), **looks}, dict(times(rows)))
    reader.each = each
    reader.animated = _KANA.search(page.text) is not None
    for row in rows:
        reader.take(row)
    outline.notes += [f"at the end: {note}" for note in reader.pending]
    if reader.going:
        outline.remarks.append(page.problem(rows[-1].line, f"no shot follows: {quoted(reader.going)} is left out"))
    if not outline.shots:
        raise StoryboardError([page.problem(1, "there is no shot in this list", "one row a shot, below the columns")])
    for name, spelled in reader.cast.items():
        outline.cast.setdefault(name, titled(spelled))
    name_shots(outline.scenes)
    return outline


def _introduced(outline: Outline, rows: Sequence[ListRow]) -> Iterator[tuple[str, str]]:
    """Who is introduced above the shots, `Mara: red hair, a blue coat`, and is in one of them; the outline has how."""
    told = " ".join(cell for row in rows for cell in row.cells.values())
    for note in list(outline.notes):
        match = _INTRODUCED.fullmatch(note)
        name = match["who"] if match else ""
        if (
            match
            and not meaning(name)[0]
            and re.search(rf"(?<!\w)(?:{re.escape(name)}|{re.escape(name.upper())})(?!\w)", told)
        ):
            outline.cast.setdefault(member(name), match["looks"].strip(" ."))
            outline.notes.remove(note)
            yield member(name), name


def _named(rows: Sequence[ListRow]) -> Iterator[tuple[str, str]]:
    """Who is in the film: the cells of the cast's column, and who speaks."""
    for row in rows:
        yield from ((member(name), name) for name in _names(row))
        for who, *_ in spoken(row.get("dialogue") or _overheard(row, ())):
            if who and not OFF.fullmatch(who):
                yield member(who), who


def _names(row: ListRow) -> Iterator[str]:
    """The names in the cast's column of a row."""
    for name in re.split(r"[,;/&+\n\u3001\uff0c]|\b(?:and|und|et|y|e|en|и)\b", row.get("cast")):
        if re.fullmatch(r"[^\W\d][\w .'-]{0,40}", name.strip()):
            yield name.strip()


# -- the shots ---------------------------------------------------------------------------------------------------------


class _Reader(Struct):
    """Walks down the rows; `outline` grows."""

    page: SourceText
    outline: Outline
    folder: Path
    cast: dict[str, str]
    times: dict[int, tuple[str, str]]
    """When the shot of a line starts and ends."""
    number: str = ""
    names: set[str] = field(default_factory=set)
    """Of the shots so far."""
    pending: list[str] = field(default_factory=list)
    label: str = ""
    """What shots of the scene are named after: its number, or its name where a heading tells it."""
    section: OutlineScene | None = None
    """The scene that a row of its own begins."""
    dated: bool = False
    """Whether a number was told that a spreadsheet made a date of."""
    animated: bool = False
    """Whether the list is Japanese: then `3+12` is seconds and frames."""
    unsown: set[str] = field(default_factory=set)
    """What was told to be no seed."""
    going: str = ""
    """How the last row's shot goes out, which is how the next comes in."""
    uncounted: bool = False
    """Whether a length was told that counts frames at no rate."""
    each: bool = False
    """Whether each row is a shot of its own."""

    def take(self, row: ListRow) -> None:
        """One row: a shot, or what stands alone in it."""
        subject, prompt = (_in_a_row(row.get(name)).rstrip(".") for name in ("subject", "description"))
        subject = ", ".join(filter(None, (subject, *_unnamed(row, f"{subject} {prompt}"))))
        if not prompt.casefold().startswith(subject.casefold()):
            prompt = f"{subject}. {prompt}" if prompt else subject
        filled = [cell for cell in row.cells.values() if cell.strip()]
        last = self.outline.shots[-1:] if not (prompt or self.pending or self.each) else []
        if last and last[0].beats and goes_on(row):
            add_to(last[0], row)
            return
        alone = len(filled) <= 1 and not (self.each and row.get("dialogue"))
        if (not prompt and (alone or is_total(filled[0]))) or adds_up([*row.more.values(), *filled]):
            self._heading(row)
            return
        if not prompt:
            prompt = self._unsaid(row)
        if prompt or _is_card(row):
            scene = self._scene(row)
            scene.shots.append(self._shot(row, scene, prompt))

    def _unsaid(self, row: ListRow) -> str:
        """What stands for the description of a row that has none; empty where nothing does, and for a title card."""
        if _is_card(row):
            return ""
        number, last = row.get("scene"), self.outline.scenes[-1] if self.outline.scenes else None
        begun = self.section or scene_of(number) or (last if number in {"", self.number} else None)
        place = _sided(row) or (begun.setting if begun else "")
        prompt = speaking(row) or place or row.get("size") or narrated(row)
        instead = f"{quoted(prompt)} stands for it" if prompt else "it is left out, and its cells kept as a comment"
        self._tell(row, f"no description of this shot: {instead}")
        if not prompt:
            told = {**row.cells, **row.more}
            self.pending.append(", ".join(f"{column}: {cell}" for column, cell in told.items() if cell.strip()))
        return prompt

    def _tell(self, row: ListRow, message: str, hint: str = "") -> None:
        self.outline.remarks.append(self.page.problem(row.line, message, hint))

    def _heading(self, row: ListRow) -> None:
        """A row with one cell, which is a heading or a note."""
        text = " ".join([*(cell.strip() for cell in row.cells.values() if cell.strip()), *row.more.values()])
        self.section = scene_of(text) or self.section
        self.pending.append(text)

    def _scene(self, row: ListRow) -> OutlineScene:
        """The scene of a row: a new one where its number or its place is another."""
        number, place = row.get("scene"), _sided(row)
        scenes, told = self.outline.scenes, self.section
        if number != self.number and HEAD.match(number):
            told = scene_of(number) or told
        light = words.LIGHT.get(row.get("light").casefold().strip(), "")  # how a shot is lit is its own
        moved = place and scenes and scenes[-1].setting and place != scenes[-1].setting and not number
        if scenes and told is None and (not number or number == self.number) and not moved:
            return scenes[-1]
        self.number, self.section = number, None
        if told is None and (apart := _NUMBERED.fullmatch(number)):
            number, place = apart[1], place or apart[2]
        numbered = f"scene {number}" if number.isdecimal() else "" if told else number
        name = slug(f"{numbered} {told.name if told else row.get('place') or place}", (), "scene")
        name = texts.free(name, {scene.name for scene in scenes})
        self.label = name if told and not numbered else number
        if told:
            place, light = place or told.setting, light or told.light
        notes, self.pending = self.pending, []
        scenes.append(OutlineScene(name, place, light, notes=notes))
        return scenes[-1]

    def _shot(self, row: ListRow, scene: OutlineScene, prompt: str) -> OutlineShot:
        notes, self.pending = self.pending, []
        notes += [row.get("notes")] if row.get("notes") else []
        notes += [f"{name}: {cell}" for name, cell in row.more.items()]
        words_of = row.get("dialogue") or _overheard(row, self.cast)
        beat = OutlineBeat(mention(prompt, self.cast), self._length(row), said(words_of))
        beat.duration = beat.duration or ("spoken" if beat.lines else "3s" if _is_card(row) else "")
        shot = OutlineShot([beat], name=self._name(row), notes=notes)
        _direct(shot, row)
        shot.transition = self._transition(row)
        sound = "" if words_of == row.get("sound") else row.get("sound")
        shot.sound = ", ".join(filter(None, (sound, heard(words_of))))
        shot.picture, shot.title, shot.avoid = self._picture(row), unquoted(row.get("title")), row.get("avoid")
        shot.seed, shot.style, shot.mood = self._seed(row), row.get("style").rstrip("."), row.get("mood").rstrip(".")
        place, light = _sided(row), words.LIGHT.get(row.get("light").casefold().strip(), row.get("light"))
        shot.light = light if light != scene.light else ""
        if place and place != scene.setting:
            notes.append(f"in this row: {place}")
            self._tell(row, "another place than its scene's: kept as a comment", "give it a scene of its own")
        return shot

    def _name(self, row: ListRow) -> str:
        shot = row.get("shot")
        if not self.dated and (dated := next(filter(_DATE.fullmatch, (shot, row.get("scene"))), "")):
            self.dated = True
            told = f"{quoted(dated)} is a date: spreadsheets make one of numbers such as 1-2 or 3/4"
            self._tell(row, told, "make the column text in the spreadsheet, and write the numbers again")
        if not shot:
            return ""
        named = len(re.findall(r"[^\W\d_]", shot)) > 2  # `arrival`, where others have `A`
        whole = shot
        if not named and (shot.isdecimal() or not shot.casefold().startswith(self.label.casefold())):
            apart = "-" if self.label and (shot[0].isdigit() or not self.label[-1].isdigit()) else ""
            whole = f"{self.label}{apart}{shot}"
        name = texts.name(re.sub(r"[\s/\\]+", "-", whole), 60)
        own = texts.free(name, self.names)
        self.names.add(own)
        if own != name:
            self._tell(row, f"shot {quoted(name)} is there already: this one is called {quoted(own)}")
        return own

    def _seed(self, row: ListRow) -> str:
        """The seed of a row; other tools write -1 where they draw one."""
        seed = row.get("seed")
        if seed.isascii() and seed.isdecimal() and int(seed) < 1 << 63:
            return seed
        if seed and seed not in self.unsown:
            self.unsown.add(seed)
            self._tell(row, f"{quoted(seed)} is not a seed: it is left out", "write a whole number from 0")
        return ""

    def _length(self, row: ListRow) -> str:
        """How long a shot is: by its length, its frames, or when it starts and ends."""
        fps, frames, text = rate_of(self.outline.fps), row.get("frames"), row.get("duration")
        text = text or (f"{frames}f" if frames.isdecimal() else frames)
        text = text or ("" if row.line in self.times else row.get("time"))
        try:
            if text:
                fps = fps or self._animated(row, text)
                found = words.length(text, fps, animated=self.animated)
                if ":" in text and found.endswith("s") and float(found[:-1]) > _LONG:
                    self._tell(row, f"{quoted(text)} is taken as minutes and seconds: {float(found[:-1]) / 60:.1f} min")
                if found.endswith("f") and fps is None and not self.uncounted:
                    self.uncounted = True
                    told = f"{quoted(text)} counts frames, and nothing says at which rate: its engine's is taken"
                    self._tell(row, told, f"write seconds; or {spans.HINT_RATE}")
                return found
            return words.written(spans.between(*self.times[row.line], fps)) if row.line in self.times else ""
        except forms.Wrong as wrong:
            self._tell(row, f"{wrong.message}: the shot keeps its engine's length", wrong.hint)
            return ""

    def _animated(self, row: ListRow, text: str) -> Fraction | None:
        """The rate of Japanese animation, where a length is in its seconds and frames, which is told once."""
        apart = spans.split(text.strip()) if self.animated else None
        if apart is None or not apart.frames:
            return None
        if not self.uncounted:
            told = f"{quoted(text)} is taken at 24 frames a second, as animation is in Japan"
            self._tell(row, told, f"at another rate, {spans.HINT_RATE}")
        self.uncounted = True
        return Fraction(24)

    def _transition(self, row: ListRow) -> str:
        told, text, self.going = row.get("transition"), self.going, row.get("going")
        if _AWAY.fullmatch(told):
            self.going = self.going or told
        else:
            text = told or text
        come, whole = words.transition(text)
        if text and not whole:
            self._tell(row, f"{quoted(text)} is taken as `{come or 'cut'}`")
        return come

    def _picture(self, row: ListRow) -> str:
        text = re.sub(r"\s*\(https?://[^()]*\)", "", row.get("picture"))  # as Airtable has what is attached
        if text and not (self.folder / text).is_file():
            self._tell(row, f"no such file: {quoted(text)}: the shot begins on nothing")
            return ""
        return text


def _overheard(row: ListRow, cast: Container[str]) -> str:
    """What somebody says in a column of sounds, as scripts in two columns have it: `Anna: "Hello."`."""
    match = SPOKEN.match(row.get("sound"))
    if match is None or match["who"].casefold() in SOUNDS or not match["who"][0].isupper():
        return ""
    known = member(match["who"]) in cast or OFF.fullmatch(match["who"]) or match["words"].strip()[:1] in MARKS
    return row.get("sound") if known or re.search(rf"\b{re.escape(match['who'])}\b", row.get("description")) else ""


def _unnamed(row: ListRow, words: str) -> Iterator[str]:
    """Who is in a row by its column of the cast, and not in its words, by any part of the name."""
    for name in _names(row):
        if not any(re.search(rf"\b{re.escape(part)}\b", words, re.IGNORECASE) for part in name.split()):
            yield name


def _in_a_row(cell: str) -> str:
    """The lines of a cell as sentences in a row; a line that was broken for its width goes on."""
    found, lines = "", [line for line in cell.splitlines() if line.strip()]
    for line in lines:
        item = _ITEM.match(line) if len(lines) > 1 else None
        words = " ".join(line[item.end() :].split()) if item else " ".join(line.split())
        ends = found[-1:].isalnum() and (item or words[:1].isupper()) and not OPEN.fullmatch(found[-_LONG:])
        found = f"{found}{'.' if ends else ''} {words}" if found else words
    return found


def _is_card(row: ListRow) -> bool:
    """Whether a row is a title card alone."""
    others = any(map(row.get, ("description", "subject", "dialogue", "sound")))
    return bool(row.get("title")) and not others


def _direct(shot: OutlineShot, row: ListRow) -> None:
    """The framing, angle, lens and move of a row; terms that sora does not know stay as they are written."""
    size, angle, lens = (" ".join(row.get(name).split()) for name in ("size", "angle", "lens"))
    shot.framing = words.framing(size) or size
    if angle and not size and words.framing(angle):
        shot.framing, angle = words.framing(angle), ""
    told = directed(row.get("move"))
    shot.framing, shot.camera = shot.framing or told.get("framing", ""), told.get("move", "")
    shot.angle = angle.lower() or told.get("angle", "")
    shot.lens = f"{lens}mm" if lens.isdecimal() else lens or told.get("lens", "")


def _sided(row: ListRow) -> str:
    """Where a row plays, with its side: `interior, kitchen`."""
    return ", ".join(part for part in (side_of(row.get("side")), row.get("place")) if part)
