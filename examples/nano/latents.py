"""Render clips, encode them once, and keep latents, captions and conditions on disk for the transformer.

    python -m examples.nano.latents                 until there are as many clips as `config.py` says
    python -m examples.nano.latents --part 0 2      every second chunk: two processes share the work
    python -m examples.nano.latents --stills        first frames only, with which the transformer begins

Every chunk has its own seed, so any number of processes can add chunks, and a chunk can be made again.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from torch import Tensor

from sora_cli.engines.nano.autoencoder import PaperAutoencoder

from .autoencoder import load
from .captions import caption, named_caption
from .config import AUTOENCODER, FRAMES, PATCH, SEEN_HEIGHT, SEEN_WIDTH, TRAINING, WORK, device
from .scene import PLACES, TIMES, Scene, draw_scene, pick
from .world import Clips, render

FOLDER = WORK / "latents"
STILLS_FOLDER = WORK / "stills"
CAPTIONS = 4  # phrasings kept of each clip
BOX_SHARE = 0.3  # of clips also kept with a box hidden, or all but a box
FIRST_SEED = 1_000_000  # seeds below are for tests
STILLS, STILLS_SEED = 512, 5_000_000  # first frames in a chunk of them


@dataclass
class Encoder:
    """The autoencoder with the pipeline's normalisation."""

    model: PaperAutoencoder

    def __post_init__(self) -> None:
        self.mean = torch.tensor(self.model.config.latents_mean, device=device()).view(1, -1, 1, 1, 1)
        self.scale = torch.tensor(self.model.config.latents_std, device=device()).view(1, -1, 1, 1, 1)

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """Normalised latents `(clips, channels, latent frames, rows, columns)` of a video.

        The video is `(clips, 3, frames, rows, columns)`, -1 to 1, at full size or at that which the encoder looks at.
        """
        encode = self.model.to_latents if video.shape[-1] == SEEN_WIDTH else self.model.film_to_latents
        return (encode(video) - self.mean) / self.scale

    def components(self, video: Tensor) -> Tensor:
        """The same without the channels that say where a cell is, which are the same for all clips."""
        return self.encode(video)[:, : AUTOENCODER.components]

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """A video at full size, `(clips, 3, frames, rows, columns)`, -1 to 1, from normalised latents."""
        return torch.as_tensor(self.model.decode(latents * self.scale + self.mean).sample)

    @torch.no_grad()
    def picture(self, latents: Tensor) -> Tensor:
        """The video at half size that the decoder makes of normalised latents, as bytes on the CPU."""
        video = torch.cat([self.model.to_video(one) for one in (latents * self.scale + self.mean).split(4)])
        return (video.clamp(-1, 1) * 127.5 + 127.5).round().byte().cpu()

    def grey(self) -> Tensor:
        """The latents of a clip of which nothing is known: (channels, latent frames, rows, columns)."""
        return self.encode(torch.zeros(1, 3, FRAMES, SEEN_HEIGHT, SEEN_WIDTH, device=device()))[0]


def draw_box(rng: np.random.Generator) -> tuple[Tensor, bool]:
    """A random box: a mask `(rows, columns)` at full size, 1 where to make, and whether that is outside of the box."""
    mask = torch.zeros(SEEN_HEIGHT, SEEN_WIDTH)
    high, wide = int(SEEN_HEIGHT * rng.uniform(0.35, 0.8)), int(SEEN_WIDTH * rng.uniform(0.3, 0.7))
    top, left = int(rng.integers(SEEN_HEIGHT - high + 1)), int(rng.integers(SEEN_WIDTH - wide + 1))
    mask[top : top + high, left : left + wide] = 1
    outside = bool(rng.random() < 0.4)
    mask = (1 - mask if outside else mask).repeat_interleave(2, 0).repeat_interleave(2, 1)
    return mask, outside


def reference_pictures(
    scenes: list[Scene], rng: np.random.Generator, size: tuple[int, int] = (SEEN_HEIGHT, SEEN_WIDTH)
) -> Tensor:
    """A picture of each scene's actor, elsewhere or on plain paper: (clips, 3, 1, rows, columns), -1 to 1."""
    elsewhere = [
        replace(
            s,
            place=pick(rng, PLACES),
            time=pick(rng, TIMES, (0.8, 0.1, 0.1)),
            action="still",
            camera="static",
            framing="close",
            size="normal",
            opening=None,
            other=None,
            style="paper",
            seed=int(rng.integers(1 << 30)),
        )
        for s in scenes
    ]
    shown = render(elsewhere, device(), size, frames=(0,))
    pictures = shown.video[:, :, 0]
    for i in range(len(scenes)):
        if rng.random() < 0.65:  # plain paper behind it, as in most pictures people hand in
            paper = torch.tensor(rng.uniform(0.75, 1.0, (3, 1, 1)), dtype=torch.float32, device=pictures.device)
            paper = torch.ones_like(paper) if rng.random() < 0.5 else paper
            cover = shown.actor[i, 0]
            aside, away = (int(rng.integers(-n, n + 1)) / SEEN_HEIGHT for n in (20, 10))
            dx, dy = (
                round(size[0] * float(off - at)) for off, at in zip((aside, away), shown.track[i, 0], strict=False)
            )
            plain = torch.lerp(paper.expand_as(pictures[i]), pictures[i], cover)
            plain = _shift(plain, dx, dy, paper)
            if rng.random() < 0.5:  # a square picture fitted into the frame: the pipeline pads with white
                side = (size[1] - size[0]) // 2
                plain[:, :, :side] = 1
                plain[:, :, -side:] = 1
            pictures[i] = plain
    return pictures[:, :, None] * 2 - 1


