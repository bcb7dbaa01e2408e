"""What `plan` says a take needs, held against the true configurations, traced from their shapes alone."""

from __future__ import annotations

import json
import struct
from functools import cache
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from sora_cli.engines import cards
from sora_cli.engines.base import EngineCard
from sora_cli.engines.doctor import RATES
from sora_cli.engines.estimate import Layout, Machine, estimate, first_place, need, released, weights_of
from sora_cli.engines.options import Memory
from tests.engines.tracing import Traced, gigabytes, shapes_alone, traced
from tests.engines.true_sizes import ENTRIES, MODELS, Size, decode
from tests.gpu import real_sizes

CARDS = {known.card.name: known.card for known in cards.known()}
WHOLE, TILED = Layout("none", tile=False, quantize="none"), Layout("none", tile=True, quantize="none")
FORWARDS: list[tuple[str, Size]] = [
    ("lucy-edit", (832, 480, 81)),
    ("nano", (384, 256, 17)),
    ("wan2.1-t2v-1.3b", (832, 480, 81)),
    ("wan2.1-t2v-14b", (1280, 720, 81)),
    ("wan2.1-i2v-14b-480p", (832, 480, 81)),
    ("wan2.1-flf2v-14b-720p", (1280, 720, 81)),
    ("wan2.2-i2v-a14b", (1280, 720, 41)),
    ("wan2.1-vace-1.3b", (832, 480, 81)),
    ("wan2.2-ti2v-5b", (1280, 704, 121)),
    ("ltx-2", (768, 512, 121)),
    ("ltx-2", (1920, 1088, 257)),
    ("ltx-2.3", (960, 544, 121)),
    ("helios-base", (640, 384, 99)),
    ("minimax-h3", (1344, 768, 124)),
]
MORE_FORWARDS: list[tuple[str, Size]] = [
    ("wan2.1-t2v-14b", (832, 480, 81)),
    ("wan2.1-vace-14b", (1280, 720, 81)),
    ("wan2.1-vace-14b", (832, 480, 41)),
    ("wan2.2-ti2v-5b", (832, 480, 81)),
    ("ltx-2", (1280, 704, 121)),
    ("ltx-2.3", (1920, 1088, 121)),
    ("helios-base", (512, 320, 33)),
    ("minimax-h3", (1344, 768, 345)),
    ("minimax-h3", (768, 448, 124)),
]
CODINGS: list[tuple[str, Size]] = [
    ("nano", (384, 256, 17)),
    ("ltx-2.3", (960, 544, 121)),
]
MORE_CODINGS: list[tuple[str, Size]] = [
    ("lucy-edit", (832, 480, 81)),
    ("ltx-2", (768, 512, 121)),
    ("ltx-2", (1280, 704, 121)),
    ("wan2.1-vace-1.3b", (832, 480, 81)),
    ("wan2.1-vace-1.3b", (832, 480, 41)),
    ("wan2.1-i2v-14b-480p", (1280, 720, 81)),
    ("wan2.2-ti2v-5b", (1280, 704, 121)),
    ("ltx-2", (1920, 1088, 257)),
    ("ltx-2.3", (768, 512, 25)),
    ("helios-base", (640, 384, 99)),
    ("minimax-h3", (1344, 768, 124)),
    ("minimax-h3", (768, 448, 345)),
]


@cache
def forward(name: str, size: Size, layers: int) -> tuple[float, Traced]:
    """A pass of a transformer of so many layers: its weights in GB, and what it holds and does."""
    model, card = MODELS[name](), CARDS[name]
    batch = 2 if card.demand and card.demand.batched and card.options().guided else 1
    with shapes_alone(fakes=model.fakes):
        transformer = model.transformer(layers)
        return gigabytes(transformer), traced(transformer, lambda: model.forward(transformer, size, batch))


def told(card: EngineCard, size: Size, layout: Layout = WHOLE) -> dict[str, float]:
    found = need(card, size, card.options(), layout, weights_of(card, on_gpu=card.name != "nano"))
    return {"activations": found.activations, "decode": found.decode, "encode": found.encode}


def close(said: float, true: float) -> None:
    """Never too little, and at most 15 % too much."""
    assert true <= said <= 1.15 * true, f"said {said:.3f}, traced {true:.3f}: {said / true:.3f}"


