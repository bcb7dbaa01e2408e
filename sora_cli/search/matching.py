"""Word by word: how well a text holds each of the words that are looked for, by what they mean.

One vector of a sentence holds only roughly which words stand in it. So texts that are near as a whole are put in order
by their words: each word that is looked for counts by the nearest word of the text, as in late interaction (Khattab and
Zaharia 2020, arXiv:2004.12832), and one that is missing counts against a text more than two that are half there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], "NDArray[np.float32]"]
"""Makes unit vectors of texts, (N, D)."""

WHOLE = 0.05
"""How much the likeness of the whole sentences counts beside that of their words."""
STRICT = 3
"""The power of what a word lacks. Both were chosen on 200 queries that are not those of docs/search.md."""
MOST = 20_000
"""Vectors of words that a process keeps: 40 MB."""
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that put no space between words: their sentences are matched as a whole."""


class Matcher:
    """Scores texts, and remembers the vectors of their words."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._known: dict[str, NDArray[np.float32]] = {}

    def likeness(self, wanted: str, texts: Sequence[str], whole: Sequence[float]) -> list[float]:
        """How well each text holds what is wanted, 1 at best; `whole` are the cosines of the whole sentences."""
        import numpy as np

        looked_for, said = _words(wanted), [_words(text) for text in texts]
        if not looked_for or not all(said) or _UNSPACED.search(wanted):
            return [float(each) for each in whole]
        table = self._vectors([*looked_for, *(word for words in said for word in words)])
        near = table[: len(looked_for)] @ table[len(looked_for) :].T
        starts = np.cumsum([0, *(len(words) for words in said[:-1])])
        lacking = np.clip(1 - np.maximum.reduceat(near, starts, axis=1), 0, None)
        held = 1 - np.mean(lacking**STRICT, axis=0)
        return [float(each) for each in (1 - WHOLE) * held + WHOLE * np.asarray(whole)]

    def _vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if len(self._known) > MOST:
            self._known.clear()
        if new := [word for word in dict.fromkeys(words) if word not in self._known]:
            self._known.update(zip(new, self._encode(new), strict=True))
        return np.stack([self._known[word] for word in words])


def _words(text: str) -> list[str]:
    """The words of a text, each once."""
    return list(dict.fromkeys(_WORD.findall(text.lower())))
