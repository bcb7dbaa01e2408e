"""The seam of foley: words in, samples out. A library is a synthesizer, a folder of recordings, or another package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .tools import RATE, Manner

OVERLAP = 1.0
"""Seconds over which a bed's end is faded into its beginning."""

Samples: TypeAlias = NDArray[np.float32]
"""(samples, 2) at 48 kHz, within -1 and 1."""


@dataclass(frozen=True, slots=True)
class Match:
    """A sound that a library has for some words.

    Attributes:
        words: what was asked for.
        sound: its name in the library.
        library: the name of the library.
        lasting: a bed that goes on as long as it is asked to; else an event of its own length.
        manner: how it is to be made, by the qualities in the words.
        score: how well it fits, from 0 to 1.
        note: what a person should know about the choice, or nothing.
        origin: whether it is made by `rules`, by a `model`, or is a `recording`.
        revision: a hash of the model or the recording.
    """

    words: str
    sound: str
    library: str
    lasting: bool
    manner: Manner = field(default_factory=Manner)
    score: float = 1.0
    note: str = ""
    origin: Literal["rules", "model", "recording"] = "rules"
    revision: str = ""


class Foley(Protocol):
    """A library of sounds. The same match and seed give the same samples, bit by bit."""

    name: str

    def find(self, words: str) -> Match | None:
        """The sound that these words mean, or None where the library has none."""

    def blocks(self, match: Match, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The sound in blocks, in constant memory for a bed.

        Args:
            match: what this library found.
            seconds: the length, exact to the sample; an event is cut by it, or followed by silence. None is an
                event's own length, and an error for a bed.
            seed: another seed is another take of the same sound.
        """

    def why_not(self, words: str) -> str:
        """Why `find` found nothing, as a sentence."""


def make(library: Foley, match: Match, seconds: float | None, seed: int, level: float = 0.0) -> Samples:
    """A whole sound (samples, 2), `level` dB louder than the library makes it."""
    whole = np.concatenate(list(library.blocks(match, seconds, seed)) or [np.zeros((0, 2), np.float32)])
    return whole if level == 0 else np.float32(10 ** (level / 20)) * whole


def fitted(blocks: Iterator[Samples], seconds: float) -> Iterator[Samples]:
    """Blocks cut or filled with silence to exactly so many seconds, and faded over the last 10 ms where cut."""
    left, fade = round(seconds * RATE), RATE // 100
    for block in blocks:
        if left <= 0:
            return
        part = block[:left]
        rest = left - np.arange(len(part))
        if rest[-1] <= fade:
            part = part * np.clip((rest - 1) / fade, 0, 1).astype(np.float32)[:, None]
        left -= len(part)
        yield part
    while left > 0:
        yield np.zeros((min(left, RATE), 2), np.float32)
        left -= RATE


def round_and_round(whole: Samples, at: int = 0) -> Iterator[Samples]:
    """A bed without end, from sample `at` on: its last second fades into its first at equal power."""
    fade = int(min(OVERLAP * RATE, len(whole) // 4))
    turn = np.linspace(0, np.pi / 2, fade, dtype=np.float32)[:, None]
    ring = whole[: len(whole) - fade].copy()
    ring[:fade] = ring[:fade] * np.sin(turn) + whole[-fade:] * np.cos(turn)
    at %= len(ring)
    while True:
        yield ring[at : at + RATE]
        at = at + RATE if at + RATE < len(ring) else 0
