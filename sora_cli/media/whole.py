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
        raise MediaError(f"cannot write {path}: {error}", hint="check the folder and the space on the disk") from error
    finally:
        if not whole:
            path.unlink(missing_ok=True)
