"""Every family on the whole way from a storyboard to clips: two shots, three beats, one carried on."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.engines.base import Ability, EngineCard
from sora_cli.media.reel import read_frames
from sora_cli.plan import plan_takes
from sora_cli.report import Recording
from sora_cli.store import Store
from sora_cli.studio import Studio
from tests.engines import tiny

SPANS = {
    "minimax-h3": "124f",
    "helios": "33f",
    "wan": "13f",
    "wan-ti2v": "13f",
    "wan-vace": "13f",
    "ltx2-distilled": "13f",
}


@pytest.mark.parametrize("name", sorted(SPANS))
def test_two_shots_of_three_beats(name: str, tiny_card: Callable[[str], EngineCard], tmp_path: Path) -> None:
    card = tiny_card(name)
    width, height = tiny.size_of(card)
    span = SPANS[name]
    options = {key: 1 + (name == "minimax-h3") for key in ("steps", "stage_steps") if key in card.options.model_fields}
    second: dict[str, Any] = {"prompt": "the grass", "duration": span}
    if not card.can(Ability.FIRST_FRAMES):
        second["from"] = "nothing"
    board = storyboard.from_data(
        {
            "engine": str(card.location), "options": options, "seed": 3,
            "output": {"size": f"{width}x{height}", "fps": float(card.fps)},
            "shots": [
                {"name": "one", "beats": [{"prompt": "a red ball bounces", "duration": span}, second]},
                {"name": "two", "prompt": "a ball on the grass", "duration": span},
            ],
        },
        folder=tmp_path, name="test", allow_outside=True,
    )  # fmt: skip
    plan = plan_takes(board, catalogue.card)
    assert len(plan.takes) >= 3
    with Studio(Store(tmp_path / "store")) as studio:
        clips = studio.shoot(plan, Recording())
    for stretch in plan.stretches:
        take, clip = stretch.candidates[0], clips[stretch.name]
        frames = read_frames(clip.path, 0, clip.frames)
        assert frames.shape == (take.frames, height, width, 3)
        assert clip.fps == card.fps == Fraction(take.fps)
        assert clip.sound == card.can(Ability.SOUND)
        assert (clip.tail is not None) == card.tails
