"""Clips of another shape, and slow motion, in a finished film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.master import finish
from sora_cli.media.clip import write_clip
from sora_cli.media.film import write_film
from sora_cli.media.read import read_frames, read_sound
from sora_cli.media.stream import Sound
from sora_cli.plan.timeline import Cut, CutShot, Piece
from sora_cli.store import Clip
from sora_cli.storyboard.model import Look

FPS = Fraction(12)


def clip(folder: Path, frames: np.ndarray, sound: Sound | None = None) -> Clip:
    path = folder / "clip.mp4"
    write_clip(path, frames, FPS, sound)
    count, height, width = frames.shape[:3]
    return Clip(
        key="k", path=path, sha256="", frames=count, width=width, height=height, fps=FPS, sound=sound is not None
    )


def film(folder: Path, cut: Cut) -> np.ndarray:
    write_film(folder / "film.mp4", finish(cut))
    return read_frames(folder / "film.mp4", 0, cut.frames).astype(int)


def one(piece: Piece, size: tuple[int, int], fit: Literal["fill", "fit", "pad"] = "fill") -> Cut:
    shot = CutShot(name="a", scene="a", start=0, pieces=(piece,), look=Look("off"))
    return Cut(width=size[0], height=size[1], fps=FPS, shots=(shot,), fit=fit)


@pytest.mark.parametrize(
    ("fit", "rows", "columns"),
    [("fill", (0, 96), (0, 160)), ("fit", (0, 96), (32, 128)), ("pad", (16, 80), (48, 112))],
)
def test_a_square_clip_in_a_wide_film(
    tmp_path: Path, fit: Literal["fill", "fit", "pad"], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    square = clip(tmp_path, np.full((3, 64, 64, 3), 200, np.uint8))
    frame = film(tmp_path, one(Piece(square, (0, 1, 2)), (160, 96), fit))[1]
    wanted = np.zeros((96, 160))
    wanted[slice(*rows), slice(*columns)] = 200
    edges = np.zeros_like(wanted, bool)
    for at in rows:
        edges[max(0, at - 3) : at + 3] = True
    for at in columns:
        edges[:, max(0, at - 3) : at + 3] = True
    assert np.abs(frame.mean(axis=2) - wanted)[~edges].max() <= 3


def test_bars_stay_black_under_a_lut(tmp_path: Path) -> None:
    lut = tmp_path / "lifted.cube"
    lut.write_text("LUT_3D_SIZE 2\n" + "\n".join(f"{0.4 + 0.5 * (n & 1)} 0.4 0.4" for n in range(8)) + "\n")
    cut = one(Piece(clip(tmp_path, np.full((2, 64, 64, 3), 90, np.uint8)), (0, 1)), (160, 96), "fit")
    shot = replace(cut.shots[0], look=Look("lut", lut))
    frame = film(tmp_path, replace(cut, shots=(shot,)))[0]
    assert frame[:, :28].max() <= 4
    assert frame[48, 80].min() > 90


def test_lanczos_keeps_more_detail_than_bilinear(tmp_path: Path) -> None:
    """A zone plate made small and large again is nearer to itself than by straight lines."""
    y, x = np.mgrid[:256, :256] - 128.0
    plate = (127.5 + 127.5 * np.cos((x**2 + y**2) * np.pi / 1024)).astype(np.uint8)
    small = plate.reshape(128, 2, 128, 2).mean(axis=(1, 3)).astype(np.uint8)
    frames = np.repeat(np.repeat(small[None, :, :, None], 3, axis=3), 2, axis=0)
    made = film(tmp_path, one(Piece(clip(tmp_path, frames), (0, 1)), (256, 256)))[0].mean(axis=2)
    at = (np.arange(256) + 0.5) / 2 - 0.5
    rows = np.stack([np.interp(at, np.arange(128), row) for row in small.astype(float)])
    straight = np.stack([np.interp(at, np.arange(128), column) for column in rows.T]).T
    middle = np.s_[32:224, 32:224]
    error = [np.sqrt(np.mean((way[middle] - plate[middle].astype(float)) ** 2)) for way in (made, straight)]
    assert error[0] < 0.8 * error[1]


def test_slow_motion_moves_between_frames_and_sounds_as_long(tmp_path: Path) -> None:
    frames = np.zeros((13, 64, 96, 3), np.uint8)
    for number in range(13):
        frames[number, 24:40, 8 + 4 * number : 20 + 4 * number] = 255
    hum = np.sin(np.arange(52_000) * 2 * np.pi * 440 / 48_000).astype(np.float32)[:, None] * 0.3
    made = clip(tmp_path, frames, Sound(hum.repeat(2, axis=1), 48_000))
    piece = Piece(made, tuple(number // 2 for number in range(24)), Fraction(1, 2), Fraction(1, 2))
    shown = film(tmp_path, one(piece, (96, 64)))
    row = np.clip(shown[:, 32, :, 0] - 60, 0, None)
    centres = (row * np.arange(96)).sum(axis=1) / row.sum(axis=1)
    assert np.abs(centres - (13.5 + 2 * np.arange(24))).max() < 1
    heard = read_sound(tmp_path / "film.mp4")
    assert abs(len(heard) - 96_000) < 1100
    tone = np.abs(np.fft.rfft(heard[24_000:72_000, 0]))
    assert abs(int(tone.argmax()) - 440) <= 2
    assert np.abs(heard[80_000:90_000]).max() > 0.1
