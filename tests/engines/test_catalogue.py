from __future__ import annotations

import gc
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import save_file

from sora_cli.engines import cards, catalogue, checkpoint, folders, hub, single_files
from sora_cli.engines.base import EngineCard
from sora_cli.errors import EngineMissing

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write_index(folder: Path, pipeline: str = "WanVACEPipeline", **components: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline, **components}))
    return folder


def in_hub_cache(repo: str) -> Path:
    base = folders.hub_cache() / f"models--{repo.replace('/', '--')}"
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text(COMMIT)
    return write_index(base / "snapshots" / COMMIT)


def test_it_loads_no_torch() -> None:
    code = (
        "import sys; from sora_cli.engines import catalogue; catalogue.cards();"
        "print([name for name in ('torch', 'diffusers', 'transformers', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cards_are_consistent() -> None:
    for card in catalogue.cards():
        assert card.options()  # every option has a default
        card.options.model_validate({**card.draft})
        for frames in (card.min_frames, card.max_frames):
            assert card.frames_for(frames) == frames, card.name
        assert card.overlap < card.max_frames
        assert card.overlap <= card.max_opening
        assert all(side % card.size_step == 0 for side in card.native_size), card.name
        assert card.native_size[0] * card.native_size[1] <= card.max_pixels
        assert 0 < card.default_seconds * card.fps <= card.max_frames
        assert card.licence


def test_every_card_comes_to_another_process_as_it_is() -> None:
    """Options with other defaults could not be sent, so films of such engines by several workers ended with a crash."""

    def facts(card: EngineCard) -> list[object]:
        options = card.options
        return [
            card.options.model_json_schema(),
            *(getattr(card, n) for n in card.__struct_fields__ if n != "options"),
            options.__name__,
        ]

    for known in catalogue.released():
        there = pickle.loads(pickle.dumps(known.card))  # noqa: S301  our own
        assert facts(there) == facts(known.card)
        assert facts(pickle.loads(pickle.dumps(there))) == facts(known.card), "and on from there"  # noqa: S301  too


def test_names_are_unique_and_every_family_has_a_class() -> None:
    names = [template.card.name for template in cards.known()]
    assert len(set(names)) == len(names)
    assert {template.card.family for template in cards.known()} == set(catalogue.FAMILIES)


def test_a_folder_by_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_index(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "./mine", str(folder)):
        card = catalogue.card(name)
        assert (card.name, card.family, card.location) == (name, "wan-vace", folder)
        assert len(card.revision) == 16


def test_the_revision_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    folder = write_index(tmp_path / "a")
    first = checkpoint.revision_of(folder)
    (folder / "README.md").write_text("words")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.json").write_text("{}")
    assert checkpoint.revision_of(folder) == first
    (folder / "vae").mkdir()
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(bytes(9 << 20))
    second = checkpoint.revision_of(folder)
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    assert len({first, second, checkpoint.revision_of(folder)}) == 3


def test_a_checkpoint_is_hashed_once_and_again_when_a_file_of_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_index(tmp_path / "a")
    first = checkpoint.revision_of(folder)
    assert not (tmp_path / "cache" / "sora" / "revisions.jsonl").exists(), "what changed just now may change unseen"
    monkeypatch.setattr(checkpoint, "SETTLED", 0)
    assert checkpoint.revision_of(folder) == first
    with monkeypatch.context() as unread:
        unread.delattr(checkpoint, "_sampled")
        assert checkpoint.revision_of(folder) == first
    index = folder / "model_index.json"
    facts, text = index.stat(), index.read_text()
    index.write_text(text.replace("WanVACE", "WanVICE"))
    os.utime(index, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert index.stat().st_size == facts.st_size
    assert checkpoint.revision_of(folder) != first


def test_a_hub_id_is_found_in_the_cache_under_its_commit() -> None:
    snapshot = in_hub_cache("someone/model")
    for name in ("someone/model", "someone/model@main", f"someone/model@{COMMIT}"):
        card = catalogue.card(name)
        assert (card.revision, card.location, card.source) == (COMMIT, snapshot, "someone/model")
    with pytest.raises(EngineMissing):
        catalogue.card("someone/model@other")


def test_a_revision_that_is_here_alone_is_named_and_a_repository_of_loras_is_told() -> None:
    for repo in ("someone/model", "Wan-AI/Wan2.1-VACE-1.3B-diffusers"):
        (in_hub_cache(repo).parents[1] / "refs" / "main").unlink()
        for name in (repo, f"{repo}@v1"):
            with pytest.raises(EngineMissing, match="is not on this machine") as caught:
                catalogue.card(name)
            assert f"another revision of it is: {repo}@{COMMIT}; or get it" in caught.value.hint
    place = in_hub_cache("someone/loras")
    (place / "model_index.json").unlink()
    for name in ("a", "b"):
        save_file({"diffusion_model.a.lora_A.weight": np.ones((2, 2), np.float32)}, place / f"{name}.safetensors")
    with pytest.raises(EngineMissing, match=r"a\.safetensors is a single file \(a LoRA") as caught:
        catalogue.card("someone/loras")
    assert "--option lora=" in caught.value.hint


def test_a_released_model_in_the_cache_or_a_models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hub_cache("Wan-AI/Wan2.1-VACE-1.3B-diffusers")
    assert catalogue.card("wan2.1-vace-1.3b").revision == COMMIT
    folder = write_index(tmp_path / "models" / "Wan2.1-VACE-14B-diffusers")
    other = write_index(tmp_path / "models" / "someone" / "else")
    monkeypatch.setenv("SORA_MODELS", str(tmp_path / "models"))
    assert catalogue.card("wan2.1-vace-14b").location == folder
    places = {card.name: card.location for card in catalogue.cards()}
    assert places["wan2.1-vace-14b"] == folder
    assert catalogue.card("else").location == other
    assert places[str(other)] == other


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nan", "did you mean nano?"),
        ("wan2.1-vace-13b", "did you mean wan2.1-vace-1"),
        ("wan2.1-vace-1.3b", "sora models pull Wan-AI/Wan2.1-VACE-1.3B-diffusers"),
        ("Wan-AI/Wan2.1-VACE-1.3B-diffusers", "about 19 GB"),
        ("Wan-AI/Wan2.1-VACE-1.3B-difusers", "did you mean Wan-AI/Wan2.1-VACE-1.3B-diffusers"),
        ("someone/model", "download it: sora models pull someone/model"),
        ("qqqqqq", "list them: sora models"),
        ("Wan2.2", "name one of wan2.2-t2v-a14b, wan2.2-i2v-a14b, wan2.2-ti2v-5b"),
        ("wan", "name one of wan2.1-vace-1.3b, wan2.1-vace-14b, "),
        ("ltx", "name one of ltx-2, ltx-2-distilled, "),
        ("flux", "name one of flux-2-klein, flux-2-klein-base"),
        ("sora-2-pro", "runs at OpenAI alone; list them: sora models"),
    ],
)
def test_an_unknown_engine_is_missing_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(EngineMissing) as caught:
        catalogue.card(name)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("name", ["./models/wan", "./wan", "../wan", "/no/wan"])
