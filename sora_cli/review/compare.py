"""Two pictures of one place: how far their colours and their fine detail are apart, whatever else they show.

Where the same things are found in both (SIFT, Lowe 2004, and a similarity by RANSAC, both OpenCV's), they are laid over
each other, and only what both show is compared. Where not, the mean colours of shadows, middle tones and lights stand
in, and the no-reference blur of Crete et al. 2007 (scikit-image).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.measure import blur_effect

from sora_cli.media.stream import Frames

if TYPE_CHECKING:
    from cv2.typing import MatLike

FEWEST = 10
"""Matches that a common view must stand on."""
FLAT = 1.0
"""Steps of 8 bits, standard deviation: a picture with less has no detail."""
FAINT = 1e-3
"""A measure of detail below which there is none to be held to."""
MORE = 1.5
"""Where no view is common, so much more is allowed."""
ALIKE, ONE = 0.6, 0.9
"""The least correlation of two pictures that were laid over each other, and of two that have one composition."""
OVERLAP = 0.25
"""Share of the picture that must be common."""

Colours = NDArray[np.float64]


class Difference(Struct, frozen=True):
    """How far a picture is from another.

    `then` and `now` are the colours of dark, middle and light thirds there and here, `(3, 3)` sRGB bytes. `detail` is
    the fine detail here in parts of that there.
    """

    then: Colours
    now: Colours
    detail: float | None
    """None where a picture is flat."""
    common: bool
    """Whether the two were laid over each other."""
    other: bool = True
    """Whether there were two: False for a picture that was held to itself."""

    @property
    def colour(self) -> float:
        """The mean CIE dE2000 of the three."""
        return float(deltaE_ciede2000(_lab(self.now), _lab(self.then)).mean())  # type: ignore[no-untyped-call]

    @property
    def drift(self) -> float:
        """What of that is drift: where no view is common, some of it is what else the pictures show."""
        return self.colour / (1 if self.common else MORE)


class Still(Struct, frozen=True, eq=False, dict=True):
    """A picture `(h, w, 3)`, and what is found in it, looked for once."""

    picture: Frames

    @cached_property
    def features(self) -> tuple[Sequence[cv2.KeyPoint], MatLike | None]:
        """Its SIFT points, and what each looks like."""
        return _finder().detectAndCompute(cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY), None)

    @cached_property
    def forms(self) -> Frames:
        """Its broad forms: its lights, blurred."""
        return _bytes(cv2.GaussianBlur(cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY), (0, 0), 3))


def apart(now: Sequence[Still], then: Sequence[Still]) -> Difference:
    """Measure how far pictures of one stretch are from those of another, by the pair that shares most."""
    pairs = [(here, there, _laid(there, here)) for here in now for there in then]
    best = max((pair for pair in pairs if pair[2] is not None), key=lambda pair: pair[2].alike, default=None)  # type: ignore[union-attr]
    if best is not None and best[2] is not None:
        return _over(best[0].picture, best[2])
    were, are = [there.picture for there in then], [here.picture for here in now]
    flat = min(float(picture.std()) for picture in (*were, *are)) < FLAT
    detail = None if flat else _share(_sharp(are), _sharp(were))
    return Difference(_middle(map(zones, were)), _middle(map(zones, are)), detail, common=False)


def zones(picture: Frames) -> Colours:
    """The mean colours of a picture's dark, middle and light thirds, `(3, 3)` sRGB bytes."""
    small = cv2.resize(picture, (48, 32), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float64)
    return np.stack([small[third].mean(axis=0) for third in _thirds(small)])


