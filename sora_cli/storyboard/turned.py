"""Values in the forms of other programs, and the text of ours that says the same: `start` and `end`, bare dialogue.

Each gives a `Mend` where there is one answer, else None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from sora_cli.errors import Mend
from sora_cli.storyboard.direction import CameraForm
from sora_cli.storyboard.forms import Wrong, time
from sora_cli.storyboard.model import MENTION, Loc
from sora_cli.storyboard.nodes import Document, Items, Node, Pairs, Scalar, by_name, read_word
from sora_cli.storyboard.schema import CastForm, DialogueForm, FilmForm, SoundForm, StretchForm
from sora_cli.storyboard.shapes import Form

PARTS = ("subject", "action")
"""What some programs part a prompt into, in this order."""
_ENDS = {"start": "end", "start_time": "end_time", "start_seconds": "end_seconds", "in": "out"}
"""When a shot begins, and ends."""
_SPOKEN = re.compile(r"(?P<who>[^\W\d_][\w .'-]{0,40}?)\s*[:\uff1a]\s*(?P<words>\S.*)", re.DOTALL)
_NARRATOR = ("narrator", "narration", "vo", "v.o.", "voiceover", "voice-over", "voice over")
_QUOTES = "\"'\u201c\u201d\u201e\u00ab\u00bb"
_UNDER = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)+[ \t]*")
"""What may stand between a name and the keys below it."""
_PLAIN = re.compile(r"[a-zA-Z][\w-]{2,}")
_BESIDE: Mapping[type[Form], Mapping[str, Sequence[str]]] = {
    CameraForm: {
        "framing": ("framing", "shot", "shot_type", "shot_size", "size"),
        "angle": ("angle", "camera_angle"),
        "lens": ("lens", "focal_length"),
    },
    SoundForm: {"dialogue": ("voiceover", "voice_over", "vo", "narration", "dialogue", "dialog", "speech")},
}
"""What stands beside a mapping of a shot, and how others call it in one."""
_LONGEST = 200
"""Letters of a name that are looked at."""
_BETWEEN = re.compile(r"\s*,?\s*")
"""What may stand between two keys that are mended as one: no comment."""


def key_mend(document: Document, loc: Loc, form: type[Form]) -> Mend | None:
    """The mend of a key that is not known, of a mapping of this form."""
    if issubclass(form, StretchForm):
        return _length(document, loc) or _prompt(document, loc)
    if form is CastForm:
        return _name(document, loc)
    if form in _BESIDE:
        return _beside(document, loc[:-1], _BESIDE[form])
    return _lines(document, loc[:-1]) if form is DialogueForm else None


def value_mend(document: Document, loc: Loc) -> Mend | None:
    """The mend of a value that is no list or mapping where one stands, or the other of these."""
    form, node = FilmForm.form_at((*loc, 0)), document.node(loc)[1]
    if "dialogue" in loc[-2:]:
        return _line(document, loc)
    if loc == ("cast",) and isinstance(node, Items):
        return _names(document, loc)
    return _listed(document, loc, form) if form and isinstance(node, Pairs) and "name" in form.keys else None


def _length(document: Document, loc: Loc) -> Mend | None:
    """A shot's begin and end beside each other, as its length."""
    pairs = _pairs(document, loc[:-1])
    first = next((begin for begin, end in _ENDS.items() if loc[-1] in (begin, end)), "")
    if "duration" in pairs or not {first, _ENDS.get(first)} <= pairs.keys():
        return None
    start, end = (_seconds(pairs[key][1]) for key in (first, _ENDS[first]))
    if start is None or end is None or end <= start:
        return None
    written = f"{float(end - start):.3f}".rstrip("0").rstrip(".")
    return _as_one(document, pairs, (first, _ENDS[first]), "duration", f"{written}s")


def _name(document: Document, loc: Loc) -> Mend | None:
    """A member's `id` before its `name`, as one name: the one by which prompts can call it."""
    at, value = document.node(loc)
    start = _pairs(document, loc[:-2])[str(loc[-2])][0]
    fit = next((word for word in (str(loc[-2]), _words(value)) if re.fullmatch(MENTION, f"@{word}")), "")
    if loc[-1] != "id" or not fit or not re.fullmatch(r"\s*,?\s*\"?name\"?\s*:\s*", document.raw(value.end, start)):
        return None
    name = re.match(r"\"[^\"\n]*\"|'[^'\n]*'|[^\n,}#]*", document.raw(start, start + _LONGEST))
    end = start + len(name[0].rstrip() if name else "")
    written = json.dumps(fit) if document.is_json else fit
    return Mend(at, document.raw(at, end), f"{document.key('name')}: {written}", end, whole=True)