def test_a_path_to_nothing_is_told_as_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(EngineMissing, match=f"there is no folder {re.escape(name)}") as caught:
        catalogue.card(name)
    assert "pull" not in caught.value.hint


@pytest.mark.parametrize("name", ["wan.safetensors", "wan.gguf", "wan.CKPT", "pytorch_model.bin", "notes.txt"])
def test_a_single_file_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch()
    for way in (name, f"./{name}", str(tmp_path / name)):
        with pytest.raises(
            EngineMissing, match=r"is a single file \(.*; sora takes diffusers folders, for example Wan"
        ):
            catalogue.card(way)
    with pytest.raises(EngineMissing, match="would be a single file, and there is none"):
        catalogue.card("city96/Wan2.1-gguf/wan.gguf")
    with pytest.raises(EngineMissing, match="single file"):
        hub.source_of("owner/wan.gguf")


def test_what_other_programs_keep_is_told_as_what_it_is(tmp_path: Path) -> None:
    """A LoRA, what a download left, the folder of another program, a model in its makers' layout."""
    lora, ones = tmp_path / "ComfyUI" / "loras" / "mara.safetensors", np.ones((2, 2), np.float32)
    maker = tmp_path / "Wan2.2-T2V-A14B"
    for name in ("ComfyUI/loras", "ComfyUI/vae", maker.name):
        (tmp_path / name).mkdir(parents=True)
    save_file({"diffusion_model.a.lora_A.weight": ones}, lora)
    save_file({"model.diffusion_model.a.weight": ones}, tmp_path / "ComfyUI" / "vae" / "wan_2.1_vae.safetensors")
    (maker / "Wan2.1_VAE.pth").touch()
    (tmp_path / "wan.safetensors.crdownload").touch()
    (tmp_path / "page.safetensors").write_text("<!DOCTYPE html>")
    for name in ("wan.zip", "none.safetensors"):
        (tmp_path / name).touch()
    for name, why, hint in (
        ("ComfyUI/loras/mara.safetensors", r"\(a LoRA, or its like\)$", "--option lora="),
        ("ComfyUI/loras", r"\(a LoRA, or its like\)$", "--option lora="),
        ("ComfyUI/vae", r"vae\.safetensors is a single file \(weights alone\); sora takes", "sora models pull"),
        ("ComfyUI", r"but files of other programs: mara\.safetensors, wan_2\.1_vae", "sora models pull"),
        (maker.name, r"Wan2\.1_VAE\.pth is a single file", "pull Wan-AI/Wan2.2-T2V-A14B-Diffusers"),
        ("page.safetensors", r"\(a page that was saved\); sora takes", "sora models pull"),
        ("none.safetensors", r"\(empty\); sora takes", "sora models pull"),
        ("wan.zip", r"\(an archive\)$", "unpack it"),
        ("wan.safetensors.crdownload", "a download that was not finished", "sora models pull"),
    ):
        with pytest.raises(EngineMissing, match=why) as caught:
            catalogue.card(str(tmp_path / name))
        assert hint in caught.value.hint


