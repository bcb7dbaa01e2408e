"""Two pictures of one place are laid over each other by what they show, and not by what moves over it."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from sora_cli.media.stream import Frames
from sora_cli.review.compare import Still, apart

SOFT = cv2.GaussianBlur(cv2.resize(data.coffee(), (384, 256), interpolation=cv2.INTER_AREA), (0, 0), 12)


def marked(left: int, top: int, picture: Frames = SOFT) -> Still:
    """A picture with sharp letters on it, as the visible mark has them."""
    frame = np.ascontiguousarray(picture)
    for line, words in enumerate(("made with", "sora, quickly", "by nobody")):
        place = (left, top + 26 * line)
        cv2.putText(frame, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
    return Still(frame)


def test_a_mark_that_moves_over_a_soft_picture_is_no_camera() -> None:
    found = apart([marked(180, 160)], [marked(8, 40)])
    assert found.common
    assert found.colour < 0.5


def test_a_drift_of_a_soft_picture_is_measured_where_it_lies() -> None:
    found = apart([marked(180, 160, (SOFT * 0.85).astype(np.uint8))], [marked(8, 40)])
    assert found.common
    assert 4 < found.colour < 8
    assert found.colour == found.drift


def test_two_places_are_not_laid_over_each_other() -> None:
    other = cv2.GaussianBlur(cv2.resize(data.rocket(), (384, 256), interpolation=cv2.INTER_AREA), (0, 0), 12)
    found = apart([marked(180, 160, other)], [marked(8, 40)])
    assert not found.common
    assert found.drift < found.colour


def test_a_picture_without_detail_has_none_to_be_held_to() -> None:
    """A part that both show may be flat where the rest is not: what is divided by next to nothing is no figure."""
    half = SOFT.copy()
    half[:, 192:] = 128
    flat = np.full_like(SOFT, 128)
    assert apart([Still(half)], [Still(flat)]).detail is None
    detail = apart([Still(SOFT)], [Still(half)]).detail
    assert detail is None or detail < 10
