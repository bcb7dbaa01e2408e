"""Films whose faults are known: clean ones of nano's world and of photographs under a camera, and what breaks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data

from examples.nano.scene import Scene, draw_scene
from examples.nano.world import render
from sora_cli.media.stream import SAMPLE_RATE, Frames, Samples
from sora_cli.review.parts import ShotSpan

FPS = Fraction(12)
SIZE = (192, 288)
BEAT = 8
"""Frames of the first beat of a shot; the second goes on to the clip's end."""
PHOTOGRAPHS = ("astronaut", "coffee", "rocket", "chelsea")


@dataclass(frozen=True)
class Made:
    """A film of two shots, of two beats each, in one scene; the sound of it."""

    pictures: Frames
    parts: tuple[ShotSpan, ...]
    sound: Samples
    number: int

    @property
    def seam(self) -> int:
        """The frame where the first shot's second beat begins."""
        return self.parts[0].joins[0]


def clean(number: int) -> Made:
    """A film without faults: two in three of nano's world, one of photographs."""
    rng = np.random.default_rng([number, 19])
    shots = _photographed(rng) if number % 3 == 2 else _drawn(rng)
    parts, at = [], 0
    for name, pictures in zip(("one", "two"), shots, strict=True):
        end = at + len(pictures)
        parts.append(ShotSpan(name, "scene", at, end, (at, end), (at + BEAT,)))
        at = end
    return Made(np.concatenate(shots), tuple(parts), _hum(rng, at), number)


def _drawn(rng: np.random.Generator) -> list[Frames]:
    scene = replace(draw_scene(rng, switches=0), camera=rng.choice(["static", "left", "right"]), action="roll_right")
    after = replace(scene, action=str(rng.choice(["roll_left", "bounce", "float"])), seed=scene.seed + 1)
    return [_frames(scene), _frames(after)]


def _frames(scene: Scene) -> Frames:
    with torch.no_grad():
        video = render([scene], size=SIZE).video[0]
    return (video.permute(1, 2, 3, 0) * 255).round().to(torch.uint8).numpy()


def _photographed(rng: np.random.Generator) -> list[Frames]:
    photograph = np.asarray(getattr(data, str(rng.choice(PHOTOGRAPHS)))())
    if photograph.ndim == 2:
        photograph = np.repeat(photograph[..., None], 3, axis=-1)
    tall = cv2.resize(photograph, (SIZE[1] * 2, SIZE[0] * 2), interpolation=cv2.INTER_AREA)
    return [_panned(tall, rng) for _ in range(2)]


def _panned(picture: Frames, rng: np.random.Generator) -> Frames:
    start, step = rng.uniform(60, 120, 2), rng.uniform(-3, 3, 2) + rng.choice([-2, 2], 2)
    noise = rng.normal(0, 1.0, (17, *SIZE, 1))
    middles = [np.array(SIZE[::-1]) / 2 + start + step * time for time in range(17)]
    frames = [cv2.getRectSubPix(picture, SIZE[::-1], (float(x), float(y))) for x, y in middles]
    return np.clip(np.stack(frames) + noise, 0, 255).astype(np.uint8)


def _hum(rng: np.random.Generator, frames: int) -> Samples:
    count = round(frames / FPS * SAMPLE_RATE)
    noise = np.convolve(rng.normal(0, 0.05, count + 63), np.ones(64) / 8, "valid")
    return np.repeat(noise[:, None], 2, axis=1).astype(np.float32)


# -- faults ----------------------------------------------------------------------------------------------------------

