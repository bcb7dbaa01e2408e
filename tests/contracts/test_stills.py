"""Stills by tiny checkpoints of the true classes, from the command line to the film that begins on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sora_cli import stamp
from sora_cli.cancel import Cancellation
from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Given, Take
from sora_cli.events import Silent
from sora_cli.flows.reproduce import reproduce
from sora_cli.media.read import open_film, read_frames
from sora_cli.store import Store
from tests.engines import tiny

BOARD = """\
title: Doors
engine: wan-vace
options: {steps: 1}
output: {size: 64x32, fps: 16}
keyframes: {engine: flux2-klein, options: {steps: 1}}
sound: {loudness: -40}
cast: {ball: {looks: a red ball, reference: ball.png}}
shots:
  - {name: ball, prompt: "@ball bounces", duration: 9f}
  - {name: door, prompt: the grass, duration: 5f, keyframe: {first: a red ball, last: on the grass}}
"""


@pytest.fixture
def home(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    tiny_card: Callable[[str], EngineCard],
) -> Path:
    """A folder with a storyboard and its models, by their names alone: who makes the film again has other paths."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "signing"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((80, 70, 3), (200, 30, 30), np.uint8)).save("ball.png")
    for name in ("wan-vace", "flux2-klein"):
        Path(name).symlink_to(tiny_card(name).location or "")
    Path("doors.yaml").write_text(BOARD)
    return tmp_path


def told(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def states(found: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(still["name"], still["number"], still["state"]) for still in found["stills"]]


def test_stills_are_shown_retaken_approved_and_the_film_begins_and_ends_on_them(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(["stills", "doors.yaml"], capsys)
    assert states(found) == [("ball", 1, "not approved"), ("door", 1, "not approved"), ("door/last", 1, "not approved")]
    assert [(still["start"], still["seconds"]) for still in found["stills"]] == [(0, 9 / 16), *[(9 / 16, 5 / 16)] * 2]
    with Image.open("doors.stills.png") as picture:
        assert picture.width == 1280
    first = [Path(still["clip"]) for still in found["stills"]]
    before = [clip.stat().st_mtime_ns for clip in first]

    note = Path("doors.yaml.stills.json").read_bytes()
    monkeypatch.setenv("SORA_COST", "hour: 1000")
    assert (
        "--max-cost leaves 0.00001"
        in told(["stills", "doors.yaml", "--again", "ball", "--max-cost", "0.00001"], capsys, code=2)["error"][
            "message"
        ]
    )
    assert Path("doors.yaml.stills.json").read_bytes() == note, "what is refused changes nothing"
    again = told(["stills", "doors.yaml", "--again", "ball", "--approve", "door"], capsys)
    assert states(again) == [("ball", 2, "not approved"), ("door", 1, "approved"), ("door/last", 1, "not approved")]
    assert Path(again["stills"][0]["clip"]) not in first
    assert [clip.stat().st_mtime_ns for clip in first] == before, "what is there is not made again"
    back = told(["stills", "doors.yaml", "--approve", "ball=1", "--approve", "door/last"], capsys)
    assert states(back) == [("ball", 1, "approved"), ("door", 1, "approved"), ("door/last", 1, "approved")]
    assert [Path(still["clip"]) for still in back["stills"]] == first

    film = told(["storyboard", "doors.yaml"], capsys)
    facts = json.loads(Path(film["sidecar"]).read_text())
    assert film["remarks"] == []
    assert [still["key"] for still in facts["stills"]] == [still["key"] for still in back["stills"]]
    one, two = facts["takes"]
    assert (one["from"]["takes"], one["to"]) == ([facts["stills"][0]["key"]], None)
    assert [two["from"]["takes"], two["to"]["takes"]] == [[still["key"]] for still in facts["stills"][1:]]
    parts = stamp.verify(Path(film["path"])).parts
    keyframes = [still["key"] for part in parts for still in part.parameters.get("keyframes", [])]
    assert keyframes == [still["key"] for still in facts["stills"]], "the credential tells them"
    outcome = reproduce(Path(film["path"]), Store(home / "store"), Silent(), Cancellation())
    assert outcome.agrees, outcome
    assert len(outcome.takes) == 5

    animatic = told(["stills", "doors.yaml", "--animatic"], capsys)
    assert json.loads(Path(animatic["sidecar"]).read_text())["recipe"]["animatic"] is True
    with open_film(Path(animatic["path"])) as reel:
        assert reel.facts.frames == film["frames"] == 14
    frames = read_frames(Path(animatic["path"]), 0, 14).astype(int)
    steps = [int(np.abs(frames[number] - frames[number - 1]).mean()) for number in range(1, 14)]
    assert sorted(np.argsort(steps)[-2:] + 1) == [9, 12], "cuts are where shots begin, and where the last still does"


@pytest.mark.usefixtures("home")
def test_what_cannot_be_done_with_stills_is_said_and_no_file_of_others_is_replaced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("none.yaml").write_text("shots: [a red ball]\n")
    Path("one.yaml").write_text("stills: {a: 2}\nshots: [{name: a, prompt: a red ball, keyframe: on}]\n")

    def refused(*words: str) -> str:
        return str(told(["stills", *words], capsys, code=2)["error"]["message"])

    assert refused("none.yaml") == "no shot of none.yaml begins on a still"
    assert refused("one.yaml", "--approve", "b") == "there is no still b"
    assert refused("one.yaml", "--approve", "a") == "there is no still 2 of a to approve"
    assert refused("one.yaml", "--approve", "a=x") == "there is no still x of a to approve"
    assert refused("one.yaml", "--again", "a") == "`stills` in the storyboard says which a is used"
    assert refused("doors.yaml", "--again", "ball", "--approve", "ball") == "ball is in both --again and --approve"
    assert refused("one.yaml", "-o", "one.jpg").endswith("its name must end in .png")
    Image.new("RGB", (9, 9)).save("mine.png")
    assert refused("one.yaml", "-o", "mine.png").startswith("mine.png is there already")
    Path("one.yaml.stills.json").write_text('{"stills": {}}')
    assert refused("one.yaml").startswith("one.yaml.stills.json is there already")


@pytest.mark.parametrize("name", ["qwen-image", "sana"])
def test_a_model_of_pictures_heeds_seed_words_and_what_to_avoid(
    name: str, tiny_card: Callable[[str], EngineCard]
) -> None:
    engine = catalogue.open_engine(tiny_card(name))
    width, height = tiny.size_of(engine.card)

    def still(seed: int = 1, prompt: str = "a red ball", avoid: str = "") -> bytes:
        take = Take(
            name="still", key="k", engine=name, revision="", prompt=prompt, avoid=avoid, width=width, height=height,
            fps=engine.card.fps, frames=1, skip=0, play=1, seed=seed, options={"steps": 1},
        )  # fmt: skip
        return engine.generate(take, Given(), lambda _step, _of: None).frames.tobytes()

    made = {still(), still(seed=2), still(prompt="the grass"), still(avoid="bad")}
    assert len(made) == 4
    assert still() in made
