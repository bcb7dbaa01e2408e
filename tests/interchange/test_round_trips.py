"""Twelve storyboards go out in four formats and come back as the cut that they were; ten changes do what they say.

Nothing is rendered here: cuts are data, and `test_conform.py` shows that what they say is what is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from sora_cli.flows import export_media
from sora_cli.flows.added import Media
from sora_cli.flows.conform import _matched
from sora_cli.flows.outputs import maker_of
from sora_cli.interchange.assembly import Assembly, Item, frame_of
from sora_cli.interchange.cutlist import read_cut
from sora_cli.interchange.edl import written_edl
from sora_cli.interchange.fcpxml import written_fcpxml
from sora_cli.interchange.handles import with_handles
from sora_cli.interchange.recut import Use, recut
from sora_cli.interchange.timelines import final_cut_7, text_of, timeline_of
from sora_cli.media.deliveries import PRORES
from sora_cli.plan import plan_takes
from sora_cli.plan.timeline import Cut, CutShot, assemble
from sora_cli.record.handover import ExportRecord
from sora_cli.store import Clip
from tests.boards import board, catalogue


def shot(name: str, frames: int, comes: str = "cut", **more: Any) -> dict[str, Any]:
    return {"name": name, "prompt": f"{name} moves", "duration": f"{frames}f", "transition": comes, **more}


BEATS = {"beats": [{"prompt": "a", "duration": "9f"}, {"prompt": "b", "duration": "7f"}]}
BOARDS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "cuts": ("24", [shot("a", 12), shot("b", 7), shot("c", 1), shot("d", 13)]),
    "one shot": ("25", [shot("a", 11)]),
    "dissolves, odd and even": ("24", [shot("a", 12), shot("b", 14, "dissolve 5f"), shot("c", 12, "dissolve 4f")]),
    "fades": ("25", [shot("a", 12), shot("b", 12, "fade 5f"), shot("c", 9, "fade 4f")]),
    "wipes": ("30", [shot("a", 12)] + [shot(way, 14, f"wipe {way} 4f") for way in ("left", "right", "up", "down")]),
    "a first shot from black": ("24", [shot("a", 14, "fade 6f"), shot("b", 8)]),
    "titles": ("24", [{"name": "t", "title": "Begin", "duration": "9f"}, shot("a", 12, "dissolve 4f", title="Over"),
                      {"name": "end", "title": "End", "duration": "8f", "transition": "fade 4f"}]),
    "speeds": ("24", [shot("a", 10, speed=2), shot("b", 12, speed=0.5), shot("c", 8, "dissolve 3f", speed=1.5)]),
    "beats that carry on": ("24", [{"name": "a", **BEATS}, shot("b", 9, **{"from": "a"}), {"name": "c", **BEATS}]),
    "23.976": ("24000/1001", [shot("a", 12), shot("b", 12, "dissolve 3f"), shot("c", 9)]),
    "29.97, drop-frame": ("30000/1001", [shot("a", 15), shot("b", 15, "wipe up 4f"), shot("c", 9)]),
    "59.94, drawn between": ("60000/1001", [shot("a", 31), shot("b", 30, "dissolve 8f")]),
}  # fmt: skip
TO = ("a.otio", "a.edl", "a.fcpxml", "a.xml")


class Film:
    """A storyboard as a cut, and as what an export hands over."""

    def __init__(self, fps: str, shots: Sequence[dict[str, Any]], **more: Any) -> None:
        rate = Fraction(fps)
        written = board(*shots, output={"size": "192x128", "fps": fps, **more}, look="off", title="Trip")
        self.plan = plan_takes(written, catalogue(fps=Fraction(24), max_frames=97, chain=0))
        clips = {
            stretch.name: Clip(key=take.key, path=Path(f"{take.key}.mp4"), sha256="", frames=take.frames, width=192,
                               height=128, fps=take.fps)
            for stretch in self.plan.stretches
            for take in stretch.candidates[:1]
        }  # fmt: skip
        self.cut = assemble(self.plan, clips)
        maker = maker_of(written)
        told = ExportRecord(sora="0", made_by=maker.record(Path()), fps=str(rate), shots=())
        media = export_media.Media(self.plan, self.cut, clips, Path(), PRORES, maker, None, told, None, None)  # type: ignore[arg-type]
        self.items: list[Item] = media.items()
        self.record = media.record
        drop = rate.denominator == 1001 and rate > 29
        zero, _ = frame_of("01:00:00;00" if drop else "01:00:00:00", rate)
        self.assembly = Assembly(
            title="Trip", fps=rate, width=192, height=128, items=tuple(self.items), zero=zero, drop=drop
        )

    def text(self, name: str) -> str:
        """What an export writes."""
        if name == "a.edl":
            return written_edl(self.assembly)
        if name == "a.fcpxml":
            return written_fcpxml(self.assembly, lambda file: f"file:///x/{file}")
        timeline = timeline_of(self.assembly, lambda file: file)
        return final_cut_7(timeline, self.assembly) if name == "a.xml" else text_of(timeline)

    def back(self, timeline: Path) -> tuple[Cut, list[Use]]:
        """The cut that a timeline says."""
        played, others = _matched(read_cut(timeline, self.plan.fps), self.record, Media(timeline))
        assert not others
        cut, uses, _ = recut(self.cut, played)
        return cut, uses

    def file(self, name: str, first: int, frames: int) -> list[Seen]:
        """What of the file of a shot is seen, with its handles; of none, black."""
        if not name:
            return [("", 0)] * frames
        found = next(each for each in self.cut.shots if each.name == name)
        return of_shot(with_handles(found, self.cut.fps)[0])[first : first + frames]


Seen = tuple[str, int]
"""A clip's key and the number of its frame."""


