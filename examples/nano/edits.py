"""Score edits: in rendered scenes the actor is replaced by another in its box, and the examiner says what is there.

python -m examples.nano.edits --count 20

A box is placed by the world's truth: it holds the old actor and the new one in all frames, with a margin.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from sora_cli.engines import catalogue
from sora_cli.engines.base import Engine, Given, Take
from sora_cli.shoot.mask import feathered, put_in, seam

from .captions import describe
from .config import FPS, FRAMES, HEIGHT, WIDTH
from .examiner import Examiner
from .scene import SHAPES, Scene, draw_scene
from .score import MUST_SAY, SEED, judge
from .sheet import GUIDANCE, STEPS
from .world import COLOUR, render

MARGIN = 0.15
"""Of the longer side of what the box holds: how much larger it is on each side."""
SHOWN = 0.05
"""From this share of a pixel on an actor is in it."""


@dataclass(frozen=True)
class Case:
    """A scene, the same with another actor, and what is said of that."""

    old: Scene
    new: Scene
    text: str
    old_text: str


def cases(count: int) -> Iterator[Case]:
    """Held-out scenes of one actor and a camera that stands still; the new actor has another shape and colour."""
    rng = np.random.default_rng(SEED + 77)
    while count:
        old = draw_scene(rng, switches=0.0)
        if old.camera != "static" or old.other is not None or old.opening is not None:
            continue
        shape = str(rng.choice([each for each in SHAPES if each != old.shape]))
        new = replace(old, shape=shape, colour=str(rng.choice([each for each in COLOUR if each != old.colour])))
        text, said = describe(new, rng)
        if all(name in said for name in MUST_SAY):
            count -= 1
            yield Case(old, new, text, describe(old, np.random.default_rng(old.seed))[0])


def box_of(*actors: Tensor) -> Tensor:
    """A mask (rows, columns), 1 in the box around all that these actors (frames, rows, columns) cover."""
    seen = torch.stack([(actor > SHOWN).any(0) for actor in actors]).any(0)
    rows, columns = torch.nonzero(seen.any(1)).flatten(), torch.nonzero(seen.any(0)).flatten()
    more = int(MARGIN * max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])))
    box = torch.zeros(HEIGHT, WIDTH)
    top, left = max(0, int(rows[0]) - more), max(0, int(columns[0]) - more)
    box[top : int(rows[-1]) + 1 + more, left : int(columns[-1]) + 1 + more] = 1
    return box


def edited(engine: Engine, case: Case, seed: int) -> Tensor:
    """The old scene's clip (3, frames, rows, columns), 0 to 1, with its box made anew, as `sora edit` does it."""
    old, new = render([case.old]), render([case.new])
    film = (old.video[0] * 255).round().byte().permute(1, 2, 3, 0).numpy()
    mask = np.repeat(feathered(box_of(old.actor[0], new.actor[0]).numpy(), seam(HEIGHT))[None], FRAMES, 0)
    take = Take(
        name="edit", key="", engine="nano", revision="", prompt=case.text, avoid="", width=WIDTH, height=HEIGHT,
        fps=Fraction(FPS), frames=FRAMES, skip=0, play=FRAMES, seed=seed,
        options={"steps": STEPS, "guidance": GUIDANCE},
    )  # fmt: skip
    made = engine.generate(take, Given(video=film, mask=mask), lambda *_: None)
    return torch.from_numpy(put_in(made.frames, film, mask)).permute(3, 0, 1, 2).float() / 255


def main() -> None:
    """Make the edits, and print what each shows, then how many show what was asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="how many scenes are passed over")
    parser.add_argument("--count", type=int, default=20)
    asked = parser.parse_args()
    engine, examiner = catalogue.open_engine(catalogue.card("nano")), Examiner()
    rows: dict[str, list[bool]] = {}
    for number, case in islice(enumerate(cases(asked.first + asked.count)), asked.first, None):
        made = edited(engine, case, SEED + number)
        found = {name: right[0] for name, right in judge([case.new], examiner.look(made[None])).items() if right}
        found["colour and shape"] = found["colour"] and found["shape"]
        print(number, *(name for name, right in found.items() if not right), "|", case.text, flush=True)
        for name, right in found.items():
            rows.setdefault(name, []).append(right)
    for name, each in rows.items():
        print(f"{name}: {sum(each)} of {len(each)}")


if __name__ == "__main__":
    main()
