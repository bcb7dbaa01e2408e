"""The files that a storyboard names: inside its folder, there, and of the right kind by their suffix."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Sequence
from errno import ENAMETOOLONG
from pathlib import Path, PurePath, PureWindowsPath
from typing import Literal
from urllib.parse import unquote

from sora_cli.errors import HINT_PICTURE
from sora_cli.spelling import as_stored, same_words
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import quoted

PICTURES = ("png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "tif", "tiff", "gif", "heic", "heif", "avif", "jp2")
FILMS = (
    *("mp4", "mov", "mkv", "webm", "avi", "m4v", "mpg", "mpeg", "vob", "ts", "mts", "m2ts", "mxf", "dv", "wmv", "flv"),
    *("ogv", "3gp", "asf", "f4v", "m2v", "qt", "y4m", "mjpeg", "mjpg", "3g2", "m2t", "mod", "tod", "mpe", "m1v", "m2p"),
    *("tp", "divx", "ogm", "insv", "lrv"),
)
MOVING = ("gif", "png", "webp", "avif")
"""Pictures that may move: then they are films."""
AS_FILM = frozenset({"from", "to", "of", "film"})
"""Keys under which a picture that moves is a film; under others it is its first frame."""
SOUNDS = (
    *("wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "aif", "aiff", "caf", "amr", "wma", "mka", "weba"),
    *("oga", "m4b", "au", "aifc", "ac3", "w64", "mp2", "bwf", "m4r", "3ga", "mpga", "snd"),
)
HEARD = (*SOUNDS, *FILMS)
"""What may be heard: of a film, its sound."""
A_SOUND = "a sound file, or a film with sound"
SOUND_USES = frozenset({"ambience", "music", "sound"})
FONTS = ("ttf", "otf", "ttc")
WEIGHTS = ("safetensors", "pth")
_OTHER_WEIGHTS = ("ckpt", "pt", "bin", "onnx", "gguf", "zip")
OTHER_TABLES = frozenset(
    ("3dl", "clf", "csp", "ctf", "cdl", "cc", "dctl", "look", "lut", "m3d", "mga", "spi1d", "spi3d", "vlt")
)
"""Colour tables that sora does not read."""
_OTHER_PICTURES = (
    *("jxl", "exr", "dpx", "psd", "psb", "xcf", "kra", "qoi", "hdr", "dds", "tga", "ico", "svg", "ai", "eps", "pdf"),
    *("dng", "cr2", "cr3", "nef", "arw", "raf", "orf", "rw2"),
)
"""Pictures that sora does not read."""
HINT_TABLES = "save it as a .cube file; OpenColorIO's `ociobakelut` converts it"
_HINT_WINDOWS = "a path of Windows: copy the file beside the storyboard, and name that"
OUTSIDE, ABSENT = "is outside the storyboard's folder", "no such"
"""What is said of a file that may not be used, and of one that is not there."""
YAML_FILES = ("yaml", "yml", "json")
"""How storyboards and policies end: JSON is YAML too."""


def suffix(text: str) -> str:
    """What stands after the last dot, in small letters; nothing where no word of a suffix's kind does, but a number."""
    match = re.search(r"\.(?![0-9]+s?$)([A-Za-z0-9]{1,5}|safetensors)$", text)
    return match[1].lower() if match else ""


def use_of(loc: Loc) -> str:
    """As what a file is used that is named at a place: by the key there; recordings of lines and `words` are heard."""
    key = next(part for part in reversed(loc) if isinstance(part, str))
    return "sound" if key == "words" or (key == "file" and "consent" not in loc) else key


def is_film(path: Path) -> bool:
    """Whether a file is a film: by its suffix, or as a picture that moves."""
    if suffix(path.name) not in MOVING:
        return suffix(path.name) in FILMS
    from sora_cli.media.read.picture import moves

    return moves(path)


def is_path(text: str) -> bool:
    """Whether this plainly names a place in the file system, whatever its suffix: no name of a shot has a slash."""
    return "/" in text or "\\" in text or text in {".", ".."} or text.startswith("~")


