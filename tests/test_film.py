"""The whole line, with an engine that draws flat colours, so that every frame of the film tells its shot."""

from __future__ import annotations

import json
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli import stamp
from sora_cli.cancel import Cancellation
from sora_cli.cli.main import main
from sora_cli.colour.cube import read_cube
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.errors import RenderError, RequestError, StoreError
from sora_cli.events import Recording, TakeKept
from sora_cli.flows import film, luts, places
from sora_cli.media.deliveries import DELIVERIES
from sora_cli.media.read import probe, read_frames
from sora_cli.plan import round_half_up
from sora_cli.shoot.studio import Studio, place
from sora_cli.store import Store, default_folder
from tests.boards import board, catalogue

GREYS = {"black": 30, "dark": 80, "light": 150, "white": 220}


class Greys:
    """Flat frames in the grey that the prompt names."""

    def __init__(self, card: EngineCard) -> None:
        self.card = card

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:  # noqa: ARG002  the seam's own
        progress(1, 1)
        word = take.prompt.split(".")[0].split()[0]
        if word not in GREYS:
            raise RenderError(f"no grey called {word}")
        return Footage(np.full((take.frames, take.height, take.width, 3), GREYS[word], np.uint8), take.fps)

    def close(self) -> None:
        pass


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    return tmp_path


def make(
    folder: Path, *shots: Any, report: Any = None, name: str = "film.mp4", deliver: str = "web", **written: Any
) -> film.ReleasedFilm:
    written = {"output": {"size": "192x128"}, "look": "off", **written}
    return film.make(board(*shots, **written), folder / name, report=report or Recording(), deliver=deliver)


def shown(path: Path, frames: int) -> list[str]:
    """The name of the grey of each frame; the mark is off its median."""
    medians = np.median(read_frames(path, 0, frames), axis=(1, 2, 3))
    return [min(GREYS, key=lambda name: abs(GREYS[name] - median)) for median in medians]


@pytest.mark.parametrize("rate", [12, 24, 25, 30])
def test_every_boundary_falls_on_its_frame(studio: Path, rate: int) -> None:
    lengths = {"black": "1.3s", "white": "700ms", "dark": "1s", "light": "0.51s"}
    made = make(studio, *({"prompt": word, "duration": length} for word, length in lengths.items()),
                output={"size": "192x128", "fps": rate})  # fmt: skip
    ends = [round_half_up(Fraction(t) * rate) for t in ("1.3", "2.0", "3.0", "3.51")]
    facts = probe(made.path)
    assert (facts.frames, facts.fps, facts.variable) == (ends[-1], Fraction(rate), False)
    expected = [
        word for word, start, end in zip(lengths, [0, *ends], ends, strict=False) for _ in range(end - start)
    ]  # fmt: skip
    assert shown(made.path, ends[-1]) == expected


def test_transitions_change_no_length(studio: Path) -> None:
    made = make(
        studio, {"prompt": "black", "duration": "2s"},
        {"prompt": "white", "duration": "2s", "transition": "dissolve 0.5s"},
        {"prompt": "black", "duration": "2s", "transition": "wipe left 0.5s"},
    )  # fmt: skip
    assert probe(made.path).frames == made.frames == 60
    assert shown(made.path, 60)[:18] == ["black"] * 18
    assert shown(made.path, 60)[24:36] == ["white"] * 12


def test_a_second_run_shoots_and_writes_nothing(studio: Path) -> None:
    shots = ({"prompt": "black"}, {"prompt": "white"})
    first = make(studio, *shots)
    report = Recording()
    again = make(studio, *shots, report=report)
    assert again.reused
    assert (again.path, again.frames) == (first.path, first.frames)
    assert report.of(TakeKept) == []


def test_changing_one_shot_shoots_it_alone(studio: Path) -> None:
    make(studio, "black", "white")
    report = Recording()
    made = make(studio, "black", "dark", report=report)
    assert [event.reused for event in report.of(TakeKept)] == [True, False]
    assert set(shown(made.path, made.frames)) == {"black", "dark"}


def test_a_damaged_film_is_made_again_from_its_clips(studio: Path) -> None:
    made = make(studio, "black")
    made.path.write_bytes(made.path.read_bytes()[:-1])
    report = Recording()
    assert not make(studio, "black", report=report).reused
    assert all(event.reused for event in report.of(TakeKept))


