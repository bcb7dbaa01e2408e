"""The written sentences once more: in other voices, among others, and plain subjects by lot (`styles.toml`).

Who is told of a shot list and of harm by the same few sentences, takes the shot list for the harm. What is told in
every voice, harmless or not, teaches that the voice says nothing.
"""

from __future__ import annotations

import random
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

STYLES = Path(__file__).with_name("styles.toml")
AMONG = "among others"
LOTS = {"en": 360}
"""Plain subjects of a language; of the others `FEWER`."""
FEWER = 40
ENDS = {"zh": "。", "ja": "。"}


class Told(NamedTuple):
    """A sentence, with its category, topic and language, and the voice it is told in."""

    category: str
    topic: str
    language: str
    text: str
    voice: str = ""


def retold(told: Sequence[Told], benign: str) -> Iterator[Told]:
    """The sentences in other voices, each harmful one and half of the benign; and a third of them among benign ones."""
    voices: Mapping[str, Sequence[str]] = _styles()["voices"]
    others: dict[str, list[str]] = defaultdict(list)
    for one in told:
        if one.category == benign:
            others[one.language].append(one.text)
    for one in told:
        lot = random.Random(one.text)  # noqa: S311  no secret
        if one.category != benign or lot.random() < 0.5:
            voice = lot.choice(voices[one.language])
            yield one._replace(text=voice.replace("{}", one.text), voice=voice)
        if lot.random() < 1 / 3:
            parts = [one.text, *lot.sample(others[one.language], lot.randint(1, 2))]
            lot.shuffle(parts)
            text = ENDS.get(one.language, ". ").join(part.rstrip(".。!") for part in parts)
            yield one._replace(text=text, voice=AMONG)


def by_lot(benign: str) -> Iterator[Told]:
    """Plain things that are plainly filmed."""
    styles = _styles()
    for language, moves in styles["moves"].items():
        pairs = [(move, thing) for move in moves for thing in styles["things"][language]]
        drawn = random.Random(language).sample(pairs, LOTS.get(language, FEWER))  # noqa: S311  no secret
        for move, thing in drawn:
            yield Told(benign, f"by lot: {move}", language, move.replace("{}", thing))


def _styles() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(STYLES.read_text("utf-8"))
