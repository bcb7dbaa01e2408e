"""Files that libav writes: whole, or not there."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from sora_cli.errors import MediaError


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Write a file in the block; where that fails, for any reason, none is left.

    Raises:
        MediaError: libav or the disk refuses.
    """
    whole = False
    try:
        yield
        whole = True
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or str(error)  # not the name: it is that of a file that nobody asked for
        folder, hint = path.parent, "make room, or name another folder, and run the same command again"
        if error.errno == errno.ENOSPC and _is_fuller(aside := Path(tempfile.gettempdir()), folder):
            folder, hint = aside, "make room there, or name another folder in TMPDIR, and run the same command again"
        raise MediaError(f"cannot write to {folder}: {reason}", hint=hint) from error
    finally:
        if not whole:
            path.unlink(missing_ok=True)


def _is_fuller(one: Path, other: Path) -> bool:
    """Whether one folder's disk has less room than another's: a film is written with the help of temporary files."""
    return shutil.disk_usage(one).free < shutil.disk_usage(other).free
