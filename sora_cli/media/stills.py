"""A film as numbered pictures, 16 bits a channel, for programs that composite and grade."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import av

from sora_cli.errors import MediaError
from sora_cli.media.film import BT709, FULL
from sora_cli.media.reel import Chain
from sora_cli.media.stream import Master

PIXELS = "rgb48be"
"""What PNG stores; a master for it is best made in `gbrp16le`."""


def write_stills(folder: Path, master: Master, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Write a film's frames as `frame-000001.png` and so on into the new folder `folder`.

    They are written aside and the folder gets its name last; a failed write leaves nothing. Each says that its colours
    are BT.709's primaries and transfer, full range. The sound is not written.

    Raises:
        MediaError: the folder is there already, the master breaks its promise, or the disk refuses.
    """
    if folder.exists():
        raise MediaError(f"cannot write {folder}: it is there already", hint="name a new folder")
    try:
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise MediaError(f"cannot write {folder}: {error.strerror}", hint="check the folder it is to be in") from error
    try:
        names = _written(aside, master, progress)
        aside.chmod(0o755)
        aside.rename(folder)
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"cannot write {folder}: {error}", hint="check the space on the disk") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [folder / name for name in names]


def _written(folder: Path, master: Master, progress: Callable[[int, int], None] | None) -> list[str]:
    names: list[str] = []
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
        name = f"frame-{number:06d}.png"
        (folder / name).write_bytes(b"".join(bytes(packet) for packet in encoder.encode(picture)))
        names.append(name)
        if progress is not None:
            progress(number, master.frames)
    if len(names) != master.frames:
        raise MediaError(f"the film has {len(names)} of its {master.frames} frames")
    return names
