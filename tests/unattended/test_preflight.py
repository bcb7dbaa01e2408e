"""What will be opened at the finish is opened before the first take, by every command."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.errors import MediaError, StoryboardError
from sora_cli.flows import preflight
from sora_cli.plan import plan_takes
from tests.unattended.conftest import Machine

CASES = Path(__file__).parents[1] / "cases"


def text(path: Path) -> None:
    path.write_text("hello\n")


def cut_picture(path: Path) -> None:
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])


def edited(path: Path) -> None:
    raw = bytearray((CASES / "R_old.jpg").read_bytes())
    raw[-9] ^= 1
    path.write_bytes(raw)


def edited_film(path: Path) -> None:
    raw = bytearray((CASES / "Q_short.mp4").read_bytes())
    raw[-9] ^= 1
    path.write_bytes(raw)


def blip(path: Path) -> None:
    soundfile.write(path, np.zeros(10), 48000)


SHOT = "shots:\n  - {prompt: a red ball rolls, duration: 0.5s, "
WRONG: list[tuple[str, str, Callable[[Path], None], str]] = [
    ("look: {match: x.cube}\n" + SHOT + "}\n", "x.cube", text, "as a colour table"),
    ("look: {match: x.png}\n" + SHOT + "}\n", "x.png", text, "no picture"),
    ("sound: {music: x.wav}\n" + SHOT + "}\n", "x.wav", text, "no picture, film or sound"),
    ("sound: {ambience: x.wav}\n" + SHOT + "}\n", "x.wav", blip, "too short"),
    (SHOT + "sound: x.wav}\n", "x.wav", text, "no picture, film or sound"),
    (SHOT + "title: {text: Hi, font: x.ttf}}\n", "x.ttf", text, "font"),
    ("provenance: {watermark: {image: x.png}}\n" + SHOT + "}\n", "x.png", text, "no picture"),
    (SHOT + "from: x.png}\n", "x.png", cut_picture, "no picture"),
    (SHOT + "from: x.mp4}\n", "x.mp4", text, "no picture, film or sound"),
    (SHOT + "from: x.jpg}\n", "x.jpg", edited, "changed since it was signed"),
    (SHOT + "from: x.mp4}\n", "x.mp4", edited_film, "changed since it was signed"),
    (SHOT + "reference: x.jpg}\n", "x.jpg", edited, "changed since it was signed"),
]


def refused(folder: Path, board: str, only: tuple[str, ...] = ()) -> StoryboardError:
    (folder / "board.yaml").write_text(board)
    plan = plan_takes(storyboard.load(folder / "board.yaml"), catalogue.card, only=only)
    with pytest.raises(StoryboardError) as caught:
        preflight.require_ready(plan)
    return caught.value


@pytest.mark.parametrize(("board", "name", "make", "words"), WRONG)
def test_a_file_that_cannot_be_used_is_told_at_its_line(
    tmp_path: Path, board: str, name: str, make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / name)
    (problem,) = refused(tmp_path, board).problems
    assert words in problem.message
    assert problem.hint
    assert problem.mark is not None
    assert name in problem.mark.text


def test_what_is_whole_is_used_though_its_certificate_has_ended(tmp_path: Path) -> None:
    shutil.copy(CASES / "R_old.jpg", tmp_path / "x.jpg")
    shutil.copy(CASES / "Q_remote.mp4", tmp_path / "y.mp4")
    board = SHOT + "from: x.jpg}\n  - {prompt: a ball, duration: 0.5s, from: y.mp4}\n"
    (tmp_path / "board.yaml").write_text(board)
    preflight.require_ready(plan_takes(storyboard.load(tmp_path / "board.yaml"), catalogue.card))


def test_all_is_told_at_once_and_shots_left_out_are_not_looked_at(tmp_path: Path) -> None:
    text(tmp_path / "x.png")
    text(tmp_path / "y.wav")
    board = (
        "shots:\n  - {name: a, prompt: a red ball, duration: 0.5s, from: x.png}\n"
        "  - {name: b, prompt: a red ball, duration: 0.5s, sound: y.wav}\n"
    )
    assert [problem.mark and problem.mark.line for problem in refused(tmp_path, board).problems] == [2, 3]
    assert [problem.mark and problem.mark.line for problem in refused(tmp_path, board, ("b",)).problems] == [3]


def test_packages_that_options_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda _name: None)
    (tmp_path / "board.yaml").write_text("memory: {quantize: int8}\n" + SHOT + "options: {lora: [{path: a}]}}\n")
    board = storyboard.load(tmp_path / "board.yaml")
    found = list(preflight.file_problems(board))
    assert ["torchao" in problem.message or "peft" in problem.message for problem in found] == [True, True]
    assert [problem.mark and problem.mark.line for problem in found] == [1, 3]


def test_every_command_refuses_before_the_first_take(machine: Machine) -> None:
    for name in ("lut4.yaml", "bad.cube"):
        shutil.copy(CASES / name, machine.folder)
    edited(machine.folder / "edited.jpg")
    for words in (
        ("check", "lut4.yaml"),
        ("plan", "lut4.yaml"),
        ("storyboard", "lut4.yaml", "-o", "o.mp4"),
        ("batch", "lut4.yaml"),
    ):
        done = machine.run(*words)
        assert done.returncode == 2, words
        assert "lut4.yaml:2:15: cannot use bad.cube as a colour table" in done.stdout + done.stderr, words
    done = machine.run("generate", "a red ball", "--image", "edited.jpg", "-o", "o.mp4")
    assert (done.returncode, "changed since it was signed" in done.stderr) == (2, True)
    assert not machine.drawn()
    assert not (machine.folder / "o.mp4").exists()


def test_an_unfit_key_is_told_by_check(machine: Machine) -> None:
    machine.write("a.yaml", "shots: [a ball]\n")
    text(machine.folder / "c.pem")
    paths = {"SORA_SIGN_CERT": str(machine.folder / "c.pem"), "SORA_SIGN_KEY": str(machine.folder / "c.pem")}
    for command in ("check", "plan"):
        done = machine.run(command, "a.yaml", environment=paths)
        assert (done.returncode, "key" in done.stderr) == (3, True), done.stderr


def test_a_picture_that_changes_while_takes_are_made_of_it_is_told(tmp_path: Path) -> None:
    """Its take was made of the old one; the credential would name the new one."""
    for name, shade in (("x.png", 10), ("y.png", 200)):
        Image.fromarray(np.full((64, 96, 3), shade, np.uint8)).save(tmp_path / name)
    (tmp_path / "board.yaml").write_text(SHOT + "from: x.png, reference: x.png}\n")
    plan = plan_takes(storyboard.load(tmp_path / "board.yaml"), catalogue.card)
    preflight.require_same(plan)
    (tmp_path / "y.png").replace(tmp_path / "x.png")
    with pytest.raises(MediaError, match="replaced or changed while"):
        preflight.require_same(plan)
    (tmp_path / "x.png").unlink()
    with pytest.raises(MediaError, match="replaced or changed while"):
        preflight.require_same(plan)
