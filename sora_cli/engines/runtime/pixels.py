"""Pictures and sound, between bytes on our side and tensors on diffusers'."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from PIL import Image, ImageOps

from sora_cli.engines.base import Take
from sora_cli.media.stream import Frames, Sound


def to_bytes(video: torch.Tensor) -> Frames:
    """A video `(frames, 3, height, width)` in 0..1 as bytes `(frames, height, width, 3)`."""
    scaled = video.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_unit(frames: Frames) -> torch.Tensor:
    """Bytes `(frames, height, width, 3)` as a float32 video `(frames, 3, height, width)` in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float().div(255)


def framed(picture: Frames, longest: int, smallest: int = 1, bars: str = "black") -> Image.Image:
    """A picture `(1, h, w, 3)` of which one side is at most so many times the other: a longer one has bars.

    Where its shorter side is less than `smallest` it is enlarged. `bars` is their colour.
    """
    width, height = picture.shape[2], picture.shape[1]
    width, height = max(width, -(-height // longest)), max(height, -(-width // longest))
    grow = max(1, -(-smallest // min(width, height)))
    image = Image.fromarray(picture[0])
    if grow == 1 and image.size == (width, height):
        return image
    return ImageOps.pad(image, (width * grow, height * grow), color=bars)


def to_sound(samples: torch.Tensor, rate: int, take: Take) -> Sound | None:
    """A waveform `(channels, n)` as the sound of a take, exactly as long as its frames; None where none is wanted."""
    if not take.sound:
        return None
    wanted = round(Fraction(take.frames) / take.fps * rate)
    wave = samples.detach().float().clamp(-1, 1).cpu().numpy().T[:wanted]
    missing = wanted - len(wave)
    return Sound(np.pad(wave, ((0, missing), (0, 0))) if missing else np.ascontiguousarray(wave), rate)
