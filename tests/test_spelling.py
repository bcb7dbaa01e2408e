"""Names of files: those that read the same are the same, and those that are no UTF-8 give a film or a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.spelling import as_stored
from tests.boards import catalogue
from tests.test_film import Greys
from tests.test_tools import GREYS, film

FORMS = ("NFC", "NFD")
BROKEN = os.fsdecode(b"caf\xe9")


def spelled(form: str, name: str = "fr\u00fch") -> str:
    return unicodedata.normalize(form, name)  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("stored", FORMS)
@pytest.mark.parametrize("written", FORMS)
def test_a_name_in_other_code_points_is_found(home: Path, stored: str, written: str) -> None:
    folder = home / spelled(stored, "\u00e9t\u00e9")
    folder.mkdir()
    film(folder / f"{spelled(stored)}.mp4", GREYS)
    path = f"{spelled(written, 'été')}/{spelled(written)}.mp4"
    Path(f"{spelled(stored)}.yaml").write_text(f"shots: [{{prompt: white, from: {path}}}]\n", encoding="utf-8")
    assert main(["check", f"{spelled(written)}.yaml"]) == 0
    assert main(["storyboard", f"{spelled(written)}.yaml", "-o", "film.mp4"]) == 0


def test_two_names_that_differ_in_code_points_alone_are_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forms = ["\u1e69", "s\u0323\u0307", "\u1e63\u0307"]  # one letter: composed, decomposed, and in between
    for form in forms[:2]:
        (home / f"{form}.wav").touch()
    (home / "a.yaml").write_text(f"shots: [a]\nsound: {{music: {forms[2]}.wav}}\n", encoding="utf-8")
    assert main(["check", "a.yaml"]) == 2
    assert "differ in code points alone" in capsys.readouterr().err
    assert as_stored(home / f"{forms[2]}.wav") == home / f"{forms[2]}.wav"
    assert as_stored(home / f"{forms[0]}.wav") == home / f"{forms[0]}.wav"


@pytest.fixture
def broken(home: Path) -> Path:
    """A film and a storyboard whose names are no UTF-8, in a folder whose name is none either."""
    folder = home / BROKEN
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this disk has UTF-8 names alone")
    film(folder / f"{BROKEN}.mp4", GREYS)
    (folder / f"{BROKEN}.yaml").write_text("shots: [{prompt: white, duration: 0.5s}]\n")
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("check {}.yaml --json", 0),
        ("plan {}.yaml --json", 0),
        ("plan {}.yaml", 0),
        ("storyboard {}.yaml -o {}-2.mp4 --json --events --log {}.log", 0),
        ("storyboard {}.yaml -o {}.frames --deliver frames", 0),
        ("batch {}.yaml -o {} --json --events --log {}.log", 0),
        ("verify {}.mp4 --json", 1),
        ("verify {}.mp4", 1),
        ("stamp {}.mp4 -o {}-2.mp4 --json --events --author {}", 0),
        ("stitch {}.mp4 {}.mp4 -o {}-2.mp4 --json --events", 0),
        ("grade {}.mp4 --match {}.mp4 -o {}-2.mp4 --lut-out {}.cube --json", 0),
        ("generate white --image {}.mp4 --json", 2),
        ("generate {} --json", 2),
        ("reproduce {}.mp4 --json", 2),
        ("models show {} --json", 0),
        ("check no{}.yaml --json", 2),
        ("batch no{}.csv --json", 2),
        ("{} --json", 2),
        ("check {}.yaml --set {}=1 --json", 2),
        ("plan {}.yaml --only {} --json", 2),
    ],
)
def test_a_name_that_is_no_utf_8_gives_a_film_or_a_sentence(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, code: int
) -> None:
    monkeypatch.chdir(broken)
    assert main(words.replace("{}", BROKEN).split()) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if "--json" in words:
        document = out[out.rindex("\n[\n") if "batch" in words and not code else out.find("\n{\n") + 1 :]
        assert json.loads(document)
        document.encode()  # no half of a character, which few programs read
    for sidecar in broken.glob("*.sora.json"):
        json.loads(sidecar.read_bytes())
    if words.startswith("storyboard"):
        assert main(words.replace("{}", BROKEN).split()) == code
        assert "up to date" in capsys.readouterr().err
    for made in broken.glob("*-2.mp4"):
        assert main(["verify", str(made)]) == 0


def test_what_goes_out_is_the_name_itself(broken: Path) -> None:
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(
        [sys.executable, "-m", "sora_cli", "new", BROKEN], cwd=broken, env=strict, capture_output=True, check=False
    )
    assert done.stdout == b"caf\xe9/storyboard.yaml\n", done.stderr


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("café.wav", r"as `caf\xe9.wav`: rename it"),
        ("W.mp3", "did you mean `W.wav`?"),
        (r"C:\music\W.wav", "did you mean `W.wav`?"),
        (r"C:\music\score.wav", "a path of Windows"),
        ("file:///music/my%20score.wav", "as a path: `/music/my score.wav`"),
        ("x" * 300 + ".wav", "longer than names of files can be"),
    ],
)
def test_why_a_file_is_not_found_is_told(tmp_path: Path, written: str, hint: str) -> None:
    for name in (b"W.wav", b"W.png", b"caf\xe9.wav"):
        (tmp_path / os.fsdecode(name)).touch()
    (tmp_path / "a.yaml").write_text(f"sound: {{music: '{written}'}}\nshots: [a ball]\n")
    (problem,) = storyboard.read(tmp_path / "a.yaml").problems
    assert hint in problem.hint
