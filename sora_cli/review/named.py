"""Finding what is named in words, as far as it can be told from what is behind it: by its colour, or by its motion.

It is no model: it knows eleven colours. Where several things could be meant, or none, it says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sora_cli.engines.changes import point_of
from sora_cli.media.stream import Frames, largest

HUES = {
    "red": (345, 14),
    "orange": (14, 42),
    "yellow": (42, 70),
    "green": (70, 165),
    "blue": (165, 262),
    "purple": (262, 300),
    "violet": (262, 300),
    "pink": (300, 345),
}
"""Degrees from which, and up to which, a hue goes by a name."""
PALE = ("white", "grey", "gray", "black")
VIVID, BRIGHT = 0.38, 0.25
"""The least saturation and value, 0 to 1, of a colour that has a hue."""
APART = 24
"""Steps of 8 bits between what moves and what is behind it."""
SMALLEST, LARGEST = 0.001, 0.4
"""Shares of the picture that it may cover."""
ALONE = 0.6
"""The share of all that could be meant that the largest part must have."""
HOLE = 0.1
"""Of a body: how large a hole may be that belongs to it."""
SLACK, SURE = 0.07, 0.9
"""How much less or more vivid and bright a colour is that one sees in a thing who looks otherwise; the share of what
the one sees that the other sees too, where it can be told where the thing ends."""
OFTEN = 0.6
"""The share of frames in which it must be told."""
JUMP = 0.25
"""Of the picture's width: how far it may go from one frame to the next."""
STILL = 6.0
"""Steps of 8 bits: a border of the picture that changes more shows a camera that moves."""

Mask = NDArray[np.bool_]


