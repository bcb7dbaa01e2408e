"""Fitting a model to the card: where its weights are, how its autoencoder works, and what to do when memory runs out.

A ladder of five rungs, walked down one at a time, said aloud: a small model makes one pass of guidance at a time;
decode in tiles; hold one component on the device at a time; stream the weights layer by layer; keep the transformer's
weights in 8 bits. What a person set explicitly stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol
from weakref import WeakSet

import torch
from diffusers.hooks.first_block_cache import FirstBlockCacheConfig
from diffusers.hooks.group_offloading import apply_group_offloading
from diffusers.hooks.hooks import HookRegistry
from diffusers.hooks.layerwise_casting import apply_layerwise_casting
from diffusers.models.modeling_utils import ModelMixin
from diffusers.quantizers.pipe_quant_config import PipelineQuantizationConfig
from diffusers.quantizers.quantization_config import BitsAndBytesConfig, QuantizationConfigMixin, TorchAoConfig

from sora_cli.engines.base import EngineCard
from sora_cli.engines.estimate import DENOISERS, EIGHT_BITS, IN_EIGHT_BITS, LAYOUTS, TILES, first_place
from sora_cli.engines.options import PACKAGES, Memory
from sora_cli.engines.runtime.guidance import both_passes_at_once
from sora_cli.engines.runtime.sharing import share
from sora_cli.errors import EngineMissing, MachineError, RequestError
from sora_cli.packages import require

STREAMING = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")
"""Hooks that diffusers' `apply_group_offloading` puts on."""
KEPT_WHOLE = ("norm", "embed", "rope", "proj_out", "scale_shift")
"""Layers whose weights stay in full precision when the others are kept in 8 bits."""


class Decoder(Protocol):
    """What is used here of a pipeline's autoencoder."""

    def enable_tiling(self) -> object:
        """Decode in tiles from now on."""
        ...


class Pipeline(Protocol):
    """What is used here of a pipeline of diffusers. Modular ones have no `enable_model_cpu_offload`."""

    vae: Decoder

    @property
    def components(self) -> Mapping[str, object]:
        """Its models and what else it is made of, by name."""
        ...

    def to(self, device: torch.device) -> object:
        """Move all of it to a device."""
        ...

    def enable_model_cpu_offload(self, *, device: torch.device) -> object:
        """Hold one model on the device at a time."""
        ...


