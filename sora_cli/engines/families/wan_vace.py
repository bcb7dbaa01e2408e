"""Wan VACE: text, given frames and references in one model.

VACE (Jiang et al. 2025, arXiv 2503.07598) conditions Wan on a video, a mask of what to make anew, and reference
pictures. Given frames are the video where the mask is 0; unknown ones are mid-grey where it is 1.

Beyond what the pipeline does, latents that the opening determines wholly are held through the sampling: after each
step they are set to what they are, at the noise level that is due (RePaint, Lugmayr et al. 2022, arXiv 2201.09865,
without its resampling). So an opening comes back as it was given, and a chain of takes hands on no error in it. With
`steady`, the frames after it begin as its last one, standing still (SDEdit, Meng et al. 2021, arXiv 2108.01073).
"""

from __future__ import annotations

from copy import copy

import numpy as np
import torch
from diffusers import WanVACEPipeline
from msgspec.structs import replace
from numpy.typing import NDArray

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.families.diffusion import OnStep
from sora_cli.engines.families.wan_family import WanFamily
from sora_cli.engines.options import WanVaceOptions
from sora_cli.engines.runtime.device import seeded
from sora_cli.engines.runtime.pixels import framed, to_unit
from sora_cli.engines.runtime.schedulers import Sampled, with_shift
from sora_cli.media.stream import Frames

CARRIED_SETTLED = 0.7
"""Of a scheduler that draws noise anew (nano's): from which noise level on it may, in a take that carries on.

Drawn anew above it, an actor that the opening shows is lost more often (docs/nano.md).
"""

SMALLEST, LONGEST = 16, 8
"""Of a reference: pixels of its shorter side at least, and its sides' ratio at most. The pipeline lays it on white, in
the take's size, and rounds its sides down: what is smaller or longer would come out as nothing."""
SEEN = 0.98
"""Up to here a mask shows the model what is there: all of the seam, so that what it makes goes on from that. White of
files that lose a little lies above."""


class WanVace(WanFamily[WanVaceOptions]):
    """Text to video, opening frames (any number), a last frame, references, and any mixture of them."""

    def load(self) -> object:
        """The pipeline; its autoencoder stays in float32, as its authors run it."""
        return self.from_pretrained(WanVACEPipeline)

    def render(self, take: Take, given: Given, options: WanVaceOptions, step: OnStep) -> Footage:
        """Run the pipeline on the take's conditions."""
        with_shift(self.pipe, options.shift)
        if given.mask is not None:
            given = replace(given, mask=together(given.mask, self.pipe.vae_scale_factor_temporal))
        if given.opening is not None:
            self.pipe.scheduler = copy(self.pipe.scheduler)  # `with_shift` brings the checkpoint's own back
            self.pipe.scheduler.settled = CARRIED_SETTLED
            step = self.holding(given.opening, len(given.references), take.seed, step, steady=options.steady)
        return self.made(take, given, options, step, **conditions(take, given), conditioning_scale=options.control)

    def known(self, take: Take, given: Given, start: Frames) -> torch.Tensor:
        """The latents of the frames that a take begins with, behind those of its references."""
        latents = super().known(take, given, start)
        if not given.references:
            return latents
        pictures = conditions(take, given)["reference_images"]
        size = {"height": take.height, "width": take.width, "num_frames": 1, "dtype": torch.float32}
        prepared = self.pipe.preprocess_conditions(reference_images=pictures, **size, device=self.place)[2][0]
        return torch.cat([*(self.encoded(each[None, :, None]) for each in reversed(prepared)), latents], dim=2)

    def holding(self, opening: Frames, before: int, seed: int, step: OnStep, *, steady: float) -> OnStep:
        """The step's callback, which also puts the opening's latents back; `before` latent frames are references'."""
        # One latent frame is the first picture's; each other covers as many frames as the autoencoder squeezes.
        whole = (len(opening) - 1) // self.pipe.vae_scale_factor_temporal * self.pipe.vae_scale_factor_temporal + 1
        known = self.encoded(to_unit(opening[:whole]).movedim(0, 1)[None] * 2 - 1)
        noise = torch.randn(known.shape, generator=seeded(seed)).to(known.device)
        place = slice(before, before + known.shape[2])

        def put_back(pipe: Sampled, index: int, time: object, state: dict[str, torch.Tensor]) -> dict[str, object]:
            level = pipe.scheduler.sigmas[index + 1].to(known.device)
            latents = state["latents"]
            latents[:, :, place] = ((1 - level) * known + level * noise).to(latents)
            if level > 1 - steady:
                new = latents[:, :, place.stop :]
                grain = torch.randn(new.shape, generator=seeded(seed + 1)).to(new)
                latents[:, :, place.stop :] = (1 - level) * known[:, :, -1:].to(new) + level.to(new) * grain
            return {**step(pipe, index, time, state), "latents": latents}

        return put_back


def together(mask: NDArray[np.float32], group: int) -> NDArray[np.float32]:
    """A mask that is the same in all frames which the autoencoder squeezes into one latent: `group`, but for the first.

    A latent that is grey in some of its frames alone is neither known nor unknown to the model.
    """
    edges = [0, *range(1, len(mask), group)]
    return np.repeat(np.maximum.reduceat(mask, edges), np.diff([*edges, len(mask)]), axis=0)


def conditions(take: Take, given: Given) -> dict[str, object]:
    """VACE's inputs: `video` and `mask` `(1, frames, 3, height, width)` in 0..1, `reference_images` as pictures.

    Unknown frames are 0.5, which becomes exactly 0 in the model's range; a byte of 128 would become +0.004, and an
    autoencoder may turn that into another latent. With nothing given the pipeline makes the same video itself.
    """
    inputs: dict[str, object] = {}
    if given.opening is not None or given.closing is not None or given.video is not None:
        video = torch.full((1, take.frames, 3, take.height, take.width), 0.5)
        mask = torch.ones_like(video)
        if given.video is not None and given.mask is not None:
            mask[0] = torch.from_numpy(given.mask > SEEN)[:, None].float()
            video = torch.where(mask > 0, video, to_unit(given.video)[None])
        if given.opening is not None:
            video[0, : len(given.opening)] = to_unit(given.opening)
            mask[0, : len(given.opening)] = 0
        if given.closing is not None:
            video[0, -len(given.closing) :] = to_unit(given.closing)
            mask[0, -len(given.closing) :] = 0
        inputs = {"video": video, "mask": mask}
    if given.references:
        pictures = (each for each in given.references if isinstance(each, np.ndarray))
        inputs["reference_images"] = [framed(each, LONGEST, SMALLEST, bars="white") for each in pictures]
    return inputs
