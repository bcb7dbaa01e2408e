"""The door: a file (or data) in, a `Storyboard` out, or all that is wrong with it at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sora_cli.errors import Problem, StoryboardError
from sora_cli.storyboard.compose import compose
from sora_cli.storyboard.files import Files
from sora_cli.storyboard.fill import Data, Pruned, fill
from sora_cli.storyboard.forms import kind
from sora_cli.storyboard.model import Loc, Storyboard
from sora_cli.storyboard.nodes import Document, from_plain
from sora_cli.storyboard.problems import Enough, Problems
from sora_cli.storyboard.resolve import Resolver
from sora_cli.storyboard.schema import PLACES, CastForm, FilmForm, Form, Level, keys_of
from sora_cli.storyboard.source import Source, decode, quoted, read_source

_ROUNDS = 5
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a storyboard gave: the storyboard as far as it is understood, whole where there are no problems."""

    board: Storyboard | None
    problems: tuple[Problem, ...]


def load(path: Path, *, sets: Mapping[str, str] = _NOTHING, allow_outside: bool = False) -> Storyboard:
    """The storyboard in the file at `path`, checked.

    `sets` are the values of `--set`; `allow_outside` lets paths leave the storyboard's folder.

    Raises:
        StoryboardError: with all problems, in the order of the file.
    """
    return _board(read(path, sets=sets, allow_outside=allow_outside))


def read(path: Path, *, sets: Mapping[str, str] = _NOTHING, allow_outside: bool = False) -> Reading:
    """As `load`, but gives the problems back. Raises nothing that a file can cause."""
    try:
        source = read_source(path)
        return _read_source(source, sets, path=path, folder=path.parent, allow_outside=allow_outside)
    except StoryboardError as error:
        return Reading(None, error.problems)


def read_text(
    text: str, *, folder: Path, name: str, sets: Mapping[str, str] = _NOTHING, allow_outside: bool = False
) -> Reading:
    """As `read`, of YAML text; its files are looked for in `folder`, and errors call it `name`."""
    try:
        source = decode(text.encode("utf-8", "surrogatepass"), name)
        return _read_source(source, sets, path=None, folder=folder, allow_outside=allow_outside)
    except StoryboardError as error:
        return Reading(None, error.problems)


def from_data(
    data: Mapping[str, Any], *, folder: Path, name: str = "<command line>", allow_outside: bool = True
) -> Storyboard:
    """The storyboard in plain data (keys without a value are left out), checked as a file is; marks are None.

    Raises:
        StoryboardError: with all problems; `name` says where they come from.
    """
    problems = Problems()
    document = Document(from_plain(data), None)
    digest = sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()
    board = _understand(document, problems, {}, path=None, folder=folder, digest=digest, allow_outside=allow_outside)
    told = tuple(Problem(f"{name}: {problem.message}", problem.hint) for problem in problems.told())
    return _board(Reading(board, told))


def _board(reading: Reading) -> Storyboard:
    if reading.board is None or reading.problems:
        raise StoryboardError(reading.problems)
    return reading.board


def _read_source(
    source: Source, sets: Mapping[str, str], *, path: Path | None, folder: Path, allow_outside: bool
) -> Reading:
    problems = Problems()
    try:
        document = Document(compose(source, problems), source)
    except Enough:
        return Reading(None, problems.told())
    digest = source.digest
    if sets:
        digest = sha256(f"{digest} {json.dumps(dict(sets), sort_keys=True)}".encode()).hexdigest()
    board = _understand(document, problems, sets, path=path, folder=folder, digest=digest, allow_outside=allow_outside)
    return Reading(board, problems.told())


def _understand(
    document: Document,
    problems: Problems,
    sets: Mapping[str, str],
    *,
    path: Path | None,
    folder: Path,
    digest: str,
    allow_outside: bool,
) -> Storyboard | None:
    board = None
    with suppress(Enough):
        data, pruned = fill(document, sets, problems)
        if film := _validated(data, document, problems, pruned):
            files = Files(document, problems, folder, allow_outside=allow_outside)
            resolver = Resolver(film, document, problems, pruned, files)
            board = resolver.storyboard(path=path, folder=folder, digest=digest)
    return board


def _validated(data: Data, document: Document, problems: Problems, pruned: Pruned) -> FilmForm | None:
    """The forms in `data`; what is wrong is noted, taken out, and the rest tried again."""
    for _ in range(_ROUNDS):
        try:
            return FilmForm.model_validate(data)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=True)
        for detail in details:
            loc = _plain_loc(detail["loc"])
            if detail["type"] != "missing":
                _note(detail, loc, document, problems)
                pruned.take(data, loc)
                continue
            if loc not in pruned:
                _note(detail, loc, document, problems)
            pruned.put(data, loc)
    return None


def _plain_loc(loc: tuple[int | str, ...]) -> Loc:
    """Pydantic's location without the tags of forms."""
    return tuple(step for step in loc if not (isinstance(step, str) and step.startswith("<")))


def _note(detail: ErrorDetails, loc: Loc, document: Document, problems: Problems) -> None:
    fault, context = detail["type"], detail.get("ctx", {})
    key = quoted(loc[-1]) if loc else "the storyboard"
    if fault == "extra_forbidden":
        problems.add(f"unknown key {key}", document.mark(loc, key=True), _known_keys(loc, problems))
    elif fault == "missing":
        problems.add(f"{key} is missing here", document.mark(loc[:-1]), f"add {key[:-1]}: ...`")
    elif fault == "sora":
        problems.add(context["message"], document.mark(loc), context["hint"])
    else:
        what = _wanted(fault, str(context.get("expected_tags", "")))
        hint = "" if fault.startswith("too_") else f"it is {kind(detail['input'])}"
        problems.add(f"{key} must be {what}", document.mark(loc), hint)


def _wanted(fault: str, tags: str) -> str:
    """What pydantic wanted, in a person's words."""
    if fault == "too_short":
        return "a list of something"
    if fault == "too_long":
        return "a mapping of at most 100 keys"
    words = {"<list>": "a list", "<mapping>": "a mapping", "<text>": "text", "<switch>": "off"}
    forms = " or ".join(word for tag, word in words.items() if tag in tags)
    return forms or ("a list" if fault == "list_type" else "a mapping")


def _known_keys(loc: Loc, problems: Problems) -> str:
    """A hint at the keys that may stand beside the unknown one at `loc`."""
    around = [step for step in loc[:-1] if isinstance(step, str)]
    form: type[Form] = FilmForm
    if around:
        form = CastForm if around[0] == "cast" else PLACES.get(around[-1], FilmForm)
    key, known = str(loc[-1]), keys_of(form)
    homes = {"the film": "", "a scene": "scenes", "a shot": "shots", "a beat": "beats", "`output`": "output"}
    fitting = [home for home, place in homes.items() if key in keys_of(PLACES.get(place, FilmForm))]
    belongs = f"{quoted(key)} belongs to {' or '.join(fitting)}" if fitting else ""
    if issubclass(form, Level) and belongs:
        return belongs
    return problems.meant(key, known) or belongs or f"known keys here: {', '.join(known)}"
