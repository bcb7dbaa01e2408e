"""Batches: one warm process, mistakes told first, one failure local, a table and a document at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sora_cli.errors import DeviceLost
from sora_cli.events import Silent
from sora_cli.flows import batch
from sora_cli.shoot.studio import Studio
from sora_cli.store import Store
from tests.unattended.conftest import ROOT, Machine

BALL = "title: {title}\nengine: {engine}\nshots: [{{prompt: a {title} ball, duration: 0.5s}}]\n"


def board(title: str, engine: str = "drawing", **more: str) -> str:
    extra = "".join(f"{key}: {value}\n" for key, value in more.items())
    return BALL.format(title=title, engine=engine) + extra


def test_films_are_made_in_one_process_with_each_engine_loaded_once(machine: Machine) -> None:
    for title, engine in (("one", "drawing"), ("two", "drawing-2"), ("three", "drawing"), ("four", "drawing-2")):
        machine.write(f"{title}.yaml", board(title, engine))
    files = [f"{title}.yaml" for title in ("one", "two", "three", "four")]
    done = machine.run("batch", *files, "-o", "films", "--events", "--log", "night.log", "--json")
    assert done.returncode == 0, done.stderr
    lines, _, document = done.stdout.partition("\n[\n")
    events = [json.loads(line) for line in lines.splitlines()]
    outcomes = json.loads("[\n" + document)
    assert [outcome["source"] for outcome in outcomes] == files
    assert {outcome["state"] for outcome in outcomes} == {"made"}
    assert [event["engine"] for event in events if event["event"] == "engine_loading"] == ["drawing", "drawing-2"]
    kept = {event["film"] for event in events if event["event"] == "take_kept"}
    assert kept == {f"films/{title}.mp4" for title in ("one", "two", "three", "four")}
    assert "films/four.mp4: made" in (machine.folder / "night.log").read_text()
    again = machine.run("batch", *files, "-o", "films")
    assert again.stdout.count("up to date") == 4
    assert set(machine.drawn().values()) == {1}
    assert machine.leftovers() == []


def test_a_batch_that_a_signal_stops_prints_one_document_and_ends_with_its_code(machine: Machine) -> None:
    files = [machine.write(f"{name}.yaml", f"title: {name}\nshots: [a red ball]\n").name for name in ("one", "two")]
    run = machine.launch("batch", "batch", *files, "--json", environment={"SORA_DRAW_STEP": "0.1"})
    machine.hear(run, "batch", '"step"')
    run.send_signal(signal.SIGTERM)
    assert run.wait(300) == 143
    out = (machine.folder / "batch.out").read_text()
    told, after = out.partition("\n[\n")[2].split("\n]\n")
    assert [film["state"] for film in json.loads(f"[{told}]")] == ["not tried", "not tried"]
    assert [json.loads(line)["event"] for line in after.splitlines()] == ["stopped"]


def test_all_films_of_a_batch_are_of_the_kind_asked_for(machine: Machine) -> None:
    machine.write("one.yaml", board("one"))
    machine.write("list.csv", "storyboard,output\none.yaml,two.gif\n")
    done = machine.run("batch", "one.yaml", "list.csv", "-o", "films", "--deliver", "gif")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (machine.folder / "films").glob("*.gif")) == ["one.gif", "two.gif"]
    assert machine.run("verify", "films/one.gif").returncode == 0
    machine.write("list.csv", "storyboard,output\none.yaml,two.mp4\n")
    done = machine.run("batch", "list.csv", "-o", "films", "--deliver", "gif")
    assert (done.returncode, "must end in .gif" in done.stderr) == (2, True)


def test_mistakes_of_all_storyboards_are_told_before_anything_is_made(machine: Machine) -> None:
    machine.write("good.yaml", board("good"))
    machine.write("bad.yaml", "shots: [{promt: a}]\n")
    machine.write("worse.yaml", "shots: [{prompt: a, options: {stepz: 3}}]\n")
    done = machine.run("batch", "good.yaml", "bad.yaml", "worse.yaml")
    assert done.returncode == 2
    assert "bad.yaml:1:" in done.stderr
    assert "worse.yaml:1:" in done.stderr
    assert not list(machine.folder.glob("*.mp4"))


def test_with_keep_going_every_film_that_can_be_made_is_made(machine: Machine) -> None:
    machine.write("good.yaml", board("good"))
    machine.write("bad.yaml", "shots: [{promt: a}]\n")
    machine.write("red.yaml", board("red", options="{fails: true}"))
    machine.write("far.yaml", board("far", "nowhere"))
    machine.write("late.yaml", board("late"))
    files = ("bad.yaml", "red.yaml", "far.yaml", "good.yaml", "late.yaml")
    done = machine.run("batch", *files, "--keep-going", "--json")
    assert done.returncode == 1
    outcomes = {outcome["source"]: outcome for outcome in json.loads(done.stdout)}
    assert [outcomes[name]["state"] for name in files] == ["failed", "failed", "failed", "made", "made"]
    assert outcomes["red.yaml"]["reason"] == "scene-1/shot-1: the model saw red"
    assert outcomes["far.yaml"]["exit_code"] == 3
    assert "5 films: 3 failed, 2 made" in done.stderr


def test_without_it_the_batch_ends_with_the_first_failure(machine: Machine) -> None:
    machine.write("red.yaml", board("red", options="{fails: true}"))
    machine.write("late.yaml", board("late"))
    done = machine.run("batch", "red.yaml", "late.yaml", "--json")
    assert done.returncode == 1
    assert [outcome["state"] for outcome in json.loads(done.stdout)] == ["failed", "not tried"]


def test_films_beside_each_other_are_not_tried_where_the_device_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, both = list[str](), threading.Barrier(2)

    def lost(_board: object, out: Path, **_: object) -> None:
        tried.append(out.name)
        both.wait(10)  # two are under way
        raise DeviceLost("the device went away")

    monkeypatch.setattr("sora_cli.flows.film.make", lost)
    asked = []
    for title in ("one", "two", "three", "four", "five", "six"):
        path = tmp_path / f"{title}.yaml"
        path.write_text(board(title, "nano"))
        asked.append(batch.Entry(str(path), path))
    options = batch.BatchOptions(folder=tmp_path, jobs=2, keep_going=True)
    with Studio(Store(tmp_path / "store")) as studio, pytest.raises(DeviceLost):
        batch.run(asked, studio, Silent(), options)
    assert sorted(tried) == ["one.mp4", "two.mp4"]


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_one_storyboard_with_a_row_of_variables_for_each_film(machine: Machine, jobs: str) -> None:
    machine.write("ball.yaml", "title: Ball\nvars: {hue: red}\nshots:\n  - prompt: a ${hue} ball\n    duration: 0.5s\n")
    machine.write("rows.csv", 'hue,output\nblue,sea.mp4\ngreen,\n"grey, dark",deep/dusk.mp4\n')
    done = machine.run("batch", "ball.yaml", "rows.csv", "-o", "films", "--jobs", jobs, "--json")
    assert done.returncode == 0, done.stderr
    films = machine.folder / "films"
    assert [outcome["film"] for outcome in json.loads(done.stdout)] == [
        "films/sea.mp4", "films/ball-2.mp4", "films/deep/dusk.mp4",
    ]  # fmt: skip
    assert json.loads((films / "deep" / "dusk.mp4.sora.json").read_text())["takes"][0]["prompt"] == "a grey, dark ball"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("hue,output\nred,../out.mp4\n", "leaves the folder"),
        ("hue,output\nred,/tmp/out.mp4\n", "leaves the folder"),
        ("hue,output\nred,a.mp4\nblue,a.mp4\n", "would both be written to"),
        ("hue\nred,blue\n", "columns are named"),
        ("hue\n", "nothing to make"),
        ("colour\nred\n", "colour"),
        ('hue\n"red\n', "is not a list"),
        ("storyboard\nnothere.yaml\n", "nothere.yaml"),
    ],
)
def test_a_wrong_list_is_refused(machine: Machine, rows: str, words: str) -> None:
    machine.write("ball.yaml", "vars: {hue: red}\nshots:\n  - prompt: a ${hue} ball\n    duration: 0.5s\n")
    machine.write("rows.csv", rows)
    done = machine.run("batch", "ball.yaml", "rows.csv")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(machine.folder.glob("*.mp4"))


def test_a_list_may_name_its_storyboards(machine: Machine) -> None:
    (machine.folder / "boards").mkdir()
    for title in ("one", "two"):
        machine.write(f"boards/{title}.yaml", board(title))
    machine.write("boards/list.csv", "storyboard\none.yaml\ntwo.yaml\n")
    done = machine.run("batch", "boards/list.csv", "--json")
    assert [outcome["film"] for outcome in json.loads(done.stdout)] == ["one-1.mp4", "two-2.mp4"]


def test_when_time_is_up_the_rest_is_not_tried_and_the_next_run_goes_on(machine: Machine) -> None:
    for title in ("one", "two", "three"):
        machine.write(f"{title}.yaml", board(title))
    files = ("one.yaml", "two.yaml", "three.yaml")
    slow = {"SORA_DRAW_STEP": "0.25"}
    done = machine.run("batch", *files, "--max-time", "2s", "--json", environment=slow)
    assert done.returncode == 1, done.stderr
    outcomes = json.loads(done.stdout)
    late = [outcome["reason"] for outcome in outcomes if outcome["state"] == "not tried"]
    assert set(late) == {"stopped after 2 s, its time limit"}
    assert machine.leftovers() == []
    assert machine.run("batch", *files).returncode == 0
    assert set(machine.drawn().values()) == {1}


def test_the_examples_run(machine: Machine) -> None:
    done = machine.run(
        "batch", str(ROOT / "storyboards/any-hero.yaml"), str(ROOT / "examples/heroes.csv"), "-o", "films"
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (machine.folder / "films").glob("*.mp4")) == [
        "blue-ball.mp4", "green-star.mp4", "orange-heart.mp4",
    ]  # fmt: skip


def test_the_shell_script_says_in_the_morning_what_failed(machine: Machine) -> None:
    (machine.folder / "boards").mkdir()
    machine.write("boards/good.yaml", board("good"))
    machine.write("boards/red.yaml", board("red", options="{fails: true}"))
    machine.write("boards/bad.yaml", "shots:\n  - {prompt: a, duration: soon}\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = [str(ROOT / "examples/overnight.sh"), "boards", "films"]
    done = subprocess.run(
        script, capture_output=True, text=True, check=False, cwd=machine.folder,
        env={**machine.environment, "PATH": path},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "made    films/good.mp4" in done.stdout
    assert "FAILED  boards/red.yaml (exit code 1)" in done.stdout
    assert "the model saw red" in done.stdout
    assert "FAILED  boards/bad.yaml (exit code 2)" in done.stdout
    assert "boards/bad.yaml:2:27: `soon` is not a length of time" in done.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("storyboard bad.yaml", "2 problems, first: bad.yaml:2:6: unknown key `promt`"),
        ("batch bad.yaml", "2 problems, first: bad.yaml:2:6: unknown key `promt`"),
        ("batch nothere.csv", "cannot read nothere.csv"),
        ("storyboard good.yaml --deliver vhs", "--deliver vhs: no such delivery"),
        ("storyboard good.yaml --max-time soon", "--max-time soon: not an amount"),
        ("generate ball --size big", "`big` is not a size"),
        ("stitch good.yaml -o b.mp4 --fit none", "--fit none: no such fit"),
        ("stamp good.yaml -o b.mp4 --sign-cert nothere.pem", "half of a signer"),
    ],
)
def test_the_log_tells_what_is_wrong_with_the_request(machine: Machine, words: str, reason: str) -> None:
    machine.write("good.yaml", board("good"))
    machine.write("bad.yaml", "shots:\n  - {promt: a}\n  - {prompt: b, duration: soon}\n")
    assert machine.run(*words.split(), "--log", "night.log").returncode in {2, 3}
    log = (machine.folder / "night.log").read_text().splitlines()
    assert reason in log[-1]
    assert "ended: " in log[-1]
    if "bad.yaml" in words:
        assert any("bad.yaml:3:27: `soon` is not a length of time" in line for line in log)
