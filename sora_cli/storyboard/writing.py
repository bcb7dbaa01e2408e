"""A storyboard as a person would write it: YAML from plain data, with comments, long prose folded."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import yaml
from msgspec import Struct
from yaml.emitter import Emitter

from sora_cli.storyboard.nodes import read_word
from sora_cli.storyboard.source import harmless

_RESOLVER = yaml.SafeLoader("")
_STRING = "tag:yaml.org,2002:str"
WIDTH = 110
"""Columns of a line of prose."""

Tree: TypeAlias = "str | int | bool | Inline | Noted | Mapping[str, Tree] | Sequence[Tree]"


class Inline(dict[str, "str | int | bool"]):
    """A mapping of single values that stands in one line, where there is room: `{cast: mara, line: Hello.}`."""


class Noted(Struct, frozen=True):
    """A value with comments above it, each a line or more."""

    value: Tree
    notes: Sequence[str]


def written(tree: Mapping[str, Tree]) -> str:
    """The text of a storyboard; keys without a value are left out."""
    return "\n".join(_mapping(tree, 0)) + "\n"


def comments(notes: Sequence[str], indent: int = 0) -> list[str]:
    """Notes as comments."""
    room = max(WIDTH - indent, 40)
    lines = [line for note in notes for part in note.splitlines() for line in textwrap.wrap(harmless(part), room)]
    return [" " * indent + f"# {line}" for line in lines]


def _mapping(tree: Mapping[str, Tree], indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, value in tree.items():
        inner: Tree = value.value if isinstance(value, Noted) else value
        if not indent and not isinstance(inner, (str, int, Inline)):
            yield ""
        if isinstance(value, Noted):
            yield from comments(value.notes, indent)
        name = scalar(key)
        if isinstance(inner, Inline):
            yield from _inline(f"{pad}{name}: ", inner, indent + 2)
        elif isinstance(inner, Mapping):
            yield f"{pad}{name}:"
            yield from _mapping(inner, indent + 2)
        elif isinstance(inner, (str, int)):
            yield from prose(f"{pad}{name}: ", inner, indent + 2)
        elif isinstance(inner, Sequence):
            yield f"{pad}{name}:"
            yield from _items(inner, indent + 2)


def _items(items: Sequence[Tree], indent: int) -> Iterator[str]:
    pad = " " * indent
    for number, item in enumerate(items):
        inner: Tree = item.value if isinstance(item, Noted) else item
        if number and indent == 2 and isinstance(inner, Mapping):
            yield ""
        if isinstance(item, Noted):
            yield from comments(item.notes, indent)
        if isinstance(inner, Inline):
            yield from _inline(f"{pad}- ", inner, indent + 2)
        elif isinstance(inner, Mapping):
            first, *rest = _mapping(inner, indent + 2)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        elif isinstance(inner, (str, int)):
            yield from prose(f"{pad}- ", inner, indent + 2)


def _inline(head: str, tree: Inline, indent: int) -> Iterator[str]:
    """A mapping in one line; over several where it is too long for one."""
    one = head + "{" + ", ".join(f"{key}: {scalar(value, flow=True)}" for key, value in tree.items()) + "}"
    if len(one) <= WIDTH:
        yield one
        return
    lines = list(_mapping(tree, indent))
    if head.endswith("- "):
        yield head + lines[0].lstrip()
        yield from lines[1:]
        return
    yield head.rstrip()
    yield from lines


def prose(head: str, value: str | int, indent: int) -> Iterator[str]:
    """A value behind its key; prose that is too long for the line is folded."""
    one = head + scalar(value)
    foldable = isinstance(value, str) and re.fullmatch(r"[^\s]+(?: [^\s]+)*", value)
    if len(one) <= WIDTH or not foldable:
        yield one
        return
    yield head + ">-"
    room = max(WIDTH - indent, 40)
    lines = textwrap.wrap(_plain(str(value)), room, break_long_words=False, break_on_hyphens=False)
    yield from (" " * indent + line for line in lines)


def scalar(value: str | int, *, flow: bool = False) -> str:
    """A single value as YAML has it, quoted where it must be."""
    if not isinstance(value, str):
        return "true" if value is True else "false" if value is False else str(value)
    text = _plain(value)
    found = Emitter(io.StringIO(), allow_unicode=True).analyze_scalar(text)
    plain = found.allow_flow_plain if flow else found.allow_block_plain
    if plain and _is_text(text):
        return text
    if found.allow_single_quoted and not found.multiline and not re.search(r'["\\]', text):
        return f'"{text}"'
    quoted: str = yaml.safe_dump([text], allow_unicode=True, width=10**9, default_flow_style=True)
    return quoted.strip()[1:-1]


def _is_text(text: str) -> bool:
    """Whether a plain scalar is text, and no number, switch or date, in YAML 1.1 and in 1.2, as we read it."""
    tag: object = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag == _STRING and isinstance(read_word(text), str)


def _plain(text: str) -> str:
    """The text, with what would be a variable written as it stands."""
    return text.replace("${", "$${")
