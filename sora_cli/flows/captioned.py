"""Captions by a captioner of the user's: each is told, and kept by the file's hash, so that a training resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sora_cli.engines.captioning import open_captioner
from sora_cli.events import Note, Report
from sora_cli.media.read import open_film
from sora_cli.remembered import cache_folder, remembered
from sora_cli.store import file_hash


def by(model: str, report: Report) -> Callable[[Path], str]:
    """What tells the caption of a clip or picture: what the captioner sees in its middle.

    Raises:
        EngineMissing, OutOfMemory: the captioner cannot be opened.
    """
    captioner = open_captioner(model)
    kept = remembered(cache_folder() / "captions.txt", captioner.identity)

    def seen(path: Path) -> str:
        name = file_hash(path)
        words = kept.find(name)
        if not isinstance(words, str):
            with open_film(path) as film:
                words = captioner.describe(next(film.pictures([film.facts.frames // 2])))
            kept.keep({name: words})
        report(Note(f"{path.name} shows: {words or 'nothing, says the captioner'}"))
        return words

    return seen
