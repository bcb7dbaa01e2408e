"""Where films go: their names, and which kind of file a name can hold."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli import texts
from sora_cli.errors import RequestError, SoraError
from sora_cli.remembered import cache_folder
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.media.deliveries import Delivery

WEB = "web"
"""The default delivery of a film."""

NAME_LENGTH = 60
"""Characters of a file name made from words."""
NAME_BYTES = 150
"""Bytes of it: file systems have 255, endings and what stands beside a film included."""


def target(asked: str | None, name: Callable[[str, Path], Path], deliver: str | None) -> tuple[Path, str]:
    """Where a film goes, and as which kind of file: by `deliver`, or by the ending of its name.

    Args:
        asked: a film, or a folder for it: one that is there, or a name that ends in a slash.
        name: gives the film's name for a delivery and a folder, where none is asked for.
        deliver: the name of a kind of film file.

    Raises:
        RequestError: there is no such delivery.
    """
    from sora_cli.media.deliveries import FRAMES, kind_of

    ending = kind_of(Path(asked)) if asked else None
    frames = ending is FRAMES and deliver in {None, FRAMES.name}
    if asked is not None and not frames and _is_folder(asked):
        return name(deliver or WEB, Path(asked)), deliver or WEB
    deliver = deliver or (ending.name if ending else WEB)
    return (Path(asked) if asked else name(deliver, Path())), deliver


def _is_folder(asked: str) -> bool:
    return asked.endswith(("/", os.sep)) or Path(asked).is_dir()


def file_at(asked: Path | str | None, default: Path) -> Path:
    """Where a file goes that is no film: what is asked for, or into that folder under the name of its default place."""
    if asked is None:
        return default
    return Path(asked) / default.name if _is_folder(str(asked)) else Path(asked)


def default_name(board: Storyboard, deliver: str = WEB, folder: Path = Path()) -> Path:
    """The default place of a storyboard's film: its title (or file name), in the working folder."""
    return of_title(board.title or (board.path.stem if board.path else "film"), deliver, folder)


def of_title(title: str, deliver: str = WEB, folder: Path = Path()) -> Path:
    """The default place of a film of this title."""
    from sora_cli.media.deliveries import delivery

    return folder / (slug(title) + delivery(deliver).suffix)


def by_title(asked: str | None, deliver: str | None) -> Callable[[str], Path]:
    """Where a film goes, as `target` has it, by its title alone."""
    return lambda title: target(asked, partial(of_title, title), deliver)[0]


def animatic_name(board: Storyboard, deliver: str = WEB, folder: Path = Path()) -> Path:
    """The default place of a storyboard's animatic."""
    film = default_name(board, deliver, folder)
    return film.with_name(f"{film.stem}.animatic{film.suffix}")


def stills_name(board: Storyboard, asked: str | None) -> Path:
    """Where the picture of a storyboard's stills goes: what is asked for, or into that folder.

    Raises:
        RequestError: the name is not that of a PNG.
    """
    name = default_name(board).with_suffix(".stills.png")
    if asked is None or _is_folder(asked):
        return Path(asked or "") / name
    require_ending(asked, ".png", "write the stills", str(name))
    return Path(asked)


def require_ending(out: Path | str, ending: str, doing: str, example: str) -> None:
    """Refuse a name that does not end so; `doing` is what would go there.

    Raises:
        RequestError: it ends otherwise.
    """
    if Path(out).suffix.lower() == ending:
        return
    if str(out) == "-" or (Path(out).exists() and not (Path(out).is_file() or Path(out).is_dir())):
        raise RequestError(f"cannot {doing} to {out}: it goes to a file", hint=f"name a file that ends in {ending}")
    raise RequestError(f"cannot {doing} to {out}: its name must end in {ending}", hint=f"try {example}")


def free_name(prompt: str, deliver: str = WEB, folder: Path = Path()) -> Path:
    """The default place of a single clip: the prompt's words, numbered so that nothing is overwritten."""
    from sora_cli.media.deliveries import delivery

    return _free(folder, slug(prompt), delivery(deliver).suffix)


