"""What stands around the shots of notes: what a chat or a letter says, and below them what holds for the film."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sora_cli.interchange.listed import is_above, is_films, meaning

_OPENS = re.compile(
    r"(?:(?:sure|certainly|absolutely|of course|here (?:is|are)|here's)\b.*[:!.]$"
    r"|(?:klar|gerne?|natürlich|sicher)[!,].*[:!.]$|hier (?:ist|sind)\b.*[:!.]$|bien sûr|voici\b.*:$|aquí tienes\b"
    r"|¡?(?:claro|por supuesto|certo|certamente|jasne|oczywiście|конечно|elbette)[!,].*[:!.]$"
    r"|ecco\b.*:$|aqui está\b.*:$|hier is\b.*:$|oto\b.*:$|вот\b.*:$"
    r"|当然|當然|以下是|もちろん|以下[がはに]|물론|بالتأكيد|بالطبع|إليك|ज़रूर|जरूर|यह रहा)",
    re.IGNORECASE,
)
"""What a chat says above its answer."""
_OFFERS = re.compile(
    r"(?:(?:just )?let me know|enjoy\b.{0,20}$|would you like|do you want|want (?:me|us) to|feel free|i hope"
    r"|hope (?:this|that|these)|if you(?:'d like|\u2019d like| (?:want|need|prefer)\b.*\b(?:i can|i'll|let me|tell me"
    r"|just (?:say|ask)|any (?:changes|adjustments)|more)\b)|want .*\b(?:versions?|prompts?|shots?|scenes?|varia\w+"
    r"|storyboards?|script|formats?|style|options?)\b.*\?$|need (?:any|another|more|help)\b.*\?$"
    r"|should i (?:make|add|create|write|turn|expand|adjust|generate|continue)\b.*\?$|happy \w{4,}ing\b.{0,20}$"
    r"|good luck with\b.{0,40}$|have fun (?:with|\w{4,}ing)\b.{0,40}$|i (?:can|could) also\b"
    r"|you (?:can|may) (?:also |then |now |always )?(?:adjust|tweak|swap|modify|adapt|customi[sz]e|edit|copy"
    r"|paste|use th)"
    r"|these (?:\w+ )?(?:(?:prompts?|descriptions?) (?:are|follow|keep|give)|(?:prompt|shot|scene|clip)s?"
    r" (?:should|will|can|work))\b|this (?:\w+ )?(?:(?:prompt|storyboard|shot ?list) is|(?:prompt|storyboard"
    r"|shot ?list|sequence|structure|format|breakdown) (?:should|will|can|works|follows|totals|runs|keeps|gives))\b"
    r"|(?:soll|kann|könnte) ich\b.*\?$|(?:möchtest|willst|brauchst) du\b.*\?$|möchten sie\b.*\?$|ich hoffe"
    r"|sag (?:mir )?(?:einfach )?bescheid"
    r"|n'hésite|souhaite[sz]-|veux-tu|voulez-vous|dis-moi si|dites-moi si|j'espère"
    r"|espero que|avísame|¿(?:quieres|te gustaría|desea|quiere)|si (?:quieres|lo deseas)"
    r"|fammi sapere|spero che|vuoi che|quer que|gostaria que|se quiser|me avise"
    r"|laat (?:me|het)\b.* weten|wil je dat|ik hoop|daj (?:mi )?znać|czy chcesz|mam nadzieję"
    r"|дай(?:те)? знать|хотите,|хочешь,|надеюсь|если (?:нужно|хотите|хочешь)"
    r"|ister misin|希望(?:对你|這|这)|如果[你您]?需要|需要我|如需"
    r"|ご不明|ご要望|ご希望|いかがでしょうか|必要であれば"
    r"|도움이 되|필요하시면|원하시면|궁금한"
    r"|إذا (?:أردت|كنت|رغبت)|هل (?:تريد|ترغب|تود)|أتمنى|क्या आप|यदि आप|आशा है)",
    re.IGNORECASE,
)
"""What a chat says below its answer."""
RULER = re.compile(r"(?:[-*_]\s*){3,}|`{3,}\w*|~{3,}\w*")
"""What parts a text in Markdown, and is none of it."""
_BYE = re.compile(
    r"(?:(?:many|best|kind|warm) )*(?:thanks|thank you|cheers|regards|wishes|best|sincerely|yours(?: truly)?"
    r"|(?:mit )?(?:viele|liebe|beste|freundliche)n? grü(?:ß|ss)en?|danke|merci|cordialement|(?:un )?saludos?|gracias"
    r"|grazie|(?:cordiali )?saluti)(?:,? (?:so much|very much|a lot|again|in advance|for .{1,40}|and .{1,40}))?"
    r"(?:[,.!]+(?: [^\W\d]\w*){0,2}|)",
    re.IGNORECASE,
)
_LOOK = r"style|look|aesthetics?|mood|tone|vibe|atmosphere|colou?rs?|colou?r (?:palette|grad(?:e|ing))|palette"
_WORDS = (
    rf"(?:{_LOOK}|music|score|sounds?|sound design|audio|soundtrack|notes?|tips?|details|specs|duration|length|runtime"
    r"|run time|aspect ratio|format|resolution|transitions?|summary|hashtags|genre|theme|fps|frame rate|platform)"
)
_SURE = (
    r"(?:overall|general|global|total|visual|art|film|video|animation|production|technical|additional|director'?s"
    r"|final|pro|bonus|quick|extra)"
)
_FILM = re.compile(
    rf"(?P<sure>(?:{_SURE}\s+)*){_WORDS}(?:\s*(?:&|and|/|,)\s*(?:{_SURE}\s+)*{_WORDS})*"
    r"(?P<notes>\s+(?:notes|guide|guidelines|tips|details|reference))?",
    re.IGNORECASE,
)
"""What is said of a film, and by its adjective or its notes not of one shot."""
_TAIL = re.compile(
    r"(?:(?:key|important|main|some|additional|pro|general|final|quick|extra|optional|recommended|suggested|consistency"
    r"|continuity|technical|production|post-?production|editing|visual|prompt(?:ing)?|overall)\s+)*(?:details?|notes?"
    r"|tips?|tricks|guidelines|requirements|reminders?|suggestions?|settings|parameters|spec(?:ification)?s|consistency"
    r"|continuity|elements|variations|next steps|hashtags|captions?|keywords|checklist|post-?production)\b"
    r"(?:\s+(?:for|to|on|about|and|&|that)\b.*)?",
    re.IGNORECASE,
)
"""What a chat writes below the last shot, over a list: `Tips for best results:`."""
_NO_SHOTS = re.compile(
    r"(?:tips?|aspect ratio|run ?time|resolution|fps|frame rate|genre|hashtags|platform)\b", re.IGNORECASE
)
"""What no single shot has."""
_LABELLED = re.compile(r"([^:\uff1a]{2,40}?)\s*[:\uff1a]\s*(\S.*)?")
_MARKED = re.compile(r"(?:[-*+\N{BULLET}]\s+)")
_NAME = 4
"""Words of a line that may be a name below a sign-off."""
_LONGEST = 300
"""Letters of a line up to which it is looked at."""
_MOST = 300
"""Lines below a heading that may all be said of the film; looking at more would take long."""

Line = tuple[int, str]


def is_chat(text: str, *, above: bool = False, apart: bool = False) -> bool:
    """Whether a line is what a chat says around its answer.

    Anything may be that `above` the first shot. Below, a line that stands `apart` from the words before it offers more,
    or ends with a colon: `Klar, sagt sie.` are words of a shot.
    """
    opens, offers = _OPENS.match(text), _OFFERS.match(text)
    return bool((above and (opens or offers)) or (apart and (offers or (opens and text[-1] in ":\uff1a"))))


def board_line(lines: Sequence[str]) -> int:
    """The line, from 1, that begins a storyboard or other JSON, in a text as chats write them; 0 where none does."""
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    fenced = [place + 1 for place, (_, line) in enumerate(filled[:-1]) if line.lstrip().startswith("```")]
    for place in [0, *fenced[:1]] if filled else []:
        if re.match(r"\s*(?:\{\s*\"|\[\s*[{\"])", "".join(line for _, line in filled[place : place + 2])):
            return filled[place][0]
    keys = next((number for number, line in filled if re.match(r"(?:shots|scenes)\s*:\s*(?:#.*)?$", line)), 0)
    below = lines[keys].strip() if 0 < keys < len(lines) else ""
    return next((number for number, line in filled if re.match(r"storyboard\s*:\s*1\s*$", line)), 0) or (
        keys if re.match(r"-\s+[a-z_]+\s*:", below) else 0
    )


def ended(lines: Sequence[Line], bare: Callable[[str], str]) -> tuple[list[Line], list[str]]:
    """The lines of shots, and what stands behind them, each as a line that may stand above them.

    A part of the text, between empty lines and headings, stands behind where all that it says is about the film, is
    said once in the text, and nothing but such parts follow; so do a sign-off, and what a chat says.
    """
    blocks = _blocks(lines, bare)
    labels = [_label(bare(line)).casefold() for _, line in lines if len(line) < _LONGEST]
    cut, found, waiting = len(blocks), list[str](), list[str]()
    for place in range(len(blocks) - 1, 0, -1):
        raw = [line for _, line in blocks[place] if line.strip() and not RULER.fullmatch(line.strip())]
        told = [_MARKED.sub("", bare(line), count=1) for line in raw]
        headed = bool(raw) and raw[0].lstrip().startswith("#")
        below = place + 1 == cut and not waiting and _has_words(blocks[place - 1])
        said = _about([*told, *waiting], labels, headed=headed, below=below) if told else []
        if said:
            cut, found, waiting = place, [*said, *found], []
        elif told and (raw[0].lstrip().startswith("#") or max(map(len, raw)) > _LONGEST):
            break
        else:
            waiting = [*told, *waiting]
            if len(waiting) > _MOST:
                break
    return [line for block in blocks[:cut] for line in block], found


def _blocks(lines: Sequence[Line], bare: Callable[[str], str]) -> list[list[Line]]:
    """The lines in parts: one begins behind an empty line, at what parts the text, and at a heading.

    So it does at what a film has, `Style: noir`, where the line above is not of a shot that is told in such lines.
    """
    blocks: list[list[Line]] = [[]]
    before, label = True, ""
    for number, line in lines:
        apart = not line.strip() or RULER.fullmatch(line.strip()) is not None
        above, label = label, _label(bare(line)) if len(line) < _LONGEST else ""
        film = _FILM.fullmatch(label) and is_above(bare(line)) and not meaning(above)[0]
        if not apart and (before or film or line.lstrip().startswith("#")):
            blocks.append([])
        blocks[-1].append((number, line))
        before = apart
    return blocks


def _label(text: str) -> str:
    match = _LABELLED.fullmatch(_MARKED.sub("", text, count=1))
    return match[1] if match else text


def _has_words(above: Sequence[Line]) -> bool:
    """Whether a part ends with words of a shot: neither its heading alone, nor one of its labels (`Camera: static`)."""
    last = next((line.strip() for _, line in reversed(above) if line.strip()), "")
    name, mark, _ = _MARKED.sub("", last.replace("\uff1a", ":"), count=1).partition(":")
    label = name.strip(" *_") if mark and len(name) < _LONGEST else ""
    heading = re.match(r"#|[*_]{2}[^*_]+[*_]{2}:?$", last) or re.search(r"(?:\d|[)\]:])\W*$", last)
    return bool(last) and not heading and not meaning(label)[0] and not _FILM.fullmatch(label)


def _about(told: Sequence[str], labels: Sequence[str], *, headed: bool, below: bool) -> list[str]:
    """What a part says, where none of it is a shot's; nothing else.

    How a film feels, `Mood: calm`, is a shot's too; it is the film's right `below` the words of the last shot.
    """
    first, rest = told[0], told[1:]
    if _BYE.fullmatch(first) and all(len(each.split()) <= _NAME and not re.search(r"[\d:]", each) for each in rest):
        return [" ".join(told)]
    if chat := [each for each in told if is_chat(each, apart=True)]:
        others = [each for each in told if each not in chat]
        said = _about(others, labels, headed=headed, below=below) if others else []
        return [] if others and not said else [*said, *chat]
    name = _label(first).rstrip(" :\uff1a")
    tail = _TAIL.fullmatch(name) and (len(name.split()) > 1 or rest) and not meaning(name)[0]
    if tail and (headed or ":" in first.replace("\uff1a", ":")) and labels.count(_label(first).casefold()) == 1:
        more = [first[len(name) :].lstrip(" :\uff1a"), *rest]
        return [f"{name}: {', '.join(each.rstrip('.') for each in more if each)}"]
    head = _FILM.fullmatch(first.rstrip(" :\uff1a"))
    if head and rest and (headed or head["sure"] or head["notes"]) and labels.count(_label(first).casefold()) == 1:
        return [_line(first.rstrip(" :\uff1a"), ", ".join(each.rstrip(".") for each in rest))]
    parts = [_LABELLED.fullmatch(each) for each in told]
    films = [part and part[2] and _FILM.fullmatch(part[1]) for part in parts]
    sure = any(
        is_above(each)
        or (below and is_films(each))
        or (film and (film["sure"] or film["notes"] or _NO_SHOTS.match(each)))
        for each, film in zip(told, films, strict=True)
    )
    known = all(film or is_films(each) for each, film in zip(told, films, strict=True))
    if not (sure and known and all(labels.count(_label(each).casefold()) == 1 for each in told)):
        return []
    return [_line(part[1], part[2] or "") for part in parts if part]


def _line(name: str, words: str) -> str:
    """A line as it may stand above the shots, where how the film looks is its style."""
    line = f"{name}: {words}"
    return f"Style: {words}" if re.search(rf"\b(?:{_LOOK})\b", name, re.IGNORECASE) and not is_films(line) else line
