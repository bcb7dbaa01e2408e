"""One contract over every kind of film: a file, a picture, an animated picture, a folder of pictures."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from sora_cli import storyboard
from sora_cli.cancel import Cancellation
from sora_cli.errors import MediaError
from sora_cli.events import Note, Recording
from sora_cli.flows import edit, film
from sora_cli.media.clip import write_clip
from sora_cli.media.read import Film, open_film, probe, reel
from sora_cli.media.read.shelf import Shelf
from sora_cli.media.stills import write_stills
from sora_cli.media.stream import Master, Sound

WIDE, HIGH, COUNT = 48, 32, 6
GREYS = [40, 70, 100, 130, 160, 190]
CASES = Path(__file__).parents[1] / "cases"


def pictures() -> np.ndarray:
    return np.stack([np.full((HIGH, WIDE, 3), grey, np.uint8) for grey in GREYS])


def master() -> Master:
    def frames() -> Iterator[av.VideoFrame]:
        yield from (av.VideoFrame.from_ndarray(picture) for picture in pictures())

    return Master(width=WIDE, height=HIGH, fps=Fraction(10), frames=COUNT, pictures=frames)


KINDS = ("clip.mp4", "film.mkv", "film.ts", "a.gif", "a.webp", "a.png", "folder", "still.jpg")


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    if path.name == "folder":
        write_stills(path, master())
    elif path.suffix in {".gif", ".webp", ".png"}:
        first, *others = [Image.fromarray(picture) for picture in pictures()]
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=100,
            **({"lossless": True} if "webp" in path.name else {}),
        )
    elif path.suffix == ".jpg":
        Image.fromarray(pictures()[0]).save(path, quality=95)
    elif path.name == "clip.mp4":
        write_clip(path, pictures(), Fraction(10), Sound(np.zeros((28_800, 2), np.float32), 48_000))
    else:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
            stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
            for picture in pictures():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
            container.mux(stream.encode(None))
    return path


def greys(found: Film, numbers: list[int]) -> list[int]:
    return [int(np.median(picture)) for picture in found.pictures(numbers)]


def test_an_open_film(made: Path) -> None:
    still = made.name == "still.jpg"
    count = 1 if still else COUNT
    with open_film(made) as found:
        facts, index = found.facts, found.index
        assert (facts.kind, facts.width, facts.height) == ("picture" if still else "film", WIDE, HIGH)
        assert (facts.frames, len(index.times)) == (count, count)
        assert still or (facts.fps, facts.duration, facts.variable) == (10, Fraction(COUNT, 10), False)
        assert np.all(np.diff(index.times) > 0)
        assert found.shown_at(Fraction(10)) == list(range(count))
        for wanted in (
            list(range(count)),
            [count - 1],
            [0, 0],
            [count - 1, 0, count // 2],
        ):  # in any order, again and again
            assert np.abs(np.array(greys(found, wanted)) - [GREYS[number] for number in wanted]).max() <= 3
        times = [frame.pts * frame.time_base for frame in found.frames(range(count)) if frame.pts is not None]
        assert [time - times[0] for time in times] == [Fraction(number, 10) for number in range(count)]
        assert found.read(-1, 1, (16, 16)).shape == (1, 16, 16, 3)
        with pytest.raises(MediaError, match=str(made)):
            list(found.frames([count]))
        assert sum(len(block) for block in found.sound()) == (28_800 if made.name == "clip.mp4" else 0)
    assert probe(made) == facts


def test_a_film_that_is_looked_at_shows_the_same_when_it_is_played(made: Path) -> None:
    last = 1 if made.name == "still.jpg" else COUNT
    with open_film(made) as found:
        for wanted in (range(last), [last - 1], [0, 0], [last - 1, 0], range(last)):
            assert len(list(found.ahead([last // 2, last - 1]))) == 2
            assert np.abs(np.array(greys(found, list(wanted))) - [GREYS[number] for number in wanted]).max() <= 3


def test_what_was_decoded_for_a_look_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, pictures(), Fraction(10))
    with open_film(path) as found:
        first, last = found.ahead([0, COUNT - 1])
        played = list(found.frames(range(COUNT)))
        assert (played[0], played[-1]) == (first, last)
        assert found.read(0, COUNT).tolist() == pictures().tolist(), "who plays it again decodes it"
        monkeypatch.setattr(reel, "_LITTLE", COUNT * WIDE * HIGH * 3 - 1)
        first, last = found.ahead([0, COUNT - 1])
        assert next(found.frames([0])) is not first, "so much is not kept"


def test_what_is_cut_is_refused_by_every_kind(made: Path, tmp_path: Path) -> None:
    path = made
    if path.is_dir():
        (path / "frame-000003.png").unlink()
        with open_film(path) as found, pytest.raises(MediaError):
            found.read(0, COUNT)
        return
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(MediaError), open_film(path) as found:
        found.read(0, len(found.index.times))
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(("sound", "most"), [({"foley": "off"}, 3), ({}, 6)])
def test_a_film_of_two_shots_opens_each_file_once_a_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sound: dict[str, str], most: int
) -> None:
    """Its clips are looked at for their sounds, matched and stitched while they stand open.

    The sound of its place is opened to find its track, to measure the mix and to write it; the film for its sheet.
    """
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "signing"))
    opens: Counter[str] = Counter()
    really = av.open

    def counted(file: str, mode: str = "r", *rest: Any, **how: Any) -> Any:
        if mode == "r":
            opens[file] += 1
        return really(file, mode, *rest, **how)

    monkeypatch.setattr(av, "open", counted)
    shots = [{"name": name, "prompt": f"a {name} ball", "duration": "0.5s"} for name in ("red", "blue")]
    written = {"engine": "nano", "seed": 1, "sound": sound, "shots": shots}
    board = storyboard.from_data(written, folder=tmp_path, name="two")
    film.make(board, tmp_path / "two.mp4", report=Recording())
    assert 0 < opens.total() <= most, opens


def test_a_film_on_the_shelf_is_handed_on_and_one_that_failed_is_not(made: Path) -> None:
    with Shelf() as films:
        with films.open(made) as first:
            seen = first.read(0, 1)
        with films.open(made) as again, films.open(made) as beside:
            assert again is first, "nobody read it"
            assert beside is not first, "it is being read"
            assert np.array_equal(again.read(0, 1), seen)
            assert np.array_equal(beside.read(0, 1), seen)
        with pytest.raises(MediaError), films.open(made) as failed:
            list(failed.frames([COUNT + 1]))
        with films.open(made) as new:
            assert new is not failed


def test_how_a_film_is_used_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "signing"))
    heard = Recording()
    edit.stitch([CASES / "H_a.mov"], tmp_path / "out.mp4", edit.EditOptions(report=heard, cancel=Cancellation()))
    notes = [note.message for note in heard.of(Note)]
    assert notes == ["H_a.mov: what is transparent in it shows white"]
    with open_film(tmp_path / "out.mp4") as found:
        assert found.read(0, 1)[0, 30, -8].min() > 250
