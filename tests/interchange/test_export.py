"""`sora export`: the shots of a film as files with handles, and what else goes into an export."""

from __future__ import annotations

import csv
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest

from sora_cli import stamp, storyboard
from sora_cli.cancel import Cancellation
from sora_cli.cli.main import main
from sora_cli.colour.cdl import cdl_of
from sora_cli.colour.cube import look_up, read_cube, table
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.errors import RequestError
from sora_cli.events import Note, Recording
from sora_cli.flows import film
from sora_cli.flows.export import Exported, ExportOptions, export, summary
from sora_cli.media.read import probe, read_frames
from sora_cli.shoot.studio import Studio
from sora_cli.store import Store, default_folder
from tests.boards import catalogue


class Counter:
    """Flat frames that count: frame `i` of a take is grey `40 + 4 i`."""

    def __init__(self, card: EngineCard) -> None:
        self.card = card

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:  # noqa: ARG002  the seam's own
        progress(1, 1)
        greys = 40 + 4 * np.arange(take.frames, dtype=np.uint8)[:, None, None, None]
        return Footage(np.broadcast_to(greys, (take.frames, take.height, take.width, 3)).copy(), take.fps)

    def close(self) -> None:
        pass


BOARD = """\
title: Four Shots
seed: 1
output: {{size: 192x128, fps: {fps}}}
look: {look}
scenes:
  - name: harbour
    shots:
      - name: arrival
        beats:
          - {{prompt: a ball rolls, duration: 8f}}
          - {{prompt: "it stops & <waits>", duration: 6f}}
      - {{name: lamp, prompt: the lamp turns, duration: 12f, transition: dissolve 4f, title: Meanwhile}}
  - name: sea
    shots:
      - {{name: wave, prompt: a wave breaks, duration: 12f, transition: fade 5f, from: previous}}
      - {{name: gull, prompt: a gull sleeps, duration: 10f, transition: wipe right 4f}}
      - {{name: end, title: The End, duration: 6f}}
"""
STARTS = (0, 10, 17, 25, 35)
LENGTHS = (14, 12, 12, 10, 6)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(
        "sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True, fps=Fraction(24))
    )
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Counter(card))
    return tmp_path


def exported(
    folder: Path, to: str, fps: str = "24", *, out: str = "out", look: str = "off", report: Any = None, **more: Any
) -> Exported:
    board = folder / "board.yaml"
    board.write_text(BOARD.format(fps=fps, look=look))
    with Studio(Store(default_folder()), Cancellation()) as studio:
        return export(board, folder / out, ExportOptions(to=to, **more), studio=studio, report=report or Recording())


def test_an_export_has_each_shot_as_a_stamped_file_with_its_handles(folder: Path) -> None:
    heard = Recording()
    made = exported(folder, "folder", report=heard)
    assert [path.name for path in made.clips] == [
        "001_harbour_arrival.mov", "002_harbour_lamp.mov", "003_sea_wave.mov", "004_sea_gull.mov", "005_sea_end.mov",
    ]  # fmt: skip
    timeline = otio.adapters.read_from_file(str(made.path))
    for clip, path in zip(timeline.find_clips(), made.clips, strict=True):
        assert made.path.parent / clip.media_reference.target_url == path
        assert probe(path).frames == clip.available_range().duration.value
        assert stamp.verify(path).ok
    wave = next(clip for clip in timeline.find_clips() if clip.name == "wave")
    assert wave.metadata["sora"]["head"] == 5
    assert wave.source_range.start_time.value == 5 + 2
    told = {event.message for event in heard.events if isinstance(event, Note)}
    assert "folder: titles over shots are notes of their clips, to be set again in the edit suite" in told


def test_a_clip_shows_its_take_from_the_first_frame_to_the_last(folder: Path) -> None:
    made = exported(folder, "edl", only=("lamp",))
    (clip,) = made.clips
    greys = np.median(read_frames(clip, 0, probe(clip).frames), axis=(1, 2, 3))
    assert np.abs(greys - (40 + 4 * np.arange(13))).max() <= 2


def test_an_export_replaces_its_own_files_and_no_others(folder: Path) -> None:
    made = exported(folder, "edl", only=("lamp", "end"))
    beside = folder / "out" / "clips" / "notes.txt"
    beside.write_text("an editor's own")
    killed = beside.with_name(".001_sea_end.0123abcd.part.mov")
    killed.write_bytes(b"what an export that was killed left")
    exported(folder, "edl", only=("end",))
    assert beside.exists()
    assert not killed.exists()
    assert not made.clips[0].exists()  # no shot of the new one
    assert (folder / "out" / "clips" / "001_sea_end.mov").exists()
    edited = made.path.read_text() + "* an editor was here\n"
    made.path.write_text(edited)
    with pytest.raises(RequestError, match="is there already"):
        exported(folder, "edl", only=("end",))
    assert made.path.read_text() == edited
    exported(folder, "edl", only=("end",), overwrite=True)
    assert made.path.read_text() != edited


