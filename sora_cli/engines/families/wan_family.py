"""What all Wan models share: how a take's words, size and sampling are asked of their pipelines.

A take may begin with known frames instead of noise: they are encoded, noised to a level, and denoised from there
(SDEdit, Meng et al. 2021, arXiv 2108.01073), as diffusers' `WanVideoToVideoPipeline` does for one of the pipelines. Its
`strength` is a share of the steps; here it is the noise level itself, the same however a scheduler spaces its steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TypeVar

import torch

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.families.diffusion import Diffusion, OnStep
from sora_cli.engines.options import WanOptions, avoided
from sora_cli.engines.runtime.device import seeded
from sora_cli.engines.runtime.pixels import to_bytes, to_unit
from sora_cli.engines.runtime.schedulers import FlowScheduler, with_shift
from sora_cli.media.stream import Frames

W = TypeVar("W", bound=WanOptions)

NEAR = 0.01
"""Two noise levels nearer to each other than this are one: a step between them would change nothing."""


class WanFamily(Diffusion[W]):
    """An engine on one of Wan's pipelines."""

    def passes(self, take: Take, given: Given, options: W) -> int:  # noqa: ARG002  the base's signature
        """Count the steps: fewer where the take begins with known frames."""
        if take.start is None:
            return options.steps
        with_shift(self.pipe, options.shift)
        scheduler = partway(self.pipe.scheduler, take.start.strength)
        scheduler.set_timesteps(options.steps)
        return len(scheduler.timesteps)

    def made(self, take: Take, given: Given, options: W, step: OnStep, **asked: object) -> Footage:
        """Run the pipeline for a take; `asked` is said to it beside the words, the size and the sampling."""
        avoid = avoided(options.quality_avoid, take.avoid)
        words = self.embedded(
            take, avoid, guided=options.guidance > 1, max_sequence_length=self.card.prompt_tokens or 512
        )
        guidance = self.offload.guidance(self.pipe, words.get("negative_prompt_embeds"))
        with self.begun(take, given) as begun, guidance:
            video = self.pipe(
                **words,
                **asked,
                **begun,
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

    @contextmanager
    def begun(self, take: Take, given: Given) -> Iterator[dict[str, torch.Tensor]]:
        """What sampling begins with, and meanwhile a scheduler that begins there; nothing where that is noise alone."""
        if take.start is None or given.start is None:
            yield {}
            return
        own, level = self.pipe.scheduler, take.start.strength
        known = self.known(take, given, given.start)
        noise = torch.randn(known.shape, generator=seeded(take.seed)).to(known)
        self.pipe.scheduler = partway(own, level)
        try:
            yield {"latents": (1 - level) * known + level * noise}
        finally:
            self.pipe.scheduler = own

    def known(self, take: Take, given: Given, start: Frames) -> torch.Tensor:  # noqa: ARG002  VACE looks at both
        """The latents of the frames that a take begins with."""
        return self.encoded(to_unit(start).movedim(0, 1)[None] * 2 - 1)

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """The model's latents of a video `(1, 3, frames, height, width)` in -1..1."""
        vae = self.pipe.vae
        with torch.no_grad():
            coded = vae.encode(pixels.to(self.place, vae.dtype)).latent_dist.mode().float()
        mean, spread = (
            torch.tensor(figures, device=coded.device).view(1, -1, 1, 1, 1)
            for figures in (vae.config.latents_mean, vae.config.latents_std)
        )
        latents: torch.Tensor = (coded - mean) / spread
        return latents


def partway(scheduler: FlowScheduler, level: float) -> FlowScheduler:
    """The same flow scheduler, but its times begin at a noise level and go on with those of its own that lie below."""
    later = copy(scheduler)
    whole = later.set_timesteps

    def begin(*args: object, **named: object) -> None:
        whole(*args, **named)
        below = later.sigmas < level - NEAR
        below[-1] = True  # the end
        first = torch.full_like(later.sigmas[:1], level)
        time = torch.full_like(later.timesteps[:1], level * later.config.num_train_timesteps)
        later.timesteps = torch.cat([time, later.timesteps[below[: len(later.timesteps)].to(later.timesteps.device)]])
        later.sigmas = torch.cat([first, later.sigmas[below]])

    later.set_timesteps = begin
    return later
