"""The commands, run as a stranger would: exit codes, what goes where, how quickly they start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from sora_cli.cli.main import main

BOARD = """\
title: Two shots
shots:
  - {name: ball, prompt: a red ball rolls right on the grass, duration: 1s}
  - {name: cube, beats: [{prompt: a blue cube falls, duration: 1s}, {prompt: the cube stays still, duration: 1s}]}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's machine with nothing of ours on it, in a folder with one storyboard."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("SORA_ENGINE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.yaml").write_text(BOARD)
    return tmp_path


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    return subprocess.run([sys.executable, "-m", "sora_cli", *words], capture_output=True, text=True, check=False)


# -- quick starts ----------------------------------------------------------------------------------------------

IMPORTED = """
import sys
from sora_cli.cli.main import main
code = main({words!r})
heavy = {{"torch", "diffusers", "transformers", "av", "moviepy", "c2pa", "numpy", "PIL", "cryptography",
          "rich.progress", "sora_cli.events", "sora_cli.flows.film"}} & sys.modules.keys()
print("loaded", sorted(heavy), "code", code, file=sys.stderr)
"""


@pytest.mark.parametrize("words", [["--help"], ["check", "two.yaml"], ["plan", "two.yaml"], ["models"]], ids=str)
def test_looking_loads_nothing_heavy(home: Path, words: list[str]) -> None:
    code = IMPORTED.format(words=words)
    if words[0] in {"check", "plan"}:  # words are judged once; a storyboard that did not change costs no encoder
        assert main(["check", "two.yaml"]) == 0
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=home)
    assert done.stderr.splitlines()[-1] == "loaded [] code 0", done.stderr


# -- looking ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("home")
def test_check_praises_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "two.yaml"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "nothing wrong; 2 shots" in err


def test_check_tells_every_problem_and_ends_with_2(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "bad.yaml").write_text("shots:\n  - {promt: a}\n  - {prompt: b, options: {stepz: 3}}\n")
    assert main(["check", "bad.yaml", "--json"]) == 2
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert {problem["line"] for problem in found["problems"]} == {2, 3}
    assert "did you mean `prompt`" in err
    assert "no option 'stepz'" in err


