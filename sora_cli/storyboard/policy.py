"""What a film may show: categories, places, and what a policy decides of each.

Sexual content with minors is refused by every policy: no table has a word for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal, get_args

from msgspec import Struct, field
from msgspec.structs import replace

Decision = Literal["allow", "note", "refuse"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
"""From the mildest to the strictest."""

MINORS = "minors"
"""Sexual content with minors: refused always and everywhere."""
CATEGORIES: Mapping[str, str] = {
    "sexual": "sexual content",
    MINORS: "sexual content with minors",
    "gore": "gore",
    "hate": "hate",
    "extremism": "extremism",
    "self-harm": "self-harm",
    "harassment": "harassment",
    "weapons": "instructions for weapons",
    "real-people": "a real person",
    "likeness": "a likeness without consent",
    "characters": "somebody else's character or mark",
    "deception": "a document or a report that deceives",
}
"""Categories, and what a person is told of them."""

PLACES: Mapping[str, str] = {
    "prompt": "what is to be seen and heard, in words",
    "reference": "pictures, films and sounds that go in, and their names",
    "frames": "the pictures that are made",
    "speech": "what is said",
    "text": "what is to be read: titles, the mark, the author",
}


class Policy(Struct, frozen=True):
    """What is allowed, told or refused. `unchecked` is what becomes of that which no checker could look at.

    `marked` says that a film must carry its
    visible mark. `words` are the author's own, by category; `exceptions` are phrases that never count.
    """

    name: str
    table: Mapping[str, Mapping[str, Decision]]
    unchecked: Decision = "note"
    marked: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exceptions: tuple[str, ...] = ()
    second_seeds: int = 0
    """How many other seeds are tried for a take whose frames or speech are refused."""
    locked: bool = False

    def decision(self, category: str, place: str) -> Decision:
        """What becomes of a finding of `category` in `place`."""
        return "refuse" if category == MINORS else self.table[category][place]

    @property
    def sha256(self) -> str:
        """A hash of its rules; its name does not count."""
        told: list[object] = [self.table, self.unchecked, self.marked, self.words, self.exceptions]
        told += [self.second_seeds] if self.second_seeds else []
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def held_to(self, other: Policy) -> Policy:
        """This policy, with the stricter decision wherever the `other` is stricter."""
        table = {
            category: {place: stricter(row[place], other.table[category][place]) for place in PLACES}
            for category, row in self.table.items()
        }
        words = {name: (*self.words.get(name, ()), *other.words.get(name, ())) for name in CATEGORIES}
        return replace(
            self,
            name=f"{self.name}, held to {other.name}",
            table=table,
            exceptions=other.exceptions,
            unchecked=stricter(self.unchecked, other.unchecked),
            marked=self.marked or other.marked,
            words={name: own for name, own in words.items() if own},
        )


def stricter(one: Decision, other: Decision) -> Decision:
    """The stricter of two decisions."""
    return max(one, other, key=DECISIONS.index)


def _all(decision: Decision, **other: Decision) -> dict[str, dict[str, Decision]]:
    return {category: {place: other.get(place, decision) for place in PLACES} for category in CATEGORIES}


STANDARD = Policy("standard", _all("refuse"))
STRICT = Policy("strict", _all("refuse"), unchecked="refuse", marked=True)
OFF = Policy("off", _all("allow"))
BUILT_IN = {policy.name: policy for policy in (STANDARD, STRICT, OFF)}
