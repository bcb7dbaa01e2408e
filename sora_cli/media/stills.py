"""A film as numbered pictures, 16 bits a channel, with its sound beside: for programs that composite and grade."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import soundfile

from sora_cli.bounded import file_hash
from sora_cli.errors import MediaError
from sora_cli.media.deliveries import PIXELS
from sora_cli.media.filters import Chain
from sora_cli.media.read.facts import BT709, FULL
from sora_cli.media.read.sound import SOUND
from sora_cli.media.stream import SAMPLE_RATE, Master
from sora_cli.media.sums import write_sums


def picture_name(number: int) -> str:
    """The name of picture `number`, counted from 1."""
    return f"frame-{number:06d}.png"


def write_stills(folder: Path, master: Master, progress: Callable[[int, int], None] | None = None) -> None:
    """Write a film's frames as `frame-000001.png` and so on into the new folder `folder`; a failure leaves none.

    Each picture says that its colours are BT.709's primaries and transfer, full range (PNG's cICP). Sound lies beside
    them as `sound.wav`, 24 bits at 48 kHz, and `SHA256SUMS` holds the hashes of all these files.

    Raises:
        MediaError: the folder is there already, the master breaks its promise, or the disk refuses.
    """
    try:
        folder.mkdir()
    except OSError as error:
        raise MediaError(f"cannot write {folder}: {error.strerror}", hint="name a new folder") from error
    whole = False
    try:
        hashes = _pictures(folder, master, progress)
        if master.sound is not None:
            hashes[SOUND] = _sound(folder / SOUND, master)
        write_sums(folder, hashes, f"{master.frames} pictures, {master.fps} a second")
        whole = True
    except (av.FFmpegError, soundfile.SoundFileError, OSError) as error:
        raise MediaError(f"cannot write {folder}: {error}", hint="check the space on the disk") from error
    finally:
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)


def _pictures(folder: Path, master: Master, progress: Callable[[int, int], None] | None) -> dict[str, str]:
    """Write the pictures; their hashes by name."""
    hashes: dict[str, str] = {}
    white = str(0xFF00 / 0xFFFF)  # libswscale widens bytes by shifting them, so that white comes out a little short
    full = ("colorlevels", {"rimax": white, "gimax": white, "bimax": white})
    chain = Chain(("format", {"pix_fmts": "gbrp16le"}), full, ("format", {"pix_fmts": PIXELS}))
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = master.width, master.height, PIXELS
    encoder.time_base = 1 / master.fps
    encoder.color_primaries = encoder.color_trc = BT709
    encoder.colorspace, encoder.color_range = 0, FULL
    for number, frame in enumerate(master.pictures(), 1):
        picture = chain(frame)
        picture.color_primaries = picture.color_trc = BT709
        picture.pts, picture.time_base = number, 1 / master.fps
        data = b"".join(bytes(packet) for packet in encoder.encode(picture))
        (folder / picture_name(number)).write_bytes(data)
        hashes[picture_name(number)] = hashlib.sha256(data).hexdigest()
        if progress is not None:
            progress(number, master.frames)
    if len(hashes) != master.frames:
        raise MediaError(f"the film has {len(hashes)} of its {master.frames} frames")
    return hashes


def _sound(path: Path, master: Master) -> str:
    """Write the sound; its hash."""
    at = 0
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_24", format="WAV") as file:
        for block in master.sound() if master.sound else ():
            file.write(block)
            at += len(block)
    if at != master.samples:
        raise MediaError(f"the film's sound has {at} of its {master.samples} samples")
    return file_hash(path)
