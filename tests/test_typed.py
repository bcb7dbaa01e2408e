"""What is wrong with an option that becomes part of a storyboard names it as it was typed, in text and in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import fields

from sora_cli.cli.change import PartOptions, TakeOptions
from sora_cli.cli.main import main
from sora_cli.cli.make import ShotOptions
from sora_cli.flows.repaint import AS_THEY_ARE
from tests.test_tools import film

WRONG = {
    "engine": ("--engine", "nope"), "seed": ("--seed", "-1"), "takes": ("--takes", "0"), "avoid": ("--avoid", "''"),
    "steps": ("--steps", "0"), "option": ("--option", "guidance=99"),
}  # fmt: skip
"""A value out of its range for each option of takes, by its field."""
SHOT = {
    "image": ("--image", "no.png"), "to_image": ("--to-image", "no.png"), "reference": ("--reference", "no.png"),
    "duration": ("--duration", "0"), "size": ("--size", "1x1"), "aspect": ("--aspect", "0:1"), "fps": ("--fps", "0"),
    "style": ("--style", "''"), "camera": ("--camera", "''"), **WRONG,
}  # fmt: skip
PART = {
    "region": ["--region", "0,0,.5"],
    "mask": ["--mask", "no.png"],
    "replace": ["--replace", "qqq"],
    "relight": ["--relight", "\a"],
    "restyle": ["--restyle", "\a"],
    "outpaint": ["--outpaint", "tall"],
    "start": ["--from", "soon", "--region", "0,0,1,1"],
    "end": ["--to", "9s", "--region", "0,0,1,1"],
    "strength": ["--strength", "3", "--relight", "sunset"],
    "segmenter": ["--segmenter", "no-such", "--region", "0,0,1,1"],
}
"""The same of what says where a film changes; what comes after it is right."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typed")
    film(folder / "a.mp4", [40] * 12, size=(384, 256))
    (folder / "vars.yaml").write_text("vars: {n: 2, m: '${n}'}\nshots: [{prompt: a ball, takes: '${m}'}]\n")
    return folder


@pytest.fixture(autouse=True)
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    monkeypatch.setenv("SORA_STORE", str(place / "store"))
    monkeypatch.chdir(place)


def commands(wrong: Mapping[str, tuple[str, str]], *words: str) -> Iterator[object]:
    for name, (option, value) in wrong.items():
        yield pytest.param([*words, option, value.strip("'")], f"{option} {value}", id=f"{words[0]} {name}")


def test_every_option_of_the_commands_is_tried_here() -> None:
    assert {each.name for each in fields(ShotOptions)} == SHOT.keys()
    assert {each.name for each in fields(TakeOptions)} == WRONG.keys()
    flags = {"instruct"}  # without a value that could be wrong
    assert {each.name for each in fields(PartOptions)} == PART.keys() | flags >= {*AS_THEY_ARE}


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        *commands({**SHOT, "memory": ("--memory", "slow")}, "generate", "a ball", "-o", "b.mp4"),
        *commands({"memory": ("--memory", "slow")}, "plan", "vars.yaml"),
        (["generate", "", "-o", "b.mp4"], "PROMPT"),
        *commands(WRONG, "extend", "a.mp4", "a ball", "-o", "b.mp4"),
        *commands(WRONG, "edit", "a.mp4", "a ball", "-o", "b.mp4", "--region", "0,0,.5,.5"),
        *commands({"mask": ("--mask", "no.png"), "replace": ("--replace", "qqq")}, "edit", "a.mp4", "x", "-o", "b.mp4"),
    ],
)
def test_it_is_named_as_it_was_typed(words: list[str], typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([*words, "--json"])
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert code == error["code"] == (3 if "nope" in words else 2)
    assert err.removeprefix("plan ...\n").removeprefix("error: ").startswith(f"{typed}: "), err
    assert "storyboard" not in err, "there is none"
    if error["where"] is not None:
        assert [each["typed"] for each in error["problems"]] == [error["where"]["typed"]] == [typed]
    else:
        assert error["message"].startswith(f"{typed}: ")


LONG_MARK = ["--mark", "long" * 200, "--region", "0,0,1,1"]


@pytest.mark.parametrize("words", [*PART.values(), LONG_MARK], ids=[*PART, "mark"])
def test_where_a_film_changes_and_its_mark_are_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", "a.mp4", "a ball", "-o", "b.mp4", *words]) == 2
    assert capsys.readouterr().err.removeprefix("error: ").startswith(words[0])


def test_two_options_of_one_wrong_value_are_both_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "a ball", "--image", "no.png", "--to-image", "no.png", "-o", "b.mp4"]) == 2
    told = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert [each for each in told if each.startswith("--")] == ["--image no.png", "--to-image no.png"]


def test_a_variable_that_was_set_is_named_at_its_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "vars.yaml", "--set", "n=0", "--json"]) == 2
    out, err = capsys.readouterr()
    where = {"file": "vars.yaml", "line": 2, "column": 33, "typed": "--set n=0"}
    assert json.loads(out)["error"]["where"] == where
    assert "vars.yaml:2:33: `0` is out of range (--set n=0)" in err
    (place / "list.csv").write_text("n,q,output\n0,,a\n1,2,b\n")
    assert main(["batch", "vars.yaml", "list.csv", "-o", "films"]) == 2
    err = capsys.readouterr().err
    assert "`0` is out of range (list.csv row 1, column n: 0)" in err
    assert "list.csv row 2, column q: the storyboard has no such variable" in err
