"""What a shot's colour is held to: one rule for the plan, the grade and the credential."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sora_cli.engines.dialect import PLAIN
from sora_cli.plan import plan_takes
from sora_cli.plan.anchors import anchors_of, matched_to
from sora_cli.plan.slugline import UNSAID, Slugline, slugline
from sora_cli.record.film import ShotRecord
from sora_cli.storyboard.model import Look, Storyboard
from tests.boards import board, catalogue
from tests.storyboard.boards import board as written

LOOKS = st.builds(Look, match=st.sampled_from(["scene", "film", "previous", "off"]), strength=st.sampled_from([0, 0.5]))


@dataclass(frozen=True)
class Shot:
    scene: str
    look: Look = field(default_factory=Look)
    slugline: Slugline = UNSAID


def test_the_anchor_is_the_first_shot_of_the_scene_or_the_film_or_the_one_before() -> None:
    shots = [Shot("a"), Shot("a"), Shot("b"), Shot("b", Look("film")), Shot("b", Look("previous")), Shot("b")]
    assert anchors_of(shots) == [None, 0, None, 0, 3, 2]


def test_what_is_not_matched_has_no_anchor_and_is_not_told() -> None:
    shots = [Shot("a"), Shot("a", Look("off")), Shot("a", Look(strength=0)), Shot("b", Look("previous", strength=0))]
    assert anchors_of(shots) == [None] * 4
    assert not matched_to(shots)


def test_a_credential_names_the_file_or_the_kind_of_anchor() -> None:
    shots = [Shot("a", Look("picture", Path("refs/warm.png"))), Shot("a"), Shot("a", Look("lut", Path("x.cube"), 0))]
    assert matched_to(shots) == "matched to: scene, warm.png"


@given(st.lists(st.builds(Shot, st.sampled_from("abc"), LOOKS), max_size=12))
def test_an_anchor_stands_before_its_shot_and_a_scenes_in_that_scene(shots: list[Shot]) -> None:
    for index, anchor in enumerate(anchors_of(shots)):
        if anchor is not None:
            assert anchor < index
            if shots[index].look.match == "scene":
                assert anchor == [shot.scene for shot in shots].index(shots[index].scene)


def anchors_in(board: Storyboard) -> list[int | None]:
    return anchors_of([Shot(s.name, shot.look, slugline(shot)) for s in board.scenes for shot in s.shots if shot.beats])


@pytest.mark.parametrize(
    ("prompts", "anchors"),
    [
        (["a ball on the grass, day", "the ball by the sea at sunset", "a boat on the sea, dusk"], [None, None, 1]),
        (["a ball bounces", "the ball rolls by day", "the ball rests at night", "the ball jumps"], [None, 0, None, 0]),
        (["a ball bounces at night", "the ball rolls", "the moonlit ball rests"], [None, 0, 0]),
        (["a ball in the deep snow", "the ball in a kitchen", "the ball in the snow", "the ball"], [None, None, 0, 0]),
        (["she paints the sea in a room", "she looks at the picture of a forest"], [None, 0]),
        (["a Sunday drive", "a holiday in spring", "knights at breakfast"], [None, 0, 0]),
    ],
)  # fmt: skip
def test_a_shot_is_not_held_to_another_hour_or_place(prompts: list[str], anchors: list[int | None]) -> None:
    assert anchors_in(written("shots:\n" + "".join(f"  - {prompt}\n" for prompt in prompts))) == anchors


def test_the_nearest_words_name_the_hour_and_the_setting_names_the_place() -> None:
    found = written("""
scenes:
  - setting: a beach at sunset
    shots: [she walks, she sleeps at night, {prompt: she wakes, light: daylight}, she eats in the town]
""")
    assert anchors_in(found) == [None, None, None, 0]


def test_a_record_tells_which_shots_a_review_holds_together() -> None:
    shots = ["a ball by day", "the ball at night", {"title": "The end"}, "the ball under a night sky"]
    planned = plan_takes(board(*shots), catalogue())
    told = [shot.like for shot in ShotRecord.every(planned.shots)]
    assert told == ["shot-1", "shot-2", "shot-3", "shot-2"]


def test_an_engine_that_must_be_told_the_hour_is_told_that_of_the_scene_or_day() -> None:
    shots = ["a ball", {"beats": ["a ball at night", "it rolls"]}, {"prompt": "a ball", "from": "previous"}]
    scenes = [{"shots": shots}, {"shots": ["a ball at dusk", "a ball", {"prompt": "a ball", "light": "warm light"}]}]
    dialect = replace(PLAIN, lights={"day": "day", "low sun": "sunset", "night": "night"})
    told = [take.prompt for take in plan_takes(board(scenes=scenes), catalogue(dialect=dialect)).takes]
    assert told == [
        "day. a ball", "a ball at night", "it rolls", "a ball",
        "a ball at dusk", "sunset. a ball", "warm light. a ball",
    ]  # fmt: skip
    assert plan_takes(board("a ball"), catalogue()).takes[0].prompt == "a ball"
