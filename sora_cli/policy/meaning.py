"""Meaning: sentences judged by what was learned from written examples of each category and of what must pass.

A quick encoder reads all of them; a finer and slower one those that it finds doubtful, or cannot read (as Hindi).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sora_cli import sentences
from sora_cli.policy.base import Finding, Unable
from sora_cli.policy.checkers import Meaning
from sora_cli.policy.learned import QUICK, Head, Learned, learned
from sora_cli.policy.spelled import meant
from sora_cli.policy.words import book, length, of_a_child
from sora_cli.storyboard.policy import MINORS

if TYPE_CHECKING:
    import numpy as np

    from sora_cli.policy.learned import Vectors

SHORT, CLEAR_OF_SHORT = 14, 0.25
"""Of a text with fewer characters the encoders know little: a category must lead by so much more."""
NEAR = {"gore": 0.07}
"""Categories that what is harmless comes near to most: they must lead by so much more."""
PART = 0.1
"""By how much more it must lead in one sentence of several: each of them is a chance to err."""
LONG = 300
"""Characters of a text that are read at once: what one sentence of many tells is lost in the whole."""
AT_ONCE = 250
"""Texts whose vectors are in memory at once."""
_Over = tuple[Finding, float]
"""What a text is, and by how much it is over its bar."""
BENIGN = "benign"
_UNREAD = re.compile("[\u0900-\u0dff\u0590-\u05ff\u10a0-\u10ff\u0530-\u058f]")
"""Scripts that the quick encoder was not taught."""
_SAYS = re.compile(r"[a-z]{3}|[^\x00-\x7f]")
"""A word: the name of a shot such as `s 12` says nothing to an encoder."""
_ENDS = re.compile(r"(?<=[.!?;:…])\s+|(?<=[。!?;।])|\n+")


def look(texts: Sequence[str]) -> list[list[Finding]]:
    """What is found in each text: in all of it, and where it has several sentences in each of them.

    Raises:
        Unable: the encoders are not here, or broken.
    """
    views = [list(_views(text)) for text in texts]
    flat = list(dict.fromkeys(view for each in views for view, _ in each if _SAYS.search(view)))
    over: dict[str, _Over] = {}
    for at in range(0, len(flat), AT_ONCE):
        over |= _judged(flat[at : at + AT_ONCE])
    return [_counted(each, over) for each in views]


def _views(text: str) -> Iterator[tuple[str, bool]]:
    """What is read of a text, and whether it is one sentence of several."""
    for at, passage in enumerate(passages(text)):
        yield from ((view, at > 0) for view in read_as(passage))


def _counted(views: Sequence[tuple[str, bool]], over: Mapping[str, _Over]) -> list[Finding]:
    """What counts of a text; what is sexual is a minor's where a child is told of, in whichever sentence."""
    known = [(*over[view], sentence) for view, sentence in views if view in over]
    child = bool(known) and any(of_a_child(view) for view, _ in views)
    found = [one for one, by, sentence in known if child or not sentence or by > PART]
    return [Finding(MINORS, one.score, one.checker) if child and one.category == "sexual" else one for one in found]


def passages(text: str) -> Iterator[str]:
    """The text, and where it has several sentences each of them."""
    yield text
    parts = [piece for part in _ENDS.split(text) for piece in _pieces(part)]
    if len(parts) > 1:
        yield from (part for part in parts if length(part) >= SHORT)


def _pieces(part: str) -> Sequence[str]:
    """A sentence, in lines where it is long."""
    short = len(part) <= LONG and part.isprintable()  # which holds no spaces but plain ones
    return textwrap.wrap(part, LONG) if not short else [part.rstrip()] if part.strip() else []


def read_as(text: str) -> list[str]:
    """What the encoders are given of a text: disguises undone, words of film and what is not there blanked."""
    return [book().told(view) for view in meant(text)]


def vectors(texts: Sequence[str]) -> Vectors:
    """What the quick encoder makes of texts, in rows with room for the fine one's, (N, 896)."""
    quick = _read(sentences.vectors, texts)  # where it cannot, numpy is not wanted
    import numpy as np

    return np.hstack([quick, np.zeros((len(texts), sentences.FINE), np.float32)])


def refine(rows: Vectors, at: Sequence[int], texts: Sequence[str]) -> None:
    """Give the rows at these places what the fine encoder makes of their texts."""
    if at:
        rows[at, QUICK:] = _read(sentences.fine_vectors, [texts[each] for each in at])


def unread(text: str) -> bool:
    """Whether the quick encoder was not taught a script of the text."""
    return _UNREAD.search(text) is not None


def _judged(texts: Sequence[str]) -> dict[str, _Over]:
    """What plain texts are; those that are benign are left out."""
    rows, known = vectors(texts), learned()
    leads = lead(known.scores(rows, "quick"))[0]
    doubtful = [at for at, text in enumerate(texts) if unread(text) or leads[at] > known.bars["quick"]]
    refine(rows, doubtful, texts)
    judged: dict[str, _Over] = {}
    by_head: dict[Head, list[int]] = {"both": [], "fine": []}
    for at in doubtful:
        by_head["fine" if unread(texts[at]) else "both"].append(at)
    for head, places in by_head.items():
        if places:
            for at, scores in zip(places, known.scores(rows[places], head), strict=True):
                if found := _one(known, head, scores, texts[at]):
                    judged[texts[at]] = found
    return judged


def lead(scores: Vectors) -> tuple[Vectors, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """By how much the best category of each row leads what is benign (the first column), and which it is."""
    best = scores[:, 1:].argmax(axis=1) + 1
    return scores[:, 1:].max(axis=1) - scores[:, 0], best


def _one(known: Learned, head: Head, scores: Vectors, text: str) -> _Over | None:
    leads, best = lead(scores[None])
    name = known.names[best[0]]
    bar = known.bars["minors" if name == "sexual" and of_a_child(text) else head]
    by = float(leads[0]) - bar - NEAR.get(name, 0) - (0 if length(text) >= SHORT else CLEAR_OF_SHORT)
    if by <= 0:
        return None
    return Finding(name, round(min(max(float(scores[best[0]]), 0.0), 1.0), 3), Meaning.name), by


def _read(encode: Callable[[Sequence[str]], Vectors], texts: Sequence[str]) -> Vectors:
    """What an encoder makes of texts.

    Raises:
        Unable: it cannot work.
    """
    try:
        return encode(texts)
    except sentences.EncoderError as error:
        raise Unable(error.message, error.hint) from error
