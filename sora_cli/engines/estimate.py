"""What a take will need before it is made: memory on the device and the host, disk, and time. No torch here.

Weights are counted as they are loaded; the rest is what the card's `demand` says, traced from the true configurations
(`tests/engines/test_estimates.py`). The driver's own memory and fragments come on top: `ROOM` leaves them a share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sora_cli.engines.base import EngineCard
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.options import Memory, Options

GB = 1e9
SHARE = 0.4
"""Of a GPU's full rate that sampling mostly reaches: 0.2 to 0.7 in published times."""
ROOM = 0.95
"""Share of the device's memory that is planned with."""
LEAVES = 0.35
"""GB of weights on the device while they are streamed: a layer and the next one."""
SMALL = 2 << 30
"""Checkpoints below this many bytes run in float32 on a CPU; larger ones in bfloat16, to fit."""
DENOISERS = ("transformer", "transformer_2", "transformer_ref")
EIGHT_BITS = "float8"
KEPT = {"float8": 0.5, "int8": 0.5, "int4": 0.28}
"""Share of a transformer's weights that is left."""
TILES = "decoding in tiles"
LAYOUTS = {
    "none": "",
    "model": "holding one part of the model on the GPU at a time",
    "group": "streaming the weights layer by layer",
}
"""Where weights lie, from the quickest to what needs least."""
IN_EIGHT_BITS = "keeping the transformer's weights in 8 bits"


class Machine(Struct, frozen=True):
    """What there is: device memory (0: no GPU) and host memory in GB, and the device's rate in TFLOP/s (0: unknown)."""

    device_gb: float = 0.0
    host_gb: float = 0.0
    tflops: float = 0.0
    name: str = ""


class Layout(Struct, frozen=True):
    """How a model is laid out on a device: where its weights lie, tiles, and how its transformer is kept.

    `gpus` is how many such devices make a take together.
    """

    offload: str
    tile: bool
    quantize: str
    gpus: int = 1

    def words(self) -> str:
        """What it does about memory; '' where it does nothing."""
        eight = IN_EIGHT_BITS if self.quantize == EIGHT_BITS else ""
        together = f"{self.gpus} GPUs make each take together" if self.gpus > 1 else ""
        return ", ".join(part for part in (together, LAYOUTS[self.offload], TILES if self.tile else "", eight) if part)


class Estimate(Struct, frozen=True):
    """Needs of one take, in GB and seconds (0: unknown), as it will be laid out: `layout` says how.

    `seconds` are a rule of thumb, and on a GPU `least` is a lower bound: all arithmetic at its full rate. `advice` says
    what would fit where nothing does.
    """

    weights_gb: float
    activations_gb: float
    decode_gb: float
    encode_gb: float
    device_gb: float
    host_gb: float
    disk_gb: float
    seconds: float
    least: float
    fits: bool
    layout: str = ""
    advice: str = ""


class Need(Struct, frozen=True):
    """What a take's parts need on the device, in GB: weights by component, and what each stage holds beside them."""

    weights: Mapping[str, float]
    activations: float
    decode: float
    encode: float
    words: float = 0.0

    def peak(self, offload: str) -> float:
        """The most at any time, with the weights laid out so."""
        if offload == "group":
            return max(self.activations, self.decode, self.encode, self.words) + LEAVES
        if offload == "model":
            denoiser = max((size for name, size in self.weights.items() if name in DENOISERS), default=0.0)
            coder = self.weights.get("vae", 0.0) + max(self.decode, self.encode)
            return max(denoiser + self.activations, coder, *self.weights.values())
        held = sum(size for name, size in self.weights.items() if name != "transformer_ref")
        return held + max(self.activations, self.decode, self.encode)


def need(
    card: EngineCard, size: tuple[int, int, int], options: Options, layout: Layout, weights: Mapping[str, float]
) -> Need:
    """What a take of `size` (width, height, frames) needs of each device, stage by stage, with these weights in GB."""
    share = KEPT.get(layout.quantize, 1.0)
    parts = {name: gb * share if name in DENOISERS else gb for name, gb in weights.items()}
    demand = card.demand
    if demand is None:
        return Need(parts, 0.0, 0.0, 0.0)
    width, height, frames = size
    tokens = demand.tokens(*size) * (2 if demand.batched and options.guided else 1) / layout.gpus
    decode, encode = (demand.tiled, demand.encode_tiled) if layout.tile else (demand.decode, demand.encode)
    return Need(
        parts,
        activations=tokens * demand.held / GB,
        decode=decode.bytes_for(width, height, min(frames, demand.chunk or frames)) / GB,
        encode=encode.bytes_for(width, height, frames) / GB,
        words=demand.words / GB,
    )


def weights_of(card: EngineCard, *, on_gpu: bool) -> dict[str, float]:
    """Each component's weights in GB as they are loaded: counted in the files where they are here, else the card's."""
    exact = card.demand.exact if card.demand else frozenset()
    if card.location is not None:
        found = Checkpoint.read(card.location)
        parts = {name: card.parts.get(name, name) for name in found.components()}
        single = not on_gpu and sum(found.bytes_of(folder) for folder in parts.values()) < SMALL
        counted = {name: found.parameters_of(folder) for name, folder in parts.items()}
        if any(counted.values()):
            return {
                name: count * (4 if single or name in exact else 2) / GB for name, count in counted.items() if count
            }
    return {name: billions * (4 if name in exact else 2) for name, billions in card.weights.items()}


