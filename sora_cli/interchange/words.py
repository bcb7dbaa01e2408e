"""The words of sets and cutting rooms, and what storyboards call the same thing."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from fractions import Fraction

from sora_cli.interchange.spans import FRAMES, HINT_RATE, split, timecode
from sora_cli.storyboard import forms
from sora_cli.storyboard.alike import SECONDS
from sora_cli.storyboard.source import quoted
from sora_cli.terms import find

_SHORT = {
    "extreme wide": "xws xls vws vls plano_general",
    "wide": "est master totale plan_large plan_général plan_d'ensemble pg pe totaal campo_lungo cl plano_geral общий "
    "общий_план дальний 远景 遠景 大全景 ロング",
    "full": "halbtotale plan_moyen halbtotal halftotaal figura_intera corpo_inteiro plano_entero 全景 フル",
    "medium wide": "mfs amerikanisch amerikanische plan_américain plano_americano piano_americano pa",
    "medium": "halbnah halbnahe three group plano_medio plano_médio mezza_figura средний средний_план 中景 ミディアム",
    "medium close": "nahe nah plan_rapproché plan_poitrine mezzo_primo_piano 近景 バストショット バスト",
    "close": "head reaction choker gross grossaufnahme gros_plan gp primer_plano pp primo_piano primeiro_plano крупный "
    "крупный_план 特写 特寫 アップ クローズアップ",
    "detail": "bcu vcu ca ins big_close_up very_close_up cutaway macro tgp très_gros_plan dettaglio plano_detalle "
    "plano_detalhe деталь 大特写 大特寫",
    "two": "2s 2_s two_s",
    "over-shoulder": "os over over_the_shoulder",
    "aerial": "helicopter",
    "pov": "p_o_v",
}
"""How shot lists shorten framings, and what they are in other languages: beside the terms that storyboards know."""
_FRAMING = {re.sub(r"[\W_]+", " ", word): framing for framing, words in _SHORT.items() for word in words.split()}

_TIMES = {
    "daylight": "day d jour tag día giorno dia dag день 日 昼 낮",
    "night": "n night nuit nacht noche notte noite ночь 夜 밤",
    "morning light": "morning late_morning утро",
    "early morning light": "early_morning",
    "midday sun": "noon midday",
    "afternoon light": "afternoon",
    "late afternoon light": "late_afternoon",
    "evening light": "evening abend soir вечер 夕",
    "dusk": "dusk",
    "dawn": "dawn aube",
    "sunset": "sunset",
    "sunrise": "sunrise",
    "twilight": "twilight",
    "golden hour": "magic_hour golden_hour",
    "blue hour": "blue_hour",
    "midnight": "midnight",
    "late night": "late_night",
    "moonlight": "moonlight",
}
LIGHT = {word.replace("_", " "): light for light, words in _TIMES.items() for word in words.split()}
"""The times of day of a scene heading, as light."""
SAME = {
    "continuous", "same", "later", "moments later", "same time", "cont", "cont'd", "contd", "continued",
    "a moment later", "minutes later", "seconds later", "immediately following",
}  # fmt: skip
"""Times that are those of the scene before."""

_CUES = re.compile(
    r"(?P<on>(?:(?:EXTREME |BIG )?CLOSE(?:[- ]?UP)?(?: SHOT)?|ANGLE|WIDE(?: SHOT| ANGLE)?|INSERT|(?:[A-Z]+'S )?POV|"
    r"AERIAL(?: SHOT)?|MEDIUM SHOT|TWO SHOT|REVERSE ANGLE|BACK TO SCENE|ECU|CU|OTS)(?: ON| OF)?)(?![\w'])"
    r"[\s:.,-]*(?P<rest>.*)",
    re.DOTALL,
)
_INCHES = r"""[0-9]+\s*(?:"|''|in\.?|inch(?:es)?|fr\.?)?"""
_FEET = re.compile(rf"[0-9]+\s*(?:'|ft\.?|feet|foot|\+)\s*(?:{_INCHES})?|[0-9]+\s*(?:in\.?|inch(?:es)?)")
_PAGES = re.compile(r"(?:[0-9]+\s+)?[0-9]/8(?:\s*(?:pg|pgs|page|pages))?", re.IGNORECASE)
SUPER = re.compile(
    r"(?:SUPER(?:IMPOSE)?|TITLE(?: CARD| OVER)?|CHYRON|TEXT ON SCREEN)\s*[:\u2013\u2014-]\s*(\S.{0,120})"
)
"""Words over the picture: `SUPER: "One year later"`."""
ASIDE = re.compile(r"(?:END (?:OF )?)?INTERCUT\b[^a-z]{0,60}|BACK TO SCENE[.:]?|\(?CONTINUED\)?:?")
"""What tells cutters and readers something, and shows nothing."""


def framing(words: str) -> str:
    """The framing that the words of a shot's size or angle mean; empty where they mean none."""
    plain = re.sub(r"[^\w]+", " ", words.replace(".", "").casefold()).strip()
    short = re.sub(r"\s*\b(shot|on|of)$", "", plain).strip()
    found = find("framing", words) or find("framing", plain) or find("framing", short)
    return found.name if found else _FRAMING.get(plain, _FRAMING.get(short, ""))


def cue(text: str) -> tuple[str, str] | None:
    """The framing (empty: whatever it was) and the rest of a paragraph that opens a new shot: `CLOSE ON the lamp`."""
    match = _CUES.fullmatch(text)
    if match is None:
        return None
    head = re.sub(" (?:ON|OF)$", "", match["on"])
    return ("pov" if head.endswith("POV") else framing(head)), match["rest"].strip()


def length(words: str, fps: Fraction | None = None, *, animated: bool = False) -> str:
    """A length as storyboards have it: `4s`, `48f`; of a timecode, at `fps` frames a second.

    Where it is of `animated` film, `3+12` is seconds and frames.

    Raises:
        forms.Wrong: it is none, with the reason: feet and inches of film, eighths of a page.
    """
    plain = unicodedata.normalize("NFKC", words).strip().lower().replace("\N{PRIME}", "'")  # a double one becomes two
    hint = "write seconds (4 or 4s), frames (96f), or minutes and seconds (1:05)"
    clock = timecode(plain) or (split(plain) if animated else None)
    if clock is None and split(plain) is not None:
        told = f"{quoted(words)} may be seconds and frames, or feet and frames"
        raise forms.Wrong(told, "write seconds (3.5), or all of it in frames (84f)")
    if clock is None and _FEET.fullmatch(plain):
        raise forms.Wrong(f"{quoted(words)} is a length of film stock, not of time", hint)
    if _PAGES.fullmatch(plain):
        raise forms.Wrong(f"{quoted(words)} is a length of script, not of time", hint)
    if clock is not None:
        if clock.frames and fps is None:
            raise forms.Wrong(
                f"{quoted(words)} counts frames, and nothing says at which rate", f"{hint}; or {HINT_RATE}"
            )
        return written(clock.seconds + Fraction(clock.frames) / (fps or 1))
    plain = re.sub(r"^(?:about|approx\.?|ca\.?|~)\s*", "", plain)
    plain = re.sub(rf"""^([0-9]+(?:[.,][0-9]+)?)\s*(?:"|''|{SECONDS})$""", r"\1s", plain)
    plain = re.sub(r"^([0-9]+),([0-9]+)", r"\1.\2", plain)
    plain = re.sub(rf"^([0-9]+)\s*{FRAMES}$", r"\1f", plain)
    found = forms.duration(plain)
    return f"{found.frames}f" if found.frames is not None else written(found.seconds or Fraction(0))


def written(seconds: Fraction) -> str:
    """A length in seconds as storyboards have it.

    Raises:
        forms.Wrong: it is nothing, or longer than a shot can be.
    """
    whole = float(seconds)
    text = f"{whole:.3f}".rstrip("0").rstrip(".") + "s"
    forms.duration(text)
    return text


def transition(words: str) -> tuple[str, bool]:
    """How a shot comes in by the words of a script, and whether they say no more than that: `MATCH CUT TO` does."""
    with suppress(forms.Wrong):
        if re.search(r"[0-9]", words) and forms.transition(words.strip().lower()):
            return words.strip().lower(), True
    plain = re.sub(r"[^\w]+", " ", words.casefold()).strip()
    if "dissolve" in plain or "crossfade" in plain or "cross fade" in plain:
        return "dissolve 1s", plain in {"dissolve to", "dissolve", "cross fade", "crossfade"}
    if "wipe" in plain:
        way = next((side for side in forms.DIRECTIONS if side in plain.split()), "left")
        return f"wipe {way} 0.5s", plain in {"wipe", "wipe to", f"wipe {way}"}
    if "fade" in plain:
        return "fade 1s", plain in {"fade in", "fade out", "fade to", "fade", "fade to black", "fade in from black"}
    return "", plain in {"cut to", "cut", ""}
