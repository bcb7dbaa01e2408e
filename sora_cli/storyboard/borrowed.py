"""What other tools read in a prompt and sora does not: weights, options, wildcards. Models are told it as words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sora_cli.errors import Problem
from sora_cli.storyboard.alike import SHAPES
from sora_cli.storyboard.fill import Data, value_at
from sora_cli.storyboard.given import variable
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.nodes import Document, Pairs
from sora_cli.storyboard.source import quoted

_TOLD = {"prompt", "style", "avoid", "looks", "setting"}
"""Under which keys models are told what stands there."""
_LORA = "name the LoRA of somebody or something in `cast:`, as `lora: FILE`"
_WEIGHT = "words have no weights here: write what counts first, and plainly"
_OPTION = "shapes stand in `output:`, seeds in `seed:`, lengths in `duration:`"
_WILD = "write a variable, ${NAME}, and a list of its values for `sora batch`"
_AVOID = "what is not to be seen stands in `avoid:`"
_STEPS = "steps and the like stand in `options:`, seeds in `seed:`"
_OUT = "take it out: a prompt is words alone"
_PAUSE = "".join(rf"(?<!\b{word} )" for word in ("a", "the", "word", "coffee", "reads", "reading", "says"))
"""Not behind these, which make `BREAK` a rest, or what stands on a sign."""
_BORROWED = (
    (r"<(?:lora|lyco|hypernet):[^<>]{1,80}>", _LORA),
    (r"[(\[][^()\[\]]{0,79}[^()\[\]0-9]:(?:[0-9]*\.[0-9]+|-[0-9.]+)[)\]]", _WEIGHT),
    (r"\(\([^():]{1,80}\)\)|\[\[[^\[\]]{1,80}\]\]", _WEIGHT),
    (r"\([^()]{1,80}\)(?:[0-9]*\.[0-9]+|\+{1,4}|-{2,4})(?![\w+-])", _WEIGHT),
    (r"\w+ ?::(?:-?[0-9.]+)?(?=[\s,]|\Z)", _WEIGHT),
    (rf"{_PAUSE}(?-i:(?<![A-Z] )\bBREAK\b(?=[\s,]+[a-z(<]))", _OUT),
    (r"(?<!\S)--no\b|(?<=\S )(?-i:[\u2013\u2014]no\b)(?![^\u2013\u2014]*[\u2013\u2014])", _AVOID),
    (r"(?<!\S)--(?!no\b)(?![^\n]{0,80}?\w--(?:[\s,.;:]|\Z))[a-z]{1,12}\b(?: [0-9][0-9:.]{0,8})?", _OPTION),
    (r"(?<!\S)[\u2013\u2014](?:(?:ar|chaos|niji|q|s|seed|stylize|v) [0-9][0-9:.]{0,8}|style raw\b|raw\Z)", _OPTION),
    (r"(?<!\$)\{[^{}|]{1,80}\|[^{}]{1,200}\}", _WILD),
    (r"(?<!\w)__[\w/-]{1,40}__(?!\w)", _WILD),
    (r"\{\{\s*\w{1,40}\s*\}\}", "a variable is written ${NAME}"),
    (r"(?<![\w-])negative prompts?:|(?:\A|(?<=[.;,|\n])|(?<=[.;,|] ))negative:", _AVOID),
    (r"\A\s*(?:positive )?prompt:(?=\s)", _OUT),
    (r"\bsteps: [0-9]{1,4}, (?:sampler|cfg|seed)\b", _STEPS),
    (r"\A/imagine\b", _OUT),
    (r"\bembedding:[\w-]{1,40}", _OUT),
)
"""What is written so, and what stands in its place in a storyboard."""
_ALONE = {
    _LORA: "write --option lora=FILE",
    _OPTION: "write --aspect 16:9, --seed 7, --duration 4s outside the prompt",
    _WILD: "make a storyboard with a variable, ${NAME}, and a list of its values for `sora batch`",
    _AVOID: "write --avoid WORDS",
    _STEPS: "write --steps 30, --seed 7",
}
"""What stands in its place on a command line."""
_MARKS = re.compile(r"</?s>|<pad>|<unk>|<extra_id_\d+>|<\|[a-z_]{2,20}\|>|\[/?INST\]", re.IGNORECASE)
"""What marks the end of a text, or the parts of a talk, for the models that read prompts."""
_FILM = r"(?:clip|video|film|movie|shot|take|ad|advert|commercial|trailer|teaser|loop|animation|footage|reel|gif)s?\b"
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10, "fifteen": 15, "thirty": 30}
_NUMBER = rf"(?:[0-9.]{{1,5}}|{'|'.join(_NUMBERS)})"
_SECONDS = r"(?:s|secs?|seconds?)"
_AMOUNT = re.compile(rf"({_NUMBER})[- ]?{_SECONDS}\b(?:[- ]long)? ?", re.IGNORECASE)
_LENGTH = re.compile(
    r"(?!(?<=\w )\([2-9]0s\),? \w)[(\[](?:duration: ?)?[0-9.]{1,5} ?(?:s|secs?|seconds?)[)\]]"
    r"|\b(?:duration|length): ?[0-9.]{1,5} ?(?:s|secs?|seconds?)?\b"
    rf"|\b(?!(?:19|20)?[2-9]0s)(?<![.:]){_NUMBER}[- ]?{_SECONDS}(?:[- ]long)? "
    rf"(?:(?!(?:count|timer|on|of|in|at|before|after|left|late)\w*\b)[\w-]{{1,20}} ){{0,2}}{_FILM}"
    rf"|(?:\A|(?<=[,.;] )){_NUMBER} ?{_SECONDS}(?: long)?(?=[,.;]|\Z)",
    re.IGNORECASE,
)
"""How long a shot is, among its words; not how old somebody is (`a woman (30s) reads`), and no decade."""
_SHAPE = re.compile(
    r"\b(?=[0-9])(?<![.:])(?<!\bat )(?<!\bis )(?<!\bar )(?<!\bshows )(?<!--aspect )"
    r"(?:16:9|9:16|4:5|21:9|2\.39:1|2\.35:1|1\.85:1)(?![\w:]| ?(?:[ap]\.?m|o.clock)\b)"
    r"|\b(?:4:3|1:1|vertical|portrait|square|widescreen) (?:aspect|ratio|format|footage|(?:video|clip|film|reel)s?)\b",
    re.IGNORECASE,
)
"""Of which shape a film is, among its words."""
_SPAN = re.compile(
    rf"[\[(](?:[0-9]{{1,2}}:[0-9]{{2}}|[0-9.]{{1,5}} ?{_SECONDS}?) ?(?:-|\N{{EN DASH}}|to) ?"
    rf"(?:[0-9]{{1,2}}:[0-9]{{2}}|(?!(?:19|20)?[2-9]0s)[0-9.]{{1,5}} ?{_SECONDS})[\])]",
    re.IGNORECASE,
)
"""When a part of a prompt plays, as some models are told it."""
_FORMATS = (
    (_LENGTH, "length", "--duration {}", "`duration: {}` beside the prompt"),
    (_SHAPE, "shape", "--aspect {}", "`output: {{aspect: {}}}`"),
    (_SPAN, "time", "a storyboard with a beat for each", "a beat for each, with its `duration`"),
)
"""What of a film's format is written into a prompt, and where it stands."""
READ = 2000
"""Letters of a prompt that are looked at for that: no model reads further."""
_HEARD = {"sound", "words", "ambience", "music"}
_PLACED = re.compile(r"(?:\bat|@) ?[0-9.]+ ?m?s\b|[-+]?[0-9.]+ ?dB\b", re.IGNORECASE)
"""When a sound is heard, or how loud, among its words."""
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_SIGNS = re.compile(r"[<({\[:\u2013\u2014]|--|__|/imagine|BREAK")
"""What all of that has: most prompts have none of it, and are not looked at further."""


