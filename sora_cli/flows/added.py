"""Film files that an editor added to a cut from outside its export; they play as they are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sora_cli.events import Note, Report
from sora_cli.flows.edit import probed, whole_shot
from sora_cli.interchange.assembly import EditEvent
from sora_cli.interchange.cutlist import name_of
from sora_cli.plan.timeline import CutShot
from sora_cli.storyboard.model import Look


def file_of(event: EditEvent, timeline: Path) -> Path | None:
    """The file that an event names: at its address, or beside the timeline under its name; None if there is none."""
    address = unquote(urlsplit(event.clip).path) if "://" in event.clip else event.clip
    places = (timeline.parent / name for name in (address, name_of(event.clip)) if name)
    return next((path for path in places if path.is_file()), None)


def shots_of(paths: Sequence[Path], fps: Fraction, start: int, report: Report) -> list[CutShot]:
    """Each file as a whole shot, with its own colours and sound; a note names each.

    They stand at `start`, after the film, until the editor's cut places them.

    Raises:
        MediaError: a file is not a film, is cut short or damaged, or is in high dynamic range.
    """
    found = []
    for path in paths:
        report(Note(f"{path.name} is not part of this export; it plays unchanged", str(path)))
        found.append(whole_shot(probed(path, report), fps, Look("off"), name=path.stem, start=start))
    return found
