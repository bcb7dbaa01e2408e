"""`sora conform`: an export that comes back untouched is the same film; one that was changed, what the change says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pysubs2
import pytest
import soundfile
from PIL import Image

from sora_cli import stamp, storyboard
from sora_cli.cancel import Cancellation
from sora_cli.cli.main import main
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.errors import MediaError, PolicyError, RequestError
from sora_cli.events import Note, Recording
from sora_cli.flows import conform as flow
from sora_cli.flows import export, film
from sora_cli.flows.bring import bring
from sora_cli.flows.enlarge import Enlarger
from sora_cli.interchange.cutlist import read_cut
from sora_cli.media.read import probe, read_frames, sound_blocks
from sora_cli.media.read.subtitles import read_words
from sora_cli.media.stream import Subtitle
from sora_cli.plan.timeline import Cut
from sora_cli.policy import pictures as policy
from sora_cli.policy.base import Finding
from sora_cli.record import sidecar
from sora_cli.shoot.studio import Studio
from sora_cli.store import Store, default_folder
from tests.boards import catalogue
from tests.test_review import written


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
          - {prompt: a ball rolls, duration: 8f, dialogue: [{line: "Yes."}]}
          - {prompt: it stops, duration: 6f}
      - {name: two, prompt: the lamp turns, duration: 12f, transition: dissolve 4f, sound: bell.wav}
      - {name: three, prompt: the lamp is dark, duration: 10f, from: previous}
  - name: sea
    shots:
      - {name: four, prompt: a wave breaks, duration: 12f, transition: COMES}
      - {name: end, title: The End, duration: 6f}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a storyboard, the store of its takes, and its export `otio/`."""
    home = tmp_path_factory.mktemp("conform")
    card = catalogue(native_size=(48, 32), fixed_size=True, fps=Fraction(24))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("SORA_STORE", str(home / "store"))
        patch.setattr("sora_cli.engines.catalogue.card", card)
        patch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Counter(card))
        for name, pitch in (("tone", 220), ("bell", 880)):
            tone = 0.2 * np.sin(2 * np.pi * pitch * np.arange(48_000) / 48_000)
            soundfile.write(home / f"{name}.wav", tone, 48_000)
        exported(home, "otio", "cut")
        yield home


def exported(folder: Path, to: str, comes: str) -> Path:
    board = folder / f"{to}.yaml"
    board.write_text(BOARD.replace("COMES", comes))
    with Studio(Store(default_folder()), Cancellation()) as studio:
        return export.export(board, folder / to, export.ExportOptions(to=to), studio=studio, report=Recording()).path


def conformed(folder: Path, timeline: Path, name: str = "", report: Recording | None = None) -> flow.Conformed:
    with Studio(Store(default_folder()), Cancellation()) as studio:
        return flow.conform(
            timeline,
            folder / (name or f"{timeline.stem}.mp4"),
            flow.ConformOptions(),
            studio=studio,
            report=report or Recording(),
        )


def pictures(path: Path) -> np.ndarray:
    return read_frames(path, 0, probe(path).frames)


def sound(path: Path) -> np.ndarray:
    return np.concatenate(list(sound_blocks(path)))


@pytest.mark.parametrize("to", ["otio", pytest.param("edl", marks=pytest.mark.long)])
def test_an_untouched_export_is_the_same_film_frame_for_frame(folder: Path, to: str) -> None:
    timeline = folder / "otio" / "back-again.otio" if to == "otio" else exported(folder, to, "fade 5f")
    made = film.make(storyboard.load(folder / f"{to}.yaml"), folder / f"{to}.mp4", report=Recording())
    again = conformed(folder, timeline, f"{to}-again.mp4")
    assert (again.frames, again.shots, again.dropped) == (made.frames, 5, ())
    assert np.array_equal(pictures(again.path), pictures(made.path))
    assert np.array_equal(sound(again.path), sound(made.path))
    assert stamp.verify(again.path).ok


def edited(folder: Path, change: Callable[[otio.schema.Track], None]) -> Path:
    timeline = folder / "otio" / "back-again.otio"
    read = otio.adapters.read_from_file(str(timeline))
    change(read.video_tracks()[0])
    out = timeline.with_name(f"{change.__name__}.otio")
    otio.adapters.write_to_file(read, str(out))
    return out


