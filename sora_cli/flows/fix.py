"""Renames misnamed keys and moves what prompts deny to `avoid`, in the file itself; every other character stays.

A mend is kept only where no new problem comes of it; what is denied is moved only where the file then means what it
meant, but for that prompt and its `avoid`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from functools import partial
from itertools import accumulate
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import atomic, storyboard
from sora_cli.bounded import open_regular
from sora_cli.errors import HINT_WRITE, Mend, Problem, RequestError, file_order
from sora_cli.flows import places
from sora_cli.flows.searching import Finder
from sora_cli.plan.words import MOVABLE
from sora_cli.storyboard.load import LoadResult, read_again
from sora_cli.storyboard.mends import mended
from sora_cli.storyboard.model import Beat, Storyboard

_LINES = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
_BLOCK = re.compile(r"\s*(?:- )*prompt:\s+$")
_BARE = re.compile(r"(\s*(?:- )+)$")
_FLOW = re.compile(r"([{,]\s*)prompt:\s*$")


_MOST = 100
"""How often a file is read again."""


class Fixed(Struct, frozen=True):
    """A file with its misnamed keys renamed and its denied things moved: how many, and the change as a diff."""

    path: Path
    renamed: int
    moved: int
    diff: str


def fix(path: Path, *, sets: Mapping[str, str], allow_outside: bool) -> Fixed:
    """Rename keys that are misnamed, and move what prompts deny ("no people") to `avoid`, in the file.

    Raises:
        RequestError: the file is not UTF-8, or cannot be written.
    """
    find = Finder(path, places.of_title)
    found = storyboard.read(path, sets=sets, allow_outside=allow_outside, find=find)
    if found.board is None and not any(problem.mend for problem in found.problems):
        return Fixed(path, 0, 0, "")
    text, name = _text(path), path.name
    mark, was = text[: text.startswith("\ufeff")], text.removeprefix("\ufeff")
    options = partial(storyboard.read_text, sets=sets, allow_outside=allow_outside, find=find)
    mender = _Mender(partial(options, folder=path.parent, name=name))
    now, renamed = mender.mended(was, found)
    board = mender.read(now).board if renamed else found.board
    now, moved = _moved(now, board, name, sets) if board else (now, 0)
    if now != was:
        try:
            atomic.write(path.resolve(), mark + now)
        except OSError as error:
            raise RequestError(f"cannot write {path}: {error.strerror}", hint=HINT_WRITE) from error
    lines = unified_diff(was.splitlines(), now.splitlines(), f"{name} as it was", name, lineterm="", n=0)
    return Fixed(path, renamed, moved, "\n".join(lines))


class _Mender:
    """Puts mends into a text, and reads it each time: those stay of which no new problem comes."""

    def __init__(self, read: Callable[[str], LoadResult]) -> None:
        self.read = read
        self._reads = 0

    def mended(self, text: str, found: LoadResult) -> tuple[str, int]:
        """The text that was `found` to have problems, without those that go; and how many mends it took."""
        count = 0
        while mends := sorted({each.mend for each in found.problems if each.mend}, key=lambda mend: mend.at):
            alone = {mend for mend in mends if mend.holds or _around(mend, mends)}
            for group in ([mend for mend in mends if mend not in alone], *([mend] for mend in mends if mend in alone)):
                now, kept = self._kept(text, group, found.problems)
                if kept:
                    break
            else:
                break
            text, count, found = now, count + kept, self.read(now)
        return text, count

    def _kept(self, text: str, mends: Sequence[Mend], before: Sequence[Problem]) -> tuple[str, int]:
        """The text with as many of these mends as may stay; the lower half is tried first, so that places hold."""
        if not mends or self._reads >= _MOST:
            return text, 0
        now, self._reads = mended(text, mends), self._reads + 1
        if now == text:
            return text, 0
        if not _is_worse(before, self.read(now).problems, now, mends[0], len(now) - len(text)):
            return now, len(mends)
        if len(mends) == 1:
            return text, 0
        text, below = self._kept(text, mends[len(mends) // 2 :], before)
        text, above = self._kept(text, mends[: len(mends) // 2], before)
        return text, below + above


def _around(mend: Mend, mends: Sequence[Mend]) -> bool:
    """Whether a mend writes anew what another one mends: it comes after that, which moves its end."""
    return mend.whole and any(mend.at < other.at < mend.end for other in mends)


def _is_worse(before: Sequence[Problem], after: Sequence[Problem], text: str, mend: Mend, shift: int) -> bool:
    """Whether a problem has come that was not there, has no mend, and is not inside of what the mended key holds."""
    known = {problem.message for problem in before}
    new = [problem.mark for problem in after if problem.message not in known and problem.mend is None]
    if not mend.holds or any(problem.message.startswith("not YAML") for problem in after):
        return bool(new)
    lines, inside = [0, *accumulate(map(len, _LINES.split(text)))], range(mend.at + bool(mend.now), mend.end + shift)
    return any(mark and lines[mark.line - 1] + mark.column - 1 not in inside for mark in new)


def _moved(text: str, board: Storyboard, name: str, sets: Mapping[str, str]) -> tuple[str, int]:
    """The text in which what prompts deny stands under `avoid`, and how many of them."""

    def kept(text: str, board: Storyboard, beats: Sequence[Beat]) -> tuple[str, Storyboard, int]:
        """The same of these beats: all at once, else those of the lower half, which is first so that places hold."""
        changed = text
        for beat in reversed(beats):
            changed = _changed(changed, board, beat)
        read = read_again(changed, board, name=name, sets=sets) if changed != text else None
        if read is not None and _means(read, board, beats):
            return changed, read, len(beats)
        if len(beats) <= 1:
            return text, board, 0
        text, board, below = kept(text, board, beats[len(beats) // 2 :])
        text, board, above = kept(text, board, beats[: len(beats) // 2])
        return text, board, below + above

    now, _, moved = kept(text, board, _in_order(board))
    return now, moved


def _text(path: Path) -> str:
    with open_regular(path) as file:
        try:
            return file.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise RequestError(f"{path} is not UTF-8: it is not changed", hint="save it as UTF-8") from error


def _in_order(board: Storyboard) -> list[Beat]:
    """The beats that deny something, as they stand in the file; none where a text is of several, by an alias."""
    found = [beat for shot in board.shots for beat in shot.beats if MOVABLE.search(beat.prompt)]
    at = Counter(_place(board, beat) for beat in found)
    return sorted((beat for beat in found if at[_place(board, beat)] == 1), key=lambda beat: _place(board, beat))


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


def _means(now: Storyboard, before: Storyboard, beats: Sequence[Beat]) -> bool:
    """Whether only these beats have changed: their prompts without the words, their `avoid` with what they deny."""
    wanted = [each.anywhere for shot in before.shots for each in shot.beats]
    found = [each.anywhere for shot in now.shots for each in shot.beats]
    places = {each.loc: at for at, each in enumerate(each for shot in before.shots for each in shot.beats)}
    if len(found) != len(wanted):
        return False
    for beat in beats:
        (words, what), at = _denied(beat), places[beat.loc]
        wanted[at] = replace(wanted[at], prompt=beat.prompt.replace(words, "", 1).strip(), avoid=found[at].avoid)
        avoided = [{part.strip() for part in each.avoid.split(",")} - {""} for each in (found[at], beat)]
        if avoided[0] != avoided[1] | {part.strip() for part in what.split(",")}:
            return False
    return wanted == found
