"""Whoever watches: a program that reads events, a person at a terminal that changes its size, a log."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from unittest.mock import Mock

import jsonschema  # type: ignore[import-untyped]
import pytest

from sora_cli import events
from sora_cli.cli import progress
from sora_cli.cli.main import main
from sora_cli.errors import DeviceLost, Interrupted, RequestError
from tests.unattended.conftest import Machine

BOARD = """\
title: Watched
shots:
  - {name: one, prompt: a red ball rolls right, duration: 1s}
  - {name: two, prompt: a blue cube falls, duration: 1s, options: {fails: %s}}
  - {name: three, prompt: the cube stays, duration: 1s, from: two}
"""
WORDS = ("storyboard", "board.yaml", "-o", "film.mp4")


@pytest.mark.parametrize("fails", ["false", "true"])
def test_every_event_is_as_its_schema_says(machine: Machine, fails: str) -> None:
    machine.write("board.yaml", BOARD % fails)
    schema = json.loads(machine.run("schema", "--events").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    lines = machine.run("batch", "board.yaml", "--events", "--keep-going").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        check.validate(event)
        assert not check.is_valid({**event, "more": 1})
    times = [event["time"] for event in events]
    assert times == sorted(times)
    kinds = {event["event"] for event in events}
    assert {"film_started", "stage_started", "planned", "take_started", "step", "take_kept", "film_ended"} <= kinds
    if fails == "true":
        failed = next(event for event in events if event["event"] == "take_failed")
        assert failed["reason"] == "the model saw red"
        assert next(event for event in events if event["event"] == "take_skipped")["because"] == "scene-1/two"
        assert events[-1]["reason"]
    else:
        assert "released" in kinds


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        (RequestError("no", hint="do"), {"event": "failed", "message": "no", "hint": "do", "code": 2}),
        (Interrupted(15), {"event": "stopped", "code": 143}),
        (DeviceLost("gone"), {"event": "failed", "message": "gone", "hint": "", "code": 1}),
        (None, {"event": "failed", "message": "no such option: --bogus", "code": 2}),
    ],
)
def test_a_run_that_fails_or_is_stopped_has_a_last_line(
    ends: BaseException | None,
    last: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """It is told once, before the document; a program that is started again has not ended."""
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.flows.preflight.load", Mock(side_effect=ends))
    seen: list[str] = []
    words = ["storyboard", "board.yaml", "--events", "--json", *(["--bogus"] if ends is None else ())]
    code = main(words, again=lambda: seen.append(capsys.readouterr().out))
    assert not any("failed" in out for out in seen)
    line, _, document = capsys.readouterr().out.partition("\n")
    told = json.loads(line)
    assert last.items() <= told.items()
    jsonschema.Draft202012Validator(events.events_schema()).validate(told)
    assert code == told["code"] == json.loads(document)["error"]["code"]


def test_time_begins_with_the_listener_in_a_process_that_serves_many() -> None:
    out = io.StringIO()
    events.JsonLines(out, events.BEGAN - 100)(events.StageStarted("plan"))
    events.JsonLines(out)(events.StageStarted("plan"))
    before, now = (json.loads(line)["time"] for line in out.getvalue().splitlines())
    assert before >= 100
    assert now < 100


def test_the_schema_knows_every_event() -> None:
    kinds = [*events.Event.__subclasses__(), *events.Worked.__subclasses__()]
    names = {events.name_of(kind) for kind in kinds} - {"about", "worked"}
    assert {each["title"] for each in events.events_schema()["oneOf"]} == names


def test_time_left_falls_as_takes_are_made() -> None:
    pace = events.Pace()
    assert pace.hear(events.StageStarted("plan"), 0) is None
    assert pace.hear(events.Planned(4, 1, 10, 1.0), 1) is None
    pace.hear(events.TakeKept("one", "1", "", 9.0, reused=True), 1)
    pace.hear(events.TakeStarted("two", "2"), 1)
    assert pace.hear(events.Step("two", "2", 1, 2), 3) == pytest.approx(10)  # 4 s a take: half a take and two more
    assert pace.hear(events.TakeKept("two", "2", "", 4.0), 5) == pytest.approx(8)
    pace.hear(events.TakeFailed("three", "3", "no"), 5)
    assert pace.hear(events.TakeSkipped("four", "4", "three"), 6) == 0


def test_the_log_tells_the_time_and_how_it_ended(machine: Machine) -> None:
    machine.write("board.yaml", BOARD % "true")
    machine.run(*WORDS, "--log", "logs/film.log")
    lines = (machine.folder / "logs" / "film.log").read_text().splitlines()
    assert all(line[:4].isdigit() and line[10] == " " for line in lines)
    assert any("failed: the model saw red" in line for line in lines)
    assert "ended: " in lines[-1]
    machine.write("board.yaml", BOARD % "false")
    machine.run(*WORDS, "--log", "logs/film.log")
    more = (machine.folder / "logs" / "film.log").read_text().splitlines()
    assert more[: len(lines)] == lines
    assert "released" in more[-1]
    assert machine.run(*WORDS, "--log", "board.yaml/film.log").returncode == 2


@pytest.mark.parametrize("stop", ["", "once", "twice"])
def test_a_terminal_that_changes_its_size_gets_its_cursor_back(machine: Machine, stop: str) -> None:
    machine.write("board.yaml", BOARD % "false")
    ours, theirs = pty.openpty()
    machine.environment.pop("COLUMNS")
    run = machine.begin(*WORDS, out=theirs, err=theirs, environment={"SORA_DRAW_STEP": "0.1", "TERM": "xterm-256color"})
    os.close(theirs)
    seen, width = b"", 120
    while chunk := read(ours):
        seen += chunk
        width = 20 + (width * 7) % 150
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        run.send_signal(signal.SIGWINCH)
        if stop and b"engine drawing" in seen:
            for _ in range(1 if stop == "once" else 2):
                run.send_signal(signal.SIGINT)
                if stop == "twice" and b"stops at once" not in seen:
                    while b"stops at once" not in seen and (more := read(ours)):
                        seen += more
            stop = ""
    os.close(ours)
    assert run.wait(300) in {0, 130}, seen
    assert b"Traceback" not in seen
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l"), "the cursor stays hidden"


def test_how_to_stop_at_once_stays_on_the_screen(machine: Machine) -> None:
    """Bars are drawn over what stood there: the words come again with each of them, until the end."""
    machine.write("board.yaml", BOARD % "false")
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 150, 0, 0))
    run = machine.begin(*WORDS, out=theirs, err=theirs, environment={"SORA_DRAW_STEP": "0.5", "TERM": "xterm-256color"})
    os.close(theirs)
    seen = b""
    while b"scene-1/one" not in seen and (chunk := read(ours)):
        seen += chunk
    run.send_signal(signal.SIGINT)
    seen = b""
    while chunk := read(ours):
        seen += chunk
    os.close(ours)
    assert run.wait(300) == 130
    assert seen.count(b"the next Ctrl-C stops at once") >= 2
    assert seen.find(b"stops at once", seen.rfind(b"scene-1/one")) > 0, "the last bars were drawn without it"


def test_the_bar_says_that_a_model_is_loading() -> None:
    talk = progress.Display()
    talk(events.EngineLoading("nano"))
    (shown,) = [task for task in talk._progress.tasks if task.visible]
    assert shown.description == "loading engine nano"
    talk(events.TakeStarted("scene-1/one", "key"))
    assert [task.description for task in talk._progress.tasks if task.visible] == ["scene-1/one"]


def read(terminal: int) -> bytes:
    """What was written to a terminal; nothing when nobody writes to it any more."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_full_or_a_closed_output_is_no_bug(machine: Machine) -> None:
    machine.write("board.yaml", BOARD % "false")
    sora = f"{sys.executable} -m sora_cli"
    full, refused = ("plan board.yaml --json", "models", "plan --help"), "show --json"
    lines = (*((f"{line} > /dev/full", 1) for line in full), ("plan board.yaml >&-", 0), ("models >&- 2>&-", 0))
    unheard = (("check board.yaml 2> /dev/full", 0), ("check none.yaml 2> /dev/full", 2))  # a log on a full disk
    for line, code in (*lines, *unheard, (f"{refused} > /dev/full", 2), (f"{refused} | true", 0)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{sora} {line}"],
            cwd=machine.folder,
            env=machine.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        assert ("cannot be written: No space left" in done.stderr) == (code == 1)
        assert ("no such command" in done.stderr) == line.startswith(refused)


def test_what_stdout_has_no_letters_for_is_spelled(machine: Machine) -> None:
    """As JSON spells it: a document stays one, with the same names."""
    machine.write("tür 🎬.yaml", BOARD % "false")
    narrow = Machine(machine.folder, machine.environment | {"PYTHONIOENCODING": "ascii"})
    told = narrow.run("check", "tür 🎬.yaml", "--json")
    assert json.loads(told.stdout)["file"] == "tür 🎬.yaml"
    assert narrow.run("new", "é").stdout == "\\u00e9/storyboard.yaml\n"


def test_a_film_is_made_while_nobody_watches(machine: Machine) -> None:
    machine.write("board.yaml", BOARD % "false")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    with full.open("w") as nowhere:
        machine.begin(*WORDS, "--events", out=nowhere, err=nowhere).wait(300)
    assert (machine.folder / "film.mp4.sora.json").exists()
