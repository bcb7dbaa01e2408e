"""A recipe says all that a storyboard says, and nothing of the folder it lies in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from msgspec.structs import replace
from PIL import Image

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.errors import RequestError
from sora_cli.plan import Plan, PlannedShot, plan_takes
from sora_cli.plan.sounds import recordings
from sora_cli.record import recipe
from sora_cli.store import Store, file_hash
from tests.unattended.drawing import CARD

STORIES = sorted((Path(__file__).parents[1] / "storyboards").glob("*.yaml"))
FILES = """\
title: Files
engine: drawing
look: refs/look.png
sound: {music: refs/a.wav}
provenance: {watermark: {image: refs/mark.png}}
cast: {mara: {looks: a fox, reference: [refs/mara.png, more/mara.png]}}
shots:
  - {name: 007, prompt: '@mara runs', duration: 0.70s, from: refs/start.png, seed: 10, speed: 0.5}
  - {prompt: a ball, look: {match: more/mara.png, strength: 0.5}, sound: refs/b.wav}
"""


def told(plan: Plan, store: Path) -> dict[str, Any]:
    made = recipe.write(plan, Store(store), draft=False, only=(), deliver="web", engine="nano")
    return json.loads(json.dumps(made.to_dict()))  # type: ignore[no-any-return]


def shown(shot: PlannedShot) -> list[object]:
    """How a shot is shown, but for the folders of files."""
    look, title = replace(shot.look, path=None), shot.title and replace(shot.title, font=None)
    beats = [(beat.frames, beat.speed, beat.smooth, [each.keys for each in beat.stretches]) for beat in shot.beats]
    return [shot.name, shot.scene, shot.start, shot.overlap, shot.lead, shot.transition, look, title, beats]


def same(one: Plan, other: Plan) -> None:
    assert [take.key for take in one.takes] == [take.key for take in other.takes]
    assert [shown(shot) for shot in one.shots] == [shown(shot) for shot in other.shots]
    assert (one.fps, one.width, one.height, one.board.title) == (
        other.fps,
        other.width,
        other.height,
        other.board.title,
    )


def planned(board: storyboard.Storyboard) -> Plan:
    return plan_takes(board, lambda name: CARD if name == "drawing" else catalogue.card("nano"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_every_story_comes_back_as_it_was(path: Path, tmp_path: Path) -> None:
    plan = planned(storyboard.load(path))
    again = recipe.board_of(recipe.read(told(plan, tmp_path)), tmp_path / "files", [path.parent])
    same(plan, planned(again))
    assert (again.sound.music_path and again.sound.music_path.name) == (
        plan.board.sound.music_path and plan.board.sound.music_path.name
    )
    assert replace(again.sound, music_path=None) == replace(plan.board.sound, music_path=None)
    assert again.provenance == plan.board.provenance


def test_files_go_by_name_and_hash(tmp_path: Path) -> None:
    for number, name in enumerate(("refs/look", "refs/mark", "refs/mara", "more/mara", "refs/start")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"{name}.png")
    for name in ("a", "b"):
        (tmp_path / "refs" / f"{name}.wav").write_bytes(name.encode())
    (tmp_path / "files.yaml").write_text(FILES)
    plan = planned(storyboard.load(tmp_path / "files.yaml"))
    made = told(plan, tmp_path)
    assert set(made["files"]) == {"look.png", "mark.png", "mara.png", "mara-2.png", "start.png", "a.wav", "b.wav"}
    assert "refs" not in json.dumps(made)
    again = recipe.board_of(recipe.read(made), tmp_path / "again", [tmp_path / "refs", tmp_path / "more"])
    same(plan, planned(again))
    assert again.shots[0].name == "007"
    with pytest.raises(RequestError, match=r"mara-2\.png"):
        recipe.board_of(recipe.read(made), tmp_path / "again", [tmp_path / "refs"])


EMPTY: dict[str, Any] = {
    "version": 1, "sora": "1", "draft": False, "only": [], "deliver": "web", "storyboard": {"shots": ["a"]},
    "files": {}, "takes": {}, "made_on": [],
}  # fmt: skip


def test_an_empty_recipe_is_read() -> None:
    assert recipe.read(EMPTY).to_dict() == EMPTY


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"takes": 3}, {"takes": {"a": {"made_on": 99}}}, {"files": []}, {"storyboard": None},
        {"made_on": None},
    ],
)  # fmt: skip
def test_a_recipe_by_anybody_is_read_with_care(change: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        recipe.read({**EMPTY, **change})


@pytest.mark.parametrize("name", ["../start.png", "/etc/start.png", "a\\\\b.png", "a/b.png", "", "..", "a\0b"])
def test_files_of_a_recipe_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "given").write_bytes(b"x")
    sha = recipe.file_hash(tmp_path / "given")
    with pytest.raises(RequestError, match="name of a file is not allowed"):
        recipe.board_of(recipe.read({**EMPTY, "files": {name: sha}}), tmp_path / "to", [tmp_path / "given"])


@pytest.mark.parametrize(
    ("engine", "told"), [("nano", "nano"), ("a/b@1", "a/b@1"), ("/home/me/wan", "wan"), ("~/x", "x")]
)
def test_an_engine_loses_the_folder_it_lies_in(engine: str, told: str) -> None:
    assert recipe.bare(engine) == told


def test_recordings_that_are_heard_go_by_name_and_hash_and_others_stay(tmp_path: Path) -> None:
    for number, name in enumerate(("rain-on-tent", "deep/rain-on-tent", "an-owl", "music")):
        path = tmp_path / "own" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.full((48_000, 1), number / 8), 48_000)
    board = """\
sounds: {folder: own}
sound: {music: own/music.wav}
shots: [{prompt: a fox runs, sound: {words: rain on a tent}}, {prompt: it stops, sound: {words: music}}]
"""
    (tmp_path / "board.yaml").write_text(board)
    plan = planned(storyboard.load(tmp_path / "board.yaml"))
    made = told(plan, tmp_path / "store")
    assert set(made["recordings"]) == {"music.wav", "rain-on-tent.wav"}
    assert made["storyboard"]["sounds"] == {"folder": recipe.RECORDINGS}
    shutil.move(tmp_path / "own", tmp_path / "elsewhere")
    again = planned(recipe.board_of(recipe.read(made), tmp_path / "files", [tmp_path / "elsewhere"]))
    assert {file_hash(path) for path in recordings(again)} == set(made["recordings"].values())
    with pytest.raises(RequestError, match=r"missing: music\.wav"):
        recipe.board_of(recipe.read(made), tmp_path / "none", [])
    made["recordings"] = {"../music.wav": made["files"]["music.wav"]}
    with pytest.raises(RequestError, match="not allowed"):
        recipe.board_of(recipe.read(made), tmp_path / "none", [])


def test_a_folder_of_which_nothing_is_heard_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "board.yaml").write_text("sounds: {folder: own}\nshots: [a ball]\n")
    made = told(planned(storyboard.load(tmp_path / "board.yaml")), tmp_path / "store")
    assert "folder" not in made["storyboard"]["sounds"]
    recipe.board_of(recipe.read(made), tmp_path / "files", [])
