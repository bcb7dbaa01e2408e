"""Models of pictures: FLUX.2 klein, Qwen-Image, Z-Image and Sana. A still is a clip of one frame.

Their pipelines are called alike. Where their words differ, the pipeline's own signature says so.
"""

from __future__ import annotations

import inspect

import diffusers
import numpy as np
import torch

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.families.diffusion import Diffusion, OnStep
from sora_cli.engines.family_options import StillOptions
from sora_cli.engines.runtime.device import seeded
from sora_cli.engines.runtime.pixels import framed, to_bytes

SMALLEST, LONGEST = 64, 8
"""Of a picture that FLUX.2 takes: pixels of the shorter side at least, and its sides' ratio at most."""


class Stills(Diffusion[StillOptions]):
    """A picture from text, and from pictures of the cast where the pipeline takes them."""

    def load(self) -> object:
        """The pipeline that the checkpoint names."""
        pipe = self.from_pretrained(getattr(diffusers, self.checkpoint.pipeline))
        self.taken = inspect.signature(pipe.__call__).parameters
        return pipe

    def dtypes(self) -> dict[str, torch.dtype]:
        """One number type for all components: these pipelines decode latents in the type of the transformer."""
        return {"default": self.dtype}

    def render(self, take: Take, given: Given, options: StillOptions, step: OnStep) -> Footage:
        """Run the pipeline for the take's words and pictures."""
        self.heed_length(take)
        asked: dict[str, object] = {
            **self.guidance(take, options.guidance),
            "image": [framed(one, LONGEST, SMALLEST) for one in given.references if isinstance(one, np.ndarray)]
            or None,
            "use_resolution_binning": False,
            "max_sequence_length": self.card.prompt_tokens + self.card.template_tokens,
        }
        picture = self.pipe(
            prompt=take.prompt,
            height=take.height,
            width=take.width,
            num_inference_steps=options.steps,
            generator=seeded(take.seed),
            callback_on_step_end=step,
            output_type="pt",
            **{name: value for name, value in asked.items() if name in self.taken},
        ).images
        return Footage(to_bytes(picture[:1]), take.fps)

    def guidance(self, take: Take, scale: float) -> dict[str, object]:
        """How hard the prompt pulls, in the pipeline's own words; 1 is off.

        Qwen-Image is guided by `true_cfg_scale`, and only where it is told what to avoid. Z-Image counts from 0.
        """
        if "true_cfg_scale" in self.taken:
            return {"true_cfg_scale": scale, "negative_prompt": (take.avoid or " ") if scale > 1 else None}
        off = 0.0 if "cfg_truncation" in self.taken else 1.0
        return {"guidance_scale": scale if scale > 1 else off, "negative_prompt": take.avoid}