Colour = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def _grey(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    return rgb.mean(axis=-1, keepdims=True)


DRIFTS: dict[str, Callable[[float], Colour]] = {
    "darker": lambda s: lambda rgb: rgb * (1 - 0.12 * s),
    "brighter": lambda s: lambda rgb: 255 - (255 - rgb) * (1 - 0.16 * s),
    "paler": lambda s: lambda rgb: _grey(rgb) + (rgb - _grey(rgb)) * (1 - 0.25 * s),
    "more colourful": lambda s: lambda rgb: _grey(rgb) + (rgb - _grey(rgb)) * (1 + 0.35 * s),
    "warmer": lambda s: lambda rgb: rgb * np.array([1 + 0.08 * s, 1, 1 - 0.12 * s], np.float32),
    "greener": lambda s: lambda rgb: rgb * np.array([1 - 0.07 * s, 1 + 0.03 * s, 1 - 0.07 * s], np.float32),
}
"""By strength: 1 is weak, 2 middle, 3 strong."""


def drifted(film: Made, kind: str, strength: float) -> Made:
    """The second shot in other colours."""
    pictures = film.pictures.copy()
    start = film.parts[1].start
    changed = DRIFTS[kind](strength)(pictures[start:].astype(np.float32))
    pictures[start:] = np.clip(changed.round(), 0, 255).astype(np.uint8)
    return replace(film, pictures=pictures)


def jumped(film: Made, strength: float) -> Made:
    """From the join on, the picture of the shot is shifted."""
    pictures, end = film.pictures.copy(), film.parts[0].end
    pictures[film.seam : end] = np.roll(pictures[film.seam : end], round(6 * strength), axis=2)
    return replace(film, pictures=pictures)


def stuttered(film: Made) -> Made:
    """The first frame after the join repeats the one before."""
    pictures = film.pictures.copy()
    pictures[film.seam] = pictures[film.seam - 1]
    return replace(film, pictures=pictures)


def reversed_at(film: Made) -> Made:
    """After the join the shot runs back."""
    pictures, end = film.pictures.copy(), film.parts[0].end
    count = end - film.seam
    back = pictures[film.seam - 1 :: -1][1 : count + 1]
    pictures[film.seam : film.seam + len(back)] = back
    pictures[film.seam + len(back) : end] = back[-1]
    return replace(film, pictures=pictures)


def blurred(film: Made, strength: float) -> Made:
    """The second shot is softer."""
    pictures = film.pictures.copy()
    for number in range(film.parts[1].start, len(pictures)):
        pictures[number] = cv2.GaussianBlur(pictures[number], (0, 0), 0.4 + 0.4 * strength)
    return replace(film, pictures=pictures)


def flickering(film: Made, strength: float) -> Made:
    """The light of the second shot goes up and down."""
    pictures = film.pictures.astype(np.float32)
    for number in range(film.parts[1].start, len(pictures)):
        pictures[number] *= 1 + 0.012 * strength * (1 if number % 2 else -1)
    return replace(film, pictures=np.clip(pictures.round(), 0, 255).astype(np.uint8))


def frozen(film: Made, strength: float) -> Made:
    """The second shot's first frames stand still."""
    pictures, start = film.pictures.copy(), film.parts[1].start
    pictures[start : start + 2 + round(2 * strength)] = pictures[start]
    return replace(film, pictures=pictures)


def cut_into(film: Made, other: Made) -> Made:
    """In the middle of the second shot stands another picture."""
    pictures, at = film.pictures.copy(), film.parts[1].start + 4
    pictures[at : film.parts[1].end] = other.pictures[: film.parts[1].end - at]
    return replace(film, pictures=pictures)


def clicking(film: Made, strength: float) -> Made:
    """A step in the sound where the beats meet."""
    sound, at = film.sound.copy(), round(film.seam / FPS * SAMPLE_RATE)
    sound[at:] += 0.1 * strength
    return replace(film, sound=sound)


def louder(film: Made, strength: float) -> Made:
    """The sound is louder from the join on."""
    sound, at = film.sound.copy(), round(film.seam / FPS * SAMPLE_RATE)
    sound[at:] *= 10 ** ((4 + 3 * strength) / 20)
    return replace(film, sound=sound)
