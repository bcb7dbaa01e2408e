"""FCPXML 1.9, which Final Cut Pro and Resolve read; written here, since the adapters drop transitions and odd rates.

By Apple's reference of FCPXML: times are exact fractions of a second, clips lie in the spine of a sequence, and a
transition lies around the cut of its two clips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import count
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sora_cli.errors import RequestError
from sora_cli.interchange.assembly import Assembly, EditEvent, Placed, centred, gap

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
        return list(_spine(spine, {asset.get("id", ""): asset for asset in root.iter("asset")}, fps))
    except (ET.ParseError, DefusedXmlException, ValueError) as error:
        raise RequestError(f"this is no FCPXML: {error}", hint="export the project as FCPXML") from error


def heard_in_fcpxml(text: str) -> list[str]:
    """The files of sound alone that a project plays. Raises ParseError where it is no XML."""
    root = fromstring(text)
    sounds = {asset.get("id"): _file(asset) for asset in root.iter("asset") if asset.get("hasVideo") != "1"}
    return [sounds[clip.get("ref")] for clip in root.iter("asset-clip") if clip.get("ref") in sounds]


def _file(asset: ET.Element) -> str:
    return asset.get("src") or next((each.get("src", "") for each in asset.iter("media-rep")), "")


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


Assets = Mapping[str, ET.Element]
"""The files of a project, by their ids."""


def _spine(spine: ET.Element, assets: Assets, fps: Fraction) -> Iterator[EditEvent]:
    over: tuple[int, int] | None = None
    zero: Fraction | None = None
    end = 0
    for child in spine:
        length, offset = seconds(child.get("duration")), child.get("offset")
        begin = seconds(offset) if offset or zero is None else zero + end / fps  # without one, it follows
        zero = begin if zero is None else zero
        at, frames = round((begin - zero) * fps), round(length * fps)
        if child.tag == "transition":
            over = at, frames
            continue
        unseen = child.tag == "gap" or child.get("enabled") == "0"
        event = gap(at, at + frames) if unseen else _event(child, at, frames, assets, fps)
        if child.get("enabled") != "0":
            _look_above(child, event, assets)
        if over is not None:
            event.come(at - over[0], over[1] - (at - over[0]))
        yield event
        over, end = None, at + frames
    if over is not None:  # the last clip goes out, to black
        event = gap(end, max(end, over[0] + over[1]))
        event.come(end - over[0], event.end - end)
        yield event


def _event(child: ET.Element, at: int, frames: int, assets: Assets, fps: Fraction) -> EditEvent:
    """The event of an element of the spine: a clip, or a picture, which has no time of its own."""
    asset = assets.get(child.get("ref", ""))
    event = EditEvent(child.get("name", ""), 0, at, at + frames)
    if asset is None or child.tag not in {"asset-clip", "video"}:
        event.wrong = f"a {child.tag}"
        return event
    event.clip = _file(asset)
    event.source = round((seconds(child.get("start")) - seconds(asset.get("start"))) * fps)
    retimed = child.find("timeMap")
    if retimed is not None:
        values = [seconds(point.get("value")) for point in retimed.iter("timept")]
        if len(set(values)) == 1:
            event.pace, event.source = Fraction(0), round((values[0] - seconds(asset.get("start"))) * fps)
        else:
            event.wrong = "it has a speed of its own"
    return event


def _look_above(child: ET.Element, event: EditEvent, assets: Assets) -> None:
    """Tell what is connected to an element of the spine and would be seen, which is not read."""
    for each in child:
        asset = assets.get(each.get("ref", ""))
        if each.get("lane") is None or each.get("enabled") == "0":
            continue
        if each.tag == "title":
            event.lost = f"the title {each.get('name', '')}".strip()
        elif asset is None or asset.get("hasVideo") == "1":
            event.wrong = f"{each.get('name') or 'a ' + each.tag} lies over it"