def test_a_dropped_shot_is_gone_and_told(folder: Path) -> None:
    def drop(track: otio.schema.Track) -> None:
        del track[[item.name for item in track].index("three")]

    again = conformed(folder, edited(folder, drop))
    assert (again.frames, again.dropped) == (54 - 4 - 10, ("three",))
    notes = {note.sidecar: note.keys for _, note in Store(default_folder()).films.releases()}
    assert notes[f"{again.path}.sora.json"] == notes[str(folder / "otio" / "sora-export.json")]
    assert len(notes[f"{again.path}.sora.json"]) > 5, "its clips stay in the store, and what is said"


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


SPOKEN = """\
seed: 1
output: {size: 48x32, fps: 24}
sound: {foley: off}
subtitles: track
shots:
  - {name: one, prompt: a ball rolls, duration: 1s, dialogue: [{line: "Yes.", at: 0.2s}]}
  - {name: two, prompt: the lamp turns, duration: 1s, dialogue: [{line: "No.", at: 0.5s}]}
"""


@pytest.mark.parametrize("kind", ["track", "srt"])
def test_subtitles_stay_with_shots_that_change_places_and_clips_are_enlarged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    enlarged: list[Cut] = []
    monkeypatch.setattr(Enlarger, "enlarged", lambda _, cut, *__: enlarged.append(cut) or cut)
    home = folder / kind
    home.mkdir()
    (home / "spoken.yaml").write_text(SPOKEN.replace("track", kind))
    with Studio(Store(default_folder()), Cancellation()) as studio:
        how = export.ExportOptions(to="otio")
        made = export.export(home / "spoken.yaml", home / "cut", how, studio=studio, report=Recording()).path
    read = otio.adapters.read_from_file(str(made))
    track = read.video_tracks()[0]
    track[:] = [track[1].clone(), track[0].clone()]
    otio.adapters.write_to_file(read, str(made.with_name("edited.otio")))
    for _ in range(1 if kind == "track" else 2):  # the second time it replaces its own files
        out = conformed(home, made.with_name("edited.otio"), "film.mp4").path
    file = out.with_suffix(".srt")
    said = pysubs2.load(str(file)) if kind == "srt" else None
    cues = [(each.start / 1000, each.text) for each in said] if said else [*map(_cue, read_words(probe(out)).subtitles)]
    assert [(round(start, 2), text) for start, text in cues] == [(0.5, "No."), (1.2, "Yes.")]
    assert file.exists() == (kind == "srt")
    assert len(enlarged) > 1, "as in the film: those of the export, and of the conform"


def test_subtitles_that_a_command_asked_for_come_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = folder / "asked"
    home.mkdir()
    monkeypatch.chdir(home)
    (home / "spoken.yaml").write_text(SPOKEN.replace("subtitles: track\n", ""))
    assert main(["storyboard", "spoken.yaml", "--subtitles", "track", "-o", "film.mp4"]) == 0
    assert main(["export", "film.mp4", "--to", "otio", "-o", "cut/"]) == 0
    timeline = next(Path("cut").glob("*.otio"))
    assert main(["conform", str(timeline), "-o", "again.mp4"]) == 0
    assert read_words(probe(home / "again.mp4")) == read_words(probe(home / "film.mp4"))


def _cue(said: Subtitle) -> tuple[float, str]:
    return said.start, said.text


def test_a_gap_is_black_and_the_film_stays_as_long(folder: Path) -> None:
    def change(track: otio.schema.Track) -> None:
        at = [item.name for item in track].index("three")
        gap = otio.schema.Gap(duration=otio.opentime.RationalTime(10, 24))
        track[at] = gap
        track.append(otio.schema.Gap(duration=otio.opentime.RationalTime(12, 24)))

    report = Recording()
    again = conformed(folder, edited(folder, change), report=report)
    told = [event.message for event in report.events if isinstance(event, Note)]
    assert "12 frames of black at the end are left out" in told
    shown = pictures(again.path)
    assert again.frames == 50
    assert np.median(shown[22:32], axis=(1, 2, 3)).max() < 30
    assert np.median(shown[33]) > 50


def five_of(name: str, place: str) -> otio.schema.Clip:
    """Five frames of a file."""
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(5, 24))
    return otio.schema.Clip(name, otio.schema.ExternalReference(f"{place}/{name}"), span)


def insert(name: str) -> Callable[[otio.schema.Track], None]:
    def change(track: otio.schema.Track) -> None:
        track.append(five_of(name, "file:///elsewhere"))

    return change


def drawn(*greys: int, kind: str) -> bytes:
    """A picture of one grey, or one that shows them in turn, an eighth of a second each."""
    first, *more = (Image.new("RGB", (96, 64), (grey,) * 3) for grey in greys)
    out = io.BytesIO()
    first.save(out, kind, **({"save_all": True, "append_images": more, "duration": 120} if more else {}))
    return out.getvalue()


