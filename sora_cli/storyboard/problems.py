"""What is wrong with a storyboard, gathered so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from sora_cli.errors import Mark, Problem
from sora_cli.storyboard.source import harmless, quoted

MAX_PROBLEMS = 200
"""More are counted, not told: nobody reads them, and a hostile file could make millions."""


class Problems:
    """The problems found so far."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, str], Problem] = {}
        self._untold = 0

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, message: str, mark: Mark | None, hint: str = "") -> None:
        """Note a problem at `mark`; the same one at the same place is noted once."""
        message = harmless(message)
        key = (mark.line, mark.column, message) if mark else (0, 0, message)
        if key in self._found:
            return
        if len(self._found) >= MAX_PROBLEMS:
            self._untold += 1
            return
        self._found[key] = Problem(message, harmless(hint), mark)

    def told(self) -> tuple[Problem, ...]:
        """All of them, in the order of the file; those without a place come first."""
        found = [self._found[key] for key in sorted(self._found)]
        if self._untold:
            found.append(Problem(f"{self._untold} more problems are not shown"))
        return tuple(found)

    def nearest(self, word: str, known: Iterable[str]) -> str:
        """The one of the `known` words that is nearest to `word`; nothing where none is near."""
        if len(word) > 100 or len(self._found) >= MAX_PROBLEMS:
            return ""
        by_case = {name.casefold(): name for name in islice(known, 1000)}
        close = get_close_matches(word.casefold(), by_case, 1, cutoff=0.6)
        return by_case[close[0]] if close else ""

    def meant(self, word: str, known: Iterable[str]) -> str:
        """`did you mean ...?`, or nothing."""
        near = self.nearest(word, known)
        return f"did you mean {quoted(near)}?" if near else ""
