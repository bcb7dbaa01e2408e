"""Still pictures, and fitting pictures to a size."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageCms, ImageOps

from sora_cli.errors import MediaError
from sora_cli.media.opening import require_file, unreadable
from sora_cli.media.stream import Frames

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM")


def picture_header(path: Path) -> tuple[int, int, str, str] | None:
    """(width, height, format, mode) of a still picture, EXIF turn applied; None where `path` is no still picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path, formats=_FORMATS)
        with image:
            if getattr(image, "n_frames", 1) > 1 and image.format in {"GIF", "WEBP", "PNG", "AVIF"}:
                return None
            width, height = image.size
            if image.getexif().get(0x0112, 1) >= 5:
                width, height = height, width
            return width, height, (image.format or "").lower(), image.mode
    except Image.DecompressionBombError as error:
        raise MediaError(f"cannot read {path}: the picture is too large", hint="make it smaller first") from error
    except (OSError, SyntaxError, ValueError, EOFError):
        return None


def read_picture(path: Path, size: tuple[int, int] | None = None) -> Frames:
    """Read a still picture as one frame `(1, height, width, 3)`, upright, in sRGB; transparency becomes white.

    With `size` (width, height) it is scaled to cover that size and cropped about its centre.

    Raises:
        MediaError: the file is missing or is no picture that we can read.
    """
    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=_FORMATS)
        with image:
            pixels = np.asarray(_srgb(ImageOps.exif_transpose(image)), dtype=np.uint8)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"cannot read {path}: the picture is too large", hint="make it smaller first") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise unreadable(path, error) from error
        raise MediaError(
            f"cannot read {path}: it is no picture that we can read, or it is cut short",
            hint="name a PNG, JPEG, WebP, TIFF or BMP file that is whole",
        ) from error
    frames = pixels[np.newaxis]
    return fit(frames, *size) if size else frames


def _srgb(image: Image.Image) -> Image.Image:
    """The picture in 8-bit sRGB."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits of grey; Pillow's own conversion would clip it
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in {"P", "LA", "PA", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if profile and image.mode in {"RGB", "CMYK", "L"}:
        image = _to_srgb_profile(image, profile)
    return image.convert("RGB")


def _to_srgb_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Apply the picture's colour profile; one that cannot be used is left out, as browsers do."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
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
    out = np.empty((len(frames), height, width, 3), np.uint8)
    for index, frame in enumerate(frames):
        scaled = Image.fromarray(frame).resize((wide, high), Image.Resampling.LANCZOS)
        out[index] = np.asarray(scaled.crop((left, top, left + width, top + height)))
    return cast("Frames", out)