def _thirds(colours: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """The places of dark, middle and light colours `(n, 3)`."""
    return np.array_split(np.argsort(colours @ (0.299, 0.587, 0.114), kind="stable"), 3)


def _lab(colours: Colours) -> Colours:
    return np.asarray(rgb2lab(np.clip(colours, 0, 255) / 255))


class _Laid(Struct, frozen=True):
    """A picture laid over another, where both show the same."""

    picture: Frames
    mask: NDArray[np.bool_]
    alike: float
    """The correlation of the two there."""
    points: bool
    """Whether points of both were found to fit: then even fine forms lie over each other."""


def _laid(there: Still, here: Still) -> _Laid | None:
    """A picture laid over another by what is found in both, or as it is, where the camera stands: as fits better.

    Points alone may mislead: what they follow may be small, and move by itself, as the visible mark of a film does.
    """
    whole = np.ones(here.picture.shape[:2], bool)
    found = _matched(there, here)
    laid = [_Laid(there.picture, whole, _alike(there, here, whole), points=False)]
    if found is not None:
        laid.append(_Laid(*found, _alike(Still(found[0]), here, found[1]), points=True))
    fitting = (way for way in laid if way.alike > (ALIKE if way.points else ONE))
    return max(fitting, key=lambda way: way.alike, default=None)


def _alike(one: Still, two: Still, mask: NDArray[np.bool_]) -> float:
    """The correlation of the lights of two pictures in a part of them, in broad forms; 0 where one has none."""
    if one.picture.shape != two.picture.shape:
        return 0.0
    first, second = (each.forms[mask].astype(np.float64) for each in (one, two))
    if min(first.std(), second.std()) < FLAT:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _matched(there: Still, here: Still) -> tuple[Frames, NDArray[np.bool_]] | None:
    """A picture laid over another by the points that are found in both, and where it lies."""
    (points, found), (others, wanted) = there.features, here.features
    if found is None or wanted is None or min(len(points), len(others)) < FEWEST:
        return None
    near = cv2.BFMatcher(cv2.NORM_L2).knnMatch(found, wanted, k=2)
    good = [pair[0] for pair in near if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance]
    if len(good) < FEWEST:
        return None
    start = np.array([points[one.queryIdx].pt for one in good], np.float32)
    end = np.array([others[one.trainIdx].pt for one in good], np.float32)
    way, held = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=2.0)
    if way is None or int(held.sum()) < FEWEST:
        return None
    size = (here.picture.shape[1], here.picture.shape[0])
    mask = cv2.warpAffine(np.full(there.picture.shape[:2], 255, np.uint8), way, size) == 255
    return (_bytes(cv2.warpAffine(there.picture, way, size)), mask) if mask.mean() > OVERLAP else None


def _over(here: Frames, laid: _Laid) -> Difference:
    """Compare what both show: middle differences, so that what moved does not count."""
    then, now = (cv2.GaussianBlur(each, (0, 0), 2)[laid.mask].astype(np.float64) for each in (laid.picture, here))
    thirds = _thirds(then)
    base = np.stack([np.median(then[third], axis=0) for third in thirds])
    moved = np.stack([np.median(now[third] - then[third], axis=0) for third in thirds])
    fine = [_edges(each, laid.mask) if laid.points else _sharp([each]) for each in (here, laid.picture)]
    return Difference(base, base + moved, _share(*fine), common=True)


def _share(here: float, there: float) -> float | None:
    """Detail here in parts of that there; None where there is none."""
    return here / there if there > FAINT else None


def _edges(picture: Frames, mask: NDArray[np.bool_]) -> float:
    """The strength of the finest edges in a part of a picture, for its contrast: less light takes both along."""
    # Laying a picture over another softens it a little: a blur on both makes that small beside what is measured.
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    fine = cv2.Laplacian(grey, cv2.CV_32F)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return float(np.percentile(np.abs(fine[inner]), 98) / max(FLAT, grey[inner].std())) if inner.any() else 0.0


def _sharp(pictures: Iterable[Frames]) -> float:
    return float(np.median([1 - blur_effect(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY)) for each in pictures]))  # type: ignore[no-untyped-call]


def _middle(found: Iterable[Colours]) -> Colours:
    return np.asarray(np.median(np.stack(list(found)), axis=0))


@cache
def _finder() -> cv2.SIFT:
    return cv2.SIFT.create(400, contrastThreshold=0.01)


def _bytes(picture: object) -> Frames:
    return np.asarray(picture, np.uint8)
