"""Finals that go on from drafts: what was looked at is what comes, and a draft that is not there is told first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.cli.main import main
from sora_cli.engines.base import Ability, Footage, Given, Progress, Take
from sora_cli.events import Silent
from sora_cli.flows import preflight
from sora_cli.plan.data import TakeFields
from sora_cli.shoot.camera import Job
from sora_cli.shoot.hire import CameraRunner
from sora_cli.store import Store
from tests.boards import CARD, catalogue
from tests.test_film import Greys

BOARD = """\
look: off
output: {size: 96x64}
seed: 1
shots:
  - {name: one, prompt: dark, duration: 1s, takes: 2}
  - {name: two, beats: [{prompt: light, duration: 1s}, {prompt: white, duration: 1s}]}
"""
FINAL = ["storyboard", "board.yaml", "--from-draft", "-o", "final.mp4"]


class Goes(Greys):
    """Frames in the grey of the prompt; with known frames to begin with, these, brighter by what is laid over them."""

    begun: ClassVar[list[Take]] = []

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        made = super().generate(take, given, progress)
        if given.start is None or take.start is None:
            return made
        self.begun.append(take)
        assert given.start.shape == made.frames.shape
        return replace(made, frames=given.start + np.uint8(round(10 * take.start.strength)))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue())
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Goes(card))
    monkeypatch.setattr(Goes, "begun", [])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "board.yaml").write_text(BOARD)
    return tmp_path


def test_finals_begin_with_the_drafts_frames_and_both_are_known_by_their_keys(home: Path) -> None:
    assert main(["storyboard", "board.yaml", "--draft", "-o", "draft.mp4"]) == 0
    assert not Goes.begun
    assert main([*FINAL, "--strength", "0.4"]) == 0
    names = ["scene-1/one", "scene-1/one#2", "scene-1/two/1", "scene-1/two/2"]
    assert [take.name for take in Goes.begun] == names
    assert {(take.width, take.height) for take in Goes.begun} == {(96, 64)}, "the draft's are half as wide"
    store = Store(home / "store")
    drawn = {take["key"]: take for take in json.loads((home / "draft.mp4.sora.json").read_text())["takes"]}
    for take in Goes.begun:
        assert take.start is not None
        assert take.start.strength == 0.4
        assert set(take.start.takes) <= drawn.keys(), "both candidates of the draft's own take, no others"
        card = store.card(take.key)
        assert card is not None
        assert set(card.given) & set(take.start.takes)
        fields = TakeFields.from_dict(card.fields, "a card")
        assert (fields.take_key, fields.start and fields.start.start) == (take.key, take.start)
        best = max(take.start.takes, key=lambda key: drawn[key]["score"])
        assert best in card.given, "the one that played"
    assert json.loads((home / "final.mp4.sora.json").read_text())["recipe"]["from_draft"] == 0.4
    Goes.begun.clear()
    assert main([*FINAL, "--strength", "0.4"]) == 0
    assert not Goes.begun


class Recorded:
    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs

    def __call__(self, job: Job) -> None:
        self._jobs.append(job)

    def close(self) -> None:
        pass


def test_a_worker_elsewhere_finds_the_draft_in_its_own_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["storyboard", "board.yaml", "--draft", "-o", "draft.mp4"]) == 0
    store, jobs = Store(home / "store"), list[Job]()
    monkeypatch.setattr("sora_cli.shoot.hire._camera", lambda *_: Recorded(jobs))
    plan = preflight.plan_of(replace(preflight.load(home / "board.yaml", sets={}), from_draft=0.5))
    take = next(take for take in plan.takes if take.start is not None)
    drawn = store.find(take.start.takes[0]) if take.start else None
    assert drawn is not None
    away = replace(drawn, path=Path("/elsewhere") / drawn.path.name)
    runner = CameraRunner(store)
    runner(Job(take, plan.cards[take.engine], Silent(), draft=away), lambda _: None)
    assert jobs[0].draft == drawn
    assert store.alone() is None, "a worker uses it"
    runner.close()
    with store.alone() or pytest.fail("nobody uses it any more"):
        pass


@pytest.mark.long
def test_a_final_is_made_again_with_its_draft(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["storyboard", "board.yaml", "--draft", "-o", "draft.mp4"]) == 0
    assert main(FINAL) == 0
    capsys.readouterr()
    assert main(["reproduce", "final.mp4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["film"]["state"] == "agrees"


def test_a_draft_that_is_not_there_is_told_before_any_work(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(told: str) -> bool:
        capsys.readouterr()
        assert main(["plan", "board.yaml", "--from-draft"]) == 2
        error = capsys.readouterr().err
        return f"no draft of {told} as" in error and "--draft" in error

    assert refused("scene-1/one, scene-1/two/1, scene-1/two/2")
    assert main(FINAL) == 2
    assert main(["storyboard", "board.yaml", "--draft", "-o", "draft.mp4"]) == 0
    changes = {
        ("prompt: white", "prompt: black"): "scene-1/two/2",
        ("prompt: light", "prompt: black"): "scene-1/two/1, scene-1/two/2",  # which carries on from the first
        ("seed: 1", "seed: 7"): "scene-1/one, scene-1/two/1, scene-1/two/2",
    }
    for change, told in changes.items():
        (home / "board.yaml").write_text(BOARD.replace(*change))
        assert refused(told)
    assert main(FINAL) == 2
    assert not Goes.begun
    assert not (home / "final.mp4").exists()


def test_one_shot_goes_on_from_its_draft() -> None:
    words = ["generate", "dark", "--size", "96x64", "--duration", "1s"]
    assert main([*words, "--draft", "-o", "draft.mp4"]) == 0
    assert main([*words, "--from-draft", "-o", "final.mp4"]) == 0
    assert [take.start and take.start.strength for take in Goes.begun] == [0.5]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--draft"], "exclude each other"),
        (["--strength", "0"], "it must be over 0"),
        (["--strength", "1.2"], "it must be over 0"),
        (["--strength", "nan"], "it must be over 0"),
    ],
)
def test_what_cannot_be_asked_of_it_is_told(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FINAL, *words]) == 2
    assert told in capsys.readouterr().err
    assert main(["storyboard", "board.yaml", "--strength", "0.5"]) == 2


def test_an_engine_that_begins_with_noise_alone_is_refused_at_its_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    able = CARD.abilities - {Ability.VIDEO}
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(abilities=able))
    (home / "board.yaml").write_text(BOARD + "engine: test\n")
    assert main(FINAL) == 2
    error = capsys.readouterr().err
    assert "board.yaml:7:9: engine test cannot go on from a draft" in error


def test_keys_of_what_goes_on_from_no_draft_stay_as_they_were(home: Path) -> None:
    board = preflight.load(home / "board.yaml", sets={})
    plain, begun = preflight.plan_of(board), preflight.plan_of(replace(board, from_draft=0.5))
    assert all("start" not in TakeFields.of(take).to_dict() for take in plain.takes)
    assert not {take.key for take in plain.takes} & {take.key for take in begun.takes}