def _shift(picture: Tensor, dx: int, dy: int, paper: Tensor) -> Tensor:
    """Move a picture (3, rows, columns) by whole pixels over plain paper."""
    moved = paper.expand_as(picture).clone()
    rows, columns = picture.shape[1:]
    to_y, to_x = slice(max(dy, 0), rows + min(dy, 0)), slice(max(dx, 0), columns + min(dx, 0))
    from_y, from_x = slice(max(-dy, 0), rows + min(-dy, 0)), slice(max(-dx, 0), columns + min(-dx, 0))
    moved[:, to_y, to_x] = picture[:, from_y, from_x]
    return moved


def make_chunk(encoder: Encoder, number: int) -> dict[str, Any]:
    """Render and encode one chunk of clips; the same number gives the same chunk.

    `scenes`; `latents` `(clips, components, latent frames, rows, columns)`; `weight`, see `actor_weight`; `ends`, the
    last latent frame of clips of which only the last frame is known, `(clips, components, rows, columns)`; `boxes`, by
    a clip's place: latents with a box hidden, and the box at half size; `references` `(clips, components, 1, rows,
    columns)`; `captions`, several for each clip; `named`, one that names the actor only. Latents and weights are
    float16.
    """
    rng = np.random.default_rng(FIRST_SEED + number)
    scenes = [
        draw_scene(rng, variety=TRAINING.variety, steered=TRAINING.steered) for _ in range(TRAINING.clips_per_chunk)
    ]
    clips = render(scenes, device(), (SEEN_HEIGHT, SEEN_WIDTH))
    video = clips.video * 2 - 1
    latents = torch.cat([encoder.components(v) for v in video.split(8)])
    ending = torch.zeros_like(video[:, :, :5])
    ending[:, :, -1] = video[:, :, -1]
    ends = torch.cat([encoder.components(v)[:, :, 1] for v in ending.split(16)])
    boxes: dict[int, tuple[Tensor, Tensor]] = {}
    for i in range(len(scenes)):
        if rng.random() < BOX_SHARE:
            mask, _ = draw_box(rng)
            mask = mask[::2, ::2].to(video.device)
            known = encoder.components(video[i : i + 1] * (1 - mask))[0]
            boxes[i] = (known.half().cpu(), mask.bool().cpu())
    return {
        "scenes": scenes,
        "latents": latents.half().cpu(),
        "weight": actor_weight(clips).half().cpu(),
        "ends": ends.half().cpu(),
        "boxes": boxes,
        "references": encoder.components(reference_pictures(scenes, rng)).half().cpu(),
        "captions": [[caption(s, rng) for _ in range(CAPTIONS)] for s in scenes],
        "named": [named_caption(s, rng) for s in scenes],
    }


def make_stills(encoder: Encoder, number: int) -> dict[str, Any]:
    """Render and encode a chunk of first frames; the same number gives the same chunk, with most keys of `make_chunk`.

    There are no `ends` and no `boxes`. A still costs the transformer a fifth of a clip's work, and takes a twentieth of
    the time to make.
    """
    rng = np.random.default_rng(STILLS_SEED + number)
    scenes = [draw_scene(rng, switches=0.0, variety=TRAINING.variety) for _ in range(STILLS)]
    latents, weights, references = [], [], []
    for first in range(0, STILLS, 64):
        part = scenes[first : first + 64]
        clips = render(part, device(), (SEEN_HEIGHT, SEEN_WIDTH), (0,))
        latents.append(encoder.components(clips.video * 2 - 1).half().cpu())
        weights.append(F.avg_pool2d(clips.actor, PATCH).half().cpu())
        references.append(encoder.components(reference_pictures(part, rng)).half().cpu())
    return {
        "scenes": scenes,
        "latents": torch.cat(latents),
        "weight": torch.cat(weights),
        "references": torch.cat(references),
        "captions": [[caption(s, rng) for _ in range(CAPTIONS)] for s in scenes],
        "named": [named_caption(s, rng) for s in scenes],
    }


def actor_weight(clips: Clips) -> Tensor:
    """How much of each latent cell the actor covers at most within its frames: (clips, latent frames, h, w)."""
    shown = torch.cat([clips.actor[:, :1], clips.actor], 1)
    small = F.avg_pool2d(shown, PATCH)
    first = small[:, :1]
    rest = small[:, 2:].unflatten(1, (-1, 4)).amax(2)
    return torch.cat([first, rest], 1)


def main() -> None:
    """Read the command line, and add chunks until there are as many as `config.py` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"))
    parser.add_argument("--stills", action="store_true", help="first frames only")
    options = parser.parse_args()
    encoder = Encoder(load())
    folder = STILLS_FOLDER if options.stills else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    count = TRAINING.stills // STILLS if options.stills else TRAINING.clips // TRAINING.clips_per_chunk
    for number in range(options.part[0], count, options.part[1]):
        path = folder / f"{number:05d}.pt"
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}")
            torch.save(make_stills(encoder, number) if options.stills else make_chunk(encoder, number), draft)
            draft.replace(path)
            print(f"chunk {number}", flush=True)


if __name__ == "__main__":
    main()
