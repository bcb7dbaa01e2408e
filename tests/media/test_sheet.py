"""The contact sheet shows every shot."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sora_cli.errors import MediaError
from sora_cli.media.sheet import ContactSheet, SheetShot, is_sheet_of
from sora_cli.media.stream import Frames, Master


def drawn(frames: Frames, strips: Sequence[SheetShot], out: Path, title: str) -> Path:
    """The sheet of a film of these frames that is written beside it."""
    pictures = [av.VideoFrame.from_ndarray(each, format="rgb24") for each in frames]
    height, width = frames.shape[1:3]
    film = Master(width=width, height=height, fps=Fraction(12), frames=len(frames), pictures=lambda: iter(pictures))
    with ContactSheet(strips, out.with_suffix(".mp4"), out, title) as sheet:
        for _ in range(2):  # as a film with a palette is read
            for _ in sheet.watching(film).pictures():
                pass
        return sheet.put()


@pytest.mark.parametrize("shots", [1, 3, 13])
def test_every_shot_is_there(tmp_path: Path, shots: int) -> None:
    frames = np.zeros((shots * 6, 36, 64, 3), np.uint8)
    for shot in range(shots):
        frames[shot * 6 : shot * 6 + 6] = (40 + 15 * shot, 250 - 15 * shot, 90)
    strips = [SheetShot(f"a shot with a name that is long, number {shot}", shot * 6, 6) for shot in range(shots)]
    path = drawn(frames, strips, tmp_path / "sheet.png", "A film")
    assert is_sheet_of(path, Path("sheet.mp4"))
    assert not is_sheet_of(path, Path("other.mp4"))
    with Image.open(path) as image:
        pixels = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    assert {(40 + 15 * shot, 250 - 15 * shot, 90) for shot in range(shots)} <= pixels


def test_no_shots_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        drawn(np.zeros((2, 8, 8, 3), np.uint8), [], tmp_path / "sheet.png", "A film")


@pytest.mark.parametrize("title", ["A film", "A title that says a little more than most " * 3, "W" * 120, "two\nlines"])
def test_a_long_title_leaves_room_for_the_facts(tmp_path: Path, title: str) -> None:
    """What stands at the right of the head is the same under every title, and a gap stands before it."""
    frames, heads = np.zeros((6, 36, 64, 3), np.uint8), []
    for name, words in (("this", title), ("none", " ")):
        path = drawn(frames, [SheetShot("a", 0, 6)], tmp_path / f"{name}.png", words)
        with Image.open(path) as image:
            heads.append(np.asarray(image.convert("RGB"), int)[:80])
    blank = np.abs(heads[1] - heads[1][0, 0]).max(axis=(0, 2)) == 0
    left = int(np.flatnonzero(~blank)[0])
    assert (heads[0][:, left - 30 :] == heads[1][:, left - 30 :]).all()
    assert (heads[0][:, : left - 30] != heads[1][:, : left - 30]).any()
    assert (heads[0][:26] == heads[1][:26]).all()


def test_shots_that_share_pictures_and_cross_each_other(tmp_path: Path) -> None:
    """The pictures of a row may come after those of the next one, and stand in both."""
    frames = np.arange(240, dtype=np.uint8)[:, None, None, None].repeat(36, 1).repeat(64, 2).repeat(3, 3)
    strips = [SheetShot(f"{n}", 0 if n > 7 else 100 - 10 * n, 120) for n in range(13)]
    path = drawn(frames, strips, tmp_path / "sheet.png", "A film")
    with Image.open(path) as image:
        pixels = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    wanted = {strip.start + at for strip in strips for at in (30, 90)}
    assert {(shade, shade, shade) for shade in wanted} <= pixels


def test_a_film_that_stops_leaves_no_sheet(tmp_path: Path) -> None:
    film = Master(width=8, height=8, fps=Fraction(12), frames=2, pictures=lambda: iter(()))
    with ContactSheet([SheetShot("a", 0, 2)], tmp_path / "a.mp4", tmp_path / "a.png") as sheet:
        list(sheet.watching(film).pictures())
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())


MANY = """
import sys
from pathlib import Path
import numpy as np
from tests.memory import peak
from tests.media.test_sheet import SheetShot, drawn
shots = [SheetShot("a", 2 * n, 2) for n in range(int(sys.argv[1]))]
drawn(np.zeros((240, 36, 64, 3), np.uint8), shots, Path("a.png"), "A")
print(peak())
"""


def test_a_tall_sheet_takes_no_more_memory(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    few, many = (
        int(subprocess.check_output([sys.executable, "-c", MANY, count], cwd=tmp_path, env=environment))
        for count in ("12", "120")
    )
    assert many < 1.05 * few
