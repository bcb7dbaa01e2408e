"""Learn what prompts mean: `python -m examples.moderation.learn [--try]`.

Reads `corpus/`: a file is a category, a table a topic, a key a language. With `--try` whole topics are held out in turn
and what is found of them is told; without it `sora_cli/policy/rules/learned.npz` is made. It needs the extra
`moderation`, and a minute of one core.
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

from sora_cli.policy.learned import QUICK, Head, Learned, nearness, part, save
from sora_cli.policy.meaning import BENIGN, lead, read_as, refine, unread, vectors

if TYPE_CHECKING:
    from sora_cli.policy.learned import Vectors

CORPUS = Path(__file__).with_name("corpus")
RULES = Path(__file__).parents[2] / "sora_cli" / "policy" / "rules" / "learned.npz"
KEPT, FORGIVING = 1000, 0.1
"""How many examples others are held against, and the weight of the ridge."""
FOLDS = 10
BARS = {"quick": -0.35, "both": 0.04, "fine": 0.04, "minors": -0.3}
"""By how much a category must lead: chosen on the prompts of tests/policy, which were known by then."""


@dataclass(frozen=True)
class Corpus:
    """Sentences with their category, topic and vectors."""

    names: tuple[str, ...]
    kinds: NDArray[np.int64]
    topics: tuple[str, ...]
    languages: tuple[str, ...]
    rows: Vectors
    read: NDArray[np.bool_]
    """Which of them the quick encoder can read."""

    @classmethod
    def written(cls, folder: Path = CORPUS) -> Corpus:
        """All that is in the folder; what tells of a minor is learned as sexual, for words tell of whom."""
        told = [(path.stem, f"{path.stem}: {topic}", language, text)
                for path in sorted(folder.glob("*.toml"))
                for topic, by_language in tomllib.loads(path.read_text("utf-8")).items()
                for language, texts in by_language.items() for text in texts]  # fmt: skip
        categories = ["sexual" if category == "minors" else category for category, *_ in told]
        names = (BENIGN, *sorted({*categories} - {BENIGN}))
        texts = [read_as(text)[0] for *_, text in told]
        rows = vectors(texts)
        refine(rows, range(len(texts)), texts)
        kinds = np.array([names.index(category) for category in categories])
        read = np.array([not unread(text) for text in texts])
        return cls(names, kinds, tuple(row[1] for row in told), tuple(row[2] for row in told), rows, read)


def fit(corpus: Corpus, among: NDArray[np.bool_]) -> Learned:
    """What is learned from these of the sentences."""
    rows, read = corpus.rows[among], corpus.read[among]
    middle = np.concatenate([rows[read, :QUICK].mean(0), rows[:, QUICK:].mean(0)])
    away = rows - middle
    away[~read, :QUICK] = 0
    spread = np.repeat([_spread(away[read, :QUICK]), _spread(away[:, QUICK:])], [QUICK, rows.shape[1] - QUICK])
    away /= spread
    kept = away[np.linspace(0, len(away) - 1, min(KEPT, len(away))).astype(int)]
    is_of = np.eye(len(corpus.names), dtype=np.float32)[corpus.kinds[among]]
    heads: tuple[tuple[Head, NDArray[np.bool_]], ...] = (("quick", read), ("both", read), ("fine", read | True))
    weights = {head: _solved(part(away[which], head), part(kept, head), is_of[which]) for head, which in heads}
    return Learned(corpus.names, middle, spread.astype(np.float32), kept, weights, BARS)


def _spread(rows: Vectors) -> float:
    return float(np.sqrt((rows**2).sum(1).mean()))


def _solved(rows: Vectors, kept: Vectors, is_of: Vectors) -> Vectors:
    """Weights of the kept examples and, last, a constant: the ridge regression of `is_of`, (M + 1, C)."""
    near, constant = nearness(rows, kept).astype(np.float64), is_of.mean(0)
    ridge = near.T @ near + FORGIVING * nearness(kept, kept) + 1e-6 * np.eye(len(kept))
    return np.vstack([np.linalg.solve(ridge, near.T @ (is_of - constant)), constant]).astype(np.float32)


def held_out(corpus: Corpus, head: Head) -> tuple[Vectors, NDArray[np.int64]]:
    """The lead of each sentence and its category, as learned from the topics of other folds alone."""
    folds = np.array([sha256(topic.encode()).digest()[0] % FOLDS for topic in corpus.topics])
    leads, best = np.zeros(len(folds), np.float32), np.zeros(len(folds), np.int64)
    for fold in range(FOLDS):
        out = folds == fold
        leads[out], best[out] = lead(fit(corpus, ~out).scores(corpus.rows[out], head))
    return leads, best


def tell(corpus: Corpus, head: Head, which: NDArray[np.bool_]) -> None:
    """What is found of held-out topics, by category, at several bars."""
    from tests.policy.measure import wilson

    leads, best = held_out(corpus, head)
    harmful = which & (corpus.kinds > 0)
    for share in (0.02, 0.05, 0.1):
        bar = float(np.quantile(leads[which & ~harmful], 1 - share))
        right = (leads > bar) & (best == corpus.kinds)
        found = {name: _rate(right[harmful & (corpus.kinds == at)]) for at, name in enumerate(corpus.names) if at}
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
    corpus = Corpus.written()
    if options.tried:
        tell(corpus, "both", corpus.read)
        tell(corpus, "fine", ~corpus.read)
        return
    with RULES.open("wb") as to:
        save(fit(corpus, np.ones(len(corpus.kinds), bool)), to)


if __name__ == "__main__":
    main()
