"""What all Wan models share: how a take's words, size and sampling are asked of their pipelines."""

from __future__ import annotations

from typing import TypeVar

from sora_cli.engines.base import Footage, Take
from sora_cli.engines.families.diffusion import Diffusion, OnStep, seeded
from sora_cli.engines.options import WanOptions
from sora_cli.engines.runtime.pixels import to_bytes

W = TypeVar("W", bound=WanOptions)


class WanFamily(Diffusion[W]):
    """An engine on one of Wan's pipelines."""

    def made(self, take: Take, options: W, step: OnStep, **given: object) -> Footage:
        """Run the pipeline for a take; `given` is what it is asked beside the words, the size and the sampling."""
        avoid = ", ".join(part for part in (options.quality_avoid, take.avoid) if part)
        words = self.embedded(
            take, avoid, guided=options.guidance > 1, max_sequence_length=self.card.prompt_tokens or 512
        )
        video = self.pipe(
            **words,
            **given,
            height=take.height,
            width=take.width,
            num_frames=take.frames,
            num_inference_steps=options.steps,
            guidance_scale=options.guidance,
            generator=seeded(take.seed),
            callback_on_step_end=step,
            output_type="pt",
        ).frames[0]
        return Footage(to_bytes(video), take.fps)
