"""Places, models and options that anybody may have made: refused with words, soon, before any work."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.engines.options import Memory, WanOptions, not_safetensors
from sora_cli.errors import EngineMissing, StoreError
from sora_cli.flows import preflight
from sora_cli.stamp import check_mark
from sora_cli.store import Store
from sora_cli.storyboard.model import Watermark
from tests.unattended.test_hostile import room

__all__ = ["room"]


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out + err


# -- places ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["pipe", "endless"])
def test_pipes_and_devices_are_not_waited_for(room: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    path = room / "x.csv"
    os.mkfifo(path) if place == "pipe" else path.symlink_to("/dev/zero")
    film = room / "x.mp4"
    film.symlink_to(path)
    (room / "a.yaml").write_text("shots: [a red ball]\n")
    for words in (
        ("verify", "x.mp4"),
        ("verify", "a.yaml", "--anchor", "x.csv"),
        ("verify", "a.yaml", "--revoked", "x.csv"),
        ("batch", "x.csv"),
        ("reproduce", "x.mp4"),
    ):
        code, told = said(capsys, *words)
        assert code in {1, 2, 3}, words
        assert "not a regular file" in told or "no record of how" in told or "cannot read" in told, (words, told)


def test_a_log_that_nobody_reads_is_refused(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(room / "log")
    (room / "a.yaml").write_text("shots: [a red ball]\n")
    code, told = said(capsys, "storyboard", "a.yaml", "-o", "a.mp4", "--log", "log")
    assert (code, "--log FILE" in told) == (2, True)


@pytest.mark.parametrize("name", ["~nobody-here/x", "x" * 5000, "~nobody-here/" + "y/" * 600])
def test_stores_of_odd_names_are_told(
    room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SORA_STORE", name)
    (room / "a.yaml").write_text("shots: [{prompt: a red ball, duration: 0.5s}]\n")
    for words in (("plan", "a.yaml"), ("store",), ("check", "a.yaml")):
        assert said(capsys, *words)[0] in {0, 1, 2}, words


@pytest.mark.skipif(os.name != "posix", reason="owners and modes")
def test_a_store_that_everybody_can_write_is_not_trusted(tmp_path: Path) -> None:
    """What somebody put there would be signed as made here."""
    store = tmp_path / "store"
    Store(store).used().release()
    assert store.stat().st_mode & 0o077 == 0
    store.chmod(0o777)
    for use in (lambda: Store(store).used(), lambda: Store(store).card("0" * 32), lambda: Store(store).alone()):
        with pytest.raises(StoreError, match="written by everybody") as caught:
            use()
        assert caught.value.hint == f"chmod go-w {store}"
    store.chmod(0o775)  # a group of one's own, as many systems make them
    assert Store(store).card("0" * 32) is None
    (store / "00").mkdir()
    (store / "00").chmod(0o777)
    with pytest.raises(StoreError, match="written by everybody"):
        Store(store).card("0" * 32)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_store_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    os.chown(store, 12345, 12345)
    with pytest.raises(StoreError, match="belongs to somebody else") as caught:
        Store(store).card("0" * 32)
    assert "SORA_STORE" in caught.value.hint


# -- small films -----------------------------------------------------------------------------------------------


def tiny(path: Path, width: int, height: int) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=12)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        for number in range(3):
            picture = np.full((height, width, 3), 40 * number, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize("size", [(2, 2), (4, 2), (1000, 2), (2, 1000), (15, 400)])
def test_films_too_small_for_a_mark_are_refused(
    room: Path, capsys: pytest.CaptureFixture[str], size: tuple[int, int]
) -> None:
    tiny(room / "x.mkv", *size)
    code, told = said(capsys, "stamp", "x.mkv", "-o", "o.mp4")
    assert (code, "too small for a visible mark" in told) == (2, True), told
    assert not (room / "o.mp4").exists()


@pytest.mark.parametrize("width", [16, 18, 64, 158, 160, 162, 500, 4096])
@pytest.mark.parametrize("height", [16, 18, 64, 158, 160, 162, 500, 4096])
def test_our_mark_fits_every_other_frame(width: int, height: int) -> None:
    check_mark(Watermark(), width, height)


# -- models and options ----------------------------------------------------------------------------------------


def model(folder: Path, scheduler: dict[str, object]) -> Path:
    """A checkpoint of the embedded model's kind with another scheduler's configuration."""
    source = catalogue.card("nano").location
    assert source is not None
    for path in (*source.rglob("*.json"), *source.rglob("*.safetensors")):
        to = folder / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.symlink_to(path)
    place = folder / "scheduler" / "scheduler_config.json"
    changed = json.dumps({**json.loads(place.read_text()), **scheduler})
    place.unlink()
    place.write_text(changed)
    return folder


def test_configurations_have_bounds(tmp_path: Path) -> None:
    assert catalogue.card(str(model(tmp_path / "good", {}))).name
    for number, wrong in enumerate(({"num_train_timesteps": 10**9}, {"x": [{"y": 1 << 70}]}, {"num_layers": 5000})):
        with pytest.raises(EngineMissing, match="is the most"):
            catalogue.card(str(model(tmp_path / str(number), wrong)))


def test_an_index_that_is_nested_deep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("[" * 100_000)
    with pytest.raises(EngineMissing, match="nested too deep"):
        catalogue.card(str(tmp_path))


def test_a_storyboard_cannot_have_code_fetched(room: Path) -> None:
    for name in ("flash_hub", "_flash_3_hub", "sage_hub", "aiter_fa2_hub"):
        with pytest.raises(ValueError, match="fetch code"):
            Memory.model_validate({"attention": name})
    assert Memory.model_validate({"attention": "_native_cudnn"}).attention
    (room / "a.yaml").write_text("memory: {attention: flash_hub}\nshots: [a red ball]\n")
    assert main(["check", "a.yaml"]) == 2


def adapter(path: Path) -> Path:
    head = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(4))
    return path


def test_adapters_are_judged_by_their_content(tmp_path: Path) -> None:
    assert not_safetensors(adapter(tmp_path / "good.safetensors")) == ""
    for content in (
        b"",
        b"\x80\x04\x95pickle" * 9,
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 5) + b"[[[[[",
    ):
        (tmp_path / "bad.safetensors").write_bytes(content)
        assert not_safetensors(tmp_path / "bad.safetensors")
    (tmp_path / "a.yaml").write_text("shots:\n  - {prompt: a ball, options: {lora: [{path: bad.safetensors}]}}\n")
    found = [problem.message for problem in preflight.file_problems(storyboard.load(tmp_path / "a.yaml"))]
    assert any("not a safetensors file" in message for message in found)


def test_an_adapter_outside_the_folder_wants_to_be_allowed(tmp_path: Path) -> None:
    """By `..`, by its whole path, or by a link."""
    folder = tmp_path / "in"
    folder.mkdir()
    adapter(tmp_path / "x.safetensors")
    adapter(folder / "y.safetensors")
    (folder / "link.safetensors").symlink_to(tmp_path / "x.safetensors")
    for path in ("../x.safetensors", str(tmp_path / "x.safetensors"), "link.safetensors"):
        given = {"lora": [{"path": path}]}
        with pytest.raises(ValueError, match="--allow-outside"):
            WanOptions.model_validate(given, context={"folder": folder, "inside": folder})
        assert WanOptions.model_validate(given, context={"folder": folder, "inside": None}).lora
    assert WanOptions.model_validate(
        {"lora": [{"path": "y.safetensors"}]}, context={"folder": folder, "inside": folder}
    ).lora
    (folder / "a.yaml").write_text("shots: [a ball]\n")
    assert not storyboard.load(folder / "a.yaml").allow_outside
    assert storyboard.load(folder / "a.yaml", allow_outside=True).allow_outside
