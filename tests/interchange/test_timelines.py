"""Timelines go out and come back: every cut on its frame, every name kept, by readers that are not ours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sora_cli.errors import RequestError
from sora_cli.interchange.assembly import Assembly, Item, ShotNote, can_drop, centred, frame_of, nominal, timecode
from sora_cli.interchange.cutlist import name_of, read_cut
from sora_cli.interchange.edl import read_edl, written_edl
from sora_cli.interchange.fcpxml import seconds, written_fcpxml
from sora_cli.interchange.timelines import exact, final_cut_7, text_of, timeline_of

SLOW = "12"  # no rate of SMPTE's, and that of the embedded model
RATES = ["24000/1001", "24", "25", "30000/1001", "30", "60000/1001", SLOW]
NAMES = ["one", "two & <2>", "thrée", "four", "five"]
HEADS = [24, 12, 6, 8, 0]


def assembly(rate: str) -> Assembly:
    """Five shots, with each way to come in, odd and even."""
    fps = Fraction(rate)
    drop = can_drop(fps)
    zero, _ = frame_of("01:00:00;00" if drop else "01:00:00:00", fps)
    starts, lengths = (0, 60, 121, 161, 211), (72, 72, 50, 50, 20)
    kinds = [("cut", 0), ("dissolve", 12), ("fade", 11), ("wipe", 10), ("cut", 0)]
    items = tuple(
        Item(name=name, scene=f"scene {at}", file=f"clips/{at + 1:03d}.mov", start=starts[at], frames=lengths[at],
             head=HEADS[at], total=HEADS[at] + lengths[at] + 20, reel=f"{at + 1:03d}T1", kind=kinds[at][0],
             overlap=kinds[at][1], direction="right", notes=(ShotNote(0, f"{name} begins"), ShotNote(15, "goes on")),
             comments=(f"TAKE {name} SEED {at}",))
        for at, name in enumerate(NAMES)
    )  # fmt: skip
    return Assembly(title="A <title> & more", fps=fps, width=192, height=128, items=items, zero=zero, drop=drop,
                    stems=(("music", "stems/music.wav"),))  # fmt: skip


def uri(name: str) -> str:
    return f"file:///films/{name}"


def read(timeline: otio.schema.Timeline) -> list[tuple[str, int, int, int]]:
    """Name, first and last frame in the film, and first frame in the file, of each clip of the first track."""
    found = []
    for clip in timeline.video_tracks()[0].find_clips():
        place = clip.range_in_parent()
        begin = round(place.start_time.value)
        found.append((clip.name, begin, begin + round(place.duration.value), round(clip.source_range.start_time.value)))
    return found


def expected(of: Assembly) -> list[tuple[str, int, int, int]]:
    return [(each.item.name, each.begin, each.end, each.source) for each in centred(of.items)]


@pytest.mark.parametrize("rate", RATES)
def test_otio_keeps_everything(rate: str) -> None:
    of = assembly(rate)
    back = otio.adapters.read_from_string(text_of(timeline_of(of, uri)), "otio_json")
    assert read(back) == expected(of)
    assert (back.name, exact(back.global_start_time.rate), back.global_start_time.value) == (of.title, of.fps, of.zero)
    transitions = [each for each in back.video_tracks()[0] if isinstance(each, otio.schema.Transition)]
    assert [(each.name, each.in_offset.value, each.out_offset.value) for each in transitions] == [
        ("dissolve", 6, 6), ("fade", 5, 6), ("wipe right", 5, 5),
    ]  # fmt: skip
    clips = list(back.video_tracks()[0].find_clips())
    assert [clip.available_range().duration.value for clip in clips] == [item.total for item in of.items]
    assert [[marker.comment for marker in clip.markers] for clip in clips] == [
        [note.text for note in item.notes] for item in of.items
    ]
    assert [clip.metadata["sora"]["reel"] for clip in clips] == [item.reel for item in of.items]
    assert [track.name for track in back.audio_tracks()] == ["music"]


@pytest.mark.parametrize("rate", RATES[:-1])
def test_final_cut_7_keeps_cuts_transitions_handles_markers_and_timecode(rate: str) -> None:
    of = assembly(rate)
    text = final_cut_7(timeline_of(of, uri), of)
    back = otio.adapters.read_from_string(text, "fcp_xml")
    assert read(back) == expected(of)
    assert round(back.global_start_time.value) == of.zero
    transitions = [each for each in back.video_tracks()[0] if isinstance(each, otio.schema.Transition)]
    assert [(each.in_offset.value, each.out_offset.value) for each in transitions] == [(6, 6), (5, 6), (5, 5)]
    root = ET.fromstring(text)  # noqa: S314  our own text
    code = root.find(".//sequence/timecode")
    assert code is not None
    assert (code.findtext("string"), code.findtext("displayformat")) == (of.timecode(0), "DF" if of.drop else "NDF")
    assert root.findtext(".//sequence/media/video/format/samplecharacteristics/width") == "192"


@pytest.mark.parametrize("rate", RATES[:-1])
def test_an_edl_has_each_cut_on_its_frame_for_another_reader(rate: str) -> None:
    of = assembly(rate)
    text = written_edl(of)
    assert f"FCM: {'' if of.drop else 'NON-'}DROP FRAME" in text
    back = otio.adapters.read_from_string(text, "cmx_3600", rate=float(of.fps))
    begins = [round(clip.range_in_parent().start_time.value) for clip in back.video_tracks()[0].find_clips()]
    assert begins == [0, 60, 121, 126, 161, 211]  # the third is the black that a fade goes through
    events = read_edl(text, of.fps)
    assert [(each.clip, each.begin, each.source, each.kind, each.length) for each in events] == [
        (item.file.removeprefix("clips/"), item.start, item.head, item.kind, item.overlap) for item in of.items
    ]
    assert [each.direction for each in events if each.kind == "wipe"] == ["right"]


@pytest.mark.parametrize("rate", RATES)
def test_fcpxml_is_exact_and_without_gaps(rate: str) -> None:
    of = assembly(rate)
    root = ET.fromstring(written_fcpxml(of, uri))  # noqa: S314  our own text
    frame = seconds(root.findall("resources/format")[0].get("frameDuration"))
    assert frame == 1 / of.fps
    spine = root.find(".//spine")
    assert spine is not None
    clips = spine.findall("asset-clip")
    assert [
        (clip.get("name"), *(seconds(clip.get(key)) / frame for key in ("offset", "duration", "start")))
        for clip in clips
    ] == [(name, of.zero + begin, end - begin, source) for name, begin, end, source in expected(of)]
    over = [(seconds(each.get("offset")) / frame - of.zero, seconds(each.get("duration")) / frame)
            for each in spine.findall("transition")]  # fmt: skip
    assert over == [(60, 12), (121, 11), (161, 10)]  # as many frames as the two shots share, from the first of them
    known = {each.get("id") for each in root.findall("resources/*")}
    assert {each.get("ref") for each in spine.iter() if each.get("ref")} <= known
    durations = [seconds(each.get("duration")) / frame for each in root.findall("resources/asset")]
    assert durations == [*(item.total for item in of.items), of.frames]
    assert [marker.get("value") for marker in clips[0].findall("marker")] == ["one begins", "goes on"]


RULES = {
    "fcpxml": ("resources library", "version*"),
    "resources": ("(asset|effect|format)", ""),
    "format": ("", "id* name frameDuration width height colorSpace"),
    "effect": ("", "id* name uid*"),
    "asset": (
        "media-rep metadata", "id* name start duration hasVideo format hasAudio videoSources audioSources audioChannels"
    ),
    "media-rep": ("bookmark", "kind src*"),
    "library": ("(event)", "location"),
    "event": ("(project)", "name"),
    "project": ("sequence", "name"),
    "sequence": ("note spine metadata", "format* duration tcStart tcFormat"),
    "spine": ("(asset-clip|gap|transition)", "name"),
    "transition": ("filter-video filter-audio marker", "name offset duration*"),
    "filter-video": ("(param)", "ref* name"),
    "asset-clip": (
        "note conform-rate timeMap asset-clip marker metadata",
        "ref* name lane offset start duration format tcFormat audioRole",
    ),
    "marker": ("", "start* duration value* note"),
    "note": ("", ""),
}  # fmt: skip
"""What Apple's document type of FCPXML 1.9 and 1.10 says of the elements that we write: children in their order (in any
order within brackets), and attributes, a star on those that must be there. The type itself may not be handed on.
"""


@pytest.mark.parametrize("rate", RATES)
def test_fcpxml_keeps_to_the_rules_of_its_document_type(rate: str) -> None:
    root = ET.fromstring(written_fcpxml(assembly(rate), uri))  # noqa: S314  our own text
    for element in root.iter():
        children, attributes = RULES[element.tag]
        tags, known = [child.tag for child in element], attributes.replace("*", "").split()
        if children.startswith("("):
            assert set(tags) <= set(children.strip("()").split("|"))
        else:
            assert tags == sorted(tags, key=children.split().index)
        assert set(element.keys()) <= set(known), element.tag
        assert {name[:-1] for name in attributes.split() if name.endswith("*")} <= set(element.keys()), element.tag
        for name in set(element.keys()) & {"offset", "start", "duration", "tcStart", "frameDuration"}:
            time = seconds(element.get(name))
            assert time.denominator < 2**32, "so many bits it has"
            assert (time * Fraction(rate)).denominator == 1, "times are whole frames"
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    assert {each.get(name) for each in root.iter() for name in ("ref", "format") if each.get(name)} <= set(ids)


@pytest.mark.parametrize("rate", ["24", "25", "30"])
def test_fcpxml_is_read_by_the_adapter_at_the_rates_that_it_knows(rate: str) -> None:
    of = assembly(rate)
    back = otio.adapters.read_from_string(written_fcpxml(of, uri), "fcpx_xml")
    clips = [clip for clip in back.find_clips() if clip.name != "music"]
    assert [(clip.name, clip.source_range.duration.value) for clip in clips] == [
        (name, end - begin) for name, begin, end, _ in expected(of)
    ]


@pytest.mark.parametrize("rate", RATES[:-1])
@pytest.mark.parametrize("name", ["a.otio", "a.edl", "a.fcpxml", "a.xml"])
def test_what_was_written_is_read_back_as_it_was(name: str, rate: str, tmp_path: Path) -> None:
    of = assembly(rate)
    timeline = timeline_of(of, uri)
    texts = {
        "a.otio": text_of(timeline), "a.edl": written_edl(of), "a.fcpxml": written_fcpxml(of, uri),
        "a.xml": final_cut_7(timeline, of),
    }  # fmt: skip
    (tmp_path / name).write_text(texts[name])
    kinds = {"a.fcpxml": {"fade": "dissolve", "wipe": "dissolve"}}.get(name, {})  # it has no others
    assert [
        (name_of(each.clip), each.source, each.begin, each.kind, each.length, each.wrong)
        for each in read_cut(tmp_path / name, of.fps)
    ] == [
        (item.file.removeprefix("clips/"), item.head, item.start, kinds.get(item.kind, item.kind), item.overlap, "")
        for item in of.items
    ]


def test_a_name_cannot_end_its_element() -> None:
    of = assembly("24")
    nasty = "</fcpxml><script>alert(1)</script>\n001  BAD      V     C        00:00:00:00"
    worse = Assembly(title=nasty, fps=of.fps, width=16, height=16, items=(
        Item(name=nasty, scene=nasty, file="clips/a.mov", start=0, frames=5, total=5, reel="001T1", title=nasty,
             comments=(nasty,)),
    ))  # fmt: skip
    assert "<script>" not in written_fcpxml(worse, uri)
    assert "<script>" not in final_cut_7(timeline_of(worse, uri), worse)
    assert len(read_edl(written_edl(worse), of.fps)) == 1


@given(st.integers(0, 24 * 3600 * 12 - 1), st.sampled_from(RATES))
def test_a_timecode_is_the_one_of_its_frame(frame: int, rate: str) -> None:
    fps = Fraction(rate)
    for drop in (False, True) if can_drop(fps) else (False,):
        words = timecode(frame, fps, drop=drop)
        assert frame_of(words, fps) == (frame, drop)
        ours = otio.opentime.RationalTime(frame, float(fps))
        if rate != SLOW:
            assert otio.opentime.to_timecode(ours, float(fps), drop) == words


@pytest.mark.parametrize("words", ["01:00:00", "01:00:61:00", "25:00:00:00", "01:00:00:30", "00:01:00;00", "one hour"])
def test_what_is_no_timecode_is_refused(words: str) -> None:
    with pytest.raises(RequestError):
        frame_of(words, Fraction(30000, 1001))


@pytest.mark.parametrize(
    ("frame", "words"),
    [(0, "00:00:00;00"), (1799, "00:00:59;29"), (1800, "00:01:00;02"), (17981, "00:09:59;29"),
     (17982, "00:10:00;00"), (107892, "01:00:00;00")],
)  # fmt: skip
def test_drop_frame_leaves_out_its_numbers(frame: int, words: str) -> None:
    assert timecode(frame, Fraction(30000, 1001), drop=True) == words
    assert nominal(Fraction(30000, 1001)) == 30


def test_no_path_of_this_machine_stands_in_an_otio_of_an_export(tmp_path: Path) -> None:
    assert str(tmp_path) not in text_of(timeline_of(assembly("24"), lambda name: name))
