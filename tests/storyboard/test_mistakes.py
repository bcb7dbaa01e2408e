"""Every kind of mistake, in one run, each under its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sora_cli.errors import StoryboardError
from sora_cli.flows.check import check
from sora_cli.storyboard import load, read
from tests.storyboard.boards import problem

GOLDEN = Path(__file__).parents[1] / "golden" / "storyboard"


@pytest.fixture
def mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the story, as its author has it, with a link out of it."""
    folder = tmp_path / "story"
    (folder / "refs").mkdir(parents=True)
    for name in ("refs/mara.png", "refs/lamp.png", "score.wav", "../outside.png"):
        (folder / name).touch()
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "mistakes.yaml").write_bytes((GOLDEN / "mistakes.yaml").read_bytes())
    monkeypatch.chdir(folder)
    return Path("mistakes.yaml")


def test_every_kind_of_mistake_is_told_at_once(mistakes: Path) -> None:
    told = "\n".join(str(problem) for problem in read(mistakes, sets={"heroo": "blue"}).problems) + "\n"
    golden = GOLDEN / "mistakes.txt"
    if os.environ.get("SORA_GOLDEN") == "write":
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")
    found = check(mistakes, sets={"heroo": "blue"}, allow_outside=False).problems
    late = "mistakes.yaml:42:81: the line begins after the beat's end"
    assert [str(problem).splitlines()[0] for problem in found if "after the beat" in problem.message] == [late]


def test_load_raises_all_of_them_in_the_order_of_the_file(mistakes: Path) -> None:
    with pytest.raises(StoryboardError) as caught:
        load(mistakes)
    places = [(problem.mark.line, problem.mark.column) for problem in caught.value.problems if problem.mark]
    assert places == sorted(places)
    assert len(places) == len(caught.value.problems)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("memory: [fast]", "board.yaml:1:9: `memory` must be a mapping or text"),
        ("memory: {tile: [1]}", "board.yaml:1:16: this must be text, a number, true or false, not a list"),
        ("<x>: 1", "board.yaml:1:1: unknown key `<x>`"),
        ("look: [film]", "board.yaml:1:7: `look` must be a mapping or text or off"),
        ("output: 24", "board.yaml:1:9: `output` must be a mapping"),
    ],
)
def test_a_value_of_another_shape_is_told_once_at_its_place(written: str, told: str) -> None:
    assert problem(f"{written}\nshots: [a]").startswith(told)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("shots: a red ball", ["`shots` must be a list", "it is text: write `- ` before each item"]),
        (
            "shots: [{name: x, prompt: a}, {prompt: b, edit: {of: x, replace: a ball, regoin: x}}]",
            ["unknown key `regoin`", "did you mean `region`?"],
        ),
        ("shots: []", ["`shots` must be a list of something", "write one item at least, after `- `"]),
        ("shots: [a]\nstyle: [warm, cold]", ["this must be text, not a list", 'write it as one text: "warm, cold"']),
        ("shots: [a]\nseed: x", ["`x` is not a whole number", "a whole number from 0 to 9223372036854775807"]),
        ("shots: [{prompt: a, from: 'b\\c.png'}]", ["`b\\c.png`: no such file", "write / between folders: `b/c.png`"]),
        ("shots: [{prompt: a, from: ~/c.png}]", ["`~/c.png`: no such file", "`~` is not read as your home"]),
        ("vars: {a: '${b}', b: c}\nshots: ['${a}']", ["the variable `${b}` is not set", "those above it: move it up"]),
        ("vars: {n: 1}\nshots: [{prompt: 'a', duration: ${n}}]", ["not YAML", "a variable needs quotes"]),
        ("shots: [{prompt: a, duration: spoken}]", ["nobody speaks in this beat", ""]),
        ("shots: [{name: a, prompt: a}, {edit: {of: a, region: [1, 1, 1, 1], prompt: b}}]", ["lie in the picture", ""]),
        ("output: {aspect: 16/9, height: 90}\nshots: [a]", ["`16/9` is not a shape", "write WIDTH:HEIGHT"]),
        ("shots: [{edit: {region: [0, 0, 1, 1], prompt: a}}]", ["`of` is missing here", ""]),
        ("shots: [{edit: a}]", ["`edit` must be a mapping", ""]),
        ("shots: [{prompt: a, keyframe: b/c.png}]", ["told in words", "`from: b/c.png`"]),
        ("shots: [{prompt: a, keyframe: {first: b, last: c.jpg}}]", ["told in words", "`to: c.jpg`"]),
        ("shots: [{prompt: a, duration: {seconds: 4}}]", ["unknown key `seconds`", "write it as `duration: ...`"]),
        ("shots: [{prompt: a, from: {image: a.png}}]", ["unknown key `image`", "write it as `from: ...`"]),
        ("shots: [{prompt: a, duration: 1s}, {prompt: b, duration: 1s, transition: fade 2s}]", ["'shot-1', which", ""]),
        ("shots: [{promt: a}]", ["unknown key `promt`", "did you mean `prompt`?"]),
        ("Shots: [a]", ["unknown key `Shots`", "did you mean `shots`?"]),
        ("scenes: [{name: a, shot: [b]}]", ["unknown key `shot`", "did you mean `shots`?"]),
        ("shots: [a, {prompt: b, from: {shoot: a}}]", ["unknown key `shoot`", "did you mean `shot`?"]),
        ("shots: [{prompt: a, takes: {up_to: 4, until: good}}]", ["unknown key `up_to`", "did you mean `up to`?"]),
        (
            "shots: [{prompt: a, dialogue: [{tom: b}]}]",
            ["unknown key `tom`", 'write it as {cast: NAME, line: "WORDS"}'],
        ),
        ("shots:\n  - a red ball: it bounces", ["unknown key `a red ball`", 'needs quotes: "a red ball: ..."']),
        ("shots:\n  - prompt: a\n    duration:3s", ["not YAML", "a space behind a key: `duration: ...`"]),
        ("shots:\n  - prompt:a\n    duration: 3s", ["not YAML", "a space behind a key: `prompt: ...`"]),
        ("shots:\n  - prompt: a\n    duration\uff1a3s", ["not YAML", "a space behind a key: `duration: ...`"]),
        ("vars: {n: b}\nshots: [a ${n} ball]", ["not YAML", "a text with a variable needs quotes"]),
        (r'{"shots": ["\ud83d\ude00"]}', ["not YAML", "write the character itself"]),
        ("shots: [a, {prompt: b, transition: wipe 0.5s left}]", ["not a length", "did you mean `wipe left 0.5s`?"]),
    ],
)
def test_every_mistake_says_once_what_is_wrong_and_what_to_write(tmp_path: Path, written: str, told: list[str]) -> None:
    (tmp_path / "a.yaml").write_text(written)
    (found,) = check(tmp_path / "a.yaml", sets={}, allow_outside=False).problems
    assert told[0] in found.message
    assert told[1] in found.hint


