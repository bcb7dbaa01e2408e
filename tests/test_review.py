"""`sora review`: a row a shot and a row a join of any film; what cannot be measured is said, with its reason."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from skimage import data

from sora_cli.cli.main import main
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.events import Recording
from sora_cli.flows import film
from sora_cli.flows.review import Review, review
from sora_cli.media.stream import Frames
from sora_cli.review.bars import Bars
from sora_cli.review.ears import SoundScan
from sora_cli.review.judge import Figure, ReviewRow, judge
from sora_cli.review.parts import ShotSpan
from sora_cli.review.watch import watch
from tests.boards import board, catalogue

PHOTOGRAPH = data.astronaut()[60:420]


def panned(start: int, count: int) -> Frames:
    """A camera that moves over a photograph, one pixel a frame."""
    return np.stack([PHOTOGRAPH[100:228, at : at + 192] for at in range(start, start + count)])


def place(picture: Frames) -> int:
    """How far the camera has moved."""
    return min(range(80), key=lambda at: float(np.abs(panned(at, 1)[0].astype(float) - picture).mean()))


class Panning:
    """Goes on where the given frames are; `dark` in the prompt takes a third of the light."""

    def __init__(self, card: EngineCard) -> None:
        self.card = card

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        progress(1, 1)
        frames = panned(0 if given.opening is None else place(given.opening[0]), take.frames)
        return Footage((frames * 0.66).astype(np.uint8) if "dark" in take.prompt else frames, take.fps)

    def close(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue())
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Panning(card))
    return tmp_path


def make(folder: Path, *shots: Any, **written: Any) -> film.ReleasedFilm:
    return film.make(board(*shots, **LOOK, **written), folder / "film.mp4", report=Recording())


LOOK: dict[str, Any] = {"output": {"size": "192x128", "fps": 12}, "look": "off"}
CARRIED = {"name": "walk", "beats": [{"prompt": "a", "duration": "1s"}, {"prompt": "b", "duration": "1s"}]}


def written(path: Path, frames: Sequence[Frames]) -> Path:
    """A film that nobody told about."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=12)
        video.width, video.height, video.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        for picture in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(video.encode(None))
    return path


def verdicts(found: Review) -> dict[str, str]:
    return {f"{row.kind} {row.name}": row.said for row in found.rows}


def test_a_film_that_holds_has_a_row_a_shot_and_a_row_a_join(folder: Path) -> None:
    found = review(make(folder, CARRIED).path)
    assert found.ok, verdicts(found)
    assert found.planned
    assert [(row.kind, row.name, row.second) for row in found.rows] == [
        ("shot", "walk", 0.0), ("join", "walk/1", 1.0), ("film", "film", 0.0),
    ]  # fmt: skip
    assert "identity not measured, because" in found.rows[-1].said


def test_a_sound_that_begins_with_a_beat_is_no_fault_of_the_join(folder: Path) -> None:
    """An explosion clicked, and got louder at once."""
    first, second = CARRIED["beats"]
    made = make(folder, {"name": "walk", "beats": [first, second | {"sound": "explosion"}]})
    found = review(made.path)
    assert found.ok, verdicts(found)
    assert "click not measured, because a sound begins there" in verdicts(found)["join walk/1"]
    (told,) = json.loads(Path(f"{made.path}.sora.json").read_text())["sounds"]
    assert told == {"bus": "effects", "words": "explosion", "start": 1.0, "seconds": 1.0}


def test_what_was_found_is_kept_and_the_film_stays_up_to_date(folder: Path) -> None:
    made = make(folder, CARRIED)
    found = review(made.path)
    assert json.loads(made.sidecar.read_text())["review"] == found.as_dict()
    assert make(folder, CARRIED).reused


def test_a_shot_of_another_light_is_named_and_the_gate_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make(folder, {"name": "day", "prompt": "a"}, {"name": "dusk", "prompt": "dark"})
    assert verdicts(review(made.path))["shot dusk"] == "its colour drifts: darker"
    assert main(["review", str(made.path)]) == 0
    assert main(["review", str(made.path), "--gate", "--json"]) == 1
    printed = capsys.readouterr().out
    assert json.loads(printed[printed.index("{") :])["ok"] is False


def test_the_storyboard_says_what_the_film_is_held_to(folder: Path) -> None:
    shots = {"name": "day", "prompt": "a"}, {"name": "dusk", "prompt": "dark"}
    found = review(make(folder, *shots, review={"colour": 60, "sharpness": 0}).path)
    assert found.ok
    assert {figure.name: figure.bar for figure in found.rows[1].figures}["colour"] == 60


def test_a_film_without_its_clips_is_reviewed_the_same(folder: Path) -> None:
    made = make(folder, CARRIED)
    before = review(made.path)
    shutil.rmtree(folder / "store")
    assert review(made.path) == before


