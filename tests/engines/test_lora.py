from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from pydantic import ValidationError
from safetensors.numpy import save_file

from sora_cli.engines import catalogue
from sora_cli.engines.adapters import misfit
from sora_cli.engines.base import EngineCard, Given
from sora_cli.engines.options import WanOptions, expert_of
from sora_cli.engines.runtime.device import quiet
from sora_cli.errors import EngineMissing
from tests.contracts.test_engines import silence, take_for

Cards = Callable[[str], EngineCard]


def test_a_file_is_found_beside_the_storyboard_and_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "style.safetensors"
    path.write_bytes(b"one")
    raw = {"lora": [{"path": "style.safetensors", "scale": 0.5}]}
    first = WanOptions.model_validate(raw, context={"folder": tmp_path}).lora[0]
    assert first.path == str(path)
    path.write_bytes(b"two")
    second = WanOptions.model_validate(raw, context={"folder": tmp_path}).lora[0]
    assert first.sha256 != second.sha256
    with pytest.raises(ValidationError, match="has changed since it was planned"):
        WanOptions.model_validate({"lora": [first.model_dump()]})
    for name in ("a.ckpt", "a.gguf", "many/1.safetensors", "many/2.safetensors", "wan/model_index.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for wrong, told in {
        "no.safetensors": "there is no file",
        "no.bin": "there is no file",
        "stile.safetensors": r"no file .*: did you mean style\.safetensors\?",
        "style": r"no file .*: did you mean style\.safetensors\?",
        "a.gguf": r"is not a \.safetensors file",
        "a.ckpt": "is a pickle, which may run code",
        "many": "holds several files: name one, such as 1",
        "wan": "wan is a model, not a LoRA",
    }.items():
        with pytest.raises(ValidationError, match=told):
            WanOptions.model_validate({"lora": [{"path": wrong}]}, context={"folder": tmp_path})


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        ("decoder.conv_in.weight", "holds no LoRA"),
        ("blocks.0.self_attn.q.weight", "holds no LoRA"),
        ("model.diffusion_model.blocks.0.self_attn.q.weight", "holds no LoRA"),
        ("soft_gate.weight", "holds no LoRA"),
        ("diffusion_model.blocks.0.norm3.diff_b", ""),
        ("lora_unet_blocks_0_self_attn_q.lora_down.weight", ""),
        ("diffusion_model.blocks.0.self_attn.q.lokr_w1", ""),
    ],
)
def test_a_file_of_other_weights_is_no_lora(tmp_path: Path, tensor: str, told: str) -> None:
    save_file({tensor: np.zeros((2, 2), np.float32)}, tmp_path / "a.safetensors")
    assert told in misfit(tmp_path / "a.safetensors", catalogue.card("nano"))


def test_without_peft_it_says_what_to_install(
    tiny_card: Cards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "style.safetensors").write_bytes(b"one")
    engine = catalogue.open_engine(tiny_card("wan"))
    monkeypatch.setattr("sora_cli.packages.find_spec", lambda _name: None)
    options = {"steps": 1, "lora": [{"path": str(tmp_path / "style.safetensors")}]}
    with pytest.raises(EngineMissing) as caught:
        engine.generate(take_for(engine.card, options=options), Given(), silence)
    assert caught.value.hint == "pip install 'sora-cli[lora]'"


def test_an_adapter_changes_the_take_and_leaves_no_trace(tiny_card: Cards, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    engine: Any = catalogue.open_engine(tiny_card("wan"))
    take = take_for(engine.card)
    plain = engine.generate(take, Given(), silence).frames
    config = peft.LoraConfig(r=4, lora_alpha=64, target_modules=["to_q", "to_v"], init_lora_weights=False)
    maker: Any = catalogue.open_engine(tiny_card("wan"))
    maker.pipe.transformer.add_adapter(config, adapter_name="made")
    layers = peft.get_peft_model_state_dict(maker.pipe.transformer, adapter_name="made")
    type(maker.pipe).save_lora_weights(str(tmp_path), transformer_lora_layers=layers)
    path = tmp_path / "pytorch_lora_weights.safetensors"
    styled = replace(take, options={**take.options, "lora": [{"path": str(path), "scale": 1.0}]})
    with_it = engine.generate(styled, Given(), silence).frames
    assert not np.array_equal(plain, with_it)
    assert np.array_equal(engine.generate(styled, Given(), silence).frames, with_it)
    assert np.array_equal(engine.generate(take, Given(), silence).frames, plain)


@pytest.mark.parametrize(
    ("name", "expert"),
    [
        ("wan2.2_t2v_A14b_high_noise_lora_rank64_lightx2v_4step", "high"),
        ("Wan22-LowNoise-Mara_v2", "low"),
        ("mara_HIGH", "high"),
        ("mara-low", "low"),
        ("low-poly", "both"),
        ("high_contrast_wan22", "both"),
        ("glow", "both"),
        ("high_noise_and_low_noise", "both"),
    ],
)
def test_a_name_tells_for_which_transformer_of_a_pair_a_file_is(name: str, expert: str) -> None:
    assert expert_of(name) == expert


def test_of_a_pair_each_transformer_gets_what_is_for_it(tiny_card: Cards, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    engine: Any = catalogue.open_engine(tiny_card("wan-pair"))
    pipe = engine.pipe
    config = peft.LoraConfig(r=4, lora_alpha=64, target_modules=["to_q", "to_v"], init_lora_weights=False)
    maker: Any = catalogue.open_engine(tiny_card("wan-pair"))
    maker.pipe.transformer.add_adapter(config, adapter_name="made")
    layers = peft.get_peft_model_state_dict(maker.pipe.transformer, adapter_name="made")
    for name in ("style", "mara_high_noise", "mara_low_noise"):
        type(maker.pipe).save_lora_weights(str(tmp_path), layers, weight_name=f"{name}.safetensors")

    def laid(*wanted: object) -> list[dict[str, float]]:
        with quiet():  # peft warns of the second adapter
            engine.adapt(WanOptions.model_validate({"lora": wanted}, context={"folder": tmp_path}).lora)
        return [
            {name: layer.scaling[name] for name in layer.active_adapters if name in layer.lora_A}
            for layer in (network.blocks[0].attn1.to_q for network in (pipe.transformer, pipe.transformer_2))
            if hasattr(layer, "lora_A")
        ]

    assert laid({"path": "style.safetensors", "scale": 0.5}) == [{"lora0": 0.5}, {"lora0": 0.5}]
    high, low = "mara_high_noise.safetensors", "mara_low_noise.safetensors"
    both = laid({"path": high, "scale": 0.5}, {"path": low, "scale": 0.25}, {"path": "style.safetensors"})
    assert both == [{"lora0": 0.5, "lora2": 1.0}, {"lora1": 0.25, "lora2": 1.0}]
    assert laid({"path": high, "expert": "both"}) == [{"lora0": 1.0}, {"lora0": 1.0}]
    assert laid({"path": low}) == [{"lora0": 1.0}]
    assert not hasattr(pipe.transformer.blocks[0].attn1.to_q, "lora_A")
    assert laid() == []
