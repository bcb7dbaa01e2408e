"""MP4 and QuickTime films whose edit list says which parts of them are played, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from msgspec.structs import replace
from numpy.typing import NDArray

from sora_cli.errors import UnusableFile
from sora_cli.media.read.edits import Edit, placed
from sora_cli.media.read.index import Index
from sora_cli.media.read.opening import opened
from sora_cli.media.read.reel import Reel

_GLIMPSE = Fraction(1, 25)
"""Seconds for which a frame must be shown, or half of its time, to count: clocks of movies round, cuts part frames."""


_FAR = (1 << 63) - 1
_MOST = 5_000_000
"""The last tick that there is, and frames of a film: two days of them."""


class Recut(Reel):
    """A film file that is opened without its edits: they are followed here, over the frames as they were coded."""

    def __init__(self, path: Path, container: InputContainer, edits: Sequence[Edit], *, sound: bool = True) -> None:
        super().__init__(path, container, sound=sound)
        self._edits = edits

    @property
    def index(self) -> Index:
        """When it shows each frame, also one that it shows twice."""
        return self._played[0]

    @cached_property
    def _played(self) -> tuple[Index, NDArray[np.int64]]:
        """The index of what is shown, and which of the coded frames each is."""
        coded = self._coded
        ends = np.append(coded.times[1:], coded.times[-1] + coded.last)
        least = np.minimum((ends - coded.times) // 2, round(_GLIMPSE / coded.base))
        numbers: list[int] = []
        times: list[int] = []
        end = 0
        for begin, edit in placed(self._edits):
            if not edit.shown:
                continue
            at, last = round(begin / coded.base), round(edit.length / coded.base)
            first = int(np.searchsorted(ends - least, edit.plays, side="right"))
            behind = int(np.searchsorted(coded.times + least, min(edit.plays + last, _FAR), side="left"))
            numbers += range(first, behind)
            times += [at + max(0, int(each) - edit.plays) for each in coded.times[first:behind]]
            end = at + last if behind > first else end
            if len(numbers) > _MOST:
                told = f"cannot use {self.path}: its header shows its frames more than {_MOST:,} times"
                raise UnusableFile(told, hint="export it again")
        if not numbers:
            raise UnusableFile(f"cannot use {self.path}: its header shows none of its frames", hint="export it again")
        shown = np.array(times, np.int64)
        keys = shown[np.isin(coded.times[numbers], coded.keys)]
        index = replace(coded, times=shown, keys=keys, last=max(1, end - times[-1]), lost=(), reshaped=None)
        return index, np.array(numbers, np.int64)

    def keyframes(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """These keyframes."""
        return self.frames(numbers)

    def _reopened(self) -> AbstractContextManager[InputContainer]:
        return opened(self.path, edited=False)

    def _decoded(
        self, wanted: Sequence[int], _passed: dict[int, av.VideoFrame] | None = None
    ) -> Iterator[av.VideoFrame]:
        there = self._played[1]
        if wanted and max(wanted) < len(there):
            return super()._decoded([int(there[number]) for number in wanted])
        return super()._decoded([len(self._coded.times)] if wanted else [])
