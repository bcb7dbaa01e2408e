"""What was learned from written examples: scores of meaning, from the vectors of two sentence encoders.

Regularised least squares of each category against the rest (Rifkin and Klautau 2004), with Gaussian kernels about
some of the examples (Smola and Schölkopf 2000). `examples/moderation/learn.py` makes the file `rules/learned.npz`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, BinaryIO, Literal, get_args

from msgspec import Struct

from sora_cli.policy.base import rules_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Head = Literal["quick", "both", "fine"]
"""Which encoders' vectors are asked: the quick one's, the fine one's, or both."""
WIDTH = 1.0
"""Of the kernel exp(-WIDTH d²), where the mean square distance of a vector from the middle is 1."""
QUICK = 512
"""How many of a row's numbers are the quick encoder's."""


MIXED = 0.2
"""How much the quick head, which was told more voices, has to say where both encoders are asked."""


class Learned(Struct, frozen=True):
    """Categories, the examples that others are held against, and what nearness to each of them says.

    Vectors are rows of both encoders, (N, 896), less their middle and divided by their spread; the `quick` examples are
    the quick encoder's alone, (K, 512). `weights` of a head are (M + 1, C), the last row a constant; `bars` of a head
    is by how much a category must lead what is benign.
    """

    names: tuple[str, ...]
    middle: Vectors
    spread: Vectors
    kept: Vectors
    quick: Vectors
    weights: dict[Head, Vectors]
    bars: dict[str, float]

    def scores(self, rows: Vectors, head: Head) -> Vectors:
        """How much each row is of each category, (N, C): about 1 where it is, about 0 where not."""
        own = self._own(rows, head)
        return (1 - MIXED) * own + MIXED * self._own(rows, "quick") if head == "both" else own

    def _own(self, rows: Vectors, head: Head) -> Vectors:
        import numpy as np

        others = self.quick if head == "quick" else part(self.kept, head)
        near = nearness(part((rows - self.middle) / self.spread, head), others)
        weights = self.weights[head]
        return np.asarray(near @ weights[:-1] + weights[-1], np.float32)


def part(rows: Vectors, head: Head) -> Vectors:
    """What a head sees of rows that are centred, all encoders with one weight."""
    if head == "both":
        return rows / 2**0.5
    return rows[:, :QUICK] if head == "quick" else rows[:, QUICK:]


def nearness(rows: Vectors, others: Vectors) -> Vectors:
    """The kernel of each pair, (N, M)."""
    import numpy as np

    squares = (rows**2).sum(1)[:, None] + (others**2).sum(1) - 2 * rows @ others.T
    return np.asarray(np.exp(-WIDTH * np.maximum(squares, 0)), np.float32)


def save(learned: Learned, to: BinaryIO) -> None:
    """Write what was learned; the examples as whole numbers up to 127, which changes no verdict that is worth one."""
    import numpy as np

    step = max(np.abs(learned.kept).max(), np.abs(learned.quick).max()) / 127
    heads = {f"weights {head}": each.astype(np.float32) for head, each in learned.weights.items()}
    bars = {f"bar {name}": np.float32(bar) for name, bar in learned.bars.items()}
    np.savez_compressed(
        to,
        allow_pickle=False,
        names=np.array(learned.names),
        middle=learned.middle.astype(np.float32),
        spread=learned.spread.astype(np.float32),
        kept=np.round(learned.kept / step).astype(np.int8),
        quick=np.round(learned.quick / step).astype(np.int8),
        step=np.float32(step),
        **heads,
        **bars,
    )


@cache
def learned() -> Learned:
    """What was learned, read once."""
    from io import BytesIO

    import numpy as np

    with np.load(BytesIO(rules_file("learned.npz")), allow_pickle=False) as told:
        return Learned(
            tuple(map(str, told["names"])),
            told["middle"],
            told["spread"],
            told["kept"].astype(np.float32) * told["step"],
            told["quick"].astype(np.float32) * told["step"],
            {head: told[f"weights {head}"] for head in get_args(Head)},
            {name.removeprefix("bar "): float(told[name]) for name in told.files if name.startswith("bar ")},
        )
