"""Timelines of others as outlines: each clip a shot that begins on its file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sora_cli.bounded import is_inside, seen_from
from sora_cli.errors import Problem, RequestError
from sora_cli.interchange.assembly import EditEvent
from sora_cli.interchange.cutlist import name_of, rate_of, read_cut
from sora_cli.interchange.outline import Outline, OutlineBeat, OutlineScene, OutlineShot, name_shots, slug
from sora_cli.storyboard.files import FILMS, PICTURES, suffix
from sora_cli.storyboard.source import quoted

_GUESSES = tuple(Fraction(rate) for rate in (24, 25, 30, 60))
"""Rates of an edit decision list, which does not tell its own: the first in which all its timecodes are."""


def read_edit(path: Path) -> Outline:
    """The outline of a timeline: lengths, transitions, and files that lie in its folder.

    Raises:
        RequestError: it cannot be read, has more than one track of pictures, or plays nothing.
    """
    outline = Outline(title=path.stem, scenes=[OutlineScene("cut")])
    fps, events = _events(path, outline)
    shown = [event for event in events if not event.black]
    for where, part in (("beginning", events[:1]), ("end", events[-1:])):
        outline.remarks += [
            Problem(f"{event.end - event.begin} frames of black at the {where} are left out")
            for event in part
            if event.black and shown
        ]
    events = shown
    outline.fps = f"{float(fps):.3f}".rstrip("0").rstrip(".")
    for number, event in enumerate(events):
        after = events[number + 1] if number + 1 < len(events) else None
        outline.scenes[0].shots.append(_shot(path, event, after, number, outline))
    if not events:
        raise RequestError(f"{path} plays nothing", hint="export a timeline with clips")
    name_shots(outline.scenes)
    return outline


def _events(path: Path, outline: Outline) -> tuple[Fraction, Sequence[EditEvent]]:
    fps = rate_of(path)
    if fps is not None:
        return fps, read_cut(path, fps)
    for guess in _GUESSES[:-1]:
        with suppress(RequestError):
            found = read_cut(path, guess)
            outline.remarks.append(
                Problem(f"{path.name} does not tell its rate: it is read at {guess} frames a second")
            )
            return guess, found
    return _GUESSES[-1], read_cut(path, _GUESSES[-1])


def _shot(path: Path, event: EditEvent, after: EditEvent | None, number: int, outline: Outline) -> OutlineShot:
    clip = name_of(event.clip) or event.reel
    stem = clip.rpartition(".")[0] or clip

    def tell(message: str) -> None:
        outline.remarks.append(Problem(f"clip {number + 1} ({clip}): {message}"))

    words = " ".join(re.sub(r"[_.-]+", " ", stem).split()) or f"clip {number + 1}"
    beat = OutlineBeat(words, f"{event.plays_to(after) - event.begin}f")
    taken = {shot.name for shot in outline.shots}
    shot = OutlineShot([beat], name=slug(stem, taken), picture=_file(path, event, tell))
    if event.length:
        way = f" {event.direction}" if event.kind == "wipe" else ""
        shot.transition = f"{event.kind}{way} {event.length}f"
    if event.wrong:
        tell(f"{event.wrong}: left out")
    if event.lost:
        tell(f"{event.lost} is left out")
    if event.pace != 1:
        tell("it stands still: left out" if event.pace == 0 else f"it plays at {float(event.pace):.0%}: left out")
    if after is not None and after.begin > event.end:
        tell(f"the gap of {after.begin - event.end} frames after it is left out")
    return shot


def _file(path: Path, event: EditEvent, tell: Callable[[str], None]) -> str:
    """The clip's file, as seen from the timeline's folder; empty where it is not in there."""
    address = unquote(urlsplit(event.clip).path) if "://" in event.clip else event.clip
    home = path.parent
    places = (home / address, home / name_of(event.clip), home / "clips" / name_of(event.clip))
    found = next((place for place in places if address and place.is_file()), None)
    if found is None:
        tell("its file is not there: the shot begins on nothing")
        return ""
    inside, relative = is_inside(found, home), seen_from(found, home)
    if not inside or suffix(relative) not in {*PICTURES, *FILMS}:
        why = "is no picture or film" if inside else "lies outside of the timeline's folder"
        tell(f"its file {quoted(str(found))} {why}: the shot begins on nothing")
        return ""
    return relative
