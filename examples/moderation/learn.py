"""Learn what prompts mean: `python -m examples.moderation.learn [--try]`.

Reads `corpus/`: a file is a category, a table a topic, a key a language; `voices.py` tells it again in other voices.
With `--try` whole topics are held out in turn and what is found of them is told; without it
`sora_cli/policy/rules/learned.npz` is made. It needs the extra `moderation`, and some three minutes of one core.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from examples.moderation.voices import Told, by_lot, retold
from sora_cli.policy.learned import QUICK, Head, Learned, nearness, part, save
from sora_cli.policy.meaning import BENIGN, lead, read_as, refine, unread, vectors

if TYPE_CHECKING:
    from sora_cli.policy.learned import Vectors

CORPUS = Path(__file__).with_name("corpus")
RULES = Path(__file__).parents[2] / "sora_cli" / "policy" / "rules" / "learned.npz"
KEPT = 3000
"""How many examples others are held against."""
FORGIVING = 0.1
"""The weight of the ridge."""
FOLDS = 10
BARS = {"quick": -0.3, "both": 0.0, "fine": 0.0, "minors": -0.3}
"""By how much a category must lead: chosen on the prompts of tests/policy that were known by then, and of VBench-2.0:
as low as finds 95 % of the harmful, and refuses fewer than 1 % of the benign."""


@dataclass(frozen=True)
class Corpus:
    """Sentences with their category, topic and vectors."""

    names: tuple[str, ...]
    told: Sequence[Told]
    """First those that are written, then those in other voices, which the quick encoder alone has read."""
    rows: Vectors
    read: NDArray[np.bool_]
    """Which of them the quick encoder can read."""
    written: int
    """How many are written."""

    @property
    def kinds(self) -> NDArray[np.int64]:
        """The number of each sentence's category."""
        return np.array([self.names.index(one.category) for one in self.told])

    @classmethod
    def of(cls, folder: Path = CORPUS) -> Corpus:
        """All that is in the folder; what tells of a minor is learned as sexual, for words tell of whom."""
        written = [Told("sexual" if path.stem == "minors" else path.stem, f"{path.stem}: {topic}", language, text)
                   for path in sorted(folder.glob("*.toml"))
                   for topic, by_language in tomllib.loads(path.read_text("utf-8")).items()
                   for language, texts in by_language.items() for text in texts]  # fmt: skip
        told = [*written, *retold(written, BENIGN), *by_lot(BENIGN)]
        texts = [read_as(one.text)[0] for one in told]
        rows = vectors(texts)
        refine(rows, range(len(written)), texts)
        names = (BENIGN, *sorted({one.category for one in told} - {BENIGN}))
        return cls(names, told, rows, np.array([not unread(text) for text in texts]), len(written))


def fit(corpus: Corpus, among: NDArray[np.bool_]) -> Learned:
    """What is learned from these of the sentences."""
    written = among & (np.arange(len(among)) < corpus.written)
    whole, read = corpus.rows[written], corpus.read
    middle = np.concatenate([whole[read[written], :QUICK].mean(0), whole[:, QUICK:].mean(0)])
    away = corpus.rows - middle
    away[~read, :QUICK] = 0
    spread = np.repeat([_spread(away[written & read, :QUICK]), _spread(away[written, QUICK:])],
                       [QUICK, away.shape[1] - QUICK])  # fmt: skip
    away /= spread
    kept, quick = _some(away[written]), _some(away[among & read, :QUICK])
    is_of = np.eye(len(corpus.names), dtype=np.float32)[corpus.kinds]
    weights: dict[Head, Vectors] = {
        "quick": _solved(away[among & read, :QUICK], quick, is_of[among & read]),
        "both": _solved(part(away[written & read], "both"), part(kept, "both"), is_of[written & read]),
        "fine": _solved(part(away[written], "fine"), part(kept, "fine"), is_of[written]),
    }
    return Learned(corpus.names, middle, spread.astype(np.float32), kept, quick, weights, BARS)


def _some(rows: Vectors) -> Vectors:
    return rows[np.linspace(0, len(rows) - 1, min(KEPT, len(rows))).astype(int)]


def _spread(rows: Vectors) -> float:
    return float(np.sqrt((rows**2).sum(1).mean()))


def _solved(rows: Vectors, kept: Vectors, is_of: Vectors) -> Vectors:
    """Weights of the kept examples and, last, a constant: the ridge regression of `is_of`, (M + 1, C)."""
    near, constant = nearness(rows, kept).astype(np.float64), is_of.mean(0)
    ridge = near.T @ near + FORGIVING * nearness(kept, kept) + 1e-6 * np.eye(len(kept))
    return np.vstack([np.linalg.solve(ridge, near.T @ (is_of - constant)), constant]).astype(np.float32)


def held_out(corpus: Corpus, head: Head) -> tuple[Vectors, NDArray[np.int64]]:
    """The lead of each written sentence and its category, as learned from the topics of other folds alone."""
    folds = np.array([sha256(one.topic.encode()).digest()[0] % FOLDS for one in corpus.told])
    leads, best = np.zeros(corpus.written, np.float32), np.zeros(corpus.written, np.int64)
    for fold in range(FOLDS):
        out = folds[: corpus.written] == fold
        leads[out], best[out] = lead(fit(corpus, folds != fold).scores(corpus.rows[: corpus.written][out], head))
    return leads, best


def tell(corpus: Corpus, head: Head, which: NDArray[np.bool_]) -> None:
    """What is found of held-out topics, by category, at several bars."""
    from tests.policy.measure import wilson

    leads, best = held_out(corpus, head)
    kinds, which = corpus.kinds[: corpus.written], which[: corpus.written]
    harmful = which & (kinds > 0)
    for share in (0.02, 0.05, 0.1):
        bar = float(np.quantile(leads[which & ~harmful], 1 - share))
        right = (leads > bar) & (best == kinds)
        found = {name: _rate(right[harmful & (kinds == at)]) for at, name in enumerate(corpus.names) if at}
        low, high = wilson(int(right[harmful].sum()), int(harmful.sum()))
        print(f"{head}, {share:.0%} of benign refused (bar {bar:.2f}): in the category {right[harmful].mean():.1%}"
              f" [{low:.1%}, {high:.1%}]; in any {(leads > bar)[harmful].mean():.1%}; {found}")  # fmt: skip


def _rate(right: NDArray[np.bool_]) -> str:
    return f"{right.mean():.0%}"


def main(asked: Sequence[str] | None = None) -> None:
    """Learn, or try."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--try", dest="tried", action="store_true", help="hold topics out, and tell what is found")
    options = parser.parse_args(asked)
    corpus = Corpus.of()
    if options.tried:
        tell(corpus, "both", corpus.read)
        tell(corpus, "fine", ~corpus.read)
        return
    made = fit(corpus, np.ones(len(corpus.told), bool))
    with RULES.open("wb") as to:
        save(made, to)


if __name__ == "__main__":
    main()