def _beside(document: Document, loc: Loc, table: Mapping[str, Sequence[str]]) -> Mend | None:
    """What is written in a mapping and stands before it: `camera: {move: static, angle: low}`."""
    at, inner = document.node(loc)
    raw, around = document.raw(inner.start, inner.end).rstrip(), document.node(loc[:-1])[1]
    pairs, beside = _pairs(document, loc), _pairs(document, loc[:-1])
    found = {ours: key for key in pairs for ours, others in table.items() if key in others}
    words = {ours: document.raw(pairs[key][1].start, pairs[key][1].end).rstrip() for ours, key in found.items()}
    kept = [document.raw(begin, node.end).rstrip() for key, (begin, node) in pairs.items() if key not in found.values()]
    braces = raw.startswith("{")
    form = FilmForm.form_at(loc[:-1])
    free = form.keys.keys() - beside.keys() if form else set()
    plain = "#" not in raw and raw.count("\n") == (0 if braces else len(pairs) - 1)
    if not found or not found.keys() <= free or not plain:
        return None
    told = [f"{document.key(ours)}: {said}" for ours, said in words.items()]
    left = f"{{{', '.join(kept)}}}" if braces else _below(document, inner.start).join(kept)
    told += [document.raw(at, inner.start) + left] if kept else []
    flow = document.raw(around.start, around.start + 1) == "{"
    between = ", " if flow else _below(document, at)
    end = inner.start + len(raw)
    return Mend(at, document.raw(at, end), between.join(told), end, whole=True)


def _below(document: Document, at: int) -> str:
    """What a line begins with that stands below a place, with the end of the one before it."""
    return "\n" + " " * _column(document, at)


def _column(document: Document, at: int) -> int:
    """How many characters stand before a place in its line."""
    return at - document.raw(0, at).rfind("\n") - 1


def _names(document: Document, loc: Loc) -> Mend | None:
    """A list of members that each have an `id`, as one in which each has a `name`."""
    node = document.node(loc)[1]
    each = [item.pairs if isinstance(item, Pairs) else {} for item in node.items] if isinstance(node, Items) else []
    if not each or not all("id" in pairs and "name" not in pairs for pairs in each):
        return None
    text, at = document.raw(node.start, node.end), node.start
    for begin, _ in reversed([pairs["id"] for pairs in each]):
        text = text[: begin - at] + text[begin - at :].replace("id", "name", 1)
    return Mend(at, document.raw(at, node.end), text, node.end, whole=True)


def _prompt(document: Document, loc: Loc) -> Mend | None:
    """What is seen and what it does, beside each other, as one prompt: `subject: a fox`, `action: runs`."""
    pairs = _pairs(document, loc[:-1])
    if loc[-1] not in PARTS or "prompt" in pairs or not {*PARTS} <= pairs.keys():
        return None
    who, does = (_words(pairs[key][1]) for key in PARTS)
    if not who or not does or "\n" in who + does:
        return None
    if re.match(rf"{re.escape(who)}(?!\w)", does, re.IGNORECASE):
        told = does
    else:
        told = f"{who.rstrip('.')}. {does}" if does[:1].isupper() else f"{who.rstrip('.')} {does}"
    return _as_one(document, pairs, PARTS, "prompt", told)


def _line(document: Document, loc: Loc) -> Mend | None:
    """Dialogue that is a bare text: a line of the narrator, or of the member of the cast that it begins with."""
    node = document.node(loc)[1]
    raw = document.raw(node.start, node.end)
    if not _words(node) or "\n" in raw or raw[:1] in {"|", ">", "&", "*", "!"}:
        return None
    words = _words(node)
    match = _SPOKEN.fullmatch(words)
    if match is None:
        return _whole(document, node, _written(document, "", words))
    who = _member(document, match["who"])
    return None if who is None else _whole(document, node, _written(document, who, match["words"]))


def _lines(document: Document, loc: Loc) -> Mend | None:
    """Dialogue that is a mapping of who speaks to what is said: `Mara: It burns.`."""
    node = document.node(loc)[1]
    raw = document.raw(node.start, node.end)
    said = [(_member(document, who), _words(value)) for who, (_, value) in _pairs(document, loc).items()]
    if not said or "#" in raw or any(who is None or not words for who, words in said):
        return None
    found = [_written(document, who or "", words) for who, words in said]
    listed = len(found) > 1 and loc[-1] == "dialogue"
    if len(found) > 1 and not listed:
        return None
    return _whole(document, node, f"[{', '.join(found)}]" if listed else found[0], raw=raw.rstrip())