def holds_of_a_pass(name: str, size: Size) -> None:
    close(told(CARDS[name], size)["activations"], forward(name, size, 2)[1].peak / 1e9)


def holds_of_coding(name: str, size: Size) -> None:
    model, card = MODELS[name](), CARDS[name]
    encode = model.encode or (lambda *_: None)
    clip = (*size[:2], min(size[2], (card.demand and card.demand.chunk) or size[2]))
    with shapes_alone(fakes=model.fakes):
        vae = model.vae()
        for layout in (WHOLE, TILED) if name != "nano" else (WHOLE,):
            if layout.tile:
                vae.enable_tiling()
            said = told(card, size, layout)
            found = traced(vae, lambda: decode(vae, model.latents(clip), model.dtype))
            close(said["decode"], found.peak / 1e9)
            close(said["encode"], traced(vae, lambda: encode(vae, size)).peak / 1e9)


@pytest.mark.parametrize(("name", "size"), FORWARDS)
def test_a_pass_holds_what_is_told(name: str, size: Size) -> None:
    holds_of_a_pass(name, size)


@pytest.mark.long
@pytest.mark.parametrize(("name", "size"), MORE_FORWARDS)
def test_a_pass_holds_what_is_told_at_other_sizes(name: str, size: Size) -> None:
    holds_of_a_pass(name, size)


@pytest.mark.parametrize(("name", "size"), CODINGS)
def test_decoding_and_encoding_hold_what_is_told(name: str, size: Size) -> None:
    holds_of_coding(name, size)


@pytest.mark.long
@pytest.mark.parametrize(("name", "size"), MORE_CODINGS)
def test_decoding_and_encoding_hold_what_is_told_at_other_sizes(name: str, size: Size) -> None:
    holds_of_coding(name, size)


@pytest.mark.parametrize(("name", "size"), [one for one in FORWARDS if one[0] not in ("nano", "helios-base")])
def test_the_time_is_a_lower_bound_and_not_far_below(name: str, size: Size) -> None:
    """Arithmetic grows by the same for each layer, so two sizes of model tell of all of them; VACE has all layers."""
    card, model = CARDS[name], MODELS[name]()
    whole = forward(name, size, 2)[1].flops
    if "vace" not in name:
        one = forward(name, size, 1)[1].flops
        whole = one + (whole - one) * (model.layers - 1)
    batch = 2 if card.demand and card.demand.batched and card.options().guided else 1
    passes = sum(share * count for share, count in card.options().passes) / batch
    said = estimate(card, size, {}, memory=Memory(), machine=Machine(80, 128, 1, "H100")).least * 1e12
    assert 0.9 <= said / (whole * passes) <= 1.0


