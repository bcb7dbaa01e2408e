"""What a film is that a tool is given, and how it is used: asked before the work."""

from __future__ import annotations

from pathlib import Path

from sora_cli.errors import UnusableFile
from sora_cli.events import Note, Report
from sora_cli.media.read import Probe, open_film
from sora_cli.media.read.facts import no_hdr
from sora_cli.media.read.sound import damage
from sora_cli.media.read.subtitles import unkept

_ENDINGS = {
    "mov,mp4,m4a,3gp,3g2,mj2": (".mp4", ".m4v", ".mov", ".m4a", ".3gp", ".3g2"),
    "matroska,webm": (".mkv", ".webm"),
    "avi": (".avi",),
    "mpegts": (".ts", ".m2ts", ".mts"),
    "gif": (".gif",),
    "flv": (".flv",),
}
"""The endings of each container's files."""


def probed(path: Path, report: Report | None = None, *, may_be_picture: bool = False, words: bool = True) -> Probe:
    """What a film is, with a note on how it is used; refuses what is none, or would come out wrong.

    Where its subtitles are not taken over, the note is for those who use it without `words`.
    """
    if path.is_dir():
        raise UnusableFile(f"cannot use {path}: it is a folder", hint="name a film file")
    with open_film(path) as film:
        found = film.facts
    if may_be_picture and found.kind == "picture":
        return found
    if found.kind != "film":
        hint = "name a film" if found.kind == "picture" else "name a film with pictures"
        raise UnusableFile(f"cannot use {path}: it is a {found.kind}, not a film", hint=hint)
    said = next((kind for kind, endings in _ENDINGS.items() if path.suffix.lower() in endings), found.container)
    if said != found.container:  # a credential goes by the ending: it would not be found, or not be the film's
        real = found.container.partition(",")[0]
        raise UnusableFile(f"cannot use {path}: not what its ending says: it is {real}", hint="rename it")
    if found.color.hdr:
        raise no_hdr(path)
    if report is not None:
        remarks = (*found.remarks, *(damage(path) if found.channels else ()), *unkept(found, words=words))
        if remarks:
            report(Note(f"{path.name}: {'; '.join(remarks)}"))
    return found