def of_shot(one: CutShot) -> list[Seen]:
    return [(piece.clip.key, number) for piece in one.pieces for number in piece.frames] or [("", 0)] * one.blank


def seen(cut: Cut) -> list[Seen]:
    """What is seen on each film frame: of two shots that overlap, the one that comes in."""
    shown = [("", 0)] * cut.frames
    for one in cut.shots:
        shown[one.start : one.start + one.frames] = of_shot(one)
    return shown


def plainly(one: CutShot, *, known: bool) -> tuple[object, ...]:
    """What of a shot a timeline holds; `known` says whether its format has every transition.

    From black, a fade is a dissolve: there is nothing to go down from.
    """
    kind = one.transition.kind if one.overlap or one.lead else "cut"
    if (kind != "cut" and not known) or (kind == "fade" and one.lead):
        kind = "dissolve"
    direction = one.transition.direction if kind == "wipe" else ""
    return one.name, one.scene, one.start, one.frames, one.overlap, one.lead, kind, direction, of_shot(one), one.title


@pytest.mark.parametrize("name", TO)
@pytest.mark.parametrize("which", BOARDS)
def test_an_untouched_export_is_the_cut_that_it_was(which: str, name: str, tmp_path: Path) -> None:
    fps, shots = BOARDS[which]
    film = Film(fps, shots, **({"motion": "interpolate"} if "between" in which else {}))
    (tmp_path / name).write_text(film.text(name))
    cut, _ = film.back(tmp_path / name)
    known = name != "a.fcpxml"
    assert [plainly(one, known=known) for one in cut.shots] == [plainly(one, known=known) for one in film.cut.shots]


# -- ten changes -------------------------------------------------------------------------------------------------------

FOUR = [shot("a", 12), shot("b", 12), shot("c", 12), shot("d", 12, "dissolve 4f")]
Track = otio.schema.Track


def span(first: int, frames: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(first, 24), otio.opentime.RationalTime(frames, 24))


def clip(track: Track, name: str) -> otio.schema.Clip:
    return next(each for each in track if each.name == name)


def place(track: Track, name: str) -> int:
    return [each.name for each in track].index(name)


def drop(track: Track) -> None:
    del track[place(track, "b")]


def move(track: Track) -> None:
    track.insert(1, track.pop(place(track, "a")))


def trim_head(track: Track) -> None:
    clip(track, "b").source_range = span(5, 7)


def trim_tail(track: Track) -> None:
    clip(track, "b").source_range = span(0, 5)


def into_the_handle(track: Track) -> None:
    clip(track, "b").source_range = span(0, 13)


def twice(track: Track) -> None:
    track.append(clip(track, "a").clone())


def gap(track: Track) -> None:
    track[place(track, "b")] = otio.schema.Gap(duration=otio.opentime.RationalTime(6, 24))


def hard(track: Track) -> None:
    del track[place(track, "dissolve")]


def softer(track: Track) -> None:
    before, after = otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(1, 24)
    track.insert(place(track, "c"), otio.schema.Transition("", "SMPTE_Dissolve", before, after))


def backwards(track: Track) -> None:
    del track[place(track, "dissolve")]
    track[:] = [each.clone() for each in reversed(list(track))]


A, B, D = ("a", 0, 12), ("b", 0, 12), ("d", 0, 12)
INTO_D = ("c", 0, 8)
"""Before `d` comes in, over four frames."""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (drop, [A, INTO_D, D]),
        (move, [B, A, INTO_D, D]),
        (trim_head, [A, ("b", 5, 7), INTO_D, D]),
        (trim_tail, [A, ("b", 0, 5), INTO_D, D]),
        (into_the_handle, [A, ("b", 0, 13), INTO_D, D]),
        (twice, [A, B, INTO_D, D, A]),
        (gap, [A, ("", 0, 6), INTO_D, D]),
        (hard, [A, B, ("c", 0, 10), ("d", 2, 10)]),
        (softer, [A, B, INTO_D, D]),
        (backwards, [("d", 2, 10), ("c", 0, 10), B, A]),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_changed_cut_shows_the_frames_that_the_change_says(
    change: Callable[[Track], None], says: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    film = Film("24", FOUR)
    timeline = otio.adapters.read_from_string(film.text("a.otio"), "otio_json")
    change(timeline.video_tracks()[0])
    (tmp_path / "a.otio").write_text(otio.adapters.write_to_string(timeline, "otio_json"))
    cut, _ = film.back(tmp_path / "a.otio")
    assert seen(cut) == [each for piece in says for each in film.file(*piece)]
    if change is softer:
        assert [one.overlap for one in cut.shots] == [0, 0, 1, 4]
