"""The scheduler of nano: flow matching whose noise is drawn anew at every step.

A step of plain flow matching keeps the noise that it began with, so what the network got wrong at one noise level stays
in the picture: ghosts beside an actor, soft edges. Here each step goes to the clean latents that the network expects,
and from there to the next noise level with fresh noise (as DDIM with eta 1, arXiv 2010.02502, section 4.1): the network
sees its own faults as noise, and takes them away.

The noise comes from a generator that is seeded by the latents that sampling begins with, so the same seed gives the
same clip.
"""

# ruff: noqa: FBT001, FBT002 - the signatures are those of diffusers

from __future__ import annotations

import zlib

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteSchedulerOutput
from torch import Tensor

SETTLED = 0.9
"""From this noise level on noise is drawn anew. Above it the layout is decided: fresh noise loses actors."""


class PaperScheduler(FlowMatchEulerDiscreteScheduler):
    """See the module's docstring. Where `settled` is lower, less is drawn anew; at 0 its steps are plain ones."""

    settled: float = SETTLED
    sigmas: Tensor
    _step_index: int | None

    def step(
        self, model_output: Tensor, timestep: float | Tensor, sample: Tensor, return_dict: bool = True, **_: object
    ) -> FlowMatchEulerDiscreteSchedulerOutput | tuple[Tensor]:
        """As `FlowMatchEulerDiscreteScheduler.step`: the latents at the next noise level."""
        if self._step_index is None:
            self._init_step_index(timestep)  # type: ignore[attr-defined]  # diffusers is untyped
            beginning = sample.detach().float().cpu().numpy().tobytes()
            self._fresh = torch.Generator().manual_seed(zlib.crc32(beginning))
        at = self._step_index or 0
        here, there = (float(sigma) for sigma in self.sigmas[at : at + 2])
        x, velocity = sample.float(), model_output.float()
        clean, noise = x - here * velocity, x + (1 - here) * velocity
        if here <= self.settled:
            noise = torch.randn(x.shape, generator=self._fresh).to(x)
        after = (1 - there) * clean + there * noise
        self._step_index = at + 1
        after = after.to(model_output.dtype)
        if not return_dict:
            return (after,)
        return FlowMatchEulerDiscreteSchedulerOutput(prev_sample=after)  # type: ignore[arg-type]  # a type of old
