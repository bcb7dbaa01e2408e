"""The terms of film: one table with its synonyms, and how a phrase is read in them.

A phrase is read only where each of its words is known; else it stands as its author wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache

from msgspec import Struct

from sora_cli.texts import nearest

TABLE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "framing": {
        "extreme wide": ("extreme wide shot", "establishing", "very wide", "extreme long", "vista", "ews", "els"),
        "wide": ("wide shot", "long", "long shot", "ws", "ls"),
        "full": ("full shot", "full body", "full length", "head to toe", "fs"),
        "medium wide": ("medium wide shot", "medium long", "american", "cowboy", "knee", "mws", "mls"),
        "medium": ("medium shot", "mid", "waist", "waist up", "ms"),
        "medium close": ("medium close-up", "bust", "chest", "head and shoulders", "mcu"),
        "close": ("close-up", "closeup", "face", "tight", "cu"),
        "detail": ("extreme close-up", "extreme close", "insert", "very close", "extreme closeup", "ecu", "xcu"),
        "two": ("two shot", "double"),
        "over-shoulder": ("over-the-shoulder shot", "over shoulder", "ots"),
        "aerial": ("aerial shot", "drone", "from the air", "bird's eye", "birds eye"),
        "pov": ("point-of-view shot", "first person", "subjective", "point of view"),
    },
    "angle": {
        "eye level": ("eye-level shot", "straight on", "neutral", "eye level angle"),
        "low": ("low angle shot", "low angle", "from below", "worm's eye", "worms eye", "looking up"),
        "high": ("high angle shot", "high angle", "from above", "looking down"),
        "overhead": ("overhead shot", "top down", "bird's eye", "birds eye", "top", "god's eye", "directly above"),
        "dutch": ("dutch angle shot", "dutch angle", "canted", "tilted", "oblique", "dutch tilt"),
    },
    "lens": {
        "wide-angle": ("wide-angle lens", "wide", "short", "wide angle"),
        "normal": ("normal lens", "standard", "medium"),
        "telephoto": ("telephoto lens", "long", "tele", "long focus", "compressed"),
        "macro": ("macro lens",),
        "fisheye": ("fisheye lens", "fish eye", "ultra wide"),
    },
    "depth of field": {
        "shallow": ("shallow depth of field", "bokeh", "narrow", "blurred background", "soft background"),
        "deep": ("deep focus", "everything sharp", "deep depth of field", "all in focus"),
    },
    "pace": {
        "slow motion": ("slow motion", "slo mo", "slowmo", "slomo", "slowed down"),
        "time-lapse": ("time-lapse", "timelapse", "time lapse", "sped up"),
        "real time": ("real time", "natural speed"),
        "slow": ("slow pace", "calm", "unhurried", "slow paced"),
        "fast": ("fast pace", "quick", "brisk", "hurried", "fast paced"),
    },
    "hour": {
        "dawn": ("dawn", "daybreak", "first light"),
        "sunrise": ("sunrise",),
        "morning": ("morning",),
        "day": ("day", "daytime"),
        "noon": ("noon", "midday"),
        "afternoon": ("afternoon",),
        "golden hour": ("golden hour", "magic hour"),
        "sunset": ("sunset", "sundown"),
        "dusk": ("dusk", "twilight", "evening"),
        "blue hour": ("blue hour",),
        "night": ("night", "night time", "midnight", "nighttime"),
    },
    "source": {
        "daylight": ("daylight", "natural"),
        "sunny": ("sunlight", "sunshine"),
        "overcast": ("overcast light", "cloudy"),
        "moonlight": ("moonlight", "moonlit"),
        "firelight": ("firelight", "fire"),
        "candlelight": ("candlelight", "candle", "candles"),
        "fluorescent": ("fluorescent light",),
        "neon": ("neon glow", "neon light"),
        "practical": ("practical light", "practicals"),
        "lamplight": ("lamplight", "lamp", "lamps"),
        "artificial": ("artificial light", "studio"),
    },
    "key": {
        "soft": ("soft", "diffuse", "diffused", "gentle"),
        "hard": ("hard", "harsh", "direct"),
        "side": ("side", "split", "from the side"),
        "back": ("back", "backlit", "backlight", "contre jour", "from behind"),
        "rim": ("rim", "edge", "edge light"),
        "top": ("top", "from the top"),
        "under": ("under", "underlit", "uplight"),
        "high-key": ("high-key",),
        "low-key": ("low-key", "chiaroscuro"),
    },
    "colour": {"warm": ("warm",), "cool": ("cool", "cold"), "mixed": ("mixed colour", "mixed")},
}
"""By kind and name: the words of a plain prompt, then its synonyms. The words of each family stand on its card."""

LIGHT = ("hour", "key", "source", "colour")
"""The kinds of terms that tell of light, in the order in which a model is told them."""

SPEEDS: Mapping[str, str] = {
    **dict.fromkeys(("slow", "slowly", "gentle", "gently", "gradual", "gradually", "creeping"), "slow"),
    **dict.fromkeys(("fast", "quick", "quickly", "rapid", "rapidly", "swift", "swiftly", "whip"), "fast"),
}
DIRECTIONS: Mapping[str, str] = {
    **{way: way for way in ("left", "right", "up", "down", "in", "out", "clockwise", "counterclockwise")},
    **{f"{way}{end}": way for way in ("left", "right", "up", "down", "in", "out") for end in ("ward", "wards")},
    **dict.fromkeys(("forward", "forwards", "closer", "toward", "towards"), "in"),
    **dict.fromkeys(("back", "backward", "backwards", "away"), "out"),
    "anticlockwise": "counterclockwise",
}
_CRANE = {"": "crane up", "up": "crane up", "down": "crane down"}
_ORBIT = {
    "": "orbit",
    "left": "orbit left",
    "right": "orbit right",
    "clockwise": "orbit left",
    "counterclockwise": "orbit right",
}
_STILL = {"": "static"}
_VERBS: Mapping[str, Mapping[str, str]] = {
    "pan": {"left": "pan left", "right": "pan right", "up": "tilt up", "down": "tilt down"},
    "tilt": {"up": "tilt up", "down": "tilt down"},
    "roll": {
        "clockwise": "roll clockwise",
        "counterclockwise": "roll counterclockwise",
        "right": "roll clockwise",
        "left": "roll counterclockwise",
    },
    "zoom": {"in": "zoom in", "out": "zoom out"},
    "dolly": {"": "dolly in", "in": "dolly in", "out": "dolly out", "left": "truck left", "right": "truck right"},
    "push": {"": "dolly in", "in": "dolly in"},
    "pull": {"": "dolly out", "out": "dolly out"},
    "truck": {"left": "truck left", "right": "truck right"},
    "slide": {"left": "truck left", "right": "truck right"},
    "move": {
        "left": "truck left",
        "right": "truck right",
        "in": "dolly in",
        "out": "dolly out",
        "up": "crane up",
        "down": "crane down",
    },
    "track": {"": "follow", "left": "truck left", "right": "truck right", "in": "dolly in", "out": "dolly out"},
    "follow": {"": "follow"},
    **dict.fromkeys(("crane", "pedestal", "jib", "boom", "lift"), _CRANE),
    "rise": {"": "crane up", "up": "crane up"},
    "descend": {"": "crane down", "down": "crane down"},
    **dict.fromkeys(("orbit", "circle", "arc"), _ORBIT),
    "handheld": {"": "handheld"},
    **dict.fromkeys(("static", "still", "fixed", "locked", "stationary", "tripod", "motionless"), _STILL),
}
"""What a verb means with each direction: the names of the camera's moves."""

