"""`from` and `to` in all their forms, circles, and files inside and outside the folder."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sora_cli.storyboard.load import LoadResult, read_text
from sora_cli.storyboard.model import Link
from sora_cli.storyboard.searching import MOST, Found
from tests.storyboard.boards import board, problem, reading


def linked(folder: Path, **links: str) -> tuple[Link | None, Link | None]:
    """The links of the second of two shots."""
    written = "".join(f", {key.rstrip('_')}: {value}" for key, value in links.items())
    beat = board(f"shots: [{{name: one, prompt: a, duration: 2s}}, {{prompt: b{written}}}]", folder).shots[1].beats[0]
    return beat.start, beat.end


_PICTURED = ["a.MTS", "a.mpg", "a.wmv", "a.mxf", "a.3gp", "a.3g2", "a.ts", "a.m2t", "a.MOD", "a.vob", "a.jfif", "a.jp2"]


@pytest.mark.parametrize("name", _PICTURED)
def test_each_kind_that_can_be_read_can_be_carried_on_from(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    found = read_text(f"shots: [{{prompt: a ball, from: {name}}}]", folder=tmp_path, name="a.yaml")
    assert [problem.message for problem in found.problems] == []


@pytest.mark.parametrize("name", ["a.caf", "a.BWF", "a.3ga", "a.m4r", "a.MOD"])
def test_each_kind_that_can_be_read_can_be_heard(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    found = read_text(f"sound: {{music: {name}}}\nshots: [a ball]", folder=tmp_path, name="a.yaml")
    assert [problem.message for problem in found.problems] == []


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "avif"])
def test_a_picture_that_moves_is_a_film(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (64, 48), (grey, 0, 0)) for grey in (0, 90, 180)]
    frames[0].save(tmp_path / f"still.{kind}")
    frames[0].save(tmp_path / f"moves.{kind}", save_all=True, append_images=frames[1:])
    assert linked(tmp_path, from_=f"still.{kind}")[0] == Link("picture", path=tmp_path / f"still.{kind}")
    film = tmp_path / f"moves.{kind}"
    assert linked(tmp_path, from_=film.name)[0] == Link("film", at="end", path=film)
    assert linked(tmp_path, to=f"{{film: {film.name}}}")[1] == Link("film", at="start", path=film)
    (changed,) = board(f"shots: [edit: {{of: {film.name}, region: [0, 0, 1, 1], prompt: a}}]", tmp_path).shots
    assert changed.beats[0].edit is not None
    told = problem(f"shots: [edit: {{of: still.{kind}, region: [0, 0, 1, 1], prompt: a}}]", tmp_path)
    assert f"`still.{kind}` is not a film" in told


def test_every_form(tmp_path: Path) -> None:
    (tmp_path / "lamp.PNG").touch()
    (tmp_path / "before.mp4").touch()
    assert linked(tmp_path) == (None, None)
    assert linked(tmp_path, from_="nothing", to="nothing") == (Link("nothing"), Link("nothing"))
    assert linked(tmp_path, from_="previous", to="previous") == (
        Link("previous", at="end"),
        Link("previous", at="start"),
    )
    assert linked(tmp_path, from_="one", to="one") == (Link("shot", "one", "end"), Link("shot", "one", "start"))
    assert linked(tmp_path, from_="{shot: one}", to="{shot: one}")[1] == Link("shot", "one", "start")
    assert linked(tmp_path, from_="{shot: one, at: start}")[0] == Link("shot", "one", "start")
    assert linked(tmp_path, from_="{shot: one, at: 1.5s}")[0] == Link("shot", "one", Fraction(3, 2))
    assert linked(tmp_path, from_="{shot: previous, at: start}")[0] == Link("previous", at="start")
    assert linked(tmp_path, from_="lamp.PNG")[0] == Link("picture", path=tmp_path / "lamp.PNG")
    film = tmp_path / "before.mp4"
    assert linked(tmp_path, from_="before.mp4", to="before.mp4") == (
        Link("film", at="end", path=film),
        Link("film", at="start", path=film),
    )
    pinned = linked(tmp_path, from_="{film: before.mp4}", to="{search: waves, film: before.mp4}")
    assert pinned == (Link("film", at="end", path=film), Link("film", at="start", path=film))


def test_each_words_are_searched_for_once_and_not_without_an_end(tmp_path: Path) -> None:
    (tmp_path / "before.mp4").touch()
    asked: list[str] = []

    def find(words: str, _data: object) -> Found:
        asked.append(words)
        return Found(str(tmp_path / "before.mp4"), "a clip")

    def read(*words: str) -> LoadResult:
        shots = "".join(f"  - {{prompt: a, from: {{search: {each}}}}}\n" for each in words)
        return read_text(f"shots:\n{shots}", folder=tmp_path, name="board.yaml", find=find)

    told = read("waves", "dunes", "waves")
    assert (asked, told.problems) == (["waves", "dunes"], ())
    assert told.board is not None
    assert [each.mark.line for each in told.board.remarks if each.mark] == [2, 3, 4]
    asked.clear()
    many = read(*(f"w{number}" for number in range(MOST + 2)))
    assert len(asked) == MOST
    assert [each.mark.line for each in many.problems if each.mark] == [MOST + 2, MOST + 3]


def test_frames_in_a_link_need_the_films_rate() -> None:
    text = "shots: [{name: one, prompt: a}, {prompt: b, from: {shot: one, at: 12f}}]"
    assert "frame rate" in problem(text)
    start = board("output: {fps: 24}\n" + text).shots[1].beats[0].start
    assert start is not None
    assert start.at == Fraction(1, 2)


@pytest.mark.parametrize(
    "written", ["nowhere", "lamp.png", "{shot: nowhere}", "{shot: one, at: 3s}", "{at: 1s}", "[one]", "3",
                "{}", "{search: waves}", "{search: ''}", "{film: nowhere.mp4}", "{film: ../a.mp4}",
                "{shot: one, search: waves}", "{search: waves, film: nowhere.mp4}", "{search: [waves]}"]
)  # fmt: skip
def test_what_a_link_cannot_name(written: str) -> None:
    problem(f"shots: [{{name: one, prompt: a, duration: 2s}}, {{prompt: b, from: {written}}}]")


def test_the_first_shot_has_none_before_it() -> None:
    assert "no shot before" in problem("shots: [{prompt: a, from: previous}]")


@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_a_circle_is_found_wherever_it_begins(length: int, random: object) -> None:
    order = list(range(length))
    random.shuffle(order)  # type: ignore[attr-defined]
    shots = ", ".join(f"{{name: s{n}, prompt: a, from: s{(n + 1) % length}}}" for n in order)
    told = problem(f"shots: [{shots}]")
    assert "waits for itself" in told if length == 1 else "wait for each other" in told


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_links_back_are_no_circle(back: list[int]) -> None:
    shots = ["{name: s0, prompt: a}"]
    shots += [f"{{name: s{n}, prompt: a, from: s{target % n}}}" for n, target in enumerate(back, 1)]
    assert reading(f"shots: [{', '.join(shots)}]").board is not None


def test_beats_of_two_shots_may_lean_on_each_other_without_a_circle() -> None:
    text = """
