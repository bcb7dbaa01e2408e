"""What a command may write: it never replaces an input, nor a file that is not this film's own.

A film is its own maker's where its sidecar says so (and the file is the one that it tells of, or has a credential of
ours under that name), or where its credential names the same storyboard. An edited storyboard, a draft and a finished
film are the same maker: each replaces the other. A contact sheet says in itself of which film it is, a colour table
by whom it was made. Two names mean one file if the file system says so, and also if they are spelled alike:
some disks fold letters and take two names for one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from sora_cli import __version__, atomic
from sora_cli.bounded import is_inside, read_facts, seen_from
from sora_cli.errors import HINT_FOLDER, RequestError, SoraError
from sora_cli.record import recipe, sidecar
from sora_cli.record.film import MakerRecord, NoteRecord
from sora_cli.texts import shortened

if TYPE_CHECKING:
    from sora_cli.media.deliveries import Delivery
    from sora_cli.stamp import Signer
    from sora_cli.storyboard.model import Storyboard

Own = Callable[[Path], bool]
"""Whether the file that is at an output's place is an earlier output of the same film."""

_MOST_NAME = 255
_MARK = "# sora "
_MOST_TABLE = 100_000_000


class Maker(Struct, frozen=True, kw_only=True):
    """What a film comes from: a command, and the files (or, where there are none, the words) that it was given.

    `sha256` is that of a storyboard; a film whose storyboard was moved is known by it.
    """

    command: str
    paths: tuple[Path, ...] = ()
    words: str = ""
    sha256: str = ""

    def record(self, folder: Path) -> MakerRecord:
        """The record that a file in `folder` holds of its maker; paths are relative to that folder."""
        paths = tuple(seen_from(path, folder) for path in self.paths)
        return MakerRecord.model_construct(command=self.command, of=paths, words=self.words, sha256=self.sha256)

    def made(self, told: object, folder: Path) -> bool:
        """Whether what a file in `folder` tells of its maker, as a record or as data, names this one."""
        record = told if isinstance(told, MakerRecord) else MakerRecord.if_whole(told)
        if record is None or record.command != self.command:
            return False
        if self.sha256 and record.sha256 == self.sha256:
            return True
        if record.words != self.words or len(record.of) != len(self.paths):
            return False
        return all(same(folder / name, path) for name, path in zip(record.of, self.paths, strict=True))


# -- the rule ----------------------------------------------------------------------------------------------------------


def check(outputs: Mapping[Path, Own], inputs: Iterable[Path], *, overwrite: bool = False) -> None:
    """Refuse, before any work, to replace what is not the film's own.

    Args:
        outputs: all that will be written, each with what tells its own earlier file.
        inputs: what it is made from: files, and folders whose files are inputs.
        overwrite: whether other files may be replaced. An input may not be.

    Raises:
        RequestError: an output is an input, or the same as another one, or a file that is not this film's own.
    """
    sources = list(dict.fromkeys(inputs))
    given = {each for path in sources for each in _identities(path)}
    folders = [path for path in sources if os.path.lexists(path) and path.is_dir()]
    seen: dict[object, Path] = {}
    for path, own in outputs.items():
        known = _identities(path)
        inside = any(_holds(folder, path) for folder in folders)
        if known & given or inside or (path.is_dir() and any(_holds(path, source) for source in sources)):
            raise RequestError(f"{path} is one of the sources", hint="name another place for what is written")
        if twin := next((seen[each] for each in known if each in seen), None):
            raise RequestError(f"{path} would be written twice (as {twin} too)", hint="give each its own name")
        seen |= dict.fromkeys(known, path)
        _check_name(path)
        require_parent(path)
        _check_there(path, own, overwrite=overwrite)


def _check_there(path: Path, own: Own, *, overwrite: bool) -> None:
    if not os.path.lexists(path) or (overwrite and path.is_symlink()):
        return
    if path.exists() and not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
        raise RequestError(f"cannot write to {path}: it is a pipe or a device", hint="name a file")
    if not overwrite and not own(path):
        raise RequestError(
            f"{path} is there already, and is not what this command wrote before",
            hint="name another place, or move that file away; --overwrite replaces it",
        )


def _check_name(path: Path) -> None:
    """Refuse a name that is too long for the file system, or for the temporary file beside it."""
    if len(os.fsencode(path.name)) + atomic.LONGER > _MOST_NAME:
        most = _MOST_NAME - atomic.LONGER
        name = shortened(path.name, 60)
        raise RequestError(f"the name {name} is too long: {most} bytes at most", hint="choose a shorter one")


def same(one: Path, other: Path) -> bool:
    """Whether two names lead to one file, here or on a disk that folds letters."""
    return bool(_identities(one) & _identities(other))


def _identities(path: Path) -> set[object]:
    """What two names of one file share: the file's number, and its path without links, with letters folded."""
    found: set[object] = {spelled(path)}
    try:
        facts = path.stat()
        if facts.st_ino:
            found.add((facts.st_dev, facts.st_ino))
    except (OSError, ValueError):
        pass
    return found


def spelled(path: Path) -> str:
    """The place that a name leads to, in one spelling for all letters that some disk takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.path.realpath(path)).casefold())


def require_folder(folder: Path, what: str, option: str) -> None:
    """Refuse a folder for `what` that cannot be made or written: a file stands at its name or above it, say.

    Raises:
        RequestError: one does.
    """
    if closed := _closed(folder):
        hint = f"name a folder: {option} FOLDER" if closed.by_file else HINT_FOLDER
        raise RequestError(f"cannot write {what} to {folder}: {closed.why}", hint=hint)


def require_parent(path: Path) -> None:
    """Refuse the place of a file whose folder cannot be made or written.

    Raises:
        RequestError: it cannot.
    """
    if closed := _closed(path.parent):
        raise RequestError(f"cannot write {path}: {closed.why}", hint=HINT_FOLDER)


class _Closed(NamedTuple):
    """Why nothing can be written to a folder; `by_file`: a file stands where a folder should."""

    why: str
    by_file: bool


def _closed(folder: Path) -> _Closed | None:
    """Why nothing can be written to a folder that is there or is still to be made; None where it can."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        return _Closed(f"{there} is a file", by_file=True)
    if not os.access(there, os.W_OK | os.X_OK):
        return _Closed(f"nothing may be written to {os.path.relpath(there)}", by_file=False)
    return None


