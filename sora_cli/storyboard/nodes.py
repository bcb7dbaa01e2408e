"""A storyboard's values with their places, before anything is checked.

Scalars are read the YAML 1.2 way: `off`, `no` and `on` are words, `16:9` and `1:30` are words, `010` is ten, a date is
a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.errors import Mark, Mend
from sora_cli.spelling import composed
from sora_cli.storyboard.given import Given
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.source import Source, refuse

MAX_DEPTH = 30
NOWHERE = -1

_INT = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,60}|[0-9]{1,60}(\.[0-9]{0,60})?)([eE][-+]?[0-9]{1,3})?")
_COMMENT = re.compile(r"[ \t]+(#[^\n\r]*)|[ \t]*\r?\n[ \t]+(#(?:[0-9]|[0-9A-Fa-f]{6}\b)[^\n\r]*)")
"""A comment behind a value; one on the next line that begins as colours and numbers do."""
_WORDS: Mapping[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float(sign + word[1:]) for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}


class WrittenInt(int):
    """A whole number that remembers how it was written: a shot may be called `007`."""

    written: str


class WrittenFloat(float):
    """A number that remembers how it was written: `0.1` is a tenth, exactly."""

    written: str


class Scalar(Struct):
    """A word, number or text. `value` is what it reads as; `text` what is written (quotes and escapes undone).

    Every node stands at characters `start` to `end` of the source; at `NOWHERE` when it comes from data.
    """

    start: int
    end: int
    value: object
    text: str
    plain: bool
    weight: int = 1
    height: int = 0


class Items(Struct):
    """A list."""

    start: int
    end: int
    items: list[Node]
    weight: int = 1
    height: int = 0


class Pairs(Struct):
    """A mapping: key -> (where the key stands, the value)."""

    start: int
    end: int
    pairs: dict[str, tuple[int, Node]]
    weight: int = 1
    height: int = 0


Node = Scalar | Items | Pairs


def read_word(text: str) -> object:
    """What an unquoted scalar means in YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        whole = WrittenInt(int(text[2:] if base != 10 else text, base))
        whole.written = text
        return whole
    if _FLOAT.fullmatch(text):
        real = WrittenFloat(text)
        real.written = text
        return real
    return text


