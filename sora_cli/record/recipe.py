"""The recipe of a film: all that is needed to make it again, as plain data that may go around with it.

It is the storyboard with its variables put in, the files that it names by name and hash, and of each take the hash of
its frames. It names no folder of the machine that it was written on. It goes into the film's sidecar and, signed, into
its credential.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from itertools import islice
from pathlib import Path, PurePath, PureWindowsPath

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import JsonValue

from sora_cli import __version__, storyboard
from sora_cli.adapters import weights_in
from sora_cli.bounded import is_file, is_folder
from sora_cli.engines.options import listed
from sora_cli.errors import RequestError
from sora_cli.plan import Plan
from sora_cli.plan.sounds import recordings
from sora_cli.record.film import MadeRecord, RecipeRecord
from sora_cli.record.sidecar import hash_of
from sora_cli.store import Store, file_hash
from sora_cli.store.card import NO_CARD
from sora_cli.storyboard.model import Loc, Storyboard

VERSION = 1
RECORDINGS = "recordings"
"""The folder in which a recipe's recordings are put: their names choose among them, and nothing else may be there."""
MOST_LOOKED_AT = 5_000
"""Files of a folder that are hashed to find those that a film was made with."""


class MadeTake(Struct, frozen=True, kw_only=True):
    """What a take was: its key, the hash of its frames, its engine with the weights' revision, libraries and device."""

    key: str
    engine: str
    weights: str
    pixels: str = ""
    made_on: Mapping[str, str] = field(default_factory=dict)


def write(
    plan: Plan, store: Store, *, draft: bool, only: Sequence[str], deliver: str, engine: str, animatic: bool = False
) -> RecipeRecord:
    """The recipe of a film whose takes are in the store; `engine` is the one that is used where none is named.

    Raises:
        MediaError: a file that the storyboard names is gone.
    """
    takes_made = [take for take in plan.takes if take.key not in plan.may_lack or store.has(take.key)]
    cards = {take.name: store.card(take.key) or NO_CARD for take in takes_made}
    made_on = [dict(each) for each in dict.fromkeys(tuple(sorted(card.made_on.items())) for card in cards.values())]
    takes = {
        take.name: MadeRecord.model_construct(
            key=take.key,
            pixels=cards[take.name].pixels,
            engine=bare(take.engine),
            weights=take.revision,
            made_on=made_on.index(cards[take.name].made_on),
        )
        for take in takes_made
    }
    data, files = _portable(plan.board)
    heard = _recordings(data, list(recordings(plan)))
    data.setdefault("engine", bare(engine))
    if plan.board.memory:
        data["memory"] = _plain(plan.board.memory)
    if chosen := {name: still.number for name, still in plan.board.stills.items() if still.number > 1}:
        data["stills"] = {**chosen}
    made = RecipeRecord.model_construct(
        version=VERSION,
        sora=__version__,
        draft=draft,
        only=tuple(only),
        deliver=deliver,
        storyboard=data,
        files=files,
        takes=takes,
        recordings=heard,
        made_on=tuple(made_on),
    )
    more: dict[str, object] = {"animatic": True} if animatic else {}
    more |= {"from_draft": plan.board.from_draft} if plan.board.from_draft else {}
    return made.model_copy(update=more) if more else made


def read(facts: Mapping[str, object]) -> RecipeRecord:
    """A recipe from plain data. What is in it was written by whoever signed it, and is checked as any storyboard is.

    Raises:
        RequestError: it is none, or of a later version.
    """
    if facts.get("version") != VERSION:
        raise RequestError("its recipe is not one that this version of sora reads", hint="try a later sora")
    return RecipeRecord.from_dict(facts, "its recipe")


def takes_of(recipe: RecipeRecord) -> dict[str, MadeTake]:
    """Read the takes of a recipe, by name."""
    return {
        name: MadeTake(
            key=take.key,
            engine=take.engine,
            weights=take.weights,
            pixels=take.pixels,
            made_on=recipe.made_on[take.made_on],
        )
        for name, take in recipe.takes.items()
    }


def board_of(recipe: RecipeRecord, folder: Path, known: Sequence[Path]) -> Storyboard:
    """The storyboard of a recipe, with the files that it names put into `folder`.

    They are taken from `known`, files and folders of the user's, by their hashes.

    Raises:
        RequestError: a file is not among them.
        StoryboardError: what the recipe says is no storyboard.
    """
    folder.mkdir(parents=True, exist_ok=True)
    placed = {folder: recipe.files, folder / RECORDINGS: recipe.recordings}
    wanted = [(place / name, sha) for place, files in placed.items() for name, sha in _plainly(files)]
    found = search({sha for _, sha in wanted}, known)
    missing = [f"{path.name} (SHA-256 {sha})" for path, sha in wanted if sha not in found]
    if missing:
        raise RequestError(
            f"files that it was made from are missing: {', '.join(missing)}",
            hint="put them into a folder, under any names, and add --files FOLDER",
        )
    for path, sha in wanted:
        _copy(found[sha], path)
    data = deepcopy(recipe.storyboard)
    for adapter in _adapters(data):  # whose paths count from the working folder where nobody says otherwise
        adapter["path"] = str(folder / PurePath(str(adapter.get("path", ""))).name)
    board = storyboard.from_data(data, folder=folder, name="the recipe", allow_outside=False)
    return replace(board, from_draft=recipe.from_draft)