def test_a_file_of_a_model_leads_to_the_models_folder(tmp_path: Path) -> None:
    folder = write_index(tmp_path / "model", "WanPipeline")
    (folder / "transformer").mkdir()
    (folder / "transformer" / "weights.safetensors").touch()
    with pytest.raises(EngineMissing) as caught:
        catalogue.card(str(folder / "transformer" / "weights.safetensors"))
    assert caught.value.hint.endswith(str(folder))


def test_the_environment_names_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORA_ENGINE", "wan2.1-vace-14b")
    with pytest.raises(EngineMissing, match="vace-14b is not on this machine"):
        catalogue.card(None)


def test_a_folder_that_is_no_model_we_run(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="holds a FluxPipeline, which sora does not run"):
        catalogue.card(str(write_index(tmp_path / "flux", "FluxPipeline")))
    with pytest.raises(EngineMissing, match="holds no model") as caught:
        catalogue.card(str(tmp_path))
    assert caught.value.hint.endswith(str(tmp_path / "flux"))
    with pytest.raises(EngineMissing, match="is an address") as caught:
        catalogue.card("https://huggingface.co/Wan-AI/Wan2.1-VACE-14B-diffusers/tree/main")
    assert caught.value.hint.endswith(" Wan-AI/Wan2.1-VACE-14B-diffusers")
    with pytest.raises(EngineMissing, match="is an address") as caught:
        catalogue.card("https://civitai.com/models/123")
    assert "folder" in caught.value.hint
    with pytest.raises(EngineMissing, match="is an address") as caught:
        catalogue.card("file:///models/my%20wan")
    assert caught.value.hint.endswith(": /models/my wan")
    (tmp_path / "model_index.json").write_text("{nonsense")
    with pytest.raises(EngineMissing, match="cannot be read"):
        catalogue.card(str(tmp_path))


