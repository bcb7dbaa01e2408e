"""Sound files that are written: FLAC in the store, WAV for people."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator
from pathlib import Path

from sora_cli.media.stream import SAMPLE_RATE, Samples


def write_flac(path: Path, samples: Samples) -> None:
    """Write mono samples at 48 kHz as FLAC of 24 bits, without loss beyond those. Raises `OSError`."""
    import soundfile  # for who writes; to measure lines that are kept needs none

    with _refused(path):
        soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_24", format="FLAC")


def write_blocks(path: Path, blocks: Iterable[Samples], kind: str) -> None:
    """Write stereo blocks at 48 kHz as WAV or FLAC of 24 bits; memory does not grow with their number.

    Raises:
        OSError: the disk refuses.
    """
    import soundfile

    with _refused(path), soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, subtype="PCM_24", format=kind) as file:
        for block in blocks:
            file.write(block)


@contextlib.contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Raise what the disk says: libsndfile knows that it refuses, and not why; a write of our own is told.

    Raises:
        OSError: libsndfile could not write.
    """
    import soundfile

    try:
        yield
    except soundfile.LibsndfileError as error:
        with path.open("ab") as file:  # half-written, it is thrown away
            file.write(bytes(1 << 16))
        raise OSError(errno.EIO, str(error)) from error