MOVES = tuple(dict.fromkeys(move for ways in _VERBS.values() for move in ways.values()))
_FORMS = {f"{verb}{end}": verb for verb in _VERBS for end in ("", "s", "es", "ing", "ed")}
_FORMS |= {f"{verb}{verb[-1]}ing": verb for verb in _VERBS} | {f"{verb[:-1]}ing": verb for verb in _VERBS}
_FORMS |= {"dollies": "dolly", "tracking": "track", "handheld": "handheld", "shaky": "handheld", "lifts": "lift"}
_FILLERS = frozenset({
    "the", "a", "an", "camera", "cameras", "shot", "to", "then", "and", "is", "it", "with", "very", "around",
    "movement", "motion", "on", "off", "of", "stays", "remains", "holds", "light", "lighting", "lit", "time", "colors",
    "colours", "colour", "color", "tones", "at", "in", "from", "by",
})  # fmt: skip
_SPELLINGS = (
    *_VERBS,
    *DIRECTIONS,
    *SPEEDS,
    *(word for kind in LIGHT for name, words in TABLE[kind].items() for word in (name, *words) if " " not in word),
)
_IDIOMS = {
    r"\bleft to right\b": "right", r"\bright to left\b": "left", r"\bhand[- ]held\b": "handheld",
    r"\bno (camera )?movement\b": "static",
}  # fmt: skip
_TWICE = re.compile(r"([^()]+)\(([^()]+)\)\s*")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


class Term(Struct, frozen=True):
    """A term of film: its kind, its name in a storyboard, its words in a plain prompt."""

    kind: str
    name: str
    words: str


class CameraMove(Struct, frozen=True):
    """How the camera moves: names of `MOVES` in order, `slow`, `fast` or neither, and whether it is handheld."""

    moves: tuple[str, ...]
    speed: str = ""
    handheld: bool = False


