"""What a take will need before it is made: memory on the device and the host, disk, and time. No torch here.

Weights are counted; activations and decoding follow from the number of latent tokens and pixels. The constants are
rules of thumb for these architectures in bfloat16, not measurements of your machine: take them as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sora_cli.engines.base import EngineCard
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.options import Memory

GB = 1e9
LIVE = 24
"""Tensors of the transformer's width alive at once in a block, its feed-forward's wider ones counted so."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a family's pixels become tokens, and what its autoencoder needs.

    A token covers `frames` x `pixels` x `pixels`. `per_pixel` and `per_volume` are bytes of decoding for each pixel of
    a picture and for each pixel of the whole clip, without tiles; in tiles of 256 they count for one tile.
    """

    frames: int
    pixels: int
    per_pixel: float
    per_volume: float


SHAPES = {
    "wan": Shape(4, 16, 20e3, 24),
    "wan-vace": Shape(4, 16, 20e3, 24),
    "helios": Shape(4, 16, 20e3, 24),
    "ltx2": Shape(8, 32, 0, 210),
    "minimax-h3": Shape(4, 32, 2e3, 24),
}
WIDTHS = ((0.1, 256), (3.0, 1536), (8.0, 3072), (17.9, 5120), (25.0, 4096), (99.0, 7168))
"""Width of a transformer by its billions of weights, where its configuration is not at hand."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is: device memory (0: no GPU) and host memory in GB, and the device's rate in TFLOP/s (0: unknown)."""

    device_gb: float = 0.0
    host_gb: float = 0.0
    tflops: float = 0.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Needs of one take, in GB and seconds (0: unknown). `advice` says what would fit where it will not."""

    weights_gb: float
    activations_gb: float
    decode_gb: float
    device_gb: float
    host_gb: float
    disk_gb: float
    seconds: float
    fits: bool
    advice: str = ""


def estimate(
    card: EngineCard, size: tuple[int, int, int], options: Mapping[str, object], *, memory: Memory, machine: Machine
) -> Estimate:
    """What a take will need on a machine, laid out as `memory` says; `size` is (width, height, frames)."""
    width, height, frames = size
    shape = SHAPES.get(card.family, SHAPES["wan"])
    tokens = (frames // shape.frames + 1) * (width // shape.pixels) * (height // shape.pixels)
    parts = sizes(card)
    share = {"float8": 0.5, "int8": 0.5, "int4": 0.28}.get(memory.quantize or "", 1.0)
    weighed = {name: size * (share if name.startswith("transformer") else 1.0) for name, size in parts.items()}
    activations = tokens * _width(card) * 2 * LIVE / GB
    decode = _decode(shape, width, height, frames, tile=bool(memory.tile) or memory.mode == "low")
    placed = memory.offload or ("group" if memory.mode == "low" else "none")
    needs = _device(weighed, placed, activations, decode)
    total = sum(weighed.values())
    held = machine.device_gb or machine.host_gb
    fits = not held or needs <= held * 0.95
    return Estimate(
        weights_gb=total,
        activations_gb=activations,
        decode_gb=decode,
        device_gb=needs,
        host_gb=(total if placed != "none" or not machine.device_gb else max(weighed.values(), default=0.0)) + 4.0,
        disk_gb=card.disk_gb,
        seconds=_seconds(card, tokens, options, machine),
        fits=fits,
        advice="" if fits else _advice(weighed, activations, _decode(shape, *size, tile=True), held),
    )


def sizes(card: EngineCard) -> dict[str, float]:
    """Each component's weights in GB: from the files where they are here, else from the card."""
    if card.location is not None:
        found = Checkpoint.read(card.location)
        files = {name: found.bytes_of(name) / GB for name in found.components()}
        if any(files.values()):
            return {name: size for name, size in files.items() if size}
    return {name: billions * 2 for name, billions in card.weights.items()}


def _width(card: EngineCard) -> int:
    if card.location is not None:
        config = Checkpoint.read(card.location).config("transformer")
        if "num_attention_heads" in config:
            return int(config["num_attention_heads"]) * int(config.get("attention_head_dim", 128))
    size = card.weights.get("transformer", 0.01)
    return next(width for limit, width in WIDTHS if size <= limit)


def _decode(shape: Shape, width: int, height: int, frames: int, *, tile: bool) -> float:
    pixels = width * height
    seen = min(pixels, 256 * 256) if tile else pixels
    output = pixels * frames * 3 * 4
    return (seen * shape.per_pixel + seen * frames * shape.per_volume + output) / GB


def _device(parts: Mapping[str, float], placed: str, activations: float, decode: float) -> float:
    """The peak: sampling or decoding, whichever is more, on top of the weights that are on the device then."""
    if placed == "group":
        return max(activations, decode) + 1.0
    if placed == "model":
        denoiser = max((size for name, size in parts.items() if name.startswith("transformer")), default=0.0)
        return max(denoiser + activations, parts.get("vae", 0.0) + decode, max(parts.values(), default=0.0))
    return sum(size for name, size in parts.items() if name != "transformer_ref") + max(activations, decode)


def _seconds(card: EngineCard, tokens: int, options: Mapping[str, object], machine: Machine) -> float:
    """Matrix work of all passes at 40 % of the device's rate; attention counted apart."""
    if not machine.tflops:
        return 0.0
    chosen = card.options.model_validate(dict(options))
    stages = 3 * int(getattr(chosen, "stage_steps", 0))
    steps = int(getattr(chosen, "steps", 0)) or stages or 1
    passes = steps * (2 if float(getattr(chosen, "guidance", 1.0)) > 1 else 1)
    size = sizes(card).get("transformer", 0.02) / (4 if card.location and not machine.device_gb else 2) * GB
    width = _width(card)
    attention = 4 * tokens**2 * width * max(1.0, size / (12 * width**2))
    return passes * (2 * size * tokens + attention) / (machine.tflops * 1e12 * 0.4)


def _advice(parts: Mapping[str, float], activations: float, tiled: float, held: float) -> str:
    """The first thing that would make it fit."""
    if _device(parts, "none", activations, tiled) <= held * 0.95:
        return "decode in tiles: --memory auto does it when memory runs out"
    if _device(parts, "model", activations, tiled) <= held * 0.95:
        return "hold one part on the GPU at a time: --memory auto does it by itself"
    if _device(parts, "group", activations, tiled) <= held * 0.95:
        return "stream the weights: --memory low"
    return "make it smaller or shorter: output.size, duration"
