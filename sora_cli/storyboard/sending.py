"""`sent` written into the text of a storyboard, behind its prompt: all else stays as it is, to the letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.storyboard.compose import compose
from sora_cli.storyboard.load import read_again
from sora_cli.storyboard.model import Beat, Loc, Storyboard
from sora_cli.storyboard.nodes import Document, Node, Pairs, Scalar
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import decode
from sora_cli.storyboard.writing import prose, scalar

Edit = tuple[int, int, str]
"""What stands from one character to another, and what is to stand there."""


def with_sent(
    text: str, board: Storyboard, words: Mapping[Loc, str], *, name: str, sets: Mapping[str, str]
) -> tuple[str, frozenset[Loc]]:
    """The text of a storyboard with what is sent for beats and stills, by their places; and those without room for it.

    Each change is read again: a place has no room where something else would mean something else then, as behind an
    alias.
    """
    places = _places(board)
    kept = {loc: beat.sent for loc, beat in places.items() if beat.sent}
    writing = _Writing(board, name, sets)
    return writing.tried(text, [(loc, words[loc]) for loc in places if loc in words], kept)[::2]


class _Writing(Struct, frozen=True):
    """Writes into the text of one storyboard."""

    board: Storyboard
    name: str
    sets: Mapping[str, str]

    def tried(
        self, text: str, asked: Sequence[tuple[Loc, str]], kept: Mapping[Loc, str]
    ) -> tuple[str, Mapping[Loc, str], frozenset[Loc]]:
        """The text with what is asked, what is sent in it, and what has no room; where not all fits, halves do."""
        now, sent = _changed(text, asked, self.name), {**kept, **dict(asked)}
        if self.means(now, sent):
            return now, sent, frozenset()
        if len(asked) < 2:
            return text, kept, frozenset(loc for loc, _ in asked)
        half = len(asked) // 2
        text, kept, first = self.tried(text, asked[:half], kept)
        text, kept, second = self.tried(text, asked[half:], kept)
        return text, kept, first | second

    def means(self, text: str, sent: Mapping[Loc, str]) -> bool:
        """Whether a text is the same storyboard, but for what is sent."""
        read = read_again(text, self.board, name=self.name, sets=self.sets)
        if read is None:
            return False
        wanted = [replace(beat.anywhere, sent=sent.get(loc, "")) for loc, beat in _places(self.board).items()]
        return wanted == [beat.anywhere for beat in _places(read).values()]


def _places(board: Storyboard) -> dict[Loc, Beat]:
    """All that a model is told of, by where it stands: beats, and stills with words of their own."""
    found = {beat.loc: beat for shot in board.shots for beat in shot.beats}
    return found | {still.loc: still.beat for shot in board.shots for still in shot.keyframes if still.own}


def _changed(text: str, words: Sequence[tuple[Loc, str]], name: str) -> str:
    source = decode(text.encode("utf-8"), name)
    document = Document(compose(source, Problems()), source)
    edits = sorted(edit for loc, sent in words for edit in _edits(document, source.text, loc, sent))
    pieces, at = [], 0
    for start, end, put in edits:
        pieces += [source.text[at:start], put]
        at = max(at, end)
    return "".join([*pieces, source.text[at:]])


def _edits(document: Document, text: str, loc: Loc, sent: str) -> Iterator[Edit]:
    """What changes for one beat, in the manner that it is written in: between braces, in lines, or as bare words."""
    at, node = document.node(loc)
    inside = document.node(loc[:-1])[1]
    if loc[-1] == "keyframe":
        yield _bare_still(text, at, node, sent, in_line=text[inside.start] == "{")
    elif loc[-2:-1] == ("keyframe",):
        yield from _beside(text, inside, str(loc[-1]), sent, f"{loc[-1]} sent")
    elif isinstance(node, Scalar):
        yield from _bare(document, text, loc, node, sent)
    else:
        yield from _beside(text, node, "prompt", sent)


def _beside(text: str, node: Node, key: str, sent: str, name: str = "sent") -> Iterator[Edit]:
    """What is sent for the words under `key` of a mapping, beside them."""
    if not isinstance(node, Pairs) or key not in node.pairs:
        return
    begin, words = node.pairs[key]
    in_line = text[node.start] == "{"
    if name in node.pairs:
        at, old = node.pairs[name]
        put = f"{name}: {scalar(sent, flow=True)}" if in_line else _lines(text, _column(text, at), sent, name)
        yield at, _last(text, old.start, old.end), put
    elif in_line:
        yield words.end, words.end, f", {name}: {scalar(sent, flow=True)}"
    else:
        column = _column(text, begin)
        yield _behind(text, _last(text, words.start, words.end), _lines(text, column, sent, name), column)


def _bare_still(text: str, at: int, node: Node, sent: str, *, in_line: bool) -> Edit:
    """A still that is its bare words becomes a mapping."""
    last = _last(text, node.start, node.end)
    words = text[node.start : last]
    if in_line:
        return node.start, last, f"{{first: {words}, first sent: {scalar(sent, flow=True)}}}"
    column = _column(text, at) + 2
    line = f"{_ending(text)}{' ' * column}"
    told = f"{line}first: {_deeper(words)}{line}{_lines(text, column, sent, 'first sent')}"
    return text.rindex(":", at, node.start) + 1, last, told


def _bare(document: Document, text: str, loc: Loc, node: Scalar, sent: str) -> Iterator[Edit]:
    """A beat that is its bare prompt becomes a mapping."""
    last = _last(text, node.start, node.end)
    if text[document.node(loc[:-1])[1].start] == "[":
        yield node.start, last, f"{{prompt: {text[node.start : last]}, sent: {scalar(sent, flow=True)}}}"
        return
    yield node.start, last, f"prompt: {_deeper(text[node.start : last])}"
    column = _column(text, node.start)
    yield _behind(text, last, _lines(text, column, sent), column)


def _deeper(words: str) -> str:
    """A value as it stands two columns further in."""
    first, *rest = words.split("\n")
    return "\n".join([first, *(f"  {line}" if line.strip() else line for line in rest)])


def _lines(text: str, column: int, sent: str, name: str = "sent") -> str:
    """What is sent, as it stands in a block mapping whose keys begin at a column."""
    return f"{_ending(text)}".join(prose(f"{' ' * column}{name}: ", sent, column + 2)).lstrip()


def _behind(text: str, last: int, lines: str, column: int) -> Edit:
    """Lines put behind the line in which something ends, and its comment."""
    end = text.find("\n", last)
    end = len(text) if end < 0 else end - (text[end - 1] == "\r")
    return end, end, f"{_ending(text)}{' ' * column}{lines}"


def _last(text: str, start: int, end: int) -> int:
    """Where a value ends, without the breaks behind it."""
    return start + len(text[start:end].rstrip())


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


def _ending(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
