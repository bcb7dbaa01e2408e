"""What editors do to an export, as each format writes it: frames held, pictures added, black, fades out, clips off.

Nothing is rendered here; `test_conform.py` shows that what the cut says is what is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import opentimelineio as otio
import pytest
from PIL import Image

from sora_cli.errors import RequestError
from sora_cli.events import Event
from sora_cli.flows.added import Media, shots_of
from sora_cli.flows.conform import _matched, _tell_lost
from sora_cli.interchange.assembly import EditEvent
from sora_cli.interchange.cutlist import heard, read_cut
from sora_cli.interchange.recut import recut
from sora_cli.plan.timeline import Cut
from tests.interchange.test_round_trips import FOUR, Film

FCPXML = """\
<?xml version="1.0"?><!DOCTYPE fcpxml>
<fcpxml version="1.10"><resources>
<format id="r1" frameDuration="1/24s" width="192" height="128"/>
<asset id="a" name="a" start="0s" duration="13/24s" hasVideo="1"><media-rep kind="original-media" src="file:///x/{a}"/></asset>
<asset id="b" name="b" start="0s" duration="13/24s" hasVideo="1"><media-rep kind="original-media" src="file:///x/{b}"/></asset>
<asset id="p" name="card" start="0s" duration="0s" hasVideo="1"><media-rep kind="original-media" src="file:///x/card.png"/></asset>
<asset id="s" name="song" start="0s" duration="9s" hasAudio="1"><media-rep kind="original-media" src="file:///x/song.wav"/></asset>
</resources><library><event name="e"><project name="p"><sequence format="r1" tcStart="3600s"><spine>
{spine}
</spine></sequence></project></event></library></fcpxml>
"""
XMEML = """\
<?xml version="1.0"?><!DOCTYPE xmeml>
<xmeml version="5"><sequence id="s"><name>p</name><duration>44</duration>
<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate><media><video><track>
{track}
</track></video></media></sequence></xmeml>
"""
SPINE = """\
<asset-clip ref="a" name="a" offset="3600s" start="0s" duration="6/24s">
<asset-clip ref="s" name="song" lane="-1" offset="0s" duration="9s"/></asset-clip>
<asset-clip ref="a" name="a" offset="86406/24s" start="3600s" duration="8/24s"><timeMap>
<timept time="3600s" value="5/24s" interp="linear"/><timept time="86408/24s" value="5/24s" interp="linear"/>
</timeMap></asset-clip>
<gap name="Gap" offset="86414/24s" start="3600s" duration="4/24s"/>
<video ref="p" name="card" offset="86418/24s" start="3600s" duration="10/24s"/>
<asset-clip ref="b" name="b" offset="86428/24s" start="0s" duration="12/24s"/>
<asset-clip ref="b" name="b" offset="86440/24s" start="0s" duration="3/24s" enabled="0"/>
<asset-clip ref="a" name="a" offset="86443/24s" start="0s" duration="1/24s"/>
"""
LIST = """\
TITLE: edit
FCM: NON-DROP FRAME

001  AX       V     C        00:00:00:00 00:00:00:06 01:00:00:00 01:00:00:06
* FROM CLIP NAME: {a}
002  AX       V     C        00:00:00:05 00:00:00:13 01:00:00:06 01:00:00:14
M2   AX       000.0                00:00:00:05
* FROM CLIP NAME: {a}
003  BL       V     C        00:00:00:00 00:00:00:04 01:00:00:14 01:00:00:18
004  AX       V     C        00:00:00:00 00:00:00:02 01:00:00:18 01:00:01:04
* FROM CLIP NAME: card.png
005  AX       AA/V  C        00:00:00:00 00:00:00:12 01:00:01:04 01:00:01:16
* FROM CLIP NAME: {b}
006  AX       A2    C        00:00:00:00 00:00:02:12 01:00:00:00 01:00:02:12
* FROM CLIP NAME: song.wav
007  AX       V     C        00:00:00:00 00:00:00:01 01:00:01:19 01:00:01:20
* FROM CLIP NAME: {a}
"""


def clip_of(name: str, start: int, frames: int, *effects: otio.schema.Effect, enabled: bool = True) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(f"file:///x/{name}")
    made = otio.schema.Clip(name, reference, span(start, frames), effects=list(effects))
    made.enabled = enabled
    return made


def span(start: int, frames: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(frames, 24))


def timeline_of(*items: otio.core.Composable) -> str:
    timeline = otio.schema.Timeline("edit")
    track = otio.schema.Track("v", kind=otio.schema.TrackKind.Video)
    track.extend(items)
    timeline.tracks.append(track)
    return str(otio.adapters.write_to_string(timeline, "otio_json"))


def item_of(name: str, start: int, end: int, first: int, more: str = "") -> str:
    """A clip of Final Cut Pro 7's XML."""
    rate = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"
    return (
        f"<clipitem><name>{name}</name>{rate}<start>{start}</start><end>{end}</end><in>{first}</in>"
        f"<out>{first + end - start}</out><file id='{name}{start}'><name>{name}</name>{rate}"
        f"<pathurl>file:///x/{name}</pathurl></file>{more}</clipitem>"
    )