def test_a_film_without_a_sidecar_is_told_by_its_cuts(tmp_path: Path) -> None:
    other = np.ascontiguousarray(np.flip(panned(0, 24), axis=(1, 3)))
    found = review(written(tmp_path / "any.mp4", [*panned(0, 24), *other]))
    assert [(row.kind, row.second) for row in found.rows] == [("shot", 0.0), ("shot", 2.0), ("film", 0.0)]
    assert found.remarks == ("no sidecar tells its shots: its shots are found by its cuts",)
    assert "cuts not measured, because nothing tells which cuts were planned" in found.rows[-1].said
    assert list(tmp_path.iterdir()) == [tmp_path / "any.mp4"]


def change(made: film.ReleasedFilm, alter: Callable[[dict[str, Any]], object]) -> str:
    facts = json.loads(made.sidecar.read_text())
    alter(facts)
    made.sidecar.write_text(json.dumps(facts))
    return made.sidecar.read_text()


@pytest.mark.parametrize(
    ("alter", "why"),
    [
        (lambda facts: facts["film"].update(sha256="0" * 64), "the film was changed after its sidecar was written"),
        (lambda facts: facts["shots"][0].update(frames=5), "its sidecar tells of 5 frames"),
        (lambda facts: facts["shots"][0].update(start=-5), "is damaged"),
        (lambda facts: facts.update(takes="none"), "is damaged"),
    ],
    ids=["changed", "short", "negative", "nonsense"],
)
def test_a_sidecar_that_does_not_fit_is_not_believed_and_not_changed(
    folder: Path, alter: Callable[[dict[str, Any]], object], why: str
) -> None:
    made = make(folder, CARRIED)
    told = change(made, alter)
    found = review(made.path)
    assert not found.planned
    assert why in found.remarks[0]
    assert made.sidecar.read_text() == told


def test_a_black_film_is_black_and_nothing_else(tmp_path: Path) -> None:
    found = review(written(tmp_path / "black.mp4", [np.zeros((128, 192, 3), np.uint8)] * 24))
    assert verdicts(found)["shot shot 1"] == "24 black frames; sharpness not measured, because the picture is flat"


def test_a_film_of_one_frame_has_nothing_to_be_held_to(tmp_path: Path) -> None:
    found = review(written(tmp_path / "one.mp4", [*panned(0, 1)]))
    assert found.ok
    assert "colour not measured, because one frame alone has nothing to be held to" in found.rows[0].said


def test_a_shot_of_one_frame_among_others_is_told_and_nothing_else_changes(folder: Path) -> None:
    found = review(make(folder, CARRIED, {"name": "blink", "prompt": "a", "duration": "1f"}).path)
    assert found.ok, verdicts(found)
    blink = next(row for row in found.rows if row.name == "blink")
    assert {figure.name for figure in blink.figures if figure.value is not None} >= {"colour", "flicker", "black"}
    alone = review(make(folder, {"name": "blink", "prompt": "a", "duration": "1f"}).path)
    assert "colour not measured, because one frame alone has nothing to be held to" in alone.rows[0].said


def test_a_shot_of_any_length_is_looked_at_with_few_of_its_pictures_in_memory() -> None:
    alive, most, frames = 0, 0, 400

    def gone() -> None:
        nonlocal alive
        alive -= 1

    def pictures() -> Iterator[Frames]:
        nonlocal alive, most
        for at in range(frames):
            picture = np.ascontiguousarray(panned(at % 60, 1)[0][::2, ::2])
            weakref.finalize(picture, gone)
            alive += 1
            most = max(most, alive)
            yield picture

    part = ShotSpan("one", "one", 0, frames, (0, frames))
    rows = judge([part], watch(pictures(), [part]), None, Fraction(12), Bars())
    assert rows[0].name == "one"
    assert most <= 12


def test_a_title_card_is_not_judged(folder: Path) -> None:
    found = review(make(folder, {"name": "card", "title": "The End", "duration": "1s"}, CARRIED).path)
    assert found.ok, verdicts(found)
    assert verdicts(found)["shot card"] == "picture not measured, because a transition or a title card covers all of it"


def test_frames_under_a_transition_are_not_judged(folder: Path) -> None:
    second = {"name": "b", "prompt": "a", "duration": "2s", "transition": "fade 1s"}
    found = review(make(folder, {"name": "a", "prompt": "a", "duration": "2s", "transition": "fade 0.5s"}, second).path)
    assert found.ok, verdicts(found)
    assert Fraction(found.rows[1].second) == 1


