"""A film made small enough to be sent around inside something else: every frame and all sound, in few bytes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from msgspec.structs import replace

from sora_cli.media.deliveries import WEB, Delivery
from sora_cli.media.filters import EXACT, Chain
from sora_cli.media.stream import Master

_WIDTHS = ((80_000, 320), (250_000, 480), (500_000, 640))
"""From so many bits a second of pictures on a film is so many pixels across."""
_FASTEST = 1_500_000
_SOUND_KBPS = 48
_HEADERS = 200_000
"""Bytes that are left for the container, the credential, and what the encoder's rate control is late by."""


def proxy(master: Master, most: int) -> tuple[Master, Delivery] | None:
    """Give the film and a kind of file for it of at most `most` bytes; None where so few bytes would not be watchable.

    It has the film's rate and frames, so that a frame of it is a frame of the film.
    """
    seconds = float(master.frames / master.fps)
    sound = _SOUND_KBPS * 1000 if master.sound else 0
    rate = min(_FASTEST, int(8 * (most - _HEADERS) / seconds) - sound)
    widths = [width for least, width in _WIDTHS if rate >= least]
    if not widths:
        return None
    width = min(widths[-1], master.width) & ~1
    height = max(2, round(Fraction(master.height * width, master.width)) & ~1)
    options = {"preset": "veryfast", "profile": "high", "crf": "24", "maxrate": str(rate), "bufsize": str(rate)}
    kind = replace(WEB, options=options, sound_rate_kbps=_SOUND_KBPS, subtitle_codec="")
    small = replace(master, width=width, height=height, pictures=lambda: _shrunk(master, width, height))
    return small, kind


def _shrunk(master: Master, width: int, height: int) -> Iterator[av.VideoFrame]:
    shrink = Chain(("scale", {"w": str(width), "h": str(height), "flags": f"area+{EXACT}"}))
    for number, frame in enumerate(master.pictures()):
        done = shrink(frame)
        done.pts, done.time_base = number, 1 / master.fps
        yield done