REMAP = (
    "<filter><effect><name>Time Remap</name><effectid>timeremap</effectid><parameter><parameterid>variablespeed"
    "</parameterid><value>0</value></parameter><parameter><parameterid>speed</parameterid><value>{}</value></parameter>"
    "</effect></filter>"
)


@pytest.fixture(scope="module")
def film() -> Film:
    return Film("24", FOUR)


def written(film: Film, ending: str) -> str:
    """One edit in each format: a trimmed, a frame of it held, black, a picture, b, b switched off, one frame of a."""
    a, b = (item.file.removeprefix("clips/") for item in film.items[:2])
    gap = otio.schema.Gap(duration=otio.opentime.RationalTime(4, 24))
    freeze, off = otio.schema.FreezeFrame(), "<enabled>FALSE</enabled>"
    items = [item_of(a, 0, 6, 0), item_of(a, 6, 14, 5, REMAP.format(0)), item_of("card.png", 18, 28, 900),
             item_of(b, 28, 40, 0), item_of(b, 40, 43, 0, off), item_of(a, 43, 44, 0)]  # fmt: skip
    texts = {
        ".otio": lambda: timeline_of(
            clip_of(a, 0, 6), clip_of(a, 5, 8, freeze), gap, clip_of("card.png", 900, 10), clip_of(b, 0, 12),
            clip_of(b, 0, 3, enabled=False), clip_of(a, 0, 1),
        ),
        ".edl": lambda: LIST.format(a=a, b=b),
        ".fcpxml": lambda: FCPXML.format(a=a, b=b, spine=SPINE),
        ".xml": lambda: XMEML.format(track="".join(items)),
    }  # fmt: skip
    return texts[ending]()


def conformed(film: Film, timeline: Path) -> Cut:
    played, others = _matched(read_cut(timeline, film.plan.fps), film.record, Media(timeline))
    more = shots_of(others, film.plan.fps, film.plan.frames, lambda _: None, {})
    return recut(film.cut, played, more)[0]


@pytest.mark.parametrize("ending", [".otio", ".edl", ".fcpxml", ".xml"])
def test_held_frames_pictures_black_and_clips_that_are_off_come_back_from_each_format(
    film: Film, ending: str, tmp_path: Path
) -> None:
    Image.new("RGB", (192, 128), "navy").save(tmp_path / "card.png")
    (tmp_path / f"cut{ending}").write_text(written(film, ending))
    cut = conformed(film, tmp_path / f"cut{ending}")
    seen = [[at for piece in shot.pieces for at in piece.frames] for shot in cut.shots]
    shown = [(shot.name, shot.start, shot.frames, frames) for shot, frames in zip(cut.shots, seen, strict=True)]
    assert shown == [
        ("a", 0, 6, [*range(6)]), ("a-2", 6, 8, [5] * 8), ("black", 14, 4, []), ("card", 18, 10, [0] * 10),
        ("b", 28, 12, [*range(12)]), ("black-2", 40, 3, []), ("a-3", 43, 1, [0]),
    ]  # fmt: skip
    assert [piece.silent for shot in cut.shots[:2] for piece in shot.pieces][-1]
    assert cut.shots[3].pieces[0].clip.path == tmp_path / "card.png"
    sounds = {".edl": ["song.wav"], ".fcpxml": ["song.wav"]}  # the others have a track for it here
    assert heard(tmp_path / f"cut{ending}", Fraction(24)) == sounds.get(ending, [])


def transition(before: int, after: int) -> otio.schema.Transition:
    times = (otio.opentime.RationalTime(frames, 24) for frames in (before, after))
    return otio.schema.Transition("", "SMPTE_Dissolve", *times)


