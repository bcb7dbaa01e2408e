"""What may be written under `options:` for each family: typed, with defaults, and nothing else is taken.

No torch here: `check` and `plan` validate options before a model is loaded. What diffusers' calls can take beyond
these is listed, with the reason, in `not_offered`.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model


class Options(BaseModel):
    """The base of all options: frozen, and an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LoraOption(Options):
    """A low-rank adapter laid over the model's weights for a take.

    `path` is a `.safetensors` file, relative to the working directory or absolute.
    """

    path: str
    scale: float = Field(default=1.0, ge=-4.0, le=4.0)


class SamplingOptions(Options):
    """What every sampled model takes."""

    steps: int = Field(default=30, ge=1, le=200, description="sampling steps: more are slower and finer")
    lora: tuple[LoraOption, ...] = Field(default=(), max_length=8, description="adapters, with their strengths")


class GuidedOptions(SamplingOptions):
    """A model that is told what to make twice, with and without the prompt (classifier-free guidance)."""

    guidance: float = Field(default=5.0, ge=1.0, le=30.0, description="how hard the prompt pulls; 1 is off")


class WanOptions(GuidedOptions):
    """Wan 2.1 and 2.2.

    `shift` moves the sampling times towards noise: 3 for 480 lines and 5 for 720 are the authors' advice; none leaves
    the checkpoint's own. `quality_avoid` goes in front of `avoid`: Wan was tuned with such a negative prompt.
    """

    steps: int = Field(default=50, ge=1, le=200, description="sampling steps: more are slower and finer")
    shift: float | None = Field(default=None, gt=0.0, le=30.0, description="moves sampling towards noise (3 to 12)")
    quality_avoid: str = Field(
        default=(
            "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static,"
            " overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers,"
            " poorly drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still"
            " picture, messy background, three legs, many people in the background, walking backwards"
        ),
        description="what Wan avoids anyway, before your own `avoid`; '' for nothing",
    )


class WanPairOptions(WanOptions):
    """Wan 2.2 A14B: two transformers, one for the noisy steps and one for the rest, each with its guidance."""

    steps: int = Field(default=40, ge=1, le=200, description="sampling steps: more are slower and finer")
    guidance: float = Field(default=4.0, ge=1.0, le=30.0, description="how hard the prompt pulls in the noisy steps")
    guidance_low: float = Field(default=3.0, ge=1.0, le=30.0, description="the same in the last, low-noise steps")


class WanVaceOptions(WanOptions):
    """Wan VACE: given frames and references are conditions, with a strength."""

    steps: int = Field(default=30, ge=1, le=200, description="sampling steps: more are slower and finer")
    control: float = Field(default=1.0, ge=0.0, le=2.0, description="how hard given frames and references hold")


class NanoOptions(WanVaceOptions):
    """The embedded model: Wan VACE's options with its own defaults."""

    steps: int = Field(default=24, ge=1, le=200, description="sampling steps: more are slower and finer")
    guidance: float = Field(default=3.0, ge=1.0, le=30.0, description="how hard the prompt pulls; 1 is off")
    quality_avoid: str = Field(default="", description="what is avoided anyway, before your own `avoid`")


def with_defaults(base: type[Options], defaults: dict[str, Any]) -> type[Options]:
    """The same options with other defaults, limits kept; a default that breaks a limit or names no option raises.

    Raises:
        KeyError: `defaults` names an option that `base` has not.
        pydantic.ValidationError: a default outside its limits.
    """
    base(**defaults)
    fields: dict[str, Any] = {}
    for name, value in defaults.items():
        info = copy(base.model_fields[name])
        info.default = value
        fields[name] = (info.annotation, info)
    return create_model(base.__name__, __base__=base, **fields)
