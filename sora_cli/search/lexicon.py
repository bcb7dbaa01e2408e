"""Words as vectors of what they mean: each is read in sentences, once, and kept in a file for the next command."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from sora_cli.remembered import Remembered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], "NDArray[np.float32]"]
"""Makes unit vectors of texts, (N, D)."""

CARRIERS = ("a picture of {}", "it looks like a {}")
"""Sentences that a word is read in: alone, a word is too short for an encoder of sentences."""
MOST = 50_000
"""Words that a process keeps: 25 MB."""


class Lexicon:
    """The words that were met, each as whole numbers from -127 to 127, (D,): their direction is all that counts."""

    def __init__(self, encode: Encode, kept: Callable[[], Remembered]) -> None:
        self._encode, self._kept = encode, kept
        self._known: dict[str, NDArray[np.int8]] = {}

    def meet(self, words: Iterable[str]) -> None:
        """Read what is new among some words, and remember it."""
        if len(self._known) > MOST:
            self._known.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        kept = self._kept() if new else None
        if kept is None:
            return
        self._known.update(_remembered(kept, new))
        if unread := [word for word in new if word not in self._known]:
            found = dict(zip(unread, self._read(unread), strict=True))
            self._known |= found
            kept.keep({word: base64.b64encode(vector.tobytes()).decode() for word, vector in found.items()})

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of words, (N, D), each of length one."""
        import numpy as np

        self.meet(words)
        table = np.stack([self._known[word] for word in words]).astype(np.float32)
        return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True), np.float32)

    def _read(self, words: Sequence[str]) -> NDArray[np.int8]:
        import numpy as np

        table = np.mean([self._encode([carrier.format(word) for word in words]) for carrier in CARRIERS], axis=0)
        return np.asarray(np.rint(table / np.abs(table).max(axis=1, keepdims=True) * 127), np.int8)


def _remembered(kept: Remembered, words: Iterable[str]) -> Iterator[tuple[str, NDArray[np.int8]]]:
    """What an earlier command kept of some words; what is damaged is left out, and read anew."""
    import numpy as np

    for word in words:
        try:
            vector = np.frombuffer(base64.b64decode(str(kept.find(word) or ""), validate=True), np.int8)
        except binascii.Error:
            continue
        if vector.any():
            yield word, vector
