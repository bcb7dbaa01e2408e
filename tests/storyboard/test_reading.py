"""From bytes to values: YAML the 1.2 way, variables, and what is said of a file that is no storyboard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sora_cli.errors import StoryboardError
from sora_cli.storyboard import from_data, load, read
from tests.storyboard.boards import board, first_beat, problem, reading


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"), ("on", "on"), ("off", "off"), ("yes", "yes"), ("y", "y"), ("1:30", "1:30"), ("16:9", "16:9"),
        ("2026-11-21", "2026-11-21"), ("007", "007"), ("0x1F", "0x1F"), ("1984", "1984"), ("1_000", "1_000"),
        ("3.50", "3.50"), ("=", "="), ("'true'", "true"), ('"é \\u263a"', "é ☺"),
    ],
)  # fmt: skip
def test_words_that_yaml_1_1_would_twist(written: str, meant: str) -> None:
    assert board(f"title: {written}\nshots: [{{prompt: a, name: {written}}}]").title == meant
    assert board(f"shots: [{{prompt: a, name: {written}}}]").shots[0].name == meant


def test_off_is_a_word_everywhere() -> None:
    found = board("policy: off\nprovenance: {watermark: off}\nlook: {match: off}\nsound: off\nshots: [a]")
    assert (found.policy, found.provenance.watermark.on, found.shots[0].look.match) == ("off", False, "off")
    assert found.shots[0].beats[0].sound_off
    false = board("policy: false\nprovenance: {watermark: false}\nlook: false\nsound: false\nshots: [a]")
    assert (false.policy, false.provenance.watermark.on, false.shots[0].look.match) == ("off", False, "off")


def test_numbers_are_read_the_1_2_way() -> None:
    assert board("seed: 010\nshots: [a]").seed == 10
    assert board("seed: 0o10\nshots: [a]").seed == 8
    assert first_beat("options: {a: 1e3, b: 0x10, c: true, d: null, e: .5}\nshots: [a]").options == {
        "a": 1000.0, "b": 16, "c": True, "d": None, "e": 0.5,
    }  # fmt: skip


def test_options_are_plain_values() -> None:
    options = first_beat("options: {a: 1, b: 1.5, c: [1], d: {e: 2}}\nshots: [a]").options
    assert {type(options["a"]), type(options["c"][0]), type(options["d"]["e"])} == {int}
    assert type(options["b"]) is float


def test_anchors_merge_keys_and_keys_that_are_not_read() -> None:
    text = """
x-defaults: &night {light: moonlight, camera: pan left}
shots:
  - {prompt: a, <<: *night, camera: pan right}
  - {prompt: b, <<: [*night]}
