"""A file of your own as a sound: read, brought to 48 kHz, cut or gone round."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from pathlib import Path

import numpy as np
import soundfile

from sora_cli.errors import MediaError
from sora_cli.media.stream import Samples

from .base import SoundMatch
from .blocks import fitted, round_and_round
from .tools import RATE, Array


def seconds_of(path: Path) -> float:
    """How long a recording is.

    Raises:
        MediaError: the file cannot be read.
    """
    try:
        return float(soundfile.info(str(path)).duration)
    except soundfile.SoundFileError as error:
        raise _unreadable(path, error) from error


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
    """A recording (samples, 2) at 48 kHz; of more than two channels the first two."""
    from scipy import signal

    try:
        samples, rate = soundfile.read(str(path), always_2d=True)
    except soundfile.SoundFileError as error:
        raise _unreadable(path, error) from error
    if not len(samples):
        raise MediaError(f"{path} holds no sound", hint="replace or remove the file")
    part = gcd(rate, RATE)
    if rate != RATE:
        samples = signal.resample_poly(samples, RATE // part, rate // part, axis=0)
    return np.asarray(samples[:, :2] if samples.shape[1] > 1 else np.repeat(samples, 2, axis=1))


def _unreadable(path: Path, error: Exception) -> MediaError:
    return MediaError(f"cannot read {path}: {error}", hint="sounds are wav, flac or ogg files")
