"""Clips: footage on disk without loss, and written quickly.

A clip is an .mp4 (which, unlike Matroska, can carry a C2PA manifest): H.264 High 4:4:4 Predictive at qp 0, which is
lossless by definition (ITU-T H.264, 8.3.5.1), coded as RGB so that no colour conversion touches a pixel; and 32-bit
float PCM, so that no sample changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np

from sora_cli.errors import MediaError
from sora_cli.media.read.opening import CLIP
from sora_cli.media.stream import Frames, Sound
from sora_cli.media.whole import written

KEYFRAME_EVERY = 12
"""Frames between keyframes: what random access to any frame of a clip must decode at most."""


def write_clip(path: Path, frames: Iterable[Frames], fps: Fraction, sound: Sound | None = None) -> None:
    """Write frames, each `(h, w, 3)`, and their sound as a clip that reads back bit for bit.

    Frames are asked for one by one, and none is kept: they may be made or read meanwhile.
    A failed write leaves no file. The name's ending does not matter: what is written is MP4.

    Raises:
        MediaError: nothing to write, a wrong shape, or the disk refuses.
    """
    pictures = _checked(path, frames)
    first = next(pictures, None)
    if first is None:
        raise MediaError(f"cannot write {path}: there are no frames")
    with written(path), av.open(f"file:{path}", "w", format="mp4") as container:
        container.metadata["comment"] = CLIP
        video = container.add_stream("libx264rgb", rate=fps, options={"preset": "ultrafast", "qp": "0"})
        video.height, video.width = first.shape[:2]
        video.pix_fmt = "rgb24"
        video.codec_context.gop_size = KEYFRAME_EVERY
        audio = None
        if sound is not None:
            audio = container.add_stream("pcm_f32le", rate=sound.rate, layout=_layout(sound))
        for number, pixels in enumerate(chain([first], pictures)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, 1 / fps
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None and sound is not None:
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound.samples, np.float32).reshape(1, -1), "flt", _layout(sound)
            )
            block.sample_rate, block.pts, block.time_base = sound.rate, 0, Fraction(1, sound.rate)
            container.mux(audio.encode(block))
            container.mux(audio.encode())


def _checked(path: Path, frames: Iterable[Frames]) -> Iterator[Frames]:
    """The frames, each held to the shape of the first."""
    shape: tuple[int, ...] | None = None
    for pixels in frames:
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            told = f"a frame must be uint8 (h, w, 3), not {pixels.dtype} {pixels.shape}"
            raise MediaError(f"cannot write {path}: {told}")
        if pixels.shape != (shape := shape or pixels.shape):
            raise MediaError(f"cannot write {path}: its frames are of two sizes, {shape[:2]} and {pixels.shape[:2]}")
        yield pixels


def _layout(sound: Sound) -> str:
    layouts = {1: "mono", 2: "stereo", 6: "5.1"}
    try:
        return layouts[sound.samples.shape[1]]
    except (KeyError, IndexError):
        shape = sound.samples.shape
        raise MediaError(f"cannot write sound of shape {shape}", hint="give (n, 1), (n, 2) or (n, 6)") from None
