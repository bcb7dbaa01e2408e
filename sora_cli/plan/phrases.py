"""Parts of a beat as words in a model's dialect: its view, its light, its camera."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sora_cli import terms
from sora_cli.engines.dialect import VIEW, Dialect, Part
from sora_cli.plan.words import ADJECTIVES

_PLACED = ("in", "on", "at", "inside", "outside", "under", "over", "above", "below", "beside", "near", "behind", "by")
_LIT = re.compile(r"(light|lighting|glow|sunshine|shade|shadow|darkness)$", re.IGNORECASE)
_WHEN = {
    "day": "in daylight",
    "morning": "in the morning",
    "afternoon": "in the afternoon",
    "blue hour": "in the blue hour",
    "golden hour": "at golden hour",
}
_ENDED = re.compile("[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\u00bb)>]*$|>$")
"""A stop, also that of other scripts, before quotes and brackets; or a tag."""
_OF_SOMEBODY = ("medium", "medium close", "close", "detail", "two", "over-shoulder")
"""Framings that show whoever acts, and of the setting what is around them."""
_INSIDE = re.compile(r"(interior|exterior)\b", re.IGNORECASE)
_SLUG = re.compile(
    r"(?P<inside>INT|EXT|I/E|INT\.?/EXT)\b[.:]?\s*(?P<place>\S.*?)"
    r"(?:\s+[-\N{EN DASH}\N{EM DASH}]+\s+(?P<when>[^\W\d_ ]+))?"
)
"""A place as screenplays head their scenes: INT. KITCHEN - NIGHT."""
_WITH_AN = re.compile(r"[aeiou8]|1[18](?!\d)")
"""How words begin that have `an` before them: an ultra-wide lens, an 85mm one."""
_FROM = ("side", "back", "rim", "top", "under")
"""Where light comes from: said next to it."""
_FROM_HERE = re.compile(r"\s*(\b(with|in|wearing|who|whose|that|on|at|from|holding|carrying)\b).*", re.DOTALL)


def sentence(text: str) -> str:
    """A text with a capital at its start and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    if _ENDED.search(text):
        return text
    return text.rstrip(",;:") + ("\N{IDEOGRAPHIC FULL STOP}" if "\u3040" <= text[-1] <= "\u9fff" else ".")


def brief(looks: str) -> str:
    """Short words for looks that were described or are seen: `a woman in her thirties` is `the woman`."""
    return the(_FROM_HERE.sub("", _before_comma(looks)) or looks)


def called(looks: str, others: Iterable[str]) -> str:
    """The shortest words for looks that no `others` are called by: brief ones, those before a comma, else all."""
    different = [other for other in others if other != looks]
    short = (way(looks) for way in (brief, _before_comma) if way(looks) not in map(way, different))
    return the(next(short, looks))


def _before_comma(looks: str) -> str:
    at = ends_by_comma(looks)
    return looks[:at] if at > 0 else looks


def the(words: str) -> str:
    """Words for somebody who was named before: `a woman` is `the woman`."""
    return re.sub(r"^(a|an)\s", "the ", words, flags=re.IGNORECASE)


def place(setting: str) -> tuple[str, str]:
    """A setting in words, and the hour in it, where it is written as the heading of a scene: else as it is, and ''."""
    found = _SLUG.fullmatch(setting.strip())
    if found is None:
        return setting, ""
    inside = {"INT": "interior", "EXT": "exterior"}.get(found["inside"], "interior and exterior")
    name, when = found["place"], (found["when"] or "").lower()
    lit = bool(terms.light(when)) if when else True
    words = f"{inside}, {name.lower() if name.isupper() else name}{'' if lit else f', {when}'}"
    return words, when if lit else ""


def with_hour(light: str, hour: str) -> str:
    """Light with an hour, where it names none itself."""
    named = any(each.kind == "hour" for each in terms.light(light) or ())
    return light if named else ", ".join(filter(None, (light, hour)))


def ends_by_comma(looks: str) -> int:
    """Where the first comma of looks ends what somebody is called; -1 where none does: `a tall, thin man`."""
    commas = (found.start() for found in re.finditer(",", looks))
    return next((at for at in commas if not ADJECTIVES & {*looks[:at].lower().split()[-1:]}), -1)


def term(dialect: Dialect, kind: str, name: str) -> str:
    """A film term in the dialect; plain words where it has none of its own, free words as they are."""
    return dialect.terms.get(f"{kind} {name}") or terms.words_of(kind, name)


def camera(dialect: Dialect, phrase: str) -> str:
    """How the camera moves, as a sentence; free words as they are written."""
    found = terms.camera(phrase)
    if found is None:
        return phrase
    verbs = " and ".join(dialect.moves.get(move, move) for move in found.moves)
    who = "the camera"
    if found.handheld and dialect.form == "tags":
        who, verbs = "handheld camera", verbs or "moves"
    elif found.handheld:
        verbs = f"{verbs} with handheld movement" if verbs else "is handheld"
    if dialect.speed == "phrase":
        return f"{who} {verbs}" + (f" at {found.speed} speed" if found.speed else "")
    return f"{who} {SLOWLY[found.speed]}{verbs}"


