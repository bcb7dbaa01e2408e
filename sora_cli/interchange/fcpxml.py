"""FCPXML 1.9, which Final Cut Pro and Resolve read; written here, since the adapters drop transitions and odd rates.

By Apple's reference of FCPXML: times are exact fractions of a second, clips lie in the spine of a sequence, and a
transition lies around the cut of its two clips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import count
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sora_cli.errors import RequestError
from sora_cli.interchange.assembly import Assembly, EditEvent, Placed, centred

DISSOLVE = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"
"""The effect of Final Cut's own cross dissolve."""
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'


def written_fcpxml(assembly: Assembly, uri: Callable[[str], str]) -> str:
    """The project of a cut; `uri` gives the address of one of its files."""
    writer = _Writer(assembly, uri)
    root = ET.Element("fcpxml", version="1.9")
    resources = ET.SubElement(root, "resources")
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=assembly.title)
    project = ET.SubElement(event, "project", name=assembly.title)
    writer.resources(resources)
    writer.sequence(project)
    ET.indent(root)
    return _HEAD + ET.tostring(root, encoding="unicode") + "\n"


class _Writer:
    def __init__(self, assembly: Assembly, uri: Callable[[str], str]) -> None:
        self._of, self._uri = assembly, uri
        self._form = "DF" if assembly.drop else "NDF"
        numbers = count(3)
        files = [*(item.file for item in assembly.items), *(file for _, file in assembly.stems)]
        self._ids = {file: f"r{next(numbers)}" for file in files}

    def _time(self, frames: int) -> str:
        seconds = frames / self._of.fps
        return f"{seconds.numerator}s" if seconds.denominator == 1 else f"{seconds.numerator}/{seconds.denominator}s"

    def resources(self, under: ET.Element) -> None:
        """The format, the transition, and all files."""
        of = self._of
        about = {"frameDuration": self._time(1), "width": str(of.width), "height": str(of.height)}
        ET.SubElement(under, "format", {"id": "r1", **about, "colorSpace": "1-1-1 (Rec. 709)"})
        ET.SubElement(under, "effect", id="r2", name="Cross Dissolve", uid=DISSOLVE)
        for item in of.items:
            video = {"hasVideo": "1", "format": "r1", "videoSources": "1"}
            self._asset(under, item.file, item.total or item.frames, video)
        for _, file in of.stems:
            self._asset(under, file, of.frames, {"hasAudio": "1", "audioSources": "1", "audioChannels": "2"})

    def _asset(self, under: ET.Element, file: str, frames: int, facts: dict[str, str]) -> None:
        name = file.rpartition("/")[2].rpartition(".")[0]
        own = {"id": self._ids[file], "name": name, "start": "0s", "duration": self._time(frames)}
        asset = ET.SubElement(under, "asset", {**own, **facts})
        ET.SubElement(asset, "media-rep", kind="original-media", src=self._uri(file))

    def sequence(self, under: ET.Element) -> None:
        """The clips, their transitions, and the stems under the first of them."""
        of = self._of
        about = {"duration": self._time(of.frames), "tcStart": self._time(of.zero), "tcFormat": self._form}
        spine = ET.SubElement(ET.SubElement(under, "sequence", {"format": "r1", **about}), "spine")
        for placed in centred(of.items):
            if shared := placed.before + placed.after:
                begin = self._time(of.zero + placed.begin - placed.before)
                over = ET.SubElement(
                    spine, "transition", name="Cross Dissolve", offset=begin, duration=self._time(shared)
                )
                ET.SubElement(over, "filter-video", ref="r2", name="Cross Dissolve")
            clip = self._clip(spine, placed)
            if placed.begin == 0:
                self._stems(clip, placed.source)
            self._markers(clip, placed)

    def _clip(self, spine: ET.Element, placed: Placed) -> ET.Element:
        item = placed.item
        clip = ET.SubElement(
            spine,
            "asset-clip",
            ref=self._ids[item.file],
            name=item.name,
            offset=self._time(self._of.zero + placed.begin),
            start=self._time(placed.source),
            duration=self._time(placed.end - placed.begin),
            format="r1",
            tcFormat=self._form,
        )
        told = [*item.comments, *([f"title: {item.title}"] if item.title else [])]
        ET.SubElement(clip, "note").text = "\n".join([f"scene {item.scene}", *told])
        return clip

    def _stems(self, clip: ET.Element, source: int) -> None:
        for lane, (bus, file) in enumerate(self._of.stems, 1):
            ET.SubElement(
                clip,
                "asset-clip",
                ref=self._ids[file],
                name=bus,
                lane=str(-lane),
                offset=self._time(source),
                start="0s",
                duration=self._time(self._of.frames),
                audioRole=f"{bus}.{bus}-1",
            )

    def _markers(self, clip: ET.Element, placed: Placed) -> None:
        item = placed.item
        for note in item.notes:
            at = max(item.head + note.at, placed.source)
            ET.SubElement(clip, "marker", start=self._time(at), duration=self._time(1), value=note.text)


