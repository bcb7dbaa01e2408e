"""A cut as an OpenTimelineIO timeline, and as the files that its adapters write.

Shots are clips on one track, each with its file as its reference and the file's whole length as its available range:
what lies outside of the clip's own range are handles. Stems are tracks of sound.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import opentimelineio as otio
from defusedxml.ElementTree import fromstring

from sora_cli import atomic, texts
from sora_cli.bounded import LARGE, Json, parse_json
from sora_cli.errors import MediaError
from sora_cli.interchange.assembly import Assembly, Item, Placed, centred, timecode
from sora_cli.interchange.fcpxml import lost as lost_of_fcpxml

ROOM = "sora"
"""Where the metadata that are ours stand."""


def timeline_of(assembly: Assembly, uri: Callable[[str], str]) -> otio.schema.Timeline:
    """The timeline of a cut; `uri` gives the address of one of its files."""
    rate = float(assembly.fps)

    def span(start: int, frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(frames, rate)
        )

    zero = otio.opentime.RationalTime(assembly.zero, rate)
    made = otio.schema.Timeline(assembly.title, global_start_time=zero)
    made.metadata[ROOM] = {"width": assembly.width, "height": assembly.height, "fps": str(assembly.fps)}
    track = otio.schema.Track("shots", kind=otio.schema.TrackKind.Video)
    made.tracks.append(track)
    for placed in centred(assembly.items):
        if placed.before + placed.after:
            track.append(_transition(placed, rate))
        track.append(_clip(placed, uri, span))
    for bus, file in assembly.stems:
        under = otio.schema.Track(bus, kind=otio.schema.TrackKind.Audio)
        whole = span(0, assembly.frames)
        reference = otio.schema.ExternalReference(uri(file), available_range=whole)
        under.append(otio.schema.Clip(bus, reference, span(0, assembly.frames)))
        made.tracks.append(under)
    return made


def _transition(placed: Placed, rate: float) -> otio.schema.Transition:
    item = placed.item
    plain = item.kind == "dissolve"
    kind = otio.schema.TransitionTypes.SMPTE_Dissolve if plain else otio.schema.TransitionTypes.Custom
    wipes = item.kind == "wipe"
    about = {"kind": item.kind, **({"direction": item.direction} if wipes else {})}
    name = f"wipe {item.direction}" if wipes else item.kind  # all that some formats keep of it
    before, after = (otio.opentime.RationalTime(frames, rate) for frames in (placed.before, placed.after))
    return otio.schema.Transition(name, kind, before, after, metadata={ROOM: about})


def _clip(
    placed: Placed, uri: Callable[[str], str], span: Callable[[int, int], otio.opentime.TimeRange]
) -> otio.schema.Clip:
    item = placed.item
    reference = otio.schema.ExternalReference(uri(item.file), available_range=span(0, item.total or item.frames))
    reference.name = item.file.rpartition("/")[2]
    clip = otio.schema.Clip(item.name, reference, span(placed.source, placed.end - placed.begin))
    for note in item.notes:
        name, at = texts.shortened(note.text, 80), span(item.head + note.at, 1)
        marker = otio.schema.Marker(name, at, otio.schema.MarkerColor.GREEN)
        marker.comment = note.text
        clip.markers.append(marker)
    clip.metadata[ROOM] = _told(item)
    if item.cdl is not None:
        slope, offset, power = (list(numbers) for numbers in item.cdl)
        clip.metadata["cdl"] = {"asc_sop": {"slope": slope, "offset": offset, "power": power}, "asc_sat": 1.0}
    return clip


def _told(item: Item) -> dict[str, object]:
    told = {
        "scene": item.scene,
        "shot": item.name,
        "reel": item.reel,
        "head": item.head,
        "comments": list(item.comments),
        "title": item.title,
        "lut": item.look,
    }
    return {name: value for name, value in told.items() if value not in ("", [])}


# -- as files ----------------------------------------------------------------------------------------------------------


def text_of(timeline: otio.schema.Timeline) -> str:
    """The text of an `.otio` file."""
    text: str = otio.adapters.write_to_string(timeline, "otio_json")
    return text + "\n"


def write_bundle(timeline: otio.schema.Timeline, path: Path, record: Path) -> None:
    """Write an `.otioz` file, with all media that the timeline names inside, and the file `record`.

    Raises:
        MediaError: a file cannot be put in, or the disk refuses.
    """
    try:
        with atomic.spare(path) as part:
            otio.adapters.write_to_file(timeline, str(part), "otioz")
            with zipfile.ZipFile(part, "a") as bundle:
                bundle.write(record, record.name)
            atomic.put(part, path)
    except (otio.exceptions.OTIOError, ValueError, OSError) as error:
        raise MediaError(
            f"cannot write {path}: {error}", hint="check the space on the disk; --to folder writes the same"
        ) from error


def bundled(path: Path, name: str) -> Json:
    """Read the JSON file `name` in a bundle; None where it is missing or damaged."""
    try:
        with zipfile.ZipFile(path) as bundle, bundle.open(name) as file:
            return parse_json(file.read(LARGE))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def final_cut_7(timeline: otio.schema.Timeline, assembly: Assembly) -> str:
    """The XML of Final Cut Pro 7, which Premiere and Resolve read.

    The adapter writes every timecode as non-drop, and no size of the picture: both are put right.
    """
    root = fromstring(otio.adapters.write_to_string(timeline, "fcp_xml"))
    for code in root.iter("timecode"):
        frame = int(code.findtext("frame") or 0)
        for name, words in (
            ("string", timecode(frame, assembly.fps, drop=assembly.drop)),
            ("displayformat", "DF" if assembly.drop else "NDF"),
        ):
            part = code.find(name)
            (ET.SubElement(code, name) if part is None else part).text = words
    for form in root.iter("format"):
        shape = ET.SubElement(form, "samplecharacteristics")
        ET.SubElement(shape, "width").text = str(assembly.width)
        ET.SubElement(shape, "height").text = str(assembly.height)
    return '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n' + ET.tostring(root, encoding="unicode") + "\n"


def lost(assembly: Assembly, kind: str) -> list[str]:
    """Say in words what of a cut the format cannot hold."""
    placed = list(centred(assembly.items))
    found = lost_of_fcpxml(placed) if kind in {"fcpxml", "fcp7"} else []
    if kind == "edl" and assembly.stems:
        found.append("an EDL has pictures alone: lay the stems under them yourself")
    if kind == "edl" and any(each.item.head or each.item.total > each.item.head + each.item.frames for each in placed):
        found.append("an EDL does not tell how long handles are: the files have them")
    if any(item.title and item.notes for item in assembly.items):
        found.append("titles over shots are notes of their clips, to be set again in the edit suite")
    return found


def exact(rate: float) -> Fraction:
    """The rate that a timeline's number means: 23.976 is 24000/1001."""
    whole = round(rate)
    ntsc = Fraction(whole * 1000, 1001)
    return ntsc if abs(rate - float(ntsc)) < abs(rate - whole) else Fraction(rate).limit_denominator(1001)
