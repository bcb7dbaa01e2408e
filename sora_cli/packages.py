"""What installed packages add to sora, by their entry points: engines, voices, sounds, checkers.

Their code may raise anything, and so may that of models' weights: `others` makes one error of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, cast

from sora_cli.errors import SoraError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints


def added(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, of every installed package; none of them is loaded."""
    return tuple(_all(tuple(sys.path)).select(group=group))


@cache
def _all(_path: tuple[str, ...]) -> EntryPoints:
    """Every entry point of the packages on a path, read once.

    To look through the installed packages takes as long as to read a storyboard.
    """
    from importlib.metadata import entry_points  # costs more than the rest of a command that only looks

    return cast("EntryPoints", entry_points())  # up to Python 3.11 another class, with the same `select`


@contextmanager
def others(error_for: Callable[[str], Exception], *, through: type[Exception] = SoraError) -> Iterator[None]:
    """Run code of others: whatever it raises becomes `error_for(why)`, where `why` is its class and its words.

    Errors of the class `through` are ours, and pass as they are. The block holds calls of others alone: a mistake of
    our own in it would be taken for theirs.
    """
    try:
        yield
    except through:
        raise
    except Exception as error:  # onnxruntime, OpenCV and packages that nobody here knows share no other class
        raise error_for(f"{type(error).__name__}: {error}") from error
