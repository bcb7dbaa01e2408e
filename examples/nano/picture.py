"""Measure how clips look by their pixels: tiles, edges, flicker. What is shown in them, `score.py` measures.

    python -m examples.nano.picture            the world, the world autoencoded, and sampled clips of `.nano/`
    python -m examples.nano.picture --shipped  the same of sora_cli/engines/nano
    python -m examples.nano.picture --sheets   and docs/nano-world-and-sampled.png

Everything is measured at the size that the encoder looks at, so that models of other sizes can be compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from diffusers import WanVACEPipeline
from PIL import Image
from torch import Tensor

from .autoencoder import Pool, measure
from .config import HEIGHT, PATCH, ROOT, SEEN_HEIGHT, SEEN_WIDTH, WIDTH, device
from .examiner import Examiner, shrink
from .scene import Scene
from .score import SEED, held_out
from .sheet import generate, opened
from .world import render, strip

CLIPS, SHOWN = 40, 12  # clips that are measured, and of those in the picture
SHARPEST = 0.99  # the share of steps below the one that tells how sharp edges are
LUMA = (0.299, 0.587, 0.114)


def luma(video: Tensor) -> Tensor:
    """The luma of clips `(clips, 3, frames, rows, columns)`, 0 to 1, by Rec. 601, at the size that is measured.

    `(clips, frames, rows, columns)`, 0 to 255.
    """
    small = F.adaptive_avg_pool3d(video.float(), (video.shape[2], SEEN_HEIGHT, SEEN_WIDTH))
    return 255 * (small * torch.tensor(LUMA).view(1, 3, 1, 1, 1)).sum(1)


def _steps(video: Tensor) -> tuple[Tensor, Tensor]:
    """Steps of brightness from column to column and from row to row."""
    light = luma(video)
    return light.diff(dim=3).abs(), light.diff(dim=2).abs()


def edges(video: Tensor) -> float:
    """How sharp the sharpest edges are: the 99th percentile of steps of luma from pixel to pixel, 0 to 255."""
    steps = np.concatenate([step.flatten().numpy() for step in _steps(video)])
    return float(np.quantile(steps, SHARPEST))


def tiles(video: Tensor) -> float:
    """The mean step of luma where two cells meet, as a multiple of the steps beside them: 1 where no grid shows."""
    on, beside = [], []
    for step, axis in zip(_steps(video), (3, 2), strict=True):
        place = torch.arange(step.shape[axis]) % PATCH
        for chosen, kept in ((PATCH - 1, on), (PATCH - 2, beside), (0, beside)):
            kept.append(step.index_select(axis, torch.nonzero(place == chosen).flatten()).mean())
    return float(torch.stack(on).mean() / torch.stack(beside).mean())


def flicker(video: Tensor, examiner: Examiner) -> float:
    """The mean step of luma from frame to frame away from the actor, 0 to 255."""
    small = shrink(video.float())
    pictures = small.transpose(1, 2).flatten(0, 1)
    with torch.no_grad():
        mask = examiner.eye(pictures)[0].sigmoid()
    near = F.interpolate(F.max_pool2d(mask, 7, 1, 3), size=(SEEN_HEIGHT, SEEN_WIDTH))
    still = (near[:, 0].unflatten(0, (len(video), -1)).amax(1) < 0.2).float()[:, None]
    steps = luma(video).diff(dim=1).abs()
    return float((steps * still).sum() / still.expand_as(steps).sum())


def stands_still(scene: Scene) -> bool:
    """Whether nothing moves in a scene but its actor: the camera stands, and there is no sea."""
    return scene.camera == "static" and scene.place != "sea"


def looks(video: Tensor, scenes: Sequence[Scene], examiner: Examiner) -> dict[str, float]:
    """All that is measured of clips `(clips, 3, frames, rows, columns)`, 0 to 1, by name: flicker of still scenes."""
    still = [i for i, scene in enumerate(scenes) if stands_still(scene)]
    return {"tiles": tiles(video), "edges": edges(video), "flicker": flicker(video[still], examiner)}


def sheet(rows: Sequence[Sequence[Tensor]], width: int) -> Image.Image:
    """A picture of clips `(3, frames, rows, columns)`, 0 to 1, in rows: a frame of each, `width` pixels in all."""
    lines = [np.concatenate([strip(video, (8,)) for video in row], 1) for row in rows]
    picture = Image.fromarray(np.concatenate(lines))
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shipped", action="store_true")
    parser.add_argument("--sheets", action="store_true")
    options = parser.parse_args()
    pipe = opened(shipped=options.shipped)
    cases, examiner = held_out(CLIPS), Examiner()
    scenes = [scene for scene, _ in cases]
    true = torch.cat([render([scene]).video for scene in scenes])
    again = torch.cat([_through(pipe, video[None]) for video in true])
    made = torch.stack([generate(pipe, text, SEED + i) for i, (_, text) in enumerate(cases)])
    for name, video in (("world", true), ("autoencoded", again), ("sampled", made)):
        print(name, {n: round(v, 2) for n, v in looks(video, scenes, examiner).items()}, flush=True)
    print(
        "autoencoder, dB whole and in boxes: {:.1f}, {:.1f}".format(
            *measure(pipe.vae, Pool(48, 900_003, device(), (HEIGHT, WIDTH)))
        )
    )
    if options.sheets:
        pairs = [[*true[i : i + 4], *made[i : i + 4]] for i in range(0, SHOWN, 4)]
        sheet(pairs, 1536).save(ROOT / "docs" / "nano-world-and-sampled.png")


@torch.no_grad()
def _through(pipe: WanVACEPipeline, video: Tensor) -> Tensor:
    """Clips through the autoencoder and back."""
    return (pipe.vae(video.to(device()) * 2 - 1).sample.cpu() + 1) / 2


if __name__ == "__main__":
    main()
