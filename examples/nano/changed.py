"""Measure changed films as they come out: `sora edit` and `sora extend`, on films of held-out scenes.

python -m examples.nano.changed outside --count 20

`outside`: what lies outside a region and its seam, against the film. `replaced`: where the new thing goes. `borders`:
how they join the picture. `longer`: how what is made joins the film; `own`: the same, of films that nano made. One line
a film, then one of all.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from torch import Tensor

from sora_cli.cli.main import main as sora
from sora_cli.media.film import write_film
from sora_cli.media.read import probe, read_frames
from sora_cli.media.stream import Frames, Master
from sora_cli.review.bars import Bars
from sora_cli.review.judge import judge as judged
from sora_cli.review.parts import ShotSpan
from sora_cli.review.watch import watch
from sora_cli.shoot.mask import seam
from sora_cli.stamp.watermark import with_mark
from sora_cli.storyboard.model import Watermark

from .config import FPS, FRAMES, HEIGHT, WIDTH
from .edits import Case, box_of, cases
from .examiner import Examiner
from .world import render

NEAR = 0.5
"""In the old thing's width: how far, on the mean of all frames, the new one may be from where the old one was."""
JOIN = 1.3
"""Usual steps: how large those at a border may be."""
Found = dict[str, float]


def clip_of(case: Case) -> Frames:
    """The old scene as frames `(n, height, width, 3)`."""
    found: Frames = (render([case.old]).video[0] * 255).round().byte().permute(1, 2, 3, 0).numpy()
    return found


def master_of(frames: Frames) -> Master:
    """These frames as a film."""
    height, width = frames.shape[1:3]

    def pictures() -> Iterator[av.VideoFrame]:
        return (av.VideoFrame.from_ndarray(frame) for frame in frames)

    return Master(width=width, height=height, fps=Fraction(FPS), frames=len(frames), pictures=pictures)


def changed(frames: Frames, words: list[str], seed: int, kind: str = "mp4") -> tuple[Frames, Frames] | None:
    """A film of these frames, as it is read, and what a command makes of it; None where it refuses."""
    source, out = Path(f"film-{seed}.mp4"), Path(f"changed-{seed}.{kind}")
    write_film(source, master_of(frames))
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        refused = sora([words[0], str(source), *words[1:], "--seed", str(seed), "-o", str(out)])
    if refused:
        print(" ".join(told.getvalue().split())[-300:], flush=True)
        return None
    return read_frames(source, 0, len(frames)), read_frames(out, 0, probe(out).frames)


def marked(count: int, height: int, width: int) -> NDArray[np.bool_]:
    """Where the visible mark of a film lies, `(frames, height, width)`, with what an encoder may smear around it."""
    grey = np.full((count, height, width, 3), 128, np.uint8)
    shown = with_mark(master_of(grey), Watermark()).pictures()
    return np.stack(
        [
            binary_dilation(np.abs(frame.to_ndarray(format="rgb24").astype(int) - 128).max(-1) > 0, iterations=9)
            for frame in shown
        ]
    )


def region_of(case: Case) -> tuple[NDArray[np.bool_], str]:
    """The box around both actors, with its seam; and as the option has it."""
    box = box_of(render([case.old]).actor[0], render([case.new]).actor[0]).numpy() > 0
    rows, columns = np.flatnonzero(box.any(1)), np.flatnonzero(box.any(0))
    near = seam(HEIGHT) + 1
    around = np.zeros_like(box)
    around[max(0, rows[0] - near) : rows[-1] + near + 1, max(0, columns[0] - near) : columns[-1] + near + 1] = True
    part = (columns[0] / WIDTH, rows[0] / HEIGHT, len(columns) / WIDTH, len(rows) / HEIGHT)
    return around, ",".join(f"{each:.4f}" for each in part)


def decibels(one: Frames, other: Frames, where: NDArray[np.bool_]) -> float:
    """PSNR of two films where a mask says so."""
    off = (one.astype(np.float64) - other)[where]
    return float(-10 * np.log10(max(float(np.square(off).mean()) / 255**2, 1e-10)))


def outside(case: Case, seed: int) -> Found | None:
    """PSNR to the film as it was read, outside the region, its seam and the visible mark, in dB."""
    around, region = region_of(case)
    words = ["edit", case.text, "--region", region]
    found: Found = {}
    for kind in ("mp4", "mkv"):
        pair = changed(clip_of(case), words, seed, kind)
        if pair is None:
            return None
        where = ~around[None] & ~marked(FRAMES, HEIGHT, WIDTH)
        if where.mean() < 0.02:
            return None
        found[f"{kind} dB"] = decibels(*pair, where)
    return {"ok": float(found["mp4 dB"] > 45), **found}