class Offload:
    """How a pipeline is laid out on a device.

    Args:
        card: whose weights they are.
        memory: what a person asked for.
        device: where the pipeline runs.
        small: whether its weights are few: then both passes of guidance are one batch, which is sooner done.
    """

    def __init__(self, card: EngineCard, memory: Memory, device: torch.device, *, small: bool = False) -> None:
        self.memory = memory
        self.shared = card.shares and memory.gpus > 1
        self.cache = memory.cache if card.caches else None
        self.at_once = small and not self.cache  # a step cache keeps what it knows of each pass apart
        self.device = device
        self.tile = memory.tile if memory.tile is not None else memory.mode == "low"
        self.offload: str = memory.offload or "none"
        if not memory.offload and self.has_card:
            free, _ = torch.cuda.mem_get_info(device)
            self.offload = first_place(card, memory, free / 1e9)
        self.quantize: str = memory.quantize or "none"
        self._cast, self._compiled, self._parted = (WeakSet[ModelMixin]() for _ in range(3))
        if memory.offload not in (None, "none") and not self.has_card:
            raise MachineError("there is no GPU here to offload from", hint="leave `offload` out")

    @property
    def has_card(self) -> bool:
        """Whether the device has memory of its own."""
        return self.device.type == "cuda"

    def apply(self, pipe: Pipeline) -> None:
        """Lay the pipeline out. Its hooks are taken off before, by the engine."""
        if self.tile:
            pipe.vae.enable_tiling()
        for model in denoisers(pipe):
            self._prepare(model)
        if self.offload == "model" and hasattr(pipe, "enable_model_cpu_offload"):
            pipe.enable_model_cpu_offload(device=self.device)
        elif self.offload in ("model", "group"):
            for part in pipe.components.values():
                if isinstance(part, torch.nn.Module):
                    apply_group_offloading(
                        part,
                        onload_device=self.device,
                        offload_device=torch.device("cpu"),
                        offload_type="leaf_level",
                        use_stream=True,
                    )
        else:
            pipe.to(self.device)

    def _prepare(self, model: ModelMixin) -> None:
        """Weights in 8 bits, attention backend, step cache and compilation of a transformer."""
        if self.quantize == EIGHT_BITS and model not in self._cast:
            apply_layerwise_casting(
                model, storage_dtype=torch.float8_e4m3fn, compute_dtype=model.dtype, skip_modules_pattern=KEPT_WHOLE
            )
            self._cast.add(model)
        if self.memory.attention:
            try:
                model.set_attention_backend(self.memory.attention)
            except (ValueError, RuntimeError, ImportError) as error:
                raise RequestError(
                    f"attention {self.memory.attention} cannot be used here: {error}", hint="try: native"
                ) from error
        if self.shared and model not in self._parted:
            share(model)
            self._parted.add(model)
        if self.cache and not model.is_cache_enabled:
            model.enable_cache(FirstBlockCacheConfig(threshold=self.cache))
        compiled = self.memory.compile if self.memory.compile is not None else self.memory.mode == "fast"
        if compiled and not self.shared and self.has_card and model not in self._compiled:
            model.compile_repeated_blocks(dynamic=True)  # type: ignore[no-untyped-call]
            self._compiled.add(model)

    def begin(self, pipe: Pipeline) -> None:
        """Let go of what a step cache knows of another take, which may have been stopped on its way."""
        for model in denoisers(pipe) if self.cache else ():
            model._reset_stateful_cache()  # noqa: SLF001  its only name

    def guidance(self, pipe: Pipeline, avoided: object) -> AbstractContextManager[None]:
        """While it lasts, the pipeline makes both passes of a step at once, where that is sooner done.

        `avoided` are the embeddings of what to avoid; None where nothing is guided.
        """
        if isinstance(avoided, torch.Tensor) and self.at_once and self.offload == "none":
            return both_passes_at_once(denoisers(pipe), avoided)
        return nullcontext()

    def step_down(self) -> str:
        """Take the next rung down and say which; '' where none is left, or others share the work: all take it alike."""
        if self.shared:
            return ""
        rungs: list[tuple[bool, Callable[[], str]]] = [
            (self.at_once, self._one_pass),
            (not self.tile and self.memory.tile is None, self._tile),
            (self.offload == "none" and self.memory.offload is None and self.has_card, self._one_at_a_time),
            (self.offload == "model" and self.memory.offload is None, self._layer_by_layer),
            (self.quantize == "none" and self.memory.quantize is None, self._eight_bits),
        ]
        return next((take() for open_, take in rungs if open_), "")

    def _one_pass(self) -> str:
        self.at_once = False
        return "one pass of guidance at a time"

    def _tile(self) -> str:
        self.tile = True
        return TILES

    def _one_at_a_time(self) -> str:
        self.offload = "model"
        return LAYOUTS[self.offload]

    def _layer_by_layer(self) -> str:
        self.offload = "group"
        return LAYOUTS[self.offload]

    def _eight_bits(self) -> str:
        self.quantize = EIGHT_BITS
        return IN_EIGHT_BITS


def stop_streaming(part: torch.nn.Module) -> None:
    """Take off what streams the layers of a part of the model; none can learn with it."""
    hooks = HookRegistry.check_if_exists_or_initialize(part)
    for name in STREAMING:
        hooks.remove_hook(name, recurse=True)


def quantization(
    memory: Memory, device: torch.device, dtype: torch.dtype, parts: Iterable[str]
) -> PipelineQuantizationConfig | None:
    """What `from_pretrained` needs to know to read the transformers among `parts` as int8 or int4; None for neither.

    Raises:
        EngineMissing: the package that does it is not installed.
        MachineError: int4 without an NVIDIA GPU.
    """
    kind = memory.quantize
    package = PACKAGES.get(kind or "")
    if package is None:
        return None
    if kind == "int4" and device.type != "cuda":
        raise MachineError("4-bit weights need an NVIDIA GPU", hint="quantize: int8 works everywhere")
    require(f"quantize: {kind}", package, EngineMissing)
    if kind == "int8":
        from torchao.quantization import Int8WeightOnlyConfig

        config: QuantizationConfigMixin = TorchAoConfig(Int8WeightOnlyConfig())
    else:
        config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    return PipelineQuantizationConfig(quant_mapping={name: config for name in parts if name in DENOISERS})


def denoisers(pipe: Pipeline) -> list[ModelMixin]:
    """The transformers of a pipeline."""
    return [model for name in DENOISERS if (model := getattr(pipe, name, None)) is not None]
