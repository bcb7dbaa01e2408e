"""The look: what each shot's colour is held to, as one colour table a shot, the same on all its frames."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from sora_cli.claim import scratch
from sora_cli.errors import MediaError
from sora_cli.master.cube import Colours, look_up, read_cube, table, weakened, write_cube
from sora_cli.master.match import match
from sora_cli.media.glimpse import SMALL, glimpse
from sora_cli.media.picture import fit, picture_header, read_picture
from sora_cli.media.probe import probe
from sora_cli.media.reel import Chain, Step
from sora_cli.media.stream import Frames
from sora_cli.timeline import Cut, CutShot

GLIMPSES = 4
"""Frames of a shot that are looked at."""
_PIXELS = 1024


@dataclass
class Grader:
    """Grades a film's shots. They are asked for in film order, each when it begins, so a long film costs no memory."""

    cut: Cut
    _seen: dict[str, Frames] = field(default_factory=dict)
    """Some pixels of each shot, as graded, `(n, 3)`."""

    def table(self, shot: CutShot) -> Colours | None:
        """The colour table of a shot, `(b, g, r, 3)`; None where its colours stay as they are.

        Raises:
            MediaError: a clip, or the look's picture or .cube file, cannot be read.
        """
        if not shot.pieces:
            return None  # a title card alone has no colours to hold
        look = shot.look
        if look.match == "lut" and look.path is not None:
            full = weakened(read_cube(look.path), look.strength)
            pixels = _pixels(shot) if self._is_anchor(shot) else None
        else:
            anchor = self._anchor(shot) if look.strength > 0 else None
            pixels = _pixels(shot) if anchor is not None or self._is_anchor(shot) else None
            full = None
            if anchor is not None and pixels is not None:
                full = table(match(_coded(pixels), _coded(anchor), look.strength))
        if pixels is not None and self._is_anchor(shot):
            graded = pixels if full is None else np.rint(look_up(full, _coded(pixels)) * 255).astype(np.uint8)
            self._seen[shot.name] = graded
        return full

    def _anchor(self, shot: CutShot) -> Frames | None:
        """Pixels of what the shot's colour is held to; None where that is the shot itself, or nothing."""
        look, shots = shot.look, self._shots
        if look.match == "picture" and look.path is not None:
            return _reference(look.path)
        place = next(index for index, other in enumerate(shots) if other is shot)
        held = {
            "scene": next(index for index, other in enumerate(shots) if other.scene == shot.scene),
            "film": 0,
            "previous": max(0, place - 1),
        }.get(look.match, place)
        if held == place:
            return None
        anchor = shots[held]
        if anchor.name not in self._seen:
            self.table(anchor)
        return self._seen[anchor.name]

    def _is_anchor(self, shot: CutShot) -> bool:
        """Whether other shots of the film are held to this one."""
        shots = self._shots
        looks = {other.look.match for other in shots if other is not shot}
        opens_scene = next(other for other in shots if other.scene == shot.scene) is shot
        return "previous" in looks or ("film" in looks and shot is shots[0]) or ("scene" in looks and opens_scene)

    @property
    def _shots(self) -> list[CutShot]:
        """The shots that have pictures."""
        return [shot for shot in self.cut.shots if shot.pieces]

    @contextmanager
    def steps(self, shot: CutShot) -> Iterator[Sequence[Step]]:
        """The filters that grade a shot, for as long as the block lasts."""
        full = self.table(shot)
        if full is None:
            yield ()
            return
        with scratch() as folder:
            path = folder / "look.cube"
            write_cube(path, full)
            yield (("lut3d", {"file": str(path)}),)


def write_luts(cut: Cut, folder: Path) -> list[Path]:
    """Write the colour table of each shot that has one as a .cube file, named after its place and its name.

    The tables are for coded BT.709 or sRGB values, 0 to 1, as grading programs apply them to a film on its timeline.

    Raises:
        MediaError: a clip or what it is held to cannot be read, or the folder not be written.
    """
    grader, written = Grader(cut), []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"cannot write to {folder}: {error.strerror}", hint="name a folder you may write to"
        ) from error
    for number, shot in enumerate(cut.shots, 1):
        full = grader.table(shot)
        if full is not None:
            name = re.sub(r"[^\w-]+", "-", shot.name).strip("-")
            written.append(folder / f"{number:03d}-{name}.cube")
            write_cube(written[-1], full, shot.name)
    return written


def match_frames(frames: Frames, anchor: Frames, strength: float = 1.0) -> Frames:
    """Frames `(n, h, w, 3)` with their colours held to those of other frames, as a shot's are held to its scene's.

    For frames that are handed on to the next take, so that a chain of takes does not drift.
    """
    change = match(_coded(_spread(frames)), _coded(_spread(anchor)), strength)
    out = np.empty_like(frames)
    with scratch() as folder:
        path = folder / "look.cube"
        write_cube(path, table(change))
        grade = Chain(("format", {"pix_fmts": "gbrp"}), ("lut3d", {"file": str(path)}))
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 1000)
            out[number] = grade(frame).to_ndarray(format="rgb24")
    return out


def _reference(path: Path) -> Frames:
    """Pixels of a picture, or of a few frames over the length of a film."""
    if picture_header(path) is not None:
        return _thin(fit(read_picture(path), *SMALL))
    return _thin(glimpse(path, range(probe(path).frames), GLIMPSES))


def _pixels(shot: CutShot) -> Frames:
    """Some pixels of a shot, `(n, 3)`, from a few frames over its length."""
    each = max(1, round(GLIMPSES / len(shot.pieces)))
    looks = (glimpse(piece.clip.path, sorted(set(piece.frames)), each) for piece in shot.pieces[:GLIMPSES])
    return _thin(np.concatenate(list(looks)))


def _spread(frames: Frames) -> Frames:
    """Some pixels of frames, made small first so that noise averages out."""
    picks = np.linspace(0, len(frames) - 1, min(GLIMPSES, len(frames))).round().astype(np.int64)
    return _thin(fit(frames[picks], *SMALL))


def _thin(frames: Frames) -> Frames:
    pixels = frames.reshape(-1, 3)
    return pixels[np.linspace(0, len(pixels) - 1, min(_PIXELS, len(pixels))).round().astype(np.int64)]


def _coded(pixels: Frames) -> Colours:
    return pixels.astype(np.float64) / 255