def _holds(folder: Path, path: Path) -> bool:
    """Whether `path`, which is there, lies in the folder `folder`."""
    return folder.is_dir() and path.exists() and is_inside(path, folder)


# -- what is written with a film ---------------------------------------------------------------------------------------


def of_film(film: Path, kind: Delivery, maker: Maker, *, sheet: bool = True) -> dict[Path, Own]:
    """All that is written with a film, and how each is known for its own."""
    from sora_cli.media.sheet import is_sheet_of
    from sora_cli.stamp import sidecar_of

    note, picture = sidecar.beside(film)
    owns: dict[Path, Own] = {film: lambda path: _own_film(path, maker), note: own_note(maker)}
    if sheet:
        owns[picture] = lambda path: is_sheet_of(path, film)
    if not kind.signable and not kind.folder:
        owns[sidecar_of(film)] = lambda path: _own_credential(path, film)
    return owns


def own_note(maker: Maker) -> Own:
    """How a file of facts is known for its maker's own."""
    return lambda path: maker.made(read_facts(path).get("made_by"), path.parent)


def _own_film(film: Path, maker: Maker) -> bool:
    """By its sidecar and its hash; else (it was damaged, or its sidecar not yet written) by its credential."""
    note = NoteRecord.if_whole(sidecar.read(film))
    ours = note is not None and maker.made(note.made_by, film.parent)
    if note is not None and ours and note.film.sha256 == _hash(film):
        return True
    from sora_cli import stamp

    try:
        verdict = stamp.verify(film)
    except (SoraError, OSError):
        return False
    same_board = bool(maker.sha256) and verdict.parameters.get("storyboard_sha256") == maker.sha256
    return verdict.generator.startswith("sora ") and verdict.title == film.name and (ours or same_board)


def _hash(film: Path) -> str:
    try:
        return sidecar.film_hash(film) or "changed"
    except OSError:
        return "unreadable"


def _own_credential(path: Path, film: Path) -> bool:
    """A manifest store names the program that made it and the film, both as they are."""
    if path.stat().st_size > _MOST_TABLE:
        return False
    data = path.read_bytes()
    return b"jumb" in data[:16] and b"sora" in data and film.name.encode("utf-8", "replace") in data


def own_sound(maker: Maker) -> Own:
    """A sound file is known by its credential, which tells whose it is."""

    def own(path: Path) -> bool:
        from sora_cli import stamp

        try:
            verdict = stamp.verify(path)
        except (SoraError, OSError):
            return False
        mine = maker.made(verdict.parameters.get("made_by"), path.parent)
        return verdict.generator.startswith("sora ") and verdict.title == path.name and mine

    return own


def maker_of(board: Storyboard) -> Maker:
    """Whose the film of a storyboard is: its file's, or where it has none that of its title's words."""
    if board.path is None:
        return Maker(command="generate", words=board.title, sha256=board.sha256)
    return Maker(command="storyboard", paths=(board.path,), sha256=board.sha256)


def check_outputs(
    board: Storyboard,
    out: Path,
    kind: Delivery,
    *,
    overwrite: bool,
    signer: Signer | None = None,
    also: Mapping[Path, Own] = MappingProxyType({}),
) -> None:
    """Refuse to let a film and its side files replace what is not its own, or what it is made from.

    Raises:
        RequestError: as `check` does.
    """
    sources = sources_of(board, signer)
    check({**of_film(out, kind, maker_of(board)), **also}, sources, overwrite=overwrite)


def sources_of(board: Storyboard, signer: Signer | None) -> list[Path]:
    """Files and folders that a film is made from, the signer's as well."""
    named = {board.engine, *(beat.engine for shot in board.shots for beat in shot.shown)}
    engines = [folder for name in named if name and (folder := Path(name).expanduser()).is_dir()]
    return [*recipe.files_of(board), *engines, *(signer.files if signer else ())]


# -- colour tables -----------------------------------------------------------------------------------------------------


def table_mark(maker: Maker, folder: Path) -> Callable[[str], str]:
    """What ends a colour table in `folder` and tells whose it is; it is given the rest of the file."""

    def mark(text: str) -> str:
        facts = {"version": __version__, "made_by": maker.record(folder).to_dict(), "sha256": _sum(text)}
        return f"{_MARK}{json.dumps(facts, sort_keys=True)}\n"

    return mark


def unmarked(text: str) -> str:
    """A text without the last line that tells whose it is."""
    rest, mark, last = text.rpartition(_MARK)
    return rest if mark and last.startswith("{") and "\n" not in last.rstrip() else text


def own_table(maker: Maker) -> Own:
    """How a colour table is known for its maker's own, unchanged since."""

    def own(path: Path) -> bool:
        if path.is_dir() or path.stat().st_size > _MOST_TABLE:
            return False
        text, _, last = path.read_text(encoding="utf-8", errors="replace").rpartition(_MARK)
        try:
            facts = json.loads(last)
        except (ValueError, RecursionError):
            return False
        whole = isinstance(facts, dict) and facts.get("sha256") == _sum(text)
        return whole and maker.made(facts.get("made_by"), path.parent)

    return own


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
