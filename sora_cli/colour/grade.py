"""The look: what each shot's colour is held to, as one colour table a shot, the same on all its frames.

Frames that are handed on to another take are matched first. What carries on from them is then where the shot before it
was brought, so its own grade comes in over its length: nothing jumps where two takes meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av
import numpy as np

from sora_cli.colour.cube import Colours, look_up, read_cube, rough_m3d, table, weakened, write_cube, write_curve
from sora_cli.colour.lut import Lut, read_lut
from sora_cli.colour.match import ColourMatch, match
from sora_cli.errors import MediaError
from sora_cli.lock import scratch
from sora_cli.media.filters import Chain, Step
from sora_cli.media.read import Film, open_film
from sora_cli.media.read.glimpse import glimpse, watched
from sora_cli.media.read.shelf import Open
from sora_cli.media.stream import Frames
from sora_cli.plan.anchors import anchors_of
from sora_cli.plan.timeline import Cut, CutShot

Steps = Sequence[Step]
"""Filters, one after the other."""
GLIMPSES = 4
"""Frames of a shot that are looked at."""
_PIXELS = 1024
_FINEST = 65


class Grader:
    """Grades a film's shots. They are asked for in film order, each when it begins, so a long film costs no memory."""

    def __init__(self, cut: Cut, opener: Open = open_film) -> None:
        """`opener` opens its clips: whoever plays them next may be handed the same film."""
        self.cut, self.open = cut, opener
        self._seen: dict[str, Frames] = {}
        """Some pixels of each anchor, as graded, `(n, 3)`."""
        self._looked: dict[str, Frames] = {}
        """Some pixels of each shot that was played already, `(n, 3)`."""
        shots = [*{shot.name: shot for shot in cut.shots if shot.pieces}.values()]  # one may play again
        held = zip(shots, anchors_of(shots), strict=True)
        self._anchors = {shot.name: shots[anchor] for shot, anchor in held if anchor is not None}
        """What each shot is held to, where that is another shot."""
        self._held = {anchor.name for anchor in self._anchors.values()}
        """Those that others are held to."""
        self._next = {one.name: two for one, two in pairwise(cut.shots) if one.pieces and two.pieces}
        """The shot after each, where both have pictures."""

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
            pixels = self._pixels(shot) if shot.name in self._held else None
        else:
            anchor = self._anchor(shot)
            pixels = self._pixels(shot) if anchor is not None or shot.name in self._held else None
            full = None
            if anchor is not None and pixels is not None:
                full = table(match(_coded(pixels), _coded(anchor), look.strength))
        if pixels is not None and shot.name in self._held:
            graded = pixels if full is None else np.rint(look_up(full, _coded(pixels)) * 255).astype(np.uint8)
            self._seen[shot.name] = graded
        return full

    def _pixels(self, shot: CutShot) -> Frames:
        """Some pixels of a shot, `(n, 3)`, from a few frames over its length."""
        if shot.name in self._looked:
            return self._looked[shot.name]
        each = max(1, round(GLIMPSES / len(shot.pieces)))
        looks = []
        for piece in shot.pieces[:GLIMPSES]:
            with self.open(piece.clip.path) as film:
                looks.append(glimpse(film, sorted(set(piece.frames)), each))
        return _thin(np.concatenate(looks))

    def watching(self, shot: CutShot) -> Open:
        """What opens a shot's clip for who plays all of it before its table is asked for: it is decoded once then."""
        if len(shot.pieces) != 1:
            return self.open

        def keep(look: Frames) -> None:
            self._looked[shot.name] = _thin(look)

        @contextmanager
        def opened(path: Path) -> Iterator[Film]:
            with self.open(path) as film:
                yield watched(film, sorted(set(shot.pieces[0].frames)), GLIMPSES, keep)

        return opened

    def _anchor(self, shot: CutShot) -> Frames | None:
        """Pixels of what the shot's colour is held to; None where that is the shot itself, or nothing."""
        if shot.look.match == "picture" and shot.look.path is not None:
            return _reference(shot.look.path) if shot.look.strength else None
        anchor = self._anchors.get(shot.name)
        if anchor is not None and anchor.name not in self._seen:
            self.table(anchor)
        return self._seen[anchor.name] if anchor is not None else None

    def tables(self, shot: CutShot) -> list[tuple[Colours | None, Colours | None]]:
        """The colour tables at the beginning and at the end of each piece of a shot, between which it goes over.

        Mostly all are the shot's one table. But where a piece carries on from frames that were matched before they were
        handed on, there is nothing to undo at its beginning, and at its end what the model drifted by until then.

        Raises:
            MediaError: as `table` does.
        """
        full = self.table(shot)
        if full is None:
            return self._own(shot)
        held_to = self._held_to(shot) if any(piece.matched for piece in shot.pieces) else None
        if held_to is None:
            return [(full, full)] * len(shot.pieces)
        found: list[tuple[Colours | None, Colours | None]] = []
        for piece in shot.pieces:
            end = table(held(piece.clip.path, held_to, shot.look.strength))
            found.append((None if piece.matched else found[-1][1] if found else end, end))
        return found

    def _own(self, shot: CutShot) -> list[tuple[Colours | None, Colours | None]]:
        """Tables of a shot that others are held to: a piece before corrected frames ends at their colours."""
        later = self._next.get(shot.name)
        after = [*shot.pieces[1:], *(later.pieces[:1] if later is not None else ())]
        found: list[tuple[Colours | None, Colours | None]] = [(None, None)] * len(shot.pieces)
        for number, piece in enumerate(after):
            if piece.matched and piece.repeats and number:
                gone, anchor = shot.pieces[number], shot.pieces[0].clip.path
                found[number] = None, table(held(gone.clip.path, anchor, shot.look.strength, gone.frames[-1]))
        return found

    def _held_to(self, shot: CutShot) -> Path | None:
        """The picture or clip that a shot's frames were held to before they were handed on, if they were."""
        if shot.look.match == "picture":
            return shot.look.path
        anchor = self._anchors.get(shot.name)
        return anchor.pieces[0].clip.path if anchor is not None and shot.look.match != "previous" else None

    @contextmanager
    def steps(self, shot: CutShot) -> Iterator[Sequence[tuple[Sequence[Step], Sequence[Step]]]]:
        """The filters that grade each piece of a shot, at its beginning and at its end, for as long as the block lasts.

        They are the same object where the grade stays the same.
        """
        with scratch() as folder:
            if shot.look.match == "lut" and shot.look.path is not None:
                whole = lut_steps(read_lut(shot.look.path), shot.look.strength, folder)
                yield [(whole, whole)] * len(shot.pieces)
                return
            tables = self.tables(shot)
            made: dict[int, Sequence[Step]] = {id(None): ()}
            for number, full in enumerate(chain.from_iterable(tables)):
                if full is not None and id(full) not in made:
                    path = folder / f"{number}.m3d"
                    path.write_bytes(rough_m3d(full))  # a scratch file need not reach the disk
                    made[id(full)] = (("lut3d", {"file": str(path)}),)
            yield [(made[id(begin)], made[id(end)]) for begin, end in tables]


