"""Reads a storyboard from a file or from data: gives a `Storyboard`, or everything that is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.errors import Mark, Mend, Problem, StoryboardError, refusal
from sora_cli.storyboard.borrowed import borrowed
from sora_cli.storyboard.comments import misread
from sora_cli.storyboard.compose import compose
from sora_cli.storyboard.files import Files
from sora_cli.storyboard.fill import Data, Pruned, fill
from sora_cli.storyboard.given import Given, typed_in, words
from sora_cli.storyboard.keyframes import chosen
from sora_cli.storyboard.keys import known_keys, one_shot
from sora_cli.storyboard.model import Loc, Storyboard
from sora_cli.storyboard.nodes import Document, Items, Pairs, from_plain
from sora_cli.storyboard.problems import Enough, Problems
from sora_cli.storyboard.resolve import Resolver
from sora_cli.storyboard.schema import FilmForm
from sora_cli.storyboard.searching import Find, nowhere, pinned, settle
from sora_cli.storyboard.shapes import Fault
from sora_cli.storyboard.source import Source, decode, quoted, read_source
from sora_cli.storyboard.turned import key_mend, value_mend
from sora_cli.storyboard.unused import unused

_ROUNDS = 5
_GOES_OUT = re.compile(r"\b(?:out|to|into|next|end)\b", re.IGNORECASE)
"""How a shot goes out: a transition is how one comes in, so that the author has to say which."""
_NOTHING: Mapping[str, str] = {}


class LoadResult(Struct, frozen=True):
    """What reading a storyboard gave: the storyboard as far as it is understood, whole where there are no problems."""

    board: Storyboard | None
    problems: tuple[Problem, ...]


def load(
    path: Path,
    *,
    sets: Mapping[str, str] = _NOTHING,
    allow_outside: bool = False,
    memory: str | None = None,
    find: Find = nowhere,
) -> Storyboard:
    """The storyboard in the file at `path`, checked.

    `sets` are the values of `--set`; `allow_outside` lets paths leave the storyboard's folder; `memory` is the mode
    that wins over the one written there; `find` finds clips for links that search.

    Raises:
        StoryboardError: with all problems, in the order of the file.
    """
    return fitted(_board(read(path, sets=sets, allow_outside=allow_outside, find=find)), memory)


def fitted(board: Storyboard, mode: str | None) -> Storyboard:
    """The storyboard with the mode of `--memory`, which wins over the one written there; errors name the option."""
    if not mode:
        return board
    return replace(naming(board, ("memory", "mode"), "--memory", mode), memory={**board.memory, "mode": mode})


def naming(board: Storyboard, loc: Loc, option: str, value: object) -> Storyboard:
    """The storyboard, of which errors in the value at `loc` name an option that it comes from."""
    return replace(board, mark=partial(_mark, board.mark, loc, Mark("", 0, 1, "", words(option, value))))


def _mark(other: Callable[[Loc], Mark | None], place: Loc, typed: Mark, loc: Loc) -> Mark | None:
    return typed if loc[: len(place)] == place else other(loc)


def read(
    path: Path, *, sets: Mapping[str, str] = _NOTHING, allow_outside: bool = False, find: Find = nowhere
) -> LoadResult:
    """Read as `load` does, but return the problems. No file makes it raise."""
    try:
        source = read_source(path)
        return _read_source(source, sets, path=path, folder=path.parent, allow_outside=allow_outside, find=find)
    except StoryboardError as error:
        return LoadResult(None, error.problems)


def read_text(
    text: str,
    *,
    folder: Path,
    name: str,
    sets: Mapping[str, str] = _NOTHING,
    allow_outside: bool = False,
    find: Find = nowhere,
) -> LoadResult:
    """As `read`, of YAML text; its files are looked for in `folder`, and errors call it `name`."""
    try:
        source = decode(text.encode("utf-8", "surrogatepass"), name)
        return _read_source(source, sets, path=None, folder=folder, allow_outside=allow_outside, find=find)
    except StoryboardError as error:
        return LoadResult(None, error.problems)


def read_again(text: str, board: Storyboard, *, name: str, sets: Mapping[str, str]) -> Storyboard | None:
    """What the text of a storyboard is once it is changed, with the clips found before; None where it has mistakes."""
    read = read_text(
        text, folder=board.folder, name=name, sets=sets, allow_outside=board.allow_outside, find=pinned(board.data)
    )
    return None if read.problems else read.board


def from_data(
    data: Mapping[str, object], *, folder: Path, name: str = "<command line>", allow_outside: bool = True
) -> Storyboard:
    """The storyboard in plain data (keys without a value are left out), checked as a file is; marks say what was typed.

    Raises:
        StoryboardError: with all problems; `name` says where they come from.
    """
    return _board(read_data(data, folder=folder, name=name, allow_outside=allow_outside))


def read_data(
    data: Mapping[str, object], *, folder: Path, name: str = "<command line>", allow_outside: bool = True
) -> LoadResult:
    """As `from_data`, but gives the problems back; those of values that are `Given` name what was typed.

    Raises:
        StoryboardError: the data is nested too deep.
    """
    problems = Problems()
    document = Document(from_plain(data), None, dict(typed_in(data)))
    digest = sha256(json.dumps(data, sort_keys=True, default=_written).encode()).hexdigest()
    board = _understand(document, problems, {}, path=None, folder=folder, digest=digest, allow_outside=allow_outside)
    told = problems.told()
    named = (each if each.mark else replace(each, message=f"{name}: {each.message}") for each in told)
    return LoadResult(board, tuple(named))


def _written(value: object) -> object:
    return value.value if isinstance(value, Given) else str(value)


def _board(reading: LoadResult) -> Storyboard:
    if reading.board is None or reading.problems:
        raise refusal(reading.problems)
    return reading.board


def _read_source(
    source: Source, sets: Mapping[str, str], *, path: Path | None, folder: Path, allow_outside: bool, find: Find
) -> LoadResult:
    problems = Problems()
    try:
        document = Document(compose(source, problems), source)
    except Enough:
        return LoadResult(None, problems.told())
    digest = source.digest
    if sets:
        digest = sha256(f"{digest} {json.dumps(dict(sets), sort_keys=True)}".encode()).hexdigest()
    board = _understand(
        document, problems, sets, path=path, folder=folder, digest=digest, allow_outside=allow_outside, find=find
    )
    if board is not None:
        stills = chosen(path, problems) if path and any(shot.keyframes for shot in board.shots) else {}
        own = {name: replace(stills.get(name, each), number=each.number) for name, each in board.stills.items()}
        board = replace(board, stills={**stills, **own}, remarks=(*board.remarks, *misread(document)))
    return LoadResult(board, problems.told())


def _understand(
    document: Document,
    problems: Problems,
    sets: Mapping[str, str],
    *,
    path: Path | None,
    folder: Path,
    digest: str,
    allow_outside: bool,
    find: Find = nowhere,
) -> Storyboard | None:
    board = None
    with suppress(Enough):
        data, pruned = fill(document, sets, problems)
        found = settle(data, document, problems, pruned, find)
        if film := _validated(data, document, problems, pruned):
            files = Files(document, problems, folder, allow_outside=allow_outside, found=found.keys())
            resolver = Resolver(film, document, problems, pruned, files)
            board = resolver.storyboard(path=path, folder=folder, digest=digest)
            told = (*(each for remarks in found.values() for each in remarks), *borrowed(document, data, sets))
            told = (*told, *unused(board, document, sets)) if not problems else told
            board = replace(board, data=data, files=files.found, allow_outside=allow_outside, remarks=told)
    return board


def _validated(data: Data, document: Document, problems: Problems, pruned: Pruned) -> FilmForm | None:
    """The forms in `data`; what is wrong is noted, taken out, and the rest tried again."""
    for _ in range(_ROUNDS):
        faults: list[Fault] = []
        film = FilmForm.read(data, (), faults)
        if not faults:
            return film
        for fault in sorted(faults, key=lambda fault: fault.what == "missing"):
            if fault.what != "missing":
                pruned |= _note(fault, document, problems)
                pruned.take(data, fault.loc)
                continue
            if fault.loc not in pruned:
                _note(fault, document, problems)
            pruned.put(data, fault.loc)
    return None


def _note(fault: Fault, document: Document, problems: Problems) -> set[Loc]:
    """Note a fault; what is returned may be missing because of it, and is not to be told as well."""
    loc, key = fault.loc, quoted(fault.loc[-1])
    if fault.what == "unknown":
        form, parent = FilmForm.form_at(loc[:-1]) or FilmForm, document.node(loc[:-1])[1]
        hint, now = known_keys(loc, form, parent, problems)
        is_shot = bool(hint) and hint == one_shot(parent)
        mend = (
            _shots(document, loc[:-1])
            if is_shot
            else document.mend(loc, now, key=True) or key_mend(document, loc, form)
        )
        problems.add(f"unknown key {key}", document.mark(loc, key=True), hint, mend=mend)
        alone = isinstance(parent, Pairs) and not parent.pairs.keys() & form.keys.keys()
        meant = {name for name in form.keys if hint.endswith(f"{quoted(name)}?") or f"one `{name}:`" in hint}
        meant |= {"shots"} if is_shot else set()
        return {(*loc[:-1], name) for name in (form.keys if alone else meant)}
    if fault.what == "missing":
        hint = one_shot(document.node(loc[:-1])[1]) if loc[-1] == "shots" else ""
        mend = _shots(document, loc[:-1]) if hint else None
        problems.add(f"{key} is missing here", document.mark(loc[:-1]), hint or f"add {key[:-1]}: ...`", mend=mend)
    elif loc == ("storyboard",) and isinstance(document.node(loc)[1], Pairs):  # the film's keys stand under it
        problems.add(fault.message, document.mark(loc), fault.hint, mend=document.mend(loc, "", key=True))
    else:
        goes = key == "`transition`" and fault.like != "cut" and _GOES_OUT.search(fault.message)
        mend = document.mend(loc, None if goes else fault.like or None) or value_mend(document, loc)
        aside = "; a transition is how a shot comes in: what goes out stands with the next shot" if goes else ""
        problems.add(fault.message, document.mark(loc), fault.hint + aside, mend=mend)
    return set()


def _shots(document: Document, scene: Loc) -> Mend | None:
    """The change that makes shots of all scenes, where each is one shot."""
    scenes = document.node(scene[:-1])[1]
    each = isinstance(scenes, Items) and all(map(one_shot, scenes.items))
    return document.mend(scene[:-1], "shots", key=True) if each else None
