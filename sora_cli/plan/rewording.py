"""Other words for a prompt: what a language model is asked, and whether its answer may be sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sora_cli.engines.base import EngineCard
from sora_cli.engines.dialect import Dialect
from sora_cli.engines.tokens import PER_WORD, length
from sora_cli.plan.prompt import Prompt, lacking
from sora_cli.plan.words import LITTLE
from sora_cli.storyboard.model import MENTION
from sora_cli.storyboard.source import harmless

SHARE = 0.4
"""The least share of the author's words that an answer must hold: with less it says something else."""
VARIETY = 0.3
"""The least share of different words in a longer answer: with less it goes in circles."""
_FORMS = {
    "plain": "Write short phrases, parted by full stops.",
    "tags": "Begin with at most {most} film terms, parted by commas. Go on in plain sentences in the present tense.",
    "prose": "Write one paragraph of plain sentences in the present tense.",
}
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+|[^\w\s\x00-\x7f]")
_THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_FENCE = re.compile(r"\A```[\w-]*\n(.*?)\n?```\Z", re.DOTALL)


def question(prompt: Prompt, card: EngineCard) -> str:
    """What a language model is asked, to word a prompt for this engine."""
    dialect, kept = card.dialect, [words for _, words in prompt.verbatim]
    most = round(card.prompt_tokens / PER_WORD * 0.8) if card.prompt_tokens else 200
    lines = [
        "Word this shot as the prompt of a video model. Answer with the prompt alone: no title, no notes, no quotes.",
        _FORMS[dialect.form].format(most=dialect.most_terms),
        f"Keep this order: {_order(dialect)}.",
        f"Write at most {min(most, 200)} words.",
        "Tell what is seen and heard. Add light and detail where they fit. Add no people, actions or lines.",
        *([f"Keep these word for word: {'; '.join(kept)}"] if kept else []),
        f"Shot: {prompt.picture}",
        "Prompt:",
    ]
    return "\n".join(lines)


def _order(dialect: Dialect) -> str:
    return "; ".join(", ".join(part.value for part in sentence) for sentence in dialect.order)


def cleaned(text: str) -> str:
    """An answer without what models put around one: thoughts, fences, quotes."""
    text = harmless(" ".join(unfenced(text).removeprefix("Prompt:").split()))
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in {'""', "\u201c\u201d"} else text


def unfenced(text: str) -> str:
    """An answer without thoughts, and without the fence around all of it."""
    text = _THOUGHT.sub("", text).strip()
    match = _FENCE.match(text)
    return (match[1] if match else text).strip()


def objections(answer: str, prompt: Prompt, card: EngineCard) -> Iterator[str]:
    """Why an answer may not be sent instead of a prompt."""
    said, wanted = _words(answer), set(_words(prompt.picture)) - LITTLE
    if not answer:
        yield "it wrote nothing"
        return
    for what, words in lacking(answer, prompt.verbatim):
        yield f"it left out {what}: {words}"
    there = len(wanted & set(said))
    if there < SHARE * len(wanted):
        yield f"it says {there} of the {len(wanted)} words that you wrote"
    if len(said) > 20 and len(set(said)) < VARIETY * len(said):
        yield "it goes in circles"
    if "\ufffd" in answer:
        yield "it wrote signs that belong to no text"
    if mention := MENTION.search(answer):
        yield f"it wrote {mention[0]}"
    found = length(answer, card)
    if card.prompt_tokens and found.tokens > card.prompt_tokens:
        yield f"it wrote {found.tokens} tokens, and {card.name} reads {card.prompt_tokens}"


def _words(text: str) -> list[str]:
    """The words of a text without their endings; signs of scripts that part no words each for itself."""
    return [re.sub(r"(?<=\w{2})(ing|ed|es|ly|s)$", "", word) for word in _WORD.findall(text.lower())]