def find(pictures: Sequence[Frames], words: str) -> tuple[list[Mask], str]:
    """Where the thing that `words` name is in each picture `(h, w, 3)`; and why that cannot be told, else nothing.

    Words may be a point of the first picture, `X,Y` in parts of it: then it is what has its colour there.
    """
    if point := point_of(words):
        return _at(pictures, point)
    asked = re.findall(r"[a-z]+", words.lower())
    colour = next((word for word in asked if word in (*HUES, *PALE)), "")
    moving = _moving(pictures)
    if not colour and moving is None:
        return [], "no colour is named, and nothing moves before a background that stands still"
    if not colour:
        return _followed(moving or [], "nothing that moves stands out")
    coloured = [_coloured(picture, colour) for picture in pictures]
    masks, why = _surely(pictures, coloured, colour)
    if why and moving is not None:
        both = [
            one & cv2.dilate(other.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
            for one, other in zip(coloured, moving, strict=True)
        ]
        masks, _ = _surely(pictures, both, colour)
        return masks, "" if masks else why
    return masks, why


def _at(pictures: Sequence[Frames], point: tuple[float, float]) -> tuple[list[Mask], str]:
    """The thing at a point of the first picture."""
    high, wide = pictures[0].shape[:2]
    across, down = min(int(point[0] * wide), wide - 1), min(int(point[1] * high), high - 1)
    near = pictures[0][max(0, down - 1) : down + 2, max(0, across - 1) : across + 2]
    shares = {colour: float(_coloured(near, colour).mean()) for colour in (*HUES, *PALE)}
    colour = max(shares, key=lambda each: shares[each])
    if shares[colour] < OFTEN:
        return [], "what is at that point has no colour that is known"
    coloured = [_coloured(picture, colour) for picture in pictures]
    return _followed(coloured, f"nothing that is {colour} stands out at that point", np.array([across, down], float))


def _coloured(picture: Frames, colour: str, slack: float = 0.0) -> Mask:
    """Where a picture has a colour; with `slack`, where it nearly has it, or below 0 where it has it surely."""
    hsv = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hue, vivid, bright = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    if colour in PALE:
        light = {"white": bright > 0.85 - slack, "black": bright < 0.2 + slack}
        grey = (bright >= 0.3 - slack) & (bright <= 0.8 + slack)
        return np.asarray(light.get(colour, grey) & ((vivid < 0.15 + slack) | (bright < 0.2)))
    low, high = HUES[colour]
    inside = (hue >= low) & (hue < high) if low < high else (hue >= low) | (hue < high)
    return np.asarray(inside & (vivid > VIVID - slack) & (bright > BRIGHT - slack))


def _moving(pictures: Sequence[Frames]) -> list[Mask] | None:
    """What is not as the pictures mostly are; None where the camera moves, or nothing does."""
    stack = np.stack(pictures).astype(np.float32)
    behind = np.median(stack, axis=0)
    off = largest(np.abs(stack - behind))
    border = np.concatenate([off[:, :2].reshape(-1), off[:, :, :2].reshape(-1), off[:, :, -2:].reshape(-1)])
    if len(pictures) < 3 or float(np.quantile(border, 0.8)) > STILL:
        return None
    masks = [np.asarray(each > APART) for each in off]
    return masks if any(mask.mean() > SMALLEST for mask in masks) else None


def _surely(pictures: Sequence[Frames], shown: Sequence[Mask], colour: str) -> tuple[list[Mask], str]:
    """The one thing of a colour that masks show, and why it cannot be told which that is, or where it ends.

    It ends where it does for those too who see a little more, or a little less, in the colour.
    """
    masks, why = _followed(shown, f"nothing that is {colour} stands out")
    shares = []
    for picture, mask in zip(pictures, masks, strict=bool(masks)):
        _, labels = cv2.connectedComponents(_coloured(picture, colour, SLACK).astype(np.uint8))
        more = np.isin(labels, np.unique(labels[mask & (labels > 0)])) | mask
        less = mask & (_coloured(picture, colour, -SLACK) | ~_coloured(picture, colour))
        shares += [less.sum() / more.sum()] if mask.any() else []
    if masks and float(np.median(shares)) < SURE:
        return [], f"it cannot be told where it ends: what is around it is nearly {colour} too"
    return masks, why


def _followed(masks: Sequence[Mask], nothing: str, place: NDArray[np.float64] | None = None) -> tuple[list[Mask], str]:
    """The one thing that masks show, whole and without holes; and why it cannot be told which that is.

    With a `place` (x, y) it is what is nearest to it at first, and then to where it was.
    """
    found: list[Mask] = []
    many, pointed = 0, place is not None
    for mask in masks:
        body, middle, alone = _body(mask, place, nearest=pointed)
        found.append(body)
        many += not alone
        place = middle if middle is not None else place
    shown = sum(bool(mask.any()) for mask in found)
    if shown < OFTEN * len(masks):
        return [], nothing
    if many > (1 - OFTEN) * len(masks):
        return [], "several things could be meant"
    return [_grown(mask) for mask in found], ""


def _body(
    mask: Mask, place: NDArray[np.float64] | None, *, nearest: bool
) -> tuple[Mask, NDArray[np.float64] | None, bool]:
    """The part of a mask that is meant, its middle, and whether it is the only one of its size."""
    clean = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, facts, middles = cv2.connectedComponentsWithStats(clean)
    areas = facts[1:, cv2.CC_STAT_AREA]
    none = np.zeros_like(mask)
    if count < 2:
        return none, None, True
    order = np.argsort(np.linalg.norm(middles[1:] - place, axis=1) if nearest and place is not None else -areas)
    high, wide = facts[1:, cv2.CC_STAT_HEIGHT], facts[1:, cv2.CC_STAT_WIDTH]
    across = np.asarray((high >= mask.shape[0]) | (wide >= mask.shape[1]))  # no thing: sea, sky, wall
    order = order[~across[order]]
    near = [each for each in order if place is None or np.abs(middles[each + 1] - place).max() < JUMP * mask.shape[1]]
    if not near or not SMALLEST * mask.size < areas[near[0]] < LARGEST * mask.size:
        return none, None, True
    best = int(near[0])
    return labels == best + 1, middles[best + 1], nearest or bool(areas[best] >= ALONE * areas.sum())


def _grown(mask: Mask) -> Mask:
    """A body with its small holes filled: what shines on it is white."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    small = facts[:, cv2.CC_STAT_AREA] < HOLE * mask.sum()
    return np.asarray(mask | small[labels]) if count else mask