shots:
  - {name: a, beats: [{prompt: x, duration: 1s}, {prompt: y, to: {shot: b, at: start}}]}
  - {name: b, prompt: z, from: {shot: a, at: 0.5s}}
"""
    assert reading(text).board is not None
    assert "wait for each other" in problem(text.replace("at: 0.5s", "at: end"))


def test_files_outside_the_folder(tmp_path: Path) -> None:
    story = tmp_path / "story"
    (story / "refs").mkdir(parents=True)
    (tmp_path / "secret.png").touch()
    (story / "in.png").touch()
    (story / "out.png").symlink_to(tmp_path / "secret.png")
    (story / "alias.png").symlink_to(story / "in.png")
    (story / "up").symlink_to(tmp_path)
    outside = (
        "../secret.png",
        "out.png",
        "up/secret.png",
        "refs/../../secret.png",
        str(tmp_path / "secret.png"),
        "/etc/x.png",
    )
    for path in outside:
        text = f"shots: [{{prompt: a, reference: '{path}'}}]"
        assert "outside" in problem(text, story)
        if path != "/etc/x.png":
            assert reading(text, story, allow_outside=True).board is not None
    for path in ("in.png", "alias.png", "refs/../in.png", str(story / "in.png"), "../story/in.png"):
        assert reading(f"shots: [{{prompt: a, reference: '{path}'}}]", story).board is not None


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "words.txt").touch()
    (tmp_path / "mara.png").touch()
    told = {name: problem(f"shots: [{{prompt: a, reference: '{name}'}}]", tmp_path) for name in (
        "folder.png", "pipe.png", "loop.png", "words.txt", "mira.png", "x" * 300 + ".png", "no/mara.png",
    )}  # fmt: skip
    assert "is not a file" in told["folder.png"]
    assert "is not a file" in told["pipe.png"]
    assert "is not a picture" in told["words.txt"]
    assert "did you mean `mara.png`" in told["mira.png"]
    assert "there is no folder `no`" in told["no/mara.png"]
    assert reading("sound: {music: mara.png}\nshots: [a]", tmp_path).problems
    assert reading("look: words.txt\nshots: [a]", tmp_path).problems
