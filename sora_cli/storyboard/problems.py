"""What is wrong with a storyboard, gathered so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice

from sora_cli.errors import Mark, Mend, Problem, file_order
from sora_cli.storyboard.model import Duration
from sora_cli.storyboard.source import harmless, quoted
from sora_cli.texts import nearest

MAX_PROBLEMS = 200
"""Nobody reads more, and a hostile file could make millions."""
MAX_GUESSES = 3000
"""Words that are compared in search of what was meant, over a whole file; a comparison is slow."""


class Enough(Exception):
    """No more problems are looked for."""


class Problems:
    """The problems found so far."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, str], Problem] = {}
        self._guesses = MAX_GUESSES
        self._full = False

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, message: str, mark: Mark | None, hint: str = "", code: int = 2, *, mend: Mend | None = None) -> None:
        """Note a problem at `mark`, once for its place; `code` and `mend` are as a `Problem` has them.

        Raises:
            Enough: there are 200 already.
        """
        message = harmless(message)
        key = (*file_order(mark), message)
        if key in self._found:
            return
        if len(self._found) >= MAX_PROBLEMS:
            self._full = True
            raise Enough
        self._found[key] = Problem(message, harmless(hint), mark, code, mend)

    def seconds(self, length: Duration, fps: Fraction | None, mark: Mark | None) -> Fraction:
        """A length in seconds; noted, and 0, where it counts frames and nothing tells their rate."""
        if length.seconds is None and fps is None:
            self.add("frames need the film's frame rate", mark, "write seconds, or set `output: {fps: ...}`")
            return Fraction(0)
        return length.at(fps or Fraction(1))

    def told(self) -> tuple[Problem, ...]:
        """List all problems in the order of the file; those without a place come first."""
        found = [self._found[key] for key in sorted(self._found)]
        if self._full:
            found.append(Problem("there are more problems than these"))
        return tuple(found)

    def nearest(self, word: str, known: Iterable[str]) -> str:
        """Find the `known` word nearest to `word`; empty where none is near."""
        if len(word) > 100 or self._guesses <= 0:
            return ""
        names = [*islice(known, self._guesses)]
        self._guesses -= len(names)
        return nearest(word, names)

    def meant(self, word: str, known: Iterable[str]) -> str:
        """`did you mean ...?`, or nothing."""
        near = self.nearest(word, known)
        return f"did you mean {quoted(near)}?" if near else ""
