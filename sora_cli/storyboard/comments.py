"""Unquoted text that may not be meant as it is read.

A comment cuts it off, since ` #` ends a text in YAML; or it is `no` or `none`, which are words where text may stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sora_cli.errors import Problem
from sora_cli.storyboard.compose import NO_COLON
from sora_cli.storyboard.files import suffix
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.nodes import Document, Scalar
from sora_cli.storyboard.source import harmless, quoted
from sora_cli.texts import shortened

_Written = tuple[Loc, str, Scalar]
"""A text: where it stands, what it is, and its node."""
_PROSE = {"prompt", "sent", "line"}
_TEXT = {
    "setting", "mood", "light", "style", "avoid", "camera", "looks", "text", "title", "name", "author", "watermark",
    "sound", "ambience", "music",
}  # fmt: skip
"""Keys whose text may hold a number sign or a colour as well as any other word."""
_OFF = {"no": "off", "none": "off"}
_SWITCHED = {
    "watermark": {**_OFF, "yes": "on"}, "title": _OFF, "style": _OFF, "avoid": _OFF, "keyframe": {"none": "off"},
}  # fmt: skip
"""Keys that `off` takes away and whose text may be any word; what is meant by which words."""
_KEY = re.compile(rf"(prompt|duration|name|title|beats|from|camera|sound|dialogue){NO_COLON}")
_CURLY = re.compile("([\u201c\u201e\u00ab])([^\u201c\u201d\u201e\u00ab\u00bb]+)([\u201d\u201c\u00bb])")
_NOTE = re.compile(r"[ \t]{2,}#( |#*$)")
"""A comment as it is commonly set off: two spaces before the sign, one after it."""


def misread(document: Document) -> Iterator[Problem]:
    """Remarks on texts that may not be meant as they are read."""
    texts = [*_texts(document)]
    yield from _cut_off(document, texts)
    yield from _words_for_off(document, texts)
    yield from _keys_in_texts(document, texts)
    yield from _quotes_in_texts(document, texts)


def _cut_off(document: Document, texts: Iterable[_Written]) -> Iterator[Problem]:
    """Remarks on texts with a comment right behind them that may have been meant as a part of them.

    Behind prompts and lines of dialogue any comment is told, behind other text those that are not set off.
    """
    seen: set[int] = set()
    for _, name, node in texts:
        found = document.comment(node)
        if found is None or node.start in seen or _is_note(name, node, found[0]):
            continue
        seen.add(node.start)
        comment = found[0].strip()
        message = f"{quoted(comment)} is a comment, not part of the text before it"
        hint = f'if it belongs to the text, put all of it in quotes: "... {shortened(harmless(comment), 24)}"'
        yield Problem(message, hint, found[1])


def _words_for_off(document: Document, texts: Iterable[_Written]) -> Iterator[Problem]:
    """Remarks on `no` and `none` where they are read as text: they would be seen, or told to a model."""
    for loc, name, node in texts:
        instead = _SWITCHED.get(name, {}).get(node.text.lower())
        if instead and loc != ("title",):
            hint = f'write {instead} for {"one" if instead == "on" else "none"}; if the word is meant, "{node.text}"'
            yield Problem(f"{quoted(node.text)} is read as a text here", hint, document.mark(loc))


def _keys_in_texts(document: Document, texts: Iterable[_Written]) -> Iterator[Problem]:
    """Remarks on prompts that begin with a key, without the colon and the space that would make it one."""
    for loc, name, node in texts:
        if name == "prompt" and (key := _KEY.match(node.text)):
            hint = (
                f'write `{key[1]}: `, with its space; if it belongs to the text, put all of it in quotes: "{key[0]}..."'
            )
            yield Problem(f"{quoted(key[0])} is read as a part of the text", hint, document.mark(loc))


def _quotes_in_texts(document: Document, texts: Iterable[_Written]) -> Iterator[Problem]:
    """Remarks on texts in quotes of text programs, which are none to YAML: models are told them."""
    for loc, _, node in texts:
        if match := _CURLY.fullmatch(node.text):
            message = f"{quoted(match[1])} and {quoted(match[3])} are read as a part of the text"
            hint = f'quotes that end a text are straight: "{shortened(harmless(match[2]), 24)}"'
            yield Problem(message, hint, document.mark(loc))


def _is_note(name: str, node: Scalar, comment: str) -> bool:
    return name not in _PROSE and (_NOTE.match(comment) is not None or suffix(node.text) != "")


def _texts(document: Document) -> Iterator[_Written]:
    """All unquoted free text, as `Document.texts` has it."""
    for loc, name, node in document.texts():
        if node.plain and node.start >= 0 and _is_text(loc, name, node.text):
            yield loc, name, node


def _is_text(loc: Loc, name: str, value: str) -> bool:
    named = name in _PROSE | _TEXT | {"keyframe"} or (len(loc) == 2 and loc[0] in {"cast", "vars"})
    return named and value not in {"off", "on"}
