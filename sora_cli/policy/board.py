"""A whole storyboard's words, before the first take: each text by itself, and what stands together in one prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.errors import Mark, Problem
from sora_cli.plan.prompt import compose
from sora_cli.plan.takes import ANY_ENGINE
from sora_cli.policy.judge import Found, JudgedTexts
from sora_cli.storyboard.given import unvalued
from sora_cli.storyboard.model import Beat, Loc, Shot, Storyboard
from sora_cli.storyboard.policy import CATEGORIES, MINORS, Decision, Policy

if TYPE_CHECKING:  # only policies with words of their own need lists
    from sora_cli.policy.words import WordList

UNSEEN = ("avoid", "engine", "vars", "policy", "storyboard", "consent", "memory", "output", "subtitles", "cost")
"""Keys whose words are neither seen nor heard in the film, and told to nobody."""
READ = ("title", "text", "watermark", "author")
SPOKEN = ("line", "dialogue", "say")


class Text(Struct, frozen=True):
    """Words: which, in what place, and where they are written; `whole`: put together of several.

    `what` says what they are, where no storyboard holds them.
    """

    words: str
    place: str
    loc: Loc = ()
    whole: bool = False
    what: str = ""


class Judgement(Struct, frozen=True):
    """What a policy decides of words: what it refuses, what it only notes, how many texts were looked at."""

    refused: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    texts: int = 0
    decided: Mapping[Decision, int] = field(default_factory=dict)
    """How many findings were refused, noted and allowed."""
    unchecked: tuple[str, ...] = ()
    """Why checkers could not look."""


def words_of(file: Path) -> str:
    """What the name of a file says, but for the telephones, cameras and consoles that name what they record."""
    return _RECORDERS.sub(" ", file.stem)


_RECORDERS = re.compile(
    r"(?i)(?<![^\W\d_])(?:i(?:phone|pad)s?|macbook|samsung|huawei|xbox|playstation|nintendo switch|ray-?ban meta)"
    r"(?![^\W\d_])"
)


def texts_of(board: Storyboard) -> Iterator[Text]:
    """All words of a storyboard but those of `avoid`; then, of each beat, all that stands together."""
    for loc, words in _written(board.data, ()):
        named = board.files.get(loc)
        place = "reference" if named else _place(loc)
        yield Text(words_of(named) if named else words, place, loc)
    for shot in board.shots:
        yield from (Text(_together(board, shot, beat), "prompt", beat.loc, whole=True) for beat in shot.shown)


def _together(board: Storyboard, shot: Shot, beat: Beat) -> str:
    """What a model is given, with what is said, heard and read meanwhile."""
    said = [line.line for line in beat.dialogue]
    titles = [board.title, shot.title.text if shot.title else ""]
    return ". ".join(part for part in (compose(beat, board.cast, ANY_ENGINE), *said, beat.sound_text, *titles) if part)


def _written(data: object, loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Every text in the data of a storyboard, and every name that its author gave."""
    if isinstance(data, str):
        yield loc, data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            named = loc in {("cast",), ("say",)}  # whose keys are the author's own
            if not named and (key in UNSEEN or str(key).startswith("x-")):
                continue
            if named:
                yield (*loc, str(key)), str(key)
            yield from _written(value, (*loc, str(key)))
    elif isinstance(data, list | tuple):
        for at, value in enumerate(data):
            yield from _written(value, (*loc, at))


def _place(loc: Loc) -> str:
    keys = [step for step in loc if isinstance(step, str)]
    if keys[-1:] and keys[-1] in READ:
        return "text"
    return "speech" if any(key in SPOKEN for key in keys) else "prompt"


def judge(board: Storyboard, memory: JudgedTexts) -> Judgement:
    """What the storyboard's policy decides of its words, each at its place."""
    return judge_texts(texts_of(board), board.rules, memory, board.mark)


def judge_texts(
    written: Iterable[Text], rules: Policy, memory: JudgedTexts, mark: Callable[[Loc], Mark | None]
) -> Judgement:
    """What a policy decides of texts, each at its place."""
    texts = [text for text in written if text.words.strip()]
    free = _Exceptions(rules.exceptions)
    found, unable = memory.judged([each for text in texts for each in (text.words, free.without(text.words))])
    own = _own_lists(rules)
    hits: dict[Decision, dict[tuple[str, str], Text]] = {"refuse": {}, "note": {}, "allow": {}}
    for text in texts:
        for category in _categories(text.words, free, found, own):
            decided = hits[rules.decision(category, text.place)]
            if not (text.whole and any(name == category and words in text.words for name, words in decided)):
                decided.setdefault((category, text.words), text)
    refused = [_refused(rules, category, text, mark) for (category, _), text in hits["refuse"].items()]
    notes = [_noted(rules, category, text, mark) for (category, _), text in hits["note"].items()]
    for error in unable:
        message = f"the words could not be checked in full: {error.why}"
        strict = rules.unchecked == "refuse"
        told = f"{message}; the {rules.name} policy refuses what is not checked" if strict else message
        (refused if strict else notes).append(Problem(told, error.hint, mark(("policy",)), code=4))
    counts = {decision: len(each) for decision, each in hits.items()}
    return Judgement(tuple(refused), tuple(notes), len(texts), counts, tuple(error.why for error in unable))


def _own_lists(rules: Policy) -> Mapping[str, WordList]:
    if not rules.words:
        return {}
    from sora_cli.policy.words import WordList

    return {name: WordList(words) for name, words in rules.words.items()}


def _categories(
    words: str, free: _Exceptions, found: Mapping[str, Found], own: Mapping[str, WordList]
) -> dict[str, None]:
    """Categories of a text, own words counted and exceptions not; no exception holds for minors."""
    categories = dict.fromkeys(each for each in found[words] if each == MINORS)
    categories |= dict.fromkeys(each for each in found[free.without(words)] if each != MINORS)
    if not own:
        return categories
    from sora_cli.policy.spelled import meant

    views = meant(free.without(words))
    return categories | {name: None for name, each in own.items() if any(each.among(view) for view in views)}


def _noted(rules: Policy, category: str, text: Text, mark: Callable[[Loc], Mark | None]) -> Problem:
    return Problem(f"{_reads(category, text)}; the {rules.name} policy lets it pass", "", _at(text, mark))


def _refused(rules: Policy, category: str, text: Text, mark: Callable[[Loc], Mark | None]) -> Problem:
    hint = "no policy allows it" if category == MINORS else "use other words; `sora policy show` lists what is refused"
    if category in {"real-people", "likeness"}:
        hint = "take it out; where who is shown has agreed, a policy file of yours can allow it"
    return Problem(f"{_reads(category, text)}, which the {rules.name} policy refuses", hint, _at(text, mark), 4)


def _at(text: Text, mark: Callable[[Loc], Mark | None]) -> Mark | None:
    """Where a text is written; what was typed for it is not told, for messages are kept in logs."""
    place = mark(text.loc)
    return replace(place, typed=unvalued(place.typed)) if place else None


def _reads(category: str, text: Text) -> str:
    what = f"{text.what}: " if text.what else "with what stands around it, " if text.whole else ""
    return f"{what}this reads as {CATEGORIES[category]}"


class _Exceptions:
    """Phrases that never count."""

    def __init__(self, phrases: Sequence[str]) -> None:
        parts = [re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True) if phrase.strip()]
        self._any = re.compile("|".join(rf"\b{part}\b" for part in parts), re.IGNORECASE) if parts else None

    def without(self, text: str) -> str:
        """The text without them."""
        return self._any.sub("somebody", text) if self._any else text