def seconds(words: str | None) -> Fraction:
    """A time of FCPXML, in seconds. Raises ValueError where it is none."""
    text = (words or "0s").removesuffix("s")
    top, _, bottom = text.partition("/")
    if not bottom:
        return Fraction(top)
    if int(bottom) == 0:
        raise ValueError(words)
    return Fraction(int(top), int(bottom))


def lost(items: Sequence[Placed]) -> list[str]:
    """Say in words what of a cut this format cannot hold."""
    kinds = {placed.item.kind for placed in items if placed.before + placed.after} - {"dissolve"}
    return [f"a {kind} becomes a cross dissolve" for kind in sorted(kinds)]


# -- and back ----------------------------------------------------------------------------------------------------------


def read_fcpxml(text: str, fps: Fraction) -> list[EditEvent]:
    """What the spine of a project plays, at `fps` frames a second, its transitions around their cuts.

    Raises:
        RequestError: it is no FCPXML, or has no spine.
    """
    try:
        root = fromstring(text)
        spine = root.find(".//spine")
        if root.tag != "fcpxml" or spine is None:
            raise RequestError("there is no FCPXML with a spine in this file", hint="export the project as FCPXML")
        files = {
            asset.get("id", ""): (asset.get("src") or next((rep.get("src", "") for rep in asset.iter("media-rep")), ""))
            for asset in root.iter("asset")
        }
        starts = {asset.get("id", ""): seconds(asset.get("start")) for asset in root.iter("asset")}
        return list(_spine(spine, files, starts, fps))
    except (ET.ParseError, DefusedXmlException, ValueError) as error:
        raise RequestError(f"this is no FCPXML: {error}", hint="export the project as FCPXML") from error


def rate_of_fcpxml(text: str) -> Fraction:
    """The rate of a project's sequence.

    Raises:
        RequestError: nothing tells it.
    """
    try:
        root = fromstring(text)
        formats = {each.get("id"): seconds(each.get("frameDuration")) for each in root.iter("format")}
        return 1 / formats[next(root.iter("sequence")).get("format")]
    except (ET.ParseError, DefusedXmlException, ValueError, KeyError, StopIteration, ZeroDivisionError) as error:
        raise RequestError("this FCPXML does not tell its rate", hint="export the project as FCPXML") from error


def _spine(spine: ET.Element, files: dict[str, str], starts: dict[str, Fraction], fps: Fraction) -> Iterator[EditEvent]:
    over: tuple[int, int] | None = None
    zero: Fraction | None = None
    for child in spine:
        begin, length = (seconds(child.get(key)) for key in ("offset", "duration"))
        zero = begin if zero is None else zero
        at, frames = round((begin - zero) * fps), round(length * fps)
        if child.tag == "transition":
            over = at, frames
            continue
        if child.tag == "gap":
            over = None
            continue
        ref = child.get("ref", "")
        event = EditEvent(files.get(ref, child.get("name", "")), 0, at, at + frames)
        event.source = round((seconds(child.get("start")) - starts.get(ref, Fraction(0))) * fps)
        if child.tag != "asset-clip" or child.find("timeMap") is not None:
            event.wrong = f"a {child.tag} with a speed of its own" if child.tag == "asset-clip" else f"a {child.tag}"
        if over is not None:
            before = at - over[0]
            event.begin, event.source = event.begin - before, event.source - before
            event.kind, event.length, over = "dissolve", over[1], None
        yield event
