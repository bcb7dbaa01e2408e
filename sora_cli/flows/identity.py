"""Identity: how like its references the cast is in each shot, by an embedding that the user names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sora_cli.errors import SoraError
from sora_cli.media.read import Film, read_picture
from sora_cli.media.read.glimpse import narrow
from sora_cli.record.film import FilmRecord
from sora_cli.review.likeness import Embed, likeness
from sora_cli.review.parts import ShotSpan, sampled
from sora_cli.review.watch import WIDTH
from sora_cli.store import file_hash
from sora_cli.storyboard.cast import kind_of

UNNAMED = "not measured, because no embedding of pictures is named: --embedding MODEL"
UNTOLD = "not measured, because no reference of the cast is known: the film needs a sidecar that names one"


def measured(
    film: Film, path: Path, record: FilmRecord | None, parts: Sequence[ShotSpan], embed: Embed | None
) -> tuple[dict[str, float], str]:
    """How like its references each shot is, by its name; and why others are not measured.

    Raises:
        MediaError: the film cannot be read.
    """
    alike: dict[str, float] = {}
    why = UNTOLD
    if embed is None or record is None:
        return alike, UNNAMED if embed is None else UNTOLD
    for part in parts:
        wanted = {sha for take in record.takes if take.plays and take.shot == part.name for sha in take.reference}
        try:
            pictures = [read_picture(each)[0] for each in _references(wanted, path, record)]
        except SoraError as error:
            why = f"not measured, because {error.message}"
            continue
        if pictures and part.links:
            links = (list(narrow(film, sampled(*link), WIDTH)) for link in part.links)
            alike[part.name] = likeness(links, embed(pictures), embed)
    return alike, why


def _references(wanted: set[str], path: Path, record: FilmRecord) -> Iterator[Path]:
    """The pictures of these hashes, where they were.

    Raises:
        SoraError: a picture was moved or changed.
    """
    for sha in sorted(wanted):
        file = path.parent / record.files.get(sha, "")
        if not file.is_file() or file_hash(file) != sha:
            raise SoraError(f"{file.name} was moved or changed after the film was made")
        if kind_of(file) == "picture":
            yield file
