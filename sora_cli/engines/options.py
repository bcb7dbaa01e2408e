"""What may be written under `options:`: typed, with defaults, and nothing else is taken.

Here are those that all families share and the embedded model's; `family_options` has the others'.

No torch here: `check` and `plan` validate options before a model is loaded. What diffusers' calls can take beyond
these is listed, with the reason, in `not_offered`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from sora_cli.adapters import SUFFIX, weights_in
from sora_cli.bounded import Json, expanded, file_hash, parse_json
from sora_cli.engines.checkpoint import PICKLES
from sora_cli.engines.folders import has_index
from sora_cli.engines.header import header_of
from sora_cli.texts import nearest

WAN_AVOIDS = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static,"
    " overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers,"
    " poorly drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still"
    " picture, messy background, three legs, many people in the background, walking backwards"
)
"""The negative prompt that Wan was tuned with, in English; Helios is built on Wan."""


PACKAGES = {"int8": "torchao", "int4": "bitsandbytes", "lora": "peft"}
"""What some options need beside what is always installed."""
FACTS = "sora"
"""Where in the header of a LoRA's file stands what `sora train` tells of it."""
EXPERT = re.compile(r"(high|low)(?=[-_ .]?noise)|(?<=[-_ .])(high|low)$", re.IGNORECASE)
"""How a LoRA's file for one transformer of a pair says in its name for which."""


_WEIGHED = re.compile(r"(.+):(-?\d*\.?\d+)")
"""A file and its strength, as other programs take them."""


class Options(BaseModel):
    """The base of all options: frozen, and an unknown one is an error.

    `made_of` tells of which options these are, where they have other defaults, and what those are; `baked` that the
    model passes over the option `guidance`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    made_of: ClassVar[tuple[type[Options], dict[str, object]] | None] = None
    baked: ClassVar[bool] = False

    @property
    def guided(self) -> bool:
        """Whether each step is made with and without the prompt (classifier-free guidance)."""
        return float(getattr(self, "guidance", 1.0)) > 1

    @property
    def passes(self) -> tuple[tuple[float, int], ...]:
        """Passes of the transformer, by the share of the take's tokens that they see."""
        return ((1.0, int(getattr(self, "steps", 0)) * (1 + self.guided)),)


def not_safetensors(path: Path) -> str:
    """Why a file holds no weights in safetensors' form, by its content; empty where it does."""
    try:
        header_of(path)
    except OSError as error:
        return error.strerror or str(error)
    except ValueError:
        return "it is not a safetensors file, whatever its name says"
    return ""


def adapter_facts(path: Path) -> dict[str, Json]:
    """What `sora train` wrote of a LoRA into its file; empty where it is another program's."""
    with suppress(OSError, ValueError):
        facts = parse_json(header_of(path).facts.get(FACTS, ""))
        return facts if isinstance(facts, dict) else {}
    return {}


class LoraOption(Options):
    """A low-rank adapter laid over the model's weights for a take.

    `path` is a `.safetensors` file, or a folder that `sora train` wrote; a relative one starts at the validation
    context's `folder` (the storyboard's), else at the working directory, and it lies in the context's `inside` where
    there is such a folder. `sha256` is filled in, so that another file under the same name is another take.
    `expert` tells for which transformer of a pair it is, that of high or low noise; where it is not written, the file's
    name tells: files for Wan 2.2 come in twos, and say `high_noise` or `low_noise`.
    """

    path: str
    scale: float = Field(default=1.0, ge=-4.0, le=4.0)
    expert: Literal["both", "high", "low"] = "both"
    sha256: str = ""

    @model_validator(mode="before")
    @classmethod
    def _found(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, dict) or not isinstance(given.get("path"), str):
            return given
        place = info.context or {}
        path = weights_in(Path(place.get("folder", "."), expanded(given["path"]))).resolve()
        inside = place.get("inside")
        if inside is not None and not path.is_relative_to(Path(inside).resolve()):
            raise ValueError(
                f"{path.name} is outside the storyboard's folder: copy it there, or run with --allow-outside"
            )
        if wrong := _no_weights(path):
            raise ValueError(wrong)
        found = file_hash(path)
        if given.get("sha256") not in (None, "", found):
            raise ValueError(f"{path} has changed since it was planned")
        return {"expert": expert_of(path.stem), **given, "path": str(path), "sha256": found}


