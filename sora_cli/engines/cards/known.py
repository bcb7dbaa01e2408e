"""A model known by name, and the words its card is written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from sora_cli.engines.base import Ability, EngineCard

APACHE = "Apache-2.0"
TEXT, FIRST, LAST = Ability.TEXT, Ability.FIRST_FRAMES, Ability.LAST_FRAME
REFERENCES, INPAINT, VIDEO = Ability.REFERENCES, Ability.INPAINT, Ability.VIDEO
INSTRUCT = Ability.INSTRUCT
SOUND, AVOID = Ability.SOUND, Ability.NEGATIVE_PROMPT
VACE = frozenset({TEXT, FIRST, LAST, REFERENCES, INPAINT, VIDEO, AVOID})


def card_of(facts: dict[str, Any]) -> EngineCard:
    """Make a card of facts, given by the names of its fields."""
    return EngineCard(**facts)


class KnownModel(Struct, frozen=True):
    """A model we know: its card, the pipeline classes its index may name, and what its configurations say.

    `shape` decides what a checkpoint of its kind can be given: only one that has it may use the card. `traits` tell
    this very model from others of its kind. `...` means any value, None means none (null, false or left out).
    """

    card: EngineCard
    pipelines: tuple[str, ...]
    shape: Mapping[str, object] = field(default_factory=dict)
    traits: Mapping[str, object] = field(default_factory=dict)
