"""The only way to release a sound file: write it aside, sign it, read it back, put it in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from sora_cli import atomic
from sora_cli.errors import MediaError, StampError
from sora_cli.media.stream import SAMPLE_RATE, Samples
from sora_cli.sound.files import write_blocks
from sora_cli.stamp import credential
from sora_cli.stamp.certificate import Signer
from sora_cli.stamp.claims import sound_manifest
from sora_cli.stamp.verdict import verify
from sora_cli.storyboard.model import Provenance

WAV = "audio/wav"
_MOST = (1 << 32) - (1 << 20)
"""Bytes that a WAV file may have: its sizes are numbers of 32 bits."""


def release_sound(
    blocks: Iterable[Samples],
    out: Path,
    *,
    facts: Mapping[str, object],
    source: str,
    provenance: Provenance,
    signer: Signer,
) -> None:
    """Write stereo blocks at 48 kHz as a signed WAV of 24 bits; what was at `out` is replaced, and its folder made.

    `facts` are told in its credential, `source` is what it is (IPTC's digital source type).

    Raises:
        MediaError: it is too long for a WAV file, or the disk refuses.
        StampError, CertificateError: it cannot be signed, or its credential does not read back.
    """
    with atomic.writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with atomic.writing(out), atomic.spare(out) as plain, atomic.spare(out) as signed:
        write_blocks(plain, _bounded(blocks, out), "WAV")
        credential.sign(plain, signed, sound_manifest(out.name, WAV, facts, source, provenance), signer, kind=WAV)
        verdict = verify(signed, anchors_pem=signer.root, kind=WAV, name=out.name)
        if not verdict.ok:
            raise StampError(f"the credential of {out.name} does not read back: {verdict.sentence}")
        atomic.put(signed, out)


def _bounded(blocks: Iterable[Samples], out: Path) -> Iterable[Samples]:
    size = 0
    for block in blocks:
        size += block.shape[0] * 6
        if size > _MOST:
            hours = _MOST / 6 / SAMPLE_RATE / 3600
            raise MediaError(f"{out.name} is too long for a WAV file", hint=f"at most {hours:.0f} hours fit")
        yield np.clip(block, -1, 1)
