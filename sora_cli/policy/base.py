"""The seam: a checker looks at words or at a picture and tells what it finds. It decides nothing; a policy does.

Others bring checkers by the entry point `sora.checkers`, a callable that makes one. They add to the built-in ones and
take none away.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, get_args

from msgspec import Struct

from sora_cli.packages import added, others
from sora_cli.storyboard.policy import CATEGORIES

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Items = TypeVar("Items", bound=Sized)
Items_contra = TypeVar("Items_contra", contravariant=True)
"""Texts (a sequence of str), or pictures ((N, height, width, 3), uint8, sRGB)."""
Kind = Literal["words", "pictures"]


class Finding(Struct, frozen=True):
    """Something of a category, with a score from 0 to 1 (words that are known count 1)."""

    category: str
    score: float
    checker: str


class Unable(Exception):
    """A checker could not look: why, and what to do about it."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why, self.hint = why, hint


class Checker(Protocol[Items_contra]):
    """Looks at one kind of thing. `version` changes whenever the same thing might be judged otherwise."""

    @property
    def name(self) -> str:
        """What the record calls it."""
        ...

    @property
    def version(self) -> str:
        """Its own version, with that of its weights."""
        ...

    @property
    def kind(self) -> Kind:
        """What it looks at."""
        ...

    def look(self, items: Items_contra) -> Sequence[Sequence[Finding]]:
        """What is found in each of them.

        Raises:
            Unable: it could not look at them.
        """
        ...


RULES = Path(__file__).parent / "rules"
"""The files that our own checkers judge by."""


def rules_file(name: str) -> bytes:
    """One of the files that our own checkers judge by."""
    return (RULES / name).read_bytes()


def _known(checker: Checker[Items]) -> Checker[Items]:
    """A checker that is one, of a kind that is asked."""
    if checker.kind not in get_args(Kind) or not isinstance(checker.name, str):
        message = f"its kind is {checker.kind!r}, and must be one of {', '.join(get_args(Kind))}"
        raise TypeError(message)
    return checker


def with_others(ours: Sequence[Checker[Items]], kind: Kind) -> tuple[tuple[Checker[Items], ...], Unable | None]:
    """Our checkers of a kind and those that installed packages bring; and why one of theirs cannot be made.

    One that cannot be made hinders no other.
    """
    made, unable = [*ours], None
    for entry in added("sora.checkers"):
        try:
            checker: Checker[Items] = _loaded(entry)
        except Unable as error:
            unable = unable or error
            continue
        made += [checker] if checker.kind == kind else []
    return tuple(made), unable


def _loaded(entry: EntryPoint) -> Checker[Items]:
    told, hint = f"the checker {entry.name} cannot start", f"mend or remove the package that brings {entry.name}"
    with others(lambda why: Unable(f"{told}: {why}", hint)):
        checker: Checker[Items] = _known(entry.load()())
        return checker


def found_by(checker: Checker[Items], items: Items) -> Sequence[Sequence[Finding]]:
    """What a checker finds in each of the items.

    Raises:
        Unable: it could not look, broke, or did not answer for each of them.
    """
    # What cannot look has not passed.
    with others(lambda why: Unable(f"the checker {checker.name} failed: {why}"), through=Unable):
        found = checker.look(items)
        answered = len(found) == len(items) and all(_sound(one) for each in found for one in each)
    if not answered:
        raise Unable(f"the checker {checker.name} gives no usable answer")
    return found


def _sound(finding: object) -> bool:
    return isinstance(finding, Finding) and finding.category in CATEGORIES and 0 <= finding.score <= 1


def versions_of(checkers: Sequence[Checker[Items]]) -> str:
    """Checkers and their versions, as one line; those that are not here are named as such."""
    names = []
    for checker in checkers:
        try:
            with others(Unable):
                names.append(f"{checker.name} {checker.version}")
        except Unable as error:
            names.append(f"{checker.name}: none ({error.why.partition(':')[0]})")
    return "; ".join(names)
