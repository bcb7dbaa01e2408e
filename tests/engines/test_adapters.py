"""LoRAs under the names that trainers give their tensors: each is the same adapter, and what is not laid is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.numpy import save_file

from sora_cli.engines import catalogue
from sora_cli.engines.adapters import LTX2, NAMES, left_over, misfit, places
from sora_cli.engines.base import EngineCard, Given
from sora_cli.engines.cards import known
from sora_cli.engines.options import WanOptions
from sora_cli.errors import RenderError
from sora_cli.plan.survey import plan_takes, survey
from tests.boards import board
from tests.contracts.test_engines import silence, take_for

Cards = Callable[[str], EngineCard]
Tensors = dict[str, np.ndarray]
WIDTH, RANK = 24, 4
DIFFUSERS = {"self_attn.": "attn1.to_", "cross_attn.": "attn2.to_", "to_o": "to_out.0", "ffn.0": "ffn.net.0.proj"}


def pairs(blocks: int = 2, width: int = WIDTH, *more: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The matrices of a LoRA for Wan, by the names of its authors."""
    rng = np.random.default_rng(0)
    layers = [f"{part}_attn.{each}" for part in ("self", "cross") for each in "qkvo"]
    names = [f"blocks.{block}.{layer}" for block in range(blocks) for layer in [*layers, *more]]
    made = {name: (rng.normal(0, 1, (RANK, width)), rng.normal(0, 1, (width, RANK))) for name in names}
    made["blocks.0.ffn.0"] = (rng.normal(0, 1, (RANK, width)), rng.normal(0, 1, (32, RANK)))
    return {name: (down.astype(np.float32), up.astype(np.float32)) for name, (down, up) in made.items()}


def dotted(found: dict[str, tuple[np.ndarray, np.ndarray]], before: str, down: str, up: str, alpha: int = 0) -> Tensors:
    """As ComfyUI and most trainers write them."""
    made = {
        f"{before}{name}.{end}": each
        for name, pair in found.items()
        for end, each in zip((down, up), pair, strict=True)
    }
    return made | ({f"{before}{name}.alpha": np.array(alpha, np.float32) for name in found} if alpha else {})


def flat(found: dict[str, tuple[np.ndarray, np.ndarray]], alpha: int = RANK) -> Tensors:
    """As kohya and musubi write them."""
    named = {name.replace(".", "_"): pair for name, pair in found.items()}
    return dotted(named, "lora_unet_", "lora_down.weight", "lora_up.weight", alpha)


def diffusers(name: str) -> str:
    for theirs, ours in DIFFUSERS.items():
        name = name.replace(theirs, ours)
    return name


AB, DOWN_UP, DEFAULT = (
    tuple(f"lora_{each}.weight" for each in two) for two in (("A", "B"), ("down", "up"), ("A.default", "B.default"))
)
OURS = {diffusers(name): pair for name, pair in pairs().items()}
WHOLE: dict[str, Tensors] = {
    "diffusers": dotted(OURS, "transformer.", *AB),
    "ai-toolkit, diffusion-pipe": dotted(pairs(), "diffusion_model.", *AB),
    "ComfyUI": dotted(pairs(), "diffusion_model.", *DOWN_UP, RANK),
    "DiffSynth": dotted(pairs(), "", *DEFAULT),
    "peft": dotted(OURS, "base_model.model.", *AB),
    "diffusers, scaled": dotted(OURS, "transformer.", *AB, RANK),
    "kohya": flat(pairs()),
    "kohya, with its text encoder": flat(pairs() | {"te_text_model_layers_0_fc1": pairs()["blocks.0.self_attn.q"]}),
}