def borrowed(document: Document, data: Data, sets: Mapping[str, str]) -> Iterator[Problem]:
    """Remarks on the syntax of other tools in what models are told, and on variables that are written as others do.

    `data` has the texts with their variables put in, `sets` are the values of `--set`, or of a row's cells.
    """
    yield from _variables(document)
    for name, value in sets.items():
        if found := _VARIABLE.search(value):
            yield Problem(
                f"{variable(name, value)[0]}: {quoted(found[0])} is read as words", "write what is meant there"
            )
    alone = document.root.start < 0  # a prompt of a command line
    for loc, name, node in document.texts():
        if name in _HEARD and (found := _PLACED.search(node.text)):
            hint = "of a shot's sound, write `{words: ..., at: 1s, level: -6}`"
            yield Problem(f"{quoted(found[0])} is read as words", hint, document.spot(loc, found[0]))
        for form, no, option, key in _FORMATS if name in {"prompt", "style"} else ():
            if (found := form.search(node.text, 0, READ)) and not _written(data, loc, no):
                message = f"{quoted(found[0])} is read as words: it is no {no}"
                hint = f"write {option if alone else key}".format(_meant(found[0]))
                yield Problem(message, hint, document.spot(loc, found[0]))
        if name in _TOLD and (found := _MARKS.search(node.text)):
            message = f"{quoted(found[0])} is a mark of language models: they may read the prompt only up to it"
            yield Problem(message, _OUT, document.spot(loc, found[0]))
        text = str(value_at(data, loc) or node.text) if "${" in node.text else node.text
        for pattern, instead in _BORROWED if name in _TOLD and _SIGNS.search(text) else ():
            if found := re.search(pattern, text, re.IGNORECASE):
                message = f"{quoted(found[0])} is another tool's syntax: it is read as words"
                yield Problem(message, _ALONE.get(instead, instead) if alone else instead, document.spot(loc, found[0]))


