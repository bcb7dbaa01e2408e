"""The storyboards that come with sora, the starter, and the format's own examples: all parse without a word."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from sora_cli.cli.main import main
from sora_cli.storyboard import load, not_rendered_yet, read, starter
from tests.storyboard.boards import board

STORIES = sorted((Path(__file__).parents[2] / "storyboards").glob("*.yaml"))

WHOLE = """
storyboard: 1
title: First Light
seed: 7
engine: nano
options: {steps: 24}
output: {size: 256x160, fps: 12}
style: paper cut-out animation, warm palette
avoid: text, logos
cast:
  mara:
    looks: a woman in her thirties with red hair and a blue raincoat
    reference: refs/mara.png
    voice: en-gb-1
look: {match: scene, strength: 0.8}
sound: {ambience: rain on wood, music: score.wav, loudness: -16}
provenance:
  author: Jane Doe
  watermark: {text: "made with sora", opacity: 0.5}
  training: not-allowed
policy: standard
vars: {hero: red}
scenes:
  - name: harbour
    setting: a rainy harbour at dusk
    shots:
      - name: arrival
        framing: wide
        camera: slow pan left
        beats:
          - prompt: "@mara walks along the pier"
            duration: 4s
            dialogue:
              - {cast: mara, line: "It is still burning.", at: 1.5s}
            sound: footsteps on wet wood
          - prompt: "@mara stops and looks up at the light"
            duration: 3s
      - name: lamp
        prompt: the lamp of the lighthouse turns
        duration: 2s
        from: refs/lamp.png
        takes: 3
        transition: dissolve 0.5s
"""


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_is_right_and_wholly_rendered(path: Path) -> None:
    assert not_rendered_yet(load(path)) == ()


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_check_has_nothing_to_say_of_a_story(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path)]) == 0
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_there_are_at_least_four_and_the_first_shows_what_it_should() -> None:
    assert len(STORIES) >= 4
    film = load(Path(__file__).parents[2] / "storyboards" / "first-light.yaml")
    assert len(film.shots) >= 6
    assert any(len(shot.beats) >= 2 for shot in film.shots)
    assert {"dissolve", "fade"} <= {shot.transition.kind for shot in film.shots}
    assert any(member.references for member in film.cast.values())
    lengths = [beat.duration.seconds for shot in film.shots for beat in shot.beats if beat.duration]
    overlaps = [shot.transition.duration.seconds or 0 for shot in film.shots]
    assert 12 <= sum(length or 0 for length in lengths) - sum(overlaps, Fraction(0)) <= 16


def test_the_starter_needs_no_files_and_is_wholly_rendered(tmp_path: Path) -> None:
    (tmp_path / "storyboard.yaml").write_text(starter(), encoding="utf-8")
    assert read(tmp_path / "storyboard.yaml").problems == ()
    assert not_rendered_yet(load(tmp_path / "storyboard.yaml", sets={"colour": "blue"})) == ()
    assert starter().count("\n") <= 60


def test_the_formats_example(tmp_path: Path) -> None:
    (tmp_path / "refs").mkdir()
    for name in ("refs/mara.png", "refs/lamp.png", "score.wav"):
        (tmp_path / name).touch()
    film = board(WHOLE, tmp_path)
    arrival, lamp = film.shots
    first = arrival.beats[0]
    assert (first.setting, first.framing, first.camera) == ("a rainy harbour at dusk", "wide", "slow pan left")
    assert (first.cast, first.references, first.sound_text) == (
        ("mara",), (tmp_path / "refs/mara.png",), "footsteps on wet wood",
    )  # fmt: skip
    assert first.dialogue[0].at == Fraction(3, 2)
    assert (lamp.transition.kind, lamp.beats[0].takes) == ("dissolve", 3)
    assert not_rendered_yet(film) == ()
