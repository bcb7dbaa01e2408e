"""Words that are known: rules of `rules/words.toml` and names of `rules/names.toml`, over all languages at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from itertools import product
from typing import Any, NotRequired, TypedDict

from msgspec import Struct

from sora_cli.policy.base import rules_file
from sora_cli.policy.spelled import meant, plain
from sora_cli.storyboard.policy import MINORS

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
_SPACELESS = re.compile(f"[{_UNSPACED}]")
_TOKEN = re.compile(r"[\w\u0300-\u036f\u0900-\u097f]+")
_CLITICS = re.compile("^[وفبكل]?(?:ال)?")
NEAR, ART = 12, 30
"""How far a bare body may be from the child whose it is, and from the work of art that it is of: `length` between."""
EXCUSED = 40
"""How far a word of `unless` excuses another: farther off it could be put into any text to pass it."""


def _rules(name: str) -> dict[str, Any]:
    return tomllib.loads(rules_file(f"{name}.toml").decode())


_Span = tuple[int, int]
"""Where something begins and ends in a text."""
_Part = tuple[str, bool]
"""A word of a phrase, and whether it may end otherwise."""
_Places = Mapping[str, Sequence[int]]
"""Which words of a text have a form."""
_Beginnings = Mapping[str, Sequence[str]]
"""Forms by their first two characters."""


class WordList:
    """Finds any of these words and phrases in plain text; `*` at the end of a word stands for any ending.

    Chinese and Japanese have no spaces: there a word counts wherever it stands. Arabic words take their prefixes along.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._inside: list[str] = []
        self._whole: dict[str, list[Sequence[_Part]]] = {}
        self._begun: dict[str, list[tuple[str, Sequence[_Part]]]] = {}
        for word in dict.fromkeys(words):
            if re.search(f"[{_UNSPACED}]", word):
                self._inside.append(plain(word.rstrip("*")))
            elif parts := _parts(word):
                (first, open_ended), *rest = parts
                if open_ended:
                    self._begun.setdefault(first[:2], []).append((first, rest))
                else:
                    self._whole.setdefault(first, []).append(rest)

    @property
    def beginnings(self) -> Iterator[str]:
        """How its words and phrases begin: with a whole word, or of those that stand for any ending two characters."""
        yield from self._whole
        yield from (f"{begun}*" for begun in self._begun)

    def spans(self, text: str) -> Iterator[_Span]:
        """Where words of these stand."""
        for word in self._inside if not text.isascii() and _SPACELESS.search(text) else ():
            yield from (match.span() for match in re.finditer(re.escape(word), text))
        tokens, known, begun = _tokens(text)
        if self._whole.keys().isdisjoint(known) and self._begun.keys().isdisjoint(begun):
            return  # as nearly always
        for at, rest in self._begins(known, begun):
            if _follows([each[0][0] for each in tokens[at + 1 : at + 1 + len(rest)]], rest):
                yield tokens[at][1], tokens[at + len(rest)][2]

    def _begins(self, known: _Places, begun: _Beginnings) -> Iterator[tuple[int, Sequence[_Part]]]:
        """At which words of a text some of these begin, and how they go on."""
        for form in self._whole.keys() & known.keys():
            yield from product(known[form], self._whole[form])
        for start in self._begun.keys() & begun.keys():
            for form, (first, rest) in product(begun[start], self._begun[start]):
                if form.startswith(first):
                    yield from ((at, rest) for at in known[form])

    def among(self, text: str) -> bool:
        """Whether one of them stands in the text."""
        return next(self.spans(text), None) is not None

    def blanked(self, text: str) -> str:
        """The text without them."""
        for start, end in sorted(self.spans(text), reverse=True):
            text = text[:start] + "|" + text[end:]
        return text


def _parts(phrase: str) -> list[_Part]:
    """The words of a phrase."""
    parts = ((plain(word.rstrip("*")).split(), word.endswith("*")) for word in phrase.split())
    return [(part, open_ended and part is words[-1]) for words, open_ended in parts for part in words]


def _follows(tokens: Sequence[str], rest: Sequence[_Part]) -> bool:
    return len(tokens) == len(rest) and all(
        token.startswith(part) if open_ended else token == part
        for token, (part, open_ended) in zip(tokens, rest, strict=True)
    )


@lru_cache(64)
def _tokens(text: str) -> tuple[list[tuple[Sequence[str], int, int]], _Places, _Beginnings]:
    """The words of a text, each in its forms, and where it stands; which of them have a form; and how forms begin.

    Many lists of words ask for those of one text, and hardly any has one of them.
    """
    tokens = [(_forms(match[0]), *match.span()) for match in _TOKEN.finditer(text)]
    known: dict[str, list[int]] = {}
    for at, (forms, *_) in enumerate(tokens):
        for form in forms:
            known.setdefault(form, []).append(at)
    begun: dict[str, list[str]] = {}
    for form in known:
        begun.setdefault(form[:2], []).append(form)
    return tokens, known, begun


def _forms(token: str) -> Sequence[str]:
    """The token; of an Arabic one also without conjunction, preposition and article."""
    bare = _CLITICS.sub("", token) if "\u0600" < token < "\u0700" else token
    return (token,) if bare == token or len(bare) < 2 else (token, bare, token[1:])


class _WrittenRule(TypedDict):
    category: str
    any: list[str]
    near: NotRequired[list[str]]
    but: NotRequired[list[str]]
    unless: NotRequired[list[str]]


