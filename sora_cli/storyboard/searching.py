"""`from: {search: ...}`: words that become the clip which was found, before links are read.

What was found stands beside the words as `film`, as its author may write it too. Then nothing is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from sora_cli.errors import Problem
from sora_cli.storyboard.fill import Data, Pruned
from sora_cli.storyboard.forms import Wrong
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import harmless, quoted

KEYS = ("from", "to")
MOST = 100
"""Different words that one storyboard may search for."""


class Unable(Wrong):
    """This machine lacks what it takes to search."""


class Found(Struct, frozen=True):
    """The file of a clip, and what its author is told of it."""

    path: str
    told: str = ""


Find = Callable[[str, Mapping[str, object]], Found]
"""Finds a clip for some words of a storyboard with this data. Raises Wrong where there is none."""


def nowhere(_words: str, _data: Mapping[str, object]) -> Found:
    """Where nobody may search."""
    raise Wrong("no clips are searched for here", "name a shot, a picture or a film")


def pinned(data: Mapping[str, object]) -> Find:
    """Finds what was found for the same words in data that is settled."""
    known = {str(link["search"]): str(link["film"]) for _, link in searched(data) if "film" in link}

    def find(words: str, told: Mapping[str, object]) -> Found:
        return Found(known[words]) if words in known else nowhere(words, told)

    return find


def searched(data: object, loc: Loc = ()) -> Iterator[tuple[Loc, dict[str, object]]]:
    """The links that search, or that say what was found, and where they stand."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in items:
        if step in KEYS and isinstance(value, dict) and isinstance(value.get("search"), str):
            yield (*loc, step), value
        elif isinstance(value, (dict, list)):
            yield from searched(value, (*loc, step))


def settle(
    data: Data, document: Document, problems: Problems, pruned: Pruned, find: Find
) -> dict[str, tuple[Problem, ...]]:
    """Put the clips that are found into `data`; gives their files, and what is to be told of each.

    Links for which none is found are taken out.
    """
    settled: dict[str, tuple[Problem, ...]] = {}
    known: dict[str, Found | Wrong] = {}
    for loc, link in list(searched(data)):
        words, mark = str(link["search"]).strip(), document.mark((*loc, "search"))
        if "film" in link or not words:
            continue
        found = known[words] if words in known else known.setdefault(words, _one(words, data, find, len(known)))
        if isinstance(found, Wrong):
            code = 3 if isinstance(found, Unable) else 2
            problems.add(f"{quoted(words)}: {found.message}", mark, found.hint, code)
            pruned.take(data, loc)
            continue
        link["film"] = found.path
        told = [Problem(harmless(f"{quoted(words)} is {found.told}"), mark=mark)] if found.told else []
        settled[found.path] = (*settled.get(found.path, ()), *told)
    return settled


def _one(words: str, data: Data, find: Find, before: int) -> Found | Wrong:
    """The clip for some words, or why there is none."""
    if before >= MOST:
        return Wrong(f"a storyboard searches for at most {MOST} clips", "name files instead")
    try:
        return find(words, data)
    except Wrong as wrong:
        return wrong