"""
    first, second = board(text).shots
    assert (first.beats[0].light, first.beats[0].camera) == ("moonlight", "pan right")
    assert second.beats[0].camera == "pan left"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("shots:\n  - @mara walks\n", "2:5", '"@name ..."'),
        ("shots:\n\t- a\n", "2:1", "spaces, not tabs"),
        ("shots:\n  - a: b: c\n", "2:9", "needs quotes"),
        ("shots: [a\n", "1:8", "brackets"),
        ("options: {steps: ${n}}\nshots: [a]\n", "1:19", '"${name}"'),
        ("shots: [a]\n---\nshots: [b]\n", "2:1", "a second document"),
        ("shots: [a]\n---\n''\n", "2:1", "a second document"),
        ("shots: *x\n", "1:8", "names no anchor"),
        ("shots: &x [*x]\n", "1:12", "contains itself"),
        ("- a\n- b\n", "1:1", "put `shots:` above"),
        ("just words\n", "1:1", "a mapping of keys"),
        ("? [a]\n: b\n", "1:3", "a key must be a word"),
        ("shots: !!python/object/apply:os.system [ls]\n", "1:8", "refused"),
        ("shots: !mine [a]\n", "1:8", "refused"),
        ("%TAG ! tag:x:\n---\nshots: [a]\n", "1:1", "tags of its own"),
        ("a: {<<: 3}\n", "1:5", "takes a mapping"),
        ("shots: [a\x07]\n", "1:10", "U+0007"),
    ],
)
def test_a_text_that_is_no_storyboard_is_refused_at_its_place(text: str, place: str, words: str) -> None:
    told = problem(text)
    assert told.startswith(f"board.yaml:{place}: ")
    assert words in told


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "~\n"])
def test_an_empty_file_hints_at_the_starter(text: str) -> None:
    assert "sora new" in problem(text)


@pytest.mark.parametrize("end", ["---", "---\n", "...\n---\n# the end\n"])
def test_a_line_that_begins_an_empty_document_ends_the_storyboard(end: str) -> None:
    assert not reading(f"shots: [a]\n{end}").problems


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def told(path: Path) -> str:
        (only,) = read(path).problems
        return str(only)

    (tmp_path / "film.yaml").write_text("shots: [a]", encoding="utf-8")
    assert "did you mean" in told(tmp_path / "flim.yaml")
    assert "there is no folder" in told(tmp_path / "no" / "film.yaml")
    assert "this is a folder" in told(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in told(tmp_path / "pipe")
    assert "not a regular file" in told(Path("/dev/zero"))
    assert "cannot be read" in told(tmp_path / "a\0b")
    assert "\x1b" not in told(tmp_path / "\x1b[31m\nevil")
    for encoding in ("utf-16", "utf-32"):
        (tmp_path / "other.yaml").write_text("shots: [a]", encoding=encoding)
        assert "save the file as UTF-8" in told(tmp_path / "other.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"title: x\nstyle: caf\xe9\nshots: [a]")
    assert told(tmp_path / "latin.yaml").startswith(f"{tmp_path}/latin.yaml:2:11: not UTF-8")
    (tmp_path / "list.yaml").write_bytes(b"PK\x03\x04\x14\0\x06\0\x08\0")
    assert "this is a spreadsheet, a document or another ZIP file" in told(tmp_path / "list.yaml")
    (tmp_path / "list.csv").write_text("hero,seed\nred,1\n")
    assert "`sora batch BOARD FILE` makes a film of each row" in told(tmp_path / "list.csv")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfshots: [a]\r\n")
    assert load(tmp_path / "bom.yaml").shots[0].beats[0].prompt == "a"


def test_the_line_and_the_caret_of_odd_lines() -> None:
    told = problem("shots: [a, {prompt: b,\t\tduration: 'soon'}]")
    _, line, caret, _ = told.split("\n")
    assert "\t" not in line
    assert line[caret.index("^")] == "'"
    long = problem("shots: [" + "a, " * 500 + "3, " + "b, " * 500 + "]").split("\n")
    assert len(long[1]) < 130
    assert long[1][long[2].index("^")] == "3"
    wide = problem("style: x\nshots: [日本, 3]").split("\n")
    assert wide[2].index("^") == 2 + len("shots: [") + 4 + 2


def test_variables() -> None:
    text = "vars: {hero: red, n: 3, both: '${hero} ${n}'}\nshots: [{prompt: 'a ${both} $${x}', takes: '${n}'}]"
    beat = first_beat(text)
    assert (beat.prompt, beat.takes) == ("a red 3 ${x}", 3)
    beat = first_beat(text, sets={"hero": "blue", "n": "4"})
    assert (beat.prompt, beat.takes) == ("a blue 4 ${x}", 4)
    assert "did you mean `hero`" in problem(text, sets={"hreo": "x"})
    assert "no such variable" in problem("shots: [a]", sets={"x": "y"})
    assert board(text).sha256 != board(text, sets={"hero": "blue"}).sha256
    assert problem("vars: {a: b}\nshots:\n  - |\n    one\n    two ${b}").startswith("board.yaml:5:9: the variable")


def test_values_of_sets_are_only_values() -> None:
    assert first_beat("vars: {a: b}\nshots: ['x ${a}']", sets={"a": "!!python/x: [{"}).prompt == "x !!python/x: [{"
    assert "control character" in problem("vars: {a: b}\nshots: ['x ${a}']", sets={"a": "\x1b[31m"})


def test_line_ends_of_windows_in_quotes_are_line_ends() -> None:
    assert first_beat('{"shots": [{"prompt": "a red ball\\r\\nrolls\\r"}]}').prompt == "a red ball\nrolls"
    assert first_beat("vars: {a: b}\nshots: ['x ${a}']", sets={"a": "ball\r"}).prompt == "x ball"


def test_from_data_takes_the_same_road(tmp_path: Path) -> None:
    made = from_data({"shots": [{"prompt": "a ${b}", "duration": "2s", "from": None}], "seed": 3}, folder=tmp_path)
    assert made.shots[0].beats[0].prompt == "a ${b}"
    assert made.mark(("shots", 0)) is None
    assert made.seed == 3
    with pytest.raises(StoryboardError, match="<command line>: `4x` is not a length of time"):
        from_data({"shots": [{"prompt": "a", "duration": "4x"}]}, folder=tmp_path)
    with pytest.raises(StoryboardError, match="control character"):
        from_data({"shots": ["\ud800"]}, folder=tmp_path)


def test_one_problem_is_told_once_and_no_more_than_200() -> None:
    assert len(reading("shots: [" + "3, " * 1000 + "]").problems) == 201
