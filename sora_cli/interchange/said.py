"""What is said in a cell or a paragraph: who says it, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sora_cli.interchange.outline import OutlineLine, member
from sora_cli.sound.foley.words import read as sound_of

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


_SAYS = re.compile(r"""[".!?:\uff1a\u201c\u201d\u201e\u00ab\u3002\uff01\uff1f\u300c]""")
"""What a cell of `Audio` has in it where somebody speaks, and not where it names a sound."""
_SURELY = re.compile(r"""[":?\uff1a\u201c\u201d\u201e\u00ab\uff1f\u300c]""")
_HEARD = re.compile(
    r"\b(?:sounds?|music|sfx|ambien\w+|noises?|silence|score|soundtrack|melody|beats?|piano|guitars?|strings|drums?"
    r"|orchestra\w*|synths?|choir|whoosh\w*|footsteps|birdsong|crackl\w+|chirping|rustling|hum(?:ming)?|buzzing"
    r"|chatter|applause|waves|(?:sea)?gulls?|rumbl\w+|hiss\w*|sizzl\w+|thuds?|jingles?"
    r"|(?:pop|rock|dance|backing) tracks?"
    r"|fad(?:es|ing) (?:in|out)|musik|geräusche?|stille|musique|bruits?|música|sonidos?|musica|suoni"
    r"|музыка|звуки?)\b|音乐|音效|音楽|効果音|음악|효과음|موسيقى|صوت",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"\b(?:i|i'm|i'll|you|you're|we|we're|we'll|me|my|your|our|us|was|were|will|won't|don't|can't|let's|never"
    r"|nobody|ich|du|wir|mein|je|nous|vous|yo|nosotros|noi|eu|você|nós|я|ты|мы|вы)\b"
    r"|^(?:listen(?: to| up)?|look (?:at|around|up|closer)|imagine|remember|discover|experience|introducing"
    r"|meet the|join|breathe|believe|welcome to|stop and|hör(?:t|en sie)? (?:auf|zu|genau)|stell dir|écoute[rz]?"
    r"|imagine[zr]|escucha|imagina|descubre|ascolta|immagina)\b"
    r"|[我你您]|\w\W+\w.*[!\uff01][\"'\u201d]?$|^(?:yes|no|stop|go|wait|help|hello|hi|hey|goodbye|bye|please|sorry|thanks|run|look"
    r"|come|welcome|okay|never|ja|nein|halt|hallo|danke|oui|non|merci|bonjour|hola|adiós|sí|ciao|grazie|да|нет|привет"
    r"|стой)[.\s]*$",
    re.IGNORECASE,
)
"""What is said has in it, and the name of a sound has not."""
_FEW = 10
"""Words up to which a sentence about sounds names them, and is not said."""
_SENTENCE = re.compile(
    r"\b(?:it|it's|he|she|they|this|that|that's|these|those|there|there's|is|are|isn't|aren't|has|have|had|can|could"
    r"|would|should|must|may|might|every\w*|nothing|all|who|what|when|where|why|how|again|home|his|her|their)\b",
    re.IGNORECASE,
)
"""What tells of something, as the name of a sound does not: `The sea is calm.`, beside `Waves on the shore.`"""
_GOING = re.compile(r"(?!(?:keep|good|still|no|stop|stay|start)\b)(?:\S+\s+){1,3}\w{3,}ing[.!]?", re.IGNORECASE)
"""What goes on: `Wings flapping.`"""
_HEED = re.compile(r"(?:listen|look)\b(?=[^.!?]*$)")
"""A hint in small letters, and no command that somebody speaks: `listen to the wind`."""


def is_said(cell: str) -> bool:
    """Whether a cell that may hold sounds is what somebody says."""
    if re.fullmatch(r"[(\[\uff08][^()\[\]]+[)\]\uff09]\.?", cell.strip()):
        return False
    if _SURELY.search(cell) or _SPOKEN.search(_HEED.sub("", cell.strip()).replace("\u2019", "'")):
        return True
    return bool(_SAYS.search(cell)) and not _names_sound(cell)


def _names_sound(cell: str) -> bool:
    """Whether a few words name sounds: by what is heard of, or all in one word; `Goodbye.` and the like are none."""
    count = len(cell.split())
    if count > _FEW:
        return False
    found = sound_of(cell)
    named = _GOING.fullmatch(cell.strip()) or found.sound or found.absent
    heard = named and not _SENTENCE.search(cell.replace("\u2019", "'"))
    return bool(_HEARD.search(cell) or heard or (count == 1 and cell.rstrip().endswith(".")))


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
