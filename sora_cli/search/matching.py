"""Word by word: how well a text holds each of the words that are looked for, by what they mean.

One vector of a sentence holds only roughly which words stand in it. So texts that are near as a whole are put in order
by their words: each word that is looked for counts by the nearest word of the text, as in late interaction (Khattab and
Zaharia 2020, arXiv:2004.12832), and one that is missing counts against a text more than two that are half there.

What all words have in common is taken off their vectors first, and words that are near to everything are near to
nothing: what a word is to its own neighbours is taken off what it is to others (Conneau et al. 2018, arXiv:1710.04087).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from sora_cli.search.lexicon import Encode, Lexicon

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table = NDArray[np.float32]

# These figures were chosen on queries that are not those of docs/search.md.
WHOLE = 0.05
"""How much the likeness of the whole sentences counts beside that of their words."""
STRICT = 3
"""The power of what a word lacks."""
HUBS, NEIGHBOURS = 0.5, 10
"""How much of a word's likeness to its neighbours is taken off, and how many these are."""
USUAL = 128
"""The words among which neighbours are looked for: those that stand in most texts."""
WEIGHED = 0.5
"""The power of what a sentence loses without a word, which is how much this word counts."""
LONG = 16
"""Words of a query above which each counts the same: a sentence is read once for each."""
NEUTRAL, PRIOR = "something", 16
"""A word that says nothing, and for how many words it stands where what is common to all is found."""

LETTERS = 64
"""Of a word that are read."""
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that put no space between words: their sentences are matched as a whole."""


class Matcher:
    """Scores texts by the words of a lexicon."""

    def __init__(self, encode: Encode, lexicon: Lexicon) -> None:
        self._encode, self._lexicon = encode, lexicon

    def meet(self, texts: Iterable[str]) -> None:
        """Make ready for texts that will be scored."""
        self._lexicon.meet(word for text in texts if not _UNSPACED.search(text) for word in _words(text))

    def likeness(self, wanted: str, texts: Sequence[str], whole: Sequence[float]) -> list[float]:
        """How well each text holds what is wanted, 1 at best; `whole` are the cosines of the whole sentences."""
        import numpy as np

        looked_for, said = _words(wanted), [_words(text) for text in texts]
        if not looked_for or not all(said) or _UNSPACED.search(wanted):
            return [float(each) for each in whole]
        told = [word for word, _ in Counter(chain.from_iterable(said)).most_common()]
        column = {word: at for at, word in enumerate(told)}
        lacking = np.clip(1 - self._near(looked_for, told), 0, 1) ** STRICT
        starts = np.cumsum([0, *(len(words) for words in said[:-1])])
        least = np.minimum.reduceat(lacking[:, [column[word] for words in said for word in words]], starts, axis=1)
        held = 1 - np.average(least, axis=0, weights=self._weights(looked_for))
        return [float(each) for each in (1 - WHOLE) * held + WHOLE * np.asarray(whole)]

    def _near(self, looked_for: Sequence[str], told: Sequence[str]) -> Table:
        """How near each word that is looked for is to each of the texts, (Q, N): 1 where it is the same."""
        import numpy as np

        words = self._lexicon.vectors([NEUTRAL, *told])
        common = np.average(words, axis=0, weights=[PRIOR, *[1] * len(told)])
        known = _units(words[1:] - common)
        near = _units(self._lexicon.vectors(looked_for) - common) @ known.T - HUBS * _crowded(known)
        same = np.array(looked_for)[:, None] == np.array(told)
        return np.where(same, 1, near)

    def _weights(self, words: Sequence[str]) -> Table:
        """How much each word of a query counts, (Q,): by what the sentence loses without it."""
        import numpy as np

        if not 1 < len(words) <= LONG:
            return np.ones(len(words), np.float32)
        without = [" ".join([*words[:at], *words[at + 1 :]]) for at in range(len(words))]
        table = self._encode([" ".join(words), *without])
        return np.asarray(np.maximum(1 - table[1:] @ table[0], 1e-6) ** WEIGHED, np.float32)


def _crowded(known: Table) -> Table:
    """How near each word is to its neighbours, (N,), less the mean of it; `known` begin with the most usual."""
    import numpy as np

    near = known @ known[:USUAL].T
    np.fill_diagonal(near, -1)
    count = min(NEIGHBOURS, near.shape[1] - 1)
    if not count:
        return np.zeros(len(known), np.float32)
    mean = np.partition(near, -count, axis=1)[:, -count:].mean(axis=1)
    return np.asarray(mean - mean.mean(), np.float32)


def _units(table: Table) -> Table:
    import numpy as np

    return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9), np.float32)


def _words(text: str) -> list[str]:
    """The words of a text, each once; of one without end, its beginning."""
    return list(dict.fromkeys(word[:LETTERS] for word in _WORD.findall(text.lower())))
