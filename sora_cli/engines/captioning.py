"""Pictures in words, by a captioner of the user's. None comes with `sora`, and nothing is downloaded here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from sora_cli.engines.language import folder_of

if TYPE_CHECKING:
    from sora_cli.media.stream import Frames


class Captioner(Protocol):
    """Says what it sees in a picture; the same of the same picture."""

    identity: str
    """Tells it apart from others, and from what it was before its files changed."""

    def describe(self, picture: Frames) -> str:
        """What is seen in a picture `(h, w, 3)` of sRGB bytes, in one line; empty where it says nothing.

        Raises:
            WorkError: it failed.
            OutOfMemory: it does not fit in the memory.
        """
        ...


def open_captioner(name: str) -> Captioner:
    """Load an image-text-to-text model of transformers and its processor.

    Args:
        name: a folder as transformers' `save_pretrained` writes it, or a hub id whose files are here.

    Raises:
        EngineMissing: it is not on this machine, is no captioner, or is damaged.
        OutOfMemory: it does not fit.
    """
    families = importlib.import_module("sora_cli.engines.families.captioner")
    return cast("Captioner", families.Describing(name, folder_of(name, "captioner")))
