"""Where in a film something is, by models of the user's: one finds it by words, one follows it from there.

None comes with `sora`, and nothing is downloaded here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from sora_cli.engines.changes import point_of
from sora_cli.engines.checkpoint import read_json, revision_of
from sora_cli.engines.language import folder_of
from sora_cli.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sora_cli.media.stream import Frames

FINDERS = ("grounding-dino", "mm-grounding-dino", "owlv2", "owlvit")
FOLLOWERS = ("sam2_video",)
"""Kinds of models, as their configurations name them: those that find a box by words, and those that follow."""
HINT = "name Grounding DINO or OWLv2, which find by words, and SAM 2, which follows"


class Segmenter(Protocol):
    """Finds something in a row of pictures; the same in the same pictures."""

    def masks(self, pictures: Iterable[Frames], named: str) -> Iterator[NDArray[np.bool_]]:
        """Where in each picture `(h, w, 3)` is what words name, or what is at a point `X,Y` of the first: `(h, w)`.

        Raises:
            WorkError: a model failed.
            OutOfMemory: it does not fit in the memory.
        """
        ...

    def close(self) -> None:
        """Give the device's memory back."""
        ...


def revisions(names: Sequence[str], named: str) -> tuple[tuple[str, str], ...]:
    """These models with hashes of what their folders hold. Nothing of them is loaded.

    Args:
        names: folders as transformers' `save_pretrained` writes them, or hub ids whose files are here.
        named: what they are to find: words, or a point.

    Raises:
        EngineMissing: one is not on this machine.
        RequestError: together they cannot do it.
    """
    kinds = {name: _kind(folder_of(name, "segmenter")) for name in names}
    finders = [name for name, kind in kinds.items() if kind in FINDERS]
    followers = [name for name, kind in kinds.items() if kind in FOLLOWERS]
    other = next((name for name in kinds if name not in (*finders, *followers)), None)
    if other is not None:
        what = kinds[other] or "model of no kind"
        raise RequestError(f"{other} is a {what}: it neither finds by words nor follows in a film", hint=HINT)
    for several in (finders, followers):
        if len(several) > 1:
            raise RequestError(f"{several[0]} and {several[1]} do the same", hint=HINT)
    if point_of(named) is not None and not followers:
        raise RequestError(f"{finders[0]} finds by words, and a point is given", hint="add SAM 2, which follows")
    if point_of(named) is None and not finders:
        raise RequestError(
            f"{followers[0]} does not know words", hint="add Grounding DINO or OWLv2, or give a point: X,Y"
        )
    return tuple((name, revision_of(folder_of(name, "segmenter"))) for name in kinds)


def open_segmenter(names: Sequence[str]) -> Segmenter:
    """Load models that `revisions` let through.

    Raises:
        EngineMissing: one is not on this machine, or is damaged.
        OutOfMemory: they do not fit.
    """
    families = importlib.import_module("sora_cli.engines.families.segmenter")
    places = [(name, folder_of(name, "segmenter")) for name in names]
    finder, follower = (
        next((place for place in places if _kind(place[1]) in known), None) for known in (FINDERS, FOLLOWERS)
    )
    return cast("Segmenter", families.Segmenting(finder, follower))


def _kind(folder: Path) -> str:
    return str(read_json(folder / "config.json", "write the model again").get("model_type", ""))
