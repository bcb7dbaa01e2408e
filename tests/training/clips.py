"""Small clips and pictures to train on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sora_cli.media.clip import write_clip
from sora_cli.media.stream import Frames


def pan(seed: int, count: int = 20, size: tuple[int, int] = (96, 64), *, text: str = "", soft: float = 0.0) -> Frames:
    """A camera that pans slowly over soft patches; with a line of text on it, or blurred."""
    rng, (width, height) = np.random.default_rng(seed), size
    coarse = Image.fromarray(rng.integers(0, 255, (5, 16, 3), dtype=np.uint8))
    wide = coarse.resize((width * 3, height), Image.Resampling.BICUBIC)
    marks = ImageDraw.Draw(wide)
    for left in range(0, width * 3, width // 8):
        marks.rectangle((left, height // 3, left + width // 40, height // 2), fill=tuple(rng.integers(0, 255, 3)))
    if soft:
        wide = wide.filter(ImageFilter.GaussianBlur(soft))
    frames = []
    for number in range(count):
        left = number * width // 40
        frame = wide.crop((left, 0, left + width, height))
        if text:
            ImageDraw.Draw(frame).text((width // 12, height * 3 // 4), text, fill="white", font_size=height // 10)
        frames.append(np.asarray(frame))
    return np.stack(frames)


def clip(path: Path, frames: Frames, fps: int = 16) -> Path:
    """The frames as a clip."""
    write_clip(path, frames, Fraction(fps))
    return path


def picture(path: Path, seed: int) -> Path:
    """A picture of coarse noise."""
    Image.fromarray(pan(seed, 1)[0]).save(path)
    return path
