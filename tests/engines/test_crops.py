"""Parts of clips and pictures are learned beside the whole, so that nothing is learned by its place."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sora_cli.engines.training import ROOM
from sora_cli.engines.training.crops import crops_of

SIZE = (48, 32)


def marked(count: int = 3) -> np.ndarray:
    """Frames in which every pixel tells its row and column, larger than they are learned."""
    rows, columns = np.mgrid[0:40, 0:60]
    picture = np.stack([rows * 6, columns * 4, np.zeros_like(rows)], -1).astype(np.uint8)
    return np.repeat(picture[None], count, 0)


def test_the_whole_comes_first_then_parts_that_differ_in_place_and_size() -> None:
    whole, *parts = crops_of(marked(), SIZE, 9, "a clip")
    assert np.array_equal(whole[0], np.asarray(Image.fromarray(marked()[0]).resize(SIZE, Image.Resampling.LANCZOS)))
    corners = {tuple(part[0, 0, 0]) for part in parts}
    assert len(corners) > 5
    for part in parts:
        assert part.shape == (3, 32, 48, 3)
        assert np.array_equal(part[0], part[2]), "the part is the same in all frames"
        wide = np.ptp(part[0, 16, :, 1].astype(int)) / np.ptp(whole[0, 16, :, 1].astype(int))
        assert 1 / ROOM - 0.03 < wide < 1.01


def test_crops_are_the_same_each_time_and_others_for_another_clip() -> None:
    one, again, other = (list(crops_of(marked(), SIZE, 4, seed)) for seed in ("a", "a", "b"))
    assert all(np.array_equal(left, right) for left, right in zip(one, again, strict=True))
    assert not np.array_equal(one[1], other[1])


def test_one_crop_of_frames_of_the_size_is_those_frames() -> None:
    frames = marked()[:, :32, :48]
    (crop,) = crops_of(frames, SIZE, 1, "a clip")
    assert crop is frames
