"""Who says what with which voice, how long it takes, and when it is heard: a film's lines, made exact.

Lines are measured before the shots are placed, since a beat may be as long as its lines; they are placed after that.
"""

from __future__ import annotations

import contextlib
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field

from sora_cli.engines.base import EngineCard
from sora_cli.errors import Mark, MediaError, Problem, RequestError, SoraError
from sora_cli.media.stream import SAMPLE_RATE
from sora_cli.plan.plan import PlannedShot
from sora_cli.plan.speaking import timing
from sora_cli.plan.takes import card_of
from sora_cli.plan.times import silences
from sora_cli.sound.lines import PlacedLine, TimedLine, in_beat, length, sample, talking_over
from sora_cli.sound.space import side_of, space_of
from sora_cli.sound.speech import Said, Speaker, VoiceLine, estimated, voice_of
from sora_cli.sound.voices.base import spread
from sora_cli.storyboard.model import Beat, CastMember, Loc, Storyboard
from sora_cli.storyboard.sound import DialogueLine, SpokenLength
from sora_cli.texts import shortened

NARRATOR = "en-us-1"
"""The narrator's default voice."""
_DIRECTION = re.compile(
    r"</?[a-z][^<>]*>|\[[^\[\]]{1,40}\]|^\s*\([^()]{1,40}\)|^\s*\*[a-z]+s\b[^*]{0,40}\*", re.IGNORECASE
)
"""What other programs and scripts write into a line that is not said: `<break/>`, `[laughs]`, `(softly)` before it."""
_SPEAKER = re.compile(r"\s*([^\W\d_][\w .'-]{0,30}):\s")
"""What may be the name of who speaks, before what is said."""


