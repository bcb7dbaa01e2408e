"""Parts of a model that do not belong together, or are not what its index says, are told before the work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sora_cli.engines import catalogue
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.coherent import NAMES
from sora_cli.errors import EngineMissing
from tests.engines.fixtures import Cards

WEIGHTS = "diffusion_pytorch_model.safetensors"
UNIPC, EULER = "UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler"
FLOW = {"use_flow_sigmas": True, "_class_name": UNIPC}


def weights(path: Path, *names: str) -> None:
    save_file({name: np.ones((4, 4), np.float32) for name in names}, path)


def config(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **values}))


def pair(index: Path) -> None:
    """A second transformer of which the index does not tell when it is used."""
    shutil.copytree(index.parent / "transformer", index.parent / "transformer_2")
    config(index, transformer_2=["diffusers", "WanTransformer3DModel"], boundary_ratio=None)


def encoder(index: Path, kind: str = "UMT5EncoderModel", **values: object) -> None:
    """A text encoder."""
    part = index.parent / "text_encoder"
    part.mkdir()
    weights(part / "model.safetensors", NAMES["UMT5EncoderModel"])
    config(part / "config.json", model_type="umt5", **values)
    config(index, text_encoder=["transformers", kind])


def tokens(index: Path, kind: str = "PreTrainedTokenizerFast") -> None:
    """A tokenizer without its settings."""
    (index.parent / "tokenizer").mkdir()
    (index.parent / "tokenizer" / "tokenizer.json").write_text("{}")
    config(index, tokenizer=["transformers", kind])


def in_code(path: Path, code: str) -> None:
    path.write_bytes(path.read_text().encode(code))


@pytest.fixture
def wan(tmp_path: Path) -> Path:
    """Wan's text to video, with a tensor for each part."""
    folder = tmp_path / "wan"
    classes = {"transformer": "WanTransformer3DModel", "vae": "AutoencoderKLWan", "scheduler": UNIPC}
    parts = {name: ["diffusers", kind] for name, kind in classes.items()}
    for name in parts:
        (folder / name).mkdir(parents=True)
    config(folder / "model_index.json", _class_name="WanPipeline", _diffusers_version="0.1", **parts)
    config(folder / "scheduler" / "scheduler_config.json", **FLOW)
    config(folder / "transformer" / "config.json", in_channels=16, out_channels=16, _class_name=classes["transformer"])
    config(folder / "vae" / "config.json", z_dim=16, _class_name=classes["vae"])
    for name in ("transformer", "vae"):
        weights(folder / name / WEIGHTS, NAMES[classes[name]])
    assert catalogue.card(str(folder)).location == folder
    return folder


INDEX, TRANSFORMER = "model_index.json", "transformer/config.json"
SCHEDULER, TENSORS = "scheduler/scheduler_config.json", f"transformer/{WEIGHTS}"
Change = Callable[[Path], object]
OTHER = {"use_flow_sigmas": False, "_class_name": EULER}


