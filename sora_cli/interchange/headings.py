"""Headings of scenes, as scripts and lists have them: `INT. KITCHEN - NIGHT`, in other languages too."""

from __future__ import annotations

import re

from sora_cli.interchange import spans, words
from sora_cli.interchange.columns import COLUMNS
from sora_cli.interchange.outline import OutlineScene, slug, titled

_SIDE = r"(?:INT(?:ERIOR|[ÉE]RIEUR|ERNO)?|EXT(?:ERIOR|[ÉE]RIEUR)?|EST(?:ERNO)?|INNEN|AU(?:SS|ß)EN|инт|нат|экст)"
HEAD = re.compile(rf"(?P<side>{_SIDE}(?:\.?\s*/\s*{_SIDE})?|I/E|I/A)\b[.:\s]*(?P<place>.*)", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(rf"\b(?:{_SIDE}|[IEA])\b|[内外]", re.IGNORECASE)
_SIDES = {**dict.fromkeys("iи内", "interior"), **dict.fromkeys("eaнэ外", "exterior")}
"""The side that a word says, by its first letter: `INT`, `INNEN`, `EXT`, `ESTERNO`, `AUSSEN`."""


def side_of(text: str) -> str:
    """The side that a heading or a cell says, or both: `INT./EXT.`, `Innen`, `I/A`; empty where it says none."""
    return " and ".join(dict.fromkeys(_SIDES[word[0]] for word in _WORD.findall(text.lower())))


def heading(text: str) -> tuple[str, str, str, str]:
    """A scene heading's side, place, light (`same`: as before) and what else it says of the time."""
    match = HEAD.match(text.strip())
    place, side = (match["place"], match["side"]) if match else (text, "")
    parts = [part.strip() for part in re.split(r"\s+[-\N{EN DASH}\N{EM DASH}]+\s+", place) if part.strip()]
    light, rest = "", ""
    while len(parts) > 1:
        bracket = re.fullmatch(r"(.+?)\s*\(([^()]+)\)", parts[-1])  # `DAY (1985)`, `NIGHT (FLASHBACK)`
        last = re.sub(r"[().]", "", bracket[1] if bracket else parts[-1]).strip().lower()
        if last not in words.LIGHT and last not in words.SAME:
            break
        if bracket and bracket[2].lower() not in words.SAME:
            rest = bracket[2].lower()
        light = words.LIGHT.get(last, "") or light or "same"
        parts.pop()
    return side_of(side), ", ".join(parts), light, rest


def lowered(text: str, names: dict[str, str]) -> str:
    """A place out of capitals, names of the cast kept as names."""
    if text != text.upper():
        return text
    low = text.lower()
    for name in names.values():
        low = re.sub(rf"\b{re.escape(name.lower())}\b", titled(name), low)
    return low


NUMBER = r"\s*(?:no\.?|nr\.?|#|\N{NUMERO SIGN})?\s*([0-9]{1,4}(?:[.-][0-9]{1,3})?[a-z]?|[ivx]{1,4}"
NUMBER += r"|one|two|three|four|five|six|seven|eight|nine|ten|[一二三四五六七八九十]{1,3})(?!\w)"
"""The number of a scene or a shot: `1`, `no. 2A`, `1.1`."""
MARK = r"\s*(?:[:.\uff1a\u2192]|[-\N{EN DASH}\N{EM DASH}](?![0-9]))\s*"
"""What stands between it and its words."""
_COUNTING = {"number", "nummer", "numéro", "номер", "序号"}


def called(column: str, *more: str) -> str:
    """What scenes or shots are called before their numbers, by the names of their column: an expression."""
    names = {name for name in COLUMNS[column] if " " not in name and (len(name) > 2 or not name.isascii())}
    return "|".join(sorted({*names, *more} - _COUNTING, key=len, reverse=True))


BRACKET = r"\s*(?:[(\[\uff08]([^)\]\uff09]*)[)\]\uff09])?"
_PARTS = ("act", "part", "chapter", "akt", "teil", "kapitel", "acte", "partie", "acto", "parte", "atto", "часть", "章")
SCENE = re.compile(rf"(?:{called('scene', *_PARTS)}){NUMBER}{BRACKET}(?:{MARK}(.*)|$)", re.IGNORECASE | re.DOTALL)
"""The heading of a numbered scene, what stands in brackets behind its number, and its words: `SCENE 2 - THE FOREST`."""


def scene_of(text: str) -> OutlineScene | None:
    """The scene that a line or a cell of a list begins: `INT. KITCHEN - NIGHT`, `SCENE 2 - THE FOREST`; None else."""
    words_of = text.strip()
    head = HEAD.match(words_of)
    if head and (words_of == words_of.upper() or words_of[head.end("side") :][:1] in {".", "/"}):
        side, place, light, rest = heading(words_of)
        setting = ", ".join(part for part in (side, lowered(place, {}), rest) if part)
        return OutlineScene(slug(place or words_of, empty="scene"), setting, "" if light == "same" else light)
    if numbered := SCENE.fullmatch(words_of):
        aside = numbered[2] or ""
        place = lowered(numbered[3] or ("" if spans.is_time(aside) else aside), {})
        return OutlineScene(slug(f"scene {numbered[1]} {place}"), place)
    return None
