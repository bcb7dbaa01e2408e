"""The words that advice looks for in prompts, in English; `abroad` has some of other languages."""

from __future__ import annotations

import re

_LITTLE = (
    "a an and any are as at be by down for from her his in into is it its of off on onto or out over some that"
    " the their then there this to under up very was while with"
)
_EMPTY = (
    "4k 8k amazing atmosphere award awesome beautiful best cinematic cool detailed dramatic epic film good great"
    " happening happens happy hd high interesting look make masterpiece mood movie nice perfect photorealistic quality"
    " realistic sad scene scenes shot somebody someone something stuff stunning thing things trending ultra vibe"
    " vibes video winning"
)
_VERBS = (
    "add answer appear argue arrive ask bark beat blink blow bounce bow break breathe bring brush build burn"
    " carry catch change chase check chew circle clap clean climb close come cook cough count crawl cross cry cut"
    " cycle dance depart dig dive drag draw drift drink drive drop eat enter explode face fall feed fight find"
    " finish fix flicker float fly fold follow gallop gaze get give glance go grab greet grin grow hammer hand"
    " hide hit hold hug hurry jump kick kiss knock laugh lean leave lie lift light listen lock look melt move nod"
    " open pack paint pass pay pet pick play point pour pull punch push put rain raise reach read ride ring rise"
    " roll row run rush sail scream see sell set shake share shine shoot shout show shut sigh sing sink sit sleep"
    " slide smell smile smoke snow speak spin splash stand stare start steal stop stretch swim swing take talk"
    " taste tear throw tie touch trip trot tumble turn twist type wait wake walk wash watch wave wear weep whisper"
    " whistle wind wipe work write yawn"
)
_ADJECTIVES = (
    "aged ancient angry athletic awkward battered beautiful big black blonde blue bright broad brown burly calm"
    " cheerful chubby cute dark delicate dirty elderly elegant enormous fat fluffy fragile frail freckled friendly"
    " furry gaunt gentle giant golden graceful gray green grey grim handsome happy heavy huge kind lanky large lean"
    " little lonely long lovely muscular mysterious narrow nervous old orange pale petite pink playful plump"
    " powerful pretty proud purple red round rugged rusty sad scruffy serious shabby shaggy sharp shiny short shy"
    " silver skinny slender slim slow small smart smooth soft stern stocky stout strong stubborn tall tan tanned"
    " thick thin tidy tiny tired tough weary weathered white wide wild wiry wise wooden worn wrinkled yellow young"
    " youthful"
)
ADJECTIVES = frozenset(_ADJECTIVES.split())
"""Words of looks that another one may follow behind a comma: `a tall, thin man`."""
LITTLE, EMPTY, VERBS = (frozenset(words.split()) for words in (_LITTLE, _EMPTY, _VERBS))
"""Words of grammar; words that show nothing by themselves; what is done in films."""


def base(word: str) -> str:
    """A verb's base form, of a form that ends in s or ing; empty where it is no verb that is known."""
    stems = [word[:-1], word[:-2], word[:-3], word[:-3] + "e", word[:-3] + "y", word[:-4]]
    ended = (word.endswith("s"), word.endswith("es"), word.endswith("ing"), word.endswith("ing"), word.endswith("ies"))
    ends = (*ended, word.endswith("ing") and word[-5:-4] == word[-4:-3])
    return next((stem for stem, fits in zip(stems, ends, strict=True) if fits and stem in VERBS), "")


ACT = re.compile(r"\s*\w+s (?:a|an|the|it|him|her|his|its|their|them|up|down|off|out|in|into|on|to|back)\b")
"""A clause that begins with what is done: `plates the dish`."""
SPLIT = re.compile(r"[,;.!?]|\b(?:and|then|before|after|while|as)\b", re.IGNORECASE)
"""Where one clause ends."""

