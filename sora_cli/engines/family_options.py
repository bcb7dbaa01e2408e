"""What may be written under `options:` for the families that the embedded model is none of: who uses it, loads none."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sora_cli.engines.options import WAN_AVOIDS, Adapters, GuidedOptions, Options

LTX2_AVOIDS = (
    "blurry, out of focus, overexposed, underexposed, low contrast, washed out colors, excessive noise, grainy texture,"
    " poor lighting, flickering, motion blur, distorted proportions, unnatural skin tones, deformed facial features,"
    " asymmetrical face, missing facial features, extra limbs, disfigured hands, wrong hand count, artifacts around"
    " text, inconsistent perspective, camera shake, incorrect depth of field, background too sharp, background clutter,"
    " distracting reflections, harsh shadows, inconsistent lighting direction, color banding, cartoonish rendering,"
    " 3D CGI look, unrealistic materials, uncanny valley effect, incorrect ethnicity, wrong gender, exaggerated"
    " expressions, wrong gaze direction, mismatched lip sync, silent or muted audio, distorted voice, robotic voice,"
    " echo, background noise, off-sync audio, incorrect dialogue, added dialogue, repetitive speech, jittery movement,"
    " awkward pauses, incorrect timing, unnatural transitions, inconsistent framing, tilted camera, flat lighting,"
    " inconsistent tone, cinematic oversaturation, stylized filters, AI artifacts"
)
"""The negative prompt of LTX-2's authors (Lightricks/LTX-2, constants of ltx-pipelines), for picture and sound."""


class Ltx2Options(GuidedOptions):
    """LTX-2, the full models: picture and sound are guided apart, by the authors' advice for 2.3 and 2.5.

    `spatiotemporal` guidance (arXiv 2411.18664) and `modality` guidance each cost one more pass a step; 0 and 1 turn
    them off.
    """

    steps: int = Field(default=30, ge=1, le=200, description="sampling steps: more are slower and finer")
    guidance: float = Field(default=3.0, ge=1.0, le=30.0, description="how hard the prompt pulls the picture")
    sound_guidance: float = Field(default=7.0, ge=1.0, le=30.0, description="how hard it pulls the sound")
    spatiotemporal: float = Field(default=1.0, ge=0.0, le=10.0, description="guidance against a perturbed self; 0 off")
    modality: float = Field(default=3.0, ge=1.0, le=10.0, description="guidance that ties sound to picture; 1 off")
    rescale: float = Field(default=0.7, ge=0.0, le=1.0, description="holds guided contrast back; 0 off")
    hold: float = Field(default=1.0, ge=0.0, le=1.0, description="how hard given frames hold; below 1 they may drift")
    quality_avoid: str = Field(
        default=LTX2_AVOIDS,
        description="what is avoided anyway, before your own `avoid`; '' for nothing",
    )

    @property
    def guided(self) -> bool:
        """Picture and sound are guided in one batch."""
        return self.guidance > 1 or self.sound_guidance > 1

    @property
    def passes(self) -> tuple[tuple[float, int], ...]:
        """One more for each further kind of guidance."""
        return ((1.0, self.steps * (1 + self.guided + (self.spatiotemporal > 0) + (self.modality > 1))),)


class Ltx2DistilledOptions(Options):
    """LTX-2, the distilled models: eight fixed sampling times and no guidance, which is baked into the weights.

    `two_stage` samples at half the size, doubles the latents with the checkpoint's upsampler and refines them in
    three more steps: the authors' way to 1920x1088.
    """

    two_stage: bool = Field(default=False, description="sample small, double, refine: for large sizes")
    hold: float = Field(default=1.0, ge=0.0, le=1.0, description="how hard given frames hold; below 1 they may drift")
    lora: Adapters = Field(default=(), max_length=8, description="adapters, with their strengths")

    @property
    def steps(self) -> int:
        """Eight, and three more for the second stage."""
        return 11 if self.two_stage else 8

    @property
    def passes(self) -> tuple[tuple[float, int], ...]:
        """The first stage of two is half as wide and high."""
        return ((0.25, 8), (1.0, 3)) if self.two_stage else ((1.0, 8),)


class HeliosOptions(GuidedOptions):
    """Helios-Base: one resolution, guided; the steps are for each stretch of 33 frames."""

    steps: int = Field(default=50, ge=1, le=200, description="sampling steps for each 33 frames")
    quality_avoid: str = Field(default=WAN_AVOIDS, description="what is avoided anyway, before your own `avoid`")


class PyramidOptions(Options):
    """A model that samples at three sizes, each twice as wide and high as the one before."""

    stage_steps: int = Field(default=20, ge=1, le=100, description="sampling steps at each of three sizes")

    @property
    def passes(self) -> tuple[tuple[float, int], ...]:
        """As many at each size."""
        return tuple((share, self.stage_steps * (1 + self.guided)) for share in (1 / 16, 1 / 4, 1.0))


class HeliosMidOptions(PyramidOptions):
    """Helios-Mid: three resolutions, from small to large, with guidance."""

    guidance: float = Field(default=5.0, ge=1.0, le=30.0, description="how hard the prompt pulls; 1 is off")
    quality_avoid: str = Field(default=WAN_AVOIDS, description="what is avoided anyway, before your own `avoid`")
    lora: Adapters = Field(default=(), max_length=8, description="adapters, with their strengths")


class HeliosDistilledOptions(PyramidOptions):
    """Helios-Distilled: three resolutions, two steps each, no guidance."""

    stage_steps: int = Field(default=2, ge=1, le=10, description="sampling steps at each of three sizes")
    lora: Adapters = Field(default=(), max_length=8, description="adapters, with their strengths")


class StillOptions(GuidedOptions):
    """A model of pictures."""


class BakedStillOptions(StillOptions):
    """One whose pipeline passes over guidance, which is baked into the weights."""

    baked: ClassVar[bool] = True

    @property
    def guided(self) -> bool:
        """It is not, whatever is written."""
        return False


class MiniMaxH3Options(Options):
    """MiniMax-H3: guidance is baked into the weights, so there is none, and no negative prompt."""

    steps: int = Field(default=50, ge=2, le=200, description="sampling times; one pass less than that is made")
    lora: Adapters = Field(default=(), max_length=8, description="adapters, with their strengths")

    @property
    def passes(self) -> tuple[tuple[float, int], ...]:
        """The last of the sampling times is the end."""
        return ((1.0, self.steps - 1),)
