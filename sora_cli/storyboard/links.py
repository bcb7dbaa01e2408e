"""`from` and `to`: what they name, and that no shots wait for each other in a circle."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from sora_cli.errors import file_order
from sora_cli.spelling import composed
from sora_cli.storyboard.files import FILMS, PICTURES, Files, is_film, is_path, suffix
from sora_cli.storyboard.fill import Pruned
from sora_cli.storyboard.forms import NONE
from sora_cli.storyboard.model import Duration, Link, Loc, Shot
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.schema import LinkForm
from sora_cli.storyboard.source import quoted

_FILE = re.compile(r"\S\.[A-Za-z][A-Za-z0-9]{1,4}$")
"""A name that ends as names of files do."""
_MOMENT = re.compile(r"(.+?)(?:\s*[@:,]\s*|\s+)(start|end|[0-9.]+ ?(?:s|ms|f)?)")
"""A shot with a moment behind its name."""
NAMING = frozenset({"shot", "film", "search"})
"""Keys of a link that name something."""
At = Literal["start", "end"] | Fraction
_Node = tuple[int, int]
"""A beat: the number of its shot in the film, and its own in the shot, from 0."""


class Links:
    """Reads links, once the names of all shots are known."""

    def __init__(
        self,
        document: Document,
        problems: Problems,
        pruned: Pruned,
        files: Files,
        names: Mapping[str, int],
        *,
        fps: Fraction | None,
    ) -> None:
        self._document = document
        self._pruned = pruned
        self._problems = problems
        self._files = files
        self._names = names
        self._fps = fps

    def read(self, written: LinkForm | str, loc: Loc, shot: int) -> Link | None:
        """What `from` or `to` (the last step of `loc`) of the film's shot number `shot` names; None: a problem."""
        default: At = "end" if loc[-1] == "from" else "start"
        if isinstance(written, LinkForm):
            return self._place(written, loc, shot, default)
        if written == "nothing":
            return Link("nothing")
        if written in self._names or written == "previous":
            return self._shot(written, loc, shot, default)
        if self._is_file(written):
            return self._file(written, loc, default)
        return self._shot(written, loc, shot, default)

    def _place(self, written: LinkForm, loc: Loc, shot: int, default: At) -> Link | None:
        """What a mapping names: a shot and a moment in it, or a film."""
        if written.shot is not None and written.film is None and written.search is None:
            at = self.seconds(written.at, (*loc, "at")) if written.at is not None else default
            return self._shot(written.shot, (*loc, "shot"), shot, at)
        if not vars(written).keys() & NAMING and self._pruned & {(*loc, name) for name in NAMING}:
            return None  # what is written there was wrong, and is told
        if written.shot is not None:
            message, hint = "this names a shot and a film", "keep one of them"
        elif written.film is None:
            message, hint = f"{quoted('shot')} is missing here", "add `shot: ...`, or `search: ...`"
        elif written.at is not None:
            end = "end" if default == "end" else "start"
            message, hint = f"of a film its {end} is taken, so no {quoted('at')}", "take it out"
        else:
            path = self._files.film(written.film, (*loc, "film"))
            return Link("film", at=default, path=path) if path is not None else None
        self._problems.add(message, self._document.mark(loc), hint)
        return None

    def _is_file(self, written: str) -> bool:
        if is_path(written) or suffix(written) in {*PICTURES, *FILMS}:
            return True
        return _FILE.search(written) is not None and not self._problems.nearest(written, self._names)

    def _file(self, written: str, loc: Loc, at: At) -> Link | None:
        path = self._files.find(written, loc, (*PICTURES, *FILMS), "a picture or a film")
        if path is None:
            return None
        return Link("film", at=at, path=path) if is_film(path) else Link("picture", path=path)

    def _shot(self, name: str, loc: Loc, shot: int, at: At) -> Link | None:
        name = composed(name)
        if name == "previous" and shot > 0:
            return Link("previous", at=at)
        if name in self._names:
            return Link("shot", name=name, at=at)
        if name == "previous":
            message, hint = "there is no shot before the first one", "leave it out, or name a shot, a picture or a film"
        else:
            message = f"there is no shot called {quoted(name)}"
            hint = self._problems.meant(name, ["previous", "nothing", *self._names])
            hint = "did you mean `nothing`?" if name.lower() in ("off", *NONE) else hint
            if found := _MOMENT.fullmatch(name):
                hint = f"write `{{shot: {found[1]}, at: {found[2]}}}`" if found[1] in self._names else hint
                if suffix(found[1]) in FILMS:
                    hint = f"name the film alone: `from` takes its end, `to` its start; cut it where {found[2]} is"
            hint = hint or "write previous, nothing, a shot's name, {shot, at}, a picture or a film file"
        mend = self._document.small(loc, name, ("previous", "nothing"))
        self._problems.add(message, self._document.mark(loc), hint, mend=mend)
        return None

    def seconds(self, written: Duration | Literal["start", "end"], loc: Loc) -> At:
        """A moment as seconds; frames need the film's rate."""
        if not isinstance(written, Duration):
            return written
        return self._problems.seconds(written, self._fps, self._document.mark(loc))


