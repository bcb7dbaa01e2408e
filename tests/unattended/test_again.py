"""Trying again what is worth it, and making again what was made."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import pytest

from tests.unattended.conftest import Machine, new_machine

BOARD = """\
title: Three
shots:
  - {name: one, beats: [{prompt: a red ball rolls right, duration: 1s}, {prompt: it stops, duration: 1s}]}
  - {name: two, prompt: a blue cube falls, duration: 1s, from: start.png}
"""
WORDS = ("storyboard", "three.yaml", "-o", "films/three.mp4")


# -- devices that go away --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "restarts"), [(1, 0), (3, 1), (5, 2)])
def test_a_lost_device_is_tried_again_with_the_count_said(machine: Machine, lost: int, restarts: int) -> None:
    machine.write("lost.yaml", f"options: {{lost: {lost}}}\nshots: [a ball]\n")
    done = machine.run("storyboard", "lost.yaml", "-o", "lost.mp4")
    assert done.returncode == 0, done.stderr
    assert "the device went away; try 2 of 2" in done.stderr
    assert done.stderr.count("starting again in a new process") == restarts
    assert set(machine.drawn().values()) == {1}


def test_starting_again_takes_no_code_from_the_working_folder(machine: Machine) -> None:
    """The `sora` command has no such folder on its path, and what it starts has none either."""
    machine.write("lost.yaml", "options: {lost: 3}\nshots: [a ball]\n")
    for name in ("random.py", "typer.py"):
        machine.write(name, f"open({str(machine.folder / 'taken')!r}, 'w')\n")
    words = [sys.executable, "-P", "-m", "sora_cli", "storyboard", "lost.yaml", "-o", "lost.mp4"]
    done = subprocess.run(
        words, cwd=machine.folder, env=machine.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "starting again in a new process" in done.stderr
    assert not (machine.folder / "taken").exists()


def test_a_device_that_stays_lost_is_given_up(machine: Machine) -> None:
    machine.write("lost.yaml", "options: {lost: 99}\nshots: [a ball, a cube]\n")
    done = machine.run("storyboard", "lost.yaml", "-o", "lost.mp4")
    assert done.returncode == 1
    assert "starting again in a new process (2 of 2)" in done.stderr
    assert "the device went away" in done.stderr.splitlines()[-1]
    assert machine.leftovers() == []


def test_a_mistake_of_an_engine_from_elsewhere_costs_its_take_alone(machine: Machine) -> None:
    machine.write("bad.yaml", "shots:\n  - {prompt: a ball, options: {shade: 13}}\n  - a cube\n")
    done = machine.run("storyboard", "bad.yaml", "-o", "bad.mp4")
    assert done.returncode == 1
    assert "ZeroDivisionError: a mistake of the engine's" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(machine.drawn()) == 1


# -- reproducing -----------------------------------------------------------------------------------------------


@pytest.fixture
def three(machine: Machine) -> Machine:
    from PIL import Image

    machine.write("three.yaml", BOARD)
    Image.new("RGB", (192, 128), (200, 30, 30)).save(machine.folder / "start.png")
    assert machine.run(*WORDS).returncode == 0
    return machine


def elsewhere(machine: Machine, film: str) -> Machine:
    """Another machine that was given nothing but a film."""
    other = new_machine(machine.folder / "elsewhere", machine.forks)
    shutil.copy(machine.folder / film, other.folder)
    return other


def test_a_film_made_again_agrees_frame_for_frame(three: Machine) -> None:
    done = three.run("reproduce", "films/three.mp4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["agrees"]
    assert len(found["takes"]) == 3
    assert found["differences"] == {}
    assert (found["film"]["state"], found["film"]["frames"]) == ("agrees", 36)
    assert "3 of 3 takes agree frame for frame; all 36 frames of the film agree" in done.stderr
    assert three.leftovers() == []


def test_where_nobody_can_sign_nothing_is_made_again(three: Machine) -> None:
    three.environment["XDG_CONFIG_HOME"] = str(three.folder / "three.yaml")
    before = three.drawn()
    done = three.run("reproduce", "films/three.mp4")
    assert done.returncode == 3, done.stderr
    assert three.drawn() == before


@pytest.mark.parametrize(
    "kind", ["mp4", "gif", pytest.param("webp", marks=pytest.mark.long), pytest.param("mkv", marks=pytest.mark.long)]
)
def test_a_film_alone_is_made_again_from_its_credential(machine: Machine, kind: str) -> None:
    machine.write(
        "two.yaml", "vars: {hue: red}\nshots: ['a ${hue} ball', {prompt: a cube, from: previous, takes: 2}]\n"
    )
    deliver = {"mp4": "web", "mkv": "archive"}.get(kind, kind)
    assert machine.run("storyboard", "two.yaml", "-o", f"two.{kind}", "--deliver", deliver, "--draft").returncode == 0
    other = elsewhere(machine, f"two.{kind}")
    if kind == "mkv":  # it cannot hold its credential, which lies beside it
        shutil.copy(machine.folder / "two.mkv.c2pa", other.folder)
    done = other.run("reproduce", f"two.{kind}", environment={"SORA_ENGINE": ""})
    assert done.returncode == 0, done.stderr
    assert "3 of 3 takes agree frame for frame; all 24 frames of the film agree" in done.stderr


def test_what_else_went_in_is_named_and_taken_from_a_folder(three: Machine) -> None:
    other = elsewhere(three, "films/three.mp4")
    start = (three.folder / "start.png").read_bytes()
    done = other.run("reproduce", "three.mp4")
    assert done.returncode == 2
    assert f"start.png (SHA-256 {hashlib.sha256(start).hexdigest()})" in done.stderr
    assert "--files FOLDER" in done.stderr
    (other.folder / "given").mkdir()
    (other.folder / "given" / "of another name.png").write_bytes(start)
    done = other.run("reproduce", "three.mp4", "--files", "given")
    assert done.returncode == 0, done.stderr
    assert "all 36 frames of the film agree" in done.stderr


def test_a_film_tells_nothing_of_the_folders_it_was_made_in(three: Machine) -> None:
    told = (three.folder / "films" / "three.mp4").read_bytes()
    assert b"com.sora.recipe" in told
    assert str(three.folder).encode() not in told
    assert str(three.folder) not in json.dumps(
        json.loads((three.folder / "films" / "three.mp4.sora.json").read_text())["recipe"]
    )


def test_what_differs_is_named(three: Machine) -> None:
    done = three.run(
        "reproduce", "films/three.mp4", "--json", environment={"SORA_DRAW_DRIFT": "2", "SORA_DRAW_DEVICE": "parchment"}
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [take["state"] for take in found["takes"]] == ["differs"] * 3
    assert 20 < found["takes"][0]["psnr"] < 60
    assert found["differences"] == {"device": {"then": "paper", "now": "parchment"}}
    assert found["film"]["state"] == "differs"
    assert 20 < found["film"]["psnr"] < 60


def test_a_film_that_was_changed_differs_though_its_takes_agree(three: Machine) -> None:
    done = three.run("grade", "films/three.mp4", "--match", "start.png", "-o", "graded.mp4")
    assert done.returncode == 0, done.stderr
    assert "no record of how" in three.run("reproduce", "graded.mp4").stderr
    shutil.copy(three.folder / "films" / "three.mp4.sora.json", three.folder / "graded.mp4.sora.json")
    (three.folder / "films" / "start.png").write_bytes((three.folder / "start.png").read_bytes())
    done = three.run("reproduce", "graded.mp4", "--files", ".", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert {take["state"] for take in found["takes"]} == {"agrees"}
    assert found["film"]["state"] == "differs"


def test_a_take_that_fails_is_told_with_its_reason(machine: Machine) -> None:
    machine.write("one.yaml", "shots: [{prompt: a ball, duration: 0.5s}]\n")
    assert machine.run("storyboard", "one.yaml", "-o", "one.mp4").returncode == 0
    recipe = json.loads((machine.folder / "one.mp4.sora.json").read_text())
    recipe["recipe"]["storyboard"]["shots"][0]["options"] = {"fails": True}
    machine.write("one.mp4.sora.json", json.dumps(recipe))
    done = machine.run("reproduce", "one.mp4", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["takes"][0]["state"] == found["film"]["state"] == "failed"
    assert found["film"]["reason"] == "scene-1/shot-1: the model saw red"


def test_a_clip_is_made_again_from_its_card(three: Machine) -> None:
    facts = json.loads((three.folder / "films" / "three.mp4.sora.json").read_text())
    second = next(take for take in facts["takes"] if take["name"].endswith("one/2"))
    clip = three.store / second["key"][:2] / f"{second['key']}.mp4"
    done = three.run("reproduce", str(clip), "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["takes"]) == 2, "what it carries on from is made again too"


def test_a_clip_is_made_again_from_the_takes_that_were_chosen_before_it(machine: Machine) -> None:
    """One take is spared, so that the store has no card of it; of the other two one carries on."""
    beats = "[{prompt: a red ball rolls right, duration: 1s%s}, {prompt: it stops, duration: 1s}]"
    machine.write("spare.yaml", "shots: [{name: one, beats: " + beats % ", takes: {up to: 2, until: good}" + "}]\n")
    machine.write("two.yaml", "shots: [{name: one, beats: " + beats % ", takes: 2" + "}]\n")
    for name in ("spare", "two"):
        assert machine.run("storyboard", f"{name}.yaml", "-o", f"{name}.mp4").returncode == 0
        facts = json.loads((machine.folder / f"{name}.mp4.sora.json").read_text())
        last = next(take for take in facts["takes"] if take["name"].endswith("one/2"))
        clip = machine.store / last["key"][:2] / f"{last['key']}.mp4"
        assert len(last["from"]["takes"]) == 2
        done = machine.run("reproduce", str(clip), "--json")
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)["takes"]) == 2


def test_a_clip_that_began_with_a_picture_wants_it(three: Machine) -> None:
    facts = json.loads((three.folder / "films" / "three.mp4.sora.json").read_text())
    third = next(take for take in facts["takes"] if take["name"].endswith("two"))
    clip = str(three.store / third["key"][:2] / f"{third['key']}.mp4")
    assert f"SHA-256 {third['from']['file']}" in three.run("reproduce", clip).stderr
    done = three.run("reproduce", clip, "--files", ".")
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_made_again_says_why(three: Machine) -> None:
    assert "no record of how" in three.run("reproduce", "start.png").stderr
    assert "no such file" in three.run("reproduce", "nowhere.mp4").stderr
    (three.folder / "start.png").write_bytes(b"another")
    done = three.run("reproduce", "films/three.mp4")
    assert done.returncode == 2
    assert "start.png (SHA-256" in done.stderr
