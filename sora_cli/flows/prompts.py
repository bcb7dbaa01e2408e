"""The prompt of each take of a plan, beside what the author wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sora_cli.engines.tokens import Length, length

if TYPE_CHECKING:
    from sora_cli.engines.base import Take
    from sora_cli.plan import Plan


def takes(plan: Plan) -> Iterator[Take]:
    """One take of each stretch: its candidates share a prompt."""
    names = {take.name for take in plan.takes}
    return (take for take in plan.takes if take.name.rpartition("#")[0] not in names)


def as_dict(plan: Plan) -> dict[str, JsonValue]:
    """By the name of a take: its prompt, its length, what is left out, added and not avoided, with the reasons."""
    found: dict[str, JsonValue] = {}
    for take in takes(plan):
        prompt, size = plan.prompts[take.key], _length(plan, take)
        found[take.name] = {
            "prompt": take.prompt,
            "written": take.written or None,
            "instead_of": prompt.picture if take.written else None,
            "avoid": _avoided(take),
            "tokens": size.tokens,
            "counted": size.counted,
            "guide": plan.cards[take.engine].dialect.guide,
            "limit": plan.cards[take.engine].prompt_tokens or None,
            "left_out": [{"key": left.key, "words": left.words, "why": left.why} for left in prompt.left_out],
            "added": list(prompt.added),
            "avoid_added": list(prompt.avoided),
            "not_avoided": dict(prompt.not_avoided),
        }
    return found


def lines(plan: Plan) -> Iterator[str]:
    """The same for a person: a head, the prompt, and what became of the rest, one fact a line."""
    for take in takes(plan):
        prompt, size, limit = plan.prompts[take.key], _length(plan, take), plan.cards[take.engine].prompt_tokens
        count = f"{'' if size.counted else 'about '}{size.tokens} {f'of {limit} ' if limit else ''}tokens"
        yield f"{take.name}: {take.engine}, {count}"
        yield from (f"  {line}" for line in take.prompt.splitlines() if line)
        if take.written:
            yield f"  written: {' '.join(take.written.split())}"
            yield f"  instead of: {prompt.picture}"
        if avoided := _avoided(take):
            yield f"  avoids: {avoided}"
        yield from (f"  left out, {left.key}: {left.words} ({left.why})" for left in prompt.left_out)
        yield from (f"  added: {words}" for words in prompt.added)
        yield from (f"  added to what it avoids: {words}" for words in prompt.avoided)
        for why in dict.fromkeys(why for _, why in prompt.not_avoided):
            yield f"  not avoided: {', '.join(words for words, each in prompt.not_avoided if each == why)} ({why})"
        yield ""


def _length(plan: Plan, take: Take) -> Length:
    return length(take.prompt, plan.cards[take.engine])


def _avoided(take: Take) -> str:
    default = take.options.get("quality_avoid", "")
    return ", ".join(part for part in (str(default), take.avoid) if part)
