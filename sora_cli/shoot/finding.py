"""What an edit names in words, in a film: a box around it, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sora_cli.engines.changes import Change, point_of
from sora_cli.engines.segmenting import open_segmenter
from sora_cli.errors import MediaError, RequestError
from sora_cli.media.read import Film
from sora_cli.media.stream import Frames
from sora_cli.remembered import cache_folder, remembered
from sora_cli.review.named import find

AROUND = Fraction(1, 6)
"""Seconds before and after a frame, of which a box holds the thing that is replaced."""
WIDER = 0.08
"""Of that thing's size: how much larger the box is on each side."""
SEEN = 192
"""Pixels of the longer side of the pictures in which something is looked for by its colour, and of its masks."""
EDITION = 1
"""Raised when a segmenter would be asked otherwise, or its boxes made otherwise."""

Mask = NDArray[np.float32]
Rectangle = list[int]
"""Left, top, right and bottom in the pixels of a small mask; empty where there is nothing."""


def found(change: Change, film: Film, fps: Fraction, stretch: tuple[int, int], name: str) -> list[Mask]:
    """Small masks `(h, w)`, one for each film frame of a stretch (first, end): 1 in a box around what is named.

    What the user's models found is remembered by the film's hash.

    Raises:
        RequestError: it cannot be told in a film that was there before, which is called `name`.
        MediaError: the same, in one that was made now.
        EngineMissing, WorkError, OutOfMemory: a segmenter cannot be opened, or failed.
    """
    shown = film.shown_at(fps)[slice(*stretch)]
    wide, high = film.facts.width, film.facts.height
    scale = min(1.0, SEEN / max(wide, high))
    size = max(8, round(wide * scale)), max(8, round(high * scale))
    around = max(1, round(AROUND * fps))
    if change.segmenter:
        boxes = _by_models(change, film.pictures(shown), size, around, (*stretch, str(fps)))
        why = "" if any(boxes) else "its segmenter sees nothing that is called so"
    else:
        small = [np.asarray(Image.fromarray(picture).resize(size)) for picture in film.pictures(shown)]
        masks, why = find(small, change.words)
        boxes = _boxes(masks, around)
    if why:
        hint = "name it by its colour, as `the red ball`; give a region or a mask; or name a segmenter"
        error = MediaError if change.excerpts else RequestError  # it was not there before
        raise error(f'"{change.words}" cannot be found in {name}: {why}', hint=_other(change) or hint)
    return [_drawn(box, size) for box in boxes]


def _other(change: Change) -> str:
    if not change.segmenter:
        return ""
    if point_of(change.words) is None:
        return "name it otherwise, or give a region or a mask"
    return "give another point, or a region or a mask"


def _by_models(
    change: Change, pictures: Iterator[Frames], size: tuple[int, int], around: int, where: tuple[object, ...]
) -> list[Rectangle]:
    """The boxes of what models find; they are loaded where it was not looked for before."""
    kept = remembered(cache_folder() / "segmented.jsonl", f"{EDITION} {change.segmenter}")
    name = f"{change.sha256} {change.words} {where} {size}"
    before = kept.find(name) if change.sha256 else None
    if isinstance(before, list) and all(_rectangle(each, size) for each in before):
        return before
    with closing(open_segmenter([model for model, _ in change.segmenter])) as segmenter:
        masks = [_shrunk(mask, size) for mask in segmenter.masks(pictures, change.words)]
    boxes = _boxes(masks, around)
    if change.sha256:
        kept.keep({name: boxes})
    return boxes


def _rectangle(value: object, size: tuple[int, int]) -> bool:
    """Whether this is one of our rectangles, as anybody may have written it."""
    match value:
        case []:
            return True
        case [int(left), int(top), int(right), int(bottom)]:
            return 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
    return False


def _shrunk(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask of `size`, in which each pixel is set that has something of it."""
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)) > 0


def _boxes(masks: Sequence[NDArray[np.bool_]], around: int) -> list[Rectangle]:
    """A box for each frame, around where a thing is in the frames `around` it: the new one may be of another form.

    A model looks at several frames at once: what moves is to be gone from all of them.
    """
    return [_box(np.any(masks[max(0, number - around) : number + around + 1], axis=0)) for number in range(len(masks))]


def _box(mask: NDArray[np.bool_]) -> Rectangle:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    more = max(1, round(WIDER * max(np.ptp(rows), np.ptp(columns))))
    left, top = max(0, int(columns[0]) - more), max(0, int(rows[0]) - more)
    high, wide = mask.shape
    return [left, top, min(wide, int(columns[-1]) + 1 + more), min(high, int(rows[-1]) + 1 + more)]


def _drawn(box: Rectangle, size: tuple[int, int]) -> Mask:
    mask = np.zeros(size[::-1], np.float32)
    if box:
        left, top, right, bottom = box
        mask[top:bottom, left:right] = 1
    return mask
