"""References of any shape and length reach their models: none is refused after the plan, none comes out as nothing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.modular_pipelines.minimax_h3.before_encoder import MiniMaxH3Ref2VASetupStep
from diffusers.modular_pipelines.minimax_h3.encoders import MiniMaxH3Ref2VATextEncoderStep

from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Footage, Given
from sora_cli.engines.families.minimax_h3 import anchor
from sora_cli.engines.families.wan_vace import conditions
from tests.contracts.test_engines import take_for

Cards = Callable[[str], EngineCard]


def test_a_long_thin_reference_and_a_tiny_one_are_given_to_vace_on_white(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-vace"))
    take = take_for(engine.card)
    size = {"height": take.height, "width": take.width, "num_frames": 1, "dtype": torch.float32}
    for high, wide in ((2, 2000), (3000, 3), (40, 400), (4, 4)):
        given = Given(references=(np.zeros((1, high, wide, 3), np.uint8),))
        pictures = conditions(take, given)["reference_images"]
        canvas = engine.pipe.preprocess_conditions(reference_images=pictures, **size)[2][0][0]
        assert canvas.min() < 0 or max(high, wide) > 1000, "it is seen"
        assert canvas[:, 0, 0].min() == 1 or high == wide, "beside it is white, as beside others"


@pytest.mark.parametrize(("shape", "fps"), [((6, 48, 64, 3), 24), ((1, 48, 64, 3), 10), ((40, 20, 200, 3), 60)])
def test_a_short_film_and_a_long_thin_one_are_references_for_h3(shape: tuple[int, ...], fps: int) -> None:
    film = np.full(shape, 200, np.uint8)
    given: Any = anchor(Footage(film, Fraction(fps)))
    canvas = MiniMaxH3Ref2VASetupStep._normalize_video_condition(given.frames, given.fps, 124, 32, 64, 64 * 256, 24.0)
    looked_at, _ = MiniMaxH3Ref2VATextEncoderStep._sample_video_condition_frames(canvas, 24.0, 2.0, 2)
    assert len(looked_at) >= 2
    _, height, width, _ = given.frames.shape
    assert np.array_equal(given.frames[-1, height // 2, width // 2], film[-1, 0, 0]), "the last frame stays"
    assert len(given.frames) >= shape[0]