@pytest.mark.parametrize("ending", [".otio", ".edl", ".fcpxml"])
def test_the_last_shot_can_go_out_into_black(film: Film, ending: str, tmp_path: Path) -> None:
    a = film.items[0].file.removeprefix("clips/")
    out = '<transition name="Fade" offset="86404/24s" duration="4/24s"/>'
    texts = {
        ".otio": timeline_of(clip_of(a, 0, 8), transition(4, 0)),
        ".edl": f"001  001T1    V     C        00:00:00:00 00:00:00:04 00:00:00:00 00:00:00:04\n* FROM CLIP NAME: {a}\n"
        "002  BL       V     D    004 00:00:00:00 00:00:00:04 00:00:00:04 00:00:00:08\n",
        ".fcpxml": FCPXML.format(a=a, b="", spine=f'<asset-clip ref="a" offset="3600s" duration="8/24s"/>{out}'),
    }
    (tmp_path / f"cut{ending}").write_text(texts[ending])
    first, black = conformed(film, tmp_path / f"cut{ending}").shots
    assert (first.frames, black.start, black.frames, black.overlap, black.transition.kind) == (8, 4, 4, 4, "dissolve")


OVER = '<asset-clip ref="a" name="a" offset="3600s" start="0s" duration="6/24s">{}</asset-clip>'
NEXT = "00:00:00:00 00:00:00:06 01:00:00:00 01:00:00:06"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [("x.edl", f"001  001T1    V     C        {NEXT}\nM2   001T1    048.0   00:00:00:00\n", "shot a at 200%"),
     ("x.edl", f"001  001T1    V     C        {NEXT}\nM2   001T1   -024.0   00:00:00:00\n", "shot a at -100%"),
     ("x.edl", f"001  001T1    V2    C        {NEXT}\n", "on track V2"),
     ("x.edl", f"001  001T1    V     C        {NEXT}\n002  002T1    V     C        {NEXT}\n", "is still on"),
     ("x.edl", f"001  001T1    V     D    009 {NEXT}\n", "come in over 9 frames, and plays 6"),
     ("x.fcpxml", OVER.format('<video ref="p" name="card" lane="1" duration="1s"/>'), "card lies over it"),
     ("x.fcpxml", OVER.format('<spine lane="1"/>'), "a spine lies over it"),
     ("x.fcpxml", '<title name="The End" duration="1s"/>', r"The End \(a title"),
     ("x.fcpxml", OVER.format('<timeMap><timept time="0s" value="0s"/><timept time="1s" value="2s"/></timeMap>'),
      "a speed of its own"),
     ("x.xml", item_of("A", 0, 6, 0, REMAP.format(200)), "shot a at 200%"),
     ("x.xml", item_of("A", 0, 6, 0, REMAP.format(100).replace("timeremap", "blur")), "an effect: Time Remap"),
     ("x.otio", "lens", "a generator of clouds")],
)  # fmt: skip
def test_what_has_no_place_in_the_film_is_refused_by_name(
    film: Film, name: str, text: str, words: str, tmp_path: Path
) -> None:
    a = film.items[0].file.removeprefix("clips/")
    if name == "x.otio":
        clouds = otio.schema.GeneratorReference("lens", "clouds")
        text = timeline_of(otio.schema.Clip("lens", clouds, span(0, 5)))
    if name == "x.fcpxml":
        text = FCPXML.format(a=a, b="", spine=text)
    if name == "x.xml":
        text = XMEML.format(track=text.replace("/x/A<", f"/x/{a}<"))
    (tmp_path / name).write_text(text)
    with pytest.raises(RequestError, match=words):
        conformed(film, tmp_path / name)


def test_a_list_of_another_film_is_refused_though_its_reels_are_called_alike(film: Film, tmp_path: Path) -> None:
    (tmp_path / "a.edl").write_text(f"001  001T1    V     C        {NEXT}\n* FROM CLIP NAME: 001_sea_gull.mov\n")
    with pytest.raises(RequestError, match=r"neither in this export nor in its folder: 001_sea_gull\.mov"):
        conformed(film, tmp_path / "a.edl")
    (tmp_path / "a.edl").write_text(f"001  001T1    V     C        {NEXT}\n")
    assert [shot.name for shot in conformed(film, tmp_path / "a.edl").shots] == ["a"]


def test_a_film_in_a_list_is_counted_by_its_own_timecode(film: Film, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "stock.mov"), "w") as made:
        stream = made.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["timecode"] = "10:00:00:00"
        for _ in range(12):
            made.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        made.mux(stream.encode())
    for first in ("10:00:00:02 10:00:00:08", "00:00:00:02 00:00:00:08"):
        text = f"001  AX  V  C  {first} 01:00:00:00 01:00:00:06\n* FROM CLIP NAME: stock.mov\n"
        (tmp_path / "a.edl").write_text(text)
        (shot,) = conformed(film, tmp_path / "a.edl").shots
        assert shot.pieces[0].frames == tuple(range(2, 8))


