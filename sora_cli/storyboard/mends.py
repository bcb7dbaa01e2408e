"""Puts mends into the text of a storyboard: every other character, the order and the comments stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from sora_cli.errors import Mend

_Edit = tuple[int, int, str]
"""From where to where, and what stands there instead."""
_LINE = re.compile(r"(?<=\n)([ \t]*)(?=[^\s#])")
"""Where a line begins that is not blank and no comment, with its blanks."""
_ENDED = re.compile(r"[ \t]*,?[ \t]*(?:#|\r|\n|\Z)")
"""What may stand behind a value that becomes a comment."""
_PARTED = re.compile(r"[^\"'\[{|>&*!].*[,\[\]{}]")
"""A plain value that braces around it would part or end."""


def mended(text: str, mends: Sequence[Mend]) -> str:
    """The text with these mends in it, but for those that have no plain place there."""
    placed = [mend for mend in mends if ": " in mend.now and not mend.whole]
    edits = [edit for mend in mends for edit in (() if mend in placed else _edits(text, mend))]
    for home, group in groupby(placed, lambda mend: mend.now.partition(": ")[0]):
        edits += _placed(text, home, [*group])
    for start, end, words in sorted(edits, reverse=True):
        text = text[:start] + words + text[end:]
    return text


def _edits(text: str, mend: Mend) -> Iterator[_Edit]:
    if mend.whole:
        yield from [(mend.at, mend.end, mend.now)] if text[mend.at : mend.end] == mend.was else ()
        return
    start = mend.at + (text[mend.at : mend.at + 1] in ('"', "'"))
    if not text.startswith(mend.was, start):
        return
    if mend.now == "#":
        yield from _commented(text, mend)
    elif not mend.now:
        yield from _taken_out(text, mend)
    else:
        yield start, start + len(mend.was), mend.now


def _commented(text: str, mend: Mend) -> Iterator[_Edit]:
    alone = not text[text.rfind("\n", 0, mend.end) + 1 : mend.end].strip() or _ENDED.match(text, mend.end)
    if text.lstrip()[:1] in ("{", "[") or not alone:  # JSON has no comments; what stands behind would be one too
        return
    yield mend.at, mend.at, "# "
    indent = mend.at - text.rfind("\n", 0, mend.at) - 1
    for line in _LINE.finditer(text, mend.at + 1, mend.end):
        at = line.start() + min(indent, len(line[1]))
        yield at, at, "# "


def _taken_out(text: str, mend: Mend) -> Iterator[_Edit]:
    """The key's line goes, what is under it moves to the left; nothing where it does not stand on lines of its own."""
    begin = text.rfind("\n", 0, mend.at) + 1
    head = re.compile(r"[ \t]*\S+[ \t]*:[ \t]*\r?\n").match(text, begin)
    lines = [*_LINE.finditer(text, mend.at + 1, mend.end)]
    if head is None or not lines or text[begin : mend.at].strip():
        return
    yield begin, head.end(), ""
    deeper = len(lines[0][1]) - (mend.at - begin)
    yield from ((line.start(), line.start() + min(deeper, len(line[1])), "") for line in lines)


def _placed(text: str, home: str, mends: Sequence[Mend]) -> Iterator[_Edit]:
    """The keys, under the key `home` of the film, which may be there."""
    inside: list[str] = []
    spans: list[tuple[int, int]] = []
    for mend in mends:
        pair = re.compile(rf"{re.escape(mend.was)}[ \t]*:[ \t]+").match(text, mend.at)
        value = text[pair.end() : mend.end].rstrip() if pair else ""
        if pair and value and "\n" not in value:
            inside.append(f"{mend.now.partition(': ')[2]}: {value}")
            spans.append((mend.at, pair.end() + len(value)))
    if not inside:
        return
    there = re.search(rf"^{home}[ \t]*:[ \t]*(?:\{{[ \t]*|(\r?\n[ \t]+)(?=\S))", text, re.MULTILINE)
    first, *rest = spans
    if there:
        between = there[1] or ", "
        written = inside if there[1] else map(_between_braces, inside)
        yield there.end(), there.end(), "".join(each + between for each in written)
        rest = spans
    else:
        yield *first, f"{home}: {{{', '.join(map(_between_braces, inside))}}}"
    for start, end in rest:
        line = re.compile(r"[ \t]*\r?\n?").match(text, end)
        yield start, line.end() if line and line[0].endswith("\n") else end, ""


def _between_braces(pair: str) -> str:
    """A key and its value as they stand between braces, where a comma would end it."""
    key, _, value = pair.partition(": ")
    if not _PARTED.match(value):
        return pair
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}: "{escaped}"'
