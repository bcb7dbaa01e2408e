"""Storyboards and cards for tests of what comes after the language."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict

from sora_cli import storyboard
from sora_cli.engines.base import Ability, EngineCard
from sora_cli.storyboard.model import Storyboard


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    steps: int = 4


CARD = EngineCard(
    name="test", title="An engine for tests", family="none", source="", revision="r1", options=Options,
    abilities=frozenset(Ability) - {Ability.SOUND}, frame_step=4, frame_offset=1, max_frames=17, fps=Fraction(12),
    size_step=16, max_pixels=192 * 128, native_size=(192, 128), film_size=(480, 320),
    default_seconds=Fraction(1), overlap=5, max_references=2, draft={"steps": 2},
)  # fmt: skip


def catalogue(**changes: Any) -> Callable[[str | None], EngineCard]:
    """A catalogue whose every engine is the test card, changed."""
    return lambda name: replace(CARD, name=name or "test", **changes)


def board(*shots: Any, folder: Path = Path(), **film: Any) -> Storyboard:
    """A storyboard of these shots; keywords are its other keys."""
    return storyboard.from_data({**({"shots": list(shots)} if shots else {}), **film}, folder=folder, name="test")
