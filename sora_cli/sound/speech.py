"""Spoken lines, each said once and kept in the store by its key: its samples and the times of its words.

So what `check` and `plan` know of a line's length is the length of the very sound that is laid under the film.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, field

from sora_cli.bounded import Json
from sora_cli.errors import HINT_WRITE, MachineError, StoreError
from sora_cli.media.stream import SAMPLE_RATE
from sora_cli.sound.files import write_flac
from sora_cli.sound.voices.base import Speech, Voice, Word, spread
from sora_cli.sound.voices.catalogue import find, of_file
from sora_cli.store import Store

KEY_VERSION = 1
"""Part of every key: raised when the same line would be kept otherwise."""
SAMPLE = "The road along the river is quiet today, and nobody is in a hurry."
"""What a voice says to be known by: a sentence of some four seconds, without a mood."""
LETTERS_A_SECOND = 14
"""How quickly a line is said, for one that no voice here can measure: half of the embedded ones' lie within 15 %."""


class VoiceLine(Struct, frozen=True):
    """What is said, by which voice: its name, or the file of its style vector. `say` are pronunciations by word."""

    text: str
    voice: str
    file: Path | None = None
    say: Mapping[str, str] = field(default_factory=dict)


class Said(Struct, frozen=True):
    """A line's sound: `length` samples at 48 kHz, and its words. `left_out` are words that the voice cannot read.

    `estimated` says what to do to know the length, where nothing is kept under `key`; `lacks` why nothing can be
    spoken here.
    """

    key: str
    length: int
    words: tuple[Word, ...] = ()
    left_out: tuple[str, ...] = ()
    estimated: str = ""
    lacks: str = ""


class Speaker:
    """Says lines, and keeps what was said. `tell` hears of each line that is said anew, before it is.

    To measure lines it says at most so many `letters` anew (None: any number), and estimates the rest.
    """

    def __init__(
        self, store: Store, tell: Callable[[VoiceLine], None] = lambda _line: None, *, letters: int | None = None
    ) -> None:
        self._store, self._tell, self._letters = store, tell, letters
        self._fresh: dict[str, Speech] = {}
        """What could not be kept."""

    def measure(self, line: VoiceLine) -> Said:
        """How long a line takes, from its own sound; an estimate where this machine has no voice.

        Raises:
            RequestError: there is no such voice, or nothing in the line that it can say.
            MediaError: the voice's file cannot be used.
        """
        if self._letters is not None and self._store.find_sound(self.key(line)) is None:
            self._letters -= len(line.text)
            if self._letters < 0:
                return self._estimated(line, "`sora plan` says them, and knows")
        try:
            return self.said(line)
        except MachineError as error:
            return self._estimated(line, error.hint, error.message)

    def _estimated(self, line: VoiceLine, hint: str, lacks: str = "") -> Said:
        length = estimated(line.text)
        left_out = voice_of(line).unreadable(line.text, line.say)
        return Said(self.key(line), length, spread(line.text, length), left_out, hint, lacks)

    def said(self, line: VoiceLine) -> Said:
        """The line, said and kept.

        Raises:
            As `measure` does, and MachineError: this machine has no voice.
        """
        voice, key = voice_of(line), self.key(line)
        left_out = voice.unreadable(line.text, line.say)
        kept = self._store.find_sound(key)
        if kept is not None and (known := _known(kept[1])) is not None:
            length, words = known
            return Said(key, length, words, left_out)
        speech = self._fresh.get(key) or self._spoken(voice, line, key)
        return Said(key, len(speech.samples), speech.words, left_out)

    def _spoken(self, voice: Voice, line: VoiceLine, key: str) -> Speech:
        self._tell(line)
        speech = voice.speak(line.text, dict(line.say))
        facts = {
            "length": len(speech.samples),
            "words": [[word.text, word.start, word.end] for word in speech.words],
            "voice": voice.card.name,
            "text": line.text,
        }
        try:
            self._store.keep_sound(key, facts, lambda path: write_flac(path, speech.samples))
        except StoreError:  # a film cannot be made here, but its lines can be measured
            self._fresh[key] = speech
        return speech

    def sample(self, voice: str) -> Path | None:
        """The file of a sentence by which a voice is known; None where it is not to be spoken now.

        Raises:
            As `path` does.
        """
        line = VoiceLine(SAMPLE, voice)
        return None if self.measure(line).estimated else self.path(line)

    def path(self, line: VoiceLine) -> Path:
        """The file of a line's sound, said again where it is gone.

        Raises:
            As `said` does, and StoreError: the store cannot be written.
        """
        said = self.said(line)
        kept = self._store.find_sound(said.key)
        if kept is None:
            raise StoreError(f"cannot save spoken lines in {self._store.folder}", hint=HINT_WRITE)
        return kept[0]

    def key(self, line: VoiceLine) -> str:
        """The key of a line: a hash of everything that changes its sound."""
        words = {word.casefold() for word in line.text.split()}
        fields = {
            "version": KEY_VERSION,
            "speech": line.text,
            "voice": voice_of(line).card.revision,
            "say": {word: how for word, how in line.say.items() if any(word.casefold() in part for part in words)},
        }
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


def _known(card: Mapping[str, Json]) -> tuple[int, tuple[Word, ...]] | None:
    """The length and the words of a line that is kept, by its card; None where it does not tell them."""
    length, written = card.get("length"), card.get("words")
    if not isinstance(length, int) or not isinstance(written, list):
        return None
    words: list[Word] = []
    for each in written:
        match each:
            case [str(text), int() | float() as start, int() | float() as end]:
                words.append(Word(text, int(start), int(end)))
            case _:
                return None
    return length, tuple(words)


def estimated(text: str) -> int:
    """How many samples a line takes, by its letters."""
    return max(1, len(text)) * SAMPLE_RATE // LETTERS_A_SECOND


def voice_of(line: VoiceLine) -> Voice:
    """The voice that says a line."""
    return of_file(line.file) if line.file else find(line.voice)
