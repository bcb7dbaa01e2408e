"""The part of the format that later releases brought, as its contract writes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from sora_cli.engines import catalogue
from sora_cli.flows import preflight
from sora_cli.plan import survey
from tests.storyboard.boards import board, problem, reading

LATER = """
narrator: {voice: en-us-2}        # speaks lines without `cast`
say: {Mara: "MAH-ra"}             # pronunciations
subtitles: track
sound: {ambience: rain on wood, music: score.wav, duck: 12, loudness: -16, leads: 0.5s}
policy: strict
review: {colour: 3, sharpness: 0.9, jump: 2}
executor: local                   # local | ray
cost: {power: 450 W, electricity: 0.30, hour: 2.50}
keyframes: {engine: flux-2-klein} # stills first, then motion
cast:
  mara: {looks: ..., voice: en-gb-1, consent: {who: ..., statement: ..., date: 2026-11-03, file: release.pdf}}
scenes:
  - shots:
      - name: arrival
        duration: spoken          # as long as its lines, with lead and tail
        keyframe: a still in words
        takes: {up to: 4, until: good}
        camera: {move: dolly in, speed: slow}
        beats:
          - prompt: "@mara looks up"
            pick: 2
            dialogue:
              - {cast: mara, line: "It is still burning.", at: 1.5s}
              - {line: "Nobody came.", file: narration.wav}
            sound: {words: thunder, at: 2s, level: -6}
      - name: new-hat
        edit: {of: arrival, from: 1s, to: 3s, region: [0.3, 0.1, 0.4, 0.3], prompt: a blue hat}
      - name: fork
        prompt: the path divides
        choices: [{say: Follow the light, go: lamp}, {say: Stay, go: pier}]
      - {name: lamp, prompt: the lamp turns, choices: pier}
      - {name: pier, prompt: the sea is calm}
"""


def test_all_of_them_are_understood(tmp_path: Path) -> None:
    for name in ("score.wav", "narration.wav", "release.pdf"):
        (tmp_path / name).touch()
    (tmp_path / "score.wav").touch()
    found = board(LATER, tmp_path)
    arrival, hat = found.shots[:2]
    assert (found.executor, found.subtitles) == ("local", "track")
    assert arrival.beats[0].spoken is not None
    assert (arrival.beats[0].takes, arrival.beats[0].pick) == (4, 2)
    assert [len(shot.keyframes) for shot in found.shots] == [1, 0, 1, 1, 1]
    assert hat.beats[0].edit is not None
    silent = replace(found, scenes=(replace(found.scenes[0], shots=found.shots[2:]),))
    (missing,) = survey(silent, catalogue.card).problems
    assert (missing.code, "flux-2-klein is not on this machine" in missing.message) == (3, True)


def test_beats_are_as_long_as_their_lines_where_their_shot_says_so() -> None:
    lines = "dialogue: [{line: Nobody came.}]"
    told = f"shots: [{{duration: {{lead: 1s}}, beats: [{{prompt: a, {lines}}}, {{prompt: b, duration: 2s}}]}}]"
    first, second = board(told).shots[0].beats
    assert first.spoken is not None
    assert (first.spoken.lead, second.spoken, second.duration is not None) == (1, None, True)
    found = problem(told.replace(", duration: 2s", ""))
    assert "board.yaml:1:87: nobody speaks in this beat, so it has no length" in found


def test_shots_of_one_name_are_told_and_planned_as_two() -> None:
    circle = "{name: a, prompt: x, from: b}, {name: b, prompt: y, from: a}"
    read = reading(f"shots: [{circle}, {{name: a, prompt: z}}, {{prompt: v, from: previous}}]")
    assert [each.message for each in read.problems][-1] == "a second shot called `a`"
    assert read.board is not None
    assert survey(read.board, catalogue.card).plan is not None


def test_a_cluster_without_ray_is_told_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (found,) = preflight.file_problems(board("executor: ray\nshots: [a red ball]"))
    assert (found.code, found.mark and found.mark.line) == (3, 1)
