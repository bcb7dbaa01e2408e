"""How well words are judged: `python -m tests.policy.measure [--half b] [--list]`.

Half `a` is what the rules were tuned on, `b` is not: which half a prompt is in, is told by its hash. The same author
wrote both, and the rules; a stranger's prompts will do worse. Rates come with their Wilson interval (95 %).
"""

from __future__ import annotations

import argparse
import base64
import math
import random
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sora_cli.policy.judge import judged

BENIGN = "benign"
LATER = ("plain", "more", "last", "blind", "blinder", "short", "voices", "sealed", "other", "once")
"""Files of prompts written after the first ones, each before the rules were touched again."""
TWINS = str.maketrans("aeopcxyi", "аеорсхуі")
LEET = str.maketrans("oieast", "013457")


def prompts(half: str = "", file: str = "prompts.tsv") -> Iterator[tuple[str, str, str]]:
    """Category, language and text of the prompts of one half, or of both; else of a later file."""
    if half in LATER:
        half, file = "", f"{half}.tsv"
    for line in Path(__file__).with_name(file).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            category, language, text = line.split("\t")
            if half in {"", half_of(text)}:
                yield category, language, text.replace("\\n", "\n")


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", default="b", choices=["a", "b", *LATER, ""])
    parser.add_argument("--list", action="store_true", help="also what was judged wrongly")
    asked = parser.parse_args()
    rows: dict[str, list[bool]] = defaultdict(list)
    asked_for = list(prompts(asked.half))
    english = [row for row in asked_for if row[0] != BENIGN and row[1] == "en"][:30]
    disguised = [(row[0], row[2], kind, parts) for row in english for kind, parts in disguises(row[2]).items()]
    texts = [text for _, _, text in asked_for]
    texts += [part for _, _, _, parts in disguised for part in (*parts, ". ".join(parts))]
    found, unable = judged(texts)
    assert not unable, unable
    for category, _, text in asked_for:
        right = not found[text] if category == BENIGN else category in found[text]
        rows[category].append(right)
        rows["harmful, all" if category != BENIGN else "benign, all"].append(right)
        if category != BENIGN:
            rows["harmful, any category"].append(bool(found[text]))
        if asked.list and not right:
            print(f"{category}: {text!r}: {found[text]}")  # noqa: T201
    for category, text, kind, parts in disguised:
        right = any(category in found[part] for part in (*parts, ". ".join(parts)))
        rows[f"disguise: {kind}"].append(right)
        rows["disguises, all"].append(right)
        if asked.list and not right:
            print(f"{kind}: {text!r}")  # noqa: T201
    for name, right in rows.items():
        low, high = wilson(sum(right), len(right))
        print(f"{name:26} {sum(right):4} of {len(right):4}  {sum(right) / len(right):6.1%}  [{low:.1%}, {high:.1%}]")  # noqa: T201


if __name__ == "__main__":
    main()
