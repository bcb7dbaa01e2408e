"""Crops of frames: the whole, and parts of it moved and enlarged, so that nothing is learned by its place."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from PIL import Image

from sora_cli.engines.training import ROOM
from sora_cli.media.stream import Frames


def crops_of(frames: Frames, size: tuple[int, int], count: int, seed: str) -> Iterator[Frames]:
    """`count` crops of frames `(n, h, w, 3)` at a size (width, height): the whole first, then parts.

    A part has 1 / `ROOM` of the width and height at least, the same for all frames; where it lies comes from `seed`.
    """
    chance = random.Random(seed)  # noqa: S311  no secret
    high, wide = frames.shape[1:3]
    for number in range(count):
        share = chance.uniform(1 / ROOM, 1) if number else 1.0
        width, height = wide * share, high * share
        left, top = chance.uniform(0, wide - width), chance.uniform(0, high - height)
        yield _cut(frames, (left, top, left + width, top + height), size)


def _cut(frames: Frames, box: tuple[float, float, float, float], size: tuple[int, int]) -> Frames:
    if box == (0, 0, *size):
        return frames
    scaled = [Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS, box) for frame in frames]
    return np.stack([np.asarray(frame) for frame in scaled])
