"""One thing that moves over a background: where it goes, how large it is and what colour; does it move as bodies do?

Whatever moves by itself keeps one acceleration for a while (rest, a steady way, a fall), then another. So its path is
explained by pieces of constant acceleration, and what is left over is no motion of a body. And a body keeps its size
and its colour from frame to frame.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from sora_cli.media.stream import Frames, largest
from sora_cli.review.parts import ShotSpan

SIZE = 160
"""Pixels of the longer side of the pictures that are looked at."""
WINDOW = 32
"""Pictures that are looked at together, at most: a film of any length needs no more memory."""
FEWEST = 8
"""Frames in which the subject must be seen whole."""
SMALLEST, LARGEST = 0.002, 0.35
"""Shares of the picture that the subject may cover."""
APART = 24.0
"""Steps of 8 bits between the subject and what is behind it."""
TRAVELS = 0.25
"""In its own size: a subject that moves less stands still."""
CELLS = 5
"""Parts of a picture's side that corners are looked for in, so that a large subject is not taken for the camera."""
STILL = 3.0
"""Steps of 8 bits: a picture most of which changes less stands still, where its corners do not tell."""
ALONE = 0.6
"""The share of all that is not background that the subject must be: else it cannot be told which it is."""
SHORTEST = 3
"""Places of a piece of a path."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Row = tuple[int, Floats, float, Floats]
"""Of a frame: its number, and the subject's place, area and colour."""


class Moving(Struct, frozen=True):
    """How a subject moves, over frames in which it is seen whole.

    `path` is how far it is from the best path of constant accelerations, root mean square, in its own size; `growth`
    how many times as large or as small it is a frame later, at most; `tint` by how much its colour changes from frame
    to frame, at most, CIE dE2000.
    """

    path: float
    growth: float
    tint: float


class Track(Struct, frozen=True, eq=False):
    """A subject frame by frame, while it is seen whole: places `(n, 2)`, areas in pixels, colours in Lab `(n, 3)`."""

    places: Floats
    areas: Floats
    colours: Floats

    @property
    def size(self) -> float:
        """The side of a square as large as the subject usually is."""
        return math.sqrt(float(np.median(self.areas)))


class Tracker:
    """Follows what moves in each of a film's shots, a window of pictures at a time."""

    def __init__(self, parts: Sequence[ShotSpan]) -> None:
        self.found: dict[str, list[Moving]] = defaultdict(list)
        """By the name of its shot: how the subject of each window moves, where there is one."""
        self._windows = iter(sorted((*window, part.name) for part in parts for window in _windows(part)))
        self._next = next(self._windows, None)
        self._pictures: list[Frames] = []

    def __call__(self, number: int, picture: Frames) -> None:
        """Look at picture `number`."""
        if self._next is None or number < self._next[0]:
            return
        _, end, name = self._next
        self._pictures.append(_shrunk(picture))
        if number >= end - 1:
            if (found := moving(self._pictures)) is not None:
                self.found[name].append(found)
            self._pictures.clear()
            self._next = next(self._windows, None)


