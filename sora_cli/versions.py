"""Versions of what may change pixels or the stamp."""

from __future__ import annotations

from functools import cache
from importlib import metadata

LIBRARIES = ("av", "c2pa-python", "diffusers", "numpy", "torch", "transformers")


@cache
def versions() -> dict[str, str]:
    """The version of each library, as installed; empty where one is not."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found
