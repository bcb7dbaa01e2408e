"""Can a file be used as what it is named for? Asked before the work, so it decodes no more than it must."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from sora_cli.errors import UnusableFile
from sora_cli.media.read.facts import no_hdr
from sora_cli.media.read.film import open_film
from sora_cli.media.read.opening import require_file
from sora_cli.media.read.picture import TRANSPARENT, of_picture, open_picture, read_picture
from sora_cli.media.read.sound import silent_places, sound_blocks, sound_facts, sound_track
from sora_cli.media.read.whole import require_clusters, require_whole
from sora_cli.media.stream import SAMPLE_RATE

Use = Literal["picture", "film", "sound"]
SILENCE = 10 ** (-70 / 20)
"""Samples below this, -70 dB under full scale, are not heard."""
_SIDES = np.array(("left", "right"))
_SLACK = Fraction(1, 10)
_SMALLEST = 16
"""Pixels a side of a picture that a model is given."""


def require_usable(path: Path, use: Use, *, for_model: bool = False) -> tuple[str, ...]:
    """Refuse a file that cannot be used as a picture (of an animated one the first), a film (or a picture) or a sound.

    Of a picture and a sound all is decoded, of a film its first frame and some near its end. A picture `for_model` must
    be large enough to see, and of a film `for_model` the sound is used too.

    Returns:
        Remarks on how it is used.

    Raises:
        MediaError: it cannot, and why.
    """
    if use == "sound":
        return _require_sound(path)
    if use == "picture":
        height, width = read_picture(path).shape[1:3]
        with open_picture(path) as image:
            remarks: tuple[str, ...] = of_picture(image)
    else:
        with open_film(path) as film:
            width, height = film.header.width, film.header.height
            if film.header.color.hdr:
                raise no_hdr(path)
            film.try_ends()
            whole = for_model or film.header.kind == "picture"
            remarks = tuple(each for each in film.header.remarks if whole or each == TRANSPARENT)
    if for_model and min(width, height) < _SMALLEST:
        raise UnusableFile(
            f"cannot use {path}: it is {width} x {height} pixels, which is too small",
            hint=f"use one of at least {_SMALLEST} pixels a side",
        )
    return remarks


def _require_sound(path: Path) -> tuple[str, ...]:
    require_file(path)
    require_whole(path)
    require_clusters(path)
    track = sound_track(path)
    samples, most = 0, np.zeros(2)
    lost: list[Fraction] = []
    for block in sound_blocks(path, lost=lost):
        samples += len(block)
        most = np.maximum(most, np.ptp(block, axis=0) / 2 if len(block) else 0)
    _require_length(path, samples)
    if not samples:
        raise UnusableFile(f"cannot use {path}: it has no samples of sound", hint="make or export it again")
    silent = most < SILENCE
    told = ["it is silent"] if silent.all() else [f"its {side} side is silent" for side in _SIDES[silent]]
    return (*track.remarks, *told, *silent_places(lost))


def _require_length(path: Path, samples: int) -> None:
    """Refuse sound that ends before its header, or Ogg's last page, says: these have no other sign of being cut."""
    facts = sound_facts(path)
    told = facts is not None and (facts.codec == "flac" or facts.container == "ogg")
    if told and facts is not None and samples < (facts.duration - _SLACK) * SAMPLE_RATE:
        raise UnusableFile(f"cannot use {path}: it is cut short or damaged", hint="make or copy it again")