def plain_camera(dialect: Dialect, phrase: str) -> str:
    """How the camera moves, in the dialect's words where it has some for each move, else in the author's."""
    found = terms.camera(phrase)
    if found and found.moves and not found.handheld and all(move in dialect.moves for move in found.moves):
        return f"{found.speed} {' and '.join(dialect.moves[move] for move in found.moves)}".strip()
    return f"{phrase} camera" if found and " " not in phrase.strip() else phrase


def avoided(dialect: Dialect, phrase: str) -> tuple[str, ...]:
    """What the dialect avoids where the camera moves like this; nothing for free words."""
    found = terms.camera(phrase)
    return tuple(dict.fromkeys(dialect.avoids[move] for move in found.moves if move in dialect.avoids)) if found else ()


SLOWLY = {"": "", "slow": "slowly ", "fast": "quickly "}


def hour(dialect: Dialect, phrase: str) -> str:
    """The dialect's words for light that is an hour and nothing else; empty for any other."""
    found = terms.light(phrase) if dialect.hours and phrase else None
    return dialect.hours.get(found[0].name, "") if found and [each.kind for each in found] == ["hour"] else ""


def light_tags(dialect: Dialect, phrase: str) -> list[str]:
    """Light as a list of terms; free words as they are."""
    found = terms.light(phrase)
    return [term(dialect, each.kind, each.name) for each in found] if found else [phrase] if phrase else []


def light_phrase(dialect: Dialect, phrase: str, place: str = "") -> str:
    """Light as words behind a place: `in soft firelight at dawn`; free words behind a comma.

    An hour that the words of the `place` name is not told again.
    """
    found = terms.light(phrase)
    if not found:
        behind = not phrase or phrase.split(maxsplit=1)[0].lower() in _PLACED
        return phrase if behind else f"in {phrase}" if _LIT.search(phrase) else f", {phrase}"
    by_kind = {kind: [term(dialect, kind, each.name) for each in found if each.kind == kind] for kind in terms.LIGHT}
    source = " and ".join(by_kind["source"])
    aside = [word for word in by_kind["key"] if word in _FROM]
    adjectives = " ".join([word for word in by_kind["key"] if word not in _FROM] + by_kind["colour"] + aside)
    noun = source or ("light" if adjectives else "")
    lit = f"in {adjectives} {noun}" if adjectives else f"in {noun}" if noun else ""
    new = [hour for hour in by_kind["hour"] if not re.search(rf"\b{re.escape(hour)}\b", place, re.IGNORECASE)]
    hours = " and ".join(_WHEN.get(hour, f"at {hour}") for hour in new)
    return " ".join(part for part in (lit, hours) if part)


def tags(dialect: Dialect, said: Mapping[Part, str]) -> tuple[str, str]:
    """Film terms as a list, light first: as many as the head of a prompt takes, the view before the light; the rest."""
    lights = light_tags(dialect, said.get(Part.LIGHT, ""))
    views = [term(dialect, part, said[part]) for part in VIEW if part in said]
    room = max(dialect.most_terms - len(views), 1 if lights else 0)
    seen = dialect.most_terms - min(room, len(lights))
    return ", ".join(lights[:room] + views[:seen]), ", ".join(lights[room:] + views[seen:])


def view(dialect: Dialect, said: Mapping[Part, str]) -> str:
    """What is seen and from where, in prose: `a wide, low-angle shot shows a harbour in soft light at dawn`."""
    shot = _shot(dialect, said)
    setting = said.get(Part.SETTING, "")
    light = light_phrase(dialect, said.get(Part.LIGHT, ""), setting)
    lens, depth = said.get(Part.LENS, ""), said.get(Part.DEPTH, "")
    found = terms.find(Part.LENS, lens)
    glass = term(dialect, Part.LENS, lens)
    extras = [f"{'an' if _WITH_AN.match(glass) else 'a'} {glass}" if found else lens]
    extras = [part for part in (*extras, term(dialect, Part.DEPTH, depth)) if part]
    if shot and setting:
        known = Part.FRAMING not in said or terms.find(Part.FRAMING, said[Part.FRAMING])
        placed = setting.split()[0].lower() in _PLACED
        shows = ", set in" if said.get(Part.FRAMING) in _OF_SOMEBODY else " shows" if known else ","
        shows = "," if _INSIDE.match(setting) else shows
        shot = f"{shot} {setting}" if placed else f"{shot}{shows} {setting}"
    text = _joined(shot or setting, f", {light}" if "," in setting and light and not light.startswith(",") else light)
    return _joined(text, f", with {' and '.join(extras)}" if extras else "")


def _joined(text: str, more: str) -> str:
    return text + (more if more.startswith(",") or not (text and more) else f" {more}") if text else more.lstrip(", ")


def _shot(dialect: Dialect, said: Mapping[Part, str]) -> str:
    framing = term(dialect, Part.FRAMING, said[Part.FRAMING]) if Part.FRAMING in said else ""
    angle = ""
    if Part.ANGLE in said:
        angle = term(dialect, Part.ANGLE, said[Part.ANGLE])
        angle = angle.removesuffix(" shot").replace(" angle", "-angle")
    base = framing.removesuffix(" shot")
    if angle and framing:
        framing = f"{base}, {angle} shot" if base != framing else f"{angle} {framing}"
    elif angle:
        framing = f"{angle} shot"
    if not framing or terms.find("framing", said.get(Part.FRAMING, "wide")) is None:
        return framing
    return f"{'an' if framing[0] in 'aeiou' else 'a'} {framing}"