def lut_steps(lut: Lut, strength: float, folder: Path) -> tuple[Step, ...]:
    """The filters that put a .cube file's colours on frames of 16 bits: its curve exactly, its table tetrahedrally.

    Part of the way (`strength` below 1) a curve and a table together are sampled as one table.
    """
    curve, box = lut.fine_curve(strength), lut.box
    if strength < 1 and box is not None:
        curve, box = None, weakened(table(lut, _FINEST) if curve is not None else box, strength)
    steps: list[Step] = []
    if curve is not None:
        write_curve(folder / "curve.cube", curve)
        steps.append(("lut1d", {"file": str(folder / "curve.cube")}))
    if box is not None:
        write_cube(folder / "box.cube", box)
        steps.append(("lut3d", {"file": str(folder / "box.cube")}))
    return tuple(steps)


def lut_name(number: int, shot: str, part: int) -> str:
    """Name the file of a shot's colour table: the shot's place in the film (from 1), its name, the table's number."""
    name = re.sub(r"[^\w-]+", "-", shot).strip("-")
    return f"{number:03d}-{name}{f'-{part}' if part > 1 else ''}.cube"


def write_luts(cut: Cut, folder: Path, mark: Callable[[str], str]) -> list[Path]:
    """Write the colour table of each shot that has one as a .cube file, named after its place and its name.

    Where a shot's grade goes over from one table to the next, each is written, numbered.

    `mark` is as `write_cube` has it.

    The tables are for coded BT.709 or sRGB values, 0 to 1, as grading programs apply them to a film on its timeline.

    Raises:
        MediaError: a clip or what it is held to cannot be read, or the folder not be written.
    """
    return [path for written, _ in luts(Grader(cut), folder, mark) for path in written]


def luts(grader: Grader, folder: Path, mark: Callable[[str], str]) -> Iterator[tuple[Sequence[Path], Colours | None]]:
    """Write the tables as `write_luts` does; of each shot come its files, and the table that it begins with."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"cannot write to {folder}: {error.strerror}", hint="name a folder you may write to"
        ) from error
    for number, shot in enumerate(grader.cut.shots, 1):
        tables = grader.tables(shot)
        written = []
        for part, full in enumerate({id(end): end for _, end in tables if end is not None}.values(), 1):
            written.append(folder / lut_name(number, shot.name, part))
            write_cube(written[-1], full, shot.name, mark)
        yield written, tables[0][1] if tables else None


def held(clip: Path, anchor: Path, strength: float, last: int | None = None) -> ColourMatch:
    """The change that holds a clip's colours to those of another, or of a picture; of that, `strength` (0 to 1).

    It looks at the whole of both, so that the film and the next take's opening frames get the very same change; or of
    the clip at the few frames that end with `last` alone, where it drifts on its way.

    Raises:
        MediaError: one of them cannot be read.
    """
    return match(_coded(_reference(clip, last)), _coded(_reference(anchor)), strength)


def graded(frames: Frames, change: ColourMatch) -> Frames:
    """Frames `(n, h, w, 3)` with their colours changed, as the finished film's are."""
    out = np.empty_like(frames)
    with scratch() as folder:
        path = folder / "look.cube"
        write_cube(path, table(change))
        deep, plain = (("format", {"pix_fmts": pixels}) for pixels in ("gbrp16le", "gbrp"))
        grade = Chain(deep, ("lut3d", {"file": str(path)}), plain)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 1000)
            out[number] = grade(frame).to_ndarray(format="rgb24")
    return out


def _reference(path: Path, last: int | None = None) -> Frames:
    """Pixels of a picture, or of a few frames over the length of a film or at its frame `last`."""
    with open_film(path) as film:
        whole = range(len(film.index.times))
        return _thin(glimpse(film, whole if last is None else whole[: last + 1][-GLIMPSES:], GLIMPSES))


def _thin(frames: Frames) -> Frames:
    pixels = frames.reshape(-1, 3)
    return pixels[np.linspace(0, len(pixels) - 1, min(_PIXELS, len(pixels))).round().astype(np.int64)]


def _coded(pixels: Frames) -> Colours:
    return pixels.astype(np.float64) / 255