@pytest.fixture
def wan_of_few(wan: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same where none of the packages is installed that sora's extras bring."""
    monkeypatch.setattr("sora_cli.packages.here", lambda _package: False)
    return wan


@pytest.mark.parametrize(
    ("place", "change", "why", "hint"),
    [
        (INDEX, lambda at: config(at, transformer=["diffusers", "Wan4Model"]), "is a Wan4Model, which", "with 0.1"),
        (INDEX, lambda at: config(at, _diffusers_version=None, vae=["diffusers", "Vae9"]), "Vae9, which", "again"),
        (SCHEDULER, lambda at: config(at, use_flow_sigmas=False), "it would make noise", "again"),
        (SCHEDULER, lambda at: config(at, **OTHER), "settings are those of a Flow", f"`{EULER}`"),
        (SCHEDULER, lambda at: at.write_text('{"use_flow_sigmas": true'), "cannot be read", "again"),
        ("vae/vocab.json", lambda at: at.write_text('{"a": '), "is cut short, or no JSON", "again"),
        (TRANSFORMER, lambda at: config(at, in_channels=36), "takes a picture beside the noise", "WanImageToVideo"),
        (TRANSFORMER, lambda at: config(at, _class_name="Other"), "and Other in its config", "again"),
        ("vae/config.json", lambda at: config(at, z_dim=48), "of another model, with z_dim of 48", "again"),
        (TENSORS, lambda at: weights(at, "blocks.0.self_attn.q.weight"), "names of another program", "layout"),
        (TENSORS, lambda at: weights(at, "model.diffusion_model.a"), "such as model.diffusion_model.a", "layout"),
        (TENSORS, lambda at: at.rename(at.with_name("model (1).safetensors")), r"are called model \(1\)", "reads"),
        (INDEX, pair, "second transformer is never used", "0.875"),
        (TENSORS, lambda at: at.rename(at.with_suffix(".gguf")), "are a GGUF", "as .safetensors"),
        (TENSORS, lambda at: at.rename(f"{at}.part"), r"safetensors\.part is a download that was not", "again"),
        (INDEX, lambda at: config(at, transformer=None, vae=None), "not name the folder transformer", "again"),
        (INDEX, lambda at: in_code(at, "utf-16"), "model_index.json is UTF-16", "as UTF-8"),
        ("vae/config.json", lambda at: in_code(at, "utf-8-sig"), "begins with a byte order mark", "as UTF-8"),
        (INDEX, lambda at: at.write_text("<html>"), "cannot be read", "again"),
        (INDEX, lambda at: encoder(at, "UMT6Model"), "UMT6Model, which transformers", "again"),
        (INDEX, lambda at: encoder(at, "U9", transformers_version="9.9"), "is a U9", "9.9: pip install -U transfo"),
        (INDEX, tokens, "tokenizer has no tokenizer_config.json", "again"),
        (TENSORS, lambda at: at.rename(at.with_name("model.safetensors")), "under its name", f"rename it {WEIGHTS}"),
        (TRANSFORMER, lambda at: config(at, quantization_config={"quant_method": "torchao"}), "torchao", "[quantize]"),
        (TRANSFORMER, lambda at: config(at, quantization_config={"load_in_4bit": True}), "bitsandbytes", "[quantize]"),
        (TRANSFORMER, lambda at: config(at, quantization_config={"quant_method": "svdq"}), "does not read", "bf16"),
        (f"{TENSORS}.index.json", lambda at: config(at, weight_map={"a": "b.safetensors"}), "b.safetensors is mis", ""),
    ],
)
def test_parts_that_do_not_belong_together_or_cannot_be_loaded_are_told(
    wan_of_few: Path, place: str, change: Change, why: str, hint: str
) -> None:
    wan = wan_of_few
    change(wan / place)
    with pytest.raises(EngineMissing, match=why) as caught:
        catalogue.card(str(wan))
    assert hint in caught.value.hint
    assert not caught.value.hint.endswith("pull"), "a folder is not pulled"


def test_classes_of_transformers_are_known_by_old_names_and_of_other_models(wan: Path) -> None:
    encoder(wan / INDEX, "T5EncoderModel")
    tokens(wan / INDEX, "T5TokenizerFast")  # it pads without settings
    assert catalogue.card(str(wan)).location == wan


def test_schedulers_that_others_put_in_are_taken(wan: Path) -> None:
    for kind, values in {
        EULER: {},
        "LTXEulerAncestralRFScheduler": {},
        UNIPC: {"prediction_type": "flow_prediction", "use_flow_sigmas": True},
        "DPMSolverMultistepScheduler": {"algorithm_type": "dpmsolver++", "use_flow_sigmas": True},
    }.items():
        config(wan / INDEX, scheduler=["diffusers", kind], image_encoder=[None, None])
        (wan / SCHEDULER).write_text(json.dumps({"_class_name": kind, **values}))
        assert catalogue.card(str(wan)).location == wan


def test_what_is_not_read_is_neither_counted_nor_looked_at(wan: Path) -> None:
    part = wan / "transformer"
    for name in ("diffusion_pytorch_model (1)", "diffusion_pytorch_model.fp16", "old"):
        (part / f"{name}.safetensors").write_bytes(b"cut")
    found = Checkpoint.read(catalogue.card(str(wan)).location or wan)
    assert found.weights("transformer") == [part / WEIGHTS]
    assert found.parameters_of("transformer") == 16
    names = [f"diffusion_pytorch_model-0000{one}-of-00002.safetensors" for one in (1, 2)]
    for name in (*names, "diffusion_pytorch_model-00001-of-00001.safetensors"):
        weights(part / name, NAMES["WanTransformer3DModel"], name)
    config(part / f"{WEIGHTS}.index.json", weight_map=dict(enumerate(names)))
    assert [path.name for path in found.weights("transformer")] == names


@pytest.mark.parametrize("variants", [("", ".fp16"), (".fp16", "")])
def test_the_index_of_a_variant_that_is_not_here_is_not_read(wan: Path, variants: tuple[str, str]) -> None:
    """The small files of all variants are often fetched, and the weights of one."""
    here, other = variants
    part = wan / "transformer"
    (part / WEIGHTS).rename(part / f"diffusion_pytorch_model{here}.safetensors")
    config(part / f"{WEIGHTS}.index{other}.json", weight_map={"a": f"diffusion_pytorch_model{other}-1.safetensors"})
    assert catalogue.card(str(wan)).location == wan


def test_of_variants_that_is_read_which_most_parts_have(wan: Path) -> None:
    for part, variants in {"transformer": ("bf16", "fp16"), "vae": ("fp16",)}.items():
        data = (wan / part / WEIGHTS).read_bytes()
        for each in variants:
            (wan / part / f"diffusion_pytorch_model.{each}.safetensors").write_bytes(data)
        (wan / part / WEIGHTS).unlink()
    found = Checkpoint.read(catalogue.card(str(wan)).location or wan)
    assert (found.variant, found.variant_of("transformer")) == ("fp16", "fp16")
    assert [path.name for path in found.weights("transformer")] == ["diffusion_pytorch_model.fp16.safetensors"]


def test_every_name_that_tells_a_class_is_in_it(tiny_card: Cards) -> None:
    seen = set()
    for name in ("wan", "wan-vace", "ltx2"):
        found = Checkpoint.read(tiny_card(name).location or Path())
        for part, (_, kind) in found.components().items():
            assert NAMES.get(kind, "") in {"", *found.tensors_of(part)}
            seen.add(kind)
    assert seen >= NAMES.keys()
