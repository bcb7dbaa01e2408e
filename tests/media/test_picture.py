"""Pictures come upright, in sRGB, whatever they are stored as; fitting covers and crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sora_cli.errors import MediaError
from sora_cli.media.read.picture import fit, read_picture


def test_transparency_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png") == 255).all()


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0x8000, np.uint16)).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png") == 128).all()


@pytest.mark.parametrize("mode", ["L", "P", "LA", "CMYK", "1"])
def test_other_modes_are_read(tmp_path: Path, mode: str) -> None:
    name = "a.jpg" if mode == "CMYK" else "a.png"
    Image.new("RGB", (6, 4), (255, 255, 255)).convert(mode).save(tmp_path / name)
    assert (read_picture(tmp_path / name) >= 250).all()


@pytest.mark.parametrize(("space", "interop"), [(65_535, "R03"), (2, "R98")])
def test_adobe_rgb_that_only_the_exif_of_a_camera_tells_is_brought_to_srgb(
    tmp_path: Path, space: int, interop: str
) -> None:
    """The right values are those of Adobe RGB (1998) and sRGB by their published matrices and curves."""
    picture = Image.new("RGB", (32, 32), (150, 160, 90))
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA001: space, 0xA005: {1: interop}})
    picture.save(tmp_path / "a.jpg", quality=100, subsampling=0, exif=exif)
    assert np.abs(read_picture(tmp_path / "a.jpg")[0, 16, 16].astype(int) - (147, 161, 85)).max() <= 2
    exif.get_ifd(0x8769).update({0xA001: 65_535 if interop == "R98" else 1, 0xA005: {1: interop}})
    picture.save(tmp_path / "a.jpg", quality=100, subsampling=0, exif=exif)
    assert np.abs(read_picture(tmp_path / "a.jpg")[0, 16, 16].astype(int) - (150, 160, 90)).max() <= 2


def test_pictures_whose_exif_names_no_colours_or_other_ones_than_their_png_are_as_they_are(tmp_path: Path) -> None:
    """Editors write no more than that the colours are not sRGB; a PNG that says sRGB keeps its EXIF from the camera."""
    says_srgb = PngInfo()
    says_srgb.add(b"sRGB", b"\0")
    for name, told in (("a.jpg", {0xA001: 65_535}), ("a.png", {0xA001: 65_535, 0xA005: {1: "R03"}})):
        exif = Image.Exif()
        exif.get_ifd(0x8769).update(told)
        how = {"pnginfo": says_srgb} if name == "a.png" else {"quality": 100, "subsampling": 0}
        Image.new("RGB", (32, 32), (150, 160, 90)).save(tmp_path / name, exif=exif, **how)
        assert np.abs(read_picture(tmp_path / name)[0, 16, 16].astype(int) - (150, 160, 90)).max() <= 2


def test_a_sound_file_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(MediaError, match="not a picture"):
        read_picture(tmp_path / "a.png")


def test_fitting_keeps_the_middle() -> None:
    frames = np.zeros((1, 40, 120, 3), np.uint8)
    frames[:, :, 40:80] = 200
    fitted = fit(frames, 20, 20)
    assert fitted.shape == (1, 20, 20, 3)
    assert np.abs(fitted[:, :, 3:-3].astype(int) - 200).max() <= 2


@settings(max_examples=25)
@given(st.tuples(*[st.integers(1, 60)] * 4), st.integers(0, 255))
def test_any_size_fits_any_size_and_flat_stays_flat(sizes: tuple[int, int, int, int], value: int) -> None:
    fitted = fit(np.full((2, *sizes[:2], 3), value, np.uint8), *sizes[2:])
    assert fitted.shape == (2, sizes[3], sizes[2], 3)
    assert (fitted == value).all()
