"""From nodes to plain data: `${name}` put in, and what cannot be read taken out, so that the rest can be checked.

A wrong value is pruned: a key is left out, and an item of a list gets a stand-in, so that the others keep their
numbers. `Pruned` remembers where, so that nothing is said to be missing that was only taken out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sora_cli.spelling import MARKS, composed
from sora_cli.storyboard.compose import colon_hint
from sora_cli.storyboard.given import variable
from sora_cli.storyboard.keys import OTHER_WORDS
from sora_cli.storyboard.model import MENTION, Loc
from sora_cli.storyboard.nodes import NOWHERE, Document, Items, Node, Pairs, Scalar, by_name, read_word
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import quoted, refuse
from sora_cli.texts import nearest

MAX_TEXT = 20_000
MAX_GROWTH = 2_000_000
"""Characters that variables may add to a storyboard; a chain of them could double and double."""

_VARIABLE = re.compile(r"\$(\$\{)|\$\{([^{}]*)\}")
_NESTED = re.compile(r"(?<!\$)\$\{[^{}]*\$\{[^{}]*\}[^{}]*\}?")
_NAME = re.compile(rf"[^\W\d][\w{MARKS}-]*")
_PROSE = ("prompt", "sent")
_PROMPTS = (("shots",), ("beats",))
_HINT_WORDS = "write `shots:` and a list under it; of notes, prompts or a script, `sora import FILE` makes a storyboard"
_MISSING: Mapping[str, object] = {"line": "-", "text": "-", "kind": "cut", "shots": ["-"]}
_STAND_INS: Mapping[str, object] = {"shots": "-", "beats": "-", "scenes": {"shots": ["-"]}}

Data = dict[str, object]


class Pruned(set[Loc]):
    """The locations of what was taken out."""

    def take(self, data: Data, loc: Loc) -> None:
        """Take the value at `loc` out of `data`, or the nearest thing around it that can be taken out."""
        while loc:
            self.add(loc)
            parent = value_at(data, loc[:-1])
            last = loc[-1]
            if isinstance(parent, dict):
                parent.pop(str(last), None)
                return
            if isinstance(parent, list) and isinstance(last, int) and last < len(parent) and len(loc) > 1:
                stand_in = _STAND_INS.get(str(loc[-2]))
                if stand_in is not None:
                    parent[last] = stand_in
                    return
            loc = loc[:-1]

    def put(self, data: Data, loc: Loc) -> None:
        """Put something where a key is missing at `loc`, or take out what misses it."""
        parent = value_at(data, loc[:-1])
        if isinstance(parent, dict) and loc[-1] in _MISSING:
            self.add(loc)
            parent[str(loc[-1])] = _MISSING[str(loc[-1])]
        else:
            self.take(data, loc[:-1])


def value_at(data: object, loc: Loc) -> object:
    """What stands at a location of plain data; None where nothing does."""
    for step in loc:
        if isinstance(data, dict):
            data = data.get(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
    return data


def fill(document: Document, sets: Mapping[str, str], problems: Problems) -> tuple[Data, Pruned]:
    """The data of `document` with its variables put in; `sets` are the values of `--set`.

    Raises:
        StoryboardError: the document is no mapping.
    """
    root = document.root
    if not isinstance(root, Pairs):
        near = root.text.splitlines() if isinstance(root, Scalar) else ()
        hint = "put `shots:` above the list" if isinstance(root, Items) else _HINT_WORDS
        hint = colon_hint(near) or hint
        refuse("a storyboard is a mapping of keys", hint=hint, mark=document.mark(()))
    filler = _Filler(document, problems)
    filler.variables({composed(name): value for name, value in sets.items()})
    data: Data = {}
    if "cast" in root.pairs:
        root.pairs["cast"] = (root.pairs["cast"][0], by_name(root.pairs["cast"][1]))
    for key, (_, node) in root.pairs.items():
        if key != "vars" and not key.startswith("x-"):
            filler.put(data, key, node, ())
    return data, filler.pruned


def _called(value: object) -> object:
    """A value whose @names are in the form in which names are compared; all other words stay to the letter."""
    if not isinstance(value, str) or "@" not in value or value.isascii():
        return value
    return MENTION.sub(lambda match: composed(match[0]), value)


class _Filler:
    """Puts variables in, and notes what is wrong with them."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems
        self._values: dict[str, Scalar] = {}
        self._typed: dict[str, str] = {}
        """What somebody typed for variables, by their names."""
        self._known: list[str] = []
        self._below: dict[str, str] = {}
        """Hints at variables that stand below the one that is read."""
        self._lost: set[str] = set()
        """Variables whose values could not be read, which is told."""
        self._unread = False
        """Whether that holds for all of them."""
        self._growth = 0
        self._literal = False
        self.pruned = Pruned()

    def variables(self, sets: Mapping[str, str]) -> None:
        """Read `vars`; a variable may use those above it."""
        root = self._document.root
        found = root.pairs.get("vars") if isinstance(root, Pairs) else None
        self._literal = found is None and root.start < 0  # a prompt from a command line has no variables
        known: dict[str, Node] = {}
        if found and isinstance(found[1], Pairs):
            known = {name: node for name, (_, node) in found[1].pairs.items()}
        elif found:
            self._unread = True
            self._problems.add(
                "`vars` must be a mapping", self._document.mark(("vars",)), "write `name: value` under it"
            )
        self._below = dict.fromkeys(known, "a variable may use those above it: move it up")
        for name, node in known.items():
            self._variable(name, node, sets)
            self._known.append(name)
            del self._below[name]
        for name in sorted(sets.keys() - known.keys()):
            hint = self._problems.meant(name, known) or f"add `{name}:` under `vars`"
            self._set(name, sets[name])
            where, _ = variable(name, sets[name])
            self._problems.add(f"{where}: the storyboard has no such variable", None, hint)

    def _set(self, name: str, text: str) -> None:
        self._values[name] = Scalar(NOWHERE, NOWHERE, read_word(str(text)), str(text), plain=True)
        self._typed[name] = variable(name, text)[1]

    def _variable(self, name: str, node: Node, sets: Mapping[str, str]) -> None:
        loc = ("vars", name)
        if not _NAME.fullmatch(name):
            hint = "letters, digits, _ and -, beginning with a letter"
            self._problems.add(f"{quoted(name)} cannot be a variable", self._document.mark(loc, key=True), hint)
        if name in sets:
            self._set(name, sets[name])
        elif not isinstance(node, Scalar) or node.value is None:
            hint = {
                Items: "name one of them; `sora batch` makes a film of each value in a list",
                Pairs: "give each of its values a name of its own under `vars`",
            }.get(type(node), 'write one; "" is an empty text')
            self._problems.add("a variable is text or a number", self._document.mark(loc), hint)
            self._lost.add(name)
        else:
            value = self._scalar(node, loc)
            text = node.text if value is node.value else str(value)
            self._values[name] = Scalar(NOWHERE, NOWHERE, value, text, plain=node.plain)
            if loc in self._document.typed:
                self._typed[name] = self._document.typed[loc]

    def _is_unread(self) -> bool:
        """Whether no variable could be read: `vars` is no mapping, or stands under a key that is told to mean it."""
        root = self._document.root
        if not self._unread and isinstance(root, Pairs) and "vars" not in root.pairs:
            others = OTHER_WORDS["vars"].split()
            self._unread = any(key.lower() in others or nearest(key, ["vars"]) for key in root.pairs)
        return self._unread

    def put(self, data: Data, key: str, node: Node, loc: Loc) -> None:
        """Put `node` into `data` under `key`."""
        loc = (*loc, key)
        if isinstance(node, Scalar) and node.value is None and loc[-2:-1] != ("options",):
            hint = self._commented(node) or "write one, or remove the line"
            if re.fullmatch(r"[0-9]+\s*(?:[A-Za-z]{1,8}|%)?", key):
                hint = "a comma parts two entries here: write numbers with a point, 1.5, and thousands as 1500"
            elif self._document.is_part(loc):
                hint = "a comma parts two entries here: put a text with a comma in it in quotes"
            mend = self._document.mend(loc, "#", key=True)  # chats write `dialogue: null`
            self._problems.add(f"{quoted(key)} has no value", self._document.mark(loc), hint, mend=mend)
            self.pruned.add(loc)
            return
        value = self._plain(node, loc)
        if loc not in self.pruned:
            data[key] = value

    def _commented(self, node: Scalar) -> str:
        """A hint where a comment stands in the place of a value: `prompt: #ff0000`."""
        comment = self._document.comment(node)
        return f"{quoted(comment[0].strip())} is a comment: put it in quotes if it is meant as text" if comment else ""

    def _plain(self, node: Node, loc: Loc) -> object:
        if isinstance(node, Scalar):
            return self._scalar(node, loc)
        if isinstance(node, Items):
            return [self._item(item, (*loc, index)) for index, item in enumerate(node.items)]
        data: Data = {}
        for key, (_, child) in node.pairs.items():
            self.put(data, key, child, loc)
        return data

    def _item(self, node: Node, loc: Loc) -> object:
        if isinstance(node, Scalar) and node.value is None:
            hint = self._commented(node) or "write it, or take it out"
            self._problems.add("nothing is written in this item", self._document.mark(loc), hint)
            self.pruned.add(loc)
        value = self._plain(node, loc)
        return _STAND_INS.get(str(loc[-2]), "-") if loc in self.pruned else value

    def _scalar(self, node: Scalar, loc: Loc) -> object:
        if "${" not in node.text or self._literal or not isinstance(node.value, str):
            return _called(node.value)
        uses = [composed(match[2]) for match in _VARIABLE.finditer(node.text) if match[2] is not None]
        unset = [name for name in dict.fromkeys(uses) if name not in self._values]
        for name in unset:
            if name.partition(".")[0] in self._lost or self._is_unread():  # and that is told
                continue
            token = f"${{{name}}}"
            hint = self._below.get(name) or self._problems.meant(name, self._known)
            hint = hint or f"add `{name}:` under `vars`, or --set {name}=VALUE"
            if not _NAME.fullmatch(name):
                own = next((known for known in self._known if re.search(rf"\b{re.escape(known)}\b", name)), "NAME")
                hint = f"a variable is written ${{{own}}}, its value stands in `vars`; `$${{` writes a plain ${{"
            self._problems.add(f"the variable {quoted(token)} is not set", self._document.spot(loc, token), hint)
        if nested := _NESTED.search(node.text):
            message = f"{quoted(nested[0])}: a variable cannot stand in the name of another"
            hint = "name the one that is meant; `sora batch` takes a list of values"
            self._problems.add(message, self._document.spot(loc, nested[0]), hint)
        if unset or nested:
            if loc[-1] not in _PROSE and loc[-2:-1] not in _PROMPTS:  # a prompt has more to be checked in it
                self.pruned.add(loc)
            return node.text
        return self._expanded(node, uses, loc)

    def _expanded(self, node: Scalar, uses: Sequence[str], loc: Loc) -> object:
        typed = dict.fromkeys(self._typed[name] for name in uses if name in self._typed)
        self._document.typed |= {loc: ", ".join(typed)} if typed else {}
        added = sum(len(self._values[name].text) for name in uses)
        self._growth += added
        if added > MAX_TEXT or self._growth > MAX_GROWTH:
            self._problems.add("the variables make this text too long", self._document.mark(loc))
            self.pruned.add(loc)
            return node.text
        if len(uses) == 1 and composed(node.text) == f"${{{uses[0]}}}":
            return _called(self._values[uses[0]].value)
        text = _VARIABLE.sub(lambda match: match[1] or self._values[composed(match[2])].text, node.text)
        return _called(read_word(text) if node.plain else text)
