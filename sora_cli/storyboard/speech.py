"""Who speaks, what, and when: voices, lines, and beats as long as their lines."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from msgspec import Struct

from sora_cli.spelling import composed
from sora_cli.storyboard.cast import Casting, read_voice
from sora_cli.storyboard.files import A_SOUND, HEARD, Files, suffix
from sora_cli.storyboard.links import Links
from sora_cli.storyboard.model import CastMember, Duration, Loc
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.schema import DialogueForm, NarratorForm, RecordingForm, SpokenForm
from sora_cli.storyboard.sound import DialogueLine, SpokenLength
from sora_cli.storyboard.source import quoted


def read_narrator(written: NarratorForm | str | None, files: Files) -> CastMember:
    """Who speaks for nobody in the cast."""
    form = NarratorForm(voice=written) if isinstance(written, str) else written
    loc: Loc = ("narrator",) if isinstance(written, str) else ("narrator", "voice")
    name, path = read_voice(form.voice, loc, files) if form and form.voice else ("", None)
    return CastMember("narrator", voice=name, voice_path=path)


class LineReader(Struct, frozen=True):
    """Reads the lines of beats, and notes what is wrong with them."""

    document: Document
    problems: Problems
    files: Files
    casting: Casting
    links: Links
    pruned: Collection[Loc] = ()
    """What could not be read, and was told."""

    def lines(self, written: list[DialogueForm] | DialogueForm, loc: Loc) -> tuple[DialogueLine, ...]:
        """The lines of a beat."""
        forms = written if isinstance(written, list) else [written]
        return tuple(self._line(form, (*loc, index)) for index, form in enumerate(forms))

    def _line(self, form: DialogueForm, loc: Loc) -> DialogueLine:
        if form.cast is not None:
            self.casting.check(composed(form.cast), (*loc, "cast"))
        recording, place = form.file, (*loc, "file")
        if isinstance(form.line, RecordingForm):
            recording, place = form.line.file, (*loc, "line", "file")
        text = form.line if isinstance(form.line, str) else ""
        if suffix(text) in HEARD and (" " not in text or (self.files.base / text).exists()):
            self.files.refuse(f"{quoted(text)}: a line is told in words", (*loc, "line"), f"write `file: {text}`")
        places = (loc, loc[:-1])  # one mapping may stand where a list may
        told = {(*place, key) for place in places for key in ("line", "file")} & set(self.pruned)
        if not text and recording is None and not told:
            hint = "add `line: ...`, or `file: ...` with a recording"
            self.problems.add("`line` is missing here", self.document.mark(loc), hint)
        return DialogueLine(
            composed(form.cast or ""),
            text,
            self._seconds(form.at, (*loc, "at")),
            self._seconds(form.pause, (*loc, "pause")),
            self.files.find(recording, place, HEARD, A_SOUND) if recording else None,
            level=form.level or 0.0,
            pan=form.pan,
            offscreen=bool(form.offscreen),
        )

    def length(self, written: SpokenForm | SpokenLength, loc: Loc, lines: int, beat: Loc) -> SpokenLength:
        """The length, written at `loc`, of a `beat` that is as long as its lines."""
        if not lines and not any(each[: len(loc)] == loc for each in self.pruned):
            hint = "add dialogue, or write a length such as 4s"
            self.problems.add("nobody speaks in this beat, so it has no length", self.document.mark(beat), hint)
        if isinstance(written, SpokenLength):
            return written
        usual = SpokenLength()
        lead, tail = self._seconds(written.lead, (*loc, "lead")), self._seconds(written.tail, (*loc, "tail"))
        return SpokenLength(usual.lead if lead is None else lead, usual.tail if tail is None else tail)

    def _seconds(self, written: Duration | None, loc: Loc) -> Fraction | None:
        found = self.links.seconds(written, loc) if written is not None else None
        return found if isinstance(found, Fraction) else None