@pytest.mark.parametrize("name", ["clips", "luts", "stems"])
def test_a_file_with_the_name_of_a_folder_of_the_export_is_refused_before_any_work(folder: Path, name: str) -> None:
    (folder / "out").mkdir()
    (folder / "out" / name).write_text("an editor's own")
    with pytest.raises(RequestError, match=f"{name} is a file"):
        exported(folder, "otio")
    assert [path.name for path in (folder / "out").iterdir()] == [name]
    assert not (folder / "store" / "takes").exists()


def test_a_bundle_holds_its_media_and_replaces_itself(folder: Path) -> None:
    for _ in range(2):
        made = exported(folder, "otioz", out="film.otioz", only=("end",))
        assert [note.sidecar for _, note in Store(default_folder()).films.releases()] == [str(made.path)]
    assert summary(made).startswith(f"{made.path}: 1 clip, ")
    with zipfile.ZipFile(made.path) as bundle:
        assert {"content.otio", "media/001_sea_end.mov", "sora-export.json"} <= set(bundle.namelist())
        assert stamp.verify(Path(bundle.extract("media/001_sea_end.mov", folder))).ok
    made.path.write_bytes(b"another")
    with pytest.raises(RequestError, match="is there already"):
        exported(folder, "otioz", out="film.otioz", only=("end",))


def test_a_film_is_exported_by_its_sidecar_until_its_storyboard_changes(folder: Path) -> None:
    board = folder / "board.yaml"
    board.write_text(BOARD.format(fps=24, look="off"))
    film.make(storyboard.load(board), folder / "film.mp4", report=Recording())
    with Studio(Store(default_folder()), Cancellation()) as studio:
        made = export(folder / "film.mp4", folder / "out", ExportOptions(to="otio"), studio=studio, report=Recording())
        assert len(made.clips) == 5
        board.write_text(board.read_text().replace("a ball rolls", "a ball jumps"))
        with pytest.raises(RequestError, match="is missing or was changed"):
            export(folder / "film.mp4", folder / "out", ExportOptions(to="otio"), studio=studio, report=Recording())


def test_a_shot_list_goes_out_without_media_and_comes_in_again(folder: Path) -> None:
    made = exported(folder, "csv", out="shots.csv")
    with made.path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["Scene"], row["Shot"], row["Frames"]) for row in rows[:2]] == [
        ("harbour", "arrival", "14"), ("harbour", "lamp", "12"),
    ]  # fmt: skip
    assert [row["TC In"] for row in rows] == [f"01:00:0{at // 24}:{at % 24:02d}" for at in STARTS]
    assert main(["import", str(made.path), "-o", str(folder / "again.yaml")]) == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [({"to": "aaf"}, "no such format"), ({"to": "edl", "start": "01:00:00;00"}, "no drop-frame"),
     ({"to": "edl", "start": "1 hour"}, "--start 1 hour: 1 hour is not a timecode"),
     ({"to": "csv", "out": "a.csv", "graded": True}, "--graded is for clips"),
     ({"to": "srt", "out": "a.srt", "start": "10:00:00:00"}, "--start is for timecodes"),
     ({"to": "srt", "out": "a.srt"}, "nobody speaks"),
     ({"to": "csv", "out": "a.txt"}, "ends in .csv"), ({"to": "edl", "deliver": "web"}, "prores or archive"),
     ({"to": "fcp7", "fps": "12"}, "no timecode at 12")],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused_before_any_work(folder: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        exported(folder, **more)
    assert sorted(path.name for path in folder.iterdir()) in (["board.yaml"], ["board.yaml", "config"])


def test_a_table_that_is_a_cdl_is_told_as_one() -> None:
    slopes, powers = (1.1, 1.0, 0.9), (1.0, 1.2, 0.9)
    found = cdl_of(table(lambda colours: np.clip(colours * slopes, 0, 1) ** powers))
    assert found is not None
    assert found[0] == pytest.approx(slopes, abs=0.01)
    assert found[2] == pytest.approx(powers, abs=0.01)
    assert cdl_of(table(lambda colours: colours[..., ::-1])) is None


def test_colours_go_beside_the_clips_or_into_them(folder: Path) -> None:
    plain = exported(folder, "otio", look="{match: film}", only=("arrival", "gull"))
    tables = sorted(path.name for path in (folder / "out" / "luts").iterdir())
    clips = list(otio.adapters.read_from_file(str(plain.path)).find_clips())
    assert [clip.metadata["sora"].get("lut", "") for clip in clips] == ["", f"luts/{tables[0]}"]
    graded = exported(folder, "otio", look="{match: film}", only=("arrival", "gull"), graded=True, out="graded")
    assert not (folder / "graded" / "luts").exists()
    shown = [read_frames(made.clips[1], 0, 10) for made in (plain, graded)]
    look = read_cube(folder / "out" / "luts" / tables[0])
    wanted = look_up(look, shown[0] / 255) * 255
    assert np.abs(np.median(wanted - shown[1], axis=(1, 2, 3))).max() <= 2