CUT = b'\x43\0\0\0\0\0\0\0{"a": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}}   1234'
"""A safetensors file with four of its eight bytes of numbers."""
WHOLE = CUT + b"5678"
SCALED = WHOLE.replace(b"\x43", b"\x50", 1).replace(b'"a"', b'"a.scale_weight"')
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4665a5ea\nsize 12345\n"


def test_weights_that_were_not_fetched_are_told_before_the_work(tmp_path: Path) -> None:
    folder = write_index(tmp_path / "wan", transformer=["diffusers", "WanVACETransformer3DModel"])
    (folder / "transformer").mkdir()
    part = folder / "transformer" / "diffusion_pytorch_model-00001-of-00002.safetensors"
    for make, why in (
        (lambda: part.write_text(POINTER), "holds no weights: Git LFS did not fetch them"),
        (lambda: part.write_bytes(bytes(2000)), "00002-of-00002.safetensors is missing: one of the 2 files"),
        (lambda: (part.unlink(), part.symlink_to("none")), "is a link that leads nowhere"),
    ):
        make()
        with pytest.raises(EngineMissing, match=why) as caught:
            catalogue.card(str(folder))
        assert caught.value.hint
    (folder / "model_index.json").write_text(POINTER)
    with pytest.raises(EngineMissing, match="Git LFS did not fetch it"):
        catalogue.card(str(folder))
    (tmp_path / "wan.safetensors").write_text(POINTER)
    with pytest.raises(EngineMissing, match="a pointer of Git LFS, without what it points to"):
        catalogue.card(str(tmp_path / "wan.safetensors"))


def test_what_a_download_left_unwritten_is_no_model_and_what_macos_leaves_beside_is_none_of_it(tmp_path: Path) -> None:
    folder = write_index(tmp_path / "wan", transformer=["diffusers", "WanVACETransformer3DModel"])
    (folder / "transformer").mkdir()
    (folder / "transformer" / "config.json").write_text("{}")
    part = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    ones, zeros = np.ones((8, 8), np.float32), np.zeros((8, 8), np.float32)
    padded = np.concatenate([np.ones((1024, 8), np.float32), np.zeros((8, 8), np.float32)])
    whole = {"a": ones, "b": zeros, "c": padded, "d": zeros, "condition_embedder.time_proj.weight": zeros[0]}
    save_file(whole, part)
    (part.parent / f"._{part.name}").write_bytes(b"Mac OS X")
    assert catalogue.card(str(folder)).location == folder
    beside = part.with_name(f"{part.name}.aria2")
    beside.touch()
    with pytest.raises(EngineMissing, match="its download by aria2 was not finished"):
        catalogue.card(str(folder))
    beside.unlink()
    save_file({**whole, "c": zeros}, part)
    with pytest.raises(EngineMissing, match="ends in zeros, where its last weights should be"):
        catalogue.card(str(folder))


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("wan2.1_t2v_1.3B_fp16.safetensors", "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"),
        ("Wan2_1-T2V-14B_fp8_e4m3fn.safetensors", "Wan-AI/Wan2.1-T2V-14B-Diffusers"),
        ("wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors", "Wan-AI/Wan2.2-I2V-A14B-Diffusers"),
        ("ltx-2-19b-dev-fp8.safetensors", "Lightricks/LTX-2"),
        ("hunyuan_video_720.safetensors", ""),
    ],
)
def test_a_single_file_leads_to_the_same_model_in_the_layout_that_is_read(name: str, like: str) -> None:
    assert single_files.like(name) == like


