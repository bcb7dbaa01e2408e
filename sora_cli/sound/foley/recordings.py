"""A file of your own as a sound: read, brought to 48 kHz, cut or gone round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sora_cli.errors import MediaError
from sora_cli.media.read import probe, read_sound
from sora_cli.media.stream import Samples

from .base import SoundMatch
from .blocks import fitted, round_and_round
from .tools import Array


def seconds_of(path: Path) -> float:
    """How long a recording is.

    Raises:
        MediaError: the file cannot be read.
    """
    return float(probe(path).duration)


def played(path: Path, match: SoundMatch, seconds: float | None, seed: int) -> Iterator[Samples]:
    """The recording in blocks (samples, 2); a bed begins anywhere in it, by the seed, and goes round.

    Raises:
        MediaError: the file cannot be read.
    """
    gain = np.float32(10 ** (match.manner.loudness / 20))
    whole = (_read(path) * gain).astype(np.float32)
    if not match.lasting:
        return iter([whole]) if seconds is None else fitted(iter([whole]), seconds)
    at = int(np.random.default_rng(seed).integers(len(whole)))
    return fitted(round_and_round(whole, at), float(seconds or 0))


def _read(path: Path) -> Array:
    """A recording (samples, 2) at 48 kHz."""
    samples = read_sound(path)
    if not len(samples):
        raise MediaError(f"{path} holds no sound", hint="replace or remove the file")
    return samples.astype(np.float64)
