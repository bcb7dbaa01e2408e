"""Films of numbered frames: each frame shows its clip and its number in black and white blocks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from sora_cli.media.clip import write_clip
from sora_cli.media.stream import Frames
from sora_cli.store import Clip

BLOCK = 16
BITS = 8
SIZE = (BLOCK * BITS, BLOCK * 4)


def draw(clip: int, number: int) -> Frames:
    """One frame: rows of blocks for the clip's number (top) and the frame's (bottom), each row twice."""
    rows = np.array([[value >> bit & 1 for bit in range(BITS)] for value in (clip, clip ^ 255, number, number ^ 255)])
    return np.repeat((rows * 255).astype(np.uint8).repeat(BLOCK, 0).repeat(BLOCK, 1)[..., None], 3, axis=2)


def read(frame: Frames) -> tuple[int, int] | None:
    """The clip's and the frame's number; None where the frame shows none clearly (it is a mix of two)."""
    centres = frame[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK].mean(axis=2)
    if ((centres > 60) & (centres < 195)).any():
        return None
    values = [sum(1 << bit for bit in range(BITS) if row[bit] > 127) for row in centres]
    if values[0] ^ 255 != values[1] or values[2] ^ 255 != values[3]:
        return None
    return values[0], values[2]


def numbered_clip(folder: Path, clip: int, frames: int, fps: Fraction) -> Clip:
    """A clip on disk whose frames carry their numbers."""
    path = folder / f"clip-{clip}.mp4"
    write_clip(path, np.stack([draw(clip, number) for number in range(frames)]), fps)
    return Clip(key=f"k{clip}", path=path, sha256="", frames=frames, width=SIZE[0], height=SIZE[1], fps=fps)
