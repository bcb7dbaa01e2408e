"""What advice looks for in prompts of other languages than English: cuts, and what is denied."""

from __future__ import annotations

import re

_BEGINS = r"(?:^|[.;!?:,\n\u3002\uff0c\uff1b]\s*|\b(?:dann|und|puis|et|luego|y|poi|e|depois|dan|en|potem|i|затем|и)\s+)"
_TO = (
    r"(?:um)?schnitt (?:auf|zu[mr]?)\b|cut (?:auf|zu[mr]?|sur|naar|na)\b|überblendung (?:auf|zu[mr]?|in)\b"
    r"|coup(?:e|ure) (?:sur|franche)\b|coupe à une?\b|fondu enchaîné\b|corta? (?:a|para)\b|corte (?:a|para)\b"
    r"|encadenado a\b"
    r"|stacco (?:su|a|netto)\w*\b|taglio su\w*\b|dissolvenza (?:su|incrociata)\w*\b|cięcie (?:do|na)\b"
    r"|склейка\b|монтажн\w+ (?:переход|склейка)\b|střih na\b|klipp till\b|klip til\b|kesme\b"
)
_NAMES = (
    r"einstellung|szene|plan|scène|plano|escena|toma|tomada|cena|inquadratura|scena|ujęcie|кадр|сцена|план|záběr|scén"
    r"|镜头|鏡頭|场景|カット|ショット|シーン|컷|샷|장면"
)
_NEXT = (
    r"(?:nächste[rs]?|prochaine?|siguiente|próxim[oa]|prossim[oa]|volgende?|następn[ae]|следующ\w+) "
    rf"(?:{_NAMES}|shot)\s?:|(?:{_NAMES}) suivante?\s?:"
)
_EAST = (
    r"(?:镜头|鏡頭|画面|畫面|场景|場景)(?:切|转|轉)(?:换|換)?(?:到|至|为|為)|切换?至|转场|轉場"
    r"|下一(?:个|個)?(?:镜头|鏡頭|场景|場景)"
    r"|次の(?:カット|シーン|ショット)|場面転換|シーンが(?:変|切)|画面が切り替"
    r"|(?:장면|화면|컷)(?:이|으로)? ?전환|다음 (?:장면|컷|샷)"
)
CUTS = re.compile(
    rf"{_BEGINS}(?:{_TO})|{_NEXT}|\b(?:{_NAMES}) ?#?[2-9] ?[:.)\uff1a\N{{EN DASH}}\N{{EM DASH}}-]|{_EAST}",
    re.IGNORECASE,
)
"""A cut inside a shot."""

_WITHOUT = (
    r"ohne(?: jede[nrsm]?| ein(?:e[nrsm]?)?)?|keine?[nrsm]?|sans(?! serif)(?: aucune?)?|pas d(?:e |['\u2019])|aucune?"
    r"|sin(?! city)(?: ningún| ninguna)?|ningún|ninguna?|nada de|senza(?: alcuna?)?|nessun[oa]?|niente"
    r"|sem(?: nenhuma?)?"
    r"|nenhuma?|zonder|geen|bez|żadn(?:ych|ego|ej)|brak|žádn[éý]|без|никаких|utan|inga?|inget|uden|uten|ingen"
)
_EAST_WITHOUT = "没有|沒有|不要(?:出现|有)?|不出现|禁止"
NEGATION = re.compile(
    rf"\b(?:{_WITHOUT})(?:\s+(?=\w)|(?<=['\u2019 ]))|{_EAST_WITHOUT}|[^\s、,]+(?:なし|無し| ?없이| ?없음)",
    re.IGNORECASE,
)
"""What a prompt denies."""
_DENIED = (
    re.compile(rf"(?:{_WITHOUT}|nicht|não|нет)(?<!['\u2019 ])\s+(.+)|pas d(?:e |['\u2019])(.+)", re.IGNORECASE),
    re.compile(rf"(?:{_EAST_WITHOUT}|无(?=(?:文字|字幕|水印|标志|人物?)$)|無(?=(?:文字|字幕|浮水印|人物?)$))\s*(.+)"),
    re.compile(r"(.+?)\s*(?:なし|無し|ない|없음|없이|금지)"),
)


def denied(part: str) -> str:
    """What a part of `avoid` denies there once more, as `kein Text` does; empty where it denies nothing."""
    for pattern in _DENIED:
        if match := pattern.fullmatch(part):
            return next(filter(None, match.groups()), "")
    return ""