def _listed(document: Document, loc: Loc, form: type[Form]) -> Mend | None:
    """A mapping whose keys are names, `harbour: {...}`, as a list of what has these names."""
    node = document.node(loc)[1]
    pairs = _pairs(document, loc)
    raw = document.raw(node.start, node.end)
    if not pairs or {"name", *form.keys} & pairs.keys() or any(map(_has_name, pairs.values())):
        return None
    edits: list[tuple[int, int, str]] = []
    turn = _flow if raw[:1] == "{" else _block
    for name, (at, value) in pairs.items():
        edit = turn(document, name, at, value, form)
        if edit is None:
            return None
        edits.append(edit)
    if raw[:1] == "{":
        edits += [(node.start, node.start + 1, "["), (node.start + len(raw) - 1, node.start + len(raw), "]")]
    now = raw
    for start, end, words in sorted(edits, reverse=True):
        now = now[: start - node.start] + words + now[end - node.start :]
    return Mend(node.start, raw, now, node.start + len(raw), holds=True, whole=True)


# -- the parts of these ------------------------------------------------------------------------------------------------


def _pairs(document: Document, loc: Loc) -> dict[str, tuple[int, Node]]:
    node = document.node(loc)[1]
    return node.pairs if isinstance(node, Pairs) else {}


def _words(node: Node) -> str:
    """A text, or a number as it is written; empty for anything else."""
    is_word = isinstance(node, Scalar) and node.value is not None and not isinstance(node.value, bool)
    return node.text.strip() if isinstance(node, Scalar) and is_word else ""


def _seconds(node: Node) -> Fraction | None:
    try:
        return time(node.value).seconds if isinstance(node, Scalar) else None
    except Wrong:
        return None


def _has_name(pair: tuple[int, Node]) -> bool:
    return isinstance(pair[1], Pairs) and "name" in pair[1].pairs


def _member(document: Document, who: str) -> str | None:
    """The member of the cast, by any letters; empty for the narrator, None for somebody else."""
    if who.casefold() in _NARRATOR:
        return ""
    cast = by_name(document.node(("cast",))[1]) if "cast" in document.names(()) else None
    names = cast.pairs if isinstance(cast, Pairs) else {}
    return next((name for name in names if name.casefold() == who.casefold()), None)


def _written(document: Document, who: str, words: str) -> str:
    around = len(words) > 2 and words[0] in _QUOTES and words[-1] in _QUOTES
    bare = words[1:-1] if around and {*words[1:-1]}.isdisjoint({*_QUOTES} - {"'"}) else words
    plain = _PLAIN.fullmatch(who) and isinstance(read_word(who), str) and not document.is_json
    cast = f"{document.key('cast')}: {who if plain else _quoted(who)}, " if who else ""
    return f"{{{cast}{document.key('line')}: {_quoted(bare)}}}"


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _whole(document: Document, node: Node, now: str, raw: str = "") -> Mend:
    raw = raw or document.raw(node.start, node.end)
    return Mend(node.start, raw, now, node.start + len(raw), whole=True)


def _as_one(
    document: Document, pairs: dict[str, tuple[int, Node]], keys: Sequence[str], name: str, value: str
) -> Mend | None:
    """The keys as one, where they stand beside each other with nothing but one line each."""
    first, last = sorted(keys, key=lambda key: pairs[key][0])
    begin, between = pairs[first][0], document.raw(pairs[first][1].end, pairs[last][0])
    end = pairs[last][1].end
    raw = document.raw(begin, end)
    if begin < 0 or not _BETWEEN.fullmatch(between) or raw.count("\n") > 1:
        return None
    written = _quoted(value) if document.is_json or name == "prompt" else value
    return Mend(begin, raw, f"{document.key(name)}: {written}", end, whole=True)


def _block(document: Document, _name: str, at: int, value: Node, form: type[Form]) -> tuple[int, int, str] | None:
    """`harbour:` over its keys as `- name: harbour` over them."""
    head = re.match(r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^:#\n]+?)\s*:", document.raw(at, value.start))
    if head is None:
        return None
    quoted = head[0].rstrip(": \t")
    indent = _column(document, at)
    behind = document.raw(at + len(head[0]), value.start)
    in_a_line = {"\n", "\r"}.isdisjoint(document.raw(at, value.end).rstrip())
    if isinstance(value, Scalar) and "prompt" in form.keys and in_a_line and _words(value):
        return at, at + len(head[0]), f"- name: {quoted}\n{' ' * indent}  prompt:"
    if not isinstance(value, Pairs) or not _UNDER.fullmatch(behind):
        return None
    deeper = len(behind) - behind.rfind("\n") - 1 - indent
    return (at, at + len(head[0]), f"-{' ' * (deeper - 1)}name: {quoted}") if deeper > 1 else None


def _flow(document: Document, name: str, at: int, value: Node, form: type[Form]) -> tuple[int, int, str] | None:
    """`harbour: {` as `{name: harbour, `."""
    del form
    if not isinstance(value, Pairs) or not value.pairs or document.raw(value.start, value.start + 1) != "{":
        return None
    return at, value.start + 1, f"{{{document.key('name')}: {_quoted(name)}, "
