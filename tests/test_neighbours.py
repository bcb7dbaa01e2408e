"""Neighbours of what people met: the same situation in another format, place or combination."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from sora_cli.cli.main import main
from sora_cli.policy import inputs
from tests.boards import board
from tests.cases.test_what_is_shown import film


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def told(text: str, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]]]:
    """The exit code and the problems of `sora check` of this text."""
    Path("board.yaml").write_text(text)
    code = main(["check", "board.yaml", "--json", *words])
    return code, json.loads(capsys.readouterr().out)["problems"]


def messages(found: list[dict[str, object]]) -> list[object]:
    return [each["message"] for each in found]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("keyframes: {engine: ltx-2}\nshots: [a ball]\n", "engine ltx-2 makes video, not stills"),
        ("engine: flux-2-klein\nshots: [a ball]\n", "engine flux-2-klein makes stills, not video"),
    ],
)
def test_an_engine_that_is_the_wrong_one_need_not_be_fetched(
    text: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = told(text, capsys)
    assert code == 2
    assert messages(found) == [wrong]


def test_one_that_is_right_and_not_here_is_still_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = told("engine: ltx-2\nshots: [a ball, {prompt: a box, from: no.png}]\n", capsys)
    assert code == 2
    assert messages(found) == ["engine ltx-2 is not on this machine", "`no.png`: no such file"]


@pytest.mark.parametrize(
    ("written", "match", "strength"),
    [
        ("scene 0.8", "scene", "0.8"),
        ("film, 80%", "film", "0.8"),
        ("warm.cube 0.5", "warm.cube", "0.5"),
        ("{match: previous 60}", "previous", "0.6"),
        ("scene strength 1", "scene", "1"),
    ],
)
def test_a_look_with_a_strength_behind_it_is_told_how_to_be_written(
    written: str, match: str, strength: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = told(f"look: {written}\nshots: [a ball]\n", capsys)
    (only,) = found
    assert str(only["message"]).endswith("cannot be what a look is matched to")
    assert only["hint"] == f"with a strength: `look: {{match: {match}, strength: {strength}}}`"


HEARD = [
    "sound: {music: FILE}\nshots: [{prompt: a ball, duration: 1s}]\n",
    "sound: {ambience: FILE}\nshots: [{prompt: a ball, duration: 1s}]\n",
    "sound: FILE\nshots: [{prompt: a ball, duration: 1s}]\n",
    "shots: [{prompt: a ball, duration: 1s, sound: FILE}]\n",
    "shots: [{prompt: a ball, duration: 1s, sound: {words: FILE}}]\n",
    "shots: [{prompt: a ball, duration: 2s, dialogue: [{line: hello, file: FILE}]}]\n",
    "shots: [{prompt: a ball, duration: 2s, dialogue: {line: {file: FILE}}}]\n",
]


@pytest.mark.parametrize("text", HEARD)
def test_wherever_a_sound_may_be_named_a_film_is_heard(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    film(Path("loud.mov"), [40] * 25, beep=True)
    film(Path("mute.mp4"), [40] * 25)
    assert told(text.replace("FILE", "loud.mov"), capsys) == (0, [])
    code, found = told(text.replace("FILE", "mute.mp4"), capsys)
    assert code == 2
    assert [(each["message"], each["hint"]) for each in found] == [
        ("cannot use mute.mp4: it has no sound", "name a sound file, or a film with sound")
    ]


def test_a_film_that_is_only_heard_is_not_looked_at(tmp_path: Path) -> None:
    film(tmp_path / "a.mov", [40] * 4, beep=True)
    heard = board({"prompt": "a ball", "sound": "a.mov"}, folder=tmp_path, sound={"music": "a.mov"})
    assert not inputs.look_at(heard, tmp_path / "seen", lambda _: False, date(2026, 1, 1)).seen
    seen = board({"prompt": "a ball", "from": "a.mov", "sound": "a.mov"}, folder=tmp_path)
    assert len(inputs.look_at(seen, tmp_path / "seen", lambda _: False, date(2026, 1, 1)).seen) == 1