def check_links(shots: Sequence[Shot], document: Document, problems: Problems) -> None:
    """Note the links to shots with nothing to carry on from, to moments past a shot's end, and circles."""
    numbers = {shot.name: number for number, shot in enumerate(shots)}
    needs: dict[_Node, dict[_Node, Loc | None]] = {}
    for number, shot in enumerate(shots):
        for part, beat in enumerate(shot.beats):
            waits: dict[_Node, Loc | None] = {}
            if beat.start is None and part:
                waits[number, part - 1] = None
            for link, key in ((beat.start, "start"), (beat.end, "end")):
                if link is None or link.kind not in ("shot", "previous"):
                    continue
                target = number - 1 if link.kind == "previous" else numbers[link.name]
                loc = beat.origin[key]
                if (of := _beat_at(shots[target], link.at)) is not None:
                    waits[target, of] = loc
                else:
                    _nothing_there(shots[target], link.at, document, problems, loc)
            needs[number, part] = waits
    _circles(needs, shots, document, problems)


def _beat_at(shot: Shot, at: At) -> int | None:
    """Which beat of `shot` plays at `at`; None where none does. A beat of unknown length is taken to play."""
    if not shot.beats:
        return None
    if not isinstance(at, Fraction):
        return 0 if at == "start" else len(shot.beats) - 1
    for number, beat in enumerate(shot.beats):
        if beat.duration is None or beat.duration.seconds is None:
            return number
        at -= beat.duration.seconds
        if at < 0:
            return number
    return None


def _nothing_there(shot: Shot, at: At, document: Document, problems: Problems, loc: Loc) -> None:
    if not shot.beats:
        message, hint = f"{quoted(shot.name)} is a title card; it has no pictures to carry on from", ""
    else:
        length = sum((beat.duration.seconds or Fraction(0) for beat in shot.beats if beat.duration), Fraction(0))
        message = f"{quoted(shot.name)} has no picture at {float(at):g}s"
        hint, loc = f"it lasts {float(length):g}s: its last picture is `at: end`", (*loc, "at")
    problems.add(message, document.mark(loc), hint)


def _circles(
    needs: dict[_Node, dict[_Node, Loc | None]], shots: Sequence[Shot], document: Document, problems: Problems
) -> None:
    """Note each circle, at the link of it that stands first."""
    for ring in _rings(needs):
        links = [(here, there) for here, there in pairwise(ring) if needs[here][there] is not None]
        here, there = min(links, key=lambda link: file_order(document.mark(needs[link[0]][link[1]] or ())))
        turn = ring.index(here)
        names = [shots[number].name for number, _ in (*ring[turn:-1], *ring[: turn + 1])]
        path = [name for name, before in zip(names, [None, *names], strict=False) if name != before]
        if len(path) == 1:
            message, hint = f"{quoted(path[0])} waits for itself", "name another shot, or leave it out"
        else:
            long = " -> ..." if len(path) > 8 else ""
            message = f"these shots wait for each other: {' -> '.join(map(quoted, path[:8]))}{long}"
            hint = "take one of the links out"
        problems.add(message, document.mark(needs[here][there] or ()), hint)


def _rings(needs: Mapping[_Node, Mapping[_Node, Loc | None]]) -> Iterator[list[_Node]]:
    """Circles, each node waiting for the next, the first again at the end; without them nothing waits for itself."""
    done: set[_Node] = set()
    for root in needs:
        path: dict[_Node, Iterator[_Node]] = {}
        now: _Node | None = None if root in done else root
        while now is not None:
            there = next(path.setdefault(now, iter(needs[now])), None)
            if there is None:
                done.add(now)
                del path[now]
                now = next(reversed(path), None)
            elif there in path:
                nodes = list(path)
                yield [*nodes[nodes.index(there) :], there]
            elif there not in done:
                now = there