QUOTED = re.compile(r"[\"\u201c\u201d][^\"\u201c\u201d]*[\"\u201c\u201d]")
NEGATION = re.compile(
    r"\b(no(?!-| longer\b| doubt\b| sooner\b)|not(?! far\b| only\b| quite\b| yet\b)|without|never|nobody(?!['\u2019]s)"
    r"|no one|nothing(?! but\b)|none|(?:is|are|do|does|can|was|were)n['\u2019]t)\b",
    re.IGNORECASE,
)
MOVABLE = re.compile(
    r",?\s*\b(?:(?:and|with|there (?:is|are)) )?(?:no|without(?: any| a| an)?) "
    r"(?P<what>[\w-]+(?: (?:or|and) [\w-]+)?)(?=[,.;]|$|(?<=\w) (?:in|on|at|under|near|by) the\b)",
    re.IGNORECASE,
)
"""What is denied in words that can stand under `avoid` instead."""

DENIED = re.compile(
    r"(?:no|not|non|without(?: any| an?)?|never|don['\u2019]t (?:show|draw|include)|avoid)\s+(.+)", re.IGNORECASE
)
"""A thing under `avoid` that is denied there once more: `no text`."""
CUTS = re.compile(
    r"(?:(?:^|[.;!?:]\s*|\b(?:then|and|we|camera)\s+)(?:smash |jump |match |hard )?cuts? to\b"
    r"|,\s*cuts? to(?::| an?\b| close| wide| black| @)|\bdissolves? (?:in)?to an?\b|\bthe camera cuts\b"
    r"|\bnext (?:shot|scene):|[\[(]cut[\])]|\b(?:shot|scene|clip) ?#?[2-9] ?[:.)\N{EN DASH}\N{EM DASH}-])",
    re.IGNORECASE,
)
"""A cut inside a shot."""

SPANS = re.compile(
    r"\bover (?:several|many|the (?:next|years|course)|a few|hours|days|years)|\bseasons? (?:change|pass|turn)"
    r"|\b(?:the )?next (?:day|morning|night|week|year)\b"
    r"|\b(?:hours?|days?|weeks?|months?|years?) (?:later|pass(?:es)?|go by)\b"
    r"|\b(?:grows?|growing) (?:old|up)\b|\bfrom a? ?(?:seed|child|baby|egg)\b"
    r"|\btime passes\b|\bthrough the (?:ages|years|decades|centuries|seasons)\b|\bmeanwhile\b"
    r"|\bsun (?:goes down|sets)\b.*\b(?:moon|morning|dawn|sun rises)\b"
    r"|\bfrom (?:spring|summer|autumn|winter|dawn|morning|day) to\b",
    re.IGNORECASE,
)
WRITTEN = re.compile(
    r"\b(?:reads?|spells?|spelling|headlined?|lettered)\b[^,.]*[\"\u201c]"
    r"|\b(?:sign|banner|poster|label|board|note|letter|card|screen|t-shirt|billboard|newspaper|headline|phone)\b[^.]*"
    r"\b(?:that )?(?:reads|says|saying|spells|spelling|displays the|shows the (?:message|words|text))\b"
    r"|\b(?:graffiti|sign|banner|poster|text) (?:reading )?[\"\u201c]?[A-Z]{3,}|\breading [\"\u201c]?[A-Z]{3,}"
    r"|\b(?:headline|caption|inscription)\b\s+[A-Z]|\bthe words?\b.*\bappears?\b"
    r"|\b(?:is|are) (?:written|printed|engraved)\b"
    r"|\b(?:text|title|caption|subtitles?)\b[^.]*\b(?:appears?|written|on screen)\b"
)
SAID = re.compile(
    r"\b(?<!sign )(?<!poster )(?<!banner )(?<!letter )(?<!note )(?<!that )"
    r"(?:says?|saying|asks?|answers?|shouts?|whispers?|cries|calls?|murmurs?|replie[sd]|yells?|screams?)\b[^.\"\u201c]{0,20}"
    r"[\"\u201c]|[\"\u201d],? (?:says?|asks?|answers?|shouts?|whispers?|cries|calls?|murmurs?|yells?|screams?)\b",
    re.IGNORECASE,
)
"""Somebody says something, in quotes."""
NUMBERS = (
    "five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty"
    "|forty|fifty|hundred|a dozen|[5-9]|[1-9][0-9]{1,2}"
)
COUNTED = re.compile(
    rf"(?<!\bin )\b(?:{NUMBERS})\s+"
    r"(?!seconds?|minutes?|hours?|days?|weeks?|months?|years?|o'clock|mm|am|pm|percent|metres?|meters?)"
    r"[a-z]+(?:\s[a-z]+)?\b",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"^(?:(?:\w+ly|then|now|and|but|so|again|later|afterwards|at (?:dawn|dusk|night|noon|sunrise|sunset|midnight)"
    r"|in the (?:morning|afternoon|evening)|the next (?:day|morning|night)),?\s+)*"
    r"(he|she|they|it(?! (?:rains|snows|is|starts|begins))|him|her|his|their|its)\b(?!-)",
    re.IGNORECASE,
)
BEFORE = re.compile(
    r"\b(?:(?:the )?same [a-z]+(?: [a-z]+)? (?:as|from) (?:before|earlier|above|the (?:last|previous|first|other)\b)"
    r"|(?:continu(?:es?|ing|ed)|carr(?:y|ies|ying) on)(?: from| with| on)? (?:the )?"
    r"(?:previous|last|first) (?:shot|scene|clip)"
    r"|(?:the )?previous (?:shot|scene|clip)\b)",
    re.IGNORECASE,
)
"""What was seen in another shot."""