def test_a_file_that_a_link_or_a_space_hides_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "board.yaml").symlink_to("gone.yaml")
    (tmp_path / " b.png").touch()
    (tmp_path / "a.yaml").write_text("shots: [{prompt: a, from: loop.png}, {prompt: a, from: ' b.png'}]")
    hints = [each.hint for each in (*read(tmp_path / "a.yaml").problems, *read(tmp_path / "board.yaml").problems)]
    assert ["link" in hint for hint in hints] == [True, False, True]
    assert "has a space before or behind it" in hints[1]


def test_a_shot_that_is_called_by_a_number_is_found_by_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("shots: [{name: 007, prompt: a}, {prompt: b, from: 007}, {prompt: c, to: 007}]")
    assert read(tmp_path / "a.yaml").problems == ()


@pytest.mark.parametrize(("length", "at"), [("1s", "1s"), ("1s", "99s"), ("12f", "1s")])
def test_a_time_behind_the_end_of_a_shot_is_told_once(tmp_path: Path, length: str, at: str) -> None:
    first = f"{{name: a, prompt: a red ball, duration: {length}}}"
    second = f"{{prompt: a red ball, duration: 1s, from: {{shot: a, at: {at}}}}}"
    (tmp_path / "a.yaml").write_text(f"shots: [{first}, {second}]")
    (found,) = check(tmp_path / "a.yaml", sets={}, allow_outside=False).problems
    assert f"at {at[:-1]}" in found.message
    assert found.hint.endswith("`at: end`")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("shots: [{prompt: a, seconds: 4}]", "did you mean `duration`?"),
        ("shots: [{prompt: a, lenght: 4s}]", "did you mean `duration`?"),
        ("shots: [{prompt: a, image: a.png}]", "did you mean `from`?"),
        ("shots: [{prompt: a, ambience: rain}]", "`ambience` belongs to `sound`"),
        ("resolution: 720p\nshots: [a]", "`size` belongs to `output`: write `output: {size: ...}`"),
        ("shots: [{prompt: a, dialogue: [{who: b, line: c}]}]", "did you mean `cast`?"),
    ],
)
def test_words_that_people_bring_from_other_tools_are_understood(tmp_path: Path, written: str, hint: str) -> None:
    (tmp_path / "a.yaml").write_text(written)
    assert [problem.hint for problem in read(tmp_path / "a.yaml").problems] == [hint]


def test_a_line_without_words_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("cast: {mara: a woman}\nshots: [{prompt: a, dialogue: [{cast: mara}]}]\n")
    found = check(tmp_path / "a.yaml", sets={}, allow_outside=False)
    assert [problem.message for problem in found.problems] == ["`line` is missing here"]
