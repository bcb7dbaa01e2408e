from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace

from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Given
from sora_cli.engines.families.helios import chunks_for
from tests.contracts.test_engines import pictures, silence, take_for

Cards = Callable[[str], EngineCard]


def test_a_take_goes_on_from_the_latents_of_the_one_before(tiny_card: Cards, tmp_path: Path) -> None:
    engine: Any = catalogue.open_engine(tiny_card("helios"))
    take = take_for(engine.card, frames=33)
    first = engine.generate(take, Given(), silence)
    assert first.tail["video"].shape[2] == 9
    path = tmp_path / "tail.npz"
    np.savez(path, **first.tail)
    longer = replace(take, frames=66, seed=5)
    given = Given(opening=first.frames, tail=path)
    second = engine.generate(longer, given, silence)
    assert np.array_equal(second.frames[:33], first.frames)
    by_pixels = engine.generate(longer, replace(given, tail=None), silence)
    assert not np.array_equal(second.frames[33:], by_pixels.frames[33:])


def test_as_many_stretches_as_the_new_frames_want(tiny_card: Cards) -> None:
    take = take_for(tiny_card("helios"), frames=99)
    assert chunks_for(take, Given()) == 3
    assert chunks_for(take, Given(opening=pictures(take, 33))) == 2
    assert chunks_for(take, Given(opening=pictures(take, 1))) == 3


def test_block_noise_has_the_covariance_it_should(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("helios-mid"))
    gamma = engine.pipe.scheduler.config.gamma
    noise = engine.pipe.sample_block_noise(
        1, 16, 9, 64, 64, device=torch.device("cpu"), generator=torch.Generator().manual_seed(0)
    )
    blocks = noise.unfold(3, 2, 2).unfold(4, 2, 2).reshape(-1, 4).double()
    wanted = torch.eye(4, dtype=torch.float64) * (1 + gamma) - gamma
    assert torch.allclose(blocks.T @ blocks / len(blocks), wanted, atol=0.02)