def test_a_film_that_the_editor_added_plays_as_it_is_and_is_told(folder: Path) -> None:
    stock = folder / "otio" / "stock.mp4"
    written(stock, [np.full((64, 96, 3), 200, np.uint8)] * 6)  # 12 frames a second: 12 of the film's

    def change(track: otio.schema.Track) -> None:
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(2, 24), otio.opentime.RationalTime(8, 24))
        at = [item.name for item in track].index("three") + 1
        track.insert(at, otio.schema.Clip("stock", otio.schema.ExternalReference("file:///gone/stock.mp4"), span))

    again = conformed(folder, edited(folder, change), "added.mp4")
    assert (again.frames, again.shots, again.dropped) == (50 + 8, 6, ())
    shown = np.median(pictures(again.path), axis=(1, 2))
    assert np.abs(shown[32:40] - 200).max() <= 4
    assert np.abs(shown[40] - 200).min() > 20
    verdict = stamp.verify(again.path)
    assert verdict.ok
    assert "stock.mp4" in [part.name for part in verdict.parts]
    assert "1 file that went in" in verdict.moderation
    assert [*sidecar.read(again.path)["files"].values()] == ["otio/stock.mp4"]
    stock.write_text("no film")
    with pytest.raises(MediaError, match=r"stock\.mp4"):
        conformed(folder, folder / "otio" / "change.otio", "added.mp4")


def test_a_bundle_plays_what_the_editor_put_into_it_and_frames_that_are_held(folder: Path) -> None:
    bundle = exported(folder, "otioz", "cut")
    with zipfile.ZipFile(bundle) as given, zipfile.ZipFile(bundle.with_name("edited.otioz"), "w") as edited:
        read = otio.adapters.read_from_string(given.read("content.otio").decode(), "otio_json")
        track = read.video_tracks()[0]
        one = track[0].clone()
        one.source_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(6, 24), otio.opentime.RationalTime(10, 24)
        )
        one.effects.append(otio.schema.FreezeFrame())
        track[:] = [one, five_of("card.png", "media"), five_of("moves.gif", "media")]
        read.audio_tracks()[0].append(five_of("song.wav", "media"))
        edited.writestr("content.otio", otio.adapters.write_to_string(read, "otio_json"))
        edited.writestr("sora-export.json", given.read("sora-export.json"))
        edited.writestr("media/card.png", drawn(90, kind="PNG"))
        edited.writestr("media/moves.gif", drawn(20, 200, kind="GIF"))
    heard = Recording()
    again = conformed(folder, bundle.with_name("edited.otioz"), "bundled.mp4", heard)
    told = [event.message for event in heard.events if isinstance(event, Note)]
    assert [each for each in told if "left out" in each] == [
        "song.wav is left out: the film has its own sound",
        "a line is left out, because the edit cuts away where it begins: Yes.",
    ]
    assert (again.frames, again.shots, again.dropped) == (20, 3, ("two", "three", "four", "end"))
    greens = np.median(pictures(again.path)[..., 1], axis=(1, 2))
    assert np.abs(greens[:10] - (60 + 4 * 6)).max() <= 3
    assert np.abs(greens[10:15] - 90).max() <= 3
    assert [round(float(green) / 20) for green in greens[15:]] == [1, 1, 1, 10, 10]
    assert np.abs(sound(again.path)).max() < 0.5
    verdict = stamp.verify(again.path)
    assert verdict.ok
    assert {"card.png", "moves.gif"} <= {part.name for part in verdict.parts}
    assert "2 files that went in" in verdict.moderation
    assert [*sidecar.read(again.path)["files"].values()] == [
        "otioz/edited.otioz/media/card.png",
        "otioz/edited.otioz/media/moves.gif",
    ]


@pytest.mark.parametrize("name", ["card.png", "film.mp4", "sound.wav"])
def test_what_is_no_film_and_no_picture_in_a_bundle_is_refused_by_name(folder: Path, name: str) -> None:
    read = otio.adapters.read_from_file(str(folder / "otio" / "back-again.otio"))
    read.video_tracks()[0].append(five_of(name, "media"))
    broken = folder / "otio" / "broken.otioz"
    with zipfile.ZipFile(broken, "w") as bundle:
        bundle.writestr("content.otio", otio.adapters.write_to_string(read, "otio_json"))
        bundle.writestr(f"media/{name}", b"RIFFno sound, no picture, no film")
    with pytest.raises(MediaError, match=name):
        conformed(folder, broken, "refused.mp4")
    assert not (folder / "refused.mp4").exists()


