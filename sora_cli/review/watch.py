"""One pass over a film's pictures: the figures of each frame, and the motion where takes meet. Constant memory.

Changes of luma are in steps of 8 bits; motion is dense optical flow (DIS,
Kroeger et al. 2016, OpenCV's) in parts of the picture's width a frame.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import cv2
import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from sora_cli.media.stream import Frames
from sora_cli.review.compare import Difference
from sora_cli.review.hold import Album
from sora_cli.review.parts import ShotSpan
from sora_cli.review.track import Moving, Tracker

WIDTH = 384
"""Pictures are looked at no wider than this."""
MOVES = 0.002
"""Parts of the width a frame: what moves less stands still."""
HELD = 7
"""Frames for which a film of few pictures a second repeats one at most: 8 of them in 60 frames."""
STEP, MARKED = 2.0, 0.06
"""Steps of luma that are a change, and the part of the picture in which a mark that moves makes such ones at most."""

Plane = NDArray[np.float32]


class FrameLook(Struct, frozen=True, kw_only=True):
    """What one frame shows.

    `change` is the mean change of luma since the frame before (0 at the first); `pulse` is the middle of
    all its signed changes, which what moves hardly touches. `same` says that nothing but a mark may have moved.
    """

    luma: float
    contrast: float
    change: float
    pulse: float
    same: bool = False


class Motion(Struct, frozen=True):
    """How what moves goes on over a join: mean flow `(x, y)` before it, over it, and after it."""

    before: tuple[float, float]
    over: tuple[float, float]
    after: tuple[float, float]


class Watched(Struct):
    """A film, seen: the looks of its frames in order, the motion at each join, where cuts show."""

    looks: list[FrameLook] = field(default_factory=list)
    motions: dict[int, Motion] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    links: Mapping[str, Sequence[Difference]] = field(default_factory=dict)
    """By the name of a shot: how far each link of it is from its scene's first."""
    moving: Mapping[str, Sequence[Moving]] = field(default_factory=dict)
    """By the name of a shot: how the one subject moves that can be told from what is behind it."""
    likeness: dict[str, float] = field(default_factory=dict)
    """By the name of a shot: how like its references its cast is, the cosine of an embedding."""
    unlike: str = "not measured, because nothing here tells one face or subject from another"
    """Why of others that is not known."""


def watch(
    pictures: Iterable[Frames], parts: Sequence[ShotSpan] = (), *, cuts: bool = True, subjects: bool = True
) -> Watched:
    """Look at a film's pictures, `(h, w, 3)` sRGB bytes each, once and in order.

    It looks for `cuts` and for `subjects` that move only where asked.
    """
    seen, album = Watched(), Album(parts)
    joins = {join: part.around(join) for part in parts for join in part.joins}
    recent = deque[Plane](maxlen=max((around[-1] - around[0] + 1 for around in joins.values()), default=1))
    tracker = Tracker(parts if subjects else ())
    finder = CutFinder() if cuts else None
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    due = defaultdict[int, list[int]](list)
    for join, around in joins.items():
        due[around[-1]].append(join)
    for number, small in enumerate(map(_small, pictures)):
        luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        seen.looks.append(_look(luma, recent[-1] if recent else None))
        seen.cuts += finder(small, number) if finder else ()
        album(number, small)
        tracker(number, small)
        recent.append(luma)
        for join in due.pop(number, ()):
            if len(recent) > number - joins[join][0]:
                over = pairwise(recent[frame - number - 1] for frame in joins[join])
                seen.motions[join] = Motion(*(_flow(flow, *pair) for pair in over))
    seen.links, seen.moving = album.links, tracker.found
    return seen


def find_cuts(pictures: Iterable[Frames]) -> tuple[list[int], int]:
    """Where cuts show, and how many pictures there are."""
    finder, count = CutFinder(), 0
    cuts: list[int] = []
    for count, small in enumerate(map(_small, pictures), 1):
        cuts += finder(small, count - 1)
    return cuts, count


class CutFinder:
    """PySceneDetect's detector of cuts that stand out from their neighbours, a frame at a time.

    A picture that is shown for several frames is looked at once, since what moves would stand out from frames that
    stand still. Whatever stands still for longer than `HELD` frames is looked at again: it is a still.
    """

    def __init__(self) -> None:
        from scenedetect.detectors import AdaptiveDetector

        self._detector = AdaptiveDetector(2.0, min_scene_len=2, window_width=3, min_content_val=10.0)
        self._before: Plane | None = None
        self._still = 0

    def __call__(self, picture: Frames, number: int) -> Iterator[int]:
        """Look at the next picture; the numbers of frames that open a new picture, told a little later."""
        from scenedetect import FrameTimecode

        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self._still = self._still + 1 if self._before is not None and _same(self._before, luma) else 0
        self._before = luma
        if 0 < self._still <= HELD:
            return
        for cut in self._detector.process_frame(FrameTimecode(number, 24.0), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
            yield cut.frame_num


def _same(one: Plane, other: Plane) -> bool:
    """Whether two pictures are one but for a mark that moves over them, and for how they were compressed."""
    return _hardly(np.asarray(cv2.blur(other - one, (9, 9)), np.float32))


def _hardly(moved: Plane) -> bool:
    return bool((np.abs(moved) > STEP).mean() < MARKED)


def _small(picture: Frames) -> Frames:
    height, width = picture.shape[:2]
    size = (WIDTH, max(2, round(height * WIDTH / width)))
    small = picture if width <= WIDTH else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _look(luma: Plane, before: Plane | None) -> FrameLook:
    moved = luma - before if before is not None and before.shape == luma.shape else np.zeros_like(luma)
    broad = np.asarray(cv2.blur(moved, (9, 9)), np.float32)
    return FrameLook(
        luma=float(luma.mean()),
        contrast=float(luma.std()),
        change=float(np.abs(moved).mean()),
        pulse=float(np.median(broad)),
        same=_hardly(broad),
    )


def _flow(flow: cv2.DenseOpticalFlow, one: Plane, two: Plane) -> tuple[float, float]:
    """The mean motion of what moves, in parts of the width."""
    field_ = flow.calc(one.astype(np.uint8), two.astype(np.uint8), None) / one.shape[1]  # type: ignore[call-overload]  # its stubs know no None
    speed = np.hypot(field_[..., 0], field_[..., 1])
    moving = field_[speed > MOVES]
    return (0.0, 0.0) if len(moving) < 0.002 * speed.size else (float(moving[:, 0].mean()), float(moving[:, 1].mean()))
