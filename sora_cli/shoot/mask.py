"""What of a film is made anew: its frames and its mask as a take sees them, and as the film shows them.

A mask is 1 where the picture is made anew, 0 where it stays, and between them in the seam, which is `SEAM` of the
picture's height wide and lies outside what was named.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from sora_cli.engines.base import Take
from sora_cli.engines.changes import Change
from sora_cli.errors import RequestError, counted
from sora_cli.media.read import Film, Probe, open_film
from sora_cli.media.stream import Frames, largest
from sora_cli.shoot.finding import found
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.edits import WHOLE, Box

SEAM = Fraction(1, 32)
"""Of the picture's height: how wide the seam is."""
GREY = 128
OTHER = 40
"""Steps of 8 bits: where the film and what was made differ by more around a mask, they show different things."""
LEAST = 1 / 5000
"""The share of the picture that a mask must show."""
DIM = 16
"""Steps of 8 bits, below which a mask is black: noise of JPEG, and masks of 0 and 1, which change next to nothing."""
SQUEEZED, ROUNDED = 0.1, 16
"""How much wider or narrower a view may be that a take shows, in parts of its width and pixels: engines round sizes."""
ASKEW = 0.05
"""How much wider or narrower a mask may be than its film, in parts of its width."""

Mask = NDArray[np.float32]
Size = tuple[int, int]


def seam(height: int) -> int:
    """Pixels of the seam in a picture of this height."""
    return max(1, round(height * SEAM))


