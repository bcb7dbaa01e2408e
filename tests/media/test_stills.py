"""A film as numbered pictures."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace
from PIL import Image

from sora_cli.errors import MediaError
from sora_cli.media.filters import Chain
from sora_cli.media.read import probe
from sora_cli.media.read.rgb import to_rgb
from sora_cli.media.stills import write_stills

from .test_film import PATCHES, master


def test_every_frame_is_a_picture_of_sixteen_bits(tmp_path: Path) -> None:
    write_stills(tmp_path / "frames", master(5))
    paths = sorted((tmp_path / "frames").glob("*.png"))
    assert [path.name for path in paths] == [f"frame-{number:06d}.png" for number in range(1, 6)]
    data = paths[0].read_bytes()
    assert data[24:26] == bytes([16, 2])  # bit depth and colour type (RGB) of the IHDR chunk
    assert data[data.index(b"cICP") + 4 :][:4] == bytes([1, 1, 0, 1])  # BT.709, RGB, full range
    assert probe(paths[0]).kind == "picture"
    assert np.array_equal(np.asarray(Image.open(paths[2]))[16, 8::16], PATCHES)


def test_ten_bits_are_kept(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(64, 64 + 128, dtype=np.uint16), (32, 1))

    def pictures() -> Iterator[av.VideoFrame]:
        frame = av.VideoFrame(128, 32, "yuv444p10le")
        for plane, values in zip(frame.planes, (ramp, np.full_like(ramp, 512), np.full_like(ramp, 512)), strict=True):
            np.frombuffer(plane, np.uint16).reshape(32, -1)[:, :128] = values
        frame.colorspace, frame.color_range = 1, 1
        yield Chain(*to_rgb(frame, None, None, "gbrp16le"))(frame)

    write_stills(tmp_path / "frames", master(1, pictures=pictures))
    decoder = av.CodecContext.create("png", "r")
    data = (tmp_path / "frames" / "frame-000001.png").read_bytes()
    (frame,) = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    values = frame.reformat(format="rgb48le").to_ndarray()[0, :, 0].astype(int)
    assert np.abs(values - 65535 / 876 * (ramp[0] - 64.0)).max() < 40  # of the 75 that are a step of ten bits
    assert frame.color_primaries == frame.color_trc == 1


def test_the_sound_lies_beside_as_it_was(tmp_path: Path) -> None:
    film = master(24)
    sound = (0.1 * np.random.default_rng(0).normal(size=(film.samples, 2))).astype(np.float32)
    film = replace(film, sound=lambda: iter(np.array_split(sound, 7)))
    write_stills(tmp_path / "frames", film)
    heard, rate = soundfile.read(tmp_path / "frames" / "sound.wav")
    assert (rate, heard.shape) == (48_000, sound.shape)
    assert np.abs(heard - sound).max() < 2**-22


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_list_of_hashes_is_one_that_others_check(tmp_path: Path) -> None:
    write_stills(tmp_path / "frames", master(3, sound=lambda: iter([np.zeros((6000, 2), np.float32)])))
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path / "frames", check=False).returncode == 0
    found = probe(tmp_path / "frames")
    assert (found.frames, found.fps, found.width, found.height) == (3, 24, 128, 32)


@pytest.mark.parametrize("promised", [4, 6])
def test_a_failed_write_leaves_nothing(tmp_path: Path, promised: int) -> None:
    with pytest.raises(MediaError, match=f"{promised} frames"):
        write_stills(tmp_path / "frames", replace(master(5), frames=promised))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    with pytest.raises(MediaError, match="File exists"):
        write_stills(tmp_path / "frames", master(2))
    with pytest.raises(MediaError):
        write_stills(tmp_path / "nowhere" / "frames", master(2))