def _no_weights(path: Path) -> str:
    """Why a path names no file of a LoRA, and what does; empty where it does."""
    folder = path.parent
    if path.stem == folder.name and path.suffix == SUFFIX and folder.is_dir() and not path.is_file():
        if has_index(folder):
            return f"{folder} is a model, not a LoRA"
        held = sorted(each.name for each in folder.glob(f"*{SUFFIX}"))
        return f"the folder {folder} holds {f'several files: name one, such as {held[0]}' if held else 'no LoRA'}"
    weighed = _WEIGHED.fullmatch(path.name)
    if weighed and weights_in(path.with_name(weighed[1])).is_file():
        return f"there is no file {path}: write {{path: {weighed[1]}, scale: {weighed[2]}}}"
    if not path.is_file():
        there = [each.name for each in folder.glob(f"*{SUFFIX}")] if folder.is_dir() else []
        near = f"{path.name}{SUFFIX}" if f"{path.name}{SUFFIX}" in there else nearest(path.name, there)
        return f"there is no file {path}{f': did you mean {near}?' if near else ''}"
    if path.suffix.lower() in PICKLES:
        return f"{path.name} is a pickle, which may run code: get the LoRA as a {SUFFIX} file"
    return "" if path.suffix == SUFFIX else f"{path.name} is not a {SUFFIX} file"


def expert_of(name: str) -> str:
    """For which transformer of a pair a LoRA is, by its file's name."""
    told = {found[0].lower() for found in EXPERT.finditer(name)}
    return told.pop() if len(told) == 1 else "both"


def listed(given: object) -> list[object]:
    """What is written of adapters, as a list of mappings: a path alone, a mapping, a list of these; `off` for none."""
    if given is None or given is False or (isinstance(given, str) and given.strip().lower() in {"", "off", "none"}):
        return []
    each_of = given if isinstance(given, list | tuple) else [given]
    return [{"path": each} if isinstance(each, str) else each for each in each_of]


Adapters = Annotated[tuple[LoraOption, ...], BeforeValidator(listed)]


def avoided(*parts: str) -> str:
    """What a model is led away from, in one text: the parts that say something."""
    return ", ".join(filter(None, parts))


def named_by(options: Mapping[str, object]) -> set[str]:
    """The words that a take's LoRA answer to: `sora train` names their files so."""
    given = options.get("lora")
    return (
        {Path(str(each["path"])).stem.lower() for each in listed(given) if isinstance(each, dict)} if given else set()
    )


ATTENTION = {
    "native": "",
    "flash": "flash_attn",
    "flash_varlen": "flash_attn",
    "_flash_3": "flash_attn_interface",
    "_flash_varlen_3": "flash_attn_interface",
    "flex": "",
    "_native_cudnn": "",
    "_native_efficient": "",
    "_native_flash": "",
    "_native_math": "",
    "_native_npu": "torch_npu",
    "_native_xla": "torch_xla",
    "sage": "sageattention",
    "sage_varlen": "sageattention",
    "_sage_qk_int8_pv_fp8_cuda": "sageattention",
    "_sage_qk_int8_pv_fp8_cuda_sm90": "sageattention",
    "_sage_qk_int8_pv_fp16_cuda": "sageattention",
    "_sage_qk_int8_pv_fp16_triton": "sageattention",
    "xformers": "xformers",
}
"""diffusers' backends of attention that fetch no code, and the package that each needs beside torch."""