class Part(Struct, frozen=True):
    """The part of a film that a change makes anew."""

    change: Change
    facts: Probe
    kept: Sequence[Mask] = ()
    """Of what is named in words: a small mask for each film frame of the stretch."""

    @classmethod
    def of(cls, change: Change, *, models: bool = True) -> Part:
        """Look for it in the film; without `models`, only for what is found without those of the user's.

        Raises:
            RequestError: it cannot be told, or the mask does not fit the film.
            MediaError: a file cannot be read.
            EngineMissing, WorkError, OutOfMemory: a segmenter failed.
        """
        with open_film(change.path or Path()) as film:
            facts = film.facts
            part = cls(change, facts)
            if change.end > (part.count + Fraction(1, 2)) / part.fps:
                length = float(part.count / part.fps)
                raise RequestError(
                    f"{facts.path.name} ends at {length:g} s, and the stretch at {float(change.end):g} s",
                    hint="end it earlier",
                )
            looked = change.words and (models or not change.segmenter)
            kept = found(change, film, part.fps, (part.first, part.end), part.name) if looked else ()
        if change.mask is not None:
            part.check_mask(change.mask)
        return cls(change, facts, kept)

    @property
    def name(self) -> str:
        """What it is called."""
        return "the shot" if self.change.excerpts else self.facts.path.name

    @property
    def fps(self) -> Fraction:
        """The rate at which the film is played."""
        return self.facts.fps or Fraction(25)

    @property
    def count(self) -> int:
        """How many frames it shows at that rate."""
        return len(self.facts.shown_at(self.fps))

    @property
    def view(self) -> Box:
        """What of the film the take sees: left, top, width and height, in parts of its picture."""
        if self.change.outpaint is None:
            return self.change.view
        return canvas_view(self.facts.even_size, canvas(self.facts.even_size, self.change.outpaint))

    def check_shape(self, size: Size) -> None:
        """Refuse a view that takes of this size would squeeze.

        Raises:
            RequestError: it has another shape; or borders are asked for, and there are none.
        """
        if self.change.outpaint is not None and self.view == WHOLE:
            raise RequestError(
                f"{self.name} has that shape already", hint="name another `outpaint`, or leave it as it is"
            )
        width, height = self.facts.width, self.facts.height
        region = self.change.region
        if region and not (in_box(region, self.view, size).any() and in_box(region, WHOLE, (width, height)).any()):
            raise RequestError(f"the region is smaller than a pixel of {self.name}", hint="name a larger one")
        wide, high = width * self.view[2], height * self.view[3]
        if abs(wide / high * size[1] - size[0]) <= max(ROUNDED, SQUEEZED * size[0]):
            return
        hint = f"name an engine of that shape, or let the film have it: `output: {{size: {_ratio(wide, high)}}}`"
        if self.change.view == WHOLE and self.change.outpaint is None:
            across, down = min(1.0, high * size[0] / size[1] / wide), min(1.0, wide * size[1] / size[0] / high)
            box = (round((1 - across) / 2, 4), round((1 - down) / 2, 4), round(across, 4), round(down, 4))
            hint = f"name a part of it that has: `view: {list(box)}`"
        raise RequestError(
            f"the takes are {size[0]}x{size[1]}, and what they change of {self.name} has another shape", hint=hint
        )

    @property
    def first(self) -> int:
        """The film frame at which the stretch begins."""
        return int(self.change.start * self.fps + Fraction(1, 2))

    @property
    def end(self) -> int:
        """The film frame before which it ends."""
        return max(self.first + 1, int(self.change.end * self.fps + Fraction(1, 2)))

    def check_mask(self, path: Path) -> None:
        """Refuse a mask that shows nothing, or is as long as neither the stretch nor the film.

        Raises:
            RequestError, MediaError: it cannot be used.
        """
        with open_film(path) as film:
            stretch = self.end - self.first
            if kind_of(path) != "picture" and len(self._places(film)) not in {stretch, self.count}:
                long = counted(film.facts.frames, "frame")
                raise RequestError(
                    f"{path.name} has {long}: neither as many as the stretch ({stretch}) nor as the film "
                    f"({self.count})",
                    hint="make it as long as the stretch, or give a picture",
                )
            self._check_alike(film.facts)
        require_shown(path)

    def _check_alike(self, mask: Probe) -> None:
        """Refuse a mask of another shape, which would be squeezed: it would show another place.

        Raises:
            RequestError: it has another shape.
        """
        shapes = [(facts.width, facts.height) for facts in (mask, self.facts)]
        (wide, high), (width, height) = shapes
        if abs(wide * height / (high * width) - 1) > ASKEW:
            told = f"{mask.path.name} is {wide}x{high}, and {self.name} {width}x{height}, which is another shape"
            raise RequestError(told, hint="paint it over a whole frame of the film")

    def _places(self, mask: Film) -> Sequence[int]:
        """Which frame of a mask is on at each frame of the stretch, or of the film: where they are as many, one by one.

        Else by their times: a mask may come at another rate.
        """
        count = mask.facts.frames
        if count in {1, self.end - self.first, self.count}:
            return range(count)
        return mask.shown_at(self.fps)

    def masks(self, numbers: Sequence[int], size: Size, view: Box | None = None) -> Mask:
        """The masks of these film frames, `(n, height, width)`, as `view` (the change's own) shows them in `size`."""
        view = view or self.view
        if self.change.whole:
            return np.ones((len(numbers), size[1], size[0]), np.float32)
        width = max(1, round(size[1] / view[3] * float(SEAM)))
        if self.change.mask is not None or self.change.words:
            hard = [np.asarray(in_view(mask, view, size) / 255, np.float32) for mask in self._read(numbers)]
            return np.stack([feathered(mask, width) for mask in hard])
        box = self.change.region or (0.0, 0.0, 1.0, 1.0)
        inside = in_box(box, view, size)
        hard_one = inside if self.change.region else 1 - inside
        return np.repeat(feathered(hard_one, width)[None], len(numbers), axis=0)

    def _read(self, numbers: Sequence[int]) -> list[NDArray[np.uint8]]:
        """The masks of film frames as bytes, of any size."""
        if self.change.mask is None:
            places = (min(max(number - self.first, 0), len(self.kept) - 1) for number in numbers)
            return [np.rint(self.kept[place] * 255).astype(np.uint8) for place in places]
        with open_film(self.change.mask) as film:
            shown = self._places(film)
            first = 0 if len(shown) == self.count else self.first
            wanted = [shown[min(max(number - first, 0), len(shown) - 1)] for number in numbers]
            each = sorted(set(wanted))
            found = {number: _painted(picture) for number, picture in zip(each, film.pictures(each), strict=True)}
        return [found[number] for number in wanted]


