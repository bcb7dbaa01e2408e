"""Teach nano a shape or a look that it never saw: clips to train on, and a table of what it makes before and after.

    python -m examples.nano.newcomer --render FOLDER           40 clips of a new shape, with their captions
    python -m examples.nano.newcomer --render FOLDER --look    40 clips in a new look
    sora train pim --from FOLDER --keep ball --keep star ...   as docs/train.md has it
    python -m examples.nano.newcomer --score pim/pim.safetensors [--look]

The examiner knows six shapes. For the score its outline is taught anew to name seven, on rendered clips alone; it must
name 97 % of other rendered clips before it counts.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from diffusers import WanVACEPipeline
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor, nn

import sora_cli.engines.nano  # noqa: F401  diffusers loads its classes only where it was imported
from sora_cli.media.clip import write_clip

from . import world
from .captions import describe
from .config import CHECKPOINT, FPS, HEIGHT, SEEN_HEIGHT, SEEN_WIDTH, WIDTH
from .examiner import LOOKED_AT, Examiner, cut_out, shrink
from .physics import FOOT
from .scene import SHAPES, Scene, draw_scene
from .sheet import generate
from .words import SHAPE_WORDS

NAME, LOOK = "pim", "cyanotype"
SHAPE = "cross"
CLIPS, SEED = 40, 990_001
CASES, CASE_SEED = 40, 995_001
LESSONS, LESSON_SEED, TESTS = 1200, 997_001, 200
INK, PAPER = (0.02, 0.10, 0.34), (0.93, 0.96, 0.90)
"""What black and white are in the new look."""
NAMES = (*SHAPES, SHAPE)


def with_cross() -> None:
    """Let the world draw a cross: two bars, as wide as a third of its height. It changes the world's tables."""
    plain = world._distance  # noqa: SLF001  the world's own table of shapes

    def distance(shape: str, u: Tensor, v: Tensor) -> Tensor:
        if shape != SHAPE:
            return plain(shape, u, v)
        across = torch.minimum(0.98 - u.abs(), 0.34 - v.abs())
        return torch.maximum(across, torch.minimum(0.34 - u.abs(), 0.98 - v.abs()))

    world._distance = distance  # noqa: SLF001
    world.SHAPES = NAMES
    SHAPE_WORDS[SHAPE] = (NAME,)
    FOOT[SHAPE] = 0.98


def cyanotype(video: Tensor) -> Tensor:
    """Clips `(clips, 3, frames, rows, columns)`, 0 to 1, printed in blue: by their luma of Rec. 709."""
    light = (0.2126 * video[:, 0] + 0.7152 * video[:, 1] + 0.0722 * video[:, 2])[:, None]
    ink, paper = (torch.tensor(tone).view(1, 3, 1, 1, 1) for tone in (INK, PAPER))
    return ink + (paper - ink) * light


def scenes_of(count: int, seed: int, shape: str | None) -> list[tuple[Scene, str]]:
    """Random scenes, all of `shape` if it is given, with captions that name shape, colour, place, time and action."""
    rng = np.random.default_rng(seed)
    found: list[tuple[Scene, str]] = []
    while len(found) < count:
        scene = draw_scene(rng, switches=0.0)
        scene = replace(scene, shape=shape) if shape else scene
        text, said = describe(scene, rng)
        if {"shape", "colour", "place", "time", "action"} <= said.keys():
            found.append((scene, text))
    return found