@pytest.mark.parametrize(
    ("file", "data", "why"),
    [
        ("", b"", "wan has no folder transformer, which its model_index.json names"),
        ("config.json", b"{}", "transformer holds no weights"),
        ("diffusion_pytorch_model.bin", b"PK\3\4", "the weights in .*transformer are pickles, which may run code"),
        ("a.safetensors", CUT, r"a\.safetensors is cut short"),
        ("a.safetensors", b"", r"a\.safetensors holds no weights: it is cut short, or no safetensors file"),
        ("a.safetensors", b"<html>Access denied</html>", r"a\.safetensors holds no weights"),
        ("wan_fp8.safetensors", WHOLE, r"are called wan_fp8\.safetensors, and not as diffusers calls them"),
        ("model.safetensors", SCALED, r"holds scaled weights of another program \(a\.scale_weight\)"),
        ("a-00001-of-00001.safetensors", WHOLE, r"transformer has no a\.safetensors\.index\.json"),
    ],
)
def test_a_model_without_all_of_its_parts_is_told_before_the_work(
    tmp_path: Path, file: str, data: bytes, why: str
) -> None:
    scheduler = ["diffusers", "UniPCMultistepScheduler"]
    transformer = ["diffusers", "WanVACETransformer3DModel"]
    folder = write_index(tmp_path / "wan", scheduler=scheduler, transformer=transformer, vae=[None, None])
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text("{}")
    if file:
        (folder / "transformer").mkdir()
        (folder / "transformer" / "config.json").write_text("{}")
        (folder / "transformer" / file).write_bytes(data)
    with pytest.raises(EngineMissing, match=why) as caught:
        catalogue.card(str(folder))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("file", "data", "why"),
    [
        ("transformer/config.json", None, r"transformer has no config\.json"),
        ("scheduler/scheduler_config.json", None, r"scheduler has no scheduler_config\.json"),
        ("tokenizer/tokenizer.json", None, "tokenizer holds no words"),
        ("tokenizer/tokenizer.json", POINTER, r"tokenizer\.json was not fetched by Git LFS"),
    ],
)
def test_a_model_without_a_small_file_is_told_before_the_work(
    tmp_path: Path, file: str, data: str | None, why: str
) -> None:
    nano = catalogue.card("nano").location
    assert nano is not None
    folder = Path(shutil.copytree(nano, tmp_path / "nano"))
    assert catalogue.card(str(folder)).location == folder
    (folder / file).unlink() if data is None else (folder / file).write_text(data)
    with pytest.raises(EngineMissing, match=why) as caught:
        catalogue.card(str(folder))
    assert caught.value.hint


def test_code_that_a_checkpoint_names_is_not_run(tmp_path: Path) -> None:
    folder = write_index(tmp_path / "evil", vae=["evil.module", "Vae"])
    with pytest.raises(EngineMissing, match=r"evil\.module, which sora will not run"):
        catalogue.card(str(folder))


def test_an_engine_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "waves", "own:CARD"

        def load(self) -> object:
            return self.found

        found: object = None

    own = next(iter(cards.known())).card
    monkeypatch.setattr(catalogue, "added", lambda group: [Entry()] if group == "sora.engines" else [])
    with pytest.raises(EngineMissing, match="is not an EngineCard"):
        catalogue.cards()
    Entry.found = EngineCard(**{**{k: getattr(own, k) for k in EngineCard.__slots__}, "name": "waves"})
    assert catalogue.card("waves") is Entry.found


def test_a_torchvision_of_another_build_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_module: str) -> None:
        cause = RuntimeError("operator torchvision::nms does not exist")
        raise ImportError("Could not import module 'UMT5EncoderModel'") from cause

    monkeypatch.setattr("sora_cli.engines.catalogue.importlib.import_module", broken)
    with pytest.raises(EngineMissing, match="UMT5EncoderModel") as caught:
        catalogue.open_engine(catalogue.card("nano"))
    assert "uninstall torchvision" in caught.value.hint


@pytest.mark.parametrize("name", ["x" * 250, "x" * 5000, "a/" + "x" * 300, "~nobody-of-that-name/model", "a\0b"])
def test_a_name_that_no_folder_can_have_is_no_engine(name: str) -> None:
    with pytest.raises(EngineMissing):
        catalogue.card(name)


def test_an_engine_is_imported_without_looking_for_garbage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_family.py").write_text("import gc\nlooking = gc.isenabled()\ndef own(card, **_): return looking\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert catalogue.open_engine(replace(catalogue.card("nano"), family="own_family:own")) is False
    assert gc.isenabled()
