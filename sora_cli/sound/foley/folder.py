"""A folder of your own sounds: each file is found by the words in its name, such as `rain-on-tent.flac`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from math import gcd
from pathlib import Path

import numpy as np
import soundfile

from sora_cli.errors import MediaError, RequestError
from sora_cli.store import file_hash

from .base import Match, Samples, fitted, round_and_round
from .tools import RATE, Array
from .words import manner, stems

ENDINGS = {".wav", ".flac", ".ogg"}
LASTING = 4.0  # seconds from which a recording counts as a bed, which may be asked to last longer
SMALL = {"a", "an", "the", "of", "on", "in", "at", "and", "to", "my", "with"}


class Folder:
    """The wav, flac and ogg files of a folder and the folders in it.

    Raises:
        RequestError: it is not a folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise RequestError(f"{path} is not a folder", hint="name a folder with wav, flac or ogg files")
        self.path, self.name = path, str(path)

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Each sound's file under the name that a person reads."""
        found = sorted(p for p in self.path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
        return {str(p.relative_to(self.path)): p for p in found}

    def find(self, words: str) -> Match | None:
        """The file whose name's words are all in the phrase; of several, the one with most words."""
        asked = set[str]().union(*(stems(word) for word in _plain(words)))
        named = {name: [w for w in _plain(path.stem) if not w.isdigit()] for name, path in self._files.items()}
        fits = [name for name, said in named.items() if said and all(stems(word) & asked for word in said)]
        if not fits:
            return None
        best = max(fits, key=lambda name: len(named[name]))
        lasting, sha = self._seconds(best) >= LASTING, file_hash(self._files[best])
        return Match(words, best, self.name, lasting, manner(words), origin="recording", revision=sha)

    def file(self, match: Match) -> Path:
        """The file of a sound that was found."""
        return self._files[match.sound]

    def why_not(self, words: str) -> str:
        """That no file's name fits."""
        return f"no file in {self.name} is named by {words!r}: every word of a file's name has to be in the phrase"

    def _seconds(self, name: str) -> float:
        try:
            return float(soundfile.info(str(self._files[name])).duration)
        except soundfile.SoundFileError as error:
            raise _unreadable(self._files[name], error) from error

    def blocks(self, match: Match, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The recording at 48 kHz; a bed begins anywhere in it (by the seed) and goes round with a crossfade.

        Raises:
            MediaError: the file cannot be read.
            ValueError: a bed without a length.
        """
        if seconds is None and match.lasting:
            raise ValueError(f"{match.sound} is a bed: say how long")
        gain = np.float32(10 ** (match.manner.loudness / 20))
        whole = (_read(self._files[match.sound]) * gain).astype(np.float32)
        if not match.lasting:
            return iter([whole]) if seconds is None else fitted(iter([whole]), seconds)
        at = int(np.random.default_rng(seed).integers(len(whole)))
        return fitted(round_and_round(whole, at), float(seconds or 0))


def _plain(text: str) -> list[str]:
    """The words of a name or a phrase that say something."""
    return [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in SMALL]


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
