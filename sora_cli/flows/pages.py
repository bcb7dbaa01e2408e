"""Pages of films and storyboards: where they may go, and how they are written."""

from __future__ import annotations

from pathlib import Path

from sora_cli import atomic
from sora_cli.errors import RequestError
from sora_cli.flows import outputs
from sora_cli.media.stream import middles
from sora_cli.page.data import Page
from sora_cli.record import sidecar

SUFFIXES = (".html", ".htm")


def check(out: Path, source: Path, *, overwrite: bool) -> None:
    """Refuse a place that cannot be a page's, or that holds anything but an earlier page of `source`.

    Raises:
        RequestError: as `outputs.check` does, and where a browser would not take the file for a page.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{out} is not the name of a page", hint=f"name it {out.stem}.html")

    def own(path: Path) -> bool:
        from sora_cli.page.render import is_page_of

        return is_page_of(path, source.name)

    outputs.check({out: own}, [source, *sidecar.beside(source)], overwrite=overwrite)


def write(page: Page, out: Path) -> None:
    """Write a page.

    Raises:
        MediaError: the disk refuses.
    """
    from sora_cli.page.render import render

    atomic.save(out, render(page))


def spread(start: int, count: int, parts: int) -> list[int]:
    """The middle frames of at most `parts` equal parts of `count` frames from `start`, once each."""
    return list(dict.fromkeys(middles(start, count, parts)))
