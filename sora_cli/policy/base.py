"""The seam: a checker looks at words or at a picture and tells what it finds. It decides nothing; a policy does.

Others bring checkers by the entry point `sora.checkers`, a callable that makes one. They add to the built-in ones and
take none away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol, TypeVar

Items_contra = TypeVar("Items_contra", contravariant=True)
"""Texts (a sequence of str), or pictures ((N, height, width, 3), uint8, sRGB)."""
Kind = Literal["words", "pictures"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something of a category, with a score from 0 to 1 (words that are known count 1)."""

    category: str
    score: float
    checker: str


class Unable(Exception):  # noqa: N818  no error: neither refused nor passed
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


def of_others(kind: Kind) -> list[Checker[Any]]:
    """Checkers of a kind that installed packages bring.

    Raises:
        Unable: one cannot be made.
    """
    made: list[Checker[Any]] = []
    for entry in entry_points(group="sora.checkers"):
        try:
            checker: Checker[Any] = entry.load()()
        except Exception as error:  # a package of others may raise anything, and what cannot look has not passed
            raise Unable(f"the checker {entry.name} cannot start: {type(error).__name__}: {error}") from error
        made += [checker] if checker.kind == kind else []
    return made
