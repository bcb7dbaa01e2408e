"""What the author should know of takes, each at its place in the file."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.errors import Problem
from sora_cli.storyboard.model import Beat, Loc, Storyboard


class Findings(Struct):
    """Problems and remarks, as they are found while a storyboard is planned."""

    board: Storyboard
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How much was found."""
        return len(self.problems) + len(self.remarks)

    def wrong(self, beat: Beat, what: str, message: str, hint: str = "", *, code: int = 2) -> None:
        """A problem, at the place where the beat's value stands."""
        self.problems.append(replace(self._told(beat, what, message, hint), code=code))

    def remark(self, beat: Beat, what: str, message: str, hint: str = "") -> None:
        """A remark, at the place where the beat's value stands."""
        self.remarks.append(self._told(beat, what, message, hint))

    def place_of(self, beat: Beat, reference: Path) -> Loc:
        """Where a reference of a beat stands: with the beat or its shot, else with the cast."""
        if loc := beat.origin.get("references"):
            return (*loc, beat.references.index(reference))
        cast = self.board.cast
        name = next(name for name in beat.cast if name in cast and reference in cast[name].references)
        return "cast", name, "reference", cast[name].references.index(reference)

    def _told(self, beat: Beat, what: str, message: str, hint: str) -> Problem:
        written = {"from": "start", "to": "end", "depth of field": "depth_of_field"}.get(what, what)
        return Problem(message, hint, self.board.mark(beat.origin.get(written, (*beat.loc, what))))
