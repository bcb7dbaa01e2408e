"""What installed packages add to sora, by their entry points: engines, voices, sounds, checkers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints


def added(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, of every installed package; none of them is loaded."""
    return tuple(_all().select(group=group))


@cache
def _all() -> EntryPoints:
    """Every entry point, read once: to look through the installed packages takes as long as to read a storyboard."""
    from importlib.metadata import entry_points  # costs more than the rest of a command that only looks

    return cast("EntryPoints", entry_points())  # up to Python 3.11 another class, with the same `select`
