"""Sound files that are written: FLAC in the store, WAV for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sora_cli.media.stream import SAMPLE_RATE, Samples


def write_flac(path: Path, samples: Samples) -> None:
    """Write mono samples at 48 kHz as FLAC of 24 bits, without loss beyond those."""
    import soundfile  # for who writes; to measure lines that are kept needs none

    soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_24", format="FLAC")


def write_blocks(path: Path, blocks: Iterable[Samples], kind: str) -> None:
    """Write stereo blocks at 48 kHz as WAV or FLAC of 24 bits; memory does not grow with their number."""
    import soundfile

    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, subtype="PCM_24", format=kind) as file:
        for block in blocks:
            file.write(block)
