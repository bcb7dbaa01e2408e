"""Films that stay open between two readers of one stage: what looks at a clip hands it on to what plays it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Self

from sora_cli.media.read.film import Film, open_film

MOST = 2
"""Films that are kept open while nobody reads them: those of a transition."""
Open = Callable[[Path], AbstractContextManager[Film]]
"""Opens a film for as long as a block lasts, as `open_film` does."""


class Shelf:
    """Opens films, and keeps the last ones open for whoever asks next. Used as a context, which closes them all."""

    def __init__(self) -> None:
        self._idle: dict[Path, tuple[ExitStack, Film]] = {}

    @contextmanager
    def open(self, path: Path) -> Iterator[Film]:
        """Hand on the film of this path that stands open, or open it; nobody else reads it meanwhile.

        Raises:
            MediaError: as `open_film` does.
        """
        stack, film = self._idle.pop(path) if path in self._idle else _opened(path)
        with stack:  # an error inside closes the film, and is told as `open_film` tells it
            yield film
            if path not in self._idle:
                self._idle[path] = stack.pop_all(), film
        while len(self._idle) > MOST:
            self._idle.pop(next(iter(self._idle)))[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stack, _film in self._idle.values():
            stack.close()
        self._idle.clear()


def _opened(path: Path) -> tuple[ExitStack, Film]:
    stack = ExitStack()
    return stack, stack.enter_context(open_film(path, clip=True))