class Rule(Struct, frozen=True):
    """One rule: a text without `but` counts that has `near`, and one of `words` without `unless` by it."""

    category: str
    words: WordList
    near: WordList | None = None
    but: WordList | None = None
    unless: WordList | None = None

    def holds(self, text: str) -> bool:
        """Whether the plain text counts."""
        if self.but is not None:
            text = self.but.blanked(text)
        found = self.words.spans(text) if self.near is None or self.near.among(text) else iter(())
        excused = tuple(self.unless.spans(text)) if self.unless is not None else ()
        return any(not _beside(one, excused, text, EXCUSED) for one in found)


def _beside(one: _Span, others: Iterable[_Span], text: str, far: int) -> bool:
    """Whether between one place of a text and any of the others there is no more than this `length`."""
    return any(length(text[min(one[1], other[1]) : max(one[0], other[0])]) <= far for other in others)


class _Book:
    """All rules, read once; each list is made when it is first asked for."""

    def __init__(self) -> None:
        data = _rules("words")
        self._lists: Mapping[str, list[str]] = data["lists"]
        self._written: Sequence[_WrittenRule] = data["rules"]
        self._film: Sequence[str] = data["blank"]["film"]
        self._ages: Mapping[str, list[str]] = data["ages"]
        self._absent: Mapping[str, list[str]] = data["absent"]

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules of words, then those of names."""
        names: Mapping[str, list[str]] = _rules("names")
        own = [self._rule(each) for each in self._written]
        return own + [Rule(name, WordList(known)) for name, known in names.items()]

    @cached_property
    def _places(self) -> Mapping[str, Sequence[int]]:
        """The places of rules by how their words begin."""
        found: dict[str, list[int]] = {}
        for place, rule in enumerate(self.rules):
            for beginning in rule.words.beginnings:
                found.setdefault(beginning, []).append(place)
        return found

    def near(self, text: str) -> Sequence[Rule]:
        """The rules that may hold for plain text, in order: those with a word that begins as one of it does.

        Where there are no spaces, all may: there words are not known by their beginnings.
        """
        if _SPACELESS.search(text):
            return self.rules
        _, known, begun = _tokens(text)
        beginnings = (*known, *(f"{each}*" for each in begun))
        places = {place for beginning in beginnings for place in self._places.get(beginning, ())}
        return [self.rules[place] for place in sorted(places)]

    @cached_property
    def film(self) -> WordList:
        """Words of film, which tell of nothing else."""
        return WordList(self._film)

    @lru_cache(4096)  # noqa: B019  there is one book
    def told(self, text: str) -> str:
        """Plain text without words of film, and without what it says is not there: `no gore or blood`."""
        text = unfilmed(text)
        return text if self._unabashed.among(text) else self._denied.sub("|", text)

    @cached_property
    def _denied(self) -> re.Pattern[str]:
        no, kinds, what, more = ("|".join(map(plain, self._absent[key])) for key in ("no", "kinds", "what", "or"))
        one = rf"(?:(?:{kinds}) )?(?:{what})"
        return re.compile(rf"(?<!\S)(?:{no}) {one}(?: (?:{more}) (?:(?:{no}) )?{one})*(?!\S)")

    @cached_property
    def _unabashed(self) -> WordList:
        """Words beside which `no gore` may mean the contrary."""
        return WordList(self._absent["unless"])

    @cached_property
    def ages(self) -> re.Pattern[str]:
        """A stated age below 18."""
        parts = {name: "|".join(words) for name, words in self._ages.items()}
        return re.compile(parts["patterns"].format(**parts))

    @cache  # noqa: B019  there is one book
    def named(self, name: str) -> WordList:
        """A list of the file, by its name."""
        return self._all(f"@{name}")

    def _rule(self, written: _WrittenRule) -> Rule:
        asked = {"near": written.get("near"), "but": written.get("but"), "unless": written.get("unless")}
        lists = {key: self._all(*words) for key, words in asked.items() if words}
        return Rule(written["category"], self._all(*written["any"]), **lists)

    def _all(self, *words: str) -> WordList:
        lists = (self._lists[word[1:]] if word.startswith("@") else [word] for word in words)
        return WordList([word for each in lists for word in each])


@cache
def book() -> _Book:
    """Our rules."""
    return _Book()


@lru_cache(4096)
def unfilmed(text: str) -> str:
    """Plain text without words of film."""
    return book().film.blanked(text)


def length(text: str) -> int:
    """Characters of a text; one of a script without spaces says as much as three."""
    return len(text) + 2 * len(_SPACELESS.findall(text))


def of_a_child(text: str) -> bool:
    """Whether plain text tells of somebody under 18."""
    return next(_children(unfilmed(text)), None) is not None


def _children(text: str) -> Iterator[_Span]:
    """Where plain text without words of film tells of somebody under 18."""
    yield from book().named("child").spans(text)
    yield from (match.span() for match in book().ages.finditer(text))


def _with_minors(text: str) -> bool:
    """Whether plain text tells of a minor and of what is sexual; a bare body in a work of art is not."""
    known = book()
    children = list(_children(text))
    if not children:
        return False
    if known.named("explicit").among(text) or known.named("alluring").among(text):
        return True
    art = list(known.named("art").spans(text))
    bare = known.named("bare").spans(text)
    return any(not _beside(one, art, text, ART) or _beside(one, children, text, NEAR) for one in bare)


def categories(text: str) -> Iterator[str]:
    """The categories whose rules hold for one plain text."""
    told = book().told(text)
    held = dict.fromkeys(rule.category for rule in book().near(told) if rule.holds(told))
    if _with_minors(unfilmed(text)) or ("sexual" in held and of_a_child(text)):
        yield MINORS
    yield from held


def found_in(text: str) -> Mapping[str, None]:
    """The categories of a text, as it is written and as it may be meant."""
    return dict.fromkeys(found for view in meant(text) for found in categories(view))
