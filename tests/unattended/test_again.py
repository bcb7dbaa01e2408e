"""Trying again what is worth it, and making again what was made."""

from __future__ import annotations

import json

import pytest

from tests.unattended.conftest import Machine

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


def test_a_film_made_again_agrees_frame_for_frame(three: Machine) -> None:
    done = three.run("reproduce", "films/three.mp4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["agrees"]
    assert len(found["takes"]) == 3
    assert found["differences"] == {}
    assert "3 of 3 takes agree" in done.stderr


def test_a_film_without_its_sidecar_is_made_again_from_its_credential(machine: Machine) -> None:
    machine.write("two.yaml", "shots: [{prompt: a ball, duration: 0.5s}, {prompt: a cube, from: previous}]\n")
    assert machine.run("storyboard", "two.yaml", "-o", "two.mp4").returncode == 0
    (machine.folder / "two.json").unlink()
    done = machine.run("reproduce", "two.mp4")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 takes agree" in done.stderr
    machine.run("store", "clean", "--keep-days", "0")
    done = machine.run("reproduce", "two.mp4")
    assert done.returncode == 2
    assert "does not have it any more" in done.stderr


def test_what_differs_is_named(three: Machine) -> None:
    done = three.run(
        "reproduce", "films/three.mp4", "--json", environment={"SORA_DRAW_DRIFT": "2", "SORA_DRAW_DEVICE": "parchment"}
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [take["state"] for take in found["takes"]] == ["differs"] * 3
    assert 20 < found["takes"][0]["psnr"] < 60
    assert found["differences"] == {"device": {"then": "paper", "now": "parchment"}}


def test_a_clip_is_made_again_from_its_card(three: Machine) -> None:
    facts = json.loads((three.folder / "films" / "three.json").read_text())
    second = next(take for take in facts["takes"] if take["name"].endswith("one/2"))
    clip = three.store / second["key"][:2] / f"{second['key']}.mp4"
    done = three.run("reproduce", str(clip), "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["takes"]) == 2, "what it carries on from is made again too"


def test_what_cannot_be_made_again_says_why(three: Machine) -> None:
    assert "nothing says how" in three.run("reproduce", "start.png").stderr
    (three.folder / "start.png").write_bytes(b"another")
    done = three.run("reproduce", "films/three.mp4")
    assert done.returncode == 2
    assert "not here as it was" in done.stderr
