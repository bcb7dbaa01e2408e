"""From what the author wrote of a beat to the words that a model is given."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sora_cli.engines.base import EngineCard
from sora_cli.storyboard.model import FRAMING, MENTION, Beat, CastMember


def compose(beat: Beat, cast: Mapping[str, CastMember], card: EngineCard) -> str:
    """The prompt: setting and light, framing, what happens, camera, style; with speech where the model can speak."""
    place = ", ".join(part for part in (beat.setting, beat.light) if part)
    parts = [place, FRAMING.get(beat.framing, beat.framing), name_cast(beat.prompt, cast), _camera(beat.camera)]
    if card.makes_sound and not beat.sound_off:
        parts += [
            f'{_looks(cast, line.cast) or "a narrator"} says: "{line.line}"'
            for line in beat.dialogue
            if line.path is None
        ]
        parts.append(beat.sound_text and f"sound of {beat.sound_text}")
    parts.append(beat.style)
    return ". ".join(part.strip().rstrip(".") for part in parts if part and part.strip())


def name_cast(prompt: str, cast: Mapping[str, CastMember]) -> str:
    """The prompt with each `@name` put in words: its looks at first, "the ..." when it comes again."""
    seen: set[str] = set()

    def words(match: re.Match[str]) -> str:
        name = match[1]
        looks = _looks(cast, name)
        if name in seen:
            return re.sub(r"^(a|an)\s", "the ", looks)
        seen.add(name)
        return looks

    return MENTION.sub(words, prompt)


def unknown_words(prompt: str, card: EngineCard) -> list[str]:
    """Words of the prompt that a model with a small vocabulary was never taught; none for models without limit."""
    if card.words is None:
        return []
    words = dict.fromkeys(re.findall(r"[a-z]+(?:'[a-z]+)?", prompt.lower()))
    return [word for word in words if word not in card.words and word.removesuffix("'s") not in card.words]


def _looks(cast: Mapping[str, CastMember], name: str) -> str:
    member = cast.get(name)
    return member.looks if member and member.looks else name


def _camera(words: str) -> str:
    return f"{words} camera" if words and " " not in words.strip() else words
