"""Moves what prompts deny to `avoid`, in the file itself; every other character stays as it is.

A change is made only where the file then means what it meant, but for that prompt and its `avoid`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import atomic, storyboard
from sora_cli.bounded import open_regular
from sora_cli.errors import HINT_WRITE, RequestError, file_order
from sora_cli.flows import places
from sora_cli.flows.searching import Finder
from sora_cli.plan.words import MOVABLE
from sora_cli.storyboard.load import read_again
from sora_cli.storyboard.model import Beat, Storyboard

_LINES = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_BLOCK = re.compile(r"\s*(?:- )*prompt:\s+$")
_BARE = re.compile(r"(\s*(?:- )+)$")
_FLOW = re.compile(r"([{,]\s*)prompt:\s*$")


class Fixed(Struct, frozen=True):
    """A file whose denied things were moved: how many, and the change as a diff."""

    path: Path
    moved: int
    diff: str


def fix(path: Path, *, sets: Mapping[str, str], allow_outside: bool) -> Fixed:
    """Move what prompts deny ("no people") to `avoid`, in the file.

    Raises:
        RequestError: the file is not UTF-8, or cannot be written.
    """
    find = Finder(path, places.of_title)
    board = storyboard.read(path, sets=sets, allow_outside=allow_outside, find=find).board
    if board is None:
        return Fixed(path, 0, "")
    text, name = _text(path), path.name
    now, moved = text, 0
    for beat in reversed(_in_order(board)):
        changed = _changed(now, board, beat)
        read = read_again(changed, board, name=name, sets=sets)
        if read is not None and _means(read, board, beat):
            now, board, moved = changed, read, moved + 1
    if moved:
        try:
            atomic.write(path.resolve(), now)
        except OSError as error:
            raise RequestError(f"cannot write {path}: {error.strerror}", hint=HINT_WRITE) from error
    lines = unified_diff(text.splitlines(), now.splitlines(), f"{name} as it was", name, lineterm="", n=0)
    return Fixed(path, moved, "\n".join(lines))


def _text(path: Path) -> str:
    with open_regular(path) as file:
        try:
            return file.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise RequestError(f"{path} is not UTF-8: it is not changed", hint="save it as UTF-8") from error


def _in_order(board: Storyboard) -> list[Beat]:
    """The beats that deny something, as they stand in the file."""
    found = [beat for shot in board.shots for beat in shot.beats if MOVABLE.search(beat.prompt)]
    return sorted(found, key=lambda beat: _place(board, beat))


def _place(board: Storyboard, beat: Beat) -> tuple[int, int]:
    return file_order(board.mark((*beat.loc, "prompt")))


def _denied(beat: Beat) -> tuple[str, str]:
    """The words that deny something, and what they deny, with commas."""
    match = MOVABLE.search(beat.prompt)
    return (match[0], re.sub(r" (?:or|and) ", ", ", match["what"])) if match else ("", "")


def _changed(text: str, board: Storyboard, beat: Beat) -> str:
    """The text without what one prompt denies, and with that under `avoid`; as it was where that has no plain place."""
    words, what = _denied(beat)
    line, column = _place(board, beat)
    lines = _LINES.split(text)
    row = lines[line - 1] if 0 < line <= len(lines) else ""
    head, prompt = row[: column - 1], row[column - 1 :]
    avoid = board.mark((*beat.loc, "avoid")) if beat.origin.get("avoid") == (*beat.loc, "avoid") else None
    flow, bare = _FLOW.search(head), _BARE.fullmatch(head)
    if words not in prompt or not (avoid or flow or bare or _BLOCK.fullmatch(head)):
        return text
    lines[line - 1] = shorter = head + prompt.replace(words, "", 1)
    if avoid is not None:
        at = avoid.column - 1 - (len(words) if avoid.line == line and avoid.column > column else 0)
        there = lines[avoid.line - 1]
        at += there[at] in "\"'"
        lines[avoid.line - 1] = f"{there[:at]}{what}, {there[at:]}"
    elif flow:
        lines[line - 1] = f"{head[: flow.end(1)]}avoid: {_item(what)}, {shorter[flow.end(1) :]}"
    else:
        indent = len(bare[1]) if bare else head.index("prompt:")
        end = "\r\n" if row.endswith("\r\n") else "\n"
        named = f"{head}prompt: {shorter[len(head) :]}" if bare else shorter
        lines[line - 1] = f"{named.rstrip(end)}{end}{' ' * indent}avoid: {what}{end}"
    return "".join(lines)


def _item(what: str) -> str:
    """As it stands between braces, where a comma would end it."""
    return f'"{what}"' if "," in what else what


def _means(now: Storyboard, before: Storyboard, beat: Beat) -> bool:
    """Whether only this beat has changed: its prompt without the words, its `avoid` with what they deny."""
    words, what = _denied(beat)
    wanted = [each.anywhere for shot in before.shots for each in shot.beats]
    found = [each.anywhere for shot in now.shots for each in shot.beats]
    at = [each.loc for shot in before.shots for each in shot.beats].index(beat.loc)
    wanted[at] = replace(wanted[at], prompt=beat.prompt.replace(words, "", 1).strip(), avoid=found[at].avoid)
    avoided = [{part.strip() for part in each.avoid.split(",")} - {""} for each in (found[at], beat)]
    return wanted == found and avoided[0] == avoided[1] | {part.strip() for part in what.split(",")}
