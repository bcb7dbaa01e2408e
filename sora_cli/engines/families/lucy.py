"""Lucy Edit: a film is changed as words say, without a mask.

It is Wan 2.2 TI2V with the film's latents beside those that are made, as channels of their own
(decart-ai/Lucy-Edit-Dev).
"""

from __future__ import annotations

from diffusers import LucyEditPipeline

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.families.diffusion import OnStep
from sora_cli.engines.families.wan_family import WanFamily
from sora_cli.engines.options import WanOptions
from sora_cli.engines.runtime.pixels import to_unit
from sora_cli.engines.runtime.schedulers import with_shift
from sora_cli.errors import RenderError


class Lucy(WanFamily[WanOptions]):
    """A film and an instruction to a film of the same length."""

    def load(self) -> object:
        """The pipeline; its autoencoder stays in float32, as its authors run it."""
        return self.from_pretrained(LucyEditPipeline)

    def render(self, take: Take, given: Given, options: WanOptions, step: OnStep) -> Footage:
        """Run the pipeline on the take's film."""
        if given.video is None:
            raise RenderError(
                f"{take.name}: {self.card.name} changes a film, and this take has none",
                hint="write `edit: {of: film.mp4, instruct: true}`, or use another engine for the shot",
            )
        with_shift(self.pipe, options.shift)
        return self.made(take, given, options, step, video=to_unit(given.video)[None])
