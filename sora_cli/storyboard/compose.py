"""From YAML text to nodes, each with its place. Nothing is built: no tag makes an object, no alias is copied out.

Size, depth, aliases and merge keys are bounded while the parser runs, so a bomb is refused before it grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from sora_cli.errors import Mark
from sora_cli.spelling import composed
from sora_cli.storyboard.nodes import MAX_DEPTH, Items, Node, Pairs, Scalar, read_word
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import Source, quoted, refuse

MAX_NODES = 100_000
"""What aliases and merge keys stand for is counted too."""
MAX_ITEMS = 20_000
MAX_KEYS = 2_000
MAX_LENGTH = 20_000
"""Characters of one text."""

NO_COLON = r"(?::(?=[^ \t\r\n/])|\uff1a|[ \t]*=[ \t])"
"""What people write behind a key that makes none of it: `prompt:a`, a wide colon, a wide space."""
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = re.compile(r"tag:yaml\.org,2002:(str|int|float|bool|null|seq|map)")
_Start = yaml.ScalarEvent | yaml.CollectionStartEvent
"""An event that begins a node of its own."""


def compose(source: Source, problems: Problems) -> Node:
    """The nodes of the one document in `source`. A key written twice is noted in `problems`.

    Raises:
        StoryboardError: no YAML, no or several documents, or past a bound.
    """
    if tag := re.search(r"^%TAG", source.text, re.MULTILINE):
        refuse("a storyboard has no tags of its own", mark=source.mark_at(tag.start()))
    try:
        return _Composer(source, problems).document()
    except yaml.MarkedYAMLError as error:
        marks = [source.mark_at(int(place.index)) for place in (error.problem_mark, error.context_mark) if place]
        mark = next((mark for mark in marks if mark.text.strip()), marks[0] if marks else None)
        what = f"{error.problem or 'unreadable'}" + (f" ({error.context})" if error.context else "")
        refuse(f"not YAML: {what}", hint=_syntax_hint(str(error.problem), mark, source), mark=mark)
    except yaml.YAMLError as error:
        refuse(f"{source.name}: not YAML: {quoted(error, 200)}")


class _Composer:
    """Nodes out of the parser's events, within the bounds."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._events: Iterator[Any] = yaml.parse(source.text, Loader=_PARSER)
        self._anchors: dict[str, Node | None] = {}
        self._count = 0

    def document(self) -> Node:
        """The one document."""
        events = self._events
        next(events)
        if isinstance(next(events), yaml.StreamEndEvent):
            self._empty()
        root = self._node(next(events), 0)
        next(events)
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent) and not self._ends():
            hint = "a storyboard is one document; take out the `---`, or make it a file of its own"
            refuse("a second document begins here", hint=hint, mark=self._mark(after))
        if isinstance(root, Scalar) and root.value is None:
            self._empty()
        return root

    def _ends(self) -> bool:
        """Whether a second document holds nothing, and is the last: some write `---` at the end of a file."""
        begun = next(self._events)
        if not isinstance(begun, yaml.ScalarEvent) or begun.value or begun.style:
            return False
        next(self._events)
        return isinstance(next(self._events), yaml.StreamEndEvent)

    def _empty(self) -> None:
        refuse(f"{self._source.name}: nothing is written in it", hint="`sora new` writes a storyboard to start from")

    def _mark(self, event: yaml.Event) -> Mark:
        return self._source.mark_at(_start(event))

    def _node(self, event: _Start | yaml.AliasEvent, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if depth > MAX_DEPTH:
            refuse(f"nested more than {MAX_DEPTH} deep", mark=self._mark(event))
        self._spend(1, event)
        if event.tag is not None and event.tag != "!" and not _CORE.fullmatch(event.tag):
            hint = "a storyboard holds text, numbers, lists and mappings only"
            refuse(f"the tag {quoted(event.tag)} is refused", hint=hint, mark=self._mark(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._made(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _made(self, event: _Start, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            if len(event.value) > MAX_LENGTH:
                message = f"a text has at most {MAX_LENGTH:,} characters; this one has {len(event.value):,}"
                refuse(message, mark=self._mark(event))
            plain = event.style is None or event.style == ""
            as_word = plain and event.tag is None and event.implicit[0]
            value = read_word(event.value) if as_word or (event.tag and "str" not in event.tag[-3:]) else event.value
            weight = 1 + len(event.value) // 200  # an alias of a long text is worth more than one value
            return Scalar(_start(event), _end(event), value, event.value, plain, weight)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(event, depth)
        return self._pairs(event, depth)

    def _spend(self, weight: int, event: yaml.Event) -> None:
        self._count += weight
        if self._count > MAX_NODES:
            hint = "what an alias (*name) stands for is counted each time"
            refuse(f"more than {MAX_NODES:,} values", hint=hint, mark=self._mark(event))

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Node:
        anchor = str(event.anchor)
        if anchor not in self._anchors:
            hint = (
                self._problems.meant(anchor, self._anchors)
                or f"no `&{anchor}` stands above; a text that begins with * needs quotes"
            )
            refuse(f"{quoted('*' + anchor)} names no anchor", hint=hint, mark=self._mark(event))
        node = self._anchors[anchor]
        if node is None:
            refuse(f"{quoted('*' + anchor)} contains itself", mark=self._mark(event))
        if depth + node.height > MAX_DEPTH:
            refuse(f"nested more than {MAX_DEPTH} deep", mark=self._mark(event))
        self._spend(node.weight, event)
        return node

    def _items(self, start: yaml.Event, depth: int) -> Items:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            if len(items) == MAX_ITEMS:
                refuse(f"a list of more than {MAX_ITEMS:,} items", mark=self._mark(event))
            items.append(self._dashed(self._node(event, depth + 1)))
        return Items(_start(start), _end(event), items, *_sizes(items))

    def _dashed(self, node: Node) -> Node:
        """An item with nothing in it stands at its dash."""
        if isinstance(node, Scalar) and node.plain and not node.text:
            node.start = self._source.text.rfind("-", 0, node.start)
        return node

    def _pairs(self, start: yaml.Event, depth: int) -> Pairs:
        pairs: dict[str, tuple[int, Node]] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                refuse("a key must be a word", hint="write `key: value`", mark=self._mark(event))
            key = composed(event.value)
            value = self._node(next(self._events), depth + 1)
            if key == "<<" and not event.style:
                merged.append(self._mergeable(value, event))
            elif key in pairs:
                first = self._source.mark_at(pairs[key][0])
                hint = f"it is already written on line {first.line}"
                self._problems.add(f"{quoted(key)} is written twice", self._mark(event), hint)
            elif len(pairs) == MAX_KEYS:
                refuse(f"a mapping of more than {MAX_KEYS:,} keys", mark=self._mark(event))
            else:
                pairs[key] = (_start(event), value)
        for other in merged:
            for mapping in other.items if isinstance(other, Items) else [other]:
                for name, pair in mapping.pairs.items() if isinstance(mapping, Pairs) else ():
                    pairs.setdefault(name, pair)
        return Pairs(_start(start), _end(event), pairs, *_sizes([value for _, value in pairs.values()]))

    def _mergeable(self, value: Node, event: yaml.Event) -> Node:
        parts: Sequence[Node] = value.items if isinstance(value, Items) else [value]
        if not all(isinstance(part, Pairs) for part in parts):
            refuse("`<<` takes a mapping in", hint="write `<<: *name` of a mapping `&name`", mark=self._mark(event))
        return value


def _sizes(children: Sequence[Node]) -> tuple[int, int]:
    weight = 1 + sum(child.weight for child in children)
    return weight, 1 + max((child.height for child in children), default=0)


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0


def _syntax_hint(problem: str, mark: Mark | None, source: Source) -> str:
    line = mark.text if mark else ""
    at = line[mark.column - 1 : mark.column] if mark else ""
    near = source.text.splitlines()[max(0, mark.line - 2) : mark.line] if mark else []
    hint = _pasted_hint(line) or colon_hint(near) or _token_hint(problem, at) or _closed_hint(problem, line, mark)
    if hint:
        return hint
    unquoted = re.sub(r"\"[^\"]*\"|'[^']*'", "", line)  # linear, as all here: a line may be long
    opened = re.search(r"(?<!\$)\{|\[", unquoted)
    if opened and opened.start() < unquoted.rfind("${"):
        return 'inside { } and [ ] a text with a variable needs quotes: "${name}"'
    if "could not find expected ':'" in problem:
        return "this line is no `key: value`: indent it further if it belongs to what is above it, else take it out"
    return _comment_hint(near) or "look at the indentation, the quotes and the brackets above this place"


def colon_hint(near: Sequence[str]) -> str:
    """A hint at a key without a plain colon and a plain space behind it, on the line of an error or before it."""
    keys = (re.match(rf"\s*(?:- +)*([A-Za-z]\w{{0,30}}){NO_COLON}", text) for text in near)
    found = next(filter(None, keys), None)
    return f"write a plain colon and a space behind a key: `{found[1]}: ...`" if found else ""


def _comment_hint(near: Sequence[str]) -> str:
    """A hint at a comment that has cut off a text on the line of an error, or on the one before it."""
    if any(re.match(r"\s*[^\s#].*[ \t]#", text) for text in near):
        return "what follows ` #` is a comment and was not read: put a text with # in it in quotes"
    return ""


def _pasted_hint(line: str) -> str:
    """What a line has that web pages and text programs put in place of spaces and quotes."""
    if blank := re.match(r"[ \t]*([\u00a0\u2000-\u200a\u202f\u3000])", line):
        return f"this line begins with spaces of another kind (U+{ord(blank[1]):04X}): write ordinary ones"
    if re.match(r"\s*(?:```|~~~)", line):
        return "take this line out: it is of Markdown, and no part of the storyboard"
    if re.match(r"\s*[\u2010-\u2015\u2022\u2023\u2043\u2212\u25aa\u25cf\u25e6\u30fb\uff0d]", line):
        return "items of a list begin with a hyphen and a space: `- `"
    if re.match(r"[ \t]*-[^\s\-]", line):
        return "an item of a list begins with a hyphen and a space: `- `"
    curly = re.search(r"[:\-\[{,] ?[\u2018-\u201e\u00ab\u00bb]", line)
    return 'quotes are straight here: write "..." around the text' if curly else ""


def _closed_hint(problem: str, line: str, mark: Mark | None) -> str:
    """What to do about a text that goes on behind what closes it, or has a backslash in its quotes."""
    if "unexpected end of stream" in problem and mark and line[mark.column - 1 : mark.column] in ('"', "'"):
        return f"this quote is never closed: write {line[mark.column - 1]} behind the text as well"
    if "unknown escape character" in problem:
        return r"in double quotes a \ has a meaning: write \\ for one, or put the text in single quotes"
    if "invalid Unicode character escape" in problem:
        return "this is half of a character, as JSON writes it: write the character itself"
    before = line[: mark.column - 1].rstrip() if mark else ""
    if "did not find expected" in problem and before[-1:] and before[-1] in "\"']}":
        return f"the text goes on behind {quoted(before[-1])}: put all of it in quotes"
    return ""


def _token_hint(problem: str, at: str) -> str:
    """What to do about a letter that YAML gives a meaning of its own, or refuses."""
    cannot_start = "cannot start any token" in problem
    if cannot_start and at == "@":
        return 'a text that begins with @ needs quotes: "@name ..."'
    if "tab character" in problem or (cannot_start and at in " \t"):
        return "indent with spaces, not tabs"
    if cannot_start:
        return f"a text that begins with {quoted(at)} needs quotes"
    if "expected alphabetic or numeric character" in problem:  # of an anchor or an alias
        return "a text that begins with * or & needs quotes"
    if "expected comment or line break" in problem:
        return "a text that begins with > or | needs quotes"
    found = "mapping values are not allowed" in problem
    return "a text with `: ` in it needs quotes; else look at the indentation" if found else ""
