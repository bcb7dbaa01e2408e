"""`sent` written into the text of a storyboard, behind its prompt: all else stays as it is, to the letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sora_cli.storyboard.compose import compose
from sora_cli.storyboard.load import read_text
from sora_cli.storyboard.model import Beat, Loc, Storyboard
from sora_cli.storyboard.nodes import Document, Pairs, Scalar
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import decode
from sora_cli.storyboard.writing import prose, scalar

Edit = tuple[int, int, str]
"""What stands from one character to another, and what is to stand there."""


def with_sent(
    text: str, board: Storyboard, words: Mapping[Loc, str], *, name: str, sets: Mapping[str, str]
) -> tuple[str, frozenset[Loc]]:
    """The text of a storyboard with what is sent for beats, by their places; and the places that it has no room for.

    Each change is read again: a place has no room where something else would mean something else then, as behind an
    alias.
    """
    kept = {beat.loc: beat.sent for beat in _beats(board) if beat.sent}
    writing = _Writing(board, name, sets)
    return writing.tried(text, [(beat.loc, words[beat.loc]) for beat in _beats(board) if beat.loc in words], kept)[::2]


@dataclass(frozen=True, slots=True)
class _Writing:
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
        board = self.board
        read = read_text(text, folder=board.folder, name=self.name, sets=self.sets, allow_outside=board.allow_outside)
        if read.board is None or read.problems:
            return False
        wanted = [replace(_plain(beat), sent=sent.get(beat.loc, "")) for beat in _beats(board)]
        return wanted == [_plain(beat) for beat in _beats(read.board)]


def _beats(board: Storyboard) -> Iterator[Beat]:
    return (beat for shot in board.shots for beat in shot.beats)


def _plain(beat: Beat) -> Beat:
    return replace(beat, origin={})


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
    if isinstance(node, Scalar):
        yield from _bare(document, text, loc, node, sent)
        return
    if not isinstance(node, Pairs) or "prompt" not in node.pairs:
        return
    key, prompt = node.pairs["prompt"]
    in_line = text[node.start] == "{"
    if "sent" in node.pairs:
        at, old = node.pairs["sent"]
        put = f"sent: {scalar(sent, flow=True)}" if in_line else _lines(text, at, sent)
        yield at, _last(text, old.start, old.end), put
    elif in_line:
        yield prompt.end, prompt.end, f", sent: {scalar(sent, flow=True)}"
    else:
        yield _behind(text, _last(text, prompt.start, prompt.end), _lines(text, key, sent), _column(text, key))


def _bare(document: Document, text: str, loc: Loc, node: Scalar, sent: str) -> Iterator[Edit]:
    """A beat that is its bare prompt becomes a mapping."""
    last = _last(text, node.start, node.end)
    if text[document.node(loc[:-1])[1].start] == "[":
        yield node.start, last, f"{{prompt: {text[node.start : last]}, sent: {scalar(sent, flow=True)}}}"
        return
    first, *rest = text[node.start : last].split("\n")
    yield node.start, last, "\n".join([f"prompt: {first}", *(f"  {line}" if line.strip() else line for line in rest)])
    yield _behind(text, last, _lines(text, node.start, sent), _column(text, node.start))


def _lines(text: str, at: int, sent: str) -> str:
    """`sent` as it stands in a block mapping whose keys begin where `at` does."""
    column = _column(text, at)
    return f"{_ending(text)}".join(prose(f"{' ' * column}sent: ", sent, column + 2)).lstrip()


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
