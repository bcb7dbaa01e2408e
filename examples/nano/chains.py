"""Measure how long chains hold: films of ten beats that carry on from each other, beat ten beside beat one.

python -m examples.nano.chains FOLDER --chains 20      films and figures; chains that are in FOLDER are not made again
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.filters import gaussian

from sora_cli import storyboard
from sora_cli.events import Silent
from sora_cli.flows import film, preflight
from sora_cli.media.read import open_film
from sora_cli.media.stream import Frames
from sora_cli.review.parts import ShotSpan
from sora_cli.review.watch import watch

from .config import FRAMES
from .examiner import Examiner

PLACES = (("a meadow", "daylight"), ("the sea", "sunset"), ("a desert", "daylight"), ("a snowy field", "daylight"),
          ("a city street", "night"))  # fmt: skip
ACTORS = (("red", "ball"), ("blue", "box"), ("yellow", "star"), ("purple", "ball"))
MOVES = ("rolls to the right", "stays still", "rolls to the left", "bounces up and down", "stays still") * 2
BEAT = 12
"""Frames of a beat."""


def board(number: int) -> dict[str, object]:
    """The storyboard of a chain: any twenty in a row are all actors in all places."""
    (setting, light), (colour, shape) = PLACES[number % len(PLACES)], ACTORS[number % len(ACTORS)]
    beats = [{"prompt": f"a {colour} {shape} {move}", "duration": f"{BEAT}f"} for move in MOVES]
    shot = {"name": "chain", "setting": setting, "light": light, "beats": beats}
    return {"storyboard": 1, "title": f"chain {number}", "seed": 100 + number, "engine": "nano",
            "output": {"fps": 12}, "shots": [shot]}  # fmt: skip


def measured(frames: list[Frames], number: int, examiner: Examiner) -> dict[str, object]:
    """How far beat ten is from beat one, and whether the examiner sees the actor in both.

    The camera stands, so pictures are compared as they lie: three of either beat, by the medians of dark, middle and
    light, which what moves hardly changes (mean CIE dE2000). `detail` is what `sora review` says of fine detail.
    """
    first, last = ([frames[beat * BEAT + at] for at in (0, 5, 11)] for beat in (0, len(MOVES) - 1))
    joins = tuple(range(BEAT, len(frames), BEAT))
    seen = watch(frames, [ShotSpan("chain", "", 0, len(frames), (0, len(frames)), joins)], subjects=False)
    apart = float(np.mean([_apart(one, ten) for one in first for ten in last]))
    same = [_seen(frames[beat * BEAT :][:BEAT], number, examiner) for beat in (0, len(MOVES) - 1)]
    return {"apart": apart, "detail": seen.links["chain"][-1].detail, "same": same}


def _apart(one: Frames, ten: Frames) -> float:
    then, now = (gaussian(each, 2, channel_axis=-1, preserve_range=True).reshape(-1, 3) for each in (one, ten))
    thirds = np.array_split(np.argsort(then @ (0.299, 0.587, 0.114), kind="stable"), 3)
    base = np.stack([np.median(then[third], axis=0) for third in thirds])
    moved = np.stack([np.median(now[third] - then[third], axis=0) for third in thirds])
    return float(deltaE_ciede2000(_lab(base + moved), _lab(base)).mean())


def _lab(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rgb2lab(np.clip(colours, 0, 255) / 255))


def _seen(frames: list[Frames], number: int, examiner: Examiner) -> bool:
    """Whether an actor of the asked shape is there, of the asked colour in most frames that show it."""
    colour, shape = ACTORS[number % len(ACTORS)]
    clip = torch.from_numpy(np.stack([*frames, *[frames[-1]] * (FRAMES - BEAT)])).permute(3, 0, 1, 2)[None]
    found = examiner.look(clip.float() / 255)
    area = found.area[0][:BEAT]
    colours = [found.colours[0][at] for at in range(BEAT) if area[at] > 0.3 * area.max()]
    return bool(colours) and colours.count(colour) >= 0.7 * len(colours) and found.names["shape"][0] == shape


def _table(rows: list[dict[str, object]]) -> str:
    """The figures of chains, by place."""
    lines = ["| place | chains | dE2000 | detail | same in beat 1 | in beat 10 |", "|---|---|---|---|---|---|"]
    for name, light in (*PLACES, ("all", "")):
        chosen = [row for row in rows if name in (row["place"], "all")]
        apart, detail = (np.array([row[key] for row in chosen], float) for key in ("apart", "detail"))
        same = np.array([row["same"] for row in chosen]).reshape(-1, 2).sum(axis=0)
        figures = f"{apart.mean():.1f} (up to {apart.max():.1f}) | {detail.mean():.2f} (from {detail.min():.2f})"
        lines.append(
            f"| {', '.join(filter(None, (name, light)))} | {len(chosen)} | {figures} | {same[0]} | {same[1]} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, make the chains that are missing, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chains", type=int, default=20)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["SORA_STORE"] = str(options.folder / "store")
    examiner, rows = Examiner(), list[dict[str, object]]()
    for number in range(options.chains):
        kept = options.folder / f"{number}.json"
        if not kept.exists():
            planned = preflight.whole(storyboard.read_data(board(number), folder=options.folder))
            made = film.make(planned, options.folder / f"{number}.mp4", report=Silent())
            with open_film(made.path) as opened:
                frames = list(opened.pictures(range(opened.facts.frames)))
            figures = measured(frames, number, examiner)
            kept.write_text(json.dumps({"place": PLACES[number % len(PLACES)][0], **figures}), encoding="utf-8")
        rows.append(json.loads(kept.read_text(encoding="utf-8")))
        print(number, ACTORS[number % len(ACTORS)], rows[-1], flush=True)
    print(_table(rows))


if __name__ == "__main__":
    main()