@pytest.mark.usefixtures("home")
def test_plan_shows_takes_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "two.yaml"]) == 0
    table = capsys.readouterr().out
    assert "scene-1/cube/2" in table
    assert "\x1b" not in table
    assert main(["plan", "two.yaml", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["seconds"] == 3.0
    assert all(not take["kept"] for take in plan["takes"])


def test_a_missing_engine_is_exit_code_3(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "far.yaml").write_text("engine: nanoo\nshots: [a ball]\n")
    assert main(["plan", "far.yaml"]) == 3
    assert "nanoo" in capsys.readouterr().err


def test_takes_of_an_engine_that_is_known_but_not_here_are_shown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "far.yaml").write_text("engine: wan2.1-t2v-14b\nshots: [{prompt: a ball, title: Hi}]\n")
    for words in (["plan", "far.yaml"], ["storyboard", "far.yaml", "--dry-run"]):
        assert main(words) == 3
        out, err = capsys.readouterr()
        assert "shot-1" in out
        assert "far.yaml:1:9: " in err
        assert "sora models pull" in err
    assert main(["plan", "far.yaml", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [take["engine"] for take in told["takes"]] == ["wan2.1-t2v-14b"]
    assert (told["error"]["code"], told["error"]["where"]["line"]) == (3, 1)
    (home / "far.yaml").write_text("engine: wan2.1-t2v-14b\nshots: [{prompt: a ball, duration: 90s}]\n")
    assert main(["plan", "far.yaml"]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("home")
def test_a_wrong_option_is_exit_code_2() -> None:
    assert main(["plan", "two.yaml", "--nonsense"]) == 2
    assert main(["storyboard", "two.yaml", "--set", "hero"]) == 2
    assert main(["storyboard", "nothere.yaml"]) == 2


@pytest.mark.usefixtures("home")
def test_new_writes_a_starter_that_checks_and_never_overwrites(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine"]) == 0
    assert capsys.readouterr().out.strip() == "mine/storyboard.yaml"
    assert main(["check", "mine/storyboard.yaml"]) == 0
    assert main(["new", "mine"]) == 2
    capsys.readouterr()
    assert main(["new", "other", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": "other/storyboard.yaml"}


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert "properties" in capsys.readouterr().out


# -- making ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the film of two shots was made once, by the real program on the embedded model."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "two.yaml").write_text(BOARD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("SORA_STORE", str(folder / "store"))
        patch.delenv("SORA_ENGINE", raising=False)
        patch.chdir(folder)
        done = run("storyboard", "two.yaml", "-o", "two.mp4", "--draft", "--events", "--json")
        assert done.returncode == 0, done.stderr
        (folder / "first.out").write_text(done.stdout)
        (folder / "first.err").write_text(done.stderr)
        yield folder


def test_a_film_comes_with_its_sidecar_and_sheet(studio: Path) -> None:
    facts = json.loads((studio / "two.mp4.sora.json").read_text())
    assert facts["film"]["frames"] == 36
    assert [take["name"] for take in facts["takes"]] == ["scene-1/ball", "scene-1/cube/1", "scene-1/cube/2"]
    assert facts["engines"]["nano"]["revision"]
    assert (studio / "two.mp4.sheet.png").read_bytes().startswith(b"\x89PNG")


def test_the_film_verifies(studio: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(studio / "two.mp4"), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["self_made"]
    assert len([part for part in verdict["parts"] if part["relationship"] == "componentOf"]) == 3


def test_talk_without_a_terminal_has_no_control_codes(studio: Path) -> None:
    assert "\x1b" not in (studio / "first.err").read_text()
    assert "signed by" in (studio / "first.err").read_text()


def test_events_are_json_lines_and_the_document_comes_last(studio: Path) -> None:
    text = (studio / "first.out").read_text()
    lines, _, document = text.partition("\n{\n")
    events = [json.loads(line) for line in lines.splitlines()]
    assert events[-1]["event"] == "released"
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert json.loads("{\n" + document)["frames"] == 36


def test_a_second_run_makes_nothing_and_is_quick(studio: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (studio / "two.mp4").stat().st_mtime_ns
    assert main(["storyboard", "two.yaml", "-o", "two.mp4", "--draft", "--events"]) == 0  # imports are done
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["film"], last["reused"]) == ("released", "two.mp4", True), "a program hears where it is"
    started = time.process_time()
    assert main(["storyboard", "two.yaml", "-o", "two.mp4", "--draft"]) == 0
    assert time.process_time() - started < 1  # the processor's time: a busy machine takes longer
    assert "up to date" in capsys.readouterr().err
    assert (studio / "two.mp4").stat().st_mtime_ns == before


def test_plan_why_names_what_changed(studio: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = BOARD.replace("a blue cube falls", "a green cube falls")
    (studio / "two.yaml").write_text(changed)
    try:
        assert main(["plan", "two.yaml", "--draft", "--why", "--json"]) == 0
    finally:
        (studio / "two.yaml").write_text(BOARD)
    why = {take["name"]: take["why"] for take in json.loads(capsys.readouterr().out)["takes"]}
    assert why["scene-1/ball"] == ""
    assert why["scene-1/cube/1"] == "prompt changed"
    assert why["scene-1/cube/2"] == "from (scene-1/cube/1 is shot again) changed"


@pytest.mark.long  # tests/unattended/test_kill.py does so with the engine that draws
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_ends_with_130_and_the_next_run_goes_on(studio: Path) -> None:
    (studio / "long.yaml").write_text("shots:\n" + "".join(f"  - a red ball bounces, {i}\n" for i in range(2)))
    program = [sys.executable, "-m", "sora_cli", "storyboard", "long.yaml", "-o", "long.mp4", "--draft", "--events"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "take_kept":
                process.send_signal(2)
                break
        process.communicate(timeout=300)
        assert process.returncode == 130
    assert not (studio / "long.mp4").exists()
    assert not [path for path in studio.rglob(".*") if path.is_file()]
    done = run("storyboard", "long.yaml", "-o", "long.mp4", "--draft", "--events")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(event.get("reused") for event in events)


def test_generate_takes_references(studio: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 64), "red").save(studio / "ball.png")
    words = ["generate", "a ball rolls right", "--duration", "0.5s", "--option", "steps=2", "-o", "ball.mp4"]
    assert main([*words, "--reference", "ball.png"]) == 0, capsys.readouterr().err
    assert main(["verify", "ball.mp4"]) == 0
    assert "ball.png" in capsys.readouterr().out
    assert main([*words, "--reference", "bal.png"]) == 2
    assert "`bal.png`: no such file" in capsys.readouterr().err


def test_generate_makes_a_clip_and_never_overwrites_by_default(
    studio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["generate", "a red ball rolls right", "--duration", "0.5s", "--option", "steps=2", "--seed", "3"]
    for name in ("a-red-ball-rolls-right.mp4", "a-red-ball-rolls-right-2.mp4"):
        assert main([*words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["path"] == name
        assert (studio / name).exists()
