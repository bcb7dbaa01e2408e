"""Wan VACE: text, given frames and references in one model.

VACE (Jiang et al. 2025, arXiv 2503.07598) conditions Wan on a video, a mask of what to make anew, and reference
pictures. Given frames are the video where the mask is 0; unknown ones are mid-grey where it is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers import WanVACEPipeline
from PIL import Image

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.diffusion import Diffusion, seeded, to_bytes, to_unit, with_shift
from sora_cli.engines.options import WanVaceOptions


class WanVace(Diffusion[WanVaceOptions]):
    """Text to video, opening frames (any number), a last frame, references, and any mixture of them."""

    def load(self) -> Any:  # noqa: ANN401  diffusers has no types
        """The pipeline; its autoencoder stays in float32, as its authors run it."""
        return self.from_pretrained(WanVACEPipeline)

    def render(self, take: Take, given: Given, options: WanVaceOptions, step: Callable[..., dict[str, Any]]) -> Footage:
        """Run the pipeline on the take's conditions."""
        with_shift(self.pipe, options.shift)
        avoid = ", ".join(part for part in (options.quality_avoid, take.avoid) if part)
        words = self.embedded(
            take, avoid, guided=options.guidance > 1, max_sequence_length=self.card.prompt_tokens or 512
        )
        video = self.pipe(
            **words, **conditions(take, given),
            conditioning_scale=options.control, height=take.height, width=take.width, num_frames=take.frames,
            num_inference_steps=options.steps, guidance_scale=options.guidance, generator=seeded(take.seed),
            callback_on_step_end=step, output_type="pt",
        ).frames[0]  # fmt: skip
        return Footage(to_bytes(video), take.fps)


def conditions(take: Take, given: Given) -> dict[str, Any]:
    """VACE's inputs: `video` and `mask` `(1, frames, 3, height, width)` in 0..1, `reference_images` as pictures.

    Unknown frames are 0.5, which becomes exactly 0 in the model's range; a byte of 128 would become +0.004, and an
    autoencoder may turn that into another latent. With nothing given the pipeline makes the same video itself.
    """
    inputs: dict[str, Any] = {}
    if given.opening is not None or given.closing is not None:
        video = torch.full((1, take.frames, 3, take.height, take.width), 0.5)
        mask = torch.ones_like(video)
        if given.opening is not None:
            video[0, : len(given.opening)] = to_unit(given.opening)
            mask[0, : len(given.opening)] = 0
        if given.closing is not None:
            video[0, -len(given.closing) :] = to_unit(given.closing)
            mask[0, -len(given.closing) :] = 0
        inputs = {"video": video, "mask": mask}
    if given.references:
        inputs["reference_images"] = [Image.fromarray(picture[0]) for picture in given.references]
    return inputs
