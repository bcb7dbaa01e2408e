"""The seam of voices: what one is, what it is given and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Protocol

from msgspec import Struct

from sora_cli.errors import RequestError
from sora_cli.media.stream import Samples
from sora_cli.texts import shortened


class Unspeakable(RequestError):
    """A line has nothing in it that the voice can say."""


def nothing_to_say(voice: str, text: str) -> Unspeakable:
    """A line of which a voice can say nothing: it has no words, or none that the voice can read."""
    if any(sign.isalnum() for sign in text):
        hint = "give the line a voice of its language, or its words a pronunciation under `say`"
        return Unspeakable(f"voice {voice} cannot read {shortened(text, 60)!r}", hint=hint)
    return Unspeakable(f"voice {voice} has nothing to say in {shortened(text, 60)!r}", hint="write some words")


class Word(Struct, frozen=True):
    """A written word, punctuation and all, heard from sample `start` up to `end` of its line."""

    text: str
    start: int
    end: int


class Speech(Struct, frozen=True):
    """A spoken line: mono samples `(n,)` at 48 kHz that begin with its first audible one, and its words."""

    samples: Samples
    words: tuple[Word, ...]


class VoiceCard(Struct, frozen=True, kw_only=True):
    """What is known of a voice before it speaks.

    `language` is a BCP 47 tag. `pitch` is the median fundamental frequency in Hz, measured (0: not measured), and
    `manner` what it is like, in a few words. `revision` names all that shapes its sound, and is part of a line's key.
    """

    name: str
    language: str
    manner: str
    pitch: int
    licence: str
    revision: str


class Voice(Protocol):
    """Says lines: the same line the same way, every time on one machine."""

    @property
    def card(self) -> VoiceCard:
        """What is known of it."""
        ...

    def unreadable(self, text: str, say: Mapping[str, str]) -> tuple[str, ...]:
        """The words of `text` that it cannot read, and would leave out; loads nothing heavy."""
        ...

    def speak(self, text: str, say: Mapping[str, str]) -> Speech:
        """Say `text`, with the words in `say` pronounced as written there.

        Raises:
            Unspeakable: there is nothing in it that the voice can say.
            MachineError: the machine lacks what the voice needs.
        """
        ...


def spread(text: str, length: int) -> tuple[Word, ...]:
    """The words of a text spread over `length` samples, by their letters: where nothing measured them."""
    words = text.split()
    ends = [0, *accumulate(len(word) + 1 for word in words)]
    at = [end * length // ends[-1] for end in ends] if words else [0]
    return tuple(Word(word, at[number], at[number + 1]) for number, word in enumerate(words))
