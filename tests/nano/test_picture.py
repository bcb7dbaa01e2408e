"""The measures of how a clip looks, on pictures whose looks are known."""

import pytest
import torch

from examples.nano.config import PATCH, SEEN_HEIGHT, SEEN_WIDTH
from examples.nano.examiner import Examiner
from examples.nano.picture import edges, flicker, tiles
from examples.nano.world import render
from tests.nano.test_world import scene


def tiled(strength: float) -> torch.Tensor:
    """Noise, with a step of brightness from each cell to the next."""
    torch.manual_seed(0)
    across = (torch.arange(SEEN_WIDTH) // PATCH % 2 + 0.0) * strength
    return 0.4 + 0.05 * torch.rand(1, 1, 2, SEEN_HEIGHT, SEEN_WIDTH).expand(-1, 3, -1, -1, -1) + across


def test_tiles_are_told_from_none() -> None:
    assert tiles(tiled(0.0)) == pytest.approx(1.0, abs=0.05)
    assert tiles(tiled(0.1)) > 2


def test_a_blurred_picture_has_softer_edges() -> None:
    video = render([scene()], frames=(0, 8)).video
    soft = torch.nn.functional.avg_pool3d(video, (1, 9, 9), 1, (0, 4, 4), count_include_pad=False)
    assert edges(soft) < 0.7 * edges(video)


def test_what_stands_still_does_not_flicker_and_noise_does() -> None:
    torch.manual_seed(0)
    video, examiner = render([scene(action="bounce")]).video, Examiner()
    assert flicker(video, examiner) < 0.05
    assert flicker(video + 0.02 * torch.randn_like(video), examiner) > 1