def names(kind: str) -> tuple[str, ...]:
    """The names of all terms of a kind."""
    return tuple(TABLE[kind])


def find(kind: str, phrase: str) -> Term | None:
    """The term that a phrase names: `Close up shot`, `close-up` and `closeup` are `close`; a lens may be in mm."""
    if kind == "lens" and (length := re.fullmatch(r"\s*(\d{1,4}) ?mm( lens)?\s*", phrase.lower())):
        return Term(kind, f"{length[1]}mm", f"{length[1]}mm lens")
    if both := _TWICE.fullmatch(phrase):  # `Close-Up (CU)`
        found, short = find(kind, both[1]), find(kind, both[2])
        return found if found == short else None
    return _index(kind).get(_plain(phrase))


def words_of(kind: str, name: str) -> str:
    """What a plain prompt says for a term; for free words, these."""
    term = find(kind, name)
    return term.words if term else name


def meant(kind: str, phrase: str) -> str:
    """The name of the term that is spelled most like a phrase; empty where none is near."""
    terms = {key: term.name for key, term in _index(kind).items()} if kind in TABLE else {}
    known = terms or {move: move for move in MOVES}
    return known.get(nearest(_plain(phrase), known, cutoff=0.75), "")


def respelled(phrase: str, read: Callable[[str], object]) -> str:
    """A phrase with one word spelled as a term is, where `read` then knows all its words; empty where there is none."""
    for word in _WORD.findall(phrase):
        near = nearest(word, _SPELLINGS, cutoff=0.75) if 3 < len(word) < 30 else ""
        if near not in {"", word.lower()} and read(better := phrase.replace(word, near)) is not None:
            return better
    return ""


@lru_cache(1024)  # the shots of a film share few phrases
def camera(phrase: str) -> CameraMove | None:
    """How a phrase moves the camera; None where a word of it is no term: it then says more than that."""
    text = phrase.lower()
    for pattern, plain in _IDIOMS.items():
        text = re.sub(pattern, plain, text)
    found: list[list[str]] = []
    speed, waiting = "", ""
    for word in _WORD.findall(text):
        if word in SPEEDS:
            speed = SPEEDS[word]
        elif word in _FORMS:
            found.append([_FORMS[word], waiting])
            waiting = ""
        elif word in DIRECTIONS and found and not found[-1][1]:
            found[-1][1] = DIRECTIONS[word]
        elif word in DIRECTIONS and not waiting and not found:
            waiting = DIRECTIONS[word]
        elif word not in _FILLERS:
            return None
    moves = [_VERBS[verb].get(way, "") for verb, way in found]
    if not moves or not all(moves) or waiting:
        return None
    handheld = "handheld" in moves
    return CameraMove(tuple(dict.fromkeys(move for move in moves if move != "handheld")), speed, handheld)


def ways(phrase: str) -> tuple[str, ...]:
    """The moves that a camera phrase may mean which names no direction: `slow pan` is `pan left`, `pan right` ..."""
    said = _WORD.findall(phrase.lower())
    verbs = [_FORMS[word] for word in said if word in _FORMS]
    if len(verbs) != 1 or any(word not in {*_FORMS, *SPEEDS, *_FILLERS} for word in said):
        return ()
    return () if "" in _VERBS[verbs[0]] else tuple(dict.fromkeys(_VERBS[verbs[0]].values()))


@lru_cache(1024)
def light(phrase: str) -> tuple[Term, ...] | None:
    """The terms of light in a phrase, in the order of `LIGHT`; None where a word of it is none."""
    words = [word for word in _plain(phrase).split() if word not in _FILLERS]
    found: list[Term] = []
    while words:
        term, count = next(_longest(words), (None, 0))
        if term is None:
            return None
        found.append(term)
        words = words[count:]
    return tuple(sorted(dict.fromkeys(found), key=lambda term: LIGHT.index(term.kind))) or None


def _longest(words: list[str]) -> Iterator[tuple[Term, int]]:
    for count in range(min(3, len(words)), 0, -1):
        for kind in LIGHT:
            if term := _index(kind).get(" ".join(words[:count])):
                yield term, count


@cache
def _index(kind: str) -> Mapping[str, Term]:
    terms = [(Term(kind, name, words[0]), words) for name, words in TABLE[kind].items()]
    return {_plain(each): term for term, words in reversed(terms) for each in (*reversed(words), term.name)}


def _plain(phrase: str) -> str:
    words = _WORD.findall(phrase.lower())
    kept = [word for word in words if word not in {"shot", "a", "the", "lens", "angle", "lighting", "light", "view"}]
    return " ".join(kept or words)
