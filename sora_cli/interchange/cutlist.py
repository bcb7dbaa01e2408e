"""An editor's timeline as the events that it plays, whatever it was written by."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit

import opentimelineio as otio
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from sora_cli.bounded import LARGE, Json, parse_json, read_bytes
from sora_cli.errors import RequestError
from sora_cli.interchange.assembly import FOLDERS, TIMELINES, EditEvent, gap
from sora_cli.interchange.edl import heard_in_edl, read_edl
from sora_cli.interchange.fcpxml import heard_in_fcpxml, rate_of_fcpxml, read_fcpxml
from sora_cli.interchange.timelines import ROOM, exact
from sora_cli.storyboard.forms import DIRECTIONS
from sora_cli.texts import decoded, unreadable


def read_cut(path: Path, fps: Fraction) -> list[EditEvent]:
    """The events of a timeline at `fps` frames a second, in order.

    Raises:
        RequestError: it cannot be read, or has more than one track of pictures.
    """
    ending = path.suffix.lower()
    _check_kind(path)
    if ending == ".edl":
        return read_edl(_text(path), fps)
    if ending == ".fcpxml":
        return read_fcpxml(_text(path), fps)
    return _events(_opened(path), fps)


def _check_kind(path: Path) -> None:
    ending = path.suffix.lower()
    if ending in TIMELINES:
        return
    inside = FOLDERS.get(ending)
    hint = f"name the file {inside} in it" if inside else f"one of {', '.join(TIMELINES)}"
    raise RequestError(f"cannot read {path}: no such timeline is known", hint=hint)


def heard(path: Path, fps: Fraction) -> list[str]:
    """The names of what a timeline plays on its tracks of sound, each once.

    Raises:
        RequestError: it cannot be read.
    """
    ending = path.suffix.lower()
    if ending == ".edl":
        found = heard_in_edl(_text(path), fps)
    elif ending == ".fcpxml":
        found = heard_in_fcpxml(_text(path))
    else:
        clips = (clip for track in _opened(path).audio_tracks() for clip in track.find_clips())
        found = [getattr(clip.media_reference, "target_url", "") or clip.name for clip in clips]
    return list(dict.fromkeys(map(name_of, found)))


def _text(path: Path) -> str:
    try:
        return decoded(read_bytes(path, LARGE))[0]
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"cannot read {path}: {unreadable(error)}") from error


def _opened(path: Path) -> otio.schema.Timeline:
    if path.suffix.lower() != ".otioz":
        return _timeline(_text(path), "otio_json" if path.suffix.lower() == ".otio" else "fcp_xml", path)
    try:
        with zipfile.ZipFile(path) as bundle:
            if bundle.getinfo("content.otio").file_size > LARGE:
                raise RequestError(f"the timeline in {path} is larger than {LARGE:,} bytes")
            return _timeline(decoded(bundle.read("content.otio"))[0], "otio_json", path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, otio.exceptions.OTIOError) as error:
        raise RequestError(f"cannot read {path}: {error}", hint="export it again") from error


def rate_of(path: Path) -> Fraction | None:
    """Read the rate of a timeline; None for a kind of file that holds no rate.

    Raises:
        RequestError: it cannot be read.
    """
    ending = path.suffix.lower()
    _check_kind(path)
    if ending == ".edl":
        return None
    if ending == ".fcpxml":
        return rate_of_fcpxml(_text(path))
    clips = list(_opened(path).find_clips())
    return exact(clips[0].duration().rate) if clips else None


def name_of(address: str) -> str:
    """The name of a file, from its path or its address."""
    return unquote(urlsplit(address).path if "://" in address else address).replace("\\", "/").rpartition("/")[2]


def _timeline(text: str, adapter: str, path: Path) -> otio.schema.Timeline:
    try:
        # What reads them next would follow what XML can be made to do, and JSON as deep as it goes.
        _ = fromstring(text) if adapter == "fcp_xml" else parse_json(text)
        found = otio.adapters.read_from_string(text, adapter)
    except (otio.exceptions.OTIOError, ParseError, DefusedXmlException, ValueError, TypeError, AttributeError) as error:
        what = str(error).partition("\n")[0]
        raise RequestError(f"{path} is no timeline: {what}", hint="export it again from the edit suite") from error
    if isinstance(found, otio.schema.SerializableCollection):
        found = next(iter(found.find_children(otio.schema.Timeline)), None)
    if not isinstance(found, otio.schema.Timeline):
        raise RequestError(f"there is no timeline in {path}", hint="export one timeline")
    return found


def _events(timeline: otio.schema.Timeline, fps: Fraction) -> list[EditEvent]:
    tracks = [track for track in timeline.video_tracks() if not _off(track) and list(track.find_clips())]
    if len(tracks) != 1:
        hint = "flatten the pictures to one track"
        raise RequestError(f"the timeline has {len(tracks)} tracks with pictures; one is read", hint=hint)
    return list(_of_track(tracks[0], fps))


def _of_track(track: otio.schema.Track, fps: Fraction) -> Iterator[EditEvent]:
    over: otio.schema.Transition | None = None
    at = 0
    for child in track:
        if isinstance(child, otio.schema.Transition):
            over = child
            continue
        frames = _frames(child.duration(), fps)
        event = gap(at, at + frames) if _unseen(child) else _event(child, at, frames, fps)
        if over is not None:
            _come(event, over, fps)
        yield event
        at, over = at + frames, None
    if over is not None:  # the last clip goes out, to black
        event = gap(at, at + _frames(over.out_offset, fps))
        _come(event, over, fps)
        yield event


def _unseen(item: otio.schema.Item) -> bool:
    """Whether an item of a track is black: a gap, a clip that is switched off, a generator of black."""
    reference = item.media_reference if isinstance(item, otio.schema.Clip) else None
    kind = reference.generator_kind if isinstance(reference, otio.schema.GeneratorReference) else ""
    return isinstance(item, otio.schema.Gap) or _off(item) or kind.casefold() in _BLACK


def _off(item: otio.core.Item) -> bool:
    """Whether an item or a track is switched off."""
    return not item.enabled or str(_of_adapter(item).get("enabled", "")).upper() == "FALSE"


_BLACK = {"black", "slug", "black video"}


def _event(item: otio.schema.Item, at: int, frames: int, fps: Fraction) -> EditEvent:
    event = EditEvent(item.name, 0, at, at + frames)
    if not isinstance(item, otio.schema.Clip):
        event.wrong = f"a {type(item).__name__.lower()} in the track"
        return event
    reference = item.media_reference
    event.clip = getattr(reference, "target_url", "") or reference.name or item.name
    if isinstance(reference, otio.schema.GeneratorReference):
        event.wrong = f"a generator of {reference.generator_kind or 'something'}"
    first = (
        item.available_range().start_time if reference.available_range else otio.opentime.RationalTime(0, float(fps))
    )
    event.source = _frames(item.trimmed_range().start_time - first, fps)
    for effect in item.effects:
        pace = _pace(effect)
        event.pace *= 1 if pace is None else pace
        event.wrong = event.wrong or ("" if pace is not None else f"it has an effect: {effect.name or 'one of others'}")
    return event


def _pace(effect: otio.schema.Effect) -> Fraction | None:
    """How many times as fast an effect makes its clip; None where it does something else."""
    if isinstance(effect, otio.schema.LinearTimeWarp):  # a freeze frame is one of these
        return Fraction(effect.time_scalar).limit_denominator(10_000)
    facts = _of_adapter(effect)
    parameters = facts.get("parameter")
    every = parameters if isinstance(parameters, list) else [parameters]
    told = {str(each.get("parameterid")): str(each.get("value")) for each in every if isinstance(each, dict)}
    varies = told.get("variablespeed", "0") not in {"0", "FALSE"}
    try:
        speed = Fraction(told.get("speed", "100")) / 100
    except ValueError:
        return None
    return speed if facts.get("effectid") == "timeremap" and not varies else None


def _of_adapter(item: otio.core.SerializableObjectWithMetadata) -> dict[str, Json]:
    """What the XML of Final Cut Pro 7 says of an item, or of an effect."""
    found = parse_json(otio.core.serialize_json_to_string(item.metadata.get("fcp_xml", {})))
    return found if isinstance(found, dict) else {}


def _come(event: EditEvent, over: otio.schema.Transition, fps: Fraction) -> None:
    """Let an event come in by a transition."""
    told = over.metadata.get(ROOM, {})
    kind, direction = str(told.get("kind", "dissolve")), str(told.get("direction", "left"))
    named, _, way = over.name.partition(" ")
    if named in {"fade", "wipe"} and not told:
        kind, direction = named, way if way in DIRECTIONS else "left"
    event.come(_frames(over.in_offset, fps), _frames(over.out_offset, fps), kind, direction)


def _frames(time: otio.opentime.RationalTime, fps: Fraction) -> int:
    same = abs(time.rate - float(fps)) < 0.01  # 29.97 and 30000/1001 are the same
    return round(float(time.value) * (1.0 if same else float(fps) / float(time.rate)))