def track(film: Frames) -> tuple[Tensor, Tensor, Tensor]:
    """Where the examiner sees the actor: x and y `(frames, 2)`, its area a frame, and where it is seen."""
    found = Examiner().look(torch.from_numpy(film[:FRAMES]).permute(3, 0, 1, 2)[None].float() / 255)
    area = found.area[0]
    return torch.stack([found.x[0], found.y[0]], -1), area, area > max(0.015, 0.3 * float(area.max()))


def replaced(case: Case, seed: int) -> Found | None:
    """How far the new thing is from where the old one was, in the old one's width."""
    named = f"the {case.old.colour} {case.old.shape}"
    pair = changed(clip_of(case), ["edit", case.text, "--replace", named], seed)
    if pair is None:
        return None
    was, old_area, old_seen = track(pair[0])
    now, _, new_seen = track(pair[1])
    both = old_seen & new_seen
    if int(both.sum()) < 4:
        return {"ok": 0.0, "apart": float("inf"), "colour": 0.0}
    look = Examiner().look(torch.from_numpy(pair[1]).permute(3, 0, 1, 2)[None].float() / 255)
    apart = float(((was - now).norm(dim=-1) / (2 * (old_area / np.pi).sqrt()))[both].mean())
    right = look.names["colour"][0] == case.new.colour
    shape = look.names["shape"][0] == case.new.shape
    return {"ok": float(apart <= NEAR), "apart": apart, "colour": float(right), "shape": float(shape)}


def borders(case: Case, seed: int) -> Found | None:
    """The mean step of brightness from column to column in the seams of both borders, in usual ones of the picture.

    `film` is what it was there before. `by chance` is the share of as many columns at other places of the picture of
    which that is over 1.3 too.
    """
    film, square = clip_of(case), seed % 2 == 0
    film = film[:, :, (WIDTH - HEIGHT) // 2 :][:, :, :HEIGHT] if square else film
    pair = changed(film, ["edit", case.text, "--outpaint", "3:2" if square else "16:9"], seed)
    if pair is None:
        return None
    side, width = film.shape[2], seam(HEIGHT)
    left = (pair[1].shape[2] - side) // 2 & ~1
    before, steps = (np.abs(np.diff(each.astype(np.float64).mean(-1), axis=2)).mean((0, 1)) for each in pair)
    own = steps[left + width : left + side - width - 1]
    seams = steps[left - 2 : left + width], steps[left + side - width - 1 : left + side + 1]
    jump = float(np.mean(seams) / own.mean())
    there = float(np.mean([before[:width], before[-width:]]) / own.mean())
    places = np.convolve(own, np.full(width + 2, 1 / (width + 2)), "valid") / own.mean()
    return {"ok": float(jump <= JOIN), "jump": jump, "film": there, "by chance": float((places > JOIN).mean())}


def own(case: Case, seed: int) -> Found | None:
    """The same as `longer`, of a film that nano made."""
    made = Path(f"own-{seed}.mkv")
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        sora(["generate", case.old_text, "--seed", str(seed), "--duration", f"{FRAMES}f", "-o", str(made)])
    return longer(case, seed, read_frames(made, 0, FRAMES))


def longer(case: Case, seed: int, frames: Frames | None = None) -> Found | None:
    """The figures of the join by which `sora review` judges films, and whether all keep to its bars."""
    pair = changed(clip_of(case) if frames is None else frames, ["extend", case.old_text], seed)
    if pair is None:
        return None
    count = len(pair[1])
    part = ShotSpan("film", "film", 0, count, (0, count), joins=(FRAMES,))
    rows = judged([part], watch(pair[1], [part]), None, Fraction(FPS), Bars())
    figures = [each for row in rows[:2] for each in row.figures if each.value is not None]
    told = {each.name: float(each.value or 0) for each in figures}
    falls = [each.name for each in figures if not each.ok]
    print(f"falls short: {', '.join(falls) or 'nothing'}", flush=True)
    return {"ok": float(rows[1].ok), "all ok": float(not falls), **told}


KINDS: dict[str, Callable[[Case, int], Found | None]] = {
    "outside": outside, "replaced": replaced, "borders": borders, "longer": longer, "own": own
}  # fmt: skip


def main() -> None:
    """Make the films, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--first", type=int, default=0, help="how many scenes are passed over")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="keep the films here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as new:
        folder = str(asked.folder or new)
        os.chdir(folder)
        os.environ |= {"SORA_STORE": f"{folder}/store", "XDG_CONFIG_HOME": folder}
        rows = []
        for number, case in islice(enumerate(cases(asked.first + asked.count)), asked.first, None):
            found = KINDS[asked.kind](case, 1 + number)
            print(number, {n: round(v, 3) for n, v in (found or {}).items()}, case.text, flush=True)
            rows += [found] if found else []
        names = {name: None for row in rows for name in row}
        middle = {n: round(float(np.median([row[n] for row in rows if n in row])), 3) for n in names if n != "ok"}
        print(f"{asked.kind}: {sum(row['ok'] for row in rows):.0f} of {len(rows)} films made; medians {middle}")


if __name__ == "__main__":
    main()
