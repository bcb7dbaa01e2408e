"""From words to the name of a sound and its manner, by rules alone."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from . import lexicon
from .base import Manner


class Reading(Struct, frozen=True):
    """What the rules see in a phrase: a sound, if any, and what is named that is not to be had (its kind)."""

    sound: str | None
    absent: str | None = None
    sure: bool = True


_STEM = re.compile(r"(?:(?<=[a-z]{3})(?:ing|ed|es|s|er))$")
_IRREGULAR = {"leaves": "leaf", "fallen": "fall", "falls": "fall", "woods": "wood", "hooves": "hoof", "mice": "mouse",
              "waves": "wave", "geese": "goose", "ran": "run", "rang": "ring", "shone": "shine", "drove": "drive",
              "children": "child", "men": "man", "women": "woman", "swung": "swing", "tolled": "toll", "fired": "shot",
              "boots": "boot", "glasses": "glass", "footsteps": "footstep", "fell": "fall"}  # fmt: skip


def stems(word: str) -> set[str]:
    """The forms in which a word may stand in the lexicon."""
    if word in _IRREGULAR:
        return {word, _IRREGULAR[word]}
    forms = {word}
    short = _STEM.sub("", word)
    forms |= {short, short + "e"}
    if len(short) > 3 and short[-1] == short[-2]:
        forms.add(short[:-1])  # dripping, dragged
    return forms


def tokens(phrase: str) -> list[set[str]]:
    """The words of a phrase, each as its stems; what `no`, `not` or `without` denies is left out."""
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", phrase.lower().replace("tick-tock", "tick"))
    kept, skip = [], False
    for word in words:
        if word in {"no", "not", "without", "never"}:
            skip = True
        elif skip and word not in {"a", "the", "any", "more"}:
            skip = False
        else:
            kept.append(stems(word.removesuffix("'s")))
    return kept


def _has(words: list[set[str]], names: str) -> bool:
    listed = set(names.split())
    return any(word & listed for word in words)


def read(phrase: str) -> Reading:
    """The sound that the words of a phrase name."""
    words = tokens(phrase)
    absent = next((kind for kind, names in lexicon.ABSENT.items() if _has(words, names)), None)
    if (
        _has(words, lexicon.STEPS)
        and _has(words, lexicon.SOFT_GROUNDS)
        and not _has(words, "rain water")
        and not _has(words, "gravel snow wood wooden")
    ):
        return Reading(None, "steps on soft ground")
    sound, sure = _named(words)
    if absent and sound not in lexicon.BACKGROUNDS:
        return Reading(None, absent)
    return Reading(sound, absent, sure)


def _named(words: list[set[str]]) -> tuple[str | None, bool]:
    """The sound by the rules for two things together, else by its name; and whether that is beyond doubt."""
    together = _together(words)
    if together:
        return together, True
    scores = {}
    for sound, names in lexicon.NAMES.items():
        score = sum(2 for word in words if word & set(names.split()))
        if score:
            scores[sound] = score + sum(1 for word in words if word & set(lexicon.HINTS.get(sound, "").split()))
    if not scores:
        return None, False
    ranked = sorted(scores, key=lambda sound: -scores[sound])
    clear = len(ranked) == 1 or scores[ranked[0]] > scores[ranked[1]]
    return ranked[0], clear


def _together(words: list[set[str]]) -> str | None:
    """Sounds of two things: rain and what it falls on, a step and its ground, a hit and its material, a door shut."""
    if _has(words, lexicon.BREAK) and _has(words, lexicon.GLASS):
        return "glass-break"
    if _has(words, "door gate lid") and _has(words, "slam bang shut"):
        return "slam"
    return _rain(words) or _steps(words) or _hit(words)


def _rain(words: list[set[str]]) -> str | None:
    if not _has(words, lexicon.RAIN):
        return None
    if _has(words, lexicon.LEAVES):
        return None if _has(words, "wind storm") else "rain-leaves"
    if _has(words, lexicon.ROOF):
        return "rain-roof"
    hard = _has(words, "heavy hard strong torrential violent") and _has(words, "rain shower")
    return "rain-heavy" if hard else None


def _steps(words: list[set[str]]) -> str | None:
    """Footsteps by their ground; where none is named, indoors. Things that run without feet take no steps."""
    goes = _has(words, lexicon.STEPS) and not _has(words, f"{lexicon.NAMES['stream']} water engine")
    ground = _first(words, lexicon.GROUNDS) if goes else None
    return ground or ("steps-wood" if _has(words, "footstep footfall step") else None)


def _hit(words: list[set[str]]) -> str | None:
    if not _has(words, lexicon.HIT) or _has(words, "door water rain wave"):
        return None
    material = _first(words, lexicon.MATERIALS)
    return f"impact-{material}" if material else None


def _first(words: list[set[str]], groups: dict[str, str]) -> str | None:
    """The first group that a word names, in the order of the words."""
    return next((group for word in words for group, names in groups.items() if word & set(names.split())), None)


# ------------------------------------------------------------------------------------------------------------ manner

FAR = r"\b(far|distant|distance|afar|background|beyond|long way|remote|faraway)\b"
NEAR = r"\b(near|nearby|close|beside|next to)\b"


def manner(phrase: str) -> Manner:
    """How a sound is to be made, by the qualities that a phrase names."""
    text = phrase.lower()
    very = 2.0 if re.search(r"\b(very|really|extremely|super)\b", text) else 1.0

    def says(pattern: str) -> bool:
        return re.search(pattern, text) is not None

    result = Manner(wet=says(r"\b(wet|damp|soaked|puddles?|rainy)\b"))
    if says(FAR):
        result = replace(result, distance=8.0 * very)
    elif says(NEAR):
        result = replace(result, distance=0.5)
    force = says(r"\b(heavy|heavily|hard|strong|violent|big|huge|large|fierce|mighty|raging)\b") - says(
        r"\b(light|lightly|gentle|gently|soft|softly|small|little|tiny|weak|slight)\b"
    )
    loud = says(r"\b(loud|loudly|deafening|roaring)\b") - says(r"\b(quiet|quietly|faint|faintly|low|muted|hushed)\b")
    pace = says(r"\b(fast|quick|quickly|rapid|rapidly|hurried|running|runs|racing|hasty)\b") - says(
        r"\b(slow|slowly|lazy|sluggish|leisurely)\b"
    )
    return replace(
        result,
        force=max(-1.0, min(1.0, 0.7 * very * force)),
        loudness=6.0 * very * loud,
        speed=float(1.4 ** (pace * very)),
    )
