"""`sora conform`: an export that comes back untouched is the same film; one that was changed, what the change says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
import soundfile

from sora_cli import stamp, storyboard
from sora_cli.cancel import Cancellation
from sora_cli.cli.main import main
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.errors import RequestError
from sora_cli.events import Recording
from sora_cli.flows import conform as flow
from sora_cli.flows import export, film
from sora_cli.media.read import probe, read_frames, sound_blocks
from sora_cli.shoot.studio import Studio
from sora_cli.store import Store, default_folder
from tests.boards import catalogue


class Counter:
    """Flat frames that count: frame `i` of a take is grey `60 + 4 i`; each take another blue."""

    shot = 0

    def __init__(self, card: EngineCard) -> None:
        self.card = card

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:  # noqa: ARG002  the seam's own
        progress(1, 1)
        Counter.shot += 1
        frames = np.empty((take.frames, take.height, take.width, 3), np.uint8)
        frames[..., :2] = (60 + 4 * np.arange(take.frames, dtype=np.uint8))[:, None, None, None]
        frames[..., 2] = 40 + 30 * (Counter.shot % 6)
        return Footage(frames, take.fps)

    def close(self) -> None:
        pass


BOARD = """\
title: Back Again
seed: 1
output: {size: 192x128, fps: 24}
look: {match: scene}
sound: {music: tone.wav}
scenes:
  - name: harbour
    shots:
      - name: one
        beats:
          - {prompt: a ball rolls, duration: 8f}
          - {prompt: it stops, duration: 6f}
      - {name: two, prompt: the lamp turns, duration: 12f, transition: dissolve 4f, sound: bell.wav}
      - {name: three, prompt: the lamp is dark, duration: 10f, from: previous}
  - name: sea
    shots:
      - {name: four, prompt: a wave breaks, duration: 12f, transition: COMES}
      - {name: end, title: The End, duration: 6f}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    card = catalogue(native_size=(48, 32), fixed_size=True, fps=Fraction(24))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", card)
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Counter(card))
    for name, pitch in (("tone", 220), ("bell", 880)):
        tone = 0.2 * np.sin(2 * np.pi * pitch * np.arange(48_000) / 48_000)
        soundfile.write(tmp_path / f"{name}.wav", tone, 48_000)
    return tmp_path


def exported(folder: Path, to: str, comes: str = "fade 5f") -> Path:
    (folder / "board.yaml").write_text(BOARD.replace("COMES", comes))
    with Studio(Store(default_folder()), Cancellation()) as studio:
        asked = export.Asked(to=to, only=())
        return export.export(folder / "board.yaml", folder / "cut", asked, studio=studio, report=Recording()).path


def conformed(folder: Path, timeline: Path, name: str = "again.mp4") -> flow.Conformed:
    with Studio(Store(default_folder()), Cancellation()) as studio:
        return flow.conform(timeline, folder / name, flow.Asked(), studio=studio, report=Recording())


def pictures(path: Path) -> np.ndarray:
    return read_frames(path, 0, probe(path).frames)


def sound(path: Path) -> np.ndarray:
    return np.concatenate(list(sound_blocks(path)))


@pytest.mark.parametrize(("to", "comes"), [("otio", "wipe up 5f"), ("edl", "fade 5f"), ("fcpxml", "dissolve 5f"),
                                           ("fcp7", "fade 5f")])  # fmt: skip
def test_an_untouched_export_is_the_same_film_frame_for_frame(folder: Path, to: str, comes: str) -> None:
    timeline = exported(folder, to, comes)
    made = film.make(storyboard.load(folder / "board.yaml"), folder / "film.mp4", report=Recording())
    again = conformed(folder, timeline)
    assert (again.frames, again.shots, again.dropped) == (made.frames, 5, ())
    assert np.array_equal(pictures(again.path), pictures(made.path))
    assert np.array_equal(sound(again.path), sound(made.path))
    verdict = stamp.verify(again.path)
    assert verdict.ok


def edited(folder: Path, change: Callable[[otio.schema.Track], None]) -> Path:
    timeline = exported(folder, "otio", "cut")
    read = otio.adapters.read_from_file(str(timeline))
    change(read.video_tracks()[0])
    otio.adapters.write_to_file(read, str(timeline.with_name("edited.otio")))
    return timeline.with_name("edited.otio")


