"""Headings of scenes, as scripts and lists have them: `INT. KITCHEN - NIGHT`, in other languages too."""

from __future__ import annotations

import re

from sora_cli.interchange import words
from sora_cli.interchange.outline import OutlineScene, slug, titled

_SIDE = r"(?:INT(?:ERIOR|[ÉE]RIEUR|ERNO)?|EXT(?:ERIOR|[ÉE]RIEUR)?|EST(?:ERNO)?|INNEN|AU(?:SS|ß)EN|инт|нат|экст)"
HEAD = re.compile(rf"(?P<side>{_SIDE}(?:\.?\s*/\s*{_SIDE})?|I/E|I/A)\b[.:\s]*(?P<place>.*)", re.IGNORECASE | re.DOTALL)
_SIDES = {"i": "interior", "e": "exterior", "a": "exterior", "и": "interior", "н": "exterior", "э": "exterior"}
"""The side of a heading, by its first letter: `INT`, `INNEN`, `EXT`, `ESTERNO`, `AUSSEN`."""


def heading(text: str) -> tuple[str, str, str, str]:
    """A scene heading's side, place, light (`same`: as before) and what else it says of the time."""
    match = HEAD.match(text.strip())
    place, side = (match["place"], match["side"]) if match else (text, "")
    sides = dict.fromkeys(_SIDES[part[0]] for part in re.findall(r"[^\W\d_]+", side.casefold()))
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
    return " and ".join(sides), ", ".join(parts), light, rest


def lowered(text: str, names: dict[str, str]) -> str:
    """A place out of capitals, names of the cast kept as names."""
    if text != text.upper():
        return text
    low = text.lower()
    for name in names.values():
        low = re.sub(rf"\b{re.escape(name.lower())}\b", titled(name), low)
    return low


_SCENE = re.compile(
    r"(?:SCENE|SZENE|SCÈNE|ESCENA|SCENA|CENA|СЦЕНА)\s*([0-9]{1,4}[A-Z]?)\s*(?:[-:.\N{EN DASH}\N{EM DASH}]\s*(.*))?",
    re.IGNORECASE,
)


def scene_of(text: str) -> OutlineScene | None:
    """The scene that a line or a cell of a list begins: `INT. KITCHEN - NIGHT`, `SCENE 2 - THE FOREST`; None else."""
    words_of = text.strip()
    head = HEAD.match(words_of)
    if head and (words_of == words_of.upper() or words_of[head.end("side") :][:1] in {".", "/"}):
        side, place, light, rest = heading(words_of)
        setting = ", ".join(part for part in (side, lowered(place, {}), rest) if part)
        return OutlineScene(slug(place or words_of, empty="scene"), setting, "" if light == "same" else light)
    if numbered := _SCENE.fullmatch(words_of):
        place = lowered(numbered[2] or "", {})
        return OutlineScene(slug(f"scene {numbered[1]} {place}"), place)
    return None