@pytest.mark.parametrize(
    ("shot", "told"),
    [("sound: {music: gone.wav}", "cannot read"), ("reference: gone.png", "was replaced or changed while")],
)
def test_a_file_that_goes_while_takes_are_made_is_told_by_its_name(
    studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shot: str, told: str
) -> None:
    class Leaving(Greys):
        def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
            made = super().generate(take, given, progress)
            for path in studio.glob("gone.*"):  # its disk is taken away
                path.unlink()
            return made

    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Leaving(card))
    monkeypatch.chdir(studio)
    soundfile.write("gone.wav", 0.1 * np.sin(np.arange(48_000) / 20), 48_000)
    Image.new("RGB", (64, 64)).save("gone.png")
    Path("board.yaml").write_text(f"output: {{size: 48x32}}\nshots: [{{prompt: dark, duration: 0.5s, {shot}}}]\n")
    assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert "gone." in said
    assert not Path("film.mp4").exists()


def test_takes_that_wait_when_a_film_ends_early_are_not_made_before_the_next_films(
    studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch goes on with the next film, and so does a server."""
    made, room = list[str](), Store.make_room

    class Noting(Greys):
        def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
            made.append(take.prompt.split(".")[0])
            return super().generate(take, given, progress)

    def full(store: Store, name: str, size: int) -> None:
        if "shot-1" in name and not made:
            time.sleep(0.2)  # the others are queued meanwhile
            raise StoreError("the disk is full")
        room(store, name, size)

    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Noting(card))
    monkeypatch.setattr(Store, "make_room", full)
    shots = [{"prompt": word, "duration": "0.5s"} for word in ("dark", "light", "white")]
    size = {"size": "48x32"}
    with Studio(Store(default_folder())) as shared:
        with pytest.raises(StoreError):
            film.make(board(*shots, output=size), studio / "one.mp4", report=Recording(), studio=shared)
        monkeypatch.setattr(Store, "make_room", room)
        other = board({"prompt": "black", "duration": "0.5s"}, output=size)
        film.make(other, studio / "two.mp4", report=Recording(), studio=shared)
    assert made in (["black"], ["light", "black"]), "the second one may be under way"


def test_a_film_that_fails_leaves_the_old_one_alone(studio: Path) -> None:
    made = make(studio, "black")
    before = made.path.read_bytes()
    with pytest.raises(RenderError, match="no grey called pink"):
        make(studio, "black", "pink")
    assert made.path.read_bytes() == before
    assert not list(studio.glob(".*"))


def test_the_credential_has_every_take_as_an_ingredient(studio: Path) -> None:
    made = make(studio, {"name": "one", "beats": ["black", "white"]}, "dark")
    verdict = stamp.verify(made.path)
    assert verdict.ok
    assert [part.name for part in verdict.parts] == ["scene-1/one/1", "scene-1/one/2", "scene-1/shot-2"]
    assert [part.start for part in verdict.parts] == [0, 1, 2]


def test_the_sidecar_has_what_is_needed_to_make_it_again(studio: Path) -> None:
    made = make(studio, {"prompt": "black", "seed": 42, "options": {"steps": 3}})
    facts = json.loads(made.sidecar.read_text())
    (take,) = facts["takes"]
    assert (take["seed"], take["options"], take["prompt"], take["plays"]) == (42, {"steps": 3}, "black", True)
    assert facts["libraries"].keys() >= {"torch", "diffusers"}
    assert facts["film"]["frames"] == made.frames


@pytest.mark.parametrize("name", ["film.txt", "film"])
def test_a_name_that_no_film_can_have_is_refused_before_any_work(studio: Path, name: str) -> None:
    report = Recording()
    with pytest.raises(RequestError, match=r"must end in \.mp4"):
        make(studio, "black", name=name, report=report)
    assert report.events == []


def test_free_names_never_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.free_name("A red ball!") == Path("a-red-ball.mp4")
    Path("a-red-ball.mp4").touch()
    assert places.free_name("A red ball!") == Path("a-red-ball-2.mp4")
    assert places.free_name("...") == Path("film.mp4")


def test_clips_of_the_same_words_that_are_made_at_once_have_each_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    names = list[str]()

    def begun(_board: object, out: Path, **_: object) -> None:
        names.append(out.name)
        if len(names) < 3:
            main(["generate", "a red ball"])
        raise RequestError("enough")

    monkeypatch.setattr("sora_cli.flows.film.make", begun)
    assert main(["generate", "a red ball"]) == 2
    assert names == ["a-red-ball.mp4", "a-red-ball-2.mp4", "a-red-ball-3.mp4"]
    assert places.free_name("a red ball").name == names[0], "nobody makes one any more"
    assert not list(tmp_path.glob("[.a]*"))
    monkeypatch.setattr("sora_cli.lock.Lock.take", lambda *_, **__: fail_to_lock())
    assert main(["generate", "a red ball"]) == 2, "a folder without locks has names"
    assert names[3:] == ["a-red-ball.mp4"]


def fail_to_lock() -> None:
    raise StoreError("the file system has no locks")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Été à la MER: l’œuf!", "ete-a-la-mer-l-œuf"),
        ("Мой фильм №1", "мой-фильм-no1"),
        ("海辺の犬、夕方が来る", "海辺の犬-夕方が来る"),
        ("लाल गेंद", "लाल-गेंद"),
        ("วันที่หนึ่ง", "วันที่หนึ่ง"),
        ("كرة حمراء", "كرة-حمراء"),
        ("❤\ufe0f 빨간 공 \u202e..", "빨간-공"),
        ("/../\u0301 \u200b", "film"),
        ("1\ufe0f\u20e3 first", "1-first"),
        ("海" * 90, "海" * 50),
        ("\U00020000" * 90, "\U00020000" * 37),
    ],
)
def test_titles_of_all_scripts_are_names(title: str, name: str) -> None:
    assert places.slug(title) == name


def test_titles_are_in_plain_letters_where_names_of_files_have_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sora_cli.flows.places.os.fsencode", lambda name: name.encode("latin-1"))
    assert [places.slug(title) for title in ("Der Ball rollt", "Мой фильм 2")] == ["der-ball-rollt", "2"]


def test_every_delivery_is_made_and_found_again(studio: Path) -> None:
    shots = ({"prompt": "black"}, {"prompt": "white", "transition": "dissolve 0.5s"}, {"title": "Fin"})
    for name, kind in DELIVERIES.items():
        out = f"{name}{kind.suffix}"
        made = make(studio, *shots, name=out, deliver=name)
        known = probe(made.path)
        assert len(known.shown_at(known.fps or Fraction(1))) == made.frames, name
        assert (made.credential is not None) == (not kind.signable)
        assert stamp.verify(made.path).ok
        assert make(studio, *shots, name=out, deliver=name).reused
        if made.credential is not None:
            made.credential.unlink()
            assert not make(studio, *shots, name=out, deliver=name).reused


def test_luts_are_written_for_shots_that_are_matched(studio: Path) -> None:
    shots = ({"prompt": "dark", "name": "a"}, {"prompt": "light", "name": "b/c".replace("/", " ")})
    one = board(*shots, output={"size": "192x128"}, look="scene")
    film.make(one, studio / "film.mp4", report=Recording())
    with Studio(Store(default_folder())) as room:
        how: film.MakeOptions = {"draft": False, "only": (), "signer": None, "overwrite": False}
        (lut,) = luts.write(one, studio / "luts", how, studio=room)
    assert lut == studio / "luts" / "002-b-c.cube"
    assert read_cube(lut)[16, 16, 16].max() < 0.5, "the light shot is drawn towards the dark one"


def test_what_a_dead_writer_left_of_a_folder_is_cleared_away(tmp_path: Path) -> None:
    left, other = tmp_path / ".film.0123abcd.part.frames", tmp_path / ".film.frames"
    for folder in (left, other):
        folder.mkdir()
        (folder / "frame-000001.png").touch()
    with place(tmp_path / "film.frames", Cancellation()):
        assert not left.exists()
    assert other.exists()


def test_what_is_sent_is_shot_and_what_was_written_is_told_with_it(studio: Path) -> None:
    first, second = {"sent": "white", "duration": "0.5s"}, {"prompt": "dark", "duration": "0.5s"}
    made = make(studio, {"prompt": "black", **first}, second)
    assert shown(made.path, 12) == ["white"] * 6 + ["dark"] * 6
    takes = json.loads(made.sidecar.read_text())["takes"]
    assert [(take["prompt"], take.get("written")) for take in takes] == [("white", "black"), ("dark", None)]
    cards = [Store(default_folder()).card(take["key"]) for take in takes]
    assert [card.written for card in cards if card] == ["black", ""]
    parts = [part.parameters for part in stamp.verify(made.path).parts]
    assert [(part["prompt"], part.get("written")) for part in parts] == [("white", "black"), ("dark", None)]
    assert not make(studio, {"prompt": "grey", **first}, second).reused, "its credential tells the words of now"
