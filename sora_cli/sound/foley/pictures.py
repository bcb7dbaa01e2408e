"""Finds things that land, hit, roll and slide in frames, and in nothing else.

A thing is a compact patch of one colour of its own that keeps its shape and moves. Lengths are in heights of the
picture, so any size will do; a camera that moves evenly does not disturb, since only jumps of speed count as hits.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy import ndimage

from sora_cli.media.stream import Frames

Array = NDArray[np.float64]

ROWS = 64  # frames are looked at this small
COLOURS = 14  # colours of a shot that are followed
REACH = 0.2  # how near a pixel's colour has to be to one of them
JUMP = 1.0  # heights a second by which a speed changes where something hits
FALLING = 0.3  # heights a second of what can hit
SIDEWAYS = 0.6  # of that jump: what comes down keeps its way sideways; what is torn apart jumps anywhere
APART = 0.25  # seconds between two hits
GOING = 0.16  # heights a second from which something rolls or slides
LONG = 0.35  # seconds it has to


class Contact(Struct, frozen=True):
    """Something that happens in a shot.

    Attributes:
        kind: `impact` (it comes down), `roll` or `slide`.
        time: seconds into the shot; of a roll or a slide its beginning.
        strength: heights of the picture a second: the jump of its speed, or its speed.
        x: where, from -1 (left) to 1 (right).
        seconds: how long a roll or a slide lasts; 0 of a hit.
    """

    kind: str
    time: float
    strength: float
    x: float
    seconds: float = 0.0


class BodyTrack(Struct, frozen=True):
    """Where a thing is in each frame: `x` and `y` (downwards) of its middle in heights, NaN where it is not seen."""

    x: Array
    y: Array
    whole: NDArray[np.bool_]  # not cut by an edge of the picture
    fill: float  # of its bounding box, with its holes filled: 0.785 is a disc
    score: float


def contacts(frames: Frames, fps: float) -> list[Contact]:
    """Find the contacts in one shot (frames, rows, columns, 3), in order of time; the caller finds cuts."""
    if len(frames) < 4:
        return []
    small = shrunk(frames)
    track = follow(small)
    if track is None:
        return []
    wide = small.shape[2] / small.shape[1]
    found = [*_hits(track, fps, wide), *_going(track, _ground(small, track), fps, wide)]
    return sorted(found, key=lambda event: event.time)


def shrunk(frames: Frames) -> Array:
    """Frames of at most `ROWS` rows, by means of areas, as opponent colours: lightness, red-green, yellow-blue."""
    step = max(1, frames.shape[1] // ROWS)
    rows, columns = frames.shape[1] // step * step, frames.shape[2] // step * step
    part = np.zeros((len(frames), rows // step, columns // step, 3))
    for number, frame in enumerate(frames):  # one by one, and by hand: `mean` takes four times as long
        whole = frame[:rows, :columns].astype(np.float64) / 255
        for down, across in product(range(step), repeat=2):
            part[number] += whole[down::step, across::step]
    part /= step**2
    red, green, blue = part[..., 0], part[..., 1], part[..., 2]
    return np.stack((0.5 * (0.3 * red + 0.59 * green + 0.11 * blue), red - green, (red + green) / 2 - blue), -1)


# ---------------------------------------------------------------------------------------------------------- following


def follow(small: Array) -> BodyTrack | None:
    """Find the thing that moves most and stands out most, over all colours of the shot."""
    tracks = [track for colour in _colours(small) if (track := _track(small, colour))]
    return max(tracks, key=lambda track: track.score, default=None)


def _colours(small: Array) -> Array:
    """The most unlike colours that fill at least a patch: farthest points among the means of blocks."""
    rows, columns = small.shape[1] // 4 * 4, small.shape[2] // 4 * 4
    blocks = small[:: max(1, len(small) // 6), :rows, :columns]
    blocks = blocks.reshape(len(blocks), rows // 4, 4, columns // 4, 4, 3)
    even = blocks.std(axis=(2, 4)).max(axis=-1) < 0.04
    means = blocks.mean(axis=(2, 4))[even]
    if not len(means):
        return np.zeros((0, 3))
    chosen = [np.median(means, axis=0)]
    apart = np.linalg.norm(means - chosen[0], axis=1)
    for _ in range(COLOURS):
        chosen.append(means[int(apart.argmax())])
        apart = np.minimum(apart, np.linalg.norm(means - chosen[-1], axis=1))
    return np.array(chosen[1:])


def _track(small: Array, colour: Array) -> BodyTrack | None:
    """The largest patch of a colour through the shot, if it is a thing; None if it is scenery."""
    off = [(small[..., channel] - colour[channel]) ** 2 for channel in range(3)]
    near = np.clip(1 - np.sqrt(off[0] + off[1] + off[2]) / REACH, 0, 1)
    high, wide = small.shape[1:3]
    masks = _opened(near > 0.25)
    if masks.any(axis=(1, 2)).mean() < 0.6:
        return None
    seen = [_patch(one, mask) for one, mask in zip(near, masks, strict=True)]
    area = np.array([one[0] for one in seen])
    there = area > 0.002 * high * high
    if there.mean() < 0.6:
        return None
    own = np.array([one[1] for one in seen])[there]
    box = np.array([one[4] for one in seen])
    tall, broad = (box[:, 1] - box[:, 0]) / high, (box[:, 3] - box[:, 2]) / high
    size = float(np.median(area[there])) / high**2
    if size > 0.3 or np.median(own) < 0.5 or np.median(tall[there]) > 0.75 or np.median(broad[there]) > 0.75:
        return None
    whole = there & (box[:, 0] > 0) & (box[:, 1] < high) & (box[:, 2] > 0) & (box[:, 3] < wide)
    x, y = (_bridged(np.where(there, np.array([one[k] for one in seen]) / high, np.nan)) for k in (3, 2))
    whole |= ~there & np.isfinite(y)
    fill = float(np.median((area / np.maximum(tall * broad * high * high, 1))[there]))
    moved = float(np.nanstd(y) + 0.5 * np.nanstd(x))
    chroma = float(np.linalg.norm(colour[1:] - np.median(small[..., 1:], axis=(0, 1, 2))))
    steady = 1 / (1 + 4 * float(area[there].std() / area[there].mean()))
    return BodyTrack(x, y, whole, fill, float(np.median(own)) ** 2 * steady * (0.02 + moved) * (0.2 + chroma))


def _bridged(path: Array) -> Array:
    """A path with its gaps of up to three frames drawn straight."""
    seen = np.flatnonzero(np.isfinite(path))
    bridged = np.interp(np.arange(len(path)), seen, path[seen], left=np.nan, right=np.nan)
    for a, b in pairwise(seen):
        if b - a > 4:
            bridged[a + 1 : b] = np.nan
    return bridged


_CROSS = ndimage.generate_binary_structure(2, 1)
"""What is joined: pixels side by side."""


def _opened(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Masks (frames, rows, columns) without what holds no square of 2 x 2 pixels: `binary_opening` of all at once."""
    squares = masks[:, 1:, 1:] & masks[:, :-1, 1:] & masks[:, 1:, :-1] & masks[:, :-1, :-1]
    opened = np.zeros_like(masks)
    for down, across in product((slice(1, None), slice(None, -1)), repeat=2):
        opened[:, down, across] |= squares
    return opened


