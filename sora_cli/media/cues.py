"""Subtitles one after the other, as tracks and pictures need them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sora_cli.media.stream import Subtitle

_SHORTEST = 0.001
"""Seconds below which a container has no place for a subtitle."""


def in_order(found: Sequence[Subtitle], length: float) -> tuple[Subtitle, ...]:
    """Subtitles one after the other, within so many seconds: where several are on, they stand below each other."""
    inside = [Subtitle(max(0.0, each.start), min(each.end, length), each.text) for each in found]
    waiting = sorted((each for each in inside if each.end - each.start >= _SHORTEST), key=lambda each: each.start)
    made: list[Subtitle] = []
    while waiting:
        count, end = 1, waiting[0].end
        while count < len(waiting) and waiting[count].start < end:
            end, count = max(end, waiting[count].end), count + 1
        made += _below_each_other(waiting[:count])
        del waiting[:count]
    return tuple(made)


def _below_each_other(together: Sequence[Subtitle]) -> Iterator[Subtitle]:
    edges = sorted({edge for each in together for edge in (each.start, each.end)})
    for start, end in pairwise(edges):
        on = [each.text for each in together if each.start <= start and each.end >= end]
        if on and end - start >= _SHORTEST:
            yield Subtitle(start, end, "\n".join(dict.fromkeys(on)))
