"""What a training will need before it begins: memory, disk and time. No torch here.

Activations are counted after Korthikanti et al. 2022 (arXiv 2205.05198, section 4): some 34 bytes for each token and
channel of a layer in 16 bits, and 12 more for the attention to words. Where they are computed again, only each layer's
input is held, and one layer's activations.
"""

from __future__ import annotations

import math
import re

from msgspec import Struct

from sora_cli.engines.base import EngineCard
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.estimate import DENOISERS, GB, KEPT, ROOM, SHARE, Layout, Machine, need, weights_of
from sora_cli.engines.header import header_of
from sora_cli.engines.options import Options
from sora_cli.engines.training import LAYERS, CourseSettings

HELD = 46
"""Bytes of activations for each token and channel of a layer, in 16 bits."""
STATE = 16
"""Bytes for each weight of an adapter: itself, its gradient and AdamW's two moments, in float32."""
LIBRARIES_GB = 0.7
"""Of torch, diffusers and what they load, on the host; measured with nano."""
PASSES = 2.0
"""Forward passes that a step costs: one forward, and one back through weights that do not change."""


class TrainingNeeds(Struct, frozen=True):
    """In GB, and seconds (0: not known). `weights` is the number of weights that are trained."""

    tokens: int
    weights: int
    memory_gb: float
    disk_gb: float
    seconds: float
    fits: bool


def needs(
    card: EngineCard, settings: CourseSettings, frames: int, machine: Machine, *, examples: int, captions: int
) -> TrainingNeeds:
    """What training on so many `examples` with so many `captions` needs, `frames` frames at a time."""
    on_gpu = bool(machine.device_gb)
    again = settings.checkpointing if settings.checkpointing is not None else on_gpu
    found = Checkpoint.read(card.location) if card.location else None
    config = found.config("transformer") if found else {}
    width, layers = _width(config), _layers(config)
    tokens = card.demand.tokens(*settings.size, frames) if card.demand else 0
    seen = tokens * settings.batch
    each = 1 if on_gpu else 2  # a CPU holds float32
    held = (2 * layers + HELD if again else HELD * layers) * seen * width * each / GB
    trained = _trained(found, settings.rank) if found else 0
    share, parts = KEPT.get(settings.quantize or "", 1.0), weights_of(card, on_gpu=on_gpu)
    kept = {name: size * share if name in DENOISERS else size for name, size in parts.items()}
    told = [size for name, size in kept.items() if name in DENOISERS or not on_gpu]
    learning = sum(told) + held + trained * STATE / GB
    layout = Layout("model" if on_gpu else "none", tile=on_gpu, quantize=settings.quantize or "none")
    sampling = need(card, (*settings.size, frames), Options(), layout, parts).peak(layout.offload)
    memory = max(learning, sampling) + (0.0 if on_gpu else LIBRARIES_GB)
    room = (machine.device_gb or machine.host_gb) * ROOM
    return TrainingNeeds(
        tokens=tokens,
        weights=trained,
        memory_gb=memory,
        disk_gb=_disk(config, card, tokens, examples, captions) + trained * STATE / GB,
        seconds=_seconds(card, seen, settings.steps, machine, again=again),
        fits=not room or memory <= room,
    )


def _width(config: dict[str, object]) -> int:
    heads, each = config.get("num_attention_heads"), config.get("attention_head_dim")
    return heads * each if isinstance(heads, int) and isinstance(each, int) else 0


def _layers(config: dict[str, object]) -> int:
    count = config.get("num_layers")
    return count if isinstance(count, int) and count else 1


def _trained(found: Checkpoint, rank: int) -> int:
    """Weights of adapters of a rank, counted in the headers of the transformer's files."""
    count = 0
    for path in found.weights("transformer"):
        for name, shape in header_of(path).shapes.items():
            if name.endswith(".weight") and re.fullmatch(LAYERS, name.removesuffix(".weight")):
                count += rank * sum(shape)
    return count


def _disk(config: dict[str, object], card: EngineCard, tokens: int, examples: int, captions: int) -> float:
    """GB of latents and text embeddings, in float32."""
    patch = config.get("patch_size")
    cells = math.prod(patch) if isinstance(patch, list) else 1
    channels, words = config.get("in_channels"), config.get("caption_channels") or config.get("text_dim")
    latents = tokens * cells * channels if isinstance(channels, int) else 0
    text = (card.prompt_tokens or 512) * words if isinstance(words, int) else 0
    return 4 * (examples * latents + captions * text) / GB


def _seconds(card: EngineCard, seen: int, steps: int, machine: Machine, *, again: bool) -> float:
    """Of the steps alone, at the rate that sampling mostly reaches."""
    if not machine.tflops or card.demand is None:
        return 0.0
    once = card.demand.per_token * seen + card.demand.per_pair * seen**2
    rate = machine.tflops * 1e12 * (SHARE if machine.device_gb else 1.0)
    return steps * once * (PASSES + again) / rate
