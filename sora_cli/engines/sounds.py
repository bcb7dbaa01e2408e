"""Models that make sound from words, by diffusers: which there are, where they are, and how one is opened."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from msgspec import Struct

from sora_cli.bounded import expanded
from sora_cli.engines import checkpoint, folders
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.single_files import as_single_file, is_single_file
from sora_cli.errors import EngineMissing

if TYPE_CHECKING:
    from sora_cli.media.stream import Samples

KNOWN = {"stable-audio-open": "stabilityai/stable-audio-open-1.0", "audioldm2": "cvssp/audioldm2"}
"""Names, and the repositories that they stand for."""
PIPELINES = {"StableAudioPipeline": "StableAudio", "AudioLDM2Pipeline": "AudioLDM2"}
"""Pipelines of diffusers, and the classes that run them."""


class SoundCard(Struct, frozen=True):
    """A model of sound on this machine: `revision` is a hash of what its folder holds."""

    name: str
    source: str
    revision: str
    location: Path
    pipeline: str


class SoundModel(Protocol):
    """Makes sounds from words."""

    longest: float
    """Seconds that it makes in one go."""

    def make(self, words: str, seconds: float, seed: int) -> Samples:
        """A sound (samples, 2) at 48 kHz, exactly so many `seconds`; the same words and seed sound the same."""
        ...

    def close(self) -> None:
        """Give the device's memory back."""
        ...


def sound_card(name: str) -> SoundCard:
    """The card of a model of sound.

    Args:
        name: one of `KNOWN`, a hub id (`owner/name`, `owner/name@revision`) or a folder with a checkpoint.

    Raises:
        EngineMissing: it is not on this machine, or is no model of sound.
    """
    folder = expanded(name)
    repo, _, revision = KNOWN.get(name, name).partition("@")
    place = folder.resolve() if folders.has_index(folder) else folders.find(repo, revision or None)
    if place is None:
        if is_single_file(name):
            hint = f"name a folder with a checkpoint of diffusers, or one of {', '.join(KNOWN)}"
            raise EngineMissing(f"{as_single_file(name)}, and no model of sound that sora can read", hint=hint)
        known = ", ".join(KNOWN)
        hint = f"download it: sora models pull {repo}" if "/" in repo else f"name a folder, a hub id or one of {known}"
        raise EngineMissing(f"the model of sound {name} is not on this machine", hint=hint)
    found = Checkpoint.read(place)
    found.refuse()
    if found.pipeline not in PIPELINES:
        hint = f"sounds are made by {' and '.join(PIPELINES)}"
        raise EngineMissing(
            f"{name} is not a sound model: it holds a {found.pipeline or 'nameless pipeline'}", hint=hint
        )
    return SoundCard(name, repo, checkpoint.revision_of(place), place, found.pipeline)


def open_sound_model(card: SoundCard) -> SoundModel:
    """Load a model's weights.

    Raises:
        EngineMissing: the weights are incomplete or damaged, or a package is missing.
        OutOfMemory: they do not fit.
    """
    families = importlib.import_module("sora_cli.engines.families.sounds")
    return cast("SoundModel", getattr(families, PIPELINES[card.pipeline])(card))