class Files:
    """Finds the files that a storyboard names, and notes what is wrong with them.

    Those that a search `found` may lie outside its folder: they are of the user's own store.
    """

    def __init__(
        self, document: Document, problems: Problems, folder: Path, *, allow_outside: bool, found: Collection[str] = ()
    ) -> None:
        self._document = document
        self._problems = problems
        self._folder = folder
        self._real = Path(os.path.realpath(folder))
        self._allow_outside = allow_outside
        self._searched = found
        self._known: dict[str, tuple[str, str]] = {}
        self.found: dict[Loc, Path] = {}
        """All that were found, by where they are named."""

    @property
    def base(self) -> Path:
        """The folder that relative names start from."""
        return self._folder

    def find(self, text: str, loc: Loc, kinds: Sequence[str], what: str) -> Path | None:
        """The file `text`, relative to the storyboard's folder, or None when something is wrong with it.

        `kinds` are the suffixes it may have, `what` the words for them ("a picture").
        """
        if text not in self._known:
            self._known[text] = self._wrong(text)
        wrong, hint = self._known[text]
        if not wrong and suffix(text) not in kinds:
            wrong, hint = f"{quoted(text)} is not {what}", f"by its suffix: {', '.join(kinds)}"
            if suffix(text) in _OTHER_PICTURES and "png" in kinds:
                wrong, hint = f"{wrong} that sora reads", HINT_PICTURE
        if not wrong:
            self.found[loc] = as_stored(self._folder / text)
            return self.found[loc]
        self.refuse(wrong, loc, hint)
        return None

    def refuse(self, wrong: str, loc: Loc, hint: str) -> None:
        """Note what is wrong with the files that are named at a place."""
        self._problems.add(wrong, self._document.mark(loc), hint)

    def film(self, text: str, loc: Loc) -> Path | None:
        """As `find`, of a film: a picture that moves is one."""
        moving = suffix(text) in MOVING and is_film(as_stored(self._folder / text))
        return self.find(text, loc, MOVING if moving else FILMS, "a film")

    def weights(self, text: str, loc: Loc) -> Path | None:
        """The weights `text` of a model, or the only ones in the folder `text`; None when something is wrong there."""
        if suffix(text) in WEIGHTS or suffix(text) in _OTHER_WEIGHTS:
            return self.find(text, loc, WEIGHTS, "a model's weights that sora reads")
        folder = self.folder(text, loc)
        if folder is None:
            return None
        names = sorted(path.name for path in folder.iterdir() if suffix(path.name) in WEIGHTS)
        if len(names) == 1:
            return self.find(str(Path(text, names[0])), loc, WEIGHTS, "a model's weights")
        held = f"{len(names)} models" if names else f"no .{' or .'.join(WEIGHTS)} file"
        self._problems.add(f"{quoted(text)} holds {held}", self._document.mark(loc), "name the file itself")
        return None

    def folder(self, text: str, loc: Loc) -> Path | None:
        """The folder `text`, relative to the storyboard's, or None when something is wrong with it."""
        wrong, hint = self._wrong(text, "folder")
        if not wrong:
            return as_stored(self._folder / text)
        self._problems.add(wrong, self._document.mark(loc), hint)
        return None

    def _wrong(self, text: str, what: Literal["file", "folder"] = "file") -> tuple[str, str]:
        """What is wrong with a path, and a hint; both empty when it is fine."""
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
            hint = f"save the {what} beside the storyboard, and name that"
            if text.startswith("file:///"):
                hint = f"write it as a path: {quoted(unquote(text.removeprefix('file://')))}"
            return f"{quoted(text)} is an address, not a {what}", hint
        path = as_stored(self._folder / text)
        try:
            free = self._allow_outside or text in self._searched
            if not free and not Path(os.path.realpath(path)).is_relative_to(self._real):
                hint = f"copy the {what} beside the storyboard, or run with --allow-outside"
                return f"{quoted(text)} {OUTSIDE}", hint
            if path.is_file() if what == "file" else path.is_dir():
                return "", ""
            if path.exists():
                return f"{quoted(text)} is not a {what}", ""
            return f"{quoted(text)}: {ABSENT} {what}", self._near(text, path)
        except (OSError, ValueError) as error:
            long = isinstance(error, OSError) and error.errno == ENAMETOOLONG
            return f"{quoted(text)} cannot be read", "its name is longer than names of files can be" if long else ""

    def _near(self, text: str, path: Path) -> str:
        try:
            with os.scandir(path.parent) as entries:
                names = [entry.name for entry, _ in zip(entries, range(500), strict=False)]
        except (OSError, ValueError):
            if text.startswith("~"):
                return "`~` is not read as your home: copy the file beside the storyboard, or write its whole path"
            return "" if path.parent == self._folder else f"there is no folder {quoted(path.parent.name)}"
        if hidden := _hidden(path.name, names):
            return hidden
        windows = PureWindowsPath(text)
        far = windows.name if "\\" in text and windows.drive else ""
        near = "" if far else _of_kind(path.name, names) or self._problems.nearest(path.name, names)
        near = far if far in names else near
        if near:
            return f"did you mean {quoted(PurePath(text).with_name(near))}?"
        if "\\" in text:
            return _HINT_WINDOWS if far else f"write / between folders: {quoted(windows.as_posix())}"
        return f"paths count from the folder {quoted(self._folder.absolute().name or '/')}"


def _of_kind(name: str, names: Sequence[str]) -> str:
    """A file that differs in its suffix alone and is of the same kind; empty where there is none."""
    kinds = [kind for kind in (PICTURES, SOUNDS, FILMS) if suffix(name) in kind]
    stem = PurePath(name).stem
    return next(
        (each for each in names if PurePath(each).stem == stem and any(suffix(each) in kind for kind in kinds)), ""
    )


def _hidden(name: str, names: Sequence[str]) -> str:
    """Why a file is not found though its name, or one that looks like it, is in the folder."""
    if name in names:
        return "it is a link that leads nowhere"
    if any(each.strip() == name for each in names):
        return "its name has a space before or behind it: rename the file"
    if other := next((each for each in names if not each.isprintable() and _in_latin(each) == name), ""):
        return f"its name is there in other letters than UTF-8, as {quoted(ascii(os.fsencode(other))[2:-1])}: rename it"
    if any(same_words(each, name) for each in names):
        return "several names in its folder read like it, and differ in code points alone: rename them"
    return ""


def _in_latin(name: str) -> str:
    """A name whose bytes are no UTF-8, as Western programs of old read it."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("cp1252", "replace"))
