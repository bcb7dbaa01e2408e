"""The sound whose example means most nearly what a phrase means, where the extra `sora-cli[sound]` is installed."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sora_cli import sentences

from .examples import ABSENT, EXAMPLES

ENOUGH = 0.5
"""The least cosine of a phrase and an example that counts as the same thing; chosen on the tuning half of phrases."""


@cache
def _known() -> tuple[list[str | None], NDArray[np.float32]]:
    """The examples as vectors, each with its sound; None for examples of what is not to be had."""
    pairs = [(sound, text) for sound, texts in EXAMPLES.items() for text in texts]
    names: list[str | None] = [sound for sound, _ in pairs]
    return names + [None] * len(ABSENT), sentences.vectors([text for _, text in pairs] + list(ABSENT))


def nearest(phrase: str) -> tuple[str, float] | None:
    """The sound whose example means most nearly the same, with the cosine; None without the encoder or a near one."""
    if not sentences.here() or not phrase.strip():
        return None
    names, table = _known()
    likeness = table @ sentences.vectors([phrase])[0]
    best = int(likeness.argmax())
    sound, score = names[best], float(likeness[best])
    return (sound, score) if sound is not None and score >= ENOUGH else None
