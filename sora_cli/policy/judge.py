"""Judging words: every checker of words looks at every text; what was judged once is not judged again.

What was found is kept on disk from one command to the next, under a keyed hash of the text: an unchanged storyboard
costs no encoder. Of a text that was judged nothing else is kept.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from sora_cli import atomic, remembered
from sora_cli.bounded import read_bytes
from sora_cli.policy.base import Checker, Unable, found_by, versions_of, with_others
from sora_cli.policy.checkers import Meaning, WordRules


def cache_folder() -> Path:
    """Where what was judged is kept."""
    return remembered.cache_folder() / "policy"


OURS: tuple[Checker[Sequence[str]], ...] = (WordRules(), Meaning())

AT_ONCE = 2000
"""Texts that checkers are asked of at once: what one made of a text is at hand when the next asks."""

Found = tuple[str, ...]
"""Categories."""


@cache
def checkers() -> tuple[tuple[Checker[Sequence[str]], ...], Unable | None]:
    """All checkers of words that can be made, ours first, and why one of others cannot."""
    return with_others(OURS, "words")


def judged(texts: Sequence[str]) -> tuple[dict[str, Found], list[Unable]]:
    """The categories found in each text, and which checkers could not look."""
    found: dict[str, dict[str, None]] = {text: {} for text in texts}
    able, broken = checkers()
    unable = [broken] if broken and found else []
    failed: list[Checker[Sequence[str]]] = []
    asked = sorted(found)  # a prompt and what stands around it come together: a sentence of both is read once
    for part in (asked[at : at + AT_ONCE] for at in range(0, len(asked), AT_ONCE)):
        for checker in (each for each in able if each not in failed):
            try:
                results = found_by(checker, part)
            except Unable as error:
                unable.append(error)
                failed.append(checker)
                continue
            for text, each in zip(part, results, strict=True):
                found[text].update(dict.fromkeys(finding.category for finding in each))
    return {text: tuple(categories) for text, categories in found.items()}, unable


class JudgedTexts:
    """What was found in texts before, by a keyed hash; of other checkers, or rules, nothing counts."""

    def __init__(self, folder: Path) -> None:
        self._key = _key(folder)
        self._before = remembered.remembered(folder / "judged.jsonl", state())

    def name(self, text: str) -> str:
        """Name a text by its hash under this machine's secret key."""
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]

    def judged(self, texts: Sequence[str]) -> tuple[dict[str, Found], list[Unable]]:
        """As `judged`, from what is known where it is known."""
        names = {text: self.name(text) for text in dict.fromkeys(texts)}
        kept = {text: self._before.find(name) for text, name in names.items()}
        known: dict[str, Found] = {text: tuple(map(str, each)) for text, each in kept.items() if isinstance(each, list)}
        new, unable = judged([text for text in names if text not in known])
        if new and not unable:
            self._before.keep({names[text]: list(found) for text, found in new.items()})
        return known | new, unable


def state() -> str:
    """Checkers and their versions, as one line; those that are not here are named as such."""
    return versions_of(checkers()[0])


def _key(folder: Path) -> bytes:
    """This machine's key for hashes of texts, made when first asked for; where none can be kept, for this run alone."""
    path = folder / "key"
    with suppress(OSError, ValueError):
        if len(key := bytes.fromhex(read_bytes(path, 100).decode())) == 32:
            return key
    import secrets  # once a machine

    key = secrets.token_bytes(32)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write(path, key.hex())
        path.chmod(0o600)
    return key
