"""A quick look at a stretch of film: a few small frames, for measuring rather than showing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from sora_cli.media.opening import opened, picture_stream
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
    wanted = set(numbers)
    found = [small for number, small in _keyframes(path, numbers[-1], size) if number in wanted]
    if len(found) < min(count, 3):
        exact = sorted({numbers[round(at)] for at in np.linspace(0, len(numbers) - 1, count)})
        found = list(_small(decode(path, exact), size))
    picks = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(np.int64)
    return np.stack([found[pick] for pick in picks])


def _keyframes(path: Path, last: int, size: tuple[int, int]) -> Iterator[tuple[int, Frames]]:
    """The film's keyframes up to frame `last`, with their numbers as a constant frame rate has them."""
    with opened(path) as container:
        stream = picture_stream(container)
        rate = stream.average_rate if stream is not None else None
        if stream is None or rate is None or stream.start_time is None or stream.time_base is None:
            return
        stream.codec_context.skip_frame = "NONKEY"
        shrink: Chain | None = None
        for frame in container.decode(stream):
            number = round((frame.pts or 0) * stream.time_base * rate - stream.start_time * stream.time_base * rate)
            if number > last:
                return
            shrink = shrink or _shrinker(frame, size)
            yield number, rgb_bytes(shrink(frame))


def _small(frames: Iterator[av.VideoFrame], size: tuple[int, int]) -> Iterator[Frames]:
    shrink: Chain | None = None
    for frame in frames:
        shrink = shrink or _shrinker(frame, size)
        yield rgb_bytes(shrink(frame))


def _shrinker(frame: av.VideoFrame, size: tuple[int, int]) -> Chain:
    options = {"w": str(size[0]), "h": str(size[1]), "flags": "area+accurate_rnd+full_chroma_int+full_chroma_inp"}
    return Chain(*to_rgb(frame, None), ("scale", options), ("format", {"pix_fmts": "gbrp"}))
