"""What part of finishing 60 shots colour fit and contact sheet are; `python -m tests.benchmarks look` prints it.

Sixty painted shots of 17 frames in the size of nano, each with a drift of its own: finished, marked, encoded, and drawn
as a sheet in one process. Its imports count on neither side, nor do signing and checks. The part is held against all.
To open a clip and to decode its frames is finishing: what the fit looks at is kept until it is played, and each frame
is decoded once, which is counted.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from sora_cli.colour.grade import Grader, Steps
from sora_cli.master import finish
from sora_cli.media.clip import write_clip
from sora_cli.media.film import write_film
from sora_cli.media.read import shelf
from sora_cli.media.read.reel import Reel
from sora_cli.media.sheet import ContactSheet, SheetShot
from sora_cli.plan.timeline import Cut, CutShot, Piece
from sora_cli.stamp.watermark import with_mark
from sora_cli.store import Clip
from sora_cli.storyboard.model import Look, Transition, Watermark
from tests.benchmarks.pairs import Cost, Row, python

SHOTS, FRAMES, SIZE, FPS = 60, 17, (384, 256), Fraction(12)
BAR = 0.15


@dataclass
class Clock:
    """Seconds by the clock and of the processor that some of the work takes."""

    wall: float = 0.0
    cpu: float = 0.0
    runs: bool = False

    @contextlib.contextmanager
    def running(self, sign: int = 1) -> Iterator[None]:
        """Count what is done meanwhile; or take it off again, where it is done while this clock runs."""
        before, self.runs = self.runs, sign > 0
        began, spent = time.perf_counter(), time.process_time()
        yield
        if sign > 0 or before:
            self.wall += sign * (time.perf_counter() - began)
            self.cpu += sign * (time.process_time() - spent)
        self.runs = before


def make_clips(folder: Path) -> None:
    """Pans over painted pictures, each shot with a drift of its own."""
    from tests.master.painted import CASES, paint

    drifts = list(CASES.values())
    for number in range(SHOTS):
        painted = drifts[number % len(drifts)](paint("harbour", number, 300, 560))
        picture = np.rint(np.clip(painted, 0, 1) * 255).astype(np.uint8)
        wide = np.asarray(Image.fromarray(picture).resize((SIZE[0] + 2 * FRAMES, SIZE[1]), Image.Resampling.BICUBIC))
        write_clip(
            folder / f"{number}.mp4", np.stack([wide[:, 2 * at : 2 * at + SIZE[0]] for at in range(FRAMES)]), FPS
        )


def the_cut(folder: Path) -> Cut:
    """The film as a cut."""
    shots = []
    for number in range(SHOTS):
        path = folder / f"{number}.mp4"
        clip = Clip(key=path.stem, path=path, sha256="", frames=FRAMES, width=SIZE[0], height=SIZE[1], fps=FPS)
        pieces = (Piece(clip, tuple(range(FRAMES))),)
        place = {"scene": "one", "start": number * FRAMES}
        shots.append(
            CutShot(
                name=f"shot {number}", pieces=pieces, transition=Transition(), overlap=0, look=Look("scene"), **place
            )
        )
    return Cut(width=SIZE[0], height=SIZE[1], fps=FPS, shots=tuple(shots))


def measure(folder: Path) -> list[tuple[float, float]]:
    """Finish once: wall and processor seconds of the fit and the sheet, and of all."""
    cut, part, whole = the_cut(folder), Clock(), Clock()
    steps, decode, seen = Grader.steps, Reel._decode, 0

    def decoded(film: Reel) -> Iterator[av.VideoFrame]:
        nonlocal seen
        with part.running(-1):
            frames = decode(film)
        while True:
            with part.running(-1):
                frame = next(frames, None)
            if frame is None:
                return
            seen += 1
            yield frame

    def opened(path: Path) -> object:
        with part.running(-1):
            stack, film = shelve(path)
            assert film.index
        return stack, film

    @contextlib.contextmanager
    def counted(grader: Grader, shot: CutShot) -> Iterator[Steps]:
        with contextlib.ExitStack() as stack:
            with part.running():
                found = stack.enter_context(steps(grader, shot))
            yield found

    def taken(sheet: ContactSheet, number: int, frame: av.VideoFrame) -> None:
        with part.running():
            take(sheet, number, frame)

    take, Grader.steps, ContactSheet.take = ContactSheet.take, counted, taken
    shelve, shelf._opened, Reel._decode = shelf._opened, opened, decoded
    film, shots = folder / "film.mp4", [SheetShot(shot.name, shot.start, FRAMES) for shot in cut.shots]
    with whole.running(), ContactSheet(shots, film, folder / "film.png") as sheet:
        write_film(film, sheet.watching(with_mark(finish(cut), Watermark())))
        with part.running():
            sheet.put()
    assert seen == SHOTS * FRAMES, f"{seen} frames were decoded"
    return [(each.wall, each.cpu) for each in (part, whole)]


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """The one row: each of its pairs is one run."""
    place = folder / "look"
    place.mkdir()
    make_clips(place)
    parts, wholes = [], []
    for _ in range(rounds):
        told = subprocess.run(
            python("-m", "tests.benchmarks.bench_look", str(place)), check=True, capture_output=True, text=True
        )
        part, whole, peak = json.loads(told.stdout)
        parts.append(Cost(*part, peak))
        wholes.append(Cost(*whole, peak))
    yield Row(f"colour fit and contact sheet of {SHOTS} shots", "finishing them", parts, wholes, BAR)


if __name__ == "__main__":
    print(json.dumps([*measure(Path(sys.argv[1])), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