def together(card: EngineCard, memory: Memory) -> int:
    """How many GPUs make a take together."""
    return memory.gpus if card.shares else 1


def layouts(memory: Memory, *, on_gpu: bool, gpus: int = 1) -> Iterator[Layout]:
    """The ways to lay a model out, from the quickest down; what is set explicitly stays."""
    low = memory.mode == "low"
    tile, kept = (low if memory.tile is None else memory.tile), memory.quantize or "none"
    ways = ["group"] if low else ["none"] if memory.mode == "fast" else list(LAYOUTS)
    places = [memory.offload] if memory.offload else ways if on_gpu else ["none"]
    yield from (Layout(place, tile, kept, gpus) for place in places)
    if memory.tile is None and not tile:
        tile = True
        yield Layout(places[-1], tile, kept, gpus)
    if memory.quantize is None:
        yield Layout(places[-1], tile, EIGHT_BITS, gpus)


def estimate(
    card: EngineCard, size: tuple[int, int, int], options: Mapping[str, object], *, memory: Memory, machine: Machine
) -> Estimate:
    """What a take will need on a machine, in the first layout that fits; `size` is (width, height, frames)."""
    chosen, on_gpu = _chosen(card, options), bool(machine.device_gb)
    held = (machine.device_gb or machine.host_gb) * ROOM
    weights, gpus = weights_of(card, on_gpu=on_gpu), together(card, memory)
    tried = [(way, need(card, size, chosen, way, weights)) for way in layouts(memory, on_gpu=on_gpu, gpus=gpus)]
    fitting = (one for one in tried if not held or one[1].peak(one[0].offload) <= held)
    layout, needs = next(fitting, tried[-1])
    least = _seconds(card, size, chosen, machine, gpus)
    peak, total = needs.peak(layout.offload), sum(needs.weights.values())
    fits = not held or peak <= held
    kept_on_host = total if layout.offload != "none" or not on_gpu else max(needs.weights.values(), default=0.0)
    return Estimate(
        weights_gb=total,
        activations_gb=needs.activations,
        decode_gb=needs.decode,
        encode_gb=needs.encode,
        device_gb=peak,
        host_gb=kept_on_host + 4.0,
        disk_gb=card.disk_gb,
        seconds=least / SHARE if on_gpu else least,
        least=least if on_gpu else 0.0,
        fits=fits,
        layout=layout.words(),
        advice="" if fits else _advice(card, size, chosen, weights, held, on_gpu=on_gpu),
    )


def least_gb(card: EngineCard, size: tuple[int, int, int], options: Mapping[str, object], memory: Memory) -> float:
    """GB that a GPU must have for a take, in the layout that needs least."""
    chosen, weights = _chosen(card, options), weights_of(card, on_gpu=True)
    ways = layouts(memory, on_gpu=True, gpus=together(card, memory))
    return min(need(card, size, chosen, way, weights).peak(way.offload) for way in ways) / ROOM


def usual(card: EngineCard, layout: Layout) -> Need:
    """What a take of the card's own size and length needs on a GPU."""
    size = (*card.native_size, card.frames_for(round(card.default_seconds * card.fps)))
    return need(card, size, _chosen(card, {}), layout, weights_of(card, on_gpu=True))


def released(card: EngineCard) -> float:
    """GB of device memory for a take of the card's own size and length, with nothing offloaded."""
    return usual(card, Layout("none", tile=False, quantize="none")).peak("none")


def first_place(card: EngineCard, memory: Memory, free_gb: float) -> str:
    """Where weights go on a GPU with so much free; tiles and 8 bits come only where memory runs out."""
    all_ways = layouts(memory, on_gpu=True, gpus=together(card, memory))
    ways = [way for way in all_ways if way.quantize == (memory.quantize or "none")]
    fitting = (way for way in ways if usual(card, way).peak(way.offload) <= free_gb * ROOM)
    return next(fitting, ways[-1]).offload


def _chosen(card: EngineCard, options: Mapping[str, object]) -> Options:
    """A card's options as they were chosen; those of engines of others say nothing about passes."""
    # Where none are chosen, none are validated: `models` would build what validates them for each engine that it lists.
    chosen = card.options.model_validate(dict(options)) if options else card.options.model_construct()
    return chosen if isinstance(chosen, Options) else Options.model_construct()


def _seconds(card: EngineCard, size: tuple[int, int, int], options: Options, machine: Machine, gpus: int) -> float:
    """All passes of the transformer, shared by so many GPUs, and the decoding, at the device's rate."""
    demand = card.demand
    if not machine.tflops or demand is None:
        return 0.0
    width, height, frames = size
    chunks, tokens = math.ceil(frames / (demand.chunk or frames)), demand.tokens(*size)
    passes = ((count, tokens * share) for share, count in options.passes)
    sampling = sum(count * (demand.per_token * seen + demand.per_pair * seen**2) for count, seen in passes)
    return (chunks * sampling / gpus + demand.per_pixel * width * height * frames) / (machine.tflops * 1e12)


def _advice(
    card: EngineCard,
    size: tuple[int, int, int],
    options: Options,
    weights: Mapping[str, float],
    held: float,
    *,
    on_gpu: bool,
) -> str:
    """What would make it fit: no setting of one's own, else a smaller take."""
    for way in layouts(Memory(), on_gpu=on_gpu):
        if need(card, size, options, way, weights).peak(way.offload) <= held:
            return f"--memory auto does it by {way.words()}"
    return "make it smaller or shorter: output.size, duration"
