"""A film as numbered pictures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sora_cli.errors import MediaError
from sora_cli.media.probe import probe
from sora_cli.media.reel import read_frames
from sora_cli.media.stills import write_stills

from .test_film import PATCHES, master


def test_every_frame_is_a_picture_of_sixteen_bits(tmp_path: Path) -> None:
    paths = write_stills(tmp_path / "frames", master(5))
    assert [path.name for path in paths] == [f"frame-{number:06d}.png" for number in range(1, 6)]
    assert sorted(tmp_path.rglob("*.png")) == paths
    data = paths[0].read_bytes()
    assert data[24:26] == bytes([16, 2])  # bit depth and colour type (RGB) of the IHDR chunk
    assert probe(paths[0]).kind == "picture"
    assert np.array_equal(read_frames(paths[2], 0, 1)[0][16, 8::16], PATCHES)


@pytest.mark.parametrize("promised", [4, 6])
def test_a_failed_write_leaves_nothing(tmp_path: Path, promised: int) -> None:
    with pytest.raises(MediaError, match=f"{promised} frames"):
        write_stills(tmp_path / "frames", dataclasses.replace(master(5), frames=promised))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    with pytest.raises(MediaError, match="there already"):
        write_stills(tmp_path / "frames", master(2))
    with pytest.raises(MediaError):
        write_stills(tmp_path / "nowhere" / "frames", master(2))
