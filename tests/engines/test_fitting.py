from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.attention_dispatch import AttentionBackendName
from msgspec.structs import replace

from sora_cli.engines import cards, catalogue
from sora_cli.engines.base import EngineCard, Given
from sora_cli.engines.options import ATTENTION, Memory
from sora_cli.engines.runtime.offload import Offload
from sora_cli.errors import EngineMissing, MachineError, OutOfMemory
from sora_cli.events import Note, Recording
from sora_cli.flows import preflight
from sora_cli.plan.survey import survey
from tests.boards import board
from tests.contracts.test_engines import silence, take_for

Cards = Callable[[str], EngineCard]
GB = 1 << 30


def run_out(engine: Any, times: int) -> None:
    """Let the transformer run out of memory so many times."""
    inner, left = engine.pipe.transformer.forward, [times]

    def forward(*given: Any, **more: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return inner(*given, **more)

    engine.pipe.transformer.forward = forward


def test_out_of_memory_takes_a_step_down_said_aloud_and_the_same_take_again(tiny_card: Cards) -> None:
    heard = Recording()
    engine: Any = catalogue.open_engine(tiny_card("wan"), report=heard)
    run_out(engine, 2)
    footage = engine.generate(take_for(engine.card), Given(), silence)
    assert footage.frames.shape[0] == 9
    assert [note.message for note in heard.of(Note)] == [
        "scene/shot/1: out of memory; trying again, one pass of guidance at a time",
        "scene/shot/1: out of memory; trying again, decoding in tiles",
    ]
    assert engine.pipe.vae.use_tiling


def test_the_ladder_ends(tiny_card: Cards) -> None:
    heard = Recording()
    engine: Any = catalogue.open_engine(tiny_card("wan"), report=heard)
    run_out(engine, 9)
    with pytest.raises(OutOfMemory):
        engine.generate(take_for(engine.card), Given(), silence)
    said = [note.message.partition("trying again, ")[2] for note in heard.of(Note)]
    # There is no card: nothing to offload.
    assert said == [
        "one pass of guidance at a time", "decoding in tiles", "keeping the transformer's weights in 8 bits",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["wan", "wan-vace"])
def test_both_passes_of_guidance_in_one_batch_make_the_same_frames(name: str, tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card(name))
    take, sizes = take_for(engine.card), []
    engine.pipe.transformer.blocks[0].register_forward_pre_hook(lambda _block, given: sizes.append(len(given[0])))
    together = engine.generate(take, Given(), silence).frames.astype(int)
    assert (set(sizes), len(sizes)) == ({2}, 2)
    engine.offload.step_down()
    apart = engine.generate(take, Given(), silence).frames.astype(int)
    assert sizes[2:] == [1, 1, 1, 1]
    assert abs(together - apart).max() <= 1, "to within rounding"


def test_weights_in_eight_bits_still_make_the_take(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan"), memory=Memory(quantize="float8"))
    kept = {weight.dtype for weight in engine.pipe.transformer.blocks[0].attn1.parameters()}
    assert torch.float8_e4m3fn in kept
    assert engine.generate(take_for(engine.card), Given(), silence).frames.shape[0] == 9


@pytest.mark.parametrize("name", ["wan", "minimax-h3"])
def test_weights_in_whole_numbers_still_make_the_take(name: str, tiny_card: Cards) -> None:
    pytest.importorskip("torchao")
    full: Any = catalogue.open_engine(tiny_card(name))
    engine: Any = catalogue.open_engine(tiny_card(name), memory=Memory(quantize="int8"))
    assert torch.int8 in {weight.qdata.dtype for weight in engine.pipe.transformer.parameters() if quantized(weight)}
    assert not any(quantized(weight) for weight in engine.pipe.text_encoder.parameters())
    take = take_for(engine.card)
    frames, exact = (one.generate(take, Given(), silence).frames.astype(float) for one in (engine, full))
    assert 0 < abs(frames - exact).mean() < 8


def quantized(weight: Any) -> bool:
    return hasattr(weight, "qdata")


def test_a_step_cache_knows_nothing_of_a_take_that_was_stopped(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-pair"), memory=Memory(cache=0.5))
    take = take_for(engine.card, options={"steps": 6})
    first = engine.generate(take, Given(), silence).frames

    def stop(step: int, _of: int) -> None:
        if step == 3:
            raise KeyError("stopped")

    with pytest.raises(KeyError):
        engine.generate(replace(take, seed=5, prompt="a blue ball"), Given(), stop)
    assert (engine.generate(take, Given(), silence).frames == first).all()


@pytest.mark.parametrize("name", ["ltx2", "helios", "flux2-klein", "z-image"])
def test_an_engine_without_steps_to_skip_is_told_and_makes_all_of_them(name: str, tiny_card: Cards) -> None:
    engine = catalogue.open_engine(tiny_card(name), memory=Memory(cache=0.1))
    assert engine.generate(take_for(engine.card), Given(), silence).frames.shape[0] >= 1
    engine.close()
    known = {each.card.name: each.card for each in cards.known()}
    written = board("a", {"prompt": "b", "engine": "ltx-2"}, memory={"cache": 0.1}, engine="wan2.1-t2v-1.3b")
    told = [each.message for each in survey(written, lambda name: known[name or ""]).plan.remarks]  # type: ignore[union-attr]
    assert told == ["cache: it skips no steps of ltx-2"]


def test_a_part_of_a_modular_pipeline_that_cannot_be_read_is_told(tiny_card: Cards, tmp_path: Path) -> None:
    card = tiny_card("minimax-h3")
    assert card.location is not None
    broken = shutil.copytree(card.location, tmp_path / "broken")
    for weights in (broken / "vae").glob("*.safetensors"):
        weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(EngineMissing, match=r"vae.* holds no weights: it is cut short"):
        catalogue.open_engine(catalogue.card(str(broken)))
    shutil.rmtree(broken / "vae")
    with pytest.raises(EngineMissing, match="vae"):
        catalogue.open_engine(catalogue.card(str(broken)))


@pytest.mark.parametrize("name", ["wan", "minimax-h3"])
def test_four_bits_without_a_gpu_are_refused(name: str, tiny_card: Cards) -> None:
    with pytest.raises(MachineError, match="NVIDIA"):
        catalogue.open_engine(tiny_card(name), memory=Memory(quantize="int4"))


def test_what_is_set_explicitly_is_never_changed(tiny_card: Cards) -> None:
    memory = Memory(tile=False, quantize="none")
    engine: Any = catalogue.open_engine(tiny_card("wan"), memory=memory)
    run_out(engine, 2)
    with pytest.raises(OutOfMemory):
        engine.generate(take_for(engine.card), Given(), silence)


WAN_14B = next(known.card for known in cards.known() if known.card.name == "wan2.1-t2v-14b")


@pytest.mark.parametrize(
    ("mode", "free", "placed"),
    [
        ("auto", 80, "none"),
        ("auto", 48, "model"),
        ("auto", 24, "group"),
        ("fast", 24, "none"),
        ("low", 80, "group"),
    ],
)
def test_weights_go_where_they_fit(mode: Any, free: int, placed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (free * GB, 80 * GB))
    assert Offload(WAN_14B, Memory(mode=mode), torch.device("cuda")).offload == placed


def test_a_card_s_ladder_has_four_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (80 * GB, 80 * GB))
    fit = Offload(WAN_14B, Memory(), torch.device("cuda"))
    said = [fit.step_down() for _ in range(5)]
    assert [bool(rung) for rung in said] == [True, True, True, True, False]
    assert (fit.tile, fit.offload, fit.quantize) == (True, "group", "float8")


def test_offloading_without_a_card_is_refused(tiny_card: Cards) -> None:
    with pytest.raises(MachineError, match="no GPU here"):
        catalogue.open_engine(tiny_card("wan"), memory=Memory(offload="group"))


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        ({"attention": "sage"}, "attention: sage needs the package sageattention, which is not installed"),
        ({"attention": "fast"}, "memory: attention: there is no fast; write one of: native, flash, "),
        ({"offload": "group"}, "there is no GPU here to offload from"),
        ({"gpus": 2}, "gpus: 0 GPUs can be used here, not 2"),
        ({"gpus": 0}, "memory: gpus: "),
        ({"offload": "none", "attention": "native", "gpus": 1}, ""),
    ],
)
def test_what_a_machine_cannot_do_is_told_before_the_plan(
    monkeypatch: pytest.MonkeyPatch, memory: dict[str, object], told: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    written = board("a", memory=memory, engine="nano")
    problems = (*survey(written, catalogue.card).problems, *preflight.file_problems(written))
    assert len(problems) == bool(told)
    assert all(problem.message.startswith(told) for problem in problems)


def test_the_backends_of_attention_are_those_of_diffusers_that_fetch_no_code() -> None:
    assert set(ATTENTION) == {each.value for each in AttentionBackendName if not each.value.endswith("_hub")}


def test_only_what_changes_pictures_belongs_in_a_key() -> None:
    assert Memory(mode="low", offload="group", compile=True).changes_pixels == {}
    assert Memory(quantize="float8", cache=0.1).changes_pixels == {"quantize": "float8", "cache": 0.1}