def test_a_lora_is_the_same_under_the_names_of_all_trainers(tiny_card: Cards, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    engine: Any = catalogue.open_engine(tiny_card("wan"))
    made = {}
    for name, tensors in {**WHOLE, "half": flat(pairs(), RANK // 2)}.items():
        save_file(tensors, tmp_path / "a.safetensors")
        assert not misfit(tmp_path / "a.safetensors", engine.card), name
        engine.adapt(WanOptions.model_validate({"lora": "a.safetensors"}, context={"folder": tmp_path}).lora)
        layers = {layer: engine.pipe.transformer.get_submodule(layer) for layer in OURS}
        made[name] = {layer: each.lora_B.lora0.weight @ each.lora_A.lora0.weight for layer, each in layers.items()}
        assert {each.scaling["lora0"] for each in layers.values()} == {1.0}
    for name, found in made.items():
        scale = 0.5 if name == "half" else 1.0
        for layer, change in found.items():
            assert torch.allclose(change, made["diffusers"][layer] * scale, atol=1e-5), (name, layer)


def test_what_a_distillation_adds_to_biases_and_whole_matrices_is_laid(tiny_card: Cards, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    engine: Any = catalogue.open_engine(tiny_card("wan"))
    added, whole = np.full(WIDTH, 0.5, np.float32), np.full((64, WIDTH), 0.25, np.float32)
    more = {"head.head.diff": whole, "blocks.0.self_attn.q.diff_b": added, "blocks.0.norm3.diff": added}
    tensors = dotted(pairs(), "diffusion_model.", *DOWN_UP) | {f"diffusion_model.{name}": more[name] for name in more}
    save_file(tensors, tmp_path / "a.safetensors")
    told: list[object] = []
    engine.report = told.append
    engine.adapt(WanOptions.model_validate({"lora": "a.safetensors"}, context={"folder": tmp_path}).lora)
    network = engine.pipe.transformer
    query, head = network.blocks[0].attn1.to_q, network.proj_out
    assert torch.equal(query.lora_B.lora0.bias, torch.full((WIDTH,), 0.5))
    assert not network.blocks[1].attn1.to_q.lora_B.lora0.bias.any()
    assert torch.equal(head.lora_B.lora0.weight @ head.lora_A.lora0.weight, torch.from_numpy(whole))
    assert "1 changes of weights without a LoRA are passed over, such as diffusion_model.blocks.0.norm3" in str(told)


PICTURES = ("cross_attn.k_img", "cross_attn.v_img")


@pytest.mark.parametrize(
    ("tensors", "wrong", "left"),
    [
        (
            dotted(pairs(2, WIDTH, *PICTURES), "diffusion_model.", *AB),
            "",
            "4 of the 21 layers of a",
        ),
        (flat(pairs(2, WIDTH, *PICTURES)), "", "such as blocks_0_cross_attn_k_img"),
        (WHOLE["kohya, with its text encoder"], "", "1 of the 18 layers"),
        (flat(pairs(2, 48)), "is 24 wide in it, and 48 in the file", ""),
        (dotted(pairs(2, 48), "diffusion_model.", *AB), "is 24 wide in it, and 48 in the file", ""),
        (dotted(pairs(4), "diffusion_model.", *AB), "does not fit engine", ""),
        ({f"lora_unet_double_blocks_0_img_attn_qkv.{end}": np.zeros((4, 4)) for end in DOWN_UP}, "does not fit", ""),
        ({f"diffusion_model.blocks.0.self_attn.q.{end}": np.zeros((4, 4)) for end in ("lokr_w1",)}, "is a LoKr", ""),
    ],
)
def test_a_lora_that_fits_in_part_or_not_at_all_is_told_before_the_work(
    tiny_card: Cards, tmp_path: Path, tensors: Tensors, wrong: str, left: str
) -> None:
    save_file(tensors, tmp_path / "a.safetensors")
    card = tiny_card("wan")
    found = misfit(tmp_path / "a.safetensors", card)
    assert wrong in found
    assert bool(wrong) == bool(found)
    assert bool(wrong) or left in left_over(tmp_path / "a.safetensors", card)
    told = survey(
        board("a", engine=str(card.location), options={"lora": "a.safetensors"}, folder=tmp_path), catalogue.card
    )
    heard = told.problems if wrong else told.plan.remarks if told.plan else ()
    assert [one.message for one in heard if (wrong or left) in one.message]


def test_what_to_do_of_a_misfit_does_not_go_by_the_files_name(tiny_card: Cards, tmp_path: Path) -> None:
    card = tiny_card("wan")
    hints = []
    for tensors in (dotted(pairs(2, 48), "diffusion_model.", *AB), {"decoder.conv_in.weight": np.zeros((2, 2))}):
        save_file(tensors, tmp_path / "my LoRA.safetensors")
        told = survey(
            board("a", engine=str(card.location), options={"lora": "my LoRA.safetensors"}, folder=tmp_path),
            catalogue.card,
        )
        hints += [one.hint for one in told.problems]
    assert hints == ["use the engine that it was trained for", "name a LoRA"]


@pytest.mark.parametrize(
    ("engine", "lora", "wrong", "remark"),
    [
        ("wan", ["a.safetensors", "a.safetensors"], "", "a.safetensors is the same as a.safetensors: it is laid twice"),
        ("wan", ["m_high_noise.safetensors", "m_low_noise.safetensors"], "", "has one: both are laid over it"),
        ("wan-pair", ["m_high_noise.safetensors", "m_low_noise.safetensors"], "", ""),
        ("wan-pair", "m_low_noise.safetensors", "", "and m_high_noise.safetensors is not used"),
        ("wan-pair", "a.safetensors", "", ""),
        ("wan", "off", "", ""),
        ("wan", None, "", ""),
        ("wan", "a.safetensors:0.8", "write {path: a.safetensors, scale: 0.8}", ""),
        ("wan", {"path": "a.safetensors", "weight": 0.8}, "option lora: weight: there is no such key", ""),
        ("wan", {"a.safetensors": 0.8}, "option lora: path: it is missing", ""),
        ("wan", [["a.safetensors", 0.8]], "option lora: ", ""),
    ],
)
def test_how_loras_are_written_is_told_where_it_says_nothing_or_too_much(
    tiny_card: Cards, tmp_path: Path, engine: str, lora: object, *, wrong: str, remark: str
) -> None:
    for seed, name in enumerate(("a", "m_high_noise", "m_low_noise")):
        tensors = dotted(pairs(), "diffusion_model.", *AB)
        save_file({name: each + seed for name, each in tensors.items()}, tmp_path / f"{name}.safetensors")
    name = str(tiny_card(engine).location)
    told = survey(board("a", engine=name, options={"lora": lora}, folder=tmp_path), catalogue.card)
    problems = "\n".join(each.message for each in told.problems)
    assert wrong in problems
    assert bool(wrong) == bool(problems)
    assert "has no option" not in problems
    remarks = [each.message for each in told.plan.remarks] if told.plan else []
    about = [each for each in remarks if "safetensors" in each]
    assert (len(about), all(remark in each for each in about)) == (bool(remark), True)


@pytest.mark.parametrize(
    ("engine", "lora", "options", "told"),
    [
        ("wan", "Wan21_T2V_14B_lightx2v_cfg_step_distill_lora_rank64", {}, "here are 50, at 5"),
        ("wan", "Wan2.2-Lightning_4steps_high_noise", {"steps": 8}, "here are 8, at 5"),
        ("wan", "Wan2.2-Lightning_4steps_high_noise", {"steps": 4, "guidance": 1}, ""),
        ("wan", "mara_1500steps", {}, ""),
        ("wan", "forked-lightning", {}, ""),
        ("wan", "mara_e3_step1500", {}, ""),
        ("wan", "wan2.1_lightning_storm_distillery", {}, ""),
        ("wan", "swan_turbo-dedistilled", {}, ""),
        ("Wan-StepDistill-Diffusers", "", {}, "Wan-StepDistill-Diffusers is made for few steps"),
    ],
)
def test_what_is_made_for_few_steps_by_its_name_is_told(
    tiny_card: Cards, tmp_path: Path, engine: str, lora: str, *, options: dict[str, object], told: str
) -> None:
    location = tiny_card("wan").location
    assert location is not None
    if engine != "wan":
        location = Path(shutil.copytree(location, tmp_path / engine))
    save_file(dotted(pairs(), "diffusion_model.", *AB), tmp_path / f"{lora or 'none'}.safetensors")
    given = {**options, **({"lora": f"{lora}.safetensors"} if lora else {})}
    found = survey(board("a", engine=str(location), options=given, folder=tmp_path), catalogue.card).plan
    assert found is not None
    about = [each.message for each in found.remarks if "is made for few steps" in each.message]
    assert (len(about), all(told in each for each in about)) == (bool(told), True)


def test_few_steps_lie_where_their_makers_put_them(tmp_path: Path) -> None:
    """Wan 2.2 from text moves its 40 steps by 12: of four, three would be of its first transformer."""
    save_file(dotted(pairs(), "diffusion_model.", *AB), tmp_path / "lightning_4steps.safetensors")
    card = next(each.card for each in known() if each.card.name == "wan2.2-t2v-a14b")
    given = {"lora": "lightning_4steps.safetensors", "steps": 4, "guidance": 1}
    for more, told in ({}, "here they lie at a shift of 12"), ({"shift": 5}, ""):
        plan = plan_takes(board("a", options={**given, **more}, folder=tmp_path), lambda _: card)
        about = [each for each in plan.remarks if "is made for few steps" in each.message]
        assert (len(about), all(told in each.message for each in about)) == (bool(told), True)
        assert all("{steps: 4, guidance: 1, shift: 5}" in each.hint for each in about)


def test_of_an_engine_that_nobody_knows_nothing_is_said_of_loras(tmp_path: Path) -> None:
    save_file(dotted(pairs(), "diffusion_model.", *AB), tmp_path / "a.safetensors")
    told = survey(
        board("@mara", engine="nope", cast={"mara": {"lora": "a.safetensors"}}, folder=tmp_path), catalogue.card
    )
    assert [each.message for each in told.problems] == ["there is no engine nope"]


def test_a_lora_of_another_model_ends_the_take(tiny_card: Cards, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    engine = catalogue.open_engine(tiny_card("wan"))
    save_file({f"double_blocks.0.qkv.{end}": np.zeros((4, 4)) for end in AB}, tmp_path / "a.safetensors")
    options = {"steps": 1, "lora": [{"path": str(tmp_path / "a.safetensors")}]}
    with pytest.raises(RenderError, match=r"none of the layers of a\.safetensors is in the model"):
        engine.generate(replace(take_for(engine.card), options=options), Given(), silence)


def test_the_names_of_layers_are_those_that_diffusers_knows() -> None:
    from diffusers.loaders import lora_conversion_utils as known

    layers = [f"blocks.0.{diffusers(f'{part}_attn.{each}')}" for part in ("self", "cross") for each in "qkvo"]
    layers += [
        "blocks.0.ffn.net.0.proj",
        "blocks.0.ffn.net.2",
        "blocks.0.attn2.add_k_proj",
        "blocks.0.attn2.add_v_proj",
    ]
    layers += [f"condition_embedder.{each}_embedder.linear_{n}" for each in ("text", "time") for n in (1, 2)]
    layers += ["condition_embedder.time_proj", "proj_out"]
    layers += [f"condition_embedder.image_embedder.ff.{each}" for each in ("net.0.proj", "net.2")]
    theirs = {name: layer for name, layer in places(layers, "wan").items() if "." in name and name not in layers}
    given = {f"diffusion_model.{name}.lora_{each}.weight": torch.ones(1) for name in theirs for each in "AB"}
    made = known._convert_non_diffusers_wan_lora_to_diffusers(given)
    assert {name.removeprefix("transformer.").partition(".lora_")[0] for name in made} == set(layers)
    ltx2 = ["proj_in", "audio_proj_in", "time_embed.linear", "audio_time_embed.linear", "prompt_adaln.linear"]
    ltx2 += [f"av_cross_attn_{each}.linear" for each in ("video_scale_shift", "audio_scale_shift", "video_a2v_gate")]
    ltx2 += ["av_cross_attn_audio_v2a_gate.linear", "audio_prompt_adaln.linear", "transformer_blocks.0.attn1.to_q"]
    for name, layer in places(ltx2, "ltx2").items():
        if "." in name and (name not in ltx2 or "blocks" in name):
            of = {f"diffusion_model.{name}.lora_A.weight": torch.ones(1)}
            made = known._convert_non_diffusers_ltx2_lora_to_diffusers(of)
            assert list(made) == [f"transformer.{layer}.lora_A.weight"]
    assert NAMES["ltx2"] is LTX2
