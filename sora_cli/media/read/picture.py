"""Still pictures, and fitting pictures to a size."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from sora_cli.errors import UnusableFile
from sora_cli.media.read.codes import codes_of, is_hdr, to_bt709, told_profile
from sora_cli.media.read.facts import no_hdr
from sora_cli.media.read.foreign import foreign
from sora_cli.media.read.grey import eight_bits, told_of
from sora_cli.media.read.opening import JPEG_STREAMS, require_file, unreadable
from sora_cli.media.stream import Frames

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF", "JPEG2000", "PPM")
_LONGEST = 50
"""How many times as long as the shorter side the longer one may be: more is no picture, and costs memory to fit."""
_NO_PICTURE = (OSError, SyntaxError, ValueError, EOFError, RuntimeError)  # the last one is AVIF's


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Open a picture, animated or not, without decoding it.

    Raises:
        MediaError: the file is missing, is no picture that we can read, or one of a size that is none.
    """
    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning)
            with Image.open(path, formats=_known_formats()) as image:
                _require_size(path, *image.size)
                image.info.update(told_of(path, image))
                if codes := codes_of(image, path):
                    if is_hdr(codes):
                        raise no_hdr(path)
                    image.info["codes"] = codes
                else:
                    image.info.update(told_profile(image))
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusableFile(f"cannot read {path}: the picture is too large", hint="make it smaller first") from error
    except _NO_PICTURE as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise unreadable(path, error) from error
        if (told := foreign(path)) is not None:
            raise told from error
        raise UnusableFile(
            f"cannot read {path}: it is not a picture that sora can read, or it is cut short",
            hint="name a PNG, JPEG, WebP, AVIF, HEIC, TIFF or BMP file that is complete",
        ) from error


@cache
def _known_formats() -> tuple[str, ...]:
    """The formats, once HEIC is known to Pillow, which else loads the readers of all that it knows."""
    for name in ("Avif", "Bmp", "Gif", "Jpeg", "Jpeg2K", "Png", "Ppm", "Tiff", "WebP"):
        import_module(f"PIL.{name}ImagePlugin")
    pillow_heif.register_heif_opener()
    return _FORMATS


def _require_size(path: Path, width: int, height: int) -> None:
    if max(width, height) > _LONGEST * min(width, height):
        raise UnusableFile(
            f"cannot use {path}: it is {width} x {height} pixels, which is too long and narrow",
            hint=f"crop it: the longer side may be {_LONGEST} times the shorter one",
        )


