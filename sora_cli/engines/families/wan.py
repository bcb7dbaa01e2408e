"""Wan 2.1 and 2.2: text to video, and from a first (and last) frame.

Three kinds of checkpoint, told apart by their index: `WanPipeline` makes video from text; `WanImageToVideoPipeline`
from a picture, and cannot do without one; Wan 2.2 TI2V (`expand_timesteps`) does both with one transformer, each latent
frame having its own time. Wan 2.2 A14B has two transformers, one for the noisy steps and one for the rest.
"""

from __future__ import annotations

from diffusers import WanImageToVideoPipeline, WanPipeline
from PIL import Image

from sora_cli.engines.base import Ability, Footage, Given, Take
from sora_cli.engines.families.diffusion import OnStep
from sora_cli.engines.families.wan_family import WanFamily
from sora_cli.engines.options import WanOptions, WanPairOptions
from sora_cli.engines.runtime.schedulers import with_shift
from sora_cli.errors import RenderError


class Wan(WanFamily[WanOptions]):
    """Text to video, image to video, and first-and-last-frame to video."""

    def load(self) -> object:
        """The pipeline that the checkpoint names; its autoencoder stays in float32, as its authors run it."""
        self.both = bool(self.checkpoint.index.get("expand_timesteps"))
        wants_picture = self.checkpoint.pipeline == WanImageToVideoPipeline.__name__ and not self.both
        self.wants_picture = wants_picture
        return self.from_pretrained(WanImageToVideoPipeline if wants_picture else WanPipeline)

    def render(self, take: Take, given: Given, options: WanOptions, step: OnStep) -> Footage:
        """Run the pipeline for the take's text and pictures."""
        pictures = self.pictures(take, given)
        if self.both:
            with_shift(self.pipe, None)  # the other pipeline is given the checkpoint's own times, whatever this one has
            self.use(WanImageToVideoPipeline if pictures else WanPipeline, expand_timesteps=True)
        if isinstance(options, WanPairOptions):
            pictures["guidance_scale_2"] = options.guidance_low
        with_shift(self.pipe, options.shift)
        return self.made(take, given, options, step, **pictures)

    def pictures(self, take: Take, given: Given) -> dict[str, object]:
        """The pipeline's `image` and `last_image`; nothing where the take starts from text alone."""
        if given.opening is None:
            if self.wants_picture or given.closing is not None:
                raise RenderError(
                    f"{take.name}: {self.card.name} starts from a picture, and this take has no picture",
                    hint="give the shot a `from:`, or use a text-to-video engine for it",
                )
            return {}
        if given.closing is None and Ability.LAST_FRAME in self.card.needs:
            raise RenderError(
                f"{take.name}: {self.card.name} goes from a first to a last frame, and the take has no last one",
                hint="give the beat a `to:`, or use an image-to-video engine for it",
            )
        pictures: dict[str, object] = {"image": Image.fromarray(given.opening[-1])}
        if given.closing is not None:
            pictures["last_image"] = Image.fromarray(given.closing[0])
        return pictures
