"""Files that libav writes: whole, or not there."""

from __future__ import annotations

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
        hint = "make room, or name another folder, and run the same command again"
        raise MediaError(f"cannot write to {path.parent}: {reason}", hint=hint) from error
    finally:
        if not whole:
            path.unlink(missing_ok=True)
