"""What a shell may complete: names of engines, deliveries and shots. Nothing here raises or prints."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from sora_cli.errors import SoraError


def engines(incomplete: str) -> list[str]:
    """Engines that are known or installed; by their hub ids too if the word has a slash."""
    from sora_cli.engines import catalogue

    with contextlib.suppress(SoraError):
        cards = catalogue.cards()
        return _begun([card.name for card in cards] + [card.source for card in cards if "/" in incomplete], incomplete)
    return []


def deliveries(incomplete: str) -> list[str]:
    """Kinds of film files."""
    from sora_cli.media.deliveries import DELIVERIES

    return _begun((*DELIVERIES, "interactive"), incomplete)


def memory_modes(incomplete: str) -> list[str]:
    """Ways to fit a model to the GPU."""
    return _begun(("auto", "fast", "low"), incomplete)


def shots(board: object, incomplete: str) -> list[str]:
    """The shots of the storyboard in the file `board`, as far as it can be read."""
    from sora_cli import storyboard

    if not isinstance(board, (str, Path)):
        return []
    found = storyboard.read(Path(board)).board
    return _begun([shot.name for shot in found.shots] if found else [], incomplete)


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