def from_plain(value: object, depth: int = 0) -> Node:
    """Nodes without places from Python values (mappings, lists, text, numbers, switches, None).

    Keys whose value is None are left out. Paths and fractions become their text.

    Raises:
        StoryboardError: nested too deep.
    """
    if isinstance(value, Given):
        value = value.value
    if depth > MAX_DEPTH:
        refuse(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        kept = {composed(str(key)): item for key, item in value.items() if item is not None}
        return Pairs(NOWHERE, NOWHERE, {key: (NOWHERE, from_plain(item, depth + 1)) for key, item in kept.items()})
    if isinstance(value, (list, tuple)):
        return Items(NOWHERE, NOWHERE, [from_plain(item, depth + 1) for item in value])
    if value is None or isinstance(value, (bool, int, float, str)):
        return Scalar(NOWHERE, NOWHERE, value, str(value), plain=False)
    return Scalar(NOWHERE, NOWHERE, str(value), str(value), plain=False)


def _pairs_of(node: Pairs, key: str) -> dict[str, tuple[int, Node]]:
    """The pairs of the mapping under a key; none where it holds something else."""
    held = node.pairs.get(key, (0, None))[1]
    return held.pairs if isinstance(held, Pairs) else {}


def by_name(node: Node) -> Node:
    """A list of mappings that each have a `name`, as a mapping by these names; any other node as it is."""
    pairs: dict[str, tuple[int, Node]] = {}
    for item in node.items if isinstance(node, Items) else ():
        name = item.pairs.get("name", (0, None))[1] if isinstance(item, Pairs) else None
        if not isinstance(item, Pairs) or not isinstance(name, Scalar) or composed(name.text) in pairs:
            return node
        rest = {key: pair for key, pair in item.pairs.items() if key != "name"}
        pairs[composed(name.text)] = (name.start, Pairs(item.start, item.end, rest, item.weight, item.height))
    return Pairs(node.start, node.end, pairs, node.weight, node.height) if pairs else node


class Document:
    """The nodes of a storyboard and the text they came from."""

    def __init__(self, root: Node, source: Source | None, typed: Mapping[Loc, str] = MappingProxyType({})) -> None:
        self.root = root
        self._source = source
        self.typed = dict(typed)
        """What somebody typed for a value, by its place: an option, or a variable of `--set`."""

    def mark(self, loc: Loc, *, key: bool = False) -> Mark | None:
        """The place of the value at `loc` (with `key`: of its key), or of its nearest parent that is written."""
        at, node = self.node(loc)
        empty = isinstance(node, Scalar) and node.plain and not node.text
        found = self._mark(at if key or empty else node.start)
        typed = self._typed_at(loc)
        if not typed:
            return found
        return replace(found or Mark("", 0, [*dict.fromkeys(self.typed.values())].index(typed) + 1, ""), typed=typed)

    def _typed_at(self, loc: Loc) -> str:
        """What was typed for a value or what it is part of; without a file, for the first value in a key's mapping."""
        above = [loc[:end] for end in range(len(loc), 0, -1) if loc[:end] in self.typed] if self.typed else []
        if not above and self._source is None and loc and isinstance(loc[-1], str):
            above = [each for each in self.typed if each[: len(loc)] == loc]
        return self.typed[above[0]] if above else ""

    def spot(self, loc: Loc, token: str) -> Mark | None:
        """The place of `token` inside the text at `loc`; where it does not stand there as it is, the text's."""
        node = self.node(loc)[1]
        index = self._source.text.find(token, node.start, node.end) if self._source and node.start >= 0 else NOWHERE
        return self._mark(index if index >= 0 else node.start)

    def small(self, loc: Loc, written: str, known: Iterable[str]) -> Mend | None:
        """The change that writes a word as it is known, in small letters; None where it is no such word."""
        return self.mend(loc, written.lower() if written.lower() in known else None)

    def mend(self, loc: Loc, now: str | None, *, key: bool = False) -> Mend | None:
        """The change that writes `now` for the value at `loc`, or for its `key`; None where that has no place."""
        at, node = self.node(loc)
        text = node.text if isinstance(node, Scalar) else ""
        start, was = (at, str(loc[-1])) if key else (node.start, text)
        if self._source is None or now is None or start < 0 or not was or "${" in was:
            return None
        return Mend(start, was, now, max(node.end, start), not isinstance(node, Scalar))

    @property
    def is_json(self) -> bool:
        """Whether its text is JSON, or YAML in its manner."""
        return self._source is not None and self._source.text.lstrip()[:1] in ("{", "[")

    def key(self, name: str) -> str:
        """A key as the text writes keys: in quotes where it is JSON."""
        return f'"{name}"' if self.is_json else name

    def raw(self, start: int, end: int) -> str:
        """The text from one character to another; empty where there is none."""
        return self._source.text[start:end] if self._source and start >= 0 else ""

    def comment(self, node: Node) -> tuple[str, Mark] | None:
        """The comment right behind a node, with the blanks before its sign, and its place; None where there is none."""
        found = _COMMENT.match(self._source.text, node.end) if self._source and node.end >= 0 else None
        return (found[0], self._source.mark_at(found.start(found.lastindex or 0))) if found and self._source else None

    def _mark(self, index: int) -> Mark | None:
        return self._source.mark_at(index) if self._source and index >= 0 else None

    def node(self, loc: Loc) -> tuple[int, Node]:
        """Where the key (or the item) of `loc` stands in the text, and its node, or its nearest parent's.

        The prompt of an edit is that of its shot.
        """
        at, node = self.root.start, self.root
        for step in loc:
            if isinstance(node, Pairs) and step in node.pairs:
                at, node = node.pairs[str(step)]
            elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                at = node.start
            elif step == "prompt" and isinstance(node, Pairs) and "prompt" in _pairs_of(node, "edit"):
                at, node = _pairs_of(node, "edit")["prompt"]
            elif not (isinstance(node, Pairs) and step == 0):  # one mapping where a list may stand
                break
        return at, node

    def names(self, loc: Loc) -> set[str]:
        """The keys of the mapping at `loc`; none where something else stands there."""
        node = self.node(loc)[1]
        return {*node.pairs} if isinstance(node, Pairs) else set()

    def is_off(self, loc: Loc) -> bool:
        """Whether `off` stands at `loc` as a switch: in quotes it is a word."""
        node = self.node(loc)[1]
        return isinstance(node, Scalar) and node.plain and node.text == "off"

    def is_part(self, loc: Loc) -> bool:
        """Whether the key at `loc` has no colon: inside { } a comma has made it out of a text."""
        at, key = self.node(loc)[0], str(loc[-1])
        rest = self._source.text[at : at + len(key) + 20] if self._source and at >= 0 else ""
        return rest.startswith(key) and not rest[len(key) :].lstrip().startswith(":")

    def keys(self) -> Iterator[Loc]:
        """The locations of all keys that are written."""
        for loc, node in self.walk():
            yield from ((*loc, name) for name in node.pairs) if isinstance(node, Pairs) else ()

    def texts(self) -> Iterator[tuple[Loc, str, Scalar]]:
        """All texts, and what each is: the key that it stands under; a shot or beat that is its bare prompt is one."""
        for loc, node in self.walk():
            if loc and isinstance(node, Scalar) and isinstance(node.value, str):
                bare = loc[-2:-1] in {("shots",), ("beats",)} and isinstance(loc[-1], int)
                yield loc, "prompt" if bare else str(loc[-1]), node

    def walk(self) -> Iterator[tuple[Loc, Node]]:
        """All nodes and their locations, each before those in it."""
        todo: list[tuple[Loc, Node]] = [((), self.root)]
        while todo:
            loc, node = todo.pop()
            yield loc, node
            if isinstance(node, Pairs):
                todo += [((*loc, name), child) for name, (_, child) in node.pairs.items()]
            elif isinstance(node, Items):
                todo += [((*loc, index), child) for index, child in enumerate(node.items)]
