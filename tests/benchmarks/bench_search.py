"""How `sora search` finds clips of nano's world, beside word matching: `python -m tests.benchmarks.bench_search`.

500 captions by nano's own caption writer, 40 queries of a colour, a thing and a place, each asked in nano's words, in
other words and in German. What is right is what the caption says; recall at 10 is the share of it among the first ten,
of at most ten. Word matching is BM25 (Robertson and Zaragoza 2009) with k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import math
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from examples.nano.captions import describe
from examples.nano.scene import draw_scene
from sora_cli import sentences
from sora_cli.search.entries import Entry
from sora_cli.search.index import Index, opened

CLIPS, QUERIES, FIRST = 500, 40, 10
LABELS = ("colour", "shape", "place")
OTHER = {
    "ball": "sphere", "box": "crate", "star": "starfish shape", "triangle": "pyramid", "ring": "hoop",
    "heart": "valentine", "red": "crimson", "orange": "tangerine", "yellow": "golden", "green": "emerald",
    "blue": "azure", "purple": "violet", "pink": "rosy", "white": "snow-white", "meadow": "in the countryside",
    "sea": "at the seaside", "desert": "in the sahara", "snow": "in a winter landscape", "city": "downtown",
    "room": "indoors at home", "forest": "in the woods",
}  # fmt: skip
GERMAN = {
    "ball": "Ball", "box": "Kiste", "star": "Stern", "triangle": "Dreieck", "ring": "Ring", "heart": "Herz",
    "red": "roter", "orange": "oranger", "yellow": "gelber", "green": "grüner", "blue": "blauer", "purple": "violetter",
    "pink": "rosa", "white": "weißer", "meadow": "auf der Wiese", "sea": "am Meer", "desert": "in der Wüste",
    "snow": "im Schnee", "city": "in der Stadt", "room": "im Zimmer", "forest": "im Wald",
}  # fmt: skip
ASKED: dict[str, Callable[[Sequence[str]], str]] = {
    "nano's words": lambda said: "a {}, {}".format(f"{said[0]} {said[1]}", said[2]),
    "other words": lambda said: "a {} {} {}".format(*(OTHER[each] for each in said)),
    "German": lambda said: "ein {} {} {}".format(*(GERMAN[each] for each in said)),
}


class Words:
    """BM25 over some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [Counter(re.findall(r"\w+", text.lower())) for text in texts]
        self._in = Counter(word for text in self._texts for word in text)
        self._mean = float(np.mean([text.total() for text in self._texts]))

    def scores(self, query: str) -> NDArray[np.float64]:
        """How well each text matches: `(n,)`."""
        return np.array(
            [sum(self._score(word, text) for word in re.findall(r"\w+", query.lower())) for text in self._texts]
        )

    def _score(self, word: str, text: Counter[str]) -> float:
        rare = math.log(1 + (len(self._texts) - self._in[word] + 0.5) / (self._in[word] + 0.5))
        return rare * text[word] * 2.2 / (text[word] + 1.2 * (0.25 + 0.75 * text.total() / self._mean))


def recall(first: Sequence[int], right: set[int]) -> float:
    """The share of what is right among the first ten."""
    return len(right & {*first}) / min(FIRST, len(right))


def main() -> None:
    """Print recall at 10 of both, and the time of a search among 500 and 10,000."""
    rng = np.random.default_rng(26)
    clips = [describe(draw_scene(rng), rng) for _ in range(CLIPS)]
    texts = [text for text, _ in clips]
    whole = [said for _, said in clips if all(label in said for label in LABELS)]
    picked = np.random.default_rng(7).choice(len(whole), QUERIES, replace=False)
    wanted = [tuple(whole[at][label] for label in LABELS) for at in picked]
    words = Words(texts)
    with tempfile.TemporaryDirectory() as place, opened(Path(place)) as index:
        entries = [Entry(kind="clip", file=str(at), words=text, source="nano") for at, text in enumerate(texts)]
        index.add(entries, lambda some: sentences.vectors([each.words for each in some]), lambda _number: None)
        for name, ask in ASKED.items():
            found = {"meaning": 0.0, "words": 0.0}
            for said in wanted:
                right = {at for at, (_, told) in enumerate(clips) if tuple(map(told.get, LABELS)) == said}
                vector = sentences.vectors([ask(said)])[0].tolist()
                found["meaning"] += (
                    recall([int(each.file) for each, _ in index.nearest(vector, FIRST)], right) / QUERIES
                )
                best = np.argsort(-words.scores(ask(said)), kind="stable")[:FIRST]
                found["words"] += recall(best.tolist(), right) / QUERIES
            _say(f"{name}: by meaning {found['meaning']:.2f}, by words {found['words']:.2f}")
        _say(f"500 entries: {_timed(index, vector):.3f} s a search")
        more = np.random.default_rng(1).normal(size=(10_000, len(vector))).astype(np.float32)
        rest = (Entry(kind="clip", file=str(at), words=str(at), source="noise") for at in range(10_000))
        index.add(rest, lambda some: more[[int(each.words) for each in some]], lambda _number: None)
        _say(f"10,500 entries: {_timed(index, vector):.3f} s a search")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _timed(index: Index, vector: list[float]) -> float:
    """The least time of five searches, in seconds."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        index.nearest(vector, FIRST)
        took.append(time.perf_counter() - began)
    return min(took)


if __name__ == "__main__":
    main()
