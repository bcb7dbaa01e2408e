"""Keep films at full size beside what the decoder makes at half of it, of their true latents and of the transformer's.

    python -m examples.nano.pairs                 until there are as many as `config.py` says

What the transformer hands to the decoder is never quite true, so the enlarger learns from such latents, too: those of a
film are mixed with noise, and the transformer takes the noise away again, as in the last steps of sampling. With little
noise the film comes back with its edges out of order, with much noise as another film; so levels in between are drawn.
Where there is no transformer yet, pairs have true latents only. Chunks are kept as those of `latents.py` are.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from diffusers import WanVACEPipeline
from torch import Tensor

from .autoencoder import load
from .captions import caption
from .conditions import control, frames_condition
from .config import TRAINING, device, small_floats
from .enlarger import PAIRS
from .latents import Encoder
from .scene import draw_scene
from .sheet import GUIDANCE, STEPS
from .text import Words
from .transformer import STATE
from .world import render

FIRST_SEED = 3_000_000
VERSIONS = 2  # latents that the transformer made, kept of each film beside the true ones
STEPS_LEFT = (1, 2, 3, 4, 5, 6)  # of all the steps of sampling, how many the transformer takes again
OPENINGS = (0, 0, 0, 5)  # opening frames that are given


class Sampler:
    """Takes the last steps of sampling, from latents mixed with noise (SDEdit, arXiv 2108.01073)."""

    def __init__(self, pipe: WanVACEPipeline, encoder: Encoder) -> None:
        self.pipe, self.encoder, self.words = pipe, encoder, Words()
        self.grey = encoder.grey()

    @torch.no_grad()
    def again(self, latents: Tensor, texts: list[str], left: int, opening: int) -> Tensor:
        """Mix normalised latents `(clips, channels, latent frames, rows, columns)` with noise, and take it away again.

        Args:
            latents: of true clips.
            texts: their captions, which guide it.
            left: how many of the steps of sampling are taken.
            opening: how many frames at the start are given.
        """
        self.pipe.scheduler.set_timesteps(STEPS)
        times, sigmas = self.pipe.scheduler.timesteps[-left:], self.pipe.scheduler.sigmas[-left - 1 :]
        told = control(*self._given(latents, opening))
        told = torch.cat([told, told])
        words = self.words([*texts, *("" for _ in texts)])
        x = torch.lerp(latents, torch.randn_like(latents), float(sigmas[0]))
        for time, here, there in zip(times, sigmas[:-1], sigmas[1:], strict=True):
            with torch.autocast(device().type, torch.bfloat16, enabled=small_floats()):
                velocity = self.pipe.transformer(
                    hidden_states=torch.cat([x, x]),
                    timestep=time.expand(2 * len(x)).to(x),
                    encoder_hidden_states=words,
                    control_hidden_states=told,
                    return_dict=False,
                )[0].float()
            with_words, without = velocity.chunk(2)
            x = x + (there - here) * (without + GUIDANCE * (with_words - without))
        return x

    def _given(self, latents: Tensor, opening: int) -> tuple[Tensor, Tensor, Tensor]:
        """What a clip is told of its opening frames: the known, the grey and the mask."""
        parts = [frames_condition(one, self.grey, one[:, -1], opening, last=False) for one in latents]
        inactive, mask = (torch.stack(part) for part in zip(*parts, strict=True))
        return inactive, self.grey.expand_as(inactive), mask


def make_chunk(encoder: Encoder, sampler: Sampler | None, number: int) -> dict[str, Any]:
    """Draw a chunk of films, and what the decoder makes of their latents; the same number gives the same films.

    `film` `(clips, 3, frames, rows, columns)`, bytes; `actor` `(clips, frames, rows / 2, columns / 2)`, whether the
    actor is there; `seen` `(clips, versions, 3, frames, rows / 2, columns / 2)`, bytes: of true latents first, then of
    made ones, where there is a transformer.
    """
    rng = np.random.default_rng(FIRST_SEED + number)
    torch.manual_seed(FIRST_SEED + number)
    scenes = [draw_scene(rng, variety=TRAINING.variety) for _ in range(TRAINING.pairs_per_chunk)]
    clips = render(scenes, device())
    true = encoder.encode(clips.video * 2 - 1)
    versions = [true]
    if sampler:
        for _ in range(VERSIONS):
            texts = [caption(scene, rng) for scene in scenes]
            left, opening = int(rng.choice(STEPS_LEFT)), int(rng.choice(OPENINGS))
            versions.append(sampler.again(true, texts, left, opening))
    return {
        "film": (clips.video * 255).round().byte().cpu(),
        "actor": (F.max_pool2d(clips.actor, 2) > 0.5).cpu(),
        "seen": torch.stack([encoder.picture(latents) for latents in versions], 1),
    }


def main() -> None:
    """Read the command line, and add chunks until there are as many as `config.py` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"))
    options = parser.parse_args()
    encoder = Encoder(load())
    sampler = None
    if STATE.exists():
        from .assemble import pipeline

        sampler = Sampler(pipeline(), encoder)
    PAIRS.mkdir(parents=True, exist_ok=True)
    for number in range(options.part[0], TRAINING.pairs // TRAINING.pairs_per_chunk, options.part[1]):
        path = PAIRS / f"{number:05d}.pt"
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}")
            torch.save(make_chunk(encoder, sampler, number), draft)
            draft.replace(path)
            print(f"chunk {number}", flush=True)


if __name__ == "__main__":
    main()
