"""Scripts of Final Draft (.fdx), brought into Fountain: each paragraph says what it is, so each is forced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sora_cli.errors import RequestError
from sora_cli.interchange.outline import SourceText

_FORCED = {"Action": "!", "General": "!", "Shot": "!", "Lyrics": "~", "Singing": "~", "Transition": "> "}
_SPOKEN = {"Dialogue", "Parenthetical"}
"""What follows a speaker without an empty line."""


def fountain_of(page: SourceText) -> SourceText:
    """A script of Final Draft as Fountain.

    Raises:
        RequestError: it is none.
    """
    try:
        root = fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", page.text))
    except (ET.ParseError, DefusedXmlException, ValueError) as error:
        hint = "save it from Final Draft again, or as Fountain"
        raise RequestError(f"{page.name} is not a script of Final Draft: {error}", hint=hint) from error
    content = root.find("Content")
    if root.tag != "FinalDraft" or content is None:
        hint = "save a script from Final Draft again, or as Fountain"
        raise RequestError(f"{page.name} is not a script of Final Draft", hint=hint)
    text = "".join([*_front(root.find("TitlePage/Content")), *_paragraphs(content)])
    return SourceText(f"{page.name}, as Fountain", text)


def _front(content: ET.Element | None) -> Iterator[str]:
    """The title page: its first line is the title, and who follows `by` the author."""
    lines = [line for part in content.iter("Paragraph") if (line := _text(part))] if content is not None else []
    for number, line in enumerate(lines):
        before = lines[number - 1].casefold() if number else ""
        key = "Author" if before.split()[-1:] == ["by"] else "Note"
        if not line.casefold().endswith(" by") and line.casefold() != "by":
            yield f"{key if number else 'Title'}: {line}\n"
    yield "\n" if lines else ""


def _paragraphs(content: ET.Element) -> Iterator[str]:
    for part in content:
        pair = part.find("DualDialogue")
        if pair is None:
            yield from _paragraph(part)
            continue
        names = [each for each in pair if each.get("Type") == "Character"]
        for each in pair:
            yield from _paragraph(each, beside=len(names) > 1 and each is names[-1])


def _paragraph(part: ET.Element, *, beside: bool = False) -> Iterator[str]:
    """A paragraph, with the empty line before it and the notes on it; `beside`: who speaks at once with another."""
    kind, text = part.get("Type", "General"), _text(part)
    if kind == "Scene Heading" and text:
        number = part.get("Number") or ""
        yield f"\n.{text.lstrip('.')}{f' #{number}#' if number else ''}\n"
    elif kind == "Character" and text:
        yield f"\n@{text}{' ^' if beside else ''}\n"
    elif kind == "Parenthetical" and text:
        yield f"({text.strip('()')})\n"
    elif kind in _SPOKEN and text:
        yield f"{text}\n"
    elif text:
        yield f"\n{_FORCED.get(kind, '!')}{text}\n"
    for note in part.iter("ScriptNote"):
        if words := " ".join(filter(None, (_text(line) for line in note.iter("Paragraph")))):
            yield f"\n[[{words}]]\n"


def _text(part: ET.Element) -> str:
    """The words of a paragraph on one line; marks that Fountain would read are kept as they are."""
    words = " ".join("".join(each.text or "" for each in part.findall("Text")).split())
    return re.sub(r"([*_\\])|(\[\[|\]\]|/\*|\*/)", lambda match: f"\\{match[1]}" if match[1] else " ", words)