def pulled(name: str, folder: Path) -> EngineCard:
    """The card of a checkpoint whose files hold float32, as Wan's do on the hub; of its weights only the headers."""
    for file, content in ENTRIES[name].items():
        if file.endswith(".json"):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(json.dumps(content))
    for part, billions in CARDS[name].weights.items():
        count = round(billions * 1e9)
        header = json.dumps({"w": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
        (folder / part).mkdir(exist_ok=True)
        with (folder / part / "model.safetensors").open("wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            file.truncate(8 + len(header) + 4 * count)
    return replace(CARDS[name], location=folder)


def test_weights_count_as_they_are_loaded_whatever_their_files_hold(tmp_path: Path) -> None:
    card = pulled("wan2.1-t2v-1.3b", tmp_path)
    assert weights_of(card, on_gpu=True) == pytest.approx(weights_of(CARDS[card.name], on_gpu=True))
    assert weights_of(card, on_gpu=True)["vae"] == pytest.approx(4 * 0.127)  # its autoencoder stays in float32
    assert first_place(card, Memory(), 24.5) == "none"


@pytest.mark.parametrize(
    ("name", "free", "place"),
    [
        ("wan2.1-t2v-1.3b", 24.5, "none"),
        ("wan2.1-t2v-1.3b", 16.0, "model"),
        ("wan2.1-t2v-1.3b", 8.0, "group"),
        ("wan2.1-t2v-14b", 48.0, "model"),
        ("wan2.1-t2v-14b", 24.0, "group"),
        ("ltx-2", 80.0, "none"),
        ("ltx-2", 24.0, "group"),
    ],
)
def test_the_ladder_starts_at_the_first_rung_that_fits(name: str, free: float, place: str) -> None:
    assert first_place(CARDS[name], Memory(), free) == place


def test_what_the_ladder_does_by_itself_fits_and_is_told() -> None:
    small = Machine(24, 64, RATES["4090"], "RTX 4090")
    said = estimate(CARDS["wan2.1-t2v-14b"], (832, 480, 81), {}, memory=Memory(), machine=small)
    assert said.fits
    assert said.layout == "streaming the weights layer by layer"
    held = estimate(CARDS["wan2.1-t2v-14b"], (832, 480, 81), {}, memory=Memory(offload="none"), machine=small)
    assert not held.fits
    assert held.advice == "--memory auto does it by streaming the weights layer by layer"


def test_guidance_in_one_batch_is_counted_and_low_is_not_said_to_fit_where_it_does_not() -> None:
    asked = (1280, 704, 121)
    said = estimate(CARDS["ltx-2"], asked, {}, memory=Memory(mode="low"), machine=Machine(6.4, 64, 0))
    assert said.device_gb > 10
    assert not said.fits
    alone = estimate(CARDS["ltx-2-distilled"], asked, {}, memory=Memory(mode="low"), machine=Machine(80, 64, 0))
    assert said.activations_gb == pytest.approx(2 * alone.activations_gb)


def test_time_is_told_of_named_cards_alone() -> None:
    card = CARDS["wan2.1-t2v-1.3b"]
    named = estimate(card, (832, 480, 81), {}, memory=Memory(), machine=Machine(80, 128, RATES["H100"], "H100"))
    assert named.least == pytest.approx(29, rel=0.05)  # 28.3 PFLOP at 989 TFLOP/s
    assert estimate(card, (832, 480, 81), {}, memory=Memory(), machine=Machine(80, 128, 0, "?")).seconds == 0


PEAKS: dict[tuple[str, Size], dict[tuple[str, bool], float]] = {
    ("wan2.1-t2v-1.3b", (832, 480, 81)): {
        ("none", False): 22.9, ("none", True): 16.5, ("model", True): 11.4, ("group", True): 2.4,
    },
    ("wan2.1-t2v-14b", (1280, 720, 81)): {
        ("none", False): 59.4, ("none", True): 49.1, ("model", True): 37.2, ("group", True): 8.9,
    },
    ("wan2.2-ti2v-5b", (1280, 704, 121)): {
        ("none", False): 44.9, ("none", True): 30.3, ("model", True): 15.5, ("group", True): 6.4,
    },
    ("ltx-2", (768, 512, 121)): {
        ("none", False): 72.2, ("none", True): 72.2, ("model", True): 42.3, ("group", True): 4.8,
    },
    ("ltx-2", (1280, 704, 121)): {
        ("none", False): 77.9, ("none", True): 77.9, ("model", True): 48.0, ("group", True): 10.5,
    },
    ("ltx-2.3", (960, 544, 121)): {
        ("none", False): 75.9, ("none", True): 75.9, ("model", True): 43.4, ("group", True): 5.7,
    },
}  # fmt: skip
"""GB at the peak by rung and tiles, rounded to 0.1: traced with all layers and the text encoders' true weights."""


@pytest.mark.parametrize(("name", "size"), PEAKS)
def test_peaks_of_each_rung_are_those_that_were_traced(name: str, size: Size) -> None:
    card = CARDS[name]
    for (offload, tile), true in PEAKS[name, size].items():
        said = need(card, size, card.options(), Layout(offload, tile, "none"), weights_of(card, on_gpu=True))
        close(said.peak(offload), true - 0.05)


def test_what_is_run_on_a_gpu_has_the_true_shapes() -> None:
    """LTX-2's autoencoder is 8 times smaller in time and 32 in space, which is not what its class has by default."""
    with shapes_alone():
        parts = real_sizes.large_ltx2()
        video = parts["vae"].decode(torch.empty(1, 128, 16, 16, 24), return_dict=False)[0]
        assert tuple(video.shape) == (1, 3, 121, 512, 768)
        assert (parts["vae"].temporal_compression_ratio, parts["vae"].spatial_compression_ratio) == (8, 32)
        assert sum(weight.numel() for weight in parts["transformer"].parameters()) > 18e9


def test_a_list_of_models_tells_what_they_need_as_released() -> None:
    assert released(CARDS["wan2.1-t2v-1.3b"]) == pytest.approx(22.9, rel=0.05)