def _painted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How far each pixel of a mask is from black: what is painted in a colour is painted too."""
    return np.asarray(picture.max(axis=-1))


def check(change: Change, size: Size, *, models: bool) -> None:
    """Refuse a change that takes of this size cannot make, as far as it is known before a shot that it is of is made.

    Raises:
        RequestError, MediaError: as `Part.of` does.
    """
    if change.path is not None:
        Part.of(change, models=models).check_shape(size)
    elif change.mask is not None:
        require_shown(change.mask)


def require_shown(path: Path) -> None:
    """Refuse a mask that shows nothing, and one with transparency, which some programs paint with and others cut out.

    Raises:
        RequestError, MediaError: it cannot be used.
    """
    with open_film(path) as film:
        count = film.facts.frames
        looked = sorted({0, count // 2, count - 1})
        if film.see_through(looked):
            told = f"{path.name} is transparent in places: white is what is made anew, and black what stays"
            raise RequestError(told, hint="lay it on black or on white, and save it without transparency")
        shown = max(float((_painted(picture) >= DIM).mean()) for picture in film.pictures(looked))
    if shown < LEAST:
        raise RequestError(f"{path.name} is black: nothing is made anew", hint="paint white, 255, what is to be made")


def given(take: Take) -> tuple[Frames, Mask] | None:
    """The frames of the film that a take changes, and what of them it makes anew; None where it changes none."""
    if take.change is None:
        return None
    part, size = Part.of(take.change), (take.width, take.height)
    last = part.count - 1
    ticks = (int((take.change.at + number / take.fps) * part.fps) for number in range(take.frames))
    numbers = [min(max(tick, 0), last) for tick in ticks]
    with open_film(part.facts.path) as film:
        shown = film.shown_at(part.fps)
        frames = [in_view(p, part.view, size, GREY) for p in film.pictures([shown[n] for n in numbers])]
    return np.stack(frames).astype(np.uint8), part.masks(numbers, size)


def put_in(made: Frames, film: Frames, mask: Mask) -> Frames:
    """What was made, `(n, height, width, 3)`, in the film's frames where the mask says so, its colours fitted to them.

    Outside the mask the film's pixels stay as they are.
    """
    put = (_fitted(*each) for each in zip(made, film, mask, strict=True))
    return np.stack([np.rint(old * (1 - part) + new * part) for new, old, part in put]).astype(np.uint8)


def _fitted(made: Frames, film: Frames, mask: Mask) -> tuple[NDArray[np.float32], Frames, Mask]:
    """A picture that was made, brought to meet the film around the mask; the film's, and the mask `(h, w, 1)`.

    Around the mask both show the same, but for what the model lost. That difference goes on into the mask, the smoother
    the further in: a membrane, as of Perez et al. 2003 (doi 10.1145/882262.882269).
    """
    inside = mask > 0
    off = np.subtract(film, made, dtype=np.float32)
    ring = (distance_transform_edt(~inside) <= seam(len(mask))) & ~inside if inside.any() else inside
    fitted = made + spread(off, ring & (largest(np.abs(off)) < OTHER))
    return np.clip(fitted, 0, 255).astype(np.float32), film, mask[..., None]


def spread(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values `(h, w, 3)` where they are known, smoothly gone on with where they are not; 0 where none is.

    By pull and push (Gortler et al. 1996, doi 10.1145/237170.237200): a pyramid of means, of which each level fills the
    gaps of the finer one.
    """
    levels = [np.concatenate([values * known[..., None], known[..., None]], axis=-1, dtype=np.float32)]
    while max(levels[-1].shape[:2]) > 1:
        high, wide = levels[-1].shape[:2]
        even = np.pad(levels[-1], ((0, high % 2), (0, wide % 2), (0, 0)))
        levels.append(even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2])
    found = np.zeros((1, 1, 3), np.float32)
    for level in reversed(levels):
        high, wide = level.shape[:2]
        size = (high + high % 2, wide + wide % 2) if high > 1 or wide > 1 else (1, 1)
        planes = [
            np.asarray(Image.fromarray(each).resize(size[::-1], Image.Resampling.BILINEAR), np.float32)
            for each in np.moveaxis(found, -1, 0)
        ]
        part = np.minimum(level[..., 3:], 1)
        mean = level[..., :3] / np.maximum(level[..., 3:], 1e-6)
        found = np.stack(planes, axis=-1)[:high, :wide] * (1 - part) + mean * part
    return found


