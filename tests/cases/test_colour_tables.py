"""A .cube file does what it says: its ranges hold, and a curve has as many points as it has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from sora_cli.colour.cube import read_cube
from sora_cli.colour.grade import lut_steps
from sora_cli.colour.lut import read_lut
from sora_cli.errors import MediaError, RequestError
from sora_cli.flows.edit import _look
from sora_cli.media.filters import Chain

GREYS = [0, 1, 3, 4, 10, 64, 128, 200, 255]
IDENTITY = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))


def graded(path: Path, greys: Sequence[int] = GREYS, strength: float = 1.0) -> list[int]:
    """What the filters make of greys, in 8 bits."""
    row = np.repeat(np.repeat(np.array(greys, np.uint8), 16)[np.newaxis, :, np.newaxis], 3, axis=2).repeat(16, axis=0)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(row), format="rgb24")
    frame.pts = 0
    deep, plain = (("format", {"pix_fmts": pixels}) for pixels in ("gbrp16le", "gbrp"))
    out = Chain(deep, *lut_steps(read_lut(path), strength, path.parent), plain)(frame)
    return [int(value) for value in out.to_ndarray(format="rgb24")[8, 8::16, 1]]


def srgb(light: float) -> float:
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def curve_text(points: int, size: str = "LUT_1D_SIZE") -> str:
    rows = "\n".join(" ".join([f"{srgb(at / (points - 1)):.8f}"] * 3) for at in range(points))
    return f'TITLE "to # sRGB"\r\n{size} {points}\r\n# by hand\r\n{rows}\r\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "a.cube"
    path.write_bytes(text.encode())
    return path


def test_a_curve_is_as_fine_as_it_is_written(tmp_path: Path) -> None:
    path = write(tmp_path, curve_text(1024))
    points = [srgb(at / 1023) for at in range(1024)]
    wanted = [round(255 * np.interp(grey / 255, np.linspace(0, 1, 1024), points)) for grey in GREYS]
    assert wanted[2:4] == [28, 34]
    assert np.abs(np.array(graded(path)) - wanted).max() <= 1
    half = [round((grey + full) / 2) for grey, full in zip(GREYS, wanted, strict=True)]
    assert np.abs(np.array(graded(path, strength=0.5)) - half).max() <= 1


@pytest.mark.parametrize(
    "ranges",
    ["LUT_3D_INPUT_RANGE 0 2", "LUT_3D_INPUT_RANGE 0.0 2.0", "DOMAIN_MAX 2 2 2", "DOMAIN_MIN 0 0 0\nDOMAIN_MAX 2 2 2"],
)
def test_the_range_of_a_table_holds(tmp_path: Path, ranges: str) -> None:
    path = write(tmp_path, f"LUT_3D_SIZE 2\n{ranges}\n{IDENTITY}\n")
    assert np.abs(np.array(graded(path)) - np.array(GREYS) / 2).max() <= 1


@pytest.mark.parametrize(
    "ranges", ["LUT_3D_INPUT_RANGE 0.25 0.75", "DOMAIN_MIN 0.25 0.25 0.25\nDOMAIN_MAX 0.75 0.75 0.75"]
)
def test_a_table_that_begins_later(tmp_path: Path, ranges: str) -> None:
    path = write(tmp_path, f"{ranges}\nLUT_3D_SIZE 2\n{IDENTITY}\n")
    wanted = np.clip((np.array(GREYS) / 255 - 0.25) * 2, 0, 1) * 255
    assert np.abs(np.array(graded(path)) - wanted).max() <= 1.01


def test_the_range_of_a_curve_holds(tmp_path: Path) -> None:
    path = write(tmp_path, "LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 0 2\n0 0 0\n1 1 1\n")
    assert np.abs(np.array(graded(path)) - np.array(GREYS) / 2).max() <= 1


def test_a_curve_before_a_table(tmp_path: Path) -> None:
    curve = "0 0 0\n0.25 0.25 0.25\n1 1 1"
    inverse = "\n".join(f"{1 - r} {1 - g} {1 - b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))
    path = write(tmp_path, f"LUT_1D_SIZE 3\nLUT_1D_INPUT_RANGE 0 1\nLUT_3D_SIZE 2\n{curve}\n{inverse}\n")
    shaped = np.interp(np.array(GREYS) / 255, [0, 0.5, 1], [0, 0.25, 1])
    assert np.abs(np.array(graded(path)) - (1 - shaped) * 255).max() <= 1.51
    half = (np.array(GREYS) + (1 - shaped) * 255) / 2
    assert np.abs(np.array(graded(path, strength=0.5)) - half).max() <= 1


@pytest.mark.parametrize(("text", "why"), [
    ("LUT_1D_SIZE 3\n0 0 0\n", "1 rows of the 3"),
    ("LUT_3D_SIZE 2\n" + "0 0 0\n" * 9, "9 rows of the 8"),
    ("LUT_3D_SIZE 2\nnan 0 0\n", "line 2"),
    ("LUT_1D_SIZE 2\n0 0 0\n1 1 inf\n", "line 3"),
    ("LUT_1D_SIZE 2\n0 0\n1 1\n", "line 2"),
    ("LUT_1D_SIZE 1\n0 0 0\n", "line 1"),
    ("LUT_3D_SIZE -5\n", "line 1"),
    ("LUT_3D_SIZE 2.5\n", "line 1"),
    ("LUT_3D_INPUT_RANGE 1\n", "line 1"),
    ("LUT_3D_SIZE 2\nDOMAIN_MIN 1 1 1\n" + IDENTITY, "domain is empty"),
    ("0 0 0\n1 1 1\n", "size"),
    ("LUT_3D_SIZE 2\nLUT_IN_VIDEO_RANGE\n" + IDENTITY, "for values of 16 to 235"),
    ("LUT_3D_SIZE 2\n" + IDENTITY.replace("1", "1023"), "values go up to 1023: export it with values of 0 to 1"),
    ("LUT_3D_SIZE 2\nDOMAIN_MAX 255 255 255\n" + IDENTITY, "it takes values up to 255: export it for values of 0 to 1"),
    ("LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0 65504\n" + IDENTITY, "it takes values up to 65504: export it"),
    ("LUT_1D_SIZE 2\n0;0;0\n1;1;1\n", "line 2"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(MediaError, match=why):
        read_lut(write(tmp_path, text))


@pytest.mark.parametrize("marks", [(".", ","), (" ", ", "), (" ", ","), (" ", " , ")])
def test_a_table_with_commas_is_read(tmp_path: Path, marks: tuple[str, str]) -> None:
    rows = "\n".join(f"{r / 2:.6f} {g / 2:.6f} {b / 2:.6f}" for b in (0, 1) for g in (0, 1) for r in (0, 1))
    path = write(tmp_path, f"LUT_3D_SIZE 2\n{rows.replace(*marks)}\n")
    assert np.abs(np.array(graded(path)) - np.array(GREYS) / 2).max() <= 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_a_table_is_read_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.cube"
    path.write_bytes(f'TITLE "Caf\u00e9"\nLUT_3D_SIZE 2\n{IDENTITY}'.encode(encoding))
    assert read_cube(path).shape == (2, 2, 2, 3)


def test_a_table_that_cannot_be_used_is_told_before_the_film_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a.cube").write_text("LUT_3D_SIZE 2\n")
    with pytest.raises(MediaError, match="0 rows of the 8"):
        _look(str(tmp_path / "a.cube"), 1.0)
    (tmp_path / "a.3dl").write_text("0 1023\n")
    with pytest.raises(RequestError, match="sora reads no such colour tables") as caught:
        _look(str(tmp_path / "a.3dl"), 1.0)
    assert "ociobakelut" in caught.value.hint


def test_a_table_is_read_once_until_its_file_changes(tmp_path: Path) -> None:
    path = write(tmp_path, f"LUT_3D_SIZE 2\n{IDENTITY}\n")
    first = read_lut(path)
    assert read_lut(path) is first
    write(tmp_path, f"LUT_3D_SIZE 2\nDOMAIN_MAX 2 2 2\n{IDENTITY}\n")
    assert (read_lut(path).box_in[1] == 2).all()