def claimed_name(claims: ExitStack, prompt: str, deliver: str = WEB, folder: Path = Path()) -> Path:
    """The same, which no other command of this user takes until `claims` are closed: two may begin at once.

    Where nothing can be locked the name is free, and that is all.
    """
    from sora_cli.lock import Lock

    while True:
        name = free_name(prompt, deliver, folder)
        with suppress(OSError, SoraError):
            _claim_of(name).parent.mkdir(parents=True, exist_ok=True)
            claim = Lock.take(_claim_of(name))
            if claim is None or os.path.lexists(name):  # another one was faster by a moment
                if claim is not None:
                    claim.release()
                continue
            claims.enter_context(claim)
        return name


def _claim_of(name: Path) -> Path:
    """What is locked for a name: not beside it, where a command that is killed would leave it."""
    return cache_folder() / "names" / f"{hashlib.sha256(os.fsencode(os.path.realpath(name))).hexdigest()[:32]}.lock"


def _is_claimed(name: Path) -> bool:
    """Whether another command makes a film of that name."""
    from sora_cli.lock import Lock

    with suppress(OSError, SoraError):
        if (place := _claim_of(name)).exists():
            claim = Lock.take(place)
            if claim is None:
                return True
            claim.release()
    return False


def free_board(words: str) -> Path:
    """The default place of an idea's storyboard: its words, numbered so that nothing is overwritten."""
    return _free(Path(), slug(words), ".yaml")


def free_beside(path: Path, suffix: str) -> Path:
    """A free name beside a file: the same name with another ending, numbered."""
    return _free(path.parent, path.stem, suffix)


def _free(folder: Path, stem: str, suffix: str) -> Path:
    from sora_cli.record import sidecar  # what films are made of takes a fifteenth of `check`, which names none

    names = (folder / f"{stem}{'' if number == 1 else f'-{number}'}{suffix}" for number in itertools.count(1))
    free = (name for name in names if not any(map(os.path.lexists, (name, *sidecar.beside(name)))))
    return next(name for name in free if not _is_claimed(name))


def slug(words: str) -> str:
    """Words as a name for a file: small letters of any script, Latin ones without accents, figures and hyphens."""
    plain = re.sub("-+", "-", _letters(unicodedata.normalize("NFKC", words).lower())).strip("-")
    with suppress(UnicodeEncodeError):  # names of files have the letters of one country here
        return next(
            name
            for letters in range(NAME_LENGTH, -1, -1)
            if len(os.fsencode(name := texts.name(plain, letters) or "film")) <= NAME_BYTES
        )
    return texts.name(re.sub("[^a-z0-9]+", "-", plain).strip("-"), NAME_LENGTH) or "film"


def _letters(words: str) -> str:
    """Words with a hyphen for each sign that is no letter and no figure; marks stay on their letters."""
    made = ""
    for sign in words:
        kind = unicodedata.category(sign)[0]
        plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
        if kind == "M":
            made += sign if made[-1:].strip("-") and not _ACCENT.match(sign) else ""
        elif plain.isascii():
            made += plain if plain.isalnum() else "-"
        else:
            made += sign if kind in "LN" else "-"
    return made


_ACCENT = re.compile("[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Accents of Latin, marks around signs (keys of emoji), and signs that choose how the one before them is drawn."""


def check_place(out: Path, kind: Delivery) -> None:
    """Refuse a place where no film of this kind can go, before hours of work are put into it.

    Raises:
        RequestError: its name does not fit the kind, or its folder cannot be, or may not be written to.
    """
    from sora_cli.flows import outputs
    from sora_cli.media import deliveries

    kinds = deliveries.DELIVERIES.items()
    fits = " or ".join(f"--deliver {name}" for name, other in kinds if other.suffix == out.suffix)
    others = ", ".join(other.suffix for other in deliveries.DELIVERIES.values() if other.suffix != kind.suffix)
    fits = fits or (f"another kind: {others}" if kind.name == WEB else "")
    require_ending(out, kind.suffix, "write a film", f"{out.stem}{kind.suffix}" + (f", or {fits}" if fits else ""))
    deliveries.check_place(out, kind)
    outputs.require_parent(out)


def each_once(stems: Iterable[str]) -> Iterator[str]:
    """Names of files that lie in one folder: one that another has already is numbered."""
    taken = set[str]()
    for stem in stems:
        taken.add(name := texts.free(stem, taken))
        yield name
