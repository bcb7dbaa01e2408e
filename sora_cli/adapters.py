"""Where the weights of a LoRA lie: a file, or a folder as `sora train` writes it."""

from __future__ import annotations

from pathlib import Path

SUFFIX = ".safetensors"


def weights_in(path: Path) -> Path:
    """The weights that a path names: of a folder the file of its own name, or the only one; else the path itself."""
    if not path.is_dir():
        return path
    own = path / f"{path.resolve().name}{SUFFIX}"
    found = sorted(path.glob(f"*{SUFFIX}"))
    return own if own.is_file() or len(found) != 1 else found[0]
