"""In which encoding of one byte a letter a short text is: one in which all its letters are of one language.

Guessing from frequencies, as libraries do, wants more text than lists have.
"""

from __future__ import annotations

import math
import re

_WEST = {
    "German": "äöüßé",
    "French": "àâæçéèêëîïôœùûüÿ",
    "Spanish": "áéíñóúüªº",
    "Portuguese": "áâãàçéêíóôõúüªº",
    "Italian": "àèéìíòóùú",
    "Dutch": "áéèêëïíóöü",
    "Swedish, Finnish": "åäöéèàü",
    "Danish, Norwegian": "æøåéòô",
    "Icelandic": "áéíóúýþæöð",
    "Catalan": "àçèéíïòóúü·",
    "Estonian": "äõöüšž",
    "Albanian, Basque": "çëñ",
    "Welsh": "âêîôŵŷ",
}
_CENTRAL = {
    "Polish": "ąćęłńóśźż",
    "Czech, Slovak": "áäčďéěíĺľňóôřšťúůýž",
    "Hungarian": "áéíóöőúüű",
    "Slovene, Croatian": "čćšžđ",
    "Romanian": "ăâîşţ",
}
_TURKISH = "çğ\u0131öşüâi\N{COMBINING DOT ABOVE}"
_BALTIC = {"Lithuanian": "ąčęėįšųūž", "Latvian": "āčēģīķļņšūž"}
_LATIN = {
    "cp1252": _WEST,
    "cp1254": {"Turkish": _TURKISH},
    "cp1250": _CENTRAL,
    "cp1257": _BALTIC,
    "mac_roman": _WEST,
    "cp850": _WEST,
    "cp852": _CENTRAL,
    "cp857": {"Turkish": _TURKISH},
    "cp775": _BALTIC,
    "mac_latin2": _CENTRAL,
    "mac_turkish": {"Turkish": _TURKISH},
}
"""The encodings of Latin letters that spreadsheets save in, the most usual first, and the letters of each language."""
_GRAVE = r"è(?!s\b|[bcdfghjlmnpqrstvxz]{1,3}u?e)"
_USUAL = {"cp1252", "cp1254", "cp1250", "cp1257"}
_NEVER = {
    "German": r"\b[äöüß]\b",
    "Portuguese": r"ç(?![aoáãâõóôúu])"
    r"|õ(?!e)|ã(?![oeis]|\b)|(?:[aeiou]t|az|[aeiou]n[tdz]|l[ou]|\b[sc]|up|\w{3}[ncr])ã\b",
    "French": rf"{_GRAVE}|û(?![trlmncs]|\b)|ê(?![tcmlvgpnrq]|\b)|â(?=[kdjz])|î(?![tmnlrvo]|\b)|ç(?![aoâôuû])"
    r"|(?<![aeiouéôœ])[ëï]|œ(?![uisctdn])|æ(?![dqstvc])|\bÿ|(?<=\w)[éê]k",
    "Spanish": r"ñ(?![aeiouáéíóú])",
    "Italian": r"[àèéìíòóùú](?=\w)",
    "Dutch": rf"{_GRAVE}|(?<![aeiouyl])[ëï]",
    "Swedish, Finnish": _GRAVE,
    "Danish, Norwegian": r"\w{4}ø\b|(?<![rnflk])æ\b|(?<![rn])æ[aeiou]",
    "Icelandic": r"þ(?![aeiouyáéíóúýæöjrv])|[bcdgjkprtvzaeiouyáéóúýæö]þ|\bð|ý\w*ý|\w{4}ý\b|æ[aeou]",
    "Estonian": r"õ\b|\b[šžäõöü]\b",
    "Catalan": r"ç(?![aoàòóuú]|s?\b)|(?<![aeou])ï|\bè(?=r)|è(?=[aeiou])|·(?!l)",
    "Albanian, Basque": r"ñ(?![aeiou])|(?<=\w)ç(?=[bcdfghjklmnpqrstvz])",
    "Polish": r"\b[ąćęłńśźż]\b|(?<=[^\Waeiouyąęó])ź(?=[^\Waeiouyąęó])",
    "Czech, Slovak": r"\bé|\b[čďěľňřšťůž]\b(?!\.)|ĺ(?![žzbpčkhmvc])|(?<!\w[dtkvslmhžčbp])(?<!\b[dkvžbh])ĺ|\w{5}tř\b"
    r"|[bcdghklmnpsvz]ř\b|ý[nsmldr]ý|[zs]ý|larý",
    "Slovene, Croatian": r"\b[čćšžđ]\b",
    "Romanian": r"ţ(?![iaeuoăâ]|\b)",
    "Turkish": r"\bğ|[bdg]ş|\A[^ğşçöü\u0131]*\u0131?[^ğşçöü\u0131]*\Z|\A[^ğş\u0131]*\Z"
    r"|[eiöüou][^ae\u0131ioöuü\W]*\u0131|\b[^\Wae\u0131ioöuü]{3,}\u0131",
}
"""What no word of a language has (of Turkish: no text), where its letters are those of another in another encoding."""
_SCRIPTS = {
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў",
    "cp866": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "koi8_u": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґ",
    "mac_cyrillic": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў",
    "iso8859_5": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєў",
    "cp737": "αοιετσνηυρπκμλςωδγχθφβξζψάίόέήύώϊϋ",
    "cp1253": "αοιετσνηυρπκμλςωδγχθφβξζψάίόέήύώϊϋΐΰ",
    "cp1255": "יוהלארתבשמנםדחקעפגכטצסזןךץף",
    "cp1256": "اليمنوترهبدسفعكقحجشةصطخضذثزىأغئءظإؤآ،ّ؛؟ًَُِْـٌٍ",
    "cp874": "านรอกเงมยลวดทสต่้ัิีะปบคหแจพุชขูใไืโผซ็์ธำถศฟภฉษณญฐฝฮฬๆฎฏฑฒฆ",
}
"""The encodings of other scripts, and the letters of their languages from the most usual to the rarest."""
_RARE = 200
"""How rare a letter counts that is none of a language: as one of so many."""
_MARKS = (
    "\u201c\u201d\u201e\u201a\u2018\u2019\u00ab\u00bb\u2039\u203a\u2013\u2014\u2026\u2022\u00b0\u20ac\u00a3\u2020\u2021"
)
_MARKS += "\u00a7\u00a9\u00ae\u2122\u00aa\u00ba\u00b9\u00b2\u00b3\u00bd\u00bc\u00be\u00d7\u00bf\u00a1\u00b4\u00b5\u05be"
_APART = re.compile(
    rf"(?<=[^\W\d_])(?:[{re.escape(_MARKS)}](?<![\u2018\u2019\u2013\u2014])(?=[^\W\d_])|[\u00bf\u00a1\u201a\u201e])"
    r"|(?<![^\W\d_])[b-df-hj-np-tv-xz]+\u2014(?=[a-z])|(?<=[a-z])\u2014[b-df-hj-np-tv-xz]+(?![^\W\d_])"
    r"|[\u00aa\u00ba](?=[^\W\d_])|(?<=[^\W\d_nNC])\u00b0|(?<=[^\W\d_])\u20ac|(?<=[a-z])\u2013(?=[a-z])|(?<=[a-z]{3})[\u00b9\u00b2\u00b3]"
)
"""A mark inside a word, where it would be a letter in the right encoding."""
_HIGH = re.compile(rb"[\x80-\xff]")
_WORDS = re.compile(rb"(?<![A-Za-z\x80-\xff])[\x80-\xff]{2,}(?![A-Za-z\x80-\xff])")


