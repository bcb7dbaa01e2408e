"""One pass over a film's pictures: the figures of each frame, and the motion where takes meet. Constant memory.

Colours are CIE L*a*b* (D65, scikit-image); changes of luma are in steps of 8 bits; motion is dense optical flow (DIS,
Kroeger et al. 2016, OpenCV's) in parts of the picture's width a frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from sora_cli.media.stream import Frames

WIDTH = 384
"""Pictures are looked at no wider than this."""
STILL = 2.0
"""What changes by no more than this from one frame to the next stands still."""
MOVES = 0.002
"""Parts of the width a frame: what moves less stands still."""
_COLOUR_SIZE = (48, 32)

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one frame shows.

    `change` is the mean change of luma since the frame before (0 at the first); `pulse` is the signed mean change of
    what stands still; `detail` is the 95th percentile of the steps between neighbours where the picture stands still,
    `still` its share. `zones` has the mean colours of shadows, middle tones and lights, `(3, 3)` in L*a*b*.
    """

    luma: float
    contrast: float
    change: float
    pulse: float
    still: float
    detail: float
    zones: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Motion:
    """How what moves goes on over a join: mean flow `(x, y)` before it, over it, and after it."""

    before: tuple[float, float]
    over: tuple[float, float]
    after: tuple[float, float]


@dataclass(slots=True)
class Watched:
    """A film, seen: the looks of its frames in order, the motion at each join, the frames where a cut shows."""

    looks: list[Look] = field(default_factory=list)
    motions: dict[int, Motion] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)


def watch(pictures: Iterable[Frames], joins: Collection[int] = ()) -> Watched:
    """Look at a film's pictures, `(h, w, 3)` sRGB bytes each, once and in order.

    `joins` are the numbers of the frames that open a carried-on beat.
    """
    seen, recent, cuts = Watched(), deque[Plane](maxlen=4), CutFinder()
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    waiting = set(joins)
    for number, small in enumerate(map(_small, pictures)):
        luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        seen.looks.append(_look(small, luma, recent[-1] if recent else None))
        seen.cuts += cuts(small, number)
        recent.append(luma)
        if number - 1 in waiting and len(recent) == 4:
            seen.motions[number - 1] = Motion(
                *(_flow(flow, *pair) for pair in zip(recent, list(recent)[1:], strict=False))
            )
    return seen


class CutFinder:
    """PySceneDetect's detector of cuts that stand out from their neighbours, a frame at a time."""

    def __init__(self) -> None:
        from scenedetect.detectors import AdaptiveDetector

        self._detector = AdaptiveDetector(min_scene_len=2)

    def __call__(self, picture: Frames, number: int) -> Iterator[int]:
        """Look at the next picture; the numbers of frames that open a new picture, told a little later."""
        from scenedetect import FrameTimecode

        for cut in self._detector.process_frame(FrameTimecode(number, 24.0), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
            yield cut.frame_num


def _small(picture: Frames) -> Frames:
    height, width = picture.shape[:2]
    if width <= WIDTH:
        return picture
    return cv2.resize(picture, (WIDTH, max(2, round(height * WIDTH / width))), interpolation=cv2.INTER_AREA)


def _look(small: Frames, luma: Plane, before: Plane | None) -> Look:
    moved = luma - before if before is not None and before.shape == luma.shape else np.zeros_like(luma)
    still = np.abs(cv2.blur(moved, (5, 5))) <= STILL
    steps = np.abs(np.diff(luma, axis=1))[still[:, 1:]]
    return Look(
        luma=float(luma.mean()), contrast=float(luma.std()), change=float(np.abs(moved).mean()),
        pulse=float(moved[still].mean()) if still.any() else 0.0, still=float(still.mean()),
        detail=float(np.percentile(steps, 95)) if len(steps) else 0.0, zones=zones(small),
    )  # fmt: skip


def zones(picture: Frames) -> NDArray[np.float64]:
    """The mean colours of a picture's dark, middle and light thirds, `(3, 3)` in L*a*b*."""
    lab = rgb2lab(cv2.resize(picture, _COLOUR_SIZE, interpolation=cv2.INTER_AREA)).reshape(-1, 3)
    thirds = np.array_split(lab[np.argsort(lab[:, 0], kind="stable")], 3)
    return np.stack([third.mean(axis=0) for third in thirds])


def _flow(flow: Any, one: Plane, two: Plane) -> tuple[float, float]:  # noqa: ANN401  OpenCV has no type for it
    """The mean motion of what moves, in parts of the width."""
    field_ = flow.calc(one.astype(np.uint8), two.astype(np.uint8), None) / one.shape[1]
    speed = np.hypot(field_[..., 0], field_[..., 1])
    moving = field_[speed > MOVES]
    return (0.0, 0.0) if len(moving) < 0.002 * speed.size else (float(moving[:, 0].mean()), float(moving[:, 1].mean()))