def _filled(body: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A patch with its holes: all that is not joined to what is around it."""
    rows, columns = body.shape
    around = np.ones((rows + 2, columns + 2), bool)
    around[1:-1, 1:-1] = ~body
    around, _ = ndimage.label(around, _CROSS)
    return np.asarray(around[1:-1, 1:-1] != around[0, 0])


def _patch(near: Array, mask: NDArray[np.bool_]) -> tuple[float, float, float, float, NDArray[np.int64]]:
    """The largest patch of a picture: area with its holes, its share of the colour, row, column, and bounding box."""
    labels, count = ndimage.label(mask, _CROSS)
    if not count:
        return 0.0, 0.0, 0.0, 0.0, np.zeros(4, np.int64)
    sizes = np.bincount(labels.ravel())[1:]
    largest = int(sizes.argmax())
    rows, columns = ndimage.find_objects(labels)[largest]
    one = _filled(labels[rows, columns] == 1 + largest)
    margin = max(2, len(one) // 4)  # soft pictures tear a thing apart: what lies beside it belongs to it
    top, left = max(0, rows.start - margin), max(0, columns.start - margin)
    weight = near[top : rows.stop + margin, left : columns.stop + margin].copy()
    weight[rows.start - top :, columns.start - left :][: one.shape[0], : one.shape[1]][one] += 0.3
    row = top + float(weight.sum(axis=1) @ np.arange(len(weight)) / weight.sum())
    column = left + float(weight.sum(axis=0) @ np.arange(weight.shape[1]) / weight.sum())
    box = np.array([rows.start, rows.stop, columns.start, columns.stop])
    return float(one.sum()), float(sizes.max() / mask.sum()), row, column, box


def _ground(small: Array, track: BodyTrack) -> Array:
    """How far the ground under the thing moves to the right from frame to frame, in heights (frames - 1)."""
    high = small.shape[1]
    strip = np.diff(small[:, int(0.82 * high) :, :, 0].mean(axis=1), axis=1)
    moves = np.zeros(len(small) - 1)
    for k in range(len(moves)):
        at = track.x[k] if np.isfinite(track.x[k]) else small.shape[2] / high / 2
        first = int(np.clip((at - 0.45) * high, 0, small.shape[2] - 2))
        part = slice(first, min(first + int(0.9 * high), small.shape[2] - 1))
        moves[k] = _shift(strip[k, part], strip[k + 1, part]) / high
    return moves


def _shift(one: Array, other: Array) -> float:
    """By how many samples `other` lies to the right of `one`: the best overlap, refined by a parabola."""
    span = 8
    if one.std() < 1e-4:
        return 0.0
    scores = []
    for lag in range(-span, span + 1):
        a, b = one[max(0, -lag) : len(one) - max(0, lag)], other[max(0, lag) : len(other) - max(0, -lag)]
        scores.append(-float(((a - b) ** 2).mean()))
    best = int(np.argmax(scores))
    if best in {0, 2 * span}:
        return 0.0
    left, top, right = scores[best - 1 : best + 2]
    return best - span + 0.5 * (right - left) / (2 * top - left - right + 1e-12)


# ------------------------------------------------------------------------------------------------------------ hearing


def _hits(track: BodyTrack, fps: float, wide: float) -> list[Contact]:
    """Jumps of speed upwards: it has come down on something.

    Speeds are slopes over four frames, so that pictures that move in fits and starts have no hits of their own. Jumps
    sideways are not taken for hits: in nano's films nearly all of them were torn pictures.
    """
    found: list[Contact] = []
    for k in range(2, len(track.y) - 2):
        if not track.whole[max(0, k - 1) : k + 3].all():
            continue
        before, after = _slopes(track.y, k, fps)
        left, right = _slopes(track.x, k, fps)
        down = before - after
        if down >= JUMP and before > FALLING and abs(left - right) < SIDEWAYS * down:
            found.append(Contact("impact", (k + _within(track.y, k)) / fps, down, _side(track.x[k], wide)))
    return _strongest(found, APART)


def _slopes(place: Array, k: int, fps: float) -> tuple[float, float]:
    """Speed over the four frames up to k, and over the four after it; 0 where it is not seen in all of them."""
    sides = place[max(0, k - 3) : k + 1], place[k + 1 : k + 5]
    if not all(np.isfinite(side).all() for side in sides):
        return 0.0, 0.0
    before, after = (float(np.polyfit(np.arange(len(side)), side, 1)[0]) * fps for side in sides)
    return before, after


def _within(y: Array, k: int) -> float:
    """Where the lowest point lies, in frames after k: the two flights, drawn on straight, meet there."""
    fall, rise = y[k] - y[k - 1], (y[k + 2] - y[k + 1] if k + 2 < len(y) else y[k] - y[k - 1])
    meet = (y[k + 1] - rise - y[k]) / (fall - rise) if abs(fall - rise) > 1e-6 else 0.5
    return float(np.clip(meet, 0, 1)) if np.isfinite(meet) else 0.5


def _strongest(found: list[Contact], apart: float) -> list[Contact]:
    """Of hits nearer than `apart` seconds the strongest."""
    kept: list[Contact] = []
    for event in sorted(found, key=lambda one: -one.strength):
        if all(abs(event.time - other.time) >= apart for other in kept):
            kept.append(event)
    return kept


def _going(track: BodyTrack, ground: Array, fps: float, wide: float) -> list[Contact]:
    """Rolls and slides: level stretches over which it moves along the ground at no less than `GOING`."""
    along = (np.diff(track.x) - ground) * fps
    level = np.abs(np.diff(track.y)) * fps < 0.2
    smooth = ndimage.median_filter(np.nan_to_num(along), 5)
    runs, count = ndimage.label((np.abs(smooth) > GOING) & level)
    kind = "roll" if 0.7 <= track.fill <= 0.86 else "slide"
    found = []
    for one in range(1, count + 1):
        where = np.flatnonzero(runs == one)
        if len(where) >= LONG * fps:
            speed = float(np.abs(smooth[where]).mean())
            x = _side(float(np.nanmean(track.x[where])), wide)
            found.append(Contact(kind, where[0] / fps, speed, x, len(where) / fps))
    return found


def _side(x: float, wide: float) -> float:
    return float(np.clip(2 * x / wide - 1, -1, 1))