def blues(path: Path) -> list[int]:
    """A shot's blue, run by run."""
    shown = np.median(pictures(path)[..., 2], axis=(1, 2))
    runs: list[int] = []
    for value in shown:
        if not runs or abs(runs[-1] - value) > 6:
            runs.append(int(value))
    return runs


def test_a_dropped_shot_is_gone_and_told(folder: Path) -> None:
    def drop(track: otio.schema.Track) -> None:
        del track[[item.name for item in track].index("three")]

    again = conformed(folder, edited(folder, drop))
    assert (again.frames, again.dropped) == (54 - 4 - 10, ("three",))


def test_a_shot_can_be_trimmed_moved_and_used_twice(folder: Path) -> None:
    def change(track: otio.schema.Track) -> None:
        items = {item.name: item for item in track}
        four, end = items["four"].clone(), items["end"].clone()
        four.source_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(3, 24), otio.opentime.RationalTime(4, 24)
        )
        track[:] = [end, four, items["four"].clone()]

    again = conformed(folder, edited(folder, change))
    assert (again.frames, again.shots, again.dropped) == (6 + 4 + 12, 3, ("one", "two", "three"))
    greens = np.median(pictures(again.path)[..., 1], axis=(1, 2))
    assert np.abs(greens[6:] - [60 + 4 * at for at in (*range(3, 7), *range(12))]).max() <= 3


def test_a_gap_is_black_and_the_film_stays_as_long(folder: Path) -> None:
    def change(track: otio.schema.Track) -> None:
        at = [item.name for item in track].index("three")
        gap = otio.schema.Gap(duration=otio.opentime.RationalTime(10, 24))
        track[at] = gap

    again = conformed(folder, edited(folder, change))
    shown = pictures(again.path)
    assert again.frames == 50
    assert np.median(shown[22:32], axis=(1, 2, 3)).max() < 30
    assert np.median(shown[33]) > 50


def insert(name: str) -> Callable[[otio.schema.Track], None]:
    def change(track: otio.schema.Track) -> None:
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(5, 24))
        track.append(otio.schema.Clip(name, otio.schema.ExternalReference(f"file:///elsewhere/{name}"), span))

    return change


def longer(track: otio.schema.Track) -> None:
    clip = next(item for item in track if item.name == "four")
    clip.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(99, 24))


def faster(track: otio.schema.Track) -> None:
    next(item for item in track if item.name == "four").effects.append(otio.schema.LinearTimeWarp(time_scalar=2))


@pytest.mark.parametrize(
    ("change", "words"),
    [(insert("stock.mov"), "plays what is not of this export: stock.mov"), (longer, "of shot four, which has 13"),
     (faster, r"004_sea_four.mov \(it has an effect")],
    ids=["another's file", "frames that are not there", "a speed"],
)  # fmt: skip
def test_what_cannot_be_conformed_is_refused_by_name(
    folder: Path, change: Callable[[otio.schema.Track], None], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        conformed(folder, edited(folder, change))
    assert not (folder / "again.mp4").exists()


def test_without_its_export_its_storyboard_or_its_clips_nothing_is_made(folder: Path) -> None:
    timeline = exported(folder, "edl")
    alone = folder / "elsewhere" / "cut.edl"
    alone.parent.mkdir()
    alone.write_text(timeline.read_text())
    assert main(["conform", str(alone), "-o", str(folder / "a.mp4")]) == 2
    assert main(["conform", str(alone), "-o", str(folder / "a.mp4"), "--export", str(timeline.parent)]) == 0
    shutil.rmtree(folder / "store")
    with pytest.raises(RequestError, match="not in the store any more"):
        conformed(folder, timeline)
    board = folder / "board.yaml"
    board.write_text(board.read_text() + "# changed\n")
    with pytest.raises(RequestError, match="has changed since"):
        conformed(folder, timeline)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.edl", "nothing"), ("a.fcpxml", "<fcpxml/>"), ("a.fcpxml", "<"), ("a.otio", "{}"), ("a.xml", "<xmeml"),
     ("a.fcpxml", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><fcpxml>&b;</fcpxml>'), ("a.aaf", "")],
)  # fmt: skip
def test_a_broken_timeline_is_refused(folder: Path, name: str, text: str) -> None:
    timeline = exported(folder, "edl").with_name(name)
    timeline.write_text(text)
    with pytest.raises(RequestError):
        conformed(folder, timeline)
