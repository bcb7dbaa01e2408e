"""What is said in a cell or a paragraph: who says it, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sora_cli.interchange.outline import OutlineLine, member

SPOKEN = re.compile(
    r"""^(?P<who>[^\W\d][^:\uff1a"\n]{0,40}?)\s*(?:[(\uff08](?P<how>[^)\uff09]*)[)\uff09])?\s*[:\uff1a]\s*(?P<words>.+)$""",
    re.DOTALL,
)
_BRACKETS = re.compile(r"^(\w{1,20})\s*([\u300c\u300e].+[\u300d\u300f])$")
"""A speaker and a line, as Japanese has them."""
_QUOTES = "\"' \u201c\u201d\u201e\u00ab\u00bb\u00a0\u300c\u300d\u300e\u300f"
MARKS = _QUOTES.replace("'", "").replace(" ", "").replace("\u00a0", "")
SOUNDS = {"sfx", "fx", "sound", "ambience", "amb", "music", "mx"}
OFF = re.compile(
    r"v\.?\s?o\.?|o\.?\s?s\.?|o\.?\s?c\.?|off|voice.?over|narrator|"
    r"sprecher(?:in)?|erzähler(?:in)?|narrateur|narratrice|narradora?|narratore|locutora?|verteller|диктор|рассказчик|"
    r"내레이션|나레이션|解説|الراوي|voi[xz] (?:en )?off|旁白|画外音|ナレーション|за кадром",
    re.IGNORECASE,
)


def spoken(text: str) -> Iterator[tuple[str, str, str]]:
    """Who says what, and how: `MARA (whispers): Hello.`, a line each; nobody where no name stands before a colon."""
    above = ""
    parts = [_BRACKETS.sub(r"\1:\2", part.strip()) for part in re.split(r"[\r\n]+|\s/\s", text) if part.strip()]
    for part, after in zip(parts, [*parts[1:], ""], strict=False):
        match = SPOKEN.match(part)
        who = match["who"].strip() if match else ""
        if after and _speaks(part) and not _speaks(after):
            above = part
        elif match is None or len(who.split()) > 3 or (who.islower() and who not in SOUNDS):
            yield above, unquoted(part), ""
        elif who.casefold() not in SOUNDS and unquoted(match["words"]):
            yield who, unquoted(match["words"]), match["how"] or ""


def _speaks(line: str) -> bool:
    """Whether a line is a speaker in capitals, as scripts have it above what is said."""
    return line.isupper() and len(line.split()) <= 3 and re.fullmatch(r"[\w .'-]*\w", line) is not None


def unquoted(text: str) -> str:
    """Words without the quotes about all of them, or one that has no other."""
    inner = text.strip(_QUOTES)
    whole = text[:1] in _QUOTES and text[-1:] in _QUOTES
    return inner if whole or sum(letter in MARKS for letter in text) < 2 else text.strip()


def heard(text: str) -> str:
    """The sounds among what is said: `SFX: thunder`."""
    found = (SPOKEN.match(part.strip()) for part in re.split(r"[\r\n]+|\s/\s", text))
    return ", ".join(match["words"].strip() for match in found if match and match["who"].casefold() in SOUNDS)


def said(text: str) -> list[OutlineLine]:
    """The lines of a cell."""
    lines = []
    for who, what, how in spoken(text):
        narrates = bool(OFF.fullmatch(who))
        off = narrates or bool(OFF.fullmatch(how.strip()))
        notes = [how] if how and not off else []
        lines.append(
            OutlineLine("" if narrates or not who else member(who), what, offscreen=off and not narrates, notes=notes)
        )
    return lines