class Memory(Options):
    """How a model is fitted to the machine; what is set here explicitly is never changed.

    `mode`: `auto` puts all weights on the GPU where they fit and steps down when memory runs out; `fast` compiles the
    transformer's blocks; `low` starts with tiles and streamed weights. `offload`: `none`, `model` (one component on the
    GPU at a time) or `group` (layer by layer). `quantize` keeps the transformer's weights small: `float8` (needs no
    package), `int8` (torchao) or `int4` (bitsandbytes' NF4, on NVIDIA GPUs).
    `attention` is one of diffusers' backends (`flash`, `sage`, `_native_cudnn`, ...), but for those that fetch code.
    `cache` is a first-block cache's threshold (0.05 to 0.2): it skips steps that change little, and pays on runs of 20
    steps and more. `gpus` is how many GPUs make each take together, with all weights on each, where the engine can.
    """

    mode: Literal["auto", "fast", "low"] = "auto"
    offload: Literal["none", "model", "group"] | None = None
    tile: bool | None = None
    quantize: Literal["none", "float8", "int8", "int4"] | None = None
    attention: str | None = None
    cache: float | None = Field(default=None, gt=0.0, le=1.0)
    compile: bool | None = None
    gpus: int = Field(default=1, ge=1, le=16)

    @field_validator("gpus")
    @classmethod
    def _alone(cls, gpus: int, info: ValidationInfo) -> int:
        for name in ("cache", "compile"):
            if gpus > 1 and info.data.get(name):
                raise ValueError(f"{name} works on one GPU alone: leave one of the two out")
        return gpus

    @field_validator("attention")
    @classmethod
    def _installed(cls, name: str | None) -> str | None:
        if name is not None and name.endswith("_hub"):
            plain = name.removesuffix("_hub")
            raise ValueError(f"{name} would fetch code from the hub: install its package and write {plain}")
        if name is not None and name not in ATTENTION:
            known = ", ".join(each for each in ATTENTION if not each.startswith("_"))
            raise ValueError(f"there is no {name}; write one of: {known}")
        return name

    @property
    def changes_pixels(self) -> dict[str, object]:
        """What of it changes pictures, for a take's key; placement does not."""
        told = {"quantize": self.quantize, "attention": self.attention, "cache": self.cache, "tile": self.tile}
        return {name: value for name, value in told.items() if value not in (None, "none", False)}


class SamplingOptions(Options):
    """What every sampled model takes."""

    steps: int = Field(default=30, ge=1, le=200, description="sampling steps: more are slower and finer")
    lora: Adapters = Field(default=(), max_length=8, description="adapters, with their strengths")


class GuidedOptions(SamplingOptions):
    """A model that is told what to make twice, with and without the prompt (classifier-free guidance)."""

    guidance: float = Field(default=5.0, ge=1.0, le=30.0, description="how hard the prompt pulls; 1 is off")


class WanOptions(GuidedOptions):
    """Wan 2.1 and 2.2.

    `shift` moves the sampling times towards noise: 3 for 480 lines and 5 for 720 are the authors' advice, 12 for Wan
    2.2 from text, whose checkpoint has 3 as well; none leaves the checkpoint's own. `quality_avoid` goes in front of
    `avoid`: Wan was tuned with such a negative prompt.
    """

    steps: int = Field(default=50, ge=1, le=200, description="sampling steps: more are slower and finer")
    shift: float | None = Field(default=None, gt=0.0, le=30.0, description="moves sampling towards noise (3 to 12)")
    quality_avoid: str = Field(
        default=WAN_AVOIDS, description="what Wan avoids anyway, before your own `avoid`; '' for nothing"
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
    steady: float = Field(default=0.0, ge=0.0, le=1.0, description="how long new frames are held to the last given one")


class NanoOptions(WanVaceOptions):
    """The embedded model: Wan VACE's options with its own defaults."""

    steps: int = Field(default=24, ge=1, le=200, description="sampling steps: more are slower and finer")
    guidance: float = Field(default=3.0, ge=1.0, le=30.0, description="how hard the prompt pulls; 1 is off")
    quality_avoid: str = Field(default="", description="what is avoided anyway, before your own `avoid`")
    steady: float = Field(default=0.1, ge=0.0, le=1.0, description="as Wan VACE's; more holds still what should move")


def with_defaults(base: type[Options], defaults: dict[str, object]) -> type[Options]:
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
    made = create_model(base.__name__, __base__=base, **fields)
    made.made_of = base, defaults
    return made
