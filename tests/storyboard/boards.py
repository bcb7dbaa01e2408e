"""Short ways to read a storyboard in a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sora_cli.storyboard import LoadResult, read_text
from sora_cli.storyboard.model import Beat, Storyboard

HERE = Path(__file__).parent


def reading(text: str, folder: Path = HERE, sets: Mapping[str, str] | None = None, **options: bool) -> LoadResult:
    return read_text(text, folder=folder, name="board.yaml", sets=sets or {}, **options)


def board(text: str, folder: Path = HERE, sets: Mapping[str, str] | None = None) -> Storyboard:
    found = reading(text, folder, sets)
    assert found.board is not None, "\n".join(map(str, found.problems))
    return found.board


def first_beat(text: str, folder: Path = HERE, sets: Mapping[str, str] | None = None) -> Beat:
    return board(text, folder, sets).shots[0].beats[0]


def problem(text: str, folder: Path = HERE, sets: Mapping[str, str] | None = None) -> str:
    """The only problem of a storyboard, as it is shown."""
    found = reading(text, folder, sets).problems
    assert len(found) == 1, "\n".join(map(str, found))
    return str(found[0])
