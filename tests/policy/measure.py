"""How well words are judged: `python -m tests.policy.measure [SET or FILE.jsonl ...] [--list]`.

Half `a` is what the rules were tuned on, `b` is not: which half a prompt is in, is told by its hash. The same author
wrote both, and the rules; a stranger's prompts will do worse. Rates come with their Wilson interval (95 %).

A line of a file is an object with `text`, `label` (`benign` or `harmful`), `category` and `language`. No text is shown
without `--list`.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from sora_cli.policy.judge import judged
from sora_cli.storyboard.policy import CATEGORIES, MINORS

BENIGN = "benign"
LATER = ("plain", "more", "last", "blind", "blinder", "short", "voices", "sealed", "other", "once", "another", "unseen")
"""Files of prompts written after the first ones, each before the rules were touched again."""
TWINS = str.maketrans("aeopcxyi", "аеорсхуі")
LEET = str.maketrans("oieast", "013457")
Row = tuple[str, str, str]
"""Category, language and text of a prompt."""
OTHERWISE = {
    "sexual-minors": MINORS,
    "sexual content with minors": MINORS,
    "real people": "real-people",
    "likeness without consent": "likeness",
    "others' characters and marks": "characters",
    "instructions for weapons": "weapons",
    "text that deceives": "deception",
}
"""Other names of categories, as they stand in files by other hands."""


def prompts(half: str = "", file: str = "prompts.tsv") -> Iterator[Row]:
    """Category, language and text of the prompts of one half, or of both; else of a later file."""
    if half in LATER:
        half, file = "", f"{half}.tsv"
    for line in Path(__file__).with_name(file).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            category, language, text = line.split("\t")
            if half in {"", half_of(text)}:
                yield category, language, text.replace("\\n", "\n")


def given(path: Path) -> Iterator[Row]:
    """Category, language and text of the prompts of a file of lines of JSON."""
    for line in path.read_text("utf-8").splitlines():
        told = json.loads(line)
        category = BENIGN if told["label"] == BENIGN else OTHERWISE.get(told["category"], told["category"])
        if category not in {BENIGN, *CATEGORIES}:
            message = f"{path}: no such category: {category}"
            raise ValueError(message)
        yield category, told["language"], told["text"]


def half_of(text: str) -> str:
    return "ab"[sha256(text.encode()).digest()[0] % 2]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Wilson 1927)."""
    z, rate = 1.96, hits / of
    middle = (rate + z * z / (2 * of)) / (1 + z * z / of)
    wide = z / (1 + z * z / of) * math.sqrt(rate * (1 - rate) / of + z * z / (4 * of * of))
    return max(0.0, middle - wide), min(1.0, middle + wide)


def disguises(text: str) -> dict[str, list[str]]:
    """A prompt in ten disguises; the parts of a split one are what stands in setting, prompt and style."""
    rng, words = random.Random(text), text.split()  # noqa: S311  no secret
    cut = max(1, len(words) // 3)
    return {
        "homoglyphs": [text.translate(TWINS)],
        "zero width": ["\u200b".join(text)],
        "soft hyphens": [" ".join("\u00ad".join(word) for word in words)],
        "spaced": ["  ".join(" ".join(word) for word in words)],
        "dotted": [" ".join(".".join(word) for word in words)],
        "leetspeak": [text.translate(LEET)],
        "accents": ["".join(each + ("\u0301" if each in "aeiou" else "") for each in text)],
        "fullwidth": ["".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)],
        "upper, stretched": [
            " ".join(word.upper() if rng.random() < 0.5 else word[0] * 3 + word[1:] for word in words)
        ],
        "base64": [base64.b64encode(text.encode()).decode()],
        "split": [" ".join(words[:cut]), " ".join(words[cut : 2 * cut]), " ".join(words[2 * cut :])],
    }


def main() -> None:
    """Tell how well sets and files are judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["b"], help=f"a, b, {', '.join(LATER)}, or a .jsonl file")
    parser.add_argument("--list", action="store_true", help="also what was judged wrongly")
    asked = parser.parse_args()
    for name in asked.sets:
        rows = list(given(Path(name)) if name.endswith(".jsonl") else prompts(name))
        print(f"== {name}")  # noqa: T201
        tell(rows, listed=asked.list)


def tell(rows: Sequence[Row], *, listed: bool) -> None:
    """Tell what is found of prompts, by category and language, and of the first 30 harmful English ones in disguise."""
    english = [row for row in rows if row[0] != BENIGN and row[1] == "en"][:30]
    disguised = {
        (*row, kind): [*parts, ". ".join(parts)] for row in english for kind, parts in disguises(row[2]).items()
    }
    found, unable = judged([*(text for *_, text in rows), *(part for parts in disguised.values() for part in parts)])
    assert not unable, unable
    right = {(*row, ""): row[0] in found[row[2]] for row in rows if row[0] != BENIGN}
    seen = {key: any(key[0] in found[part] for part in parts) for key, parts in disguised.items()}
    refused = {(*row, ""): bool(found[row[2]]) for row in rows}
    passed = {key: not held for key, held in refused.items() if key[0] == BENIGN}
    for at, what in ((slice(0), "all"), (slice(0, 1), "category"), (slice(1, 2), "language")):
        _rates(f"harmful in category, by {what}", right, at)
        _rates(f"harmful refused, by {what}", {key: refused[key] for key in right}, at)
        _rates(f"benign refused, by {what}", {key: refused[key] for key in passed}, at)
    _rates("disguises", seen, slice(0))
    _rates("disguises", seen, slice(3, 4))
    if listed:
        wrong = [key for each in (right, passed, seen) for key, held in each.items() if not held]
        print(*(f"{key}: {found.get(key[2])}" for key in wrong), sep="\n")  # noqa: T201


def _rates(what: str, told: Mapping[tuple[str, ...], bool], by: slice) -> None:
    """Print how many hold, of each group of prompts that have the same parts of their names."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for key, held in told.items():
        groups[" ".join(key[by])].append(held)
    for group, hits in groups.items():
        low, high = wilson(sum(hits), len(hits))
        print(  # noqa: T201
            f"{what:34} {group:12} {sum(hits):4} of {len(hits):4} {sum(hits) / len(hits):6.1%} [{low:.1%}, {high:.1%}]"
        )


if __name__ == "__main__":
    main()