def without_length(words: str) -> tuple[str, float]:
    """Words without the length that a film shall have, and its seconds, 0 where they name none."""
    found = _LENGTH.search(words)
    amount = found and _AMOUNT.search(found[0])
    if not found or not amount:
        return words, 0.0
    rest = _AMOUNT.sub("", found[0]).strip("()[] ")
    left = f"{words[: found.start()]}{rest}{words[found.end() :]}".strip()
    said = amount[1].lower()
    return re.sub(r"([,.;]) *(?=[,.;])|[,;] *$|^[,.;] *", "", left), float(_NUMBERS.get(said, 0) or said)


def _meant(words: str) -> str:
    """The length or shape that words name, as it is written under its key."""
    if seconds := without_length(words)[1]:
        return f"{seconds:g}s"
    if bare := re.fullmatch(r"[A-Za-z]+: ?([0-9.]+)", words):  # `Duration: 4`
        return f"{bare[1]}s"
    first, *_ = words.lower().split()
    return SHAPES.get(first, first)


def _written(data: Data, loc: Loc, what: str) -> bool:
    """Whether a length stands under its own key too, at the shot or beat whose prompt has it; or the film's shape."""
    place, keys = (loc[:-1], {"duration"}) if what == "length" else (("output",), {"aspect", "size", "width"})
    held = value_at(data, place)
    return isinstance(held, dict) and not keys.isdisjoint(held)


def _variables(document: Document) -> Iterator[Problem]:
    """Remarks on names of `vars` in other brackets than `${}`, or in one that is not closed."""
    if document.root.start < 0:  # a prompt of a command line, which has no variables
        yield from _without(document)
        return
    held = document.node(("vars",))[1]
    if not isinstance(held, Pairs) or held is document.root:
        return
    name = f"({'|'.join(map(re.escape, held.pairs))})"
    forms = (
        rf"\${name}\b",
        rf"\$\({name}\)",
        rf"(?<!\{{)\{{{name}\}}",
        rf"%{name}%",
        rf"<{name}>",
        rf"\$\{{{name}\b(?![^{{}}]*\}})",
    )
    patterns = [re.compile(rf"(?<![\w$]){form}") for form in forms] if held.pairs else []
    for loc, _, node in document.texts():
        for found in filter(None, (pattern.search(node.text) for pattern in patterns)):
            message = f"{quoted(found[0])} is read as words"
            yield Problem(message, f"a variable is written ${{{found[1]}}}", document.spot(loc, found[0]))


def _without(document: Document) -> Iterator[Problem]:
    for loc, _, node in document.texts():
        if found := _VARIABLE.search(node.text):
            hint = "a storyboard has variables: `sora storyboard FILE --set NAME=VALUE`"
            yield Problem(f"{quoted(found[0])} is read as words", hint, document.spot(loc, found[0]))