def _windows(part: ShotSpan) -> Iterator[tuple[int, int]]:
    """The stretches of a shot that carry on from each other, in equal parts that are no longer than a window."""
    for start, end in replace(part, joins=()).links:
        count = -(-(end - start) // WINDOW)
        edges = [start + (end - start) * number // count for number in range(count + 1)]
        yield from pairwise(edges)


def moving(pictures: Sequence[Frames]) -> Moving | None:
    """How the one subject of these pictures `(h, w, 3)` moves; None where none can be told from what is behind it."""
    track = follow(pictures)
    if track is None or float(np.ptp(track.places, axis=0).max()) < TRAVELS * track.size:
        return None
    growth = np.abs(np.diff(np.log(track.areas)))
    tint = np.asarray(deltaE_ciede2000(track.colours[1:], track.colours[:-1]))  # type: ignore[no-untyped-call]
    return Moving(stray(track.places) / track.size, float(np.exp(growth.max())), float(tint.max()))


def follow(pictures: Sequence[Frames]) -> Track | None:
    """Follow the one subject that moves by itself; the camera's own motion is taken out."""
    small = _told_apart([_shrunk(picture) for picture in pictures])
    if len(small) < FEWEST:
        return None
    laid = _steadied(small)
    if laid is None:
        return None
    frames, seen = laid
    masks = _subject(frames, seen)
    rows = [row for time, mask in enumerate(masks) if (row := _seen_whole(time, mask, seen[time], frames[time]))]
    rows = max(_runs(rows), key=len, default=[])
    if len(rows) < FEWEST:
        return None
    _, places, areas, colours = zip(*rows, strict=True)
    return Track(np.array(places), np.array(areas), np.stack(colours))


def _runs(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The stretches of frames that follow each other."""
    edges = [0, *(place for place, (one, two) in enumerate(pairwise(rows), 1) if two[0] > one[0] + 1), len(rows)]
    return (list(rows[first:last]) for first, last in pairwise(edges))


def stray(places: Floats) -> float:
    """How far places `(n, 2)` are from the best path of pieces of constant acceleration, root mean square.

    Each piece fits three numbers an axis: the best path is the one that leaves least for each number that none fits.
    """
    count = len(places)
    lost = {
        (first, last): _missed(places[first:last])
        for first in range(count)
        for last in range(first + SHORTEST, count + 1)
    }
    left = {0: {0: 0.0}}
    for last in range(SHORTEST, count + 1):
        left[last] = {}
        for first in range(last - SHORTEST + 1):
            for pieces, sum_ in left.get(first, {}).items():
                found = sum_ + lost[first, last]
                left[last][pieces + 1] = min(found, left[last].get(pieces + 1, math.inf))
    return min(math.sqrt(sum_ / (count - 3 * pieces)) for pieces, sum_ in left[count].items() if count > 3 * pieces)


def _missed(places: Floats) -> float:
    """The squares that the best constant acceleration leaves."""
    powers = np.vander(np.linspace(-1, 1, len(places)), 3)
    fitted = powers @ np.linalg.lstsq(powers, places, rcond=None)[0]
    return float(np.square(places - fitted).sum())


def _shrunk(picture: Frames) -> Frames:
    height, width = picture.shape[:2]
    scale = min(1.0, SIZE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _told_apart(pictures: Sequence[Frames]) -> list[Frames]:
    """The pictures without those that only show the one before it again, as where a film has more than its clips."""
    changes = [float(cv2.absdiff(one, two).mean()) for one, two in pairwise(pictures)]
    least = 0.15 * float(np.quantile(changes, 0.75)) if changes else 0.0
    return [*pictures[:1], *(picture for picture, change in zip(pictures[1:], changes, strict=True) if change > least)]


def _steadied(pictures: Sequence[Frames]) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    """The pictures laid over the middle one, and which of their pixels are theirs; None where they cannot be."""
    ways = [np.eye(3)]
    for one, two in pairwise(pictures):
        step = _camera(one, two)
        if step is None:
            return None
        ways.append(ways[-1] @ np.linalg.inv(step))
    base = np.linalg.inv(ways[len(ways) // 2])
    height, width = pictures[0].shape[:2]
    frames, seen = [], []
    for picture, way in zip(pictures, ways, strict=True):
        turn = (base @ way)[:2]
        frames.append(cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_LINEAR))
        whole = np.full((height, width), 255, np.uint8)
        seen.append(cv2.warpAffine(whole, turn, (width, height), flags=cv2.INTER_NEAREST) > 0)
    return np.stack(frames).astype(np.float32), np.stack(seen)


def _camera(one: Frames, two: Frames) -> Floats | None:
    """How the background moves from a picture to the next, `(3, 3)`; None where too little of it can be followed."""
    grey, after = (np.asarray(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), np.uint8) for each in (one, two))
    corners = _corners(grey)
    if len(corners) < 6:
        return np.eye(3)
    found, ok, _ = cv2.calcOpticalFlowPyrLK(grey, after, corners, np.empty(0), winSize=(15, 15), maxLevel=3)
    held = ok.ravel() == 1
    way, inside = None, held
    if held.sum() >= 6:
        way, inside = cv2.estimateAffinePartial2D(corners[held], found[held], ransacReprojThreshold=1.0)
    if way is None or inside.mean() < 0.5:
        return np.eye(3) if np.median(cv2.absdiff(grey, after)) < STILL else None
    return np.vstack([way, [0, 0, 1]])


def _corners(grey: Frames) -> NDArray[np.float32]:
    """Corners `(n, 1, 2)` that can be followed, no more in one part of the picture than in others."""
    height, width = grey.shape
    found = [np.empty((0, 1, 2), np.float32)]
    for top in range(0, height, -(-height // CELLS)):
        for left in range(0, width, -(-width // CELLS)):
            cell = grey[top : top + -(-height // CELLS), left : left + -(-width // CELLS)]
            corners = cv2.goodFeaturesToTrack(cell, 6, 0.05, 4) if cv2.meanStdDev(cell)[1][0, 0] > 1 else None
            if corners is not None:
                found.append(np.add(corners, (left, top), dtype=np.float32))
    return np.concatenate(found)


def _subject(frames: NDArray[np.float32], seen: Mask) -> NDArray[np.bool_]:
    """Where each frame shows something else than what is behind the subject."""
    blurred = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in frames])
    off = largest(np.abs(blurred - _behind(blurred, seen)))
    level = max(APART, 4 * float(np.median(off[seen])))
    masks = (off > level) & seen
    ground = np.ones((3, 3), np.uint8)
    return np.stack([cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, ground) > 0 for mask in masks])


def _behind(frames: NDArray[np.float32], seen: Mask) -> NDArray[np.float32]:
    """What is behind all that moves: what a pixel mostly shows, save where that is the subject itself.

    There it stands out: its outline is an edge that is gone where the pixel shows what fits its surroundings best.
    """
    hidden = np.where(seen[..., None], frames, np.nan)
    middle = _median(hidden, seen.sum(axis=0))
    spread = largest(np.nanmax(hidden, axis=0) - np.nanmin(hidden, axis=0))
    busy = cv2.dilate((spread > APART).astype(np.uint8), np.ones((3, 3), np.uint8))
    guess = cv2.inpaint(middle.round().astype(np.uint8), busy, 5, cv2.INPAINT_TELEA).astype(np.float32)
    miss = np.where(seen, largest(np.abs(frames - guess)), np.inf)
    other = np.take_along_axis(frames, miss.argmin(axis=0)[None, ..., None], axis=0)[0]
    differs = (largest(np.abs(other - middle)) > APART) & (busy > 0)
    _, labels = cv2.connectedComponents(differs.astype(np.uint8))
    theirs, ours = _steps(other), _steps(middle)
    for label in range(1, int(labels.max()) + 1):
        part = labels == label
        rim = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        if theirs[rim].mean() < 0.7 * ours[rim].mean():
            middle[part] = other[part]
            ours = _steps(middle)
    return middle


def _median(hidden: NDArray[np.float32], counts: NDArray[np.intp]) -> NDArray[np.float32]:
    """The median of each pixel's `counts` values over time, the others NaN: a quarter of what `nanmedian` takes."""
    ordered = np.sort(np.moveaxis(hidden, 0, -1), axis=-1)  # NaN comes last
    ends = (np.maximum(0, (counts - 1) // 2), np.minimum(counts // 2, len(hidden) - 1))
    low, high = (np.take_along_axis(ordered, end[:, :, None, None], -1)[..., 0] for end in ends)
    return np.asarray((low + high) / 2, np.float32)


def _steps(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The step at each pixel to those beside it."""
    across, down = (np.asarray(cv2.Sobel(picture, cv2.CV_32F, *way), np.float32) for way in ((1, 0), (0, 1)))
    return largest(np.hypot(across, down))


def _seen_whole(time: int, mask: Mask, seen: Mask, frame: NDArray[np.float32]) -> Row | None:
    """Time, place, area and colour of a frame's largest part that is not background; None where an edge cuts it."""
    count, labels, facts, middles = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return None
    largest = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    area = int(facts[largest, cv2.CC_STAT_AREA])
    if area < ALONE * mask.sum():
        return None
    body = labels == largest
    inner = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    if not SMALLEST * mask.size < area < LARGEST * mask.size or (body & ~inner).any():
        return None
    core = cv2.erode(body.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    colour = np.median(frame[core if core.any() else body], axis=0) / 255
    return time, np.asarray(middles[largest]), float(area), np.asarray(rgb2lab(colour))