def latin(data: bytes) -> str:
    """The encoding of Latin letters in which all of a text is of one language; nothing where there is none."""
    if _other_script(data):
        return ""
    for encoding, languages in _LATIN.items():
        text = _decoded(data, encoding)
        if not (text and any(_spells(text, language, known) for language, known in languages.items())):
            continue
        told = any(letter > "\x7f" and letter.isalpha() and letter not in _MARKS for letter in text)
        rare = encoding not in _USUAL and (not told or _japanese(data))
        return "" if rare else encoding
    return ""


def other_script(data: bytes) -> str:
    """The encoding of another script whose language a text is likeliest of; nothing where no word is whole in it."""
    return _likeliest(data) if _other_script(data) else ""


def _other_script(data: bytes) -> bool:
    """Whether whole words are beyond ASCII, as in other scripts than the Latin one."""
    words = _WORDS.findall(data)
    return 4 * sum(map(len, words)) > 3 * len(_HIGH.findall(data)) and max(map(len, words)) > 2


def _japanese(data: bytes) -> bool:
    """Whether a text that is read as Shift JIS has kana for half of what is not ASCII."""
    try:
        text = data.decode("shift_jis")
    except UnicodeDecodeError:
        return False
    others = [letter for letter in text if letter > "\x7f"]
    return 2 * sum("\u3041" <= letter <= "\u30ff" for letter in others) >= len(others)


def _decoded(data: bytes, encoding: str) -> str:
    """The text, where its marks stand apart from letters and no capital behind a small letter; else nothing."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return "" if _APART.search(text) or any(map(_raised, text, text[1:], [*text[2:], " "])) else text


def _raised(before: str, letter: str, after: str) -> bool:
    """Whether a letter beyond ASCII is a capital inside a word."""
    return letter > "\x7f" and letter.isupper() and (before.islower() or (before.isalpha() and after.islower()))


def _spells(text: str, language: str, known: str) -> bool:
    """Whether all letters of a text are of one language, and no word has what its words never have."""
    plain = text.lower()
    never = _NEVER.get(language)
    allowed = {*known, *_MARKS, "\u00a0"}
    return all(letter < "\x80" or letter in allowed for letter in plain) and not (never and re.search(never, plain))


def _likeliest(data: bytes) -> str:
    """The encoding of another script whose language a text is likeliest of, by how usual its letters are."""
    found: dict[str, float] = {}
    for encoding, usual in _SCRIPTS.items():
        text = _decoded(data, encoding)
        spelled = [letter for letter in text.lower() if letter > "\x7f" and letter not in f"{_MARKS}\u00a0"]
        known = [usual.find(letter) for letter in spelled]
        if known and known.count(-1) <= len(known) // 20:
            found[encoding] = sum(-math.log(2 + rank if rank >= 0 else _RARE) for rank in known) / len(known)
    return max(found, key=found.__getitem__, default="")