HOURS = {
    "night": r"\b(night|midnight|moonlit|moonlight|starry)\b(?! (?:train|club|gown|market|bus|stand))",
    "day": r"\b(noon|midday|daylight|daytime|sunny|sunshine|afternoon)\b",
    "dawn": r"\b(dawn|sunrise|daybreak)\b",
    "dusk": r"\b(dusk|sunset|sundown)\b",
}
FAR = ("extreme wide", "wide", "aerial")
NEAR = ("close", "detail", "medium close")
FAR_WORDS = re.compile(r"\b(wide|long|aerial|establishing) shot\b", re.IGNORECASE)
NEAR_WORDS = re.compile(r"\b(close-?up|macro shot|extreme close)\b", re.IGNORECASE)
GREY = re.compile(r"\b(black.and.white|monochrome|greyscale|grayscale)\b", re.IGNORECASE)
COLOURED = re.compile(r"\b(colou?rful|vivid colou?rs?|(?:warm|cool|bright|rich) colou?rs?|rainbow)\b", re.IGNORECASE)
MOVES = re.compile(
    r"\bcamera (?:slowly |quickly )?(pans?|tilts?|zooms?|doll(?:y|ies)|push(?:es)?|pulls?|orbits?|follows?|moves?)\b"
)

GOES = (
    r"(?:runs?|walks?|drives?|rides?|rolls?|cycles?|crosse?s?|fl(?:y|ies)|moves?|sails?|swims?|march(?:es)?|goes|go|heads?"
    r"|gallops?|passe?s?|rush(?:es)?|travels?|drifts?|hurr(?:y|ies))"
)
LOOKS = r"(?:looks?|gazes?|stares?|faces?|glances?|turns? (?:his|her|its|their) head|watche?s?|peers?)"
_WAY = r"(?:to the |towards? the |off )?(left|right)(?:wards?)?\b"
GOING = re.compile(rf"\b{GOES}\b[^,.;]*?\b(?:(left) to right|(right) to left|{_WAY})", re.IGNORECASE)
LOOKING = re.compile(rf"\b{LOOKS}\s+{_WAY}", re.IGNORECASE)