def write(folder: Path, *, look: bool) -> None:
    """Render the clips to train on into a folder, each with its caption in a `.txt` file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (scene, text) in enumerate(scenes_of(CLIPS, SEED, None if look else SHAPE)):
        video = world.render([scene], size=(HEIGHT, WIDTH)).video
        video = cyanotype(video) if look else video
        frames = (video[0] * 255).round().byte().permute(1, 2, 3, 0).numpy()
        write_clip(folder / f"{number:02d}.mp4", frames, Fraction(FPS))
        words = f"{text.rstrip('.')}, {LOOK}" if look else text
        (folder / f"{number:02d}.txt").write_text(words, encoding="utf-8")


class Namer:
    """The examiner's eye, with an outline that names seven shapes."""

    def __init__(self) -> None:
        torch.manual_seed(0)  # so that the same clips are named the same each time
        self.eye = Examiner().eye
        self.outline = nn.Sequential(nn.Linear(16 * 16 * 4, 128), nn.ReLU(), nn.Linear(128, len(NAMES)))
        crops, labels = self.rendered(LESSONS, LESSON_SEED)
        optimizer = torch.optim.AdamW(self.outline.parameters(), lr=2e-3, weight_decay=0.05)
        for _ in range(1500):
            chosen = torch.randint(len(labels), (64,))
            soft = crops[chosen] + 0.03 * torch.randn_like(crops[chosen])
            loss = F.cross_entropy(self.outline(soft.flatten(1)), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def crops(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """Actors cut out of small clips `(clips, 3, frames, *SMALL)`, 0 to 1, as `cut_out` has them, frame by frame.

        And which share of each picture they cover: `(clips * frames,)`.
        """
        pictures = video.transpose(1, 2).flatten(0, 1)
        mask = self.eye(pictures)[0].sigmoid()
        return cut_out(pictures, mask), mask.flatten(1).mean(1)

    def rendered(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """Crops of rendered clips, and the shape that each shows, as its place in `NAMES`."""
        rng, crops, labels = np.random.default_rng(seed), [], []
        for _ in range(count // 24):
            drawn = [replace(draw_scene(rng), shape=NAMES[int(rng.integers(len(NAMES)))]) for _ in range(24)]
            clips = world.render(drawn, size=(SEEN_HEIGHT, SEEN_WIDTH), frames=LOOKED_AT)
            found, _ = self.crops(shrink(clips.video))
            seen = clips.actor.flatten(0, 1).flatten(1).mean(1) > 0.01
            crops.append(found[seen])
            labels.append(torch.tensor([NAMES.index(s.shape) for s in drawn]).repeat_interleave(len(LOOKED_AT))[seen])
        return torch.cat(crops), torch.cat(labels)

    @torch.no_grad()
    def name(self, video: Tensor) -> list[str]:
        """The shape in each clip (clips, 3, frames, rows, columns), 0 to 1; nothing where no actor is seen."""
        found = []
        for clip in shrink(video):
            crops, covered = self.crops(clip[None])
            seen = covered > 0.25 * covered.amax()
            chances = self.outline(crops.flatten(1)).log_softmax(1)[seen].sum(0)
            found.append(NAMES[int(chances.argmax())] if float(covered.amax()) > 0.005 else "")
        return found

    def trust(self) -> float:
        """The share, 0 to 1, of other rendered clips whose shape it names right."""
        cases = [scene for shape in NAMES for scene, _ in scenes_of(TESTS // len(NAMES), LESSON_SEED + 1, shape)]
        right = []
        for first in range(0, len(cases), 20):
            part = cases[first : first + 20]
            names = self.name(world.render(part, size=(SEEN_HEIGHT, SEEN_WIDTH)).video)
            right += [name == scene.shape for name, scene in zip(names, part, strict=True)]
        return float(np.mean(right))


def made(pipe: WanVACEPipeline, cases: Sequence[tuple[Scene, str]]) -> Tensor:
    """What a pipeline makes of captions, one seed for each: `(clips, 3, frames, rows, columns)`, 0 to 1."""
    return torch.stack([generate(pipe, text, CASE_SEED + i) for i, (_, text) in enumerate(cases)])


def shares(
    namer: Namer, pipe: WanVACEPipeline, new: Sequence[tuple[Scene, str]], old: Sequence[tuple[Scene, str]]
) -> str:
    """How often the new shape is found in what is made, and how often the old ones: two cells of a table, in %."""
    cells = []
    for cases in (new, old):
        names = namer.name(made(pipe, cases)) if cases else []
        right = [name == scene.shape for name, (scene, _) in zip(names, cases, strict=True)]
        cells.append(f"{100 * np.mean(right):.1f} %")
    return " | ".join(cells)


def colours_apart(video: Tensor, cases: Sequence[tuple[Scene, str]]) -> Tensor:
    """How far the mean colours of clips are from those of their scenes in the new look: CIE dE2000, `(clips,)`."""
    true = torch.cat([cyanotype(world.render([scene], size=(HEIGHT, WIDTH)).video) for scene, _ in cases])
    labs = [rgb2lab(clips.mean((2, 3, 4)).clamp(0, 1).numpy()) for clips in (video, true)]
    return torch.from_numpy(deltaE_ciede2000(*labs))


def main() -> None:
    """Read the command line, and render or score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--render", type=Path)
    parser.add_argument("--score", type=Path)
    parser.add_argument("--look", action="store_true")
    parser.add_argument("--cases", type=int, default=CASES)
    options = parser.parse_args()
    with_cross()
    if options.render:
        write(options.render, look=options.look)
    if options.score:
        score(options.score, options.cases, look=options.look)


def score(weights: Path, count: int, *, look: bool) -> None:
    """Print what nano makes of captions before and after: shares of shapes, or with `look` distances of colours."""
    plain = WanVACEPipeline.from_pretrained(CHECKPOINT, dtype=torch.float32)
    plain.set_progress_bar_config(disable=True)
    taught = copy.deepcopy(plain)
    taught.load_lora_weights(str(weights.parent), weight_name=weights.name)
    if look:
        cases = [(scene, f"{text.rstrip('.')}, {LOOK}") for scene, text in scenes_of(count, CASE_SEED, None)]
        for name, pipe in (("before", plain), ("after", taught)):
            apart = colours_apart(made(pipe, cases), cases)
            print(f"{name}: dE2000 of mean colours, median {apart.median():.1f}, worst {apart.max():.1f}", flush=True)
        return
    namer = Namer()
    print(f"rendered clips named right: {100 * namer.trust():.1f} %", flush=True)
    new, old = scenes_of(count, CASE_SEED, SHAPE), scenes_of(count, CASE_SEED + 1, None)
    print("| | new shape | old shapes |\n|---|---|---|")
    for name, pipe in (("before", plain), ("after", taught)):
        print(f"| {name} | {shares(namer, pipe, new, old)} |", flush=True)


if __name__ == "__main__":
    main()
