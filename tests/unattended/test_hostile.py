"""Storyboards and names that mean harm, through the commands: no traceback, no hang, no escape code, no file."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.errors import SoraError
from sora_cli.events import json_text
from sora_cli.flows import places
from tests.storyboard.test_hostile import mutated
from tests.unattended.conftest import Machine

ONE_ROOM = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def unharmed(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Check and plan a storyboard: it ends well or with a word, soon, and writes nothing."""
    (folder / "board.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    for words in (["check", "board.yaml"], ["plan", "board.yaml", "--json"]):
        began = time.process_time()
        assert main(words) in {0, 2, 3, 4}, text  # 3: an engine by a mutated name; 4: words that happen to read as harm
        assert time.process_time() - began < 2
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        for told in (out, err):
            assert all(letter.isprintable() or letter == "\n" for letter in told), repr(told)
    assert [path.name for path in folder.iterdir() if not path.name.startswith("refs")] == ["board.yaml"]
    try:
        name = places.default_name(storyboard.load(folder / "board.yaml"))
    except SoraError:
        return
    assert name.name == str(name)
    assert not name.name.startswith(".")


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the store elsewhere."""
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("SORA_ENGINE", raising=False)
    place = tmp_path / "room"
    (place / "refs").mkdir(parents=True)
    monkeypatch.chdir(place)
    (place / "board.yaml").write_text("shots: [a ball]\n")
    assert main(["check", "board.yaml"]) == 0  # what is timed later has been read
    return place


@settings(max_examples=60, suppress_health_check=ONE_ROOM)
@given(mutated())
def test_mutated_storyboards(room: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    unharmed(text, room, capsys)


@pytest.mark.long
@settings(max_examples=10_000, suppress_health_check=ONE_ROOM)
@given(mutated())
def test_ten_thousand_mutated_storyboards(room: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    unharmed(text, room, capsys)


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_json_shows_only_what_is_printable_and_says_it_all(text: str) -> None:
    told = json_text({"title": text})
    assert told.isprintable()
    assert json.loads(told) == {"title": text}


NAMES = (
    "a\x1b[31mb.yaml",
    "a\nb.yaml",
    "a\x9b2Jb.yaml",
    "-o.yaml",
    "a\udcff.yaml",
    "x" * 250 + ".yaml",
    " .yaml",
    "a%s{0}.yaml",
)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_file_names_that_mean_harm(machine: Machine, name: str) -> None:
    (machine.folder / name).write_text("shots:\n  - {promt: a}\n")
    done = raw(machine, *[(command, "--", name) for command in ("check", "batch", "storyboard", "plan")])
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert text.count("did you mean `prompt`") == 4, "each of them has read it"
    assert all(letter.isprintable() or letter == "\n" for letter in text), repr(text)


EACH = """
import json, sys
from sora_cli.__main__ import run
codes = set()
for words in json.loads(sys.argv[1]):
    sys.argv = ["sora", *words]
    try:
        run()
    except SystemExit as end:
        codes.add(end.code)
sys.exit(codes.pop() if len(codes) == 1 else f"ended with {codes}")
"""


def raw(machine: Machine, *requests: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """The program, once for each request, held to 2 s of the processor and 300 MB; bytes: names may be no text."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (2, 3))
        resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))

    return subprocess.run(
        [sys.executable, "-c", EACH, json.dumps(requests)], capture_output=True, check=False,
        cwd=machine.folder, env=machine.environment, preexec_fn=limits, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    "place",
    ["/dev/zero", "/dev/null", "/dev/full", "/dev/stdin", "/proc/self/mem", "/", "pipe", "loop", "/dev/urandom"],
)
def test_places_that_are_no_storyboard(machine: Machine, place: str) -> None:
    os.mkfifo(machine.folder / "pipe")
    (machine.folder / "loop").symlink_to("loop")
    done = raw(machine, ("check", place), ("batch", place))
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "content", [b"\0" * 100, b"\xff\xfe", b'"' * 100_000, b"a" * 3_000_000, b"a,b\n" + b"1,2\n" * 200_000]
)
def test_lists_that_mean_harm(machine: Machine, content: bytes) -> None:
    machine.write("good.yaml", "shots: [a ball]\n")
    (machine.folder / "list.csv").write_bytes(content)
    done = raw(machine, ("batch", "good.yaml", "list.csv"))
    assert done.returncode == 2, done.stderr[-2000:]
    assert b"Traceback" not in done.stderr


def test_words_that_mean_harm_reach_neither_terminal_nor_folder(machine: Machine) -> None:
    prompt = "../../a\x1b]0;owned\x07 ball\x9b2J"
    done = raw(machine, ("generate", prompt, "--duration", "0.5", "--events"))
    text = (done.stdout + done.stderr).decode()
    assert b"Traceback" not in done.stderr
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert not list(machine.folder.parent.glob("*.mp4"))
    done = raw(machine, ("plan", "nothere.yaml", "--set", "a\x1b[2J=b"))
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr


def test_events_are_lines_whatever_names_hold(machine: Machine) -> None:
    machine.write("names.yaml", "shots:\n  - {name: 'a  b', prompt: a ball, duration: 0.5s}\n")
    done = machine.run("storyboard", "names.yaml", "--events")
    assert all(json.loads(line) for line in done.stdout.splitlines()), done.stderr