class Scoring:
    """Stands in for the model's score alone: no explicit picture is used here."""

    name, version, kind = "scores of a test", "1", "pictures"

    def look(self, items: np.ndarray) -> list[list[Finding]]:
        return [[Finding("sexual", 0.99, self.name)] for _ in items]


def test_a_film_that_was_added_is_held_to_the_policy(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(policy, "checkers", lambda: ((Scoring(),), None))
    written(folder / "otio" / "held.mp4", [np.zeros((64, 96, 3), np.uint8)] * 6)
    with pytest.raises(PolicyError, match=r"held\.mp4: this reads as"):
        conformed(folder, edited(folder, insert("held.mp4")), "refused.mp4")
    assert not (folder / "refused.mp4").exists()


def longer(track: otio.schema.Track) -> None:
    clip = next(item for item in track if item.name == "four")
    clip.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(99, 24))


def faster(track: otio.schema.Track) -> None:
    next(item for item in track if item.name == "four").effects.append(otio.schema.LinearTimeWarp(time_scalar=2))


@pytest.mark.parametrize(
    ("change", "words"),
    [(insert("stock.mov"), "neither in this export nor in its folder: stock.mov"),
     (longer, "of shot four, which has 13"),
     (faster, "plays shot four at 200% of its speed")],
    ids=["another's file", "frames that are not there", "a speed"],
)  # fmt: skip
def test_what_cannot_be_conformed_is_refused_by_name(
    folder: Path, change: Callable[[otio.schema.Track], None], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        conformed(folder, edited(folder, change), "refused.mp4")
    assert not (folder / "refused.mp4").exists()


def test_without_its_export_its_storyboard_or_its_clips_nothing_is_made(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = folder / "otio" / "back-again.otio"
    alone = tmp_path / "cut.otio"
    alone.write_text(timeline.read_text())
    assert main(["conform", str(alone), "-o", str(tmp_path / "a.mp4")]) == 2
    assert main(["conform", str(alone), "-o", str(tmp_path / "a.mp4"), "--export", str(timeline.parent)]) == 0
    board = folder / "otio.yaml"
    text = board.read_text()
    board.write_text(text + "# changed\n")
    with pytest.raises(RequestError, match="has changed since"):
        conformed(tmp_path, timeline)
    board.write_text(text)
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "empty"))
    with pytest.raises(RequestError, match="no longer in the store"):
        conformed(tmp_path, timeline)


@pytest.mark.parametrize(
    ("name", "text"),
    [("deep.otio", "[" * 200_000), ("a.otioz", "no zip"),
     ("a.edl", "nothing"), ("a.fcpxml", "<fcpxml/>"), ("a.fcpxml", "<"), ("a.otio", "{}"), ("a.xml", "<xmeml"),
     ("a.fcpxml", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><fcpxml>&b;</fcpxml>'), ("a.aaf", "")],
)  # fmt: skip
def test_a_broken_timeline_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RequestError):
        read_cut(tmp_path / name, Fraction(24))


@pytest.mark.parametrize("to", ["otio", "edl"])
def test_a_timeline_becomes_a_storyboard_that_begins_on_its_clips(folder: Path, to: str) -> None:
    timeline = folder / "otio" / "back-again.otio"
    if to == "edl":
        timeline = timeline.with_name("list.edl")
        timeline.write_text(LIST)
    made = bring(timeline, folder / "otio" / f"{to}-again.yaml")
    board = storyboard.load(made.path)
    clips = sorted((folder / "otio" / "clips").iterdir())
    links = [shot.beats[0].start for shot in board.shots]
    assert [link and link.path for link in links] == clips[: len(links)]
    assert [shot.beats[0].duration and shot.beats[0].duration.frames for shot in board.shots][:2] == [14, 12]
    assert board.shots[1].transition.kind == "dissolve"
    assert board.fps == 24


LIST = """TITLE: x
FCM: NON-DROP FRAME

001  A001     V     C        00:00:00:00 00:00:00:10 01:00:00:00 01:00:00:10
* FROM CLIP NAME: 001_harbour_one.mov
002  A001     V     C        00:00:00:10 00:00:00:10 01:00:00:10 01:00:00:10
002  A002     V     D    004 00:00:00:00 00:00:00:12 01:00:00:10 01:00:00:22
* TO CLIP NAME: 002_harbour_two.mov
"""