def _still(path: Path) -> Image.Image:
    """A file as a picture, its header read; it fails with one of `_NO_PICTURE` where it is none."""
    if path.suffix.lower() in JPEG_STREAMS:
        raise UnidentifiedImageError(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(path, formats=_known_formats())


def picture_header(path: Path) -> tuple[int, int, str, str] | None:
    """(width, height, format, mode) of a still picture, EXIF turn applied; None where `path` is no still picture.

    Raises:
        MediaError: it is one, of a size that is none.
    """
    try:
        with _still(path) as image:
            if is_animated(image):
                return None
            width, height = image.size
            _require_size(path, width, height)
            if image.format != "TIFF" and image.getexif().get(0x0112, 1) >= 5:  # Pillow itself turns a TIFF
                width, height = height, width
            return width, height, (image.format or "").lower(), image.mode
    except Image.DecompressionBombError as error:
        raise UnusableFile(f"cannot read {path}: the picture is too large", hint="make it smaller first") from error
    except _NO_PICTURE:
        return None


def is_picture(path: Path) -> bool:
    """Whether a file is a picture, still or animated, by its header."""
    try:
        with _still(path):
            return True
    except Image.DecompressionBombError:
        return True
    except _NO_PICTURE:
        return False


_MOVING = (b"GIF8", b"ANIM", b"acTL", b"avis")
"""What begins the files of pictures that may move: others need not be opened."""
_HEAD = 65_536


def moves(path: Path) -> bool:
    """Whether a file is a picture of several frames in time: a film, though by its suffix it may be a still."""
    with suppress(OSError, *_NO_PICTURE), path.open("rb") as file:
        head = file.read(_HEAD)
        if any(sign in head for sign in _MOVING):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(path, formats=_known_formats()) as image:
                    return is_animated(image)
    return False


def is_animated(image: Image.Image) -> bool:
    """Whether a picture has several frames in time (the pages of a TIFF are not frames)."""
    return getattr(image, "n_frames", 1) > 1 and image.format in {"GIF", "WEBP", "PNG", "AVIF"}


def read_picture(path: Path) -> Frames:
    """Read a still picture as one frame `(1, height, width, 3)`, upright, in sRGB; transparency becomes white.

    Raises:
        MediaError: the file is missing or is no picture that we can read.
    """
    with open_picture(path) as image:
        return srgb(ImageOps.exif_transpose(image))[np.newaxis]


def has_alpha(image: Image.Image) -> bool:
    """Whether a picture has a channel of transparency, or a colour that stands for it."""
    return image.mode in {"LA", "PA", "La", "RGBA", "RGBa"} or "transparency" in image.info


TRANSPARENT = "what is transparent in it shows white"
"""The remark on a film or picture with transparency."""


def of_picture(image: Image.Image) -> tuple[str, ...]:
    """Remarks on how a still picture is used."""
    pages = getattr(image, "n_frames", 1) if image.format in {"TIFF", "HEIF"} else 1
    told = (TRANSPARENT,) if see_through(image) else ()
    which = "main one" if image.format == "HEIF" else "first"
    return (*told, f"it has {pages} pictures: the {which} is shown") if pages > 1 else told


def see_through(image: Image.Image) -> bool:
    """Whether any pixel of a picture is transparent."""
    return has_alpha(image) and _split(image)[1].getextrema() != (255, 255)


def srgb(image: Image.Image) -> Frames:
    """A picture as `(height, width, 3)` bytes of sRGB, over white."""
    told, alpha = image.info, None
    if _deep(image) or has_alpha(image) or image.mode == "P":
        image, alpha = _split(image)
    image = _to_srgb(image, told)
    if alpha is not None and alpha.getextrema() != (255, 255):
        image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    return np.asarray(image, np.uint8)


def _deep(image: Image.Image) -> bool:
    return image.mode == "F" or image.mode.startswith("I")


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    """A picture without its transparency, in 8 bits, and what of it is opaque."""
    if _deep(image):
        grey, opaque = eight_bits(image)
        return grey, opaque or Image.new("L", image.size, 255)
    whole = image.convert("RGBA")
    return whole.getchannel("R") if image.mode == "LA" else whole.convert("RGB"), whole.getchannel("A")


def _to_srgb(image: Image.Image, told: Mapping[str | tuple[int, int], Any]) -> Image.Image:
    """A picture without transparency as sRGB.

    By the codes that its file told where it has no profile, or is a PNG; of a PNG without all of these by its gamma.
    """
    profile, codes = told.get("icc_profile"), told.get("codes")
    if codes and image.mode == "RGB":
        return to_bt709(image, codes)
    if profile and image.mode in {"RGB", "CMYK", "L", "LAB"}:
        image = _to_srgb_profile(image, profile)
    elif (gamma := told.get("gamma", 0)) > 0 and "srgb" not in told and abs(gamma * 2.2 - 1) > _SAME_GAMMA:
        return _of_gamma(image.convert("RGB"), gamma)
    return image.convert("RGB")


_SAME_GAMMA = 0.05
"""How near to 1 the product of a file's gamma and a screen's is where a picture is shown as it is (PNG, 13.13)."""


def _of_gamma(image: Image.Image, gamma: float) -> Image.Image:
    """A picture whose samples are light to the power of `gamma`, as sRGB (IEC 61966-2-1)."""
    light = np.linspace(0, 1, 256) ** (1 / gamma)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return image.point([round(value) for value in 255 * coded] * 3)


def _to_srgb_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Apply the picture's colour profile; one that cannot be used is left out, as browsers do."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def cover(width: int, height: int, to_width: int, to_height: int) -> tuple[int, int]:
    """The size that a picture of `width` x `height` is scaled to, so that it covers `to_width` x `to_height`.

    One that is larger by a row or a column, an odd size made even, keeps its pixels as they are.
    """
    if 0 <= width - to_width <= 1 and 0 <= height - to_height <= 1:
        return width, height
    scale = max(to_width / width, to_height / height)
    return max(to_width, round(width * scale)), max(to_height, round(height * scale))


def contain(width: int, height: int, to_width: int, to_height: int, *, enlarge: bool = True) -> tuple[int, int]:
    """The size that a picture is scaled to, so that all of it is in `to_width` x `to_height`."""
    scale = min(to_width / width, to_height / height)
    scale = scale if enlarge else min(1.0, scale)
    return max(1, min(to_width, round(width * scale))), max(1, min(to_height, round(height * scale)))


def fit(frames: Frames, width: int, height: int) -> Frames:
    """Scale frames `(n, h, w, 3)` to cover `width` x `height` (Lanczos) and crop them about the centre."""
    if frames.shape[1:3] == (height, width):
        return frames
    wide, high = cover(frames.shape[2], frames.shape[1], width, height)
    left, top = (wide - width) // 2, (high - height) // 2
    across, down = frames.shape[2] / wide, frames.shape[1] / high
    box = (left * across, top * down, (left + width) * across, (top + height) * down)
    out = np.empty((len(frames), height, width, 3), np.uint8)
    for index, frame in enumerate(frames):
        out[index] = np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.LANCZOS, box))
    return cast("Frames", out)