def _plainly(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names and hashes of files; a name may lead nowhere else."""
    for name, sha in files.items():
        plain = {name, PurePath(name).name, PureWindowsPath(name).name}
        if len(plain) > 1 or name in {"", ".."} or not name.isprintable():
            raise RequestError("its recipe is damaged: the name of a file is not allowed")
        yield name, sha


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise RequestError(f"cannot copy {source} to {target}: {error.strerror}") from error


def bare(engine: str) -> str:
    """Shorten an engine's name that is a path to its last part."""
    return PurePath(engine).name if engine.startswith(("/", ".", "~")) or "\\" in engine else engine


def search(wanted: set[str], known: Sequence[Path]) -> dict[str, Path]:
    """Find files by their hashes among `known` files and folders."""
    found: dict[str, Path] = {}
    for path in islice((path for place in known for path in _inside(place)), MOST_LOOKED_AT):
        if wanted <= found.keys():
            break
        with contextlib.suppress(OSError):  # one that may not be read, or is no longer there
            found.setdefault(file_hash(path), path)
    return found


def _inside(place: Path) -> Iterator[Path]:
    """The regular files of a folder and of those in it, without following links; or the one file that it is."""
    if is_file(place):
        yield place
    for folder, _, names in os.walk(place) if is_folder(place) else ():
        yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file())


def _portable(board: Storyboard) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """The storyboard's data with files by bare names, each name for one content; and their hashes by these names."""
    files: dict[str, str] = {}
    name = partial(_named, files)
    data = {str(name): _plain(value, str(name)) for name, value in board.data.items()}
    _seal(data)
    for loc, path in board.material.items():
        _put(data, loc, name(path))
    for adapter in _adapters(data):
        adapter["path"] = name(_adapter_file(board, adapter))
        adapter.pop("sha256", None)
    return data, files


def _named(files: dict[str, str], path: Path) -> str:
    """The bare name of a file, put among `files`: each name is for one content."""
    sha, plain, number = hash_of(path), path.name, 1
    while files.get(plain, sha) != sha:
        number += 1
        plain = f"{path.stem}-{number}{path.suffix}"
    files[plain] = sha
    return plain


def _recordings(data: Mapping[str, JsonValue], used: Sequence[Path]) -> dict[str, str]:
    """The recordings that are heard, by name and hash; the storyboard's data then names their folder, if any."""
    files: dict[str, str] = {}
    for path in used:
        _named(files, path)
    sounds = data.get("sounds")
    if isinstance(sounds, dict) and sounds.pop("folder", None) and files:
        sounds["folder"] = RECORDINGS
    return files


def _seal(data: dict[str, JsonValue]) -> None:
    """Take out what consents say, and what making costs: that is nobody else's to read."""
    data.pop("cost", None)
    cast = data.get("cast")
    for member in cast.values() if isinstance(cast, dict) else ():
        if isinstance(member, dict):
            member.pop("consent", None)


def files_of(board: Storyboard) -> list[Path]:
    """List all files that a storyboard is made from: its own, those that it names, and adapters."""
    own = [board.path] if board.path else []
    return [*own, *board.files.values(), *(_adapter_file(board, each) for each in _adapters(_plain(board.data)))]


def _adapter_file(board: Storyboard, adapter: Mapping[str, JsonValue]) -> Path:
    return weights_in(board.folder / Path(str(adapter["path"])).expanduser())


def _put(data: JsonValue, loc: Loc, value: str) -> None:
    for step in loc[:-1]:
        if isinstance(data, list) and isinstance(step, int):
            data = data[step]
        elif isinstance(data, dict) and step != 0:  # one mapping where a list may stand
            data = data[str(step)]
    last = loc[-1]
    if isinstance(data, list) and isinstance(last, int):
        data[last] = value
    elif isinstance(data, dict):
        data[str(last)] = value


def _plain(value: object, key: str = "") -> JsonValue:
    """What is written, as JSON has it. A name like `007` stays as it is written; an engine loses its folder."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each, str(name)) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, key) for each in value]
    if (
        isinstance(value, int)
        and re.fullmatch(r"0\d+", written := str(getattr(value, "written", "")))
        and key != "seed"
    ):
        return written
    if isinstance(value, str):
        return bare(value) if key == "engine" else value
    return value if value is None or isinstance(value, int | float) else str(value)


def _adapters(data: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """The adapters (LoRA) that options name, which are files too; each becomes a mapping in the data."""
    if isinstance(data, dict):
        options = data.get("options")
        if isinstance(options, dict) and options.get("lora"):
            each_of: list[dict[str, JsonValue]] = [one for one in listed(options["lora"]) if isinstance(one, dict)]
            options["lora"] = [*each_of]
            yield from (each for each in each_of if "path" in each)
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _adapters(each)
