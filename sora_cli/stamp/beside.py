"""Credentials that lie beside their files."""

from __future__ import annotations

import os
from pathlib import Path

from sora_cli.media.sums import SUMS


def sidecar_of(path: Path) -> Path:
    """The place of a credential that the file cannot hold: beside the file, or in the folder."""
    return path / f"{SUMS}.c2pa" if path.is_dir() else path.with_name(path.name + ".c2pa")


def sidecar_for(path: Path) -> Path | None:
    """The credential beside a file: as `sora` names it, or by the file's stem, as c2patool does.

    One of the second kind is nobody's where several files have its stem.
    """
    if os.path.lexists(own := sidecar_of(path)):
        return own
    if path.is_dir() or path.suffix.lower() == ".c2pa" or not os.path.lexists(named := path.with_suffix(".c2pa")):
        return None
    try:
        same = [each for each in path.parent.iterdir() if each.stem == path.stem and each.suffix.lower() != ".c2pa"]
    except OSError:
        return None
    return named if [each.name for each in same] == [path.name] else None