def canvas(size: Size, shape: tuple[int, int]) -> Size:
    """The canvas of a shape (width to height) that holds a picture of this size; both its sides are even."""
    width, height = size
    wide = max(width, round(height * shape[0] / shape[1]))
    high = max(height, round(width * shape[1] / shape[0]))
    return wide + wide % 2, high + high % 2


def middle(size: Size, within: Size) -> tuple[int, int]:
    """Where the picture lies in the middle of a canvas: left and top, even."""
    return (within[0] - size[0]) // 2 & ~1, (within[1] - size[1]) // 2 & ~1


def canvas_view(size: Size, within: Size) -> Box:
    """All of a canvas, as a view of the picture in its middle."""
    left, top = middle(size, within)
    return -left / size[0], -top / size[1], within[0] / size[0], within[1] / size[1]


def _ratio(wide: float, high: float) -> str:
    shape = Fraction(wide / high).limit_denominator(40)
    return f"{shape.numerator}:{shape.denominator}"


# -- places ------------------------------------------------------------------------------------------------------------


def in_view(picture: NDArray[np.uint8], view: Box, size: Size, beyond: int = 0) -> NDArray[np.uint8]:
    """A picture as a view of it shows it in `size` (width, height) pixels; `beyond` it there is one value."""
    high, wide = picture.shape[:2]
    left, top, width, height = view
    if view == (0.0, 0.0, 1.0, 1.0) and size == (wide, high):
        return picture
    across, down = size[0] / width, size[1] / height
    box = max(left, 0.0), max(top, 0.0), min(left + width, 1.0), min(top + height, 1.0)
    at = [round(edge) for edge in ((box[0] - left) * across, (box[1] - top) * down)]
    to = [round(edge) for edge in ((box[2] - left) * across, (box[3] - top) * down)]
    out = np.full((size[1], size[0], *picture.shape[2:]), beyond, np.uint8)
    inner = (max(1, to[0] - at[0]), max(1, to[1] - at[1]))
    cut = (box[0] * wide, box[1] * high, box[2] * wide, box[3] * high)
    kind = Image.Resampling.LANCZOS if picture.ndim == 3 else Image.Resampling.BILINEAR
    out[at[1] : at[1] + inner[1], at[0] : at[0] + inner[0]] = np.asarray(
        Image.fromarray(picture).resize(inner, kind, cut)
    )
    return out


def in_box(box: Box, view: Box, size: Size) -> Mask:
    """1 in a part of a picture and 0 around it, as a view of the picture shows it."""
    across, down = size[0] / view[2], size[1] / view[3]
    left, right = ((edge - view[0]) * across for edge in (box[0], box[0] + box[2]))
    top, bottom = ((edge - view[1]) * down for edge in (box[1], box[1] + box[3]))
    mask = np.zeros((size[1], size[0]), np.float32)
    mask[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = 1
    return mask


def feathered(mask: Mask, width: int) -> Mask:
    """A mask with a seam around what is whole in it: from 1 to 0 over so many pixels."""
    away = distance_transform_edt(mask < 0.5)
    ramp = np.clip(1 - away / (width + 1), 0, 1) if (mask >= 0.5).any() else np.zeros_like(mask)
    return np.maximum(mask, ramp).astype(np.float32)
