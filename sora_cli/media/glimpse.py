"""A quick look at a stretch of film: a few small frames, for measuring rather than showing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from sora_cli.media.opening import opened, picture_stream
from sora_cli.media.probe import packet_index
from sora_cli.media.reel import Chain, decode, rgb_bytes, to_rgb
from sora_cli.media.stream import Frames

SMALL = (64, 36)


def glimpse(path: Path, numbers: Sequence[int], count: int, size: tuple[int, int] = SMALL) -> Frames:
    """About `count` of the film's frames `numbers` (ascending), scaled down to `size` by averaging: `(n, h, w, 3)`.

    Takes keyframes, which decode alone, where enough of them lie among the frames asked for; else the frames
    themselves. Always at least one frame.

    Raises:
        MediaError: the file cannot be read, or has no such frames.
    """
    index = packet_index(path)
    keys = np.intersect1d(np.searchsorted(index.times, index.keys), numbers)
    if index.timed and len(keys) >= min(count, 3):
        picks = np.linspace(0, len(keys) - 1, min(count, len(keys))).round().astype(np.int64)
        found = list(_small(_alone(path, {int(time) for time in index.times[keys[picks]]}), size))
        if found:
            return np.stack(found)
    exact = sorted({numbers[round(at)] for at in np.linspace(0, len(numbers) - 1, count)})
    return np.stack(list(_small(decode(path, exact), size)))


def _alone(path: Path, times: set[int]) -> Iterator[av.VideoFrame]:
    """The keyframes at these times, decoded without any other frame."""
    with opened(path) as container:
        stream = picture_stream(container)
        if stream is None:
            return
        for packet in container.demux(stream):
            if packet.pts in times and packet.is_keyframe:
                yield from (*packet.decode(), *stream.decode(None))
                stream.codec_context.flush_buffers()


def _small(frames: Iterator[av.VideoFrame], size: tuple[int, int]) -> Iterator[Frames]:
    shrink: Chain | None = None
    for frame in frames:
        shrink = shrink or _shrinker(frame, size)
        yield rgb_bytes(shrink(frame))


def _shrinker(frame: av.VideoFrame, size: tuple[int, int]) -> Chain:
    options = {"w": str(size[0]), "h": str(size[1]), "flags": "area+accurate_rnd+full_chroma_int+full_chroma_inp"}
    return Chain(*to_rgb(frame, None), ("scale", options), ("format", {"pix_fmts": "gbrp"}))
