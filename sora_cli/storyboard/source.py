"""The text of a storyboard: read within bounds, decoded, and every place in it findable.

Nothing here knows YAML. What is read is untrusted: a size is asked before a byte is read, and what is echoed in an
error can do nothing to a terminal.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import shlex
import stat
from bisect import bisect_right
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from sora_cli.errors import Mark, Problem, StoryboardError, hint_missing
from sora_cli.spelling import as_stored, same_words
from sora_cli.texts import nearest, no_text, shortened

MAX_BYTES = 2 * 1024 * 1024
"""Ten thousand shots fit in it."""

_BREAK = re.compile("\r\n|[\n\r]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_OTHERS = {
    **dict.fromkeys(
        (".csv", ".tsv", ".tab", ".xlsx", ".xlsm"),
        "`sora import FILE` makes a storyboard of a shot list; `sora batch BOARD FILE` makes a film of each row",
    ),
    **dict.fromkeys(
        (".fountain", ".spmd", ".fdx", ".storyboarder", ".otio", ".otioz", ".edl", ".fcpxml", ".md"),
        "`sora import FILE` makes a storyboard of it",
    ),
}
"""What to do with files of which storyboards are made, by their endings."""

WORKFLOW = "this is a workflow of ComfyUI, which sora does not run"
HINT_WORKFLOW = 'write its prompt: sora generate "a red ball"; its model: sora models; its LoRA: --option lora=FILE'


def harmless(text: str) -> str:
    """`text` with each control code, escape and direction mark replaced by one character, tabs by a space."""
    return _HARMFUL.sub("\ufffd", text.replace("\t", " "))


def quoted(value: object, longest: int = 60) -> str:
    """A written value for a message: harmless, in backquotes, cropped to about `longest` characters."""
    text = str(value)
    return f"`{harmless(shortened(text, longest))}`"


def refuse(message: str, *, hint: str = "", mark: Mark | None = None) -> NoReturn:
    """Refuse the whole file for one reason.

    Raises:
        StoryboardError: always.
    """
    raise StoryboardError([Problem(message, hint, mark)])


class Source:
    """A text and its name: the places in it as marks."""

    def __init__(self, name: str, text: str, digest: str) -> None:
        self.name = harmless(name)
        self.text = text
        self.digest = digest
        """SHA-256 of the bytes, in hex."""
        self._shown: dict[int, str] = {}

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def _line(self, number: int) -> str:
        """Line `number`, counted from 0, without its end."""
        if number not in self._shown:
            starts = self._starts
            end = starts[number + 1] if number + 1 < len(starts) else len(self.text)
            self._shown[number] = harmless(self.text[starts[number] : end].rstrip("\n\r"))
        return self._shown[number]

    def mark_at(self, index: int) -> Mark:
        """The place of the character at `index`."""
        line = bisect_right(self._starts, index) - 1
        return Mark(self.name, line + 1, index - self._starts[line] + 1, self._line(line))


def read_source(path: Path) -> Source:
    """The storyboard file at `path`.

    Raises:
        StoryboardError: it is missing, not a regular file, over 2 MiB, not UTF-8, or has control characters.
    """
    name, path = harmless(str(path)), as_stored(path)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            refuse(f"{name}: this is a folder", hint="name the storyboard file inside it")
        if not stat.S_ISREG(found.st_mode):
            refuse(f"{name}: not a regular file", hint="save the storyboard as a file, and name that")
        if found.st_size > MAX_BYTES:
            refuse(f"{name}: {found.st_size:,} bytes; a storyboard has at most {MAX_BYTES:,}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "save the storyboard as a file, and name that" if name == "-" else _near(path)
        refuse(f"{name}: no such file", hint=hint)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        refuse(f"{name}: cannot be read: {reason}")
    if other := _OTHERS.get(path.suffix.lower()):
        refuse(f"{name}: this is not YAML, by its ending", hint=other)
    return decode(data, name)


def is_workflow(text: str) -> bool:
    """Whether a text in JSON is a workflow of ComfyUI, as it is saved or as its server takes it."""
    return bool(re.search(r'"class_type"\s*:|"last_node_id"\s*:', text))


def is_settings(text: str) -> bool:
    """Whether a text in JSON is a prompt with its settings, or several, as programs that make films save them."""
    with suppress(ValueError, RecursionError):
        told = json.loads(text)
        each = told if isinstance(told, list) else [told]
        return bool(each) and all(isinstance(one, dict) and _is_prompt(one) for one in each)
    return False


def _is_prompt(told: dict[str, object]) -> bool:
    lists = any(isinstance(value, list) and value and isinstance(value[0], dict) for value in told.values())
    return isinstance(told.get("prompt"), str) and not lists and not told.keys() & {"shots", "scenes"}


def decode(data: bytes, name: str) -> Source:
    """The text in `data`, a storyboard called `name`.

    Raises:
        StoryboardError: over 2 MiB, not UTF-8, with control characters, or a workflow of ComfyUI.
    """
    if len(data) > MAX_BYTES:
        refuse(f"{harmless(name)}: a storyboard has at most {MAX_BYTES:,} bytes")
    if what := no_text(data):
        refuse(f"{harmless(name)}: this is {what}", hint="name a text file in YAML")
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            refuse(f"{harmless(name)}: this is {encoding} text", hint="save the file as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        source = Source(name, data.decode("utf-8", "replace"), "")
        refuse("not UTF-8 text", hint="save the file as UTF-8", mark=source.mark_at(len(before)))
    source = Source(name, text, sha256(data).hexdigest())
    if control := _CONTROL.search(text):
        what = f"a control character (U+{ord(control[0]):04X}) in the text"
        refuse(what, hint="take it out; a storyboard is plain text", mark=source.mark_at(control.start()))
    if text.lstrip()[:1] == "{" and is_workflow(text):
        refuse(WORKFLOW, hint=HINT_WORKFLOW, mark=source.mark_at(0))
    if name.lower().endswith(".json") and is_settings(text):
        hint = f"make a storyboard of it: sora import {shlex.quote(harmless(name))}"
        refuse("this is a prompt with its settings, as other programs have it", hint=hint, mark=source.mark_at(0))
    return source


def _near(path: Path) -> str:
    """A hint at what was perhaps meant by a path that is not there."""
    if re.match(r"[a-z]{2,}:/", str(path)):
        return hint_missing(path)
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry, _ in zip(entries, range(500), strict=False)]
    except OSError:
        return f"there is no folder {quoted(path.parent)} either"
    if path.name in names:
        return "it is a link that leads nowhere"
    if any(same_words(name, path.name) for name in names):
        return "several names in its folder read like it, and differ in code points alone: rename them"
    ended = [name for name in names if name.lower() in {f"{path.name.lower()}.yaml", f"{path.name.lower()}.yml"}]
    if near := next(iter(ended), "") or nearest(path.name, names):
        return f"did you mean {quoted(path.with_name(near))}?"
    return "`sora new` writes a storyboard to start from"