def test_a_track_that_is_off_does_not_count_and_a_folder_is_told_by_the_file_in_it(film: Film, tmp_path: Path) -> None:
    timeline = otio.adapters.read_from_string(written(film, ".otio"), "otio_json")
    over = otio.schema.Track("over", kind=otio.schema.TrackKind.Video)
    over.append(clip_of("stock.mp4", 0, 5))
    over.enabled = False
    timeline.tracks.append(over)
    otio.adapters.write_to_file(timeline, str(tmp_path / "a.otio"))
    assert len(read_cut(tmp_path / "a.otio", Fraction(24))) == 7
    over.enabled = True
    otio.adapters.write_to_file(timeline, str(tmp_path / "a.otio"))
    with pytest.raises(RequestError, match="2 tracks with pictures"):
        read_cut(tmp_path / "a.otio", Fraction(24))
    with pytest.raises(RequestError, match="no such timeline") as caught:
        read_cut(tmp_path / "cut.fcpxmld", Fraction(24))
    assert caught.value.hint == "name the file Info.fcpxml in it"


def test_clips_of_a_spine_without_an_offset_follow_each_other(film: Film, tmp_path: Path) -> None:
    a, clip = film.items[0].file.removeprefix("clips/"), '<asset-clip ref="a" name="a" duration="6/24s"/>'
    (tmp_path / "a.fcpxml").write_text(FCPXML.format(a=a, b="", spine=2 * clip))
    assert [(shot.start, shot.frames) for shot in conformed(film, tmp_path / "a.fcpxml").shots] == [(0, 6), (6, 6)]


@pytest.mark.parametrize(("fps", "told"), [("25", 1), ("24", 0)])
def test_a_timeline_of_another_rate_is_told(film: Film, fps: str, told: int, tmp_path: Path) -> None:
    (tmp_path / "a.otio").write_text(timeline_of(clip_of("stock.mp4", 0, 6)))
    notes: list[Event] = []
    _tell_lost(tmp_path / "a.otio", Fraction(fps), [], film.record, notes.append)
    assert len([each for each in notes if "nearest frame" in str(each)]) == told


def events(text: str, tmp_path: Path, fps: str = "24") -> Sequence[EditEvent]:
    (tmp_path / "a.edl").write_text(text)
    return read_cut(tmp_path / "a.edl", Fraction(fps))


def test_a_list_in_the_order_of_its_reels_plays_in_that_of_the_film(tmp_path: Path) -> None:
    later = NEXT.replace("01:00:00:06", "01:00:00:12").replace("01:00:00:00", "01:00:00:06")
    found = events(f"001  B  V  C  {later}\n002  A  V  C  {NEXT}\n", tmp_path)
    assert [(event.reel, event.begin, event.end) for event in found] == [("A", 0, 6), ("B", 6, 12)]


def test_a_drop_frame_list_with_colons_is_read_as_one(tmp_path: Path) -> None:
    times = "00:00:00:00 00:01:00:02 01:00:00:00 01:01:00:02"
    (found,) = events(f"FCM: DROP FRAME\n001  A  V  C  {times}\n", tmp_path, "30000/1001")
    assert (found.end, found.pace) == (1800, 1)


def test_a_fade_that_stays_black_is_no_short_fade(tmp_path: Path) -> None:
    text = (
        f"001  A  V  C  {NEXT}\n002  BL  V  D 002  00:00:00:00 00:00:01:00 01:00:00:06 01:00:01:06\n"
        "003  B  V  D 002  00:00:00:00 00:00:00:06 01:00:01:06 01:00:01:12\n"
    )
    short = text.replace("00:00:01:00 01:00:00:06 01:00:01:06", "00:00:00:02 01:00:00:06 01:00:00:08").replace(
        "01:00:01:06 01:00:01:12", "01:00:00:08 01:00:00:14"
    )
    assert len(events(short, tmp_path)) == 3, "a fade needs two frames of B that it has not"
    assert (
        len(events(short.replace("V  D 002  00:00:00:00 00:00:00:06", "V  D 002  00:00:00:02 00:00:00:08"), tmp_path))
        == 2
    )
    assert [(each.black, each.begin, each.end, each.kind) for each in events(text, tmp_path)] == [
        (False, 0, 6, "cut"), (True, 6, 30, "dissolve"), (False, 30, 36, "dissolve"),
    ]  # fmt: skip


def test_shots_are_known_by_names_as_edit_suites_change_them(film: Film, tmp_path: Path) -> None:
    a = Path(film.items[0].file).stem.upper()
    (tmp_path / "a.edl").write_text(f"001  AX  V  C  {NEXT}\n* FROM CLIP NAME: {a}.MXF\n")
    assert [shot.name for shot in conformed(film, tmp_path / "a.edl").shots] == ["a"]
