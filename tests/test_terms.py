"""The terms of film: one meaning under all their names, in phrases and in mappings; other words stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sora_cli import terms
from sora_cli.engines.cards.nano import NANO
from sora_cli.plan.survey import plan_takes
from sora_cli.storyboard import read_text
from sora_cli.storyboard.direction import loose_words
from sora_cli.storyboard.model import Beat
from tests.boards import board, catalogue


def beat(**keys: Any) -> Beat:
    return board({"prompt": "a", **keys}).shots[0].beats[0]


@pytest.mark.parametrize("kind", terms.TABLE)
def test_every_name_of_a_term_means_it(kind: str) -> None:
    for name, words in terms.TABLE[kind].items():
        for each in (name, *words, name.upper(), f"a {name} shot"):
            found = terms.find(kind, each)
            assert found is not None, each
            assert found.name == name, each


@pytest.mark.parametrize("move", terms.MOVES)
@pytest.mark.parametrize(("speed", "adverb"), [("", ""), ("slow", "slowly"), ("fast", "quickly")])
def test_every_move_is_read_at_every_speed(move: str, speed: str, adverb: str) -> None:
    handheld = move == "handheld"
    expected = terms.CameraMove(() if handheld else (move,), speed, handheld)
    assert terms.camera(f"{speed} {move}") == terms.camera(f"the camera {move} {adverb}") == expected


@pytest.mark.parametrize(
    ("phrase", "moves"),
    [
        ("the camera slowly pans from left to right", ("pan right",)),
        ("push in, then tilt up", ("dolly in", "tilt up")),
        ("left pan", ("pan left",)),
        ("tracking shot", ("follow",)),
        ("camera moves forward", ("dolly in",)),
        ("locked off", ("static",)),
        ("dollying back", ("dolly out",)),
    ],
)
def test_the_camera_in_a_film_makers_words(phrase: str, moves: tuple[str, ...]) -> None:
    found = terms.camera(phrase)
    assert found is not None
    assert found.moves == moves


@pytest.mark.parametrize("phrase", ["pan up the wall of the tower", "behind her shoulder", "pan", "tilt left", ""])
def test_what_says_more_than_terms_is_no_term(phrase: str) -> None:
    assert terms.camera(phrase) is None


def test_light_is_read_whatever_its_order() -> None:
    told = [terms.light(phrase) for phrase in ("dawn, soft", "soft dawn light", "soft light at dawn")]
    assert told[0] == told[1] == told[2] is not None
    assert terms.light("the sun goes down") is None


def test_a_mapping_means_what_its_words_in_a_row_mean() -> None:
    for camera, words in (
        ({"move": "dolly in", "speed": "slow"}, "slow dolly in"),
        ({"move": "pan", "direction": "left"}, "pan left"),
    ):
        assert beat(camera=camera) == beat(camera=words)
        takes = [plan_takes(board({"prompt": "a", "camera": each}), catalogue()).takes for each in (camera, words)]
        assert takes[0] == takes[1]
    light = beat(light={"key": "soft", "colour": "warm", "hour": "dawn"}).light
    assert terms.light(light) == terms.light("warm soft dawn light")
    assert beat(framing="Close-up").framing == beat(framing="close").framing == "close"


def test_other_words_stay_and_are_told_at_their_line() -> None:
    text = (
        "framing: wyde\nshots:\n  - {prompt: a, camera: slwo pan left, lens: 35mm}\n  - {prompt: b, pace: jumpy}\n"
        "  - {prompt: c, light: the lamp of the bar, camera: behind her, framing: wide}\n  - {prompt: d, camera: spin}"
    )
    found = read_text(text, folder=Path(), name="x").board
    assert found is not None
    assert [(told.mark and told.mark.line, told.message.split(" ")[0], told.hint) for told in loose_words(found)] == [
        (1, "`wyde`", "did you mean `wide`?"),
        (3, "`slwo", "did you mean `slow pan left`?"),
        (4, "`jumpy`", ""),
        (6, "`spin`", ""),
    ]
    assert found.shots[0].beats[0].camera == "slwo pan left"


def test_nanos_words_for_camera_and_framing_are_terms() -> None:
    known = set((NANO / "words.txt").read_text().split())
    moves = (
        "pan left",
        "tilt up",
        "zoom in",
        "dolly in",
        "push in",
        "pull back",
        "orbits",
        "crane up",
        "tracking",
        "static",
    )
    assert all(set(move.split()) <= known and terms.camera(move) for move in moves)
    framings = ("wide", "medium", "full", "close", "closeup", "aerial", "over the shoulder")
    assert all(set(framing.split()) <= known | {"the"} and terms.find("framing", framing) for framing in framings)


@pytest.mark.parametrize(
    ("phrase", "meant"),
    [("pan", "pan left, pan right"), ("slow zoom", "zoom in, zoom out"), ("the camera tilts", "tilt up, tilt down")],
)
def test_a_camera_that_moves_nowhere_is_asked_for_its_way(phrase: str, meant: str) -> None:
    reading = read_text(f"shots: [{{prompt: a, camera: {phrase}}}]", folder=Path(), name="x")
    assert reading.board is not None
    (remark,) = loose_words(reading.board)
    assert remark.hint.startswith(f"say which way: {meant}")


def test_unknown_keys_of_a_camera_are_told() -> None:
    reading = read_text("shots: [{prompt: a, camera: {move: pan, spede: slow}}]", folder=Path(), name="x")
    assert [problem.hint for problem in reading.problems] == ["did you mean `speed`?"]
