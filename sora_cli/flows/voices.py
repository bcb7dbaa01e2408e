"""The voices that are here, and what they sound like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli.flows import outputs, places
from sora_cli.sound.voices import VoiceCard, cards, find
from sora_cli.storyboard.model import Provenance

if TYPE_CHECKING:
    from sora_cli.media.stream import Samples

SAMPLE = "The lamp has burned since Tuesday. Who climbs up there to fill it?"
MAKER = outputs.Maker(command="voices")


def listed() -> list[VoiceCard]:
    """What is known of every voice.

    Raises:
        MachineError: one of another package cannot be loaded.
    """
    return cards()


def row(card: VoiceCard) -> dict[str, str]:
    """A voice as a row of the table."""
    pitch = f"{card.pitch} Hz" if card.pitch else ""
    return {
        "voice": card.name,
        "language": card.language,
        "pitch": pitch,
        "manner": card.manner,
        "licence": card.licence,
    }


def play_to(out: Path, text: str, *, overwrite: bool = False) -> None:
    """Let every voice say its name and `text`, one after the other, into a signed WAV file.

    Raises:
        RequestError: the name does not end in .wav, or another file has it.
        MachineError: no voice can speak here.
    """
    from sora_cli import stamp

    example = out / "voices.wav" if out.is_dir() else out.with_suffix(".wav")
    places.require_ending(out, ".wav", "write voices", str(example))
    signer = stamp.find_signer()
    outputs.check({out: outputs.own_sound(MAKER)}, signer.files, overwrite=overwrite)
    facts = {"made_by": MAKER.record(out.parent).to_dict(), "voices": [card.name for card in listed()], "line": text}
    stamp.release_sound(_said(text), out, facts=facts, source=stamp.GENERATED, provenance=Provenance(), signer=signer)


def _said(text: str) -> Iterator[Samples]:
    import numpy as np

    from sora_cli.media.stream import SAMPLE_RATE

    for card in listed():
        voice = find(card.name)
        for line in (card.name.replace("-", " "), text):
            yield voice.speak(line, {}).samples[:, np.newaxis].repeat(2, axis=1)
            yield np.zeros((SAMPLE_RATE // 2, 2), np.float32)
