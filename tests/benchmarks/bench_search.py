"""How `sora search` finds clips of nano's world, beside word matching: `python -m tests.benchmarks.bench_search`.

500 captions by nano's own caption writer, each as `sora` sends it to nano as the prompt of a shot and as `sora index`
reads it from the clip; 40 queries of a colour, a thing and a place, each asked in nano's words, in other words and in
German. What is right is what the caption says; recall at 10 is the share of it among the first ten, of at most ten.
Word matching is BM25 (Robertson and Zaragoza 2009) with k1 = 1.2 and b = 0.75, over the same prompts.

The figures of how words are weighed were chosen on ten other sets of 500 captions and 40 queries (`TUNING`), and looked
at once on five more (`FRESH`). A number of these on the command line measures that set instead of the reported one.
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
from sora_cli.engines.cards import nano_card
from sora_cli.flows.search import best, encoded
from sora_cli.plan.prompt import Frames, write
from sora_cli.search.entries import Entry
from sora_cli.search.index import Index, opened
from sora_cli.storyboard.model import Beat

REPORTED = 26
TUNING = (27, 28, 29, 30, 31, 101, 102, 103, 104, 105)
FRESH = (201, 202, 203, 204, 205)
"""Seeds of captions and queries."""
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


Clips = list[tuple[str, dict[str, str]]]


def sent(caption: str) -> str:
    """The prompt that nano is given for a shot with this caption: by day where no hour is told."""
    return write(Beat(loc=(), prompt=caption), {}, nano_card(), Frames(hour="day")).text


def world(seed: int) -> tuple[Clips, list[tuple[str, ...]]]:
    """Prompts with what each says, and what is looked for among them."""
    rng = np.random.default_rng(seed)
    clips = [(sent(text), said) for text, said in (describe(draw_scene(rng), rng) for _ in range(CLIPS))]
    whole = [said for _, said in clips if all(label in said for label in LABELS)]
    picked = np.random.default_rng(7 if seed == REPORTED else seed).choice(len(whole), QUERIES, replace=False)
    return clips, [tuple(whole[at][label] for label in LABELS) for at in picked]


def recalls(index: Index, clips: Clips, wanted: Sequence[tuple[str, ...]]) -> dict[str, tuple[float, float]]:
    """Recall at 10 by meaning and by words, of each way to ask."""
    words, told = Words([text for text, _ in clips]), {}
    for name, ask in ASKED.items():
        meant = matched = 0.0
        for looked_for in wanted:
            right = {at for at, (_, said) in enumerate(clips) if tuple(map(said.get, LABELS)) == looked_for}
            meant += recall([int(each.file) for each, _ in best(index, ask(looked_for), {})[:FIRST]], right)
            matched += recall(np.argsort(-words.scores(ask(looked_for)), kind="stable")[:FIRST].tolist(), right)
        told[name] = meant / len(wanted), matched / len(wanted)
    return told


def filled(index: Index, clips: Clips) -> None:
    """Put prompts into an index, each by its number."""
    entries = [Entry(kind="clip", file=str(at), words=text, source="nano") for at, (text, _) in enumerate(clips)]
    index.add(entries, encoded, lambda _number: None)


def main() -> None:
    """Print recall at 10 of both, and the time of a search among 500 and 10,500."""
    clips, wanted = world(int(sys.argv[1]) if len(sys.argv) > 1 else REPORTED)
    with tempfile.TemporaryDirectory() as place, opened(Path(place)) as index:
        filled(index, clips)
        for name, (meant, matched) in recalls(index, clips, wanted).items():
            _say(f"{name}: by meaning {meant:.2f}, by words {matched:.2f}")
        _say(f"500 entries: {_timed(index):.3f} s a search")
        more = np.random.default_rng(1).normal(size=(10_000, sentences.WIDE)).astype(np.float32)
        rest = (Entry(kind="clip", file=str(at), words=clips[at % CLIPS][0], source="noise") for at in range(len(more)))
        index.add(rest, lambda some: more[[int(each.file) for each in some]], lambda _number: None)
        _say(f"10,500 entries: {_timed(index):.3f} s a search")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _timed(index: Index) -> float:
    """The least time of five searches, in seconds, once words were met."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        best(index, "a purple ball, city", {})
        took.append(time.perf_counter() - began)
    return min(took)


if __name__ == "__main__":
    main()
