"""Straight films of a story by choice: of one path, or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from sora_cli.errors import RequestError
from sora_cli.flows import places
from sora_cli.storyboard.choices import END
from sora_cli.storyboard.model import Choice, Storyboard
from sora_cli.storyboard.story import Passage, Story, paths, story_of

MOST = 100
"""Paths of which films are made at once."""
STEPS = 20_000
"""Passages that are tried in search of all paths."""


def chosen(board: Storyboard, names: Sequence[str]) -> tuple[str, ...]:
    """The passages of the path on which these choices are taken, each named by its shot or its words.

    What goes on by itself need not be named, but may be.

    Raises:
        RequestError: there is no such choice, or the names end before the story does.
    """
    story, waiting = story_of(board.shots), list(names)
    path = [next(iter(story))]
    if waiting[:1] == path:
        del waiting[0]
    while story[path[-1]].choices:
        choice = _next(story[path[-1]], waiting)
        if not choice.go:
            break
        path.append(choice.go)
    if waiting:
        raise RequestError(f"--path: the story ends after {path[-1]}, before {waiting[0]}", hint="leave the rest out")
    return tuple(path)


def _next(passage: Passage, waiting: list[str]) -> Choice:
    """The choice that is taken at the end of a passage; its name is taken from those that wait."""
    found = next((each for each in passage.choices if waiting and _is(each, waiting[0])), None)
    if found is not None:
        del waiting[0]
        return found
    if not passage.asks:
        return passage.choices[0]
    ways = ", ".join(choice.go or END for choice in passage.choices)
    at = f"at the end of {passage.shots[-1]}"
    if waiting:
        raise RequestError(f"--path {waiting[0]}: no such choice {at}", hint=f"choose one of {ways}")
    raise RequestError(f"--path stops {at}, where somebody chooses", hint=f"go on with one of {ways}")


def _is(choice: Choice, name: str) -> bool:
    return name.casefold() in {(choice.go or END).casefold(), choice.say.casefold() or None}


def every(board: Storyboard) -> list[tuple[str, ...]]:
    """All paths that take no choice twice.

    Raises:
        RequestError: there are more than anybody wants films of.
    """
    found, whole = paths(story_of(board.shots), STEPS)
    if not whole or len(found) > MOST:
        raise RequestError(f"the story has more than {MOST} paths", hint="name one: --path A,B")
    return found


def shots_of(story: Story, path: Sequence[str]) -> tuple[str, ...]:
    """The shots of a path, in order."""
    return tuple(chain.from_iterable(story[name].shots for name in path))


def films(
    board: Storyboard, wanted: Sequence[Sequence[str]], asked: str | None, deliver: str | None
) -> tuple[Mapping[Path, tuple[str, ...]], str]:
    """Where the films of these paths go, each with its shots; and as what kind.

    `asked` is a film, or a folder for it; for several it is a folder.

    Raises:
        RequestError: a film is asked for, and there are several.
    """
    from sora_cli.media.deliveries import delivery, kind_of

    story = story_of(board.shots)
    if len(wanted) == 1:
        stem = _stem(board, wanted[0])
        out, kind = places.target(asked, lambda kind, folder: folder / f"{stem}{delivery(kind).suffix}", deliver)
        return {out: shots_of(story, wanted[0])}, kind
    if asked and not Path(asked).is_dir() and (Path(asked).exists() or kind_of(Path(asked))):
        raise RequestError(f"cannot write {len(wanted)} films to {asked}", hint="name a folder with -o")
    several = delivery(deliver or places.WEB)
    names = places.each_once(_stem(board, path) for path in wanted)
    folder = Path(asked or "")
    outs = (folder / f"{name}{several.suffix}" for name in names)
    return {out: shots_of(story, path) for out, path in zip(outs, wanted, strict=True)}, several.name


def _stem(board: Storyboard, path: Sequence[str]) -> str:
    """The name of a path's film: the storyboard's, and the passages after the first."""
    return places.slug("-".join([places.default_name(board).stem, *path[1:]]))
