"""What a search found, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sora_cli.errors import MediaError
from sora_cli.flows import outputs, places
from sora_cli.flows.search import Hit
from sora_cli.media.read import open_film
from sora_cli.media.sheet import SheetRow, grid, is_sheet_of
from sora_cli.media.stream import Frames
from sora_cli.search.entries import frame_at

CELL = (640, 360)
"""Pixels of a picture on the sheet: films of other shapes get bars."""
BARS = "#0c0d10"


def check(out: Path, asked: str, image: Path | None, *, overwrite: bool) -> None:
    """Refuse to draw over a file that is not an earlier sheet of the same search.

    Raises:
        RequestError: as `outputs.check` does, or the name is not that of a PNG.
    """
    places.require_ending(out, ".png", "draw what was found", str(out.with_suffix(".png")))
    own = {out: lambda path: is_sheet_of(path, _source(asked))}
    outputs.check(own, [image] if image else (), overwrite=overwrite)


def draw(hits: Sequence[Hit], asked: str, out: Path) -> list[Hit]:
    """Draw a picture of each hit, best first; gives those that cannot be read, and are left out.

    Raises:
        MediaError: it cannot be written.
    """
    cells, lost = [], []
    for hit in hits:
        entry = hit.entry
        try:
            frame = _frame(hit)
        except MediaError:
            lost.append(hit)
            continue
        name = " ".join(part for part in (Path(entry.file).name, entry.shot) if part)
        cells.append(SheetRow(name, f"{hit.at}   {hit.likeness:.2f}", [frame]))
    if cells:
        grid(_source(asked), cells, out, asked, what="hit")
    return lost


def _source(asked: str) -> Path:
    return Path(f"search {asked}".replace("/", " "))


def _frame(hit: Hit) -> Frames:
    """The frame in the middle of what was found."""
    with open_film(Path(hit.entry.file)) as film:
        number = frame_at(hit.entry.start + hit.entry.seconds / 2, film.facts.fps, film.facts.frames)
        (picture,) = film.pictures([number])
    return np.asarray(ImageOps.pad(Image.fromarray(picture), CELL, Image.Resampling.LANCZOS, color=BARS))