class Dialogue(Struct, dict=True):
    """The lines of one film; `problems` and `remarks` gather what the author should know."""

    board: Storyboard
    cards: Mapping[str | None, EngineCard]
    speaker: Speaker
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    _spoken: dict[Loc, list[TimedLine]] = field(default_factory=dict)
    """By beat."""
    _lines: dict[tuple[Loc, int], VoiceLine] = field(default_factory=dict)
    _estimates: bool = False

    def __post_init__(self) -> None:
        for shot in self.board.shots:
            for beat in shot.beats:
                if beat.dialogue:
                    self._spoken[beat.loc] = self._measured(beat)

    # -- lengths ---------------------------------------------------------------------------------

    def seconds(self, beat: Beat) -> Fraction:
        """Seconds of a beat that is as long as its lines."""
        spoken = self._spoken.get(beat.loc, [])
        return length(spoken, (beat.spoken or SpokenLength()).tail) if spoken else Fraction(1)  # what is wrong was told

    def _measured(self, beat: Beat) -> list[TimedLine]:
        lines = []
        for number, line in enumerate(beat.dialogue):
            if not line.line and line.path is None:
                continue  # a line without words: told by the reader
            if line.at is not None and line.pause is not None:
                self._remark(beat, number, "this line has an `at`: its `pause` changes nothing", "remove one of them")
            try:
                lines.append((line, self._said(beat, number, line)))
            except (RequestError, MediaError) as error:
                file = isinstance(error, MediaError)
                mark = self.board.mark(self._file_of(beat, number, line)) if file else self._mark(beat, number)
                self.problems.append(Problem(error.message, error.hint, mark))
        timed = in_beat(lines, (beat.spoken or SpokenLength()).lead)
        if beat.spoken is not None:
            self.remarks += silences(self.board, beat, beat.spoken, timed)
        return timed

    def _said(self, beat: Beat, number: int, line: DialogueLine) -> Said:
        if line.path is not None:
            from sora_cli.media.read import sound_blocks  # opens files of all kinds; most lines are in none

            samples = sum(len(block) for block in sound_blocks(line.path))
            return Said("", samples, spread(line.line, samples))
        who = self._voices.get(line.cast, CastMember(line.cast, voice=NARRATOR))  # nobody of this name: told already
        spoken = VoiceLine(line.line, who.voice, who.voice_path, self.board.say)
        self._lines[beat.loc, number] = spoken
        if self._by_model(beat) and voice_of(spoken).unreadable(line.line, self.board.say):
            guess = estimated(line.line)  # engines speak languages that the voice does not
            return Said("", guess, spread(line.line, guess))
        if found := _DIRECTION.search(line.line) or self._named(line.line):
            hint = "take it out: a line is spoken word for word; how it sounds is its voice's"
            self._remark(beat, number, f"`{found[0].strip()}` would be read aloud", hint)
        said = self.speaker.measure(spoken)
        if said.left_out:
            words = ", ".join(word.strip(string.punctuation) or word for word in said.left_out)
            hint = "give the line a voice of that language, or its words a pronunciation under `say`"
            self._remark(beat, number, f"voice {who.voice} cannot read {words}: it says the other words", hint)
        if said.estimated and not self._estimates:
            self._estimates = True
            message = f"lengths of lines are estimated from here on: {said.lacks or 'they are not spoken yet'}"
            self._remark(beat, number, message, said.estimated)
        return said

    def _named(self, words: str) -> re.Match[str] | None:
        """Who speaks, where that stands before the words of a line, as in scripts: in capitals, or by a cast's name."""
        found = _SPEAKER.match(words)
        known = found and (found[1].isupper() or found[1].casefold() in {name.casefold() for name in self.board.cast})
        return found if known else None

    # -- voices ----------------------------------------------------------------------------------

    @cached_property
    def _voices(self) -> dict[str, CastMember]:
        return dict(self._with_voices())

    def _with_voices(self) -> Iterator[tuple[str, CastMember]]:
        """Everybody who speaks, each with a voice: one that is not in use, if the storyboard names none."""
        from sora_cli.sound.voices.catalogue import names

        beats = [beat for shot in self.board.shots for beat in shot.beats]
        lines = [(line, self._by_model(beat)) for beat in beats for line in beat.dialogue]
        speaking = dict.fromkeys(line.cast for line, _ in lines if line.path is None)
        heard = {line.cast for line, by_model in lines if line.path is None and not by_model}
        members = {**self.board.cast, "": self.board.narrator}
        taken = {member.voice for member in members.values()} | {NARRATOR}
        free = iter([*(name for name in names() if name not in taken), *names()])
        for name, member in members.items():
            if name not in speaking:
                continue
            if member.voice:
                yield name, self._checked(name, member)
            else:
                voice = next(free) if name else NARRATOR
                yield name, CastMember(member.name, voice=voice)
                if name in heard - {""}:
                    message = f"{name} has no voice of their own: {voice} speaks"
                    where = self.board.mark(("cast", name))
                    self.remarks.append(Problem(message, "write `voice: NAME` there; `sora voices` lists them", where))

    def _checked(self, name: str, member: CastMember) -> CastMember:
        from sora_cli.sound.voices.catalogue import find

        try:
            if member.voice_path is None:
                find(member.voice)
        except SoraError as error:
            place = ("cast", name, "voice") if name else ("narrator", "voice")
            self.problems.append(Problem(error.message, error.hint, self.board.mark(place)))
            return CastMember(member.name, voice=NARRATOR)
        return member

    def sample(self, name: str) -> tuple[str, Path] | None:
        """The voice that the cast names for somebody, and a file in which it speaks; None where there is none here.

        A file of the author's own is no such voice: what was spoken with it could not be spoken again from a record.
        """
        member = self.board.cast.get(name)
        if member is None or not member.voice or member.voice_path is not None:
            return None
        with contextlib.suppress(SoraError):  # what is wrong with a voice is told where its lines are measured
            if (path := self.speaker.sample(member.voice)) is not None:
                return member.voice, path
        return None

    # -- places ----------------------------------------------------------------------------------

    def placed(self, shots: Sequence[PlannedShot], fps: Fraction) -> tuple[PlacedLine, ...]:
        """The lines of shots that are placed in the film; what does not fit is remarked on."""
        written = {shot.name: shot for shot in self.board.shots}
        lines: list[PlacedLine] = []
        for shot in shots:
            at = shot.start
            for beat, made in zip(written[shot.name].beats, shot.beats, strict=True):
                lines += self._in_beat(shot.name, beat, at, fps)
                for number, spoken in enumerate(self._spoken.get(beat.loc, ())):
                    self._check_fit(beat, number, spoken, made.frames / fps)
                at += made.frames
        end = max(shot.start + shot.frames for shot in shots)
        self._check_together(lines, sample(end, fps, Fraction(0)))
        return tuple(lines)

    def _in_beat(self, shot: str, beat: Beat, at: int, fps: Fraction) -> Iterator[PlacedLine]:
        """The lines of a beat that begins on film frame `at`."""
        by_model = self._by_model(beat)
        for number, spoken in enumerate(self._spoken.get(beat.loc, ())):
            line = spoken.line
            inside = line.cast and not line.offscreen
            yield PlacedLine(
                line=line,
                said=spoken.said,
                start=sample(at, fps, spoken.offset),
                shot=shot,
                depth=beat.bed.duck,
                space=(beat.bed.space or space_of(beat.setting)) if inside else "open",
                pan=_pan(line, beat.prompt),
                spoken=self._lines.get((beat.loc, number)),
                laid=line.path is not None or not by_model,
                loc=(*beat.origin["dialogue"], number),
            )

    def _by_model(self, beat: Beat) -> bool:
        """Whether the engine of a beat says its lines."""
        return timing(card_of(self.board, self.cards, beat), beat) is not None

    def _check_fit(self, beat: Beat, number: int, spoken: TimedLine, seconds: Fraction) -> None:
        over = float(spoken.end - seconds)
        if over > 0.5 / SAMPLE_RATE and not (beat.spoken and over < 1):
            takes = f"this line takes {spoken.said.length / SAMPLE_RATE:.1f} s from {float(spoken.offset):.1f} s on"
            hint = "`duration: spoken` makes the beat as long as its lines"
            self._remark(beat, number, f"{takes} and ends {over:.1f} s after its beat", hint)

    def _check_together(self, lines: Sequence[PlacedLine], end: int) -> None:
        """Say which lines of one character sound at once, and which the film's end cuts off."""
        for before, later in talking_over(lines):
            who = later.line.cast or "the narrator"
            over = (before.end - later.start) / SAMPLE_RATE
            self.remarks.append(
                Problem(
                    f"{who} still says {shortened(before.line.line, 40)!r} for {over:.1f} s when this line begins",
                    "give it a later `at`, or none: it then follows the line before",
                    self.board.mark(later.loc),
                )
            )
        for line in lines:
            if line.end > end and line.laid:
                message = f"the film ends {(line.end - end) / SAMPLE_RATE:.1f} s before this line does: it is cut off"
                self.remarks.append(Problem(message, "make its beat longer", self.board.mark(line.loc)))

    def _file_of(self, beat: Beat, number: int, line: DialogueLine) -> Loc:
        """Where the recording of a line is named, or the file of its voice."""
        if line.path is None:
            return ("cast", line.cast, "voice") if line.cast else ("narrator", "voice")
        place = (*beat.origin["dialogue"], number)
        named = self.board.material
        return next((loc for loc, path in named.items() if path == line.path and loc[: len(place)] == place), place)

    def _mark(self, beat: Beat, number: int) -> Mark | None:
        return self.board.mark((*beat.origin["dialogue"], number))

    def _remark(self, beat: Beat, number: int, message: str, hint: str) -> None:
        self.remarks.append(Problem(message, hint, self._mark(beat, number)))


def _pan(line: DialogueLine, prompt: str) -> float:
    """From where a line is heard: what is written with it, else where the beat's words say that its speaker is."""
    if line.pan is not None:
        return line.pan
    return side_of(line.cast, prompt) if line.cast and not line.offscreen else 0.0
