"""The embedded voices: Kokoro-82M (Apache-2.0), in the packages of `sora-cli[speech]`, on onnxruntime.

What tells one voice from another in Kokoro is a style vector. Five come with the packages; a voice here is a blend of
them, a handful of numbers, and an accent. Nothing is downloaded when it runs, and no model file is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sora_cli.sound.voices import english
from sora_cli.sound.voices.base import Speech, VoiceCard, nothing_to_say

MODEL = "kokoro-82m-v1.0-int8"
FORMAT = 1
"""Part of every revision: raised when the same voice would say a line otherwise."""


class KokoroVoice(Struct, frozen=True):
    """A voice by its style: a blend of the packages' own, by their names, or a file of a style vector."""

    card: VoiceCard
    blend: Mapping[str, float]
    file: Path | None = None
    speed: float = 1.0

    def unreadable(self, text: str, say: Mapping[str, str]) -> tuple[str, ...]:
        """As declared by `Voice`."""
        return english.unreadable(text, say)

    def speak(self, text: str, say: Mapping[str, str]) -> Speech:
        """As declared by `Voice`."""
        from sora_cli.sound.voices.kokoro_model import opened, spoken, style_of  # a line that is kept needs none

        model = opened()
        words = english.sounded(text, say, british=self.card.language == "en-GB")
        if not any(letter.isalpha() for word in words for letter in word.phonemes):
            raise nothing_to_say(self.card.name, text)
        style = style_of(self.file) if self.file else model.blended(self.blend)
        return spoken(model, words, style, self.speed)