def test_takes_stand_side_by_side_with_what_they_were_chosen_by(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(folder, {"name": "a", "prompt": "a", "takes": 2}).path
    assert main(["takes", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [take["name"] for take in told["takes"]] == ["scene-1/a", "scene-1/a#2"]
    assert [take["plays"] for take in told["takes"]].count(True) == 1
    assert all(take["score"] == pytest.approx(sum(take["parts"].values())) for take in told["takes"])
    assert told["picture"] == str(path) + ".takes.png"
    alone = str(shutil.copy(path, folder / "alone.mp4"))  # without its sidecar: its credential lists them
    assert main(["takes", alone, "--json"]) == 0
    out, said = capsys.readouterr()
    assert json.loads(out)["takes"] == told["takes"]
    assert "no sidecar lists the takes; the film's credential does" in said
    shutil.rmtree(folder / "store")
    assert main(["takes", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gone"] == ["scene-1/a", "scene-1/a#2"]
    assert main(["takes", alone, "--json"]) == 0
    less = json.loads(capsys.readouterr().out)
    assert less["gone"] == ["scene-1/a", "scene-1/a#2"]
    assert [take["seed"] for take in less["takes"] if take["plays"]] == [
        take["seed"] for take in told["takes"] if take["plays"]
    ]


def test_the_picture_of_takes_replaces_no_file_of_others(folder: Path) -> None:
    path = make(folder, {"name": "a", "prompt": "a", "takes": 2}).path
    (folder / "film.mp4.takes.png").write_bytes(b"mine")
    assert main(["takes", str(path)]) == 2
    assert (folder / "film.mp4.takes.png").read_bytes() == b"mine"
    assert main(["takes", str(path), "-o", str(folder / "takes.jpg")]) == 2  # it would be a PNG all the same
    assert main(["takes", str(path), "-o", f"{folder}/new/"]) == 0
    assert (folder / "new" / "film.mp4.takes.png").is_file()


def test_sound_of_a_film_of_others_may_be_longer_than_its_picture() -> None:
    frames = panned(0, 12)
    part = ShotSpan("one", "one", 0, 12, (0, 12))
    heard = SoundScan(samples=50_000, levels=[-20.0], jumps=[0.0])
    rows = [
        judge([part], watch(frames, [part]), heard, Fraction(12), Bars(), planned=told)[-1] for told in (True, False)
    ]
    assert [row.ok for row in rows] == [False, True]
    assert all(json.dumps(row.as_dict(), allow_nan=False) for row in rows)


def rolled(count: int, hold: int, ground: int = 0) -> Iterator[Frames]:
    """A large ball that rolls over a photograph, each picture `hold` frames long; a mark moves on each of these."""
    rows, columns = np.mgrid[:128, :192]
    for frame in range(count * hold):
        at = 20 + 15 * (frame // hold)
        picture = np.roll(PHOTOGRAPH[100:228, 200:392], ground, axis=0).copy()
        picture[(rows - 70) ** 2 + (columns - at) ** 2 < 60**2] = (220, 30, 30)
        picture[10:20, 2 * frame % 150 : 2 * frame % 150 + 30] = 200
        yield picture


@pytest.mark.parametrize("hold", [1, 2, 5])
def test_pictures_that_are_shown_for_several_frames_are_no_cuts_and_no_jumps(hold: int) -> None:
    """As in films of 24 and 60 frames by a model of 12: each picture stood out from frames that were the same."""
    part = ShotSpan("one", "one", 0, 12 * hold, (0, 12 * hold), (6 * hold,), hold=Fraction(hold))
    seen = watch(rolled(12, hold), [part], subjects=False)
    _, join, whole = judge([part], seen, None, Fraction(12 * hold), Bars())
    assert join.ok, join.said
    assert whole.ok, whole.said


def test_a_cut_among_such_pictures_and_one_between_stills_is_found() -> None:
    dog = np.ascontiguousarray(data.chelsea()[:128, 100:292])
    still = [*[PHOTOGRAPH[100:228, :192]] * 12, *[dog] * 12, *[PHOTOGRAPH[100:228, 200:392]] * 12]
    assert watch(still).cuts == [12, 24]
    assert watch([*rolled(10, 2), *[dog] * 2, *rolled(10, 2, ground=60)]).cuts == [20, 22]


@pytest.mark.parametrize("hold", [1, 2, 4])
@pytest.mark.parametrize("frozen", [0, 16])
def test_a_head_that_stands_still_is_found_under_a_mark_that_moves(hold: int, frozen: int) -> None:
    """The mark's way was taken for motion; where pictures are shown for several frames, no head was looked at."""
    pictures = [panned(2 * (max(0, frame - frozen) // hold), 1)[0].copy() for frame in range(60)]
    for frame, picture in enumerate(pictures):
        picture[10:20, 2 * frame % 150 : 2 * frame % 150 + 30] = 255 * (frame // 2 % 2)
    part = ShotSpan("one", "one", 0, 60, (0, 60), hold=Fraction(hold), marked=True)
    row = judge([part], watch(pictures, [part], subjects=False), None, Fraction(24), Bars())[0]
    assert ("its head stands still" in row.said) == bool(frozen), row.said


@pytest.mark.parametrize(("short", "words"), [(1, "1 of 3 rows falls short"), (2, "2 of 3 rows fall short")])
def test_the_closing_line_counts_the_rows_that_fall_short(short: int, words: str) -> None:
    figures = [Figure("sharpness", 1.0, ok=number >= short) for number in range(3)]
    rows = tuple(ReviewRow("shot", "", 0.0, (figure,)) for figure in figures)
    assert Review(Path("film.mp4"), planned=True, rows=rows).words == words
